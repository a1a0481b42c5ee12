/*
 * exchange/sending.c - see sending.h.
 */
#include "exchange/sending_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum {
	HOUR = 3600,
	DAY = 24 * HOUR,
	BUCKETS = 1024,
	IDLE = 2 * HOUR, /* then a user is only in the file */
	TELL_AGAIN = 60, /* seconds */
};

struct sending {
	pthread_mutex_t lock; /* guards all */
	struct sending_file *file;
	struct sender *bucket[BUCKETS];
	bool is_changed; /* somebody is */
};

/* --- users ------------------------------------------------------------------
 */

struct sender *
sending_sender_new(const char *user)
{
	struct sender *s = mem_alloc(sizeof(*s));

	(void)str_copy(s->user, sizeof(s->user), str_of(user));
	return s;
}

void
sending_sender_free(struct sender *s)
{
	free(s->known.slot);
	free(s);
}

/* What is in memory, or else in the file, or else a new one. What cannot be
 * read begins anew. */
static struct sender *
sender_of(struct sending *s, struct pst_str user)
{
	struct sender **at = &s->bucket[sending_hash(user) % BUCKETS], *found;
	struct pst_error err = { 0 };
	char name[321];

	for (found = *at; found != NULL; found = found->next)
		if (str_is_case(user, found->user))
			break;
	if (found == NULL) {
		(void)str_copy(name, sizeof(name), user);
		for (char *p = name; *p != '\0'; p++)
			*p = ascii_lower(*p);
		found = sending_sender_new(name);
		found->is_known_changed = true; /* until it is in the file */
		if (sending_file_read(s->file, found, &err) != PST_OK)
			log_failure(PST_LOG_ERROR, 0, "sending", &err);
		found->next = *at;
		*at = found;
	}
	found->used = clock_seconds();
	return found;
}

static void
change(struct sending *s, struct sender *one)
{
	one->is_changed = s->is_changed = true;
}

/* Empties what is too old in both rings. A clock that goes back changes
 * nothing. */
static void
turn(struct sending_counts *c)
{
	int64_t hour = clock_seconds() / HOUR;
	int64_t part = clock_seconds() / SENDING_PART;

	if (hour - c->hour > SENDING_HOURS)
		c->hour = hour - SENDING_HOURS;
	while (c->hour < hour)
		c->day[++c->hour % SENDING_HOURS] = (struct sending_count){ 0 };
	if (part - c->part > SENDING_PARTS)
		c->part = part - SENDING_PARTS;
	while (c->part < part)
		c->messages[++c->part % SENDING_PARTS] = 0;
}

static struct sending_count *
this_hour(struct sending_counts *c)
{
	return &c->day[c->hour % SENDING_HOURS];
}

static void
fill_row(struct sender *s, struct sending_row *r)
{
	*r = (struct sending_row){ .since = s->since, .held = s->held };
	turn(&s->counts);
	for (size_t i = 0; i < SENDING_PARTS; i++)
		r->messages_hour += s->counts.messages[i];
	for (size_t i = 0; i < SENDING_HOURS; i++) {
		r->messages_day += s->counts.day[i].messages;
		r->recipients_day += s->counts.day[i].recipients;
		r->new_recipients_day += s->counts.day[i].fresh;
		r->bounces_day += s->counts.day[i].bounces;
	}
	(void)str_copy(r->user, sizeof(r->user), str_of(s->user));
	(void)str_copy(r->reason, sizeof(r->reason), str_of(s->reason));
}

/* --- limits -----------------------------------------------------------------
 */

static bool
is_among(const struct config_strings *patterns, const char *user)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (str_fits(patterns->v[i], user))
			return true;
	return false;
}

void
sending_limits(
    const struct config *cfg, const char *user, struct sending_limits *l)
{
	*l = (struct sending_limits){
		.messages_hour = cfg->sending.messages_hour,
		.messages_day = cfg->sending.messages_day,
		.recipients_day = cfg->sending.recipients_day,
		.new_recipients_day = cfg->sending.new_recipients_day,
		.bounce_share = cfg->sending.bounce_share,
	};
	for (size_t i = 0; i < cfg->sending_users_blocks; i++) {
		const struct config_sending_users *u = &cfg->sending_users[i];

		if (!is_among(&u->users, user))
			continue;
		*l = (struct sending_limits){
			.messages_hour = u->messages_hour,
			.messages_day = u->messages_day,
			.recipients_day = u->recipients_day,
			.new_recipients_day = u->new_recipients_day,
			.bounce_share = u->bounce_share,
		};
		return;
	}
}

static bool
is_beyond(int64_t limit, uint64_t n, const char *what, char why[SENDING_REASON])
{
	if (limit == 0 || n <= (uint64_t)limit)
		return false;
	(void)snprintf(
	    why, SENDING_REASON, "more than %" PRId64 " %s", limit, what);
	return true;
}

