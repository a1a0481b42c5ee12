/*
 * history.c - which uids are gone, and since when (RFC 7162, 3.2.6). What
 * others did since the last refresh() is left out: the server does not know yet
 * that they are gone.
 */
#include "postgresql.h"

enum { HISTORY_MOST = 10000 }; /* runs of uids, the last ones */

/* The server did it, or refresh() told of it. */
static bool
is_known(const struct pst_box *b, uint64_t modseq)
{
	for (size_t i = 0; i < b->own_n; i++)
		if (b->own[i] == modseq)
			return true;
	return modseq <= b->known;
}

struct recalling {
	struct pst_box *box;
	uint64_t from;
	PGresult *result;
};

static enum pst_rc
send_history(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct recalling *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	(void)pg_send(c, PG_S_BOX_STATE, &p);
	pg_p_i64(&p, HISTORY_MOST);
	(void)pg_send(c, PG_S_HISTORY, &p);
	return PST_OK;
}

static enum pst_rc
take_history(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct recalling *q = arg;
	struct box_row row;
	PGresult *r = pg_take(c, err);

	PQclear(q->result);
	q->result = NULL;
	if (r == NULL)
		return err->rc;
	if (PQntuples(r) == 0) {
		PQclear(r);
		return box_gone(q->box, err);
	}
	box_row_take(&row, r, 0);
	q->from = row.gone_from;
	PQclear(r);
	q->result = pg_take(c, err);
	return q->result != NULL ? PST_OK : err->rc;
}

enum pst_rc
pg_history(struct pst_box *b, uint64_t *from_r, pst_gone_fn fn, void *arg,
    struct pst_error *err)
{
	struct recalling q = { .box = b };
	const struct pg_job job = box_job(
	    b, PG_SNAPSHOT, &q, send_history, take_history);
	enum pst_rc rc = pg_run(b->acct->store, &job, NULL, err);
	int n = PQntuples(q.result);

	/* There may be more of the oldest modseq. */
	if (n == HISTORY_MOST && (uint64_t)pg_i64(q.result, n - 1, 2) > q.from)
		q.from = (uint64_t)pg_i64(q.result, n - 1, 2);
	*from_r = q.from;
	for (int i = n - 1; rc == PST_OK && i >= 0; i--) {
		const struct pst_range uids = { (uint32_t)pg_i64(
						    q.result, i, 0),
			(uint32_t)pg_i64(q.result, i, 1) };
		uint64_t modseq = (uint64_t)pg_i64(q.result, i, 2);

		if (modseq > q.from && is_known(b, modseq))
			fn(arg, uids, modseq);
	}
	PQclear(q.result);
	return rc;
}
