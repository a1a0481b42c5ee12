/*
 * message/header.h - the values of header fields: ENVELOPE, dates, encoded
 * words, identifiers, subjects for sorting.
 *
 * Pure.
 */
#ifndef MESSAGE_HEADER_H
#define MESSAGE_HEADER_H

#include "message/address.h"
#include "message/message.h"

/* As IMAP's ENVELOPE (RFC 3501, 7.4.2). Unfolded, not decoded; p NULL: the
 * field is absent. Sender and Reply-To default to From. Address fields that
 * occur more than once are joined, of at most 16384 addresses. */
struct msg_envelope {
	struct pst_str date, subject, in_reply_to, message_id;
	struct msg_address *from, *sender, *reply_to, *to, *cc, *bcc;
};
void msg_envelope(
    struct arena *a, const struct msg_part *part, struct msg_envelope *out);

/* Without line ends; white space at the ends gone. */
struct pst_str msg_unfold(struct arena *a, struct pst_str value);

/* RFC 2047 decoded to UTF-8; unknown charsets and broken words stay readable
 * (U+FFFD). Also takes raw 8-bit text, as UTF-8 or else Latin-1. Line ends are
 * removed, and controls that were encoded. False: `utf8` is full. */
bool msg_decode_words(struct pst_str value, struct buf *utf8);

/* RFC 5322, 3.3 with the obsolete forms and common mistakes. Seconds since
 * 1970 UTC and the zone's offset in minutes. */
bool msg_parse_date(struct pst_str value, int64_t *seconds_r, int *zone_r);
/* "Mon, 23 Nov 2026 12:00:00 +0000" (31 octets + NUL); beyond the years 0 to
 * 9999 the nearest that has that form. */
void msg_format_date(int64_t seconds, int zone_minutes, char out[40]);

/* Takes the next "<...>" of Message-ID, References or In-Reply-To off `*rest`,
 * with the brackets, without white space inside. Comments and all other text
 * between them are passed over. */
bool msg_next_id(struct arena *a, struct pst_str *rest, struct pst_str *id_r);

/*
 * The authserv-id of an Authentication-Results field (RFC 8601, 2.2), from its
 * value so far; `last`: there is no more of it. A field without one is
 * MSG_RESULTS_NONE, and so is an id that is longer than 255 octets.
 */
enum msg_results { MSG_RESULTS_MORE, MSG_RESULTS_NONE, MSG_RESULTS_ID };
enum msg_results msg_results_id(
    struct pst_str value, bool last, char id_r[256]);

/* RFC 5256, 2.1: the base subject, from a decoded one. *reply_r: it was a
 * reply or forward. */
struct pst_str msg_base_subject(
    struct arena *a, struct pst_str utf8, bool *reply_r);

#endif
