/*
 * imap/acl.c - SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314,
 * 3).
 *
 * The owner of a mailbox has all rights without an entry, and no entry changes
 * that. Administrators have some in public mailboxes in the same way.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/places.h"
#include "imap/respond.h"

static const char no_mailbox[] = "[NONEXISTENT] Mailbox does not exist";

static bool
is_enabled(struct imap_session *s)
{
	return net_config(s->c)->sharing.enabled;
}

static enum imap_step
disabled(struct imap_session *s)
{
	return imap_bad_command(s, "Access control lists are not enabled");
}

/* --- identifiers -------------------------------------------------------------
 */

struct who {
	struct pst_str shown; /* as the client wrote it */
	char clean[ACL_IDENTIFIER_MAX];
};

/* Without a domain it is somebody of the user's own. */
static bool
identifier(struct imap_session *s, struct imap_parser *ps, struct who *w)
{
	const char *domain = strrchr(s->address, '@');
	struct buf full;
	bool good;

	if (!imap_astring(ps, &w->shown))
		return false;
	buf_init(&full, ACL_IDENTIFIER_MAX);
	good = w->shown.n > 0 && buf_add_str(&full, w->shown);
	if (good && str_find(w->shown, '@') == w->shown.n &&
	    !str_is_case(w->shown, "anyone") &&
	    !str_is_case(w->shown, "-anyone") && domain != NULL)
		good = buf_puts(&full, domain);
	good = good && acl_clean_identifier(buf_str(&full), w->clean);
	buf_fini(&full);
	return good || imap_bad(ps, "Invalid identifier");
}

static const char *
name_of(const struct who *w)
{
	return w->clean + (w->clean[0] == '-');
}

static bool
is_owner(const struct mail_place *place, const struct who *w)
{
	return strcmp(name_of(w), mail_account_id(place->account)) == 0;
}

/* Rights that come without an entry. */
static unsigned
required(
    struct imap_session *s, const struct mail_place *place, const struct who *w)
{
	struct account_user user;
	struct pst_error err;

	if (w->clean[0] == '-')
		return 0;
	if (is_owner(place, w))
		return ACL_ALL;
	if (place->is_public &&
	    account_find(s->sv->accounts, w->clean, &user, &err) == PST_OK &&
	    user.is_admin)
		return MAIL_PUBLIC_ADMIN;
	return 0;
}

/* --- changing ----------------------------------------------------------------
 */

static bool
parse_mailbox(struct imap_parser *ps, char **name)
{
	return imap_space(ps) && imap_mailbox(ps, name);
}

static bool
parse_identifier(
    struct imap_session *s, struct imap_parser *ps, char **name, struct who *w)
{
	return parse_mailbox(ps, name) && imap_space(ps) &&
	       identifier(s, ps, w);
}

static bool
mod_rights(struct imap_parser *ps, enum acl_change *change, unsigned *rights)
{
	struct pst_str text;

	if (!imap_astring(ps, &text))
		return false;
	return acl_parse_change(text, change, rights) ||
	       imap_bad(ps, "Unknown right");
}

/* A change that leaves the owner all rights is none. */
static bool
keeps_all(const struct who *w, enum acl_change change, unsigned rights)
{
	bool gives = change == ACL_ADD ||
		     (change == ACL_SET && rights == ACL_ALL);

	if (w->clean[0] == '-')
		return change == ACL_TAKE || rights == 0;
	return gives || (change == ACL_TAKE && rights == 0);
}

/* True: the list is to be changed; else the answer is set. */
static bool
may_change(struct imap_session *s, const struct mail_place *place,
    const struct who *w, enum acl_change change, unsigned rights,
    enum imap_step *step_r)
{
	struct account_user user;
	struct pst_error err;

	if (is_owner(place, w)) {
		*step_r = keeps_all(w, change, rights)
			      ? imap_ok(s, "The owner has all rights")
			      : imap_no(s, "[CANNOT] The owner's rights cannot "
					   "be taken");
		return false;
	}
	/* Else each user could fill the lists of all others. */
	if (change != ACL_TAKE && rights != 0 &&
	    strcmp(w->clean, "anyone") == 0 && !place->is_public &&
	    !net_config(s->c)->sharing.anyone) {
		*step_r = imap_no(
		    s, "[NOPERM] Mailboxes are not shared with anyone here");
		return false;
	}
	/* Nobody who is not there yet gets rights. */
	if (change == ACL_TAKE || rights == 0 ||
	    strcmp(name_of(w), "anyone") == 0 ||
	    account_find(s->sv->accounts, name_of(w), &user, &err) == PST_OK)
		return true;
	*step_r = err.rc == PST_E_NOTFOUND
		      ? imap_no(s, "[CANNOT] There is no such user")
		      : imap_fail(s, &err, no_mailbox);
	return false;
}

