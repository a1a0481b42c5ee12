/*
 * race_store.c - a store under many threads at once, for a thread sanitizer:
 * commits to several mailboxes, body() and ident() beside flags and expunges,
 * moves, changes by other programs while the mailboxes are watched, calls on
 * the account in between, watch and unwatch all the time.
 *
 *     race_store MODULE.so [seconds=N] path=DIR [key=value ...]
 *
 * With a module that keeps a Maildir under path= a thread delivers and removes
 * files there as another program would.
 */
#include <postern/module.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { BOXES = 3 };

struct pst_section {
	char **pair;
	int n;
};

/* A mailbox with the lock that the server would hold around its calls; body()
 * and ident() go without. */
struct shared {
	pthread_mutex_t lock;
	struct pst_box *box;
	const char *name;
	atomic_uint last;    /* the newest uid */
	atomic_uint changed; /* how often the store called */
	atomic_bool watched;
};

static const struct pst_store_ops *ops;
static struct pst_section section;
static struct pst_store *store;
static struct pst_acct *account;
static struct shared shared[BOXES] = { { .name = "INBOX" }, { .name = "One" },
	{ .name = "Two" } };
static atomic_bool stop;
static atomic_uint failures;
static const char text[] = "Subject: race\r\n\r\nwho is first\r\n";

static void
host_log(enum pst_log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static const char *
host_config(const struct pst_section *s, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < s->n; i++)
		if (strncmp(s->pair[i], key, n) == 0 && s->pair[i][n] == '=')
			return s->pair[i] + n + 1;
	return NULL;
}

static int64_t
host_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
host_random(void *p, size_t n)
{
	if (n > 256 || getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

static void
host_changed(void *cookie)
{
	struct shared *s = cookie;

	if (!atomic_load(&s->watched)) {
		(void)fprintf(stderr, "called after unwatch()\n");
		atomic_fetch_add(&failures, 1);
	}
	atomic_fetch_add(&s->changed, 1);
}

static const struct pst_host host = { .size = sizeof(host),
	.log = host_log,
	.config = host_config,
	.now = host_now,
	.random = host_random,
	.changed = host_changed };

static void
must(enum pst_rc rc, const struct pst_error *err, const char *what)
{
	if (rc == PST_OK)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err->detail);
	atomic_fetch_add(&failures, 1);
	atomic_store(&stop, true);
}

static void
no_row(void *arg, const struct pst_row *row)
{
	struct shared *s = arg;

	if (s != NULL && row->uid > atomic_load(&s->last))
		atomic_store(&s->last, row->uid);
}

static void
no_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void
no_copy(void *arg, uint32_t uid, const struct pst_row *row)
{
	(void)uid;
	no_row(arg, row);
}

static void
lock(struct shared *s)
{
	(void)pthread_mutex_lock(&s->lock);
}

static void
unlock(struct shared *s)
{
	(void)pthread_mutex_unlock(&s->lock);
}

/* --- what the threads do -------------------------------------------------- */

static void *
deliver(void *arg)
{
	unsigned n = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		struct pst_append a = { .internal_date = 1, .flags = n % 4 };
		struct pst_error err;
		struct pst_row row;

		must(ops->stage_new(store, 0, &a.stage, &err), &err, "stage");
		must(ops->stage_write(a.stage, text, strlen(text), &err), &err,
		    "write");
		must(ops->stage_sync(a.stage, &err), &err, "sync");
		for (int i = 0; i < BOXES && !atomic_load(&stop); i++) {
			struct shared *s = &shared[i];

			a.last = i == BOXES - 1;
			lock(s);
			must(ops->commit(s->box, &a, 1, &row, &err), &err,
			    "commit");
			if (row.uid > atomic_load(&s->last))
				atomic_store(&s->last, row.uid);
			unlock(s);
		}
		ops->stage_free(a.stage);
		n++;
	}
	return NULL;
}

