/*
 * sandbox.c - a whole server below one directory:
 *
 *	DIR/postern.conf	what is in force, for people and posternctl
 *	DIR/ready.json		there while the server serves
 *	DIR/cert.pem, key.pem	made once, kept
 *	DIR/state, DIR/run	accounts, control socket
 *	DIR/mail		the mail
 *	DIR/mail-NAME		that of further storages
 */
#include "daemon/sandbox.h"

#include "admin/protocol.h"
#include "base/str.h"
#include "net/tls.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOMAIN "example.test"
#define HOSTNAME "mail.example.test"
#define PASSWORD "secret"

enum { TEXT_MAX = 64 * 1024 };

struct daemon_sandbox {
	char *dir;
	struct buf text; /* ends in NUL */
	int64_t users;
};

static const struct {
	const char *name, *protocol, *tls;
	int port;
} listeners[] = {
	{ "smtp", "smtp", "starttls", 2525 },
	{ "submission", "submission", "starttls", 2587 },
	{ "submissions", "submission", "implicit", 2465 },
	{ "lmtp", "lmtp", "starttls", 2424 },
	{ "imap", "imap", "starttls", 2143 },
	{ "imaps", "imap", "implicit", 2993 },
	{ "pop3", "pop3", "starttls", 2110 },
	{ "pop3s", "pop3", "implicit", 2995 },
	{ "http", "http", "none", 2080 },
	{ "https", "http", "implicit", 2443 },
	{ "managesieve", "managesieve", "starttls", 2190 },
};
#define LISTENERS (sizeof(listeners) / sizeof(listeners[0]))

/* --- the configuration ----------------------------------------------------
 */

/* A text of the configuration file; False: it cannot be written as one. */
static bool
put_quoted(struct buf *b, struct pst_str s)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < ' ')
			return false;
		if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '$')
			buf_putc(b, '\\');
		buf_putc(b, s.p[i]);
	}
	return buf_putc(b, '"');
}

static bool
put_path(struct buf *b, const char *key, const char *dir, const char *name)
{
	struct buf path;
	bool good;

	buf_init(&path, PATH_MAX);
	good = buf_printf(&path, "%s/%s", dir, name);
	buf_printf(b, "%s = ", key);
	good = good && put_quoted(b, buf_str(&path)) && buf_putc(b, '\n');
	buf_fini(&path);
	return good;
}

static void
put_listeners(struct buf *b, int64_t first)
{
	for (size_t i = 0; i < LISTENERS; i++) {
		int64_t port = first < 0    ? listeners[i].port
			       : first == 0 ? 0
					    : first + (int64_t)i;

		buf_printf(b,
		    "listener %s {\n\tprotocol = %s\n"
		    "\taddress = { \"127.0.0.1\" }\n\tport = %d\n"
		    "\ttls = %s\n}\n",
		    listeners[i].name, listeners[i].protocol, (int)port,
		    listeners[i].tls);
	}
}

/* "CONNINFO;KEY=VALUE;...": options of the block. */
static bool
put_options(struct buf *b, struct pst_str rest)
{
	struct buf option;
	struct pst_str one;
	bool good = true;

	buf_init(&option, TEXT_MAX);
	/* Who tries something wants no second command for an empty database;
	 * the first of two options of one name counts. */
	(void)str_split(&rest, ';', &one);
	buf_puts(&option, "conninfo=");
	buf_add_str(&option, one);
	buf_puts(b, "\toption = { ");
	good = put_quoted(b, buf_str(&option));
	while (good && str_split(&rest, ';', &one))
		good = buf_puts(b, ", ") && put_quoted(b, one);
	buf_fini(&option);
	return good && buf_puts(b, ", \"init=open\" }\n");
}

