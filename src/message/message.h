/*
 * message/message.h - reading a message: RFC 5322 and MIME structure in one
 * pass over the octets, with exact ranges.
 *
 * The reader is fed pieces of any size, keeps header blocks and counts body
 * octets and lines, and yields a tree of parts. It never refuses a message:
 * what is malformed is shown as well as can be (RFC 7103). Line ends may be
 * CRLF or bare LF; offsets and sizes are of the octets fed.
 *
 * Threads:   a reader and its result belong to one thread at a time; a finished
 *            struct msg is constant and may be shared.
 * Ownership: everything in a struct msg is freed by msg_free(); slices point
 *            into it.
 */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include "base/mem.h"

/*
 * Beyond these the rest counts as body text of the part that is at hand, and
 * further header fields are skipped. All header blocks together are kept up to
 * 16 times header_size and 100000 fields, whatever the message is.
 */
struct msg_limits {
	size_t header_size; /* octets of one header block that are kept */
	unsigned depth;	    /* nesting of multiparts and messages */
	unsigned parts;	    /* in all */
};
extern const struct msg_limits msg_limits_default; /* 256 KiB, 100, 10000 */

/* A line that is no field (no colon, or the "From " line of an mbox) has an
 * empty name and is all value: part of the header, but never found. */
struct msg_field {
	struct pst_str name;  /* without the colon and white space before it */
	struct pst_str value; /* after the colon, as it is, folds included,
				 without the last line end */
	struct pst_str whole; /* name, colon, value and line end */
	uint64_t offset;      /* of `whole` in the message */
};

/* A parameter of Content-Type or Content-Disposition, name as it is written
 * (with RFC 2231 suffixes), value unquoted. */
struct msg_param {
	struct pst_str name, value;
	struct msg_param *next;
};

struct msg_part {
	/* Octet ranges in the message. The header includes the empty line that
	 * ends it. */
	uint64_t header_start, header_size;
	uint64_t body_start, body_size;
	uint64_t header_lines, body_lines; /* line ends; a last line without one
					      counts too */
	struct pst_str header; /* kept octets, may be less than header_size */
	struct msg_field *field;
	size_t fields;

	/*
	 * Content-Type with the defaults of RFC 2045, 5.2 (then there is a
	 * parameter charset=us-ascii) and RFC 2046, 5.1.5 (message/rfc822 in a
	 * digest); as written, case kept. A multipart without a usable
	 * boundary, or beyond the limit of depth, is text/plain here.
	 */
	struct pst_str type, subtype;
	struct msg_param *params;
	struct pst_str encoding;		       /* "7bit" when absent */
	struct pst_str id, description, md5, location; /* absent: p NULL */
	struct pst_str disposition;		       /* absent: p NULL */
	struct msg_param *disposition_params;
	struct pst_str language; /* Content-Language, as written */

	/*
	 * is_multipart: the children are its parts; there are none when no
	 * boundary line was found, which RFC 3501 has no form for.
	 *
	 * is_message: message/rfc822 or message/global; one child, the message
	 * inside, whose header starts at body_start. Not set when the transfer
	 * encoding is another than 7bit, 8bit or binary (RFC 2046, 5.2.1), nor
	 * beyond the limits: BODYSTRUCTURE then needs another type for it.
	 */
	bool is_multipart, is_message;
	struct msg_part *parent, *next, *child; /* siblings; first child */
};

struct msg {
	struct arena *arena;
	struct msg_part *root;
	uint64_t size;
	unsigned parts;
};

struct msg_reader;

/* `headers_only`: msg_reader_feed() returns false after the main header. There
 * are no children then, the body is empty and the size is the header's. */
struct msg_reader *msg_reader_new(
    const struct msg_limits *limits, bool headers_only);
/* False: enough has been seen, further pieces change nothing. */
bool msg_reader_feed(struct msg_reader *r, const void *p, size_t n);
/* Ends the message, frees the reader. Never NULL. */
struct msg *msg_reader_finish(struct msg_reader **r);
void msg_reader_free(struct msg_reader **r); /* to give up instead */
void msg_free(struct msg **m);

/* Parses a message that is in memory. */
struct msg *msg_read(struct pst_str text, const struct msg_limits *limits);

/* The first field of that name (without case) at or after `*i`, which is moved
 * behind it; start with 0. NULL when there is no more. */
const struct msg_field *msg_next_field(
    const struct msg_part *part, const char *name, size_t *i);
const struct msg_field *msg_field(
    const struct msg_part *part, const char *name);
/* The part of an IMAP section number such as {1, 2} (RFC 3501, 6.4.5); the
 * root for n 0. NULL: there is none. The number 1 of a message that is no
 * multipart is the message's own body. */
const struct msg_part *msg_section(
    const struct msg *m, const uint32_t *numbers, size_t n);

/* A parameter's value, decoded as RFC 2231 (continuations, charset) and, since
 * mail programs do it, RFC 2047 say; UTF-8. False: there is none. */
bool msg_param(
    const struct msg_param *params, const char *name, struct buf *utf8);
/*
 * The parameters with the pieces of each value put together (RFC 2231, 3). One
 * with a charset is called "name*"; its value is UTF-8 with `utf8` (and a
 * charset that is known), else it begins with charset'language' and has what
 * must not stand there percent-encoded.
 */
const struct msg_param *msg_params_joined(
    struct arena *a, const struct msg_param *params, bool utf8);
/* The file name of an attachment: disposition filename, else type name. */
bool msg_filename(const struct msg_part *part, struct buf *utf8);

#endif
