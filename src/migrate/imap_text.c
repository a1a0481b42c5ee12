/*
 * imap_text.c - see imap_text.h.
 */
#include "migrate/imap_text.h"

#include "base/str.h"
#include <time.h>

/* --- where it is --------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
percent_decode(struct pst_str s, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || c == '\r' || c == '\n' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}

static bool
parse_host(struct pst_str s, struct imap_url *u)
{
	struct pst_str host, port = STR_NONE;
	uint32_t number;

	if (s.n > 0 && s.p[0] == '[') {
		size_t end = str_find(s, ']');

		if (end == s.n)
			return false;
		host = str_n(s.p + 1, end - 1);
		s = str_from(s, end + 1);
		if (s.n > 0 && s.p[0] != ':')
			return false;
		port = str_from(s, 1);
	} else {
		size_t colon = str_find(s, ':');

		host = str_first(s, colon);
		port = str_from(s, colon + 1);
	}
	if (host.n == 0 || memchr(host.p, '/', host.n) != NULL ||
	    !str_copy(u->host, sizeof(u->host), host))
		return false;
	if (port.n == 0)
		port = u->is_tls ? STR("993") : STR("143");
	return str_to_u32(port, &number) && number > 0 && number < 65536 &&
	       str_copy(u->port, sizeof(u->port), port);
}

enum pst_rc
import_source_parse(const char *text, struct imap_url *u, struct pst_error *err)
{
	struct pst_str s = str_of(text);
	size_t at;

	*u = (struct imap_url){ .is_tls = str_has_prefix_case(s, "imaps://") };
	if (!u->is_tls && !str_has_prefix_case(s, "imap://"))
		goto bad;
	s = str_from(s, u->is_tls ? 8 : 7);
	if (s.n > 0 && s.p[s.n - 1] == '/')
		s = str_first(s, s.n - 1);
	/* The last '@': users often have one in their name. */
	for (at = s.n; at > 0 && s.p[at - 1] != '@'; at--)
		;
	if (at > 0 &&
	    percent_decode(str_first(s, at - 1), u->user, sizeof(u->user)) &&
	    parse_host(str_from(s, at), u))
		return PST_OK;
bad:
	return pst_fail(err, PST_E_SYNTAX, 0,
	    "%.150s: expected imap[s]://user@host[:port]", text);
}

/* --- values -------------------------------------------------------------- */

static void
skip_space(struct imap_text *t)
{
	while (t->rest.n > 0 && t->rest.p[0] == ' ')
		t->rest = str_from(t->rest, 1);
}

static bool
take_char(struct imap_text *t, char c)
{
	skip_space(t);
	if (t->rest.n == 0 || t->rest.p[0] != c)
		return false;
	t->rest = str_from(t->rest, 1);
	return true;
}

bool
imap_take_open(struct imap_text *t)
{
	return take_char(t, '(');
}

bool
imap_take_close(struct imap_text *t)
{
	return take_char(t, ')');
}

static bool
take_quoted(struct imap_text *t, struct buf *value)
{
	struct pst_str s = t->rest;
	size_t i = 1;

	while (i < s.n && s.p[i] != '"') {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (!buf_putc(value, s.p[i]))
			return false;
		i++;
	}
	if (i >= s.n)
		return false;
	t->rest = str_from(s, i + 1);
	return true;
}

/* "{5}" CRLF and 5 octets. */
static bool
take_literal(struct imap_text *t, struct buf *value)
{
	size_t line = str_find(t->rest, '\n');
	struct pst_str head = str_trim(str_first(t->rest, line));
	uint64_t n;

	if (line == t->rest.n || !imap_literal_size(head, &n) ||
	    n > t->rest.n - line - 1)
		return false;
	if (!buf_add(value, t->rest.p + line + 1, (size_t)n))
		return false;
	t->rest = str_from(t->rest, line + 1 + (size_t)n);
	return true;
}

/* What is between brackets belongs to it: "BODY[HEADER.FIELDS (A B)]". */
static bool
take_atom(struct imap_text *t, struct buf *value)
{
	struct pst_str s = t->rest;
	size_t i = 0;
	bool in_brackets = false;

	for (; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\r' || c == '\n' ||
		    (!in_brackets && strchr(" ()\"{", c) != NULL))
			break;
		if (c == '[')
			in_brackets = true;
		else if (c == ']')
			in_brackets = false;
	}
	if (i == 0 || !buf_add(value, s.p, i))
		return false;
	t->rest = str_from(s, i);
	return true;
}

