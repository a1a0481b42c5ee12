/*
 * The append log of the queue: what was acknowledged is there after any end.
 */
#include "exchange/journal.h"

#include "base/mem.h"
#include "base/str.h"

#include "tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEGMENT = 4096 };

static char dir[64];

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/postern-journal-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static void
teardown(void)
{
	remove_tree(dir);
}

/* All that is told, as one text: "id:meta:octets of body " */
static void
note(void *arg, const struct journal_record *r, struct journal_place place)
{
	cr_assert_neq(place.segment, 0);
	(void)buf_printf(arg, "%llu:%.*s:%zu ", (unsigned long long)r->id,
	    STR_ARG(r->meta), r->body.n);
}

static const struct journal_options plain = { .segment_size = SEGMENT,
	.spares = 1 };

static struct journal *
open_it(struct buf *told)
{
	struct journal *j;
	struct pst_error err = { 0 };

	buf_init(told, 1 << 24);
	cr_assert_eq(journal_open(dir, &plain, note, told, &j, &err), PST_OK,
	    "%s", err.detail);
	(void)buf_putc(told, '\0');
	return j;
}

static struct journal_place
put(struct journal *j, uint64_t id, const char *meta, const char *body)
{
	const struct journal_record r = { 1, id, str_of(meta), str_of(body) };
	struct journal_place place;
	struct pst_error err = { 0 };

	cr_assert_eq(journal_append(j, &r, 1, id % 2 == 0, &place, &err),
	    PST_OK, "%s", err.detail);
	return place;
}

static void
expect_body(struct journal *j, struct journal_place place, const char *text)
{
	struct journal_body body;
	struct pst_error err;
	char got[SEGMENT * 4];

	cr_assert_eq(journal_body_take(j, place, &body, &err), PST_OK);
	cr_assert_eq(body.n, strlen(text));
	cr_assert_eq(
	    pread(body.fd, got, body.n, (off_t)body.at), (ssize_t)body.n);
	cr_assert_eq(memcmp(got, text, body.n), 0);
	cr_assert_eq(journal_checksum(0, got, body.n), body.crc);
	journal_body_give(&body);
}

Test(journal, tells_in_order, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told);
	struct journal_place one, two;
	struct journal_record back;
	struct pst_error err;
	char *meta;

	cr_assert_str_eq(told.p, "");
	buf_fini(&told);
	one = put(j, 7, "first", "Hello");
	two = put(j, 8, "", "");
	expect_body(j, one, "Hello");
	expect_body(j, two, "");
	cr_assert_eq(journal_read(j, one, &back, &meta, &err), PST_OK);
	cr_assert(str_is(back.meta, "first"));
	cr_assert_eq(back.body.n, 5);
	free(meta);
	journal_close(&j);
	cr_assert_null(j);
	j = open_it(&told);
	cr_assert_str_eq(told.p, "7:first:5 8::0 ");
	buf_fini(&told);
	expect_body(j, one, "Hello");
	journal_close(&j);
}

Test(journal, is_for_one_process, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told), *other;
	struct pst_error err;

	cr_assert_eq(journal_open(dir, &plain, note, &told, &other, &err),
	    PST_E_CONFLICT);
	cr_assert_null(other);
	buf_fini(&told);
	journal_close(&j);
}

/* Several in one call are in one segment, also if that must be a larger one. */
Test(journal, grows_into_more_segments, .init = setup, .fini = teardown)
{
	static char large[SEGMENT * 3];
	struct buf told, want;
	struct journal *j = open_it(&told);
	struct journal_place place;
	struct journal_usage usage;
	char meta[16];

	buf_fini(&told);
	buf_init(&want, 1 << 16);
	memset(large, 'x', sizeof(large) - 1);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(meta, sizeof(meta), "m%d", i);
		(void)put(j, (uint64_t)i, meta, "some text of the message");
		(void)buf_printf(&want, "%d:%s:24 ", i, meta);
	}
	place = put(j, 100, "large", large);
	(void)buf_printf(&want, "100:large:%zu ", strlen(large));
	(void)buf_putc(&want, '\0');
	expect_body(j, place, large);
	journal_measure(j, &usage);
	cr_assert_geq(usage.segments, 3);
	cr_assert_gt(usage.live, 100 * 64);
	journal_close(&j);
	j = open_it(&told);
	cr_assert_str_eq(told.p, want.p);
	journal_measure(j, &usage);
	cr_assert_eq(usage.live, 0, "nobody has said that it is needed");
	journal_need(j, place);
	journal_measure(j, &usage);
	cr_assert_eq(usage.live, place.octets);
	buf_fini(&told);
	buf_fini(&want);
	journal_close(&j);
}

