/*
 * A file of the trail, as it may be after a crash or in somebody's hands: what
 * is read lies within it, reading comes to its end, and an index made of it
 * finds what reading through finds.
 */
#include "base/str.h"
#include "base/trail_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const links[] = { "queue", NULL };
static const char *const terms[] = { "to", NULL };
static const struct trail_keys keys = { links, terms };

static bool
count(void *arg, const struct trail_event *e)
{
	*(size_t *)arg = *(size_t *)arg * 31 + e->place + e->pairs;
	return true;
}

static size_t
search(const char *dir, const char *key, const char *value)
{
	const struct trail_term term = { key, value };
	struct pst_error err;
	size_t sum = 0;

	(void)trail_search(
	    dir, &keys, &term, 1, INT64_MIN, INT64_MAX, count, &sum, &err);
	return sum;
}

static void
put_file(int dir, const char *name, const uint8_t *data, size_t n)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	(void)close(fd);
}

/* All that is in the file has the same answer with the index. */
static void
check_file(const uint8_t *data, size_t n)
{
	static char dir[] = "/dev/shm/postern-fuzz-XXXXXX";
	static int fd = -1;
	struct pst_str in = str_n((const char *)data, n);
	struct trail_event e;
	struct pst_error err;
	size_t at = TRAIL_HEAD, before = 0;
	enum trail_read got;

	if (fd < 0) {
		if (mkdtemp(dir) == NULL)
			abort();
		fd = open(dir, O_RDONLY | O_DIRECTORY);
	}
	put_file(fd, "00000001.trail", data, n);
	(void)unlinkat(fd, "00000001.index", 0);
	while ((got = trail_take(in, &at, &e)) != TRAIL_END) {
		const char *to;
		size_t plain[2], indexed[2];

		if (at > n || at <= before)
			abort();
		before = at;
		if (got != TRAIL_EVENT || n > 4096)
			continue;
		to = trail_value(&e, "to");
		(void)unlinkat(fd, "00000001.index", 0);
		plain[0] = search(dir, NULL, e.id);
		plain[1] = to != NULL ? search(dir, "to", to) : 0;
		(void)trail_make_index(fd, 1, &keys, &err);
		indexed[0] = search(dir, NULL, e.id);
		indexed[1] = to != NULL ? search(dir, "to", to) : 0;
		if (plain[0] != indexed[0] || plain[1] != indexed[1])
			abort();
	}
	/* And any octets as its index. */
	put_file(fd, "00000001.index", data, n);
	(void)search(dir, NULL, "A");
}

/* The checksums are made right, so that what is behind them is reached. */
static void
mend(uint8_t *data, size_t n)
{
	size_t at = TRAIL_HEAD;

	(void)memcpy(data, "PstTrl 1", n < 8 ? n : 8);
	while (at + TRAIL_EVENT_HEAD <= n) {
		size_t length = data[at + 4] | (size_t)data[at + 5] << 8;
		int64_t time = data[at + 8];

		data[at + 6] = data[at + 7] = 0;
		if (length > TRAIL_EVENT_MAX ||
		    length > n - at - TRAIL_EVENT_HEAD)
			break;
		trail_put_event(data + at, time,
		    str_n((const char *)data + at + TRAIL_EVENT_HEAD, length));
		at += TRAIL_EVENT_HEAD + length;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n + 1);

	(void)memcpy(copy, data, n);
	check_file(copy, n);
	mend(copy, n);
	check_file(copy, n);
	free(copy);
	return 0;
}
