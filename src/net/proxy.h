/*
 * net/proxy.h - what a load balancer says of a connection before anything else
 * comes: the PROXY protocol, versions 1 (a line) and 2 (binary), as HAProxy's
 * specification has it. Pure: octets in; a header, "more", or an error out.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <postern/types.h>

enum {
	PROXY_LINE_MAX = 107,  /* of version 1, with CRLF */
	PROXY_MORE_MAX = 4096, /* of version 2, behind its first 16 octets */
	PROXY_HEADER_MAX = 16 + PROXY_MORE_MAX,
};

enum proxy_family {
	PROXY_UNKNOWN, /* the connection's own addresses hold */
	PROXY_INET,
	PROXY_INET6,
	PROXY_UNIX, /* no addresses are told */
};

struct proxy_endpoint {
	unsigned char octets[16]; /* 4 of IPv4 */
	uint16_t port;
};

struct proxy_header {
	enum proxy_family family;
	struct proxy_endpoint from, to; /* the client, and what it reached */
	bool tls;	      /* between the client and the load balancer */
	char tls_version[16]; /* "TLSv1.3", or "" */
	size_t length;	      /* octets of the whole header */
};

enum proxy_result { PROXY_MORE, PROXY_DONE, PROXY_BAD };

/*
 * Looks at the octets that have come so far. PROXY_MORE: they are part of a
 * header, all of them. PROXY_BAD: no header begins so; *why_r is a static text
 * for the log.
 */
enum proxy_result proxy_parse(
    struct pst_str in, struct proxy_header *h, const char **why_r);

#endif