bool
imap_take_value(struct imap_text *t, struct buf *value, bool *nil_r)
{
	size_t from = value->n;

	*nil_r = false;
	skip_space(t);
	if (t->rest.n == 0)
		return false;
	if (t->rest.p[0] == '"')
		return take_quoted(t, value);
	if (t->rest.p[0] == '{' ||
	    (t->rest.n > 1 && t->rest.p[0] == '~' && t->rest.p[1] == '{'))
		return take_literal(t, value);
	if (!take_atom(t, value))
		return false;
	if (str_is_case(str_from(buf_str(value), from), "NIL")) {
		*nil_r = true;
		value->n = from;
	}
	return true;
}

bool
imap_text_skip(struct imap_text *t)
{
	unsigned depth = 0;
	struct buf value;
	bool ok = true, nil;

	buf_init(&value, IMAP_VALUE_MAX);
	do {
		if (imap_take_open(t)) {
			ok = ++depth <= IMAP_DEPTH_MAX;
		} else if (depth > 0 && imap_take_close(t)) {
			depth--;
		} else {
			buf_clear(&value);
			ok = imap_take_value(t, &value, &nil);
		}
	} while (ok && depth > 0);
	buf_fini(&value);
	return ok;
}

bool
imap_literal_size(struct pst_str line, uint64_t *size_r)
{
	size_t end = line.n, from;

	if (end < 3 || line.p[end - 1] != '}')
		return false;
	end--;
	if (line.p[end - 1] == '+')
		end--;
	for (from = end; from > 0 && ascii_is_digit(line.p[from - 1]); from--)
		;
	return from > 0 && line.p[from - 1] == '{' &&
	       str_to_u64(str_n(line.p + from, end - from), size_r);
}

/* --- responses ----------------------------------------------------------- */

static struct pst_str
take_word(struct pst_str *rest)
{
	size_t n = str_find(*rest, ' ');
	struct pst_str word = str_first(*rest, n);

	*rest = str_from(*rest, n + 1);
	return word;
}

static bool
is_status(struct pst_str word)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE",
		"PREAUTH" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_is_case(word, words[i]))
			return true;
	return false;
}

/* "OK [CODE] words" */
static void
parse_status(struct imap_response *r, struct pst_str rest)
{
	if (rest.n > 0 && rest.p[0] == '[') {
		size_t end = str_find(rest, ']');

		if (end < rest.n) {
			r->code = str_n(rest.p + 1, end - 1);
			rest = str_from(rest, end + 1);
		}
	}
	r->words = str_trim(rest);
}

void
imap_response_parse(struct pst_str line, struct imap_response *r)
{
	struct pst_str rest = line, first, word;

	*r = (struct imap_response){ .kind = IMAP_OTHER };
	while (rest.n > 0 &&
	       (rest.p[rest.n - 1] == '\n' || rest.p[rest.n - 1] == '\r'))
		rest.n--;
	if (rest.n > 0 && rest.p[0] == '+') {
		r->kind = IMAP_CONTINUATION;
		return;
	}
	first = take_word(&rest);
	word = take_word(&rest);
	if (first.n == 0 || word.n == 0)
		return;
	if (is_status(word)) {
		r->status = word;
		parse_status(r, rest);
		r->kind = str_is(first, "*") ? IMAP_STATUS : IMAP_TAGGED;
		r->tag = first;
		return;
	}
	if (!str_is(first, "*"))
		return;
	if (str_to_u64(word, &r->number)) {
		r->kind = IMAP_NUMBER;
		word = take_word(&rest);
	} else {
		r->kind = IMAP_DATA;
	}
	r->name = word;
	r->text.rest = rest;
}

bool
imap_is_message_literal(struct pst_str line)
{
	static const char end[] = "BODY[] ";
	struct imap_response r;
	uint64_t size;
	size_t brace = line.n;

	if (!imap_literal_size(line, &size))
		return false;
	while (line.p[brace - 1] != '{')
		brace--;
	brace--;
	if (brace > 0 && line.p[brace - 1] == '~')
		brace--;
	imap_response_parse(line, &r);
	return r.kind == IMAP_NUMBER && str_is_case(r.name, "FETCH") &&
	       brace >= sizeof(end) - 1 &&
	       str_is_case(
		   str_n(line.p + brace - (sizeof(end) - 1), sizeof(end) - 1),
		   end);
}

bool
imap_code_number(struct pst_str code, const char *name, uint64_t *n_r)
{
	struct pst_str word = take_word(&code);

	return str_is_case(word, name) && str_to_u64(str_trim(code), n_r);
}

/* --- FETCH --------------------------------------------------------------- */

void
imap_fetched_init(struct imap_fetched *f)
{
	*f = (struct imap_fetched){ 0 };
	buf_init(&f->words, IMAP_VALUE_MAX);
	buf_init(&f->body, IMAP_VALUE_MAX);
}

