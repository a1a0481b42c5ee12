/*
 * posternctl.c - the options, the table of commands, and what the commands
 * share: the configuration, the accounts database and the way to the server.
 */
#include "admin/ctl.h"
#include "admin/identity.h"
#include "base/str.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ctl_command *const groups[] = {
	ctl_status_commands,
	ctl_trace_commands,
	ctl_user_commands,
	ctl_factor_commands,
	ctl_mailbox_commands,
	ctl_acl_commands,
	ctl_index_commands,
	ctl_queue_commands,
	ctl_why_commands,
	ctl_quota_commands,
	ctl_sending_commands,
	ctl_undelete_commands,
	ctl_convert_commands,
	ctl_retention_commands,
	ctl_import_commands,
	ctl_export_commands,
	ctl_alias_commands,
	ctl_app_password_commands,
	ctl_forward_commands,
	ctl_invite_commands,
	ctl_domain_commands,
	ctl_accounts_commands,
	ctl_sieve_commands,
	ctl_storage_commands,
	ctl_dkim_commands,
	ctl_dns_commands,
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* --- saying what is wrong -------------------------------------------------
 */

static PST_PRINTF(1, 0) void say(const char *fmt, va_list ap)
{
	(void)fputs("posternctl: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
}

int
ctl_fail(enum pst_rc rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	if (rc == PST_E_NOTFOUND)
		return CTL_NOT_FOUND;
	if (rc == PST_E_EXISTS)
		return CTL_EXISTS;
	return rc == PST_E_SYNTAX ? CTL_USAGE : CTL_FAILED;
}

int
ctl_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CTL_USAGE;
}

static void
print_help(FILE *out)
{
	(void)fputs("usage: posternctl [-c FILE] [--json] [--socket PATH] "
		    "[--sandbox DIR] COMMAND ...\n\n",
	    out);
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct ctl_command *k = groups[g]; k->verb != NULL;
		     k++)
			(void)fprintf(out, "  %s%s%s%s%s\n", k->group,
			    *k->group != '\0' ? " " : "", k->verb,
			    *k->arguments != '\0' ? " " : "", k->arguments);
	(void)fputs("\nposternctl(8) describes them.\n", out);
}

/* --- what commands share --------------------------------------------------
 */

static bool
parse_word(const char *text, int64_t *value_r)
{
	*value_r = strcmp(text, "default") == 0 ? -1 : 0;
	return *value_r < 0 || strcmp(text, "none") == 0;
}

bool
ctl_parse_size(const char *text, int64_t *value_r)
{
	static const char units[] = "KMGT";
	struct pst_str s = str_of(text);
	const char *unit = NULL;
	unsigned shift = 0;
	uint64_t value;

	if (parse_word(text, value_r))
		return true;
	if (s.n > 1 && !ascii_is_digit(s.p[s.n - 1])) {
		unit = strchr(units, ascii_upper(s.p[s.n - 1]));
		if (unit == NULL)
			return false;
		shift = 10 * (unsigned)(unit - units + 1);
		s.n--;
	}
	if (!str_to_u64(s, &value) || value == 0 ||
	    value > (uint64_t)INT64_MAX >> shift)
		return false;
	*value_r = (int64_t)(value << shift);
	return true;
}

bool
ctl_parse_count(const char *text, int64_t *value_r)
{
	uint64_t value;

	if (parse_word(text, value_r))
		return true;
	if (!str_to_u64(str_of(text), &value) || value == 0 ||
	    value > UINT32_MAX)
		return false;
	*value_r = (int64_t)value;
	return true;
}

static struct accounts *
open_accounts(struct ctl *c, struct pst_error *err)
{
	const char *name = c->cfg->accounts.database;

	if (config_accounts_in_file(c->cfg))
		return accounts_open(c->cfg, err);
	if (mail_database_open(c->cfg, name, &c->database, err) != PST_OK)
		return NULL;
	return accounts_open_in(c->cfg, name, mail_database(c->database), err);
}

