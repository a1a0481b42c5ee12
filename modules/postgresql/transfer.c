/*
 * transfer.c - copies and moves. Contents are shared: a copy is a row. Both
 * mailboxes are locked, the one with the smaller id first, before it is looked
 * which keywords are needed; so this takes two round trips, and one for the
 * commit.
 */
#include "postgresql.h"

struct transfer {
	struct pst_box *from, *to;
	struct pst_uids uids;
	struct pg_ranges ranges;
	bool is_move;
	bool made_keywords; /* in the target's table; see keyword_doubt() */
	int64_t now;
	struct pg_array there, here; /* masks of keywords, in pairs */
	struct row_list rows;
	uint64_t gone_modseq;
	int64_t content; /* of the first copy */
};

static enum pst_rc
send_lock(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct transfer *t = arg;
	struct pg_params lock = box_params(t->from), p = box_params(t->from);

	(void)err;
	pg_p_i64(&lock, t->to->acct->id);
	pg_p_i64(&lock, t->to->id);
	(void)pg_send(c, PG_S_COPY_LOCK, &lock);
	pg_p_array(&p, &t->ranges.low);
	pg_p_array(&p, &t->ranges.high);
	(void)pg_send(c, PG_S_COPY_KEYWORDS, &p);
	return PST_OK;
}

static bool
row_of(const PGresult *r, const struct pst_box *b, struct box_row *row)
{
	for (int i = 0; i < PQntuples(r); i++) {
		box_row_take(row, r, i);
		if (row->id == b->id)
			return true;
	}
	return false;
}

/* --- keywords --------------------------------------------------------------
 */

/* The same names there and here; those that find no number are left out. */
static enum pst_rc
map_keywords(struct transfer *t, const struct pst_box *names, uint64_t used,
    struct pg_conn *c, struct pst_error *err)
{
	bool is_new = false, reused = false;
	uint64_t taken = 0;

	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		const char *name = names->keyword[k];
		unsigned n;
		enum pst_rc rc = PST_OK;

		if (!(used >> k & 1) || *name == '\0')
			continue;
		n = keyword_find(t->to, name);
		if (n == PST_KEYWORDS_MAX) {
			t->made_keywords = true;
			rc = keyword_make(
			    t->to, c, name, taken, &n, &reused, err);
			is_new = true;
		}
		if (rc == PST_E_LIMIT)
			continue;
		if (rc != PST_OK)
			return rc;
		taken |= UINT64_C(1) << n;
		pg_array_i64(&t->there, (int64_t)(UINT64_C(1) << k));
		pg_array_i64(&t->here, (int64_t)(UINT64_C(1) << n));
	}
	return is_new ? keyword_write(t->to, c, reused, err) : PST_OK;
}

/* With both tables as they are now, under the lock. */
static enum pst_rc
take_keywords(struct transfer *t, const struct box_row *from, uint64_t used,
    struct pg_conn *c, struct pst_error *err)
{
	struct pst_box names = { .acct = t->from->acct };
	enum pst_rc rc;

	keyword_init(&names);
	keyword_take(&names, from->keywords);
	rc = map_keywords(t, &names, used, c, err);
	keyword_fini(&names);
	return rc;
}

/* --- the rows --------------------------------------------------------------
 */

static enum pst_rc
take_gone(struct transfer *t, struct pg_conn *c, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	t->gone_modseq = (uint64_t)pg_i64(r, 0, 1);
	PQclear(r);
	return PST_OK;
}

static enum pst_rc
copy_rows(struct transfer *t, struct pg_conn *c, struct pst_error *err)
{
	struct pg_params p = box_params(t->from), gone = box_params(t->from);
	PGresult *r;

	pg_p_array(&p, &t->ranges.low);
	pg_p_array(&p, &t->ranges.high);
	pg_p_i64(&p, t->to->acct->id);
	pg_p_i64(&p, t->to->id);
	pg_p_array(&p, &t->there);
	pg_p_array(&p, &t->here);
	pg_p_i64(&p, t->now);
	(void)pg_send(c, PG_S_COPY, &p);
	if (t->is_move) {
		pg_p_array(&gone, &t->ranges.low);
		pg_p_array(&gone, &t->ranges.high);
		pg_p_i64(&gone, 0);
		pg_p_bool(&gone, false);
		(void)pg_send(c, PG_S_EXPUNGE, &gone);
	}
	(void)pg_send_flush(c);
	r = pg_take(c, err);
	if (r == NULL)
		return err->rc;
	t->content = pg_i64(r, 0, 8);
	for (int i = 0; i < PQntuples(r); i++) {
		struct pst_row row = pg_row(r, i);

		row_list_add(&t->rows, &row);
		t->rows.source[t->rows.n - 1] = (uint32_t)pg_i64(r, i, 7);
	}
	PQclear(r);
	return t->is_move ? take_gone(t, c, err) : PST_OK;
}

