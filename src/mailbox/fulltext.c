/*
 * mailbox/fulltext.c - who has to be indexed, and when: a queue of mailboxes
 * and the thread that goes through it.
 *
 * A mailbox in the queue is referenced, so it stays open: no more wait than
 * limits.open_mailboxes, but for those that a search wants. Who finds no room
 * comes when it is opened or gets mail again. The thread is started by the
 * first one.
 */
#include "mailbox/fulltext.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/fulltext_priv.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { NICE = 10 };

/* After a failure, as a full disk, there is no use in trying at once. */
#define RETRY_TIME (INT64_C(300) * 1000000)

struct text_job {
	struct text_job *next;
	struct mailbox *mb;
	int64_t due;	/* clock_monotonic */
	bool is_wanted; /* by a search; else only where there is an index */
	bool rebuild;
};

static bool
has_index(const struct mailbox *mb)
{
	const struct fulltext *ft = &mb->acct->ms->fulltext;

	return mb->acct->st->ops->text_put != NULL && atomic_load(&ft->is_on);
}

/* --- the queue ---------------------------------------------------------------
 */

void
fulltext_configure(struct mailstore *ms, const struct config *cfg)
{
	struct fulltext *ft = &ms->fulltext;

	atomic_store(&ft->is_on, cfg->search.fulltext);
	atomic_store(&ft->all, cfg->search.index == CONFIG_INDEX_ALL);
	atomic_store(&ft->delay, cfg->search.delay * 1000000);
	atomic_store(&ft->most, (size_t)cfg->limits.open_mailboxes);
}

void
fulltext_init(struct mailstore *ms, const struct config *cfg)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&ms->fulltext.lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ms->fulltext.moved, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	fulltext_configure(ms, cfg);
}

static void *thread_main(void *arg);

/* ft->lock is held, and taken by the thread first of all. */
static void
start_thread(struct mailstore *ms)
{
	struct fulltext *ft = &ms->fulltext;

	if (!ft->is_running && !ft->quit)
		ft->is_running = pthread_create(
				     &ft->thread, NULL, thread_main, ms) == 0;
}

/* ft->lock is held. */
static bool
has_room(const struct fulltext *ft, const struct mailbox *mb, bool is_wanted)
{
	return is_wanted || mb->text_job != NULL || ft->jobs == 0 ||
	       ft->jobs < atomic_load(&ft->most);
}

static void
enqueue(struct mailbox *mb, bool is_wanted, bool rebuild)
{
	struct mailstore *ms = mb->acct->ms;
	struct fulltext *ft = &ms->fulltext;
	int64_t due = clock_monotonic();
	bool earlier;

	if (!is_wanted)
		due += atomic_load(&ft->delay);
	pthread_mutex_lock(&ft->lock);
	if (ft->quit || atomic_load(&mb->acct->text_banned) > 0 ||
	    !has_room(ft, mb, is_wanted)) {
		pthread_mutex_unlock(&ft->lock);
		return;
	}
	earlier = mb->text_job == NULL || due < mb->text_job->due;
	if (mb->text_job == NULL) {
		mb->text_job = mem_alloc(sizeof(*mb->text_job));
		mb->text_job->mb = mb;
		mb->text_job->due = due;
		mb->text_job->next = ft->first;
		ft->first = mb->text_job;
		ft->jobs++;
		mailbox_take(mb);
	}
	mb->text_job->is_wanted |= is_wanted;
	mb->text_job->rebuild |= rebuild;
	if (earlier) {
		mb->text_job->due = due;
		start_thread(ms);
		pthread_cond_broadcast(&ft->moved);
	}
	pthread_mutex_unlock(&ft->lock);
}

void
fulltext_stir(struct mailbox *mb)
{
	if (!has_index(mb) || atomic_load(&mb->text_state) == TEXT_NONE ||
	    clock_monotonic() < atomic_load(&mb->text_retry))
		return;
	enqueue(mb, false, false);
}

static void
want(struct mailbox *mb)
{
	atomic_store(&mb->text_doubt, true);
	if (clock_monotonic() >= atomic_load(&mb->text_retry))
		enqueue(mb, true, false);
}

/* Takes the job out that is due first. */
static struct text_job *
take_job(struct fulltext *ft, struct text_job **at)
{
	struct text_job *job = *at;

	ft->jobs--;
	*at = job->next;
	job->mb->text_job = NULL;
	return job;
}

