/*
 * test_care.c - conformance: checks, counting anew, and messages that are kept
 * after they were expunged. All of it is optional.
 */
#include "conformance.h"

/* --- check and recount ---------------------------------------------------- */

static void
count_finding(void *arg, const struct pst_finding *f)
{
	CHECK(f->kind != NULL && f->kind[0] != '\0', "a finding has a kind");
	CHECK(f->text != NULL && f->text[0] != '\0', "and a text");
	++*(unsigned *)arg;
}

/* All of a mailbox; how many findings there are. */
static unsigned
check_box(struct pst_box *box, bool mend)
{
	struct pst_error err = { 0 };
	unsigned found = 0, steps = 0;
	uint32_t at = 1, next = 0;

	do {
		if (!CHECK_RC(PST_OK, OPS->check(box, at, &next, mend,
					  count_finding, &found, &err)))
			break;
		CHECK(next == 0 || next > at, "a check gets on");
		at = next;
	} while (at != 0 && ++steps < 100000);
	CHECK(at == 0, "a check comes to its end");
	return found;
}

void
test_check(void)
{
	struct pst_acct *acct = acct_of("check@example.test");
	struct pst_box *box = acct ? box_of(acct, "INBOX") : NULL;
	struct rows before, after;
	struct delta d;

	if (box == NULL)
		return;
	if (OPS->check == NULL) {
		skip(1, "no check()");
		OPS->box_close(box);
		OPS->acct_close(acct);
		return;
	}
	CHECK(check_box(box, false) == 0, "an empty mailbox is good");
	for (int i = 0; i < 5; i++)
		CHECK(put(box, "Subject: a\r\n\r\ntext\r\n",
			  i % 2 ? PST_SEEN : 0, 0, 1700000000 + i) != 0,
		    "put");
	load_rows(box, &before);
	CHECK(check_box(box, false) == 0, "a good mailbox has no faults");
	CHECK(check_box(box, true) == 0, "and nothing to mend");
	delta_get(box, &d);
	CHECK(delta_is_empty(&d), "nothing was changed");
	delta_free(&d);
	load_rows(box, &after);
	CHECK(after.n == before.n &&
		  memcmp(after.v, before.v, after.n * sizeof(*after.v)) == 0,
	    "the messages are as before");
	rows_free(&before);
	rows_free(&after);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

void
test_recount(void)
{
	struct pst_acct *acct = acct_of("recount@example.test");
	struct pst_box *box = acct ? box_of(acct, "INBOX") : NULL;
	struct pst_usage usage, again;
	struct pst_error err = { 0 };

	if (box == NULL)
		return;
	CHECK(put(box, "a\r\n\r\nb\r\n", 0, 0, 1700000000) != 0, "put");
	if (OPS->recount != NULL) {
		CHECK_RC(PST_OK, OPS->usage(acct, &usage, &err));
		CHECK_RC(PST_OK, OPS->recount(acct, &again, &err));
		CHECK(usage.messages == 1 && again.messages == 1 &&
			  usage.bytes == again.bytes,
		    "recount() tells the same as usage()");
	} else {
		skip(1, "no recount()");
	}
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- kept messages -------------------------------------------------------- */

struct kept {
	char id[40], mailbox[80], keyword[40], use[20];
	bool exists;
	int64_t expunged, internal_date;
	uint32_t uid, flags;
	uint64_t size;
};

struct kept_list {
	struct kept v[64];
	size_t n;
};

static void
kept_add(void *arg, const struct pst_kept *k)
{
	struct kept_list *l = arg;
	struct kept *to;

	if (!CHECK(l->n < 64, "not more than was expunged"))
		return;
	to = &l->v[l->n++];
	*to = (struct kept){ .exists = k->exists,
		.expunged = k->expunged,
		.internal_date = k->internal_date,
		.uid = k->uid,
		.flags = k->flags,
		.size = k->size };
	CHECK(strlen(k->id) > 0 && strlen(k->id) < sizeof(to->id),
	    "the id has a good length");
	(void)snprintf(to->id, sizeof(to->id), "%s", k->id);
	(void)snprintf(to->mailbox, sizeof(to->mailbox), "%s", k->mailbox);
	(void)snprintf(to->use, sizeof(to->use), "%s", k->special_use);
	if (k->keywords > 0)
		(void)snprintf(
		    to->keyword, sizeof(to->keyword), "%s", k->keyword[0]);
}

static void
kept_get(struct pst_acct *acct, struct kept_list *l)
{
	struct pst_error err = { 0 };

	*l = (struct kept_list){ 0 };
	CHECK_RC(PST_OK, OPS->kept_each(acct, kept_add, l, &err));
}

static const struct kept *
kept_uid(const struct kept_list *l, uint32_t uid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].uid == uid)
			return &l->v[i];
	return NULL;
}

