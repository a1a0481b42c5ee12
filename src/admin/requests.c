/*
 * requests.c - the table of requests on the control socket, and those that
 * only hand something on. The larger ones have files of their own.
 */
#include "admin/control_priv.h"
#include "base/log.h"
#include "base/str.h"

static void
run_reload(struct admin_client *c, const json_t *request)
{
	struct pst_error err = { 0 };
	struct pst_str rest, line;
	struct buf notes;
	enum pst_rc rc;

	(void)request;
	buf_init(&notes, ADMIN_LINE_MAX);
	rc = c->host->reload(c->host->arg, &notes, &err);
	rest = buf_str(&notes);
	while (str_split(&rest, '\n', &line))
		if (line.n > 0)
			(void)admin_item(c, admin_json_text(line));
	buf_fini(&notes);
	if (rc == PST_OK)
		admin_done(c);
	else
		admin_error(c, rc, "%s", err.detail);
}

static void
run_stop(struct admin_client *c, const json_t *request)
{
	(void)request;
	c->until_exit = true;
	admin_done(c);
	c->host->stop(c->host->arg);
}

static void
run_unblock(struct admin_client *c, const json_t *request)
{
	const char *who = admin_member(request, "who");
	char address[321];
	bool found;

	if (who == NULL) {
		admin_error(c, PST_E_SYNTAX, "unblock needs a user or address");
		return;
	}
	found = auth_unblock(c->host->accounts, who);
	/* Users are known by their normal form. */
	if (!found && account_normalise(str_of(who), address))
		found = auth_unblock(c->host->accounts, address);
	if (found) {
		log_event(PST_LOG_INFO, 0, "unblock", "who", who, "by",
		    admin_member(request, "by"), NULL);
		admin_done(c);
	} else {
		admin_error(c, PST_E_NOTFOUND, "%s is not blocked", who);
	}
}

static const struct admin_request requests[] = {
	{ "acl-delete", admin_run_acl_delete },
	{ "acl-list", admin_run_acl_list },
	{ "acl-rebuild", admin_run_acl_rebuild },
	{ "acl-set", admin_run_acl_set },
	{ "connections", admin_run_connections },
	{ "convert", admin_run_convert },
	{ "dns-check", admin_run_dns_check },
	{ "dns-show", admin_run_dns_show },
	{ "export", admin_run_export },
	{ "import", admin_run_import },
	{ "index-rebuild", admin_run_index_rebuild },
	{ "index-status", admin_run_index_status },
	{ "kick", admin_run_kick },
	{ "mail-behind", admin_run_mail_behind },
	{ "mailbox-create", admin_run_mailbox_create },
	{ "mailbox-delete", admin_run_mailbox_delete },
	{ "mailbox-fsck", admin_run_mailbox_fsck },
	{ "mailbox-list", admin_run_mailbox_list },
	{ "mailbox-rename", admin_run_mailbox_rename },
	{ "mailbox-status", admin_run_mailbox_status },
	{ "queue", admin_run_queue },
	{ "queue-stats", admin_run_queue_stats },
	{ "quota-recount", admin_run_quota_recount },
	{ "quota-set", admin_run_quota_set },
	{ "reload", run_reload },
	{ "retention-run", admin_run_retention_run },
	{ "retention-status", admin_run_retention_status },
	{ "sending", admin_run_sending },
	{ "sending-lift", admin_run_sending_lift },
	{ "sieve-activate", admin_run_sieve_activate },
	{ "sieve-delete", admin_run_sieve_delete },
	{ "sieve-get", admin_run_sieve_get },
	{ "sieve-list", admin_run_sieve_list },
	{ "sieve-put", admin_run_sieve_put },
	{ "sieve-rename", admin_run_sieve_rename },
	{ "status", admin_run_status },
	{ "stop", run_stop },
	{ "trace", admin_run_trace },
	{ "unblock", run_unblock },
	{ "undelete", admin_run_undelete },
	{ "usage", admin_run_usage },
	{ "user-delete", admin_run_user_delete },
	{ "user-factors-reset", admin_run_factors_reset },
	{ "why", admin_run_why },
};

void
admin_request_run(struct admin_client *c, const json_t *request)
{
	const char *name = admin_member(request, "request");

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (name != NULL && strcmp(requests[i].name, name) == 0) {
			requests[i].run(c, request);
			return;
		}
	admin_error(c, PST_E_UNSUPPORTED, "unknown request \"%s\"",
	    name != NULL ? name : "");
}
