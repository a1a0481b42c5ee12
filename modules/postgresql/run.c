/*
 * run.c - transactions: begun, repeated when the database asks for it, and
 * followed up when the answer to a commit was lost.
 *
 * A unit of the pipeline is a transaction by itself: what is between two Syncs
 * is done or not, so most need no BEGIN and no COMMIT, and one round trip. But
 * then nobody can tell what became of one whose answer never came. PG_EXACT is
 * for what must not be done twice: its statements come first, with the number
 * of the transaction in the answer, and the COMMIT goes out only then. When the
 * connection is lost after that, pg_xact_status() tells on another one.
 */
#include "postgresql.h"

#include <time.h>

enum { TRIES = 6, PAUSE_MS = 20, PAUSE_MOST_MS = 200 };

enum end { END_DONE, END_REPEAT, END_UNKNOWN };

struct attempt {
	const struct pg_job *job;
	struct pg_conn *c;
	char xid[24]; /* PG_EXACT: of the transaction; "": not known */
	bool committing;
};

static void
pause_ms(struct pst_store *s, int ms)
{
	struct timespec t;
	uint16_t dice;

	s->host->random(&dice, sizeof(dice));
	ms = ms / 2 + ms / 2 * dice / UINT16_MAX + 1;
	t = (struct timespec){ ms / 1000, ms % 1000 * 1000000L };
	(void)nanosleep(&t, NULL);
}

/* --- sending what is around ------------------------------------------------
 */

/* For policies of rows: whose rows the transaction is about. */
static bool
send_account(struct pg_conn *c, const struct pg_job *job)
{
	struct pg_params p = { 0 };
	char text[48] = "";

	if (job->account != 0 && job->other != 0)
		(void)snprintf(text, sizeof(text), "%lld,%lld",
		    (long long)job->account, (long long)job->other);
	else if (job->account != 0)
		(void)snprintf(
		    text, sizeof(text), "%lld", (long long)job->account);
	pg_p_text(&p, text);
	return pg_send(
	    c, job->mode == PG_EXACT ? PG_S_ACCOUNT_XID : PG_S_ACCOUNT, &p);
}

static bool
is_explicit(const struct pg_job *job)
{
	return job->mode == PG_SNAPSHOT || job->mode == PG_EXACT;
}

static enum pst_rc
send_all(struct attempt *a, struct pst_error *err)
{
	const struct pg_job *job = a->job;
	struct pg_conn *c = a->c;
	enum pst_rc rc = PST_OK;

	if (job->mode == PG_SNAPSHOT)
		(void)pg_send(c, PG_S_BEGIN_SNAPSHOT, NULL);
	else if (job->mode == PG_EXACT)
		(void)pg_send(c, PG_S_BEGIN, NULL);
	(void)send_account(c, job);
	rc = job->send(c, job->arg, err);
	if (rc != PST_OK)
		return rc;
	if (job->mode == PG_SNAPSHOT)
		(void)pg_send(c, PG_S_COMMIT, NULL);
	if (job->mode == PG_EXACT)
		(void)pg_send_flush(c);
	else
		(void)pg_send_sync(c);
	return c->is_broken ? pg_lost(c, err) : PST_OK;
}

/* --- taking ----------------------------------------------------------------
 */

static bool
take_none(struct pg_conn *c, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);

	PQclear(r);
	return r != NULL;
}

static enum pst_rc
take_all(struct attempt *a, struct pst_error *err)
{
	struct pg_conn *c = a->c;
	PGresult *r;

	if (is_explicit(a->job) && !take_none(c, err))
		return err->rc;
	r = pg_take(c, err);
	if (r == NULL)
		return err->rc;
	if (a->job->mode == PG_EXACT)
		(void)snprintf(a->xid, sizeof(a->xid), "%.*s",
		    PQgetlength(r, 0, 1), PQgetvalue(r, 0, 1));
	PQclear(r);
	return a->job->take(c, a->job->arg, err);
}

/* The transaction is still open. */
static void
roll_back(struct pg_conn *c)
{
	struct pst_error ignored;

	for (int i = 0; i < 2 && !c->is_broken; i++) {
		/* What is behind an error is skipped, this one as well. */
		(void)pg_send(c, PG_S_ROLLBACK, NULL);
		(void)pg_send_sync(c);
		(void)pg_sync_wait(c, &ignored);
		if (PQtransactionStatus(c->pg) == PQTRANS_IDLE)
			return;
	}
	c->is_broken = true;
}

static enum pst_rc
finish(struct attempt *a, enum pst_rc rc, struct pst_error *err)
{
	struct pg_conn *c = a->c;
	struct pst_error late;
	enum pst_rc last;

	if (c->is_broken)
		return rc != PST_OK ? rc : pg_lost(c, err);
	if (a->job->mode == PG_EXACT && rc != PST_OK) {
		char state[sizeof(c->sqlstate)],
		    constraint[sizeof(c->constraint)];

		memcpy(state, c->sqlstate, sizeof(state));
		memcpy(constraint, c->constraint, sizeof(constraint));
		roll_back(c);
		memcpy(c->sqlstate, state, sizeof(state));
		memcpy(c->constraint, constraint, sizeof(constraint));
		return rc;
	}
	if (a->job->mode == PG_EXACT) {
		a->committing = true;
		(void)pg_send(c, PG_S_COMMIT, NULL);
		(void)pg_send_sync(c);
	}
	last = pg_sync_wait(c, &late);
	if (rc != PST_OK || last == PST_OK)
		return rc;
	*err = late;
	return last;
}

static bool
asks_to_repeat(const struct pg_conn *c)
{
	return strcmp(c->sqlstate, "40001") == 0 ||
	       strcmp(c->sqlstate, "40P01") == 0;
}

