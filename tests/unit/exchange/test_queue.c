/*
 * The queue: what it holds after any order of what can happen to it, compared
 * with a model; and its parts one by one.
 */
#include "exchange/queue_priv.h"

#include "base/clock.h"
#include "base/str.h"

#include "tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static size_t jobs_came, jobs_gone;

static void
came(void *arg, struct queue_job *job)
{
	(void)arg;
	(void)job;
	jobs_came++;
}

static void
gone(void *arg, struct queue_job *job)
{
	(void)arg;
	(void)job;
	jobs_gone++;
}

static struct queue_options options = {
	.journal = { .segment_size = 8192, .spares = 2 },
	.came = came,
	.gone = gone,
};

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/postern-queue-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	jobs_came = jobs_gone = 0;
}

static void
teardown(void)
{
	remove_tree(dir);
}

static struct queue *
open_it(void)
{
	struct queue *q;
	struct pst_error err = { 0 };

	cr_assert_eq(
	    queue_open(dir, &options, &q, &err), PST_OK, "%s", err.detail);
	return q;
}

/* Octet `at` of the content that belongs to `seed`. */
static char
octet(unsigned seed, size_t at)
{
	return (char)('a' + (seed * 7 + at * 31 + at / 97) % 26);
}

static uint64_t
put(struct queue *q, const char *const *to, size_t n, size_t size,
    unsigned seed)
{
	struct queue_writer *w = queue_write_new(q);
	struct envelope_recipient r[8] = { 0 };
	struct envelope e = {
		.sender = STR("from@here.test"), .recipient = r, .recipients = n
	};
	struct pst_error err = { 0 };
	char *text = malloc(size + 1);
	uint64_t id;

	for (size_t i = 0; i < size; i++)
		text[i] = octet(seed, i);
	for (size_t i = 0; i < n; i++) {
		r[i].address = str_of(to[i]);
		r[i].notify = NOTIFY_DEFAULT;
	}
	for (size_t at = 0; at < size;) {
		size_t some = size - at < 1000 ? size - at : 1000;

		cr_assert_eq(queue_write(w, text + at, some, &err), PST_OK);
		at += some;
	}
	free(text);
	cr_assert_eq(queue_commit(w, &e, &id, &err), PST_OK, "%s", err.detail);
	queue_write_free(&w);
	cr_assert_null(w);
	return id;
}

static void
expect_content(struct queue *q, uint64_t id, size_t size, unsigned seed)
{
	struct queue_message *m = queue_find(q, id);
	struct queue_reader *r;
	struct pst_error err = { 0 };
	size_t at = 0, got;

	cr_assert_not_null(m);
	r = queue_read_new(q, m);
	for (;;) {
		char text[777];

		cr_assert_eq(queue_read(r, text, sizeof(text), &got, &err),
		    PST_OK, "%s", err.detail);
		if (got == 0)
			break;
		for (size_t i = 0; i < got; i++, at++)
			cr_assert_eq(text[i], octet(seed, at));
	}
	cr_assert_eq(at, size);
	queue_read_free(&r);
	queue_let_go(q, m);
}

static void
settle(struct queue *q, struct queue_job *job, enum envelope_state state,
    const char *answer, unsigned tries)
{
	struct envelope_progress p = { .tries = tries, .due = 1000 + tries };
	struct pst_error err = { 0 };
	struct arena *arena;
	struct envelope e;

	cr_assert(queue_take(q, job));
	cr_assert_not(queue_take(q, job));
	cr_assert_eq(queue_load(q, job->message, &arena, &e, &err), PST_OK);
	for (size_t i = job->first; i < job->first + job->n; i++) {
		e.recipient[i].state = state;
		e.recipient[i].answer = str_of(answer);
	}
	cr_assert_eq(queue_update(q, job, &e, &p, &err), PST_OK);
	arena_free(&arena);
	queue_give(q, job);
}

