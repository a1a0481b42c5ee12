/*
 * pop3/auth.c - AUTH (RFC 5034, after RFC 1734), with an initial response.
 *
 * The mechanisms are those of account/auth.h. Without an argument they are
 * listed, which programs older than CAPA ask for.
 */
#include "base/codec.h"
#include "base/str.h"
#include "pop3/parse.h"
#include "pop3/session.h"

void
pop3_auth_end(struct pop3_session *s)
{
	sasl_free(&s->sasl);
	config_unref(&s->sasl_config);
	if (s->mode == POP3_SASL)
		s->mode = POP3_COMMAND;
	net_trace_hide(s->conn, false);
}

/* Channel binding is offered by request only: where a client has no data for
 * it, mutt gives up the mechanism in a way that loses the next answer, too. */
static bool
binds_channel(const struct pop3_session *s)
{
	return net_tls_active(s->conn) && pop3_config(s)->pop3.channel_binding;
}

const char *
pop3_mechanisms(const struct pop3_session *s)
{
	return sasl_mechanisms(binds_channel(s));
}

static enum net_next
finish(struct pop3_session *s)
{
	struct account_user user;
	int64_t delay = 0;
	enum auth_result result = sasl_result(s->sasl, &user, &delay);

	pop3_auth_end(s);
	if (result == AUTH_OK)
		return pop3_logged_in(s, &user, s->mechanism);
	return pop3_login_failed(s, result, NULL, s->mechanism, delay);
}

static enum net_next
step(struct pop3_session *s, struct pst_str in, bool has_in)
{
	struct buf out, text;
	enum sasl_next next;

	buf_init(&out, POP3_SASL_LINE);
	next = sasl_step(s->sasl, in, has_in, &out);
	if (next == SASL_MORE) {
		buf_init(&text, (size_t)2 * POP3_SASL_LINE);
		(void)base64_encode(buf_str(&out), &text);
		net_trace_hide(s->conn, true);
		(void)buf_printf(
		    net_output(s->conn), "+ %.*s\r\n", STR_ARG(buf_str(&text)));
		buf_fini(&text);
	}
	buf_fini(&out);
	return next == SASL_MORE ? NET_READ : finish(s);
}

/* Decodes a response and goes on with it. */
static enum net_next
respond(struct pop3_session *s, struct pst_str text)
{
	struct buf in;
	enum net_next next;

	buf_init(&in, POP3_SASL_LINE);
	if (base64_decode(text, &in)) {
		next = step(s, buf_str(&in), true);
	} else {
		pop3_auth_end(s);
		next = pop3_bad(s, POP3_TEXT_NO_BASE64);
	}
	if (in.n > 0)
		explicit_bzero(in.p, in.n);
	buf_fini(&in);
	return next;
}

enum net_next
pop3_auth_answer(struct pop3_session *s, struct pst_str line)
{
	if (net_traced(s->conn))
		net_trace_client(s->conn, STR("(hidden)"));
	if (str_is(line, "*")) {
		pop3_auth_end(s);
		return pop3_bad(s, POP3_TEXT_CANCELLED);
	}
	return respond(s, line);
}

static bool
begin(struct pop3_session *s, struct pst_str mechanism)
{
	struct net_conn *c = s->conn;
	struct sasl_peer peer = {
		.service = "pop", /* RFC 5034, 6 */
		.peer = net_peer(c),
	};

	s->sasl_config = config_ref(pop3_config(s));
	peer.hostname = s->sasl_config->hostname;
	peer.tls = binds_channel(s) && net_tls_exporter(c, peer.exporter);
	s->sasl = sasl_new(s->services->accounts, mechanism, &peer);
	(void)str_copy(s->mechanism, sizeof(s->mechanism), mechanism);
	return s->sasl != NULL;
}

static enum net_next
list_mechanisms(struct pop3_session *s)
{
	struct pst_str rest = str_of(pop3_mechanisms(s));
	struct buf *out = net_output(s->conn);
	struct pst_str name;

	(void)pop3_ok(s, POP3_TEXT_MECHANISMS);
	while (str_split(&rest, ' ', &name))
		(void)buf_printf(out, "%.*s\r\n", STR_ARG(name));
	(void)buf_puts(out, ".\r\n");
	return NET_READ;
}

enum net_next
pop3_run_auth(struct pop3_session *s, struct pst_str args)
{
	struct pst_str mechanism, initial;

	if (!net_auth_allowed(s->conn))
		return pop3_err(s, POP3_CODE_PERM, POP3_TEXT_NOT_WITHOUT_TLS);
	if (!pop3_parse_word(&args, &mechanism))
		return list_mechanisms(s);
	if (!begin(s, mechanism)) {
		pop3_auth_end(s);
		return pop3_bad(s, POP3_TEXT_MECHANISM_UNKNOWN);
	}
	s->mode = POP3_SASL;
	if (!pop3_parse_word(&args, &initial))
		return step(s, STR_NONE, false);
	/* RFC 5034, 4: "=" is a response of no octets. */
	if (str_is(initial, "="))
		return step(s, STR(""), true);
	return respond(s, initial);
}
