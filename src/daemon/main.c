/*
 * main.c - posternd, the server.
 */
#include "base/str.h"
#include "daemon/check.h"
#include "daemon/options.h"
#include "daemon/server.h"

enum { EXIT_BAD_USAGE = 2 };

static int
run(const struct daemon_options *o)
{
	struct config *cfg;
	int code = 0;

	switch (o->task) {
	case DAEMON_RUN:
		return daemon_server_run(o);
	case DAEMON_HELP:
		daemon_options_help(stdout);
		return 0;
	case DAEMON_VERSION:
		(void)printf("posternd %s\n", PACKAGE_VERSION);
		return 0;
	case DAEMON_CHECK:
	case DAEMON_PRINT:
		break;
	}
	cfg = daemon_server_config(o);
	if (cfg == NULL)
		return 1;
	if (o->task == DAEMON_PRINT)
		config_print(cfg, stdout);
	else
		code = daemon_check(cfg, stdout) ? 0 : 1;
	config_unref(&cfg);
	return code;
}

int
main(int argc, char **argv)
{
	struct daemon_options o;
	struct pst_error err = { 0 };
	int code;

	if (daemon_options_parse(&o, argc, argv, &err) == PST_OK) {
		code = run(&o);
	} else {
		(void)fprintf(stderr, "posternd: %s\n", err.detail);
		code = EXIT_BAD_USAGE;
	}
	daemon_options_fini(&o);
	return code;
}
