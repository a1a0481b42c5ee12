/*
 * exchange/tlsrpt.h - TLS reports (RFC 8460): what became of sessions with
 * other servers, counted for each domain and each of its policies in windows of
 * a day, kept in a file over restarts, and what is told of it.
 *
 * Threads: tlsrpt_count() from any thread; the others from one.
 */
#ifndef EXCHANGE_TLSRPT_H
#define EXCHANGE_TLSRPT_H

#include "base/config.h"
#include "exchange/hosts.h"
#include "exchange/sts.h"

struct tlsrpt;

/* 4.2: which policy the session was under. */
enum tlsrpt_type { TLSRPT_NO_POLICY, TLSRPT_STS, TLSRPT_TLSA };

struct tlsrpt_session {
	const char *domain; /* of the recipients */
	enum tlsrpt_type type;
	const struct sts_policy *sts;	/* with STS, or NULL */
	const struct host_tlsa *tlsa;	/* with TLSA */
	const char *host, *ip, *source; /* the server, its address, ours; "" */
	const char *failure;		/* result-type (4.3); NULL: all well */
	const char *detail;		/* in words, or "" */
};

/* `path`: the file. `interval`: seconds of a window. */
struct tlsrpt *tlsrpt_new(const char *path);
void tlsrpt_free(struct tlsrpt **t); /* and keeps it */
void tlsrpt_count(
    struct tlsrpt *t, int64_t interval, const struct tlsrpt_session *session);
/* Writes the file when something has changed. */
void tlsrpt_save(struct tlsrpt *t);

/* A report that is due: its window is over. */
struct tlsrpt_report {
	char domain[256];
	int64_t start, end; /* seconds since 1970, both within */
	char id[100];
	struct buf json; /* the report */
};

/*
 * Fills the report of a domain whose window ended before `before`; false: there
 * is none. Ended with tlsrpt_end(): `done`, and it is forgotten, or it is due
 * again later, for `interval` more seconds.
 */
bool tlsrpt_next(struct tlsrpt *t, const struct config *cfg, int64_t before,
    struct tlsrpt_report *r);
void tlsrpt_end(struct tlsrpt *t, struct tlsrpt_report *r, bool done);
/* Those that were not done are due once more; what is older than `before` is
 * given up. */
void tlsrpt_again(struct tlsrpt *t, int64_t before);

/* --- where reports go; pure ------------------------------------------------
 */

enum { TLSRPT_RUA_MAX = 4, TLSRPT_URI_MAX = 500 };

struct tlsrpt_record {
	/* "https://..." or an address, of "mailto:". */
	char uri[TLSRPT_RUA_MAX][TLSRPT_URI_MAX];
	size_t n;
};

/* "v=TLSRPTv1; rua=mailto:a@example.org,https://..." (3). False: another
 * record, malformed, or none that could be used. */
bool tlsrpt_record_parse(struct pst_str text, struct tlsrpt_record *r_r);

/* The message for a mailbox (5.3), in one buffer. */
void tlsrpt_mail(const struct config *cfg, const struct tlsrpt_report *r,
    const char *to, struct pst_str gzip, struct buf *out);
/* False: not with what `out` takes. */
bool tlsrpt_gzip(struct pst_str json, struct buf *out);
/* The address that reports come from. */
void tlsrpt_contact(const struct config *cfg, char out[321]);

#endif
