/*
 * imap/capability.c - CAPABILITY (RFC 3501, 6.1.1): what is announced when.
 *
 * Before the login only what matters then: clients ask again, or read the
 * answer to LOGIN and AUTHENTICATE, which tells the rest.
 */
#include "base/str.h"
#include "imap/commands.h"

static const struct {
	const char *name;
	unsigned states;
} capabilities[] = {
	{ "IMAP4rev1", IMAP_ANY },
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

void
imap_capabilities(struct imap_session *s, struct buf *out)
{
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]);
	     i++) {
		if (!(capabilities[i].states & s->state))
			continue;
		if (i > 0)
			(void)buf_putc(out, ' ');
		(void)buf_puts(out, capabilities[i].name);
	}
	if (s->state == IMAP_FRESH)
		put_login_capabilities(s, out);
}

enum imap_step
imap_capability(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out = imap_out(s);

	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	(void)buf_puts(out, "* CAPABILITY ");
	imap_capabilities(s, out);
	(void)buf_puts(out, "\r\n");
	return imap_ok(s, "Capability completed");
}