static void
cut_file(const char *name, off_t at)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	cr_assert_eq(truncate(path, at), 0);
}

static void
spoil_file(const char *name, off_t at)
{
	char path[128];
	unsigned char c;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, &c, 1, at), 1);
	c ^= 0x21;
	cr_assert_eq(pwrite(fd, &c, 1, at), 1);
	(void)close(fd);
}

/* What was struck out for its body begins as a record again. */
static void
mend_file(const char *name, off_t at)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, "P", 1, at), 1);
	(void)close(fd);
}

/* Cut anywhere, all records that are whole are told, and no other; and what is
 * appended then is not behind the torn one. */
Test(journal, torn_at_every_octet, .init = setup, .fini = teardown,
    .timeout = 120)
{
	struct buf told;
	struct journal_place two;
	struct journal *j = open_it(&told);

	buf_fini(&told);
	(void)put(j, 2, "one", "text of the first");
	two = put(j, 4, "two", "text of the second");
	journal_close(&j);
	for (off_t at = (off_t)(two.at + two.octets); at >= 0; at--) {
		const char *want = "";

		cut_file("queue-00000001", at);
		j = open_it(&told);
		/* The zeroes at the end of a record may be lacking. */
		if (at >= (off_t)(two.at + two.octets))
			want = "2:one:17 4:two:18 ";
		else if (at >= (off_t)two.at)
			want = "2:one:17 ";
		cr_assert_str_eq(told.p, want, "cut at %ld", (long)at);
		buf_fini(&told);
		journal_close(&j);
		if (at < 32) /* then the file is gone */
			break;
	}
	j = open_it(&told);
	buf_fini(&told);
	(void)put(j, 6, "three", "x");
	journal_close(&j);
	j = open_it(&told);
	cr_assert_str_eq(told.p, "6:three:1 ");
	buf_fini(&told);
	journal_close(&j);
}

/* A record whose body was not there at the first start is not there later,
 * when its segment is not the last one any more. */
Test(journal, torn_once_is_torn_for_ever, .init = setup, .fini = teardown)
{
	static char large[SEGMENT];
	struct buf told;
	struct journal_place one;
	struct journal *j = open_it(&told);

	memset(large, 'x', sizeof(large) - 1);
	buf_fini(&told);
	one = put(j, 2, "one", "text of the first");
	(void)put(j, 4, "two", "text of the second");
	journal_close(&j);
	spoil_file("queue-00000001", (off_t)(one.at + 50));
	j = open_it(&told);
	cr_assert_str_eq(told.p, "4:two:18 ");
	buf_fini(&told);
	(void)put(j, 6, "three", large);
	journal_close(&j);
	j = open_it(&told);
	cr_assert_str_eq(told.p, "4:two:18 6:three:4095 ");
	buf_fini(&told);
	journal_close(&j);
}

/* --- a disk that fails -----------------------------------------------------
 */

static bool disk_fails;

/* In place of the C library's. */
int
fdatasync(int fd)
{
	if (disk_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static unsigned reads_left = UINT_MAX;

/* Likewise. */
ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	if (reads_left == 0) {
		errno = EIO;
		return -1;
	}
	reads_left--;
	return syscall(SYS_pread64, fd, p, n, at);
}

/* What cannot be read now may be there next time: nothing is begun then. */
Test(journal, a_disk_that_cannot_be_read, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told);
	struct pst_error err = { 0 };
	enum pst_rc rc = PST_E_TEMP;

	buf_fini(&told);
	(void)put(j, 2, "one", "text");
	(void)put(j, 4, "two", "text");
	journal_close(&j);
	buf_init(&told, 1 << 16);
	for (unsigned reads = 0; rc != PST_OK; reads++) {
		cr_assert_lt(reads, 100);
		reads_left = reads;
		buf_clear(&told);
		rc = journal_open(dir, &plain, note, &told, &j, &err);
		reads_left = UINT_MAX;
		if (rc == PST_OK)
			journal_close(&j);
		else
			cr_assert_eq(rc, PST_E_TEMP);
	}
	cr_assert(str_is(buf_str(&told), "2:one:4 4:two:4 "));
	buf_fini(&told);
}

