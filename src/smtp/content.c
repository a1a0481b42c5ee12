/*
 * smtp/content.c - a message's content on its way to delivery, and the replies
 * in the end (RFC 5321, 4.2.5 and 6.1; RFC 2033, 4.2).
 *
 * 250 is said when the message is on the disk of every recipient, and takes
 * the responsibility for it. A message that is refused on the way is read to
 * its end, so that the reply comes where the client waits for it.
 */
#include "base/str.h"
#include "base/trail.h"
#include "smtp/session.h"
#include "trust/trust.h"

#include <inttypes.h>
#include <stdlib.h>

enum { REFUSAL_LINES = 20, REFUSAL_LINE = 400 };

const char smtp_bare_newline[] =
    "550 5.6.11 The message has CR or LF that is not part of CR LF";
const char smtp_nul[] = "550 5.6.0 The message has NUL octets";

bool
smtp_refuses_bare_newline(const struct smtp_session *s)
{
	return smtp_config(s)->smtp.bare_newline == CONFIG_BARE_REJECT;
}

static const char *
reply_to_failure(enum pst_rc rc)
{
	switch (rc) {
	case PST_E_QUOTA:
		return "452 4.2.2 The mailbox is full";
	case PST_E_NOSPACE:
		return "452 4.3.1 Not enough disk space";
	case PST_E_PERM:
		return "554 5.2.0 The message cannot be stored";
	case PST_E_LIMIT:
		return "450 4.7.1 You have sent too much, try later";
	case PST_E_DENIED:
		return "550 5.7.1 You have sent too much, ask the "
		       "administrator";
	case PST_E_CONFLICT:
		return "554 5.4.6 The message goes round in a loop";
	case PST_OK:
	case PST_E_TEMP:
	case PST_E_NOTFOUND:
	case PST_E_EXISTS:
	case PST_E_SYNTAX:
	case PST_E_STALE:
	case PST_E_READONLY:
	case PST_E_UNSUPPORTED:
		break;
	}
	return "451 4.3.0 The message cannot be stored now, try later";
}

/* Messages of our users are signed when there are keys. */
static void
begin_signing(struct smtp_session *s, struct delivery_message *m,
    struct delivery_seal *seal)
{
	struct trust *t = s->services->trust;

	if (!smtp_config(s)->dkim.sign || !dkim_keys_any(t->keys))
		return;
	s->env->signer = trust_signer_new(
	    smtp_config(s), s->services->accounts, t->keys, net_id(s->conn));
	*seal = (struct delivery_seal){
		.content = trust_signer_content,
		.fields = trust_signer_fields,
		.arg = s->env->signer,
	};
	m->seal = seal;
}

/* What is sent on tells the next server what it was like here. */
static void
seal(void *arg, const char *domain, struct buf *out)
{
	struct smtp_session *s = arg;
	const char *other = smtp_config(s)->forward.srs_domain;

	if (!trust_check_seal(s->env->check, domain, out) && *other != '\0' &&
	    strcmp(domain, other) != 0)
		(void)trust_check_seal(s->env->check, other, out);
}

/* To another server, and sealed. */
static bool
goes_on(const struct smtp_session *s)
{
	return smtp_config(s)->forward.arc &&
	       delivery_may_be_forwarded(s->env->delivery);
}

/* Mail from elsewhere is checked, but what comes through our own relays. */
static void
begin_check(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	const struct trust_envelope e = {
		.peer = net_peer(s->conn),
		.helo = s->hello,
		.from = env->mail.from.text,
		.from_local = env->mail.from.local,
		.from_domain = env->mail.from.domain,
		.conn = net_id(s->conn),
		.id = env->id,
		.goes_on = goes_on(s),
	};

	if (s->kind != SMTP_SERVER || !smtp_config(s)->trust.check ||
	    trust_is_exempt(smtp_config(s), e.peer))
		return;
	env->check = trust_check_new(s->services->trust, smtp_config(s), &e);
}

/* Results of this server that come with the message are forged. */
static bool
is_foreign(const struct smtp_session *s)
{
	return s->kind == SMTP_SUBMISSION ||
	       (s->kind == SMTP_SERVER &&
		   !trust_is_exempt(smtp_config(s), net_peer(s->conn)));
}

