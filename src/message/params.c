/*
 * message/params.c - parameters of Content-Type and Content-Disposition
 * (RFC 2045, 5.1; RFC 2183) and their values (RFC 2231, 3 and 4; encoded words
 * of RFC 2047 inside, which RFC 2047, 5 forbids and everybody sends).
 *
 * Read as leniently as can be done without misreading what is right: values
 * with spaces that should have been quoted, missing semicolons, quotes that
 * are never closed.
 */
#include <stdlib.h>

#include "base/str.h"
#include "message/content.h"
#include "message/header.h"
#include "message/internal.h"

enum {
	PARAMS_MAX = 1000,   /* of one field */
	SECTIONS_MAX = 1000, /* of one value (RFC 2231, 3) */
	VALUE_MAX = 1024 * 1024,
};

/* Text between quotes or a run of words; *p is moved behind it. */
static struct pst_str
take_quoted(struct arena *a, const char **p, const char *end)
{
	const char *start = ++*p, *at = start;
	struct pst_str whole;
	char *copy;
	size_t n = 0;

	while (
	    at < end && *at != '"' && *at != '\\' && *at != '\r' && *at != '\n')
		at++;
	whole = str_n(start, (size_t)(at - start));
	if (at == end || *at == '"') {
		*p = at < end ? at + 1 : end;
		return whole;
	}
	while (at < end && *at != '"')
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	*p = at < end ? at + 1 : end;
	copy = arena_alloc(a, (size_t)(at - start) + 1);
	if (copy == NULL)
		return whole;
	for (const char *c = start; c < at; c++) {
		if (*c == '\\' && at - c > 1)
			c++;
		if (*c != '\r' && *c != '\n')
			copy[n++] = *c;
	}
	return str_n(copy, n);
}

/*
 * A token; but "file name.txt" without its quotes has more words, up to the
 * semicolon. A comment at the end is none of it (RFC 2045, 5.1), and neither
 * is a next parameter whose semicolon is missing.
 */
static struct pst_str
take_words(const char **p, const char *end)
{
	const char *start = *p, *value_end = start, *at = start;

	while (at < end && *at != ';') {
		const char *word = at;

		while (at < end && *at != ';' && !msg_is_wsp(*at) &&
		       (*at != '(' || at == start))
			at++;
		if (at > word) {
			const char *eq = memchr(word, '=', (size_t)(at - word));

			if (word > start && eq != NULL && eq > word &&
			    word[0] != '=') {
				at = word;
				break;
			}
			value_end = at;
		}
		at = msg_skip_cfws(at, end);
	}
	*p = at;
	return str_n(start, (size_t)(value_end - start));
}

static bool
ends_name(char c)
{
	return c == '=' || c == ';' || c == '"' || c == '(' || msg_is_wsp(c);
}

/* The next "name=value" from `*p` on; false when there is none left. */
static bool
take_param(
    struct arena *a, const char **p, const char *end, struct msg_param *out)
{
	while (*p < end) {
		const char *start;

		*p = msg_skip_cfws(*p, end);
		start = *p;
		while (*p < end && !ends_name(**p))
			(*p)++;
		out->name = str_n(start, (size_t)(*p - start));
		*p = msg_skip_cfws(*p, end);
		if (*p == end)
			return false;
		if (out->name.n == 0 || **p != '=') {
			/* A word alone is followed by another one or by what
			 * separates. */
			if (out->name.n == 0)
				(*p)++;
			continue;
		}
		*p = msg_skip_cfws(*p + 1, end);
		if (*p < end && **p == '"')
			out->value = take_quoted(a, p, end);
		else
			out->value = msg_unfold(a, take_words(p, end));
		return true;
	}
	return false;
}

struct msg_param *
msg_params_parse(struct arena *a, const char *p, const char *end)
{
	struct msg_param *first = NULL, **link = &first;
	struct msg_param one;

	for (size_t n = 0; n < PARAMS_MAX && take_param(a, &p, end, &one);
	     n++) {
		*link = arena_alloc(a, sizeof(one));
		if (*link == NULL)
			break;
		(*link)->name = one.name;
		(*link)->value = one.value;
		link = &(*link)->next;
	}
	return first;
}

/* How a parameter's name relates to the one that is asked for. */
struct section {
	bool is_section; /* has a number */
	bool extended;	 /* ends in "*" */
	uint32_t number;
};

