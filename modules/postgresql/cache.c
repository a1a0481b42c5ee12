/*
 * cache.c - values that the server worked out from messages. They belong to
 * contents, so that copies share them, and may be lost: nobody waits for the
 * disk.
 */
#include "postgresql.h"

struct caching {
	struct pst_box *box;
	unsigned kind;
	struct pg_array uids, values;
	PGresult *result;
};

static struct pg_params
params(struct caching *q)
{
	struct pg_params p = box_params(q->box);

	pg_p_i64(&p, q->kind);
	pg_p_array(&p, &q->uids);
	return p;
}

static enum pst_rc
send_get(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct pg_params p = params(arg);

	(void)err;
	(void)pg_send(c, PG_S_CACHE_GET, &p);
	return PST_OK;
}

static enum pst_rc
take_get(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct caching *q = arg;

	PQclear(q->result);
	q->result = pg_take(c, err);
	return q->result != NULL ? PST_OK : err->rc;
}

enum pst_rc
pg_cache_get(struct pst_box *b, unsigned kind, const uint32_t *uids, size_t n,
    pst_cached_fn fn, void *arg, struct pst_error *err)
{
	struct caching q = { .box = b, .kind = kind };
	const struct pg_job job = box_job(b, PG_READ, &q, send_get, take_get);
	enum pst_rc rc;

	for (size_t i = 0; i < n; i++)
		pg_array_i64(&q.uids, uids[i]);
	rc = pg_run(b->acct->store, &job, NULL, err);
	for (int i = 0; rc == PST_OK && i < PQntuples(q.result); i++)
		fn(arg, &(struct pst_cached){ (uint32_t)pg_i64(q.result, i, 0),
			    pg_bytes(q.result, i, 1) });
	PQclear(q.result);
	pg_array_fini(&q.uids);
	return rc;
}

static enum pst_rc
send_put(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct caching *q = arg;
	struct pg_params p = params(q);

	(void)err;
	pg_p_array(&p, &q->values);
	(void)pg_send(c, PG_S_ASYNC, NULL);
	(void)pg_send(c, PG_S_CACHE_PUT, &p);
	return PST_OK;
}

static enum pst_rc
take_put(struct pg_conn *c, void *arg, struct pst_error *err)
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
pg_cache_put(struct pst_box *b, unsigned kind, const struct pst_cached *values,
    size_t n, struct pst_error *err)
{
	struct caching q = { .box = b, .kind = kind };
	const struct pg_job job = box_job(b, PG_AGAIN, &q, send_put, take_put);
	enum pst_rc rc;

	for (size_t i = 0; i < n; i++) {
		pg_array_i64(&q.uids, values[i].uid);
		pg_array_bytes(&q.values, values[i].value.p, values[i].value.n);
	}
	rc = pg_run(b->acct->store, &job, NULL, err);
	pg_array_fini(&q.uids);
	pg_array_fini(&q.values);
	return rc;
}