Test(queue, ids_as_text)
{
	char text[QUEUE_ID];
	uint64_t back;

	for (uint64_t id = 1; id != 0; id <<= 1) {
		queue_id_print(id, text);
		cr_assert_eq(strlen(text), QUEUE_ID - 1);
		cr_assert(queue_id_parse(str_of(text), &back));
		cr_assert_eq(back, id);
	}
	queue_id_print(UINT64_MAX, text);
	cr_assert(queue_id_parse(str_of(text), &back));
	cr_assert_eq(back, UINT64_MAX);
	cr_assert_not(queue_id_parse(STR(""), &back));
	cr_assert_not(queue_id_parse(STR("ZZZZZZZZZZZZZ"), &back));
	cr_assert_not(queue_id_parse(STR("0000000000000U"), &back));
}

Test(queue, a_job_for_each_domain, .init = setup, .fini = teardown)
{
	static const char *const to[] = { "a@one.test", "b@two.test",
		"c@ONE.test", "d@three.test" };
	struct queue *q = open_it();
	struct queue_message *m;
	struct queue_job *job;
	uint64_t id = put(q, to, 4, 100, 1);
	struct queue_count count;
	size_t n;

	cr_assert_eq(jobs_came, 3);
	expect_content(q, id, 100, 1);
	m = queue_find(q, id);
	job = queue_message_jobs(m, &n);
	cr_assert_eq(n, 3);
	cr_assert_str_eq(job[0].domain->name, "one.test");
	cr_assert_eq(job[0].n, 2);
	settle(q, &job[0], RECIPIENT_DELIVERED, "250 Ok", 1);
	settle(q, &job[1], RECIPIENT_WAITS, "450 Not now", 1);
	cr_assert_eq(jobs_gone, 1);
	queue_let_go(q, m);
	queue_close(&q);

	q = open_it();
	cr_assert_eq(jobs_came, 5, "two of them are left");
	m = queue_find(q, id);
	job = queue_message_jobs(m, &n);
	cr_assert(job[0].done);
	cr_assert_eq(job[1].tries, 1);
	cr_assert_eq(job[1].due, 1001);
	{
		struct arena *arena;
		struct envelope e;
		struct pst_error err;

		cr_assert_eq(queue_load(q, m, &arena, &e, &err), PST_OK);
		cr_assert(str_is(e.recipient[0].answer, "250 Ok"));
		cr_assert_eq(e.recipient[1].state, RECIPIENT_DELIVERED);
		cr_assert(str_is(e.recipient[2].answer, "450 Not now"));
		cr_assert(str_is(e.recipient[2].address, "d@three.test"));
		cr_assert(str_is(e.sender, "from@here.test"));
		arena_free(&arena);
	}
	settle(q, &job[1], RECIPIENT_FAILED, "550 No", 2);
	settle(q, &job[2], RECIPIENT_FAILED, "550 No", 1);
	queue_let_go(q, m);
	cr_assert_null(queue_find(q, id));
	queue_count(q, &count);
	cr_assert_eq(count.messages + count.jobs + count.domains, 0);
	queue_close(&q);
	q = open_it();
	cr_assert_null(queue_find(q, id));
	queue_close(&q);
}

Test(queue, large_content, .init = setup, .fini = teardown)
{
	static const char *const to[] = { "a@one.test" };
	struct queue *q;
	size_t size = 1234567;
	uint64_t id;

	options.journal.segment_size = 512 << 10;
	q = open_it();
	id = put(q, to, 1, size, 3);
	expect_content(q, id, size, 3);
	queue_close(&q);
	q = open_it();
	expect_content(q, id, size, 3);
	queue_close(&q);
}

