/*
 * memory.c - modseqs and expunges in a file: a header, the entries, the
 * expunges, with checksums. Numbers are in the order of the machine; a file
 * from another kind of machine has another mark.
 */
#include "localindex/memory.h"

#include "localindex/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK UINT64_C(0x3145444e49545350)
#define NEW_FILE LI_MEMORY_FILE ".new"

enum {
	FORMAT = 1,
	GONE_MAX = 8192, /* ranges of expunged messages */
	ENTRIES_MAX = 1 << 25,
};

struct header {
	uint64_t mark;
	uint32_t format;
	uint32_t uidvalidity;
	uint64_t modseq;
	uint64_t entries;
	uint64_t gone;
	uint64_t gone_from;
	uint64_t body; /* checksum of what follows */
	uint64_t head; /* and of what stands before this */
};

static void *
get_memory(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (p == NULL)
		abort(); /* nothing is lost: the mail is on the disk */
	return p;
}

/* --- expunges ------------------------------------------------------------- */

void
li_history_begin(struct li_history *h, uint64_t modseq)
{
	h->n = 0;
	h->from = modseq;
}

void
li_history_fini(struct li_history *h)
{
	free(h->gone);
	*h = (struct li_history){ 0 };
}

/* The older half goes. */
static void
forget_half(struct li_history *h)
{
	size_t half = h->n / 2;
	uint64_t from = h->gone[half - 1].modseq;

	/* What was expunged at one time is remembered whole or not. */
	while (half < h->n && h->gone[half].modseq == from)
		half++;
	h->from = from;
	h->n -= half;
	memmove(h->gone, h->gone + half, h->n * sizeof(*h->gone));
}

void
li_history_note(struct li_history *h, uint32_t uid, uint64_t modseq)
{
	struct li_gone *last = h->n > 0 ? &h->gone[h->n - 1] : NULL;

	if (last != NULL && last->modseq == modseq &&
	    last->uids.last == uid - 1) {
		last->uids.last = uid;
		return;
	}
	if (h->n == GONE_MAX)
		forget_half(h);
	if (h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 16;
		struct li_gone *wide = get_memory(cap * sizeof(*wide));

		if (h->n > 0)
			memcpy(wide, h->gone, h->n * sizeof(*wide));
		free(h->gone);
		h->gone = wide;
		h->cap = cap;
	}
	h->gone[h->n++] = (struct li_gone){ { uid, uid }, modseq };
}

/* --- reading -------------------------------------------------------------- */

static bool
read_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static uint64_t
hash_of_head(const struct header *h)
{
	return li_hash(h, offsetof(struct header, head), FORMAT);
}

static bool
is_meant(const struct header *h, uint32_t uidvalidity, uint64_t modseq)
{
	return h->mark == MARK && h->format == FORMAT &&
	       h->head == hash_of_head(h) && h->uidvalidity == uidvalidity &&
	       h->modseq == modseq;
}

/* The file is as long as the header says; nothing else is worth memory. */
static bool
is_whole(int fd, const struct header *h)
{
	struct stat st;

	return h->entries <= ENTRIES_MAX && h->gone <= GONE_MAX &&
	       fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size ==
		   sizeof(*h) + h->entries * sizeof(struct li_entry) +
		       h->gone * sizeof(struct li_gone);
}

/* The sum is no proof against malice: nobody may be led to numbers that cannot
 * be. */
static bool
is_ordered(const struct header *h, const struct li_entry *entry,
    const struct li_gone *gone)
{
	if (h->gone_from > h->modseq)
		return false;
	for (uint64_t i = 0; i < h->entries; i++)
		if (entry[i].uid == 0 || entry[i].modseq > h->modseq ||
		    (i > 0 && entry[i].uid <= entry[i - 1].uid))
			return false;
	for (uint64_t i = 0; i < h->gone; i++)
		if (gone[i].uids.first == 0 ||
		    gone[i].uids.first > gone[i].uids.last ||
		    gone[i].modseq > h->modseq ||
		    (i > 0 && gone[i].modseq < gone[i - 1].modseq))
			return false;
	return true;
}

