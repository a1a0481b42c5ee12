/*
 * test_changes.c - conformance: flags, keywords, copy and move, and what is
 * still there after the store was closed and opened again.
 */
#include "conformance.h"

static const char text[] = "Subject: change me\r\n\r\nplease\r\n";

/* One change of one message: reported as it then is, or not at all. */
static void
change_is(struct pst_box *box, uint32_t uid, enum pst_flag_op op, uint32_t add,
    uint32_t want, bool is_change, const char *label)
{
	struct pst_error err = { 0 };
	struct pst_box_state before, after;
	struct rows changed, rows;
	struct uids conflict;
	const struct pst_row *r;

	CHECK_RC(PST_OK, OPS->state(box, &before, &err));
	CHECK(change_flags(box, uid, op, add, 0, UINT64_MAX, &changed,
		  &conflict) == PST_OK,
	    "%s", label);
	CHECK(changed.n == (is_change ? 1 : 0), "%s: %zu reported", label,
	    changed.n);
	CHECK(conflict.n == 0, "%s: no conflict", label);
	CHECK_RC(PST_OK, OPS->state(box, &after, &err));
	if (changed.n == 1) {
		CHECK(changed.v[0].uid == uid && changed.v[0].flags == want,
		    "%s: its row", label);
		CHECK(changed.v[0].modseq > before.highestmodseq &&
			  after.highestmodseq >= changed.v[0].modseq,
		    "%s: a new modseq", label);
		CHECK(changed.v[0].size == strlen(text) &&
			  changed.v[0].internal_date == 99,
		    "%s: the rest stays", label);
	} else {
		CHECK(after.highestmodseq == before.highestmodseq,
		    "%s: no modseq is used up", label);
	}
	load_rows(box, &rows);
	r = rows_uid(&rows, uid);
	CHECK(r != NULL && r->flags == want, "%s: loaded again", label);
	rows_free(&rows);
	rows_free(&changed);
	uids_free(&conflict);
	CHECK(body_is(box, uid, text, strlen(text)), "%s: content", label);
}

static void
every_flag(struct pst_box *box)
{
	uint32_t uid = put(box, text, 0, 0, 99);

	for (uint32_t f = 0; f < PST_FLAGS_ALL; f += 3)
		change_is(box, uid, PST_FLAGS_SET, f, f, f != 0, "set");
	change_is(box, uid, PST_FLAGS_SET, 0, 0, true, "clear");
	change_is(box, uid, PST_FLAGS_ADD, PST_SEEN, PST_SEEN, true, "add");
	change_is(box, uid, PST_FLAGS_ADD, PST_SEEN, PST_SEEN, false, "again");
	change_is(box, uid, PST_FLAGS_ADD, PST_DELETED | PST_SEEN,
	    PST_SEEN | PST_DELETED, true, "add two");
	change_is(box, uid, PST_FLAGS_REMOVE, PST_SEEN | PST_DRAFT, PST_DELETED,
	    true, "remove");
	change_is(box, uid, PST_FLAGS_REMOVE, PST_SEEN, PST_DELETED, false,
	    "remove again");
	change_is(box, uid, PST_FLAGS_ADD, 0, PST_DELETED, false, "nothing");
}

static void
unchanged_since(struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct pst_box_state st;
	struct rows changed;
	struct uids conflict;
	uint32_t uid = put(box, text, 0, 0, 99);
	uint64_t modseq;

	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, PST_SEEN, 0,
		  st.highestmodseq, &changed, &conflict) == PST_OK &&
		  changed.n == 1 && conflict.n == 0,
	    "as old as it is: changed");
	modseq = changed.n ? changed.v[0].modseq : 0;
	rows_free(&changed);
	uids_free(&conflict);
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, PST_FLAGGED, 0, modseq - 1,
		  &changed, &conflict) == PST_OK &&
		  changed.n == 0 && conflict.n == 1 && conflict.v[0] == uid,
	    "changed meanwhile: a conflict");
	rows_free(&changed);
	uids_free(&conflict);
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, PST_FLAGGED, 0, 0, &changed,
		  &conflict) == PST_OK &&
		  conflict.n == 1,
	    "zero: always a conflict");
	rows_free(&changed);
	uids_free(&conflict);
	CHECK(change_flags(box, uid, PST_FLAGS_SET, PST_FLAGGED, 0, modseq,
		  &changed, &conflict) == PST_OK &&
		  changed.n == 1 && changed.v[0].flags == PST_FLAGGED,
	    "its own modseq: changed");
	rows_free(&changed);
	uids_free(&conflict);
}

