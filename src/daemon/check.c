/*
 * check.c - looking at certificates, modules, directories and rights without
 * opening or making anything. Problems keep the server from starting; warnings
 * do not.
 */
#include "daemon/check.h"

#include "admin/identity.h"
#include "base/clock.h"
#include "base/str.h"
#include "exchange/login.h"
#include "exchange/replies.h"
#include "net/tls.h"
#include "sieve/scripts.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <postern/module.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_FREE_PORT = 1024, EXPIRY_WARNING = 14 * 86400 };

struct check {
	const struct config *cfg;
	FILE *out;
	struct admin_identity id;
	unsigned problems, warnings;
};

static PST_PRINTF(3, 4) void say(
    struct check *k, const char *kind, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(k->out, "%s: ", kind);
	va_start(ap, fmt);
	(void)vfprintf(k->out, fmt, ap);
	va_end(ap);
	(void)fputc('\n', k->out);
	if (strcmp(kind, "problem") == 0)
		k->problems++;
	else if (strcmp(kind, "warning") == 0)
		k->warnings++;
}

static void
check_identity(struct check *k)
{
	struct pst_error err = { 0 };

	if (admin_identity_find(k->cfg, &k->id, &err) != PST_OK)
		say(k, "problem", "%s", err.detail);
	else if (k->id.uid == 0)
		say(k, "problem",
		    "`user` is not set: name the user to become when the "
		    "server is started by root");
	else
		say(k, "ok", "runs as uid %ld, gid %ld", (long)k->id.uid,
		    (long)k->id.gid);
}

/* --- certificates ---------------------------------------------------------
 */

static void
check_key_file(struct check *k, const struct config_certificate *c)
{
	struct stat st;

	if (stat(c->key, &st) < 0) {
		say(k, "problem", "certificate %s: %s: %s", c->name, c->key,
		    strerror(errno));
		return;
	}
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		say(k, "warning",
		    "certificate %s: everybody may read or write %s", c->name,
		    c->key);
}

static void
check_certificates(struct check *k)
{
	struct tls_context *tls;
	struct pst_error err = { 0 };
	int64_t left;

	for (size_t i = 0; i < k->cfg->certificates; i++)
		check_key_file(k, &k->cfg->certificate[i]);
	tls = tls_context_new(k->cfg, &err);
	if (tls == NULL) {
		say(k, "problem", "%s", err.detail);
		return;
	}
	if (!tls_has_certificate(tls)) {
		say(k, "warning", "no certificate: TLS is not offered");
	} else {
		left = tls_expires(tls) - clock_seconds();
		say(k, left < EXPIRY_WARNING ? "warning" : "ok",
		    "%zu certificates, the first to expire has %lld days left",
		    k->cfg->certificates, (long long)(left / 86400));
	}
	tls_context_free(&tls);
}

/* --- relays ---------------------------------------------------------------
 */

static void
check_relays(struct check *k)
{
	for (size_t i = 0; i < k->cfg->relays; i++) {
		const struct config_relay *r = &k->cfg->relay[i];
		struct pst_error err = { 0 };
		char *password = NULL;

		if (*r->username == '\0')
			continue;
		if (login_read_password(r->password_file, &password, &err) ==
		    PST_OK)
			say(k, "ok", "relay %s: has a password", r->name);
		else
			say(k, "warning", "relay %s: %s", r->name, err.detail);
		login_forget(&password);
	}
	if (*k->cfg->queue.ca_file != '\0' &&
	    access(k->cfg->queue.ca_file, R_OK) != 0)
		say(k, "warning", "queue.ca_file: %s: %s",
		    k->cfg->queue.ca_file, strerror(errno));
}

static void
check_replies(struct check *k)
{
	struct replies *r;
	struct pst_error err = { 0 };

	if (replies_load(k->cfg->queue.replies, &r, &err) != PST_OK)
		say(k, "problem", "queue.replies: %s", err.detail);
	replies_unref(&r);
}

/* --- scripts --------------------------------------------------------------
 */

