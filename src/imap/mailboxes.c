/*
 * imap/mailboxes.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501,
 * 6.3.3 to 6.3.7; OLDNAME of RFC 9051, 6.3.9.7), CREATE with a special use (RFC
 * 6154, 3) and MAILBOXID (RFC 8474, 4.1).
 */
#include "base/str.h"
#include "imap/announce.h"
#include "imap/commands.h"
#include "imap/places.h"

/*
 * "foo/" announces that names below foo will come (RFC 3501, 6.3.3): levels
 * need no preparation here, so it is as good as "foo".
 */
static bool
new_name(struct imap_parser *ps, char **name)
{
	struct pst_str wire;

	if (!imap_astring(ps, &wire))
		return false;
	if (wire.n > 1 && wire.p[wire.n - 1] == '/')
		wire.n--;
	return imap_mailbox_name(ps, wire, name);
}

/* Those that a mailbox can be, not the views of others' messages. */
static const char *const special_uses[] = { "\\Archive", "\\Drafts", "\\Junk",
	"\\Sent", "\\Trash" };

struct creation {
	char *name;
	const char *use; /* "" or from the table */
	bool use_refused;
};

static bool
use_attribute(struct imap_parser *ps, struct creation *cr)
{
	const char *start = ps->p;
	struct pst_str name;

	if (!imap_skip(ps, '\\') || !imap_atom(ps, &name))
		return imap_bad(ps, "Invalid special use");
	name = str_n(start, name.n + 1);
	for (size_t i = 0; i < sizeof(special_uses) / sizeof(special_uses[0]);
	     i++) {
		if (!str_is_case(name, special_uses[i]))
			continue;
		cr->use_refused |= *cr->use != '\0'; /* one is enough */
		cr->use = special_uses[i];
		return true;
	}
	cr->use_refused = true;
	return true;
}

/* create-param (RFC 4466, 2.2; RFC 6154, 6): "(" "USE" SP "(" ... ")" ")" */
static bool
create_parameters(struct imap_parser *ps, struct creation *cr)
{
	if (!imap_skip(ps, ' '))
		return true;
	if (!imap_expect(ps, '(') || !imap_skip_word(ps, "USE"))
		return imap_bad(ps, "Unknown CREATE parameter");
	if (!imap_space(ps) || !imap_expect(ps, '('))
		return false;
	if (!imap_skip(ps, ')')) {
		do {
			if (!use_attribute(ps, cr))
				return false;
		} while (imap_skip(ps, ' '));
		if (!imap_expect(ps, ')'))
			return false;
	}
	return imap_expect(ps, ')');
}

/* RFC 8474, 4.1 */
static enum imap_step
created(struct imap_session *s, const struct mail_place *place,
    const char *name, struct pst_str given)
{
	struct mailbox_status st;
	struct pst_error err;
	char text[96];

	imap_announce_given(s, name, given);
	if (mailbox_status_at(place, &st, &err) != PST_OK)
		return imap_ok(s, "Create completed"); /* gone already */
	(void)snprintf(text, sizeof(text), "[MAILBOXID (%s)] Create completed",
	    st.state.objectid);
	return imap_ok(s, text);
}

