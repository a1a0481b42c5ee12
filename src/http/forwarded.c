/*
 * http/forwarded.c - whose request it is, and by which URL it came, where a
 * proxy hands it on; and which pages are ours.
 *
 * What a proxy adds to the request anybody else could add as well. So it counts
 * only from those that the listener names (forwarded_from); the last value of a
 * field is the proxy's own.
 */
#include "http/priv.h"

#include "base/network.h"
#include "base/str.h"
#include <arpa/inet.h>

enum { HOPS = 10 }; /* proxies of ours in front of each other */

/* Of all fields of that name, as one list (RFC 9110, 5.3): the item that has
 * `behind` others behind it. p NULL: there is none. */
static struct pst_str
item_from_end(const struct http_head *h, const char *name, size_t behind)
{
	struct pst_str rest, item;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < h->fields; i++)
		for (rest = h->field[i].value;
		     str_is_case(h->field[i].name, name) &&
		     str_split(&rest, ',', &item);)
			n++;
	for (size_t i = 0; i < h->fields && behind < n; i++)
		for (rest = h->field[i].value;
		     str_is_case(h->field[i].name, name) &&
		     str_split(&rest, ',', &item);)
			if (at++ == n - 1 - behind)
				return str_trim(item);
	return STR_NONE;
}

/* The first, from the end, that is none of our proxies; "": nobody else is
 * told. */
static void
find_client(struct http_request *r, char client_r[INET6_ADDRSTRLEN])
{
	struct ip_address address;
	struct pst_str item;

	client_r[0] = '\0';
	for (size_t i = 0; i < HOPS; i++) {
		item = item_from_end(&r->head, "X-Forwarded-For", i);
		if (item.p == NULL || !ip_parse(item, &address))
			return;
		(void)inet_ntop(address.v4 ? AF_INET : AF_INET6,
		    address.octets + (address.v4 ? 12 : 0), client_r,
		    INET6_ADDRSTRLEN);
		if (!net_forwards(r->conn, client_r))
			return;
	}
}

void
http_take_forwarded(struct http_request *r)
{
	struct pst_str proto, host;
	char client[INET6_ADDRSTRLEN];

	r->host = http_head_field(&r->head, "Host");
	if (!net_is_forwarder(r->conn))
		return;
	find_client(r, client);
	proto = item_from_end(&r->head, "X-Forwarded-Proto", 0);
	host = item_from_end(&r->head, "X-Forwarded-Host", 0);
	net_set_client(r->conn, client[0] != '\0' ? client : NULL,
	    str_is_case(proto, "https"));
	if (host.n > 0)
		r->host = host;
}

struct pst_str
http_host(const struct http_request *r)
{
	return r->host;
}

/* --- where we are ------------------------------------------------------------
 */

/* What a Host field may be (RFC 3986, 3.2.2). */
static bool
is_host(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    (s.p[i] == '\0' || strchr(".-:[]_", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

bool
http_is_secure(struct http_request *r)
{
	const char *url = net_config(r->conn)->web.url;

	return *url != '\0' ? str_has_prefix_case(str_of(url), "https://")
			    : net_client_has_tls(r->conn);
}

const char *
http_origin(struct http_request *r)
{
	const struct config *cfg = net_config(r->conn);
	struct buf text;
	const char *origin;

	buf_init(&text, 1024);
	if (*cfg->web.url != '\0') {
		(void)buf_puts(&text, cfg->web.url);
	} else {
		(void)buf_puts(
		    &text, http_is_secure(r) ? "https://" : "http://");
		if (is_host(r->host))
			(void)buf_add_str(&text, r->host);
		else
			(void)buf_puts(&text, cfg->hostname);
	}
	origin = arena_text(r->arena, buf_str(&text));
	buf_fini(&text);
	return origin;
}

bool
http_is_own_page(const struct http_request *r, struct pst_str origin)
{
	const char *url = net_config(r->conn)->web.url;
	size_t at = str_find(origin, '/');

	if (*url != '\0' && str_eq_case(origin, str_of(url)))
		return true;
	/* Who has TLS in front of us sees https where we see http. */
	if (!str_has_prefix_case(origin, "https://") &&
	    (net_client_has_tls(r->conn) ||
		!str_has_prefix_case(origin, "http://")))
		return false;
	return r->host.n > 0 && str_eq_case(str_from(origin, at + 2), r->host);
}
