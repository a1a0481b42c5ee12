/*
 * kept.c - undelete: messages that were expunged and are kept for a while. They
 * are rows of another table; their contents stay where they are. Each operation
 * is one transaction, so a message is in its mailbox or kept, never both.
 */
#include "postgresql.h"

/* --- telling of them -------------------------------------------------------
 */

struct listing {
	struct pst_acct *acct;
	PGresult *result;
};

static enum pst_rc
send_each(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct listing *l = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, l->acct->id);
	(void)pg_send(c, PG_S_KEPT_EACH, &p);
	return PST_OK;
}

static enum pst_rc
take_each(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct listing *l = arg;

	PQclear(l->result);
	l->result = pg_take(c, err);
	return l->result != NULL ? PST_OK : err->rc;
}

/* Names that end in NUL, of the elements of an array. */
struct words {
	char *name[PST_KEYWORDS_MAX];
	size_t n;
};

static void
add_word(void *arg, size_t i, struct pst_str element)
{
	struct words *w = arg;
	char *name;

	(void)i;
	if (w->n == PST_KEYWORDS_MAX || element.p == NULL)
		return;
	name = pg_grow(NULL, element.n + 1, 1);
	memcpy(name, element.p, element.n);
	name[element.n] = '\0';
	w->name[w->n++] = name;
}

static void
words_fini(struct words *w)
{
	while (w->n > 0)
		free(w->name[--w->n]);
}

static void
report_one(const PGresult *r, int i, pst_kept_fn fn, void *arg)
{
	struct words words = { .n = 0 };
	char id[24];

	(void)pg_elements(pg_bytes(r, i, 9), add_word, &words);
	(void)snprintf(id, sizeof(id), "%lld", (long long)pg_i64(r, i, 0));
	/* libpq ends each value with a NUL. */
	fn(arg, &(struct pst_kept){ .id = id,
		    .mailbox = PQgetvalue(r, i, 1),
		    .special_use = PQgetvalue(r, i, 2),
		    .exists = pg_i64(r, i, 3) != 0,
		    .expunged = pg_i64(r, i, 4),
		    .uid = (uint32_t)pg_i64(r, i, 5),
		    .flags = (uint32_t)pg_i64(r, i, 6) & PST_FLAGS_ALL,
		    .internal_date = pg_i64(r, i, 7),
		    .size = (uint64_t)pg_i64(r, i, 8),
		    .keyword = (const char *const *)words.name,
		    .keywords = words.n });
	words_fini(&words);
}

enum pst_rc
pg_kept_each(
    struct pst_acct *a, pst_kept_fn fn, void *arg, struct pst_error *err)
{
	struct listing l = { .acct = a };
	const struct pg_job job = { .mode = PG_READ,
		.account = a->id,
		.arg = &l,
		.send = send_each,
		.take = take_each };
	enum pst_rc rc = pg_run(a->store, &job, NULL, err);

	for (int i = 0; rc == PST_OK && i < PQntuples(l.result); i++)
		report_one(l.result, i, fn, arg);
	PQclear(l.result);
	return rc;
}

/* --- ids -------------------------------------------------------------------
 */

/* Ids as report_one() writes them; others are not kept. */
static bool
read_id(const char *text, int64_t *id_r)
{
	char *end;
	long long id;

	if (*text < '0' || *text > '9')
		return false;
	id = strtoll(text, &end, 10);
	*id_r = id;
	return *end == '\0';
}

/* --- beginnings ------------------------------------------------------------
 */

struct heads {
	struct pst_acct *acct;
	struct pg_array ids;
	int64_t most;
	PGresult *result;
};

static enum pst_rc
send_heads(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct heads *h = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, h->acct->id);
	pg_p_array(&p, &h->ids);
	pg_p_i64(&p, h->most);
	(void)pg_send(c, PG_S_KEPT_HEADS, &p);
	return PST_OK;
}

static enum pst_rc
take_heads(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct heads *h = arg;

	PQclear(h->result);
	h->result = pg_take(c, err);
	return h->result != NULL ? PST_OK : err->rc;
}