struct back {
	size_t place[64];
	struct rows rows;
};

static void
back_add(void *arg, size_t n, const struct pst_row *row)
{
	struct back *b = arg;

	if (b->rows.n < 64)
		b->place[b->rows.n] = n;
	rows_add(&b->rows, row);
}

/* Nothing is kept any more. */
static void
purge_everything(struct pst_acct *acct)
{
	const struct pst_kept_limit limit = { .before = INT64_MAX,
		.most = 1000 };
	struct pst_kept_sum sum;
	struct pst_error err = { 0 };
	struct kept_list l;

	CHECK_RC(PST_OK, OPS->kept_purge(acct, &limit, &sum, &err));
	CHECK(sum.left.messages == 0 && sum.left.bytes == 0 && !sum.more,
	    "everything is purged");
	kept_get(acct, &l);
	CHECK(l.n == 0, "nothing is kept");
}

static const char first[] = "Subject: one\r\n\r\none\r\n";
static const char second[] = "Subject: two\r\n\r\ntwo, longer\r\n";
static const char third[] = "Subject: three\r\n\r\nthree\r\n";

static void
expunge_keep(struct pst_box *box, uint32_t from, uint32_t to, size_t want)
{
	struct pst_error err = { 0 };
	struct uids gone = { 0 };
	struct pst_range r;

	CHECK_RC(PST_OK,
	    OPS->expunge_keep(box, one(&r, from, to), uids_add, &gone, &err));
	CHECK(gone.n == want, "%zu messages are gone", gone.n);
	uids_free(&gone);
}

struct heads {
	size_t n, place, octets;
	bool is_start; /* of the message that is kept */
};

static void
head_add(void *arg, size_t n, struct pst_str head)
{
	struct heads *h = arg;

	h->n++;
	h->place = n;
	h->octets = head.n;
	h->is_start = head.n > 4 && memcmp(head.p, first, 5) == 0;
}

/* The beginning of the second of some messages, the only one that is kept. */
static void
check_heads(struct pst_acct *acct, const char *const *ids, size_t n)
{
	struct pst_error err = { 0 };
	struct heads h = { 0 };

	if (OPS->kept_heads == NULL)
		return;
	CHECK_RC(PST_OK, OPS->kept_heads(acct, ids, n, 10, head_add, &h, &err));
	CHECK(h.n == 1 && h.place == 1 && h.octets == 10 && h.is_start,
	    "its beginning is told");
	h = (struct heads){ 0 };
	CHECK_RC(
	    PST_OK, OPS->kept_heads(acct, ids, n, 100000, head_add, &h, &err));
	CHECK(h.n == 1 && h.octets <= strlen(first) && h.octets > 10,
	    "and all of it, if it is short");
}