static void
forget(struct transfer *t)
{
	t->rows.n = 0;
	t->gone_modseq = 0;
	pg_array_fini(&t->there);
	pg_array_fini(&t->here);
}

static enum pst_rc
take_all(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct transfer *t = arg;
	PGresult *locked = pg_take(c, err), *r;
	struct box_row from, to;
	enum pst_rc rc = PST_OK;

	forget(t);
	if (locked == NULL)
		return err->rc;
	if (!row_of(locked, t->from, &from))
		rc = box_gone(t->from, err);
	else if (!row_of(locked, t->to, &to))
		rc = box_gone(t->to, err);
	r = rc == PST_OK ? pg_take(c, err) : NULL;
	if (rc == PST_OK && r == NULL)
		rc = err->rc;
	if (rc == PST_OK) {
		/* What comes into the same mailbox now is not taken again. */
		pg_ranges_fini(&t->ranges);
		pg_ranges_init(&t->ranges, t->uids, from.uidnext - 1);
		keyword_take(t->to, to.keywords);
		t->to->epoch = to.epoch;
		rc = take_keywords(t, &from, (uint64_t)pg_i64(r, 0, 0), c, err);
	}
	PQclear(r);
	PQclear(locked);
	return rc == PST_OK ? copy_rows(t, c, err) : rc;
}

/* --- was it done? ----------------------------------------------------------
 */

static enum pst_rc
send_look(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct transfer *t = arg;
	struct pg_params p = box_params(t->to);

	(void)err;
	pg_p_i64(&p, t->content);
	pg_p_i64(&p, t->rows.n > 0 ? t->rows.v[0].uid : 0);
	(void)pg_send(c, PG_S_COMMITTED, &p);
	return PST_OK;
}

static enum pst_rc
take_look(struct pg_conn *c, void *arg, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);
	int n = PQntuples(r);

	(void)arg;
	PQclear(r);
	if (r == NULL)
		return err->rc;
	return n > 0 ? PST_OK
		     : pst_fail(err, PST_E_NOTFOUND, 0, "not committed");
}

/* --- the operations --------------------------------------------------------
 */

static void
report(const struct transfer *t, pst_copied_fn fn, void *arg)
{
	size_t n = t->rows.n;

	if (n == 0)
		return;
	box_did(t->to, t->rows.v[0].modseq);
	box_put(t->to, t->rows.v[0].uid, n);
	if (t->is_move)
		box_did(t->from, t->gone_modseq);
	for (size_t i = 0; i < n; i++)
		fn(arg, t->rows.source[i], &t->rows.v[i]);
}

static enum pst_rc
transfer(struct transfer *t, pst_copied_fn fn, void *arg, struct pst_error *err)
{
	struct pg_job job = box_job(t->from, PG_EXACT, t, send_lock, take_all);
	enum pst_rc rc = PST_OK;

	job.other = t->to->acct->id != t->from->acct->id ? t->to->acct->id : 0;
	job.look_send = send_look;
	job.look_take = take_look;
	t->now = pg_now(t->from->acct->store);
	pg_ranges_init(&t->ranges, t->uids, UINT32_MAX);
	if (t->ranges.low.count > 0)
		rc = pg_run(t->from->acct->store, &job, NULL, err);
	if (rc == PST_OK)
		report(t, fn, arg);
	else if (t->made_keywords)
		keyword_doubt(t->to);
	pg_ranges_fini(&t->ranges);
	forget(t);
	row_list_fini(&t->rows);
	/* A content that was removed in between: its message is gone, too. */
	return rc == PST_E_CONFLICT ? err->rc = PST_E_TEMP : rc;
}

enum pst_rc
pg_copy(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn copied, void *arg, struct pst_error *err)
{
	struct transfer t = { .from = b, .to = to, .uids = uids };

	return transfer(&t, copied, arg, err);
}

enum pst_rc
pg_move(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn moved, void *arg, struct pst_error *err)
{
	struct transfer t = {
		.from = b, .to = to, .uids = uids, .is_move = true
	};

	return transfer(&t, moved, arg, err);
}
