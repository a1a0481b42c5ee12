/*
 * imap/sort_keys.c - sort criteria (RFC 5256, 3; RFC 5957, 4; RFC 6203, 6). A
 * further one is a row in the table and its writer.
 *
 * Numbers are written with the highest octet first. A text ends in 0, which is
 * less than anything in it; REVERSE inverts every octet.
 */
#include "imap/sort_keys.h"

#include "base/str.h"

struct sorted {
	const struct pst_row *row;
	const struct imap_facts *facts;
	unsigned score;
};

struct imap_sort_word {
	const char *name;
	unsigned facts;
	void (*put)(const struct sorted *m, struct buf *out);
};

static void
put_u64(struct buf *out, uint64_t n)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		(void)buf_putc(out, (char)(n >> shift & 0xff));
}

static void
put_i64(struct buf *out, int64_t n)
{
	put_u64(out, (uint64_t)n ^ (uint64_t)1 << 63);
}

/* 0 and 1 become two octets, so that 0 is free to end it. */
static void
put_text(struct buf *out, struct pst_str text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c > 1)
			continue;
		(void)buf_add(out, text.p + from, i - from);
		(void)buf_putc(out, 1);
		(void)buf_putc(out, (char)(c + 1));
		from = i + 1;
	}
	if (from < text.n)
		(void)buf_add(out, text.p + from, text.n - from);
	(void)buf_putc(out, 0);
}

static void
put_arrival(const struct sorted *m, struct buf *out)
{
	put_i64(out, m->row->internal_date);
}

static void
put_cc(const struct sorted *m, struct buf *out)
{
	put_text(out, m->facts->cc);
}

static void
put_date(const struct sorted *m, struct buf *out)
{
	put_i64(out, m->facts->sent);
}

static void
put_display_from(const struct sorted *m, struct buf *out)
{
	put_text(out, m->facts->display_from);
}

static void
put_display_to(const struct sorted *m, struct buf *out)
{
	put_text(out, m->facts->display_to);
}

static void
put_from(const struct sorted *m, struct buf *out)
{
	put_text(out, m->facts->from);
}

/* RFC 6203, 6: the highest comes first. */
static void
put_relevancy(const struct sorted *m, struct buf *out)
{
	(void)buf_putc(out, (char)(100 - m->score));
}

static void
put_size(const struct sorted *m, struct buf *out)
{
	put_u64(out, m->row->size);
}

static void
put_subject(const struct sorted *m, struct buf *out)
{
	put_text(out, m->facts->subject);
}

static void
put_to(const struct sorted *m, struct buf *out)
{
	put_text(out, m->facts->to);
}

static const struct imap_sort_word words[] = {
	{ "ARRIVAL", 0, put_arrival },
	{ "CC", IMAP_FACT_CC, put_cc },
	{ "DATE", IMAP_FACT_SENT, put_date },
	{ "DISPLAYFROM", IMAP_FACT_DISPLAY_FROM, put_display_from },
	{ "DISPLAYTO", IMAP_FACT_DISPLAY_TO, put_display_to },
	{ "FROM", IMAP_FACT_FROM, put_from },
	{ "RELEVANCY", 0, put_relevancy },
	{ "SIZE", 0, put_size },
	{ "SUBJECT", IMAP_FACT_SUBJECT, put_subject },
	{ "TO", IMAP_FACT_TO, put_to },
};

void
imap_sort_put_key(const struct imap_sort *sort, const struct pst_row *row,
    const struct imap_facts *facts, unsigned score, struct buf *out)
{
	const struct sorted m = { row, facts, score };

	for (size_t i = 0; i < sort->n; i++) {
		size_t from = out->n;

		sort->key[i].word->put(&m, out);
		for (; sort->key[i].reverse && from < out->n; from++)
			out->p[from] = (char)~out->p[from];
	}
}

void
imap_sort_name(const struct imap_sort *sort, struct buf *out)
{
	for (size_t i = 0; i < sort->n; i++) {
		(void)buf_puts(out, sort->key[i].reverse ? "-" : "+");
		(void)buf_puts(out, sort->key[i].word->name);
	}
	(void)buf_putc(out, '\0');
}

/* --- the grammar
 * -------------------------------------------------------------- */

static bool
parse_criterion(struct imap_parser *ps, struct imap_sort *out)
{
	bool reverse = imap_skip_word(ps, "REVERSE");
	struct pst_str name;

	if (out->n == IMAP_SORT_KEYS_MAX)
		return imap_bad(ps, "Too many sort criteria");
	if (reverse && !imap_space(ps))
		return false;
	if (!imap_word(ps, &name))
		return imap_bad(ps, "Missing sort criterion");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_is_case(name, words[i].name))
			continue;
		out->key[out->n].word = &words[i];
		out->key[out->n++].reverse = reverse;
		out->facts |= words[i].facts;
		out->by_score |= words[i].put == put_relevancy;
		return true;
	}
	return imap_bad(ps, "Unknown sort criterion");
}

bool
imap_sort_parse(struct imap_parser *ps, struct imap_sort *out)
{
	memset(out, 0, sizeof(*out));
	if (!imap_expect(ps, '('))
		return false;
	do {
		if (!parse_criterion(ps, out))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}
