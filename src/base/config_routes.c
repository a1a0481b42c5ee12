/*
 * base/config_routes.c - what `relay` and `destination` blocks must be, beside
 * the kinds of their values (exchange/route.h says what they mean).
 */
#include "base/config_keys.h"

#include "base/str.h"

enum { SOURCES_MAX = 2 }; /* one of each family */

static const char *const mechanisms[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256",
	"PLAIN", "LOGIN" };

/* "host", "host:587", "[192.0.2.1]", "[2001:db8::1]:25" */
static bool
is_relay_host(const char *text)
{
	struct pst_str rest = str_of(text), name;
	char copy[256];
	uint32_t port;
	size_t colon;

	if (rest.n > 0 && *rest.p == '[') {
		size_t end = str_find(rest, ']');

		if (end == rest.n)
			return false;
		name = str_n(rest.p + 1, end - 1);
		if (str_has_prefix_case(name, "IPv6:"))
			name = str_from(name, 5);
		rest = str_from(rest, end + 1);
		if (!str_copy(copy, sizeof(copy), name) ||
		    !config_is_ip_address(copy))
			return false;
	} else {
		colon = str_find(rest, ':');
		name = str_first(rest, colon);
		rest = str_from(rest, colon);
		if (!str_copy(copy, sizeof(copy), name) ||
		    !config_is_host_name(copy))
			return false;
	}
	return rest.n == 0 ||
	       (*rest.p == ':' && str_to_u32(str_from(rest, 1), &port) &&
		   port > 0 && port <= 65535);
}

static bool
is_mechanism(const char *name)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (str_is(str_of(name), mechanisms[i]))
			return true;
	return false;
}

static void
check_relay(const struct config_relay *r, struct collector *col)
{
	if (str_is(str_of(r->name), CONFIG_RELAY_DIRECT))
		config_problem(col,
		    "relay %s: expected another name: this one says that there "
		    "is no relay",
		    r->name);
	if (r->host.n == 0)
		config_problem(col, "relay %s: expected a host", r->name);
	for (size_t i = 0; i < r->host.n; i++)
		if (!is_relay_host(r->host.v[i]))
			config_problem(col,
			    "relay %s: expected a host such as "
			    "smtp.example.org:587 or [192.0.2.1]:25, not "
			    "\"%s\"",
			    r->name, r->host.v[i]);
	if ((*r->username != '\0') != (*r->password_file != '\0'))
		config_problem(col,
		    "relay %s: username and password_file belong together",
		    r->name);
	if (*r->username != '\0' && r->tls == CONFIG_OUTBOUND_NONE)
		config_problem(col,
		    "relay %s: a password needs TLS (tls = verify or must)",
		    r->name);
	if (r->implicit_tls && r->tls == CONFIG_OUTBOUND_NONE)
		config_problem(col,
		    "relay %s: implicit_tls contradicts tls = none", r->name);
	for (size_t i = 0; i < r->mechanisms.n; i++)
		if (!is_mechanism(r->mechanisms.v[i]))
			config_problem(col,
			    "relay %s: expected mechanisms out of "
			    "SCRAM-SHA-256-PLUS, SCRAM-SHA-256, PLAIN and "
			    "LOGIN, not \"%s\"",
			    r->name, r->mechanisms.v[i]);
}

/* "example.org", ".example.org", "*.example.org", "*" */
static bool
is_domain_pattern(const char *text)
{
	if (strcmp(text, "*") == 0)
		return true;
	if (text[0] == '*' && text[1] == '.')
		text++;
	return config_is_host_name(*text == '.' ? text + 1 : text);
}

static bool
is_sender_pattern(const char *text)
{
	const char *at = strrchr(text, '@');

	if (at != NULL)
		return at > text && config_is_host_name(at + 1);
	return strcmp(text, "<>") == 0 || is_domain_pattern(text);
}

static void
check_sources(const struct config_destination *d, struct collector *col)
{
	unsigned v6 = 0;

	for (size_t i = 0; i < d->source.n; i++) {
		if (!config_is_ip_address(d->source.v[i]))
			config_problem(col,
			    "destination %s: expected an IP address of this "
			    "server as source, not \"%s\"",
			    d->name, d->source.v[i]);
		v6 += strchr(d->source.v[i], ':') != NULL;
	}
	if (d->source.n > SOURCES_MAX || v6 > 1 || d->source.n - v6 > 1)
		config_problem(col,
		    "destination %s: expected at most one IPv4 and one IPv6 "
		    "address as source",
		    d->name);
}

static bool
has_relay(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->relays; i++)
		if (strcmp(c->relay[i].name, name) == 0)
			return true;
	return strcmp(name, CONFIG_RELAY_DIRECT) == 0;
}

static void
check_destination(const struct config *c, const struct config_destination *d,
    struct collector *col)
{
	for (size_t i = 0; i < d->domains.n; i++)
		if (!is_domain_pattern(d->domains.v[i]))
			config_problem(col,
			    "destination %s: expected domains such as "
			    "example.org, .example.org or *, not \"%s\"",
			    d->name, d->domains.v[i]);
	for (size_t i = 0; i < d->senders.n; i++)
		if (!is_sender_pattern(d->senders.v[i]))
			config_problem(col,
			    "destination %s: expected senders such as "
			    "user@example.org, example.org, .example.org, * or "
			    "<>, not \"%s\"",
			    d->name, d->senders.v[i]);
	if (*d->relay != '\0' && !has_relay(c, d->relay))
		config_problem(col,
		    "destination %s: there is no relay block \"%s\"", d->name,
		    d->relay);
	if (d->names.n > 0 && d->tls != CONFIG_OUTBOUND_VERIFY)
		config_problem(
		    col, "destination %s: names are for tls = verify", d->name);
	if (*d->helo != '\0' && !config_is_host_name(d->helo))
		config_problem(col,
		    "destination %s: expected a full host name as helo, not "
		    "\"%s\"",
		    d->name, d->helo);
	check_sources(d, col);
}

void
config_check_routes(const struct config *c, struct collector *col)
{
	for (size_t i = 0; i < c->relays; i++)
		check_relay(&c->relay[i], col);
	for (size_t i = 0; i < c->destinations; i++)
		check_destination(c, &c->destination[i], col);
	if (*c->queue.relay != '\0' && !is_relay_host(c->queue.relay))
		config_problem(col,
		    "queue.relay: expected a host such as smtp.example.org:587 "
		    "or [192.0.2.1]:25, not \"%s\"",
		    c->queue.relay);
}
