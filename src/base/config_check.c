/*
 * base/config_check.c - what a configuration must be beside the kinds of its
 * values: names, addresses, and what belongs together.
 */
#include "base/config_keys.h"

#include "base/log.h"
#include "base/network.h"
#include "base/str.h"

#include <netdb.h>

enum { STORAGE_NAME_MAX = 64 }; /* as accounts keep it */

/* What stands behind "http://" or "https://"; p NULL: it begins otherwise. */
static struct pst_str
url_host(struct pst_str url)
{
	if (str_has_prefix_case(url, "https://"))
		return str_from(url, 8);
	return str_has_prefix_case(url, "http://") ? str_from(url, 7)
						   : STR_NONE;
}

/* A host, as browsers write it, and perhaps a port. */
static bool
is_origin(const char *url)
{
	struct pst_str host = url_host(str_of(url)), port;
	size_t end = host.n > 0 && host.p[0] == '[' ? str_find(host, ']') + 1
						    : str_find(host, ':');
	char name[256];
	uint32_t n;

	if (end > host.n)
		return false;
	port = str_from(host, end);
	if (port.n > 0 &&
	    (port.p[0] != ':' || !str_to_u32(str_from(port, 1), &n) || n == 0 ||
		n > 65535))
		return false;
	if (host.n > 0 && host.p[0] == '[')
		return str_copy(name, sizeof(name),
			   str_first(str_from(host, 1), end - 2)) &&
		       strchr(name, ':') != NULL && config_is_ip_address(name);
	if (!str_copy(name, sizeof(name), str_first(host, end)) ||
	    !config_is_host_name(name))
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	return true;
}

const char *
config_web_url(const struct config *c, char to[CONFIG_URL])
{
	(void)snprintf(to, CONFIG_URL, "%s%s",
	    *c->web.url != '\0' ? "" : "https://",
	    *c->web.url != '\0' ? c->web.url : c->hostname);
	return to;
}

bool
config_is_host_name(const char *name)
{
	struct pst_str rest = str_of(name), label;

	if (rest.n == 0 || rest.n > 253)
		return false;
	while (str_split(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!ascii_is_alpha(label.p[i]) &&
			    !ascii_is_digit(label.p[i]) && label.p[i] != '-' &&
			    (unsigned char)label.p[i] < 0x80)
				return false;
	}
	return true;
}

/* An address as getaddrinfo() takes it without asking anybody. */
bool
config_is_ip_address(const char *text)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *list;

	if (getaddrinfo(text, NULL, &hints, &list) != 0)
		return false;
	freeaddrinfo(list);
	return true;
}

static void
check_trusted(const struct config_listener *l,
    const struct config_strings *from, struct collector *col)
{
	for (size_t i = 0; i < from->n; i++)
		if (strcmp(from->v[i], "unix") != 0 &&
		    !network_is_valid(from->v[i]))
			config_problem(col,
			    "listener %s: expected a network such as "
			    "192.0.2.0/24, or \"unix\", not \"%s\"",
			    l->name, from->v[i]);
}

static void
check_proxy(const struct config_listener *l, struct collector *col)
{
	if (l->proxy && l->proxy_from.n == 0)
		config_problem(col,
		    "listener %s: proxy needs proxy_from, the networks of the "
		    "load balancers",
		    l->name);
	if (!l->proxy && l->proxy_from.n > 0)
		config_problem(
		    col, "listener %s: proxy_from needs proxy = yes", l->name);
	if (l->forwarded_from.n > 0 && (l->protocol != CONFIG_HTTP || l->proxy))
		config_problem(col,
		    "listener %s: forwarded_from is for protocol = http, "
		    "without proxy",
		    l->name);
	check_trusted(l, &l->proxy_from, col);
	check_trusted(l, &l->forwarded_from, col);
}

/* Is the file in that very directory? */
static bool
is_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 && path[n] == '/' &&
	       strchr(path + n + 1, '/') == NULL;
}

static void
check_local(const struct config *c, const struct config_listener *l,
    struct collector *col)
{
	if (!l->local)
		return;
	if (l->protocol != CONFIG_SUBMISSION || *l->path != '/' || l->proxy)
		config_problem(col,
		    "listener %s: local = yes is for protocol = submission, "
		    "with a path and without proxy",
		    l->name);
	else if (is_in(l->path, c->run_dir) || is_in(l->path, c->state_dir))
		config_problem(col,
		    "listener %s: local = yes needs a path in a directory of "
		    "its own, since others must get there",
		    l->name);
}

