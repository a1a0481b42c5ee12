/*
 * mailbox/mailboxes.c - mailboxes by name: list, create, delete, rename,
 * subscribe, status.
 */
#include "mailbox/priv.h"

#include "base/str.h"
#include "mailbox/metadata.h"
#include "mailbox/watch.h"
#include <stdlib.h>
#include <uninorm.h>

enum { NAME_MAX_OCTETS = 1000, NAME_MAX_LEVELS = 32 };

/* C0 and C1, separators of lines and of paragraphs (RFC 6855, 3); `s` is
 * UTF-8. */
static bool
has_control(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char *p = (const unsigned char *)s.p + i;

		if (*p < 0x20 || *p == 0x7f)
			return true;
		if (*p == 0xc2 && p[1] < 0xa0)
			return true;
		if (*p == 0xe2 && p[1] == 0x80 &&
		    (p[2] == 0xa8 || p[2] == 0xa9))
			return true;
	}
	return false;
}

static enum pst_rc
check_levels(struct pst_str name)
{
	struct pst_str level;
	unsigned levels = 0;

	while (str_split(&name, '/', &level)) {
		if (level.n == 0)
			return PST_E_SYNTAX;
		if (++levels > NAME_MAX_LEVELS)
			return PST_E_LIMIT;
	}
	return PST_OK;
}

enum pst_rc
mailbox_name_clean(struct pst_str name, struct buf *out)
{
	size_t before = out->n;
	struct pst_str clean;

	if (name.n == 0 || !str_is_utf8(name) || has_control(name))
		return PST_E_SYNTAX;
	if (name.n > NAME_MAX_OCTETS)
		return PST_E_LIMIT;
	if (str_is_ascii(name)) {
		if (!buf_add_str(out, name))
			return PST_E_LIMIT;
	} else {
		size_t n = 0;
		uint8_t *nfc = u8_normalize(
		    UNINORM_NFC, (const uint8_t *)name.p, name.n, NULL, &n);
		bool ok = nfc != NULL && n <= NAME_MAX_OCTETS &&
			  buf_add(out, nfc, n);

		free(nfc);
		if (!ok)
			return PST_E_LIMIT;
	}
	clean = str_from(buf_str(out), before);
	/* INBOX without case, also as the first level (RFC 3501, 5.1). */
	if (str_has_prefix_case(clean, "INBOX") &&
	    (clean.n == 5 || clean.p[5] == '/'))
		memcpy(out->p + before, "INBOX", 5);
	return check_levels(clean);
}

enum pst_rc
mailbox_each(struct mail_account *acct, pst_mailbox_fn fn, void *arg,
    struct pst_error *err)
{
	enum pst_rc rc = account_enter(acct)->list(acct->acct, fn, arg, err);

	account_leave(acct);
	return rc;
}

static void
take_name(void *arg, const struct pst_mailbox *row)
{
	struct mailbox_names *names = arg;

	if (!row->exists)
		return;
	mem_grow(&names->v, &names->cap, names->n + 1, sizeof(*names->v));
	names->v[names->n++] = str_dup(str_of(row->name));
}

enum pst_rc
mailbox_names(struct mail_account *acct, struct mailbox_names *names_r,
    struct pst_error *err)
{
	*names_r = (struct mailbox_names){ 0 };
	return mailbox_each(acct, take_name, names_r, err);
}

void
mailbox_names_fini(struct mailbox_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct mailbox_names){ 0 };
}

enum pst_rc
mailbox_create(struct mail_account *acct, const char *name,
    const char *special_use, struct pst_error *err)
{
	enum pst_rc rc;

	if (strcmp(name, "INBOX") == 0)
		return pst_fail(err, PST_E_EXISTS, 0, "INBOX exists");
	rc = account_enter(acct)->create(acct->acct, name, special_use, err);
	account_leave(acct);
	if (rc == PST_OK)
		watch_tell(acct, name, WATCH_CREATED, NULL, true);
	return rc;
}

enum pst_rc
mailbox_subscribe(struct mail_account *acct, const char *name, bool subscribed,
    struct pst_error *err)
{
	enum pst_rc rc = account_enter(acct)->subscribe(
	    acct->acct, name, subscribed, err);

	account_leave(acct);
	if (rc == PST_OK)
		watch_tell(acct, name, WATCH_SUBSCRIBED, NULL, true);
	return rc;
}

/* After the module's removal: who has it open finds it gone, or goes on when it
 * could not be removed. io is held. */
static void
bury(struct mailbox *mb, enum pst_rc rc)
{
	if (rc == PST_OK || rc == PST_E_NOTFOUND) {
		atomic_store(&mb->dead, true);
		mailbox_close_box(mb);
	} else {
		mailbox_resume_box(mb);
	}
	pthread_mutex_lock(&mb->lock);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
}

enum pst_rc
mailbox_meta_get(struct mail_account *acct, const char *name,
    const char *prefix, pst_value_fn fn, void *arg, struct pst_error *err)
{
	enum pst_rc rc = account_enter(acct)->meta_get(
	    acct->acct, name, prefix, fn, arg, err);

	account_leave(acct);
	return rc;
}

