/*
 * box.c - an open mailbox: what it is, and what of it is known to the server.
 */
#include "postgresql.h"

/* --- what statements return ------------------------------------------------
 */

void
box_row_take(struct box_row *row, const PGresult *r, int at)
{
	*row = (struct box_row){
		.id = pg_i64(r, at, 0),
		.uidvalidity = (uint32_t)pg_i64(r, at, 1),
		.uidnext = (uint32_t)pg_i64(r, at, 2),
		.modseq = (uint64_t)pg_i64(r, at, 3),
		.recent = (uint32_t)pg_i64(r, at, 4),
		.gone_from = (uint64_t)pg_i64(r, at, 5),
		.epoch = pg_i64(r, at, 6),
		.keywords = pg_bytes(r, at, 7),
		.objectid = pg_bytes(r, at, 8),
	};
}

struct pst_row
pg_row(const PGresult *r, int at)
{
	return (struct pst_row){
		.uid = (uint32_t)pg_i64(r, at, 0),
		.flags = (uint32_t)pg_i64(r, at, 1) & PST_FLAGS_ALL,
		.keywords = (uint64_t)pg_i64(r, at, 2),
		.modseq = (uint64_t)pg_i64(r, at, 3),
		.internal_date = pg_i64(r, at, 4),
		.save_date = pg_i64(r, at, 5),
		.size = (uint64_t)pg_i64(r, at, 6),
	};
}

void
row_list_add(struct row_list *l, const struct pst_row *row)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = pg_grow(l->v, l->cap, sizeof(*l->v));
		l->source = pg_grow(l->source, l->cap, sizeof(*l->source));
	}
	l->source[l->n] = 0;
	l->v[l->n++] = *row;
}

void
row_list_fini(struct row_list *l)
{
	free(l->v);
	free(l->source);
	*l = (struct row_list){ 0 };
}

void
uid_list_add(struct uid_list *l, uint32_t uid)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = pg_grow(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = uid;
}

void
pg_ranges_init(struct pg_ranges *r, struct pst_uids uids, uint32_t most)
{
	*r = (struct pg_ranges){ 0 };
	for (size_t i = 0; i < uids.n && uids.r[i].first <= most; i++) {
		uint32_t last = uids.r[i].last < most ? uids.r[i].last : most;

		pg_array_i64(&r->low, uids.r[i].first);
		pg_array_i64(&r->high, last);
	}
}

void
pg_ranges_fini(struct pg_ranges *r)
{
	pg_array_fini(&r->low);
	pg_array_fini(&r->high);
}

struct pg_params
box_params(const struct pst_box *b)
{
	struct pg_params p = { 0 };

	pg_p_i64(&p, b->acct->id);
	pg_p_i64(&p, b->id);
	return p;
}

struct pg_job
box_job(struct pst_box *b, enum pg_mode mode, void *arg, pg_step_fn send,
    pg_step_fn take)
{
	return (struct pg_job){ .mode = mode,
		.account = b->acct->id,
		.arg = arg,
		.send = send,
		.take = take };
}

enum pst_rc
box_gone(const struct pst_box *b, struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_NOTFOUND, 0, "the mailbox %.120s is gone", b->name);
}

/* --- what is known ---------------------------------------------------------
 */

void
box_take_row(struct pst_box *b, const struct box_row *row)
{
	b->uidvalidity = row->uidvalidity;
	b->recent = row->recent > b->recent ? row->recent : b->recent;
	b->epoch = row->epoch;
	keyword_take(b, row->keywords);
	if (row->objectid.p != NULL)
		(void)snprintf(b->objectid, sizeof(b->objectid), "%.*s",
		    (int)row->objectid.n, row->objectid.p);
	else
		(void)snprintf(b->objectid, sizeof(b->objectid), "F%s%llx",
		    b->acct->store->prefix, (unsigned long long)row->id);
}

void
box_knows(struct pst_box *b, const struct box_row *row)
{
	b->uidnext = row->uidnext;
	b->known = b->last = row->modseq;
	b->own_n = 0;
	b->is_behind = false;
	atomic_store(&b->ear.known, b->known);
}

