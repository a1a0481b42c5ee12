/*
 * pop3/quit.c - QUIT (RFC 1939, 4 and 6), and who is in the wrong place.
 */
#include "pop3/session.h"

enum net_next
pop3_run_quit(struct pop3_session *s, struct pst_str args)
{
	struct pst_error err;
	enum pst_rc rc;

	(void)args;
	if (s->state == POP3_AUTHORIZATION) {
		(void)pop3_ok(s, POP3_TEXT_BYE);
		return NET_CLOSE;
	}
	rc = pop3_maildrop_update(s, &err);
	/* Before the answer: who reads it may log in again at once. */
	pop3_maildrop_close(s);
	if (rc == PST_OK) {
		(void)pop3_ok(s, POP3_TEXT_BYE);
	} else {
		log_failure(PST_LOG_ERROR, net_id(s->conn), "pop3-quit", &err);
		(void)pop3_err(s, POP3_CODE_TEMP, POP3_TEXT_NOT_REMOVED);
	}
	return NET_CLOSE;
}

/* A browser that was tricked into talking to us: the form data that follows
 * must not be taken for commands. */
enum net_next
pop3_run_foreign(struct pop3_session *s, struct pst_str args)
{
	(void)args;
	(void)pop3_err(s, NULL, POP3_TEXT_WEB);
	return NET_CLOSE;
}
