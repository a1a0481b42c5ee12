/*
 * invite.c - posternctl invite: codes with which people sign up.
 */
#include "account/invites.h"
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"

enum { LIFE = 14 * 86400 };

static const struct table_column columns[] = {
	{ "id", "ID", TABLE_TEXT },
	{ "domain", "DOMAIN", TABLE_TEXT },
	{ "uses", "LEFT", TABLE_NUMBER },
	{ "expires", "UNTIL (UTC)", TABLE_TIME },
	{ "note", "NOTE", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static int
invite_create(struct ctl *c, char **args, int n)
{
	struct invite made = { .uses = 1, .expires = clock_seconds() + LIFE };
	struct pst_error err = { 0 };
	char code[INVITE_CODE], web[CONFIG_URL];
	uint64_t uses;
	enum pst_rc rc;

	if (n > 1) {
		if (!str_to_u64(str_of(args[1]), &uses) || uses < 1 ||
		    uses > 1000000)
			return ctl_usage("invite create: expected a number of "
					 "accounts, not \"%s\"",
			    args[1]);
		made.uses = (int64_t)uses;
	}
	if (!str_copy(made.domain, sizeof(made.domain), str_of(args[0])) ||
	    (c->name != NULL &&
		!str_copy(made.note, sizeof(made.note), str_of(c->name))))
		return ctl_usage("invite create: that is too long");
	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = invite_add(c->accounts, &made, code, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	if (c->json)
		(void)fprintf(c->out,
		    "{\"id\":\"%s\",\"code\":\"%s\","
		    "\"url\":\"%s/signup?invite=%s\"}\n",
		    made.id, code, config_web_url(c->cfg, web), code);
	else
		(void)fprintf(c->out, "%s/signup?invite=%s\n",
		    config_web_url(c->cfg, web), code);
	return CTL_OK;
}

static void
list_one(void *arg, const struct invite *i)
{
	json_t *row = json_pack("{s:s, s:s, s:I, s:I, s:o}", "id", i->id,
	    "domain", i->domain, "uses", (json_int_t)i->uses, "expires",
	    (json_int_t)i->expires, "note", admin_json_text(str_of(i->note)));

	(void)json_array_append_new(arg, row);
}

static int
invite_list(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	json_t *rows = json_array();
	enum pst_rc rc = ctl_accounts(c, &err);

	(void)args;
	(void)n;
	if (rc == PST_OK)
		rc = invite_each(c->accounts, list_one, rows, &err);
	if (rc == PST_OK)
		table_print(c->out, columns, rows, c->json);
	json_decref(rows);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
invite_revoke(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc = ctl_accounts(c, &err);

	(void)n;
	if (rc == PST_OK)
		rc = invite_delete(c->accounts, args[0], &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_invite_commands[] = {
	{ "invite", "create", "DOMAIN [USES] [--name TEXT]", 1, 2, CTL_OPT_NAME,
	    invite_create },
	{ "invite", "list", "", 0, 0, 0, invite_list },
	{ "invite", "revoke", "ID", 1, 1, 0, invite_revoke },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
