/*
 * Several views of one mailbox against a model: what each session was told must
 * always add up to what is there, in both ways of catching up.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { VIEWS = 4, MOST = 1500, UIDS = 6000, ROUNDS = 4000 };

/* What a client would know from the answers alone. */
struct client {
	struct mailbox_view *view;
	bool read_only;
	uint32_t uid[MOST];
	size_t n;
};

static struct {
	bool there;
	uint32_t flags;
	unsigned recent; /* to how many sessions that are not read-only */
} truth[UIDS];
static uint32_t uid_next;
static uint32_t known[VIEWS][UIDS]; /* flags */
static struct client client[VIEWS];
static struct store s;
static struct mail_account *account;
static uint32_t chance;

static uint32_t
dice(uint32_t below)
{
	chance = chance * 1664525 + 1013904223;
	return (chance >> 8) % below;
}

static uint32_t
apply(uint32_t old, enum pst_flag_op op, uint32_t flags)
{
	switch (op) {
	case PST_FLAGS_SET:
		return flags;
	case PST_FLAGS_ADD:
		return old | flags;
	case PST_FLAGS_REMOVE:
		return old & ~flags;
	}
	return old;
}

/* --- what happens
 * --------------------------------------------------------------
 */

static void
put_message(void)
{
	uint32_t flags = dice(4) == 0 ? PST_FLAGGED : 0;
	uint32_t uid = store_put(account, "INBOX", flags, NULL, dice(3));

	cr_assert_eq(uid, uid_next);
	truth[uid].there = true;
	truth[uid].flags = flags;
	uid_next++;
}

/* A range of uids that has some messages, mostly. */
static void
some_uids(uint32_t *first, uint32_t *last)
{
	*first = 1 + dice(uid_next);
	*last = *first + dice(dice(8) == 0 ? 400 : 6);
}

static void
change_flags(struct client *c, size_t index)
{
	static const uint32_t some[] = { PST_SEEN, PST_DELETED,
		PST_SEEN | PST_FLAGGED, PST_ANSWERED, PST_DELETED };
	enum pst_flag_op op = (enum pst_flag_op)dice(3);
	uint32_t flags = some[dice(5)], first, last;
	bool silent = dice(2) == 0;

	some_uids(&first, &last);
	if (c->read_only) {
		cr_assert_eq(
		    store_flags(c->view, first, last, op, flags, silent),
		    PST_E_READONLY);
		return;
	}
	cr_assert_eq(
	    store_flags(c->view, first, last, op, flags, silent), PST_OK);
	for (uint32_t uid = first; uid <= last && uid < uid_next; uid++) {
		if (!truth[uid].there)
			continue;
		truth[uid].flags = apply(truth[uid].flags, op, flags);
		if (silent)
			known[index][uid] = apply(known[index][uid], op, flags);
	}
}

static void
expunge_some(struct client *c)
{
	uint32_t first, last;

	if (c->read_only)
		return;
	some_uids(&first, &last);
	cr_assert_eq(store_expunge(c->view, first, last), PST_OK);
	for (uint32_t uid = first; uid <= last && uid < uid_next; uid++)
		if ((truth[uid].flags & PST_DELETED) != 0)
			truth[uid].there = false;
}

/* Within the mailbox: what is copied comes again at its end. */
static void
transfer(struct client *c, bool move)
{
	struct pst_range range;
	struct view_copied copied;
	struct pst_error err;
	size_t k = 0;

	range.first = 1 + dice(uid_next);
	range.last = range.first + dice(3);
	if (c->read_only || uid_next > UIDS - 10)
		return;
	cr_assert_eq(view_copy(c->view, (struct pst_uids){ &range, 1 }, account,
			 "INBOX", move, &copied, &err),
	    PST_OK);
	for (uint32_t uid = range.first; uid <= range.last; uid++) {
		if (uid >= UIDS || !truth[uid].there || k == copied.n ||
		    !uidset_has(&copied.source, uid))
			continue;
		cr_assert_eq(copied.copy[k++], uid_next);
		truth[uid_next] = truth[uid];
		truth[uid_next].recent = 0;
		uid_next++;
		if (move)
			truth[uid].there = false;
	}
	cr_assert_eq(k, copied.n);
	view_copied_fini(&copied);
}

/* --- what is told
 * ---------------------------------------------------------------
 */

static void
take_expunged(struct client *c, const struct told *t)
{
	for (size_t i = 0; i < t->expunged_n; i++) {
		uint32_t seq = t->expunged_seq[i];

		cr_assert(seq >= 1 && seq <= c->n);
		cr_assert_eq(c->uid[seq - 1], t->expunged[i]);
		memmove(&c->uid[seq - 1], &c->uid[seq],
		    (c->n - seq) * sizeof(c->uid[0]));
		c->n--;
	}
}

