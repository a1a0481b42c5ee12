/*
 * protocol.c - the lines of the control socket, both sides.
 *
 * jansson refuses strings that are not UTF-8; what clients of the mail server
 * send (traces, user names) may be anything, so texts pass admin_json_text().
 */
#include "admin/protocol.h"

#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

json_t *
admin_json_text(struct pst_str s)
{
	static const char digits[] = "0123456789abcdef";
	struct buf b;
	json_t *text;

	if (str_is_utf8(s) || s.n == 0)
		return json_stringn(s.n > 0 ? s.p : "", s.n);

	buf_init(&b, s.n * 4);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c > 0 && c < 0x80) {
			buf_putc(&b, (char)c);
		} else {
			buf_puts(&b, "\\x");
			buf_putc(&b, digits[c >> 4]);
			buf_putc(&b, digits[c & 15]);
		}
	}
	text = json_stringn(b.p, b.n);
	buf_fini(&b);
	return text;
}

bool
admin_put_line(struct buf *out, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	bool fits;

	json_decref(value);
	if (text == NULL)
		return false;
	/* A line goes in whole or not at all. */
	fits = out->max - out->n > strlen(text);
	if (fits)
		fits = buf_puts(out, text) && buf_putc(out, '\n');
	free(text);
	return fits;
}

bool
admin_put_piece(struct buf *out, const void *p, size_t n)
{
	char line[40];
	int length = snprintf(line, sizeof(line), "{\"data\":%zu}\n", n);

	if (out->max - out->n < (size_t)length + n)
		return false;
	return buf_add(out, line, (size_t)length) && buf_add(out, p, n);
}

size_t
admin_piece_size(const json_t *line)
{
	json_int_t n = json_integer_value(json_object_get(line, "data"));

	return n > 0 && n <= ADMIN_PIECE_MAX ? (size_t)n : 0;
}

json_t *
admin_take_line(struct buf *in, bool *bad_r)
{
	struct pst_str all = buf_str(in);
	size_t n = str_find(all, '\n');
	json_t *value;

	*bad_r = false;
	if (n == all.n)
		return NULL;
	value = json_loadb(in->p, n, JSON_REJECT_DUPLICATES, NULL);
	buf_consume(in, n + 1);
	if (!json_is_object(value)) {
		json_decref(value);
		*bad_r = true;
		return NULL;
	}
	return value;
}

const char *
admin_member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

enum pst_rc
admin_rc_of(const char *name)
{
	if (name == NULL)
		return PST_E_TEMP;
	for (int rc = PST_OK; rc <= PST_E_UNSUPPORTED; rc++)
		if (strcmp(rc_name((enum pst_rc)rc), name) == 0)
			return (enum pst_rc)rc;
	return PST_E_TEMP;
}

/* /proc gives every open directory a short name. */
static bool
short_address(const char *path, struct sockaddr_un *sun_r, int *dir_fd_r)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int n;

	if (slash == NULL || strlen(slash) > 64) {
		errno = ENAMETOOLONG;
		return false;
	}
	dir = str_dup(str_n(path, (size_t)(slash - path)));
	*dir_fd_r = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (*dir_fd_r < 0)
		return false;
	n = snprintf(sun_r->sun_path, sizeof(sun_r->sun_path),
	    "/proc/self/fd/%d%s", *dir_fd_r, slash);
	return n > 0 && (size_t)n < sizeof(sun_r->sun_path);
}

bool
admin_socket_address(const char *path, struct sockaddr_un *sun_r, int *dir_fd_r)
{
	memset(sun_r, 0, sizeof(*sun_r));
	sun_r->sun_family = AF_UNIX;
	*dir_fd_r = -1;
	if (str_copy(sun_r->sun_path, sizeof(sun_r->sun_path), str_of(path)))
		return true;
	return short_address(path, sun_r, dir_fd_r);
}
