/*
 * imap/authenticate.c - AUTHENTICATE (RFC 3501, 6.2.2), with an initial
 * response (RFC 4959).
 */
#include "base/codec.h"
#include "base/str.h"
#include "imap/commands.h"

enum { SASL_MAX = 65536 };

struct exchange {
	struct sasl *sasl;
	char mechanism[32];
};

static void
cleanup(struct imap_session *s)
{
	struct exchange *x = s->run->state;

	net_trace_hide(s->c, false);
	if (x->sasl != NULL)
		sasl_free(&x->sasl);
}

static enum imap_step
ended(struct imap_session *s)
{
	struct exchange *x = s->run->state;
	enum auth_result result;
	struct account_user user;
	int64_t delay = 0;

	net_trace_hide(s->c, false);
	result = sasl_result(x->sasl, &user, &delay);
	if (result != AUTH_OK)
		return imap_login_failed(s, result, NULL, x->mechanism, delay);
	return imap_logged_in(s, &user, x->mechanism);
}

static enum imap_step client_said(struct imap_session *s, struct pst_str line);

static enum imap_step
take_step(struct imap_session *s, struct pst_str in, bool has_in)
{
	struct exchange *x = s->run->state;
	struct buf out, wire;
	enum sasl_next next;

	buf_init(&out, SASL_MAX);
	buf_init(&wire, 2 * SASL_MAX);
	next = sasl_step(x->sasl, in, has_in, &out);
	if (next == SASL_MORE) {
		(void)base64_encode(buf_str(&out), &wire);
		(void)imap_ask(s, buf_str(&wire), client_said);
	}
	buf_fini(&out);
	buf_fini(&wire);
	return next == SASL_MORE ? IMAP_NEXT : ended(s);
}

static enum imap_step
take_encoded(struct imap_session *s, struct pst_str line)
{
	enum imap_step step;
	struct buf in;

	buf_init(&in, SASL_MAX);
	if (base64_decode(line, &in))
		step = take_step(s, buf_str(&in), true);
	else
		step = imap_bad_command(s, "Invalid base64");
	if (in.p != NULL)
		explicit_bzero(in.p, in.n);
	buf_fini(&in);
	return step;
}

static enum imap_step
client_said(struct imap_session *s, struct pst_str line)
{
	if (net_traced(s->c))
		net_trace_client(s->c, STR("(hidden)"));
	if (str_is(line, "*"))
		return imap_bad_command(s, "Authentication cancelled");
	return take_encoded(s, line);
}

static enum imap_step
begin(struct imap_session *s, struct pst_str mechanism)
{
	struct sasl_peer peer = {
		.service = "imap",
		.hostname = net_config(s->c)->hostname,
		.peer = net_peer(s->c),
	};
	struct exchange *x = imap_alloc(s, sizeof(*x));

	peer.tls = net_tls_active(s->c) &&
		   net_tls_exporter(s->c, peer.exporter);
	x->sasl = sasl_new(s->sv->accounts, mechanism, &peer);
	if (x->sasl == NULL)
		return imap_no(s, "[CANNOT] Unsupported mechanism");
	(void)str_copy(x->mechanism, sizeof(x->mechanism), mechanism);
	s->run->state = x;
	s->run->cleanup = cleanup;
	net_trace_hide(s->c, true);
	return IMAP_NEXT;
}

enum imap_step
imap_authenticate(struct imap_session *s, struct imap_parser *ps)
{
	struct pst_str mechanism, initial = STR_NONE;
	bool has_initial;
	enum imap_step step;

	if (!imap_space(ps) || !imap_atom(ps, &mechanism))
		return imap_bad_arguments(s, ps);
	has_initial = imap_skip(ps, ' ');
	if ((has_initial && !imap_astring(ps, &initial)) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (!net_auth_allowed(s->c))
		return imap_no(
		    s, "[PRIVACYREQUIRED] Login is not allowed without TLS");
	step = begin(s, mechanism);
	if (s->run->state == NULL)
		return step;
	if (!has_initial)
		return take_step(s, STR_NONE, false);
	if (str_is(initial, "=")) /* RFC 4959, 3: present and empty */
		return take_step(s, STR(""), true);
	return take_encoded(s, initial);
}
