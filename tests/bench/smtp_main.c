/*
 * smtp_main.c - "bench_smtp sink", "send" and "fill", see smtp.h.
 */
#include "smtp.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PORT = 1,
	HOSTS,
	CONNECTIONS,
	DOMAINS,
	FIRST,
	MESSAGES,
	OCTETS,
	PATIENCE,
	AUTH,
	FROM,
	TAKEN,
	QUEUE
};

static const struct option options[] = {
	{ "port", required_argument, NULL, PORT },
	{ "hosts", required_argument, NULL, HOSTS },
	{ "connections", required_argument, NULL, CONNECTIONS },
	{ "domains", required_argument, NULL, DOMAINS },
	{ "first", required_argument, NULL, FIRST },
	{ "messages", required_argument, NULL, MESSAGES },
	{ "octets", required_argument, NULL, OCTETS },
	{ "patience", required_argument, NULL, PATIENCE },
	{ "auth", required_argument, NULL, AUTH },
	{ "from", required_argument, NULL, FROM },
	{ "taken", required_argument, NULL, TAKEN },
	{ "queue", required_argument, NULL, QUEUE },
	{ NULL, 0, NULL, 0 },
};

static int
usage(void)
{
	(void)fputs(
	    "usage: bench_smtp sink --port P --hosts N\n"
	    "       bench_smtp send --port P --messages N [--first N] "
	    "[--octets N]\n"
	    "           [--connections N] [--domains N] [--auth BASE64] "
	    "[--from ADDRESS]\n"
	    "           [--patience SECONDS] [--taken FILE]\n",
	    stderr);
	return 2;
}

static bool
take(struct smtp_options *o, int key, const char *text)
{
	int64_t n = strtoll(text, NULL, 10);

	switch (key) {
	case PORT:
		o->port = (int)n;
		break;
	case HOSTS:
		o->hosts = (int)n;
		break;
	case CONNECTIONS:
		o->connections = (int)n;
		break;
	case DOMAINS:
		o->domains = (int)n;
		break;
	case FIRST:
		o->first = n;
		break;
	case MESSAGES:
		o->messages = n;
		break;
	case OCTETS:
		o->octets = n;
		break;
	case PATIENCE:
		o->patience = n;
		break;
	case AUTH:
		o->auth = text;
		break;
	case FROM:
		o->from = text;
		break;
	case TAKEN:
		o->taken = text;
		break;
	case QUEUE:
		o->queue = text;
		break;
	default:
		return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct smtp_options o = { .hosts = 1,
		.connections = 10,
		.domains = 1,
		.first = 1,
		.octets = 4096,
		.from = "user1@example.test" };
	int key;

	if (argc < 2)
		return usage();
	argc--;
	argv++;
	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take(&o, key, optarg))
			return usage();
	if (o.hosts < 1 || o.hosts > SMTP_HOSTS || o.connections < 1 ||
	    o.domains < 1 || o.octets < 256 || o.messages < 0 || o.first < 0)
		return usage();
	if (strcmp(argv[0], "sink") == 0)
		return smtp_sink(&o);
	if (strcmp(argv[0], "fill") == 0 && o.queue != NULL)
		return smtp_fill(&o);
	return strcmp(argv[0], "send") == 0 ? smtp_send(&o) : usage();
}
