/*
 * account.c - accounts: made when they are opened first, counted, removed.
 */
#include "postgresql.h"

/* --- opening ---------------------------------------------------------------
 */

struct opening {
	const char *name;
	int64_t now, id;
	uint64_t stamp;
	bool make;
};

static enum pst_rc
send_find(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct opening *o = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_text(&p, o->name);
	if (o->make)
		pg_p_i64(&p, o->now);
	(void)pg_send(c, o->make ? PG_S_ACCOUNT_MAKE : PG_S_ACCOUNT_FIND, &p);
	return PST_OK;
}

static enum pst_rc
take_find(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct opening *o = arg;
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	o->id = pg_i64(r, 0, 0);
	o->stamp = (uint64_t)pg_i64(r, 0, 1);
	PQclear(r);
	return PST_OK;
}

/* The id; 0: there is none. With `make`, 0 when somebody else made it just
 * now. */
static enum pst_rc
find(struct pst_store *s, struct opening *o, bool make, struct pst_error *err)
{
	const struct pg_job job = { .mode = make ? PG_AGAIN : PG_READ,
		.arg = o,
		.send = send_find,
		.take = take_find };

	o->make = make;
	o->now = pg_now(s);
	return pg_run(s, &job, NULL, err);
}

enum pst_rc
pg_acct_open(struct pst_store *s, const char *id, struct pst_acct **acct_r,
    bool *created_r, struct pst_error *err)
{
	struct opening o = { .name = id };
	enum pst_rc rc = find(s, &o, false, err);
	struct pst_acct *a;

	*created_r = false;
	if (rc == PST_OK && o.id == 0) {
		rc = find(s, &o, true, err);
		*created_r = rc == PST_OK && o.id != 0;
	}
	if (rc == PST_OK && o.id == 0)
		rc = find(s, &o, false, err);
	if (rc != PST_OK)
		return rc;
	if (o.id == 0)
		return pst_fail(err, PST_E_TEMP, 0,
		    "%.150s is made and removed at the same time", id);
	a = pg_grow(NULL, 1, sizeof(*a));
	*a = (struct pst_acct){ .store = s, .id = o.id };
	a->name = pg_dup(id);
	a->ear = (struct pg_ear){ .kind = PG_EAR_ACCOUNT, .id = o.id };
	atomic_store(&a->ear.known, o.stamp);
	hub_add(s, &a->ear);
	*acct_r = a;
	return PST_OK;
}

void
pg_acct_close(struct pst_acct *a)
{
	hub_remove(a->store, &a->ear);
	free(a->name);
	free(a);
}

bool
pg_acct_exists(struct pst_store *s, const char *id)
{
	struct opening o = { .name = id };
	struct pst_error err;

	/* A database that is away cannot tell. */
	return find(s, &o, false, &err) != PST_OK || o.id != 0;
}

enum pst_rc
pg_acct_watch(struct pst_acct *a, void *cookie, struct pst_error *err)
{
	(void)err;
	hub_set_cookie(a->store, &a->ear, cookie);
	return PST_OK;
}

void
pg_acct_unwatch(struct pst_acct *a)
{
	hub_set_cookie(a->store, &a->ear, NULL);
}

/* --- removal ---------------------------------------------------------------
 */

struct removing {
	struct pst_store *store;
	int64_t id;
	int dropped;
};

static enum pst_rc
send_remove(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct removing *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->id);
	(void)pg_send(c, PG_S_ACCOUNT_STAMP, &p);
	(void)pg_send(c, PG_S_ACCOUNT_LOCK_BOXES, &p);
	pg_p_i64(&p, q->store->config.sweep_s);
	(void)pg_send(c, PG_S_ACCOUNT_EMPTY, &p);
	p.n = 1;
	(void)pg_send(c, PG_S_ACCOUNT_DROP, &p);
	return PST_OK;
}

static enum pst_rc
take_remove(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct removing *q = arg;

	for (int i = 0; i < 4; i++) {
		PGresult *r = pg_take(c, err);

		if (r == NULL)
			return err->rc;
		q->dropped = PQntuples(r);
		PQclear(r);
	}
	return PST_OK;
}

enum pst_rc
pg_acct_remove(struct pst_store *s, const char *id, struct pst_error *err)
{
	struct opening o = { .name = id };
	struct removing q = { .store = s };
	struct pg_job job = { .mode = PG_EXACT,
		.arg = &q,
		.send = send_remove,
		.take = take_remove };
	enum pst_rc rc = find(s, &o, false, err);

	if (rc == PST_OK && o.id != 0) {
		job.account = q.id = o.id;
		rc = pg_run(s, &job, NULL, err);
	}
	if (rc == PST_OK && q.dropped == 0)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "no account %.200s", id);
	if (rc == PST_OK)
		hub_tell(s, PG_EAR_ACCOUNT, o.id);
	return rc;
}

/* --- counting --------------------------------------------------------------
 */

struct counting {
	struct pst_acct *acct;
	struct pst_usage usage;
	bool anew;
};

static enum pst_rc
send_usage(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct counting *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	if (q->anew) {
		(void)pg_send(c, PG_S_ACCOUNT_LOCK_BOXES, &p);
		(void)pg_send(c, PG_S_RECOUNT, &p);
	}
	(void)pg_send(c, PG_S_USAGE, &p);
	return PST_OK;
}

static enum pst_rc
take_usage(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct counting *q = arg;

	for (int i = q->anew ? 0 : 2; i < 3; i++) {
		PGresult *r = pg_take(c, err);

		if (r == NULL)
			return err->rc;
		if (i == 2)
			q->usage = (struct pst_usage){
				.messages = (uint64_t)pg_i64(r, 0, 0),
				.bytes = (uint64_t)pg_i64(r, 0, 1)
			};
		PQclear(r);
	}
	return PST_OK;
}

static enum pst_rc
count(struct pst_acct *a, bool anew, struct pst_usage *usage_r,
    struct pst_error *err)
{
	struct counting q = { .acct = a, .anew = anew };
	const struct pg_job job = { .mode = anew ? PG_AGAIN : PG_READ,
		.account = a->id,
		.arg = &q,
		.send = send_usage,
		.take = take_usage };
	enum pst_rc rc = pg_run(a->store, &job, NULL, err);

	*usage_r = q.usage;
	return rc;
}

enum pst_rc
pg_usage(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	return count(a, false, usage_r, err);
}

enum pst_rc
pg_recount(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	return count(a, true, usage_r, err);
}
