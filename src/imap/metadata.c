/*
 * imap/metadata.c - GETMETADATA and SETMETADATA (RFC 5464).
 *
 * Entries of the server belong to the user who sets them, so only /private ones
 * can be set there; /shared ones come from the configuration.
 */
#include "imap/metadata.h"

#include "base/str.h"
#include "imap/commands.h"
#include "imap/places.h"
#include "imap/respond.h"

enum { ENTRIES_MAX = 200 };

/* --- grammar -----------------------------------------------------------------
 */

static bool
entry_name(struct imap_parser *ps, bool above, struct imap_metadata_name *out)
{
	char clean[METADATA_NAME_MAX + 1];

	if (!imap_astring(ps, &out->shown))
		return false;
	if (!metadata_name_clean(out->shown, above, clean))
		return imap_bad(ps, "Invalid entry name");
	out->name = arena_text(ps->arena, str_of(clean));
	return true;
}

static bool
add_name(struct imap_parser *ps, bool above, struct imap_metadata_wish *out)
{
	if (out->name == NULL)
		out->name = arena_alloc(
		    ps->arena, IMAP_METADATA_NAMES_MAX * sizeof(*out->name));
	if (out->names == IMAP_METADATA_NAMES_MAX)
		return imap_bad(ps, "Too many entries");
	return entry_name(ps, above, &out->name[out->names++]);
}

