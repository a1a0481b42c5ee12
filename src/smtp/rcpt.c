/*
 * smtp/rcpt.c - RCPT (RFC 5321, 4.1.1.3) with NOTIFY and ORCPT (RFC 3461).
 *
 * Mail for addresses of this server is accepted from whomever it comes, also
 * when they forward it; mail for other servers from users alone.
 */
#include "base/str.h"
#include "base/trail.h"
#include "smtp/session.h"

/* What delivery says of a recipient. */
static const char *
reply_to_recipient(const struct smtp_session *s, enum pst_rc rc)
{
	switch (rc) {
	case PST_OK:
		return "250 2.1.5 Ok";
	case PST_E_NOTFOUND:
		return "550 5.1.1 There is no such user here";
	case PST_E_UNSUPPORTED:
		if (s->kind == SMTP_SUBMISSION)
			return "550 5.7.1 This server cannot send to other "
			       "servers";
		return "550 5.7.1 Relaying is denied";
	case PST_E_QUOTA:
		return "452 4.2.2 The mailbox is full";
	case PST_E_NOSPACE:
		return "452 4.3.1 Not enough disk space";
	case PST_E_LIMIT:
		return "452 4.5.3 Too many recipients";
	case PST_E_DENIED:
		return "550 5.1.1 This return address is not from here, or "
		       "has expired";
	case PST_E_CONFLICT:
		return "550 5.4.6 This address leads to nothing but itself";
	case PST_E_TEMP:
	case PST_E_PERM:
	case PST_E_EXISTS:
	case PST_E_SYNTAX:
	case PST_E_STALE:
	case PST_E_READONLY:
		break;
	}
	return "451 4.3.0 Try again later";
}

void
smtp_recipient_add(struct smtp_envelope *env, struct smtp_recipient *r)
{
	env->recipients++;
	if (env->last != NULL)
		env->last->next = r;
	else
		env->first = r;
	env->last = r;
}

static enum net_next
refuse(struct smtp_session *s, struct pst_str address, const char *reply,
    bool mistake)
{
	smtp_log_refusal(s, "recipient-refused", address, reply);
	return mistake ? smtp_error(s, reply) : smtp_reply(s, reply);
}

bool
smtp_recipient_fill(struct smtp_session *s, const struct smtp_recipient *r,
    struct delivery_recipient *to)
{
	const struct smtp_rcpt *rcpt = &r->rcpt;

	*to = (struct delivery_recipient){
		.address = rcpt->to.text,
		.size = s->env->mail.size,
		.may_relay = s->kind == SMTP_SUBMISSION || r->added,
		.notify = rcpt->notify,
	};
	return rcpt->orcpt_type.n == 0 ||
	       smtp_xtext(
		   s->env->arena, rcpt->orcpt_type, rcpt->orcpt, &to->orcpt);
}

static void
note_recipient(struct pst_str address)
{
	char to[1024];

	if (!trail_is_on())
		return;
	(void)str_copy(to, sizeof(to), address);
	trail_event(NULL, "rcpt", "to", to, NULL);
}

const char *
smtp_recipients_rebuild(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;
	struct smtp_recipient *r = env->first, *next;

	delivery_free(&env->delivery);
	env->delivery = delivery_new(s->services, smtp_config(s));
	env->first = env->last = NULL;
	env->recipients = 0;
	for (; r != NULL; r = next) {
		struct pst_error err = { 0 };
		struct delivery_recipient to;
		enum pst_rc rc = PST_E_TEMP;

		next = r->next;
		r->next = NULL;
		if (smtp_recipient_fill(s, r, &to))
			rc = delivery_add(env->delivery, &to, &err);
		if (rc == PST_OK)
			smtp_recipient_add(env, r);
		else if (!r->added)
			return "451 4.3.0 Try again later";
		else
			log_text(PST_LOG_WARNING, net_id(s->conn), "milter",
			    "no delivery to %.*s, that it has added: %s",
			    STR_ARG(r->rcpt.to.text), rc_name(rc));
	}
	return NULL;
}

enum net_next
smtp_run_rcpt(struct smtp_session *s, struct pst_str args)
{
	struct smtp_envelope *env = s->env;
	struct pst_error err = { 0 };
	struct smtp_recipient *r;
	struct delivery_recipient to;
	struct smtp_rcpt *rcpt;
	enum smtp_error error;
	const char *refusal;
	enum pst_rc rc;

	if (env->begun)
		return smtp_error(s, "503 5.5.1 The content has begun");
	r = arena_alloc(env->arena, sizeof(*r));
	if (r == NULL)
		return smtp_error(s, smtp_parse_reply(SMTP_E_MEMORY));
	rcpt = &r->rcpt;
	error = smtp_parse_rcpt(env->arena, args, rcpt);
	if (error != SMTP_OK)
		return smtp_error(s, smtp_parse_reply(error));
	if (rcpt->has_params && !s->extended)
		return smtp_error(
		    s, "555 5.5.4 Say EHLO before using parameters");
	if (!env->mail.utf8 && !str_is_ascii(rcpt->to.text))
		return refuse(s, rcpt->to.text,
		    "553 5.6.7 This address needs SMTPUTF8", true);
	if (env->recipients >= (uint64_t)smtp_config(s)->smtp.recipients)
		return refuse(
		    s, rcpt->to.text, "452 4.5.3 Too many recipients", false);
	refusal = smtp_guard_recipient(s, &rcpt->to);
	if (refusal != NULL)
		return refuse(s, rcpt->to.text, refusal, true);
	if (!smtp_recipient_fill(s, r, &to))
		return smtp_error(s, smtp_parse_reply(SMTP_E_MEMORY));
	rc = smtp_local_add(s, &to, &err);
	if (rc == PST_E_TEMP || rc == PST_E_NOSPACE)
		log_failure(PST_LOG_ERROR, net_id(s->conn), "recipient", &err);
	if (rc == PST_E_NOTFOUND)
		smtp_guard_unknown(s);
	if (rc != PST_OK)
		return refuse(s, rcpt->to.text, reply_to_recipient(s, rc),
		    rc == PST_E_UNSUPPORTED);
	refusal = smtp_guard_greylist(s, r);
	if (refusal != NULL)
		return refuse(s, rcpt->to.text, refusal, false);
	note_recipient(rcpt->to.text);
	return smtp_milter_rcpt(s, r, args);
}
