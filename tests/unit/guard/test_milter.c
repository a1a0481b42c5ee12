/*
 * Packets of the milter protocol, and a message that milters change.
 */
#include "base/network.h"
#include "base/str.h"
#include "guard/milter_macros.h"
#include "guard/milter_message.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/un.h>

#define DATA(literal) ((struct pst_str){ (literal), sizeof(literal) - 1 })

/* --- packets ----------------------------------------------------------------
 */

Test(milter_packet, is_put_together_and_taken_apart)
{
	struct milter_packet p;
	struct buf out;
	size_t used, begun;

	buf_init(&out, 1000);
	begun = milter_begin(&out, MILTER_HEADER);
	milter_put_text(&out, STR("Subject"));
	milter_put_text(&out, DATA("cut\0off"));
	milter_end(&out, begun);
	milter_put(&out, MILTER_END);
	cr_expect(
	    str_eq(buf_str(&out), DATA("\0\0\0\x0dLSubject\0cut\0\0\0\0\1E")));
	for (size_t n = 0; n < 17; n++)
		cr_expect_eq(
		    milter_take(str_first(buf_str(&out), n), &p, &used),
		    MILTER_NEEDS_MORE, "%zu octets", n);
	cr_assert_eq(milter_take(buf_str(&out), &p, &used), MILTER_TAKEN);
	cr_expect_eq(used, 17);
	cr_expect_eq(p.kind, 'L');
	cr_expect(str_eq(p.data, DATA("Subject\0cut\0")));
	buf_fini(&out);
}

Test(milter_packet, has_a_possible_length)
{
	struct milter_packet p;
	size_t used;

	cr_expect_eq(milter_take(DATA("\0\0\0\0"), &p, &used), MILTER_BROKEN);
	cr_expect_eq(milter_take(DATA("\0\x10\0\1"), &p, &used), MILTER_BROKEN);
	cr_expect_eq(
	    milter_take(DATA("\0\x10\0\0"), &p, &used), MILTER_NEEDS_MORE);
	cr_expect_eq(milter_take(DATA("\0\0\0\1c"), &p, &used), MILTER_TAKEN);
	cr_expect_eq(p.data.n, 0);
}

Test(milter_packet, options)
{
	struct milter_options o;

	cr_expect(
	    milter_parse_options(DATA("\0\0\0\6\0\0\1\xff\0\x1f\xf7\xff"), &o));
	cr_expect_eq(o.version, 6);
	cr_expect_eq(o.actions, 0x1ff);
	cr_expect_eq(o.steps, 0x1ff7ff);
	cr_expect_null(o.macros[0].p);
	cr_expect(milter_parse_options(
	    DATA("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\2i j\0\0\0\0\x63x\0"), &o));
	cr_expect(str_is(o.macros[2], "i j"));
	/* Version 2 means nothing by the higher steps. */
	cr_expect(milter_parse_options(DATA("\0\0\0\2\0\0\0\1\0\0\0\xff"), &o));
	cr_expect_eq(o.steps, 0x7f);
	cr_expect(!milter_parse_options(DATA("\0\0\0\6\0\0\0\1\0\0\0"), &o));
	cr_expect(!milter_parse_options(DATA("\0\0\0\7\0\0\0\1\0\0\0\0"), &o));
	cr_expect(!milter_parse_options(DATA("\0\0\0\1\0\0\0\1\0\0\0\0"), &o));
	cr_expect(!milter_parse_options(DATA("\0\0\0\6\0\0\2\0\0\0\0\0"), &o));
	cr_expect(
	    !milter_parse_options(DATA("\0\0\0\6\0\0\0\1\0\0\x08\0"), &o));
	cr_expect(!milter_parse_options(
	    DATA("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\2i j"), &o));
}

