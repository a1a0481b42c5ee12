/*
 * smtp/milter.c - milters at MAIL, RCPT and the end of the content: what they
 * are told, and what their word means for the transaction.
 *
 * With milters the delivery begins only when they have seen it all, since they
 * may change everything about it.
 */
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "smtp/session.h"

#include <inttypes.h>

static const char busy[] = "451 4.3.2 Too much mail is being looked at, try "
			   "later";

/* --- what they are told -----------------------------------------------------
 */

/* There are some for this client. */
static bool
has_milters(struct smtp_session *s)
{
	const struct milter_client client = {
		.protocol = s->kind == SMTP_SUBMISSION ? "submission" : "smtp",
		.listener = net_listener(s->conn)->name,
		.address = net_peer(s->conn),
		.local = net_local(s->conn),
		.name = s->client != NULL ? guard_client_name(s->client) : NULL,
		.port = net_peer_port(s->conn),
		.conn = net_id(s->conn),
		.wake = net_handle_of(s->conn),
	};

	if (s->milters != NULL || s->unfiltered)
		return s->milters != NULL;
	if (s->kind != SMTP_LMTP)
		s->milters = milters_new(
		    s->services->guard, smtp_config(s), &client);
	s->unfiltered = s->milters == NULL;
	return !s->unfiltered;
}

/* "TLS1.3 CIPHER" */
static void
set_tls(struct smtp_session *s)
{
	struct pst_str info = str_of(net_tls_info(s->conn));
	size_t space = str_find(info, ' ');
	char version[32] = "";

	if (str_has_prefix_case(info, "TLS"))
		(void)snprintf(version, sizeof(version), "TLSv%.*s",
		    STR_ARG(str_first(str_from(info, 3), space - 3)));
	milters_macro(s->milters, "{tls_version}", str_of(version));
	milters_macro(s->milters, "{cipher}", str_from(info, space + 1));
}

static void
set_sender(struct smtp_session *s)
{
	const struct smtp_envelope *env = s->env;
	const char *user = net_user(s->conn);
	struct milters *m = s->milters;

	milters_macro(m, "i", str_of(env->id));
	milters_macro(m, "{mail_addr}", env->mail.from.text);
	milters_macro(m, "{mail_host}", env->mail.from.domain);
	milters_macro(m, "{mail_mailer}", STR("smtp"));
	milters_macro(m, "{auth_authen}", str_of(user));
	milters_macro(
	    m, "{auth_type}", user != NULL ? str_of(s->mechanism) : STR_NONE);
}

/* Where the path in the arguments of MAIL or RCPT ends. */
static size_t
path_end(struct pst_str args)
{
	bool quoted = false;

	for (size_t i = 0; i < args.n; i++) {
		if (args.p[i] == '\\')
			i++;
		else if (args.p[i] == '"')
			quoted = !quoted;
		else if (args.p[i] == '>' && !quoted)
			return i + 1;
	}
	return args.n;
}

/* "<path>" and each parameter, LF between them. */
static void
put_arguments(struct buf *out, struct pst_str path, struct pst_str args)
{
	struct pst_str rest = str_from(args, path_end(args)), one;

	buf_init(out, 65536);
	(void)buf_printf(out, "<%.*s>", STR_ARG(path));
	while (str_split(&rest, ' ', &one))
		if (one.n > 0)
			(void)buf_printf(out, "\n%.*s", STR_ARG(one));
}

/* --- MAIL -------------------------------------------------------------------
 */

/* What they refuse, and the connection with it when they say so. */
static enum net_next
say_refusal(struct smtp_session *s, const char *reply)
{
	if (milters_close(s->milters)) {
		(void)smtp_reply(s, reply);
		return NET_CLOSE;
	}
	return reply[0] == '5' ? smtp_error(s, reply) : smtp_reply(s, reply);
}

static enum net_next
mail_done(struct smtp_session *s)
{
	const char *reply = milters_reply(s->milters);

	if (!milters_is_done(s->milters))
		return NET_WAIT;
	s->mode = SMTP_COMMAND;
	if (milters_outcome(s->milters) != MILTER_REFUSE)
		return smtp_reply(s, "250 2.1.0 Ok");
	smtp_log_refusal(s, "sender-refused", STR_NONE, reply);
	smtp_envelope_end(s);
	return say_refusal(s, reply);
}

