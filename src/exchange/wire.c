/*
 * exchange/wire.c - see wire.h. The socket never blocks; poll() waits for it,
 * for TLS in both directions.
 */
#include "exchange/wire.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "exchange/wire_sessions.h"
#include "exchange/wire_trust.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	INPUT = 16 * 1024,
	OUTPUT = 64 * 1024,
	RACERS = 16, /* addresses that are tried at once */
};

struct wire {
	int fd, stop_fd;
	gnutls_session_t tls; /* NULL: plain */
	gnutls_certificate_credentials_t credentials;
	enum wire_flaw flaw;
	struct wire_sessions *sessions; /* NULL: nothing is remembered */
	char *session_key;
	char info[96];
	char *out;
	size_t out_n;
	size_t in_at, in_n;
	char in[INPUT];
};

void
wire_address_print(const struct wire_address *a, char text[64])
{
	const void *where =
	    a->sa.ss_family == AF_INET6
		? (const void *)&((const struct sockaddr_in6 *)&a->sa)
		      ->sin6_addr
		: (const void *)&((const struct sockaddr_in *)&a->sa)->sin_addr;

	if (inet_ntop(a->sa.ss_family, where, text, 64) == NULL)
		(void)str_copy(text, 64, STR("?"));
}

bool
wire_address_parse(const char *text, int port, struct wire_address *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->sa;

	*a = (struct wire_address){ 0 };
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		a->n = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		a->n = sizeof(*v6);
		return true;
	}
	return false;
}