static void
report_head(const PGresult *r, int row, const char *const *ids, size_t n,
    pst_head_fn fn, void *arg)
{
	int64_t id;

	for (size_t i = 0; i < n; i++)
		if (read_id(ids[i], &id) && id == pg_i64(r, row, 0)) {
			fn(arg, i, pg_bytes(r, row, 1));
			return;
		}
}

enum pst_rc
pg_kept_heads(struct pst_acct *a, const char *const *ids, size_t n, size_t most,
    pst_head_fn fn, void *arg, struct pst_error *err)
{
	struct heads h = { .acct = a, .most = (int64_t)most };
	const struct pg_job job = { .mode = PG_READ,
		.account = a->id,
		.arg = &h,
		.send = send_heads,
		.take = take_heads };
	enum pst_rc rc;
	int64_t id;

	for (size_t i = 0; i < n; i++)
		if (read_id(ids[i], &id))
			pg_array_i64(&h.ids, id);
	rc = pg_run(a->store, &job, NULL, err);
	for (int i = 0; rc == PST_OK && i < PQntuples(h.result); i++)
		report_head(h.result, i, ids, n, fn, arg);
	PQclear(h.result);
	pg_array_fini(&h.ids);
	return rc;
}

/* --- bringing them back ----------------------------------------------------
 */

struct restoring {
	struct pst_box *to;
	struct pg_array ids;
	size_t *place; /* of each of them in what was asked for */
	int64_t now;
	struct pg_array names, masks;
	struct row_list rows;
	size_t *at; /* place of each row */
	int64_t content;
};

static enum pst_rc
send_restore(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct restoring *q = arg;
	struct pg_params lock = box_params(q->to), p = { 0 };

	(void)err;
	(void)pg_send(c, PG_S_BOX_LOCK, &lock);
	pg_p_i64(&p, q->to->acct->id);
	pg_p_array(&p, &q->ids);
	(void)pg_send(c, PG_S_KEPT_WORDS, &p);
	return PST_OK;
}

/* Numbers for names in the mailbox; those that find none are left out. */
static enum pst_rc
take_words(struct restoring *q, const PGresult *words, struct pg_conn *c,
    struct pst_error *err)
{
	bool is_new = false, reused = false;
	uint64_t taken = 0;

	for (int i = 0; i < PQntuples(words); i++) {
		const char *name = PQgetvalue(words, i, 0);
		unsigned n = keyword_find(q->to, name);
		enum pst_rc rc = PST_OK;

		if (n == PST_KEYWORDS_MAX) {
			rc = keyword_make(
			    q->to, c, name, taken, &n, &reused, err);
			is_new |= rc == PST_OK;
		}
		if (rc == PST_E_LIMIT)
			continue;
		if (rc != PST_OK)
			return rc;
		taken |= UINT64_C(1) << n;
		pg_array_text(&q->names, name);
		pg_array_i64(&q->masks, (int64_t)(UINT64_C(1) << n));
	}
	return is_new ? keyword_write(q->to, c, reused, err) : PST_OK;
}

static enum pst_rc
restore_rows(struct restoring *q, struct pg_conn *c, struct pst_error *err)
{
	struct pg_params p = box_params(q->to);
	PGresult *r;

	pg_p_array(&p, &q->ids);
	pg_p_array(&p, &q->names);
	pg_p_array(&p, &q->masks);
	pg_p_i64(&p, q->now);
	(void)pg_send(c, PG_S_KEPT_RESTORE, &p);
	(void)pg_send_flush(c);
	r = pg_take(c, err);
	if (r == NULL)
		return err->rc;
	q->content = pg_i64(r, 0, 8);
	for (int i = 0; i < PQntuples(r); i++) {
		struct pst_row row = pg_row(r, i);
		int64_t n = pg_i64(r, i, 7);

		if (n < 1 || (uint64_t)n > q->ids.count)
			continue;
		q->at[q->rows.n] = q->place[n - 1];
		row_list_add(&q->rows, &row);
	}
	PQclear(r);
	return PST_OK;
}