static void *
change(void *arg)
{
	struct shared *s = arg;
	struct shared *to = s == &shared[BOXES - 1] ? NULL : s + 1;
	const struct pst_delta delta = {
		.arg = s, .gone = no_uid, .changed = no_row, .appended = no_row
	};

	for (unsigned n = 0; !atomic_load(&stop); n++) {
		const struct pst_flag_change how = { .op = n % 3,
			.flags = n % 32,
			.unchanged_since = UINT64_MAX };
		uint32_t last = atomic_load(&s->last);
		struct pst_range some = { last > 20 ? last - 20 : 1, last + 1 };
		struct pst_range old = { 1, last > 200 ? last - 200 : 1 };
		struct pst_range mid = { last > 9 ? last - 9 : 1,
			last > 8 ? last - 8 : 1 };
		struct pst_error err;

		lock(s);
		must(ops->flags(s->box, (struct pst_uids){ &some, 1 }, &how,
			 no_row, no_uid, NULL, &err),
		    &err, "flags");
		must(ops->expunge(s->box, (struct pst_uids){ &old, 1 }, no_uid,
			 NULL, &err),
		    &err, "expunge");
		must(ops->refresh(s->box, &delta, &err), &err, "refresh");
		if (to != NULL) {
			lock(to);
			must(ops->move(s->box, (struct pst_uids){ &mid, 1 },
				 to->box, no_copy, to, &err),
			    &err, "move");
			unlock(to);
		}
		unlock(s);
	}
	return NULL;
}

static void *
watch(void *arg)
{
	struct shared *s = arg;

	while (!atomic_load(&stop) && ops->watch != NULL) {
		const struct timespec t = { 0, 3000000 };
		struct pst_error err;

		lock(s);
		atomic_store(&s->watched, true);
		must(ops->watch(s->box, s, &err), &err, "watch");
		unlock(s);
		(void)nanosleep(&t, NULL);
		lock(s);
		ops->unwatch(s->box);
		atomic_store(&s->watched, false);
		unlock(s);
	}
	return NULL;
}

static void *
read_bodies(void *arg)
{
	struct shared *s = arg;
	unsigned n = 0;

	while (!atomic_load(&stop)) {
		uint32_t last = atomic_load(&s->last);
		uint32_t uid = last > n % 50 ? last - n % 50 : 1;
		struct pst_error err;
		struct pst_body body;
		enum pst_rc rc = ops->body(s->box, uid, &body, &err);
		char id[40];

		n++;
		if (rc != PST_E_NOTFOUND)
			must(rc, &err, "body");
		if (rc != PST_OK)
			continue;
		if (body.length == 0) {
			(void)fprintf(stderr, "an empty body\n");
			atomic_fetch_add(&failures, 1);
		}
		body.release(&body);
		if (ops->ident != NULL)
			(void)ops->ident(s->box, uid, id, &err);
	}
	return NULL;
}

static void
no_name(void *arg, const struct pst_mailbox *m)
{
	(void)arg;
	(void)m;
}

static void
no_value(void *arg, const char *key, struct pst_str value)
{
	(void)arg;
	(void)key;
	(void)value;
}

static void *
use_account(void *arg)
{
	(void)arg;
	for (unsigned n = 0; !atomic_load(&stop); n++) {
		struct pst_acct *again;
		struct pst_usage usage;
		struct pst_error err;
		bool created;

		must(ops->list(account, no_name, NULL, &err), &err, "list");
		must(ops->usage(account, &usage, &err), &err, "usage");
		must(ops->meta_set(account, "One", "/private/n",
			 (struct pst_str){ n % 2 ? "v" : NULL, n % 2 }, &err),
		    &err, "meta_set");
		must(ops->meta_get(account, "One", "", no_value, NULL, &err),
		    &err, "meta_get");
		must(ops->create(account, "Tmp", "", &err), &err, "create");
		must(ops->rename(account, "Tmp", "Tmp2", &err), &err, "rename");
		must(ops->remove(account, "Tmp2", &err), &err, "remove");
		must(ops->acct_open(
			 store, "race@example.test", &again, &created, &err),
		    &err, "acct_open");
		ops->acct_close(again);
	}
	return NULL;
}

