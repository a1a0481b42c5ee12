/*
 * imap/enable.c - ENABLE (RFC 5161). What can be enabled is a row in the table.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/modseq.h"

static const struct {
	const char *name;
	unsigned bits; /* with what it brings along */
} extensions[] = {
	{ "CONDSTORE", IMAP_CONDSTORE },
	{ "IMAP4rev2", IMAP_REV2 },
	{ "QRESYNC", IMAP_QRESYNC | IMAP_CONDSTORE },
	{ "UIDONLY", IMAP_UIDONLY },
	{ "UTF8=ACCEPT", IMAP_UTF8 },
};
enum { EXTENSIONS = sizeof(extensions) / sizeof(extensions[0]) };

/* Names that are not known are ignored (3.1). */
static unsigned
extension_of(struct pst_str name)
{
	for (unsigned i = 0; i < EXTENSIONS; i++) {
		if (str_is_case(name, extensions[i].name))
			return 1u << i;
	}
	return 0;
}

enum imap_step
imap_enable(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out = imap_out(s);
	struct pst_str name;
	unsigned wanted = 0;

	if (!imap_space(ps))
		return imap_bad_arguments(s, ps);
	do {
		if (!imap_atom(ps, &name))
			return imap_bad_arguments(s, ps);
		wanted |= extension_of(name);
	} while (imap_skip(ps, ' '));
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	(void)buf_puts(out, "* ENABLED");
	for (unsigned i = 0; i < EXTENSIONS; i++) {
		if (!(wanted & 1u << i))
			continue;
		(void)buf_putc(out, ' ');
		(void)buf_puts(out, extensions[i].name);
	}
	(void)buf_puts(out, "\r\n");
	for (unsigned i = 0; i < EXTENSIONS; i++) {
		if (!(wanted & 1u << i))
			continue;
		if (extensions[i].bits & IMAP_CONDSTORE)
			imap_condstore(s);
		s->enabled |= extensions[i].bits;
	}
	s->utf8 = s->enabled & (IMAP_UTF8 | IMAP_REV2);
	return imap_ok(s, "Enable completed");
}
