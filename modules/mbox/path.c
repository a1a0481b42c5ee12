/*
 * path.c - see path.h.
 */
#include "path.h"

#include <strings.h>

/* Endings of files that are no mailboxes: folders, locks of any program, and
 * what Thunderbird knows of a mailbox. */
static const char *const endings[] = { MB_BELOW, ".lock", ".msf" };

/* Where an ending with a meaning begins, or n. */
static size_t
ending_of(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t len = strlen(endings[i]);

		if (n >= len && memcmp(p + n - len, endings[i], len) == 0)
			return n - len;
	}
	return n;
}

static void
encode(const char *p, size_t n, struct li_buf *out)
{
	size_t ending = ending_of(p, n);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < 0x20 || c == 0x7f || c == '%' ||
		    (c == '.' && (i == 0 || i == ending)))
			li_buf_printf(out, "%%%02X", c);
		else
			li_buf_putc(out, p[i]);
	}
}

enum pst_rc
mb_path(const char *mailbox, struct li_buf *out, struct pst_error *err)
{
	const char *p = mailbox;

	for (unsigned depth = 1;; depth++) {
		const char *end = strchrnul(p, '/');
		size_t n = (size_t)(end - p), start = out->n;

		if (n == 0)
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "a mailbox name has an empty level");
		encode(p, n, out);
		if (out->n - start > MB_LEVEL_MAX || out->n > MB_PATH_MAX ||
		    depth > MB_DEPTH_MAX)
			return pst_fail(err, PST_E_LIMIT, 0,
			    "a mailbox name is too long for the file system");
		if (*end == '\0')
			return PST_OK;
		li_buf_puts(out, MB_BELOW "/");
		p = end + 1;
	}
}

void
mb_path_index(const char *path, struct li_buf *out)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) + 1 : 0;

	li_buf_add(out, path, n);
	li_buf_puts(out, MB_INDEX);
	li_buf_puts(out, path + n);
}

void
mb_path_below(const char *path, struct li_buf *out)
{
	li_buf_puts(out, path);
	li_buf_puts(out, MB_BELOW);
}

bool
mb_path_level(const char *file, bool is_top, struct li_buf *out)
{
	struct li_buf again = { 0 };
	size_t start = out->n, n = strlen(file);
	bool ok;

	if (file[0] == '.' || n > MB_LEVEL_MAX || ending_of(file, n) < n ||
	    /* Clients may spell it in any case, so they never get there. */
	    (is_top && strcasecmp(file, "INBOX") == 0 &&
		strcmp(file, "INBOX") != 0))
		return false;
	ok = li_unescape(out, file, n) && out->n > start &&
	     memchr(out->p + start, '/', out->n - start) == NULL &&
	     memchr(out->p + start, '\0', out->n - start) == NULL;
	if (ok)
		encode(out->p + start, out->n - start, &again);
	ok = ok && again.n == n && memcmp(again.p, file, n) == 0;
	li_buf_free(&again);
	if (!ok && out->p != NULL) {
		out->n = start;
		out->p[start] = '\0';
	}
	return ok;
}
