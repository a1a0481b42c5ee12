/*
 * trust/spf_priv.h - what the files of SPF share: records, macros, and a check
 * under way.
 */
#ifndef TRUST_SPF_PRIV_H
#define TRUST_SPF_PRIV_H

#include "trust/spf.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
};

struct spf_term {
	enum spf_kind kind;
	enum spf_result result; /* when it matches */
	struct pst_str text;	/* all of it, for the log */
	struct pst_str spec;	/* domain-spec; p NULL: none */
	unsigned bits4, bits6;	/* of a prefix */
	struct network network; /* of ip4 and ip6 */
};

struct spf_record {
	struct spf_term *term;
	size_t n;
	struct pst_str redirect, exp; /* domain-specs; p NULL: none */
};

/* spf_record.c: pure. The text behind "v=spf1". False: a syntax error (RFC
 * 7208, 4.6), in *bad_r. */
bool spf_record_parse(struct arena *a, struct pst_str text,
    struct spf_record *out, struct pst_str *bad_r);

/* spf_macro.c: pure, but for %{p}. */

/* What macros stand for. */
struct spf_names {
	const struct spf_query *query;
	const char *domain; /* at hand: %{d} */
	/* %{p}: called when it is needed. */
	const char *(*validated)(void *arg);
	void *arg;
};

/* Macros, literals, and the end that a domain-spec must have. */
bool spf_is_domain_spec(struct pst_str text);
bool spf_is_macro_string(struct pst_str text);
/* Appends; `explains`: also the letters of explanations. False: a syntax error,
 * or `out` is full. */
bool spf_expand(const struct spf_names *names, struct pst_str text,
    bool explains, struct buf *out);

#endif
