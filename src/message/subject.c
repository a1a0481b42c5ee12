/*
 * message/subject.c - the base subject (RFC 5256, 2.1), without what replies
 * and forwards put around it.
 *
 * The steps of the RFC are repeated until nothing changes, but so that no octet
 * is looked at more than a few times: subjects come from anybody.
 */
#include "base/str.h"
#include "message/header.h"
#include "message/internal.h"

/* Step 1: white space becomes one space. */
static struct pst_str
collapse(struct arena *a, struct pst_str s)
{
	char *copy = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (copy == NULL)
		return STR_NONE;
	for (size_t i = 0; i < s.n; i++) {
		if (!msg_is_wsp(s.p[i]))
			copy[n++] = s.p[i];
		else if (n > 0 && copy[n - 1] != ' ')
			copy[n++] = ' ';
	}
	return str_n(copy, n);
}

static struct pst_str
skip_spaces(struct pst_str s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = str_from(s, 1);
	return s;
}

/* Step 2: "(fwd)" and spaces at the end. */
static bool
remove_trailer(struct pst_str *s)
{
	bool is_forward = false;

	for (;;) {
		if (s->n > 0 && s->p[s->n - 1] == ' ') {
			s->n--;
		} else if (s->n >= 5 &&
			   str_is_case(str_from(*s, s->n - 5), "(fwd)")) {
			s->n -= 5;
			is_forward = true;
		} else {
			return is_forward;
		}
	}
}

/* subj-blob: "[", anything but brackets, "]", spaces. */
static bool
skip_blob(struct pst_str *s)
{
	size_t i = 1;

	if (s->n == 0 || s->p[0] != '[')
		return false;
	while (i < s->n && s->p[i] != '[' && s->p[i] != ']')
		i++;
	if (i == s->n || s->p[i] != ']')
		return false;
	*s = skip_spaces(str_from(*s, i + 1));
	return true;
}

/* subj-refwd: "re", "fw" or "fwd", spaces, maybe a blob, ":". */
static bool
skip_refwd(struct pst_str *s)
{
	struct pst_str rest;

	if (str_has_prefix_case(*s, "fwd"))
		rest = str_from(*s, 3);
	else if (str_has_prefix_case(*s, "fw") || str_has_prefix_case(*s, "re"))
		rest = str_from(*s, 2);
	else
		return false;
	rest = skip_spaces(rest);
	(void)skip_blob(&rest);
	if (rest.n == 0 || rest.p[0] != ':')
		return false;
	*s = skip_spaces(str_from(rest, 1));
	return true;
}

/*
 * Steps 3 to 5. Blobs before a "re:" go with it; others go as long as something
 * is left behind them.
 */
static bool
remove_leaders(struct pst_str *s)
{
	bool is_reply = false;

	for (;;) {
		struct pst_str blobs, last;

		*s = skip_spaces(*s);
		blobs = *s;
		last = *s;
		for (struct pst_str at = blobs; skip_blob(&at); at = blobs) {
			last = blobs;
			blobs = at;
		}
		if (skip_refwd(&blobs)) {
			*s = blobs;
			is_reply = true;
			continue;
		}
		*s = blobs.n > 0 ? blobs : last;
		return is_reply;
	}
}

struct pst_str
msg_base_subject(struct arena *a, struct pst_str utf8, bool *reply_r)
{
	struct pst_str s = collapse(a, utf8);
	bool is_reply = false;

	for (;;) {
		is_reply = remove_trailer(&s) || is_reply;
		is_reply = remove_leaders(&s) || is_reply;
		/* Step 6. */
		if (!str_has_prefix_case(s, "[fwd:") || s.p[s.n - 1] != ']')
			break;
		s = str_n(s.p + 5, s.n - 6);
		is_reply = true;
	}
	*reply_r = is_reply;
	return s;
}