void
box_did(struct pst_box *b, uint64_t modseq)
{
	if (!b->is_loaded || modseq == b->known + 1) {
		b->known = modseq;
	} else {
		if (b->own_n == b->own_cap) {
			b->own_cap = b->own_cap ? b->own_cap * 2 : 8;
			b->own = pg_grow(b->own, b->own_cap, sizeof(*b->own));
		}
		b->own[b->own_n++] = modseq;
	}
	if (modseq > b->last)
		b->last = modseq;
	/* Not `last`: a gap below it is something that is not known, maybe of
	 * a server that ended before it told, or of our own when the answer to
	 * a commit never came. Comparing then finds it. */
	atomic_store(&b->ear.known, b->known);
	hub_tell(b->acct->store, PG_EAR_BOX, b->id);
}

void
box_put(struct pst_box *b, uint32_t first, size_t n)
{
	if (b->is_loaded && (b->is_behind || first != b->uidnext)) {
		b->is_behind = true;
		return;
	}
	b->uidnext = first + (uint32_t)n;
	b->is_fresh = true;
}

/* --- opening ---------------------------------------------------------------
 */

struct opening {
	struct pst_box *box;
	const char *name; /* NULL: by id */
	struct box_row row;
	PGresult *result;
};

static enum pst_rc
send_state(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct opening *o = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, o->box->acct->id);
	if (o->name != NULL)
		pg_p_text(&p, o->name);
	else
		pg_p_i64(&p, o->box->id);
	(void)pg_send(c, o->name != NULL ? PG_S_BOX_OPEN : PG_S_BOX_STATE, &p);
	return PST_OK;
}

static enum pst_rc
take_state(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct opening *o = arg;

	PQclear(o->result);
	o->result = pg_take(c, err);
	if (o->result == NULL)
		return err->rc;
	if (PQntuples(o->result) == 0)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %.200s",
		    o->name != NULL ? o->name : o->box->name);
	box_row_take(&o->row, o->result, 0);
	return PST_OK;
}

/* By name or, with NULL, again by id. Not of one that is loaded. */
static enum pst_rc
read_state(struct pst_box *b, const char *name, struct pst_error *err)
{
	struct opening o = { .box = b, .name = name };
	const struct pg_job job = box_job(
	    b, PG_READ, &o, send_state, take_state);
	enum pst_rc rc = pg_run(b->acct->store, &job, NULL, err);

	if (rc == PST_OK) {
		b->id = o.row.id;
		box_take_row(b, &o.row);
		box_knows(b, &o.row);
		b->is_fresh = true;
	}
	PQclear(o.result);
	return rc;
}

enum pst_rc
box_refused(struct pst_box *b, int64_t epoch, struct pst_error *err)
{
	struct opening o = { .box = b };
	const struct pg_job job = box_job(
	    b, PG_READ, &o, send_state, take_state);
	enum pst_rc rc;

	if (epoch < 0)
		return box_gone(b, err);
	rc = pg_run(b->acct->store, &job, NULL, err);
	if (rc == PST_OK) {
		keyword_take(b, o.row.keywords);
		b->epoch = o.row.epoch;
		rc = pst_fail(err, PST_E_TEMP, 0,
		    "%.120s: another server gave keywords other numbers",
		    b->name);
	}
	PQclear(o.result);
	return rc;
}

enum pst_rc
pg_box_open(struct pst_acct *a, const char *name, struct pst_box **box_r,
    struct pst_error *err)
{
	struct pst_box *b = pg_grow(NULL, 1, sizeof(*b));
	enum pst_rc rc;

	*b = (struct pst_box){ .acct = a };
	b->names_seen = atomic_load(&a->ear.stirs);
	b->name = pg_dup(name);
	keyword_init(b);
	rc = read_state(b, name, err);
	if (rc != PST_OK) {
		keyword_fini(b);
		free(b->name);
		free(b);
		return rc;
	}
	b->ear = (struct pg_ear){ .kind = PG_EAR_BOX, .id = b->id };
	atomic_store(&b->ear.known, b->known);
	*box_r = b;
	return PST_OK;
}

void
pg_box_close(struct pst_box *b)
{
	pg_unwatch(b);
	keyword_fini(b);
	free(b->own);
	free(b->name);
	free(b);
}

