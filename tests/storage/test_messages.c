/*
 * test_messages.c - conformance: messages come in, are listed and read, and
 * get lost by nobody; stages of every shape.
 */
#include "conformance.h"

static const char hello[] = "Subject: hello\r\n\r\nHello.\r\n";

static void
one_message(struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct pst_box_state before, after;
	struct pst_stage *stage = stage_of(hello, strlen(hello));
	struct pst_append a = { .stage = stage,
		.flags = PST_SEEN | PST_DRAFT,
		.internal_date = 1234567890,
		.last = true };
	struct pst_row row = { 0 };
	struct rows rows;

	CHECK_RC(PST_OK, OPS->state(box, &before, &err));
	CHECK_RC(PST_OK, OPS->commit(box, &a, 1, &row, &err));
	OPS->stage_free(stage);
	CHECK_RC(PST_OK, OPS->state(box, &after, &err));
	CHECK(row.uid == before.uidnext, "UIDNEXT told the uid");
	CHECK(after.uidnext > row.uid, "UIDNEXT is above it");
	CHECK(after.uidvalidity == before.uidvalidity, "UIDVALIDITY");
	CHECK(row.modseq > before.highestmodseq, "a new modseq");
	CHECK(after.highestmodseq >= row.modseq, "HIGHESTMODSEQ");
	CHECK(row.flags == (PST_SEEN | PST_DRAFT), "flags");
	CHECK(row.keywords == 0, "no keywords");
	CHECK(row.internal_date == 1234567890, "date");
	CHECK(row.size == strlen(hello), "size");
	load_rows(box, &rows);
	CHECK(rows.n == 1, "it is there");
	CHECK(rows.n == 1 && rows.v[0].uid == row.uid &&
		  rows.v[0].flags == row.flags &&
		  rows.v[0].internal_date == row.internal_date &&
		  rows.v[0].size == row.size &&
		  rows.v[0].save_date == row.save_date,
	    "as commit() told");
	rows_free(&rows);
	CHECK(body_is(box, row.uid, hello, strlen(hello)), "its content");
}

static void
many_messages(struct pst_box *box)
{
	enum { MANY = 40 };
	struct pst_append a[MANY];
	struct pst_row row[MANY];
	struct pst_error err = { 0 };
	struct pst_box_state st;
	struct rows rows;
	uint32_t first;

	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	first = st.uidnext;
	for (unsigned i = 0; i < MANY; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "Subject: %u\r\n\r\n", i);
		a[i] = (struct pst_append){ .stage = stage_of(
						text, strlen(text)),
			.flags = i % 32,
			.internal_date = 1000000000 + (int64_t)i * 1000000,
			.last = true };
	}
	CHECK_RC(PST_OK, OPS->commit(box, a, MANY, row, &err));
	for (unsigned i = 0; i < MANY; i++) {
		CHECK(row[i].uid == first + i, "ascending in their order");
		OPS->stage_free(a[i].stage);
	}
	load_rows(box, &rows);
	CHECK(rows_ascend(&rows), "load() ascends");
	for (unsigned i = 0; i < MANY; i++) {
		const struct pst_row *r = rows_uid(&rows, row[i].uid);
		char text[64];

		(void)snprintf(text, sizeof(text), "Subject: %u\r\n\r\n", i);
		CHECK(r != NULL && r->flags == i % 32 &&
			  r->internal_date == 1000000000 + (int64_t)i * 1000000,
		    "message %u", i);
		CHECK(body_is(box, row[i].uid, text, strlen(text)),
		    "content %u", i);
	}
	rows_free(&rows);
}

static void
odd_dates(struct pst_box *box)
{
	static const int64_t dates[] = { 0, 1, -1, -86400, 2147483647,
		4102444800, 1700000000 };

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		uint32_t uid = put(box, hello, 0, 0, dates[i]);
		struct rows rows;
		const struct pst_row *r;

		load_rows(box, &rows);
		r = rows_uid(&rows, uid);
		CHECK(r != NULL && r->internal_date == dates[i], "date %lld",
		    (long long)dates[i]);
		rows_free(&rows);
	}
}

