/* The trail: what is noted is found again under each of its names, after a
 * crash, in files that come and go. */
#include "base/clock.h"
#include "base/str.h"
#include "base/trail_file.h"
#include "tests/unit/exchange/tree.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const links[] = { "queue", NULL };
static const char *const terms[] = { "to", "message-id", NULL };
static const struct trail_keys keys = { links, terms };

static char dir[64];
static struct trail_options options = { .size = 16 << 20, .age = 86400 };

static void
begin(void)
{
	(void)str_copy(dir, sizeof(dir), STR("/tmp/postern-trail-XXXXXX"));
	cr_assert(mkdtemp(dir) != NULL);
	options.path = dir;
}

static void
end(void)
{
	trail_close();
	remove_tree(dir);
}

TestSuite(trail, .init = begin, .fini = end);

static void
start(void)
{
	struct pst_error err = { 0 };

	cr_assert(
	    trail_open(&options, &keys, &err) == PST_OK, "%s", err.detail);
}

struct found {
	char text[4096];
	size_t n, most;
	uint64_t place;
};

static bool
take(void *arg, const struct trail_event *e)
{
	struct found *f = arg;
	size_t n = strlen(f->text);

	cr_assert(e->place > f->place);
	f->place = e->place;
	(void)snprintf(
	    f->text + n, sizeof(f->text) - n, "%s:%s", e->id, e->event);
	for (size_t i = 0; i < e->pairs; i++) {
		n = strlen(f->text);
		(void)snprintf(f->text + n, sizeof(f->text) - n, " %s=%s",
		    e->pair[i].key, e->pair[i].value);
	}
	(void)strncat(f->text, "\n", sizeof(f->text) - strlen(f->text) - 1);
	return ++f->n != f->most;
}

static struct found
find_in(const char *key, const char *value, int64_t since, int64_t until)
{
	const struct trail_term term = { key, value };
	struct pst_error err = { 0 };
	struct found f = { .n = 0 };

	cr_assert(trail_search(dir, &keys, &term, 1, since, until, take, &f,
		      &err) == PST_OK,
	    "%s", err.detail);
	return f;
}

static struct found
find(const char *key, const char *value)
{
	return find_in(key, value, 0, INT64_MAX);
}

static void
expect(const char *key, const char *value, const char *want)
{
	struct found f = find(key, value);

	cr_assert_str_eq(f.text, want, "%s %s", key, value);
}

static size_t
count_files(const char *suffix)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	size_t n, count = 0;
	uint32_t *file = trail_files(fd, &n);

	for (size_t i = 0; i < n; i++) {
		char name[32];

		trail_file_name(file[i], suffix, name);
		count += faccessat(fd, name, F_OK, 0) == 0;
	}
	free(file);
	(void)close(fd);
	return count;
}

/* The path of the first or last file. */
static void
path_of(bool last, const char *suffix, char *path, size_t size)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	size_t n;
	uint32_t *file = trail_files(fd, &n);
	char name[32];

	cr_assert(n > 0);
	trail_file_name(file[last ? n - 1 : 0], suffix, name);
	(void)snprintf(path, size, "%s/%s", dir, name);
	free(file);
	(void)close(fd);
}

static void
append(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	cr_assert(write(fd, p, n) == (ssize_t)n);
	(void)close(fd);
}

static void
damage(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c;

	cr_assert(pread(fd, &c, 1, at) == 1);
	c ^= 0x20;
	cr_assert(pwrite(fd, &c, 1, at) == 1);
	(void)close(fd);
}

static void
note(const char *id, size_t i)
{
	char to[64];

	(void)snprintf(to, sizeof(to), "user%zu@example.test", i);
	trail_event(id, "rcpt", "to", to, "text",
	    "so that there is something to carry from one file to the next",
	    NULL);
}

/* Enough for some files: each has 256 KiB. */
static void
fill(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "ID%zu", i);
		note(id, i);
		if (i % 1000 == 999)
			trail_flush();
	}
	trail_flush();
}

Test(trail, is_found_by_each_of_its_names)
{
	start();
	trail_event(
	    "A", "mail", "from", "x@y", "none", NULL, "empty", "", NULL);
	trail_event("A", "queued", "queue", "Q", NULL);
	trail_event("Q", "sent", "to", "Some@One", NULL);
	trail_event("B", "content", "message-id", "m@x", NULL);
	trail_flush();
	expect(NULL, "A", "A:mail from=x@y empty=\nA:queued queue=Q\n");
	expect(NULL, "Q", "A:queued queue=Q\nQ:sent to=Some@One\n");
	expect("to", "some@one", "Q:sent to=Some@One\n");
	expect("message-id", "m@x", "B:content message-id=m@x\n");
	/* An id is no term, and what is neither is not searched for. */
	expect(NULL, "m@x", "");
	expect("from", "x@y", "");
}