/* One message kept and brought back, with all that belongs to it. */
static void
keep_and_restore(struct pst_acct *acct, struct pst_box *box)
{
	uint32_t uid, other;
	unsigned keyword = 0;
	char before[40] = "", after[40] = "";
	struct pst_error err = { 0 };
	struct pst_usage usage;
	struct pst_box_state then, now;
	struct back back = { 0 };
	struct kept_list l;
	const char *ids[3] = { "nobody", NULL, "nobody-else" };
	struct rows rows;
	struct delta d;

	CHECK_RC(PST_OK, OPS->keyword(box, "$Word", true, &keyword, &err));
	uid = put(box, first, PST_FLAGGED | PST_DELETED, UINT64_C(1) << keyword,
	    1600000000);
	other = put(box, second, 0, 0, 1700000000);
	if (OPS->ident != NULL)
		CHECK_RC(PST_OK, OPS->ident(box, uid, before, &err));
	load_rows(box, &rows);
	rows_free(&rows);
	CHECK_RC(PST_OK, OPS->state(box, &then, &err));
	expunge_keep(box, uid, uid, 1);
	CHECK_RC(PST_OK, OPS->state(box, &now, &err));
	CHECK(now.highestmodseq > then.highestmodseq, "modseq grows");
	load_rows(box, &rows);
	CHECK(rows.n == 1 && rows.v[0].uid == other, "one is left");
	rows_free(&rows);
	CHECK_RC(PST_OK, OPS->usage(acct, &usage, &err));
	CHECK(usage.messages == 1 && usage.bytes == strlen(second),
	    "what is kept is not counted");
	kept_get(acct, &l);
	if (!CHECK(l.n == 1, "one is kept"))
		return;
	CHECK(strcmp(l.v[0].mailbox, "INBOX") == 0 && l.v[0].exists &&
		  l.v[0].uid == uid && l.v[0].size == strlen(first) &&
		  l.v[0].internal_date == 1600000000 &&
		  (l.v[0].flags & PST_FLAGGED) != 0 &&
		  strcmp(l.v[0].keyword, "$Word") == 0,
	    "it is what it was");
	CHECK(l.v[0].expunged > 1700000000, "the time is told");

	ids[1] = l.v[0].id;
	check_heads(acct, ids, 3);
	CHECK_RC(PST_OK,
	    OPS->kept_restore(acct, ids, 3, box, back_add, &back, &err));
	if (!CHECK(back.rows.n == 1 && back.place[0] == 1, "one came back"))
		return;
	CHECK(back.rows.v[0].uid > other, "with a new uid");
	CHECK(back.rows.v[0].flags == PST_FLAGGED, "without \\Deleted");
	CHECK(back.rows.v[0].keywords == UINT64_C(1) << keyword,
	    "with its keyword");
	CHECK(back.rows.v[0].internal_date == 1600000000, "with its date");
	CHECK(back.rows.v[0].save_date >= l.v[0].expunged,
	    "it was saved just now");
	CHECK(body_is(box, back.rows.v[0].uid, first, strlen(first)),
	    "with its content");
	if (OPS->ident != NULL) {
		CHECK_RC(
		    PST_OK, OPS->ident(box, back.rows.v[0].uid, after, &err));
		CHECK(strcmp(before, after) == 0, "with its id");
	}
	delta_get(box, &d);
	CHECK(delta_is_empty(&d), "refresh() does not tell of it again");
	delta_free(&d);
	load_rows(box, &rows);
	CHECK(rows.n == 2 && rows.v[1].uid == back.rows.v[0].uid,
	    "it is in the mailbox");
	rows_free(&rows);
	rows_free(&back.rows);
	kept_get(acct, &l);
	CHECK(l.n == 0, "and not kept any more");
	CHECK_RC(PST_OK,
	    OPS->kept_restore(acct, ids, 3, box, back_add, &back, &err));
	CHECK(back.rows.n == 0, "nothing comes back twice");
	rows_free(&back.rows);
	CHECK_RC(PST_OK, OPS->usage(acct, &usage, &err));
	CHECK(usage.messages == 2, "it is counted again");
}

/* expunge() and move() keep nothing. */
static void
keep_nothing(struct pst_acct *acct, struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct copies moved = { 0 };
	struct uids gone = { 0 };
	struct kept_list l;
	struct pst_range r;
	struct pst_box *to;
	uint32_t uid = put(box, third, 0, 0, 1700000000);

	CHECK_RC(PST_OK, OPS->create(acct, "Elsewhere", "", &err));
	to = box_of(acct, "Elsewhere");
	if (to == NULL)
		return;
	CHECK_RC(PST_OK,
	    OPS->move(box, one(&r, uid, uid), to, copies_add, &moved, &err));
	kept_get(acct, &l);
	CHECK(moved.rows.n == 1 && l.n == 0, "a move keeps nothing");
	copies_free(&moved);
	CHECK_RC(PST_OK,
	    OPS->expunge(to, one(&r, 1, UINT32_MAX), uids_add, &gone, &err));
	kept_get(acct, &l);
	CHECK(gone.n == 1 && l.n == 0, "expunge() keeps nothing");
	uids_free(&gone);
	OPS->box_close(to);
	CHECK_RC(PST_OK, OPS->remove(acct, "Elsewhere", &err));
	kept_get(acct, &l);
	CHECK(l.n == 0, "remove() keeps nothing");
}

