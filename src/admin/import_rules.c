/*
 * import_rules.c - see import.h.
 */
#include "admin/import.h"

#include "base/str.h"

/* '*' stands for any text. */
static bool
matches(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			back = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* `name` is `top`, or below it: how much of it that is; SIZE_MAX: neither. */
static size_t
below(const char *name, struct pst_str top)
{
	if (strlen(name) < top.n || memcmp(name, top.p, top.n) != 0 ||
	    (name[top.n] != '\0' && name[top.n] != '/'))
		return SIZE_MAX;
	return top.n;
}

bool
import_is_map(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals != NULL && equals != text && equals[1] != '\0';
}

bool
import_is_skipped(const struct import_rules *r, const char *name)
{
	for (size_t i = 0; i < r->skips; i++)
		if (below(name, str_of(r->skip[i])) != SIZE_MAX ||
		    matches(r->skip[i], name))
			return true;
	return false;
}

bool
import_name(const struct import_rules *r, const char *name, struct buf *out)
{
	const char *to = NULL;
	size_t longest = 0;

	/* The rule that says most of the name counts. */
	for (size_t i = 0; i < r->maps; i++) {
		const char *equals = strchr(r->map[i], '=');
		size_t n;

		if (equals == NULL)
			continue;
		n = below(name, str_n(r->map[i], (size_t)(equals - r->map[i])));
		if (n != SIZE_MAX && (to == NULL || n > longest)) {
			longest = n;
			to = equals + 1;
		}
	}
	if (r->into != NULL)
		(void)buf_printf(out, "%s/", r->into);
	if (to != NULL)
		(void)buf_puts(out, to);
	(void)buf_puts(out, name + (to != NULL ? longest : 0));
	return buf_putc(out, '\0');
}
