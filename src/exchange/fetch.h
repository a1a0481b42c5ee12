/*
 * exchange/fetch.h - one request by HTTPS (libcurl): policies of MTA-STS come
 * so, reports go so.
 *
 * Neither redirects nor proxies are followed; certificates are always checked.
 * The host's addresses are asked of our own resolver.
 *
 * Threads: from any thread; blocks.
 */
#ifndef EXCHANGE_FETCH_H
#define EXCHANGE_FETCH_H

#include "base/mem.h"
#include "net/dns.h"

struct fetch {
	const char *url; /* "https://host/path", or with a port */
	int port;	 /* instead of 443, where the URL has none */
	bool ipv6;
	const char *ca_file; /* "": the system's */
	int64_t seconds;
	int64_t dns_seconds; /* for the host's addresses; 0: 20 */
	int stop_fd;	     /* readable: broken off; -1: none */
	/* Whoever else says where it goes: not to hosts of the own network. */
	bool only_global;
	/* What is posted; an empty one: GET. */
	struct pst_str body;
	const char *content_type;
	const char *const *fields; /* "Name: value", NULL at the end; or NULL */
	int64_t *retry_after_r;	   /* seconds, 0: not told; or NULL */
};

enum fetch_result {
	FETCH_DONE,	 /* there is an answer, whatever its status */
	FETCH_UNTRUSTED, /* the certificate is not what it should be */
	FETCH_FAILED,
};

/*
 * The answer's body goes to `out`; one that is larger than that takes fails.
 * `type_r` has its media type in lower case, without parameters.
 */
enum fetch_result fetch_run(const struct fetch *f,
    const struct dns_resolver *dns, unsigned *status_r, char type_r[64],
    struct buf *out, struct pst_error *err);

#endif