static struct text_job **
first_due(struct fulltext *ft)
{
	struct text_job **best = NULL;

	for (struct text_job **at = &ft->first; *at != NULL; at = &(*at)->next)
		if (best == NULL || (*at)->due < (*best)->due)
			best = at;
	return best;
}

/* Puts away what is in the queue, of one account only when it is not NULL. */
static void
clear_queue(struct mailstore *ms, const struct mail_account *only)
{
	struct fulltext *ft = &ms->fulltext;
	struct text_job *taken = NULL, **at = &ft->first;

	pthread_mutex_lock(&ft->lock);
	while (*at != NULL) {
		struct text_job *job;

		if (only != NULL && (*at)->mb->acct != only) {
			at = &(*at)->next;
			continue;
		}
		job = take_job(ft, at);
		job->next = taken;
		taken = job;
	}
	pthread_mutex_unlock(&ft->lock);
	while (taken != NULL) {
		struct text_job *job = taken;

		taken = job->next;
		mailbox_put(&job->mb);
		free(job);
	}
}

void
fulltext_ban(struct mail_account *acct)
{
	struct fulltext *ft = &acct->ms->fulltext;

	atomic_fetch_add(&acct->text_banned, 1);
	clear_queue(acct->ms, acct);
	pthread_mutex_lock(&ft->lock);
	while (ft->current == acct)
		pthread_cond_wait(&ft->moved, &ft->lock);
	pthread_mutex_unlock(&ft->lock);
}

void
fulltext_unban(struct mail_account *acct)
{
	atomic_fetch_sub(&acct->text_banned, 1);
}

void
fulltext_stop(struct mailstore *ms)
{
	struct fulltext *ft = &ms->fulltext;

	pthread_mutex_lock(&ft->lock);
	ft->quit = true;
	pthread_cond_broadcast(&ft->moved);
	pthread_mutex_unlock(&ft->lock);
	if (ft->is_running)
		(void)pthread_join(ft->thread, NULL);
	clear_queue(ms, NULL);
	pthread_mutex_destroy(&ft->lock);
	pthread_cond_destroy(&ft->moved);
}

/* --- the thread --------------------------------------------------------------
 */

static bool
must_stop(void *arg)
{
	struct mailbox *mb = arg;
	struct fulltext *ft = &mb->acct->ms->fulltext;
	bool quit;

	pthread_mutex_lock(&ft->lock);
	quit = ft->quit;
	pthread_mutex_unlock(&ft->lock);
	return quit || !atomic_load(&ft->is_on) ||
	       atomic_load(&mb->acct->text_banned) > 0;
}

/* Whether this mailbox has an index, or is to get one. */
static bool
decide(const struct text_job *job, const struct config *cfg)
{
	struct mailbox *mb = job->mb;

	if (atomic_load(&mb->text_state) == TEXT_KEPT)
		return true;
	if (job->is_wanted || cfg->search.index == CONFIG_INDEX_ALL ||
	    fulltext_exists(mb, fulltext_version(cfg))) {
		atomic_store(&mb->text_state, TEXT_KEPT);
		return true;
	}
	atomic_store(&mb->text_state, TEXT_NONE);
	return false;
}

static bool
is_loaded(struct mailbox *mb)
{
	bool loaded;

	pthread_mutex_lock(&mb->lock);
	loaded = mb->loaded;
	pthread_mutex_unlock(&mb->lock);
	return loaded;
}

/* Its messages have to be known. */
static bool
load(struct mailbox *mb, struct pst_error *err)
{
	struct mailbox *loaded;

	if (is_loaded(mb))
		return true;
	if (mailbox_get(mb->acct, mb->name, MAILBOX_LOADED, &loaded, err) !=
	    PST_OK)
		return false;
	mailbox_put(&loaded);
	return is_loaded(mb);
}

static void
work(const struct text_job *job, const struct config *cfg)
{
	struct mailbox *mb = job->mb;
	struct pst_error err = { 0 };
	enum pst_rc rc = PST_OK;
	bool more = false;

	if (atomic_load(&mb->dead) || must_stop(mb) || !decide(job, cfg) ||
	    !load(mb, &err))
		return;
	if (job->rebuild) {
		rc = fulltext_drop(mb, &err);
		atomic_store(&mb->text_doubt, true);
	}
	if (rc == PST_OK)
		rc = fulltext_fill(mb, cfg, must_stop, mb, &more, &err);
	if (must_stop(mb))
		return;
	if (more) /* behind those that wait already */
		enqueue(mb, true, false);
	if (rc == PST_OK)
		return;
	if (rc == PST_E_NOTFOUND) { /* deleted, or renamed just now */
		if (!atomic_load(&mb->dead))
			enqueue(mb, false, false);
		return;
	}
	log_failure(PST_LOG_WARNING, 0, "fulltext", &err);
	atomic_store(&mb->text_doubt, true);
	atomic_store(&mb->text_retry, clock_monotonic() + RETRY_TIME);
}