static void
check_listener(const struct config *c, const struct config_listener *l,
    struct collector *col)
{
	if (*l->path != '\0' && l->tls == CONFIG_TLS_IMPLICIT)
		config_problem(col,
		    "listener %s: a Unix socket has no tls = implicit",
		    l->name);
	if (l->tls == CONFIG_TLS_IMPLICIT && c->certificates == 0)
		config_problem(col,
		    "listener %s: tls = implicit needs a certificate block",
		    l->name);
	if (l->tls == CONFIG_TLS_IMPLICIT && l->protocol == CONFIG_REDIRECT)
		config_problem(col,
		    "listener %s: protocol = redirect is for who comes without "
		    "TLS, so there is no tls = implicit",
		    l->name);
	if (*l->path == '\0' && l->address.n == 0)
		config_problem(
		    col, "listener %s: expected an address or a path", l->name);
	for (size_t i = 0; i < l->address.n; i++)
		if (strcmp(l->address.v[i], "*") != 0 &&
		    !config_is_ip_address(l->address.v[i]))
			config_problem(col,
			    "listener %s: expected \"*\" or an IP address, "
			    "not \"%s\"",
			    l->name, l->address.v[i]);
	check_proxy(l, col);
	check_local(c, l, col);
}

/* filter-name (RFC 5466, 4) in lower case, as names of entries are kept. */
static void
check_filter(const struct config_filter *f, struct collector *col)
{
	bool good = *f->name != '\0';

	for (const char *p = f->name; *p != '\0' && good; p++)
		good = *p > ' ' && *p < 0x7f && *p == ascii_lower(*p) &&
		       strchr("(){%*\"\\]/", *p) == NULL;
	if (!good)
		config_problem(col,
		    "filter %s: expected a name in lower case of letters, "
		    "digits, '-' and '.'",
		    f->name);
	if (*f->search == '\0')
		config_problem(col, "filter %s: expected a search", f->name);
}

/* A keyword is an atom (RFC 3501, 9). */
static bool
is_deleted_flag(const char *text)
{
	if (strcmp(text, "\\Deleted") == 0)
		return true;
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > 0x7e || strchr("(){%*\"\\]", *p) != NULL)
			return false;
	return *text != '\0';
}

/* Those of RFC 6154, 2 that a mailbox may be made with. */
static bool
is_special_use(const char *text)
{
	static const char *const uses[] = { "", "\\Archive", "\\Drafts",
		"\\Junk", "\\Sent", "\\Trash" };

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(text, uses[i]) == 0)
			return true;
	return false;
}

static void
check_special_use(
    const char *block, const char *name, const char *use, struct collector *col)
{
	if (!is_special_use(use))
		config_problem(col,
		    "%s %s: expected a special use, \"\\\\Archive\", "
		    "\"\\\\Drafts\", \"\\\\Junk\", \"\\\\Sent\" or "
		    "\"\\\\Trash\", not \"%s\"",
		    block, name, use);
}

/* Without a good name no account could be made. */
static void
check_mailbox(const struct config_mailbox *m, struct collector *col)
{
	struct pst_str rest = str_of(m->name), level;
	bool good = rest.n > 0 && rest.p[rest.n - 1] != '/';

	while (good && str_split(&rest, '/', &level))
		good = level.n > 0;
	if (!good)
		config_problem(col,
		    "mailbox %s: expected a name with something in each level",
		    m->name);
	check_special_use("mailbox", m->name, m->special_use, col);
}

static void
check_retention(const struct config_retention *r, struct collector *col)
{
	if (*r->mailbox == '\0' && *r->special_use == '\0')
		config_problem(col,
		    "retention %s: expected the mailboxes that it is for: "
		    "`mailbox`, `special_use`, or both",
		    r->name);
	if (r->age == 0 && r->max_messages == 0 && r->max_size == 0)
		config_problem(col,
		    "retention %s: expected at least one of `age`, "
		    "`max_messages` and `max_size`",
		    r->name);
	check_special_use("retention", r->name, r->special_use, col);
}

static bool
is_stub(struct pst_str text)
{
	size_t equals = str_find(text, '=');

	return equals > 0 && network_is_server(str_from(text, equals + 1));
}

static void
check_networks(
    const char *key, const struct config_strings *list, struct collector *col)
{
	for (size_t i = 0; i < list->n; i++)
		if (!network_is_valid(list->v[i]))
			config_problem(col,
			    "%s: expected an address or a network such as "
			    "192.0.2.0/24, not \"%s\"",
			    key, list->v[i]);
}