/* Who was told that it failed does it again; then it must not be there twice.
 */
Test(journal, what_failed_is_not_there, .init = setup, .fini = teardown)
{
	static const struct journal_options safe = {
		.segment_size = SEGMENT, .spares = 1, .fsync = true
	};
	const struct journal_record r[3] = {
		{ 1, 4, STR("two"), STR("text") },
		{ 1, 6, STR("three"), STR("text") },
		{ 1, 8, STR("four"), STR("text") },
	};
	struct journal_place place[3];
	struct pst_error err = { 0 };
	struct journal *j;
	struct buf told;

	buf_init(&told, 1 << 16);
	cr_assert_eq(journal_open(dir, &safe, note, &told, &j, &err), PST_OK);
	(void)put(j, 2, "one", "text");
	disk_fails = true;
	cr_assert_eq(journal_append(j, r, 3, true, place, &err), PST_E_TEMP);
	disk_fails = false;
	cr_assert_eq(journal_append(j, r, 1, true, place, &err), PST_OK);
	buf_fini(&told);
	journal_close(&j);
	j = open_it(&told);
	cr_assert_str_eq(told.p, "2:one:4 4:two:4 ");
	buf_fini(&told);
	journal_close(&j);
}

/* An octet that goes bad costs the record that it is in, no other. */
Test(journal, spoilt_at_every_octet, .init = setup, .fini = teardown,
    .timeout = 120)
{
	struct buf told;
	struct journal_place one, two;
	struct journal *j = open_it(&told);

	buf_fini(&told);
	one = put(j, 2, "one", "text of the first");
	two = put(j, 4, "two", "text of the second");
	(void)put(j, 6, "three", "text of the third");
	journal_close(&j);
	for (off_t at = (off_t)one.at; at < (off_t)two.at; at++) {
		spoil_file("queue-00000001", at);
		j = open_it(&told);
		/* Padding, and four octets of the header, mean nothing. */
		if (strncmp(told.p, "2:one:17 ", 9) == 0)
			cr_assert(at >= (off_t)one.at + 40 + 20 ||
				      (at >= (off_t)one.at + 36 &&
					  at < (off_t)one.at + 40),
			    "spoilt at %ld", (long)(at - (off_t)one.at));
		else
			cr_assert_str_eq(told.p, "4:two:18 6:three:17 ");
		buf_fini(&told);
		journal_close(&j);
		spoil_file("queue-00000001", at);
		if (at != (off_t)one.at)
			mend_file("queue-00000001", (off_t)one.at);
	}
}

/* In the head of the segment it costs nothing, at worst a word about it. */
Test(journal, spoilt_in_the_head, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told);
	struct pst_error err = { 0 };

	buf_fini(&told);
	(void)put(j, 2, "one", "text");
	journal_close(&j);
	for (off_t at = 0; at < 32; at++) {
		enum pst_rc rc;

		spoil_file("queue-00000001", at);
		buf_init(&told, 1 << 16);
		rc = journal_open(dir, &plain, note, &told, &j, &err);
		/* A version that could be a later one is left alone. */
		if (rc == PST_OK) {
			cr_assert(str_is(buf_str(&told), "2:one:4 "));
			journal_close(&j);
		} else {
			cr_assert_eq(rc, PST_E_UNSUPPORTED);
			cr_assert(at >= 8 && at < 12);
		}
		buf_fini(&told);
		spoil_file("queue-00000001", at);
	}
}