static void
run(struct mailstore *ms, struct text_job *job)
{
	struct config *cfg = mailstore_config(ms);

	work(job, cfg);
	config_unref(&cfg);
	pthread_mutex_lock(&ms->fulltext.lock);
	ms->fulltext.current_box = NULL;
	pthread_mutex_unlock(&ms->fulltext.lock);
	mailbox_put(&job->mb);
	free(job);
}

static void
wait_until(struct fulltext *ft, int64_t due)
{
	struct timespec until = { .tv_sec = due / 1000000,
		.tv_nsec = due % 1000000 * 1000 };

	(void)pthread_cond_timedwait(&ft->moved, &ft->lock, &until);
}

static void *
thread_main(void *arg)
{
	struct mailstore *ms = arg;
	struct fulltext *ft = &ms->fulltext;

	/* A thread's own on Linux. Who is waited for comes first. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	pthread_mutex_lock(&ft->lock);
	while (!ft->quit) {
		struct text_job **at = first_due(ft), *job;

		if (at == NULL) {
			pthread_cond_wait(&ft->moved, &ft->lock);
			continue;
		}
		if ((*at)->due > clock_monotonic()) {
			wait_until(ft, (*at)->due);
			continue;
		}
		job = take_job(ft, at);
		ft->current = job->mb->acct;
		ft->current_box = job->mb;
		pthread_mutex_unlock(&ft->lock);
		run(ms, job);
		pthread_mutex_lock(&ft->lock);
		ft->current = NULL;
		pthread_cond_broadcast(&ft->moved);
	}
	pthread_mutex_unlock(&ft->lock);
	return NULL;
}

enum pst_rc
fulltext_hold_box(struct mailbox *mb, struct pst_error *err)
{
	enum pst_rc rc = mailbox_hold_box(mb, err);

	if (rc != PST_OK || mb->acct->st->ops->text_put != NULL)
		return rc;
	pthread_rwlock_unlock(&mb->box_lock);
	return pst_fail(err, PST_E_NOTFOUND, 0,
	    "%s: went to a storage without a full-text index", mb->name);
}

/* --- searching ---------------------------------------------------------------
 */

struct sorting {
	const struct mailbox_view *v;
	uint32_t at; /* index of the first uid that was not decided */
	struct view_text *result;
	bool any, missing;
};

/* What comes before `uid` is not in the index. */
static void
pass_missing(struct sorting *s, uint64_t uid)
{
	const struct mailbox_view *v = s->v;

	for (; s->at < v->count && v->uids->uid[s->at] < uid; s->at++) {
		uint32_t mine = v->uids->uid[s->at];

		uidset_add(&s->result->unsure, mine, mine);
		s->missing = true;
	}
}

static void
sort_answer(void *arg, uint32_t uid, enum pst_text_answer answer)
{
	struct sorting *s = arg;

	s->any = true;
	pass_missing(s, uid);
	if (s->at == s->v->count || s->v->uids->uid[s->at] != uid)
		return; /* gone, or not seen yet */
	s->at++;
	if (answer == PST_TEXT_YES)
		uidset_add(&s->result->yes, uid, uid);
	else if (answer == PST_TEXT_MAYBE)
		uidset_add(&s->result->unsure, uid, uid);
}

bool
view_text_search(struct mailbox_view *v, struct pst_str needle, bool headers,
    struct view_text *result_r)
{
	struct mailbox *mb = v->mb;
	struct sorting s = { .v = v, .result = result_r };
	struct config *cfg;
	struct pst_error err;
	enum pst_rc rc;
	uint64_t version;

	*result_r = (struct view_text){ .last = view_uid(v, v->count) };
	if (!has_index(mb) || v->count == 0)
		return false;
	cfg = mailstore_config(mb->acct->ms);
	version = fulltext_version(cfg);
	config_unref(&cfg);
	rc = fulltext_hold_box(mb, &err);
	if (rc == PST_OK) {
		rc = mb->acct->st->ops->text_search(
		    mb->box, version, needle, headers, sort_answer, &s, &err);
		pthread_rwlock_unlock(&mb->box_lock);
	}
	pass_missing(&s, UINT64_MAX);
	if (s.missing)
		want(mb);
	if (rc == PST_OK && s.any)
		return true;
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		log_failure(PST_LOG_WARNING, 0, "fulltext", &err);
	view_text_fini(result_r);
	return false;
}

void
view_text_fini(struct view_text *t)
{
	uidset_fini(&t->yes);
	uidset_fini(&t->unsure);
}

/* --- for administrators ------------------------------------------------------
 */

static enum pst_rc
get(struct mail_account *acct, const char *name, struct mailbox **mb_r,
    struct pst_error *err)
{
	*mb_r = NULL;
	if (acct->st->ops->text_put == NULL)
		return pst_fail(err, PST_E_UNSUPPORTED, 0,
		    "storage \"%s\" has no full-text index",
		    acct->st->cfg->name);
	if (!atomic_load(&acct->ms->fulltext.is_on))
		return pst_fail(err, PST_E_UNSUPPORTED, 0,
		    "the full-text index is switched off: search.fulltext");
	return mailbox_get(acct, name, MAILBOX_LOADED, mb_r, err);
}

struct counting {
	const struct uid_array *uids;
	size_t n, at;
	uint32_t found;
};

static void
count_present(void *arg, uint32_t uid, enum pst_text_answer answer)
{
	struct counting *c = arg;

	(void)answer;
	while (c->at < c->n && c->uids->uid[c->at] < uid)
		c->at++;
	c->found += c->at < c->n && c->uids->uid[c->at] == uid;
}

static enum pst_rc
count_indexed(
    struct mailbox *mb, struct mailbox_text *status_r, struct pst_error *err)
{
	struct config *cfg = mailstore_config(mb->acct->ms);
	uint64_t version = fulltext_version(cfg);
	struct pst_text_state state = { 0 };
	struct uid_array *uids;
	struct counting c = { 0 };
	enum pst_rc rc;

	config_unref(&cfg);
	pthread_mutex_lock(&mb->lock);
	c.uids = uids = uid_array_ref(mb->uids);
	c.n = uids != NULL ? mb->n : 0;
	pthread_mutex_unlock(&mb->lock);
	rc = fulltext_hold_box(mb, err);
	if (rc == PST_OK) {
		rc = mb->acct->st->ops->text_state(
		    mb->box, version, &state, err);
		if (rc == PST_OK)
			rc = mb->acct->st->ops->text_search(mb->box, version,
			    STR_NONE, true, count_present, &c, err);
		pthread_rwlock_unlock(&mb->box_lock);
	}
	status_r->messages = (uint32_t)c.n;
	status_r->indexed = c.found;
	status_r->bytes = state.bytes;
	uid_array_drop(&uids);
	return rc;
}

enum pst_rc
mailbox_text_status(struct mail_account *acct, const char *name,
    struct mailbox_text *status_r, struct pst_error *err)
{
	struct fulltext *ft = &acct->ms->fulltext;
	struct mailbox *mb;
	enum pst_rc rc = get(acct, name, &mb, err);

	*status_r = (struct mailbox_text){ 0 };
	if (rc != PST_OK)
		return rc;
	rc = count_indexed(mb, status_r, err);
	pthread_mutex_lock(&ft->lock);
	status_r->is_behind = mb->text_job != NULL || ft->current_box == mb;
	pthread_mutex_unlock(&ft->lock);
	status_r->is_kept = status_r->bytes > 0 || status_r->is_behind;
	mailbox_put(&mb);
	return rc;
}

enum pst_rc
mailbox_text_rebuild(
    struct mail_account *acct, const char *name, struct pst_error *err)
{
	struct mailbox *mb;
	enum pst_rc rc = get(acct, name, &mb, err);

	if (rc != PST_OK)
		return rc;
	atomic_store(&mb->text_retry, 0);
	enqueue(mb, true, true);
	mailbox_put(&mb);
	return PST_OK;
}

void
mailbox_text_waiting(struct mailstore *ms, mailbox_text_fn fn, void *arg)
{
	struct fulltext *ft = &ms->fulltext;

	pthread_mutex_lock(&ft->lock);
	if (ft->current_box != NULL)
		fn(arg, ft->current_box->acct->id, ft->current_box->name, true);
	for (const struct text_job *job = ft->first; job != NULL;
	     job = job->next)
		fn(arg, job->mb->acct->id, job->mb->name, false);
	pthread_mutex_unlock(&ft->lock);
}
