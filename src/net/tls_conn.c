/*
 * net/tls_conn.c - the TLS session of one connection, never blocking.
 */
#include "net/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls_conn {
	gnutls_session_t session;
	struct tls_certs *certs;
	const char *error; /* static text */
	char info[96];
};

/* GnuTLS's own functions lack MSG_NOSIGNAL on some paths. */
static ssize_t
push(gnutls_transport_ptr_t ptr, const void *p, size_t n)
{
	ssize_t done = send((int)(intptr_t)ptr, p, n, MSG_NOSIGNAL);

	return done;
}

static void
choose(struct tls_conn *t, const char *name)
{
	gnutls_certificate_credentials_t credentials = tls_certs_choose(
	    t->certs, name);

	if (credentials != NULL)
		(void)gnutls_credentials_set(
		    t->session, GNUTLS_CRD_CERTIFICATE, credentials);
}

/* The client has told which server it means to talk to, or not. */
static int
on_client_hello(gnutls_session_t session)
{
	char name[256];
	size_t size = sizeof(name);
	unsigned type = 0;

	if (gnutls_server_name_get(session, name, &size, &type, 0) >= 0 &&
	    type == GNUTLS_NAME_DNS)
		choose(gnutls_session_get_ptr(session), name);
	return 0;
}

struct tls_conn *
tls_conn_new(struct tls_context *context, int fd, const char *alpn)
{
	struct tls_conn *t;
	const gnutls_datum_t *key;

	if (context == NULL)
		return NULL;
	t = mem_alloc(sizeof(*t));
	t->certs = tls_certs_take(context);
	if (gnutls_init(&t->session,
		GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		tls_certs_drop(&t->certs);
		free(t);
		return NULL;
	}
	(void)gnutls_priority_set(t->session, tls_certs_priority(t->certs));
	gnutls_session_set_ptr(t->session, t);
	choose(t, NULL);
	gnutls_handshake_set_post_client_hello_function(
	    t->session, on_client_hello);
	gnutls_certificate_server_set_request(t->session, GNUTLS_CERT_IGNORE);
	key = tls_ticket_key(context);
	if (key != NULL)
		(void)gnutls_session_ticket_enable_server(t->session, key);
	if (alpn != NULL) {
		gnutls_datum_t name = { (void *)(uintptr_t)alpn,
			(unsigned)strlen(alpn) };

		/* Who names another protocol is turned away (RFC 7301, 3.2),
		 * so that no other server's client talks to this one. */
		(void)gnutls_alpn_set_protocols(
		    t->session, &name, 1, GNUTLS_ALPN_MANDATORY);
	}
	gnutls_transport_set_int(t->session, fd);
	gnutls_transport_set_push_function(t->session, push);
	gnutls_handshake_set_timeout(t->session, 0);
	return t;
}

void
tls_conn_free(struct tls_conn **tp)
{
	struct tls_conn *t = *tp;

	if (t == NULL)
		return;
	gnutls_deinit(t->session);
	tls_certs_drop(&t->certs);
	free(t);
	*tp = NULL;
}

static void
describe(struct tls_conn *t)
{
	(void)snprintf(t->info, sizeof(t->info), "%s %s",
	    gnutls_protocol_get_name(gnutls_protocol_get_version(t->session)),
	    gnutls_ciphersuite_get(t->session));
}

int
tls_conn_handshake(struct tls_conn *t)
{
	int rc = gnutls_handshake(t->session);

	if (rc == GNUTLS_E_SUCCESS) {
		describe(t);
		return 0;
	}
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED ||
	    gnutls_error_is_fatal(rc) == 0)
		return TLS_AGAIN;
	t->error = gnutls_strerror(rc);
	(void)gnutls_alert_send_appropriate(t->session, rc);
	return -1;
}

bool
tls_conn_wants_write(const struct tls_conn *t)
{
	return gnutls_record_get_direction(t->session) == 1;
}

static ssize_t
result(struct tls_conn *t, ssize_t rc)
{
	if (rc >= 0)
		return rc;
	/* A client that closes without close_notify is common; to a protocol
	 * with an end of its own it is an end like any other. */
	if (rc == GNUTLS_E_PREMATURE_TERMINATION)
		return 0;
	/* A client that wants to negotiate anew (TLS 1.2) would wait for ever;
	 * none needs that. */
	if (rc != GNUTLS_E_REHANDSHAKE && gnutls_error_is_fatal((int)rc) == 0)
		return TLS_AGAIN;
	t->error = gnutls_strerror((int)rc);
	return -1;
}

ssize_t
tls_conn_read(struct tls_conn *t, void *p, size_t n)
{
	size_t done = 0;
	ssize_t got;

	/* One record a call, at most 16 KiB: take all that have come. */
	do {
		got = gnutls_record_recv(
		    t->session, (char *)p + done, n - done);
		if (got > 0)
			done += (size_t)got;
	} while (
	    got > 0 && done < n && gnutls_record_check_pending(t->session) > 0);
	return done > 0 ? (ssize_t)done : result(t, got);
}

ssize_t
tls_conn_write(struct tls_conn *t, const void *p, size_t n)
{
	/* After GNUTLS_E_AGAIN the same octets have to come again; the output
	 * buffer keeps them in place, at the same offset. */
	return result(t, gnutls_record_send(t->session, p, n));
}

bool
tls_conn_pending(const struct tls_conn *t)
{
	return gnutls_record_check_pending(t->session) > 0;
}

void
tls_conn_bye(struct tls_conn *t)
{
	(void)gnutls_bye(t->session, GNUTLS_SHUT_WR);
}

const char *
tls_conn_info(const struct tls_conn *t)
{
	return t->info;
}

const char *
tls_conn_error(const struct tls_conn *t)
{
	return t->error != NULL ? t->error : "";
}

bool
tls_conn_exporter(const struct tls_conn *t, unsigned char out[32])
{
	/* RFC 9266, 2 */
	static const char label[] = "EXPORTER-Channel-Binding";

	return gnutls_prf_rfc5705(t->session, sizeof(label) - 1, label, 0, "",
		   32, (char *)out) >= 0;
}