static void
drop_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void
sets_of_uids(struct pst_box *box)
{
	const struct pst_flag_change how = { .op = PST_FLAGS_ADD,
		.flags = PST_ANSWERED,
		.unchanged_since = UINT64_MAX };
	struct pst_error err = { 0 };
	struct rows changed = { 0 };
	struct pst_range r[3];
	uint32_t uid[6];

	for (int i = 0; i < 6; i++)
		uid[i] = put(box, text, 0, 0, 99);
	r[0] = (struct pst_range){ uid[0], uid[1] };
	r[1] = (struct pst_range){ uid[3], uid[3] };
	r[2] = (struct pst_range){ uid[5], UINT32_MAX };
	CHECK_RC(PST_OK, OPS->flags(box, (struct pst_uids){ r, 3 }, &how,
			     rows_add, drop_uid, &changed, &err));
	CHECK(changed.n == 4 && rows_ascend(&changed), "four, ascending");
	CHECK(rows_uid(&changed, uid[0]) && rows_uid(&changed, uid[1]) &&
		  rows_uid(&changed, uid[3]) && rows_uid(&changed, uid[5]),
	    "the right ones");
	rows_free(&changed);
	CHECK_RC(PST_OK, OPS->flags(box, (struct pst_uids){ NULL, 0 }, &how,
			     rows_add, drop_uid, &changed, &err));
	CHECK(changed.n == 0, "an empty set");
	r[0] = (struct pst_range){ UINT32_MAX, UINT32_MAX };
	CHECK_RC(PST_OK, OPS->flags(box, (struct pst_uids){ r, 1 }, &how,
			     rows_add, drop_uid, &changed, &err));
	CHECK(changed.n == 0, "nobody has this uid");
	rows_free(&changed);
}

void
test_flags(void)
{
	struct pst_acct *acct = acct_of("flags@example.test");
	struct pst_box *box;

	if (acct == NULL)
		return;
	box = box_of(acct, "INBOX");
	every_flag(box);
	unchanged_since(box);
	sets_of_uids(box);
	OPS->box_close(box);
	/* The same without load() before. */
	box = box_of(acct, "INBOX");
	sets_of_uids(box);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- keywords ------------------------------------------------------------- */

/* Fills all numbers and gives each to one message of its own. */
static void
all_keywords(struct pst_box *box)
{
	struct pst_error err = { 0 };
	const char *const *shown;
	uint64_t seen = 0;
	uint32_t uid[PST_KEYWORDS_MAX];
	unsigned number = 0, again;
	char name[32];
	struct rows rows;

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "$Key-%u", i);
		CHECK_RC(PST_OK, OPS->keyword(box, name, true, &number, &err));
		CHECK(number < PST_KEYWORDS_MAX && !(seen >> number & 1),
		    "%s has a number of its own", name);
		seen |= UINT64_C(1) << number;
		uid[i] = put(box, text, 0, UINT64_C(1) << number, 99);
		shown = OPS->keywords(box);
		CHECK(strcmp(shown[number], name) == 0, "%s is shown", name);
	}
	CHECK(seen == UINT64_MAX, "64 keywords");
	CHECK_RC(
	    PST_E_LIMIT, OPS->keyword(box, "OneMore", true, &number, &err));
	CHECK_RC(
	    PST_E_NOTFOUND, OPS->keyword(box, "OneMore", false, &number, &err));
	CHECK_RC(PST_OK, OPS->keyword(box, "$key-7", false, &number, &err));
	CHECK_RC(PST_OK, OPS->keyword(box, "$KEY-7", true, &again, &err));
	CHECK(again == number, "without regard to case");
	load_rows(box, &rows);
	shown = OPS->keywords(box);
	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++) {
		const struct pst_row *r = rows_uid(&rows, uid[i]);
		unsigned k = 0;

		while (r != NULL && k < 63 && !(r->keywords >> k & 1))
			k++;
		(void)snprintf(name, sizeof(name), "$Key-%u", i);
		CHECK(r != NULL && r->keywords == UINT64_C(1) << k &&
			  strcmp(shown[k], name) == 0,
		    "message %u has %s", i, name);
	}
	rows_free(&rows);
}

