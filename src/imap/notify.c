/*
 * imap/notify.c - NOTIFY (RFC 5465): the command, and telling what happens.
 *
 * News of the selected mailbox come through its view, as always; those of all
 * others through a watch of the account (mailbox/watch.h). They are told when
 * no command is under way, by a run that has no command of its own, or within
 * IDLE. What is fetched of new messages follows then, too, so that it is never
 * in the way of a command's own answer.
 */
#include "imap/notify.h"

#include "base/clock.h"
#include "base/str.h"
#include "imap/announce.h"
#include "imap/commands.h"
#include "imap/context.h"
#include "imap/notify_parse.h"
#include "imap/respond.h"
#include "imap/status.h"
#include "mailbox/watch.h"
#include <stdlib.h>

/* What a push is at. */
enum phase { PHASE_SYNC, PHASE_FETCH, PHASE_OTHERS };

struct names {
	char **v;
	size_t n, cap;
};

struct imap_notify {
	struct watch *watch; /* NULL: nothing but the selected mailbox */
	struct arena *arena; /* of the groups */
	struct imap_notify_group *groups;
	unsigned selected;
	bool delayed;
	char *atts; /* or NULL */
	/* Kept up to date with what the account has. */
	struct names subscribed; /* when a group asks */
	bool names_changed;
	/* New in the selected mailbox: to be fetched; made by the session. */
	struct uidset fetch, own;
	bool stirred; /* woken, and not looked yet */
};

static void
free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct names){ 0 };
}

static void
add_name(struct names *names, const char *name)
{
	mem_grow(&names->v, &names->cap, names->n + 1, sizeof(*names->v));
	names->v[names->n++] = str_dup(str_of(name));
}

static void
free_notify(struct imap_notify **np)
{
	struct imap_notify *n = *np;

	*np = NULL;
	if (n == NULL)
		return;
	watch_close(&n->watch);
	arena_free(&n->arena);
	free_names(&n->subscribed);
	free(n->atts);
	uidset_fini(&n->fetch);
	uidset_fini(&n->own);
	free(n);
}

void
imap_notify_free(struct imap_session *s)
{
	free_notify(&s->notify);
}

unsigned
imap_notify_selected(const struct imap_session *s)
{
	return s->notify != NULL ? s->notify->selected
				 : (unsigned)IMAP_NOTIFY_MESSAGES;
}

void
imap_notify_mute(struct imap_session *s, bool mute)
{
	if (s->notify != NULL && s->notify->watch != NULL)
		watch_mute(s->notify->watch, mute);
}

/* --- which mailboxes ---------------------------------------------------------
 */

static bool
is_subscribed(const struct imap_notify *n, const char *name)
{
	for (size_t i = 0; i < n->subscribed.n; i++)
		if (strcmp(n->subscribed.v[i], name) == 0)
			return true;
	return false;
}

static bool
is_meant(const struct imap_notify *n, const struct imap_source *source,
    const char *name)
{
	switch (source->kind) {
	case IMAP_SOURCE_SELECTED:
	case IMAP_SOURCE_SELECTED_DELAYED:
		return false;
	case IMAP_SOURCE_INBOXES:
	case IMAP_SOURCE_PERSONAL:
		return true;
	case IMAP_SOURCE_SUBSCRIBED:
		return is_subscribed(n, name);
	case IMAP_SOURCE_SUBTREE:
	case IMAP_SOURCE_SUBTREE_ONE:
	case IMAP_SOURCE_MAILBOXES:
		break;
	}
	return imap_source_names(source, name);
}

/* Several groups may mean one mailbox (RFC 5465, 6). */
static unsigned
events_of(const struct imap_notify *n, const char *name)
{
	const struct imap_notify_group *g = n->groups;
	unsigned events = 0;

	for (; g != NULL; g = g->next)
		if (is_meant(n, &g->source, name))
			events |= g->events;
	return events;
}

static unsigned
all_events(const struct imap_notify *n)
{
	unsigned events = 0;

	for (const struct imap_notify_group *g = n->groups; g != NULL;
	     g = g->next)
		events |= g->events;
	return events;
}

static bool
asks_for_subscribed(const struct imap_notify *n)
{
	const struct imap_notify_group *g = n->groups;

	while (g != NULL && g->source.kind != IMAP_SOURCE_SUBSCRIBED)
		g = g->next;
	return g != NULL;
}

static void
collect_subscribed(void *arg, const struct pst_mailbox *row)
{
	struct imap_notify *n = arg;

	if (row->subscribed)
		add_name(&n->subscribed, row->name);
}

struct finding {
	const struct imap_notify *n;
	struct names found;
};