/* A mailbox that is removed, and one that is renamed meanwhile. */
static void
keep_mailboxes(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct back back = { 0 };
	struct kept_list l;
	const char *ids[2];
	struct pst_box *box;
	unsigned keyword = 0;
	struct rows rows;

	CHECK_RC(PST_OK, OPS->create(acct, "Old/\xc3\x96", "\\Archive", &err));
	box = box_of(acct, "Old/\xc3\x96");
	if (box == NULL)
		return;
	CHECK_RC(PST_OK, OPS->keyword(box, "Other", true, &keyword, &err));
	CHECK(put(box, first, PST_SEEN, 0, 1600000001) == 1, "put");
	CHECK(put(box, second, 0, UINT64_C(1) << keyword, 1600000002) == 2,
	    "put");
	expunge_keep(box, 1, 1, 1);
	OPS->box_close(box);
	CHECK_RC(
	    PST_OK, OPS->rename(acct, "Old/\xc3\x96", "New/\xc3\x96", &err));
	kept_get(acct, &l);
	CHECK(l.n == 1 && strcmp(l.v[0].mailbox, "New/\xc3\x96") == 0 &&
		  l.v[0].exists,
	    "what is kept goes with a renamed mailbox");
	CHECK_RC(PST_OK, OPS->remove_keep(acct, "New/\xc3\x96", &err));
	CHECK_RC(
	    PST_E_NOTFOUND, OPS->box_open(acct, "New/\xc3\x96", &box, &err));
	kept_get(acct, &l);
	if (!CHECK(l.n == 2, "two are kept"))
		return;
	for (size_t i = 0; i < l.n; i++)
		CHECK(strcmp(l.v[i].mailbox, "New/\xc3\x96") == 0 &&
			  !l.v[i].exists &&
			  strcmp(l.v[i].use, "\\Archive") == 0,
		    "of a mailbox that is gone: %s", l.v[i].mailbox);
	CHECK(kept_uid(&l, 2) != NULL &&
		  strcmp(kept_uid(&l, 2)->keyword, "Other") == 0,
	    "the keyword has its name");
	CHECK_RC(PST_OK, OPS->create(acct, "Back", "", &err));
	box = box_of(acct, "Back");
	if (box == NULL || kept_uid(&l, 1) == NULL || kept_uid(&l, 2) == NULL)
		return;
	/* Another keyword has the number here. */
	CHECK_RC(PST_OK, OPS->keyword(box, "Taken", true, &keyword, &err));
	ids[0] = kept_uid(&l, 2)->id;
	ids[1] = kept_uid(&l, 1)->id;
	CHECK_RC(PST_OK,
	    OPS->kept_restore(acct, ids, 2, box, back_add, &back, &err));
	CHECK(back.rows.n == 2 && rows_ascend(&back.rows),
	    "both are back in the order that was asked for");
	CHECK(back.rows.n == 2 &&
		  body_is(box, back.rows.v[0].uid, second, strlen(second)) &&
		  body_is(box, back.rows.v[1].uid, first, strlen(first)),
	    "with their contents");
	CHECK_RC(PST_OK, OPS->keyword(box, "Other", false, &keyword, &err));
	CHECK(back.rows.n == 2 && back.rows.v[0].keywords == UINT64_C(1)
								 << keyword,
	    "and the keyword by its name");
	rows_free(&back.rows);
	load_rows(box, &rows);
	CHECK(rows.n == 2, "they are in the mailbox");
	rows_free(&rows);
	OPS->box_close(box);
	CHECK_RC(PST_E_NOTFOUND, OPS->remove_keep(acct, "Nowhere", &err));
	purge_everything(acct);
}

