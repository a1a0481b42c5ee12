/*
 * trust/keys.c - a cache of key files. What it knows holds as long as the
 * directory of the domain has the same time.
 */
#include "trust/keys.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { DOMAINS_MAX = 10000 };

struct entry {
	char *domain;
	struct dkim_key_set *set;
	struct timespec changed;
	/* Two changes within one tick of the file system have the same time. */
	bool settled;
};

struct dkim_keys {
	char *dir;
	pthread_mutex_t lock; /* guards all below, and refs; a leaf */
	struct entry *entry;
	size_t n, cap;
};

struct dkim_keys *
dkim_keys_new(const char *dir)
{
	struct dkim_keys *k = mem_alloc(sizeof(*k));

	k->dir = str_dup(str_of(dir));
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

/* With the lock held. */
static void
unref(struct dkim_key_set **set)
{
	struct dkim_key_set *s = *set;

	*set = NULL;
	if (s == NULL || --s->refs > 0)
		return;
	dkim_key_files_fini(&s->files);
	free(s);
}

static void
forget(struct entry *e)
{
	unref(&e->set);
	free(e->domain);
}

void
dkim_keys_free(struct dkim_keys **kp)
{
	struct dkim_keys *k = *kp;

	if (k == NULL)
		return;
	*kp = NULL;
	for (size_t i = 0; i < k->n; i++)
		forget(&k->entry[i]);
	free(k->entry);
	pthread_mutex_destroy(&k->lock);
	free(k->dir);
	free(k);
}

static bool
found_one(void *arg, const char *domain)
{
	(void)domain;
	*(bool *)arg = true;
	return false;
}

bool
dkim_keys_any(struct dkim_keys *k)
{
	bool any = false;

	dkim_key_domains(k->dir, found_one, &any);
	return any;
}

static struct entry *
find(struct dkim_keys *k, const char *domain)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->entry[i].domain, domain) == 0)
			return &k->entry[i];
	return NULL;
}

static struct entry *
add(struct dkim_keys *k, const char *domain)
{
	if (k->n == DOMAINS_MAX)
		forget(&k->entry[--k->n]);
	mem_grow(&k->entry, &k->cap, k->n + 1, sizeof(*k->entry));
	k->entry[k->n] = (struct entry){ .domain = str_dup(str_of(domain)) };
	return &k->entry[k->n++];
}

static bool
is_current(const struct entry *e, const struct stat *st)
{
	return e->set != NULL && e->settled &&
	       e->changed.tv_sec == st->st_mtim.tv_sec &&
	       e->changed.tv_nsec == st->st_mtim.tv_nsec;
}

static void
read_again(struct dkim_keys *k, struct entry *e, const struct stat *st)
{
	struct dkim_key_set *set = mem_alloc(sizeof(*set));
	struct pst_error err = { 0 };

	if (dkim_key_files_read(k->dir, e->domain, &set->files, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "dkim-key", &err);
	set->refs = 1;
	unref(&e->set);
	e->set = set;
	e->changed = st->st_mtim;
	e->settled = st->st_mtim.tv_sec + 1 < clock_seconds();
}

struct dkim_key_set *
dkim_keys_of(struct dkim_keys *k, const char *domain)
{
	struct dkim_key_set *set = NULL;
	char path[PATH_MAX];
	struct entry *e;
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", k->dir, domain);

	if (n < 0 || n >= PATH_MAX || *domain == '.' ||
	    strchr(domain, '/') != NULL || stat(path, &st) < 0)
		return NULL;
	pthread_mutex_lock(&k->lock);
	e = find(k, domain);
	if (e == NULL)
		e = add(k, domain);
	if (!is_current(e, &st))
		read_again(k, e, &st);
	if (e->set->files.n > 0) {
		set = e->set;
		set->refs++;
	}
	pthread_mutex_unlock(&k->lock);
	return set;
}

void
dkim_keys_drop(struct dkim_keys *k, struct dkim_key_set **set)
{
	pthread_mutex_lock(&k->lock);
	unref(set);
	pthread_mutex_unlock(&k->lock);
}