static const char *
begin_delivery(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	const char *user = net_user(s->conn);
	struct delivery_message m = {
		.sender = env->mail.from.text,
		.id = str_of(env->id),
		.size = env->mail.size,
		.one_answer = s->kind != SMTP_LMTP,
		.can_refuse = true,
		.peer = str_of(net_peer(s->conn)),
		/* Milters have had it without them. */
		.foreign = !env->filtered && is_foreign(s),
		.hold = env->filtered || env->check != NULL,
	};
	struct outbound_envelope out = {
		.body = (enum outbound_body)env->mail.body,
		.ret = (enum outbound_ret)env->mail.ret,
		.smtputf8 = env->mail.utf8,
		.require_tls = env->mail.require_tls,
	};
	struct pst_error err = { 0 };
	struct delivery_seal signing;
	struct buf trace;
	enum pst_rc rc;

	if (env->check != NULL && goes_on(s)) {
		m.send_on = seal;
		m.send_on_arg = s;
	}
	if (env->filtered)
		out.hold = str_of(milters_quarantine(s->milters));
	if (env->mail.envid.n > 0 &&
	    !smtp_xtext(env->arena, STR_NONE, env->mail.envid, &out.envid))
		return "451 4.3.0 Try again later";
	m.envelope = &out;
	buf_init(&trace, 8192);
	smtp_received(s, &trace);
	m.trace = buf_str(&trace);
	if (s->kind == SMTP_SUBMISSION) {
		m.author = str_of(user);
		m.system_user = s->local != NULL ? s->local->name : NULL;
		begin_signing(s, &m, &signing);
	}
	rc = delivery_begin(env->delivery, &m, &err);
	buf_fini(&trace);
	if (rc == PST_OK)
		return NULL;
	log_failure(PST_LOG_ERROR, net_id(s->conn), "message", &err);
	return reply_to_failure(rc);
}

const char *
smtp_content_begin(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	const char *refusal;

	if (env->begun)
		return NULL;
	refusal = env->rebuild && !env->filtered ? smtp_recipients_rebuild(s)
						 : NULL;
	if (refusal != NULL)
		return refusal;
	begin_check(s);
	refusal = env->filtered ? NULL : begin_delivery(s);
	if (refusal != NULL)
		return refusal;
	env->begun = true;
	net_set_idle(s->conn, smtp_config(s)->smtp.data_time);
	return NULL;
}

void
smtp_content_refuse(struct smtp_session *s, const char *reply)
{
	struct smtp_envelope *env = s->env;

	if (env->refusal != NULL)
		return;
	env->refusal = reply;
	smtp_log_refusal(s, "message-refused", STR_NONE, reply);
	delivery_free(&env->delivery);
}

static const char *
reply_to_verdict(enum delivery_verdict verdict)
{
	switch (verdict) {
	case DELIVERY_DONE:
		break;
	case DELIVERY_LOOP:
		return "554 5.4.6 The message goes round in a loop";
	case DELIVERY_FORGED:
		return "550 5.7.1 The From field is not your address";
	case DELIVERY_HEADER:
		return "552 5.3.4 The header is too large";
	case DELIVERY_UNSURE:
		return "451 4.3.0 Try again later";
	}
	return NULL;
}

void
smtp_content_add(struct smtp_session *s, const char *p, size_t n)
{
	struct smtp_envelope *env = s->env;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	env->size += n;
	if (env->size > (uint64_t)smtp_config(s)->smtp.message_size)
		smtp_content_refuse(s, "552 5.3.4 The message is too large");
	if (env->refusal != NULL)
		return;
	if (env->check != NULL)
		trust_check_content(env->check, p, n);
	if (env->filtered)
		rc = milter_message_add(
		    milters_message(s->milters, is_foreign(s)), p, n, &err);
	else
		rc = delivery_write(env->delivery, p, n, &err);
	if (rc == PST_OK)
		return;
	log_failure(PST_LOG_ERROR, net_id(s->conn), "message", &err);
	smtp_content_refuse(s, rc == PST_E_LIMIT
				   ? reply_to_verdict(DELIVERY_HEADER)
				   : reply_to_failure(rc));
}

bool
smtp_content_hopeless(const struct smtp_session *s)
{
	uint64_t limit = (uint64_t)smtp_config(s)->smtp.message_size;

	return s->env->refusal != NULL && s->env->size / 2 > limit + 524288;
}

/* LMTP gives a reply for each recipient, SMTP one. */
static void
reply_to_all(struct smtp_session *s, const char *text)
{
	size_t n = s->kind == SMTP_LMTP ? s->env->recipients : 1;

	for (size_t i = 0; i < n; i++)
		(void)smtp_reply(s, text);
}

