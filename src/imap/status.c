/*
 * imap/status.c - STATUS (RFC 3501, 6.3.10). A further item is a row in the
 * table.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/respond.h"

static uint64_t
messages(const struct mailbox_status *st)
{
	return st->messages;
}

static uint64_t
recent(const struct mailbox_status *st)
{
	return st->recent;
}

static uint64_t
uidnext(const struct mailbox_status *st)
{
	return st->state.uidnext;
}

static uint64_t
uidvalidity(const struct mailbox_status *st)
{
	return st->state.uidvalidity;
}

static uint64_t
unseen(const struct mailbox_status *st)
{
	return st->unseen;
}

static uint64_t
deleted(const struct mailbox_status *st)
{
	return st->deleted;
}

/* In units of 1024 octets, as STORAGE (RFC 9208, 4.1.4 and 5.1). */
static uint64_t
deleted_storage(const struct mailbox_status *st)
{
	return st->deleted_size / 1024;
}

static uint64_t
append_limit(const struct mailbox_status *st)
{
	return st->append_limit < UINT32_MAX ? st->append_limit : UINT32_MAX;
}

static const struct {
	const char *name;
	uint64_t (*value)(const struct mailbox_status *st);
} items[] = {
	{ "APPENDLIMIT", append_limit },
	{ "DELETED", deleted },
	{ "DELETED-STORAGE", deleted_storage },
	{ "MESSAGES", messages },
	{ "RECENT", recent },
	{ "UIDNEXT", uidnext },
	{ "UIDVALIDITY", uidvalidity },
	{ "UNSEEN", unseen },
};
enum { ITEMS = sizeof(items) / sizeof(items[0]) };

static bool
parse_items(struct imap_parser *ps, unsigned *mask_r)
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

enum imap_step
imap_status(struct imap_session *s, struct imap_parser *ps)
{
	struct mailbox_status st;
	struct pst_error err;
	struct buf *out;
	const char *space = "";
	unsigned mask;
	char *name;

	if (!imap_space(ps) || !imap_mailbox(ps, &name) || !imap_space(ps) ||
	    !parse_items(ps, &mask) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (mailbox_status(s->account, name, &st, &err) != PST_OK)
		return imap_fail(
		    s, &err, "[NONEXISTENT] Mailbox does not exist");
	out = imap_out(s);
	(void)buf_puts(out, "* STATUS ");
	imap_put_mailbox(out, name, s->utf8);
	(void)buf_puts(out, " (");
	for (size_t i = 0; i < ITEMS; i++) {
		if (!(mask & (1u << i)))
			continue;
		(void)buf_printf(out, "%s%s ", space, items[i].name);
		(void)buf_put_u64(out, items[i].value(&st));
		space = " ";
	}
	(void)buf_puts(out, ")\r\n");
	return imap_ok(s, "Status completed");
}
