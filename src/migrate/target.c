/*
 * target.c - what all targets share.
 */
#include "migrate/target.h"

#include "base/codec.h"
#include "base/str.h"
#include <errno.h>
#include <unistd.h>

void
mig_lf_add(struct mig_lf *l, const char *p, size_t n, struct buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		if (l->cr && p[i] != '\n')
			(void)buf_putc(out, '\r');
		l->cr = p[i] == '\r';
		if (!l->cr)
			continue;
		(void)buf_add(out, p + from, i - from);
		from = i + 1;
	}
	if (from < n)
		(void)buf_add(out, p + from, n - from);
}

void
mig_lf_end(struct mig_lf *l, struct buf *out)
{
	if (l->cr)
		(void)buf_putc(out, '\r');
	l->cr = false;
}

static bool
has_suffix(struct pst_str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

/* Where '.' means something to programs that read the tree. */
static bool
is_special_dot(struct pst_str level, size_t i)
{
	static const char *const suffixes[] = { ".lock", ".msf", ".sbd" };

	if (i == 0)
		return true;
	for (size_t k = 0; k < sizeof(suffixes) / sizeof(suffixes[0]); k++)
		if (has_suffix(level, suffixes[k]) &&
		    i == level.n - strlen(suffixes[k]))
			return true;
	return false;
}

bool
mig_put_level(struct pst_str level, bool all_dots, struct buf *out)
{
	struct buf plain;
	struct pst_str s;

	buf_init(&plain, level.n * 8 + 16);
	if (!mutf7_encode(level, &plain)) {
		buf_fini(&plain);
		return false;
	}
	s = buf_str(&plain);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' && (all_dots || is_special_dot(s, i)))
			(void)buf_puts(out, "&AC4-");
		else
			(void)buf_putc(out, s.p[i]);
	buf_fini(&plain);
	return !out->overflow;
}

enum pst_rc
mig_write_all(int fd, const char *p, size_t n, struct pst_error *err)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return pst_fail(err,
			    errno == ENOSPC || errno == EDQUOT ? PST_E_NOSPACE
							       : PST_E_TEMP,
			    errno, "cannot write: %s", strerror(errno));
		p += done;
		n -= (size_t)done;
	}
	return PST_OK;
}
