/*
 * smtp/data.c - DATA (RFC 5321, 4.1.1.4).
 */
#include "base/str.h"
#include "smtp/session.h"

enum net_next
smtp_run_data(struct smtp_session *s, struct pst_str args)
{
	struct smtp_envelope *env = s->env;
	const char *refusal;

	(void)args;
	if (env->chunked)
		return smtp_error(s, "503 5.5.1 The message has begun as BDAT");
	/* RFC 3030, 3. */
	if (env->mail.body == SMTP_BINARYMIME)
		return smtp_error(s, "503 5.5.1 BINARYMIME needs BDAT");
	/* RFC 5321, 3.3; RFC 2033, 4.2 for LMTP. */
	if (env->recipients == 0)
		return smtp_error(s, s->kind == SMTP_LMTP
					 ? "503 5.5.1 No valid recipients"
					 : "554 5.5.1 No valid recipients");
	refusal = smtp_content_begin(s);
	if (refusal != NULL) {
		smtp_log_refusal(s, "message-refused", STR_NONE, refusal);
		smtp_envelope_end(s);
		return smtp_reply(s, refusal);
	}
	smtp_dot_init(&env->dot);
	s->mode = SMTP_DATA;
	return smtp_reply(s, "354 Send the message, end with a single dot");
}

/* The sink of the decoder. */
static void
add(void *arg, const char *p, size_t n)
{
	struct smtp_session *s = arg;
	const struct smtp_dot *dot = &s->env->dot;

	if (dot->bare && smtp_refuses_bare_newline(s))
		smtp_content_refuse(s, smtp_bare_newline);
	if (dot->nul)
		smtp_content_refuse(s, smtp_nul);
	smtp_content_add(s, p, n);
}

enum net_next
smtp_data_input(struct smtp_session *s, const char *p, size_t n, size_t *used_r)
{
	struct smtp_envelope *env = s->env;

	*used_r = smtp_dot_feed(&env->dot, p, n, add, s);
	if (env->dot.ended) {
		s->mode = SMTP_COMMAND;
		return smtp_content_end(s);
	}
	if (!smtp_content_hopeless(s))
		return NET_READ;
	(void)smtp_reply(s, env->refusal);
	return NET_CLOSE;
}
