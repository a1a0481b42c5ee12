/*
 * test_place.c - adopt() and place(): what a conversion does to a store. An
 * origin is made up, with gaps between uids and numbers far apart, and must be
 * there as it was told, also after the store was closed and opened again.
 */
#include "conformance.h"

enum { PLACED = 5, CHECKS = 60 };

static const struct pst_box_state origin = { .uidvalidity = 3000000000,
	.uidnext = 5000,
	.highestmodseq = 900000,
	.objectid = "Origin-1_z" };

/* What is placed first. Uids have gaps, modseqs are in no order. */
static const struct {
	uint32_t uid, flags;
	uint64_t modseq;
	int64_t date, save_date;
	const char *ident, *keyword, *text;
} sample[PLACED] = {
	{ 3, 0, 41, 1000000000, 1000000007, "M0123456789abcdef0123456789abcdef",
	    NULL, "Subject: a\r\n\r\nfirst\r\n" },
	{ 4, PST_SEEN | PST_FLAGGED, 899999, -5, 1500000000,
	    "P-_9abcdefghijklmnopqrstuvwxyzABCDEFGH", "$Work", "x" },
	{ 900, PST_DELETED, 40, 0, 0, "1", "$Other",
	    "Subject: c\n\nbare line ends\n" },
	{ 901, PST_DRAFT | PST_ANSWERED, 500, 1700000000, 1700000000, "", NULL,
	    "" },
	{ 4999, PST_FLAGS_ALL, 900000, 4102444800, 1, "zz", "$Work",
	    "Subject: e\r\n\r\n.\r\n" },
};

static uint64_t
keyword_mask(struct pst_box *box, const char *name)
{
	struct pst_error err = { 0 };
	unsigned number = 0;

	if (name == NULL)
		return 0;
	CHECK_RC(PST_OK, OPS->keyword(box, name, true, &number, &err));
	return UINT64_C(1) << number;
}

static struct pst_placed
placed_of(struct pst_box *box, size_t i)
{
	struct pst_placed p = {
		.stage = stage_of(sample[i].text, strlen(sample[i].text)),
		.row = { .uid = sample[i].uid,
		    .flags = sample[i].flags,
		    .keywords = keyword_mask(box, sample[i].keyword),
		    .modseq = sample[i].modseq,
		    .internal_date = sample[i].date,
		    .save_date = sample[i].save_date },
	};

	(void)snprintf(p.ident, sizeof(p.ident), "%s", sample[i].ident);
	return p;
}

static void
free_stages(const struct pst_placed *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].stage != NULL)
			OPS->stage_free(p[i].stage);
}

static void
place_sample(struct pst_box *box, size_t first, size_t n)
{
	struct pst_placed p[PLACED];
	struct pst_error err = { 0 };

	for (size_t i = 0; i < n; i++)
		p[i] = placed_of(box, first + i);
	CHECK_RC(PST_OK, OPS->place(box, p, n, &err));
	free_stages(p, n);
}

static bool
has_ident(struct pst_box *box, uint32_t uid, const char *want)
{
	struct pst_error err;
	char id[40] = "";

	return OPS->ident(box, uid, id, &err) == PST_OK &&
	       strcmp(id, want) == 0;
}

