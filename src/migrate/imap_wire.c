/*
 * imap_wire.c - see imap_wire.h.
 */
#include "migrate/imap_wire.h"

#include "base/codec.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECT_TIME = 30 * 1000, /* milliseconds */
	WAIT_TIME = 120 * 1000,	  /* for the next octets */
	PIECE = 65536,
	LINE_MAX_OCTETS = 1 << 18, /* a response with its literals */
	LITERAL_MAX = IMAP_VALUE_MAX,
};

struct imap_wire {
	int fd;
	bool is_local;
	gnutls_session_t tls; /* NULL: none */
	gnutls_certificate_credentials_t credentials;
	const struct imap_trust *trust;
	char host[256];
	struct buf in;
	size_t used;
	struct buf line;
};

/* --- trust --------------------------------------------------------------- */

enum pst_rc
imap_trust_parse(const char *text, struct imap_trust *t, struct pst_error *err)
{
	size_t n = 0;

	*t = (struct imap_trust){ 0 };
	if (!str_has_prefix_case(str_of(text), "sha256:")) {
		if (strchr(text, '/') == NULL)
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "--trust: expected the path of a file of "
			    "certificates, or sha256: and a fingerprint");
		t->ca_file = text;
		return PST_OK;
	}
	for (const char *p = text + 7; *p != '\0'; p++) {
		char c = ascii_upper(*p);

		if (c == ':')
			continue;
		if (n == 64 || strchr("0123456789ABCDEF", c) == NULL)
			n = 65;
		else
			t->pin[n++] = c;
		if (n > 64)
			break;
	}
	if (n != 64)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "--trust: a SHA-256 fingerprint has 64 hexadecimal digits");
	return PST_OK;
}

/* In capitals, as the pin is. */
static bool
fingerprint(gnutls_session_t tls, char out[65])
{
	const gnutls_datum_t *chain;
	unsigned n = 0;
	unsigned char digest[32];

	chain = gnutls_certificate_get_peers(tls, &n);
	if (chain == NULL || n == 0 ||
	    gnutls_hash_fast(
		GNUTLS_DIG_SHA256, chain[0].data, chain[0].size, digest) < 0)
		return false;
	hex_encode(digest, sizeof(digest), out);
	for (size_t i = 0; i < 64; i++)
		out[i] = ascii_upper(out[i]);
	return true;
}

static enum pst_rc
verify(struct imap_wire *w, struct pst_error *err)
{
	unsigned status = 0;
	gnutls_datum_t text = { 0 };
	char print[65] = "";
	int e;

	if (!fingerprint(w->tls, print))
		return pst_fail(
		    err, PST_E_DENIED, 0, "%s shows no certificate", w->host);
	if (w->trust->pin[0] != '\0')
		return strcmp(print, w->trust->pin) == 0
			   ? PST_OK
			   : pst_fail(err, PST_E_DENIED, 0,
				 "%.80s shows another certificate: sha256:%s",
				 w->host, print);
	e = gnutls_certificate_verify_peers3(w->tls, w->host, &status);
	if (e == 0 && status == 0)
		return PST_OK;
	if (e == 0)
		(void)gnutls_certificate_verification_status_print(
		    status, GNUTLS_CRT_X509, &text, 0);
	(void)pst_fail(err, PST_E_DENIED, 0,
	    "%.50s: %.70s If that is right: --trust sha256:%s", w->host,
	    text.data != NULL ? (const char *)text.data : gnutls_strerror(e),
	    print);
	gnutls_free(text.data);
	return PST_E_DENIED;
}

/* --- connecting ---------------------------------------------------------- */

static enum pst_rc
wait_for(struct imap_wire *w, short events, int time, struct pst_error *err)
{
	struct pollfd p = { .fd = w->fd, .events = events };
	int n;

	do
		n = poll(&p, 1, time);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return PST_OK;
	return pst_fail(err, PST_E_TEMP, n < 0 ? errno : ETIMEDOUT,
	    "%.150s does not answer", w->host);
}

