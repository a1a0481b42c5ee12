/*
 * convert.c - posternctl convert: users' mail to another storage, one user
 * after the other, by way of the server.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"
#include <stdlib.h>
#include <unistd.h>

static const struct table_column columns[] = {
	{ "user", "USER", TABLE_TEXT },
	{ "outcome", "OUTCOME", TABLE_TEXT },
	{ "mailboxes", "MAILBOXES", TABLE_NUMBER },
	{ "messages", "MESSAGES", TABLE_NUMBER },
	{ "size", "SIZE", TABLE_SIZE },
	{ "copied", "COPIED", TABLE_NUMBER },
	{ "changed", "CHANGED", TABLE_NUMBER },
	{ "removed", "REMOVED", TABLE_NUMBER },
	{ "verified", "VERIFIED", TABLE_NUMBER },
	{ "rate", "PER SECOND", TABLE_NUMBER },
	{ "held_ms", "HELD MS", TABLE_NUMBER },
	{ NULL, NULL, TABLE_TEXT },
};

/* Users to be converted. */
struct users {
	char **address;
	size_t n, cap;
	const char *from; /* name of a block; NULL: whoever they are */
	const struct config *cfg;
};

/* --- the bar ----------------------------------------------------------------
 */

struct bar {
	bool is_terminal, is_drawn;
	const char *user;
	int64_t said; /* microseconds of the conversion, at the last line */
};

static long long
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static double
seconds(const json_t *o)
{
	double s = (double)number(o, "microseconds") / 1e6;

	return s > 0.001 ? s : 0.001;
}