enum net_next
smtp_milter_mail(struct smtp_session *s, struct pst_str args)
{
	struct smtp_envelope *env = s->env;
	struct buf text;

	if (!has_milters(s))
		return smtp_reply(s, "250 2.1.0 Ok");
	set_tls(s);
	set_sender(s);
	put_arguments(&text, env->mail.from.text, args);
	env->filtered = milters_mail(s->milters, s->hello, buf_str(&text));
	buf_fini(&text);
	if (env->filtered)
		return smtp_wait(s, mail_done);
	smtp_envelope_end(s);
	return smtp_reply(s, busy);
}

/* --- RCPT -------------------------------------------------------------------
 */

static enum net_next
accept_recipient(struct smtp_session *s, struct smtp_recipient *r)
{
	smtp_recipient_add(s->env, r);
	return smtp_reply(s, "250 2.1.5 Ok");
}

static enum net_next
rcpt_done(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	struct smtp_recipient *r = env->asked;
	const char *reply = milters_reply(s->milters);

	if (!milters_is_done(s->milters))
		return NET_WAIT;
	s->mode = SMTP_COMMAND;
	env->asked = NULL;
	if (milters_outcome(s->milters) != MILTER_REFUSE)
		return accept_recipient(s, r);
	env->rebuild = true; /* the delivery has it already */
	smtp_log_refusal(s, "recipient-refused", r->rcpt.to.text, reply);
	return say_refusal(s, reply);
}

enum net_next
smtp_milter_rcpt(
    struct smtp_session *s, struct smtp_recipient *r, struct pst_str args)
{
	struct smtp_envelope *env = s->env;
	struct buf text;
	bool started;

	if (!env->filtered || milters_want_no_rcpt(s->milters))
		return accept_recipient(s, r);
	milters_macro(s->milters, "{rcpt_addr}", r->rcpt.to.text);
	milters_macro(s->milters, "{rcpt_host}", r->rcpt.to.domain);
	milters_macro(s->milters, "{rcpt_mailer}", STR("local"));
	put_arguments(&text, r->rcpt.to.text, args);
	started = milters_rcpt(s->milters, buf_str(&text));
	buf_fini(&text);
	if (started) {
		env->asked = r;
		return smtp_wait(s, rcpt_done);
	}
	env->rebuild = true;
	return smtp_reply(s, busy);
}

/* --- changes of the envelope ------------------------------------------------
 */

/* As milters write addresses: with brackets or without. */
static struct pst_str
bare(const char *address)
{
	struct pst_str a = str_trim(str_of(address));

	if (a.n >= 2 && a.p[0] == '<' && a.p[a.n - 1] == '>')
		a = str_n(a.p + 1, a.n - 2);
	return a;
}

static struct smtp_recipient *
find_recipient(struct smtp_envelope *env, struct pst_str address)
{
	struct smtp_recipient *r = env->first;

	while (r != NULL && !str_eq_case(r->rcpt.to.text, address))
		r = r->next;
	return r;
}

static void
remove_recipient(struct smtp_envelope *env, struct pst_str address)
{
	struct smtp_recipient *r = env->first, *next;

	env->first = env->last = NULL;
	env->recipients = 0;
	for (; r != NULL; r = next) {
		next = r->next;
		r->next = NULL;
		if (!str_eq_case(r->rcpt.to.text, address))
			smtp_recipient_add(env, r);
		else
			env->rebuild = true;
	}
}

/* The text of a command's arguments, in the arena. */
static struct pst_str
as_arguments(
    struct smtp_envelope *env, const char *verb, const struct milter_request *q)
{
	struct buf text;
	struct pst_str copy;

	buf_init(&text, 8192);
	(void)buf_printf(
	    &text, "%s:<%.*s> %s", verb, STR_ARG(bare(q->address)), q->args);
	copy = arena_copy(env->arena, str_trim(buf_str(&text)));
	buf_fini(&text);
	return copy;
}

