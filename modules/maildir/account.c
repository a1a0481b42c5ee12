/*
 * account.c - accounts: ROOT/domain/user, made on sight, with the files that
 * belong to no single mailbox (last UIDVALIDITY, account metadata,
 * subscriptions). An account that is opened twice is shared.
 */
#include "maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void
acct_free(struct pst_acct *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	li_account_fini(&a->files);
	md_usage_free(a);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_mutex_destroy(&a->sums_lock);
	free(a->path);
	free(a->id);
	free(a);
}

static enum pst_rc
read_account(struct pst_acct *a, struct pst_error *err)
{
	const struct pst_store *s = a->store;
	uint32_t floor;

	(void)pthread_mutex_lock(&a->store->lock);
	floor = s->base.uidvalidity;
	(void)pthread_mutex_unlock(&a->store->lock);
	a->files.host = s->host;
	a->files.module = "maildir";
	a->files.where = a->path;
	a->files.fd = a->fd;
	a->files.fsync = s->fsync;
	return li_account_read(&a->files, floor, err);
}

/* Makes a folder unless it is there; *made_r is set when it was not. */
static int
make_folder(const struct pst_store *s, int dirfd, const char *name, bool *made)
{
	if (mkdirat(dirfd, name, 0700) < 0)
		return errno == EEXIST ? 0 : errno;
	*made = true;
	return md_sync(s, dirfd);
}

