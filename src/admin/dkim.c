/*
 * dkim.c - posternctl dkim: the keys that sign our mail, and what to publish of
 * them. Works on the key files, whether a server runs or not; that notices.
 */
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"
#include "trust/domain.h"
#include "trust/key_files.h"

enum { RECORD_MAX = 8192, TXT_STRING = 255 };

static const struct table_column columns[] = {
	{ "domain", "DOMAIN", TABLE_TEXT },
	{ "selector", "SELECTOR", TABLE_TEXT },
	{ "algorithm", "ALGORITHM", TABLE_TEXT },
	{ "state", "STATE", TABLE_TEXT },
	{ "made", "MADE", TABLE_TIME },
	{ "use_from", "USE FROM", TABLE_TIME },
	{ NULL, NULL, TABLE_TEXT },
};

/* "signs", "waits", or "retired": published for mail under way only. */
static const char *
state_of(const struct dkim_key_files *files, const struct dkim_key_file *k)
{
	int64_t now = clock_seconds();

	if (k->use_from > now)
		return "waits";
	return dkim_key_files_current(files, k->key.algorithm, now) == k
		   ? "signs"
		   : "retired";
}

/* --- domains ----------------------------------------------------------------
 */

/* As the files have it, in `name`. False: no domain name; said. */
static bool
take_domain(const char *text, char name[256])
{
	struct arena *a = arena_new(4096);
	const char *domain = trust_domain(a, str_of(text));
	bool good = domain != NULL && str_copy(name, 256, str_of(domain));

	arena_free(&a);
	if (!good)
		(void)ctl_usage("%s is no domain name", text);
	return good;
}

/* The word "now" as argument number `at`. False: another word; said. */
static bool
take_now(char **args, int n, int at, bool *now_r)
{
	*now_r = n > at;
	if (n <= at || strcmp(args[at], "now") == 0)
		return true;
	(void)ctl_usage("expected \"now\" or nothing, not \"%s\"", args[at]);
	return false;
}

static enum pst_rc
read_keys(struct ctl *c, const char *domain, struct dkim_key_files *files,
    struct pst_error *err)
{
	return dkim_key_files_read(c->cfg->dkim.dir, domain, files, err);
}

static int
make_both(
    struct ctl *c, const char *domain, bool at_once, struct pst_error *err)
{
	int64_t now = clock_seconds();
	int64_t use_from = at_once ? now : now + c->cfg->dkim.wait;
	enum pst_rc rc = PST_OK;

	for (int a = DKIM_RSA_SHA256; rc == PST_OK && a <= DKIM_ED25519_SHA256;
	     a++)
		rc = dkim_key_file_make(c->cfg->dkim.dir, domain,
		    (enum dkim_algorithm)a, now, use_from, err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err->detail);
}

/* --- what to publish --------------------------------------------------------
 */

/* Strings of a TXT record have at most 255 octets. */
static void
print_record(FILE *out, const char *name, struct pst_str text)
{
	(void)fprintf(out, "%s. IN TXT (", name);
	while (text.n > 0) {
		struct pst_str one = str_first(text, TXT_STRING);

		(void)fprintf(out, "\n\t\"%.*s\"", STR_ARG(one));
		text = str_from(text, one.n);
	}
	(void)fputs(" )\n", out);
}

static json_t *
record_json(const char *domain, const char *name, struct pst_str text,
    const char *selector, const char *state)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s%}", "domain", domain,
	    "selector", selector, "state", state, "name", name, "txt", text.p,
	    text.n);
}

static int
print_keys(struct ctl *c, const char *domain)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };
	json_t *rows = json_array();
	enum pst_rc rc = read_keys(c, domain, &files, &err);
	struct buf text;

	buf_init(&text, RECORD_MAX);
	for (size_t i = 0; i < files.n; i++) {
		const struct dkim_key_file *k = &files.file[i];
		char name[400];

		(void)snprintf(name, sizeof(name), "%s._domainkey.%s",
		    k->selector, domain);
		buf_clear(&text);
		if (!dkim_key_record(&k->key, &text))
			continue;
		json_array_append_new(
		    rows, record_json(domain, name, buf_str(&text), k->selector,
			      state_of(&files, k)));
		if (!c->json)
			print_record(c->out, name, buf_str(&text));
	}
	buf_fini(&text);
	if (c->json)
		table_print(c->out, columns, rows, true);
	json_decref(rows);
	if (rc == PST_OK && files.n == 0)
		rc = pst_fail(&err, PST_E_NOTFOUND, 0,
		    "there are no keys of %s: see posternctl dkim generate",
		    domain);
	dkim_key_files_fini(&files);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