static bool
is_word(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' &&
		    !ascii_is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

/*
 * "MODULE", which gets a path, or "MODULE:CONNINFO", for one without files;
 * "NAME=" before it names the block. The mail of the first one is in DIR/mail,
 * that of the others in DIR/mail-NAME.
 */
static bool
put_storage(struct buf *b, const char *storage, const char *dir, bool is_first)
{
	struct pst_str rest = str_of(storage), module, name;
	const char *equals = strchr(storage, '='), *colon;
	struct buf text;
	bool good;

	colon = strchr(storage, ':');
	name = STR_NONE;
	if (equals != NULL && (colon == NULL || equals < colon))
		(void)str_split(&rest, '=', &name);
	(void)str_split(&rest, ':', &module);
	if (name.p == NULL)
		name = module;
	if (!is_word(name) || !is_word(module))
		return false;
	buf_printf(b, "storage %.*s {\n\tmodule = %.*s\n", STR_ARG(name),
	    STR_ARG(module));
	if (colon != NULL) {
		good = put_options(b, rest);
	} else {
		buf_init(&text, TEXT_MAX);
		buf_puts(&text, "mail");
		if (!is_first)
			buf_printf(&text, "-%.*s", STR_ARG(name));
		good = buf_putc(&text, '\0') &&
		       put_path(b, "\tpath", dir, text.p);
		buf_fini(&text);
	}
	return good && buf_puts(b, "}\n");
}

static bool
put_paths(struct buf *b, const char *dir)
{
	return put_path(b, "state_dir", dir, "state") &&
	       put_path(b, "run_dir", dir, "run") &&
	       buf_puts(b, "certificate sandbox {\n") &&
	       put_path(b, "\tcertificate", dir, "cert.pem") &&
	       put_path(b, "\tkey", dir, "key.pem") && buf_puts(b, "}\n");
}

static enum pst_rc
make_text(struct daemon_sandbox *s, const struct daemon_options *o,
    struct pst_error *err)
{
	struct buf *b = &s->text;

	buf_puts(b, "hostname = \"" HOSTNAME "\"\n"
		    "domains = { \"" DOMAIN "\" }\n"
		    /* All clients come from one address, with a
		     * password that is too short elsewhere,
		     * often in plain text. */
		    "auth {\n\tplaintext_on_loopback = true\n"
		    "\tpassword_length = 6\n\thash_cost = "
		    "1\n}\n"
		    "limits {\n\tconnections_per_address = "
		    "20000\n"
		    "\tconnections_per_user = 20000\n}\n"
		    /* It works without a network. */
		    "trust {\n\tcheck = false\n}\n"
		    "queue {\n\tenabled = false\n}\n"
		    /* Tests send much. */
		    "sending {\n\tenabled = false\n}\n"
		    "log {\n\ttarget = stderr\n}\n");
	if (!put_paths(b, s->dir))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "--sandbox: the path is too long, or has control "
		    "characters in it");
	put_listeners(b, o->ports);
	for (size_t i = 0; i < o->storages; i++)
		if (!put_storage(b, o->storage[i], s->dir, i == 0))
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "--storage: expected a module's name, or "
			    "MODULE:CONNINFO, not \"%s\"",
			    o->storage[i]);
	if (!buf_putc(b, '\0'))
		return pst_fail(
		    err, PST_E_LIMIT, 0, "--storage: the text is too long");
	return PST_OK;
}

/* The absolute form of a directory that may not exist yet. */
static char *
absolute(const char *dir)
{
	char here[PATH_MAX];
	struct buf b;
	char *path;

	buf_init(&b, PATH_MAX * 2);
	if (*dir != '/' && getcwd(here, sizeof(here)) != NULL)
		buf_printf(&b, "%s/", here);
	buf_puts(&b, dir);
	while (b.n > 1 && b.p[b.n - 1] == '/')
		b.n--;
	path = b.overflow ? NULL : str_dup(buf_str(&b));
	buf_fini(&b);
	return path;
}

