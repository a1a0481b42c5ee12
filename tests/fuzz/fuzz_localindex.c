/*
 * fuzz_localindex.c - the files of the index, whatever is in them. The first
 * octet chooses the file. Nothing that was not put by us may be relied on, but
 * what is put afterwards must be got.
 */
#include "localindex/cache.h"
#include "localindex/hash.h"
#include "localindex/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UIDS = 64 };

static int folder = -1;
static char path[] = "/dev/shm/postern-fuzz-XXXXXX";

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
no_log(enum pst_log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static void
end_folder(void)
{
	(void)unlinkat(folder, LI_CACHE_FILE, 0);
	(void)unlinkat(folder, LI_MEMORY_FILE, 0);
}

static void
remove_folder(void)
{
	(void)rmdir(path);
}

static void
begin_folder(void)
{
	if (folder >= 0)
		return;
	must(mkdtemp(path) != NULL);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(folder >= 0 && atexit(remove_folder) == 0);
}

static void
write_file(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(folder, name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)close(fd);
}

/* The file is for the mailbox that it says it is for. */
static uint64_t
number_at(const uint8_t *data, size_t size, size_t at, size_t n)
{
	uint64_t value = 0;

	if (at + n <= size)
		memcpy(&value, data + at, n);
	return value;
}

static void
count(void *arg, const struct pst_cached *v)
{
	unsigned *n = arg;

	*n += 1;
	must(v->uid >= 1 && v->uid <= UIDS && v->value.n <= LI_VALUE_MAX);
	(void)li_hash(v->value.p, v->value.n, 0); /* all of it can be read */
}

static bool
is_even(const void *arg, uint32_t uid)
{
	(void)arg;
	return uid % 2 == 0;
}

static void
fuzz_cache(const uint8_t *data, size_t size)
{
	static const struct pst_host host = { .log = no_log };
	struct pst_cached v = { 7, { "value", 5 } };
	struct li_cache *c;
	uint32_t uids[UIDS], validity;
	unsigned n = 0;

	for (uint32_t i = 0; i < UIDS; i++)
		uids[i] = i + 1;
	write_file(LI_CACHE_FILE, data, size);
	validity = (uint32_t)number_at(data, size, 12, 4);
	c = li_cache_new(&host, folder, validity, "fuzz");
	for (unsigned kind = 0; kind < 4; kind++)
		li_cache_get(c, kind, uids, UIDS, count, &n);
	li_cache_put(c, 1, &v, 1);
	n = 0;
	li_cache_get(c, 1, &v.uid, 1, count, &n);
	must(n == 1);
	li_cache_free(&c, is_even, NULL, 1);
	c = li_cache_new(&host, folder, validity, "fuzz");
	li_cache_get(c, 1, uids, UIDS, count, &n);
	li_cache_free(&c, NULL, NULL, 0);
}

static void
fuzz_memory(const uint8_t *data, size_t size)
{
	struct li_history h = { 0 };
	uint32_t validity = (uint32_t)number_at(data, size, 12, 4);
	uint64_t modseq = number_at(data, size, 16, 8);
	struct li_entry *e;
	size_t n;

	write_file(LI_MEMORY_FILE, data, size);
	if (li_memory_read(folder, validity, modseq, &e, &n, &h)) {
		(void)li_hash(e, n * sizeof(*e), 0);
		free(e);
	}
	li_history_note(&h, 5, 9);
	li_history_fini(&h);
	li_memory_renew(folder, validity, modseq, modseq + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	begin_folder();
	if (data[0] & 1)
		fuzz_cache(data + 1, size - 1);
	else
		fuzz_memory(data + 1, size - 1);
	end_folder();
	return 0;
}
