/*
 * message/address.c - address lists (RFC 5322, 3.4 and 4.4; RFC 6532).
 *
 * One pass from left to right over words and special characters, with no way
 * back: each octet is looked at a bounded number of times whatever it is. Words
 * are gathered twice, as a display name (with single spaces) and as a local
 * part (without), until what follows tells which one they were.
 */
#include "message/address.h"
#include "base/str.h"
#include "message/internal.h"

struct parser {
	struct arena *arena;
	const char *p, *end;
	struct buf name;  /* words joined by spaces */
	struct buf local; /* words joined */
	/* Where the last word begins that white space separates from those
	 * before it: "Name local@host", without brackets. */
	size_t name_split, local_split;
	struct buf comment; /* the last one */
	bool has_comment;
	bool no_quote_end, no_comment_end; /* none to be found any more */

	struct msg_address *first, **link;
	size_t left;
	bool in_group;
};

static bool
is_special(char c)
{
	return c != '\0' && strchr("<>,;:@()\"\\", c) != NULL;
}

static bool
is_atom_char(char c)
{
	return !msg_is_wsp(c) && !is_special(c);
}

static void
clear_words(struct parser *ps)
{
	buf_clear(&ps->name);
	buf_clear(&ps->local);
	ps->name_split = 0;
	ps->local_split = 0;
}

/* A quoted string at ps->p; false when it is never closed. */
static bool
take_quoted(struct parser *ps, struct buf *out)
{
	const char *at = ps->p + 1;

	while (at < ps->end && *at != '"')
		at += *at == '\\' && ps->end - at > 1 ? 2 : 1;
	if (at >= ps->end) {
		ps->no_quote_end = true;
		return false;
	}
	for (const char *c = ps->p + 1; c < at; c++) {
		if (*c == '\\')
			c++;
		if (*c != '\r' && *c != '\n')
			(void)buf_putc(out, *c);
	}
	ps->p = at + 1;
	return true;
}

static void
take_comment(struct parser *ps)
{
	const char *after = msg_skip_comment(ps->p, ps->end), *c = ps->p + 1;

	if (after == NULL) {
		ps->no_comment_end = true;
		ps->p++;
		return;
	}
	buf_clear(&ps->comment);
	for (; c < after - 1; c++) {
		if (*c == '\\' && after - 1 - c > 1)
			c++;
		if (*c != '\r' && *c != '\n')
			(void)buf_putc(&ps->comment, *c);
	}
	ps->has_comment = true;
	ps->p = after;
}

/* White space and comments; true when there was any. */
static bool
skip_cfws(struct parser *ps)
{
	const char *start = ps->p;

	while (ps->p < ps->end) {
		if (msg_is_wsp(*ps->p))
			ps->p++;
		else if (*ps->p == '(' && !ps->no_comment_end)
			take_comment(ps);
		else
			break;
	}
	return ps->p > start;
}

/* Characters of an atom, dots included; an encoded word is one whatever it
 * holds. */
static struct pst_str
take_atom(struct parser *ps)
{
	const char *start = ps->p;

	while (ps->p < ps->end && is_atom_char(*ps->p)) {
		const char *after = NULL;

		if (*ps->p == '=')
			after = msg_skip_word(ps->p, ps->end);
		ps->p = after != NULL ? after : ps->p + 1;
	}
	return str_n(start, (size_t)(ps->p - start));
}

/* Adds a word that stands at ps->p to name and local part. */
static void
take_word(struct parser *ps, bool space_before)
{
	struct pst_str atom;
	size_t before;

	/* White space around dots separates nothing (RFC 5322, 4.4). */
	if (space_before && ps->local.n > 0 &&
	    ps->local.p[ps->local.n - 1] != '.' && *ps->p != '.') {
		ps->name_split = ps->name.n;
		ps->local_split = ps->local.n;
	}
	if (space_before && ps->name.n > 0)
		(void)buf_putc(&ps->name, ' ');
	if (*ps->p == '"' && !ps->no_quote_end) {
		before = ps->local.n;
		if (take_quoted(ps, &ps->local))
			(void)buf_add_str(
			    &ps->name, str_from(buf_str(&ps->local), before));
		return;
	}
	atom = take_atom(ps);
	(void)buf_add_str(&ps->name, atom);
	(void)buf_add_str(&ps->local, atom);
	if (atom.n == 0)
		ps->p++; /* a special character where it says nothing */
}