/* A mailbox's name without what moves a terminal. */
static void
put_name(FILE *out, const char *name)
{
	for (; *name != '\0'; name++)
		(void)fputc(
		    (unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name,
		    out);
}

static void
draw(struct bar *b, const json_t *p)
{
	enum { WIDTH = 24 };
	long long n = number(p, "messages"),
		  total = number(p, "total_messages");
	int full = total > 0 ? (int)(n < total ? n * WIDTH / total : WIDTH) : 0;

	(void)fprintf(stderr, "\r\033[K%s [", b->user);
	for (int i = 0; i < WIDTH; i++)
		(void)fputc(i < full ? '#' : '.', stderr);
	(void)fprintf(stderr, "] %lld/%lld, %.1f MB, %.0f/s, pass %lld ", n,
	    total, (double)number(p, "bytes") / 1e6, (double)n / seconds(p),
	    number(p, "pass"));
	put_name(stderr, admin_member(p, "mailbox") != NULL
			     ? admin_member(p, "mailbox")
			     : "");
	(void)fflush(stderr);
	b->is_drawn = true;
}

static void
show(struct bar *b, const json_t *p)
{
	enum { LINE_EVERY = 10 * 1000000 };

	if (b->is_terminal) {
		draw(b, p);
		return;
	}
	if (number(p, "microseconds") - b->said < LINE_EVERY)
		return;
	b->said = number(p, "microseconds");
	(void)fprintf(stderr,
	    "%s: %lld of %lld messages, %lld bytes, %.0f/s, pass %lld: ",
	    b->user, number(p, "messages"), number(p, "total_messages"),
	    number(p, "bytes"), (double)number(p, "messages") / seconds(p),
	    number(p, "pass"));
	put_name(stderr, admin_member(p, "mailbox") != NULL
			     ? admin_member(p, "mailbox")
			     : "");
	(void)fputc('\n', stderr);
}

static void
wipe(struct bar *b)
{
	if (b->is_drawn)
		(void)fputs("\r\033[K", stderr);
	b->is_drawn = false;
}

/* --- one user ---------------------------------------------------------------
 */

static json_t *
make_request(const struct ctl *c, const char *address)
{
	json_t *request = json_pack("{s:s}", "request", "convert");

	json_object_set_new(
	    request, "address", admin_json_text(str_of(address)));
	json_object_set_new(request, "from", admin_json_text(str_of(c->from)));
	json_object_set_new(request, "to", admin_json_text(str_of(c->to)));
	if (c->verify != NULL)
		json_object_set_new(
		    request, "verify", admin_json_text(str_of(c->verify)));
	if (c->given & CTL_OPT_DRY_RUN)
		json_object_set_new(request, "dry_run", json_true());
	if (c->given & CTL_OPT_ALONE)
		json_object_set_new(request, "alone", json_true());
	if (c->given & CTL_OPT_REMOVE_SOURCE)
		json_object_set_new(request, "remove_source", json_true());
	return request;
}

/* What the table shows besides. */
static void
take_result(json_t *results, json_t *item)
{
	json_object_set_new(item, "rate",
	    json_integer((
		json_int_t)((double)number(item, "messages") / seconds(item))));
	json_object_set_new(item, "held_ms",
	    json_integer((number(item, "held_microseconds") + 999) / 1000));
	json_array_append(results, item);
}

static int
convert_user(struct ctl *c, const char *address, json_t *results)
{
	struct bar bar = { .user = address,
		.is_terminal = !c->json && isatty(STDERR_FILENO) };
	struct admin_connection conn;
	struct pst_error err = { 0 };
	enum pst_rc rc;
	json_t *line;
	int code = ctl_connect(c, &conn);

	if (code != CTL_OK)
		return code;
	rc = admin_send(&conn, make_request(c, address), &err);
	while (rc == PST_OK &&
	       (rc = admin_receive(&conn, &line, &err)) == PST_OK &&
	       line != NULL) {
		json_t *item = json_object_get(line, "item");
		const json_t *p = json_object_get(item, "progress");

		if (p != NULL && !c->json)
			show(&bar, p);
		else if (p == NULL && item != NULL)
			take_result(results, item);
		json_decref(line);
	}
	wipe(&bar);
	admin_disconnect(&conn);
	return rc == PST_OK ? CTL_OK
			    : ctl_fail(rc, "%s: %s", address, err.detail);
}

/* --- many users -------------------------------------------------------------
 */

/* The block that a user's mail is in, as far as their record tells. */
static bool
is_there(const struct users *u, const struct account_user *user)
{
	const struct config_storage *s = config_default_storage(u->cfg);

	if (u->from == NULL)
		return true;
	if (*account_storage(user) != '\0')
		return strcmp(account_storage(user), u->from) == 0;
	return s != NULL && strcmp(s->name, u->from) == 0;
}

static void
take_user(void *arg, const struct account_user *user)
{
	struct users *u = arg;

	if (!is_there(u, user))
		return;
	mem_grow(&u->address, &u->cap, u->n + 1, sizeof(*u->address));
	u->address[u->n++] = str_dup(str_of(user->address));
}

/* The block's name, when it is one. "MODULE:TEXT" is the server's business:
 * then users who are elsewhere are told so one by one. */
static const char *
block_name(const struct ctl *c)
{
	for (size_t i = 0; i < c->cfg->storages; i++)
		if (strcmp(c->cfg->storage[i].name, c->from) == 0)
			return c->from;
	return NULL;
}

static int
gather_users(struct ctl *c, struct users *u)
{
	struct pst_error err = { 0 };
	enum pst_rc rc = ctl_accounts(c, &err);

	u->from = block_name(c);
	u->cfg = c->cfg;
	if (rc == PST_OK)
		rc = account_each(c->accounts, c->domain, take_user, u, &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
check_arguments(const struct ctl *c, int n)
{
	int ways = n + (c->domain != NULL) + ((c->given & CTL_OPT_ALL) != 0);

	if (c->from == NULL || c->to == NULL)
		return ctl_usage("convert needs --from and --to");
	if (ways != 1)
		return ctl_usage(
		    "convert needs a user, --domain DOMAIN or --all");
	return CTL_OK;
}

/* After the first failure the others have their turn all the same. */
static int
convert(struct ctl *c, char **args, int n)
{
	struct users u = { 0 };
	json_t *results;
	int code = check_arguments(c, n);

	if (code != CTL_OK)
		return code;
	if (n == 0)
		code = gather_users(c, &u);
	results = json_array();
	if (n == 1 && code == CTL_OK)
		code = convert_user(c, args[0], results);
	for (size_t i = 0; i < u.n && code != CTL_NO_DAEMON; i++) {
		int one = convert_user(c, u.address[i], results);

		if (one != CTL_OK)
			code = one;
	}
	if (json_array_size(results) > 0 || (c->json && code == CTL_OK))
		table_print(c->out, columns, results, c->json);
	json_decref(results);
	for (size_t i = 0; i < u.n; i++)
		free(u.address[i]);
	free(u.address);
	return code;
}

const struct ctl_command ctl_convert_commands[] = {
	{ "", "convert",
	    "--from STORAGE --to STORAGE ADDRESS | --domain DOMAIN | --all\n"
	    "      [--dry-run] [--verify full|new|none] [--remove-source] "
	    "[--alone]",
	    0, 1,
	    CTL_OPT_FROM | CTL_OPT_TO | CTL_OPT_DOMAIN | CTL_OPT_ALL |
		CTL_OPT_DRY_RUN | CTL_OPT_VERIFY | CTL_OPT_REMOVE_SOURCE |
		CTL_OPT_ALONE,
	    convert },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