enum pst_rc
mailbox_meta_set(struct mail_account *acct, const char *name, const char *key,
    struct pst_str value, struct pst_error *err)
{
	enum pst_rc rc = account_enter(acct)->meta_set(
	    acct->acct, name, key, value, err);

	account_leave(acct);
	return rc;
}

enum pst_rc
mailbox_delete(
    struct mail_account *acct, const char *name, struct pst_error *err)
{
	struct mailbox *mb;
	enum pst_rc rc;

	if (strcmp(name, "INBOX") == 0)
		return pst_fail(err, PST_E_DENIED, 0, "INBOX stays");
	pthread_rwlock_wrlock(&acct->names);
	mb = mailbox_find(acct, name);
	if (mb != NULL) {
		pthread_mutex_lock(&mb->io);
		mailbox_suspend_box(mb);
	}
	rc = (account_keeps(acct)
		  ? acct->st->ops->remove_keep
		  : acct->st->ops->remove)(acct->acct, name, err);
	if (mb != NULL) {
		bury(mb, rc);
		pthread_mutex_unlock(&mb->io);
	}
	pthread_rwlock_unlock(&acct->names);
	mailbox_put(&mb);
	if (rc == PST_OK)
		watch_tell(acct, name, WATCH_DELETED, NULL, true);
	/* Its messages don't count any more. */
	account_forget_usage(acct);
	return rc;
}

/* --- rename
 * -------------------------------------------------------------------------- */

static bool
is_below(const char *name, const char *parent)
{
	size_t n = strlen(parent);

	return strncmp(name, parent, n) == 0 && name[n] == '/';
}

/* INBOX: its messages go, it stays (RFC 3501, 6.3.5). */
static enum pst_rc
rename_inbox(struct mail_account *acct, const char *to, struct pst_error *err)
{
	static const struct pst_range everything = { 1, UINT32_MAX };
	struct mailbox_view *inbox;
	struct view_copied moved = { 0 };
	enum pst_rc rc = mailbox_create(acct, to, "", err);

	if (rc != PST_OK)
		return rc;
	rc = view_open(acct, "INBOX", false, NULL, &inbox, err);
	if (rc != PST_OK)
		return rc;
	if (view_count(inbox) > 0)
		rc = view_copy(inbox, (struct pst_uids){ &everything, 1 }, acct,
		    to, true, &moved, err);
	if (rc == PST_OK)
		rc = metadata_copy(acct, "INBOX", to, err);
	view_copied_fini(&moved);
	view_close(&inbox);
	return rc;
}

static int
compare_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct mailbox *const *)a;
	uintptr_t y = (uintptr_t) * (struct mailbox *const *)b;

	return x < y ? -1 : x > y;
}

static void
set_name(struct mailbox *mb, const char *from, const char *to)
{
	struct old_name *old = mem_alloc(sizeof(*old));
	struct buf name;

	buf_init(&name, 4096);
	(void)buf_puts(&name, to);
	(void)buf_puts(&name, mb->name + strlen(from));
	old->text = mb->name;
	old->next = mb->old_names;
	pthread_mutex_lock(&mb->acct->ms->lock);
	mb->old_names = old;
	mb->name = str_dup(buf_str(&name));
	pthread_mutex_unlock(&mb->acct->ms->lock);
	buf_fini(&name);
}

/* The mailboxes below a level, without what is below them. */
struct below {
	const char *level;
	char **name;
	size_t n, cap;
};

static void
note_below(void *arg, const struct pst_mailbox *row)
{
	struct below *b = arg;

	/* Parents are listed before their children. */
	if (!row->exists || !is_below(row->name, b->level) ||
	    (b->n > 0 && is_below(row->name, b->name[b->n - 1])))
		return;
	mem_grow(&b->name, &b->cap, b->n + 1, sizeof(*b->name));
	b->name[b->n++] = str_dup(str_of(row->name));
}

/* `back`: to what it was. */
static enum pst_rc
rename_below(struct mail_account *acct, const char *name, const char *from,
    const char *to, bool back, struct pst_error *err)
{
	enum pst_rc rc;
	struct buf other;

	buf_init(&other, 4096);
	(void)buf_puts(&other, to);
	(void)buf_puts(&other, name + strlen(from));
	(void)buf_putc(&other, '\0');
	if (other.overflow)
		rc = pst_fail(err, PST_E_LIMIT, 0, "%s: too long", to);
	else
		rc = acct->st->ops->rename(acct->acct, back ? other.p : name,
		    back ? name : other.p, err);
	buf_fini(&other);
	return rc;
}

/* A level that is no mailbox itself goes with what is below it (RFC 9051,
 * 6.3.6); if one of these cannot be renamed, all stay as they are. */