/* "[...]" as it is, or words with dots between. */
static struct pst_str
take_domain(struct parser *ps)
{
	struct pst_str host = STR_NONE;
	struct buf text;

	(void)skip_cfws(ps);
	if (ps->p < ps->end && *ps->p == '[') {
		const char *start = ps->p;

		while (ps->p < ps->end && *ps->p != ']' && *ps->p != ',' &&
		       *ps->p != '>')
			ps->p++;
		if (ps->p < ps->end && *ps->p == ']')
			ps->p++;
		return str_n(start, (size_t)(ps->p - start));
	}
	buf_init(&text, (size_t)(ps->end - ps->p));
	while (ps->p < ps->end && is_atom_char(*ps->p)) {
		(void)buf_add_str(&text, take_atom(ps));
		if (skip_cfws(ps) && ps->p < ps->end && *ps->p != '.' &&
		    text.p[text.n - 1] != '.')
			break;
	}
	if (text.n > 0)
		host = arena_copy(ps->arena, buf_str(&text));
	buf_fini(&text);
	return host;
}

static struct msg_address *
add_address(struct parser *ps, enum msg_address_kind kind)
{
	struct msg_address *ad;

	if (ps->left == 0 && kind != MSG_GROUP_END)
		return NULL;
	ad = arena_alloc(ps->arena, sizeof(*ad));
	if (ad == NULL) {
		ps->left = 0;
		return NULL;
	}
	ad->kind = kind;
	*ps->link = ad;
	ps->link = &ad->next;
	ps->left -= ps->left > 0;
	return ad;
}

static void
end_group(struct parser *ps)
{
	if (ps->in_group)
		(void)add_address(ps, MSG_GROUP_END);
	ps->in_group = false;
}

static struct pst_str
trimmed_copy(struct arena *a, struct pst_str s)
{
	s = str_trim(s);
	return s.n > 0 ? arena_copy(a, s) : STR_NONE;
}

/* The address is complete; a comment names it when nothing else does. */
static void
finish(struct parser *ps, struct pst_str name, struct pst_str route,
    struct pst_str mailbox, struct pst_str host)
{
	struct msg_address *ad = add_address(ps, MSG_ADDRESS);

	if (ad != NULL) {
		ad->name = trimmed_copy(ps->arena, name);
		if (ad->name.n == 0 && ps->has_comment)
			ad->name = trimmed_copy(
			    ps->arena, buf_str(&ps->comment));
		ad->route = route;
		ad->mailbox = arena_copy(ps->arena, mailbox);
		ad->host = host;
	}
	clear_words(ps);
	ps->has_comment = false;
}

/* "@a,@b:" in angle brackets (RFC 5322, 4.4). Without the colon "@a" is the
 * host of a mailbox that is missing. */
static struct pst_str
take_route(struct parser *ps)
{
	const char *start = ps->p, *at = start;

	while (at < ps->end && memchr("<>:[", *at, 4) == NULL)
		at++;
	if (at == ps->end || *at != ':')
		return STR_NONE;
	ps->p = at + 1;
	return trimmed_copy(ps->arena, str_n(start, (size_t)(at - start)));
}

/* "<...>" at ps->p; the name has been gathered. */
static void
take_angle(struct parser *ps, struct pst_str name)
{
	struct pst_str route = STR_NONE, host = STR_NONE;
	struct buf local;

	buf_init(&local, (size_t)(ps->end - ps->p));
	ps->p++;
	(void)skip_cfws(ps);
	if (ps->p < ps->end && *ps->p == '@')
		route = take_route(ps);
	while (ps->p < ps->end && *ps->p != '>' && *ps->p != ',') {
		if (skip_cfws(ps))
			continue;
		if (*ps->p == '@') {
			/* Of two the last one counts. */
			if (host.n > 0) {
				(void)buf_putc(&local, '@');
				(void)buf_add_str(&local, host);
			}
			ps->p++;
			host = take_domain(ps);
		} else if (*ps->p == '"' && !ps->no_quote_end) {
			(void)take_quoted(ps, &local);
		} else if (is_atom_char(*ps->p) && host.n == 0) {
			(void)buf_add_str(&local, take_atom(ps));
		} else {
			ps->p++;
		}
	}
	if (ps->p < ps->end && *ps->p == '>')
		ps->p++;
	(void)skip_cfws(ps); /* a comment may name it */
	finish(ps, name, route, buf_str(&local), host);
	buf_fini(&local);
}

