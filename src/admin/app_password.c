/*
 * app_password.c - posternctl app-password: passwords of users' mail programs.
 */
#include "account/apps.h"
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "id", "ID", TABLE_TEXT },
	{ "name", "NAME", TABLE_TEXT },
	{ "scopes", "FOR", TABLE_TEXT },
	{ "created", "CREATED (UTC)", TABLE_TIME },
	{ "used", "USED (UTC)", TABLE_TIME },
	{ NULL, NULL, TABLE_TEXT },
};

/* Without any, all. */
static int
take_scopes(char **names, int n, unsigned *scopes_r)
{
	*scopes_r = n == 0 ? APP_SCOPES : 0;
	for (int i = 0; i < n; i++) {
		unsigned scope = app_scope(names[i]);

		if (scope == 0)
			return ctl_usage("expected imap, pop3, smtp, jmap or "
					 "sieve, not \"%s\"",
			    names[i]);
		*scopes_r |= scope;
	}
	return CTL_OK;
}

/* Without a scope for it there is no token. */
static void
print_made(struct ctl *c, const char *user, const struct app_password *made,
    const char *secret)
{
	char clean[sizeof(((struct account_user *)NULL)->address)];
	struct buf token;

	buf_init(&token, 1024);
	if ((made->scopes & AUTH_JMAP) == 0 ||
	    !account_normalise(str_of(user), clean) ||
	    !app_token_make(clean, secret, &token))
		buf_clear(&token);
	if (c->json) {
		(void)fprintf(c->out, "{\"id\":\"%s\",\"password\":\"%s\"",
		    made->id, secret);
		if (token.n > 0)
			(void)fprintf(c->out, ",\"token\":\"%.*s\"",
			    STR_ARG(buf_str(&token)));
		(void)fprintf(c->out, "}\n");
	} else {
		(void)fprintf(c->out, "%s\n", secret);
		if (token.n > 0)
			(void)fprintf(
			    c->out, "%.*s\n", STR_ARG(buf_str(&token)));
	}
	if (token.p != NULL)
		explicit_bzero(token.p, token.n);
	buf_fini(&token);
}

static int
app_add(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	struct app_password made;
	char secret[APP_PASSWORD];
	unsigned scopes;
	enum pst_rc rc;
	int status = take_scopes(args + 2, n - 2, &scopes);

	if (status != CTL_OK)
		return status;
	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = app_password_add(
		    c->accounts, args[0], args[1], scopes, &made, secret, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	print_made(c, args[0], &made, secret);
	explicit_bzero(secret, sizeof(secret));
	return CTL_OK;
}

static void
list_one(void *arg, const struct app_password *p)
{
	char scopes[32] = "";
	json_t *row;

	for (unsigned bit = 1; bit <= APP_SCOPES; bit <<= 1) {
		size_t n = strlen(scopes);

		if ((p->scopes & bit) != 0)
			(void)snprintf(scopes + n, sizeof(scopes) - n, "%s%s",
			    n > 0 ? " " : "", app_scope_name(bit));
	}
	row = json_pack("{s:s, s:o, s:s, s:I}", "id", p->id, "name",
	    admin_json_text(str_of(p->name)), "scopes", scopes, "created",
	    (json_int_t)p->created);
	if (p->used != 0)
		(void)json_object_set_new(row, "used", json_integer(p->used));
	(void)json_array_append_new(arg, row);
}

static int
app_list(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	json_t *rows = json_array();
	enum pst_rc rc = ctl_accounts(c, &err);

	(void)n;
	if (rc == PST_OK)
		rc = app_password_each(
		    c->accounts, args[0], list_one, rows, &err);
	if (rc == PST_OK)
		table_print(c->out, columns, rows, c->json);
	json_decref(rows);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
app_delete(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc = ctl_accounts(c, &err);

	(void)n;
	if (rc == PST_OK)
		rc = app_password_delete(c->accounts, args[0], args[1], &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
app_require(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	(void)n;
	if (strcmp(args[1], "on") != 0 && strcmp(args[1], "off") != 0)
		return ctl_usage("app-password require: expected on or off, "
				 "not \"%s\"",
		    args[1]);
	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = account_require_app(
		    c->accounts, args[0], strcmp(args[1], "on") == 0, &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_app_password_commands[] = {
	{ "app-password", "add",
	    "USER NAME [imap] [pop3] [smtp] [jmap] [sieve]", 2, 7, 0, app_add },
	{ "app-password", "list", "USER", 1, 1, 0, app_list },
	{ "app-password", "delete", "USER ID", 2, 2, 0, app_delete },
	{ "app-password", "require", "USER on|off", 2, 2, 0, app_require },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