bool
imap_metadata_names(
    struct imap_parser *ps, bool above, struct imap_metadata_wish *out)
{
	do {
		if (!add_name(ps, above, out))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

/* getmetadata-option: MAXSIZE and DEPTH (4.2.1, 4.2.2) */
static bool
options(struct imap_parser *ps, struct imap_metadata_wish *out)
{
	do {
		if (imap_skip_word(ps, "MAXSIZE")) {
			if (!imap_space(ps) || !imap_number(ps, &out->max_size))
				return false;
			continue;
		}
		if (!imap_skip_word(ps, "DEPTH") || !imap_space(ps))
			return imap_bad(ps, "Unknown option of GETMETADATA");
		if (imap_skip_word(ps, "0"))
			out->depth = 0;
		else if (imap_skip_word(ps, "1"))
			out->depth = 1;
		else if (imap_skip_word(ps, "infinity"))
			out->depth = UINT32_MAX;
		else
			return imap_bad(ps, "Invalid depth");
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

/* NULL: the server. */
static bool
mailbox_or_server(struct imap_parser *ps, char **name)
{
	struct pst_str wire;

	*name = NULL;
	return imap_astring(ps, &wire) &&
	       (wire.n == 0 || imap_mailbox_name(ps, wire, name));
}

static bool
begins_options(const struct imap_parser *ps)
{
	return imap_peek(ps) == '(' && ps->end - ps->p > 1 &&
	       ascii_is_alpha(ps->p[1]);
}

/* The options stand before the mailbox in the grammar, and behind it in the
 * examples of the RFC. */
static bool
parse_get(
    struct imap_parser *ps, char **mailbox, struct imap_metadata_wish *out)
{
	memset(out, 0, sizeof(*out));
	out->max_size = UINT32_MAX;
	if (!imap_space(ps))
		return false;
	if (imap_skip(ps, '(') && (!options(ps, out) || !imap_space(ps)))
		return false;
	if (!mailbox_or_server(ps, mailbox) || !imap_space(ps))
		return false;
	if (begins_options(ps) && imap_skip(ps, '(') &&
	    (!options(ps, out) || !imap_space(ps)))
		return false;
	if (imap_skip(ps, '('))
		return imap_metadata_names(ps, out->depth > 0, out) &&
		       imap_end(ps);
	do {
		if (!add_name(ps, out->depth > 0, out))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_end(ps);
}

/* --- GETMETADATA ------------------------------------------------------------
 */

struct putting {
	struct buf *out;
	struct imap_metadata_wish *wish;
	const char *mailbox;
	const struct imap_metadata_name *name; /* that is looked for */
	bool utf8, begun, found;
};

static void
put_name(struct putting *p, struct pst_str name)
{
	if (p->begun) {
		(void)buf_putc(p->out, ' ');
	} else {
		(void)buf_puts(p->out, "* METADATA ");
		if (p->mailbox != NULL)
			imap_put_mailbox(p->out, p->mailbox, p->utf8);
		else
			(void)buf_puts(p->out, "\"\"");
		(void)buf_puts(p->out, " (");
	}
	p->begun = true;
	imap_put_astring(p->out, name);
	(void)buf_putc(p->out, ' ');
}

static void
put_value(struct buf *out, struct pst_str value)
{
	if (value.n == 0 || memchr(value.p, '\0', value.n) == NULL) {
		imap_put_string(out, value);
		return;
	}
	(void)buf_puts(out, "~{");
	(void)buf_put_u64(out, value.n);
	(void)buf_puts(out, "}\r\n");
	(void)buf_add_str(out, value);
}

static void
put_entry(void *arg, const char *key, struct pst_str value)
{
	struct putting *p = arg;
	bool itself = strcmp(key, p->name->name) == 0;

	p->found |= itself;
	if (value.n > p->wish->max_size) {
		if (value.n > p->wish->too_long)
			p->wish->too_long = (uint32_t)value.n;
		return;
	}
	put_name(p, itself ? p->name->shown : str_of(key));
	put_value(p->out, value);
}

static void
put_computed(struct putting *p, const char *key, const char *value)
{
	if (metadata_is_within(key, p->name->name, p->wish->depth))
		put_entry(p, key, str_of(value));
}

/* RFC 5464, 3.2.1.1: how to reach the administrator, whom "postmaster" always
 * means. */
static void
put_admin(struct imap_session *s, struct putting *p)
{
	const char *own = strchr(s->address, '@');
	char value[400];

	(void)snprintf(value, sizeof(value), "mailto:postmaster@%s",
	    own != NULL ? own + 1 : net_config(s->c)->hostname);
	put_computed(p, "/shared/admin", value);
}

/* RFC 5466, 3.2: the operator's filters. */
static void
put_filters(struct imap_session *s, struct putting *p)
{
	const struct config *cfg = net_config(s->c);
	char key[METADATA_NAME_MAX + 1];

	for (size_t i = 0; i < cfg->filters; i++) {
		const struct config_filter *f = &cfg->filter[i];

		(void)snprintf(
		    key, sizeof(key), IMAP_SHARED_FILTERS "%s", f->name);
		put_computed(p, key, f->search);
		(void)snprintf(key, sizeof(key),
		    "/shared/filters/descriptions/%s", f->name);
		if (*f->description != '\0')
			put_computed(p, key, f->description);
	}
}

/* RFC 5464, 3.3 */
static enum pst_rc
find_place(struct imap_session *s, const char *mailbox, struct mail_place *p,
    struct pst_error *err)
{
	const unsigned any = ACL_READ | ACL_SEEN | ACL_WRITE | ACL_INSERT |
			     ACL_POST;
	enum pst_rc rc;

	*p = mail_place_own(s->account, mailbox);
	if (mailbox == NULL)
		return PST_OK;
	rc = imap_place(s, mailbox, ACL_LOOKUP, p, err);
	if (rc == PST_OK && !(p->rights & any)) {
		mail_place_fini(p);
		return pst_fail(err, PST_E_DENIED, 0, "not enough rights");
	}
	return rc;
}

/* Private entries are the owner's: nobody else has any there. */
static bool
is_hidden(const struct mail_place *p, const char *name)
{
	return p->is_shared && strncmp(name, "/private", 8) == 0;
}

static enum pst_rc
put_metadata(struct imap_session *s, const struct mail_place *place,
    struct putting *p, struct pst_error *err)
{
	struct imap_metadata_wish *wish = p->wish;
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < wish->names && rc == PST_OK; i++) {
		p->name = &wish->name[i];
		p->found = false;
		if (!is_hidden(place, p->name->name))
			rc = metadata_get(place->account, place->name,
			    p->name->name, wish->depth, put_entry, p, err);
		if (rc != PST_OK)
			break;
		if (place->name == NULL) {
			put_admin(s, p);
			put_filters(s, p);
		}
		if (!p->found && wish->depth == 0) {
			put_name(p, p->name->shown);
			(void)buf_puts(p->out, "NIL");
		}
	}
	return rc;
}

enum pst_rc
imap_put_metadata(struct imap_session *s, const char *mailbox,
    struct imap_metadata_wish *wish, struct pst_error *err)
{
	struct mail_place place;
	struct putting p = {
		.out = imap_out(s),
		.wish = wish,
		.mailbox = mailbox,
		.utf8 = s->utf8,
	};
	enum pst_rc rc = find_place(s, mailbox, &place, err);

	if (rc != PST_OK)
		return rc;
	rc = put_metadata(s, &place, &p, err);
	mail_place_fini(&place);
	if (p.begun)
		(void)buf_puts(p.out, ")\r\n");
	return rc;
}

enum imap_step
imap_getmetadata(struct imap_session *s, struct imap_parser *ps)
{
	struct imap_metadata_wish wish;
	struct pst_error err;
	char text[96], *mailbox;

	if (!parse_get(ps, &mailbox, &wish))
		return imap_bad_arguments(s, ps);
	if (imap_put_metadata(s, mailbox, &wish, &err) != PST_OK)
		return imap_fail(
		    s, &err, "[NONEXISTENT] Mailbox does not exist");
	if (wish.too_long == 0)
		return imap_ok(s, "Getmetadata completed");
	(void)snprintf(text, sizeof(text),
	    "[METADATA LONGENTRIES %u] Getmetadata completed",
	    (unsigned)wish.too_long);
	return imap_ok(s, text);
}

/* --- SETMETADATA ------------------------------------------------------------
 */

/* value = nstring / literal8 */
static bool
entry_value(struct imap_parser *ps, struct pst_str *out)
{
	bool binary = imap_skip(ps, '~');

	if (binary && imap_peek(ps) != '{')
		return imap_bad(ps, "Invalid value");
	if (!imap_nstring(ps, out))
		return false;
	return binary || out->n == 0 || memchr(out->p, '\0', out->n) == NULL ||
	       imap_bad(ps, "NUL is not allowed");
}

static bool
parse_set(struct imap_parser *ps, char **mailbox, struct metadata_entry *entry,
    size_t *n)
{
	struct imap_metadata_name name;

	if (!imap_space(ps) || !mailbox_or_server(ps, mailbox) ||
	    !imap_space(ps) || !imap_expect(ps, '('))
		return false;
	do {
		if (*n == ENTRIES_MAX)
			return imap_bad(ps, "Too many entries");
		if (!entry_name(ps, false, &name) || !imap_space(ps) ||
		    !entry_value(ps, &entry[*n].value))
			return false;
		entry[(*n)++].name = name.name;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')') && imap_end(ps);
}

static enum imap_step
set_failed(struct imap_session *s, const struct pst_error *err)
{
	if (err->rc == PST_E_LIMIT)
		return imap_no(s, "[METADATA TOOMANY] Too many entries");
	if (err->rc == PST_E_SYNTAX)
		return imap_no(s, "[CANNOT] No such special use");
	return imap_fail(s, err, "[NONEXISTENT] Mailbox does not exist");
}

/* RFC 5466, 3.2: a filter has to be a search. */
static bool
is_sound(struct imap_session *s, const char *mailbox,
    const struct metadata_entry *entry)
{
	static const char root[] = IMAP_PRIVATE_FILTERS;

	return mailbox != NULL || entry->value.p == NULL ||
	       strncmp(entry->name, root, sizeof(root) - 1) != 0 ||
	       strchr(entry->name + sizeof(root) - 1, '/') != NULL ||
	       imap_filter_is_sound(s, entry->value);
}

/* Others may change shared entries when they may change the messages. */
static enum imap_step
set_entries(struct imap_session *s, const char *mailbox,
    const struct metadata_entry *entry, size_t n)
{
	struct mail_place place;
	struct pst_error err;
	enum imap_step step;

	if (find_place(s, mailbox, &place, &err) != PST_OK)
		return set_failed(s, &err);
	for (size_t i = 0; i < n; i++) {
		if (!is_hidden(&place, entry[i].name))
			continue;
		mail_place_fini(&place);
		return imap_no(s, "[METADATA NOPRIVATE] No private entries in "
				  "mailboxes of others");
	}
	if (!(place.rights & ACL_WRITE))
		step = imap_no(s, "[NOPERM] Permission denied");
	else if (metadata_set(place.account, place.name, entry, n, &err) !=
		 PST_OK)
		step = set_failed(s, &err);
	else
		step = imap_ok(s, "Setmetadata completed");
	mail_place_fini(&place);
	return step;
}

enum imap_step
imap_setmetadata(struct imap_session *s, struct imap_parser *ps)
{
	struct metadata_entry *entry = imap_alloc(
	    s, ENTRIES_MAX * sizeof(*entry));
	char *mailbox, text[64];
	size_t n = 0;

	if (!parse_set(ps, &mailbox, entry, &n))
		return imap_bad_arguments(s, ps);
	for (size_t i = 0; i < n; i++) {
		if (mailbox == NULL && entry[i].name[1] == 's')
			return imap_no(s,
			    "[NOPERM] Shared entries of the server are "
			    "read-only");
		if (entry[i].value.n > METADATA_VALUE_MAX) {
			(void)snprintf(text, sizeof(text),
			    "[METADATA MAXSIZE %d] Value is too large",
			    METADATA_VALUE_MAX);
			return imap_no(s, text);
		}
		if (!is_sound(s, mailbox, &entry[i]))
			return imap_no(s, "[CANNOT] Filter is no valid search");
	}
	return set_entries(s, mailbox, entry, n);
}
