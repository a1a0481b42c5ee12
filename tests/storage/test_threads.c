/*
 * test_threads.c - conformance: calls on different boxes overlap, and body()
 * and ident() beside any other call on the same box. Run it under a thread
 * sanitizer to see more than wrong results.
 */
#include "conformance.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WRITERS = 4, ROUNDS = 40 };

struct job {
	struct pst_box *box, *trash;
	int number;
	uint32_t uid[ROUNDS];
	atomic_uint last; /* how many of uid[] may be read */
	atomic_bool done;
	unsigned failures;
};

/* Each round's text has another length. */
static void
message(char out[1200], int writer, int round)
{
	int n = snprintf(out, 40, "Subject: %d %d\r\n\r\n", writer, round);

	memset(out + n, 'x', (size_t)round * 20 + 1);
	memcpy(out + n + round * 20 + 1, "\r\n", 3);
}

static bool
store_one(struct job *j, int round)
{
	struct pst_append a = { .internal_date = round, .last = true };
	struct pst_error err;
	struct pst_row row;
	char text[1200];
	bool ok;

	message(text, j->number, round);
	if (OPS->stage_new(suite.store, 0, &a.stage, &err) != PST_OK)
		return false;
	ok = OPS->stage_write(a.stage, text, strlen(text), &err) == PST_OK &&
	     OPS->stage_sync(a.stage, &err) == PST_OK &&
	     OPS->commit(j->box, &a, 1, &row, &err) == PST_OK;
	OPS->stage_free(a.stage);
	j->uid[round] = ok ? row.uid : 0;
	return ok;
}

static void
no_row(void *arg, const struct pst_row *row)
{
	(void)arg;
	(void)row;
}

static void
no_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void *
write_box(void *arg)
{
	struct job *j = arg;
	struct pst_error err;

	for (int i = 0; i < ROUNDS; i++) {
		const struct pst_flag_change how = { .op = PST_FLAGS_SET,
			.flags = (uint32_t)i % 32,
			.unchanged_since = UINT64_MAX };
		struct pst_range all = { 1, UINT32_MAX };

		j->failures += !store_one(j, i);
		atomic_store(&j->last, (unsigned)i + 1);
		j->failures += OPS->flags(j->box, (struct pst_uids){ &all, 1 },
				   &how, no_row, no_uid, NULL, &err) != PST_OK;
	}
	atomic_store(&j->done, true);
	return NULL;
}

static void *
read_box(void *arg)
{
	struct job *j = arg;

	while (!atomic_load(&j->done)) {
		unsigned n = atomic_load(&j->last);
		struct pst_error err;
		struct pst_body body;
		char text[1200], id[40], *got;

		if (n == 0)
			continue;
		message(text, j->number, (int)n - 1);
		if (OPS->body(j->box, j->uid[n - 1], &body, &err) != PST_OK) {
			j->failures++;
			break;
		}
		got = body_text(&body);
		if (got == NULL || strcmp(got, text) != 0)
			j->failures++;
		free(got);
		body.release(&body);
		if (OPS->ident != NULL &&
		    OPS->ident(j->box, j->uid[n - 1], id, &err) != PST_OK)
			j->failures++;
	}
	return NULL;
}

struct names_job {
	struct pst_acct *acct;
	int number;
	unsigned failures;
};

static void
count_name(void *arg, const struct pst_mailbox *m)
{
	unsigned *n = arg;

	*n += m->exists;
}

static void *
churn_names(void *arg)
{
	struct names_job *j = arg;
	struct pst_error err;
	char from[32], to[32];

	(void)snprintf(from, sizeof(from), "churn%d", j->number);
	(void)snprintf(to, sizeof(to), "to%d/sub", j->number);
	for (int i = 0; i < 15; i++) {
		struct pst_usage usage;
		unsigned n = 0;

		j->failures += OPS->create(j->acct, from, "", &err) != PST_OK;
		j->failures += OPS->subscribe(j->acct, from, i % 2, &err) !=
			       PST_OK;
		j->failures += OPS->rename(j->acct, from, to, &err) != PST_OK;
		j->failures += OPS->list(j->acct, count_name, &n, &err) !=
			       PST_OK;
		j->failures += n < 2;
		j->failures += OPS->usage(j->acct, &usage, &err) != PST_OK;
		j->failures += OPS->remove(j->acct, to, &err) != PST_OK;
	}
	return NULL;
}

static void
boxes_at_once(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	struct job job[WRITERS];
	pthread_t writer[WRITERS], reader[WRITERS];

	memset(job, 0, sizeof(job));
	for (int i = 0; i < WRITERS; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "box%d", i);
		CHECK_RC(PST_OK, OPS->create(acct, name, "", &err));
		job[i].box = box_of(acct, name);
		job[i].number = i;
		if (job[i].box == NULL)
			return;
	}
	for (int i = 0; i < WRITERS; i++) {
		if (pthread_create(&writer[i], NULL, write_box, &job[i]) != 0 ||
		    pthread_create(&reader[i], NULL, read_box, &job[i]) != 0)
			abort();
	}
	for (int i = 0; i < WRITERS; i++) {
		struct rows rows;

		(void)pthread_join(writer[i], NULL);
		(void)pthread_join(reader[i], NULL);
		CHECK(job[i].failures == 0, "box %d: %u failures", i,
		    job[i].failures);
		load_rows(job[i].box, &rows);
		CHECK(rows.n == ROUNDS && rows_ascend(&rows), "box %d: %zu", i,
		    rows.n);
		rows_free(&rows);
		OPS->box_close(job[i].box);
	}
}

void
test_threads(void)
{
	struct pst_acct *acct = acct_of("threads@example.test");
	struct names_job names[WRITERS];
	pthread_t thread[WRITERS];

	if (acct == NULL)
		return;
	boxes_at_once(acct);
	for (int i = 0; i < WRITERS; i++) {
		names[i] = (struct names_job){ .acct = acct, .number = i };
		if (pthread_create(&thread[i], NULL, churn_names, &names[i]) !=
		    0)
			abort();
	}
	for (int i = 0; i < WRITERS; i++) {
		(void)pthread_join(thread[i], NULL);
		CHECK(names[i].failures == 0, "names %d: %u failures", i,
		    names[i].failures);
	}
	OPS->acct_close(acct);
}
