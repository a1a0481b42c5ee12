/*
 * mailbox/seen.c - one user's own \Seen of a mailbox, and its text:
 *
 *	seen 1 UIDVALIDITY BASE FLOOR
 *	SET, or "-"
 *	AT FIRST LAST		for each change that is remembered
 */
#include "mailbox/seen.h"

#include "base/str.h"

void
seen_init(struct seen_set *s, uint32_t uidvalidity, uint64_t base)
{
	*s = (struct seen_set){ .uidvalidity = uidvalidity, .base = base };
}

void
seen_fini(struct seen_set *s)
{
	uidset_fini(&s->uids);
}

uint64_t
seen_changes(const struct seen_set *s)
{
	return s->base + s->n;
}

/* --- changes -----------------------------------------------------------------
 */

/* The older half of the log gets one mod-sequence, that of its last change. */
static void
fold(struct seen_set *s)
{
	size_t gone = s->n / 2;

	s->base += gone;
	s->floor = s->log[gone - 1].at + s->base;
	s->n -= gone;
	memmove(s->log, s->log + gone, s->n * sizeof(s->log[0]));
}

void
seen_change(struct seen_set *s, uint64_t at, struct pst_range uids, bool seen)
{
	/* A mailbox whose mod-sequences went back: ours must not. */
	if (s->n > 0 && at < s->log[s->n - 1].at)
		at = s->log[s->n - 1].at;
	if (s->n == SEEN_LOG)
		fold(s);
	s->log[s->n].at = at;
	s->log[s->n++].uids = uids;
	if (seen)
		uidset_add(&s->uids, uids.first, uids.last);
	else
		uidset_remove(&s->uids, uids.first, uids.last);
}

/* --- mod-sequences -----------------------------------------------------------
 */

/* How many remembered changes were made before the mailbox came to `modseq`. */
static uint64_t
before(const struct seen_set *s, uint64_t modseq)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->log[mid].at < modseq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t
seen_modseq(const struct seen_set *s, uint64_t modseq)
{
	return modseq + s->base + before(s, modseq);
}

uint64_t
seen_row_modseq(const struct seen_set *s, uint32_t uid, uint64_t modseq)
{
	uint64_t told = seen_modseq(s, modseq);

	if (told < s->floor)
		told = s->floor;
	for (size_t i = s->n; i-- > 0;) {
		uint64_t mine = s->log[i].at + s->base + i + 1;

		if (mine <= told) /* and all before it */
			break;
		if (s->log[i].uids.first <= uid && uid <= s->log[i].uids.last)
			return mine;
	}
	return told;
}

uint64_t
seen_highest(const struct seen_set *s, uint64_t modseq)
{
	if (s->n > 0 && modseq < s->log[s->n - 1].at)
		modseq = s->log[s->n - 1].at;
	modseq += seen_changes(s);
	return modseq > s->floor ? modseq : s->floor;
}

uint64_t
seen_told(const struct seen_set *s, uint64_t modseq)
{
	return modseq + s->base + before(s, modseq + 1);
}

uint64_t
seen_mailbox_modseq(const struct seen_set *s, uint64_t told)
{
	/* With k changes before it, it is told - base - k. More of them mean a
	 * lower number: the first k that is not too few. */
	size_t low = 0, high = s->n;

	if (told < s->base)
		return 0;
	told -= s->base;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (told >= mid && before(s, told - mid) > mid)
			low = mid + 1;
		else
			high = mid;
	}
	return told >= low ? told - low : 0;
}

/* --- the text ----------------------------------------------------------------
 */

bool
seen_print(const struct seen_set *s, struct buf *out)
{
	(void)buf_printf(out, "seen 1 %lu %llu %llu\n",
	    (unsigned long)s->uidvalidity, (unsigned long long)s->base,
	    (unsigned long long)s->floor);
	if (s->uids.n == 0)
		(void)buf_putc(out, '-');
	else
		(void)uidset_print(&s->uids, out);
	(void)buf_putc(out, '\n');
	for (size_t i = 0; i < s->n; i++)
		(void)buf_printf(out, "%llu %lu %lu\n",
		    (unsigned long long)s->log[i].at,
		    (unsigned long)s->log[i].uids.first,
		    (unsigned long)s->log[i].uids.last);
	return !out->overflow;
}

static bool
next_number(struct pst_str *line, uint64_t most, uint64_t *out)
{
	struct pst_str word;

	return str_split(line, ' ', &word) && str_to_u64(word, out) &&
	       *out <= most;
}

static bool
parse_head(struct pst_str line, struct seen_set *s)
{
	struct pst_str word;
	uint64_t validity;

	if (!str_split(&line, ' ', &word) || !str_is(word, "seen") ||
	    !str_split(&line, ' ', &word) || !str_is(word, "1") ||
	    !next_number(&line, UINT32_MAX, &validity) ||
	    !next_number(&line, INT64_MAX / 4, &s->base) ||
	    !next_number(&line, INT64_MAX / 2, &s->floor) || line.p != NULL)
		return false;
	s->uidvalidity = (uint32_t)validity;
	return validity != 0;
}

static bool
parse_change(struct pst_str line, struct seen_set *s)
{
	uint64_t at, first, last;

	if (s->n == SEEN_LOG || !next_number(&line, INT64_MAX / 4, &at) ||
	    !next_number(&line, UINT32_MAX, &first) ||
	    !next_number(&line, UINT32_MAX, &last) || line.p != NULL ||
	    first == 0 || first > last ||
	    (s->n > 0 && at < s->log[s->n - 1].at))
		return false;
	s->log[s->n].at = at;
	s->log[s->n++].uids = (struct pst_range){ (uint32_t)first,
		(uint32_t)last };
	return true;
}

bool
seen_parse(struct pst_str text, struct seen_set *s)
{
	struct pst_str line;
	bool good;

	seen_init(s, 0, 0);
	good = text.n > 0 && text.p[text.n - 1] == '\n' &&
	       str_split(&text, '\n', &line) && parse_head(line, s) &&
	       str_split(&text, '\n', &line) &&
	       (str_is(line, "-") ||
		   uidset_parse(line, 1, SEEN_RANGES_MAX, &s->uids) == PST_OK);
	while (good && text.n > 0) {
		good = str_split(&text, '\n', &line) && parse_change(line, s);
	}
	if (!good)
		seen_fini(s);
	return good;
}
