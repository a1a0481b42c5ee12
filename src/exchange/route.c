/*
 * exchange/route.c - see route.h. A route refers to the configuration that it
 * was made from, so that it holds while work is under way; there are as many as
 * blocks are combined in different ways, however often they are read.
 */
#include "exchange/route.h"

#include "base/str.h"
#include "exchange/envelope.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 20 };

struct known {
	struct route route;
	struct config *cfg; /* a reference */
	char *text;	    /* all that it says */
	uint32_t hash;	    /* of that */
};

struct routes {
	pthread_mutex_t lock; /* guards all below; nothing is locked inside */
	struct config *cfg;
	uint32_t plain;	      /* without any block */
	struct known **known; /* by number */
	size_t n, cap;
};

/* --- patterns -------------------------------------------------------------
 */

bool
route_domain_matches(const char *pattern, struct pst_str domain)
{
	struct pst_str p = str_of(pattern);

	if (str_is(p, "*"))
		return true;
	if (p.n > 1 && p.p[0] == '*' && p.p[1] == '.')
		p = str_from(p, 1);
	if (p.n == 0 || *p.p != '.')
		return str_eq_case(p, domain);
	return domain.n > p.n &&
	       str_eq_case(str_from(domain, domain.n - p.n), p);
}

bool
route_sender_matches(const char *pattern, struct pst_str sender)
{
	struct pst_str p = str_of(pattern);

	if (str_is(p, "*"))
		return true;
	if (sender.n == 0)
		return str_is(p, "<>");
	if (str_find(p, '@') < p.n)
		return str_eq_case(p, sender);
	return route_domain_matches(pattern, envelope_domain(sender));
}

static bool
is_for(const struct config_destination *d, struct pst_str sender,
    struct pst_str domain)
{
	bool by_domain = d->domains.n == 0, by_sender = d->senders.n == 0;

	for (size_t i = 0; i < d->domains.n && !by_domain; i++)
		by_domain = route_domain_matches(d->domains.v[i], domain);
	for (size_t i = 0; i < d->senders.n && by_domain && !by_sender; i++)
		by_sender = route_sender_matches(d->senders.v[i], sender);
	return by_domain && by_sender;
}

/* --- one route ------------------------------------------------------------
 */

static const struct config_relay *
find_relay(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->relays; i++)
		if (strcmp(cfg->relay[i].name, name) == 0)
			return &cfg->relay[i];
	return NULL;
}

static void
add_label(struct route *r, const char *name)
{
	size_t n = strlen(r->label);

	(void)snprintf(
	    r->label + n, sizeof(r->label) - n, "%s%s", n > 0 ? "+" : "", name);
}

/* What the block says and no earlier one did. */
static void
take_block(
    struct route *r, const struct config_destination *d, const char **relay)
{
	bool any = false;

	if (*relay == NULL && *d->relay != '\0') {
		*relay = d->relay;
		any = true;
	}
	if (r->tls == CONFIG_OUTBOUND_UNSET &&
	    d->tls != CONFIG_OUTBOUND_UNSET) {
		r->tls = (enum config_outbound_tls)d->tls;
		r->names = d->names.n > 0 ? &d->names : NULL;
		any = true;
	}
	if (r->source == NULL && d->source.n > 0) {
		r->source = &d->source;
		any = true;
	}
	if (r->helo == NULL && *d->helo != '\0') {
		r->helo = d->helo;
		any = true;
	}
	if (r->port == 0 && d->port != 0) {
		r->port = (int)d->port;
		any = true;
	}
	if (r->at_once == 0 && d->at_once != 0) {
		r->at_once = (unsigned)d->at_once;
		any = true;
	}
	if (r->rate == 0 && d->rate != 0) {
		r->rate = (unsigned)d->rate;
		any = true;
	}
	if (any)
		add_label(r, d->name);
}

/* Of what the relay and the destination want the stronger counts. */
static void
take_relay(struct route *r, const struct config *cfg, const char *relay)
{
	enum config_outbound_tls tls;

	r->relay_host = "";
	if (relay == NULL) {
		r->relay_host = cfg->queue.relay;
		return;
	}
	if (strcmp(relay, CONFIG_RELAY_DIRECT) == 0)
		return;
	r->relay = find_relay(cfg, relay);
	if (r->relay == NULL)
		return;
	tls = (enum config_outbound_tls)r->relay->tls;
	/* A password is for who can show that it is them. */
	if (tls == CONFIG_OUTBOUND_UNSET && *r->relay->username != '\0')
		tls = CONFIG_OUTBOUND_VERIFY;
	if (r->tls >= tls)
		return;
	r->tls = tls;
	r->names = r->relay->names.n > 0 ? &r->relay->names : NULL;
}

static void
make_route(struct route *r, const struct config *cfg, struct pst_str sender,
    struct pst_str domain)
{
	const char *relay = NULL;

	*r = (struct route){ 0 };
	for (size_t i = 0; i < cfg->destinations; i++)
		if (is_for(&cfg->destination[i], sender, domain))
			take_block(r, &cfg->destination[i], &relay);
	take_relay(r, cfg, relay);
	if (r->tls == CONFIG_OUTBOUND_UNSET)
		r->tls = CONFIG_OUTBOUND_MAY;
	if (r->helo == NULL)
		r->helo = cfg->hostname;
	if (r->port == 0)
		r->port = (int)cfg->queue.port;
}