enum pst_rc
ctl_accounts(struct ctl *c, struct pst_error *err)
{
	struct admin_identity id;
	enum pst_rc rc;

	if (c->accounts != NULL)
		return PST_OK;
	/* The first user may be added before the first start. */
	rc = admin_identity_find(c->cfg, &id, err);
	if (rc == PST_OK)
		rc = admin_directory_make(c->cfg->state_dir, &id, err);
	if (rc != PST_OK)
		return rc;
	c->accounts = open_accounts(c, err);
	if (c->accounts == NULL)
		return err->rc != PST_OK ? err->rc : PST_E_TEMP;
	return PST_OK;
}

static char *
socket_path(const struct ctl *c)
{
	struct buf b;
	char *path;

	if (c->socket_path != NULL)
		return str_dup(str_of(c->socket_path));
	buf_init(&b, 8192);
	buf_printf(&b, "%s/%s", c->cfg->run_dir, ADMIN_SOCKET_NAME);
	path = str_dup(buf_str(&b));
	buf_fini(&b);
	return path;
}

static enum pst_rc
reach(struct ctl *c, struct admin_connection *conn_r, struct pst_error *err)
{
	char *path = socket_path(c);
	enum pst_rc rc = admin_connect(path, conn_r, err);

	free(path);
	return rc;
}

int
ctl_connect(struct ctl *c, struct admin_connection *conn_r)
{
	struct pst_error err = { 0 };
	enum pst_rc rc = reach(c, conn_r, &err);

	if (rc == PST_OK)
		return CTL_OK;
	(void)ctl_fail(rc, "%s", err.detail);
	return rc == PST_E_NOTFOUND ? CTL_NO_DAEMON : CTL_FAILED;
}

static enum pst_rc
collect(struct admin_connection *conn, json_t *items, struct pst_error *err)
{
	json_t *line;
	enum pst_rc rc;

	while (
	    (rc = admin_receive(conn, &line, err)) == PST_OK && line != NULL) {
		json_t *item = json_object_get(line, "item");

		if (items != NULL && item != NULL)
			json_array_append(items, item);
		json_decref(line);
	}
	return rc;
}

enum pst_rc
ctl_ask(struct ctl *c, json_t *request, json_t **items_r, bool *no_daemon_r,
    struct pst_error *err)
{
	struct admin_connection conn;
	enum pst_rc rc;

	if (items_r != NULL)
		*items_r = json_array();
	rc = reach(c, &conn, err);
	*no_daemon_r = rc == PST_E_NOTFOUND;
	if (rc != PST_OK) {
		json_decref(request);
		return rc;
	}
	rc = admin_send(&conn, request, err);
	if (rc == PST_OK)
		rc = collect(&conn, items_r != NULL ? *items_r : NULL, err);
	admin_disconnect(&conn);
	return rc;
}

int
ctl_request(struct ctl *c, json_t *request, json_t **items_r)
{
	struct pst_error err = { 0 };
	bool no_daemon;
	enum pst_rc rc;
	int code;

	rc = ctl_ask(c, request, items_r, &no_daemon, &err);
	if (rc == PST_OK)
		return CTL_OK;
	code = ctl_fail(rc, "%s", err.detail);
	return no_daemon ? CTL_NO_DAEMON : code;
}

/* --- options --------------------------------------------------------------
 */

/* Values from 256 on: options without a letter; 1024 and the bit for those of
 * some commands only. */
