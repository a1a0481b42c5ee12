/*
 * modify.c - flags change and messages go. The mailbox's row is locked first;
 * what to do is decided by the database with what is there then.
 */
#include "postgresql.h"

/* --- flags -----------------------------------------------------------------
 */

struct flagging {
	struct pst_box *box;
	const struct pst_flag_change *change;
	struct pg_ranges ranges;
	int64_t epoch;
	struct row_list changed;
	struct uid_list conflict;
	bool is_refused;
};

static bool
is_conditional(const struct flagging *f)
{
	return f->change->unchanged_since <= INT64_MAX;
}

/* What stays and what is added, by the form of STORE. */
static void
put_mask(struct pg_params *p, enum pst_flag_op op, uint64_t mask)
{
	uint64_t keep = UINT64_MAX, add = mask;

	switch (op) {
	case PST_FLAGS_SET:
		keep = 0;
		break;
	case PST_FLAGS_ADD:
		break;
	case PST_FLAGS_REMOVE:
		keep = ~mask;
		add = 0;
		break;
	}
	pg_p_i64(p, (int64_t)keep);
	pg_p_i64(p, (int64_t)add);
}

static enum pst_rc
send_flags(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct flagging *f = arg;
	int64_t since = is_conditional(f) ? (int64_t)f->change->unchanged_since
					  : INT64_MAX;
	struct pg_params lock = box_params(f->box), find, p;

	(void)err;
	(void)pg_send(c, PG_S_BOX_LOCK, &lock);
	p = box_params(f->box);
	pg_p_array(&p, &f->ranges.low);
	pg_p_array(&p, &f->ranges.high);
	if (is_conditional(f)) {
		find = box_params(f->box);
		pg_p_array(&find, &f->ranges.low);
		pg_p_array(&find, &f->ranges.high);
		pg_p_i64(&find, since);
		(void)pg_send(c, PG_S_CONFLICTS, &find);
	}
	put_mask(&p, f->change->op, f->change->flags);
	put_mask(&p, f->change->op, f->change->keywords);
	pg_p_i64(&p, since);
	pg_p_i64(&p, f->epoch);
	(void)pg_send(c, PG_S_FLAGS, &p);
	return PST_OK;
}

static enum pst_rc
take_flags(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct flagging *f = arg;
	PGresult *r = pg_take(c, err);
	struct box_row row = { 0 };

	f->changed.n = f->conflict.n = 0;
	f->is_refused = false;
	if (r == NULL)
		return err->rc;
	f->is_refused = PQntuples(r) == 0;
	if (!f->is_refused)
		box_row_take(&row, r, 0);
	if (f->epoch >= 0 && row.epoch != f->epoch)
		f->is_refused = true;
	PQclear(r);
	if (is_conditional(f)) {
		r = pg_take(c, err);
		if (r == NULL)
			return err->rc;
		for (int i = 0; i < PQntuples(r); i++)
			uid_list_add(&f->conflict, (uint32_t)pg_i64(r, i, 0));
		PQclear(r);
	}
	r = pg_take(c, err);
	if (r == NULL)
		return err->rc;
	for (int i = 0; i < PQntuples(r); i++) {
		struct pst_row m = pg_row(r, i);

		row_list_add(&f->changed, &m);
	}
	PQclear(r);
	return f->is_refused ? box_gone(f->box, err) : PST_OK;
}

enum pst_rc
pg_flags(struct pst_box *b, struct pst_uids uids,
    const struct pst_flag_change *change, pst_row_fn changed,
    pst_uid_fn conflict, void *arg, struct pst_error *err)
{
	struct flagging f = { .box = b,
		.change = change,
		.epoch = change->keywords != 0 ? b->epoch : -1 };
	/* Done twice, a condition would meet its own change. */
	const struct pg_job job = box_job(b,
	    change->unchanged_since <= INT64_MAX ? PG_EXACT : PG_AGAIN, &f,
	    send_flags, take_flags);
	enum pst_rc rc = PST_OK;

	pg_ranges_init(&f.ranges, uids, UINT32_MAX);
	if (f.ranges.low.count > 0)
		rc = pg_run(b->acct->store, &job, NULL, err);
	pg_ranges_fini(&f.ranges);
	if (rc == PST_E_NOTFOUND && f.is_refused)
		rc = box_refused(b, f.epoch, err);
	for (size_t i = 0; rc == PST_OK && i < f.conflict.n; i++)
		conflict(arg, f.conflict.v[i]);
	for (size_t i = 0; rc == PST_OK && i < f.changed.n; i++)
		changed(arg, &f.changed.v[i]);
	if (rc == PST_OK && f.changed.n > 0)
		box_did(b, f.changed.v[0].modseq);
	row_list_fini(&f.changed);
	free(f.conflict.v);
	return rc;
}

/* --- expunge ---------------------------------------------------------------
 */

struct expunging {
	struct pst_box *box;
	struct pg_ranges ranges;
	struct uid_list gone;
	uint64_t modseq;
	bool is_keep;
	int64_t now;
};

static enum pst_rc
send_expunge(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct expunging *x = arg;
	struct pg_params lock = box_params(x->box), p = box_params(x->box);

	(void)err;
	(void)pg_send(c, PG_S_BOX_LOCK, &lock);
	pg_p_array(&p, &x->ranges.low);
	pg_p_array(&p, &x->ranges.high);
	pg_p_i64(&p, x->is_keep ? x->now : x->box->acct->store->config.sweep_s);
	if (!x->is_keep)
		pg_p_bool(&p, true);
	(void)pg_send(c, x->is_keep ? PG_S_EXPUNGE_KEEP : PG_S_EXPUNGE, &p);
	return PST_OK;
}

static enum pst_rc
take_expunge(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct expunging *x = arg;
	PGresult *r = pg_take(c, err);
	bool is_gone = PQntuples(r) == 0;

	x->gone.n = 0;
	PQclear(r);
	if (r == NULL)
		return err->rc;
	r = pg_take(c, err);
	if (r == NULL)
		return err->rc;
	for (int i = 0; i < PQntuples(r); i++)
		uid_list_add(&x->gone, (uint32_t)pg_i64(r, i, 0));
	x->modseq = (uint64_t)pg_i64(r, 0, 1);
	PQclear(r);
	return is_gone ? box_gone(x->box, err) : PST_OK;
}

/* Done twice, the second time finds nothing: refresh() then tells what went. */
static enum pst_rc
expunge(struct pst_box *b, struct pst_uids uids, bool is_keep, pst_uid_fn gone,
    void *arg, struct pst_error *err)
{
	struct expunging x = {
		.box = b, .is_keep = is_keep, .now = pg_now(b->acct->store)
	};
	const struct pg_job job = box_job(
	    b, PG_AGAIN, &x, send_expunge, take_expunge);
	enum pst_rc rc = PST_OK;

	pg_ranges_init(&x.ranges, uids, UINT32_MAX);
	if (x.ranges.low.count > 0)
		rc = pg_run(b->acct->store, &job, NULL, err);
	pg_ranges_fini(&x.ranges);
	if (rc == PST_OK && x.gone.n > 0)
		box_did(b, x.modseq);
	for (size_t i = 0; rc == PST_OK && i < x.gone.n; i++)
		gone(arg, x.gone.v[i]);
	free(x.gone.v);
	return rc;
}

enum pst_rc
pg_expunge(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone, void *arg,
    struct pst_error *err)
{
	return expunge(b, uids, false, gone, arg, err);
}

enum pst_rc
pg_expunge_keep(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone,
    void *arg, struct pst_error *err)
{
	return expunge(b, uids, true, gone, arg, err);
}
