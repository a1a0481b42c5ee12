/*
 * check.c - what is wrong with a mailbox: its counters against its messages,
 * and each message's content against what it should be. Contents are never
 * changed; sizes and counters are, by what is there.
 */
#include "postgresql.h"

enum { CHECK_MESSAGES = 500 };

struct checking {
	struct pst_box *box;
	uint32_t first;
	bool with_box, mend, box_mended;
	int64_t uid, octets; /* of the size to be mended */
	PGresult *counters, *messages;
};

/* What CHECK_BOX returns, in this order. */
struct counters {
	int64_t messages, bytes, uidnext, modseq;
	int64_t has, has_bytes, has_uid, has_modseq;
};

static struct counters
counters_of(const PGresult *r)
{
	return (struct counters){ pg_i64(r, 0, 0), pg_i64(r, 0, 1),
		pg_i64(r, 0, 2), pg_i64(r, 0, 3), pg_i64(r, 0, 4),
		pg_i64(r, 0, 5), pg_i64(r, 0, 6), pg_i64(r, 0, 7) };
}

static bool
are_good(const struct counters *k)
{
	return k->messages == k->has && k->bytes == k->has_bytes &&
	       k->uidnext > k->has_uid && k->modseq >= k->has_modseq;
}

static enum pst_rc
send_check(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct checking *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	if (q->with_box) {
		if (q->mend)
			(void)pg_send(c, PG_S_BOX_LOCK, &p);
		(void)pg_send(c, PG_S_CHECK_BOX, &p);
	}
	pg_p_i64(&p, q->first);
	pg_p_i64(&p, CHECK_MESSAGES);
	(void)pg_send(c, PG_S_CHECK, &p);
	return PST_OK;
}

static enum pst_rc
mend_counters(struct checking *q, struct pg_conn *c, struct pst_error *err)
{
	struct counters k = counters_of(q->counters);
	struct pg_params p = box_params(q->box);
	PGresult *r;

	pg_p_i64(&p, k.has);
	pg_p_i64(&p, k.has_bytes);
	pg_p_i64(&p, k.has_uid + 1);
	pg_p_i64(&p, k.has_modseq);
	(void)pg_send(c, PG_S_CHECK_MEND_BOX, &p);
	(void)pg_send_flush(c);
	r = pg_take(c, err);
	PQclear(r);
	q->box_mended = r != NULL;
	return r != NULL ? PST_OK : err->rc;
}

static enum pst_rc
take_check(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct checking *q = arg;
	struct counters k;

	PQclear(q->counters);
	PQclear(q->messages);
	q->counters = q->messages = NULL;
	q->box_mended = false;
	if (q->with_box && q->mend) {
		PGresult *r = pg_take(c, err);

		PQclear(r);
		if (r == NULL)
			return err->rc;
	}
	if (q->with_box) {
		q->counters = pg_take(c, err);
		if (q->counters == NULL)
			return err->rc;
		if (PQntuples(q->counters) == 0)
			return box_gone(q->box, err);
	}
	q->messages = pg_take(c, err);
	if (q->messages == NULL)
		return err->rc;
	if (!q->with_box || !q->mend)
		return PST_OK;
	k = counters_of(q->counters);
	return are_good(&k) ? PST_OK : mend_counters(q, c, err);
}

/* --- a message -------------------------------------------------------------
 */

static enum pst_rc
send_size(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct checking *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	(void)pg_send(c, PG_S_BOX_LOCK, &p);
	pg_p_i64(&p, q->uid);
	pg_p_i64(&p, q->octets);
	(void)pg_send(c, PG_S_CHECK_MEND_SIZE, &p);
	return PST_OK;
}

static enum pst_rc
take_size(struct pg_conn *c, void *arg, struct pst_error *err)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		PGresult *r = pg_take(c, err);

		PQclear(r);
		if (r == NULL)
			return err->rc;
	}
	return PST_OK;
}