static void
collect_watched(void *arg, const struct pst_mailbox *row)
{
	struct finding *f = arg;

	if (row->exists && (events_of(f->n, row->name) & IMAP_NOTIFY_MESSAGES))
		add_name(&f->found, row->name);
}

/* Those whose messages matter. */
static enum pst_rc
find_watched(struct imap_session *s, struct imap_notify *n,
    struct names *names_r, struct pst_error *err)
{
	struct finding f = { .n = n };
	enum pst_rc rc = PST_OK;

	free_names(&n->subscribed);
	if (asks_for_subscribed(n))
		rc = mailbox_each(s->account, collect_subscribed, n, err);
	if (rc == PST_OK && (all_events(n) & IMAP_NOTIFY_MESSAGES))
		rc = mailbox_each(s->account, collect_watched, &f, err);
	*names_r = f.found;
	return rc;
}

static bool
is_too_many(const struct imap_session *s, size_t mailboxes)
{
	return mailboxes > (size_t)net_config(s->c)->imap.notify_mailboxes;
}

/* --- telling of other mailboxes
 * --------------------------------------------- */

/* RFC 5465, 5.8: as after NOTIFY NONE. */
static void
overflow(struct imap_session *s)
{
	free_notify(&s->notify);
	s->notify = mem_alloc(sizeof(*s->notify));
	(void)buf_puts(
	    imap_out(s), "* OK [NOTIFICATIONOVERFLOW] Too much happens\r\n");
}

/* There are other mailboxes now. False: too many, which is told. */
static bool
follow_names(struct imap_session *s)
{
	struct imap_notify *n = s->notify;
	struct names names;
	struct pst_error err;
	bool good;

	n->names_changed = false;
	if (find_watched(s, n, &names, &err) != PST_OK) {
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-notify", &err);
		free_names(&names);
		return true;
	}
	good = !is_too_many(s, names.n);
	if (good)
		watch_pin(n->watch, (const char *const *)names.v, names.n);
	else
		overflow(s);
	free_names(&names);
	return good;
}

static bool
is_selected(const struct imap_session *s, const char *name)
{
	return s->view != NULL && strcmp(view_name(s->view), name) == 0;
}

/* RFC 5465, 5.1 to 5.3 */
static unsigned
status_items(const struct imap_session *s, unsigned events,
    const struct watch_news *news)
{
	const unsigned modseq = IMAP_STATUS_HIGHESTMODSEQ;
	bool condstore = s->enabled & IMAP_CONDSTORE, flags;
	unsigned items = 0;

	if ((news->kinds & (WATCH_NEW | WATCH_GONE)) &&
	    (events & IMAP_NOTIFY_NEW))
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT;
	flags = (news->kinds & WATCH_FLAGS) && (events & IMAP_NOTIFY_FLAGS);
	if (flags && condstore)
		items |= IMAP_STATUS_UIDVALIDITY;
	if ((events & IMAP_NOTIFY_FLAGS) && (items != 0 || flags) &&
	    (news->kinds & (WATCH_NEW | WATCH_GONE | WATCH_SEEN)))
		items |= IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_UNSEEN;
	return items != 0 && condstore ? items | modseq : items;
}

static void
tell_status(struct imap_session *s, const char *name, unsigned items)
{
	struct mailbox_status st;
	struct pst_error err;
	enum pst_rc rc;

	if (items == 0)
		return;
	rc = mailbox_status(s->account, name, &st, &err);
	if (rc == PST_OK)
		imap_put_status(s, name, items, &st);
	else if (rc != PST_E_NOTFOUND) /* else it is gone meanwhile */
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-notify", &err);
}

static void
tell_messages(struct imap_session *s, const struct watch_news *news)
{
	struct imap_notify *n = s->notify;

	if (is_selected(s, news->mailbox))
		return;
	if (news->kinds & WATCH_STIRRED)
		watch_look(n->watch, news->mailbox);
	tell_status(s, news->mailbox,
	    status_items(s, events_of(n, news->mailbox), news));
}

/* RFC 5465, 5.4: what is above has children now, or has none any more. */
static void
tell_parent(struct imap_session *s, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *parent;

	if (slash == NULL)
		return;
	parent = str_dup(str_n(name, (size_t)(slash - name)));
	if (events_of(s->notify, parent) & IMAP_NOTIFY_NAME)
		imap_announce(s, parent, STR_NONE);
	free(parent);
}

