/*
 * imap/search_return.c - the return options of searching commands (RFC 4466,
 * 2.6.1). A further option is a row in the table.
 */
#include "imap/search_return.h"

#include "base/str.h"
#include "imap/notify_parse.h"

static const struct {
	const char *name;
	enum imap_return_option option;
} options[] = {
	{ "ALL", IMAP_RETURN_ALL },
	{ "CONTEXT", IMAP_RETURN_CONTEXT },
	{ "COUNT", IMAP_RETURN_COUNT },
	{ "MAX", IMAP_RETURN_MAX },
	{ "MIN", IMAP_RETURN_MIN },
	{ "PARTIAL", IMAP_RETURN_PARTIAL },
	{ "RELEVANCY", IMAP_RETURN_RELEVANCY },
	{ "SAVE", IMAP_RETURN_SAVE },
	{ "UPDATE", IMAP_RETURN_UPDATE },
};

/* --- ranges of results ---------------------------------------------------- */

static bool
position(struct imap_parser *ps, bool from_end, uint32_t *out)
{
	if (from_end != imap_skip(ps, '-') || !imap_number(ps, out) ||
	    *out == 0)
		return imap_bad(ps, "Invalid range of results");
	return true;
}

bool
imap_partial_parse(struct imap_parser *ps, struct imap_partial *out)
{
	out->from_end = imap_peek(ps) == '-';
	if (!position(ps, out->from_end, &out->first))
		return false;
	if (!imap_skip(ps, ':'))
		return imap_bad(ps, "Invalid range of results");
	return position(ps, out->from_end, &out->last);
}

void
imap_put_partial(struct buf *out, const struct imap_partial *p)
{
	const char *sign = p->from_end ? "-" : "";

	(void)buf_puts(out, sign);
	(void)buf_put_u64(out, p->first);
	(void)buf_putc(out, ':');
	(void)buf_puts(out, sign);
	(void)buf_put_u64(out, p->last);
}

uint32_t
imap_partial_reach(const struct imap_partial *p)
{
	return p->first > p->last ? p->first : p->last;
}

/* RFC 9394, 4: 500:400 is the same as 400:500. */
void
imap_partial_cut(
    const struct imap_partial *p, size_t n, size_t *from, size_t *to)
{
	size_t far = imap_partial_reach(p);
	size_t near = p->first < p->last ? p->first : p->last;

	if (far > n)
		far = n;
	if (near > n) {
		*from = *to = 0;
	} else if (p->from_end) {
		*from = n - far;
		*to = n - near + 1;
	} else {
		*from = near - 1;
		*to = far;
	}
}

/* --- options -------------------------------------------------------------- */

/* modifier-update (RFC 5465, 8); the examples there have a space. */
static bool
parse_update(struct imap_parser *ps, struct imap_search_return *out)
{
	bool spaced = ps->end - ps->p > 1 && ps->p[0] == ' ' && ps->p[1] == '(';

	if (spaced)
		ps->p++;
	return imap_peek(ps) != '(' || imap_notify_atts(ps, &out->update_atts);
}

static bool
parse_option(struct imap_parser *ps, struct imap_search_return *out)
{
	struct pst_str name;
	size_t i = 0;

	if (!imap_word(ps, &name))
		return imap_bad(ps, "Missing return option");
	while (i < sizeof(options) / sizeof(options[0]) &&
	       !str_is_case(name, options[i].name))
		i++;
	if (i == sizeof(options) / sizeof(options[0]))
		return imap_bad(ps, "Unknown return option");
	/* RFC 9394, 3.1: one PARTIAL at most. */
	if (options[i].option == IMAP_RETURN_PARTIAL &&
	    ((out->options & IMAP_RETURN_PARTIAL) || !imap_space(ps) ||
		!imap_partial_parse(ps, &out->partial)))
		return imap_bad(ps, "Invalid PARTIAL");
	out->options |= options[i].option;
	return options[i].option != IMAP_RETURN_UPDATE || parse_update(ps, out);
}

static bool
parse_options(struct imap_parser *ps, struct imap_search_return *out)
{
	if (imap_skip(ps, ')'))
		return true;
	do {
		if (!parse_option(ps, out))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

bool
imap_search_return_parse(struct imap_parser *ps, struct imap_search_return *out)
{
	const unsigned both = IMAP_RETURN_ALL | IMAP_RETURN_PARTIAL;

	memset(out, 0, sizeof(*out));
	if (!imap_skip_word(ps, "RETURN"))
		return true;
	out->is_extended = true;
	if (!imap_space(ps) || !imap_expect(ps, '(') ||
	    !parse_options(ps, out) || !imap_space(ps))
		return false;
	if ((out->options & both) == both)
		return imap_bad(ps, "ALL and PARTIAL together");
	if (out->options == 0) /* RFC 4731, 3.1 */
		out->options = IMAP_RETURN_ALL;
	return true;
}