/* When all are taken, one that no message has any more makes room. */
static void
reuse(struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct rows rows, changed;
	struct uids conflict;
	unsigned old = 99, number = 99;

	load_rows(box, &rows);
	CHECK_RC(PST_OK, OPS->keyword(box, "$Key-20", false, &old, &err));
	for (size_t i = 0; i < rows.n; i++)
		if (rows.v[i].keywords >> old & 1) {
			CHECK(change_flags(box, rows.v[i].uid, PST_FLAGS_REMOVE,
				  0, UINT64_C(1) << old, UINT64_MAX, &changed,
				  &conflict) == PST_OK &&
				  changed.n == 1 && changed.v[0].keywords == 0,
			    "taken away");
			rows_free(&changed);
			uids_free(&conflict);
		}
	rows_free(&rows);
	CHECK_RC(PST_OK, OPS->keyword(box, "Fresh", true, &number, &err));
	CHECK(number == old, "the unused number is given to another");
	CHECK(strcmp(OPS->keywords(box)[number], "Fresh") == 0, "and shown");
	CHECK_RC(
	    PST_E_NOTFOUND, OPS->keyword(box, "$Key-20", false, &old, &err));
}

static void
keyword_changes(struct pst_box *box)
{
	struct pst_error err = { 0 };
	uint32_t uid = put(box, text, PST_SEEN, 0, 99);
	unsigned a = 0, b = 0;
	uint64_t both;
	struct rows changed;
	struct uids conflict;

	CHECK_RC(PST_OK, OPS->keyword(box, "$Key-1", true, &a, &err));
	CHECK_RC(PST_OK, OPS->keyword(box, "$Key-60", true, &b, &err));
	both = UINT64_C(1) << a | UINT64_C(1) << b;
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, 0, both, UINT64_MAX,
		  &changed, &conflict) == PST_OK &&
		  changed.n == 1 && changed.v[0].keywords == both &&
		  changed.v[0].flags == PST_SEEN,
	    "added");
	rows_free(&changed);
	CHECK(
	    change_flags(box, uid, PST_FLAGS_SET, PST_FLAGGED, UINT64_C(1) << b,
		UINT64_MAX, &changed, &conflict) == PST_OK &&
		changed.n == 1 && changed.v[0].keywords == UINT64_C(1) << b &&
		changed.v[0].flags == PST_FLAGGED,
	    "set replaces both");
	rows_free(&changed);
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, 0, UINT64_C(1) << b,
		  UINT64_MAX, &changed, &conflict) == PST_OK &&
		  changed.n == 0,
	    "no change");
	rows_free(&changed);
	uids_free(&conflict);
}