static void
tell_name(struct imap_session *s, const struct watch_news *news)
{
	struct imap_notify *n = s->notify;
	unsigned events = events_of(n, news->mailbox);

	n->names_changed = true;
	if (news->kinds & WATCH_RENAMED)
		events |= events_of(n, news->other);
	if (!(events & IMAP_NOTIFY_NAME))
		return;
	imap_announce(s, news->mailbox, str_of(news->other));
	if (news->kinds & (WATCH_CREATED | WATCH_DELETED))
		tell_parent(s, news->mailbox);
}

static void
tell_subscription(struct imap_session *s, const struct watch_news *news)
{
	struct imap_notify *n = s->notify;
	const struct imap_notify_group *g = n->groups;
	unsigned events = events_of(n, news->mailbox);

	n->names_changed |= asks_for_subscribed(n);
	for (; g != NULL; g = g->next) /* it comes, or it was one */
		if (g->source.kind == IMAP_SOURCE_SUBSCRIBED)
			events |= g->events;
	if (events & IMAP_NOTIFY_SUBSCRIPTION)
		imap_announce(s, news->mailbox, STR_NONE);
}

/* "* METADATA mailbox entry": the value is asked for (RFC 5464, 4.4.2). */
static void
tell_metadata(struct imap_session *s, const struct watch_news *news)
{
	unsigned events = news->mailbox != NULL
			      ? events_of(s->notify, news->mailbox) &
				    IMAP_NOTIFY_METADATA
			      : all_events(s->notify) &
				    IMAP_NOTIFY_SERVER_METADATA;
	struct buf *out = imap_out(s);

	if (events == 0)
		return;
	(void)buf_puts(out, "* METADATA ");
	if (news->mailbox != NULL)
		imap_put_mailbox(out, news->mailbox, s->utf8);
	else
		(void)buf_puts(out, "\"\"");
	(void)buf_putc(out, ' ');
	imap_put_astring(out, str_of(news->other));
	(void)buf_puts(out, "\r\n");
}

static void
tell(struct imap_session *s, const struct watch_news *news)
{
	const unsigned names = WATCH_CREATED | WATCH_DELETED | WATCH_RENAMED;

	if (news->kinds & WATCH_MESSAGES)
		tell_messages(s, news);
	else if (news->kinds & names)
		tell_name(s, news);
	else if (news->kinds & WATCH_SUBSCRIBED)
		tell_subscription(s, news);
	else if (news->kinds & WATCH_METADATA)
		tell_metadata(s, news);
}

/* NEXT: all is told. */
static enum imap_step
tell_others(struct imap_session *s)
{
	struct imap_notify *n = s->notify;
	int64_t started = clock_monotonic();
	struct watch_news news;

	if (n->watch == NULL)
		return IMAP_NEXT;
	if (watch_is_overflown(n->watch)) {
		overflow(s);
		return IMAP_NEXT;
	}
	while (watch_take(n->watch, &news)) {
		tell(s, &news);
		watch_news_fini(&news);
		if (net_output_full(s->c))
			return IMAP_FULL;
		if (imap_slice_over(started))
			return IMAP_TURN;
	}
	if (n->names_changed)
		(void)follow_names(s);
	return IMAP_NEXT;
}

/* --- telling ----------------------------------------------------------------
 */

static bool
is_own_run(const struct imap_session *s)
{
	return s->run->tag == NULL;
}

static enum imap_step
end(struct imap_session *s)
{
	if (is_own_run(s)) {
		imap_end_run(s);
		return IMAP_NEXT;
	}
	arena_free(&s->run->arena); /* IDLE goes on */
	s->run->resume = NULL;
	return IMAP_NEXT;
}

static enum imap_step
sync_selected(struct imap_session *s)
{
	const struct imap_notify *n = s->notify;
	bool own = is_own_run(s);

	if (s->view == NULL || (n == NULL && own) ||
	    (n != NULL && n->selected == 0))
		return IMAP_NEXT;
	/* RFC 5465, 6.1.2: numbers stay as they are until a command. */
	return imap_sync(s, n == NULL || !n->delayed || !own);
}

static enum imap_step push(struct imap_session *s);

/* False: there is nothing new to be fetched. */
static bool
fetch_new(struct imap_session *s, enum imap_step *step_r)
{
	struct imap_notify *n = s->notify;
	struct uidset uids = { 0 };
	const char *atts = NULL;

	if (s->view == NULL)
		return false;
	if (n != NULL && n->fetch.n > 0 && n->atts != NULL) {
		uids = n->fetch;
		atts = n->atts;
		n->fetch = (struct uidset){ 0 };
	} else if (!imap_contexts_take_new(s, &uids, &atts)) {
		return false;
	}
	*step_r = imap_fetch_new(s, &uids, atts, push);
	uidset_fini(&uids);
	return true;
}

