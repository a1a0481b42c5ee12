/*
 * delivery/places.c - see places.h.
 */
#include "delivery/places.h"

#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "mailbox/place.h"

#include <stdlib.h>

enum { KEYWORD_MAX = 255 };

struct filling {
	const struct delivery *d;
	struct receiver *r;
	const struct mail_append *plain;
	/* Mailboxes that have it. */
	char **had;
	size_t n, cap;
};

/* --- flags -----------------------------------------------------------------
 */

static const struct {
	const char *name;
	uint32_t flag;
} system_flags[] = {
	{ "\\Answered", PST_ANSWERED },
	{ "\\Deleted", PST_DELETED },
	{ "\\Draft", PST_DRAFT },
	{ "\\Flagged", PST_FLAGGED },
	{ "\\Seen", PST_SEEN },
};

struct flags {
	uint32_t system;
	const char *keyword[PST_KEYWORDS_MAX];
	size_t keywords;
	struct arena *arena;
};

/* An atom of IMAP (RFC 3501, 9). */
static bool
is_keyword(struct pst_str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f ||
		    strchr("(){%*\"\\]", name.p[i]) != NULL)
			return false;
	return name.n > 0 && name.n <= KEYWORD_MAX;
}

static void
add_keyword(struct flags *f, struct pst_str name)
{
	for (size_t i = 0; i < f->keywords; i++)
		if (str_is_case(name, f->keyword[i]))
			return;
	if (is_keyword(name) && f->keywords < PST_KEYWORDS_MAX)
		f->keyword[f->keywords++] = arena_text(f->arena, name);
}

/* What is no flag is left out (RFC 5232, 2). */
static void
add_flag(struct flags *f, struct pst_str name)
{
	for (size_t i = 0; i < sizeof(system_flags) / sizeof(system_flags[0]);
	     i++) {
		if (str_is_case(name, system_flags[i].name)) {
			f->system |= system_flags[i].flag;
			return;
		}
	}
	add_keyword(f, name);
}

/* --- names -----------------------------------------------------------------
 */

struct use {
	struct pst_str use;
	char *name;
};

static void
take_use(void *arg, const struct pst_mailbox *row)
{
	struct use *u = arg;

	if (row->exists && u->name == NULL &&
	    str_is_case(u->use, row->special_use))
		u->name = str_dup(str_of(row->name));
}

static char *
name_of_use(struct mail_account *acct, struct pst_str use)
{
	struct use u = { .use = use };
	struct pst_error err;

	(void)mailbox_each(acct, take_use, &u, &err);
	return u.name;
}

char *
places_clean_name(struct pst_str name)
{
	struct buf clean;
	char *text = NULL;

	buf_init(&clean, 2048);
	if (mailbox_name_clean(name, &clean) == PST_OK)
		text = str_dup(buf_str(&clean));
	buf_fini(&clean);
	return text;
}

char *
places_name(const struct delivery *d, const struct receiver *r, size_t place)
{
	const struct sieve_action *a = r->filter->place[place].action;
	const char *junk;
	char *name = NULL;

	if (a->kind == SIEVE_KEEP) {
		junk = d->junk ? delivery_junk_mailbox(d) : NULL;
		return str_dup(str_of(junk != NULL ? junk : "INBOX"));
	}
	if (a->special_use.n > 0)
		name = name_of_use(r->acct, a->special_use);
	return name != NULL ? name : places_clean_name(a->mailbox);
}

/* --- one place -------------------------------------------------------------
 */

static bool
has_it(const struct filling *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->had[i], name) == 0)
			return true;
	return false;
}

static void
note(struct filling *f, const char *name)
{
	mem_grow(&f->had, &f->cap, f->n + 1, sizeof(*f->had));
	f->had[f->n++] = str_dup(str_of(name));
}

static enum pst_rc
append_at(struct filling *f, const struct mail_place *place, const char *name,
    const struct mail_append *append, struct pst_error *err)
{
	struct mail_append bare = *append;
	struct mail_appended where;
	enum pst_rc rc;

	if (!mail_stage_fits(append->stage, place->account))
		return pst_fail(
		    err, PST_E_PERM, 0, "%s: in another storage", name);
	rc = mail_append_to(place, append, 1, &where, err);
	/* No room for more keywords: it matters more where it is. */
	if (rc == PST_E_LIMIT && append->keyword_count > 0) {
		bare.keyword_count = 0;
		rc = mail_append_to(place, &bare, 1, &where, err);
	}
	if (rc == PST_OK) {
		delivery_note_stored(f->r, name, &where);
		note(f, name);
	}
	return rc;
}

static const char *
known_use(struct pst_str use)
{
	static const char *const uses[] = { "\\Archive", "\\Drafts", "\\Junk",
		"\\Sent", "\\Trash" };

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (str_is_case(use, uses[i]))
			return uses[i];
	return "";
}

