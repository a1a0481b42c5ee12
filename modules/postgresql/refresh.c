/*
 * refresh.c - all messages of a mailbox, and what others did since.
 *
 * Both read the mailbox's row and the messages at one moment, so they agree:
 * with the modseq of the row everything up to it was seen, and nothing beyond.
 */
#include "postgresql.h"

/* --- load ------------------------------------------------------------------
 */

struct loading {
	struct pst_box *box;
	pst_row_fn fn;
	void *arg;
};

static enum pst_rc
send_load(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct loading *l = arg;
	struct pg_params p = box_params(l->box);

	(void)err;
	(void)pg_send(c, PG_S_BOX_STATE, &p);
	(void)pg_send(c, PG_S_LOAD, &p);
	return PST_OK;
}

/* The mailbox's row; NOTFOUND: it is gone. */
static enum pst_rc
take_box(struct pg_conn *c, struct pst_box *b, struct box_row *row,
    PGresult **r_r, struct pst_error *err)
{
	*r_r = pg_take(c, err);
	if (*r_r == NULL)
		return err->rc;
	if (PQntuples(*r_r) == 0) {
		PQclear(*r_r);
		return box_gone(b, err);
	}
	box_row_take(row, *r_r, 0);
	return PST_OK;
}

/* The call backs come while rows arrive: they only gather, and what they
 * gathered is forgotten when this fails. */
static enum pst_rc
take_load(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct loading *l = arg;
	struct box_row row;
	PGresult *r;
	enum pst_rc rc = take_box(c, l->box, &row, &r, err);
	bool is_last = false;

	if (rc != PST_OK)
		return rc;
	box_take_row(l->box, &row);
	box_knows(l->box, &row);
	PQclear(r);
	while (!is_last) {
		r = pg_take_row(c, err);
		if (r == NULL)
			return err->rc;
		is_last = PQresultStatus(r) == PGRES_TUPLES_OK;
		for (int i = 0; i < PQntuples(r); i++) {
			struct pst_row m = pg_row(r, i);

			l->fn(l->arg, &m);
		}
		PQclear(r);
	}
	r = pg_take(c, err); /* COMMIT */
	PQclear(r);
	return r != NULL ? PST_OK : err->rc;
}

enum pst_rc
pg_load(struct pst_box *b, pst_row_fn fn, void *arg, struct pst_error *err)
{
	struct loading l = { b, fn, arg };
	struct pg_job job = box_job(b, PG_SNAPSHOT, &l, send_load, take_load);
	enum pst_rc rc;

	job.no_repeat = true;
	rc = pg_run(b->acct->store, &job, NULL, err);
	b->is_loaded = rc == PST_OK;
	b->is_fresh = false;
	return rc;
}

/* --- refresh ---------------------------------------------------------------
 */

struct refreshing {
	struct pst_box *box;
	struct box_row row;
	PGresult *box_result;
	struct row_list rows;
	struct uid_list gone;
	bool is_too_late; /* what was expunged is not known that far back */
};

static enum pst_rc
send_refresh(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct refreshing *f = arg;
	struct pg_params p = box_params(f->box);

	(void)err;
	(void)pg_send(c, PG_S_BOX_STATE, &p);
	if (f->is_too_late)
		(void)pg_send(c, PG_S_UIDS, &p);
	pg_p_i64(&p, (int64_t)f->box->known);
	if (!f->is_too_late)
		(void)pg_send(c, PG_S_GONE, &p);
	(void)pg_send(c, PG_S_CHANGED, &p);
	return PST_OK;
}

static bool
is_own(const struct pst_box *b, uint64_t modseq)
{
	for (size_t i = 0; i < b->own_n; i++)
		if (b->own[i] == modseq)
			return true;
	return false;
}

/* Runs of uids, and since when they are gone. Also of messages that came and
 * went before this server heard of them: another one told its clients. */
static void
gather_gone(struct refreshing *f, const PGresult *r)
{
	for (int i = 0; i < PQntuples(r); i++) {
		uint32_t first = (uint32_t)pg_i64(r, i, 0),
			 last = (uint32_t)pg_i64(r, i, 1);

		if (is_own(f->box, (uint64_t)pg_i64(r, i, 2)))
			continue;
		for (uint64_t uid = first; uid <= last; uid++)
			uid_list_add(&f->gone, (uint32_t)uid);
	}
}

/* All that is not there any more, or never was: the server knows which of them
 * it had. */
static void
gather_missing(struct refreshing *f, const PGresult *r)
{
	uint64_t uid = 1;

	for (int i = 0; i < PQntuples(r); i++) {
		uint64_t there = (uint64_t)pg_i64(r, i, 0);

		for (; uid < there; uid++)
			uid_list_add(&f->gone, (uint32_t)uid);
		uid = there + 1;
	}
	for (; uid < f->row.uidnext; uid++)
		uid_list_add(&f->gone, (uint32_t)uid);
}

static void
gather_rows(struct refreshing *f, const PGresult *r)
{
	for (int i = 0; i < PQntuples(r); i++) {
		struct pst_row row = pg_row(r, i);

		if (row.uid >= f->box->uidnext || !is_own(f->box, row.modseq))
			row_list_add(&f->rows, &row);
	}
}

static void
forget(struct refreshing *f)
{
	PQclear(f->box_result);
	f->box_result = NULL;
	f->rows.n = f->gone.n = 0;
}

static enum pst_rc
take_refresh(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct refreshing *f = arg;
	enum pst_rc rc;

	forget(f);
	rc = take_box(c, f->box, &f->row, &f->box_result, err);
	if (rc != PST_OK) {
		f->box_result = NULL;
		return rc;
	}
	for (int i = 0; i < 3; i++) {
		PGresult *r = pg_take(c, err);

		if (r == NULL)
			return err->rc;
		if (i == 0)
			(f->is_too_late ? gather_missing : gather_gone)(f, r);
		else if (i == 1)
			gather_rows(f, r);
		PQclear(r);
	}
	return PST_OK;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct pst_row *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static void
report(const struct refreshing *f, const struct pst_delta *delta)
{
	size_t i = 0;

	if (f->rows.n > 1)
		qsort(f->rows.v, f->rows.n, sizeof(*f->rows.v), compare_rows);
	for (size_t k = 0; k < f->gone.n; k++)
		delta->gone(delta->arg, f->gone.v[k]);
	for (; i < f->rows.n && f->rows.v[i].uid < f->box->uidnext; i++)
		delta->changed(delta->arg, &f->rows.v[i]);
	for (; i < f->rows.n; i++)
		delta->appended(delta->arg, &f->rows.v[i]);
}

enum pst_rc
pg_refresh(
    struct pst_box *b, const struct pst_delta *delta, struct pst_error *err)
{
	struct refreshing f = { .box = b };
	const struct pg_job job = box_job(
	    b, PG_SNAPSHOT, &f, send_refresh, take_refresh);
	enum pst_rc rc = PST_OK;

	if (!b->is_loaded)
		return PST_OK;
	rc = pg_run(b->acct->store, &job, NULL, err);
	if (rc == PST_OK && f.row.gone_from > b->known && !f.is_too_late) {
		f.is_too_late = true;
		rc = pg_run(b->acct->store, &job, NULL, err);
	}
	if (rc == PST_OK) {
		box_take_row(b, &f.row);
		report(&f, delta);
		box_knows(b, &f.row);
	}
	forget(&f);
	row_list_fini(&f.rows);
	free(f.gone.v);
	return rc;
}