void
imap_fetched_fini(struct imap_fetched *f)
{
	buf_fini(&f->words);
	buf_fini(&f->body);
}

static uint32_t
system_flag(struct pst_str word)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} flags[] = { { "\\Seen", PST_SEEN }, { "\\Answered", PST_ANSWERED },
		{ "\\Flagged", PST_FLAGGED }, { "\\Deleted", PST_DELETED },
		{ "\\Draft", PST_DRAFT } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (str_is_case(word, flags[i].word))
			return flags[i].flag;
	return 0;
}

static bool
parse_flags(struct imap_text *t, struct imap_fetched *f)
{
	struct buf word;
	size_t words = 0;
	bool nil, ok = imap_take_open(t);

	buf_init(&word, IMAP_VALUE_MAX);
	f->flags = 0;
	buf_clear(&f->words);
	while (ok && !imap_take_close(t)) {
		buf_clear(&word);
		ok = imap_take_value(t, &word, &nil);
		if (!ok || word.n == 0)
			continue;
		if (word.p[0] == '\\') {
			f->flags |= system_flag(buf_str(&word));
		} else if (words < IMAP_WORDS_MAX &&
			   memchr(word.p, '\0', word.n) == NULL &&
			   memchr(word.p, ' ', word.n) == NULL) {
			words++;
			(void)buf_putc(&f->words, ' ');
			ok = buf_add(&f->words, word.p, word.n);
		}
	}
	buf_fini(&word);
	f->has_flags = ok;
	return ok;
}

static int
month_of(struct pst_str word)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (str_eq_case(word, str_n(names + (size_t)i * 3, 3)))
			return i;
	return -1;
}

/* `digits` of them at `at`. */
static bool
number_at(struct pst_str s, size_t at, size_t digits, uint32_t *n_r)
{
	return str_to_u32(str_n(s.p + at, digits), n_r);
}

bool
imap_parse_date(struct pst_str s, int64_t *date_r)
{
	uint32_t day, year, hour, minute, second, zone;
	struct tm tm = { 0 };

	/* Always 26 octets (RFC 3501, 9: date-time). */
	if (s.n != 26 || s.p[2] != '-' || s.p[6] != '-' || s.p[11] != ' ' ||
	    s.p[14] != ':' || s.p[17] != ':' || s.p[20] != ' ' ||
	    (s.p[21] != '+' && s.p[21] != '-'))
		return false;
	tm.tm_mon = month_of(str_n(s.p + 3, 3));
	if (tm.tm_mon < 0 ||
	    !(s.p[0] == ' ' ? number_at(s, 1, 1, &day)
			    : number_at(s, 0, 2, &day)) ||
	    !number_at(s, 7, 4, &year) || !number_at(s, 12, 2, &hour) ||
	    !number_at(s, 15, 2, &minute) || !number_at(s, 18, 2, &second) ||
	    !number_at(s, 22, 4, &zone) || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 60)
		return false;
	tm.tm_mday = (int)day;
	tm.tm_year = (int)year - 1900;
	tm.tm_hour = (int)hour;
	tm.tm_min = (int)minute;
	tm.tm_sec = (int)second;
	*date_r = (int64_t)timegm(&tm);
	*date_r -= (s.p[21] == '-' ? -1 : 1) *
		   (int64_t)(zone / 100 * 3600 + zone % 100 * 60);
	return true;
}

/* "MODSEQ (12)" */
static bool
parse_modseq(struct imap_text *t, struct imap_fetched *f)
{
	struct buf value;
	bool ok, nil;

	buf_init(&value, 64);
	ok = imap_take_open(t) && imap_take_value(t, &value, &nil) &&
	     str_to_u64(buf_str(&value), &f->modseq) && imap_take_close(t);
	buf_fini(&value);
	return ok;
}

static bool
parse_item(struct imap_text *t, struct pst_str name, struct buf *value,
    struct imap_fetched *f)
{
	bool nil = false;

	if (str_is_case(name, "FLAGS"))
		return parse_flags(t, f);
	if (str_is_case(name, "MODSEQ"))
		return parse_modseq(t, f);
	if (str_is_case(name, "BODY[]")) {
		buf_clear(&f->body);
		f->has_body = true;
		return imap_take_value(t, &f->body, &nil);
	}
	if (str_is_case(name, "UID")) {
		f->has_uid = imap_take_value(t, value, &nil) &&
			     str_to_u32(buf_str(value), &f->uid) && f->uid != 0;
		return f->has_uid;
	}
	if (str_is_case(name, "RFC822.SIZE"))
		return imap_take_value(t, value, &nil) &&
		       str_to_u64(buf_str(value), &f->size);
	if (str_is_case(name, "INTERNALDATE")) {
		f->has_date = imap_take_value(t, value, &nil) &&
			      imap_parse_date(buf_str(value), &f->date);
		return true;
	}
	if (str_is_case(name, "SAVEDATE")) {
		if (imap_take_value(t, value, &nil) && !nil)
			(void)imap_parse_date(buf_str(value), &f->saved);
		return true;
	}
	return imap_text_skip(t);
}

