/*
 * imap/url.c - the relative forms of IMAP URLs (RFC 5092, 7 and 11; the forms
 * of RFC 2192 are the same here):
 *
 *	/mailbox[;UIDVALIDITY=n]/;UID=n[/;SECTION=section][/;PARTIAL=a[.b]]
 *
 * A path without the first slash is one from the selected mailbox.
 */
#include "imap/url.h"

#include "base/str.h"
#include "mailbox/mailbox.h"

enum { URL_MAX = 16384 };

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_allowed(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' &&
	       c != '\\' && c != '?' && c != '#';
}

/* Without its percent encoding; NUL is never meant. */
static bool
decode(struct pst_str in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		int high, low;

		if (!is_allowed(in.p[i]))
			return false;
		if (in.p[i] != '%') {
			(void)buf_putc(out, in.p[i]);
			continue;
		}
		if (in.n - i < 3)
			return false;
		high = hex_value(in.p[i + 1]);
		low = hex_value(in.p[i + 2]);
		if (high < 0 || low < 0 || high + low == 0)
			return false;
		(void)buf_putc(out, (char)(high * 16 + low));
		i += 2;
	}
	return !out->overflow;
}

/* Takes `mark` and what follows it off the end of `*rest`. */
static bool
take_last(struct pst_str *rest, const char *mark, struct pst_str *value_r)
{
	size_t at = str_find_case(*rest, str_of(mark));

	if (at == SIZE_MAX)
		return false;
	*value_r = str_from(*rest, at + strlen(mark));
	*rest = str_first(*rest, at);
	return true;
}

/* The mailbox that a path means; `selected` is the base of a relative one. */
static bool
set_mailbox(struct pst_str path, const char *selected, struct arena *arena,
    struct imap_url *out)
{
	struct buf name, clean;
	bool good = true;

	buf_init(&name, URL_MAX);
	buf_init(&clean, URL_MAX);
	if (path.n > 0 && path.p[0] == '/') {
		path = str_from(path, 1);
	} else if (selected == NULL) {
		good = false;
	} else if (path.n == 0) { /* the mailbox itself */
		(void)buf_puts(&name, selected);
	} else { /* beside it (RFC 3986, 5.2.3) */
		const char *slash = strrchr(selected, '/');

		if (slash != NULL)
			(void)buf_add(
			    &name, selected, (size_t)(slash - selected) + 1);
	}
	good = good && str_find_case(path, STR("//")) == SIZE_MAX &&
	       decode(path, &name) &&
	       mailbox_name_clean(buf_str(&name), &clean) == PST_OK;
	if (good)
		out->mailbox = arena_text(arena, buf_str(&clean));
	buf_fini(&name);
	buf_fini(&clean);
	return good;
}

/* The section and the partial, in the words of FETCH. */
static bool
set_section(struct pst_str section, struct pst_str partial, struct arena *arena,
    struct imap_url *out)
{
	struct imap_parser ps;
	struct buf text;
	bool good;

	buf_init(&text, URL_MAX);
	good = decode(section, &text) &&
	       memchr(text.p != NULL ? text.p : "", ']', text.n) == NULL;
	(void)buf_putc(&text, ']');
	if (good) {
		imap_parser_init(&ps, arena_copy(arena, buf_str(&text)), arena);
		good = imap_section_parse(&ps, &out->section) && ps.p == ps.end;
	}
	buf_fini(&text);
	if (good && partial.p != NULL) {
		struct pst_str offset = str_first(
		    partial, str_find(partial, '.'));
		struct pst_str length = str_from(partial, offset.n + 1);

		out->section.is_partial = true;
		out->section.length = UINT32_MAX;
		good = str_to_u32(offset, &out->section.offset) &&
		       (offset.n == partial.n ||
			   (str_to_u32(length, &out->section.length) &&
			       out->section.length > 0));
	}
	return good;
}

bool
imap_url_parse(struct pst_str text, const char *selected, struct arena *arena,
    struct imap_url *out)
{
	struct pst_str partial = STR_NONE, section = STR(""), uid, validity;

	memset(out, 0, sizeof(*out));
	if (text.n > URL_MAX / 4)
		return false;
	(void)take_last(&text, "/;PARTIAL=", &partial);
	if (take_last(&text, "/;SECTION=", &section) && section.n == 0)
		return false;
	if (!take_last(&text, "/;UID=", &uid)) {
		if (!str_has_prefix_case(text, ";UID="))
			return false;
		(void)take_last(&text, ";UID=", &uid);
	}
	if (!str_to_u32(uid, &out->uid) || out->uid == 0)
		return false;
	if (take_last(&text, ";UIDVALIDITY=", &validity) &&
	    (!str_to_u32(validity, &out->uidvalidity) || out->uidvalidity == 0))
		return false;
	return set_mailbox(text, selected, arena, out) &&
	       set_section(section, partial, arena, out);
}