static enum pst_rc
rename_level(struct mail_account *acct, const char *from, const char *to,
    struct pst_error *err)
{
	struct below b = { .level = from };
	struct pst_error ignored;
	enum pst_rc rc = acct->st->ops->list(acct->acct, note_below, &b, err);
	size_t done = 0;

	if (rc == PST_OK && b.n == 0)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "%s: not there", from);
	while (rc == PST_OK && done < b.n) {
		rc = rename_below(acct, b.name[done], from, to, false, err);
		done += rc == PST_OK;
	}
	for (size_t i = 0; i < b.n; i++) {
		if (rc != PST_OK && i < done)
			(void)rename_below(
			    acct, b.name[i], from, to, true, &ignored);
		free(b.name[i]);
	}
	free(b.name);
	return rc;
}

enum pst_rc
mailbox_rename(struct mail_account *acct, const char *from, const char *to,
    struct pst_error *err)
{
	struct mailbox **open;
	enum pst_rc rc;
	size_t n;

	if (strcmp(to, "INBOX") == 0)
		return pst_fail(err, PST_E_EXISTS, 0, "INBOX exists");
	if (strcmp(from, "INBOX") == 0)
		return rename_inbox(acct, to, err);
	if (strcmp(from, to) == 0)
		return pst_fail(err, PST_E_EXISTS, 0, "%s: the same name", to);
	if (is_below(to, from))
		return pst_fail(err, PST_E_PERM, 0, "%s: below itself", to);
	/* Who goes through the lists of access meanwhile may find one under
	 * neither name, and shall see that there is more to it. */
	pthread_mutex_lock(&acct->acl_lock);
	pthread_rwlock_wrlock(&acct->names);
	open = mailbox_find_tree(acct, from, &n);
	if (n > 1)
		qsort(open, n, sizeof(struct mailbox *), compare_address);
	for (size_t i = 0; i < n; i++) {
		pthread_mutex_lock(&open[i]->io);
		mailbox_suspend_box(open[i]);
	}
	rc = acct->st->ops->rename(acct->acct, from, to, err);
	if (rc == PST_E_NOTFOUND)
		rc = rename_level(acct, from, to, err);
	for (size_t i = 0; i < n; i++) {
		if (!atomic_load(&open[i]->dead)) {
			if (rc == PST_OK)
				set_name(open[i], from, to);
			mailbox_resume_box(open[i]);
		}
		pthread_mutex_unlock(&open[i]->io);
	}
	pthread_rwlock_unlock(&acct->names);
	atomic_fetch_add(&acct->acl_changes, 1);
	pthread_mutex_unlock(&acct->acl_lock);
	for (size_t i = 0; i < n; i++)
		mailbox_put(&open[i]);
	free(open);
	if (rc == PST_OK)
		watch_tell(acct, to, WATCH_RENAMED, from, true);
	return rc;
}

/* --- status
 * ------------------------------------------------------------------------------
 */

static bool
is_seen(const struct pst_row *row, struct seen *own)
{
	return own != NULL ? uidset_has(&seen_set_of(own)->uids, row->uid)
			   : (row->flags & PST_SEEN) != 0;
}

enum pst_rc
mailbox_status(struct mail_account *acct, const char *name,
    struct mailbox_status *s, struct pst_error *err)
{
	struct mail_place own = mail_place_own(acct, name);

	return mailbox_status_at(&own, s, err);
}

enum pst_rc
mailbox_status_at(const struct mail_place *place, struct mailbox_status *s,
    struct pst_error *err)
{
	struct mail_account *acct = place->account;
	struct mailbox *mb;
	enum pst_rc rc = mailbox_get(
	    acct, place->name, MAILBOX_LOADED, &mb, err);
	struct seen *own = NULL;
	struct config *cfg;
	bool blind;

	*s = (struct mailbox_status){ 0 };
	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&mb->io);
	pthread_mutex_lock(&mb->lock);
	blind = !mb->watched || atomic_load(&mb->stirred);
	pthread_mutex_unlock(&mb->lock);
	if (blind)
		rc = mailbox_refresh(mb, err);
	if (rc == PST_OK && place->private_seen)
		rc = seen_get(mb, place->user, &own, err);
	pthread_mutex_unlock(&mb->io);

	pthread_mutex_lock(&mb->lock);
	s->state = mb->state;
	if (own != NULL)
		s->state.highestmodseq = seen_highest(
		    seen_set_of(own), s->state.highestmodseq);
	s->messages = (uint32_t)mb->n;
	for (size_t i = 0; i < mb->n; i++) {
		const struct pst_row *row = &mb->row[i];

		s->size += row->size;
		s->unseen += !is_seen(row, own);
		if (row->flags & PST_DELETED) {
			s->deleted++;
			s->deleted_size += row->size;
		}
		s->recent += row->uid >= mb->recent_first;
	}
	pthread_mutex_unlock(&mb->lock);
	seen_put(mb, &own);
	mailbox_put(&mb);
	cfg = mailstore_config(acct->ms);
	s->append_limit = (uint64_t)cfg->imap.message_size;
	config_unref(&cfg);
	return rc;
}
