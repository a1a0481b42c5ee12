/*
 * guard/milter.c - one milter after the other, in jobs.
 */
#include "guard/milter.h"

#include "base/log.h"
#include "base/network.h"
#include "base/str.h"
#include <stdlib.h>

struct milters {
	atomic_uint refs;
	atomic_bool done; /* the job leaves all below to the session */
	atomic_bool gone; /* the session is */
	struct guard *guard;
	struct config *cfg;
	struct net_handle wake;
	struct milter_scene scene;
	struct milter_link *link;
	size_t links;
	void (*step)(struct milters *m);
	bool discards; /* this message is dropped in the end */
	bool failed;   /* one that may not be missing does, for this message */
	struct milter_answer answer;
};

/* --- life -------------------------------------------------------------------
 */

static bool
is_for(const struct config_milter *c, const struct milter_client *client)
{
	bool is = false;

	for (size_t i = 0; i < c->protocols.n; i++)
		is = is || strcmp(c->protocols.v[i], client->protocol) == 0;
	for (size_t i = 0; is && i < c->exempt.n; i++)
		is = !network_contains(c->exempt.v[i], client->address);
	return is;
}

static void
add_link(struct milters *m, const struct config_milter *c)
{
	m->link = mem_realloc(m->link, (m->links + 1) * sizeof(*m->link));
	milter_link_init(&m->link[m->links++], c, &m->guard->stops, &m->gone);
}

/* How clients without a good name are called. */
static char *
host_of(const struct milter_client *client)
{
	struct ip_address ip;
	char text[80];

	if (client->name != NULL)
		return str_dup(str_of(client->name));
	if (!ip_parse(str_of(client->address), &ip))
		return str_dup(STR("localhost"));
	(void)snprintf(text, sizeof(text), "[%s%s]",
	    ip.v4 ? "" : "IPv6:", client->address);
	return str_dup(str_of(text));
}

static void
set_connection(struct milters *m, const struct milter_client *client)
{
	struct milter_scene *s = &m->scene;
	char text[400];

	s->conn = client->conn;
	s->host = host_of(client);
	s->address = str_dup(str_of(client->address));
	s->port = client->port;
	milters_macro(m, "j", str_of(m->cfg->hostname));
	milters_macro(m, "v", STR("Postern " PACKAGE_VERSION));
	milters_macro(m, "{daemon_name}", str_of(client->listener));
	milters_macro(m, "{daemon_addr}", str_of(client->local));
	milters_macro(m, "{client_addr}", str_of(client->address));
	milters_macro(m, "{client_name}",
	    client->name != NULL ? str_of(client->name) : STR("unknown"));
	milters_macro(m, "{client_ptr}",
	    client->name != NULL ? str_of(client->name) : STR("unknown"));
	(void)snprintf(text, sizeof(text), "%d", client->port);
	milters_macro(m, "{client_port}", str_of(text));
	(void)snprintf(text, sizeof(text), "%s%s[%s]",
	    client->name != NULL ? client->name : "",
	    client->name != NULL ? " " : "", client->address);
	milters_macro(m, "_", str_of(text));
}

struct milters *
milters_new(
    struct guard *g, struct config *cfg, const struct milter_client *client)
{
	struct milters *m;
	size_t n = 0;

	for (size_t i = 0; i < cfg->milters; i++)
		n += is_for(&cfg->milter[i], client);
	if (n == 0)
		return NULL;
	m = mem_alloc(sizeof(*m));
	atomic_init(&m->refs, 1);
	atomic_init(&m->done, true);
	atomic_init(&m->gone, false);
	m->guard = g;
	m->cfg = config_ref(cfg);
	m->wake = client->wake;
	for (size_t i = 0; i < cfg->milters; i++)
		if (is_for(&cfg->milter[i], client))
			add_link(m, &cfg->milter[i]);
	set_connection(m, client);
	return m;
}

static void
unref(struct milters *m)
{
	if (atomic_fetch_sub(&m->refs, 1) > 1)
		return;
	milters_end(m);
	for (size_t i = 0; i < m->links; i++)
		milter_link_close(&m->link[i]);
	milter_macros_fini(&m->scene.macros);
	config_unref(&m->cfg);
	free(m->scene.host);
	free(m->scene.address);
	free(m->scene.helo);
	free(m->scene.mail);
	free(m->scene.rcpt);
	free(m->link);
	free(m);
}

void
milters_drop(struct milters **mp)
{
	struct milters *m = *mp;

	*mp = NULL;
	if (m == NULL)
		return;
	atomic_store(&m->gone, true);
	unref(m);
}

void
milters_macro(struct milters *m, const char *name, struct pst_str value)
{
	milter_macro_set(&m->scene.macros, name, value);
}

/* --- what they say ----------------------------------------------------------
 */

static void
tell(const struct milters *m, const struct milter_link *l, const char *action,
    const char *reason)
{
	log_event(
	    strcmp(action, "failed") == 0 ? PST_LOG_WARNING : PST_LOG_INFO,
	    m->scene.conn, "milter", "name", l->cfg->name, "action", action,
	    "reason", reason, NULL);
}