Test(trail, is_about_what_the_thread_is_about)
{
	start();
	trail_event(NULL, "nothing", NULL);
	trail_about("A");
	trail_event(NULL, "one", NULL);
	trail_event("B", "two", NULL);
	trail_about(NULL);
	trail_event(NULL, "three", NULL);
	trail_flush();
	expect(NULL, "A", "A:one\n");
	expect(NULL, "", "");
}

Test(trail, costs_nothing_when_it_is_off)
{
	struct buf said;

	buf_init(&said, 1024);
	trail_about("A");
	trail_event(NULL, "one", NULL);
	trail_listen(&said);
	trail_say('C', STR("EHLO"));
	trail_flush();
	cr_assert(!trail_is_on());
	cr_assert(said.n == 0);
	cr_assert(count_files("trail") == 0);
}

Test(trail, hears_a_conversation)
{
	struct buf said;

	start();
	buf_init(&said, 60);
	trail_listen(&said);
	trail_say('C', STR("EHLO me\r\n"));
	trail_sayf('S', "%d one\nt%swo", 250, "");
	trail_listen(NULL);
	trail_say('C', STR("unheard"));
	cr_assert(str_is(buf_str(&said), "C: EHLO me\nS: 250 one\nS: two\n"));
	trail_listen(&said);
	for (int i = 0; i < 100; i++)
		trail_say('C', STR("more than there is room for"));
	trail_listen(NULL);
	cr_assert(said.n <= 60);
	buf_fini(&said);
}

Test(trail, cuts_what_is_too_long)
{
	char *text = malloc(100000);
	struct found f;

	memset(text, 'x', 99999);
	text[99999] = '\0';
	start();
	trail_event(text, "long", "a", text, "b", text, "c", "kept", NULL);
	trail_flush();
	text[63] = '\0';
	f = find(NULL, text);
	cr_assert(f.n == 1);
	free(text);
}

Test(trail, goes_on_after_a_restart)
{
	start();
	trail_event("A", "one", NULL);
	trail_close();
	start();
	trail_event("A", "two", NULL);
	trail_close();
	expect(NULL, "A", "A:one\nA:two\n");
	cr_assert(count_files("trail") == 1);
}

/* A crash leaves the start of an event, of any length. */
Test(trail, has_a_torn_tail)
{
	static const char last[] = "A\0two\0to\0nobody@example.test";
	unsigned char head[TRAIL_EVENT_HEAD];
	char path[128];

	start();
	trail_event("A", "one", NULL);
	trail_close();
	path_of(true, "trail", path, sizeof(path));
	trail_put_event(head, clock_now(), str_n(last, sizeof(last)));
	for (size_t n = 1; n < sizeof(head) + sizeof(last); n++) {
		struct stat st;

		cr_assert(stat(path, &st) == 0);
		append(path, head, n < sizeof(head) ? n : sizeof(head));
		if (n > sizeof(head))
			append(path, last, n - sizeof(head));
		expect(NULL, "A", "A:one\n");
		cr_assert(truncate(path, st.st_size) == 0);
	}
	append(path, head, sizeof(head));
	append(path, last, 7);
	start();
	trail_event("A", "three", NULL);
	trail_close();
	expect(NULL, "A", "A:one\nA:three\n");
}

Test(trail, skips_what_is_damaged)
{
	char path[128];

	start();
	trail_event("A", "one", NULL);
	trail_event("A", "two", NULL);
	trail_event("A", "three", NULL);
	trail_close();
	path_of(true, "trail", path, sizeof(path));
	damage(path, TRAIL_HEAD + TRAIL_EVENT_HEAD + 6 + TRAIL_EVENT_HEAD + 3);
	expect(NULL, "A", "A:one\nA:three\n");
	/* A file that is none of ours. */
	damage(path, 0);
	expect(NULL, "A", "");
	start();
	trail_event("A", "four", NULL);
	trail_flush();
	expect(NULL, "A", "A:four\n");
}

Test(trail, begins_new_files)
{
	start();
	fill(20000);
	cr_assert(count_files("trail") > 4);
	cr_assert(count_files("index") == count_files("trail") - 1);
	for (size_t i = 0; i < 20000; i += 997) {
		char id[32], to[64];

		(void)snprintf(id, sizeof(id), "ID%zu", i);
		(void)snprintf(to, sizeof(to), "USER%zu@example.test", i);
		cr_assert(find(NULL, id).n == 1, "%s", id);
		cr_assert(find("to", to).n == 1, "%s", to);
	}
	cr_assert(find(NULL, "ID20000").n == 0);
}