static bool
is_too_much(const struct sending_limits *l, const struct sending_row *r,
    char why[SENDING_REASON])
{
	return is_beyond(l->messages_hour, r->messages_hour,
		   "messages in an hour", why) ||
	       is_beyond(l->messages_day, r->messages_day, "messages in a day",
		   why) ||
	       is_beyond(l->recipients_day, r->recipients_day,
		   "recipients in a day", why) ||
	       is_beyond(l->new_recipients_day, r->new_recipients_day,
		   "recipients in a day that were never written to before",
		   why);
}

static void
brake(struct sending *s, struct sender *one, const char *why)
{
	one->since = clock_seconds();
	one->held = 0;
	one->told = false;
	one->tell_after = 0;
	(void)str_copy(one->reason, sizeof(one->reason), str_of(why));
	change(s, one);
	log_event(PST_LOG_WARNING, 0, "sending-braked", "user", one->user,
	    "why", why, NULL);
}

/* --- what is asked
 * ------------------------------------------------------------
 */

/* With the brake on. */
static enum sending_verdict
hold(struct sending *s, struct sender *one, const struct config *cfg)
{
	if (cfg->sending.held > 0 && one->held >= cfg->sending.held)
		return cfg->sending.beyond == CONFIG_BEYOND_REJECT
			   ? SENDING_NEVER
			   : SENDING_LATER;
	one->held++;
	change(s, one);
	return SENDING_HELD;
}

static size_t
count_fresh(struct sender *one, const struct envelope *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->recipients; i++)
		n += !sending_is_known(
		    &one->known, sending_entry(e->recipient[i].address));
	return n;
}

static void
add(struct sender *one, const struct envelope *e, size_t fresh, bool note)
{
	struct sending_count *now = this_hour(&one->counts);

	now->messages++;
	now->recipients += (uint32_t)e->recipients;
	now->fresh += (uint32_t)fresh;
	one->counts.messages[one->counts.part % SENDING_PARTS]++;
	for (size_t i = 0; i < e->recipients && note; i++)
		if (sending_known_note(
			&one->known, sending_entry(e->recipient[i].address)))
			one->is_known_changed = true;
}

enum sending_verdict
sending_count(struct sending *s, const struct config *cfg,
    const struct envelope *e, char why[SENDING_REASON])
{
	enum sending_verdict verdict = SENDING_FREE;
	struct sending_limits limits;
	struct sending_row after;
	struct sender *one;
	size_t fresh = 0;

	*why = '\0';
	if (!cfg->sending.enabled || e->author.n == 0 || e->author.n > 320)
		return SENDING_FREE;
	pthread_mutex_lock(&s->lock);
	one = sender_of(s, e->author);
	sending_limits(cfg, one->user, &limits);
	/* Who may write to anybody need not be remembered for it. */
	if (limits.new_recipients_day > 0)
		fresh = count_fresh(one, e);
	fill_row(one, &after);
	after.messages_hour++;
	after.messages_day++;
	after.recipients_day += e->recipients;
	after.new_recipients_day += fresh;
	if (one->since == 0 && is_too_much(&limits, &after, why))
		brake(s, one, why);
	if (one->since != 0) {
		verdict = hold(s, one, cfg);
		(void)str_copy(why, SENDING_REASON, str_of(one->reason));
	} else {
		add(one, e, fresh, limits.new_recipients_day > 0);
		change(s, one);
	}
	pthread_mutex_unlock(&s->lock);
	return verdict;
}

void
sending_bounced(struct sending *s, const struct config *cfg,
    const struct envelope *e, size_t n)
{
	struct sending_limits limits;
	struct sending_row row;
	struct sender *one;
	char why[SENDING_REASON];

	/* An old one says nothing of this day. */
	if (!cfg->sending.enabled || n == 0 || e->author.n == 0 ||
	    e->author.n > 320 || clock_seconds() - e->arrived > DAY)
		return;
	pthread_mutex_lock(&s->lock);
	one = sender_of(s, e->author);
	turn(&one->counts);
	this_hour(&one->counts)->bounces += (uint32_t)n;
	change(s, one);
	sending_limits(cfg, one->user, &limits);
	fill_row(one, &row);
	if (limits.bounce_share > 0 && one->since == 0 &&
	    row.bounces_day >= (uint64_t)cfg->sending.bounce_least &&
	    row.bounces_day * 100 >=
		row.recipients_day * (uint64_t)limits.bounce_share) {
		(void)snprintf(why, sizeof(why),
		    "%" PRIu64 " of %" PRIu64
		    " recipients in a day could not be reached",
		    row.bounces_day, row.recipients_day);
		brake(s, one, why);
	}
	pthread_mutex_unlock(&s->lock);
}

bool
sending_is_braked(
    struct sending *s, struct pst_str user, char why[SENDING_REASON])
{
	struct sender *one;
	bool is_braked;

	if (user.n == 0 || user.n > 320)
		return false;
	pthread_mutex_lock(&s->lock);
	one = sender_of(s, user);
	is_braked = one->since != 0;
	(void)str_copy(why, SENDING_REASON, str_of(one->reason));
	pthread_mutex_unlock(&s->lock);
	return is_braked;
}

/* --- the file
 * ----------------------------------------------------------------- */

