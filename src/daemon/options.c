/*
 * options.c - reading posternd's command line; posternd(8).
 */
#include "daemon/options.h"

#include "base/str.h"
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPT_SET = 256, OPT_SANDBOX, OPT_PORTS, OPT_USERS, OPT_STORAGE };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "pid-file", required_argument, NULL, 'p' },
	{ "ports", required_argument, NULL, OPT_PORTS },
	{ "sandbox", required_argument, NULL, OPT_SANDBOX },
	{ "set", required_argument, NULL, OPT_SET },
	{ "storage", required_argument, NULL, OPT_STORAGE },
	{ "users", required_argument, NULL, OPT_USERS },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

void
daemon_options_help(FILE *out)
{
	(void)fputs(
	    "usage: posternd [-c FILE] [-f] [-p PIDFILE] [--set KEY=VALUE]\n"
	    "       posternd -t | -T [-c FILE] [--set KEY=VALUE]\n"
	    "       posternd --sandbox DIR [--ports auto|FIRST] [--users N]\n"
	    "           [--storage [NAME=]MODULE[:CONNINFO]]... "
	    "[--set KEY=VALUE]\n"
	    "\n"
	    "  -c FILE          configuration (" POSTERN_SYSCONFDIR
	    "/postern.conf)\n"
	    "  -f               stay in the foreground\n"
	    "  -p PIDFILE       write the process id there\n"
	    "  -t               check the configuration and what it names\n"
	    "  -T               print all effective values\n"
	    "  --set KEY=VALUE  override a key, such as "
	    "limits.connections=100\n"
	    "  --sandbox DIR    a server for trying out, all below DIR\n"
	    "  -V, --version    print the version\n"
	    "\n"
	    "posternd(8) and postern.conf(5) tell more.\n",
	    out);
}

static enum pst_rc
add_override(struct daemon_options *o, const char *text, struct pst_error *err)
{
	const char *equals = strchr(text, '=');
	struct config_override *one;

	if (equals == NULL || equals == text)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "--set: expected KEY=VALUE, not \"%s\"", text);
	o->overrides = mem_realloc(
	    o->overrides, (o->override_count + 1) * sizeof(*o->overrides));
	one = &o->overrides[o->override_count++];
	one->key = str_dup(str_n(text, (size_t)(equals - text)));
	one->value = equals + 1;
	return PST_OK;
}

static enum pst_rc
parse_ports(struct daemon_options *o, const char *text, struct pst_error *err)
{
	uint32_t first;

	if (strcmp(text, "auto") == 0) {
		o->ports = 0;
		return PST_OK;
	}
	if (!str_to_u32(str_of(text), &first) || first < 1 || first > 65000)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "--ports: expected auto or the first of the ports, "
		    "1 to 65000, not \"%s\"",
		    text);
	o->ports = first;
	return PST_OK;
}

static enum pst_rc
parse_users(struct daemon_options *o, const char *text, struct pst_error *err)
{
	uint32_t n;

	if (!str_to_u32(str_of(text), &n) || n < 1 || n > DAEMON_USERS_MAX)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "--users: expected a number from 1 to %d, not \"%s\"",
		    DAEMON_USERS_MAX, text);
	o->users = n;
	return PST_OK;
}

/* The daemon leaves its directory, but needs the file again later. */
static enum pst_rc
set_path(char **path_r, const char *path, struct pst_error *err)
{
	char dir[PATH_MAX];
	struct buf b;

	buf_init(&b, sizeof(dir) * 2);
	if (*path != '/' && getcwd(dir, sizeof(dir)) != NULL)
		buf_printf(&b, "%s/", dir);
	buf_puts(&b, path);
	if (b.overflow) {
		buf_fini(&b);
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "the path of a file is too long: %.60s...", path);
	}
	free(*path_r);
	*path_r = str_dup(buf_str(&b));
	buf_fini(&b);
	return PST_OK;
}

static enum pst_rc
take_option(struct daemon_options *o, int opt, struct pst_error *err)
{
	switch (opt) {
	case 'c':
		return set_path(&o->config_path, optarg, err);
	case 'f':
		o->foreground = true;
		break;
	case 'h':
		o->task = DAEMON_HELP;
		break;
	case 'p':
		return set_path(&o->pid_file, optarg, err);
	case 't':
		o->task = DAEMON_CHECK;
		break;
	case 'T':
		o->task = DAEMON_PRINT;
		break;
	case 'V':
		o->task = DAEMON_VERSION;
		break;
	case OPT_SET:
		return add_override(o, optarg, err);
	case OPT_SANDBOX:
		o->sandbox = optarg;
		o->foreground = true;
		break;
	case OPT_PORTS:
		return parse_ports(o, optarg, err);
	case OPT_USERS:
		return parse_users(o, optarg, err);
	case OPT_STORAGE:
		if (o->storages == DAEMON_STORAGES_MAX)
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "--storage: at most %d of them",
			    DAEMON_STORAGES_MAX);
		o->storage[o->storages++] = optarg;
		break;
	default:
		return pst_fail(err, PST_E_SYNTAX, 0, "see posternd --help");
	}
	return PST_OK;
}

/* systemd watches the process that it started. */
static bool
started_by_systemd(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint32_t n;

	return getenv("NOTIFY_SOCKET") != NULL ||
	       (pid != NULL && str_to_u32(str_of(pid), &n) &&
		   n == (uint32_t)getpid());
}

static enum pst_rc
check_together(const struct daemon_options *o, struct pst_error *err)
{
	if (o->sandbox == NULL &&
	    (o->ports != -1 || o->users != 0 || o->storages != 0))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "--ports, --users and --storage belong to --sandbox DIR");
	if (o->sandbox != NULL && o->config_path != NULL)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "-c and --sandbox exclude each other: a sandbox makes its "
		    "own configuration; change it by --set");
	if (o->sandbox != NULL && o->task == DAEMON_CHECK)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "-t and --sandbox exclude each other");
	return PST_OK;
}

enum pst_rc
daemon_options_parse(
    struct daemon_options *o, int argc, char **argv, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	int opt;

	memset(o, 0, sizeof(*o));
	o->ports = -1;
	while (rc == PST_OK && (opt = getopt_long(argc, argv, "c:fhp:tTV",
				    long_options, NULL)) != -1)
		rc = take_option(o, opt, err);
	if (rc == PST_OK && optind < argc)
		rc = pst_fail(err, PST_E_SYNTAX, 0, "\"%s\" is not understood",
		    argv[optind]);
	if (rc == PST_OK)
		rc = check_together(o, err);
	if (rc != PST_OK)
		return rc;
	if (o->users == 0)
		o->users = 2;
	if (o->storages == 0)
		o->storage[o->storages++] = "maildir";
	if (started_by_systemd())
		o->foreground = true;
	if (o->config_path == NULL)
		rc = set_path(
		    &o->config_path, POSTERN_SYSCONFDIR "/postern.conf", err);
	return rc;
}

void
daemon_options_fini(struct daemon_options *o)
{
	for (size_t i = 0; i < o->override_count; i++)
		free((void *)(uintptr_t)o->overrides[i].key);
	free(o->overrides);
	free(o->config_path);
	free(o->pid_file);
	memset(o, 0, sizeof(*o));
}