static enum imap_step
change_acl(struct imap_session *s, const struct mail_place *place,
    const struct who *w, enum acl_change change, unsigned rights,
    const char *text)
{
	struct buf told;
	struct pst_error err;
	enum pst_rc rc = mail_acl_change(s->sv->accounts, place->account,
	    place->name, w->clean, change, rights, &err);

	if (rc != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	buf_init(&told, 64);
	(void)buf_puts(&told, change == ACL_ADD	   ? "+"
			      : change == ACL_TAKE ? "-"
						   : "=");
	acl_put_rights(&told, rights);
	(void)buf_putc(&told, '\0');
	log_event(PST_LOG_INFO, net_id(s->c), "acl-set", "by", s->address,
	    "owner", mail_account_id(place->account), "mailbox", place->name,
	    "identifier", w->clean, "rights", told.p, NULL);
	buf_fini(&told);
	return imap_ok(s, text);
}

static enum imap_step
set_acl(struct imap_session *s, const char *name, const struct who *w,
    enum acl_change change, unsigned rights, const char *text)
{
	struct mail_place place;
	struct pst_error err;
	enum imap_step step;

	if (imap_place(s, name, ACL_ADMINISTER, &place, &err) != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	if (may_change(s, &place, w, change, rights, &step))
		step = change_acl(s, &place, w, change, rights, text);
	mail_place_fini(&place);
	return step;
}

enum imap_step
imap_setacl(struct imap_session *s, struct imap_parser *ps)
{
	enum acl_change change;
	unsigned rights;
	struct who w;
	char *name;

	if (!is_enabled(s))
		return disabled(s);
	if (!parse_identifier(s, ps, &name, &w) || !imap_space(ps) ||
	    !mod_rights(ps, &change, &rights) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	return set_acl(s, name, &w, change, rights, "Setacl completed");
}

enum imap_step
imap_deleteacl(struct imap_session *s, struct imap_parser *ps)
{
	struct who w;
	char *name;

	if (!is_enabled(s))
		return disabled(s);
	if (!parse_identifier(s, ps, &name, &w) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	return set_acl(s, name, &w, ACL_SET, 0, "Deleteacl completed");
}

/* --- asking ------------------------------------------------------------------
 */

static void
put_entry(struct buf *out, const char *identifier, unsigned rights)
{
	(void)buf_putc(out, ' ');
	imap_put_astring(out, str_of(identifier));
	(void)buf_putc(out, ' ');
	acl_put_rights(out, rights);
}

enum imap_step
imap_getacl(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out = imap_out(s);
	struct mail_place place;
	struct pst_error err;
	struct acl acl;
	enum pst_rc rc;
	char *name;

	if (!is_enabled(s))
		return disabled(s);
	if (!parse_mailbox(ps, &name) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (imap_place(s, name, ACL_ADMINISTER, &place, &err) != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	rc = mail_acl_get(place.account, place.name, &acl, &err);
	if (rc == PST_OK) {
		(void)buf_puts(out, "* ACL ");
		imap_put_mailbox(out, name, s->utf8);
		if (!place.is_public)
			put_entry(out, mail_account_id(place.account), ACL_ALL);
		for (size_t i = 0; i < acl.n; i++)
			put_entry(
			    out, acl.entry[i].identifier, acl.entry[i].rights);
		(void)buf_puts(out, "\r\n");
	}
	acl_fini(&acl);
	mail_place_fini(&place);
	return rc == PST_OK ? imap_ok(s, "Getacl completed")
			    : imap_fail(s, &err, no_mailbox);
}

/* One's own is not looked up by imap_place(). */
static enum pst_rc
exists(const struct mail_place *place, struct pst_error *err)
{
	struct acl acl;
	enum pst_rc rc = mail_acl_get(place->account, place->name, &acl, err);

	acl_fini(&acl);
	return rc;
}

enum imap_step
imap_listrights(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out = imap_out(s);
	struct mail_place place;
	struct pst_error err;
	unsigned always;
	struct who w;
	enum pst_rc rc;
	char *name;

	if (!is_enabled(s))
		return disabled(s);
	if (!parse_identifier(s, ps, &name, &w) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (imap_place(s, name, ACL_ADMINISTER, &place, &err) != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	rc = exists(&place, &err);
	always = required(s, &place, &w);
	mail_place_fini(&place);
	if (rc != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	(void)buf_puts(out, "* LISTRIGHTS ");
	imap_put_mailbox(out, name, s->utf8);
	(void)buf_putc(out, ' ');
	imap_put_astring(out, w.shown);
	(void)buf_puts(out, always == 0 ? " \"\"" : " ");
	acl_put_rights(out, always);
	acl_put_optional(out, always);
	(void)buf_puts(out, "\r\n");
	return imap_ok(s, "Listrights completed");
}

enum imap_step
imap_myrights(struct imap_session *s, struct imap_parser *ps)
{
	struct mail_place place;
	struct pst_error err;
	unsigned rights;
	enum pst_rc rc;
	char *name;

	if (!is_enabled(s))
		return disabled(s);
	if (!parse_mailbox(ps, &name) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	rc = imap_place(s, name, 0, &place, &err);
	if (rc == PST_OK) {
		rights = place.rights;
		rc = exists(&place, &err);
		mail_place_fini(&place);
	}
	if (rc != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	imap_put_myrights(s, name, rights);
	return imap_ok(s, "Myrights completed");
}
