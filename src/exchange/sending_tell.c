/*
 * exchange/sending_tell.c - the brake and the queue: what waits when it comes
 * on is held, and the user and the administrator hear of it.
 */
#include "exchange/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "message/header.h"

enum { TEXT_MAX = 8192, LATER = 60 /* seconds */ };

bool
exchange_brake(
    struct exchange *x, struct queue_job *job, const struct envelope *e)
{
	char why[SENDING_REASON], id[QUEUE_ID];
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (e->author.n == 0 || str_is(e->reason, QUEUE_RELEASED) ||
	    !sending_is_braked(x->sending, e->author, why))
		return false;
	queue_id_print(queue_message_id(job->message), id);
	rc = queue_hold(x->queue, job->message, true, why, &err);
	if (rc == PST_OK) {
		log_event(
		    PST_LOG_WARNING, 0, "held", "id", id, "why", why, NULL);
		trail_event(id, "held", "why", why, NULL);
	} else {
		log_failure(PST_LOG_ERROR, 0, "queue", &err);
		queue_postpone(x->queue, job, clock_seconds() + LATER);
	}
	return true;
}

/* --- what is told ----------------------------------------------------------
 */

static void
put_header(const struct config *cfg, const char *to, const char *subject,
    struct buf *out)
{
	char date[40];

	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out,
	    "Date: %s\r\n"
	    "From: Mail server <postmaster@%s>\r\n"
	    "To: <%s>\r\n"
	    "Subject: %s\r\n"
	    "Message-ID: <%016llx.sending@%s>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"
	    "\r\n",
	    date, cfg->hostname, to, subject, (unsigned long long)random_u64(),
	    cfg->hostname);
}

static void
put_for_user(
    const struct config *cfg, const struct sending_row *r, struct buf *out)
{
	put_header(cfg, r->user, "Your mail to other servers is held", out);
	(void)buf_printf(out,
	    "From your account, %s, more was sent than is usual:\r\n"
	    "\r\n"
	    "  %s\r\n"
	    "\r\n"
	    "What you send to other servers is therefore held on %s. "
	    "Nothing\r\n"
	    "is lost, and mail to people on this server goes on as always.\r\n"
	    "\r\n"
	    "Was it you? Then ask the administrator to let it go.\r\n"
	    "\r\n"
	    "Was it not? Then somebody else knows your password. Change it\r\n"
	    "now, and tell the administrator.\r\n",
	    r->user, r->reason, cfg->hostname);
}

static void
put_for_administrator(
    const struct config *cfg, const struct sending_row *r, struct buf *out)
{
	char to[300];

	(void)snprintf(to, sizeof(to), "postmaster@%s", cfg->hostname);
	put_header(cfg, to, "A user sends more than usual", out);
	(void)buf_printf(out,
	    "The brake is on for the user %s:\r\n"
	    "\r\n"
	    "  %s\r\n"
	    "\r\n"
	    "What they send to other servers is held until you lift it. If\r\n"
	    "their password was stolen, give them another one first:\r\n"
	    "\r\n"
	    "  posternctl queue list --user %s\r\n"
	    "  posternctl user password %s\r\n"
	    "  posternctl kick %s\r\n"
	    "\r\n"
	    "To delete what is held, or to let it go:\r\n"
	    "\r\n"
	    "  posternctl queue delete --held --user %s\r\n"
	    "  posternctl queue release --user %s\r\n"
	    "\r\n"
	    "To let them send again:\r\n"
	    "\r\n"
	    "  posternctl sending lift %s\r\n",
	    r->user, r->reason, r->user, r->user, r->user, r->user, r->user,
	    r->user);
}

static bool
tell(struct exchange *x, const struct config *cfg, const struct sending_row *r,
    const char *to,
    void (*put)(
	const struct config *cfg, const struct sending_row *r, struct buf *out))
{
	struct pst_error err = { 0 };
	struct pst_str part;
	struct buf text;
	enum pst_rc rc;

	buf_init(&text, TEXT_MAX);
	put(cfg, r, &text);
	part = buf_str(&text);
	rc = x->host.notify(x->host.arg, str_of(to), &part, 1, false, &err);
	buf_fini(&text);
	if (rc != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "sending", &err);
	/* Nobody to tell is no reason to try again. */
	return rc == PST_OK || rc == PST_E_NOTFOUND;
}

void
exchange_tell_braked(struct exchange *x)
{
	struct sending_row row;
	struct config *cfg;
	bool done;

	while (sending_to_tell(x->sending, &row)) {
		cfg = exchange_config(x);
		done = tell(x, cfg, &row, row.user, put_for_user);
		if (done)
			done = tell(
			    x, cfg, &row, "postmaster", put_for_administrator);
		sending_told(x->sending, row.user, done);
		config_unref(&cfg);
	}
}
