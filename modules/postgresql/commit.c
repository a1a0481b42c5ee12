/*
 * commit.c - messages come into a mailbox: uids, modseq, contents and rows in
 * one statement, in one round trip.
 *
 * The ids of new contents are known before, and unique. When the answer is
 * lost, the whole is done again: the ids then tell whether it was done.
 */
#include "postgresql.h"

/* --- new contents ----------------------------------------------------------
 */

enum pst_rc
contents_add(struct new_contents *c, struct pst_stage *g, const char *ident,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (g->is_stored || g->in_batch > 0)
		return PST_OK;
	if (g->is_large)
		return pst_fail(
		    err, PST_E_PERM, 0, "stage_sync() was left out");
	if (g->content == 0)
		rc = content_id(g->store, &g->content, err);
	if (rc != PST_OK)
		return rc;
	pg_array_i64(&c->id, g->content);
	pg_array_i64(&c->size, (int64_t)g->size);
	pg_array_bytes(&c->data, g->data, g->n);
	pg_array_text(&c->ident, ident);
	g->in_batch = ++c->n;
	return PST_OK;
}

void
contents_fini(struct new_contents *c)
{
	pg_array_fini(&c->id);
	pg_array_fini(&c->size);
	pg_array_fini(&c->data);
	pg_array_fini(&c->ident);
}

/* --- a commit --------------------------------------------------------------
 */

struct committing {
	struct pst_box *box;
	const struct pst_append *in;
	size_t n;
	uint64_t bytes;
	int64_t now, epoch;
	struct new_contents contents;
	struct pg_array flags, keywords, date, size, content, loose;
	size_t evidence; /* a message with a new content, or the first */
	uint32_t base;
	uint64_t modseq;
	bool is_refused;
};

static enum pst_rc
gather(struct committing *k, struct pst_error *err)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct pst_append *a = &k->in[i];
		bool is_new = !a->stage->is_stored && k->contents.n == 0;
		enum pst_rc rc = contents_add(&k->contents, a->stage, "", err);

		if (rc != PST_OK)
			return rc;
		if (is_new)
			k->evidence = i;
		if (a->keywords != 0)
			k->epoch = k->box->epoch;
		k->bytes += a->stage->size;
		pg_array_i64(&k->flags, a->flags);
		pg_array_i64(&k->keywords, (int64_t)a->keywords);
		pg_array_i64(&k->date, a->internal_date);
		pg_array_i64(&k->size, (int64_t)a->stage->size);
		pg_array_i64(&k->content, a->stage->content);
		/* It waits for no further message. */
		if (a->stage->is_large && a->last)
			pg_array_i64(&k->loose, a->stage->content);
	}
	return PST_OK;
}

static void
fini(struct committing *k)
{
	for (size_t i = 0; i < k->n; i++)
		k->in[i].stage->in_batch = 0;
	contents_fini(&k->contents);
	pg_array_fini(&k->flags);
	pg_array_fini(&k->keywords);
	pg_array_fini(&k->date);
	pg_array_fini(&k->size);
	pg_array_fini(&k->content);
	pg_array_fini(&k->loose);
}

static enum pst_rc
send_commit(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct committing *k = arg;
	struct pg_params p = box_params(k->box), loose = { 0 };

	(void)err;
	pg_p_i64(&p, (int64_t)k->n);
	pg_p_i64(&p, (int64_t)k->bytes);
	pg_p_i64(&p, k->epoch);
	pg_p_array(&p, &k->contents.id);
	pg_p_array(&p, &k->contents.size);
	pg_p_array(&p, &k->contents.data);
	pg_p_i64(&p, k->now);
	pg_p_array(&p, &k->flags);
	pg_p_array(&p, &k->keywords);
	pg_p_array(&p, &k->date);
	pg_p_array(&p, &k->size);
	pg_p_array(&p, &k->content);
	(void)pg_send(c, PG_S_COMMIT_NEW, &p);
	if (k->loose.count > 0) {
		pg_p_array(&loose, &k->loose);
		(void)pg_send(c, PG_S_LOOSE_DROP, &loose);
	}
	return PST_OK;
}

static enum pst_rc
take_commit(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct committing *k = arg;
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	k->is_refused = PQntuples(r) == 0;
	k->base = (uint32_t)pg_i64(r, 0, 0);
	k->modseq = (uint64_t)pg_i64(r, 0, 1);
	PQclear(r);
	if (k->loose.count > 0) {
		r = pg_take(c, err);
		PQclear(r);
		if (r == NULL)
			return err->rc;
	}
	return k->is_refused ? box_gone(k->box, err) : PST_OK;
}

