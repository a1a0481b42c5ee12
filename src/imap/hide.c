/*
 * imap/hide.c - capabilities that the operator keeps from a client.
 */
#include "imap/hide.h"

#include "base/str.h"

enum { RULE_BITS = 64 };

static bool
is_among(const struct config_strings *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->n; i++) {
		if (str_fits(patterns->v[i], text))
			return true;
	}
	return false;
}

/* A condition that nobody set is met. */
static bool
meets(const struct config_strings *patterns, const char *text)
{
	return patterns->n == 0 || (text != NULL && is_among(patterns, text));
}

static bool
applies(const struct imap_session *s, const struct config_hide *rule)
{
	return meets(&rule->listener, net_listener(s->c)->name) &&
	       meets(&rule->user, s->address[0] != '\0' ? s->address : NULL) &&
	       meets(&rule->client, s->client);
}

bool
imap_is_hidden(const struct imap_session *s, const char *capability)
{
	const struct config *cfg = net_config(s->c);

	if (is_among(&cfg->imap.hide, capability))
		return true;
	for (size_t i = 0; i < cfg->hides; i++) {
		if (is_among(&cfg->hide[i].capabilities, capability) &&
		    applies(s, &cfg->hide[i]))
			return true;
	}
	return false;
}

static uint64_t
bit_of(size_t rule)
{
	return UINT64_C(1) << (rule < RULE_BITS ? rule : RULE_BITS - 1);
}

uint64_t
imap_hiding_rules(const struct imap_session *s)
{
	const struct config *cfg = net_config(s->c);
	uint64_t rules = 0;

	for (size_t i = 0; i < cfg->hides; i++) {
		if (applies(s, &cfg->hide[i]))
			rules |= bit_of(i);
	}
	return rules;
}

static void
log_rule(const struct imap_session *s, const struct config_hide *rule)
{
	struct buf names;

	buf_init(&names, 4096);
	for (size_t i = 0; i < rule->capabilities.n; i++) {
		if (i > 0)
			(void)buf_putc(&names, ' ');
		(void)buf_puts(&names, rule->capabilities.v[i]);
	}
	(void)buf_putc(&names, '\0');
	log_event(PST_LOG_INFO, net_id(s->c), "hide", "name", rule->name,
	    "user", s->address, "client", s->client, "capabilities",
	    names.n > 1 ? names.p : NULL, NULL);
	buf_fini(&names);
}

void
imap_log_hidden(struct imap_session *s)
{
	const struct config *cfg = net_config(s->c);
	uint64_t known = s->hidden;

	for (size_t i = 0; i < cfg->hides; i++) {
		if ((known & bit_of(i)) || !applies(s, &cfg->hide[i]))
			continue;
		log_rule(s, &cfg->hide[i]);
		s->hidden |= bit_of(i);
	}
}
