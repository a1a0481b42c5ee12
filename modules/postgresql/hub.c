/*
 * hub.c - LISTEN and NOTIFY, see hub.h. The payload of a notification is the
 * sender's name and what it changed: "node m12 m13 a5", mailboxes and accounts
 * by id.
 */
#include "postgresql.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	COMPARE_US = 5000000, /* between two comparisons */
	GATHER_US = 1000,     /* between two notifications of this server */
	RETRY_FIRST_US = 100000,
	RETRY_MOST_US = 5000000,
	ANSWER_MS = 5000,
	PAYLOAD = 7900, /* PostgreSQL takes less than 8000 */
	TOLD_MOST = 65536,
};

/* --- who listens -----------------------------------------------------------
 */

static struct pg_ear **
place_of(struct pg_hub *h, enum pg_ear_kind kind, int64_t id)
{
	uint64_t x = (uint64_t)id * 2 + (kind == PG_EAR_ACCOUNT);

	return &h->bucket[x * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

static void
wake(struct pg_hub *h)
{
	const uint64_t one = 1;

	while (write(h->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void
hub_add(struct pst_store *s, struct pg_ear *ear)
{
	struct pg_hub *h = &s->hub;
	struct pg_ear **at = place_of(h, ear->kind, ear->id);

	pthread_mutex_lock(&h->lock);
	if (!ear->is_in) {
		ear->next = *at;
		*at = ear;
		ear->is_in = true;
		h->ears++;
	}
	pthread_mutex_unlock(&h->lock);
}

void
hub_remove(struct pst_store *s, struct pg_ear *ear)
{
	struct pg_hub *h = &s->hub;
	struct pg_ear **at = place_of(h, ear->kind, ear->id);

	pthread_mutex_lock(&h->lock);
	if (ear->is_in) {
		while (*at != ear)
			at = &(*at)->next;
		*at = ear->next;
		ear->is_in = false;
		h->ears--;
	}
	ear->cookie = NULL;
	pthread_mutex_unlock(&h->lock);
}

void
hub_set_cookie(struct pst_store *s, struct pg_ear *ear, void *cookie)
{
	pthread_mutex_lock(&s->hub.lock);
	ear->cookie = cookie;
	pthread_mutex_unlock(&s->hub.lock);
}

bool
hub_hears(struct pst_store *s)
{
	bool hears;

	pthread_mutex_lock(&s->hub.lock);
	hears = s->hub.is_connected;
	pthread_mutex_unlock(&s->hub.lock);
	return hears;
}

/* Somebody else changed it. An account may be open more than once. */
static void
stir(struct pst_store *s, enum pg_ear_kind kind, int64_t id, uint64_t *known)
{
	struct pg_hub *h = &s->hub;
	void (*call)(void *cookie) = kind == PG_EAR_BOX
					 ? s->host->changed
					 : s->host->account_changed;

	pthread_mutex_lock(&h->lock);
	for (struct pg_ear *e = *place_of(h, kind, id); e; e = e->next) {
		if (e->kind != kind || e->id != id)
			continue;
		atomic_fetch_add(&e->stirs, 1);
		if (known != NULL && kind == PG_EAR_ACCOUNT)
			atomic_store(&e->known, *known);
		if (e->cookie != NULL && call != NULL)
			call(e->cookie);
	}
	pthread_mutex_unlock(&h->lock);
}

/* --- telling ---------------------------------------------------------------
 */

void
hub_tell(struct pst_store *s, enum pg_ear_kind kind, int64_t id)
{
	struct pg_hub *h = &s->hub;
	bool is_first;

	pthread_mutex_lock(&h->lock);
	is_first = h->told_n == 0;
	/* More than that is found by comparing. */
	if (h->told_n < TOLD_MOST) {
		if (h->told_n == h->told_cap) {
			h->told_cap = h->told_cap ? h->told_cap * 2 : 64;
			h->told = pg_grow(
			    h->told, h->told_cap, sizeof(*h->told));
		}
		(void)snprintf(h->told[h->told_n++], sizeof(*h->told), "%c%lld",
		    kind == PG_EAR_BOX ? 'm' : 'a', (long long)id);
	}
	pthread_mutex_unlock(&h->lock);
	if (is_first)
		wake(h);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Waits for the end of a plain statement; its last result or NULL. */
static PGresult *
answer(struct pg_conn *c)
{
	int64_t deadline = pg_monotonic() + (int64_t)ANSWER_MS * 1000;
	PGresult *last = NULL, *r;

	for (;;) {
		int flush = PQflush(c->pg);
		struct pollfd p = { .fd = PQsocket(c->pg),
			.events = (short)(POLLIN | (flush > 0 ? POLLOUT : 0)) };

		while (!PQisBusy(c->pg)) {
			r = PQgetResult(c->pg);
			if (r == NULL)
				return last;
			PQclear(last);
			last = r;
		}
		if (flush < 0 || pg_monotonic() > deadline ||
		    (poll(&p, 1, 1000) < 0 && errno != EINTR) ||
		    ((p.revents & ~POLLOUT) && !PQconsumeInput(c->pg)))
			break;
	}
	PQclear(last);
	return NULL;
}

static PGresult *
ask(struct pg_hub *h, const char *sql, const struct pg_params *p)
{
	const char *value[PG_PARAMS];
	PGresult *r = NULL;

	pg_values(p, value);
	if (PQsendQueryParams(
		h->conn->pg, sql, p->n, NULL, value, p->length, p->format, 1))
		r = answer(h->conn);
	if (r == NULL || PQresultStatus(r) == PGRES_FATAL_ERROR) {
		h->conn->is_broken = true;
		PQclear(r);
		r = NULL;
	}
	return r;
}

static void
notify(struct pst_store *s, const char *payload)
{
	struct pg_params p = { 0 };

	pg_p_text(&p, s->config.schema);
	pg_p_text(&p, payload);
	PQclear(ask(&s->hub, "SELECT pg_notify($1::text, $2::text)", &p));
}

/* One thing once, as many in one notification as go into it. */
static void
send_told(struct pst_store *s, char (*told)[24], size_t n)
{
	struct pg_hub *h = &s->hub;
	char payload[PAYLOAD + 1];
	size_t used = 0;

	qsort(told, n, sizeof(*told), compare_texts);
	for (size_t i = 0; i < n && !h->conn->is_broken; i++) {
		if (i > 0 && strcmp(told[i], told[i - 1]) == 0)
			continue;
		if (used == 0)
			used = (size_t)snprintf(
			    payload, sizeof(payload), "%s", h->node);
		used += (size_t)snprintf(
		    payload + used, sizeof(payload) - used, " %s", told[i]);
		if (used + sizeof(*told) + 1 > PAYLOAD) {
			notify(s, payload);
			used = 0;
		}
	}
	if (used > 0 && !h->conn->is_broken)
		notify(s, payload);
}

static void
tell_others(struct pst_store *s)
{
	struct pg_hub *h = &s->hub;
	int64_t rest = h->sent_at + GATHER_US - pg_monotonic();
	char(*told)[24];
	size_t n;

	if (rest > 0) {
		const struct timespec t = { 0, rest * 1000 };

		(void)nanosleep(&t, NULL);
	}
	pthread_mutex_lock(&h->lock);
	told = h->told;
	n = h->told_n;
	h->told = NULL;
	h->told_n = h->told_cap = 0;
	pthread_mutex_unlock(&h->lock);
	if (n > 0) {
		send_told(s, told, n);
		h->sent_at = pg_monotonic();
	}
	free(told);
}

/* --- hearing ---------------------------------------------------------------
 */

/* What others send is not to be trusted more than other input. */
static void
hear(struct pst_store *s, const char *payload)
{
	const char *at = strchr(payload, ' ');

	if (at == NULL ||
	    ((size_t)(at - payload) == strlen(s->hub.node) &&
		strncmp(payload, s->hub.node, (size_t)(at - payload)) == 0))
		return;
	while (*at == ' ') {
		char kind = at[1], *end;
		long long id;

		if (kind != 'm' && kind != 'a')
			return;
		id = strtoll(at + 2, &end, 10);
		stir(s, kind == 'm' ? PG_EAR_BOX : PG_EAR_ACCOUNT, id, NULL);
		at = end;
	}
}

static void
hear_all(struct pst_store *s)
{
	PGnotify *n;

	while ((n = PQnotifies(s->hub.conn->pg)) != NULL) {
		hear(s, n->extra);
		PQfreemem(n);
	}
}

/* --- comparing -------------------------------------------------------------
 */

static void
gather_ears(struct pg_hub *h, enum pg_ear_kind kind, struct pg_array *id,
    struct pg_array *known)
{
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < HUB_BUCKETS && h->ears > 0; i++)
		for (struct pg_ear *e = h->bucket[i]; e != NULL; e = e->next) {
			if (e->kind != kind)
				continue;
			pg_array_i64(id, e->id);
			pg_array_i64(known, (int64_t)atomic_load(&e->known));
		}
	pthread_mutex_unlock(&h->lock);
}

static void
compare(struct pst_store *s, enum pg_ear_kind kind)
{
	struct pg_array id = { 0 }, known = { 0 };
	struct pg_params p = { 0 };
	PGresult *r = NULL;

	gather_ears(&s->hub, kind, &id, &known);
	if (id.count > 0) {
		pg_p_array(&p, &id);
		pg_p_array(&p, &known);
		r = ask(&s->hub,
		    kind == PG_EAR_BOX ? "SELECT * FROM moved_mailboxes($1, $2)"
				       : "SELECT * FROM moved_accounts($1, $2)",
		    &p);
	}
	for (int i = 0; i < PQntuples(r); i++) {
		uint64_t now = (uint64_t)pg_i64(r, i, 1);

		stir(s, kind, pg_i64(r, i, 0), &now);
	}
	PQclear(r);
	pg_array_fini(&id);
	pg_array_fini(&known);
}

/* --- the thread ------------------------------------------------------------
 */

static void
set_connected(struct pg_hub *h, bool is_connected)
{
	pthread_mutex_lock(&h->lock);
	h->is_connected = is_connected;
	pthread_mutex_unlock(&h->lock);
}

static bool
listen_now(struct pst_store *s)
{
	struct pg_hub *h = &s->hub;
	const struct pg_params none = { 0 };
	char *name = PQescapeIdentifier(
	    h->conn->pg, s->config.schema, strlen(s->config.schema));
	char sql[256];

	if (name == NULL)
		return false;
	(void)snprintf(sql, sizeof(sql), "LISTEN %s", name);
	PQfreemem(name);
	/* Notifications need not be on the disk. */
	PQclear(ask(h, "SET synchronous_commit = off", &none));
	if (!h->conn->is_broken)
		PQclear(ask(h, sql, &none));
	return !h->conn->is_broken;
}

static void
connect_hub(struct pst_store *s)
{
	struct pg_hub *h = &s->hub;
	int64_t us = RETRY_FIRST_US;
	struct pst_error err;

	if (pg_conn_open(s, s->config.conninfo, true, &h->conn, &err) ==
	    PST_OK) {
		if (listen_now(s)) {
			h->failures = 0;
			h->compare_at = 0;
			set_connected(h, true);
			return;
		}
		pg_conn_close(&h->conn);
	}
	for (int i = 0; i < h->failures && us < RETRY_MOST_US; i++)
		us *= 2;
	h->failures++;
	h->retry_at = pg_monotonic() + us;
}

static void
disconnect_hub(struct pst_store *s)
{
	set_connected(&s->hub, false);
	pg_conn_close(&s->hub.conn);
	s->hub.retry_at = pg_monotonic() + RETRY_FIRST_US;
}

static void
wait_hub(struct pg_hub *h)
{
	int64_t next = h->conn ? h->compare_at : h->retry_at;
	int64_t left = next - pg_monotonic();
	struct pollfd p[2] = { { .fd = h->wake, .events = POLLIN },
		{ .fd = h->conn ? PQsocket(h->conn->pg) : -1,
		    .events = POLLIN } };
	uint64_t ignored;

	if (left > 0)
		(void)poll(p, 2, (int)(left / 1000) + 1);
	if (p[0].revents & POLLIN)
		(void)!read(h->wake, &ignored, sizeof(ignored));
}

static void
work(struct pst_store *s)
{
	struct pg_hub *h = &s->hub;

	tell_others(s);
	if (!PQconsumeInput(h->conn->pg))
		h->conn->is_broken = true;
	hear_all(s);
	if (!h->conn->is_broken && pg_monotonic() >= h->compare_at) {
		compare(s, PG_EAR_BOX);
		if (!h->conn->is_broken)
			compare(s, PG_EAR_ACCOUNT);
		hear_all(s);
		h->compare_at = pg_monotonic() + COMPARE_US;
	}
	if (h->conn->is_broken)
		disconnect_hub(s);
}

static void *
hub_main(void *arg)
{
	struct pst_store *s = arg;
	struct pg_hub *h = &s->hub;

	while (!atomic_load(&h->quit)) {
		if (h->conn == NULL && pg_monotonic() >= h->retry_at)
			connect_hub(s);
		if (h->conn != NULL)
			work(s);
		if (!atomic_load(&h->quit))
			wait_hub(h);
	}
	/* What was committed last. */
	if (h->conn != NULL)
		tell_others(s);
	pg_conn_close(&h->conn);
	return NULL;
}

enum pst_rc
hub_start(struct pst_store *s, struct pst_error *err)
{
	static const char digits[] = "0123456789abcdef";
	struct pg_hub *h = &s->hub;
	unsigned char dice[HUB_NODE];
	int e;

	(void)pthread_mutex_init(&h->lock, NULL);
	s->host->random(dice, sizeof(dice));
	for (int i = 0; i < HUB_NODE; i++)
		h->node[i] = digits[dice[i] & 15];
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "eventfd: %s", strerror(errno));
	e = pthread_create(&h->thread, NULL, hub_main, s);
	h->is_running = e == 0;
	return e == 0 ? PST_OK
		      : pst_fail(err, PST_E_TEMP, e, "pthread_create: %s",
			    strerror(e));
}

void
hub_stop(struct pst_store *s)
{
	struct pg_hub *h = &s->hub;

	if (h->is_running) {
		atomic_store(&h->quit, true);
		wake(h);
		(void)pthread_join(h->thread, NULL);
	}
	if (h->wake >= 0)
		(void)close(h->wake);
	free(h->told);
	(void)pthread_mutex_destroy(&h->lock);
}