enum { OPT_JSON = 256, OPT_SOCKET, OPT_SANDBOX, OPT_OF_COMMAND = 1024 };
/* What getopt_long() returns for one of CTL_OPT_*: the number of its bit. */
#define OPT_OF(option) (OPT_OF_COMMAND + __builtin_ctzll(option))

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "sandbox", required_argument, NULL, OPT_SANDBOX },
	{ "name", required_argument, NULL, OPT_OF(CTL_OPT_NAME) },
	{ "quota", required_argument, NULL, OPT_OF(CTL_OPT_QUOTA) },
	{ "quota-messages", required_argument, NULL,
	    OPT_OF(CTL_OPT_QUOTA_MESSAGES) },
	{ "storage", required_argument, NULL, OPT_OF(CTL_OPT_STORAGE) },
	{ "admin", no_argument, NULL, OPT_OF(CTL_OPT_ADMIN) },
	{ "no-admin", no_argument, NULL, OPT_OF(CTL_OPT_NO_ADMIN) },
	{ "no-password", no_argument, NULL, OPT_OF(CTL_OPT_NO_PASSWORD) },
	{ "keep-mail", no_argument, NULL, OPT_OF(CTL_OPT_KEEP_MAIL) },
	{ "special-use", required_argument, NULL, OPT_OF(CTL_OPT_SPECIAL_USE) },
	{ "no-subscribe", no_argument, NULL, OPT_OF(CTL_OPT_NO_SUBSCRIBE) },
	{ "repair", no_argument, NULL, OPT_OF(CTL_OPT_REPAIR) },
	{ "mailbox", required_argument, NULL, OPT_OF(CTL_OPT_MAILBOX) },
	{ "since", required_argument, NULL, OPT_OF(CTL_OPT_SINCE) },
	{ "id", required_argument, NULL, OPT_OF(CTL_OPT_ID) },
	{ "list", no_argument, NULL, OPT_OF(CTL_OPT_LIST) },
	{ "dry-run", no_argument, NULL, OPT_OF(CTL_OPT_DRY_RUN) },
	{ "purge", no_argument, NULL, OPT_OF(CTL_OPT_PURGE) },
	{ "replace", no_argument, NULL, OPT_OF(CTL_OPT_REPLACE) },
	{ "from", required_argument, NULL, OPT_OF(CTL_OPT_FROM) },
	{ "into", required_argument, NULL, OPT_OF(CTL_OPT_INTO) },
	{ "map", required_argument, NULL, OPT_OF(CTL_OPT_MAP) },
	{ "skip", required_argument, NULL, OPT_OF(CTL_OPT_SKIP) },
	{ "pop3-uidl", required_argument, NULL, OPT_OF(CTL_OPT_POP3_UIDL) },
	{ "password-file", required_argument, NULL,
	    OPT_OF(CTL_OPT_PASSWORD_FILE) },
	{ "trust", required_argument, NULL, OPT_OF(CTL_OPT_TRUST) },
	{ "to", required_argument, NULL, OPT_OF(CTL_OPT_TO) },
	{ "domain", required_argument, NULL, OPT_OF(CTL_OPT_DOMAIN) },
	{ "all", no_argument, NULL, OPT_OF(CTL_OPT_ALL) },
	{ "verify", required_argument, NULL, OPT_OF(CTL_OPT_VERIFY) },
	{ "remove-source", no_argument, NULL, OPT_OF(CTL_OPT_REMOVE_SOURCE) },
	{ "alone", no_argument, NULL, OPT_OF(CTL_OPT_ALONE) },
	{ "reason", required_argument, NULL, OPT_OF(CTL_OPT_REASON) },
	{ "older", required_argument, NULL, OPT_OF(CTL_OPT_OLDER) },
	{ "younger", required_argument, NULL, OPT_OF(CTL_OPT_YOUNGER) },
	{ "held", no_argument, NULL, OPT_OF(CTL_OPT_HELD) },
	{ "user", required_argument, NULL, OPT_OF(CTL_OPT_USER) },
	{ "keep", no_argument, NULL, OPT_OF(CTL_OPT_KEEP) },
	{ "no-keep", no_argument, NULL, OPT_OF(CTL_OPT_NO_KEEP) },
	{ "address", required_argument, NULL, OPT_OF(CTL_OPT_ADDRESS) },
	{ "reset", no_argument, NULL, OPT_OF(CTL_OPT_RESET) },
	{ NULL, 0, NULL, 0 },
};

/* One more of an option that may be given several times. */
static void
add_rule(struct ctl *c, const char **rules, size_t *n)
{
	if (*n < IMPORT_RULES_MAX)
		rules[(*n)++] = optarg;
	else
		c->rules.too_many = true;
}