/* Whatever is wrong with the index, the answer is the same. */
Test(trail, does_without_its_index)
{
	char path[128];
	struct stat st;

	start();
	fill(5000);
	trail_close();
	path_of(false, "index", path, sizeof(path));
	cr_assert(stat(path, &st) == 0);
	for (off_t at = 0; at < st.st_size; at += 89) {
		damage(path, at);
		cr_assert(find(NULL, "ID17").n == 1, "octet %ld", (long)at);
		damage(path, at);
	}
	cr_assert(truncate(path, st.st_size / 2) == 0);
	cr_assert(find(NULL, "ID17").n == 1);
	cr_assert(unlink(path) == 0);
	cr_assert(find(NULL, "ID17").n == 1);
	/* And the next start makes it again. */
	start();
	cr_assert(stat(path, &st) == 0);
}

Test(trail, finds_all_events_of_one_id)
{
	const struct trail_term term = { NULL, "ONE" };
	struct pst_error err = { 0 };
	struct found f = { .n = 0 };

	start();
	for (size_t i = 0; i < 9000; i++)
		note("ONE", i);
	trail_flush();
	fill(3000);
	cr_assert(trail_search(dir, &keys, &term, 1, 0, INT64_MAX, take, &f,
		      &err) == PST_OK);
	cr_assert(f.n == 9000, "%zu", f.n);
	f = (struct found){ .most = 5 };
	cr_assert(trail_search(dir, &keys, &term, 1, 0, INT64_MAX, take, &f,
		      &err) == PST_OK);
	cr_assert(f.n == 5);
}

Test(trail, removes_the_oldest)
{
	options.size = 1 << 20;
	start();
	fill(20000);
	cr_assert(find(NULL, "ID0").n == 0);
	cr_assert(find(NULL, "ID19999").n == 1);
	cr_assert(count_files("trail") <= 5);
	cr_assert(count_files("index") <= 5);
	options.size = 16 << 20;
}

Test(trail, removes_what_is_too_old)
{
	const struct timespec old[2] = { { .tv_sec = 1000 },
		{ .tv_sec = 1000 } };
	char path[128];

	start();
	fill(5000);
	trail_close();
	cr_assert(find(NULL, "ID0").n == 1);
	path_of(false, "trail", path, sizeof(path));
	cr_assert(utimensat(AT_FDCWD, path, old, 0) == 0);
	start();
	cr_assert(find(NULL, "ID0").n == 0);
	cr_assert(find(NULL, "ID4999").n == 1);
}

/* A quiet server, too, begins new files, or nothing would ever be too old. */
Test(trail, begins_a_file_when_time_has_passed)
{
	start();
	trail_event("A", "one", NULL);
	trail_flush();
	clock_advance(INT64_C(86400) * 1000000 / 8);
	trail_event("A", "two", NULL);
	trail_flush();
	trail_event("A", "three", NULL);
	trail_flush();
	cr_assert(count_files("trail") == 2);
	expect(NULL, "A", "A:one\nA:two\nA:three\n");
}

Test(trail, looks_at_times)
{
	int64_t before, after;

	start();
	trail_event("A", "one", NULL);
	trail_flush();
	clock_advance(1000000);
	before = clock_now();
	trail_event("A", "two", NULL);
	fill(5000);
	clock_advance(1000000);
	after = clock_now();
	trail_event("A", "three", NULL);
	trail_flush();
	cr_assert_str_eq(
	    find_in(NULL, "A", before, INT64_MAX).text, "A:two\nA:three\n");
	cr_assert_str_eq(find_in(NULL, "A", before, after).text, "A:two\n");
	cr_assert_str_eq(find_in(NULL, "A", 0, before).text, "A:one\n");
	cr_assert_str_eq(
	    find_in(NULL, "A", after, INT64_MAX).text, "A:three\n");
}

Test(trail, there_is_none)
{
	const struct trail_term term = { NULL, "A" };
	struct pst_error err = { 0 };
	struct found f = { .n = 0 };

	cr_assert(trail_search("/tmp/postern-no-such-trail", &keys, &term, 1, 0,
		      INT64_MAX, take, &f, &err) == PST_E_NOTFOUND);
	options.path = "/proc/postern-no-such-trail";
	cr_assert(trail_open(&options, &keys, &err) == PST_E_PERM);
	cr_assert(!trail_is_on());
}