/* What was begun and not committed takes no place for ever. */
Test(queue, given_up, .init = setup, .fini = teardown)
{
	struct queue *q = open_it();
	static char text[300000];
	struct pst_error err;
	struct queue_count count;

	for (int i = 0; i < 10; i++) {
		struct queue_writer *w = queue_write_new(q);

		cr_assert_eq(queue_write(w, text, sizeof(text), &err), PST_OK);
		queue_write_free(&w);
	}
	for (bool more = true; more;)
		cr_assert_eq(queue_tidy(q, &more, &err), PST_OK);
	queue_count(q, &count);
	cr_assert_leq(count.disk.segments, 1);
	queue_close(&q);
}

Test(queue, damaged_content_is_noticed, .init = setup, .fini = teardown)
{
	static const char *const to[] = { "a@one.test" };
	struct queue *q = open_it();
	uint64_t id = put(q, to, 1, 5000, 1), other;
	struct queue_message *m;
	struct queue_reader *r;
	struct pst_error err = { 0 };
	char path[128], text[6000];
	enum pst_rc rc;
	size_t got;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/queue-00000001", dir);
	fd = open(path, O_RDWR);
	cr_assert_eq(pwrite(fd, "#", 1, 3000), 1);
	(void)close(fd);
	m = queue_find(q, id);
	r = queue_read_new(q, m);
	do
		rc = queue_read(r, text, sizeof(text), &got, &err);
	while (rc == PST_OK && got > 0);
	cr_assert_eq(rc, PST_E_PERM);
	queue_read_free(&r);
	queue_let_go(q, m);
	/* It is never copied as if it were right. */
	for (int i = 0; i < 20; i++) {
		other = put(q, to, 1, 2000, 2);
		cr_assert_eq(queue_delete(q, other, &err), PST_OK);
	}
	for (bool more = true; more;)
		cr_assert_eq(queue_tidy(q, &more, &err), PST_OK);
	cr_assert_eq(access(path, F_OK), 0);
	queue_close(&q);
}

static void
count_odd(
    void *arg, const struct journal_record *record, struct journal_place place)
{
	size_t *n = arg;

	(void)place;
	*n += record->id == 4711;
}

/* The first call appends one that only a later version could read; the second
 * tells how many there are. */
static size_t
odd_records(bool add)
{
	const struct journal_record odd = { .kind = QUEUE_MESSAGE,
		.id = 4711,
		.meta = STR("\377\377\377\377~") };
	struct journal *j;
	struct journal_place place;
	struct pst_error err = { 0 };
	size_t n = 0;

	cr_assert_eq(
	    journal_open(dir, &options.journal, count_odd, &n, &j, &err),
	    PST_OK, "%s", err.detail);
	if (add)
		cr_assert_eq(
		    journal_append(j, &odd, 1, false, &place, &err), PST_OK);
	journal_close(&j);
	return n;
}

Test(queue, what_is_not_understood_stays, .init = setup, .fini = teardown)
{
	static const char *const to[] = { "a@one.test" };
	struct queue *q = open_it();
	struct pst_error err = { 0 };

	queue_close(&q);
	cr_assert_eq(odd_records(true), 0);
	q = open_it();
	for (int i = 0; i < 20; i++)
		cr_assert_eq(
		    queue_delete(q, put(q, to, 1, 2000, 2), &err), PST_OK);
	for (bool more = true; more;)
		cr_assert_eq(queue_tidy(q, &more, &err), PST_OK);
	queue_close(&q);
	cr_assert_eq(odd_records(false), 1);
}

/* --- a model ---------------------------------------------------------------
 */

enum { MODELS = 60, ROUNDS = 4000 };

struct model {
	uint64_t id; /* 0: not there */
	size_t size;
	unsigned seed;
	size_t jobs;
	struct {
		bool done;
		unsigned tries;
	} job[3];
};