static void
read_script(const char *path, struct buf *text, struct pst_error *err)
{
	FILE *f = fopen(path, "re");
	char piece[4096];
	size_t n;

	if (f == NULL) {
		(void)pst_fail(err, PST_E_PERM, errno, "%s", strerror(errno));
		return;
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0 &&
	       buf_add(text, piece, n))
		;
	if (ferror(f) || text->overflow)
		(void)pst_fail(err, PST_E_PERM, 0, "%s",
		    text->overflow ? "it is too long" : strerror(errno));
	(void)fclose(f);
}

/* Without it mail is delivered all the same. */
static void
check_script(struct check *k, const char *key, const char *path)
{
	struct sieve_limits limits = sieve_limits_of(k->cfg);
	struct sieve_problem problem = { 0 };
	struct pst_error err = { 0 };
	struct sieve_script *script = NULL;
	struct buf text;

	if (*path == '\0')
		return;
	buf_init(&text, limits.script_size);
	read_script(path, &text, &err);
	if (err.rc == PST_OK)
		script = sieve_compile(buf_str(&text), &limits, &problem);
	if (script != NULL)
		say(k, "ok", "sieve.%s: %s", key, path);
	else if (err.rc == PST_OK)
		say(k, "warning", "sieve.%s: %s, line %u: %s", key, path,
		    problem.line, problem.text);
	else
		say(k, "warning", "sieve.%s: %s: %s", key, path, err.detail);
	sieve_script_free(&script);
	buf_fini(&text);
}

static void
check_scripts(struct check *k)
{
	const char *global = k->cfg->sieve.global;

	check_script(k, "before", k->cfg->sieve.before);
	check_script(k, "after", k->cfg->sieve.after);
	check_script(k, "default", k->cfg->sieve.preset);
	if (*global != '\0' && access(global, R_OK | X_OK) != 0)
		say(k, "warning", "sieve.global: %s: %s", global,
		    strerror(errno));
}

/* --- modules --------------------------------------------------------------
 */

/* A module made against older headers ends before that member. */
static bool
has_database(const struct pst_module *m)
{
	return m->size >= offsetof(struct pst_module, database) +
			      sizeof(m->database) &&
	       m->database != NULL;
}

static void
check_entry(struct check *k, const struct config_storage *s, void *handle)
{
	const struct pst_module *(*entry)(void);
	const struct pst_module *m;

	/* The one conversion that ISO C leaves open and POSIX defines. */
	*(void **)(void *)&entry = dlsym(handle, PST_MODULE_ENTRY);
	if (entry == NULL) {
		say(k, "problem", "storage %s: %s is no storage module",
		    s->name, s->module);
		return;
	}
	m = entry();
	if (m->abi != PST_MODULE_ABI)
		say(k, "problem",
		    "storage %s: module %s has version %u of the interface, "
		    "this server has %u: rebuild the module",
		    s->name, s->module, (unsigned)m->abi,
		    (unsigned)PST_MODULE_ABI);
	else if (strcmp(s->name, k->cfg->accounts.database) == 0 &&
		 !config_accounts_in_file(k->cfg) && !has_database(m))
		say(k, "problem",
		    "accounts.database: the module %s of storage %s has no "
		    "database for accounts",
		    m->name, s->name);
	else
		say(k, "ok", "storage %s: module %s %s", s->name, m->name,
		    m->version);
}

static void
check_module(struct check *k, const struct config_storage *s)
{
	struct stat st;
	struct buf path;
	void *handle;

	buf_init(&path, PATH_MAX);
	if (strchr(s->module, '/') != NULL) /* as storage_load() does */
		buf_puts(&path, s->module);
	else
		buf_printf(&path, "%s/%s.so", k->cfg->module_dir, s->module);
	buf_putc(&path, '\0');
	if (path.overflow || stat(path.p, &st) < 0) {
		say(k, "problem",
		    "storage %s: there is no module \"%s\": %s is missing",
		    s->name, s->module, path.overflow ? "its file" : path.p);
	} else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		say(k, "warning", "storage %s: others may write %s", s->name,
		    path.p);
	} else {
		handle = dlopen(path.p, RTLD_NOW | RTLD_LOCAL);
		if (handle == NULL)
			say(k, "problem", "storage %s: %s", s->name, dlerror());
		else
			check_entry(k, s, handle);
	}
	buf_fini(&path);
}

