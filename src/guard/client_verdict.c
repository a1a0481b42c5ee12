/*
 * guard/client_verdict.c - from what is known of a client to whether its mail
 * is welcome, and the lines of the log that tell why.
 */
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "guard/client_priv.h"
#include "guard/hello.h"

#include <inttypes.h>
#include <stdlib.h>

/* One check that the client failed, or whose answer is not known. */
struct finding {
	const char *check; /* the key of the configuration */
	int mode;	   /* enum config_guard */
	const char *value; /* for the log, or NULL */
	bool unknown;	   /* the DNS did not tell */
};

static void
tell(const struct guard_client *c, const struct finding *f, const char *action)
{
	log_event(PST_LOG_INFO, c->conn, "guard", "check", f->check, "action",
	    action, "value", f->value, "peer", c->address, NULL);
	trail_event(NULL, "guard", "check", f->check, "action", action, "value",
	    f->value, NULL);
}

/* The first refusal stays, unless it was only for now. */
static PST_PRINTF(3, 4) void find(
    struct guard_client *c, const struct finding *f, const char *fmt, ...)
{
	struct guard_verdict *v = &c->verdict;
	enum guard_action action = f->unknown ? GUARD_DEFER : GUARD_REJECT;
	va_list ap;

	if (f->mode == CONFIG_GUARD_OFF)
		return;
	if (f->mode == CONFIG_GUARD_NOTE) {
		tell(c, f, f->unknown ? "unknown" : "note");
		return;
	}
	tell(c, f, f->unknown ? "defer" : "reject");
	if (v->action >= action)
		return;
	v->action = action;
	va_start(ap, fmt);
	(void)vsnprintf(v->reply, sizeof(v->reply), fmt, ap);
	va_end(ap);
}

static void
judge_network(struct guard_client *c)
{
	for (size_t i = 0; i < c->cfg->guard.deny.n; i++) {
		const char *network = c->cfg->guard.deny.v[i];
		const struct finding f = { "deny", CONFIG_GUARD_REJECT, network,
			false };

		if (!network_contains(network, c->address))
			continue;
		find(c, &f, "550 5.7.1 No mail is taken from [%s]", c->address);
		return;
	}
}

static void
judge_early(struct guard_client *c)
{
	const struct finding f = { "greet_early", c->cfg->guard.greet_early,
		NULL, false };

	if (c->early)
		find(c, &f, "550 5.7.1 You spoke before the greeting");
}

static void
judge_hello(struct guard_client *c, const char *hello)
{
	const struct config *cfg = c->cfg;
	struct finding f = { "hello_own", cfg->guard.hello_own, hello, false };

	if (guard_hello_is_ours(cfg, str_of(hello), c->local))
		find(
		    c, &f, "550 5.7.1 HELO %.200s: that is this server", hello);
	f.check = "hello_syntax";
	f.mode = cfg->guard.hello_syntax;
	if (guard_hello_kind(str_of(hello), c->address) == GUARD_HELLO_BAD)
		find(c, &f,
		    "550 5.7.1 HELO %.200s: expected your host's full name",
		    hello);
	f.check = "hello_unknown";
	f.mode = cfg->guard.hello_unknown;
	if (c->hello_known == GUARD_NO)
		find(c, &f, "550 5.7.1 HELO %.200s: there is no such host",
		    hello);
	f.unknown = true;
	if (c->hello_known == GUARD_FAILED)
		find(c, &f,
		    "450 4.4.3 HELO %.200s: cannot be looked up now, try later",
		    hello);
}

/* RFC 7372, 3.3. */
static void
judge_reverse(struct guard_client *c)
{
	const struct config *cfg = c->cfg;
	struct finding f = { "reverse_missing", cfg->guard.reverse_missing,
		NULL, false };

	if (c->reverse == GUARD_REVERSE_MISSING) {
		find(c, &f, "550 5.7.25 [%s] has no name in the DNS",
		    c->address);
		/* What is not there cannot be confirmed either. */
	}
	f.check = "reverse_unconfirmed";
	f.mode = cfg->guard.reverse_unconfirmed;
	if (c->reverse == GUARD_REVERSE_MISSING ||
	    c->reverse == GUARD_REVERSE_UNCONFIRMED)
		find(c, &f,
		    "550 5.7.25 [%s] has no name in the DNS that leads back "
		    "to it",
		    c->address);
	f.unknown = true;
	if (c->reverse != GUARD_REVERSE_FAILED)
		return;
	if (f.mode == CONFIG_GUARD_OFF) {
		f.check = "reverse_missing";
		f.mode = cfg->guard.reverse_missing;
	}
	find(c, &f,
	    "450 4.7.25 The name of [%s] cannot be looked up now, try later",
	    c->address);
}

/* A list that does not answer is none. */
static void
note_silent_list(struct guard_client *c, size_t i)
{
	const struct guard_listing *l = &c->list[i];

	if (l->listed == GUARD_FAILED || l->refused)
		log_event(PST_LOG_WARNING, c->conn, "guard", "check", "dnslist",
		    "action", l->refused ? "refused" : "unknown", "value",
		    c->cfg->dnslist[i].name, "peer", c->address, NULL);
}

/* True: an allow list has it. */
static bool
judge_allow_lists(struct guard_client *c)
{
	for (size_t i = 0; c->list != NULL && i < c->cfg->dnslists; i++) {
		const struct finding f = { "dnslist", CONFIG_GUARD_NOTE,
			c->cfg->dnslist[i].name, false };

		if (c->cfg->dnslist[i].kind != CONFIG_DNSLIST_ALLOW)
			continue;
		note_silent_list(c, i);
		if (c->list[i].listed != GUARD_YES)
			continue;
		tell(c, &f, "allow");
		return true;
	}
	return false;
}

static void
judge_block_lists(struct guard_client *c)
{
	const struct config *cfg = c->cfg;
	int64_t score = 0;
	size_t first = SIZE_MAX;
	char names[400] = "";
	struct finding f = { "dnslist", cfg->guard.dnslists, names, false };

	for (size_t i = 0; c->list != NULL && i < cfg->dnslists; i++) {
		size_t n = strlen(names);

		if (cfg->dnslist[i].kind != CONFIG_DNSLIST_BLOCK)
			continue;
		note_silent_list(c, i);
		if (c->list[i].listed != GUARD_YES)
			continue;
		score += cfg->dnslist[i].weight;
		first = first == SIZE_MAX ? i : first;
		(void)snprintf(names + n, sizeof(names) - n, "%s%s",
		    n > 0 ? " " : "", cfg->dnslist[i].name);
	}
	if (first == SIZE_MAX)
		return;
	if (score < cfg->guard.dnslist_threshold) {
		tell(c, &f, "below the threshold");
		return;
	}
	find(c, &f, "550 5.7.1 [%s] is listed by %.200s%s%.*s", c->address,
	    cfg->dnslist[first].zone, *c->list[first].text != '\0' ? ": " : "",
	    GUARD_LIST_TEXT, c->list[first].text);
}

void
guard_decide(struct guard_client *c, const char *hello)
{
	if (c->decided != NULL && strcmp(c->decided, hello) == 0)
		return;
	free(c->decided);
	c->decided = str_dup(str_of(hello));
	c->verdict = (struct guard_verdict){ .action = GUARD_PASS };
	judge_network(c);
	if (c->verdict.action == GUARD_PASS)
		c->verdict.allowed = judge_allow_lists(c);
	if (c->verdict.allowed)
		return;
	judge_early(c);
	judge_hello(c, hello);
	judge_reverse(c);
	judge_block_lists(c);
}