/* Another program: delivers, marks and removes in INBOX. */
static void *
outside(void *arg)
{
	const char *root = arg;
	char from[600], to[600], dir[500];

	for (unsigned n = 0; !atomic_load(&stop); n++) {
		const struct timespec t = { 0, 2000000 };
		struct dirent *d;
		DIR *open_dir;
		int fd;

		(void)snprintf(dir, sizeof(dir), "%s/example.test/race", root);
		(void)snprintf(from, sizeof(from), "%.490s/tmp/%u.out", dir, n);
		(void)snprintf(to, sizeof(to), "%.490s/new/%u.out", dir, n);
		fd = open(from, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			break; /* not that kind of store */
		if (write(fd, text, strlen(text)) < 0)
			abort();
		(void)close(fd);
		(void)rename(from, to);
		(void)nanosleep(&t, NULL);
		(void)snprintf(
		    dir, sizeof(dir), "%.450s/example.test/race/new", root);
		open_dir = opendir(dir);
		for (int k = 0; open_dir && k < 6 && (d = readdir(open_dir));
		     k++) {
			if (d->d_name[0] == '.')
				continue;
			(void)snprintf(from, sizeof(from), "%.300s/%.255s", dir,
			    d->d_name);
			(void)snprintf(to, sizeof(to),
			    "%.300s/../cur/%.200s:2,S", dir, d->d_name);
			if (n % 3 == 0)
				(void)unlink(from);
			else
				(void)rename(from, to);
		}
		if (open_dir != NULL)
			(void)closedir(open_dir);
	}
	return NULL;
}

/* --- the program ---------------------------------------------------------- */

static void
open_all(void)
{
	struct pst_error err = { 0 };
	bool created;

	must(ops->open(&host, &section, &store, &err), &err, "open");
	if (store == NULL)
		exit(2);
	must(ops->acct_open(
		 store, "race@example.test", &account, &created, &err),
	    &err, "acct_open");
	for (int i = 0; i < BOXES; i++) {
		struct shared *s = &shared[i];

		(void)pthread_mutex_init(&s->lock, NULL);
		if (i > 0)
			(void)ops->create(account, s->name, "", &err);
		must(ops->box_open(account, s->name, &s->box, &err), &err,
		    "box_open");
		must(ops->load(s->box, no_row, s, &err), &err, "load");
	}
}

static void
start(pthread_t *thread, unsigned *n, void *(*run)(void *), void *arg)
{
	if (pthread_create(&thread[(*n)++], NULL, run, arg) != 0)
		abort();
}

int
main(int argc, char **argv)
{
	const struct pst_module *(*entry)(void);
	pthread_t thread[8 + 3 * BOXES];
	char *path = NULL;
	const char *seconds;
	unsigned n = 0;
	void *so;

	if (argc < 2) {
		(void)fprintf(stderr,
		    "usage: %s MODULE.so [seconds=N] [key=value...]\n",
		    argv[0]);
		return 2;
	}
	so = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (so == NULL) {
		(void)fprintf(stderr, "race_store: %s\n", dlerror());
		return 2;
	}
	*(void **)&entry = dlsym(so, PST_MODULE_ENTRY);
	if (entry == NULL)
		return 2;
	ops = entry()->store;
	section = (struct pst_section){ argv + 2, argc - 2 };
	for (int i = 2; i < argc; i++)
		if (strncmp(argv[i], "path=", 5) == 0)
			path = argv[i] + 5;
	seconds = host_config(&section, "seconds");
	open_all();
	start(thread, &n, deliver, NULL);
	start(thread, &n, deliver, NULL);
	start(thread, &n, use_account, NULL);
	if (path != NULL)
		start(thread, &n, outside, path);
	for (int i = 0; i < BOXES; i++) {
		start(thread, &n, change, &shared[i]);
		start(thread, &n, watch, &shared[i]);
		start(thread, &n, read_bodies, &shared[i]);
	}
	(void)sleep(seconds ? (unsigned)strtoul(seconds, NULL, 10) : 8);
	atomic_store(&stop, true);
	while (n-- > 0)
		(void)pthread_join(thread[n], NULL);
	for (int i = 0; i < BOXES; i++) {
		(void)printf("%s: uid %u, told %u times\n", shared[i].name,
		    atomic_load(&shared[i].last),
		    atomic_load(&shared[i].changed));
		ops->box_close(shared[i].box);
	}
	ops->acct_close(account);
	ops->close(store);
	(void)printf("%u failures\n", atomic_load(&failures));
	return atomic_load(&failures) ? 1 : 0;
}