static bool
is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 six;

		memcpy(&six, sa, sizeof(six));
		return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
	}
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in four;

		memcpy(&four, sa, sizeof(four));
		return ntohl(four.sin_addr.s_addr) >> 24 == 127;
	}
	return false;
}

static enum pst_rc
connect_one(
    struct imap_wire *w, const struct addrinfo *a, struct pst_error *err)
{
	socklen_t size = sizeof(int);
	enum pst_rc rc = PST_OK;
	int e = 0;

	w->fd = socket(
	    a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "socket: %s", strerror(errno));
	if (connect(w->fd, a->ai_addr, a->ai_addrlen) < 0) {
		e = errno;
		if (e == EINPROGRESS) {
			rc = wait_for(w, POLLOUT, CONNECT_TIME, err);
			e = 0;
			if (rc == PST_OK)
				(void)getsockopt(
				    w->fd, SOL_SOCKET, SO_ERROR, &e, &size);
		}
	}
	if (rc == PST_OK && e != 0)
		rc = pst_fail(
		    err, PST_E_TEMP, e, "%.150s: %s", w->host, strerror(e));
	w->is_local = is_loopback(a->ai_addr);
	if (rc != PST_OK) {
		(void)close(w->fd);
		w->fd = -1;
	}
	return rc;
}

static enum pst_rc
connect_any(
    struct imap_wire *w, const struct imap_url *url, struct pst_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	int e = getaddrinfo(url->host, url->port, &hints, &all);
	enum pst_rc rc = PST_E_TEMP;

	if (e != 0)
		return pst_fail(err, PST_E_TEMP, 0, "%.150s: %s", url->host,
		    gai_strerror(e));
	for (const struct addrinfo *a = all; a != NULL && rc != PST_OK;
	     a = a->ai_next)
		rc = connect_one(w, a, err);
	freeaddrinfo(all);
	return rc;
}

/* --- TLS ----------------------------------------------------------------- */

static enum pst_rc
tls_failed(const struct imap_wire *w, int e, struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_TEMP, 0, "%.120s: TLS: %s", w->host, gnutls_strerror(e));
}

static enum pst_rc
handshake(struct imap_wire *w, struct pst_error *err)
{
	int e;

	while ((e = gnutls_handshake(w->tls)) < 0) {
		enum pst_rc rc = PST_OK;

		if (gnutls_error_is_fatal(e))
			return tls_failed(w, e, err);
		if (e == GNUTLS_E_AGAIN || e == GNUTLS_E_INTERRUPTED)
			rc = wait_for(w,
			    gnutls_record_get_direction(w->tls) != 0 ? POLLOUT
								     : POLLIN,
			    WAIT_TIME, err);
		if (rc != PST_OK)
			return rc;
	}
	return verify(w, err);
}

static enum pst_rc
take_trust(struct imap_wire *w, struct pst_error *err)
{
	int e = gnutls_certificate_allocate_credentials(&w->credentials);

	if (e < 0)
		return tls_failed(w, e, err);
	if (w->trust->ca_file == NULL) {
		/* With a pin they need not be there. */
		(void)gnutls_certificate_set_x509_system_trust(w->credentials);
		return PST_OK;
	}
	e = gnutls_certificate_set_x509_trust_file(
	    w->credentials, w->trust->ca_file, GNUTLS_X509_FMT_PEM);
	return e > 0 ? PST_OK
		     : pst_fail(err, PST_E_PERM, 0,
			   "%.150s: no certificates in it", w->trust->ca_file);
}

