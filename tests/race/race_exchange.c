/*
 * The exchange agent under several threads: messages come, are tried, fail and
 * are told of, while administrators list, hold, release and delete. No server
 * is ever reached: some domains do not exist, the DNS is silent about others. A
 * plain program for ThreadSanitizer; ends with 0 when no message is lost.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "exchange/exchange.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PUTTERS = 4, EACH = 250, ROUNDS = 60 };

static struct exchange *agent;
static _Atomic unsigned failed, deleted;
static atomic_bool over;
static char dir[] = "/tmp/postern-race-XXXXXX";

static void
lookup(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *a)
{
	(void)arg;
	(void)type;
	(void)deadline;
	*a = (struct dns_answer){
		.status = name[0] == 'n' ? DNS_NXDOMAIN : DNS_FAILED, .ttl = 60
	};
}

static enum pst_rc
notify(void *arg, struct pst_str to, const struct pst_str *part, size_t parts,
    bool require_tls, struct pst_error *err)
{
	(void)arg;
	(void)require_tls;
	(void)to;
	(void)part;
	(void)parts;
	(void)err;
	atomic_fetch_add(&failed, 1);
	return PST_OK;
}

static void *
putter(void *arg)
{
	const unsigned me = *(unsigned *)arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct queue_writer *w = queue_write_new(exchange_queue(agent));
		char to[40];
		struct envelope_recipient r = { .notify = NOTIFY_FAILURE };
		struct envelope e = { .sender = STR("a@here.test"),
			.recipient = &r,
			.recipients = 1 };
		struct pst_error err;
		uint64_t id;

		(void)snprintf(to, sizeof(to), "x@%c%u.test",
		    (i + me) % 2 == 0 ? 'n' : 's', i % 20);
		r.address = str_of(to);
		if (queue_write(w, "A: b\r\n\r\n", 8, &err) != PST_OK ||
		    queue_commit(w, &e, &id, &err) != PST_OK)
			abort();
		queue_write_free(&w);
	}
	return NULL;
}

static void
visit(uint64_t id, unsigned what)
{
	struct queue *q = exchange_queue(agent);
	struct queue_message *m = queue_find(q, id);
	struct arena *arena;
	struct envelope e;
	struct pst_error err;
	struct queue_job *job;
	size_t jobs;

	if (m == NULL)
		return;
	if (queue_load(q, m, &arena, &e, &err) == PST_OK)
		arena_free(&arena);
	job = queue_message_jobs(m, &jobs);
	if (what % 7 < 2) {
		(void)queue_hold(q, m, what % 7 == 0, "test", &err);
		schedule_hurry(exchange_schedule(agent), job);
	} else if (what % 7 == 2) {
		schedule_hurry(exchange_schedule(agent), job);
	}
	queue_let_go(q, m);
	if (what % 50 == 3 && queue_delete(q, id, &err) == PST_OK)
		atomic_fetch_add(&deleted, 1);
}

static void
count_rows(void *arg, const struct schedule_row *row)
{
	*(size_t *)arg += row->ready;
}

static void *
administrator(void *arg)
{
	unsigned what = 0;

	(void)arg;
	while (!atomic_load(&over)) {
		size_t n, ready = 0;
		uint64_t *ids = queue_ids(exchange_queue(agent), &n);

		for (size_t i = 0; i < n; i += 5)
			visit(ids[i], what++);
		free(ids);
		schedule_each(exchange_schedule(agent), count_rows, &ready);
		(void)usleep(1000);
	}
	return NULL;
}

static void
remove_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	while (d != NULL && (e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		(void)unlink(path);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

static bool
start(void)
{
	static const struct exchange_host host = { .dns = { lookup, NULL },
		.notify = notify };
	struct pst_error err = { 0 };
	struct config *cfg;
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "hostname = \"here.test\"\ndomains = { \"here.test\" }\n"
	    "listener smtp {\n protocol = smtp\n}\n"
	    "storage maildir {\n path = \"/nowhere\"\n}\n"
	    "queue {\n path = \"%s\"\n segment = 64K\n}\n"
	    "log {\n level = error\n}\n",
	    dir);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	if (cfg == NULL || exchange_start(cfg, &host, &agent, &err) != PST_OK) {
		(void)fprintf(stderr, "%s\n", err.detail);
		return false;
	}
	config_unref(&cfg);
	return true;
}

int
main(void)
{
	pthread_t thread[PUTTERS], admin;
	unsigned number[PUTTERS];
	struct queue_count count;
	bool good;

	(void)log_open(LOG_TO_STDERR, NULL, LOG_PLAIN, PST_LOG_ERROR);
	if (mkdtemp(dir) == NULL || !start())
		return 1;
	for (unsigned i = 0; i < PUTTERS; i++) {
		number[i] = i;
		if (pthread_create(&thread[i], NULL, putter, &number[i]) != 0)
			return 1;
	}
	if (pthread_create(&admin, NULL, administrator, NULL) != 0)
		return 1;
	for (int i = 0; i < PUTTERS; i++)
		(void)pthread_join(thread[i], NULL);
	for (int i = 0; i < ROUNDS; i++) {
		clock_advance(INT64_C(30) * 60 * 1000000);
		(void)usleep(5000);
	}
	atomic_store(&over, true);
	(void)pthread_join(admin, NULL);
	exchange_stop(&agent);
	good = start();
	if (good) {
		queue_count(exchange_queue(agent), &count);
		/* Some may be deleted while their failure is told. */
		good = failed + deleted + count.messages >= PUTTERS * EACH &&
		       failed + count.messages <= PUTTERS * EACH;
		(void)printf("%u failed, %u deleted, %zu left\n", failed,
		    deleted, count.messages);
		exchange_stop(&agent);
	}
	remove_dir();
	return good ? 0 : 1;
}