static void
log_stored(struct smtp_session *s, size_t stored, const char *queued)
{
	const struct smtp_envelope *env = s->env;
	char from[321], recipients[24], users[24], size[24];
	const char *tls = net_tls_info(s->conn);

	(void)str_copy(from, sizeof(from), env->mail.from.text);
	(void)snprintf(recipients, sizeof(recipients), "%zu", env->recipients);
	(void)snprintf(users, sizeof(users), "%zu", stored);
	(void)snprintf(size, sizeof(size), "%" PRIu64, env->size);
	log_event(PST_LOG_INFO, net_id(s->conn), "message", "id", env->id,
	    "from", from, "recipients", recipients, "users", users, "size",
	    size, "peer", net_peer(s->conn), "tls", tls[0] != '\0' ? tls : NULL,
	    "user", net_user(s->conn), "queued", queued, NULL);
}

static bool
is_for_good(enum pst_rc rc)
{
	return rc == PST_E_PERM || rc == PST_E_DENIED;
}

/*
 * One reply for all: whatever failed, the client has to come again, unless
 * nothing was stored and nothing ever will be. Those who have the message do
 * not get it again (delivery/repeat.h).
 */
static const char *
common_reply(const enum pst_rc *results, size_t n, size_t stored)
{
	enum pst_rc common = PST_OK;

	for (size_t i = 0; i < n; i++) {
		if (results[i] == PST_OK)
			continue;
		if (common == PST_OK || is_for_good(common))
			common = results[i];
	}
	if (common == PST_OK)
		return NULL;
	if (is_for_good(common) && stored > 0)
		common = PST_E_TEMP;
	return reply_to_failure(common);
}

static void
reply_failed(struct smtp_session *s, const char *reply)
{
	trail_event(NULL, "not-taken", "reply", reply, NULL);
	(void)smtp_reply(s, reply);
}

static void
reply_stored(struct smtp_session *s)
{
	(void)smtp_replyf(s, "250 2.0.0 Ok: stored as %s", s->env->id);
}

/* A line of a reply (RFC 5321, 4.5.3.1.5) from one of a text; characters stay
 * whole. */
