/*
 * imap/envelope.c - ENVELOPE (RFC 3501, 7.4.2 and 9).
 */
#include "imap/envelope.h"

#include "base/str.h"
#include "imap/respond.h"

/*
 * A host that is NIL marks the ends of a group, so that an address without a
 * domain has an empty one.
 */
static void
put_address(struct buf *out, const struct msg_address *ad)
{
	switch (ad->kind) {
	case MSG_GROUP_END:
		(void)buf_puts(out, "(NIL NIL NIL NIL)");
		return;
	case MSG_GROUP_START:
		(void)buf_puts(out, "(NIL NIL ");
		imap_put_string(out, ad->mailbox);
		(void)buf_puts(out, " NIL)");
		return;
	case MSG_ADDRESS:
		break;
	}
	(void)buf_putc(out, '(');
	imap_put_nstring(out, ad->name);
	(void)buf_putc(out, ' ');
	imap_put_nstring(out, ad->route);
	(void)buf_putc(out, ' ');
	imap_put_string(out, ad->mailbox);
	(void)buf_putc(out, ' ');
	imap_put_string(out, ad->host);
	(void)buf_putc(out, ')');
}

static void
put_addresses(struct buf *out, const struct msg_address *list)
{
	if (list == NULL) {
		(void)buf_puts(out, " NIL");
		return;
	}
	(void)buf_puts(out, " (");
	for (; list != NULL; list = list->next)
		put_address(out, list);
	(void)buf_putc(out, ')');
}

void
imap_put_envelope(
    struct buf *out, struct arena *scratch, const struct msg_part *part)
{
	struct msg_envelope env;

	msg_envelope(scratch, part, &env);
	(void)buf_putc(out, '(');
	imap_put_nstring(out, env.date);
	(void)buf_putc(out, ' ');
	imap_put_nstring(out, env.subject);
	put_addresses(out, env.from);
	put_addresses(out, env.sender);
	put_addresses(out, env.reply_to);
	put_addresses(out, env.to);
	put_addresses(out, env.cc);
	put_addresses(out, env.bcc);
	(void)buf_putc(out, ' ');
	imap_put_nstring(out, env.in_reply_to);
	(void)buf_putc(out, ' ');
	imap_put_nstring(out, env.message_id);
	(void)buf_putc(out, ')');
}
