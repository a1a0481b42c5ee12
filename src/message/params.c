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

/* --- in one piece
 * ----------------------------------------------------------- */

/* attribute-char (RFC 2231, 7) */
static bool
is_attribute_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("*'%()<>@,;:\\\"/[]?=", c) == NULL;
}

static void
add_percent_encoded(struct pst_str s, bool is_encoded, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		bool keep = is_attribute_char(s.p[i]) ||
			    (is_encoded && s.p[i] == '%');

		if (keep)
			(void)buf_putc(out, s.p[i]);
		else
			(void)buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

/* charset'language' and the whole value. */
static void
join_encoded(const struct pieces *p, struct buf *out)
{
	for (size_t i = 0; i < p->sections; i++) {
		struct pst_str value = p->section[i]->value, whole = value;

		if (i == 0 && p->section_extended[0]) {
			(void)take_charset(&value);
			(void)buf_add(out, whole.p, whole.n - value.n);
		} else if (i == 0) {
			(void)buf_puts(out, "''");
		}
		add_percent_encoded(value, p->section_extended[i], out);
	}
}

static bool
has_extended(const struct pieces *p)
{
	for (size_t i = 0; i < p->sections; i++)
		if (p->section_extended[i])
			return true;
	return p->sections == 0 && p->extended != NULL;
}

/* "name*" in UTF-8. False: not with that charset. */
static bool
join_utf8(const struct pieces *p, struct buf *out)
{
	struct pst_str charset;
	struct buf raw;
	bool good;

	buf_init(&raw, VALUE_MAX);
	good = gather(p, &raw, &charset) &&
	       (charset.n == 0 ? str_is_utf8(buf_str(&raw))
			       : msg_charset_known(charset)) &&
	       msg_to_utf8(
		   charset.n > 0 ? charset : STR("utf-8"), buf_str(&raw), out);
	buf_fini(&raw);
	return good;
}

/* Of a name that comes in pieces, or with a charset. */
static void
join(struct arena *a, struct pieces *p, const struct msg_param *first,
    struct pst_str base, bool utf8, struct msg_param *out)
{
	bool extended = has_extended(p);
	struct buf name, value;

	buf_init(&name, VALUE_MAX);
	buf_init(&value, VALUE_MAX);
	(void)buf_add_str(&name, base);
	if (extended)
		(void)buf_putc(&name, '*');
	if (p->sections > 0)
		p->extended = NULL; /* another parameter */
	if (!extended || !utf8 || !join_utf8(p, &value)) {
		buf_clear(&value);
		if (p->sections == 0)
			(void)buf_add_str(&value, first->value);
		else if (extended)
			join_encoded(p, &value);
		else
			for (size_t i = 0; i < p->sections; i++)
				(void)buf_add_str(&value, p->section[i]->value);
	}
	out->name = arena_copy(a, buf_str(&name));
	out->value = value.n > 0 ? arena_copy(a, buf_str(&value)) : STR("");
	buf_fini(&name);
	buf_fini(&value);
}

/* Leaves out what stands in the value of section 0 already. */
static bool
join_one(struct arena *a, const struct msg_param *all,
    const struct msg_param *param, bool utf8, struct msg_param *out)
{
	struct pst_str base = str_first(
	    param->name, str_find(param->name, '*'));
	struct pieces pieces;
	struct section s;
	bool keep = true;

	*out = (struct msg_param){ param->name, param->value, NULL };
	if (base.n == param->name.n || base.n == 0 ||
	    !match_name(param->name, base, &s) ||
	    (!s.is_section && !s.extended))
		return true;
	find_pieces(all, base, &pieces);
	if (!s.is_section)
		pieces.sections = 0;
	if (s.is_section && s.number < pieces.sections)
		keep = pieces.section[s.number] == param && s.number == 0;
	if (keep && (s.is_section ? pieces.sections > 0 && s.number == 0
				  : pieces.extended == param))
		join(a, &pieces, param, base, utf8, out);
	free_pieces(&pieces);
	return keep;
}

const struct msg_param *
msg_params_joined(struct arena *a, const struct msg_param *params, bool utf8)
{
	struct msg_param *first = NULL, **link = &first, one;

	for (const struct msg_param *p = params; p != NULL; p = p->next) {
		if (!join_one(a, params, p, utf8, &one))
			continue;
		*link = arena_alloc(a, sizeof(one));
		if (*link == NULL)
			break;
		**link = one;
		link = &(*link)->next;
	}
	return first;
}

bool
msg_filename(const struct msg_part *part, struct buf *utf8)
{
	return msg_param(part->disposition_params, "filename", utf8) ||
	       msg_param(part->params, "name", utf8);
}