static void
put_refusal(struct smtp_session *s, struct pst_str line, bool last)
{
	struct buf *out = net_output(s->conn);

	if (line.n > REFUSAL_LINE) {
		line.n = REFUSAL_LINE;
		while (line.n > 0 &&
		       ((unsigned char)line.p[line.n] & 0xc0) == 0x80)
			line.n--;
	}
	(void)buf_printf(out, "550%c5.7.1 ", last ? ' ' : '-');
	for (size_t i = 0; i < line.n; i++)
		(void)buf_putc(
		    out, (unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f
			     ? ' '
			     : line.p[i]);
	(void)buf_puts(out, "\r\n");
}

/* RFC 5429, 2.1.1: what a user's script says. */
static void
reply_refused(struct smtp_session *s, struct pst_str text)
{
	static const char log[] = "550 5.7.1 refused by the recipient's script";
	struct pst_str line, lines[REFUSAL_LINES];
	size_t n = 0;

	trail_event(NULL, "not-taken", "reply", log, NULL);
	smtp_log_refusal(s, "message-refused", STR_NONE, log);
	while (
	    n < REFUSAL_LINES && text.n > 0 && str_split(&text, '\n', &line)) {
		line = str_trim(line);
		if (line.n > 0)
			lines[n++] = line;
	}
	if (n == 0)
		lines[n++] = STR("The recipient does not want this message");
	for (size_t i = 0; i < n; i++)
		put_refusal(s, lines[i], i + 1 == n);
}

static void
reply_result(struct smtp_session *s, size_t i, enum pst_rc result)
{
	struct pst_str refusal = result == PST_E_PERM
				     ? delivery_refusal(s->env->delivery, i)
				     : STR_NONE;

	if (result == PST_OK)
		reply_stored(s);
	else if (refusal.n > 0)
		reply_refused(s, refusal);
	else
		reply_failed(s, reply_to_failure(result));
}

/* Where one is for all, a script refuses it for all. */
static void
reply_results(struct smtp_session *s, const enum pst_rc *results, size_t stored)
{
	size_t n = s->env->recipients;
	const char *failure;

	if (s->kind != SMTP_LMTP) {
		failure = common_reply(results, n, stored);
		if (failure != NULL &&
		    delivery_refusal(s->env->delivery, 0).n == 0)
			reply_failed(s, failure);
		else
			reply_result(s, 0, results[0]);
		return;
	}
	for (size_t i = 0; i < n; i++)
		reply_result(s, i, results[i]);
}

/* It may be so, and be stored nowhere, when scripts say that. */
static bool
is_taken(const enum pst_rc *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (results[i] == PST_OK)
			return true;
	return false;
}

static void
store(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	enum pst_rc *results = mem_array(env->recipients, sizeof(*results));
	struct pst_error err;
	enum delivery_verdict verdict;
	const char *queued;
	size_t stored;

	verdict = delivery_finish(env->delivery, results, &stored, &err);
	if (err.rc != PST_OK)
		log_failure(PST_LOG_ERROR, net_id(s->conn), "message", &err);
	queued = delivery_queued(env->delivery);
	if (verdict != DELIVERY_DONE) {
		smtp_content_refuse(s, reply_to_verdict(verdict));
		reply_to_all(s, env->refusal);
	} else {
		if (is_taken(results, env->recipients))
			log_stored(s, stored, queued);
		reply_results(s, results, stored);
	}
	free(results);
}

/* The fields on top, and whether it goes to Junk. */
static void
mark(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	struct delivery_mark m = { .junk = env->junk };
	struct buf fields;

	if (!env->filtered && env->check == NULL)
		return;
	buf_init(&fields, 1 << 20);
	(void)buf_add_str(&fields, env->results);
	if (env->filtered)
		milter_message_top(milters_message(s->milters, false), &fields);
	m.fields = buf_str(&fields);
	m.unproven = env->check != NULL && !trust_check_is_proven(env->check);
	delivery_mark(env->delivery, &m);
	buf_fini(&fields);
}

static enum net_next
finish(struct smtp_session *s)
{
	if (s->env->refusal != NULL) {
		reply_to_all(s, s->env->refusal);
	} else {
		mark(s);
		store(s);
	}
	smtp_envelope_end(s);
	return NET_READ;
}

static enum pst_rc
write_delivery(void *arg, const void *p, size_t n)
{
	struct smtp_session *s = arg;

	if (s->env->reseals)
		trust_check_changed(s->env->check, p, n);
	return delivery_write(s->env->delivery, p, n, NULL);
}

/* The seal is of what goes on: milters have changed the message, or where it
 * goes, which the check may not have known. */
static void
begin_reseal(struct smtp_session *s, const struct milter_message *m)
{
	struct smtp_envelope *env = s->env;
	struct buf top;

	env->reseals = env->check != NULL && goes_on(s) &&
		       (milter_message_is_changed(m) || env->rebuild);
	if (!env->reseals)
		return;
	buf_init(&top, 1 << 20);
	milter_message_top(m, &top);
	trust_check_changed(env->check, top.p, top.n);
	buf_fini(&top);
}

enum net_next
smtp_content_filtered(struct smtp_session *s)
{
	struct milter_message *m = milters_message(s->milters, false);
	struct pst_error err = { 0 };
	const char *refusal = begin_delivery(s);
	enum pst_rc rc;

	if (refusal != NULL) {
		smtp_content_refuse(s, refusal);
		return finish(s);
	}
	begin_reseal(s, m);
	rc = milter_message_write(m, write_delivery, s, &err);
	if (rc != PST_OK) {
		if (err.rc != PST_OK)
			log_failure(
			    PST_LOG_ERROR, net_id(s->conn), "message", &err);
		smtp_content_refuse(s, reply_to_failure(rc));
	}
	return finish(s);
}

/* The checks of our own are over. */
static enum net_next
filter(struct smtp_session *s)
{
	if (s->env->filtered && s->env->refusal == NULL)
		return smtp_milter_content(s);
	return finish(s);
}

static enum net_next
checked(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	enum trust_action action;
	const char *reply;

	if (!trust_check_is_done(env->check))
		return NET_WAIT;
	s->mode = SMTP_COMMAND;
	action = trust_check_result(env->check, &env->results, &reply);
	if (action == TRUST_REJECT || action == TRUST_DEFER)
		smtp_content_refuse(s, reply);
	env->junk = action == TRUST_JUNK;
	return filter(s);
}

enum net_next
smtp_content_end(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;

	if (net_traced(s->conn)) {
		char text[64];

		(void)snprintf(text, sizeof(text),
		    "[message %" PRIu64 " octets]", env->size);
		net_trace_client(s->conn, str_of(text));
	}
	if (env->refusal == NULL && env->check != NULL) {
		if (trust_check_start(env->check, net_handle_of(s->conn)))
			return smtp_wait(s, checked);
		smtp_content_refuse(
		    s, "451 4.3.2 Too much mail is being checked, try later");
	}
	return filter(s);
}
