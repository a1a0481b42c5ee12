/*
 * smtp/mail.c - MAIL (RFC 5321, 4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152,
 * RFC 3030), SMTPUTF8 (RFC 6531), AUTH (RFC 4954), RET and ENVID (RFC 3461),
 * REQUIRETLS (RFC 8689).
 */
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "smtp/session.h"

/* NULL: may be. */
static const char *
refuse_sender(struct smtp_session *s, struct pst_str address)
{
	struct pst_error err = { 0 };
	enum pst_rc rc = PST_E_DENIED;
	char text[1024];

	if (str_copy(text, sizeof(text), address) && s->local != NULL)
		rc = local_may_send_as(smtp_config(s), s->local->name, text)
			 ? PST_OK
			 : PST_E_DENIED;
	else if (str_copy(text, sizeof(text), address))
		rc = account_may_send_as(
		    s->services->accounts, net_user(s->conn), text, &err);
	if (rc == PST_OK)
		return NULL;
	if (rc == PST_E_DENIED)
		return "553 5.7.1 This sender address is not yours";
	log_failure(PST_LOG_ERROR, net_id(s->conn), "sender", &err);
	return "451 4.3.0 Try again later";
}

/* What the extensions demand of each other, and of the sender's rights. */
static const char *
refuse_mail(struct smtp_session *s, const struct smtp_mail *mail)
{
	const struct config *cfg = smtp_config(s);

	/* RFC 5321, 2.2.1: extensions only after EHLO. */
	if (mail->has_params && !s->extended)
		return "555 5.5.4 Say EHLO before using parameters";
	if (mail->has_auth && s->kind != SMTP_SUBMISSION)
		return smtp_parse_reply(SMTP_E_UNKNOWN);
	/* RFC 8689, 2: it is an extension of secured sessions only. */
	if (mail->require_tls && !net_tls_active(s->conn))
		return smtp_parse_reply(SMTP_E_UNKNOWN);
	if (!mail->utf8 && !str_is_ascii(mail->from.text))
		return "553 5.6.7 This address needs SMTPUTF8";
	if (mail->size > (uint64_t)cfg->smtp.message_size)
		return "552 5.3.4 The message is too large";
	if (s->kind == SMTP_SUBMISSION && mail->from.text.n > 0)
		return refuse_sender(s, mail->from.text);
	return smtp_guard_mail(s);
}

/* Who hands it in, for the trail. */
static void
note_sender(const struct smtp_session *s)
{
	static const char *const kinds[] = { [SMTP_SERVER] = "smtp",
		[SMTP_SUBMISSION] = "submission",
		[SMTP_LMTP] = "lmtp" };
	const char *tls = net_tls_info(s->conn);
	char from[1024];

	if (!trail_is_on())
		return;
	(void)str_copy(from, sizeof(from), s->env->mail.from.text);
	trail_event(NULL, "mail", "from", from, "by", kinds[s->kind], "client",
	    net_peer(s->conn), "helo", s->hello, "tls",
	    tls[0] != '\0' ? tls : NULL, "user", net_user(s->conn), NULL);
}

enum net_next
smtp_run_mail(struct smtp_session *s, struct pst_str args)
{
	struct config *cfg = smtp_config(s);
	struct smtp_envelope *env;
	enum smtp_error error;
	const char *refusal;

	if (s->messages >= cfg->smtp.messages)
		return smtp_goodbye(
		    s, "4.5.3", "Enough messages for one connection");
	smtp_envelope_begin(s);
	env = s->env;
	error = smtp_parse_mail(env->arena, args, &env->mail);
	if (error == SMTP_E_ADDRESS)
		refusal = "501 5.1.7 This is not a valid sender address";
	else if (error != SMTP_OK)
		refusal = smtp_parse_reply(error);
	else
		refusal = refuse_mail(s, &env->mail);
	if (refusal != NULL) {
		if (error == SMTP_OK)
			smtp_log_refusal(
			    s, "sender-refused", STR_NONE, refusal);
		smtp_envelope_end(s);
		return smtp_error(s, refusal);
	}
	env->delivery = delivery_new(s->services, cfg);
	s->messages++;
	note_sender(s);
	return smtp_milter_mail(s, args);
}
