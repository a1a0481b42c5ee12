/*
 * imap/body_section.h - BODY[...]<...>: which octets of a message are meant
 * (RFC 3501, 6.4.5).
 *
 * Pure.
 */
#ifndef IMAP_BODY_SECTION_H
#define IMAP_BODY_SECTION_H

#include "imap/parse.h"
#include "message/message.h"

enum imap_section_text {
	IMAP_SECTION_ALL,
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_MIME,
	IMAP_SECTION_TEXT,
};

enum { IMAP_SECTION_DEPTH = 100 };

struct imap_section {
	enum imap_section_text text;
	uint32_t *number; /* of the part; none: the message */
	size_t numbers;
	struct pst_str *field; /* names, for FIELDS and FIELDS_NOT */
	size_t fields;
	bool is_partial;
	uint32_t offset, length;
	struct pst_str label; /* "BODY[1.TEXT]<0>", as the answer has it */
};

/* Behind the '[': the section, its ']' and the partial. */
bool imap_section_parse(struct imap_parser *ps, struct imap_section *out);
/* How much must be read to answer it. */
bool imap_section_needs_structure(const struct imap_section *sec);
bool imap_section_needs_header(const struct imap_section *sec);

/* Octets of the message, or of `made`. */
struct imap_octets {
	bool is_nil;  /* there is no such part */
	bool is_made; /* they are in `made` */
	uint64_t offset, length;
};
/*
 * `msg` may be NULL when the section needs neither header nor structure, and
 * have only its header read when it does not need the structure. `size`: of
 * the message. `made` gets chosen header fields.
 */
struct imap_octets imap_section_find(const struct imap_section *sec,
    const struct msg *msg, uint64_t size, struct buf *made);

/*
 * Header fields that clients ask for in their lists of messages: whether all
 * that a section names are among these; those of a header, to be kept; and the
 * section, made from what was kept.
 */
bool imap_section_is_common(const struct imap_section *sec);
void imap_section_put_common(const struct msg_part *part, struct buf *out);
struct imap_octets imap_section_choose(
    const struct imap_section *sec, struct pst_str common, struct buf *made);

#endif