bool
li_memory_read(int dirfd, uint32_t uidvalidity, uint64_t modseq,
    struct li_entry **entries_r, size_t *n_r, struct li_history *history)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = openat(dirfd, LI_MEMORY_FILE, flags);
	struct li_entry *entry = NULL;
	struct li_gone *gone = NULL;
	size_t octets = 0, more = 0;
	struct header h;
	bool ok;

	if (fd < 0)
		return false;
	ok = read_all(fd, &h, sizeof(h)) && is_meant(&h, uidvalidity, modseq) &&
	     is_whole(fd, &h);
	if (ok) {
		octets = h.entries * sizeof(*entry);
		more = h.gone * sizeof(*gone);
		entry = get_memory(octets + more);
		ok = read_all(fd, entry, octets + more) &&
		     h.body == li_hash(entry, octets + more, FORMAT);
	}
	(void)close(fd);
	if (ok) {
		gone = get_memory(more);
		memcpy(gone, entry + h.entries, more);
		ok = is_ordered(&h, entry, gone);
	}
	if (!ok) {
		free(entry);
		free(gone);
		return false;
	}
	*entries_r = entry;
	*n_r = h.entries;
	li_history_fini(history);
	*history = (struct li_history){
		.gone = gone, .n = h.gone, .cap = h.gone, .from = h.gone_from
	};
	return true;
}

/* --- writing -------------------------------------------------------------- */

static int
write_whole(int dirfd, const char *p, size_t n)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dirfd, NEW_FILE, flags, 0600), e = 0;

	if (fd < 0)
		return errno;
	while (n > 0 && e == 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno != EINTR)
			e = errno;
		if (put > 0) {
			p += put;
			n -= (size_t)put;
		}
	}
	if (close(fd) < 0 && e == 0)
		e = errno;
	if (e == 0 && renameat(dirfd, NEW_FILE, dirfd, LI_MEMORY_FILE) < 0)
		e = errno;
	if (e != 0)
		(void)unlinkat(dirfd, NEW_FILE, 0);
	return e;
}

int
li_memory_write(int dirfd, uint32_t uidvalidity, uint64_t modseq,
    void (*entry)(const void *arg, size_t i, struct li_entry *entry_r),
    const void *arg, size_t n, const struct li_history *history)
{
	struct header h = {
		.mark = MARK,
		.format = FORMAT,
		.uidvalidity = uidvalidity,
		.modseq = modseq,
		.entries = n,
		.gone = history->n,
		.gone_from = history->from,
	};
	size_t gone = history->n * sizeof(*history->gone);
	size_t octets = n * sizeof(struct li_entry) + gone;
	char *p = get_memory(sizeof(h) + octets), *at = p + sizeof(h);
	int e;

	for (size_t i = 0; i < n; i++, at += sizeof(struct li_entry)) {
		struct li_entry one = { 0 };

		entry(arg, i, &one);
		memcpy(at, &one, sizeof(one));
	}
	if (gone > 0)
		memcpy(at, history->gone, gone);
	h.body = li_hash(p + sizeof(h), octets, FORMAT);
	h.head = hash_of_head(&h);
	memcpy(p, &h, sizeof(h));
	e = write_whole(dirfd, p, sizeof(h) + octets);
	free(p);
	return e;
}

void
li_memory_renew(
    int dirfd, uint32_t uidvalidity, uint64_t modseq, uint64_t new_modseq)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = openat(dirfd, LI_MEMORY_FILE, flags);
	struct header h;

	if (fd < 0)
		return;
	if (pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
	    is_meant(&h, uidvalidity, modseq)) {
		h.modseq = new_modseq;
		h.head = hash_of_head(&h);
		if (pwrite(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
			(void)unlinkat(dirfd, LI_MEMORY_FILE, 0);
	}
	(void)close(fd);
}