/* --- was it done? ----------------------------------------------------------
 */

static enum pst_rc
send_look(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct committing *k = arg;
	struct pg_params p = box_params(k->box);

	(void)err;
	pg_p_i64(&p, k->in[k->evidence].stage->content);
	/* By a new content it is found whatever uid it has got. */
	pg_p_i64(&p, k->contents.n > 0 ? 0 : k->base);
	(void)pg_send(c, PG_S_COMMITTED, &p);
	return PST_OK;
}

static enum pst_rc
take_look(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct committing *k = arg;
	PGresult *r = pg_take(c, err);
	enum pst_rc rc = PST_OK;

	if (r == NULL)
		return err->rc;
	if (PQntuples(r) == 0) {
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "not committed");
	} else if (k->contents.n > 0) {
		k->base = (uint32_t)(pg_i64(r, 0, 0) - (int64_t)k->evidence);
		k->modseq = (uint64_t)pg_i64(r, 0, 1);
		k->now = pg_i64(r, 0, 2);
	}
	PQclear(r);
	return rc;
}

/* Its contents are there, so all of it is. Who moved the messages away in the
 * moment since then took their uids along. */
static enum pst_rc
read_back(struct committing *k, struct pst_error *err)
{
	const struct pg_job job = box_job(
	    k->box, PG_READ, k, send_look, take_look);
	enum pst_rc rc = pg_run(k->box->acct->store, &job, NULL, err);

	if (rc == PST_E_NOTFOUND)
		rc = pst_fail(err, PST_E_CONFLICT, 0,
		    "messages were committed and taken away at once");
	return rc;
}

static enum pst_rc
run(struct committing *k, struct pg_outcome *out, struct pst_error *err)
{
	struct pg_job job = box_job(
	    k->box, PG_AGAIN, k, send_commit, take_commit);
	enum pst_rc rc = gather(k, err);

	if (rc != PST_OK)
		return rc;
	if (k->contents.n == 0) {
		job.mode = PG_EXACT;
		job.look_send = send_look;
		job.look_take = take_look;
	}
	rc = pg_run(k->box->acct->store, &job, out, err);
	if (rc == PST_E_EXISTS)
		rc = out->repeated ? read_back(k, err)
				   : pst_fail(err, PST_E_TEMP, 0,
					 "an id was given twice");
	return rc;
}

/* The contents of stages that were committed before may be gone, when their
 * messages are: they are written again. False: they are not here any more. */
static bool
store_again(const struct committing *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->in[i].stage->is_large)
			return false;
	for (size_t i = 0; i < k->n; i++) {
		k->in[i].stage->is_stored = false;
		k->in[i].stage->content = 0;
	}
	return true;
}

enum pst_rc
pg_commit(struct pst_box *b, const struct pst_append *appends, size_t n,
    struct pst_row *rows_r, struct pst_error *err)
{
	struct pg_outcome out = { 0 };
	struct committing k;
	enum pst_rc rc = PST_OK;

	if (n == 0)
		return PST_OK;
	for (int tries = 0; tries < 2; tries++) {
		k = (struct committing){ .box = b,
			.in = appends,
			.n = n,
			.epoch = -1,
			.now = pg_now(b->acct->store) };
		rc = run(&k, &out, err);
		fini(&k);
		if (rc != PST_E_CONFLICT ||
		    strcmp(out.constraint, "message_content") != 0 ||
		    !store_again(&k))
			break;
	}
	if (rc == PST_E_NOTFOUND && k.is_refused)
		return box_refused(b, k.epoch, err);
	if (rc == PST_E_CONFLICT)
		rc = err->rc = PST_E_TEMP;
	if (rc != PST_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		const struct pst_append *a = &appends[i];

		a->stage->is_stored = a->stage->is_taken = true;
		rows_r[i] = (struct pst_row){ .uid = k.base + (uint32_t)i,
			.flags = a->flags,
			.keywords = a->keywords,
			.modseq = k.modseq,
			.internal_date = a->internal_date,
			.save_date = k.now,
			.size = a->stage->size };
	}
	box_did(b, k.modseq);
	box_put(b, k.base, n);
	return PST_OK;
}
