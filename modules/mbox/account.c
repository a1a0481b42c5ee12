/*
 * account.c - accounts: ROOT/domain/user, made on sight, with the files that
 * belong to no single mailbox in the folder .postern of it. An account that is
 * opened twice is shared.
 */
#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void
acct_free(struct pst_acct *a)
{
	if (a->own_fd >= 0)
		(void)close(a->own_fd);
	if (a->fd >= 0)
		(void)close(a->fd);
	li_account_fini(&a->files);
	mb_usage_free(a);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_mutex_destroy(&a->sums_lock);
	free(a->path);
	free(a->id);
	free(a);
}

/* INBOX comes last: with it the account is there. */
static int
make_inbox(struct pst_acct *a, bool *created_r)
{
	int fd, e;

	if (mkdirat(a->fd, MB_OWN_FOLDER, 0700) < 0 && errno != EEXIST)
		return errno;
	a->own_fd = openat(a->fd, MB_OWN_FOLDER,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (a->own_fd < 0)
		return errno;
	fd = openat(a->fd, "INBOX",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : errno;
	(void)close(fd);
	e = mb_sync_file(a->store, a->fd);
	*created_r = e == 0;
	return e;
}

static enum pst_rc
read_files(struct pst_acct *a, struct pst_error *err)
{
	struct pst_store *s = a->store;
	uint32_t floor;
	enum pst_rc rc;

	a->files.host = s->host;
	a->files.module = "mbox";
	a->files.where = a->path;
	a->files.fd = a->own_fd;
	a->files.fsync = s->fsync;
	(void)pthread_mutex_lock(&s->lock);
	floor = s->root.uidvalidity;
	(void)pthread_mutex_unlock(&s->lock);
	rc = li_account_read(&a->files, floor, err);
	return rc != PST_OK ? rc : mb_rename_finish(a, err);
}

static enum pst_rc
open_account(struct pst_acct *a, bool *created_r, struct pst_error *err)
{
	struct li_buf domain = { 0 }, user = { 0 }, path = { 0 };
	enum pst_rc rc = li_account_path(a->id, &domain, &user, err);
	int e = 0;

	if (rc == PST_OK) {
		li_buf_printf(&path, "%s/%s", domain.p, user.p);
		free(a->path);
		a->path = li_strdup(path.p);
		a->fd = li_root_account(&a->store->root, domain.p, user.p, &e);
		if (a->fd >= 0)
			e = make_inbox(a, created_r);
		if (e != 0)
			rc = pst_fail(err,
			    e == ENOENT ? PST_E_TEMP : li_rc_of(e), e,
			    "the account %.150s cannot be opened", a->path);
	}
	if (rc == PST_OK)
		rc = read_files(a, err);
	if (rc != PST_OK) {
		if (a->fd >= 0)
			(void)close(a->fd);
		if (a->own_fd >= 0)
			(void)close(a->own_fd);
		a->fd = a->own_fd = -1;
		li_account_fini(&a->files);
	}
	li_buf_free(&domain);
	li_buf_free(&user);
	li_buf_free(&path);
	return rc;
}

static struct pst_acct *
find_account(struct pst_store *s, const char *id)
{
	struct pst_acct *a = s->accounts;

	while (a != NULL && strcmp(a->id, id) != 0)
		a = a->next;
	return a;
}

static struct pst_acct *
new_account(struct pst_store *s, const char *id)
{
	struct pst_acct *a = li_alloc(sizeof(*a));

	a->store = s;
	a->id = li_strdup(id);
	a->path = li_strdup("");
	a->fd = a->own_fd = -1;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_mutex_init(&a->sums_lock, NULL);
	a->next = s->accounts;
	s->accounts = a;
	return a;
}

enum pst_rc
mb_acct_open(struct pst_store *s, const char *id, struct pst_acct **acct_r,
    bool *created_r, struct pst_error *err)
{
	struct pst_acct *a;
	enum pst_rc rc = PST_OK;

	(void)pthread_mutex_lock(&s->lock);
	a = find_account(s, id);
	if (a == NULL)
		a = new_account(s, id);
	a->users++;
	(void)pthread_mutex_unlock(&s->lock);
	*created_r = false;
	(void)pthread_mutex_lock(&a->lock);
	if (!a->is_open) {
		rc = open_account(a, created_r, err);
		a->is_open = rc == PST_OK;
	}
	(void)pthread_mutex_unlock(&a->lock);
	if (rc != PST_OK)
		mb_acct_close(a);
	else
		*acct_r = a;
	return rc;
}

void
mb_acct_close(struct pst_acct *a)
{
	struct pst_store *s = a->store;
	bool last;

	(void)pthread_mutex_lock(&s->lock);
	last = --a->users == 0;
	if (last) {
		struct pst_acct **at = &s->accounts;

		while (*at != a)
			at = &(*at)->next;
		*at = a->next;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (last)
		acct_free(a);
}

bool
mb_acct_exists(struct pst_store *s, const char *id)
{
	struct li_buf domain = { 0 }, user = { 0 }, path = { 0 };
	struct stat st;
	bool exists;

	exists = li_account_path(id, &domain, &user, NULL) == PST_OK;
	if (exists) {
		li_buf_printf(&path, "%s/%s/INBOX", domain.p, user.p);
		exists = fstatat(s->root.fd, path.p, &st, 0) == 0;
	}
	li_buf_free(&domain);
	li_buf_free(&user);
	li_buf_free(&path);
	return exists;
}

enum pst_rc
mb_acct_remove(struct pst_store *s, const char *id, struct pst_error *err)
{
	struct li_buf domain = { 0 }, user = { 0 };
	bool in_use;
	enum pst_rc rc;

	(void)pthread_mutex_lock(&s->lock);
	in_use = find_account(s, id) != NULL;
	(void)pthread_mutex_unlock(&s->lock);
	if (in_use)
		return pst_fail(err, PST_E_CONFLICT, 0, "%.150s is in use", id);
	rc = li_account_path(id, &domain, &user, err);
	if (rc == PST_OK)
		rc = li_root_remove(&s->root, &s->lock, domain.p, user.p,
		    MB_OWN_FOLDER "/" LI_ACCOUNT_FILE, err);
	li_buf_free(&domain);
	li_buf_free(&user);
	return rc;
}

/* --- subscriptions and metadata ------------------------------------------- */

enum pst_rc
mb_subscribe(struct pst_acct *a, const char *name, bool subscribed,
    struct pst_error *err)
{
	enum pst_rc rc;

	(void)pthread_mutex_lock(&a->lock);
	rc = li_account_subscribe(&a->files, name, subscribed, err);
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}

/* The folder of a mailbox that was named. Wants acct->lock. */
static enum pst_rc
folder_of(struct pst_acct *a, const char *name, struct mb_folder **f,
    struct pst_error *err)
{
	struct li_buf path = { 0 };
	enum pst_rc rc = mb_path(name, &path, err);

	if (rc == PST_OK)
		rc = mb_folder_get(a, path.p, f, err);
	li_buf_free(&path);
	return rc;
}

enum pst_rc
mb_meta_get(struct pst_acct *a, const char *name, const char *prefix,
    pst_value_fn fn, void *arg, struct pst_error *err)
{
	struct li_metas found = { 0 };
	struct mb_folder *f;
	enum pst_rc rc = PST_OK;

	(void)pthread_mutex_lock(&a->lock);
	if (name == NULL) {
		li_metas_collect(&a->files.state.meta, prefix, &found);
	} else {
		rc = folder_of(a, name, &f, err);
		if (rc == PST_OK) {
			li_mailstate_metas(&f->base, prefix, &found);
			mb_folder_put(f);
		}
	}
	(void)pthread_mutex_unlock(&a->lock);
	li_metas_tell(&found, fn, arg);
	return rc;
}

enum pst_rc
mb_meta_set(struct pst_acct *a, const char *name, const char *key,
    struct pst_str value, struct pst_error *err)
{
	struct mb_folder *f;
	enum pst_rc rc;

	if (key[0] == '\0')
		return pst_fail(err, PST_E_SYNTAX, 0, "an entry has no name");
	(void)pthread_mutex_lock(&a->lock);
	if (name == NULL) {
		rc = li_account_meta_set(&a->files, key, value, err);
	} else {
		rc = folder_of(a, name, &f, err);
		if (rc == PST_OK) {
			rc = li_mailstate_meta_set(&f->base, key, value, err);
			mb_folder_put(f);
		}
	}
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}
