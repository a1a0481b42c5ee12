/*
 * A user's own \Seen, and the mod-sequences that the user is told: against a
 * model that keeps the whole history of private and common changes.
 */
#include "mailbox/seen.h"

#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

enum { UIDS = 30, EVENTS = 3000, BASE = 1000 };

/* What happened, in order. */
struct event {
	bool is_private;
	uint32_t uid;
	uint64_t told; /* its mod-sequence, as told when it happened */
};

static uint32_t seed = 4314;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static uint64_t
row(const struct seen_set *s, const uint64_t *modseq, uint32_t uid)
{
	return seen_row_modseq(s, uid, modseq[uid]);
}

/* A client that knew everything up to event `k` is told of each message that
 * was touched later. */
static void
check_clients(const struct seen_set *s, const uint64_t *modseq,
    const struct event *event, size_t n, size_t k)
{
	for (size_t i = k + 1; i < n; i++)
		cr_assert(row(s, modseq, event[i].uid) > event[k].told,
		    "event %zu of %zu, known up to %zu", i, n, k);
}

Test(seen, mod_sequences_are_one_ascending_sequence)
{
	static struct event event[EVENTS];
	uint64_t modseq[UIDS + 1], now = 5, last = 0;
	struct seen_set s;
	bool seen[UIDS + 1] = { false };

	for (size_t i = 0; i <= UIDS; i++)
		modseq[i] = 1 + i % 5;
	seen_init(&s, 1, BASE);
	for (size_t n = 0; n < EVENTS; n++) {
		uint32_t uid = 1 + dice(UIDS);
		struct event *e = &event[n];

		e->uid = uid;
		e->is_private = dice(3) != 0;
		if (e->is_private) {
			seen[uid] = !seen[uid];
			seen_change(
			    &s, now, (struct pst_range){ uid, uid }, seen[uid]);
		} else {
			now += 1 + dice(3);
			modseq[uid] = now;
		}
		e->told = row(&s, modseq, uid);
		/* Larger than all before, and the highest that there is. */
		cr_assert(e->told > last, "%zu", n);
		cr_assert_eq(e->told, seen_highest(&s, now));
		cr_assert_eq(e->told, seen_told(&s, now));
		last = e->told;
		for (uint32_t u = 1; u <= UIDS; u++)
			cr_assert(row(&s, modseq, u) <= last);
		check_clients(&s, modseq, event, n + 1, n);
		check_clients(&s, modseq, event, n + 1, dice((uint32_t)n + 1));
	}
	for (uint32_t u = 1; u <= UIDS; u++)
		cr_expect_eq(uidset_has(&s.uids, u), seen[u]);
	cr_expect(seen_changes(&s) > BASE + SEEN_LOG);
	seen_fini(&s);
}

/* With common changes that the client was not told of yet. */
Test(seen, what_is_told_lacks_nothing)
{
	uint64_t now = 1;
	struct seen_set s;

	seen_init(&s, 1, BASE);
	for (size_t n = 0; n < 2000; n++) {
		if (dice(2) != 0)
			seen_change(
			    &s, now, (struct pst_range){ 1, 1 }, n % 2 != 0);
		else
			now += 1 + dice(2);
		for (uint64_t known = now > 20 ? now - 20 : 0; known < now;
		     known++) {
			uint64_t told = seen_told(&s, known);

			cr_assert(seen_modseq(&s, known) <= told);
			cr_assert(seen_modseq(&s, known + 1) > told);
		}
	}
	seen_fini(&s);
}

Test(seen, goes_back_to_the_mailbox)
{
	uint64_t now = 1;
	struct seen_set s;

	seen_init(&s, 1, BASE);
	cr_expect_eq(seen_mailbox_modseq(&s, 0), 0u);
	cr_expect_eq(seen_mailbox_modseq(&s, BASE - 1), 0u);
	for (size_t n = 0; n < 1500; n++) {
		if (dice(2) != 0)
			seen_change(&s, now, (struct pst_range){ 1, 9 }, true);
		else
			now += 1 + dice(3);
		for (uint64_t told = seen_modseq(&s, now > 9 ? now - 9 : 0);
		     told <= seen_highest(&s, now) + 2; told++) {
			uint64_t m = seen_mailbox_modseq(&s, told);

			cr_assert(seen_modseq(&s, m) <= told);
			cr_assert(seen_modseq(&s, m + 1) > told);
		}
	}
	seen_fini(&s);
}

static void
expect_same(const struct seen_set *a, const struct seen_set *b)
{
	cr_expect_eq(a->uidvalidity, b->uidvalidity);
	cr_expect_eq(a->base, b->base);
	cr_expect_eq(a->floor, b->floor);
	cr_assert_eq(a->n, b->n);
	cr_assert_eq(a->uids.n, b->uids.n);
	cr_expect_arr_eq(
	    a->uids.r, b->uids.r, a->uids.n * sizeof(a->uids.r[0]));
	for (size_t i = 0; i < a->n; i++) {
		cr_expect_eq(a->log[i].at, b->log[i].at);
		cr_expect_eq(a->log[i].uids.first, b->log[i].uids.first);
		cr_expect_eq(a->log[i].uids.last, b->log[i].uids.last);
	}
}

Test(seen, text_reads_back_and_cut_texts_do_not_lie)
{
	struct seen_set s, again;
	struct buf text;

	seen_init(&s, 77, BASE);
	for (uint32_t i = 1; i < 400; i++)
		seen_change(&s, 5 + i / 3, (struct pst_range){ i * 2, i * 2 },
		    i % 7 != 0);
	buf_init(&text, SEEN_TEXT_MAX);
	cr_assert(seen_print(&s, &text));
	cr_assert(seen_parse(buf_str(&text), &again));
	expect_same(&s, &again);
	seen_fini(&again);
	/* Only at the end of a line, where changes are missing at worst. */
	for (size_t n = 0; n < text.n; n++) {
		if (!seen_parse(str_n(text.p, n), &again))
			continue;
		cr_expect_eq(text.p[n - 1], '\n');
		cr_expect_eq(again.uids.n, s.uids.n);
		seen_fini(&again);
	}
	buf_fini(&text);
	seen_init(&again, 1, 2);
	buf_init(&text, 100);
	cr_assert(seen_print(&again, &text));
	cr_expect(str_is(buf_str(&text), "seen 1 1 2 0\n-\n"));
	cr_expect(seen_parse(buf_str(&text), &again));
	buf_fini(&text);
	seen_fini(&s);
}

Test(seen, refuses_damaged_texts)
{
	static const char *const texts[] = { "", "\n", "seen 1 1 2 0\n",
		"seen 2 1 2 0\n-\n", "seen 1 0 2 0\n-\n", "seen 1 1 2\n-\n",
		"seen 1 1 2 0 \n-\n", "seen 1 1 2 0\n\n", "seen 1 1 2 0\n1:x\n",
		"seen 1 1 2 0\n-\n5 1\n", "seen 1 1 2 0\n-\n5 0 1\n",
		"seen 1 1 2 0\n-\n5 2 1\n", "seen 1 1 2 0\n-\n5 1 1\n4 1 1\n",
		"seen 1 1 2 0\n-\n5 1 1 1\n", "seen 1 4294967296 2 0\n-\n",
		"seen 1 1 2 0\n-\n5 1 4294967296\n",
		"seen 1 1 99999999999999999999 0\n-\n" };
	struct seen_set s;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_not(seen_parse(str_of(texts[i]), &s), "%s", texts[i]);
}
