/*
 * pop3/parse.c - the parser of command lines. Spaces at the end of a line and
 * more than one between arguments are no error: programs and people send them.
 */
#include "pop3/parse.h"

#include "base/str.h"

void
pop3_parse_line(
    struct pst_str line, struct pst_str *verb_r, struct pst_str *args_r)
{
	size_t n = str_find(line, ' ');

	*verb_r = str_first(line, n);
	*args_r = str_from(line, n + 1);
}

bool
pop3_parse_word(struct pst_str *rest, struct pst_str *word_r)
{
	struct pst_str s = str_trim(*rest);

	*word_r = str_first(s, str_find(s, ' '));
	*rest = str_from(s, word_r->n);
	return word_r->n > 0;
}

/* Digits; what is too large is the largest. */
static bool
number_word(struct pst_str *rest, uint64_t *value_r)
{
	struct pst_str word;

	if (!pop3_parse_word(rest, &word))
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (!ascii_is_digit(word.p[i]))
			return false;
	if (!str_to_u64(word, value_r))
		*value_r = UINT64_MAX;
	return true;
}

static uint32_t
as_number(uint64_t value)
{
	return value <= UINT32_MAX ? (uint32_t)value : 0;
}

bool
pop3_parse_number(struct pst_str args, uint32_t *number_r)
{
	uint64_t value = 0;
	bool good = number_word(&args, &value) && str_trim(args).n == 0;

	*number_r = as_number(value);
	return good;
}

bool
pop3_parse_top(struct pst_str args, uint32_t *number_r, uint64_t *lines_r)
{
	uint64_t value = 0;
	bool good;

	*lines_r = 0;
	good = number_word(&args, &value) && number_word(&args, lines_r) &&
	       str_trim(args).n == 0;
	*number_r = as_number(value);
	return good;
}

bool
pop3_parse_is_text(struct pst_str line)
{
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return str_is_utf8(line);
}