static bool
add_recipient(struct smtp_envelope *env, const struct milter_request *q)
{
	struct pst_str args = as_arguments(env, "TO", q);
	struct smtp_recipient *r = arena_alloc(env->arena, sizeof(*r));

	if (find_recipient(env, bare(q->address)) != NULL)
		return true;
	if (r == NULL || args.p == NULL ||
	    smtp_parse_rcpt(env->arena, args, &r->rcpt) != SMTP_OK)
		return false;
	r->added = true;
	smtp_recipient_add(env, r);
	env->rebuild = true;
	return true;
}

static bool
change_sender(struct smtp_envelope *env, const struct milter_request *q)
{
	struct pst_str args = as_arguments(env, "FROM", q);
	struct smtp_mail mail;

	if (args.p == NULL ||
	    smtp_parse_mail(env->arena, args, &mail) != SMTP_OK)
		return false;
	env->mail.from = mail.from;
	return true;
}

static void
change_envelope(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	const struct milter_request *q;
	size_t n;

	q = milters_requests(s->milters, &n);
	for (size_t i = 0; i < n; i++) {
		bool good = true;

		if (q[i].kind == MILTER_DELETE_RCPT)
			remove_recipient(env, bare(q[i].address));
		else if (q[i].kind == MILTER_CHANGE_FROM)
			good = change_sender(env, &q[i]);
		else
			good = add_recipient(env, &q[i]);
		if (!good)
			log_text(PST_LOG_WARNING, net_id(s->conn), "milter",
			    "an address that is none: %s", q[i].address);
	}
}

/* --- the content ------------------------------------------------------------
 */

static enum net_next
discard(struct smtp_session *s)
{
	char from[321];

	(void)str_copy(from, sizeof(from), s->env->mail.from.text);
	log_event(PST_LOG_INFO, net_id(s->conn), "message-discarded", "id",
	    s->env->id, "from", from, "peer", net_peer(s->conn), NULL);
	trail_event(NULL, "discarded", "by", "a milter", NULL);
	(void)smtp_replyf(s, "250 2.0.0 Ok: stored as %s", s->env->id);
	smtp_envelope_end(s);
	return NET_READ;
}

static enum net_next
refuse(struct smtp_session *s, const char *reply)
{
	smtp_content_refuse(s, reply);
	(void)smtp_reply(s, reply);
	smtp_envelope_end(s);
	return milters_close(s->milters) ? NET_CLOSE : NET_READ;
}

static enum net_next
content_done(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	const char *why, *refusal = NULL;

	if (!milters_is_done(s->milters))
		return NET_WAIT;
	s->mode = SMTP_COMMAND;
	if (milters_outcome(s->milters) == MILTER_REFUSE)
		return refuse(s, milters_reply(s->milters));
	if (milters_outcome(s->milters) == MILTER_DISCARD)
		return discard(s);
	change_envelope(s);
	if (env->rebuild)
		refusal = smtp_recipients_rebuild(s);
	if (refusal != NULL)
		return refuse(s, refusal);
	if (env->recipients == 0)
		return discard(s);
	why = milters_quarantine(s->milters);
	if (why != NULL) {
		env->junk = true;
		log_event(PST_LOG_INFO, net_id(s->conn), "quarantine", "id",
		    env->id, "reason", why, NULL);
		trail_event(NULL, "quarantine", "reason", why, NULL);
	}
	return smtp_content_filtered(s);
}

enum net_next
smtp_milter_content(struct smtp_session *s)
{
	struct milter_message *m = milters_message(s->milters, false);
	struct pst_error err = { 0 };
	char number[24];
	enum pst_rc rc = milter_message_end(m, &err);

	if (rc != PST_OK) {
		log_failure(PST_LOG_ERROR, net_id(s->conn), "message", &err);
		return refuse(s, rc == PST_E_LIMIT
				     ? "552 5.3.4 The header is too large"
				     : "451 4.3.0 Try again later");
	}
	(void)snprintf(number, sizeof(number), "%zu", s->env->recipients);
	milters_macro(s->milters, "{nrcpts}", str_of(number));
	if (milters_content(s->milters))
		return smtp_wait(s, content_done);
	return refuse(s, busy);
}