enum pst_rc
daemon_sandbox_new(const struct daemon_options *o, struct daemon_sandbox **s_r,
    struct pst_error *err)
{
	struct daemon_sandbox *s = mem_alloc(sizeof(*s));
	enum pst_rc rc;

	buf_init(&s->text, TEXT_MAX);
	s->users = o->users;
	s->dir = absolute(o->sandbox);
	if (s->dir == NULL || *o->sandbox == '\0')
		rc = pst_fail(err, PST_E_SYNTAX, 0,
		    "--sandbox: expected a directory, not \"%s\"", o->sandbox);
	else
		rc = make_text(s, o, err);
	if (rc != PST_OK) {
		daemon_sandbox_free(&s);
		return rc;
	}
	*s_r = s;
	return PST_OK;
}

void
daemon_sandbox_free(struct daemon_sandbox **sandbox)
{
	struct daemon_sandbox *s = *sandbox;

	if (s == NULL)
		return;
	*sandbox = NULL;
	buf_fini(&s->text);
	free(s->dir);
	free(s);
}

const char *
daemon_sandbox_text(const struct daemon_sandbox *s)
{
	return s->text.p;
}

const char *
daemon_sandbox_dir(const struct daemon_sandbox *s)
{
	return s->dir;
}

enum pst_rc
daemon_sandbox_check(const struct config *cfg, struct pst_error *err)
{
	for (size_t i = 0; i < cfg->listeners; i++) {
		const struct config_strings *a = &cfg->listener[i].address;

		if (*cfg->listener[i].path != '\0')
			continue;
		for (size_t k = 0; k < a->n; k++)
			if (strncmp(a->v[k], "127.", 4) != 0 &&
			    strcmp(a->v[k], "::1") != 0)
				return pst_fail(err, PST_E_DENIED, 0,
				    "a sandbox listens on loopback only: "
				    "listener %s has the address %s",
				    cfg->listener[i].name, a->v[k]);
	}
	return PST_OK;
}

/* --- files ----------------------------------------------------------------
 */

static char *
path_in(const struct daemon_sandbox *s, const char *name)
{
	struct buf b;
	char *path;

	buf_init(&b, PATH_MAX * 2);
	buf_printf(&b, "%s/%s", s->dir, name);
	path = str_dup(buf_str(&b));
	buf_fini(&b);
	return path;
}

/* Readers see the old content, the new, or none; never a part. */
static enum pst_rc
put_file(const struct daemon_sandbox *s, const char *name,
    const struct buf *content, struct pst_error *err)
{
	char *path = path_in(s, name), *fresh = path_in(s, ".new");
	enum pst_rc rc = PST_OK;
	FILE *f = NULL;
	int fd;

	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (f == NULL || fwrite(content->p, 1, content->n, f) != content->n ||
	    fflush(f) != 0 || rename(fresh, path) < 0)
		rc = pst_fail(err, PST_E_PERM, errno, "cannot write %s: %s",
		    path, strerror(errno));
	if (f != NULL)
		(void)fclose(f);
	else if (fd >= 0)
		(void)close(fd);
	free(path);
	free(fresh);
	return rc;
}

static enum pst_rc
make_certificate(const struct daemon_sandbox *s, struct pst_error *err)
{
	static const char *const names[] = { "localhost", "127.0.0.1", HOSTNAME,
		DOMAIN };
	char *cert = path_in(s, "cert.pem"), *key = path_in(s, "key.pem");
	enum pst_rc rc = PST_OK;

	if (access(cert, F_OK) < 0 || access(key, F_OK) < 0)
		rc = tls_make_certificate(
		    cert, key, names, sizeof(names) / sizeof(names[0]), err);
	/* Clients of other users verify by it. */
	if (rc == PST_OK && chmod(cert, 0644) < 0)
		rc = pst_fail(err, PST_E_PERM, errno, "chmod %s: %s", cert,
		    strerror(errno));
	free(cert);
	free(key);
	return rc;
}