/* All of the sample is there, and with `exact` at the modseqs that it had. */
static void
sample_is_there(struct pst_box *box, bool exact, const char *when)
{
	struct rows rows;

	load_rows(box, &rows);
	CHECK(rows.n == PLACED, "%s: %zu messages", when, rows.n);
	CHECK(rows_ascend(&rows), "%s: uids ascend", when);
	for (size_t i = 0; i < PLACED; i++) {
		const struct pst_row *r = rows_uid(&rows, sample[i].uid);
		uint32_t uid = sample[i].uid;

		if (!CHECK(r != NULL, "%s: uid %u is there", when, uid))
			continue;
		CHECK(r->flags == sample[i].flags, "%s: flags of %u: %x", when,
		    uid, r->flags);
		CHECK(r->keywords == keyword_mask(box, sample[i].keyword),
		    "%s: keywords of %u", when, uid);
		CHECK(r->internal_date == sample[i].date &&
			  r->save_date == sample[i].save_date,
		    "%s: dates of %u: %lld %lld", when, uid,
		    (long long)r->internal_date, (long long)r->save_date);
		CHECK(exact ? r->modseq == sample[i].modseq
			    : r->modseq >= sample[i].modseq,
		    "%s: modseq of %u: %llu", when, uid,
		    (unsigned long long)r->modseq);
		CHECK(r->size == strlen(sample[i].text), "%s: size of %u", when,
		    uid);
		CHECK(body_is(box, uid, sample[i].text, strlen(sample[i].text)),
		    "%s: content of %u", when, uid);
		if (OPS->ident != NULL && sample[i].ident[0] != '\0')
			CHECK(has_ident(box, uid, sample[i].ident),
			    "%s: ident of %u", when, uid);
	}
	rows_free(&rows);
}

static void
state_is(struct pst_box *box, const char *when)
{
	struct pst_box_state st = { 0 };
	struct pst_error err = { 0 };

	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	CHECK(st.uidvalidity == origin.uidvalidity, "%s: uidvalidity %u", when,
	    st.uidvalidity);
	CHECK(strcmp(st.objectid, origin.objectid) == 0, "%s: object id %s",
	    when, st.objectid);
	CHECK(st.uidnext >= origin.uidnext, "%s: uidnext %u", when, st.uidnext);
	CHECK(st.highestmodseq >= origin.highestmodseq,
	    "%s: highestmodseq %llu", when,
	    (unsigned long long)st.highestmodseq);
}

/* In two parts, as one that was cut short: uidnext is above all of them. */
static void
adopt_and_place(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_usage usage;
	struct pst_box_state st;
	struct pst_box *box;
	struct delta d;
	struct rows rows;
	uint64_t bytes = 0;

	CHECK_RC(PST_OK, OPS->create(acct, "Here", "", &err));
	box = box_of(acct, "Here");
	load_rows(box, &rows);
	CHECK(rows.n == 0, "nothing is there");
	rows_free(&rows);
	CHECK_RC(PST_OK, OPS->adopt(box, &origin, &err));
	state_is(box, "adopted");
	place_sample(box, 0, 2);
	place_sample(box, 2, PLACED - 2);
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d),
	    "refresh() does not tell of them");
	delta_free(&d);
	state_is(box, "placed");
	sample_is_there(box, true, "placed");
	for (size_t i = 0; i < PLACED; i++)
		bytes += strlen(sample[i].text);
	CHECK_RC(PST_OK, OPS->usage(acct, &usage, &err));
	CHECK(usage.messages == PLACED && usage.bytes == bytes,
	    "usage follows: %llu, %llu", (unsigned long long)usage.messages,
	    (unsigned long long)usage.bytes);
	OPS->box_close(box);
	box = box_of(acct, "Here");
	state_is(box, "opened again");
	sample_is_there(box, true, "opened again");
	/* Again, by what it is itself: nothing changes, nothing goes back. */
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	st.uidnext = 1;
	st.highestmodseq = 1;
	CHECK_RC(PST_OK, OPS->adopt(box, &st, &err));
	state_is(box, "adopted again");
	sample_is_there(box, true, "adopted again");
	OPS->box_close(box);
}

/* A mailbox that is made later is younger. */
static void
later_names(struct pst_acct *acct)
{
	struct pst_box_state st = { 0 };
	struct pst_error err = { 0 };
	struct pst_box *box;

	CHECK_RC(PST_OK, OPS->create(acct, "Later", "", &err));
	box = box_of(acct, "Later");
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	CHECK(st.uidvalidity > origin.uidvalidity, "uidvalidity %u",
	    st.uidvalidity);
	OPS->box_close(box);
	CHECK_RC(PST_OK, OPS->remove(acct, "Later", &err));
}

