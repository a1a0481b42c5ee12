/*
 * usage.c - how much an account holds: the S= fields of all names, kept by
 * folder for as long as its times stay the same. Our own deliveries and
 * removals are added without reading the folder again; since that could hide
 * what another program does in the same moment, a sum is counted anew now and
 * then.
 */
#include "maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT_AGAIN = 600 }; /* seconds */

struct count {
	struct md_sum *sum;
	const struct md_folder *folder;
};

static bool
count_file(void *arg, const char *file, enum md_dir dir)
{
	struct count *c = arg;
	struct md_name name;
	struct stat st;

	md_name_parse(file, strlen(file), &name);
	if (!name.has_size) {
		if (fstatat(c->folder->sub[dir], file, &st,
			AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			return true;
		name.size = (uint64_t)st.st_size;
	}
	c->sum->messages++;
	c->sum->bytes += md_name_octets(&name);
	return true;
}

static struct md_sum *
find_sum(struct pst_acct *a, const char *dir)
{
	for (size_t i = 0; i < a->sum_count; i++)
		if (strcmp(a->sums[i].dir, dir) == 0)
			return &a->sums[i];
	return NULL;
}

static int
open_sub(const struct pst_acct *a, const char *dir, const char *sub)
{
	char path[MD_NAME_MAX + 8];

	(void)snprintf(path, sizeof(path), "%s/%s", dir[0] ? dir : ".", sub);
	return openat(
	    a->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Brings one folder's sum up to date. 0 or an errno. */
static int
update_sum(struct pst_acct *a, struct md_sum *sum)
{
	struct md_folder f = { 0 };
	struct count c = { .sum = sum, .folder = &f };
	int64_t now = md_now(a->store);
	struct timespec stamp[2];
	int e = 0;

	f.sub[MD_NEW] = open_sub(a, sum->dir, "new");
	f.sub[MD_CUR] = open_sub(a, sum->dir, "cur");
	sum->is_present = f.sub[MD_CUR] >= 0;
	if (f.sub[MD_NEW] >= 0 && f.sub[MD_CUR] >= 0) {
		e = md_stamps(&f, stamp);
		if (e == 0 && (!md_stamps_equal(stamp, sum->stamp) ||
				  now < sum->counted ||
				  now - sum->counted > COUNT_AGAIN)) {
			sum->messages = sum->bytes = 0;
			e = md_each_file(&f, MD_NEW, count_file, &c);
			if (e == 0)
				e = md_each_file(&f, MD_CUR, count_file, &c);
			sum->stamp[0] = stamp[0];
			sum->stamp[1] = stamp[1];
			/* A time of just now may be that of a change to come.
			 */
			sum->counted = stamp[0].tv_sec >= now - 1 ||
					       stamp[1].tv_sec >= now - 1
					   ? INT64_MIN / 2
					   : now;
		}
	}
	for (int i = 0; i < 2; i++)
		if (f.sub[i] >= 0)
			(void)close(f.sub[i]);
	return e;
}

static void
add_dir(void *arg, const char *dir)
{
	struct pst_acct *a = arg;
	struct md_sum *sum = find_sum(a, dir);

	if (sum == NULL) {
		LI_PUSH(a->sums, a->sum_count, a->sum_cap);
		sum = &a->sums[a->sum_count++];
		*sum = (struct md_sum){ .dir = li_strdup(dir),
			.counted = INT64_MIN / 2 };
	}
	sum->is_present = true;
}

enum pst_rc
md_usage(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	size_t i = 0;
	int e;

	*usage_r = (struct pst_usage){ 0 };
	(void)pthread_mutex_lock(&a->sums_lock);
	for (size_t k = 0; k < a->sum_count; k++)
		a->sums[k].is_present = false;
	add_dir(a, "");
	e = md_each_folder(a, add_dir, a);
	while (i < a->sum_count && e == 0) {
		struct md_sum *sum = &a->sums[i];

		if (sum->is_present)
			e = update_sum(a, sum);
		if (!sum->is_present) {
			free(sum->dir);
			*sum = a->sums[--a->sum_count];
			continue;
		}
		usage_r->messages += sum->messages;
		usage_r->bytes += sum->bytes;
		i++;
	}
	(void)pthread_mutex_unlock(&a->sums_lock);
	return e ? md_fail(err, e, "count the mail of %s", a->path) : PST_OK;
}

enum pst_rc
md_recount(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	(void)pthread_mutex_lock(&a->sums_lock);
	for (size_t i = 0; i < a->sum_count; i++)
		a->sums[i].counted = INT64_MIN / 2;
	(void)pthread_mutex_unlock(&a->sums_lock);
	return md_usage(a, usage_r, err);
}

void
md_usage_add(struct pst_box *b, int64_t messages, int64_t bytes)
{
	struct pst_acct *a = b->acct;
	struct md_sum *sum;

	(void)pthread_mutex_lock(&a->sums_lock);
	sum = a->sum_count > 0 ? find_sum(a, b->folder->dir) : NULL;
	if (sum != NULL && md_stamps(b->folder, sum->stamp) == 0) {
		sum->messages += (uint64_t)messages;
		sum->bytes += (uint64_t)bytes;
		if ((int64_t)sum->messages < 0 || (int64_t)sum->bytes < 0)
			sum->counted = INT64_MIN / 2;
	}
	(void)pthread_mutex_unlock(&a->sums_lock);
}

void
md_usage_free(struct pst_acct *a)
{
	for (size_t i = 0; i < a->sum_count; i++)
		free(a->sums[i].dir);
	free(a->sums);
}
