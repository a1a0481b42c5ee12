/*
 * message/ids.c - message identifiers (RFC 5322, 3.6.4) in Message-ID,
 * References and In-Reply-To, between whatever else old programs put there.
 */
#include "base/str.h"
#include "message/header.h"
#include "message/internal.h"

/* Where the next "<" stands that is not in a comment, or `end`. */
static const char *
find_open(const char *p, const char *end)
{
	while (p != NULL && p < end && *p != '<')
		p = *p == '(' ? msg_skip_comment(p, end) : p + 1;
	return p != NULL ? p : end;
}

/* The text without white space. */
static struct pst_str
without_space(struct arena *a, struct pst_str s)
{
	size_t i = 0, n = 0;
	char *copy;

	while (i < s.n && !msg_is_wsp(s.p[i]))
		i++;
	if (i == s.n)
		return s;
	copy = arena_alloc(a, s.n);
	if (copy == NULL)
		return STR_NONE;
	for (i = 0; i < s.n; i++) {
		if (!msg_is_wsp(s.p[i]))
			copy[n++] = s.p[i];
	}
	return str_n(copy, n);
}

bool
msg_next_id(struct arena *a, struct pst_str *rest, struct pst_str *id_r)
{
	const char *p = rest->p, *end = rest->n > 0 ? p + rest->n : p;

	*id_r = STR_NONE;
	while (p < end) {
		const char *open = find_open(p, end);

		/* A "<" that is not closed before the next one is none. */
		for (p = open; p < end && *p != '>'; p++) {
			if (*p == '<')
				open = p;
		}
		if (p == end)
			break;
		p++;
		*id_r = without_space(a, str_n(open, (size_t)(p - open)));
		if (id_r->n > 2) {
			*rest = str_n(p, (size_t)(end - p));
			return true;
		}
	}
	*rest = STR_NONE;
	*id_r = STR_NONE;
	return false;
}
