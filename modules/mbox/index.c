/*
 * index.c - see index.h.
 */
#include "index.h"

#include "localindex/hash.h"
#include "localindex/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, PART = 1024 /* entries */ };

static const char magic[8] = "pst-mbox";

struct header {
	char magic[8];
	uint32_t version, entry_size;
	struct mb_index index;
	uint64_t check;
};

struct entry {
	struct mb_msg msg;
	uint64_t check;
};

static uint64_t
check_of(const void *p, size_t n)
{
	return li_hash(p, n, FORMAT);
}

/* Octets between members are zero on both sides. */
static void
fill_entry(struct entry *e, const struct mb_msg *m)
{
	memset(e, 0, sizeof(*e));
	e->msg.offset = m->offset;
	e->msg.length = m->length;
	e->msg.size = m->size;
	e->msg.keywords = m->keywords;
	e->msg.internal_date = m->internal_date;
	e->msg.save_date = m->save_date;
	e->msg.id[0] = m->id[0];
	e->msg.id[1] = m->id[1];
	e->msg.uid = m->uid;
	e->msg.fixed = m->fixed;
	e->msg.room = m->room;
	e->msg.flags = m->flags;
	e->msg.form = m->form;
	e->check = check_of(&e->msg, sizeof(e->msg));
}

static bool
is_good(const struct entry *e)
{
	return e->check == check_of(&e->msg, sizeof(e->msg));
}

static int
write_header(int fd, const struct mb_index *index)
{
	struct header h;
	ssize_t n;

	memset(&h, 0, sizeof(h));
	memcpy(h.magic, magic, sizeof(magic));
	h.version = FORMAT;
	h.entry_size = sizeof(struct entry);
	h.index.stamp = index->stamp;
	h.index.count = index->count;
	h.index.bytes = index->bytes;
	h.index.base_at = index->base_at;
	h.index.begin = index->begin;
	h.index.uidvalidity = index->uidvalidity;
	h.index.uidnext = index->uidnext;
	h.index.unrecorded = index->unrecorded;
	h.check = check_of(&h, offsetof(struct header, check));
	n = pwrite(fd, &h, sizeof(h), 0);
	return n == (ssize_t)sizeof(h) ? 0 : n < 0 ? errno : ENOSPC;
}

static bool
read_header(int fd, uint32_t uidvalidity, struct mb_index *index_r)
{
	struct header h;

	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    memcmp(h.magic, magic, sizeof(magic)) != 0 || h.version != FORMAT ||
	    h.entry_size != sizeof(struct entry) ||
	    h.check != check_of(&h, offsetof(struct header, check)) ||
	    (uidvalidity != 0 && h.index.uidvalidity != uidvalidity))
		return false;
	*index_r = h.index;
	return true;
}

static off_t
place_of(uint64_t i)
{
	return (off_t)(sizeof(struct header) + i * sizeof(struct entry));
}

