/*
 * guard/client.c - the life of a client.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/trail.h"
#include "guard/client_priv.h"
#include "guard/hello.h"
#include "trust/check.h"

#include <stdlib.h>

bool
guard_is_exempt(const struct config *cfg, const char *address)
{
	if (trust_is_exempt(cfg, address))
		return true;
	for (size_t i = 0; i < cfg->guard.allow.n; i++)
		if (network_contains(cfg->guard.allow.v[i], address))
			return true;
	return false;
}

struct guard_client *
guard_client_new(
    struct guard *g, struct config *cfg, const struct guard_peer *peer)
{
	struct guard_client *c = mem_alloc(sizeof(*c));

	atomic_init(&c->refs, 1);
	c->guard = g;
	c->cfg = config_ref(cfg);
	c->wake = peer->wake;
	c->conn = peer->conn;
	(void)ip_parse(str_of(peer->address), &c->ip);
	(void)str_copy(c->address, sizeof(c->address), str_of(peer->address));
	(void)str_copy(c->local, sizeof(c->local), str_of(peer->local));
	return c;
}

void
guard_client_ask(struct guard_client *c)
{
	guard_check_client(c);
}

void
guard_client_drop(struct guard_client **cp)
{
	struct guard_client *c = *cp;

	*cp = NULL;
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	config_unref(&c->cfg);
	free(c->list);
	free(c->provider);
	free(c->hello);
	free(c->decided);
	free(c);
}

void
guard_client_early(struct guard_client *c)
{
	c->early = true;
}

static bool
is_done(struct guard_client *c)
{
	return atomic_load_explicit(&c->pending, memory_order_acquire) == 0;
}

bool
guard_client_ready(struct guard_client *c, const char *hello)
{
	if (!is_done(c))
		return false;
	if (c->cfg->guard.hello_unknown != CONFIG_GUARD_OFF &&
	    (c->hello == NULL || strcmp(c->hello, hello) != 0)) {
		free(c->hello);
		c->hello = str_dup(str_of(hello));
		c->hello_known = GUARD_NOT_ASKED;
		if (guard_hello_kind(str_of(hello), c->address) ==
		    GUARD_HELLO_NAME)
			guard_check_hello(c);
		if (!is_done(c))
			return false;
	}
	guard_decide(c, hello);
	return true;
}

const struct guard_verdict *
guard_client_verdict(const struct guard_client *c)
{
	return &c->verdict;
}

const char *
guard_client_name(const struct guard_client *c)
{
	return c->reverse == GUARD_REVERSE_CONFIRMED ? c->name : NULL;
}

const char *
guard_client_take(struct guard_client *c, enum guard_rate rate)
{
	return guard_rate_take(
	    c->guard->rates, c->cfg, &c->ip, rate, clock_monotonic());
}

const char *
guard_client_look(struct guard_client *c, enum guard_rate rate)
{
	return guard_rate_look(
	    c->guard->rates, c->cfg, &c->ip, rate, clock_monotonic());
}

static void
tell_greylist(const struct guard_client *c, const char *action,
    struct pst_str sender, const char *value)
{
	char from[321];

	(void)str_copy(from, sizeof(from), sender);
	log_event(PST_LOG_INFO, c->conn, "guard", "check", "greylist", "action",
	    action, "value", value, "from", from, "peer", c->address, NULL);
	trail_event(NULL, "guard", "check", "greylist", "action", action,
	    "value", value, NULL);
}

void
guard_client_greylist(struct guard_client *c, struct pst_str sender,
    struct pst_str recipient, int64_t *wait_r)
{
	const struct guard_grey_question q = { .ip = c->ip,
		.sender = sender,
		.recipient = recipient,
		.now = clock_seconds() };
	enum guard_grey_verdict verdict;
	struct pst_error err = { 0 };
	int64_t wait;

	*wait_r = 0;
	if (c->guard->grey == NULL || !c->cfg->guard.greylist)
		return;
	for (size_t i = 0;
	     c->provider != NULL && i < c->cfg->guard.grey_providers.n; i++)
		if (c->provider[i])
			return;
	if (guard_grey_ask(c->guard->grey, c->cfg, &q, &verdict, &wait, &err) !=
	    PST_OK)
		log_failure(PST_LOG_ERROR, c->conn, "guard", &err);
	switch (verdict) {
	case GUARD_GREY_KNOWN:
		break;
	case GUARD_GREY_PASSED:
		tell_greylist(c, "pass", sender, "it came again");
		break;
	case GUARD_GREY_NEW:
	case GUARD_GREY_EARLY:
		tell_greylist(c, "defer", sender,
		    verdict == GUARD_GREY_NEW ? "new" : "too early");
		*wait_r = wait;
		break;
	}
}

int64_t
guard_client_greet_wait(struct guard_client *c)
{
	if (c->cfg->guard.greet_wait == 0 ||
	    c->cfg->guard.greet_early == CONFIG_GUARD_OFF ||
	    guard_known_has(c->guard->known, &c->ip, clock_monotonic()))
		return 0;
	return c->cfg->guard.greet_wait;
}

void
guard_client_waited(struct guard_client *c)
{
	guard_known_add(c->guard->known, &c->ip,
	    clock_monotonic() + c->cfg->guard.greet_remember * 1000000);
}
