/*
 * uids.c - the uids of messages that other programs brought and that do not
 * tell them yet: a file that only grows, until a rewrite has put all uids into
 * the mailbox's own file. A record counts when its checksum is right.
 */
#include "mbox.h"

#include "localindex/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct record {
	uint64_t id[2];
	int64_t save_date;
	uint32_t uidvalidity, uid;
	uint64_t check;
};

enum { RECORDS_MAX = 1 << 28 }; /* octets */

static uint64_t
check_of(const struct record *r)
{
	return li_hash(r, offsetof(struct record, check), 7);
}

int
mb_uids_add(struct pst_box *b, const struct mb_uid *list, size_t n)
{
	struct mb_folder *f = b->folder;
	struct record *r = li_alloc(n * sizeof(*r));
	int e,
	    fd = openat(f->base.fd, MB_UIDS_FILE,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	for (size_t i = 0; i < n; i++) {
		r[i].id[0] = list[i].id[0];
		r[i].id[1] = list[i].id[1];
		r[i].save_date = list[i].save_date;
		r[i].uidvalidity = f->base.state.uidvalidity;
		r[i].uid = list[i].uid;
		r[i].check = check_of(&r[i]);
	}
	e = fd < 0 ? errno : li_write_all(fd, (const char *)r, n * sizeof(*r));
	if (e == 0)
		e = mb_sync_data(b->acct->store, fd);
	if (fd >= 0)
		(void)close(fd);
	if (e == 0)
		e = mb_sync_file(b->acct->store, f->base.fd);
	free(r);
	return e;
}

static int
compare(const void *a, const void *b)
{
	const struct mb_uid *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

void
mb_uids_read(struct pst_box *b, struct mb_uid **list_r, size_t *n_r)
{
	struct li_buf text = { 0 };
	struct mb_uid *list = NULL;
	size_t n = 0, cap = 0;
	struct record r;

	(void)li_read_file(
	    b->folder->base.fd, MB_UIDS_FILE, RECORDS_MAX, &text);
	/* One that was cut short moves those after it. */
	for (size_t at = 0; text.n - at >= sizeof(r);) {
		memcpy(&r, text.p + at, sizeof(r));
		if (r.check != check_of(&r)) {
			at++;
			continue;
		}
		at += sizeof(r);
		if (r.uidvalidity != b->folder->base.state.uidvalidity)
			continue;
		LI_PUSH(list, n, cap);
		list[n++] = (struct mb_uid){ .uid = r.uid,
			.id = { r.id[0], r.id[1] },
			.save_date = r.save_date };
	}
	li_buf_free(&text);
	if (n > 1)
		qsort(list, n, sizeof(*list), compare);
	*list_r = list;
	*n_r = n;
}

void
mb_uids_drop(struct pst_box *b)
{
	(void)unlinkat(b->folder->base.fd, MB_UIDS_FILE, 0);
}