/* A file that is used again still holds what was there before. */
Test(journal, used_again, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told);
	struct journal_place place[200];
	struct journal_usage usage;
	struct pst_error err;

	buf_fini(&told);
	for (uint64_t i = 0; i < 200; i++)
		place[i] = put(j, 2 * i, "m", "0123456789012345678901234567");
	cr_assert_eq(journal_worst(j), 0);
	for (size_t i = 0; i < 200; i++)
		if (place[i].segment == 1 || place[i].segment == 2)
			journal_forget(j, place[i]);
	cr_assert_neq(journal_worst(j), 0);
	journal_drop(j, journal_worst(j));
	cr_assert_neq(journal_worst(j), 0);
	journal_drop(j, journal_worst(j));
	cr_assert_not(journal_has(j, 1));
	cr_assert_not(journal_has(j, 2));
	cr_assert_eq(journal_worst(j), 0);
	for (size_t i = 0; i < 200; i++)
		if (place[i].segment > 2)
			expect_body(
			    j, place[i], "0123456789012345678901234567");
	journal_measure(j, &usage);
	/* Until the next segment is begun, which takes the spare file. */
	for (uint64_t i = 0; i < 60; i++)
		(void)put(j, 1000 + 2 * i, "new", "0123456789");
	journal_measure(j, &usage);
	journal_close(&j);
	j = open_it(&told);
	cr_assert_null(strstr(told.p, " 0:m:"));
	cr_assert_not_null(strstr(told.p, " 1118:new:10 "));
	for (size_t i = 0; i < 200; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), " %zu:m:28 ", 2 * i);
		if (place[i].segment > 3)
			cr_assert_not_null(strstr(told.p, text));
		if (place[i].segment < 3)
			cr_assert_null(strstr(told.p, text));
	}
	cr_assert_eq(journal_each(j, 1, note, &told, &err), PST_E_NOTFOUND);
	buf_fini(&told);
	journal_close(&j);
}

/* Who reads may go on after the segment was dropped. */
Test(journal, reading_outlives_dropping, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told);
	struct journal_place first = put(j, 2, "m", "to be read");
	struct journal_body body;
	struct pst_error err;
	char text[16];

	buf_fini(&told);
	for (uint64_t i = 0; i < 100; i++)
		(void)put(j, 4 + 2 * i, "m", "0123456789012345678901234567");
	cr_assert_eq(journal_body_take(j, first, &body, &err), PST_OK);
	journal_drop(j, first.segment);
	cr_assert_not(journal_has(j, first.segment));
	for (uint64_t i = 0; i < 100; i++)
		(void)put(j, 300 + 2 * i, "m", "xxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	cr_assert_eq(pread(body.fd, text, 10, (off_t)body.at), 10);
	cr_assert_eq(memcmp(text, "to be read", 10), 0);
	journal_body_give(&body);
	journal_close(&j);
}

Test(journal, refuses_a_later_version, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told);
	struct pst_error err;
	char path[128];
	int fd;

	buf_fini(&told);
	(void)put(j, 2, "m", "x");
	journal_close(&j);
	(void)snprintf(path, sizeof(path), "%s/queue-00000001", dir);
	fd = open(path, O_RDWR);
	cr_assert_eq(pwrite(fd, "\2", 1, 8), 1);
	(void)close(fd);
	cr_assert_eq(journal_open(dir, &plain, note, &told, &j, &err),
	    PST_E_UNSUPPORTED);
	cr_assert_null(j);
}

Test(journal, refuses_what_is_too_large, .init = setup, .fini = teardown)
{
	struct buf told;
	struct journal *j = open_it(&told);
	struct journal_record r = { 1, 1, STR_NONE,
		{ "x", JOURNAL_BODY_MAX + 1 } };
	struct journal_place place;
	struct pst_error err;

	cr_assert_eq(journal_append(j, &r, 1, true, &place, &err), PST_E_LIMIT);
	buf_fini(&told);
	journal_close(&j);
}

/* --- many at once --------------------------------------------------------- */

enum { THREADS = 8, EACH = 400 };

static void *
append_many(void *arg)
{
	struct journal *j = arg;

	for (uint64_t i = 0; i < EACH; i++) {
		struct journal_place place = put(j, i, "thread", "content");

		expect_body(j, place, "content");
	}
	return NULL;
}

static void
count_all(void *arg, const struct journal_record *r, struct journal_place place)
{
	(void)place;
	cr_assert(str_is(r->meta, "thread"));
	((unsigned *)arg)[r->id]++;
}

Test(journal, many_threads, .init = setup, .fini = teardown, .timeout = 60)
{
	struct buf told;
	struct journal *j = open_it(&told);
	pthread_t thread[THREADS];
	unsigned times[EACH] = { 0 };
	struct pst_error err;

	buf_fini(&told);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(
		    pthread_create(&thread[i], NULL, append_many, j), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	cr_assert_eq(journal_sync(j, &err), PST_OK);
	journal_close(&j);
	cr_assert_eq(
	    journal_open(dir, &plain, count_all, times, &j, &err), PST_OK);
	for (int i = 0; i < EACH; i++)
		cr_assert_eq(times[i], THREADS);
	journal_close(&j);
}