static void
compare(struct queue *q, const struct model *all)
{
	size_t n, there = 0;
	uint64_t *ids = queue_ids(q, &n);

	for (size_t i = 0; i < MODELS; i++) {
		const struct model *mo = &all[i];
		struct queue_message *m;
		struct queue_job *job;
		size_t jobs;

		if (mo->id == 0)
			continue;
		there++;
		m = queue_find(q, mo->id);
		cr_assert_not_null(m, "a message is lost");
		job = queue_message_jobs(m, &jobs);
		cr_assert_eq(jobs, mo->jobs);
		for (size_t k = 0; k < jobs; k++) {
			cr_assert_eq(job[k].done, mo->job[k].done);
			cr_assert_eq(job[k].tries, mo->job[k].tries);
		}
		queue_let_go(q, m);
		expect_content(q, mo->id, mo->size, mo->seed);
	}
	cr_assert_eq(there, n, "what was gone is there again");
	for (size_t i = 1; i < n; i++)
		cr_assert_lt(ids[i - 1], ids[i]);
	free(ids);
}

static void
step(struct queue **q, struct model *all, unsigned round)
{
	static const char *const to[] = { "a@one.test", "b@two.test",
		"c@three.test" };
	struct model *mo = &all[random() % MODELS];
	struct pst_error err = { 0 };
	bool more;

	switch (random() % 20) {
	case 0:
		queue_close(q);
		*q = open_it();
		compare(*q, all);
		return;
	case 1:
	case 2:
	case 3:
		cr_assert_eq(
		    queue_tidy(*q, &more, &err), PST_OK, "%s", err.detail);
		return;
	case 4:
		if (mo->id != 0)
			cr_assert_eq(queue_delete(*q, mo->id, &err), PST_OK);
		mo->id = 0;
		return;
	default:
		break;
	}
	if (mo->id == 0) {
		*mo = (struct model){ .size = (size_t)random() % 3000,
			.seed = round,
			.jobs = 1 + (size_t)random() % 3 };
		mo->id = put(*q, to, mo->jobs, mo->size, mo->seed);
	} else {
		struct queue_message *m = queue_find(*q, mo->id);
		size_t n, k = (size_t)random() % mo->jobs, left = 0;
		struct queue_job *job = queue_message_jobs(m, &n);
		bool done = random() % 3 == 0;

		if (!mo->job[k].done) {
			mo->job[k].tries++;
			mo->job[k].done = done;
			settle(*q, &job[k],
			    done ? RECIPIENT_DELIVERED : RECIPIENT_WAITS,
			    "250 or 450", mo->job[k].tries);
		}
		for (size_t i = 0; i < mo->jobs; i++)
			left += !mo->job[i].done;
		queue_let_go(*q, m);
		if (left == 0)
			mo->id = 0;
	}
}

Test(queue, like_a_model, .init = setup, .fini = teardown, .timeout = 120)
{
	struct model all[MODELS] = { 0 };
	struct queue *q = open_it();
	struct queue_count count;

	srandom(20);
	for (unsigned round = 1; round <= ROUNDS; round++)
		step(&q, all, round);
	compare(q, all);
	queue_count(q, &count);
	/* 60 messages of 1500 octets on average, and as much again. */
	cr_assert_lt(count.disk.octets, 500000);
	queue_close(&q);
}

/* --- tidying up meanwhile ---------------------------------------------------
 */

/* What happens after so many more calls of pread(), once. */
static _Thread_local struct {
	void (*fn)(void);
	unsigned calls;
} meanwhile;

/* In place of the C library's. */
ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	ssize_t got = syscall(SYS_pread64, fd, p, n, at);
	void (*fn)(void) = meanwhile.fn;

	if (fn != NULL && meanwhile.calls-- == 0) {
		meanwhile.fn = NULL;
		fn();
	}
	return got;
}

static struct {
	struct queue *q;
	uint64_t id;
	enum envelope_state state;
} tried;

/* The first job of the message is tried, the second time. */
static void
try_meanwhile(void)
{
	struct queue_message *m = queue_find(tried.q, tried.id);
	size_t n;

	settle(
	    tried.q, queue_message_jobs(m, &n), tried.state, "said later", 2);
	queue_let_go(tried.q, m);
}

