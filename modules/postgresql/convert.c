/*
 * convert.c - a mailbox goes on from one of another storage: its identity, and
 * messages with the uids, modseqs and dates that they had there.
 */
#include "postgresql.h"

/* --- adopt -----------------------------------------------------------------
 */

struct adopting {
	struct pst_box *box;
	const struct pst_box_state *origin;
	PGresult *result;
	struct box_row row;
};

static enum pst_rc
send_adopt(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct adopting *a = arg;
	struct pg_params p = box_params(a->box), floor = { 0 };

	(void)err;
	pg_p_i64(&floor, a->box->acct->id);
	pg_p_i64(&floor, a->origin->uidvalidity);
	(void)pg_send(c, PG_S_ADOPT_FLOOR, &floor);
	pg_p_i64(&p, a->origin->uidvalidity);
	pg_p_text(&p, a->origin->objectid);
	pg_p_i64(&p, a->origin->uidnext);
	pg_p_i64(&p, (int64_t)a->origin->highestmodseq);
	(void)pg_send(c, PG_S_ADOPT, &p);
	return PST_OK;
}

static enum pst_rc
take_adopt(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct adopting *a = arg;
	PGresult *r = pg_take(c, err);

	PQclear(a->result);
	a->result = NULL;
	if (r == NULL)
		return err->rc;
	PQclear(r);
	a->result = pg_take(c, err);
	if (a->result == NULL)
		return err->rc;
	if (PQntuples(a->result) == 0)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.120s holds messages, or is gone: its UIDVALIDITY stays",
		    a->box->name);
	box_row_take(&a->row, a->result, 0);
	return PST_OK;
}

enum pst_rc
pg_adopt(struct pst_box *b, const struct pst_box_state *origin,
    struct pst_error *err)
{
	struct adopting a = { .box = b, .origin = origin };
	const struct pg_job job = box_job(
	    b, PG_EXACT, &a, send_adopt, take_adopt);
	enum pst_rc rc;

	if (origin->highestmodseq > INT64_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "modseq is too large");
	rc = pg_run(b->acct->store, &job, NULL, err);
	if (rc == PST_OK) {
		box_take_row(b, &a.row);
		box_knows(b, &a.row);
		b->is_fresh = true;
		hub_tell(b->acct->store, PG_EAR_BOX, b->id);
	}
	PQclear(a.result);
	return rc;
}

/* --- place -----------------------------------------------------------------
 */

/* Messages that are there, or new ones: what both need as arrays. */
struct placing {
	struct pst_box *box;
	const struct pst_placed *in;
	size_t n, new_n, old_n;
	uint64_t bytes;
	int64_t epoch;
	struct new_contents contents;
	struct pg_array flags, keywords, date, size, content, save_date, where;
	struct pg_array o_uid, o_flags, o_keywords, o_date, o_save_date,
	    o_modseq;
	struct pg_array loose;
	struct box_row before, after;
};

static void
fini(struct placing *p)
{
	struct pg_array *const all[] = { &p->flags, &p->keywords, &p->date,
		&p->size, &p->content, &p->save_date, &p->where, &p->o_uid,
		&p->o_flags, &p->o_keywords, &p->o_date, &p->o_save_date,
		&p->o_modseq, &p->loose };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		pg_array_fini(all[i]);
	contents_fini(&p->contents);
	for (size_t i = 0; i < p->n; i++)
		if (p->in[i].stage != NULL)
			p->in[i].stage->in_batch = 0;
}

static void
gather_old(struct placing *p, const struct pst_row *row)
{
	p->old_n++;
	pg_array_i64(&p->o_uid, row->uid);
	pg_array_i64(&p->o_flags, row->flags);
	pg_array_i64(&p->o_keywords, (int64_t)row->keywords);
	pg_array_i64(&p->o_date, row->internal_date);
	pg_array_i64(&p->o_save_date, row->save_date);
	pg_array_i64(&p->o_modseq, (int64_t)row->modseq);
}

static enum pst_rc
gather_new(
    struct placing *p, const struct pst_placed *in, struct pst_error *err)
{
	enum pst_rc rc = contents_add(&p->contents, in->stage, in->ident, err);

	if (rc != PST_OK)
		return rc;
	p->new_n++;
	p->bytes += in->stage->size;
	pg_array_i64(&p->flags, in->row.flags);
	pg_array_i64(&p->keywords, (int64_t)in->row.keywords);
	pg_array_i64(&p->date, in->row.internal_date);
	pg_array_i64(&p->size, (int64_t)in->stage->size);
	pg_array_i64(&p->content, in->stage->content);
	pg_array_i64(&p->save_date, in->row.save_date);
	pg_array_i64(&p->where, in->row.uid);
	pg_array_i64(&p->where, (int64_t)in->row.modseq);
	if (in->stage->is_large)
		pg_array_i64(&p->loose, in->stage->content);
	return PST_OK;
}

static enum pst_rc
gather(struct placing *p, struct pst_error *err)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct pst_placed *in = &p->in[i];
		enum pst_rc rc = PST_OK;

		if (i > 0 && in->row.uid <= p->in[i - 1].row.uid)
			return pst_fail(err, PST_E_CONFLICT, 0,
			    "%.120s: uids do not ascend", p->box->name);
		if (in->row.modseq > INT64_MAX)
			return pst_fail(
			    err, PST_E_LIMIT, 0, "modseq is too large");
		if (in->row.keywords != 0)
			p->epoch = p->box->epoch;
		if (in->stage == NULL)
			gather_old(p, &in->row);
		else
			rc = gather_new(p, in, err);
		if (rc != PST_OK)
			return rc;
	}
	return PST_OK;
}

