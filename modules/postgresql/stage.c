/*
 * stage.c - messages on their way in. A small one is in memory until it is
 * committed, in the same transaction as its place in a mailbox. Of a large one
 * each part goes to the database as soon as it is whole, with a note that the
 * content may be of no message, so that what was never committed is found.
 *
 * The parts need not be on the disk one by one: when the row of the content is,
 * which is written last, so is all that was written before it.
 */
#include "postgresql.h"

enum { STAGE_FIRST = 4096, STAGE_DAY_S = 86400 };

/* --- ids -------------------------------------------------------------------
 */

static enum pst_rc
send_block(struct pg_conn *c, void *arg, struct pst_error *err)
{
	(void)arg;
	(void)err;
	(void)pg_send(c, PG_S_CONTENT_BLOCK, NULL);
	return PST_OK;
}

static enum pst_rc
take_block(struct pg_conn *c, void *arg, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	*(int64_t *)arg = pg_i64(r, 0, 0);
	PQclear(r);
	return PST_OK;
}

static bool
next_id(struct pst_store *s, int64_t *id_r)
{
	bool good;

	pthread_mutex_lock(&s->lock);
	good = s->content_next < s->content_end;
	if (good)
		*id_r = s->content_next++;
	pthread_mutex_unlock(&s->lock);
	return good;
}

enum pst_rc
content_id(struct pst_store *s, int64_t *id_r, struct pst_error *err)
{
	int64_t first = 0;
	const struct pg_job job = { .mode = PG_AGAIN,
		.arg = &first,
		.send = send_block,
		.take = take_block };

	while (!next_id(s, id_r)) {
		enum pst_rc rc = pg_run(s, &job, NULL, err);

		if (rc != PST_OK)
			return rc;
		pthread_mutex_lock(&s->lock);
		s->content_next = first;
		s->content_end = first + PG_CONTENT_BLOCK;
		pthread_mutex_unlock(&s->lock);
	}
	return PST_OK;
}

/* --- large ones ------------------------------------------------------------
 */

static enum pst_rc
send_chunk(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct pst_stage *g = arg;
	struct pg_params chunk = { 0 }, loose = { 0 };

	(void)err;
	pg_p_i64(&loose, g->content);
	pg_p_i64(&loose, STAGE_DAY_S);
	pg_p_i64(&chunk, g->content);
	pg_p_i64(&chunk, g->chunks);
	pg_p_bytes(&chunk, g->data, g->n);
	(void)pg_send(c, PG_S_ASYNC, NULL);
	if (g->chunks == 0)
		(void)pg_send(c, PG_S_CHUNK_LOOSE, &loose);
	(void)pg_send(c, PG_S_CHUNK, &chunk);
	return PST_OK;
}

static enum pst_rc
take_chunk(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct pst_stage *g = arg;

	for (int i = g->chunks == 0 ? 0 : 1; i < 3; i++) {
		PGresult *r = pg_take(c, err);

		if (r == NULL)
			return err->rc;
		PQclear(r);
	}
	return PST_OK;
}

/* What is in memory becomes a row. */
static enum pst_rc
put_chunk(struct pst_stage *g, struct pst_error *err)
{
	const struct pg_job job = { .mode = PG_AGAIN,
		.arg = g,
		.send = send_chunk,
		.take = take_chunk };
	enum pst_rc rc = PST_OK;

	if (!g->is_large)
		rc = content_id(g->store, &g->content, err);
	if (rc == PST_OK) {
		g->is_large = true;
		rc = pg_run(g->store, &job, NULL, err);
	}
	if (rc == PST_OK) {
		g->chunks++;
		g->n = 0;
	}
	return rc;
}

static enum pst_rc
send_whole(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct pst_stage *g = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, g->content);
	pg_p_i64(&p, (int64_t)g->size);
	pg_p_i64(&p, g->chunks);
	(void)pg_send(c, PG_S_CONTENT_WHOLE, &p);
	return PST_OK;
}

static enum pst_rc
take_whole(struct pg_conn *c, void *arg, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);
	int n = PQntuples(r);

	(void)arg;
	PQclear(r);
	if (r == NULL)
		return err->rc;
	return n == 1 ? PST_OK
		      : pst_fail(err, PST_E_TEMP, 0,
			    "the database lost parts of a message that was "
			    "being written");
}

/* --- the operations --------------------------------------------------------
 */

enum pst_rc
pg_stage_new(struct pst_store *s, uint64_t size, struct pst_stage **stage_r,
    struct pst_error *err)
{
	struct pst_stage *g = pg_grow(NULL, 1, sizeof(*g));

	(void)err;
	*g = (struct pst_stage){ .store = s };
	g->cap = size == 0 ? STAGE_FIRST : size < PG_CHUNK ? size : PG_CHUNK;
	g->data = pg_grow(NULL, g->cap, 1);
	*stage_r = g;
	return PST_OK;
}

enum pst_rc
pg_stage_write(
    struct pst_stage *g, const void *data, size_t n, struct pst_error *err)
{
	const char *at = data;

	while (n > 0) {
		size_t part = PG_CHUNK - g->n < n ? PG_CHUNK - g->n : n;

		if (part == 0) {
			enum pst_rc rc = put_chunk(g, err);

			if (rc != PST_OK)
				return rc;
			continue;
		}
		if (g->n + part > g->cap) {
			g->cap = g->n + part > g->cap * 2 ? g->n + part
							  : g->cap * 2;
			g->data = pg_grow(g->data, g->cap, 1);
		}
		memcpy(g->data + g->n, at, part);
		g->n += part;
		g->size += part;
		at += part;
		n -= part;
	}
	return PST_OK;
}

/* A small one is made durable by its commit. */
enum pst_rc
pg_stage_sync(struct pst_stage *g, struct pst_error *err)
{
	const struct pg_job job = { .mode = PG_AGAIN,
		.arg = g,
		.send = send_whole,
		.take = take_whole };
	struct pg_outcome out;
	enum pst_rc rc = PST_OK;

	if (!g->is_large || g->is_stored)
		return PST_OK;
	if (g->n > 0)
		rc = put_chunk(g, err);
	if (rc == PST_OK)
		rc = pg_run(g->store, &job, &out, err);
	if (rc == PST_E_EXISTS && out.repeated)
		rc = PST_OK; /* by the first try, whose answer was lost */
	g->is_stored = rc == PST_OK;
	return rc;
}

static enum pst_rc
send_loose(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct pst_stage *g = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, g->content);
	(void)pg_send(c, PG_S_ASYNC, NULL);
	(void)pg_send(c, PG_S_LOOSE_NOW, &p);
	return PST_OK;
}

static enum pst_rc
take_loose(struct pg_conn *c, void *arg, struct pst_error *err)
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

void
pg_stage_free(struct pst_stage *g)
{
	const struct pg_job job = { .mode = PG_AGAIN,
		.arg = g,
		.send = send_loose,
		.take = take_loose };
	struct pst_error ignored; /* it is due some day in any case */

	if (g->is_large && !g->is_taken)
		(void)pg_run(g->store, &job, NULL, &ignored);
	free(g->data);
	free(g);
}