static void
take_command_option(struct ctl *c, uint64_t option)
{
	c->given |= option;
	switch (option) {
	case CTL_OPT_NAME:
		c->name = optarg;
		break;
	case CTL_OPT_QUOTA:
		c->quota = optarg;
		break;
	case CTL_OPT_QUOTA_MESSAGES:
		c->quota_messages = optarg;
		break;
	case CTL_OPT_STORAGE:
		c->storage = optarg;
		break;
	case CTL_OPT_SPECIAL_USE:
		c->special_use = optarg;
		break;
	case CTL_OPT_MAILBOX:
		c->mailbox = optarg;
		break;
	case CTL_OPT_SINCE:
		c->since = optarg;
		break;
	case CTL_OPT_ID:
		c->id = optarg;
		break;
	case CTL_OPT_FROM:
		c->from = optarg;
		break;
	case CTL_OPT_INTO:
		c->rules.into = optarg;
		break;
	case CTL_OPT_MAP:
		add_rule(c, c->rules.map, &c->rules.maps);
		break;
	case CTL_OPT_SKIP:
		add_rule(c, c->rules.skip, &c->rules.skips);
		break;
	case CTL_OPT_POP3_UIDL:
		c->pop3_uidl = optarg;
		break;
	case CTL_OPT_TO:
		c->to = optarg;
		break;
	case CTL_OPT_PASSWORD_FILE:
		c->password_file = optarg;
		break;
	case CTL_OPT_TRUST:
		c->trust = optarg;
		break;
	case CTL_OPT_DOMAIN:
		c->domain = optarg;
		break;
	case CTL_OPT_VERIFY:
		c->verify = optarg;
		break;
	case CTL_OPT_REASON:
		c->reason = optarg;
		break;
	case CTL_OPT_OLDER:
		c->older = optarg;
		break;
	case CTL_OPT_YOUNGER:
		c->younger = optarg;
		break;
	case CTL_OPT_USER:
		c->user = optarg;
		break;
	case CTL_OPT_ADDRESS:
		c->address = optarg;
		break;
	default: /* has no value */
		break;
	}
}

/* CTL_OK: go on; *over_r: help or version was all that was wanted. */
static int
parse_options(struct ctl *c, int argc, char **argv, bool *over_r)
{
	int opt;

	*over_r = false;
	while (
	    (opt = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			c->config_path = optarg;
			break;
		case 'h':
			print_help(c->out);
			*over_r = true;
			return CTL_OK;
		case 'V':
			(void)fprintf(
			    c->out, "posternctl %s\n", PACKAGE_VERSION);
			*over_r = true;
			return CTL_OK;
		case OPT_JSON:
			c->json = true;
			break;
		case OPT_SOCKET:
			c->socket_path = optarg;
			break;
		case OPT_SANDBOX:
			c->sandbox = optarg;
			break;
		default:
			if (opt < OPT_OF_COMMAND)
				return CTL_USAGE;
			take_command_option(
			    c, UINT64_C(1) << (opt - OPT_OF_COMMAND));
			break;
		}
	}
	return CTL_OK;
}

/* --- commands -------------------------------------------------------------
 */

static const struct ctl_command *
find_command(char **words, int n, int *used_r)
{
	for (size_t g = 0; g < GROUPS; g++) {
		for (const struct ctl_command *k = groups[g]; k->verb != NULL;
		     k++) {
			bool alone = *k->group == '\0';

			if (n < (alone ? 1 : 2) ||
			    (!alone && strcmp(words[0], k->group) != 0) ||
			    strcmp(words[alone ? 0 : 1], k->verb) != 0)
				continue;
			*used_r = alone ? 1 : 2;
			return k;
		}
	}
	return NULL;
}

/* The first word alone, or with a wrong second one: the commands that begin so.
 * False: none does. */
static bool
print_group(const char *word)
{
	bool any = false;

	for (size_t g = 0; g < GROUPS; g++)
		for (const struct ctl_command *k = groups[g]; k->verb != NULL;
		     k++) {
			if (*k->group == '\0' || strcmp(k->group, word) != 0)
				continue;
			(void)fprintf(stderr, "%s posternctl %s %s%s%s\n",
			    any ? "      " : "usage:", k->group, k->verb,
			    *k->arguments != '\0' ? " " : "", k->arguments);
			any = true;
		}
	return any;
}