static enum pst_rc
mend_size(struct checking *q, int64_t uid, int64_t octets, bool *mended_r,
    struct pst_error *err)
{
	const struct pg_job job = box_job(
	    q->box, PG_EXACT, q, send_size, take_size);
	enum pst_rc rc;

	q->uid = uid;
	q->octets = octets;
	rc = pg_run(q->box->acct->store, &job, NULL, err);
	*mended_r = rc == PST_OK;
	return rc;
}

struct message {
	int64_t uid, size, content; /* sizes as the rows have them; -1: none */
	int64_t chunks, octets, last;
};

static enum pst_rc
look_at(struct checking *q, const struct message *m, pst_finding_fn fn,
    void *arg, struct pst_error *err)
{
	struct pst_finding f = { .uid = (uint32_t)m->uid };
	char text[160];
	enum pst_rc rc = PST_OK;

	if (m->content < 0) {
		f.kind = "content";
		(void)snprintf(text, sizeof(text), "its content is missing");
	} else if (m->chunks != m->last + 1 || m->octets != m->content) {
		f.kind = "chunks";
		(void)snprintf(text, sizeof(text),
		    "%lld of %lld octets are there, in %lld parts",
		    (long long)m->octets, (long long)m->content,
		    (long long)m->chunks);
	} else if (m->size != m->content) {
		f.kind = "size";
		(void)snprintf(text, sizeof(text),
		    "it has %lld octets and says %lld", (long long)m->content,
		    (long long)m->size);
		if (q->mend)
			rc = mend_size(
			    q, m->uid, m->content, &f.is_mended, err);
	} else {
		return PST_OK;
	}
	f.text = text;
	fn(arg, &f);
	return rc;
}

static void
report_counters(const struct checking *q, pst_finding_fn fn, void *arg)
{
	struct counters k = counters_of(q->counters);
	char text[200];

	if (are_good(&k))
		return;
	(void)snprintf(text, sizeof(text),
	    "it says %lld messages of %lld octets, uidnext %lld, modseq %lld; "
	    "it has %lld of %lld, up to uid %lld, modseq %lld",
	    (long long)k.messages, (long long)k.bytes, (long long)k.uidnext,
	    (long long)k.modseq, (long long)k.has, (long long)k.has_bytes,
	    (long long)k.has_uid, (long long)k.has_modseq);
	fn(arg,
	    &(struct pst_finding){
		.kind = "counters", .text = text, .is_mended = q->box_mended });
}

static int64_t
or_none(const PGresult *r, int i, int column)
{
	return PQgetisnull(r, i, column) ? -1 : pg_i64(r, i, column);
}

enum pst_rc
pg_check(struct pst_box *b, uint32_t first, uint32_t *next_r, bool mend,
    pst_finding_fn fn, void *arg, struct pst_error *err)
{
	struct checking q = {
		.box = b, .first = first, .with_box = first <= 1, .mend = mend
	};
	const struct pg_job job = box_job(
	    b, PG_AGAIN, &q, send_check, take_check);
	enum pst_rc rc = pg_run(b->acct->store, &job, NULL, err);
	int n = PQntuples(q.messages);

	*next_r = 0;
	if (rc == PST_OK && q.with_box)
		report_counters(&q, fn, arg);
	for (int i = 0; rc == PST_OK && i < n; i++) {
		const struct message m = { pg_i64(q.messages, i, 0),
			pg_i64(q.messages, i, 1), or_none(q.messages, i, 2),
			pg_i64(q.messages, i, 3), pg_i64(q.messages, i, 4),
			pg_i64(q.messages, i, 5) };

		rc = look_at(&q, &m, fn, arg, err);
	}
	if (n == CHECK_MESSAGES && pg_i64(q.messages, n - 1, 0) < UINT32_MAX)
		*next_r = (uint32_t)pg_i64(q.messages, n - 1, 0) + 1;
	PQclear(q.counters);
	PQclear(q.messages);
	return rc;
}