bool
imap_fetched_parse(struct imap_text *t, struct imap_fetched *f)
{
	struct buf words = f->words, body = f->body, name, value;
	bool nil, ok = imap_take_open(t);

	buf_clear(&words);
	buf_clear(&body);
	*f = (struct imap_fetched){ .words = words, .body = body };
	buf_init(&name, 4096);
	buf_init(&value, 4096);
	while (ok && !imap_take_close(t)) {
		buf_clear(&name);
		buf_clear(&value);
		ok = imap_take_value(t, &name, &nil) && name.n > 0 &&
		     parse_item(t, buf_str(&name), &value, f);
	}
	buf_fini(&name);
	buf_fini(&value);
	return ok;
}

/* --- LIST ---------------------------------------------------------------- */

void
imap_listed_init(struct imap_listed *l)
{
	*l = (struct imap_listed){ 0 };
	buf_init(&l->name, 4096);
}

void
imap_listed_fini(struct imap_listed *l)
{
	buf_fini(&l->name);
}

static void
note_attribute(struct imap_listed *l, struct pst_str word)
{
	static const char *const uses[] = { "\\Archive", "\\Drafts", "\\Junk",
		"\\Sent", "\\Trash" };

	if (str_is_case(word, "\\Noselect") ||
	    str_is_case(word, "\\NonExistent"))
		l->can_select = false;
	if (str_is_case(word, "\\Subscribed"))
		l->subscribed = true;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (str_is_case(word, uses[i]))
			(void)str_copy(l->special_use, sizeof(l->special_use),
			    str_of(uses[i]));
}

bool
imap_listed_parse(struct imap_text *t, struct imap_listed *l)
{
	struct buf name = l->name, word;
	bool nil, ok = imap_take_open(t);

	buf_clear(&name);
	*l = (struct imap_listed){ .name = name, .can_select = true };
	buf_init(&word, 4096);
	while (ok && !imap_take_close(t)) {
		buf_clear(&word);
		ok = imap_take_value(t, &word, &nil);
		if (ok)
			note_attribute(l, buf_str(&word));
	}
	buf_clear(&word);
	ok = ok && imap_take_value(t, &word, &nil);
	if (ok && !nil)
		l->separator = word.n == 1 ? word.p[0] : '\0';
	ok = ok && imap_take_value(t, &l->name, &nil) && l->name.n > 0 &&
	     memchr(l->name.p, '\0', l->name.n) == NULL &&
	     memchr(l->name.p, '\r', l->name.n) == NULL &&
	     memchr(l->name.p, '\n', l->name.n) == NULL;
	buf_fini(&word);
	return ok;
}

/* --- NAMESPACE ----------------------------------------------------------- */

/* One "(("prefix" "/" ...) ...)" or NIL; calls back with each prefix. */
static bool
parse_namespace(struct imap_text *t, struct imap_namespaces *n, bool personal)
{
	struct buf value;
	bool nil, ok = true, first = true;

	buf_init(&value, 4096);
	if (!imap_take_open(t)) {
		ok = imap_take_value(t, &value, &nil) && nil;
		buf_fini(&value);
		return ok;
	}
	while (ok && !imap_take_close(t)) {
		buf_clear(&value);
		ok = imap_take_open(t) && imap_take_value(t, &value, &nil);
		while (ok && !imap_take_close(t))
			ok = imap_text_skip(t);
		if (!ok || value.n >= IMAP_PREFIX_MAX)
			continue;
		if (personal && first)
			(void)str_copy(
			    n->personal, IMAP_PREFIX_MAX, buf_str(&value));
		else if (!personal && value.n > 0 &&
			 n->foreigns < IMAP_FOREIGN_MAX)
			(void)str_copy(n->foreign[n->foreigns++],
			    IMAP_PREFIX_MAX, buf_str(&value));
		first = false;
	}
	buf_fini(&value);
	return ok;
}

bool
imap_namespaces_parse(struct imap_text *t, struct imap_namespaces *n)
{
	*n = (struct imap_namespaces){ 0 };
	return parse_namespace(t, n, true) && parse_namespace(t, n, false) &&
	       parse_namespace(t, n, false);
}

bool
imap_put_quoted(struct buf *out, struct pst_str s)
{
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return false;
		if (s.p[i] == '"' || s.p[i] == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, s.p[i]);
	}
	return buf_putc(out, '"');
}