static enum pst_rc
write_changed(struct sending *s, struct pst_error *err)
{
	enum pst_rc rc;

	if (!s->is_changed)
		return PST_OK;
	rc = sending_file_begin(s->file, err);
	for (size_t i = 0; i < BUCKETS && rc == PST_OK; i++)
		for (struct sender *one = s->bucket[i];
		     one != NULL && rc == PST_OK; one = one->next)
			if (one->is_changed)
				rc = sending_file_write(s->file, one, err);
	if (rc == PST_OK) {
		rc = sending_file_commit(s->file, err);
	} else {
		struct pst_error other;

		(void)sending_file_commit(s->file, &other);
	}
	if (rc != PST_OK)
		return rc;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct sender *one = s->bucket[i]; one != NULL;
		     one = one->next)
			one->is_changed = one->is_known_changed = false;
	s->is_changed = false;
	return PST_OK;
}

static void
forget_idle(struct sending *s)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct sender **at = &s->bucket[i]; *at != NULL;) {
			struct sender *one = *at;

			if (one->is_changed || one->since != 0 ||
			    clock_seconds() - one->used < IDLE) {
				at = &one->next;
				continue;
			}
			*at = one->next;
			sending_sender_free(one);
		}
}

void
sending_tick(struct sending *s)
{
	struct pst_error err = { 0 };

	pthread_mutex_lock(&s->lock);
	if (write_changed(s, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "sending", &err);
	forget_idle(s);
	pthread_mutex_unlock(&s->lock);
}

/* Who is braked is always in memory. */
static void
load_braked(void *arg, const struct sender *row)
{
	struct sender ***end = arg;
	struct sender *one = sending_sender_new(row->user);

	**end = one;
	*end = &one->next;
}

enum pst_rc
sending_open(const char *path, struct sending **s_r, struct pst_error *err)
{
	struct sending *s = mem_alloc(sizeof(*s));
	struct sender *list = NULL, **end = &list, *one;
	enum pst_rc rc;

	pthread_mutex_init(&s->lock, NULL);
	rc = sending_file_open(path, &s->file, err);
	if (rc == PST_OK)
		rc = sending_file_each(s->file, true, load_braked, &end, err);
	while ((one = list) != NULL) {
		list = one->next;
		if (rc == PST_OK)
			(void)sender_of(s, str_of(one->user));
		sending_sender_free(one);
	}
	if (rc != PST_OK)
		sending_close(&s);
	*s_r = s;
	return rc;
}

void
sending_close(struct sending **sp)
{
	struct sending *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	if (s->file != NULL)
		sending_tick(s);
	for (size_t i = 0; i < BUCKETS; i++)
		while (s->bucket[i] != NULL) {
			struct sender *one = s->bucket[i];

			s->bucket[i] = one->next;
			sending_sender_free(one);
		}
	sending_file_close(&s->file);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- administration
 * ------------------------------------------------------------ */

enum pst_rc
sending_lift(struct sending *s, const char *user, struct pst_error *err)
{
	struct sender *one;
	enum pst_rc rc;

	if (strlen(user) > 320)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no such user");
	pthread_mutex_lock(&s->lock);
	one = sender_of(s, str_of(user));
	if (one->since == 0) {
		rc = pst_fail(
		    err, PST_E_NOTFOUND, 0, "the brake is not on for %s", user);
	} else {
		one->since = 0;
		one->held = 0;
		one->reason[0] = '\0';
		one->counts = (struct sending_counts){ 0 };
		change(s, one);
		rc = write_changed(s, err);
		log_event(
		    PST_LOG_INFO, 0, "sending-lifted", "user", one->user, NULL);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

struct each {
	void (*fn)(void *arg, const struct sending_row *row);
	void *arg;
};

static void
give_row(void *arg, const struct sender *found)
{
	struct each *e = arg;
	struct sender one = *found;
	struct sending_row row;

	fill_row(&one, &row);
	e->fn(e->arg, &row);
}

enum pst_rc
sending_each(struct sending *s, bool braked,
    void (*fn)(void *arg, const struct sending_row *row), void *arg,
    struct pst_error *err)
{
	struct each e = { fn, arg };
	enum pst_rc rc;

	pthread_mutex_lock(&s->lock);
	rc = write_changed(s, err);
	if (rc == PST_OK)
		rc = sending_file_each(s->file, braked, give_row, &e, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

bool
sending_to_tell(struct sending *s, struct sending_row *row_r)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < BUCKETS && !found; i++)
		for (struct sender *one = s->bucket[i]; one != NULL && !found;
		     one = one->next) {
			found = one->since != 0 && !one->told &&
				one->tell_after <= clock_monotonic();
			if (found)
				fill_row(one, row_r);
		}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void
sending_told(struct sending *s, const char *user, bool done)
{
	struct sender *one;

	pthread_mutex_lock(&s->lock);
	one = sender_of(s, str_of(user));
	one->told = done;
	one->tell_after = clock_monotonic() + INT64_C(1000000) * TELL_AGAIN;
	change(s, one);
	pthread_mutex_unlock(&s->lock);
}
