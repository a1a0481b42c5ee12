/*
 * http/parse.h - the grammar of HTTP/1.1 requests (RFC 9112, RFC 9110).
 *
 * Strict where others were led to disagree about where a request ends: lines
 * end in CR LF, nothing is folded, a length is told once.
 *
 * Pure. Slices point into what was parsed.
 */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include "base/mem.h"

enum { HTTP_FIELDS = 64 };

struct http_field {
	struct pst_str name, value;
};

struct http_head {
	struct pst_str method;
	struct pst_str path;  /* as it was sent, "/" at its start */
	struct pst_str query; /* behind the "?", or empty */
	struct http_field field[HTTP_FIELDS];
	size_t fields;
	uint64_t length; /* of the content; 0 when it comes in chunks */
	bool has_length, is_chunked;
	bool is_old;	  /* HTTP/1.0 */
	bool keeps_alive; /* the connection is wanted for another request */
	bool expects_continue;
};

enum http_parsed {
	HTTP_MORE,  /* the head is not complete */
	HTTP_WHOLE, /* it is, *used_r octets long */
	HTTP_WRONG, /* *status_r says why; the connection is of no more use */
};

/* Parses the head of a request at the start of `in`, at most `max` octets. */
enum http_parsed http_head_parse(struct pst_str in, size_t max,
    struct http_head *head_r, size_t *used_r, int *status_r);
/* The value of a field, which occurs once or is taken from its first
 * occurrence; p NULL: absent. */
struct pst_str http_head_field(const struct http_head *h, const char *name);
/* `word` is one of the field's list (RFC 9110, 5.6.1), without case; what
 * stands behind ";" is not looked at, but q=0 is a no. */
bool http_head_lists(
    const struct http_head *h, const char *name, const char *word);

/* Chunked content (RFC 9112, 7.1), in pieces of any size. */
struct http_chunks {
	uint64_t left; /* of the chunk at hand */
	int state;
	unsigned digits, line;
};
enum http_parsed http_chunks_next(struct http_chunks *c, struct pst_str in,
    size_t *used_r, struct pst_str *data_r);

/* Percent-decodes a path into `out`, with a NUL behind it that is not counted.
 * False: malformed, a NUL, or a segment "." or "..". */
bool http_path_decode(struct pst_str path, struct buf *out);
/* The value of a parameter of a query, decoded ("+" is a space). False: there
 * is none, or it is malformed. */
bool http_query_get(struct pst_str query, const char *name, struct buf *out);
/* The value of a cookie (RFC 6265, 5.4); p NULL: absent. */
struct pst_str http_cookie(const struct http_head *h, const char *name);

/* Appends `s` with everything but unreserved characters percent-encoded. */
bool http_percent_encode(struct pst_str s, struct buf *out);

#endif