/* "cur" comes last: with it the INBOX is there. */
static int
make_inbox(struct pst_acct *a, bool *created_r)
{
	struct stat st;
	bool made = false;
	int e;

	*created_r = false;
	if (fstatat(a->fd, "cur", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return errno;
	if ((mkdirat(a->fd, "tmp", 0700) < 0 && errno != EEXIST) ||
	    (mkdirat(a->fd, "new", 0700) < 0 && errno != EEXIST))
		return errno;
	e = make_folder(a->store, a->fd, "cur", &made);
	*created_r = e == 0;
	return e;
}

static enum pst_rc
open_account(struct pst_acct *a, bool *created_r, struct pst_error *err)
{
	const struct pst_store *s = a->store;
	struct li_buf domain = { 0 }, user = { 0 }, path = { 0 };
	enum pst_rc rc;
	int e = 0;

	rc = li_account_path(a->id, &domain, &user, err);
	if (rc != PST_OK)
		goto out;
	li_buf_printf(&path, "%s/%s", domain.p, user.p);
	free(a->path);
	a->path = li_strdup(path.p);
	a->fd = li_root_account(&s->base, domain.p, user.p, &e);
	if (e == 0)
		e = make_inbox(a, created_r);
	if (e != 0) {
		rc = pst_fail(err, e == ENOENT ? PST_E_TEMP : li_rc_of(e), e,
		    "the account %.150s cannot be opened", a->path);
		goto out;
	}
	rc = read_account(a, err);
	if (rc == PST_OK)
		rc = md_rename_finish(a, err);
out:
	if (rc != PST_OK && a->fd >= 0) {
		(void)close(a->fd);
		a->fd = -1;
		li_account_fini(&a->files);
	}
	li_buf_free(&domain);
	li_buf_free(&user);
	li_buf_free(&path);
	return rc;
}

enum pst_rc
md_acct_open(struct pst_store *s, const char *id, struct pst_acct **acct_r,
    bool *created_r, struct pst_error *err)
{
	struct pst_acct *a;
	enum pst_rc rc = PST_OK;

	(void)pthread_mutex_lock(&s->lock);
	for (a = s->accounts; a != NULL && strcmp(a->id, id) != 0;)
		a = a->next;
	if (a == NULL) {
		a = li_alloc(sizeof(*a));
		a->store = s;
		a->id = li_strdup(id);
		a->path = li_strdup("");
		a->fd = -1;
		(void)pthread_mutex_init(&a->lock, NULL);
		(void)pthread_mutex_init(&a->sums_lock, NULL);
		a->next = s->accounts;
		s->accounts = a;
	}
	a->users++;
	(void)pthread_mutex_unlock(&s->lock);

	*created_r = false;
	(void)pthread_mutex_lock(&a->lock);
	if (!a->is_open) {
		rc = open_account(a, created_r, err);
		a->is_open = rc == PST_OK;
	}
	(void)pthread_mutex_unlock(&a->lock);
	if (rc != PST_OK) {
		md_acct_close(a);
		return rc;
	}
	*acct_r = a;
	return PST_OK;
}

void
md_acct_close(struct pst_acct *a)
{
	struct pst_store *s = a->store;
	struct pst_acct **at;
	bool last;

	(void)pthread_mutex_lock(&s->lock);
	last = --a->users == 0;
	if (last) {
		for (at = &s->accounts; *at != a;)
			at = &(*at)->next;
		*at = a->next;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (last)
		acct_free(a);
}

bool
md_acct_exists(struct pst_store *s, const char *id)
{
	struct li_buf domain = { 0 }, user = { 0 }, path = { 0 };
	struct stat st;
	bool exists;

	exists = li_account_path(id, &domain, &user, NULL) == PST_OK;
	if (exists) {
		li_buf_printf(&path, "%s/%s/cur", domain.p, user.p);
		exists = fstatat(s->fd, path.p, &st, 0) == 0;
	}
	li_buf_free(&domain);
	li_buf_free(&user);
	li_buf_free(&path);
	return exists;
}

enum pst_rc
md_acct_remove(struct pst_store *s, const char *id, struct pst_error *err)
{
	struct li_buf domain = { 0 }, user = { 0 };
	struct pst_acct *a;
	enum pst_rc rc;

	(void)pthread_mutex_lock(&s->lock);
	for (a = s->accounts; a != NULL && strcmp(a->id, id) != 0;)
		a = a->next;
	(void)pthread_mutex_unlock(&s->lock);
	if (a != NULL)
		return pst_fail(err, PST_E_CONFLICT, 0, "%.150s is in use", id);
	rc = li_account_path(id, &domain, &user, err);
	if (rc == PST_OK)
		rc = li_root_remove(
		    &s->base, &s->lock, domain.p, user.p, LI_ACCOUNT_FILE, err);
	li_buf_free(&domain);
	li_buf_free(&user);
	return rc;
}

/* --- subscriptions and metadata --------------------------------------------
 */

enum pst_rc
md_subscribe(struct pst_acct *a, const char *name, bool subscribed,
    struct pst_error *err)
{
	enum pst_rc rc;

	(void)pthread_mutex_lock(&a->lock);
	rc = li_account_subscribe(&a->files, name, subscribed, err);
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}

enum pst_rc
md_meta_get(struct pst_acct *a, const char *name, const char *prefix,
    pst_value_fn fn, void *arg, struct pst_error *err)
{
	struct li_metas found = { 0 };
	struct li_buf dir = { 0 };
	struct md_folder *f;
	enum pst_rc rc = PST_OK;

	if (name != NULL)
		rc = md_folder_encode(name, &dir, err);
	(void)pthread_mutex_lock(&a->lock);
	if (name == NULL) {
		li_metas_collect(&a->files.state.meta, prefix, &found);
	} else if (rc == PST_OK) {
		rc = md_folder_get(a, dir.p, &f, err);
		if (rc == PST_OK) {
			li_mailstate_metas(&f->base, prefix, &found);
			md_folder_put(f);
		}
	}
	(void)pthread_mutex_unlock(&a->lock);
	li_metas_tell(&found, fn, arg);
	li_buf_free(&dir);
	return rc;
}

enum pst_rc
md_meta_put(struct pst_acct *a, const char *name, const char *key,
    struct pst_str value, struct pst_error *err)
{
	struct li_buf dir = { 0 };
	struct md_folder *f;
	enum pst_rc rc = PST_OK;

	if (key[0] == '\0')
		return pst_fail(err, PST_E_SYNTAX, 0, "an entry has no name");
	if (name != NULL)
		rc = md_folder_encode(name, &dir, err);
	(void)pthread_mutex_lock(&a->lock);
	if (name == NULL) {
		rc = li_account_meta_set(&a->files, key, value, err);
	} else if (rc == PST_OK) {
		rc = md_folder_get(a, dir.p, &f, err);
		if (rc == PST_OK) {
			rc = li_mailstate_meta_set(&f->base, key, value, err);
			md_folder_put(f);
		}
	}
	(void)pthread_mutex_unlock(&a->lock);
	li_buf_free(&dir);
	return rc;
}
