/*
 * imap/places.c - from mailbox names to mailboxes, and the list of all that a
 * user may see.
 */
#include "imap/places.h"

#include "base/str.h"
#include "imap/respond.h"
#include "imap/select.h"
#include <stdlib.h>

struct mail_user
imap_user(struct imap_session *s)
{
	return (struct mail_user){ .accounts = s->sv->accounts,
		.store = s->sv->store,
		.own = s->account,
		.address = s->address };
}

enum pst_rc
imap_place(struct imap_session *s, const char *name, unsigned need,
    struct mail_place *place_r, struct pst_error *err)
{
	struct mail_user u = imap_user(s);

	return mail_place_find(&u, name, need, place_r, err);
}

bool
imap_is_shared(struct imap_session *s, const char *name)
{
	struct mail_user u = imap_user(s);

	return mail_is_shared_name(&u, name);
}

/* --- all mailboxes -----------------------------------------------------------
 */

/* A subscription to a mailbox of others is kept in one's own account. */
struct subscription {
	char *name;
	bool told;
};

struct listing {
	struct imap_session *s;
	pst_mailbox_fn fn;
	void *arg;
	bool shared;
	struct subscription *v;
	size_t n, cap;
};

static void
own(void *arg, const struct pst_mailbox *row)
{
	struct listing *l = arg;

	if (!imap_is_shared(l->s, row->name)) {
		l->fn(l->arg, row);
		return;
	}
	if (!row->subscribed || !l->shared)
		return;
	mem_grow(&l->v, &l->cap, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct subscription){ str_dup(str_of(row->name)),
		false };
}

static int
compare(const void *a, const void *b)
{
	const struct subscription *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool
is_subscribed(struct listing *l, const char *name)
{
	struct subscription key = { (char *)(uintptr_t)name, false }, *found;

	if (l->n == 0)
		return false;
	found = bsearch(&key, l->v, l->n, sizeof(*l->v), compare);
	if (found != NULL)
		found->told = true;
	return found != NULL;
}

static void
tell(struct listing *l, const char *name, bool exists, bool subscribed)
{
	const struct pst_mailbox row = { .name = name,
		.special_use = "",
		.exists = exists,
		.subscribed = subscribed };

	l->fn(l->arg, &row);
}

/* The levels above it are there, if not as mailboxes. */
static void
tell_levels(struct listing *l, const char *name)
{
	char *level = str_dup(str_of(name)), *slash;

	while ((slash = strrchr(level, '/')) != NULL) {
		*slash = '\0';
		tell(l, level, false, false);
	}
	free(level);
}

static void
shared(void *arg, const char *name, unsigned rights)
{
	struct listing *l = arg;

	(void)rights;
	tell(l, name, true, is_subscribed(l, name));
	tell_levels(l, name);
}

enum pst_rc
imap_each_mailbox(struct imap_session *s, bool with_shared, pst_mailbox_fn fn,
    void *arg, struct pst_error *err)
{
	struct listing l = { .s = s, .fn = fn, .arg = arg };
	struct mail_user u = imap_user(s);
	enum pst_rc rc;

	l.shared = with_shared;
	rc = mailbox_each(s->account, own, &l, err);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), compare);
	if (rc == PST_OK && with_shared)
		rc = mail_shared_each(&u, s->is_admin, shared, &l, err);
	for (size_t i = 0; i < l.n; i++) {
		if (rc == PST_OK && !l.v[i].told) {
			tell(&l, l.v[i].name, false, true);
			tell_levels(&l, l.v[i].name);
		}
		free(l.v[i].name);
	}
	free(l.v);
	return rc;
}

/* --- rights ------------------------------------------------------------------
 */

bool
imap_check_rights(struct imap_session *s)
{
	struct mail_user u = imap_user(s);
	bool changed;

	if (!view_check_rights(s->view, &u, &changed))
		return false;
	if (changed) /* RFC 4314, 5.1.1 */
		imap_put_flags_response(s);
	return true;
}

bool
imap_may_read(struct imap_session *s)
{
	struct mail_place place;
	struct pst_error err;

	if (imap_place(s, view_name(s->view), ACL_READ, &place, &err) == PST_OK)
		mail_place_fini(&place);
	else if (err.rc == PST_E_NOTFOUND || err.rc == PST_E_DENIED)
		return false;
	return true;
}

void
imap_put_myrights(struct imap_session *s, const char *name, unsigned rights)
{
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* MYRIGHTS ");
	imap_put_mailbox(out, name, s->utf8);
	(void)buf_putc(out, ' ');
	if (rights == 0)
		(void)buf_puts(out, "\"\"");
	acl_put_rights(out, rights);
	(void)buf_puts(out, "\r\n");
}