static bool
match_name(struct pst_str name, struct pst_str want, struct section *out)
{
	struct pst_str rest;

	if (name.n < want.n || !str_eq_case(str_first(name, want.n), want))
		return false;
	rest = str_from(name, want.n);
	*out = (struct section){ 0 };
	if (rest.n == 0)
		return true;
	if (rest.p[0] != '*')
		return false;
	rest = str_from(rest, 1);
	if (rest.n == 0) {
		out->extended = true;
		return true;
	}
	if (rest.p[rest.n - 1] == '*') {
		out->extended = true;
		rest.n--;
	}
	out->is_section = true;
	return rest.n > 0 && str_to_u32(rest, &out->number);
}

/* The pieces of one value. */
struct pieces {
	const struct msg_param *plain, *extended; /* "name", "name*" */
	const struct msg_param **section;	  /* "name*0" and so on */
	bool *section_extended;
	size_t sections; /* how many are there without a gap */
};

static void
find_pieces(
    const struct msg_param *params, struct pst_str want, struct pieces *out)
{
	struct section s;

	*out = (struct pieces){ 0 };
	for (; params != NULL; params = params->next) {
		if (!match_name(params->name, want, &s))
			continue;
		if (!s.is_section) {
			if (s.extended && out->extended == NULL)
				out->extended = params;
			else if (!s.extended && out->plain == NULL)
				out->plain = params;
			continue;
		}
		if (s.number >= SECTIONS_MAX)
			continue;
		if (out->section == NULL) {
			out->section = mem_array(
			    SECTIONS_MAX, sizeof(*out->section));
			out->section_extended = mem_array(
			    SECTIONS_MAX, sizeof(bool));
		}
		if (out->section[s.number] == NULL) {
			out->section[s.number] = params;
			out->section_extended[s.number] = s.extended;
		}
	}
	while (out->section != NULL && out->sections < SECTIONS_MAX &&
	       out->section[out->sections] != NULL)
		out->sections++;
}

static void
free_pieces(struct pieces *p)
{
	free(p->section);
	free(p->section_extended);
}

static int
hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
add_percent_decoded(struct pst_str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] == '%' && s.n - i > 2 &&
		    (high = hex_digit(s.p[i + 1])) >= 0 &&
		    (low = hex_digit(s.p[i + 2])) >= 0) {
			(void)buf_putc(out, (char)(high * 16 + low));
			i += 2;
		} else {
			(void)buf_putc(out, s.p[i]);
		}
	}
}

/* Takes charset'language' off the front; without both it is no charset. */
static struct pst_str
take_charset(struct pst_str *value)
{
	size_t first = str_find(*value, '\''), second;
	struct pst_str charset;

	if (first == value->n)
		return STR_NONE;
	second = str_find(str_from(*value, first + 1), '\'');
	if (first + 1 + second >= value->n)
		return STR_NONE;
	charset = str_first(*value, first);
	*value = str_from(*value, first + 1 + second + 1);
	return charset;
}

/* All octets of the value. *charset_r has p NULL when none was named. */
static bool
gather(const struct pieces *p, struct buf *raw, struct pst_str *charset_r)
{
	struct pst_str value;

	*charset_r = STR_NONE;
	if (p->extended != NULL) {
		value = p->extended->value;
		*charset_r = take_charset(&value);
		add_percent_decoded(value, raw);
		return true;
	}
	for (size_t i = 0; i < p->sections; i++) {
		value = p->section[i]->value;
		if (!p->section_extended[i]) {
			(void)buf_add_str(raw, value);
			continue;
		}
		if (i == 0)
			*charset_r = take_charset(&value);
		add_percent_decoded(value, raw);
	}
	if (p->sections > 0)
		return true;
	if (p->plain == NULL)
		return false;
	(void)buf_add_str(raw, p->plain->value);
	return true;
}

bool
msg_param_octets(
    const struct msg_param *params, const char *name, struct buf *out)
{
	struct pieces pieces;
	struct pst_str charset;
	bool found;

	find_pieces(params, str_of(name), &pieces);
	found = gather(&pieces, out, &charset);
	free_pieces(&pieces);
	return found;
}

bool
msg_param(const struct msg_param *params, const char *name, struct buf *utf8)
{
	struct pieces pieces;
	struct pst_str charset;
	struct buf raw;
	bool found;

	buf_init(&raw, VALUE_MAX);
	find_pieces(params, str_of(name), &pieces);
	found = gather(&pieces, &raw, &charset);
	if (found && charset.n > 0)
		(void)msg_to_utf8(charset, buf_str(&raw), utf8);
	else if (found)
		(void)msg_decode_words(buf_str(&raw), utf8);
	free_pieces(&pieces);
	buf_fini(&raw);
	return found;
}

bool
msg_filename(const struct msg_part *part, struct buf *utf8)
{
	return msg_param(part->disposition_params, "filename", utf8) ||
	       msg_param(part->params, "name", utf8);
}