static void
removal(struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct pst_box_state before, after;
	struct uids gone = { 0 };
	struct pst_range r[3];
	struct pst_body body;
	struct rows rows, left;
	char *text;

	load_rows(box, &rows);
	CHECK(rows.n > 10, "enough messages");
	CHECK_RC(PST_OK, OPS->state(box, &before, &err));
	CHECK_RC(PST_OK, OPS->body(box, rows.v[2].uid, &body, &err));
	r[0] = (struct pst_range){ rows.v[2].uid, rows.v[3].uid };
	r[1] = (struct pst_range){ rows.v[6].uid, rows.v[6].uid };
	r[2] = (struct pst_range){ rows.v[rows.n - 1].uid, UINT32_MAX };
	CHECK_RC(PST_OK, OPS->expunge(box, (struct pst_uids){ r, 3 }, uids_add,
			     &gone, &err));
	CHECK(gone.n == 4, "%zu are gone", gone.n);
	CHECK(uids_have(&gone, rows.v[2].uid) &&
		  uids_have(&gone, rows.v[3].uid) &&
		  uids_have(&gone, rows.v[6].uid) &&
		  uids_have(&gone, rows.v[rows.n - 1].uid),
	    "the right ones");
	text = body_text(&body);
	CHECK(text != NULL && body.length == rows.v[2].size,
	    "an open body outlives its message");
	free(text);
	body.release(&body);
	load_rows(box, &left);
	CHECK(left.n == rows.n - 4, "the others stay");
	CHECK(rows_uid(&left, rows.v[2].uid) == NULL, "not it");
	CHECK_RC(PST_OK, OPS->state(box, &after, &err));
	CHECK(after.highestmodseq > before.highestmodseq,
	    "HIGHESTMODSEQ grows with a removal");
	CHECK(after.uidnext == before.uidnext, "UIDNEXT stays");
	CHECK(put(box, hello, 0, 0, 5) == before.uidnext,
	    "the newest uid is not given again");
	CHECK_RC(PST_E_NOTFOUND, OPS->body(box, rows.v[2].uid, &body, &err));
	CHECK_RC(PST_E_NOTFOUND, OPS->body(box, UINT32_MAX, &body, &err));
	uids_free(&gone);
	CHECK_RC(PST_OK, OPS->expunge(box, (struct pst_uids){ r, 3 }, uids_add,
			     &gone, &err));
	CHECK(gone.n == 1, "what is gone is not gone again");
	uids_free(&gone);
	CHECK_RC(PST_OK, OPS->expunge(box, (struct pst_uids){ NULL, 0 },
			     uids_add, &gone, &err));
	CHECK(gone.n == 0, "an empty set removes nothing");
	uids_free(&gone);
	rows_free(&rows);
	rows_free(&left);
}

static void
own_changes_are_quiet(struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct rows rows, changed;
	struct uids conflict, gone = { 0 };
	struct delta d;
	struct pst_range r;
	uint32_t uid;

	load_rows(box, &rows);
	rows_free(&rows);
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d),
	    "nothing happened");
	delta_free(&d);
	uid = put(box, hello, 0, 0, 1);
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d), "a commit");
	delta_free(&d);
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, PST_SEEN, 0, UINT64_MAX,
		  &changed, &conflict) == PST_OK,
	    "flags");
	rows_free(&changed);
	uids_free(&conflict);
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d), "flags");
	delta_free(&d);
	CHECK_RC(PST_OK,
	    OPS->expunge(box, one(&r, uid, uid), uids_add, &gone, &err));
	uids_free(&gone);
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d), "expunge");
	CHECK(d.in_order, "in order");
	delta_free(&d);
}

static void
recent_messages(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_box_state st;
	struct pst_box *box;
	uint32_t first = 0, a, b;

	CHECK_RC(PST_OK, OPS->create(acct, "Recent", "", &err));
	box = box_of(acct, "Recent");
	CHECK_RC(PST_OK, OPS->recent(box, false, &first, &err));
	CHECK(first == 1, "none: uidnext");
	a = put(box, hello, 0, 0, 1);
	b = put(box, hello, 0, 0, 1);
	CHECK_RC(PST_OK, OPS->recent(box, false, &first, &err));
	CHECK(first == a, "both");
	CHECK_RC(PST_OK, OPS->recent(box, true, &first, &err));
	CHECK(first == a, "the one who claims is told");
	CHECK_RC(PST_OK, OPS->recent(box, false, &first, &err));
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	CHECK(first == st.uidnext && first > b, "claimed");
	a = put(box, hello, 0, 0, 1);
	OPS->box_close(box);
	box = box_of(acct, "Recent");
	CHECK_RC(PST_OK, OPS->recent(box, false, &first, &err));
	CHECK(first == a, "the new one, over a close");
	OPS->box_close(box);
}

