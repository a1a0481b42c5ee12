/*
 * imap/capability.c - CAPABILITY (RFC 3501, 6.1.1): what is announced when.
 *
 * Before the login only what matters then: clients ask again, or read the
 * answer to LOGIN and AUTHENTICATE, which tells the rest.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/hide.h"
#include "imap/message_limit.h"

static const struct {
	const char *name;
	unsigned states;
} capabilities[] = {
	{ "IMAP4rev1", IMAP_ANY },
	{ "IMAP4rev2", IMAP_ANY },
	{ "LITERAL+", IMAP_ANY },
	{ "SASL-IR", IMAP_FRESH },
	{ "ID", IMAP_ANY },
	{ "ENABLE", IMAP_ANY },
	{ "IDLE", IMAP_ANY },
	{ "NAMESPACE", IMAP_USER },
	{ "CHILDREN", IMAP_USER },
	{ "LIST-EXTENDED", IMAP_USER },
	{ "SPECIAL-USE", IMAP_USER },
	{ "CREATE-SPECIAL-USE", IMAP_USER },
	{ "UIDPLUS", IMAP_USER },
	{ "UNSELECT", IMAP_USER },
	{ "MOVE", IMAP_USER },
	{ "CONDSTORE", IMAP_USER },
	{ "QRESYNC", IMAP_USER },
	{ "STATUS=SIZE", IMAP_USER },
	{ "LIST-STATUS", IMAP_USER },
	{ "SAVEDATE", IMAP_USER },
	{ "OBJECTID", IMAP_USER },
	{ "UIDONLY", IMAP_USER },
	{ "NOTIFY", IMAP_USER },
	{ "UIDBATCHES", IMAP_USER },
	{ "INPROGRESS", IMAP_USER },
	{ "MULTIAPPEND", IMAP_USER },
	{ "CATENATE", IMAP_USER },
	{ "BINARY", IMAP_USER },
	{ "PREVIEW", IMAP_USER },
	{ "UTF8=ACCEPT", IMAP_USER },
	{ "METADATA", IMAP_USER },
	{ "METADATA-SERVER", IMAP_USER },
	{ "LIST-METADATA", IMAP_USER },
	{ "QUOTA", IMAP_USER },
	{ "QUOTA=RES-MESSAGE", IMAP_USER },
	{ "QUOTA=RES-STORAGE", IMAP_USER },
	{ "REPLACE", IMAP_USER },
	{ "FILTERS", IMAP_USER },
	{ "ESEARCH", IMAP_USER },
	{ "SEARCHRES", IMAP_USER },
	{ "WITHIN", IMAP_USER },
	{ "PARTIAL", IMAP_USER },
	{ "SORT", IMAP_USER },
	{ "SORT=DISPLAY", IMAP_USER },
	{ "ESORT", IMAP_USER },
	{ "SEARCH=FUZZY", IMAP_USER },
	{ "THREAD=ORDEREDSUBJECT", IMAP_USER },
	{ "THREAD=REFERENCES", IMAP_USER },
	{ "THREAD=REFS", IMAP_USER },
	{ "I18NLEVEL=1", IMAP_USER },
	{ "MULTISEARCH", IMAP_USER },
	{ "CONTEXT=SEARCH", IMAP_USER },
	{ "CONTEXT=SORT", IMAP_USER },
};

static void
put_login_capabilities(struct imap_session *s, struct buf *out)
{
	struct pst_str rest, name;

	if (net_tls_offered(s->c))
		(void)buf_puts(out, " STARTTLS");
	if (!net_auth_allowed(s->c)) {
		(void)buf_puts(out, " LOGINDISABLED");
		return;
	}
	rest = str_of(sasl_mechanisms(net_tls_active(s->c)));
	while (str_split(&rest, ' ', &name)) {
		if (name.n == 0)
			continue;
		(void)buf_puts(out, " AUTH=");
		(void)buf_add_str(out, name);
	}
}

/* All mailboxes have the same one (RFC 7889, 2). */
static void
put_append_limit(struct imap_session *s, struct buf *out)
{
	uint64_t most = (uint64_t)net_config(s->c)->imap.message_size;

	(void)buf_puts(out, " APPENDLIMIT=");
	(void)buf_put_u64(out, most < UINT32_MAX ? most : UINT32_MAX);
}

/* RFC 9738, 3 */
static void
put_message_limit(struct imap_session *s, struct buf *out)
{
	uint64_t limit = imap_message_limit(s);

	if (limit == 0)
		return;
	(void)buf_puts(out, " MESSAGELIMIT=");
	(void)buf_put_u64(out, limit);
}

static void
put_unless_hidden(struct imap_session *s, const char *name, struct buf *out)
{
	if (imap_is_hidden(s, name))
		return;
	(void)buf_putc(out, ' ');
	(void)buf_puts(out, name);
}

void
imap_capabilities(struct imap_session *s, struct buf *out)
{
	const char *space = "";

	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]);
	     i++) {
		if (!(capabilities[i].states & s->state) ||
		    imap_is_hidden(s, capabilities[i].name))
			continue;
		(void)buf_puts(out, space);
		(void)buf_puts(out, capabilities[i].name);
		space = " ";
	}
	if (s->state != IMAP_FRESH && !imap_is_hidden(s, "APPENDLIMIT"))
		put_append_limit(s, out);
	if (s->state != IMAP_FRESH && !imap_is_hidden(s, "MESSAGELIMIT"))
		put_message_limit(s, out);
	/* RFC 8437, 3: it cannot end the compression. */
	if (s->state != IMAP_FRESH && !net_deflate_active(s->c)) {
		put_unless_hidden(s, "COMPRESS=DEFLATE", out);
		put_unless_hidden(s, "UNAUTHENTICATE", out);
	}
	if (s->state != IMAP_FRESH && net_config(s->c)->sharing.enabled) {
		put_unless_hidden(s, "ACL", out);
		/* RFC 4314, 5.1.1: what RFC 2086 did not have */
		if (!imap_is_hidden(s, "ACL"))
			put_unless_hidden(s, "RIGHTS=texk", out);
		put_unless_hidden(s, "LIST-MYRIGHTS", out);
	}
	if (s->is_admin) /* who alone may do it (RFC 9208, 4.1.3) */
		put_unless_hidden(s, "QUOTASET", out);
	if (s->state == IMAP_FRESH)
		put_login_capabilities(s, out);
	else
		imap_log_hidden(s);
}

void
imap_put_capabilities(struct imap_session *s)
{
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* CAPABILITY ");
	imap_capabilities(s, out);
	(void)buf_puts(out, "\r\n");
}

enum imap_step
imap_capability(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	imap_put_capabilities(s);
	return imap_ok(s, "Capability completed");
}