/* What goes on after the conversion is above all that was. */
static void
goes_on(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_box_state st = { 0 };
	struct pst_box *box;
	struct rows changed, rows;
	struct uids conflict, gone = { 0 };
	struct pst_range r;
	uint32_t uid;

	box = box_of(acct, "Here");
	load_rows(box, &rows);
	rows_free(&rows);
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	uid = put(box, "Subject: new\r\n\r\n", 0, 0, 1);
	CHECK(uid >= origin.uidnext, "a new message: uid %u", uid);
	CHECK(change_flags(box, 3, PST_FLAGS_ADD, PST_SEEN, 0, UINT64_MAX,
		  &changed, &conflict) == PST_OK,
	    "flags");
	CHECK(changed.n == 1 && changed.v[0].modseq > origin.highestmodseq,
	    "a change is above HIGHESTMODSEQ");
	rows_free(&changed);
	uids_free(&conflict);
	CHECK_RC(PST_OK,
	    OPS->expunge(box, one(&r, uid, uid), uids_add, &gone, &err));
	uids_free(&gone);
	CHECK(change_flags(box, 3, PST_FLAGS_REMOVE, PST_SEEN, 0, UINT64_MAX,
		  &changed, &conflict) == PST_OK,
	    "flags back");
	rows_free(&changed);
	uids_free(&conflict);
	OPS->box_close(box);
}

/* What is there already becomes as it is told, but for its ident. */
static void
place_present(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_box *box = box_of(acct, "Here");
	struct pst_placed p[PLACED];
	struct rows rows;
	const struct pst_row *r;
	struct delta d;

	load_rows(box, &rows);
	rows_free(&rows);
	for (size_t i = 0; i < PLACED; i++)
		p[i] = (struct pst_placed){
			.row = { .uid = sample[i].uid,
			    .flags = ~sample[i].flags & PST_FLAGS_ALL,
			    .keywords = keyword_mask(box, "$New"),
			    .modseq = 7 + i,
			    .internal_date = 1234567890,
			    .save_date = 1234567891 },
			.ident = "ignored",
		};
	CHECK_RC(PST_OK, OPS->place(box, p, PLACED, &err));
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d),
	    "refresh() does not tell of that");
	delta_free(&d);
	for (int round = 0; round < 2; round++) {
		load_rows(box, &rows);
		CHECK(rows.n == PLACED, "%zu messages", rows.n);
		for (size_t i = 0; i < PLACED; i++) {
			r = rows_uid(&rows, sample[i].uid);
			if (!CHECK(r != NULL, "uid %u", sample[i].uid))
				continue;
			CHECK(r->flags == p[i].row.flags &&
				  r->keywords == keyword_mask(box, "$New") &&
				  r->internal_date == 1234567890 &&
				  r->save_date == 1234567891,
			    "changed as told: %u", sample[i].uid);
			CHECK(r->modseq == 7 + i, "modseq of %u: %llu",
			    sample[i].uid, (unsigned long long)r->modseq);
			CHECK(body_is(box, r->uid, sample[i].text,
				  strlen(sample[i].text)),
			    "content of %u", r->uid);
			if (OPS->ident != NULL && sample[i].ident[0] != '\0')
				CHECK(has_ident(box, r->uid, sample[i].ident),
				    "its ident stays");
		}
		rows_free(&rows);
		state_is(box, "changed");
		OPS->box_close(box);
		box = box_of(acct, "Here");
	}
	/* And back; one of them with a modseq of its own. */
	for (size_t i = 0; i < PLACED; i++) {
		p[i].row.flags = sample[i].flags;
		p[i].row.keywords = keyword_mask(box, sample[i].keyword);
		p[i].row.modseq = i == 0 ? 0 : sample[i].modseq;
		p[i].row.internal_date = sample[i].date;
		p[i].row.save_date = sample[i].save_date;
	}
	CHECK_RC(PST_OK, OPS->place(box, p, PLACED, &err));
	load_rows(box, &rows);
	r = rows_uid(&rows, sample[0].uid);
	CHECK(r != NULL && r->modseq > origin.highestmodseq,
	    "modseq 0: a new one");
	rows_free(&rows);
	p[0].row.modseq = sample[0].modseq;
	CHECK_RC(PST_OK, OPS->place(box, p, 1, &err));
	sample_is_there(box, true, "changed back");
	OPS->box_close(box);
}

