/*
 * imap/status.c - STATUS (RFC 3501, 6.3.10; RFC 7162, 3.1.7; RFC 8438; RFC
 * 8474, 4.3). A further item is a row in the table.
 */
#include "imap/status.h"

#include "base/str.h"
#include "imap/commands.h"
#include "imap/modseq.h"
#include "imap/places.h"
#include "imap/respond.h"

static void
put_messages(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->messages);
}

static void
put_recent(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->recent);
}

static void
put_uidnext(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->state.uidnext);
}

static void
put_uidvalidity(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->state.uidvalidity);
}

static void
put_unseen(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->unseen);
}

static void
put_deleted(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->deleted);
}

static void
put_size(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(
	    out, st->size <= INT64_MAX ? st->size : (uint64_t)INT64_MAX);
}

static void
put_modseq(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->state.highestmodseq);
}

static void
put_mailboxid(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_printf(out, "(%s)", st->state.objectid);
}

/* In units of 1024 octets, as STORAGE (RFC 9208, 4.1.4 and 5.1). */
static void
put_deleted_storage(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(out, st->deleted_size / 1024);
}

static void
put_append_limit(struct buf *out, const struct mailbox_status *st)
{
	(void)buf_put_u64(
	    out, st->append_limit < UINT32_MAX ? st->append_limit : UINT32_MAX);
}

static const struct {
	const char *name;
	void (*put)(struct buf *out, const struct mailbox_status *st);
} items[] = {
	{ "MESSAGES", put_messages },
	{ "RECENT", put_recent },
	{ "UIDNEXT", put_uidnext },
	{ "UIDVALIDITY", put_uidvalidity },
	{ "UNSEEN", put_unseen },
	{ "DELETED", put_deleted }, /* RFC 9051, 6.3.11 */
	{ "DELETED-STORAGE", put_deleted_storage },
	{ "SIZE", put_size },
	{ "HIGHESTMODSEQ", put_modseq },
	{ "MAILBOXID", put_mailboxid },
	{ "APPENDLIMIT", put_append_limit },
};
enum { ITEMS = sizeof(items) / sizeof(items[0]) };

bool
imap_status_items(struct imap_parser *ps, unsigned *mask_r)
{
	struct pst_str name;
	size_t i;

	*mask_r = 0;
	if (!imap_expect(ps, '('))
		return false;
	do {
		if (!imap_atom(ps, &name))
			return false;
		for (i = 0; i < ITEMS; i++) {
			if (str_is_case(name, items[i].name))
				break;
		}
		if (i == ITEMS)
			return imap_bad(ps, "Unknown status item");
		*mask_r |= 1u << i;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

void
imap_status_wanted(struct imap_session *s, unsigned mask)
{
	for (size_t i = 0; i < ITEMS; i++) {
		if ((mask & (1u << i)) && items[i].put == put_modseq)
			imap_condstore(s);
	}
}

void
imap_put_status(struct imap_session *s, const char *name, unsigned mask,
    const struct mailbox_status *st)
{
	struct buf *out = imap_out(s);
	const char *space = "";

	(void)buf_puts(out, "* STATUS ");
	imap_put_mailbox(out, name, s->utf8);
	(void)buf_puts(out, " (");
	for (size_t i = 0; i < ITEMS; i++) {
		if (!(mask & (1u << i)))
			continue;
		(void)buf_printf(out, "%s%s ", space, items[i].name);
		items[i].put(out, st);
		space = " ";
	}
	(void)buf_puts(out, ")\r\n");
}

enum imap_step
imap_status(struct imap_session *s, struct imap_parser *ps)
{
	struct mailbox_status st;
	struct mail_place place;
	struct pst_error err;
	enum pst_rc rc;
	unsigned mask;
	char *name;

	if (!imap_space(ps) || !imap_mailbox(ps, &name) || !imap_space(ps) ||
	    !imap_status_items(ps, &mask) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	imap_status_wanted(s, mask);
	rc = imap_place(s, name, ACL_READ, &place, &err);
	if (rc == PST_OK) {
		rc = mailbox_status_at(&place, &st, &err);
		mail_place_fini(&place);
	}
	if (rc != PST_OK)
		return imap_fail(
		    s, &err, "[NONEXISTENT] Mailbox does not exist");
	imap_put_status(s, name, mask, &st);
	return imap_ok(s, "Status completed");
}