static void
expect_second_try(struct queue *q)
{
	struct queue_message *m = queue_find(q, tried.id);
	struct pst_error err = { 0 };
	struct arena *arena;
	struct envelope e;
	struct queue_job *job;
	size_t n;

	cr_assert_not_null(m);
	job = queue_message_jobs(m, &n);
	cr_expect_eq(job->tries, 2);
	cr_expect_eq(job->done, tried.state == RECIPIENT_DELIVERED);
	cr_assert_eq(queue_load(q, m, &arena, &e, &err), PST_OK);
	cr_expect_eq(e.recipient[job->first].state, tried.state);
	cr_expect(str_is(e.recipient[job->first].answer, "said later"));
	arena_free(&arena);
	queue_let_go(q, m);
}

/* The job is tried while call `nth` of pread() returns to who tidies up; false:
 * there were not so many. */
static bool
try_at(unsigned nth, bool before, enum envelope_state state)
{
	static const char *const to[] = { "a@one.test", "b@two.test" };
	struct queue *q = open_it();
	struct pst_error err = { 0 };
	struct queue_message *m;
	bool more, reached;
	size_t n;

	tried.q = q;
	tried.id = put(q, to, 2, 600, 1);
	tried.state = state;
	m = queue_find(q, tried.id);
	if (before)
		settle(q, queue_message_jobs(m, &n), RECIPIENT_WAITS, "1", 1);
	queue_let_go(q, m);
	for (int i = 0; i < 12; i++)
		cr_assert_eq(
		    queue_delete(q, put(q, to, 1, 2000, 2), &err), PST_OK);
	meanwhile.calls = nth;
	meanwhile.fn = try_meanwhile;
	do
		cr_assert_eq(queue_tidy(q, &more, &err), PST_OK);
	while (more);
	reached = meanwhile.fn == NULL;
	meanwhile.fn = NULL;
	if (!reached)
		try_meanwhile();
	for (int i = 0; i < 12; i++)
		cr_assert_eq(
		    queue_delete(q, put(q, to, 1, 2000, 2), &err), PST_OK);
	expect_second_try(q);
	queue_close(&q);
	q = open_it();
	expect_second_try(q);
	expect_content(q, tried.id, 600, 1);
	cr_assert_eq(queue_delete(q, tried.id, &err), PST_OK);
	queue_close(&q);
	return reached;
}

/* What was last said of a job holds, whoever writes it again meanwhile. */
Test(queue, tidied_while_it_is_tried, .init = setup, .fini = teardown,
    .timeout = 120)
{
	static const enum envelope_state states[] = { RECIPIENT_WAITS,
		RECIPIENT_DELIVERED };
	unsigned most = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned nth = 0;

		while (try_at(nth, i / 2 == 0, states[i % 2]))
			nth++;
		most = nth > most ? nth : most;
	}
	cr_assert_gt(most, 5);
}

static bool
try_at_hold(unsigned nth, enum envelope_state state)
{
	static const char *const to[] = { "a@one.test", "b@two.test" };
	struct queue *q = open_it();
	struct pst_error err = { 0 };
	struct queue_message *m;
	bool reached;
	size_t n;

	tried.q = q;
	tried.id = put(q, to, 2, 600, 1);
	tried.state = state;
	m = queue_find(q, tried.id);
	settle(q, queue_message_jobs(m, &n), RECIPIENT_WAITS, "1", 1);
	meanwhile.calls = nth;
	meanwhile.fn = try_meanwhile;
	cr_assert_eq(queue_hold(q, m, true, "so", &err), PST_OK);
	reached = meanwhile.fn == NULL;
	meanwhile.fn = NULL;
	queue_let_go(q, m);
	if (reached)
		expect_second_try(q);
	queue_close(&q);
	q = open_it();
	if (reached)
		expect_second_try(q);
	m = queue_find(q, tried.id);
	cr_assert(queue_message_jobs(m, &n)[1].held);
	queue_let_go(q, m);
	cr_assert_eq(queue_delete(q, tried.id, &err), PST_OK);
	queue_close(&q);
	return reached;
}