static enum imap_step
push(struct imap_session *s)
{
	enum imap_step step;

	if (s->push_phase == PHASE_SYNC) {
		step = sync_selected(s);
		if (step != IMAP_NEXT)
			return step;
		s->push_phase = PHASE_FETCH;
	}
	if (s->push_phase == PHASE_FETCH) {
		if (fetch_new(s, &step))
			return step; /* and here again */
		s->push_phase = PHASE_OTHERS;
	}
	step = s->notify != NULL ? tell_others(s) : IMAP_NEXT;
	return step == IMAP_NEXT ? end(s) : step;
}

static bool
has_news(struct imap_session *s)
{
	struct imap_notify *n = s->notify;
	bool stirred = n != NULL && n->stirred;

	if (imap_contexts_have_new(s) || (n != NULL && n->fetch.n > 0))
		return true;
	if (!stirred)
		return false;
	n->stirred = false;
	return (n->watch != NULL && watch_has_news(n->watch)) ||
	       (s->view != NULL && n->selected != 0 && view_is_behind(s->view));
}

bool
imap_notify_begin(struct imap_session *s)
{
	if (s->run != NULL || s->account == NULL || !has_news(s))
		return false;
	s->push_phase = PHASE_SYNC;
	imap_begin_run(s);
	s->run->def = imap_command_find(STR("NOTIFY"));
	s->run->resume = push;
	return true;
}

void
imap_notify_woken(struct imap_session *s)
{
	if (s->notify != NULL)
		s->notify->stirred = true;
}

enum imap_step
imap_notify_idle(struct imap_session *s)
{
	if (s->notify != NULL)
		s->notify->stirred = false;
	s->push_phase = PHASE_SYNC;
	s->run->resume = push;
	return IMAP_NEXT;
}

void
imap_notify_arrived(struct imap_session *s, uint32_t last)
{
	struct imap_notify *n = s->notify;
	uint32_t seq;

	if (n == NULL || n->atts == NULL || last == UINT32_MAX)
		return;
	seq = view_seq_from(s->view, last + 1);
	for (; seq <= view_count(s->view); seq++) {
		uint32_t uid = view_uid(s->view, seq);

		if (uidset_has(&n->own, uid))
			uidset_remove(&n->own, uid, uid);
		else
			uidset_add(&n->fetch, uid, uid);
	}
}

void
imap_notify_own(struct imap_session *s, const char *mailbox, uint32_t uid)
{
	if (s->notify != NULL && s->notify->atts != NULL &&
	    is_selected(s, mailbox))
		uidset_add(&s->notify->own, uid, uid);
}

void
imap_notify_deselected(struct imap_session *s)
{
	if (s->notify == NULL)
		return;
	uidset_clear(&s->notify->fetch);
	uidset_clear(&s->notify->own);
}

/* --- the command ------------------------------------------------------------
 */

struct setting {
	struct imap_notify *notify; /* until it is installed */
	bool status;
	struct names names;
	size_t at;
};

static void
cleanup(struct imap_session *s)
{
	struct setting *set = s->run->state;

	free_notify(&set->notify);
	free_names(&set->names);
}

char *
imap_notify_copy_atts(struct pst_str atts)
{
	struct buf text;
	char *copy;

	if (atts.p == NULL)
		return NULL;
	buf_init(&text, atts.n + 2);
	(void)buf_add_str(&text, atts);
	(void)buf_puts(&text, "\r\n");
	copy = str_dup(buf_str(&text));
	buf_fini(&text);
	return copy;
}

/* In memory of its own, no larger than need be. */
static struct imap_notify_group *
copy_groups(struct arena *a, const struct imap_notify_group *from)
{
	struct imap_notify_group *first = NULL;

	for (; from != NULL; from = from->next) {
		struct imap_notify_group *g = arena_alloc(a, sizeof(*g));

		*g = *from;
		if (from->source.names > 0)
			g->source.name = arena_alloc(
			    a, from->source.names * sizeof(*g->source.name));
		for (size_t i = 0; i < from->source.names; i++)
			g->source.name[i] = arena_text(
			    a, str_of(from->source.name[i]));
		g->next = first;
		first = g;
	}
	return first;
}

static struct imap_notify *
make(const struct imap_notify_wish *wish)
{
	struct imap_notify *n = mem_alloc(sizeof(*n));

	n->selected = wish->selected;
	n->delayed = wish->delayed;
	if (wish->groups != NULL) {
		n->arena = arena_new(0);
		n->groups = copy_groups(n->arena, wish->groups);
	}
	n->atts = imap_notify_copy_atts(wish->atts);
	return n;
}