static int
open_index(int dirfd, int flags)
{
	return openat(dirfd, MB_INDEX_FILE,
	    flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

bool
mb_index_peek(int dirfd, uint32_t uidvalidity, struct mb_index *index_r)
{
	int fd = open_index(dirfd, O_RDONLY);
	bool ok = fd >= 0 && read_header(fd, uidvalidity, index_r);

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool
read_entries(int fd, uint64_t count, struct mb_msg *msg)
{
	struct entry *part = li_resize(NULL, PART, sizeof(*part));
	bool ok = true;

	for (uint64_t i = 0; i < count && ok;) {
		size_t n = count - i < PART ? (size_t)(count - i) : PART;

		ok = pread(fd, part, n * sizeof(*part), place_of(i)) ==
		     (ssize_t)(n * sizeof(*part));
		for (size_t k = 0; k < n && ok; k++, i++) {
			ok = is_good(&part[k]) &&
			     (i == 0 || msg[i - 1].uid < part[k].msg.uid);
			msg[i] = part[k].msg;
		}
	}
	free(part);
	return ok;
}

bool
mb_index_read(int dirfd, uint32_t uidvalidity, struct mb_index *index_r,
    struct mb_msg **msg_r)
{
	int fd = open_index(dirfd, O_RDONLY);
	struct stat st;
	bool ok;

	*msg_r = NULL;
	ok = fd >= 0 && read_header(fd, uidvalidity, index_r) &&
	     fstat(fd, &st) == 0 && st.st_size >= 0 &&
	     index_r->count <= (uint64_t)st.st_size / sizeof(struct entry);
	if (ok) {
		*msg_r = li_resize(
		    NULL, (size_t)index_r->count + 1, sizeof(**msg_r));
		ok = read_entries(fd, index_r->count, *msg_r);
	}
	if (fd >= 0)
		(void)close(fd);
	if (!ok) {
		free(*msg_r);
		*msg_r = NULL;
	}
	return ok;
}

bool
mb_index_find(
    int dirfd, const struct mb_index *index, uint32_t uid, struct mb_msg *msg_r)
{
	int fd = open_index(dirfd, O_RDONLY);
	uint64_t low = 0, high = index->count;
	struct entry e;
	bool ok = fd >= 0, found = false;

	while (ok && !found && low < high) {
		uint64_t mid = low + (high - low) / 2;

		ok = pread(fd, &e, sizeof(e), place_of(mid)) ==
			 (ssize_t)sizeof(e) &&
		     is_good(&e);
		found = ok && e.msg.uid == uid;
		if (ok && e.msg.uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	if (found)
		*msg_r = e.msg;
	if (fd >= 0)
		(void)close(fd);
	return found;
}

static int
write_entries(int fd, uint64_t at, const struct mb_msg *msg, size_t n)
{
	struct entry *part = li_resize(NULL, PART, sizeof(*part));
	int e = 0;

	for (size_t i = 0; i < n && e == 0;) {
		size_t k = 0;
		ssize_t done;

		for (; k < PART && i + k < n; k++)
			fill_entry(&part[k], &msg[i + k]);
		done = pwrite(fd, part, k * sizeof(*part), place_of(at + i));
		if (done != (ssize_t)(k * sizeof(*part)))
			e = done < 0 ? errno : ENOSPC;
		i += k;
	}
	free(part);
	return e;
}

int
mb_index_write(
    int dirfd, const struct mb_index *index, const struct mb_msg *msg)
{
	static const char temp[] = MB_INDEX_FILE ".tmp";
	int e, fd = openat(dirfd, temp,
		   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return errno;
	e = write_entries(fd, 0, msg, (size_t)index->count);
	if (e == 0)
		e = write_header(fd, index);
	if (close(fd) < 0 && e == 0)
		e = errno;
	if (e == 0 && renameat(dirfd, temp, dirfd, MB_INDEX_FILE) < 0)
		e = errno;
	if (e != 0)
		(void)unlinkat(dirfd, temp, 0);
	return e;
}

int
mb_index_add(
    int dirfd, struct mb_index *index, const struct mb_msg *msg, size_t n)
{
	int fd = open_index(dirfd, O_WRONLY), e;

	if (fd < 0)
		return errno;
	e = write_entries(fd, index->count, msg, n);
	index->count += n;
	if (e == 0)
		e = write_header(fd, index);
	(void)close(fd);
	return e;
}

void
mb_index_outdate(int dirfd)
{
	static const struct mb_stamp none;
	int fd = open_index(dirfd, O_RDWR);
	struct mb_index index;
	int e = 0;

	if (fd < 0)
		return;
	if (read_header(fd, 0, &index) &&
	    !mb_stamp_equal(&index.stamp, &none)) {
		index.stamp = none;
		e = write_header(fd, &index);
	}
	(void)close(fd);
	if (e != 0)
		(void)unlinkat(dirfd, MB_INDEX_FILE, 0);
}
