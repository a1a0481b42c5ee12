/*
 * message/results.c - whose results an Authentication-Results field claims to
 * be (RFC 8601, 2.2).
 */
#include "base/str.h"
#include "message/header.h"

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind comments and white space; value.n when there is no more. */
static size_t
skip_cfws(struct pst_str value, size_t i)
{
	unsigned depth = 0;

	for (; i < value.n; i++) {
		char c = value.p[i];

		if (depth > 0 && c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth == 0 && !is_white(c))
			break;
	}
	return i < value.n ? i : value.n;
}

/* A quoted string or a token; false: its end is not there. */
static bool
take_word(struct pst_str value, size_t i, struct buf *out)
{
	bool quoted = value.p[i] == '"';

	for (i += quoted; i < value.n; i++) {
		char c = value.p[i];

		if (quoted ? c == '"'
			   : is_white(c) || c == ';' || c == '(' || c == '"')
			return true;
		if (quoted && c == '\\' && ++i < value.n)
			c = value.p[i];
		if (c != '\r' && c != '\n')
			(void)buf_putc(out, c);
	}
	return false;
}

enum msg_results
msg_results_id(struct pst_str value, bool last, char id_r[256])
{
	size_t i = skip_cfws(value, 0);
	enum msg_results result = MSG_RESULTS_NONE;
	struct buf word;

	if (i == value.n)
		return last ? MSG_RESULTS_NONE : MSG_RESULTS_MORE;
	buf_init(&word, 255);
	if (!take_word(value, i, &word) && !last && !word.overflow)
		result = MSG_RESULTS_MORE;
	else if (word.n > 0 && !word.overflow)
		result = MSG_RESULTS_ID;
	(void)str_copy(id_r, 256, buf_str(&word));
	buf_fini(&word);
	return result;
}
