/*
 * factors.c - posternctl user factors: what a user logs in with besides the
 * password, and taking it away from who has lost it.
 */
#include "account/factors.h"
#include "account/passkeys.h"
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "kind", "KIND", TABLE_TEXT },
	{ "name", "NAME", TABLE_TEXT },
	{ "asked", "ASKED FOR", TABLE_TRUTH },
	{ "created", "CREATED (UTC)", TABLE_TIME },
	{ "used", "USED (UTC)", TABLE_TIME },
	{ "left", "LEFT", TABLE_NUMBER },
	{ NULL, NULL, TABLE_TEXT },
};

static void
put_used(json_t *row, int64_t used)
{
	if (used != 0)
		(void)json_object_set_new(row, "used", json_integer(used));
}

struct listing {
	json_t *rows;
	bool asked;
};

static void
list_passkey(void *arg, const struct passkey *p)
{
	struct listing *l = arg;
	json_t *row = json_pack("{s:s, s:o, s:b, s:I}", "kind", "passkey",
	    "name", admin_json_text(str_of(p->name)), "asked", (int)l->asked,
	    "created", (json_int_t)p->created);

	put_used(row, p->used);
	(void)json_array_append_new(l->rows, row);
}

static enum pst_rc
list_all(struct ctl *c, const char *user, json_t *rows, struct pst_error *err)
{
	struct factors f;
	enum pst_rc rc = factors_find(c->accounts, user, &f, err);
	struct listing l = { rows, f.passkeys_asked };
	json_t *row;

	if (rc == PST_OK && f.has_totp) {
		row = json_pack("{s:s, s:b, s:I}", "kind", "app", "asked", 1,
		    "created", (json_int_t)f.totp_created);
		put_used(row, f.totp_used);
		(void)json_array_append_new(rows, row);
	}
	if (rc == PST_OK)
		rc = passkey_each(c->accounts, user, list_passkey, &l, err);
	if (rc == PST_OK && f.recovery > 0)
		(void)json_array_append_new(
		    rows, json_pack("{s:s, s:i}", "kind", "recovery codes",
			      "left", f.recovery));
	return rc;
}

/* A server that runs does it, so that it stands in its log. */
static int
reset(struct ctl *c, const char *user)
{
	struct pst_error err = { 0 };
	bool no_daemon = false;
	enum pst_rc rc = ctl_ask(c,
	    json_pack(
		"{s:s, s:s}", "request", "user-factors-reset", "address", user),
	    NULL, &no_daemon, &err);

	if (no_daemon) {
		rc = ctl_accounts(c, &err);
		if (rc == PST_OK)
			rc = factors_reset(c->accounts, user, &err);
	}
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
user_factors(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	json_t *rows;
	enum pst_rc rc;

	(void)n;
	if ((c->given & CTL_OPT_RESET) != 0)
		return reset(c, args[0]);
	rows = json_array();
	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = list_all(c, args[0], rows, &err);
	if (rc == PST_OK)
		table_print(c->out, columns, rows, c->json);
	json_decref(rows);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_factor_commands[] = {
	{ "user", "factors", "ADDRESS [--reset]", 1, 1, CTL_OPT_RESET,
	    user_factors },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