static void
send_old(struct placing *p, struct pg_conn *c)
{
	struct pg_params q = box_params(p->box);

	pg_p_array(&q, &p->o_uid);
	pg_p_array(&q, &p->o_flags);
	pg_p_array(&q, &p->o_keywords);
	pg_p_array(&q, &p->o_date);
	pg_p_array(&q, &p->o_save_date);
	pg_p_array(&q, &p->o_modseq);
	pg_p_i64(&q, p->epoch);
	(void)pg_send(c, PG_S_PLACE_OLD, &q);
}

static void
send_new(struct placing *p, struct pg_conn *c)
{
	struct pg_params q = box_params(p->box), loose = { 0 };

	pg_p_i64(&q, (int64_t)p->new_n);
	pg_p_i64(&q, (int64_t)p->bytes);
	pg_p_i64(&q, p->epoch);
	pg_p_array(&q, &p->contents.id);
	pg_p_array(&q, &p->contents.size);
	pg_p_array(&q, &p->contents.data);
	pg_p_array(&q, &p->contents.ident);
	pg_p_array(&q, &p->flags);
	pg_p_array(&q, &p->keywords);
	pg_p_array(&q, &p->date);
	pg_p_array(&q, &p->size);
	pg_p_array(&q, &p->content);
	pg_p_array(&q, &p->save_date);
	pg_p_array(&q, &p->where);
	(void)pg_send(c, PG_S_PLACE_NEW, &q);
	pg_p_array(&loose, &p->loose);
	(void)pg_send(c, PG_S_LOOSE_DROP, &loose);
}

static enum pst_rc
send_place(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct placing *p = arg;
	struct pg_params lock = box_params(p->box);

	(void)err;
	(void)pg_send(c, PG_S_BOX_LOCK, &lock);
	if (p->old_n > 0)
		send_old(p, c);
	if (p->new_n > 0)
		send_new(p, c);
	(void)pg_send(c, PG_S_BOX_STATE, &lock);
	return PST_OK;
}

/* How many rows the next statement returns; -1: it failed. */
static int
take_count(struct pg_conn *c, struct box_row *row, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);
	int n = r != NULL ? PQntuples(r) : -1;

	if (row != NULL && n > 0) {
		box_row_take(row, r, 0);
		row->keywords = row->objectid = (struct pst_str){ NULL, 0 };
	}
	PQclear(r);
	return n;
}

/* The content of a large one was written before its ident was known. */
static enum pst_rc
name_large(struct placing *p, struct pg_conn *c, struct pst_error *err)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct pst_placed *in = &p->in[i];
		struct pg_params q = { 0 };

		if (in->stage == NULL || !in->stage->is_large ||
		    in->ident[0] == '\0')
			continue;
		pg_p_i64(&q, in->stage->content);
		pg_p_text(&q, in->ident);
		(void)pg_send(c, PG_S_PLACE_IDENT, &q);
		(void)pg_send_flush(c);
		if (take_count(c, NULL, err) < 0)
			return err->rc;
	}
	return PST_OK;
}

static enum pst_rc
take_place(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct placing *p = arg;
	int there = take_count(c, &p->before, err), old = 0, fresh = 1;

	if (there < 0)
		return err->rc;
	if (p->old_n > 0)
		old = take_count(c, NULL, err);
	if (old >= 0 && p->new_n > 0)
		fresh = take_count(c, NULL, err);
	if (old >= 0 && fresh >= 0 && p->new_n > 0 &&
	    take_count(c, NULL, err) < 0)
		return err->rc;
	if (old < 0 || fresh < 0 || take_count(c, &p->after, err) < 0)
		return err->rc;
	if (there == 0 || (p->epoch >= 0 && p->before.epoch != p->epoch))
		return box_gone(p->box, err);
	if ((size_t)old != p->old_n)
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "%.120s: %zu of %zu messages are not there", p->box->name,
		    p->old_n - (size_t)old, p->old_n);
	if (fresh == 0)
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "%.120s: a new uid is not above the others", p->box->name);
	return name_large(p, c, err);
}

/* What was before is known, so what is now is, too. */
static void
settle(struct placing *p)
{
	struct pst_box *b = p->box;

	if (!b->is_loaded ||
	    (p->before.modseq == b->known && p->before.uidnext == b->uidnext))
		box_knows(b, &p->after);
	else
		b->is_behind = true;
	b->is_fresh = true;
	for (size_t i = 0; i < p->n; i++)
		if (p->in[i].stage != NULL)
			p->in[i].stage->is_stored = p->in[i].stage->is_taken =
			    true;
	hub_tell(b->acct->store, PG_EAR_BOX, b->id);
}

enum pst_rc
pg_place(struct pst_box *b, const struct pst_placed *placed, size_t n,
    struct pst_error *err)
{
	struct placing p = { .box = b, .in = placed, .n = n, .epoch = -1 };
	const struct pg_job job = box_job(
	    b, PG_EXACT, &p, send_place, take_place);
	enum pst_rc rc;

	if (n == 0)
		return PST_OK;
	rc = gather(&p, err);
	if (rc == PST_OK)
		rc = pg_run(b->acct->store, &job, NULL, err);
	if (rc == PST_OK)
		settle(&p);
	else if (rc == PST_E_EXISTS) /* the key of messages */
		rc = err->rc = PST_E_CONFLICT;
	else if (rc == PST_E_NOTFOUND)
		rc = box_refused(b, p.epoch, err);
	fini(&p);
	return rc;
}