/* RFC 5490, 3.2; RFC 8579, 4.1: with its use. */
static enum pst_rc
create(const struct mail_user *u, const char *name,
    const struct sieve_action *a, struct pst_error *err)
{
	struct mail_place place;
	enum pst_rc rc = mail_place_new(u, name, &place, err);

	if (rc != PST_OK)
		return rc;
	rc = mail_place_create(
	    u, &place, place.is_shared ? "" : known_use(a->special_use), err);
	mail_place_fini(&place);
	if (rc == PST_OK)
		(void)mailbox_subscribe(u->own, name, true, err);
	return rc == PST_E_EXISTS ? PST_OK : rc;
}

static enum pst_rc
put_at(struct filling *f, const char *name, const struct sieve_action *a,
    const struct mail_append *append, struct pst_error *err)
{
	const struct mail_user u = {
		.accounts = f->d->sv->accounts,
		.store = f->d->sv->store,
		.own = f->r->acct,
		.address = mail_account_id(f->r->acct),
	};
	struct mail_place place;
	enum pst_rc rc = PST_E_NOTFOUND;

	for (int i = 0; i < 2; i++) {
		rc = mail_place_find(&u, name, ACL_INSERT, &place, err);
		if (rc == PST_OK) {
			rc = append_at(f, &place, name, append, err);
			mail_place_fini(&place);
		}
		if (i > 0 || rc != PST_E_NOTFOUND || !a->create)
			break;
		rc = create(&u, name, a, err);
		if (rc != PST_OK)
			break;
	}
	return rc;
}

/* With the keyword by which mail programs know junk (RFC 5788 registry). */
static enum pst_rc
put(struct filling *f, size_t i, const struct mail_append *plain,
    const char *name, struct pst_error *err)
{
	const struct sieve_action *a = f->r->filter->place[i].action;
	bool is_junk = a->kind == SIEVE_KEEP && strcmp(name, "INBOX") != 0;
	struct flags flags = { .arena = arena_new(0) };
	struct mail_append append = *plain;
	enum pst_rc rc;

	for (size_t k = 0; k < a->flags; k++)
		add_flag(&flags, a->flag[k]);
	if (is_junk)
		add_keyword(&flags, STR("$Junk"));
	append.flags = flags.system;
	append.keywords = flags.keyword;
	append.keyword_count = flags.keywords;
	rc = put_at(f, name, a, &append, err);
	arena_free(&flags.arena);
	return rc;
}

/* --- all of them -----------------------------------------------------------
 */

static void
complain(const struct filling *f, const char *name, const struct pst_error *err)
{
	const char *user = mail_account_id(f->r->acct);

	log_event(PST_LOG_WARNING, 0, "not-filed", "user", user, "mailbox",
	    name, "rc", rc_name(err->rc), "text", err->detail, NULL);
	trail_event(NULL, "not-filed", "user", user, "mailbox", name, "why",
	    err->detail[0] != '\0' ? err->detail : rc_name(err->rc), NULL);
}

/* It comes again later, if nobody has it. */
static bool
is_for_now(enum pst_rc rc)
{
	return rc == PST_E_TEMP || rc == PST_E_NOSPACE || rc == PST_E_QUOTA;
}

/* INBOX instead; that it is in another place counts as well. */
static enum pst_rc
put_into_inbox(struct filling *f, const struct mail_append *plain,
    const char *name, struct pst_error *err)
{
	const struct mail_place inbox = mail_place_own(f->r->acct, "INBOX");
	enum pst_rc rc;

	/* A junk mailbox that is not there is no failure. */
	if (err->rc != PST_E_NOTFOUND || !f->d->junk)
		complain(f, name, err);
	if (has_it(f, "INBOX"))
		return PST_OK;
	*err = (struct pst_error){ 0 };
	rc = append_at(f, &inbox, "INBOX", plain, err);
	if (rc != PST_OK && f->n > 0) {
		complain(f, "INBOX", err);
		rc = PST_OK;
	}
	return rc;
}

static enum pst_rc
fill_one(struct filling *f, size_t i, struct pst_error *err)
{
	struct filter *filter = f->r->filter;
	char *name = places_name(f->d, f->r, i);
	struct mail_append append = *f->plain;
	enum pst_rc rc;

	append.last = f->plain->last && i + 1 == filter->places;
	if (name == NULL)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "there is no such name");
	else if (filter->place[i].has_it) {
		note(f, name);
		rc = PST_OK;
	} else if (has_it(f, name))
		rc = PST_OK;
	else
		rc = put(f, i, &append, name, err);
	err->rc = rc;
	if (rc != PST_OK && (!is_for_now(rc) || f->n > 0))
		rc = put_into_inbox(f, &append, name != NULL ? name : "", err);
	free(name);
	return rc;
}

enum pst_rc
places_fill(const struct delivery *d, struct receiver *r,
    const struct mail_append *plain, struct pst_error *err)
{
	struct filling f = { .d = d, .r = r, .plain = plain };
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; rc == PST_OK && i < r->filter->places; i++)
		rc = fill_one(&f, i, err);
	for (size_t i = 0; i < f.n; i++)
		free(f.had[i]);
	free(f.had);
	return rc;
}
