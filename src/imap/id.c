/*
 * imap/id.c - ID (RFC 2971): who talks to whom, for solving problems.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/hide.h"
#include <stdlib.h>

enum { FIELDS_MAX = 30, FIELD_LENGTH = 30, VALUE_LENGTH = 1024 }; /* 3.3 */

struct client_id {
	char name[128], version[128];
};

static bool
pair(struct imap_parser *ps, struct client_id *id)
{
	struct pst_str field, value;

	if (!imap_string(ps, &field) || !imap_space(ps) ||
	    !imap_nstring(ps, &value))
		return false;
	if (field.n > FIELD_LENGTH || value.n > VALUE_LENGTH)
		return imap_bad(ps, "Field is too long");
	if (str_is_case(field, "name"))
		(void)str_copy(id->name, sizeof(id->name), value);
	else if (str_is_case(field, "version"))
		(void)str_copy(id->version, sizeof(id->version), value);
	return true;
}

static bool
parse(struct imap_parser *ps, struct client_id *id)
{
	unsigned n = 0;

	memset(id, 0, sizeof(*id));
	if (!imap_space(ps))
		return false;
	if (imap_skip_word(ps, "NIL"))
		return imap_end(ps);
	if (!imap_expect(ps, '('))
		return false;
	if (imap_skip(ps, ')'))
		return imap_end(ps);
	do {
		if (++n > FIELDS_MAX)
			return imap_bad(ps, "Too many fields");
		if (!pair(ps, id))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')') && imap_end(ps);
}

/* Rules about clients may apply from now on, or not any more: what was
 * announced is announced anew then. */
static void
remember(struct imap_session *s, const char *name)
{
	uint64_t before = imap_hiding_rules(s);

	free(s->client);
	s->client = *name != '\0' ? str_dup(str_of(name)) : NULL;
	if (imap_hiding_rules(s) != before)
		imap_put_capabilities(s);
}

enum imap_step
imap_id(struct imap_session *s, struct imap_parser *ps)
{
	struct client_id id;

	if (!parse(ps, &id))
		return imap_bad_arguments(s, ps);
	if (id.name[0] != '\0')
		log_event(PST_LOG_DEBUG, net_id(s->c), "client", "name",
		    id.name, "version",
		    id.version[0] != '\0' ? id.version : NULL, NULL);
	remember(s, id.name);
	(void)buf_puts(imap_out(s), "* ID (\"name\" \"Postern\")\r\n");
	return imap_ok(s, "ID completed");
}