static void
idents(struct pst_acct *acct, struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct pst_box *other;
	struct copies c = { 0 };
	struct rows changed;
	struct uids conflict;
	char id[40] = "", again[40] = "", third[40] = "";
	struct pst_range r;
	uint32_t uid, uid2;

	if (OPS->ident == NULL) {
		skip(9, "no ident()");
		return;
	}
	CHECK_RC(PST_OK, OPS->create(acct, "Idents", "", &err));
	other = box_of(acct, "Idents");
	uid = put(box, hello, 0, 0, 1);
	uid2 = put(box, hello, 0, 0, 1);
	CHECK_RC(PST_OK, OPS->ident(box, uid, id, &err));
	CHECK_RC(PST_OK, OPS->ident(box, uid2, again, &err));
	CHECK(strcmp(id, again) != 0, "two messages, two ids");
	CHECK(strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789_-") == strlen(id) &&
		  id[0] != '\0',
	    "safe characters: %s", id);
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, PST_SEEN, 0, UINT64_MAX,
		  &changed, &conflict) == PST_OK,
	    "flags");
	rows_free(&changed);
	uids_free(&conflict);
	CHECK(OPS->ident(box, uid, again, &err) == PST_OK &&
		  strcmp(id, again) == 0,
	    "flags do not change it");
	CHECK_RC(PST_OK,
	    OPS->copy(box, one(&r, uid, uid), other, copies_add, &c, &err));
	CHECK_RC(PST_OK,
	    OPS->move(box, one(&r, uid2, uid2), other, copies_add, &c, &err));
	if (c.rows.n == 2) {
		CHECK(
		    OPS->ident(other, c.rows.v[0].uid, again, &err) == PST_OK &&
			strcmp(id, again) == 0,
		    "a copy has the same");
		CHECK(
		    OPS->ident(other, c.rows.v[1].uid, third, &err) == PST_OK &&
			strcmp(id, third) != 0,
		    "the moved one its own");
	}
	copies_free(&c);
	CHECK_RC(PST_E_NOTFOUND, OPS->ident(box, UINT32_MAX, id, &err));
	OPS->box_close(other);
}