/* What the watch has to hear of. */
static unsigned
kinds_of(unsigned events)
{
	unsigned kinds = 0;

	if (events & IMAP_NOTIFY_NEW)
		kinds |= WATCH_NEW | WATCH_GONE | WATCH_STIRRED;
	if (events & IMAP_NOTIFY_FLAGS)
		kinds |= WATCH_FLAGS | WATCH_SEEN;
	/* Names also because of what is watched. */
	if (events & (IMAP_NOTIFY_MESSAGES | IMAP_NOTIFY_NAME))
		kinds |= WATCH_CREATED | WATCH_DELETED | WATCH_RENAMED |
			 WATCH_SUBSCRIBED;
	if (events & IMAP_NOTIFY_SUBSCRIPTION)
		kinds |= WATCH_SUBSCRIBED;
	if (events & (IMAP_NOTIFY_METADATA | IMAP_NOTIFY_SERVER_METADATA))
		kinds |= WATCH_METADATA;
	return kinds;
}

/* RFC 5465, 3.1: what STATUS has to tell at once. */
static unsigned
first_items(const struct imap_session *s, unsigned events)
{
	unsigned items = 0;

	if (events & IMAP_NOTIFY_NEW)
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
			 IMAP_STATUS_UIDVALIDITY;
	if (events & IMAP_NOTIFY_FLAGS)
		items |= IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_UNSEEN |
			 IMAP_STATUS_HIGHESTMODSEQ;
	if (items != 0 && (s->enabled & IMAP_CONDSTORE))
		items |= IMAP_STATUS_HIGHESTMODSEQ;
	return items;
}

static enum imap_step
put_first_status(struct imap_session *s)
{
	struct setting *set = s->run->state;
	int64_t started = clock_monotonic();

	while (set->status && set->at < set->names.n) {
		const char *name = set->names.v[set->at++];

		if (!is_selected(s, name))
			tell_status(s, name,
			    first_items(s, events_of(s->notify, name)));
		if (net_output_full(s->c))
			return IMAP_FULL;
		if (imap_slice_over(started))
			return IMAP_TURN;
	}
	return imap_ok(s, "Notify completed");
}

static enum imap_step
install(struct imap_session *s)
{
	struct setting *set = s->run->state;
	struct net_handle wake = net_handle_of(s->c);
	unsigned kinds = kinds_of(all_events(set->notify));

	free_notify(&s->notify);
	s->notify = set->notify;
	set->notify = NULL;
	if (kinds != 0)
		s->notify->watch = watch_open(s->account, kinds, &wake);
	imap_notify_mute(s, true);
	if (s->notify->watch != NULL)
		watch_pin(s->notify->watch, (const char *const *)set->names.v,
		    set->names.n);
	s->run->resume = put_first_status;
	return IMAP_NEXT;
}

/* RFC 5465, 3.1: SET is a NOOP, too; under the wishes that end now the client
 * may have been told of nothing. */
static enum imap_step
tell_before(struct imap_session *s)
{
	if (s->view != NULL) {
		enum imap_step step = imap_sync(s, true);

		if (step != IMAP_NEXT)
			return step;
	}
	s->run->resume = install;
	return IMAP_NEXT;
}

static enum imap_step
bad_event(struct imap_session *s)
{
	struct buf *reply = &s->run->reply;

	buf_clear(reply);
	(void)buf_puts(reply, "NO [BADEVENT ");
	imap_put_notify_events(reply);
	(void)buf_puts(reply, "] Unsupported event");
	return imap_finish(s);
}

enum imap_step
imap_notify(struct imap_session *s, struct imap_parser *ps)
{
	struct setting *set = imap_alloc(s, sizeof(*set));
	struct imap_notify_wish wish;
	struct pst_error err;

	s->run->state = set;
	s->run->cleanup = cleanup;
	if (!imap_notify_parse(ps, &wish))
		return imap_bad_arguments(s, ps);
	if (wish.bad_event)
		return bad_event(s);
	set->notify = make(&wish);
	set->status = wish.status;
	if (find_watched(s, set->notify, &set->names, &err) != PST_OK)
		return imap_fail(s, &err, "[NONEXISTENT] No mailboxes");
	if (is_too_many(s, set->names.n))
		return imap_no(s, "[NOTIFICATIONOVERFLOW] Too many mailboxes");
	if (wish.none) {
		s->run->resume = install;
		return IMAP_NEXT;
	}
	if (s->view != NULL && view_refresh(s->view, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-refresh", &err);
	if (s->notify != NULL)
		s->notify->selected = IMAP_NOTIFY_MESSAGES;
	s->run->resume = tell_before;
	return IMAP_NEXT;
}
