/*
 * test_protocol.c - the lines of the control socket.
 */
#include "admin/client.h"
#include "admin/protocol.h"
#include "base/log.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

Test(protocol, any_octets_become_a_json_text)
{
	static const struct {
		const char *in;
		size_t n;
		const char *want;
	} cases[] = {
		{ "", 0, "" },
		{ "abc", 3, "abc" },
		{ "\xc3\xa4", 2, "\xc3\xa4" },
		{ "\xc3", 1, "\\xc3" },
		{ "a\xff\xfe", 3, "a\\xff\\xfe" },
		{ "a\0b", 3, "a\\x00b" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *t = admin_json_text(str_n(cases[i].in, cases[i].n));

		cr_assert_not_null(t);
		cr_expect_str_eq(json_string_value(t), cases[i].want);
		json_decref(t);
	}
}

Test(protocol, lines_come_whole_wherever_they_are_cut)
{
	static const char wire[] = "{\"a\":1}\n{\"b\":\"x\"}\nnot json\n[1]\n";
	struct buf in;
	bool bad;
	json_t *line;

	for (size_t cut = 0; cut < sizeof(wire); cut++) {
		size_t lines = 0, refused = 0;

		buf_init(&in, ADMIN_REQUEST_MAX);
		for (size_t part = 0; part < 2; part++) {
			size_t from = part == 0 ? 0 : cut;
			size_t to = part == 0 ? cut : sizeof(wire) - 1;

			if (to > from)
				buf_add(&in, wire + from, to - from);
			for (;;) {
				line = admin_take_line(&in, &bad);
				if (line == NULL && !bad)
					break;
				lines += line != NULL;
				refused += bad;
				json_decref(line);
			}
		}
		cr_expect_eq(lines, 2, "cut at %zu", cut);
		cr_expect_eq(refused, 2, "cut at %zu", cut);
		buf_fini(&in);
	}
}

Test(protocol, a_line_that_does_not_fit_is_left_out_whole)
{
	struct buf out;

	buf_init(&out, 16);
	cr_expect(admin_put_line(&out, json_pack("{s:i}", "a", 1)));
	cr_expect_not(admin_put_line(
	    &out, json_pack("{s:s}", "a", "much too long for this")));
	cr_expect(admin_put_line(&out, json_pack("{s:i}", "b", 2)));
	cr_expect_eq(out.n, 16);
	cr_expect_arr_eq(out.p, "{\"a\":1}\n{\"b\":2}\n", 16);
	buf_fini(&out);
}

Test(protocol, codes_survive_the_way)
{
	for (int rc = PST_OK; rc <= PST_E_UNSUPPORTED; rc++)
		cr_expect_eq(admin_rc_of(rc_name((enum pst_rc)rc)), rc);
	cr_expect_eq(admin_rc_of("no such word"), PST_E_TEMP);
	cr_expect_eq(admin_rc_of(NULL), PST_E_TEMP);
}

/* sun_path holds 107 octets; a sandbox may be deeper than that. */
Test(protocol, a_socket_with_a_long_path_is_reached)
{
	char dir[] = "/tmp/postern-protocol-XXXXXX", path[400];
	struct admin_connection conn;
	struct sockaddr_un sun;
	struct pst_error err;
	int fd, dir_fd;

	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/%0150d", dir, 1);
	cr_assert_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/%0150d/control", dir, 1);

	cr_assert(admin_socket_address(path, &sun, &dir_fd));
	cr_assert_geq(dir_fd, 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	(void)close(dir_fd);

	cr_expect_eq(admin_connect(path, &conn, &err), PST_OK);
	admin_disconnect(&conn);
	(void)close(fd);
	cr_expect_eq(admin_connect(path, &conn, &err), PST_E_NOTFOUND);

	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	(void)rmdir(dir);
}