static bool
settle_failure(struct milters *m, struct milter_link *l)
{
	struct milter_answer *a = &m->answer;

	tell(m, l, "failed", l->err.detail);
	a->close = false;
	switch ((enum config_milter_failure)l->cfg->failure) {
	case CONFIG_MILTER_ACCEPT:
		return true;
	case CONFIG_MILTER_TEMPFAIL:
		(void)snprintf(a->reply, sizeof(a->reply),
		    "451 4.7.1 A filter is not available, try later");
		break;
	case CONFIG_MILTER_REJECT:
		(void)snprintf(a->reply, sizeof(a->reply),
		    "554 5.7.1 A filter is not available");
		break;
	}
	a->outcome = MILTER_REFUSE;
	m->failed = true;
	return false;
}

/* True: the next milter is asked, too. */
static bool
settle(struct milters *m, struct milter_link *l)
{
	switch (m->answer.outcome) {
	case MILTER_GO_ON:
	case MILTER_ACCEPT:
	case MILTER_SKIP:
		break;
	case MILTER_REFUSE:
		tell(m, l, "refuse", m->answer.reply);
		return false;
	case MILTER_DISCARD:
		tell(m, l, "discard", NULL);
		m->discards = true;
		return false;
	case MILTER_FAILED:
		if (!settle_failure(m, l))
			return false;
		break;
	}
	m->answer.outcome = MILTER_GO_ON;
	return true;
}

/* --- steps ------------------------------------------------------------------
 */

static void
step_mail(struct milters *m)
{
	bool more = true;

	for (size_t i = 0; more && i < m->links; i++) {
		milter_link_mail(&m->link[i], &m->scene, &m->answer);
		more = settle(m, &m->link[i]);
	}
}

static void
step_rcpt(struct milters *m)
{
	bool more = true;

	for (size_t i = 0; more && i < m->links; i++) {
		if (m->link[i].done)
			continue;
		milter_link_rcpt(&m->link[i], &m->scene, &m->answer);
		more = settle(m, &m->link[i]);
	}
}

static void
step_content(struct milters *m)
{
	bool more = true;

	for (size_t i = 0; more && i < m->links; i++) {
		if (m->link[i].done)
			continue;
		milter_link_content(&m->link[i], &m->scene, &m->answer);
		more = settle(m, &m->link[i]);
	}
}

static void
run(void *arg)
{
	struct milters *m = arg;
	struct net_handle wake = m->wake;

	m->answer.outcome = m->failed ? MILTER_REFUSE : MILTER_GO_ON;
	m->answer.close = false;
	if (!m->failed && !m->discards)
		m->step(m);
	atomic_store_explicit(&m->done, true, memory_order_release);
	net_wake(wake);
	unref(m);
}

static bool
start(struct milters *m, void (*step)(struct milters *m))
{
	m->step = step;
	atomic_store(&m->done, false);
	atomic_fetch_add(&m->refs, 1);
	if (job_run(m->guard->milter_jobs, run, m))
		return true;
	atomic_fetch_sub(&m->refs, 1);
	atomic_store(&m->done, true);
	return false;
}

static void
set(char **text, struct pst_str value)
{
	free(*text);
	*text = str_dup(value);
}

bool
milters_mail(struct milters *m, const char *helo, struct pst_str args)
{
	milters_end(m);
	set(&m->scene.helo, str_of(helo));
	set(&m->scene.mail, args);
	return start(m, step_mail);
}

bool
milters_rcpt(struct milters *m, struct pst_str args)
{
	set(&m->scene.rcpt, args);
	return start(m, step_rcpt);
}

bool
milters_content(struct milters *m)
{
	return start(m, step_content);
}

bool
milters_want_no_rcpt(const struct milters *m)
{
	if (m->discards || m->failed)
		return m->discards;
	for (size_t i = 0; i < m->links; i++)
		if (!m->link[i].done &&
		    (m->link[i].steps & MILTER_NO_RCPT) == 0)
			return false;
	return true;
}

/* --- what came out ----------------------------------------------------------
 */

bool
milters_is_done(struct milters *m)
{
	return atomic_load_explicit(&m->done, memory_order_acquire);
}

enum milter_outcome
milters_outcome(const struct milters *m)
{
	if (m->answer.outcome == MILTER_REFUSE)
		return MILTER_REFUSE;
	return m->discards ? MILTER_DISCARD : MILTER_GO_ON;
}

const char *
milters_reply(const struct milters *m)
{
	return m->answer.reply;
}

bool
milters_close(const struct milters *m)
{
	return m->answer.close;
}

struct milter_message *
milters_message(struct milters *m, bool foreign)
{
	if (m->scene.message == NULL)
		m->scene.message = milter_message_new(m->cfg, foreign);
	return m->scene.message;
}

const struct milter_request *
milters_requests(const struct milters *m, size_t *n_r)
{
	*n_r = m->scene.requests;
	return m->scene.request;
}

const char *
milters_quarantine(const struct milters *m)
{
	return m->scene.quarantine;
}

void
milters_end(struct milters *m)
{
	struct milter_scene *s = &m->scene;

	milter_message_free(&s->message);
	for (size_t i = 0; i < s->requests; i++) {
		free(s->request[i].address);
		free(s->request[i].args);
	}
	free(s->request);
	s->request = NULL;
	s->requests = s->requests_cap = 0;
	free(s->quarantine);
	s->quarantine = NULL;
	m->discards = m->failed = false;
}