bool
wire_address_is_loopback(const struct wire_address *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->sa;

	if (a->sa.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

/* --- connecting -----------------------------------------------------------
 */

struct race {
	const struct wire_address *address;
	const struct wire_address *source;
	size_t sources;
	struct pollfd poll[RACERS + 1]; /* and the one to stop by */
	int stop_fd;
	size_t which[RACERS];
	size_t n; /* under way */
	int failure;
	size_t failed; /* the address that it was of */
};

static void
note_failure(struct race *r, size_t which, int failure)
{
	r->failure = failure;
	r->failed = which;
}

/* False: there are some, but none of this family. */
static bool
find_source(const struct race *r, sa_family_t family,
    const struct wire_address **source_r)
{
	*source_r = NULL;
	for (size_t i = 0; i < r->sources && *source_r == NULL; i++)
		if (r->source[i].sa.ss_family == family)
			*source_r = &r->source[i];
	return *source_r != NULL || r->sources == 0;
}

/* Begins with address `which`; a failure is only noted. */
static void
begin(struct race *r, size_t which)
{
	const struct wire_address *a = &r->address[which];
	const struct wire_address *source;
	int one = 1, fd;

	if (!find_source(r, a->sa.ss_family, &source)) {
		note_failure(r, which, EAFNOSUPPORT);
		return;
	}
	fd = socket(
	    a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		note_failure(r, which, errno);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if ((source != NULL && bind(fd, (const struct sockaddr *)&source->sa,
				   source->n) != 0) ||
	    (connect(fd, (const struct sockaddr *)&a->sa, a->n) != 0 &&
		errno != EINPROGRESS)) {
		note_failure(r, which, errno);
		(void)close(fd);
		return;
	}
	r->poll[r->n] = (struct pollfd){ .fd = fd, .events = POLLOUT };
	r->which[r->n++] = which;
}

/* The number of one that is connected, or -1; those that failed leave. */
static int
look(struct race *r)
{
	for (size_t i = 0; i < r->n; i++) {
		int failure = 0;
		socklen_t n = sizeof(failure);

		if (r->poll[i].revents == 0)
			continue;
		if (getsockopt(
			r->poll[i].fd, SOL_SOCKET, SO_ERROR, &failure, &n) != 0)
			failure = errno;
		if (failure == 0)
			return (int)i;
		note_failure(r, r->which[i], failure);
		(void)close(r->poll[i].fd);
		r->n--;
		r->poll[i] = r->poll[r->n];
		r->which[i] = r->which[r->n];
		i--;
	}
	return -1;
}

static int
milliseconds(int64_t until)
{
	int64_t left = (until - clock_monotonic() + 999) / 1000;

	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static int
run_race(struct race *r, size_t n, int64_t stagger, int64_t until)
{
	int64_t next_at = 0;
	size_t next = 0;

	for (;;) {
		int64_t now = clock_monotonic(), wait = until;
		int winner;

		while (next < n && r->n < RACERS &&
		       (r->n == 0 || now >= next_at)) {
			begin(r, next++);
			next_at = now + stagger * 1000;
		}
		if (r->n == 0 && next == n)
			return -1;
		if (now >= until) {
			note_failure(r, r->which[0], ETIMEDOUT);
			return -1;
		}
		if (next < n && r->n < RACERS && next_at < wait)
			wait = next_at;
		if (r->n == 0)
			continue;
		r->poll[r->n] = (struct pollfd){ .fd = r->stop_fd,
			.events = POLLIN };
		if (poll(r->poll, r->n + 1, milliseconds(wait)) < 0 &&
		    errno != EINTR)
			return -1;
		if (r->poll[r->n].revents != 0) {
			note_failure(r, r->which[0], ECANCELED);
			return -1;
		}
		winner = look(r);
		if (winner >= 0)
			return winner;
	}
}

enum pst_rc
wire_connect(const struct wire_address *a, size_t n,
    const struct wire_address *source, size_t sources, int stop_fd,
    int64_t stagger, int64_t seconds, struct wire **w_r, size_t *which_r,
    struct pst_error *err)
{
	struct race r = { .address = a,
		.source = source,
		.sources = sources,
		.stop_fd = stop_fd };
	int winner = -1;
	struct wire *w;

	*w_r = NULL;
	if (n > 0)
		winner = run_race(
		    &r, n, stagger, clock_monotonic() + seconds * 1000000);
	for (size_t i = 0; i < r.n; i++)
		if ((int)i != winner)
			(void)close(r.poll[i].fd);
	if (winner < 0) {
		char text[64] = "no address";

		if (n > 0)
			wire_address_print(&a[r.failed], text);
		*which_r = r.failed;
		return pst_fail(err, PST_E_TEMP, r.failure, "%s: %s", text,
		    strerror(r.failure));
	}
	w = mem_alloc(sizeof(*w));
	w->fd = r.poll[winner].fd;
	w->stop_fd = stop_fd;
	*which_r = r.which[winner];
	*w_r = w;
	return PST_OK;
}

/* The session, for the next connection to the same server. With TLS 1.3 it is
 * there when a ticket has come, some time after the handshake. */
static void
remember(struct wire *w)
{
	gnutls_datum_t data = { 0 };

	if (w->sessions == NULL ||
	    (gnutls_protocol_get_version(w->tls) >= GNUTLS_TLS1_3 &&
		(gnutls_session_get_flags(w->tls) &
		    GNUTLS_SFLAGS_SESSION_TICKET) == 0) ||
	    gnutls_session_get_data2(w->tls, &data) < 0)
		return;
	wire_sessions_put(w->sessions, w->session_key, data.data, data.size);
	gnutls_free(data.data);
}

void
wire_close(struct wire **wp)
{
	struct wire *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	if (w->tls != NULL) {
		remember(w);
		(void)gnutls_bye(w->tls, GNUTLS_SHUT_WR);
		gnutls_deinit(w->tls);
	}
	if (w->credentials != NULL)
		gnutls_certificate_free_credentials(w->credentials);
	(void)close(w->fd);
	free(w->session_key);
	free(w->out);
	free(w);
}

/* --- waiting --------------------------------------------------------------
 */

/* False: the time is over, or the socket is broken. */
static bool
wait_for(struct wire *w, short events, int64_t until, struct pst_error *err)
{
	struct pollfd p[2] = { { .fd = w->fd, .events = events },
		{ .fd = w->stop_fd, .events = POLLIN } };
	int n;

	do {
		if (clock_monotonic() >= until) {
			(void)pst_fail(
			    err, PST_E_TEMP, ETIMEDOUT, "no answer in time");
			return false;
		}
		n = poll(p, 2, milliseconds(until));
	} while (n == 0 || (n < 0 && errno == EINTR));
	if (n > 0 && p[1].revents != 0) {
		(void)pst_fail(
		    err, PST_E_TEMP, ECANCELED, "this server is stopping");
		return false;
	}
	if (n < 0)
		(void)pst_fail(err, PST_E_TEMP, errno, "%s", strerror(errno));
	return n > 0;
}

static bool
wait_for_tls(struct wire *w, int64_t until, struct pst_error *err)
{
	return wait_for(w,
	    gnutls_record_get_direction(w->tls) == 1 ? POLLOUT : POLLIN, until,
	    err);
}

/* --- TLS ------------------------------------------------------------------
 */

static ssize_t
push(gnutls_transport_ptr_t ptr, const void *p, size_t n)
{
	return send((int)(intptr_t)ptr, p, n, MSG_NOSIGNAL);
}

static enum pst_rc
shake_hands(struct wire *w, int64_t until, struct pst_error *err)
{
	for (;;) {
		int rc = gnutls_handshake(w->tls);

		if (rc == GNUTLS_E_SUCCESS)
			return PST_OK;
		if (gnutls_error_is_fatal(rc) != 0)
			return pst_fail(
			    err, PST_E_TEMP, 0, "TLS: %s", gnutls_strerror(rc));
		if ((rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) &&
		    !wait_for_tls(w, until, err))
			return PST_E_TEMP;
	}
}

static bool
prepare(struct wire *w, const struct wire_policy *policy)
{
	/* Opportunistic: whatever the other side can is better than nothing. */
	const char *priority = policy->trust == WIRE_ANY
				   ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
				     "+VERS-TLS1.2:+VERS-TLS1.0:%COMPAT"
				   : "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
				     "+VERS-TLS1.2";

	if (gnutls_init(&w->tls,
		GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		w->tls = NULL;
		return false;
	}
	gnutls_transport_set_int(w->tls, w->fd);
	gnutls_transport_set_push_function(w->tls, push);
	gnutls_handshake_set_timeout(w->tls, 0);
	return gnutls_priority_set_direct(w->tls, priority, NULL) >= 0 &&
	       gnutls_certificate_allocate_credentials(&w->credentials) >= 0 &&
	       gnutls_credentials_set(
		   w->tls, GNUTLS_CRD_CERTIFICATE, w->credentials) >= 0 &&
	       (policy->host == NULL ||
		   gnutls_server_name_set(w->tls, GNUTLS_NAME_DNS, policy->host,
		       strlen(policy->host)) >= 0);
}

/* The key has all that makes a session another one. */
static void
take_up(struct wire *w, const struct wire_policy *policy)
{
	struct wire_address a = { .n = sizeof(a.sa) };
	char key[400], ip[64];
	void *data;
	size_t n;

	if (policy->sessions == NULL ||
	    getpeername(w->fd, (struct sockaddr *)&a.sa, &a.n) != 0)
		return;
	wire_address_print(&a, ip);
	(void)snprintf(key, sizeof(key), "%s %s %u %d",
	    policy->host != NULL ? policy->host : "", ip,
	    (unsigned)((const struct sockaddr_in *)&a.sa)->sin_port,
	    (int)policy->trust);
	w->session_key = str_dup(str_of(key));
	if (!wire_sessions_take(policy->sessions, key, &data, &n))
		return;
	(void)gnutls_session_set_data(w->tls, data, n);
	explicit_bzero(data, n);
	free(data);
}

enum pst_rc
wire_start_tls(struct wire *w, const struct wire_policy *policy,
    int64_t seconds, struct pst_error *err)
{
	enum pst_rc rc;

	/* RFC 3207, 6: what came in plain text is not to be believed. */
	if (w->in_n > w->in_at)
		return pst_fail(err, PST_E_TEMP, 0,
		    "TLS: plain text came behind the answer to STARTTLS");
	if (!prepare(w, policy))
		return pst_fail(err, PST_E_TEMP, 0, "TLS: cannot be begun");
	take_up(w, policy);
	rc = shake_hands(w, clock_monotonic() + seconds * 1000000, err);
	if (rc == PST_OK)
		rc = wire_trust_check(w->tls, policy, &w->flaw, err);
	if (rc == PST_E_DENIED && policy->is_trial)
		rc = PST_OK;
	if (rc == PST_OK)
		(void)snprintf(w->info, sizeof(w->info), "%s %s%s",
		    gnutls_protocol_get_name(
			gnutls_protocol_get_version(w->tls)),
		    gnutls_ciphersuite_get(w->tls),
		    gnutls_session_is_resumed(w->tls) != 0 ? " resumed" : "");
	/* What failed a check is not worth to be taken up again. */
	if (rc == PST_OK && w->session_key != NULL)
		w->sessions = policy->sessions;
	return rc;
}

void
wire_local(const struct wire *w, char text[64])
{
	struct wire_address a = { .n = sizeof(a.sa) };

	text[0] = '\0';
	if (getsockname(w->fd, (struct sockaddr *)&a.sa, &a.n) == 0)
		wire_address_print(&a, text);
}

enum wire_flaw
wire_flaw(const struct wire *w)
{
	return w->flaw;
}

bool
wire_is_tls(const struct wire *w)
{
	return w->tls != NULL;
}

const char *
wire_tls_info(const struct wire *w)
{
	return w->info;
}

bool
wire_exporter(const struct wire *w, unsigned char out[32])
{
	gnutls_datum_t binding = { 0 };
	bool done;

	if (w->tls == NULL || gnutls_session_channel_binding(
				  w->tls, GNUTLS_CB_TLS_EXPORTER, &binding) < 0)
		return false;
	done = binding.size == 32;
	if (done)
		memcpy(out, binding.data, 32);
	gnutls_free(binding.data);
	return done;
}

/* --- octets ---------------------------------------------------------------
 */

enum { AGAIN = -1, BROKEN = -2 };

static ssize_t
send_some(struct wire *w, const char *p, size_t n, struct pst_error *err)
{
	ssize_t done;

	if (w->tls == NULL) {
		done = send(w->fd, p, n, MSG_NOSIGNAL);
		if (done >= 0)
			return done;
		if (errno == EAGAIN || errno == EINTR)
			return AGAIN;
		(void)pst_fail(err, PST_E_TEMP, errno, "%s", strerror(errno));
		return BROKEN;
	}
	done = gnutls_record_send(w->tls, p, n);
	if (done >= 0)
		return done;
	if (gnutls_error_is_fatal((int)done) == 0)
		return AGAIN;
	(void)pst_fail(
	    err, PST_E_TEMP, 0, "TLS: %s", gnutls_strerror((int)done));
	return BROKEN;
}

static enum pst_rc
send_all(struct wire *w, const char *p, size_t n, int64_t seconds,
    struct pst_error *err)
{
	int64_t until = clock_monotonic() + seconds * 1000000;

	while (n > 0) {
		ssize_t done = send_some(w, p, n, err);

		if (done == BROKEN)
			return PST_E_TEMP;
		if (done == AGAIN) {
			if (w->tls != NULL ? !wait_for_tls(w, until, err)
					   : !wait_for(w, POLLOUT, until, err))
				return PST_E_TEMP;
			continue;
		}
		p += done;
		n -= (size_t)done;
		/* The limit is on standing still. */
		until = clock_monotonic() + seconds * 1000000;
	}
	return PST_OK;
}

enum pst_rc
wire_flush(struct wire *w, int64_t seconds, struct pst_error *err)
{
	size_t n = w->out_n;

	w->out_n = 0;
	return n > 0 ? send_all(w, w->out, n, seconds, err) : PST_OK;
}

enum pst_rc
wire_write(struct wire *w, const void *p, size_t n, int64_t seconds,
    struct pst_error *err)
{
	const char *from = p;

	if (w->out == NULL)
		w->out = mem_alloc(OUTPUT);
	while (n > 0) {
		size_t some = n < OUTPUT - w->out_n ? n : OUTPUT - w->out_n;

		memcpy(w->out + w->out_n, from, some);
		w->out_n += some;
		from += some;
		n -= some;
		if (w->out_n == OUTPUT) {
			enum pst_rc rc = wire_flush(w, seconds, err);

			if (rc != PST_OK)
				return rc;
		}
	}
	return PST_OK;
}

/* 0: closed. */
static ssize_t
receive_some(struct wire *w, struct pst_error *err)
{
	ssize_t got;

	if (w->tls == NULL) {
		got = recv(w->fd, w->in, sizeof(w->in), 0);
		if (got >= 0)
			return got;
		if (errno == EAGAIN || errno == EINTR)
			return AGAIN;
		(void)pst_fail(err, PST_E_TEMP, errno, "%s", strerror(errno));
		return BROKEN;
	}
	got = gnutls_record_recv(w->tls, w->in, sizeof(w->in));
	if (got >= 0)
		return got;
	if (got == GNUTLS_E_PREMATURE_TERMINATION)
		return 0;
	if (gnutls_error_is_fatal((int)got) == 0)
		return AGAIN;
	(void)pst_fail(
	    err, PST_E_TEMP, 0, "TLS: %s", gnutls_strerror((int)got));
	return BROKEN;
}

enum pst_rc
wire_peek(struct wire *w, int64_t until, const char **p_r, size_t *n_r,
    struct pst_error *err)
{
	while (w->in_at == w->in_n) {
		ssize_t got = receive_some(w, err);

		if (got == 0)
			return pst_fail(err, PST_E_TEMP, 0,
			    "the other side closed the connection");
		if (got == BROKEN)
			return PST_E_TEMP;
		if (got == AGAIN) {
			if (w->tls != NULL ? !wait_for_tls(w, until, err)
					   : !wait_for(w, POLLIN, until, err))
				return PST_E_TEMP;
			continue;
		}
		w->in_at = 0;
		w->in_n = (size_t)got;
	}
	*p_r = w->in + w->in_at;
	*n_r = w->in_n - w->in_at;
	return PST_OK;
}

void
wire_consume(struct wire *w, size_t n)
{
	w->in_at += n;
}

bool
wire_is_quiet(struct wire *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	struct pst_error err;
	ssize_t got;

	if (w->in_at < w->in_n)
		return false;
	if (poll(&p, 1, 0) == 0)
		return true;
	/* With TLS that may be a ticket. */
	got = receive_some(w, &err);
	if (got > 0) {
		w->in_at = 0;
		w->in_n = (size_t)got;
	}
	return got == AGAIN;
}