static void
put_strings(struct buf *out, const char *key, const struct config_strings *list)
{
	(void)buf_printf(out, " %s", key);
	for (size_t i = 0; list != NULL && i < list->n; i++)
		(void)buf_printf(out, "\t%s", list->v[i]);
}

/* Two routes with the same text are the same. */
static char *
text_of(const struct route *r)
{
	struct buf out;
	char *text;

	buf_init(&out, TEXT_MAX);
	(void)buf_printf(&out, "%s relay\t%s tls\t%d helo\t%s port\t%d",
	    r->label, r->relay_host, (int)r->tls, r->helo, r->port);
	(void)buf_printf(&out, " limits\t%u\t%u", r->at_once, r->rate);
	put_strings(&out, "names", r->names);
	put_strings(&out, "source", r->source);
	if (r->relay != NULL) {
		(void)buf_printf(&out, " block\t%s\t%s\t%s\t%d", r->relay->name,
		    r->relay->username, r->relay->password_file,
		    r->relay->implicit_tls);
		put_strings(&out, "host", &r->relay->host);
		put_strings(&out, "mechanisms", &r->relay->mechanisms);
	}
	text = str_dup(buf_str(&out));
	buf_fini(&out);
	return text;
}

static uint32_t
hash_of(const char *text)
{
	uint32_t h = 2166136261U;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 16777619U;
	return h;
}

/* What a label alone does not tell apart: the blocks were changed. */
static void
sign_label(struct route *r, uint32_t hash)
{
	size_t n = strlen(r->label);
	char mark[16];

	if (n == 0)
		return;
	(void)snprintf(mark, sizeof(mark), "~%08" PRIx32, hash);
	if (n + strlen(mark) >= sizeof(r->label))
		n = sizeof(r->label) - strlen(mark) - 1;
	memcpy(r->label + n, mark, strlen(mark) + 1);
}

/* --- all ------------------------------------------------------------------
 */

/* With the lock. */
static uint32_t
number_of(struct routes *r, struct route *route)
{
	char *text = text_of(route);
	uint32_t hash = hash_of(text);
	struct known *k;

	for (size_t i = 0; i < r->n; i++)
		if (r->known[i]->hash == hash &&
		    strcmp(r->known[i]->text, text) == 0) {
			free(text);
			return (uint32_t)i;
		}
	sign_label(route, hash);
	k = mem_alloc(sizeof(*k));
	k->route = *route;
	k->route.id = (uint32_t)r->n;
	k->cfg = config_ref(r->cfg);
	k->text = text;
	k->hash = hash;
	mem_grow(&r->known, &r->cap, r->n + 1, sizeof(struct known *));
	r->known[r->n++] = k;
	return k->route.id;
}

/* With the lock. */
static void
find_plain(struct routes *r)
{
	struct route plain;

	make_route(&plain, r->cfg, STR_NONE, STR_NONE);
	r->plain = number_of(r, &plain);
}

struct routes *
routes_new(struct config *cfg)
{
	struct routes *r = mem_alloc(sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	r->cfg = config_ref(cfg);
	find_plain(r);
	return r;
}

void
routes_free(struct routes **rp)
{
	struct routes *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		config_unref(&r->known[i]->cfg);
		free(r->known[i]->text);
		free(r->known[i]);
	}
	free(r->known);
	config_unref(&r->cfg);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void
routes_configure(struct routes *r, struct config *cfg)
{
	pthread_mutex_lock(&r->lock);
	config_unref(&r->cfg);
	r->cfg = config_ref(cfg);
	find_plain(r);
	pthread_mutex_unlock(&r->lock);
}

uint32_t
routes_find(struct routes *r, struct pst_str sender, struct pst_str domain)
{
	struct route route;
	uint32_t id;

	pthread_mutex_lock(&r->lock);
	id = r->plain;
	if (r->cfg->destinations > 0) {
		make_route(&route, r->cfg, sender, domain);
		id = number_of(r, &route);
	}
	pthread_mutex_unlock(&r->lock);
	return id;
}

const struct route *
routes_get(struct routes *r, uint32_t id)
{
	const struct route *route;

	pthread_mutex_lock(&r->lock);
	route = &r->known[id < r->n ? id : 0]->route;
	pthread_mutex_unlock(&r->lock);
	return route;
}

bool
route_hosts(const struct route *route, struct hosts *h_r)
{
	const char *const *host = NULL;
	size_t n = 0;

	if (route->relay != NULL) {
		host = (const char *const *)route->relay->host.v;
		n = route->relay->host.n;
	} else if (*route->relay_host != '\0') {
		host = &route->relay_host;
		n = 1;
	}
	return n > 0 && hosts_relays(host, n, h_r);
}

void
route_mark(const struct route *route, struct hosts *h)
{
	if (route->label[0] != '\0')
		hosts_mark(h, route->label);
	h->at_once = route->at_once;
	h->rate = route->rate;
}