enum pst_rc
imap_wire_start_tls(struct imap_wire *w, struct pst_error *err)
{
	struct in6_addr ignored;
	enum pst_rc rc = take_trust(w, err);
	int e;

	if (rc != PST_OK)
		return rc;
	/* What was said before is not part of it (CVE-2011-0411). */
	if (w->used < w->in.n)
		return pst_fail(err, PST_E_DENIED, 0,
		    "%.150s said something between plain text and TLS",
		    w->host);
	e = gnutls_init(
	    &w->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	if (e < 0) {
		w->tls = NULL;
		return tls_failed(w, e, err);
	}
	(void)gnutls_set_default_priority(w->tls);
	(void)gnutls_credentials_set(
	    w->tls, GNUTLS_CRD_CERTIFICATE, w->credentials);
	/* RFC 6066, 3: no addresses. */
	if (inet_pton(AF_INET, w->host, &ignored) != 1 &&
	    inet_pton(AF_INET6, w->host, &ignored) != 1)
		(void)gnutls_server_name_set(
		    w->tls, GNUTLS_NAME_DNS, w->host, strlen(w->host));
	gnutls_transport_set_int(w->tls, w->fd);
	return handshake(w, err);
}

bool
imap_wire_has_tls(const struct imap_wire *w)
{
	return w->tls != NULL;
}

bool
imap_wire_is_local(const struct imap_wire *w)
{
	return w->is_local;
}

enum pst_rc
imap_wire_open(const struct imap_url *url, const struct imap_trust *trust,
    struct imap_wire **w_r, struct pst_error *err)
{
	struct imap_wire *w = mem_alloc(sizeof(*w));
	enum pst_rc rc;

	w->fd = -1;
	w->trust = trust;
	(void)str_copy(w->host, sizeof(w->host), str_of(url->host));
	buf_init(&w->in, 2 * PIECE);
	buf_init(&w->line, LINE_MAX_OCTETS);
	rc = connect_any(w, url, err);
	if (rc == PST_OK && url->is_tls)
		rc = imap_wire_start_tls(w, err);
	if (rc != PST_OK)
		imap_wire_close(&w);
	*w_r = w;
	return rc;
}

void
imap_wire_close(struct imap_wire **wp)
{
	struct imap_wire *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	if (w->tls != NULL) {
		(void)gnutls_bye(w->tls, GNUTLS_SHUT_WR);
		gnutls_deinit(w->tls);
	}
	if (w->credentials != NULL)
		gnutls_certificate_free_credentials(w->credentials);
	if (w->fd >= 0)
		(void)close(w->fd);
	buf_fini(&w->in);
	buf_fini(&w->line);
	free(w);
}

/* --- octets -------------------------------------------------------------- */

/* >= 0; or -1 with *events_r: what to wait for (0: it failed). */
static ssize_t
transfer(struct imap_wire *w, char *in, const char *out, size_t n,
    short *events_r, struct pst_error *err)
{
	ssize_t got;

	*events_r = 0;
	if (w->tls != NULL) {
		got = in != NULL ? gnutls_record_recv(w->tls, in, n)
				 : gnutls_record_send(w->tls, out, n);
		if (got >= 0)
			return got;
		if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
			*events_r = gnutls_record_get_direction(w->tls) != 0
					? POLLOUT
					: POLLIN;
		else if (!gnutls_error_is_fatal((int)got))
			*events_r = POLLIN | POLLOUT;
		else
			(void)tls_failed(w, (int)got, err);
		return -1;
	}
	got = in != NULL ? recv(w->fd, in, n, 0)
			 : send(w->fd, out, n, MSG_NOSIGNAL);
	if (got >= 0)
		return got;
	if (errno == EAGAIN || errno == EINTR)
		*events_r = in != NULL ? POLLIN : POLLOUT;
	else
		(void)pst_fail(err, PST_E_TEMP, errno, "%.150s: %s", w->host,
		    strerror(errno));
	return -1;
}

enum pst_rc
imap_wire_send(struct imap_wire *w, struct pst_str text, struct pst_error *err)
{
	while (text.n > 0) {
		short events;
		ssize_t n = transfer(w, NULL, text.p, text.n, &events, err);
		enum pst_rc rc;

		if (n >= 0) {
			text = str_from(text, (size_t)n);
			continue;
		}
		if (events == 0)
			return PST_E_TEMP;
		rc = wait_for(w, events, WAIT_TIME, err);
		if (rc != PST_OK)
			return rc;
	}
	return PST_OK;
}

static enum pst_rc
read_some(struct imap_wire *w, struct pst_error *err)
{
	buf_consume(&w->in, w->used);
	w->used = 0;
	for (;;) {
		size_t room = w->in.max - w->in.n;
		short events;
		char *p = buf_reserve(&w->in, room < PIECE ? room : PIECE);
		ssize_t n = transfer(
		    w, p, NULL, room < PIECE ? room : PIECE, &events, err);
		enum pst_rc rc;

		if (n > 0) {
			buf_added(&w->in, (size_t)n);
			return PST_OK;
		}
		if (n == 0)
			return pst_fail(err, PST_E_TEMP, 0,
			    "%.150s closed the connection", w->host);
		if (events == 0)
			return PST_E_TEMP;
		rc = wait_for(w, events, WAIT_TIME, err);
		if (rc != PST_OK)
			return rc;
	}
}

static struct pst_str
unused(const struct imap_wire *w)
{
	return str_from(buf_str(&w->in), w->used);
}

/* Adds octets to the line: up to a line end, or `n` of them. */
static enum pst_rc
add_to_line(struct imap_wire *w, size_t n, struct pst_error *err)
{
	bool to_end = n == 0, over = false;

	while (!over) {
		struct pst_str s = unused(w);
		size_t take = to_end ? str_find(s, '\n') : n;
		enum pst_rc rc;

		over = take < s.n || (!to_end && take == s.n);
		if (take > s.n)
			take = s.n;
		else if (to_end && over)
			take++;
		if (!buf_add(&w->line, s.p, take))
			return pst_fail(err, PST_E_LIMIT, 0,
			    "%.150s says too much at once", w->host);
		w->used += take;
		n -= to_end ? 0 : take;
		rc = over ? PST_OK : read_some(w, err);
		if (rc != PST_OK)
			return rc;
	}
	return PST_OK;
}

static struct pst_str
without_end(struct pst_str line)
{
	while (line.n > 0 &&
	       (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	return line;
}

enum pst_rc
imap_wire_response(struct imap_wire *w, struct pst_str *line_r,
    uint64_t *message_r, struct pst_error *err)
{
	*message_r = IMAP_NO_MESSAGE;
	buf_clear(&w->line);
	for (;;) {
		enum pst_rc rc = add_to_line(w, 0, err);
		struct pst_str line = without_end(buf_str(&w->line));
		uint64_t size;

		if (rc != PST_OK)
			return rc;
		*line_r = line;
		if (!imap_literal_size(line, &size))
			return PST_OK;
		if (imap_is_message_literal(line)) {
			*message_r = size;
			return PST_OK;
		}
		if (size > LITERAL_MAX)
			return pst_fail(err, PST_E_LIMIT, 0,
			    "%.150s says too much at once", w->host);
		if (size > 0)
			rc = add_to_line(w, (size_t)size, err);
		if (rc != PST_OK)
			return rc;
	}
}

enum pst_rc
imap_wire_message(struct imap_wire *w, uint64_t size, mig_write_fn write,
    void *arg, enum pst_rc *write_rc_r, struct pst_error *err)
{
	*write_rc_r = PST_OK;
	while (size > 0) {
		struct pst_str s = unused(w);
		enum pst_rc rc = s.n == 0 ? read_some(w, err) : PST_OK;

		if (rc != PST_OK)
			return rc;
		s = unused(w);
		if (s.n > size)
			s.n = (size_t)size;
		if (write != NULL)
			*write_rc_r = write(arg, s.p, s.n, err);
		if (*write_rc_r != PST_OK)
			return *write_rc_r;
		w->used += s.n;
		size -= s.n;
	}
	return PST_OK;
}
