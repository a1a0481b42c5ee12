/*
 * http/upgrade.c - a request becomes a WebSocket (RFC 6455, 4.2).
 */
#include "http/priv.h"

#include "base/codec.h"
#include "base/str.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { KEY = 16, SHA1 = 20 };

/* Pages of other sites can open a WebSocket here, with our cookie or the
 * password that the browser remembers (RFC 6455, 10.2); they cannot hide where
 * they come from. Programs say nothing. */
bool
http_may_open(struct http_request *r)
{
	struct pst_str from = http_head_field(&r->head, "Origin");

	if (from.p == NULL)
		return http_head_field(&r->head, "Authorization").p != NULL ||
		       http_cookie(&r->head, HTTP_COOKIE).p == NULL;
	return http_is_own_page(r, from);
}

static bool
is_key(struct pst_str key)
{
	struct buf octets;
	bool ok;

	buf_init(&octets, KEY);
	ok = base64_decode(key, &octets) && octets.n == KEY;
	buf_fini(&octets);
	return ok;
}

/* False, after an answer. */
static bool
check(struct http_request *r, const char *protocol)
{
	struct pst_str version = http_head_field(
	    &r->head, "Sec-WebSocket-Version");

	if (r->head.is_old || r->asked.is_head ||
	    !http_head_lists(&r->head, "Upgrade", "websocket") ||
	    !http_head_lists(&r->head, "Connection", "Upgrade")) {
		http_add(r, "Upgrade", "websocket");
		http_add(r, "Connection", "Upgrade");
		http_problem(r, 426, NULL, "This is a WebSocket.");
		return false;
	}
	if (!str_is(version, "13")) {
		http_add(r, "Sec-WebSocket-Version", "13");
		http_problem(r, 426, NULL, "This version is not spoken here.");
		return false;
	}
	if (!is_key(http_head_field(&r->head, "Sec-WebSocket-Key")) ||
	    r->body_size > 0 ||
	    !http_head_lists(&r->head, "Sec-WebSocket-Protocol", protocol)) {
		http_problem(r, 400, NULL, "The handshake is malformed.");
		return false;
	}
	return true;
}

static bool
make_accept(struct pst_str key, struct buf *out)
{
	unsigned char digest[SHA1];
	struct buf text;
	bool ok;

	buf_init(&text, 256);
	ok = buf_add_str(&text, key) &&
	     buf_puts(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11") &&
	     gnutls_hash_fast(GNUTLS_DIG_SHA1, text.p, text.n, digest) == 0 &&
	     base64_encode(str_n((char *)digest, SHA1), out);
	buf_fini(&text);
	return ok;
}

bool
http_websocket(
    struct http_request *r, const char *protocol, const struct http_live *live)
{
	struct buf *out = net_output(r->conn), accept;

	if (!check(r, protocol))
		return false;
	buf_init(&accept, 64);
	if (!make_accept(
		http_head_field(&r->head, "Sec-WebSocket-Key"), &accept)) {
		buf_fini(&accept);
		http_problem(r, 500, NULL, "There is no hash.");
		return false;
	}
	(void)buf_printf(out,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n"
	    "Sec-WebSocket-Protocol: %s\r\n\r\n",
	    STR_ARG(buf_str(&accept)), protocol);
	buf_fini(&accept);
	http_begin_live(r, live);
	return true;
}
