/*
 * imap/announce.c - LIST responses that LIST did not ask for.
 */
#include "imap/announce.h"

#include "base/str.h"
#include "imap/places.h"
#include "imap/respond.h"

struct lookup {
	const char *name;
	size_t length;
	bool exists, subscribed, has_children;
	char use[64];
};

static void
look(void *arg, const struct pst_mailbox *row)
{
	struct lookup *l = arg;

	if (strncmp(row->name, l->name, l->length) != 0)
		return;
	if (row->name[l->length] == '/')
		l->has_children |= row->exists;
	if (row->name[l->length] != '\0')
		return;
	l->exists |= row->exists; /* it may be told of twice */
	l->subscribed |= row->subscribed;
	if (*row->special_use == '\0')
		return;
	(void)str_copy(l->use, sizeof(l->use), str_of(row->special_use));
}

static void
put_attributes(struct buf *out, const struct lookup *l)
{
	if (!l->exists)
		(void)buf_puts(out, "\\NonExistent ");
	(void)buf_puts(
	    out, l->has_children ? "\\HasChildren" : "\\HasNoChildren");
	if (l->subscribed)
		(void)buf_puts(out, " \\Subscribed");
	if (l->use[0] != '\0') {
		(void)buf_putc(out, ' ');
		(void)buf_puts(out, l->use);
	}
}

void
imap_announce(struct imap_session *s, const char *name, struct pst_str old)
{
	struct lookup l = { .name = name, .length = strlen(name) };
	struct buf *out = imap_out(s), text;
	struct pst_error err;

	if (imap_each_mailbox(s, imap_is_shared(s, name), look, &l, &err) !=
	    PST_OK) {
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-list", &err);
		return;
	}
	(void)buf_puts(out, "* LIST (");
	put_attributes(out, &l);
	(void)buf_puts(out, ") \"/\" ");
	imap_put_mailbox(out, name, s->utf8);
	if (old.p != NULL) {
		buf_init(&text, 65536);
		(void)buf_add_str(&text, old);
		(void)buf_putc(&text, '\0');
		(void)buf_puts(out, " (\"OLDNAME\" (");
		if (text.n == old.n + 1)
			imap_put_mailbox(out, text.p, s->utf8);
		(void)buf_puts(out, "))");
		buf_fini(&text);
	}
	(void)buf_puts(out, "\r\n");
}

void
imap_announce_given(
    struct imap_session *s, const char *name, struct pst_str given)
{
	if (given.p != NULL && (s->enabled & IMAP_REV2))
		imap_announce(s, name, given);
}
