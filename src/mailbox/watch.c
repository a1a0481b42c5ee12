/*
 * mailbox/watch.c - hearing of what changes in an account.
 *
 * All watches of an account hang on it. watch_lock guards the list and what the
 * watches have gathered; it is taken under any other lock, and nothing is
 * called under it but net_wake() and what watch_open_for() was given.
 */
#include "mailbox/watch.h"

#include "base/log.h"
#include "base/str.h"
#include "mailbox/priv.h"
#include <stdlib.h>

struct watch {
	struct mail_account *acct;
	struct watch *next; /* of the account */
	unsigned kinds;
	struct net_handle wake;
	bool has_wake;
	void (*fn)(void *arg); /* instead; or NULL */
	void *arg;
	/* Guarded by watch_lock. */
	bool muted, is_overflown;
	pthread_t actor; /* when muted */
	struct watch_news *news;
	size_t n, cap;
	/* Of the thread that has the watch. */
	struct mailbox **pin;
	size_t pins;
};

void
watch_news_fini(struct watch_news *news)
{
	free(news->mailbox);
	free(news->other);
	*news = (struct watch_news){ 0 };
}

/* --- gathering --------------------------------------------------------------
 */

static char *
copy(const char *text)
{
	return text != NULL ? str_dup(str_of(text)) : NULL;
}

static void
drop_all(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		watch_news_fini(&w->news[i]);
	w->n = 0;
}

/* News of messages in that mailbox, unless it has had its name only since. */
static struct watch_news *
find_messages(struct watch *w, const char *mailbox)
{
	for (size_t i = w->n; i > 0; i--) {
		struct watch_news *news = &w->news[i - 1];

		if (news->mailbox == NULL ||
		    strcmp(news->mailbox, mailbox) != 0)
			continue;
		if (news->kinds & WATCH_MESSAGES)
			return news;
		if (news->kinds & (WATCH_CREATED | WATCH_DELETED))
			return NULL;
	}
	return NULL;
}

/* What was to be told of the old name is true of the new one. */
static void
follow(struct watch *w, const char *from, const char *to)
{
	size_t n = strlen(from);
	struct buf name;

	for (size_t i = 0; i < w->n; i++) {
		struct watch_news *news = &w->news[i];

		if (!(news->kinds & WATCH_MESSAGES) ||
		    strncmp(news->mailbox, from, n) != 0 ||
		    (news->mailbox[n] != '\0' && news->mailbox[n] != '/'))
			continue;
		buf_init(&name, 65536);
		(void)buf_puts(&name, to);
		(void)buf_puts(&name, news->mailbox + n);
		free(news->mailbox);
		news->mailbox = str_dup(buf_str(&name));
		buf_fini(&name);
	}
}

static void
gather(struct watch *w, const char *mailbox, unsigned kinds, const char *other)
{
	struct watch_news *news = NULL;

	if (kinds & WATCH_RENAMED)
		follow(w, other, mailbox);
	if (kinds & WATCH_MESSAGES)
		news = find_messages(w, mailbox);
	if (news != NULL) {
		news->kinds |= kinds;
		return;
	}
	if (w->n == WATCH_NEWS_MAX) {
		drop_all(w);
		w->is_overflown = true;
		return;
	}
	mem_grow(&w->news, &w->cap, w->n + 1, sizeof(*w->news));
	news = &w->news[w->n++];
	news->kinds = kinds;
	news->mailbox = copy(mailbox);
	news->other = copy(other);
}

void
watch_tell(struct mail_account *acct, const char *mailbox, unsigned kinds,
    const char *other, bool own)
{
	if (kinds == 0 || atomic_load(&acct->watches) == NULL)
		return;
	pthread_mutex_lock(&acct->watch_lock);
	for (struct watch *w = acct->watches; w != NULL; w = w->next) {
		if (!(w->kinds & kinds) ||
		    (own && w->muted &&
			pthread_equal(w->actor, pthread_self())))
			continue;
		gather(w, mailbox, kinds & w->kinds, other);
		if (w->has_wake)
			net_wake(w->wake);
		if (w->fn != NULL)
			w->fn(w->arg);
	}
	pthread_mutex_unlock(&acct->watch_lock);
}

void
watch_tell_text(struct mail_account *acct, const char *key)
{
	watch_tell(acct, NULL, WATCH_TEXT, key, true);
}

/* --- a watch ----------------------------------------------------------------
 */

static struct watch *
begin(struct mail_account *acct, struct watch *w)
{
	account_take(acct);
	w->acct = acct;
	pthread_mutex_lock(&acct->watch_lock);
	w->next = atomic_load(&acct->watches);
	atomic_store(&acct->watches, w);
	pthread_mutex_unlock(&acct->watch_lock);
	return w;
}

struct watch *
watch_open(
    struct mail_account *acct, unsigned kinds, const struct net_handle *wake)
{
	struct watch *w = mem_alloc(sizeof(*w));

	w->kinds = kinds;
	w->has_wake = wake != NULL;
	if (wake != NULL)
		w->wake = *wake;
	return begin(acct, w);
}

struct watch *
watch_open_for(
    struct mail_account *acct, unsigned kinds, void (*fn)(void *arg), void *arg)
{
	struct watch *w = mem_alloc(sizeof(*w));