enum pst_rc
pg_state(
    struct pst_box *b, struct pst_box_state *state_r, struct pst_error *err)
{
	/* Nobody tells of changes in a mailbox that was not loaded. */
	if (!b->is_loaded && !b->is_fresh) {
		enum pst_rc rc = read_state(b, NULL, err);

		if (rc != PST_OK)
			return rc;
	}
	b->is_fresh = false;
	*state_r = (struct pst_box_state){ .uidvalidity = b->uidvalidity,
		.uidnext = b->uidnext,
		.highestmodseq = b->last };
	memcpy(state_r->objectid, b->objectid, sizeof(state_r->objectid));
	return PST_OK;
}

bool
pg_box_is_behind(struct pst_box *b)
{
	return b->is_behind;
}

/* --- being there -----------------------------------------------------------
 */

static enum pst_rc
take_name(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct opening *o = arg;
	enum pst_rc rc = take_state(c, o, err);

	return rc == PST_OK && o->row.id != o->box->id
		   ? pst_fail(err, PST_E_NOTFOUND, 0, "another mailbox")
		   : rc;
}

/*
 * Only when somebody has changed names of the account since it was known; while
 * others are not heard, each time. When it cannot be asked it is there.
 */
bool
pg_box_is_there(struct pst_box *b)
{
	struct pst_acct *a = b->acct;
	struct opening o = { .box = b, .name = b->name };
	const struct pg_job job = box_job(
	    b, PG_READ, &o, send_state, take_name);
	uint64_t stirs = atomic_load(&a->ear.stirs);
	struct pst_error err;
	enum pst_rc rc;

	if (hub_hears(a->store) && b->names_seen == stirs)
		return true;
	rc = pg_run(a->store, &job, NULL, &err);
	PQclear(o.result);
	if (rc == PST_OK)
		b->names_seen = stirs;
	return rc != PST_E_NOTFOUND;
}

/* --- being told ------------------------------------------------------------
 */

enum pst_rc
pg_watch(struct pst_box *b, void *cookie, struct pst_error *err)
{
	(void)err;
	hub_set_cookie(b->acct->store, &b->ear, cookie);
	hub_add(b->acct->store, &b->ear);
	return PST_OK;
}

void
pg_unwatch(struct pst_box *b)
{
	hub_remove(b->acct->store, &b->ear);
}

/* --- \Recent ---------------------------------------------------------------
 */

struct recent {
	struct pst_box *box;
	uint32_t first;
};

static enum pst_rc
send_recent(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct recent *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	pg_p_i64(&p, q->box->recent);
	(void)pg_send(c, PG_S_RECENT, &p);
	return PST_OK;
}

static enum pst_rc
take_recent(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct recent *q = arg;
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	q->first = (uint32_t)pg_i64(r, 0, 0);
	PQclear(r);
	return PST_OK;
}

static enum pst_rc
send_claim(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct recent *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	pg_p_i64(&p, q->box->uidnext);
	(void)pg_send(c, PG_S_ASYNC, NULL);
	(void)pg_send(c, PG_S_CLAIM, &p);
	return PST_OK;
}

static enum pst_rc
take_claim(struct pg_conn *c, void *arg, struct pst_error *err)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		PGresult *r = pg_take(c, err);

		if (r == NULL)
			return err->rc;
		PQclear(r);
	}
	return PST_OK;
}

enum pst_rc
pg_recent(
    struct pst_box *b, bool claim, uint32_t *first_r, struct pst_error *err)
{
	struct recent q = { .box = b };
	const struct pg_job find = box_job(
				b, PG_READ, &q, send_recent, take_recent),
			    claim_all = box_job(
				b, PG_AGAIN, &q, send_claim, take_claim);
	enum pst_rc rc = PST_OK;

	if (b->recent < b->uidnext)
		rc = pg_run(b->acct->store, &find, NULL, err);
	if (rc == PST_OK && claim && b->recent < b->uidnext) {
		rc = pg_run(b->acct->store, &claim_all, NULL, err);
		if (rc == PST_OK)
			b->recent = b->uidnext;
	}
	/* Those of others that are not known yet are none to the server. */
	*first_r = q.first != 0 && q.first < b->uidnext ? q.first : b->uidnext;
	return rc;
}