/* What cannot be placed changes nothing, whatever stands beside it. */
static void
conflicts(struct pst_acct *acct)
{
	static const struct {
		const char *what;
		uint32_t uid[3];
		bool is_new[3];
	} wrong[] = {
		{ "a new one where one is", { 901, 0, 0 }, { true } },
		{ "a new one below others", { 500, 0, 0 }, { true } },
		{ "one that is not there", { 902, 0, 0 }, { false } },
		{ "one that was never there", { 70000, 0, 0 }, { false } },
		{ "not ascending", { 80001, 80000, 0 }, { true, true } },
		{ "twice", { 80001, 80001, 0 }, { true, true } },
		{ "a wrong one behind good ones", { 3, 80000, 80001 },
		    { false, true, false } },
	};
	struct pst_error err = { 0 };
	struct pst_box *box = box_of(acct, "Here");
	struct pst_box_state other = origin;
	struct rows rows;
	struct delta d;

	load_rows(box, &rows);
	for (size_t w = 0; w < sizeof(wrong) / sizeof(wrong[0]); w++) {
		struct pst_placed p[3];
		struct pst_error why = { 0 };
		struct rows after;
		size_t n = 0;

		for (; n < 3 && wrong[w].uid[n] != 0; n++)
			p[n] = (struct pst_placed){
				.stage = wrong[w].is_new[n] ? stage_of("y", 1)
							    : NULL,
				.row = { .uid = wrong[w].uid[n],
				    .flags = PST_SEEN,
				    .modseq = 3 },
			};
		CHECK(OPS->place(box, p, n, &why) == PST_E_CONFLICT, "%s",
		    wrong[w].what);
		free_stages(p, n);
		load_rows(box, &after);
		CHECK(after.n == rows.n && memcmp(after.v, rows.v,
					       rows.n * sizeof(*rows.v)) == 0,
		    "%s: nothing changed", wrong[w].what);
		rows_free(&after);
	}
	rows_free(&rows);
	CHECK_RC(PST_OK, OPS->place(box, NULL, 0, &err));
	other.uidvalidity--;
	CHECK_RC(PST_E_PERM, OPS->adopt(box, &other, &err));
	state_is(box, "after refusals");
	sample_is_there(box, true, "after refusals");
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d),
	    "refresh() tells nothing");
	delta_free(&d);
	OPS->box_close(box);
}

static void
note_cached(void *arg, const struct pst_cached *c)
{
	uids_add(arg, c->uid);
}

/* Uids that were given before may come again when nothing is above them; what
 * is remembered of the old message is not told of the new one. */
static void
tail_again(struct pst_acct *acct)
{
	static const char text[] = "Subject: another\r\n\r\nlast\r\n";
	const struct pst_str old = { "old", 3 };
	struct pst_cached kept = { .uid = 4999, .value = old };
	struct pst_error err = { 0 };
	struct pst_box *box = box_of(acct, "Here");
	struct pst_placed p = {
		.row = { .uid = 4999, .modseq = 5, .internal_date = 9 },
	};
	struct uids gone = { 0 };
	struct uids found = { 0 };
	struct rows rows;
	struct pst_range r;

	load_rows(box, &rows);
	rows_free(&rows);
	if (OPS->cache_put != NULL)
		CHECK_RC(PST_OK, OPS->cache_put(box, 1, &kept, 1, &err));
	CHECK_RC(PST_OK,
	    OPS->expunge(box, one(&r, 4999, 4999), uids_add, &gone, &err));
	CHECK(gone.n == 1, "the last one is gone");
	uids_free(&gone);
	p.stage = stage_of(text, strlen(text));
	CHECK_RC(PST_OK, OPS->place(box, &p, 1, &err));
	OPS->stage_free(p.stage);
	CHECK(body_is(box, 4999, text, strlen(text)), "another one");
	if (OPS->cache_get != NULL) {
		const uint32_t uid = 4999;

		CHECK_RC(PST_OK,
		    OPS->cache_get(box, 1, &uid, 1, note_cached, &found, &err));
		CHECK(found.n == 0, "nothing is remembered of the old one");
		uids_free(&found);
	}
	CHECK_RC(PST_OK,
	    OPS->expunge(box, one(&r, 4999, 4999), uids_add, &gone, &err));
	uids_free(&gone);
	place_sample(box, PLACED - 1, 1);
	sample_is_there(box, true, "placed again");
	OPS->box_close(box);
}

