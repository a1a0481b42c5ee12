/*
 * base/codec.h - base64 and base32 (RFC 4648), quoted-printable (RFC 2045,
 * 6.7), modified UTF-7 of mailbox names (RFC 3501, 5.1.3), hexadecimal.
 *
 * Decoders are incremental where messages need it; all are pure.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/mem.h"

bool base64_encode(struct pst_str in, struct buf *out); /* no line breaks */
/* Strict: canonical alphabet and padding, nothing else. For SASL. */
bool base64_decode(struct pst_str in, struct buf *out);
/* The alphabet for URLs, without padding (RFC 4648, 5). The decoder is strict,
 * too, but takes padding. */
bool base64url_encode(struct pst_str in, struct buf *out);
bool base64url_decode(struct pst_str in, struct buf *out);

/* RFC 4648, 6, without padding. Takes small letters as well, and refuses bits
 * that belong to no octet. */
bool base32_encode(struct pst_str in, struct buf *out);
bool base32_decode(struct pst_str in, struct buf *out);

/*
 * Lenient, incremental: skips what is not in the alphabet (RFC 2045, 6.8). For
 * message bodies. Start with a zeroed state.
 */
struct base64_state {
	uint32_t bits;
	unsigned n;
};
bool base64_decode_some(
    struct base64_state *st, struct pst_str in, struct buf *out);

/*
 * Quoted-printable, incremental and lenient: what is malformed stays as it is.
 * `last` marks the end of input.
 */
struct qp_state {
	char pending[64]; /* white space, or an unfinished escape */
	unsigned n;
};
bool qp_decode_some(
    struct qp_state *st, struct pst_str in, bool last, struct buf *out);

/*
 * The way back, with lines of at most 76 characters and CRLF (RFC 2045, 6.7
 * and 6.8), in pieces. `last` marks the end and begins anew. CRLF stays a line
 * end; CR or LF alone are escaped.
 */
struct qp_encoder {
	char held[2]; /* white space, CR, or both */
	unsigned held_n, column;
};
bool qp_encode_some(
    struct qp_encoder *e, struct pst_str in, bool last, struct buf *out);
enum { BASE64_LINE = 57 }; /* octets that fill a line */
struct base64_lines {
	char held[BASE64_LINE];
	unsigned n;
};
bool base64_encode_lines(
    struct base64_lines *e, struct pst_str in, bool last, struct buf *out);

/* Small numbers in few characters of [A-Za-z0-9_-], one behind the other. The
 * second takes one off `*in`; false: there is none. */
void number_encode(uint64_t n, struct buf *out);
bool number_decode(struct pst_str *in, uint64_t *n_r);

/* UTF-8 to modified UTF-7 and back. False: not valid in the source form. */
bool mutf7_encode(struct pst_str utf8, struct buf *out);
bool mutf7_decode(struct pst_str mutf7, struct buf *out);

void hex_encode(const void *in, size_t n, char *out); /* 2n + 1 octets */

#endif