static void
check_dns(const struct config *c, struct collector *col)
{
	const struct config_strings *s = &c->dns.servers;
	bool system = s->n == 1 && strcmp(s->v[0], "system") == 0;

	for (size_t i = 0; !system && i < s->n; i++)
		if (!network_is_server(str_of(s->v[i])))
			config_problem(col,
			    "dns.servers: expected \"system\" or addresses "
			    "such as 192.0.2.1 or 192.0.2.1@53, not \"%s\"",
			    s->v[i]);
	for (size_t i = 0; i < c->dns.stubs.n; i++)
		if (!is_stub(str_of(c->dns.stubs.v[i])))
			config_problem(col,
			    "dns.stubs: expected ZONE=ADDRESS or "
			    "ZONE=ADDRESS@PORT, not \"%s\"",
			    c->dns.stubs.v[i]);
	check_networks("trust.exempt", &c->trust.exempt, col);
}

/* As guard/dnslist.h has it: four parts, each a number, a range or "*". */
static bool
is_dnslist_answer(const char *text)
{
	struct pst_str rest = str_of(text), part;
	uint32_t low, high;
	size_t parts = 0;

	while (str_split(&rest, '.', &part)) {
		size_t dash = str_find(part, '-');

		parts++;
		if (str_is(part, "*"))
			continue;
		if (!str_to_u32(str_first(part, dash), &low))
			return false;
		high = low;
		if (dash < part.n &&
		    !str_to_u32(str_from(part, dash + 1), &high))
			return false;
		if (low > high || high > 255)
			return false;
	}
	return parts == 4;
}

static void
check_milter(const struct config_milter *m, struct collector *col)
{
	struct sockaddr_storage to;
	char key[100];
	socklen_t size;

	(void)snprintf(key, sizeof(key), "milter %.60s: exempt", m->name);
	check_networks(key, &m->exempt, col);
	if (!network_socket(m->socket, &to, &size))
		config_problem(col,
		    "milter %s: expected a socket such as "
		    "\"unix:/run/filter.sock\" or \"inet:11332@127.0.0.1\", "
		    "not \"%s\"",
		    m->name, m->socket);
	for (size_t i = 0; i < m->protocols.n; i++)
		if (strcmp(m->protocols.v[i], "smtp") != 0 &&
		    strcmp(m->protocols.v[i], "submission") != 0)
			config_problem(col,
			    "milter %s: protocols: expected smtp or "
			    "submission, not \"%s\"",
			    m->name, m->protocols.v[i]);
}

/* SPF records often stand below names with "_". */
static bool
is_spf_domain(const char *text)
{
	char name[254];

	if (!str_copy(name, sizeof(name), str_of(text)))
		return false;
	for (char *p = name; *p != '\0'; p++)
		if (*p == '_')
			*p = 'a';
	return config_is_host_name(name);
}

static void
check_guard(const struct config *c, struct collector *col)
{
	check_networks("guard.allow", &c->guard.allow, col);
	check_networks("guard.deny", &c->guard.deny, col);
	for (size_t i = 0; i < c->guard.grey_providers.n; i++)
		if (!is_spf_domain(c->guard.grey_providers.v[i]))
			config_problem(col,
			    "guard.grey_providers: \"%s\" is no domain name",
			    c->guard.grey_providers.v[i]);
	if (c->guard.grey_wait >= c->guard.grey_retry)
		config_problem(
		    col, "guard.grey_wait: expected less than grey_retry");
	for (size_t i = 0; i < c->milters; i++)
		check_milter(&c->milter[i], col);
	for (size_t i = 0; i < c->dnslists; i++) {
		const struct config_dnslist *l = &c->dnslist[i];

		if (!config_is_host_name(l->zone))
			config_problem(col,
			    "dnslist %s: expected a zone such as "
			    "list.example.org, not \"%s\"",
			    l->name, l->zone);
		for (size_t k = 0; k < l->answers.n; k++)
			if (!is_dnslist_answer(l->answers.v[k]))
				config_problem(col,
				    "dnslist %s: expected answers such as "
				    "127.0.0.2, 127.0.0.4-7 or 127.0.*.2, not "
				    "\"%s\"",
				    l->name, l->answers.v[k]);
	}
}

static void
check_domain(const struct config *c, const struct config_domain *d,
    struct collector *col)
{
	if (!config_is_local_domain(c, str_of(d->name)))
		config_problem(col,
		    "domain %s: expected one of `domains`; for those of the "
		    "database there is posternctl domain set",
		    d->name);
	if (*d->storage != '\0' && config_find_storage(c, d->storage) == NULL)
		config_problem(col,
		    "domain %s: there is no storage block \"%s\"", d->name,
		    d->storage);
}