static const char *
option_name(uint64_t options)
{
	for (const struct option *o = long_options; o->name != NULL; o++)
		if (o->val >= OPT_OF_COMMAND &&
		    (options >> (o->val - OPT_OF_COMMAND) & 1) != 0)
			return o->name;
	return "";
}

static int
check_command(struct ctl *c, const struct ctl_command *k, int n)
{
	if ((c->given & ~k->options) != 0)
		return ctl_usage("%s%s%s does not take --%s", k->group,
		    *k->group != '\0' ? " " : "", k->verb,
		    option_name(c->given & ~k->options));
	if (n < k->least || n > k->most)
		return ctl_usage("usage: posternctl %s%s%s%s%s", k->group,
		    *k->group != '\0' ? " " : "", k->verb,
		    *k->arguments != '\0' ? " " : "", k->arguments);
	return CTL_OK;
}

static enum pst_rc
load_config(struct ctl *c, struct pst_error *err)
{
	struct buf path;

	buf_init(&path, 8192);
	if (c->config_path != NULL)
		buf_puts(&path, c->config_path);
	else if (c->sandbox != NULL)
		buf_printf(&path, "%s/postern.conf", c->sandbox);
	else
		buf_printf(&path, "%s/postern.conf", POSTERN_SYSCONFDIR);
	if (!buf_putc(&path, '\0')) {
		buf_fini(&path);
		return pst_fail(err, PST_E_LIMIT, 0,
		    "the configuration's path is too long");
	}
	c->cfg = config_load(path.p, NULL, 0, NULL, NULL, err);
	buf_fini(&path);
	return c->cfg != NULL ? PST_OK : PST_E_PERM;
}

/* As root nothing may be left behind that the server cannot write. */
enum pst_rc
ctl_become(struct ctl *c, struct pst_error *err)
{
	struct admin_identity id;
	enum pst_rc rc;

	(void)umask(077);
	rc = admin_identity_find(c->cfg, &id, err);
	if (rc == PST_OK && id.change && c->cfg != NULL)
		rc = admin_directory_make(c->cfg->state_dir, &id, err);
	if (rc == PST_OK)
		rc = admin_identity_become(&id, err);
	return rc;
}

/* One that somebody has named is needed in any case. */
static bool
needs_config(const struct ctl *c, const struct ctl_command *k)
{
	return (k->options & CTL_ALONE) == 0 || c->config_path != NULL ||
	       c->sandbox != NULL;
}

static int
run_command(struct ctl *c, char **words, int n)
{
	const struct ctl_command *k;
	struct pst_error err = { 0 };
	int code, used = 0;

	k = find_command(words, n, &used);
	if (k == NULL && print_group(words[0]))
		return CTL_USAGE;
	if (k == NULL)
		return ctl_usage("unknown command \"%s%s%s\": see posternctl "
				 "--help",
		    words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
	code = check_command(c, k, n - used);
	if (code != CTL_OK)
		return code;
	if ((load_config(c, &err) != PST_OK && needs_config(c, k)) ||
	    ((k->options & CTL_AS_CALLER) == 0 &&
		ctl_become(c, &err) != PST_OK))
		return ctl_fail(PST_E_PERM, "%s", err.detail);
	code = k->run(c, words + used, n - used);
	if (fflush(c->out) != 0 && code == CTL_OK)
		code = ctl_fail(
		    PST_E_TEMP, "cannot write: %s", strerror(errno));
	return code;
}

int
ctl_main(int argc, char **argv)
{
	struct ctl c = { .out = stdout };
	bool over;
	int code;

	code = parse_options(&c, argc, argv, &over);
	if (code != CTL_OK || over)
		return code;
	if (optind >= argc) {
		print_help(stderr);
		return CTL_USAGE;
	}
	code = run_command(&c, argv + optind, argc - optind);
	accounts_close(&c.accounts);
	mail_database_close(&c.database);
	config_unref(&c.cfg);
	return code;
}