/* --- directories ----------------------------------------------------------
 */

/* What access(2) would say for the user to be. */
static bool
user_may(const struct check *k, const struct stat *st, unsigned want)
{
	unsigned mode = (unsigned)st->st_mode;

	if (k->id.uid == 0)
		return true;
	if (st->st_uid == k->id.uid)
		mode >>= 6;
	else if (st->st_gid == k->id.gid)
		mode >>= 3;
	return (mode & want) == want;
}

static void
check_directory(struct check *k, const char *what, const char *path)
{
	struct stat st;

	if (*path == '\0')
		return;
	if (*path != '/')
		say(k, "warning",
		    "%s: %s should begin with /: it depends on where the "
		    "server is started",
		    what, path);
	if (stat(path, &st) < 0 && errno == ENOENT)
		say(k, "ok", "%s: %s will be made", what, path);
	else if (stat(path, &st) < 0)
		say(k, "problem", "%s: %s: %s", what, path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		say(k, "problem", "%s: %s is no directory", what, path);
	else if (!user_may(k, &st, 7))
		say(k, "problem", "%s: the server's user may not write %s",
		    what, path);
	else
		say(k, "ok", "%s: %s", what, path);
	if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		say(k, "warning", "%s: everybody may write %s", what, path);
}

/* Where an ACME client puts files, mostly as root; ours to read. */
static void
check_acme_dir(struct check *k)
{
	const char *path = k->cfg->http.acme_dir;
	struct stat st;

	if (*path == '\0')
		return;
	if (*path != '/')
		say(k, "warning",
		    "http.acme_dir: %s should begin with /: it depends on "
		    "where the server is started",
		    path);
	if (stat(path, &st) < 0)
		say(k, "warning", "http.acme_dir: %s: %s", path,
		    strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		say(k, "warning", "http.acme_dir: %s is no directory", path);
	else if (!user_may(k, &st, 5))
		say(k, "warning",
		    "http.acme_dir: the server's user may not read %s", path);
	else
		say(k, "ok", "http.acme_dir: %s", path);
}

static void
check_listener(struct check *k, const struct config_listener *l)
{
	if (*l->path != '\0') {
		say(k, "ok", "listener %s: %s", l->name, l->path);
		return;
	}
	if (l->port > 0 && l->port < FIRST_FREE_PORT && geteuid() != 0)
		say(k, "warning",
		    "listener %s: port %lld is only for root, or for who has "
		    "CAP_NET_BIND_SERVICE",
		    l->name, (long long)l->port);
	if (l->port == 0)
		say(k, "warning",
		    "listener %s: no port is set: a free one is taken at each "
		    "start",
		    l->name);
	for (size_t i = 0; i < l->address.n; i++)
		say(k, "ok", "listener %s: %s port %lld", l->name,
		    l->address.v[i], (long long)l->port);
	if (l->tls == CONFIG_TLS_STARTTLS && k->cfg->certificates == 0)
		say(k, "warning",
		    "listener %s: STARTTLS needs a certificate block", l->name);
}

bool
daemon_check(const struct config *cfg, FILE *out)
{
	struct check k = { .cfg = cfg, .out = out };

	say(&k, "ok", "server %s, %zu domains", cfg->hostname, cfg->domains.n);
	check_identity(&k);
	check_certificates(&k);
	check_relays(&k);
	check_replies(&k);
	check_scripts(&k);
	for (size_t i = 0; i < cfg->listeners; i++)
		check_listener(&k, &cfg->listener[i]);
	check_directory(&k, "state_dir", cfg->state_dir);
	check_directory(&k, "run_dir", cfg->run_dir);
	check_acme_dir(&k);
	for (size_t i = 0; i < cfg->storages; i++) {
		check_module(&k, &cfg->storage[i]);
		check_directory(&k, cfg->storage[i].name, cfg->storage[i].path);
	}
	(void)fprintf(
	    out, "%u problems, %u warnings\n", k.problems, k.warnings);
	return k.problems == 0;
}