void
config_check(const struct config *c, struct collector *col)
{
	if (!config_is_host_name(c->hostname))
		config_problem(col,
		    "hostname: expected this server's full name, such as "
		    "mail.example.org, not \"%s\"",
		    c->hostname);
	for (size_t i = 0; i < c->domains.n; i++)
		if (!config_is_host_name(c->domains.v[i]))
			config_problem(col, "domains: \"%s\" is no domain name",
			    c->domains.v[i]);
	if (c->listeners == 0)
		config_problem(col, "expected at least one listener block");
	for (size_t i = 0; i < c->listeners; i++)
		check_listener(c, &c->listener[i], col);
	for (size_t i = 0; i < c->certificates; i++)
		if (*c->certificate[i].certificate == '\0' ||
		    *c->certificate[i].key == '\0')
			config_problem(col,
			    "certificate %s: expected the files of "
			    "`certificate` and `key`",
			    c->certificate[i].name);
	for (size_t i = 0; i < c->storages; i++)
		if (strlen(c->storage[i].name) > STORAGE_NAME_MAX)
			config_problem(col,
			    "storage %s: expected a name of at most %d octets",
			    c->storage[i].name, STORAGE_NAME_MAX);
	for (size_t i = 0; i < c->storages; i++)
		for (size_t k = 0; k < c->storage[i].option.n; k++)
			if (strchr(c->storage[i].option.v[k], '=') == NULL)
				config_problem(col,
				    "storage %s: option \"%s\": expected "
				    "\"key=value\"",
				    c->storage[i].name,
				    c->storage[i].option.v[k]);
	for (size_t i = 0; i < c->hides; i++)
		if (c->hide[i].capabilities.n == 0)
			config_problem(col, "hide %s: expected capabilities",
			    c->hide[i].name);
	for (size_t i = 0; i < c->filters; i++)
		check_filter(&c->filter[i], col);
	for (size_t i = 0; i < c->locals; i++)
		if (c->local[i].users.n == 0 || c->local[i].addresses.n == 0)
			config_problem(col,
			    "local %s: expected users and addresses",
			    c->local[i].name);
	for (size_t i = 0; i < c->sending_users_blocks; i++)
		if (c->sending_users[i].users.n == 0)
			config_problem(col, "sending_users %s: expected users",
			    c->sending_users[i].name);
	for (size_t i = 0; i < c->mailboxes; i++)
		check_mailbox(&c->mailbox[i], col);
	for (size_t i = 0; i < c->retentions; i++)
		check_retention(&c->retention[i], col);
	for (size_t i = 0; i < c->domain_blocks; i++)
		check_domain(c, &c->domain[i], col);
	if (!config_accounts_in_file(c) &&
	    config_find_storage(c, c->accounts.database) == NULL)
		config_problem(col,
		    "accounts.database: expected sqlite or the name of a "
		    "storage block, not \"%s\"",
		    c->accounts.database);
	if (*c->default_storage != '\0' && config_default_storage(c) == NULL)
		config_problem(col,
		    "default_storage: there is no storage block \"%s\"",
		    c->default_storage);
	if (*c->forward.srs_domain != '\0' &&
	    !config_is_host_name(c->forward.srs_domain))
		config_problem(col,
		    "forward.srs_domain: expected a domain, not \"%s\"",
		    c->forward.srs_domain);
	if (c->sieve.vacation_days_min > c->sieve.vacation_days_max)
		config_problem(col,
		    "sieve.vacation_days_min is larger than vacation_days_max");
	if (c->limits.workers_min > c->limits.workers_max)
		config_problem(
		    col, "limits.workers_min is larger than workers_max");
	if (c->log.target == LOG_TO_FILE && *c->log.path == '\0')
		config_problem(
		    col, "log.path: expected a file for target = file");
	if (strcmp(c->tls.min_version, "1.2") != 0 &&
	    strcmp(c->tls.min_version, "1.3") != 0)
		config_problem(col,
		    "tls.min_version: expected 1.2 or 1.3, not \"%s\"",
		    c->tls.min_version);
	if (*c->web.url != '\0' &&
	    (strlen(c->web.url) >= CONFIG_URL || !is_origin(c->web.url)))
		config_problem(col,
		    "web.url: expected a scheme and a host, such as "
		    "https://mail.example.org, not \"%s\"",
		    c->web.url);
	check_dns(c, col);
	check_guard(c, col);
	config_check_routes(c, col);
	if (!is_deleted_flag(c->pop3.deleted_flag))
		config_problem(col,
		    "pop3.deleted_flag: expected \\Deleted or a keyword, not "
		    "\"%s\"",
		    c->pop3.deleted_flag);
}