enum imap_step
imap_create(struct imap_session *s, struct imap_parser *ps)
{
	struct creation cr = { .use = "" };
	struct mail_user u = imap_user(s);
	struct mail_place place;
	struct pst_error err;
	enum imap_step step;

	if (!imap_space(ps) || !new_name(ps, &cr.name) ||
	    !create_parameters(ps, &cr) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (cr.use_refused)
		return imap_no(s, "[USEATTR] Special use is not supported");
	if (mail_place_new(&u, cr.name, &place, &err) != PST_OK)
		return imap_fail(s, &err, "[NONEXISTENT] No such mailbox");
	/* It would be the owner's (RFC 6154, 2). */
	if (place.is_shared && *cr.use != '\0')
		step = imap_no(s, "[USEATTR] Special use is not supported");
	else if (mail_place_create(&u, &place, cr.use, &err) != PST_OK)
		step = imap_fail(s, &err, "[NONEXISTENT] No such mailbox");
	else
		step = created(s, &place, cr.name, ps->given);
	mail_place_fini(&place);
	return step;
}

static bool
is_below(const char *name, const char *above)
{
	size_t n = strlen(above);

	return strncmp(name, above, n) == 0 && name[n] == '/';
}

struct children {
	const char *name;
	bool found;
};

static void
look_for_child(void *arg, const struct pst_mailbox *row)
{
	struct children *c = arg;

	c->found |= row->exists && is_below(row->name, c->name);
}

/* A level that is no mailbox goes with what is below it (RFC 9051, 6.3.5). */
static enum imap_step
not_deleted(
    struct imap_session *s, const char *name, const struct pst_error *err)
{
	struct children c = { .name = name };
	struct pst_error ignored;

	if (err->rc == PST_E_NOTFOUND && !imap_is_shared(s, name) &&
	    mailbox_each(s->account, look_for_child, &c, &ignored) == PST_OK &&
	    c.found)
		return imap_no(s, "[HASCHILDREN] Only a level of other names");
	return imap_fail(s, err, "[NONEXISTENT] Mailbox does not exist");
}

enum imap_step
imap_delete(struct imap_session *s, struct imap_parser *ps)
{
	struct mail_place place;
	struct pst_error err;
	enum pst_rc rc;
	char *name;

	if (!imap_space(ps) || !imap_mailbox(ps, &name) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (strcmp(name, "INBOX") == 0)
		return imap_no(s, "[CANNOT] INBOX cannot be deleted");
	rc = imap_place(s, name, ACL_REMOVE, &place, &err);
	if (rc == PST_OK) {
		rc = mailbox_delete(place.account, place.name, &err);
		mail_place_fini(&place);
	}
	if (rc != PST_OK)
		return not_deleted(s, name, &err);
	imap_deselect_dead(s);
	imap_announce_given(s, name, ps->given);
	return imap_ok(s, "Delete completed");
}

/* Within one account; others' INBOX stays as it is. */
static enum pst_rc
rename_at(const struct mail_place *from, const struct mail_place *to,
    struct pst_error *err)
{
	if (from->account != to->account)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.150s: to another account", from->name);
	if (from->is_shared && strcmp(from->name, "INBOX") == 0)
		return pst_fail(err, PST_E_DENIED, 0, "another user's INBOX");
	return mailbox_rename(from->account, from->name, to->name, err);
}

static enum pst_rc
rename_names(struct imap_session *s, const char *from, const char *to,
    struct pst_error *err)
{
	struct mail_user u = imap_user(s);
	struct mail_place old, new;
	enum pst_rc rc = imap_place(s, from, ACL_REMOVE, &old, err);

	if (rc != PST_OK)
		return rc;
	rc = mail_place_new(&u, to, &new, err);
	if (rc == PST_OK) {
		rc = rename_at(&old, &new, err);
		mail_place_fini(&new);
	}
	mail_place_fini(&old);
	return rc;
}

enum imap_step
imap_rename(struct imap_session *s, struct imap_parser *ps)
{
	struct pst_str given;
	struct pst_error err;
	char *from, *to;

	if (!imap_space(ps) || !imap_mailbox(ps, &from))
		return imap_bad_arguments(s, ps);
	given = ps->given;
	if (!imap_space(ps) || !new_name(ps, &to) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (strcmp(from, to) == 0)
		return imap_no(s, "[ALREADYEXISTS] Mailbox has this name");
	if (strcmp(from, "INBOX") != 0 && is_below(to, from))
		return imap_no(s, "[CANNOT] New name is below the old one");
	if (rename_names(s, from, to, &err) != PST_OK)
		return imap_fail(
		    s, &err, "[NONEXISTENT] Mailbox does not exist");
	imap_deselect_dead(s);
	/* RFC 9051, 6.3.6: one of them is not as it was given. */
	if (given.p == NULL && ps->given.p != NULL)
		given = str_of(from);
	imap_announce_given(s, to, given);
	return imap_ok(s, "Rename completed");
}

static enum imap_step
subscribe(struct imap_session *s, struct imap_parser *ps, bool on)
{
	struct pst_error err;
	char *name;

	if (!imap_space(ps) || !imap_mailbox(ps, &name) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (mailbox_subscribe(s->account, name, on, &err) != PST_OK)
		return imap_fail(
		    s, &err, "[NONEXISTENT] Mailbox does not exist");
	return imap_ok(s, on ? "Subscribe completed" : "Unsubscribe completed");
}

enum imap_step
imap_subscribe(struct imap_session *s, struct imap_parser *ps)
{
	return subscribe(s, ps, true);
}

enum imap_step
imap_unsubscribe(struct imap_session *s, struct imap_parser *ps)
{
	return subscribe(s, ps, false);
}
