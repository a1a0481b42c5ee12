/*
 * names.c - the names of mailboxes, subscriptions, metadata. Each change counts
 * in the account's row, whose lock also keeps two of them apart.
 */
#include "postgresql.h"

/* What most of these need. */
struct naming {
	struct pst_acct *acct;
	const char *name, *other; /* a second name, a special use, a key */
	struct pst_str value;
	int64_t now;
	uint64_t stamp; /* that the change got; 0: nothing was found */
	bool is_keep;	/* remove: the messages are kept */
	enum pg_statement statement;
	PGresult *result;
};

/* The change is this server's own, so it need not hear of it. */
static void
settle(const struct naming *q)
{
	struct pst_acct *a = q->acct;
	uint64_t before = q->stamp - 1;

	/* When others came before, the hub finds the stamp to be another. */
	(void)atomic_compare_exchange_strong(&a->ear.known, &before, q->stamp);
	hub_tell(a->store, PG_EAR_ACCOUNT, a->id);
}

static enum pst_rc
run(struct naming *q, enum pg_mode mode, pg_step_fn send, pg_step_fn take,
    struct pst_error *err)
{
	const struct pg_job job = { .mode = mode,
		.account = q->acct->id,
		.arg = q,
		.send = send,
		.take = take };

	q->now = pg_now(q->acct->store);
	return pg_run(q->acct->store, &job, NULL, err);
}

static enum pst_rc
take_stamp(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	q->stamp = (uint64_t)pg_i64(r, 0, 0);
	PQclear(r);
	return PST_OK;
}

/* --- list ------------------------------------------------------------------
 */

static enum pst_rc
send_list(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	(void)pg_send(c, PG_S_LIST, &p);
	return PST_OK;
}

static enum pst_rc
take_result(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;

	PQclear(q->result);
	q->result = pg_take(c, err);
	return q->result ? PST_OK : err->rc;
}

/* A name, and which row of the result it is of. */
struct listed {
	const char *name;
	int at;
};

/* So that a parent comes before its children, and these one after another. */
static int
compare(const void *a, const void *b)
{
	const char *x = ((const struct listed *)a)->name,
		   *y = ((const struct listed *)b)->name;

	while (*x == *y && *x != '\0')
		x++, y++;
	if (*x == *y || *x == '\0' || *y == '\0')
		return *x == *y ? 0 : *x == '\0' ? -1 : 1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return (unsigned char)*x - (unsigned char)*y;
}

/* The levels above a name that were not reported with the one before it. */
static void
report_parents(
    const char *name, const char *before, pst_mailbox_fn fn, void *arg)
{
	for (const char *at = strchr(name, '/'); at != NULL;
	     at = strchr(at + 1, '/')) {
		size_t n = (size_t)(at - name);
		char *level;

		if (strncmp(name, before, n) == 0 &&
		    (before[n] == '/' || before[n] == '\0'))
			continue;
		level = pg_grow(NULL, n + 1, 1);
		memcpy(level, name, n);
		level[n] = '\0';
		fn(arg,
		    &(struct pst_mailbox){ .name = level, .special_use = "" });
		free(level);
	}
}

static void
report(const PGresult *r, pst_mailbox_fn fn, void *arg)
{
	size_t n = (size_t)PQntuples(r);
	struct listed *list = pg_grow(NULL, n + 1, sizeof(*list));
	const char *before = "";

	for (size_t i = 0; i < n; i++)
		list[i] = (struct listed){ PQgetvalue(r, (int)i, 0), (int)i };
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++) {
		int at = list[i].at;

		/* libpq ends each value with a NUL. */
		report_parents(list[i].name, before, fn, arg);
		fn(arg, &(struct pst_mailbox){ .name = list[i].name,
			    .special_use = PQgetvalue(r, at, 2),
			    .exists = pg_i64(r, at, 1) != 0,
			    .subscribed = pg_i64(r, at, 3) != 0 });
		before = list[i].name;
	}
	free(list);
}