void
test_keywords(void)
{
	struct pst_acct *acct = acct_of("keywords@example.test");
	struct pst_error err = { 0 };
	unsigned number;
	struct pst_box *box;

	if (acct == NULL)
		return;
	box = box_of(acct, "INBOX");
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		CHECK(OPS->keywords(box)[k] != NULL &&
			  OPS->keywords(box)[k][0] == '\0',
		    "number %u is free", k);
	CHECK_RC(
	    PST_E_NOTFOUND, OPS->keyword(box, "None", false, &number, &err));
	all_keywords(box);
	keyword_changes(box);
	reuse(box);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- copy and move -------------------------------------------------------- */

static void
copy_one(struct pst_box *from, struct pst_box *to)
{
	struct pst_error err = { 0 };
	struct pst_box_state st;
	struct copies c = { 0 };
	struct rows rows;
	struct pst_range r;
	unsigned k = 0, other = 0, k2 = 99;
	uint32_t uid;

	CHECK_RC(PST_OK, OPS->keyword(to, "Decoy", true, &other, &err));
	CHECK_RC(PST_OK, OPS->keyword(from, "Wanted", true, &k, &err));
	uid = put(from, text, PST_SEEN | PST_FLAGGED, UINT64_C(1) << k, 99);
	CHECK_RC(PST_OK, OPS->state(to, &st, &err));
	CHECK_RC(PST_OK,
	    OPS->copy(from, one(&r, uid, uid), to, copies_add, &c, &err));
	CHECK_RC(PST_OK, OPS->keyword(to, "Wanted", false, &k2, &err));
	CHECK(c.rows.n == 1, "one copy");
	if (c.rows.n == 1) {
		const struct pst_row *row = &c.rows.v[0];

		CHECK(c.source[0] == uid, "of this one");
		CHECK(row->uid == st.uidnext, "the next uid");
		CHECK(row->flags == (PST_SEEN | PST_FLAGGED), "its flags");
		CHECK(row->keywords == UINT64_C(1) << k2, "keyword by name");
		CHECK(row->internal_date == 99, "its date");
		CHECK(row->size == strlen(text), "its size");
		CHECK(row->modseq > st.highestmodseq, "a new modseq");
		CHECK(body_is(to, row->uid, text, strlen(text)), "content");
	}
	CHECK(strcmp(OPS->keywords(to)[k2], "Wanted") == 0, "it is shown");
	load_rows(from, &rows);
	CHECK(rows_uid(&rows, uid) != NULL, "the source stays");
	rows_free(&rows);
	load_rows(to, &rows);
	CHECK(rows.n == 1 && rows.v[0].flags == (PST_SEEN | PST_FLAGGED) &&
		  rows.v[0].keywords == UINT64_C(1) << k2,
	    "the target has it");
	rows_free(&rows);
	copies_free(&c);
}

static void
many(struct pst_box *from, struct pst_box *to, bool move)
{
	struct pst_error err = { 0 };
	struct copies c = { 0 };
	struct rows before, after, rows;
	struct delta d;
	struct pst_range r[2];
	uint32_t uid[8];

	for (int i = 0; i < 8; i++)
		uid[i] = put(from, text, (uint32_t)i, 0, 100 + i);
	load_rows(to, &before);
	load_rows(from, &rows);
	rows_free(&rows);
	r[0] = (struct pst_range){ uid[1], uid[3] };
	r[1] = (struct pst_range){ uid[6], UINT32_MAX };
	if (move)
		CHECK_RC(PST_OK, OPS->move(from, (struct pst_uids){ r, 2 }, to,
				     copies_add, &c, &err));
	else
		CHECK_RC(PST_OK, OPS->copy(from, (struct pst_uids){ r, 2 }, to,
				     copies_add, &c, &err));
	CHECK(c.rows.n == 5 && rows_ascend(&c.rows), "five, ascending");
	for (size_t i = 0; i < c.rows.n; i++) {
		uint32_t n = c.source[i] - uid[0];

		CHECK(c.rows.v[i].flags == n &&
			  c.rows.v[i].internal_date == 100 + (int64_t)n,
		    "copy %zu is like its source", i);
		CHECK(body_is(to, c.rows.v[i].uid, text, strlen(text)),
		    "content %zu", i);
	}
	load_rows(to, &after);
	CHECK(after.n == before.n + 5, "the target grew by five");
	rows_free(&before);
	rows_free(&after);
	load_rows(from, &rows);
	for (int i = 0; i < 8; i++) {
		bool taken = (i >= 1 && i <= 3) || i >= 6;

		CHECK((rows_uid(&rows, uid[i]) != NULL) == !(move && taken),
		    "source %d %s", i, move ? "moved" : "stays");
	}
	rows_free(&rows);
	CHECK(delta_get(from, &d) == PST_OK && delta_is_empty(&d),
	    "the source knows it already");
	delta_free(&d);
	CHECK(delta_get(to, &d) == PST_OK && delta_is_empty(&d),
	    "so does the target");
	delta_free(&d);
	copies_free(&c);
}

static void
same_box(struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct copies c = { 0 };
	struct rows before, after;
	struct pst_range r;
	uint32_t uid = put(box, text, PST_SEEN, 0, 99);

	load_rows(box, &before);
	CHECK_RC(PST_OK,
	    OPS->copy(box, one(&r, uid, uid), box, copies_add, &c, &err));
	load_rows(box, &after);
	CHECK(c.rows.n == 1 && after.n == before.n + 1, "a copy beside it");
	CHECK(c.rows.n == 1 && c.rows.v[0].uid > uid &&
		  body_is(box, c.rows.v[0].uid, text, strlen(text)),
	    "with the same content");
	rows_free(&after);
	copies_free(&c);
	CHECK_RC(PST_OK, OPS->move(box, one(&r, uid, UINT32_MAX), box,
			     copies_add, &c, &err));
	load_rows(box, &after);
	CHECK(c.rows.n == 2 && after.n == before.n + 1,
	    "moved to new uids, none lost");
	CHECK(rows_uid(&after, uid) == NULL, "the old uid is gone");
	for (size_t i = 0; i < c.rows.n; i++)
		CHECK(body_is(box, c.rows.v[i].uid, text, strlen(text)),
		    "content");
	rows_free(&before);
	rows_free(&after);
	copies_free(&c);
}

void
test_copies(void)
{
	struct pst_acct *acct = acct_of("copies@example.test");
	struct pst_acct *other = acct_of("other@example.test");
	struct pst_error err = { 0 };
	struct pst_box *inbox, *box, *theirs;
	struct copies c = { 0 };
	struct pst_range r;

	if (acct == NULL || other == NULL)
		return;
	CHECK_RC(PST_OK, OPS->create(acct, "Target", "", &err));
	inbox = box_of(acct, "INBOX");
	box = box_of(acct, "Target");
	theirs = box_of(other, "INBOX");
	copy_one(inbox, box);
	many(inbox, box, false);
	many(inbox, box, true);
	many(box, inbox, true);
	same_box(inbox);
	copy_one(inbox, theirs);
	many(inbox, theirs, false);
	many(inbox, theirs, true);
	CHECK_RC(PST_OK, OPS->copy(inbox, one(&r, UINT32_MAX, UINT32_MAX), box,
			     copies_add, &c, &err));
	CHECK_RC(PST_OK, OPS->move(inbox, one(&r, UINT32_MAX, UINT32_MAX), box,
			     copies_add, &c, &err));
	CHECK(c.rows.n == 0, "nothing to take");
	copies_free(&c);
	OPS->box_close(inbox);
	OPS->box_close(box);
	OPS->box_close(theirs);
	/* From a box that nobody loaded into one that nobody loaded. */
	inbox = box_of(acct, "INBOX");
	box = box_of(acct, "Target");
	CHECK_RC(PST_OK, OPS->move(inbox, one(&r, 1, UINT32_MAX), box,
			     copies_add, &c, &err));
	CHECK(c.rows.n > 0, "all moved");
	copies_free(&c);
	{
		struct rows rows;

		load_rows(inbox, &rows);
		CHECK(rows.n == 0, "none is left");
		rows_free(&rows);
	}
	OPS->box_close(inbox);
	OPS->box_close(box);
	OPS->acct_close(acct);
	OPS->acct_close(other);
}

/* --- after a restart ------------------------------------------------------ */

struct memory {
	struct pst_box_state state;
	struct rows rows;
	uint64_t keyword;
	uint32_t removed; /* the largest uid ever, of no message any more */
};

static void
remember(struct pst_acct *acct, struct memory *m)
{
	struct pst_error err = { 0 };
	struct uids gone = { 0 };
	struct pst_range r;
	struct pst_box *box;
	unsigned k = 0;

	CHECK_RC(PST_OK, OPS->create(acct, "Kept/b\xc3\xb6x", "\\Junk", &err));
	CHECK_RC(PST_OK, OPS->subscribe(acct, "Kept/b\xc3\xb6x", true, &err));
	CHECK_RC(PST_OK, OPS->meta_set(acct, NULL, "/private/a",
			     (struct pst_str){ "v\n1", 3 }, &err));
	box = box_of(acct, "Kept/b\xc3\xb6x");
	CHECK_RC(PST_OK, OPS->keyword(box, "$Label1", true, &k, &err));
	m->keyword = UINT64_C(1) << k;
	for (uint32_t i = 0; i < 20; i++)
		CHECK(put(box, text, i, i % 3 ? 0 : m->keyword,
			  1000 + (int64_t)i * 86400) != 0,
		    "put");
	m->removed = put(box, text, 0, 0, 5);
	CHECK_RC(PST_OK, OPS->expunge(box, one(&r, m->removed, m->removed),
			     uids_add, &gone, &err));
	uids_free(&gone);
	load_rows(box, &m->rows);
	CHECK_RC(PST_OK, OPS->state(box, &m->state, &err));
	OPS->box_close(box);
}

static void
same_rows(struct pst_box *box, const struct memory *m)
{
	struct rows rows;

	load_rows(box, &rows);
	CHECK(rows.n == m->rows.n, "all messages: %zu", rows.n);
	for (size_t i = 0; i < m->rows.n && i < rows.n; i++) {
		const struct pst_row *a = &m->rows.v[i], *b = &rows.v[i];

		CHECK(a->uid == b->uid && a->flags == b->flags &&
			  a->keywords == b->keywords &&
			  a->internal_date == b->internal_date &&
			  a->save_date == b->save_date && a->size == b->size,
		    "message %zu is the same", i);
		CHECK(
		    body_is(box, b->uid, text, strlen(text)), "content %zu", i);
	}
	rows_free(&rows);
}

static void
take_text(void *arg, const char *key, struct pst_str value)
{
	bool *ok = arg;

	*ok = strcmp(key, "/private/a") == 0 && value.n == 3 &&
	      memcmp(value.p, "v\n1", 3) == 0;
}

static void
all_is_there(struct pst_acct *acct, const struct memory *m)
{
	struct pst_error err = { 0 };
	struct pst_box_state st = { 0 };
	struct pst_box *box;
	struct listing l;
	unsigned k = 99;
	bool ok = false;

	listing_get(acct, &l);
	CHECK(listing_find(&l, "Kept/b\xc3\xb6x") != NULL &&
		  listing_find(&l, "Kept/b\xc3\xb6x")->exists &&
		  listing_find(&l, "Kept/b\xc3\xb6x")->subscribed &&
		  strcmp(listing_find(&l, "Kept/b\xc3\xb6x")->special_use,
		      "\\Junk") == 0,
	    "the mailbox, its subscription and use");
	listing_free(&l);
	CHECK_RC(PST_OK,
	    OPS->meta_get(acct, NULL, "/private/a", take_text, &ok, &err));
	CHECK(ok, "account metadata");
	box = box_of(acct, "Kept/b\xc3\xb6x");
	if (box == NULL)
		return;
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	CHECK(st.uidvalidity == m->state.uidvalidity, "UIDVALIDITY");
	CHECK(st.uidnext >= m->state.uidnext, "UIDNEXT does not fall");
	CHECK(st.highestmodseq >= m->state.highestmodseq,
	    "HIGHESTMODSEQ does not fall");
	CHECK(strcmp(st.objectid, m->state.objectid) == 0, "object id");
	CHECK_RC(PST_OK, OPS->keyword(box, "$label1", false, &k, &err));
	CHECK(m->keyword == UINT64_C(1) << k, "the keyword's number");
	same_rows(box, m);
	CHECK(put(box, text, 0, 0, 1) > m->removed,
	    "no uid is given twice, not even one that was removed");
	OPS->box_close(box);
}

void
test_lasting(void)
{
	struct pst_acct *acct = acct_of("lasting@example.test");
	struct pst_error err = { 0 };
	struct memory m = { 0 };
	bool created = false;

	if (acct == NULL)
		return;
	remember(acct, &m);
	OPS->acct_close(acct);
	if (!reopen())
		return;
	if (!CHECK_RC(
		PST_OK, OPS->acct_open(suite.store, "lasting@example.test",
			    &acct, &created, &err)))
		return;
	suite.is_lasting = !created;
	if (created)
		skip(53, "this store forgets when it is closed");
	else
		all_is_there(acct, &m);
	rows_free(&m.rows);
	OPS->acct_close(acct);
}
