/*
 * usage.c - how much an account holds: for each mailbox what it held when its
 * file had the stamp that it has now. Else the index tells, or a pass over it.
 */
#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct mb_sum *
find_sum(struct pst_acct *a, const char *path)
{
	for (size_t i = 0; i < a->sum_count; i++)
		if (strcmp(a->sums[i].path, path) == 0)
			return &a->sums[i];
	return NULL;
}

static struct mb_sum *
make_sum(struct pst_acct *a, const char *path)
{
	struct mb_sum *sum = find_sum(a, path);

	if (sum == NULL) {
		LI_PUSH(a->sums, a->sum_count, a->sum_cap);
		sum = &a->sums[a->sum_count++];
		*sum = (struct mb_sum){ .path = li_strdup(path) };
	}
	return sum;
}

/* What the index of a mailbox tells, that is not open. */
static bool
ask_index(struct pst_acct *a, struct mb_sum *sum, const struct mb_stamp *now)
{
	struct li_buf path = { 0 };
	struct mb_index index;
	bool ok;
	int fd;

	mb_path_index(sum->path, &path);
	fd = openat(
	    a->fd, path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	li_buf_free(&path);
	ok = fd >= 0 && mb_index_peek(fd, 0, &index) &&
	     mb_stamp_equal(&index.stamp, now);
	if (ok) {
		sum->messages = index.count;
		sum->bytes = index.bytes;
	}
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static int
count_messages(int fd, struct mb_sum *sum, uint64_t size)
{
	struct mb_pass pass = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc = mb_pass(NULL, fd, 0, size, &pass, &err);

	sum->messages = pass.n;
	sum->bytes = 0;
	for (size_t i = 0; i < pass.n; i++)
		sum->bytes += pass.found[i].msg.size;
	free(pass.found);
	return rc == PST_OK ? 0 : err.sys_errno ? err.sys_errno : EIO;
}

/* Brings one up to date. 0 or an errno; a mailbox that is gone is not present.
 */
static int
update_sum(struct pst_acct *a, struct mb_sum *sum)
{
	struct mb_stamp now;
	int e = 0, fd = openat(a->fd, sum->path,
		       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	sum->is_present = fd >= 0 && mb_stamp_get(fd, &now);
	if (sum->is_present && !mb_stamp_equal(&now, &sum->stamp)) {
		if (!ask_index(a, sum, &now))
			e = count_messages(fd, sum, now.size);
		if (e == 0)
			sum->stamp = now;
		/* A change to come may have the same times. */
		if (mb_stamp_is_racy(&now))
			sum->stamp.ctime = 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return e;
}

static void
add_path(void *arg, const char *path, const char *name)
{
	(void)name;
	make_sum(arg, path)->is_present = true;
}

enum pst_rc
mb_usage(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	size_t i = 0;
	int e;

	*usage_r = (struct pst_usage){ 0 };
	(void)pthread_mutex_lock(&a->sums_lock);
	for (size_t k = 0; k < a->sum_count; k++)
		a->sums[k].is_present = false;
	e = mb_each_mailbox(a, add_path, a);
	while (i < a->sum_count && e == 0) {
		struct mb_sum *sum = &a->sums[i];

		if (sum->is_present)
			e = update_sum(a, sum);
		if (!sum->is_present) {
			free(sum->path);
			*sum = a->sums[--a->sum_count];
			continue;
		}
		usage_r->messages += sum->messages;
		usage_r->bytes += sum->bytes;
		i++;
	}
	(void)pthread_mutex_unlock(&a->sums_lock);
	return e ? mb_fail(err, e, "count the mail of %s", a->path) : PST_OK;
}

enum pst_rc
mb_recount(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	(void)pthread_mutex_lock(&a->sums_lock);
	for (size_t i = 0; i < a->sum_count; i++)
		a->sums[i].stamp = (struct mb_stamp){ 0 };
	(void)pthread_mutex_unlock(&a->sums_lock);
	return mb_usage(a, usage_r, err);
}

void
mb_usage_set(struct pst_box *b)
{
	struct pst_acct *a = b->acct;
	struct mb_sum *sum;

	(void)pthread_mutex_lock(&a->sums_lock);
	sum = make_sum(a, b->folder->path);
	sum->stamp = b->stamp;
	sum->messages = b->count;
	sum->bytes = b->bytes;
	(void)pthread_mutex_unlock(&a->sums_lock);
}

void
mb_usage_free(struct pst_acct *a)
{
	for (size_t i = 0; i < a->sum_count; i++)
		free(a->sums[i].path);
	free(a->sums);
}