static enum pst_rc
take_restore(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct restoring *q = arg;
	PGresult *locked = pg_take(c, err), *words;
	enum pst_rc rc = PST_OK;
	struct box_row row;

	q->rows.n = 0;
	pg_array_fini(&q->names);
	pg_array_fini(&q->masks);
	if (locked == NULL)
		return err->rc;
	words = pg_take(c, err);
	if (words == NULL) {
		rc = err->rc;
	} else if (PQntuples(locked) == 0) {
		rc = box_gone(q->to, err);
	} else {
		box_row_take(&row, locked, 0);
		keyword_take(q->to, row.keywords);
		q->to->epoch = row.epoch;
		rc = take_words(q, words, c, err);
	}
	PQclear(words);
	PQclear(locked);
	return rc == PST_OK ? restore_rows(q, c, err) : rc;
}

/* --- was it done? --- */

static enum pst_rc
send_look(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct restoring *q = arg;
	struct pg_params p = box_params(q->to);

	(void)err;
	pg_p_i64(&p, q->content);
	pg_p_i64(&p, q->rows.n > 0 ? q->rows.v[0].uid : 0);
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

static enum pst_rc
restore(struct restoring *q, struct pst_error *err)
{
	struct pg_job job = box_job(
	    q->to, PG_EXACT, q, send_restore, take_restore);
	enum pst_rc rc;

	job.look_send = send_look;
	job.look_take = take_look;
	rc = pg_run(q->to->acct->store, &job, NULL, err);
	if (rc != PST_OK) {
		keyword_doubt(q->to);
		return rc;
	}
	if (q->rows.n > 0) {
		box_did(q->to, q->rows.v[0].modseq);
		box_put(q->to, q->rows.v[0].uid, q->rows.n);
	}
	return PST_OK;
}

enum pst_rc
pg_kept_restore(struct pst_acct *a, const char *const *ids, size_t n,
    struct pst_box *to, pst_restored_fn fn, void *arg, struct pst_error *err)
{
	struct restoring q = { .to = to, .now = pg_now(a->store) };
	enum pst_rc rc = PST_OK;

	q.place = pg_grow(NULL, n, sizeof(*q.place));
	q.at = pg_grow(NULL, n, sizeof(*q.at));
	for (size_t i = 0; i < n; i++) {
		int64_t id;

		if (!read_id(ids[i], &id))
			continue;
		q.place[q.ids.count] = i;
		pg_array_i64(&q.ids, id);
	}
	if (q.ids.count > 0)
		rc = restore(&q, err);
	for (size_t i = 0; rc == PST_OK && i < q.rows.n; i++)
		fn(arg, q.at[i], &q.rows.v[i]);
	pg_array_fini(&q.ids);
	pg_array_fini(&q.names);
	pg_array_fini(&q.masks);
	row_list_fini(&q.rows);
	free(q.place);
	free(q.at);
	return rc;
}

/* --- purging ---------------------------------------------------------------
 */

struct purging {
	struct pst_acct *acct;
	const struct pst_kept_limit *limit;
	struct pst_kept_sum sum;
};

static int64_t
at_most(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static enum pst_rc
send_purge(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct purging *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	pg_p_i64(&p, q->limit->before);
	pg_p_i64(&p, at_most(q->limit->max_bytes));
	pg_p_i64(&p, at_most(q->limit->most));
	pg_p_i64(&p, q->acct->store->config.sweep_s);
	(void)pg_send(c, PG_S_KEPT_PURGE, &p);
	return PST_OK;
}

static enum pst_rc
take_purge(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct purging *q = arg;
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	q->sum = (struct pst_kept_sum){
		.purged = { (uint64_t)pg_i64(r, 0, 0),
		    (uint64_t)pg_i64(r, 0, 1) },
		.left = { (uint64_t)pg_i64(r, 0, 2),
		    (uint64_t)pg_i64(r, 0, 3) },
		.oldest = pg_i64(r, 0, 4),
		.more = pg_i64(r, 0, 5) != 0,
	};
	PQclear(r);
	return PST_OK;
}

enum pst_rc
pg_kept_purge(struct pst_acct *a, const struct pst_kept_limit *limit,
    struct pst_kept_sum *sum_r, struct pst_error *err)
{
	struct purging q = { .acct = a, .limit = limit };
	const struct pg_job job = { .mode = PG_EXACT,
		.account = a->id,
		.arg = &q,
		.send = send_purge,
		.take = take_purge };
	enum pst_rc rc = pg_run(a->store, &job, NULL, err);

	*sum_r = q.sum;
	return rc;
}
