/*
 * main.c - the load generator: bench_load CELL OPTION VALUE...
 */
#include "bench.h"
#include "cells.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_options bench = { .host = "127.0.0.1",
	.user = "user%u",
	.password = "secret",
	.mailbox = "INBOX",
	.first = 1,
	.users = 1,
	.connections = 1,
	.repeat = 1 };

static const struct {
	const char *name;
	void (*run)(void);
} cells[] = { { "make", cell_make }, { "fill", cell_fill },
	{ "check", cell_check }, { "login", cell_login },
	{ "envelopes", cell_envelopes }, { "bodies", cell_bodies },
	{ "changedsince", cell_changedsince }, { "qresync", cell_qresync },
	{ "store", cell_store }, { "copy", cell_copy }, { "move", cell_move },
	{ "append", cell_append }, { "search", cell_search },
	{ "idle", cell_idle }, { "large", cell_large } };

enum kind { TEXT, NUMBER, SIZE, FLAG };

static const struct {
	const char *name;
	enum kind kind;
	size_t at;
} options[] = {
	{ "--host", TEXT, offsetof(struct bench_options, host) },
	{ "--user", TEXT, offsetof(struct bench_options, user) },
	{ "--password", TEXT, offsetof(struct bench_options, password) },
	{ "--cpu-file", TEXT, offsetof(struct bench_options, cpu_file) },
	{ "--memory-file", TEXT, offsetof(struct bench_options, memory_file) },
	{ "--pid", NUMBER, offsetof(struct bench_options, pid) },
	{ "--uid", NUMBER, offsetof(struct bench_options, uid) },
	{ "--imap", NUMBER, offsetof(struct bench_options, imap) },
	{ "--lmtp", NUMBER, offsetof(struct bench_options, lmtp) },
	{ "--tls", FLAG, offsetof(struct bench_options, tls) },
	{ "--first", NUMBER, offsetof(struct bench_options, first) },
	{ "--users", NUMBER, offsetof(struct bench_options, users) },
	{ "--connections", NUMBER,
	    offsetof(struct bench_options, connections) },
	{ "--count", NUMBER, offsetof(struct bench_options, count) },
	{ "--repeat", NUMBER, offsetof(struct bench_options, repeat) },
	{ "--octets", SIZE, offsetof(struct bench_options, octets) },
	{ "--wait", NUMBER, offsetof(struct bench_options, wait) },
	{ "--mailbox", TEXT, offsetof(struct bench_options, mailbox) },
	{ "--word", TEXT, offsetof(struct bench_options, word) },
	{ "--dir", TEXT, offsetof(struct bench_options, dir) },
	{ "--style", TEXT, offsetof(struct bench_options, style) },
};

static void
usage(void)
{
	(void)fputs("usage: bench_load CELL [OPTION VALUE]...\ncells:", stderr);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		(void)fprintf(stderr, " %s", cells[i].name);
	(void)fputs("\noptions:", stderr);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)fprintf(stderr, " %s", options[i].name);
	(void)fputc('\n', stderr);
	exit(2);
}

static void
set_option(enum kind kind, void *at, const char *value)
{
	uint64_t number;

	if (kind == TEXT) {
		*(const char **)at = value;
		return;
	}
	if (!str_to_u64(str_of(value), &number) ||
	    (kind != SIZE && number > INT32_MAX))
		bench_fail("not a number: %s", value);
	if (kind == SIZE)
		*(uint64_t *)at = number;
	else if (kind == FLAG)
		*(bool *)at = number != 0;
	else
		*(unsigned *)at = (unsigned)number;
}

static void
parse_option(const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, name) == 0) {
			set_option(options[i].kind,
			    (char *)&bench + options[i].at, value);
			return;
		}
	usage();
}

int
main(int argc, char **argv)
{
	if (argc < 2 || argc % 2 != 0)
		usage();
	(void)signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i += 2)
		parse_option(argv[i], argv[i + 1]);
	if (bench.users == 0 || bench.connections == 0 || bench.repeat == 0)
		usage();
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		if (strcmp(cells[i].name, argv[1]) == 0) {
			cells[i].run();
			return fflush(stdout) == 0 ? 0 : 1;
		}
	usage();
}