	w->kinds = kinds;
	w->fn = fn;
	w->arg = arg;
	return begin(acct, w);
}

static void
unlink_watch(struct watch *w)
{
	struct watch *at = atomic_load(&w->acct->watches);

	if (at == w) {
		atomic_store(&w->acct->watches, w->next);
		return;
	}
	while (at->next != w)
		at = at->next;
	at->next = w->next;
}

void
watch_close(struct watch **wp)
{
	struct watch *w = *wp;
	struct mail_account *acct;

	*wp = NULL;
	if (w == NULL)
		return;
	acct = w->acct;
	watch_pin(w, NULL, 0);
	pthread_mutex_lock(&acct->watch_lock);
	unlink_watch(w);
	pthread_mutex_unlock(&acct->watch_lock);
	drop_all(w);
	free(w->news);
	free(w);
	mail_account_close(&acct);
}

bool
watch_has_news(struct watch *w)
{
	bool has;

	pthread_mutex_lock(&w->acct->watch_lock);
	has = w->n > 0 || w->is_overflown;
	pthread_mutex_unlock(&w->acct->watch_lock);
	return has;
}

bool
watch_take(struct watch *w, struct watch_news *news_r)
{
	bool has;

	*news_r = (struct watch_news){ 0 };
	pthread_mutex_lock(&w->acct->watch_lock);
	has = w->n > 0;
	if (has) {
		*news_r = w->news[0];
		w->n--;
		memmove(w->news, w->news + 1, w->n * sizeof(*w->news));
	}
	if (w->n == 0) { /* an idle watch holds nothing */
		free(w->news);
		w->news = NULL;
		w->cap = 0;
	}
	pthread_mutex_unlock(&w->acct->watch_lock);
	return has;
}

bool
watch_is_overflown(struct watch *w)
{
	bool was;

	pthread_mutex_lock(&w->acct->watch_lock);
	was = w->is_overflown;
	w->is_overflown = false;
	pthread_mutex_unlock(&w->acct->watch_lock);
	return was;
}

void
watch_mute(struct watch *w, bool mute)
{
	pthread_mutex_lock(&w->acct->watch_lock);
	w->muted = mute;
	w->actor = pthread_self();
	pthread_mutex_unlock(&w->acct->watch_lock);
}

/* --- pins -------------------------------------------------------------------
 */

/* NULL: it cannot be opened. */
static struct mailbox *
pin(struct mail_account *acct, const char *name)
{
	struct mailbox *mb;
	struct pst_error err;
	enum pst_rc rc = mailbox_get(acct, name, MAILBOX_LOADED, &mb, &err);

	if (rc == PST_OK) {
		pthread_mutex_lock(&mb->io);
		if (mb->box == NULL) {
			rc = PST_E_NOTFOUND;
		} else {
			pthread_mutex_lock(&mb->lock);
			mb->pins++;
			pthread_mutex_unlock(&mb->lock);
			if (!mb->watched)
				mailbox_watch(mb);
			/* What happened before the watch began. */
			if (mailbox_refresh(mb, &err) != PST_OK)
				log_failure(PST_LOG_WARNING, 0, "watch", &err);
		}
		pthread_mutex_unlock(&mb->io);
		if (rc != PST_OK)
			mailbox_put(&mb);
	} else if (rc != PST_E_NOTFOUND) {
		log_failure(PST_LOG_WARNING, 0, "watch", &err);
	}
	return rc == PST_OK ? mb : NULL;
}

static void
unpin(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	mb->pins--;
	pthread_mutex_unlock(&mb->lock);
	mailbox_unwatch(mb);
	mailbox_put(&mb);
}

void
watch_look(struct watch *w, const char *mailbox)
{
	struct mailbox *mb = mailbox_find(w->acct, mailbox);
	struct pst_error err;

	if (mb == NULL) /* put away: whoever opens it looks */
		return;
	pthread_mutex_lock(&mb->io);
	if (atomic_load(&mb->stirred) && mailbox_refresh(mb, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "watch", &err);
	pthread_mutex_unlock(&mb->io);
	mailbox_put(&mb);
}

/* Takes it out of those that were pinned before, if it is among them. */
static struct mailbox *
keep(struct watch *w, const char *name)
{
	for (size_t i = 0; i < w->pins; i++) {
		struct mailbox *mb = w->pin[i];

		if (mb == NULL || atomic_load(&mb->dead) ||
		    strcmp(mb->name, name) != 0)
			continue;
		w->pin[i] = NULL;
		return mb;
	}
	return NULL;
}

void
watch_pin(struct watch *w, const char *const *names, size_t n)
{
	struct mailbox **now = mem_array(n + 1, sizeof(struct mailbox *)), *mb;
	size_t pins = 0;

	for (size_t i = 0; i < n; i++) {
		mb = keep(w, names[i]);
		if (mb == NULL)
			mb = pin(w->acct, names[i]);
		if (mb != NULL)
			now[pins++] = mb;
	}
	for (size_t i = 0; i < w->pins; i++)
		if (w->pin[i] != NULL)
			unpin(w->pin[i]);
	free(w->pin);
	w->pin = now;
	w->pins = pins;
	if (n == 0) {
		free(w->pin);
		w->pin = NULL;
	}
}