static enum pst_rc
attempt(struct attempt *a, enum end *end_r, struct pst_error *err)
{
	struct pg_conn *c = a->c;
	enum pst_rc rc;

	c->sqlstate[0] = c->constraint[0] = '\0';
	rc = send_all(a, err);
	if (rc != PST_OK && !c->is_broken) {
		c->is_broken = true; /* half a unit was queued */
		*end_r = END_DONE;
		return rc;
	}
	if (rc == PST_OK)
		rc = take_all(a, err);
	rc = finish(a, rc, err);
	*end_r = END_DONE;
	if (rc == PST_OK || (!c->is_broken && !asks_to_repeat(c)))
		return rc;
	if (!c->is_broken || strcmp(c->sqlstate, "08006") != 0) {
		/* It was refused, so it was not done. */
		*end_r = END_REPEAT;
		return rc;
	}
	if (a->job->mode == PG_AGAIN || a->committing)
		*end_r = END_UNKNOWN;
	else if (!a->job->no_repeat)
		*end_r = END_REPEAT;
	return rc;
}

/* --- what became of it -----------------------------------------------------
 */

/* Asks the server that has the transaction; "" when it cannot be asked now. A
 * backend that still has it open, not knowing that its client is gone, is
 * ended. */
static void
ask_status(struct pg_conn *c, const char *xid, char answer_r[24])
{
	struct pg_params p = { 0 };
	struct pst_error ignored;
	PGresult *r;

	pg_p_text(&p, xid);
	(void)pg_send(c, PG_S_XACT_STATUS, &p);
	(void)pg_send_sync(c);
	*answer_r = '\0';
	r = pg_take(c, &ignored);
	if (r != NULL)
		(void)snprintf(answer_r, 24, "%.*s", PQgetlength(r, 0, 0),
		    PQgetvalue(r, 0, 0));
	PQclear(r);
	(void)pg_sync_wait(c, &ignored);
}

static enum pst_rc
look(struct pst_store *s, const struct pg_job *job)
{
	const struct pg_job read = { .mode = PG_READ,
		.account = job->account,
		.other = job->other,
		.arg = job->arg,
		.send = job->look_send,
		.take = job->look_take };
	struct pst_error ignored;

	return job->look_send ? pg_run(s, &read, NULL, &ignored) : PST_E_TEMP;
}

/* The answer to a commit was lost: END_DONE, it was done; END_REPEAT, it was
 * not; END_UNKNOWN, nobody can tell now. */
static enum end
find_out(struct pst_store *s, const struct attempt *a, uint32_t timeline)
{
	int64_t deadline = pg_monotonic() + (int64_t)s->config.wait_ms * 1000;

	do {
		struct pst_error ignored;
		struct pg_conn *c;
		char answer[24] = "";
		bool same;

		if (pg_pool_take(s, &c, &ignored) != PST_OK) {
			pause_ms(s, PAUSE_MOST_MS);
			continue;
		}
		/* After a promotion numbers are given again. */
		same = timeline != 0 && c->timeline == timeline;
		if (same)
			ask_status(c, a->xid, answer);
		pg_pool_give(s, &c);
		if (strcmp(answer, "committed") == 0)
			return END_DONE;
		if (strcmp(answer, "aborted") == 0)
			return END_REPEAT;
		if (!same) {
			enum pst_rc rc = look(s, a->job);

			if (rc == PST_OK || rc == PST_E_NOTFOUND)
				return rc == PST_OK ? END_DONE : END_REPEAT;
			return END_UNKNOWN;
		}
		pause_ms(s, PAUSE_MS);
	} while (pg_monotonic() < deadline);
	return END_UNKNOWN;
}

/* Waits for a database that is away, when it has to be asked. */
static enum pst_rc
take_patiently(struct pst_store *s, struct pg_conn **c_r, struct pst_error *err)
{
	int64_t deadline = pg_monotonic() + (int64_t)s->config.wait_ms * 1000;
	enum pst_rc rc;

	while ((rc = pg_pool_take(s, c_r, err)) != PST_OK &&
	       pg_monotonic() < deadline)
		pause_ms(s, PAUSE_MOST_MS);
	return rc;
}

enum pst_rc
pg_run(struct pst_store *s, const struct pg_job *job,
    struct pg_outcome *outcome_r, struct pst_error *err)
{
	struct pg_outcome none, *out = outcome_r ? outcome_r : &none;
	enum end end = END_REPEAT;
	enum pst_rc rc = PST_OK;

	*out = (struct pg_outcome){ 0 };
	for (int i = 0; i < TRIES && end != END_DONE; i++) {
		struct attempt a = { .job = job };
		uint32_t timeline;

		if (i > 0)
			pause_ms(s, PAUSE_MS << i);
		rc = (out->repeated ? take_patiently : pg_pool_take)(
		    s, &a.c, err);
		if (rc != PST_OK)
			return rc;
		rc = attempt(&a, &end, err);
		timeline = a.c->timeline;
		memcpy(
		    out->constraint, a.c->constraint, sizeof(out->constraint));
		pg_pool_give(s, &a.c);
		if (end == END_UNKNOWN && job->mode == PG_EXACT) {
			end = find_out(s, &a, timeline);
			if (end == END_DONE)
				return PST_OK;
			if (end == END_UNKNOWN)
				return pst_fail(err, PST_E_TEMP, 0,
				    "the connection was lost while it was "
				    "committed, and the database cannot tell "
				    "whether it was done");
		} else if (end == END_UNKNOWN) {
			out->repeated = true;
		}
	}
	return rc;
}
