/*
 * test_cache.c - conformance: values that the server keeps with messages, and
 * what a mailbox remembers of its past. Both are optional.
 */
#include "conformance.h"

enum { MESSAGES = 40, KINDS = 16 };

static const char text[] = "Subject: worked out\r\n\r\nonce\r\n";

/* --- values --------------------------------------------------------------- */

struct found {
	uint32_t uid[MESSAGES];
	char value[MESSAGES][32];
	size_t n;
	bool ascends, fits;
};

static void
find(void *arg, const struct pst_cached *v)
{
	struct found *f = arg;

	if (f->n == MESSAGES || v->value.n >= sizeof(f->value[0])) {
		f->fits = false;
		return;
	}
	f->ascends &= f->n == 0 || f->uid[f->n - 1] < v->uid;
	f->uid[f->n] = v->uid;
	memcpy(f->value[f->n], v->value.p, v->value.n);
	f->value[f->n++][v->value.n] = '\0';
}

static void
put_value(struct pst_box *box, unsigned kind, uint32_t uid, const char *value)
{
	const struct pst_cached v = { uid, { value, strlen(value) } };
	struct pst_error err = { 0 };

	CHECK_RC(PST_OK, OPS->cache_put(box, kind, &v, 1, &err));
}

/* Values may be lost, but none may be another's. */
static size_t
get_values(struct pst_box *box, unsigned kind, struct found *f)
{
	struct pst_error err = { 0 };
	uint32_t uids[MESSAGES + 2];

	for (uint32_t i = 0; i < MESSAGES + 2; i++)
		uids[i] = i + 1;
	*f = (struct found){ .ascends = true, .fits = true };
	CHECK_RC(PST_OK,
	    OPS->cache_get(box, kind, uids, MESSAGES + 2, find, f, &err));
	CHECK(f->ascends && f->fits, "values in order, each once");
	return f->n;
}

static void
values_are(struct pst_box *box, const char *form, const char *label)
{
	struct found f;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		char want[32];

		(void)get_values(box, kind, &f);
		for (size_t i = 0; i < f.n; i++) {
			(void)snprintf(want, sizeof(want), "%s %u %u", form,
			    kind, (unsigned)f.uid[i]);
			CHECK(strcmp(want, f.value[i]) == 0,
			    "%s: \"%s\" is \"%s\"", label, want, f.value[i]);
		}
	}
}

static void
fill_values(struct pst_box *box, const char *form)
{
	for (unsigned kind = 0; kind < KINDS; kind++)
		for (uint32_t uid = 1; uid <= MESSAGES; uid += 1 + kind) {
			char value[32];

			(void)snprintf(value, sizeof(value), "%s %u %u", form,
			    kind, (unsigned)uid);
			put_value(box, kind, uid, value);
		}
}

void
test_cache(void)
{
	struct pst_acct *acct;
	struct pst_box *box;
	struct found f;

	if (OPS->cache_get == NULL || OPS->cache_put == NULL) {
		skip(30, "no cache");
		return;
	}
	acct = acct_of("cache@example.test");
	box = box_of(acct, "INBOX");
	CHECK(get_values(box, 0, &f) == 0, "nothing yet");
	for (uint32_t i = 0; i < MESSAGES; i++)
		(void)put(box, text, 0, 0, 99);
	fill_values(box, "first");
	values_are(box, "first", "put");
	fill_values(box, "second");
	values_are(box, "second", "replaced");
	CHECK(get_values(box, 0, &f) == MESSAGES, "while it is open");
	put_value(box, 0, 1, "");
	(void)get_values(box, 0, &f);
	CHECK(f.n > 0 && f.uid[0] == 1 && f.value[0][0] == '\0',
	    "an empty value is one");
	put_value(box, 0, 1, "second 0 1");
	OPS->box_close(box);
	box = box_of(acct, "INBOX");
	values_are(box, "second", "opened again");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- history -------------------------------------------------------------- */

struct past {
	uint32_t from_uid, to_uid;
	uint64_t modseq[MESSAGES + 1]; /* by uid; 0: not reported */
	uint64_t last, from;
	bool ascends;
};

static void
recall(void *arg, struct pst_range uids, uint64_t modseq)
{
	struct past *p = arg;

	p->ascends &= modseq >= p->last;
	p->last = modseq;
	for (uint32_t uid = uids.first; uid <= uids.last && uid <= MESSAGES;
	     uid++)
		p->modseq[uid] = modseq;
}

static void
history_of(struct pst_box *box, struct past *p)
{
	struct pst_error err = { 0 };
	struct rows rows;

	*p = (struct past){ .ascends = true };
	load_rows(box, &rows);
	rows_free(&rows);
	CHECK_RC(PST_OK, OPS->history(box, &p->from, recall, p, &err));
	CHECK(p->ascends, "by ascending modseq");
}

static void
no_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static uint64_t
modseq_of(struct pst_box *box)
{
	struct pst_box_state st;
	struct pst_error err = { 0 };

	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	return st.highestmodseq;
}

/* What is remembered must be complete above `from`, and true. */
static void
past_is(struct pst_box *box, uint64_t first, uint64_t second, const char *label)
{
	struct past p;

	history_of(box, &p);
	for (uint32_t uid = 1; uid <= MESSAGES; uid++) {
		uint64_t want = uid >= 5 && uid <= 9 ? first
				: uid == 20	     ? second
						     : 0;

		CHECK(p.modseq[uid] == want ||
			  (p.modseq[uid] == 0 && want <= p.from),
		    "%s: uid %u", label, (unsigned)uid);
	}
}

void
test_history(void)
{
	struct pst_range r;
	struct pst_error err = { 0 };
	struct copies moved = { 0 };
	struct pst_acct *acct;
	struct pst_box *box, *to;
	struct rows before, after;
	uint64_t first, second;

	if (OPS->history == NULL) {
		skip(20, "no history");
		return;
	}
	acct = acct_of("history@example.test");
	box = box_of(acct, "INBOX");
	for (uint32_t i = 0; i < MESSAGES; i++)
		(void)put(box, text, 0, 0, 99);
	past_is(box, 0, 0, "nothing is gone");
	CHECK_RC(PST_OK, OPS->expunge(box, one(&r, 5, 9), no_uid, NULL, &err));
	first = modseq_of(box);
	CHECK_RC(PST_OK, OPS->create(acct, "Other", "", &err));
	to = box_of(acct, "Other");
	CHECK_RC(PST_OK,
	    OPS->move(box, one(&r, 20, 20), to, copies_add, &moved, &err));
	copies_free(&moved);
	second = modseq_of(box);
	past_is(box, first, second, "expunged and moved");
	load_rows(box, &before);
	OPS->box_close(box);
	OPS->box_close(to);
	OPS->acct_close(acct);
	if (!suite.is_lasting || !reopen())
		return;
	acct = acct_of("history@example.test");
	box = box_of(acct, "INBOX");
	past_is(box, first, second, "opened again");
	load_rows(box, &after);
	CHECK(before.n == after.n, "as many messages");
	for (size_t i = 0; i < before.n && i < after.n; i++)
		CHECK(before.v[i].modseq <= after.v[i].modseq,
		    "modseqs are the same or larger");
	rows_free(&before);
	rows_free(&after);
	OPS->box_close(box);
	OPS->acct_close(acct);
}