enum pst_rc
pg_list(struct pst_acct *a, pst_mailbox_fn fn, void *arg, struct pst_error *err)
{
	struct naming q = { .acct = a };
	enum pst_rc rc = run(&q, PG_READ, send_list, take_result, err);

	if (rc == PST_OK)
		report(q.result, fn, arg);
	PQclear(q.result);
	return rc;
}

/* --- create ----------------------------------------------------------------
 */

static enum pst_rc
send_create(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	pg_p_text(&p, q->name);
	pg_p_i64(&p, q->now);
	pg_p_text(&p, q->other);
	(void)pg_send(c, PG_S_CREATE, &p);
	return PST_OK;
}

static enum pst_rc
account_gone(const struct pst_acct *a, struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_NOTFOUND, 0, "the account %.150s is gone", a->name);
}

enum pst_rc
pg_create(struct pst_acct *a, const char *name, const char *special_use,
    struct pst_error *err)
{
	struct naming q = { .acct = a, .name = name, .other = special_use };
	enum pst_rc rc = run(&q, PG_EXACT, send_create, take_stamp, err);

	if (rc == PST_OK && q.stamp == 0)
		return account_gone(a, err);
	if (rc == PST_E_EXISTS)
		return pst_fail(err, rc, 0, "%.200s exists", name);
	if (rc == PST_OK)
		settle(&q);
	return rc;
}

/* --- remove ----------------------------------------------------------------
 */

static enum pst_rc
send_remove(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	(void)pg_send(c, PG_S_ACCOUNT_STAMP, &p);
	pg_p_text(&p, q->name);
	(void)pg_send(c, PG_S_LOCK_NAME, &p);
	return PST_OK;
}

static enum pst_rc
take_remove(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };
	enum pst_rc rc = take_stamp(c, q, err);
	PGresult *r = rc == PST_OK ? pg_take(c, err) : NULL;
	int64_t id = pg_i64(r, 0, 0);
	bool is_there = PQntuples(r) > 0;

	PQclear(r);
	if (r == NULL)
		return err->rc;
	if (!is_there)
		return pst_fail(
		    err, PST_E_NOTFOUND, 0, "no mailbox %.200s", q->name);
	pg_p_i64(&p, q->acct->id);
	pg_p_i64(&p, id);
	pg_p_i64(&p, q->is_keep ? q->now : q->acct->store->config.sweep_s);
	(void)pg_send(c, q->is_keep ? PG_S_REMOVE_KEEP : PG_S_REMOVE, &p);
	(void)pg_send_flush(c);
	r = pg_take(c, err);
	PQclear(r);
	return r ? PST_OK : err->rc;
}

static enum pst_rc
remove_name(
    struct pst_acct *a, const char *name, bool is_keep, struct pst_error *err)
{
	struct naming q = { .acct = a, .name = name, .is_keep = is_keep };
	enum pst_rc rc = run(&q, PG_EXACT, send_remove, take_remove, err);

	if (rc == PST_OK)
		settle(&q);
	return rc;
}

enum pst_rc
pg_remove(struct pst_acct *a, const char *name, struct pst_error *err)
{
	return remove_name(a, name, false, err);
}

enum pst_rc
pg_remove_keep(struct pst_acct *a, const char *name, struct pst_error *err)
{
	return remove_name(a, name, true, err);
}

/* --- rename ----------------------------------------------------------------
 */

static enum pst_rc
send_rename(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	(void)pg_send(c, PG_S_ACCOUNT_STAMP, &p);
	pg_p_text(&p, q->name);
	pg_p_text(&p, q->other);
	(void)pg_send(c, PG_S_RENAME, &p);
	return PST_OK;
}