/* Who commits it has something to write down first. */
Test(queue, keeps_what_waits_from_coming, .init = setup, .fini = teardown)
{
	struct envelope_recipient r = { .address = STR("a@x.test") };
	struct envelope e = { .sender = STR("from@here.test"),
		.recipient = &r,
		.recipients = 1 };
	struct queue *q = open_it();
	struct queue_writer *w = queue_write_new(q);
	struct pst_error err = { 0 };
	struct queue_message *m;
	uint64_t id;

	queue_write_wait(w);
	cr_assert_eq(queue_write(w, "x", 1, &err), PST_OK);
	cr_assert_eq(queue_commit(w, &e, &id, &err), PST_OK);
	cr_expect_eq(jobs_came, 0);
	/* It is there for all else. */
	m = queue_find(q, id);
	cr_assert_not_null(m);
	queue_let_go(q, m);
	queue_write_free(&w);
	cr_expect_eq(jobs_came, 1);
	/* Deleted in between, it comes and goes. */
	w = queue_write_new(q);
	queue_write_wait(w);
	cr_assert_eq(queue_commit(w, &e, &id, &err), PST_OK);
	cr_assert_eq(queue_delete(q, id, &err), PST_OK);
	queue_write_free(&w);
	cr_expect_eq(jobs_came, 2);
	cr_expect_eq(jobs_gone, 1);
	queue_close(&q);
}

/* Nor does holding a message take back what became of it meanwhile. */
Test(queue, held_while_it_is_tried, .init = setup, .fini = teardown)
{
	unsigned nth = 0;

	while (try_at_hold(nth, RECIPIENT_WAITS) &&
	       try_at_hold(nth, RECIPIENT_DELIVERED))
		nth++;
	cr_assert_gt(nth, 3);
}

/* --- a full disk ------------------------------------------------------------
 */

static unsigned writes_left = UINT_MAX;

/* In place of the C library's. */
ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	if (writes_left == 0) {
		errno = ENOSPC;
		return -1;
	}
	writes_left--;
	return syscall(SYS_pwritev, fd, v, n, at, 0);
}

static void
expect_state(struct queue *q, struct queue_message *m, enum envelope_state want)
{
	struct pst_error err = { 0 };
	struct arena *arena;
	struct envelope e;

	cr_assert_eq(queue_load(q, m, &arena, &e, &err), PST_OK);
	cr_expect_eq(e.recipient[0].state, want);
	arena_free(&arena);
}

/* What is to be held is so from its first record on: it does not go out after a
 * restart, wherever the end came. */
Test(queue, held_from_the_start, .init = setup, .fini = teardown)
{
	struct envelope_recipient r = { .address = STR("a@one.test") };
	struct envelope e = { .sender = STR("from@here.test"),
		.recipient = &r,
		.recipients = 1,
		.held = true,
		.reason = STR("so") };
	struct queue *q = open_it();
	struct queue_writer *w = queue_write_new(q);
	struct pst_error err = { 0 };
	struct queue_message *m;
	struct queue_job *job;
	uint64_t id;
	size_t n;

	writes_left = 1;
	cr_assert_eq(queue_commit(w, &e, &id, &err), PST_E_NOSPACE);
	writes_left = UINT_MAX;
	queue_write_free(&w);
	queue_close(&q);
	q = open_it();
	m = queue_find(q, id);
	cr_assert_not_null(m);
	job = queue_message_jobs(m, &n);
	cr_assert(job->held);
	cr_assert_eq(queue_hold(q, m, false, "", &err), PST_OK);
	cr_assert_not(job->held);
	queue_let_go(q, m);
	queue_close(&q);
	q = open_it();
	m = queue_find(q, id);
	cr_assert_not(queue_message_jobs(m, &n)->held);
	queue_let_go(q, m);
	queue_close(&q);
}