struct history {
	unsigned long calls;
};

static void
count_gone(void *arg, struct pst_range uids, uint64_t modseq)
{
	(void)uids;
	(void)modseq;
	((struct history *)arg)->calls++;
}

/* Expunges from before are nobody's history. */
static void
history_begins(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct pst_box_state st = { 0 }, now = { 0 };
	struct history h = { 0 };
	struct pst_box *box;
	struct uids gone = { 0 };
	struct pst_range r;
	struct rows rows;
	uint64_t from = 0;
	uint32_t uid;

	if (OPS->history == NULL) {
		skip(3, "no history()");
		return;
	}
	CHECK_RC(PST_OK, OPS->create(acct, "Past", "", &err));
	box = box_of(acct, "Past");
	load_rows(box, &rows);
	rows_free(&rows);
	uid = put(box, "a", 0, 0, 1);
	CHECK_RC(PST_OK,
	    OPS->expunge(box, one(&r, uid, uid), uids_add, &gone, &err));
	uids_free(&gone);
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	st.highestmodseq += 1000;
	CHECK_RC(PST_OK, OPS->adopt(box, &st, &err));
	for (int round = 0; round < 2; round++) {
		CHECK_RC(PST_OK, OPS->state(box, &now, &err));
		CHECK_RC(
		    PST_OK, OPS->history(box, &from, count_gone, &h, &err));
		CHECK(h.calls == 0 && from >= st.highestmodseq &&
			  from <= now.highestmodseq,
		    "history begins at %llu", (unsigned long long)from);
		OPS->box_close(box);
		box = box_of(acct, "Past");
		load_rows(box, &rows);
		rows_free(&rows);
	}
	OPS->box_close(box);
}

/* INBOX is there before anything is adopted. */
static void
adopt_inbox(struct pst_acct *acct)
{
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };

	CHECK_RC(PST_OK, OPS->adopt(box, &origin, &err));
	state_is(box, "INBOX");
	OPS->box_close(box);
	box = box_of(acct, "INBOX");
	state_is(box, "INBOX opened again");
	place_sample(box, 0, PLACED);
	sample_is_there(box, true, "INBOX");
	OPS->box_close(box);
}

/* Over an end of the server, too. */
static void
lasts(void)
{
	struct pst_acct *acct;
	struct pst_box *box;

	if (!suite.is_lasting || !reopen())
		return;
	acct = acct_of("place@example.test");
	if (acct == NULL)
		return;
	box = box_of(acct, "Here");
	state_is(box, "after a restart");
	sample_is_there(box, true, "after a restart");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

void
test_place(void)
{
	struct pst_acct *acct, *other;

	if (OPS->place == NULL) {
		skip(CHECKS, "no conversion");
		return;
	}
	acct = acct_of("place@example.test");
	other = acct_of("placed-inbox@example.test");
	if (acct == NULL || other == NULL)
		return;
	adopt_and_place(acct);
	later_names(acct);
	goes_on(acct);
	place_present(acct);
	conflicts(acct);
	tail_again(acct);
	history_begins(acct);
	adopt_inbox(other);
	OPS->acct_close(other);
	OPS->acct_close(acct);
	lasts();
}