/* Behind an address: up to what separates it from the next. */
static void
skip_rest(struct parser *ps)
{
	while (ps->p < ps->end && *ps->p != ',' && *ps->p != ';') {
		if (skip_cfws(ps))
			continue;
		buf_clear(&ps->local);
		if (*ps->p != '"' || ps->no_quote_end ||
		    !take_quoted(ps, &ps->local))
			ps->p++;
	}
	clear_words(ps);
	ps->has_comment = false;
}

/* "words@": an address without brackets, or something like one that is the
 * name of the address that follows in brackets. */
static void
take_plain(struct parser *ps)
{
	struct pst_str name, mailbox, host = STR_NONE;
	size_t local_n = ps->local.n;

	while (ps->p < ps->end && *ps->p == '@') {
		if (host.n > 0) {
			(void)buf_putc(&ps->local, '@');
			(void)buf_add_str(&ps->local, host);
			local_n = ps->local.n;
		}
		ps->p++;
		host = take_domain(ps);
		(void)skip_cfws(ps);
	}
	if (ps->p < ps->end && *ps->p == '<') {
		(void)buf_putc(&ps->name, '@');
		(void)buf_add_str(&ps->name, host);
		take_angle(ps, buf_str(&ps->name));
	} else {
		name = str_first(buf_str(&ps->name), ps->name_split);
		mailbox = str_first(buf_str(&ps->local), local_n);
		mailbox = str_from(mailbox, ps->local_split);
		finish(ps, name, STR_NONE, mailbox, host);
	}
	skip_rest(ps);
}

static void
start_group(struct parser *ps)
{
	struct msg_address *ad;

	end_group(ps);
	ad = add_address(ps, MSG_GROUP_START);
	if (ad != NULL) {
		ad->mailbox = arena_copy(
		    ps->arena, str_trim(buf_str(&ps->name)));
		ps->in_group = true;
	}
	clear_words(ps);
	ps->has_comment = false;
}

/* Words with nothing behind them. */
static void
end_words(struct parser *ps)
{
	if (ps->name.n > 0)
		finish(ps, STR_NONE, STR_NONE, buf_str(&ps->name), STR_NONE);
	clear_words(ps);
	ps->has_comment = false;
}

static void
parse(struct parser *ps)
{
	while (ps->left > 0) {
		bool space = skip_cfws(ps);

		if (ps->p == ps->end)
			break;
		switch (*ps->p) {
		case '<':
			take_angle(ps, buf_str(&ps->name));
			skip_rest(ps);
			break;
		case '@':
			take_plain(ps);
			break;
		case ',':
			end_words(ps);
			ps->p++;
			break;
		case ';':
			/* Some programs separate addresses with it. */
			end_words(ps);
			end_group(ps);
			ps->p++;
			break;
		case ':':
			if (ps->name.n > 0)
				start_group(ps);
			ps->p++;
			break;
		default:
			take_word(ps, space);
		}
	}
	if (ps->left > 0)
		end_words(ps);
	end_group(ps);
}

struct msg_address *
msg_addresses(struct arena *a, struct pst_str value, size_t max)
{
	struct parser ps = { .arena = a, .left = max };

	if (value.n == 0)
		return NULL;
	ps.p = value.p;
	ps.end = value.p + value.n;
	ps.link = &ps.first;
	/* Words are shorter than the text, but for a space and an "@" each. */
	buf_init(&ps.name, value.n * 2 + 16);
	buf_init(&ps.local, value.n * 2 + 16);
	buf_init(&ps.comment, value.n);
	parse(&ps);
	buf_fini(&ps.name);
	buf_fini(&ps.local);
	buf_fini(&ps.comment);
	return ps.first;
}