/* New messages at the end: a client asks for their flags. */
static void
take_new(struct client *c, size_t index)
{
	while (c->n < view_count(c->view)) {
		uint32_t uid = view_uid(c->view, (uint32_t)c->n + 1);

		cr_assert(c->n == 0 || uid > c->uid[c->n - 1]);
		c->uid[c->n++] = uid;
		known[index][uid] = truth[uid].flags;
		if (!c->read_only && view_is_recent(c->view, uid))
			truth[uid].recent++;
		cr_assert_leq(truth[uid].recent, 1);
	}
}

static void
compare(struct client *c, size_t index, bool expunges)
{
	struct pst_row row;
	size_t there = 0;

	cr_assert_eq(c->n, view_count(c->view));
	for (size_t i = 0; i < c->n; i++) {
		uint32_t uid = c->uid[i];

		cr_assert_eq(view_uid(c->view, (uint32_t)i + 1), uid);
		cr_assert_eq(view_seq(c->view, uid), i + 1);
		view_rows(c->view, (uint32_t)i + 1, 1, &row);
		cr_assert_eq(row.uid, truth[uid].there ? uid : 0);
		if (!truth[uid].there)
			continue;
		there++;
		cr_assert_eq(row.flags, truth[uid].flags);
		cr_assert_eq(known[index][uid], truth[uid].flags,
		    "view %zu, uid %u: knows %u, is %u", index, uid,
		    known[index][uid], truth[uid].flags);
	}
	if (expunges)
		cr_assert_eq(there, c->n);
	for (uint32_t uid = 1; uid < uid_next; uid++)
		there -= truth[uid].there;
	cr_assert_eq(there, 0);
}

static void
catch_up(struct client *c, size_t index, bool expunges)
{
	struct told t;
	size_t before = c->n;

	cr_assert_eq(store_sync(c->view, expunges, &t), PST_OK);
	cr_assert_lt(t.expunged_n, 512);
	cr_assert_lt(t.changed_n, 512);
	cr_assert(expunges || t.expunged_n == 0);
	take_expunged(c, &t);
	if (t.exists > 0)
		cr_assert_eq(t.count, view_count(c->view));
	else
		cr_assert_eq(view_count(c->view), before - t.expunged_n);
	take_new(c, index);
	for (size_t i = 0; i < t.changed_n; i++)
		known[index][t.changed[i]] = t.changed_flags[i];
	compare(c, index, expunges);
	cr_assert(!expunges || !view_is_behind(c->view));
}

static void
open_view(size_t index)
{
	struct client *c = &client[index];

	*c = (struct client){ .read_only = dice(4) == 0 };
	c->view = store_view(account, "INBOX", c->read_only);
	cr_assert_not_null(c->view);
	take_new(c, index);
	compare(c, index, true);
}

static void
one_round(void)
{
	size_t index = dice(VIEWS);
	struct client *c = &client[index];

	switch (dice(13)) {
	case 0:
	case 1:
	case 2:
		if (uid_next < UIDS - 10)
			put_message();
		break;
	case 3:
	case 4:
		change_flags(c, index);
		break;
	case 5:
		expunge_some(c);
		break;
	case 6:
		transfer(c, dice(2) == 0);
		break;
	case 7:
	case 8:
	case 9:
		catch_up(c, index, true);
		break;
	case 10:
	case 11:
		catch_up(c, index, false);
		break;
	default:
		if (dice(8) == 0) {
			view_close(&c->view);
			open_view(index);
		}
		break;
	}
}

static void
run(uint32_t seed)
{
	chance = seed;
	uid_next = 1;
	memset(truth, 0, sizeof(truth));
	memset(known, 0, sizeof(known));
	cr_assert(store_open(&s, ""));
	account = store_account(&s, "anna");
	cr_assert_not_null(account);
	for (size_t i = 0; i < VIEWS; i++)
		open_view(i);
	for (int round = 0; round < ROUNDS; round++)
		one_round();
	for (size_t i = 0; i < VIEWS; i++) {
		catch_up(&client[i], i, true);
		view_close(&client[i].view);
	}
	mail_account_close(&account);
	store_close(&s);
}

Test(model, sessions_know_what_is_there)
{
	run(1);
}

Test(model, sessions_know_what_is_there_again)
{
	run(20010);
}

Test(model, and_again)
{
	run(777);
}