void
test_messages(void)
{
	struct pst_acct *acct = acct_of("messages@example.test");
	struct pst_usage usage;
	struct pst_error err = { 0 };
	struct pst_box *box;
	struct rows rows;
	uint64_t bytes = 0;

	if (acct == NULL)
		return;
	box = box_of(acct, "INBOX");
	one_message(box);
	many_messages(box);
	odd_dates(box);
	removal(box);
	own_changes_are_quiet(box);
	load_rows(box, &rows);
	for (size_t i = 0; i < rows.n; i++)
		bytes += rows.v[i].size;
	CHECK_RC(PST_OK, OPS->usage(acct, &usage, &err));
	CHECK(usage.messages == rows.n && usage.bytes == bytes,
	    "usage tells the sum");
	CHECK(put(box, "12345", 0, 0, 1) > 0, "put");
	CHECK_RC(PST_OK, OPS->usage(acct, &usage, &err));
	CHECK(usage.messages == rows.n + 1 && usage.bytes == bytes + 5,
	    "usage follows");
	rows_free(&rows);
	idents(acct, box);
	recent_messages(acct);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- stages --------------------------------------------------------------- */

/* A text of n octets that differs everywhere. */
static char *
long_text(size_t n)
{
	char *p = malloc(n + 1);

	if (p == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		p[i] = i % 78 == 76   ? '\r'
		       : i % 78 == 77 ? '\n'
				      : (char)('!' + (i * 7 + i / 78) % 90);
	p[n] = '\0';
	return p;
}

static void
sizes(struct pst_box *box)
{
	static const size_t size[] = { 0, 1, 100, 4095, 4096, 4097, 65535,
		65536, 65537, 131072, 1000000, 5000001 };
	static const size_t part[] = { 1, 77, 4096, 65536, 10000000 };
	struct pst_error err = { 0 };

	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		size_t step = part[i % 5] == 1 && size[i] > 200 ? 77
								: part[i % 5];
		struct pst_append a = { .internal_date = 7, .last = true };
		struct pst_row row = { 0 };
		char *text = long_text(size[i]);
		bool ok = true;

		CHECK_RC(PST_OK, OPS->stage_new(suite.store,
				     i % 2 ? size[i] : 0, &a.stage, &err));
		for (size_t at = 0; at < size[i]; at += step) {
			size_t n = size[i] - at < step ? size[i] - at : step;

			ok = ok && OPS->stage_write(
				       a.stage, text + at, n, &err) == PST_OK;
		}
		CHECK(ok, "write %zu octets", size[i]);
		CHECK_RC(PST_OK, OPS->stage_sync(a.stage, &err));
		CHECK_RC(PST_OK, OPS->commit(box, &a, 1, &row, &err));
		OPS->stage_free(a.stage);
		CHECK(row.size == size[i], "size %zu", size[i]);
		CHECK(body_is(box, row.uid, text, size[i]),
		    "%zu octets come back", size[i]);
		free(text);
	}
}

static void
shared_stage(struct pst_acct *acct, struct pst_box *box)
{
	struct pst_stage *stage = stage_of(hello, strlen(hello));
	struct pst_append a[2] = {
		{ .stage = stage, .internal_date = 1 },
		{ .stage = stage, .flags = PST_FLAGGED, .internal_date = 2 },
	};
	struct pst_error err = { 0 };
	struct pst_row row[2];
	struct pst_box *other;
	struct rows rows;
	struct uids gone = { 0 };
	struct pst_range r;

	CHECK_RC(PST_OK, OPS->create(acct, "Other", "", &err));
	other = box_of(acct, "Other");
	CHECK_RC(PST_OK, OPS->commit(box, a, 2, row, &err));
	CHECK(row[0].uid < row[1].uid, "twice into one mailbox");
	CHECK(row[1].flags == PST_FLAGGED && row[1].internal_date == 2 &&
		  row[0].flags == 0 && row[0].internal_date == 1,
	    "each with its own looks");
	CHECK_RC(PST_OK, OPS->expunge(box, one(&r, row[0].uid, row[0].uid),
			     uids_add, &gone, &err));
	uids_free(&gone);
	a[0].last = true;
	CHECK_RC(PST_OK, OPS->commit(other, a, 1, row, &err));
	OPS->stage_free(stage);
	CHECK(body_is(other, row[0].uid, hello, strlen(hello)),
	    "and into another");
	CHECK(body_is(box, row[1].uid, hello, strlen(hello)), "the second");
	load_rows(other, &rows);
	CHECK(rows.n == 1 && rows.v[0].internal_date == 1, "one message");
	rows_free(&rows);
	OPS->box_close(other);
}

static void
given_up(struct pst_box *box)
{
	struct pst_error err = { 0 };
	struct pst_stage *stage = NULL;
	struct rows before, after;
	struct pst_row row;

	load_rows(box, &before);
	CHECK_RC(PST_OK, OPS->stage_new(suite.store, 0, &stage, &err));
	OPS->stage_free(stage);
	CHECK_RC(PST_OK, OPS->stage_new(suite.store, 0, &stage, &err));
	CHECK_RC(PST_OK, OPS->stage_write(stage, hello, 5, &err));
	OPS->stage_free(stage);
	stage = stage_of(hello, 10);
	OPS->stage_free(stage);
	CHECK_RC(PST_OK, OPS->commit(box, NULL, 0, &row, &err));
	load_rows(box, &after);
	CHECK(before.n == after.n, "what was given up leaves nothing");
	rows_free(&before);
	rows_free(&after);
}

/* CR, LF and NUL in every place: a store does not look at content. */
static void
octets(struct pst_box *box)
{
	static const char odd[] = "a\0b\rc\nd\r\n\xff\xfe\n\n.\r\n..\r\n";
	struct pst_append a = { .stage = stage_of(odd, sizeof(odd) - 1),
		.internal_date = 1,
		.last = true };
	struct pst_error err = { 0 };
	struct pst_row row = { 0 };

	CHECK_RC(PST_OK, OPS->commit(box, &a, 1, &row, &err));
	OPS->stage_free(a.stage);
	CHECK(body_is(box, row.uid, odd, sizeof(odd) - 1),
	    "octets are kept as they are");
	CHECK(row.size == sizeof(odd) - 1, "and counted");
}

void
test_stages(void)
{
	struct pst_acct *acct = acct_of("stages@example.test");
	struct pst_box *box;

	if (acct == NULL)
		return;
	box = box_of(acct, "INBOX");
	sizes(box);
	shared_stage(acct, box);
	given_up(box);
	octets(box);
	OPS->box_close(box);
	OPS->acct_close(acct);
}