/* Who has the message does not get it again, although that cannot be written
 * down. */
Test(queue, full_disk, .init = setup, .fini = teardown)
{
	static const char *const to[] = { "a@one.test", "b@one.test" };
	struct queue *q = open_it();
	uint64_t id = put(q, to, 2, 100, 1);
	struct queue_message *m = queue_find(q, id);
	struct envelope_progress p = { .tries = 1, .due = 1000 };
	struct pst_error err = { 0 };
	struct queue_job *job;
	struct arena *arena;
	struct envelope e;
	size_t n;

	job = queue_message_jobs(m, &n);
	cr_assert_eq(n, 1);
	cr_assert_eq(queue_load(q, m, &arena, &e, &err), PST_OK);
	e.recipient[0].state = RECIPIENT_DELIVERED;
	writes_left = 0;
	cr_assert_eq(queue_update(q, job, &e, &p, &err), PST_E_NOSPACE);
	expect_state(q, m, RECIPIENT_DELIVERED);
	writes_left = UINT_MAX;
	arena_free(&arena);
	/* The next word has it, too. */
	cr_assert_eq(queue_hold(q, m, true, "so", &err), PST_OK);
	expect_state(q, m, RECIPIENT_DELIVERED);
	queue_let_go(q, m);
	queue_close(&q);
	q = open_it();
	m = queue_find(q, id);
	expect_state(q, m, RECIPIENT_DELIVERED);
	queue_let_go(q, m);
	queue_close(&q);
}

/* --- kill -9 ----------------------------------------------------------------
 */

/* What the child has been told, in memory that outlives it. */
struct told {
	volatile uint64_t committed[4096];
	volatile size_t n;
	volatile bool settled[4096], finished[4096];
};

static void
work(struct told *told, unsigned seed)
{
	static const char *const to[] = { "a@one.test" };
	struct queue *q = open_it();
	struct pst_error err;

	srandom(seed);
	for (;;) {
		size_t i = told->n;
		bool more;

		if (i < 4096) {
			told->committed[i] = put(q, to, 1, 1500, (unsigned)i);
			told->n = i + 1;
		}
		if (random() % 2 == 0 && i > 0) {
			size_t old = (size_t)random() % i;
			struct queue_message *m = queue_find(
			    q, told->committed[old]);
			size_t n;

			if (m != NULL) {
				told->settled[old] = true;
				settle(q, queue_message_jobs(m, &n),
				    RECIPIENT_DELIVERED, "250", 1);
				queue_let_go(q, m);
				/* Counted as gone only when it is durable. */
				if (queue_tidy(q, &more, &err) == PST_OK)
					told->finished[old] = true;
			}
		}
		(void)queue_tidy(q, &more, &err);
	}
}

Test(queue, killed_at_any_time, .init = setup, .fini = teardown, .timeout = 120)
{
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(told, MAP_FAILED);
	for (unsigned round = 1; round <= 30; round++) {
		pid_t child = fork();
		struct queue *q;

		cr_assert_geq(child, 0);
		if (child == 0) {
			work(told, round);
			_exit(0);
		}
		(void)usleep((useconds_t)(10000 + random() % 40000));
		cr_assert_eq(kill(child, SIGKILL), 0);
		(void)waitpid(child, NULL, 0);
		q = open_it();
		for (size_t i = 0; i < told->n; i++) {
			struct queue_message *m = queue_find(
			    q, told->committed[i]);

			if (m == NULL) {
				cr_assert(told->settled[i],
				    "round %u: %zu is lost", round, i);
				continue;
			}
			queue_let_go(q, m);
			cr_assert_not(told->finished[i],
			    "round %u: %zu is there again", round, i);
			expect_content(
			    q, told->committed[i], 1500, (unsigned)i);
		}
		queue_close(&q);
	}
	cr_assert_gt(told->n, 30);
	(void)munmap(told, sizeof(*told));
}