Test(milter_packet, changes)
{
	struct milter_packet p = { 'm', DATA("\0\0\0\2X\0y z\0") };
	struct milter_change c;

	cr_assert(milter_parse_change(&p, &c));
	cr_expect_eq(c.index, 2);
	cr_expect(str_is(c.name, "X") && str_is(c.text, "y z"));
	cr_expect_eq(milter_change_needs(&c), MILTER_MAY_CHANGE_HEADERS);
	p = (struct milter_packet){ '2', DATA("a@b\0NOTIFY=NEVER\0") };
	cr_assert(milter_parse_change(&p, &c));
	cr_expect(str_is(c.text, "NOTIFY=NEVER"));
	p = (struct milter_packet){ 'e', DATA("<>\0") };
	cr_expect(milter_parse_change(&p, &c));
	p = (struct milter_packet){ '+', DATA("a@b") };
	cr_expect(!milter_parse_change(&p, &c));
	p = (struct milter_packet){ 'h', DATA("X\0y\0z\0") };
	cr_expect(!milter_parse_change(&p, &c));
	p = (struct milter_packet){ 'c', DATA("") };
	cr_expect(!milter_parse_change(&p, &c));
}

Test(milter_packet, replies)
{
	static const struct {
		const char *data, *want;
	} cases[] = {
		{ "550 5.7.1 no", "550 5.7.1 no" },
		{ "451 4.7.1 no\r\n", "451 4.7.1 no" },
		{ "550 no", "550 5.7.1 no" },
		{ "450 5.7.1 no", "450 4.7.1 5.7.1 no" },
		{ "550 5.7 no", "550 5.7.1 5.7 no" },
		{ "550 5.7.1234 no", "550 5.7.1 5.7.1234 no" },
		{ "550", "550 5.7.1 " },
		{ "550-a\r\n550 b", "550-5.7.1 a\r\n550 5.7.1 b" },
		{ "550 a\n550 b", "550-5.7.1 a\r\n550 5.7.1 b" },
		{ "550 100%% sure%", "550 5.7.1 100% sure%" },
		{ "550 \xc3\xa4\ttab", "550 5.7.1 ???tab" },
		{ "250 2.0.0 ok", NULL },
		{ "354 go on", NULL },
		{ "55 no", NULL },
		{ "5x0 no", NULL },
		{ "550no", NULL },
		{ "550 a\n551 b", NULL },
		{ "550 a\n\n550 b", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		bool good;

		buf_init(&out, MILTER_REPLY_MAX);
		good = milter_parse_reply(
		    str_n(cases[i].data, strlen(cases[i].data) + 1), &out);
		cr_expect_eq(good, cases[i].want != NULL, "%s", cases[i].data);
		if (good && cases[i].want != NULL)
			cr_expect(str_is(buf_str(&out), cases[i].want),
			    "%s gives %.*s", cases[i].data,
			    STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

Test(milter_macros, those_that_are_wanted)
{
	struct milter_macros m = { .n = 0 };
	struct buf out;

	milter_macro_set(&m, "i", STR("ID"));
	milter_macro_set(&m, "{mail_addr}", STR("a@b"));
	milter_macro_set(&m, "{auth_authen}", STR("ann"));
	milter_macro_set(&m, "{auth_authen}", STR_NONE);
	buf_init(&out, 1000);
	milter_macros_put(&m, MILTER_AT_MAIL, STR_NONE, MILTER_MAIL, &out);
	cr_expect(str_eq(buf_str(&out), DATA("\0\0\0\x17"
					     "DMi\0ID\0{mail_addr}\0a@b\0")));
	buf_clear(&out);
	milter_macros_put(
	    &m, MILTER_AT_MAIL, STR("mail_addr {i} x"), MILTER_MAIL, &out);
	cr_expect(str_eq(buf_str(&out), DATA("\0\0\0\x17"
					     "DM{mail_addr}\0a@b\0i\0ID\0")));
	buf_clear(&out);
	milter_macros_put(&m, MILTER_AT_MAIL, STR(""), MILTER_MAIL, &out);
	cr_expect(str_eq(buf_str(&out), DATA("\0\0\0\2DM")));
	buf_fini(&out);
	milter_macros_fini(&m);
}

/* --- sockets ----------------------------------------------------------------
 */

Test(milter_socket, texts)
{
	struct sockaddr_storage to;
	struct sockaddr_in *v4 = (void *)&to;
	struct sockaddr_in6 *v6 = (void *)&to;
	struct sockaddr_un *un = (void *)&to;
	static const char *const bad[] = { "", "unix:", "unix:relative",
		"inet:25", "inet:@127.0.0.1", "inet:0@127.0.0.1",
		"inet:65536@127.0.0.1", "inet:25@host.example", "tcp:25@::1",
		"127.0.0.1:25" };
	char path[200];
	socklen_t n;

	cr_assert(network_socket("inet:11332@127.0.0.1", &to, &n));
	cr_expect_eq(to.ss_family, AF_INET);
	cr_expect_eq(ntohs(v4->sin_port), 11332);
	cr_expect_eq(ntohl(v4->sin_addr.s_addr), INADDR_LOOPBACK);
	cr_expect(network_socket("inet:25@localhost", &to, &n));
	cr_assert(network_socket("inet6:25@::1", &to, &n));
	cr_expect_eq(to.ss_family, AF_INET6);
	cr_expect_eq(ntohs(v6->sin6_port), 25);
	cr_assert(network_socket("unix:/run/x", &to, &n));
	cr_expect_eq(to.ss_family, AF_UNIX);
	cr_expect_str_eq(un->sun_path, "/run/x");
	cr_expect(network_socket("local:/run/x", &to, &n));
	cr_expect(network_socket("/run/x", &to, &n));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(!network_socket(bad[i], &to, &n), "%s", bad[i]);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[199] = '\0';
	cr_expect(!network_socket(path, &to, &n));
}

/* --- the message ------------------------------------------------------------
 */

static enum pst_rc
add(void *arg, const void *p, size_t n)
{
	(void)buf_add(arg, p, n);
	return PST_OK;
}

static struct config *
configured(void)
{
	static const struct config_override set[] = {
		{ "hostname", "us.example" },
		{ "state_dir", "/tmp" },
		{ "limits.header_size", "4096" },
		{ "trust.memory", "16K" },
		{ "listener.x.port", "25" },
	};
	struct pst_error err = { 0 };
	struct config *cfg = config_parse("", set, 5, NULL, NULL, &err);

	cr_assert(cfg != NULL, "%s", err.detail);
	return cfg;
}

static struct milter_message *
message(const struct config *cfg, const char *text, bool foreign)
{
	struct milter_message *m = milter_message_new(cfg, foreign);
	struct pst_error err = { 0 };

	for (; *text != '\0'; text++)
		cr_assert_eq(milter_message_add(m, text, 1, &err), PST_OK);
	cr_assert_eq(milter_message_end(m, &err), PST_OK);
	return m;
}

static void
expect(struct milter_message *m, const char *top, const char *rest)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	milter_message_top(m, &out);
	cr_expect(
	    str_is(buf_str(&out), top), "top is %.*s", STR_ARG(buf_str(&out)));
	buf_clear(&out);
	cr_expect_eq(milter_message_write(m, add, &out, NULL), PST_OK);
	cr_expect(str_is(buf_str(&out), rest), "the rest is %.*s",
	    STR_ARG(buf_str(&out)));
	buf_fini(&out);
}

Test(milter_message, passes_as_it_came)
{
	static const char *const texts[] = {
		"A: b\r\n\r\nbody\r\n",
		"A:b\nC:\n\n",
		"A: b\r\n",
		"\r\nbody",
		"",
		"A : b\r\n\t c\r\n\r\n\r\nbody",
	};
	struct config *cfg = configured();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct milter_message *m = message(cfg, texts[i], true);

		expect(m, "", texts[i]);
		milter_message_free(&m);
	}
	config_unref(&cfg);
}

Test(milter_message, fields)
{
	struct config *cfg = configured();
	struct milter_message *m = message(
	    cfg, "A: b\r\nC :d\r\n\te \r\nF\r\n", false);
	struct pst_str name, value;

	cr_assert(milter_message_field(m, 0, &name, &value));
	cr_expect(str_is(name, "A") && str_is(value, " b"));
	cr_assert(milter_message_field(m, 1, &name, &value));
	cr_expect(str_is(name, "C") && str_is(value, "d\r\n\te "));
	/* What is no field begins the body. */
	cr_expect(!milter_message_field(m, 2, &name, &value));
	expect(m, "", "A: b\r\nC :d\r\n\te \r\n\r\nF\r\n");
	milter_message_free(&m);
	config_unref(&cfg);
}

Test(milter_message, changes)
{
	struct config *cfg = configured();
	struct milter_message *m = message(
	    cfg, "A: 1\r\nB: 1\r\na: 2\r\n\r\nbody\r\n", false);

	cr_expect(milter_message_insert(m, 0, STR("T"), STR("1"), false));
	cr_expect(milter_message_insert(m, 1, STR("T"), STR("2"), false));
	cr_expect(milter_message_change(m, 2, STR("A"), STR("two"), false));
	cr_expect(milter_message_change(m, 1, STR("B"), STR(""), false));
	cr_expect(milter_message_append(m, STR("N"), STR(" s"), true));
	cr_expect(milter_message_change(m, 1, STR("O"), STR("x"), false));
	/* T: 2, T: 1, A, a, N, O */
	cr_expect(milter_message_insert(m, 4, STR("I"), STR("4"), false));
	expect(m, "T: 2\r\nT: 1\r\n",
	    "A: 1\r\nI: 4\r\nA: two\r\nN: s\r\nO: x\r\n\r\nbody\r\n");
	cr_expect(milter_message_change(m, 1, STR("T"), STR("3"), false));
	cr_expect(milter_message_change(m, 2, STR("T"), STR(""), false));
	expect(m, "T: 3\r\n",
	    "A: 1\r\nI: 4\r\nA: two\r\nN: s\r\nO: x\r\n\r\nbody\r\n");
	cr_expect(!milter_message_append(m, STR("N O"), STR("x"), false));
	cr_expect(!milter_message_append(m, STR(""), STR("x"), false));
	cr_expect(!milter_message_insert(m, 0, STR("N\r\nO"), STR("x"), false));
	milter_message_free(&m);
	config_unref(&cfg);
}

Test(milter_message, a_new_body)
{
	struct config *cfg = configured();
	struct milter_message *m = message(cfg, "A: 1\r\n", false);
	struct pst_error err = { 0 };

	cr_expect_eq(milter_message_replace(m, STR("one"), true, &err), PST_OK);
	expect(m, "", "A: 1\r\n");
	cr_expect_eq(
	    milter_message_replace(m, STR("new "), true, &err), PST_OK);
	cr_expect_eq(
	    milter_message_replace(m, STR("body\r\n"), false, &err), PST_OK);
	milter_message_replaced(m);
	expect(m, "", "A: 1\r\n\r\nnew body\r\n");
	milter_message_free(&m);
	config_unref(&cfg);
}

Test(milter_message, a_large_body_goes_to_a_file)
{
	struct config *cfg = configured();
	struct milter_message *m = milter_message_new(cfg, false);
	struct buf body;

	buf_init(&body, 1 << 20);
	cr_expect_eq(milter_message_add(m, "\r\n", 2, NULL), PST_OK);
	for (int i = 0; i < 10000; i++)
		cr_expect_eq(
		    milter_message_add(m, "0123456789", 10, NULL), PST_OK);
	cr_expect_eq(milter_message_end(m, NULL), PST_OK);
	for (int i = 0; i < 2; i++) {
		buf_clear(&body);
		cr_expect_eq(milter_message_body(m, add, &body, NULL), PST_OK);
		cr_expect_eq(body.n, 100000);
	}
	buf_fini(&body);
	milter_message_free(&m);
	config_unref(&cfg);
}

Test(milter_message, a_header_has_a_limit)
{
	struct config *cfg = configured();
	struct milter_message *m = milter_message_new(cfg, false);
	enum pst_rc rc = PST_OK;

	for (int i = 0; i < 500 && rc == PST_OK; i++)
		rc = milter_message_add(m, "Field: value\r\n", 14, NULL);
	cr_expect_eq(rc, PST_E_LIMIT);
	milter_message_free(&m);
	config_unref(&cfg);
}