static enum pst_rc
take_rename(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	enum pst_rc rc = take_stamp(c, q, err);
	PGresult *r = rc == PST_OK ? pg_take(c, err) : NULL;

	if (r == NULL)
		return err->rc;
	if (pg_i64(r, 0, 0) == 0)
		rc = pst_fail(
		    err, PST_E_NOTFOUND, 0, "no mailbox %.200s", q->name);
	else if (pg_i64(r, 0, 1) != 0)
		rc = pst_fail(err, PST_E_EXISTS, 0, "%.200s exists", q->other);
	PQclear(r);
	return rc;
}

/* `name` is `top` or below it. */
static bool
is_in_tree(const char *name, const char *top)
{
	size_t n = strlen(top);

	return strncmp(name, top, n) == 0 &&
	       (name[n] == '\0' || name[n] == '/');
}

enum pst_rc
pg_rename(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	struct naming q = { .acct = a, .name = from, .other = to };
	enum pst_rc rc;

	if (is_in_tree(to, from) && strcmp(to, from) != 0)
		return pst_fail(err, PST_E_PERM, 0, "%.200s into itself", from);
	rc = run(&q, PG_EXACT, send_rename, take_rename, err);
	if (rc == PST_OK)
		settle(&q);
	return rc;
}

/* --- subscriptions ---------------------------------------------------------
 */

static enum pst_rc
send_subscribe(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	pg_p_text(&p, q->name);
	(void)pg_send(c, q->statement, &p);
	return PST_OK;
}

enum pst_rc
pg_subscribe(struct pst_acct *a, const char *name, bool subscribed,
    struct pst_error *err)
{
	struct naming q = { .acct = a, .name = name };
	enum pst_rc rc;

	q.statement = subscribed ? PG_S_SUBSCRIBE : PG_S_UNSUBSCRIBE;
	rc = run(&q, PG_AGAIN, send_subscribe, take_stamp, err);
	if (rc == PST_E_CONFLICT || (rc == PST_OK && q.stamp == 0))
		return account_gone(a, err);
	if (rc == PST_OK)
		settle(&q);
	return rc;
}

/* --- metadata --------------------------------------------------------------
 */

static enum pst_rc
send_get(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	pg_p_text(&p, q->name);
	pg_p_text(&p, q->other);
	(void)pg_send(c, PG_S_META_GET, &p);
	return PST_OK;
}

static enum pst_rc
no_mailbox(const char *name, struct pst_error *err)
{
	return pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %.200s", name);
}

enum pst_rc
pg_meta_get(struct pst_acct *a, const char *name, const char *prefix,
    pst_value_fn fn, void *arg, struct pst_error *err)
{
	struct naming q = { .acct = a, .name = name, .other = prefix };
	enum pst_rc rc = run(&q, PG_READ, send_get, take_result, err);

	if (rc == PST_OK && PQntuples(q.result) == 0)
		rc = no_mailbox(name, err);
	for (int i = 0; rc == PST_OK && i < PQntuples(q.result); i++) {
		struct pst_str key = pg_bytes(q.result, i, 1),
			       value = pg_bytes(q.result, i, 2);

		if (key.p != NULL && value.p != NULL)
			fn(arg, key.p, value);
	}
	PQclear(q.result);
	return rc;
}

static enum pst_rc
send_set(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->acct->id);
	pg_p_text(&p, q->name);
	pg_p_text(&p, q->other);
	if (q->value.p != NULL)
		pg_p_bytes(&p, q->value.p, q->value.n);
	(void)pg_send(
	    c, q->value.p != NULL ? PG_S_META_SET : PG_S_META_REMOVE, &p);
	return PST_OK;
}

enum pst_rc
pg_meta_set(struct pst_acct *a, const char *name, const char *key,
    struct pst_str value, struct pst_error *err)
{
	struct naming q = {
		.acct = a, .name = name, .other = key, .value = value
	};
	enum pst_rc rc = run(&q, PG_AGAIN, send_set, take_stamp, err);

	if (rc == PST_OK && q.stamp == 0)
		return name ? no_mailbox(name, err) : account_gone(a, err);
	if (rc == PST_OK)
		settle(&q);
	return rc;
}