static enum pst_rc
write_config(const struct daemon_sandbox *s, const struct config *cfg,
    struct pst_error *err)
{
	struct buf content;
	char *text = NULL;
	size_t n = 0;
	FILE *f;
	enum pst_rc rc;

	f = open_memstream(&text, &n);
	if (f == NULL)
		return pst_fail(err, PST_E_TEMP, errno, "open_memstream: %s",
		    strerror(errno));
	(void)fputs("# Written at each start of this sandbox; changes here "
		    "are lost, use --set.\n",
	    f);
	config_print(cfg, f);
	(void)fclose(f);
	buf_init(&content, n + 1);
	buf_add(&content, text, n);
	rc = put_file(s, "postern.conf", &content, err);
	buf_fini(&content);
	free(text);
	return rc;
}

enum pst_rc
daemon_sandbox_prepare(
    struct daemon_sandbox *s, const struct config *cfg, struct pst_error *err)
{
	enum pst_rc rc;

	daemon_sandbox_over(s);
	rc = make_certificate(s, err);
	if (rc == PST_OK)
		rc = write_config(s, cfg, err);
	return rc;
}

/* --- users ----------------------------------------------------------------
 */

enum pst_rc
daemon_sandbox_users(const struct daemon_sandbox *s, struct accounts *accounts,
    struct pst_error *err)
{
	for (int64_t i = 1; i <= s->users; i++) {
		struct account_user user = {
			.enabled = true, .quota_bytes = -1, .quota_messages = -1
		};
		struct account_user found;
		enum pst_rc rc;

		(void)snprintf(user.address, sizeof(user.address),
		    "user%d@" DOMAIN, (int)i);
		rc = account_find(accounts, user.address, &found, err);
		if (rc == PST_E_NOTFOUND)
			rc = account_add(accounts, &user, STR(PASSWORD), err);
		/* Another sandbox with the same database was faster. */
		if (rc != PST_OK && rc != PST_E_EXISTS)
			return rc;
	}
	return PST_OK;
}

/* --- ready.json -----------------------------------------------------------
 */

static json_t *
ports_json(const struct config *cfg, const struct net *net)
{
	json_t *ports = json_object();

	for (size_t i = 0; i < cfg->listeners; i++)
		if (*cfg->listener[i].path == '\0')
			json_object_set_new(ports, cfg->listener[i].name,
			    json_integer(net_port(net, i)));
	return ports;
}

static json_t *
users_json(const struct daemon_sandbox *s)
{
	json_t *users = json_array();

	for (int64_t i = 1; i <= s->users; i++)
		json_array_append_new(
		    users, json_sprintf("user%d@" DOMAIN, (int)i));
	return users;
}

enum pst_rc
daemon_sandbox_ready(const struct daemon_sandbox *s, const struct config *cfg,
    const struct net *net, struct pst_error *err)
{
	const struct config_storage *storage = config_default_storage(cfg);
	struct buf content;
	json_t *ready;
	enum pst_rc rc;
	char *cafile;

	cafile = path_in(s, "cert.pem");
	ready = json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:o}",
	    "pid", (json_int_t)getpid(), "host", "127.0.0.1", "domain", DOMAIN,
	    "storage", admin_json_text(str_of(storage->module)), "mail_root",
	    admin_json_text(str_of(storage->path)), "cafile",
	    admin_json_text(str_of(cafile)), "users", users_json(s), "password",
	    PASSWORD, "ports", ports_json(cfg, net));
	free(cafile);
	buf_init(&content, (size_t)s->users * 64 + TEXT_MAX);
	if (admin_put_line(&content, ready))
		rc = put_file(s, "ready.json", &content, err);
	else
		rc = pst_fail(err, PST_E_LIMIT, 0, "ready.json is too long");
	buf_fini(&content);
	return rc;
}

void
daemon_sandbox_over(const struct daemon_sandbox *s)
{
	char *path = path_in(s, "ready.json");

	(void)unlink(path);
	free(path);
}