static void
purge_by_size(struct pst_acct *acct, struct pst_box *box)
{
	struct pst_kept_limit limit = { .before = INT64_MIN, .most = 1000 };
	struct pst_kept_sum sum;
	struct pst_error err = { 0 };
	struct kept_list l;
	uint32_t uid = 0;

	for (int i = 0; i < 4; i++)
		uid = put(box, first, 0, 0, 1700000000);
	expunge_keep(box, uid - 3, uid, 4);
	CHECK_RC(PST_OK, OPS->kept_purge(acct, &limit, &sum, &err));
	CHECK(sum.purged.messages == 0 && sum.left.messages == 4 &&
		  sum.left.bytes == 4 * strlen(first) && !sum.more &&
		  sum.oldest > 1700000000,
	    "without a limit all stay");
	limit.max_bytes = 2 * strlen(first);
	limit.most = 1;
	CHECK_RC(PST_OK, OPS->kept_purge(acct, &limit, &sum, &err));
	CHECK(sum.purged.messages == 1 && sum.left.messages == 3 && sum.more,
	    "one at a time");
	limit.most = 1000;
	CHECK_RC(PST_OK, OPS->kept_purge(acct, &limit, &sum, &err));
	CHECK(sum.purged.messages == 1 && sum.left.messages == 2 && !sum.more,
	    "two fit");
	kept_get(acct, &l);
	CHECK(l.n == 2, "two are listed");
	limit = (struct pst_kept_limit){ .before = l.v[0].expunged - 1,
		.most = 1000 };
	CHECK_RC(PST_OK, OPS->kept_purge(acct, &limit, &sum, &err));
	CHECK(sum.purged.messages == 0, "none is as old as that");
	purge_everything(acct);
	/* The place where they are kept can go and come again. */
	uid = put(box, first, 0, 0, 1700000000);
	expunge_keep(box, uid, uid, 1);
	kept_get(acct, &l);
	CHECK(l.n == 1, "after a purge messages are kept again");
	purge_everything(acct);
}

/* What a number means may change: kept messages keep the name. */
static void
keep_keywords(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct kept_list l;
	struct pst_box *box;
	unsigned number = 0;
	char name[20];
	uint32_t uid;

	CHECK_RC(PST_OK, OPS->create(acct, "Words", "", &err));
	box = box_of(acct, "Words");
	if (box == NULL)
		return;
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < PST_KEYWORDS_MAX; i++) {
			(void)snprintf(
			    name, sizeof(name), "w%d", round * 100 + i);
			CHECK_RC(PST_OK,
			    OPS->keyword(box, name, true, &number, &err));
			if (i != 0)
				continue;
			uid = put(
			    box, third, 0, UINT64_C(1) << number, 1700000000);
			expunge_keep(box, uid, uid, 1);
		}
	kept_get(acct, &l);
	CHECK(l.n == 3, "three are kept");
	for (uint32_t i = 0; i < l.n && i < 3; i++) {
		const struct kept *k = kept_uid(&l, i + 1);

		(void)snprintf(name, sizeof(name), "w%u", i * 100);
		CHECK(k != NULL && strcmp(k->keyword, name) == 0,
		    "the keyword is %s, not %s", k ? k->keyword : "", name);
	}
	OPS->box_close(box);
	purge_everything(acct);
}

void
test_kept(void)
{
	struct pst_acct *acct = acct_of("kept@example.test");
	struct pst_box *box = acct ? box_of(acct, "INBOX") : NULL;
	struct pst_error err = { 0 };
	struct kept_list l;
	bool created;

	if (box == NULL)
		return;
	if (OPS->expunge_keep == NULL) {
		skip(1, "no undelete");
		OPS->box_close(box);
		OPS->acct_close(acct);
		return;
	}
	kept_get(acct, &l);
	CHECK(l.n == 0, "nothing is kept in the beginning");
	keep_and_restore(acct, box);
	keep_nothing(acct, box);
	keep_mailboxes(acct);
	keep_keywords(acct);
	purge_by_size(acct, box);
	expunge_keep(box, 1, UINT32_MAX, 2);
	OPS->box_close(box);
	OPS->acct_close(acct);
	if (suite.is_lasting) {
		if (!reopen())
			return;
		acct = acct_of("kept@example.test");
		if (acct == NULL)
			return;
		kept_get(acct, &l);
		CHECK(l.n == 2, "what is kept is there after a restart");
		OPS->acct_close(acct);
	}
	CHECK_RC(
	    PST_OK, OPS->acct_remove(suite.store, "kept@example.test", &err));
	CHECK_RC(PST_OK, OPS->acct_open(suite.store, "kept@example.test", &acct,
			     &created, &err));
	kept_get(acct, &l);
	CHECK(l.n == 0, "a removed account keeps nothing");
	OPS->acct_close(acct);
}
