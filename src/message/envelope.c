/*
 * message/envelope.c - what IMAP calls the envelope (RFC 3501, 7.4.2): the
 * fields of a header that tell who wrote what to whom and when.
 */
#include "base/str.h"
#include "message/header.h"

enum { ADDRESSES_MAX = 16384 }; /* of one field name */

static struct pst_str
text_of(struct arena *a, const struct msg_part *part, const char *name)
{
	const struct msg_field *f = msg_field(part, name);
	struct pst_str s;

	if (f == NULL)
		return STR_NONE;
	s = msg_unfold(a, f->value);
	/* There, though empty. */
	return s.p != NULL ? s : str_n(f->value.p, 0);
}

/* Fields that occur more than once are read as one with commas between. */
static struct msg_address *
addresses_of(struct arena *a, const struct msg_part *part, const char *name)
{
	struct msg_address *first = NULL, **link = &first;
	const struct msg_field *f;
	size_t i = 0, left = ADDRESSES_MAX;

	while (left > 0 && (f = msg_next_field(part, name, &i)) != NULL) {
		*link = msg_addresses(a, f->value, left);
		for (; *link != NULL; link = &(*link)->next)
			left -= left > 0;
	}
	return first;
}

void
msg_envelope(
    struct arena *a, const struct msg_part *part, struct msg_envelope *out)
{
	out->date = text_of(a, part, "Date");
	out->subject = text_of(a, part, "Subject");
	out->in_reply_to = text_of(a, part, "In-Reply-To");
	out->message_id = text_of(a, part, "Message-ID");
	out->from = addresses_of(a, part, "From");
	out->sender = addresses_of(a, part, "Sender");
	out->reply_to = addresses_of(a, part, "Reply-To");
	out->to = addresses_of(a, part, "To");
	out->cc = addresses_of(a, part, "Cc");
	out->bcc = addresses_of(a, part, "Bcc");
	if (out->sender == NULL)
		out->sender = out->from;
	if (out->reply_to == NULL)
		out->reply_to = out->from;
}
