/*
 * smtp.h - both ends of what the queue is measured with: a sink that takes
 * mail for many hosts and counts, and a source that hands mail in.
 *
 * Each message has a number, in a field "X-Number" at its top: so the sink
 * knows what came twice.
 */
#ifndef TESTS_BENCH_SMTP_H
#define TESTS_BENCH_SMTP_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SMTP_HOSTS = 250,	/* that a sink can be */
	SMTP_NUMBERS = 1 << 21, /* messages have numbers below */
	SMTP_LINE = 4096,	/* octets of a line that are looked at */
};

struct smtp_options {
	int port;
	int hosts; /* 127.0.1.1, 127.0.1.2 ... */
	/* The source. */
	int connections, domains;
	int64_t first, messages, octets, patience;
	const char *auth; /* for AUTH PLAIN, in base64; NULL: none */
	const char *from;
	const char *taken; /* a file for the numbers that were taken */
	const char *queue; /* the directory that is filled */
};

/* Does what lines on standard input say until they end; see smtp_sink.c. */
int smtp_sink(const struct smtp_options *opt);
/* Puts messages into a queue that no server has open. */
int smtp_fill(const struct smtp_options *opt);
/* Hands all messages in; prints how long it took. */
int smtp_send(const struct smtp_options *opt);

#endif
