/*
 * message/content.h - the text of bodies: transfer encodings and charsets.
 */
#ifndef MESSAGE_CONTENT_H
#define MESSAGE_CONTENT_H

#include "message/message.h"

/*
 * Converts to UTF-8; what is not valid becomes U+FFFD. Knows the names that
 * iconv lacks, and opens none that is not on its list. False: the charset is
 * unknown (then `out` has what is ASCII). When `out` gets full, it says so.
 *
 * US-ASCII and no name at all mean, as sent in practice: UTF-8 where it is
 * valid, otherwise windows-1252; ISO 8859-1 is read as windows-1252 too.
 */
bool msg_to_utf8(struct pst_str charset, struct pst_str in, struct buf *out);
bool msg_charset_known(struct pst_str charset);

/*
 * Decodes the body of a part as it is fed: transfer encoding, then, when
 * `to_utf8` and the part is text, its charset, then, when `strip_html` and it
 * is text/html, tags and entities. NULL-safe: an unknown encoding passes
 * octets unchanged (RFC 2045, 6.4).
 */
struct msg_decoder;
struct msg_decoder *msg_decoder_new(
    const struct msg_part *part, bool to_utf8, bool strip_html);
/* Adds the decoded octets to `out`; `last` ends the body. False: `out` is full,
 * and the rest is lost. */
bool msg_decoder_feed(
    struct msg_decoder *d, struct pst_str in, bool last, struct buf *out);
void msg_decoder_free(struct msg_decoder **d);

/* For comparing without case: i;unicode-casemap in the spirit of RFC 5051
 * (full case folding, compatibility decomposition), fast for ASCII. */
bool msg_casefold(struct pst_str utf8, struct buf *out);
/* For putting in order: i;unicode-casemap (RFC 5051) to the letter. Results
 * compare as octets. */
bool msg_casemap(struct pst_str utf8, struct buf *out);
/* In composed form (NFC), without control characters but TAB. What is no UTF-8
 * stays as it is. */
bool msg_compose(struct pst_str utf8, struct buf *out);

#endif