/* --- commands ---------------------------------------------------------------
 */

/* `fresh`: there must be none yet; else there must be some. */
static int
make_keys(struct ctl *c, char **args, int n, bool fresh)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };
	char domain[256];
	enum pst_rc rc;
	bool any, at_once;
	int code;

	if (!take_now(args, n, 1, &at_once) || !take_domain(args[0], domain))
		return CTL_USAGE;
	rc = read_keys(c, domain, &files, &err);
	any = files.n > 0;
	dkim_key_files_fini(&files);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	if (fresh && any)
		return ctl_fail(PST_E_EXISTS,
		    "%s has keys: see posternctl dkim rotate", domain);
	if (!fresh && !any)
		return ctl_fail(PST_E_NOTFOUND,
		    "there are no keys of %s: see posternctl dkim generate",
		    domain);
	code = make_both(c, domain, at_once, &err);
	return code == CTL_OK ? print_keys(c, domain) : code;
}

static int
dkim_generate(struct ctl *c, char **args, int n)
{
	return make_keys(c, args, n, true);
}

static int
dkim_rotate(struct ctl *c, char **args, int n)
{
	return make_keys(c, args, n, false);
}

static int
dkim_show(struct ctl *c, char **args, int n)
{
	char domain[256];

	(void)n;
	return take_domain(args[0], domain) ? print_keys(c, domain) : CTL_USAGE;
}

struct listing {
	struct ctl *c;
	json_t *rows;
	enum pst_rc rc;
	struct pst_error err;
};

static bool
list_domain(void *arg, const char *domain)
{
	struct listing *l = arg;
	struct dkim_key_files files;
	struct pst_error err = { 0 };
	enum pst_rc rc = read_keys(l->c, domain, &files, &err);

	for (size_t i = 0; i < files.n; i++) {
		const struct dkim_key_file *k = &files.file[i];

		json_array_append_new(l->rows,
		    json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "domain",
			domain, "selector", k->selector, "algorithm",
			dkim_algorithm_name(k->key.algorithm), "state",
			state_of(&files, k), "made", (json_int_t)k->made,
			"use_from", (json_int_t)k->use_from));
	}
	dkim_key_files_fini(&files);
	if (rc != PST_OK) {
		l->rc = rc;
		l->err = err;
	}
	return true;
}

static int
dkim_list(struct ctl *c, char **args, int n)
{
	struct listing l = { .c = c, .rows = json_array() };
	char domain[256];

	if (n > 0 && !take_domain(args[0], domain)) {
		json_decref(l.rows);
		return CTL_USAGE;
	}
	if (n > 0)
		(void)list_domain(&l, domain);
	else
		dkim_key_domains(c->cfg->dkim.dir, list_domain, &l);
	table_print(c->out, columns, l.rows, c->json);
	json_decref(l.rows);
	return l.rc == PST_OK ? CTL_OK : ctl_fail(l.rc, "%s", l.err.detail);
}

/* A key that signs stays, unless that is meant. */
static int
dkim_remove(struct ctl *c, char **args, int n)
{
	struct dkim_key_files files;
	struct pst_error err = { 0 };
	char domain[256];
	bool signs = false, at_once;
	enum pst_rc rc;

	if (!take_now(args, n, 2, &at_once) || !take_domain(args[0], domain))
		return CTL_USAGE;
	rc = read_keys(c, domain, &files, &err);
	for (size_t i = 0; i < files.n; i++)
		if (strcmp(files.file[i].selector, args[1]) == 0)
			signs = strcmp(state_of(&files, &files.file[i]),
				    "signs") == 0;
	dkim_key_files_fini(&files);
	if (rc == PST_OK && signs && !at_once)
		return ctl_fail(PST_E_DENIED,
		    "%s signs mail of %s: rotate first, or add \"now\"",
		    args[1], domain);
	if (rc == PST_OK)
		rc = dkim_key_file_remove(
		    c->cfg->dkim.dir, domain, args[1], &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_dkim_commands[] = {
	{ "dkim", "generate", "DOMAIN [now]", 1, 2, 0, dkim_generate },
	{ "dkim", "list", "[DOMAIN]", 0, 1, 0, dkim_list },
	{ "dkim", "show", "DOMAIN", 1, 1, 0, dkim_show },
	{ "dkim", "rotate", "DOMAIN [now]", 1, 2, 0, dkim_rotate },
	{ "dkim", "remove", "DOMAIN SELECTOR [now]", 2, 3, 0, dkim_remove },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
