/*
 * source.c - what all sources share: names, notes, line ends.
 */
#include "migrate/source.h"

#include "base/str.h"
#include <stdlib.h>

struct mig_name *
mig_names_get(struct mig_names *names, struct pst_str text)
{
	struct mig_name *m;

	for (size_t i = 0; i < names->n; i++)
		if (str_is(text, names->v[i].text))
			return &names->v[i];
	mem_grow(&names->v, &names->cap, names->n + 1, sizeof(*names->v));
	m = &names->v[names->n++];
	*m = (struct mig_name){ .text = str_dup(text),
		.special_use = str_dup(STR("")) };
	return m;
}

/* '/' sorts before all else, so that what is below comes right behind. */
static int
compare_names(const void *a, const void *b)
{
	const unsigned char *x =
	    (const unsigned char *)((const struct mig_name *)a)->text;
	const unsigned char *y =
	    (const unsigned char *)((const struct mig_name *)b)->text;

	while (*x == *y && *x != '\0') {
		x++;
		y++;
	}
	return (*x == '/' ? 1 : *x) - (*y == '/' ? 1 : *y);
}

void
mig_names_sort(struct mig_names *names)
{
	if (names->n > 0)
		qsort(names->v, names->n, sizeof(*names->v), compare_names);
}

void
mig_names_fini(struct mig_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		free(names->v[i].text);
		free(names->v[i].special_use);
	}
	free(names->v);
	*names = (struct mig_names){ 0 };
}

void
mig_note(struct mig_source *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (s->note == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->note(s->note_arg, text);
}

enum pst_rc
mig_crlf_write(struct mig_crlf *c, const char *p, size_t n, mig_write_fn write,
    void *arg, struct pst_error *err)
{
	size_t from = 0;
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		if (p[i] == '\n' && c->last != '\r') {
			if (i > from)
				rc = write(arg, p + from, i - from, err);
			if (rc == PST_OK)
				rc = write(arg, "\r", 1, err);
			from = i;
		}
		c->last = p[i];
	}
	return rc == PST_OK && n > from ? write(arg, p + from, n - from, err)
					: rc;
}
