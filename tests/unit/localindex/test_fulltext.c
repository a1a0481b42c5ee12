/*
 * The full-text index against its own folder: every answer is compared with
 * what memmem() says of the texts, and damage must never make one wrong.
 */
#include "localindex/fulltext.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UIDS = 600, TEXT_MAX = 4000 };

/* The messages by uid, as the index ought to know them. */
struct document {
	bool is_there, is_partial;
	char *header, *body;
	size_t header_n, body_n;
};

static struct document document[UIDS];
static char dir[64];
static struct li_text_box box = { .where = "test", .version = 1 };
static uint64_t seed;

static uint32_t
chance(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)(seed >> 33) % below;
}

static const char *const words[] = { "alpha", "beta", "gamma", "al", "pha", "a",
	"anna@example.org", "example", "o'clock", "well-known", "3.14",
	"gru\xcc\x88n", "\xd0\xb4\xd0\xb0\xd1\x87\xd0\xb0",
	"\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", "\xe6\x9d\xb1", "\xe4\xba\xac",
	"\xe3\x81\x8b\xe3\x82\x99\xe3\x81\x84", "\xf0\x9f\x98\x80",
	"\xe2\x82\xac", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xc2\xa7" };
static const char *const breaks[] = { " ", " ", " ", "\n", "", ".", "-", "@",
	", ", "..", "\xe2\x80\x94", "\xff", "_", "/", "\r\n" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t
random_text(char *to, size_t max, unsigned pieces)
{
	size_t n = 0;

	for (unsigned i = 0; i < pieces; i++) {
		const char *word = words[chance(COUNT(words))];
		const char *gap = breaks[chance(COUNT(breaks))];
		unsigned times = chance(40) == 0 ? 5 + chance(40) : 1;

		while (times-- > 0 && n + 64 < max) {
			memcpy(to + n, word, strlen(word));
			n += strlen(word);
		}
		memcpy(to + n, gap, strlen(gap));
		n += strlen(gap);
	}
	return n;
}

static void
begin(void)
{
	seed = 42;
	(void)snprintf(dir, sizeof(dir), "/tmp/postern-fts-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	box.dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	cr_assert_geq(box.dirfd, 0);
	box.uidvalidity = 7;
}

static void
end(void)
{
	cr_expect_eq(li_text_drop(&box, NULL), PST_OK);
	(void)close(box.dirfd);
	cr_expect_eq(rmdir(dir), 0, "something is left");
	for (uint32_t uid = 0; uid < UIDS; uid++) {
		free(document[uid].header);
		free(document[uid].body);
	}
}

static void
make(uint32_t uid)
{
	struct document *d = &document[uid];
	char text[TEXT_MAX];

	free(d->header);
	free(d->body);
	d->header_n = random_text(text, sizeof(text), chance(8));
	d->header = memcpy(malloc(d->header_n + 1), text, d->header_n);
	d->body_n = random_text(text, sizeof(text), chance(60));
	d->body = memcpy(malloc(d->body_n + 1), text, d->body_n);
	d->is_there = true;
	d->is_partial = chance(30) == 0;
}

/* Indexes some messages together, in no order. */
static void
put(uint32_t first, uint32_t last)
{
	struct pst_text texts[UIDS];
	struct pst_error err = { 0 };
	size_t n = 0;

	for (uint32_t uid = last; uid >= first; uid--) {
		make(uid);
		texts[n++] = (struct pst_text){ .uid = uid,
			.is_partial = document[uid].is_partial,
			.header = { document[uid].header,
			    document[uid].header_n },
			.body = { document[uid].body, document[uid].body_n } };
	}
	cr_assert_eq(
	    li_text_put(&box, texts, n, &err), PST_OK, "%s", err.detail);
}

static bool
has(const char *text, size_t n, struct pst_str needle)
{
	return needle.n == 0 ||
	       (n > 0 && memmem(text, n, needle.p, needle.n) != NULL);
}

struct checking {
	struct pst_str needle;
	bool headers;
	uint32_t last, answers, maybe, yes;
	bool is_told[UIDS];
};

static void
check_answer(void *arg, uint32_t uid, enum pst_text_answer answer)
{
	struct checking *c = arg;
	const struct document *d = &document[uid];
	bool truth = has(d->body, d->body_n, c->needle) ||
		     (c->headers && has(d->header, d->header_n, c->needle));

	cr_assert(uid > c->last, "not ascending");
	cr_assert(d->is_there, "uid %u is not there", uid);
	c->last = uid;
	c->answers++;
	c->is_told[uid] = true;
	if (answer == PST_TEXT_MAYBE) {
		c->maybe++;
		return;
	}
	c->yes += answer == PST_TEXT_YES;
	/* What is missing from a partial one may contain it. */
	cr_assert(answer == PST_TEXT_YES ? truth : !truth && !d->is_partial,
	    "uid %u, %.*s: %d", uid, (int)c->needle.n, c->needle.p, answer);
}

static struct checking
ask(struct pst_str needle, bool headers)
{
	struct checking c = { .needle = needle, .headers = headers };
	struct pst_error err = { 0 };

	cr_assert_eq(
	    li_text_search(&box, needle, headers, check_answer, &c, &err),
	    PST_OK, "%s", err.detail);
	return c;
}

static struct checking
ask_text(const char *needle)
{
	return ask((struct pst_str){ needle, strlen(needle) }, true);
}

/* Needles cut out of the texts, and others, at any octet. */
static void
ask_much(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		const struct document *d = &document[chance(UIDS)];
		char text[TEXT_MAX];
		struct pst_str needle = { d->body, 0 };
		size_t n;

		if (d->body_n > 0 && chance(4) > 0) {
			size_t at = chance((uint32_t)d->body_n);

			n = d->body_n - at;
			needle.p = d->body + at;
			needle.n = 1 + chance(n < 50 ? (uint32_t)n : 50);
		} else {
			n = random_text(text, sizeof(text), 1 + chance(3));
			needle = (struct pst_str){ text, n };
		}
		if (memchr(needle.p, 0xff, needle.n) != NULL)
			continue; /* none can be in a needle */
		(void)ask(needle, chance(2) == 0);
	}
}

static struct pst_range everything = { 1, UINT32_MAX };

static void
tidy(struct pst_uids present)
{
	struct pst_error err = { 0 };

	cr_assert_eq(
	    li_text_tidy(&box, present, &err), PST_OK, "%s", err.detail);
}

static unsigned
files(void)
{
	int fd = openat(box.dirfd, LI_TEXT_DIR, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

TestSuite(fulltext, .init = begin, .fini = end);

Test(fulltext, nothing_is_known_of_nothing)
{
	struct pst_text_state state = { 1, 1 };

	cr_expect_eq(ask_text("alpha").answers, 0);
	cr_expect_eq(li_text_state(&box, &state, NULL), PST_OK);
	cr_expect_eq(state.bytes, 0);
	cr_expect_eq(state.messages, 0);
	tidy((struct pst_uids){ &everything, 1 });
	cr_expect_eq(li_text_put(&box, NULL, 0, NULL), PST_OK);
}

Test(fulltext, answers_are_those_of_a_scan)
{
	for (uint32_t uid = 1; uid + 20 < UIDS; uid += 20) {
		put(uid, uid + 19);
		ask_much(30);
		tidy((struct pst_uids){ &everything, 1 });
		ask_much(30);
	}
	cr_expect_leq(files(), 12);
	cr_expect_eq(ask_text("").answers, 580);
	cr_expect_gt(ask_text("alpha").yes, 100);
	cr_expect_lt(ask_text("alpha").maybe, 60, "only partial ones");
	ask_much(3000);
}

Test(fulltext, gone_messages_are_forgotten)
{
	struct pst_range left[] = { { 50, 52 }, { 200, 210 } };

	for (uint32_t uid = 1; uid < 400; uid += 40)
		put(uid, uid + 39);
	tidy((struct pst_uids){ left, 2 });
	for (uint32_t uid = 1; uid < UIDS; uid++)
		if (!(uid >= 50 && uid <= 52) && !(uid >= 200 && uid <= 210))
			document[uid].is_there = false;
	cr_expect_eq(ask_text("").answers, 14);
	ask_much(300);
	tidy((struct pst_uids){ left, 0 });
	cr_expect_eq(files(), 0);
}

Test(fulltext, a_message_put_twice_is_told_once)
{
	struct pst_text text = {
		.uid = 5, .header = { "alpha", 5 }, .body = { "beta", 4 }
	};

	for (int i = 0; i < 10; i++)
		cr_assert_eq(li_text_put(&box, &text, 1, NULL), PST_OK);
	document[5].is_there = true;
	document[5].header = strdup("alpha");
	document[5].header_n = 5;
	document[5].body = strdup("beta");
	document[5].body_n = 4;
	cr_expect_eq(ask_text("alph").yes, 1);
	tidy((struct pst_uids){ &everything, 1 });
	cr_expect_eq(ask_text("eta").yes, 1);
	cr_expect_eq(ask((struct pst_str){ "alpha", 5 }, false).yes, 0);
	cr_expect_lt(files(), 6);
}

Test(fulltext, another_uidvalidity_or_version_is_another_index)
{
	put(1, 20);
	box.uidvalidity++;
	cr_expect_eq(ask_text("").answers, 0);
	box.uidvalidity--;
	box.version++;
	cr_expect_eq(ask_text("").answers, 0);
	box.version--;
	cr_expect_eq(ask_text("").answers, 20);
	box.version++;
	tidy((struct pst_uids){ &everything, 1 });
	cr_expect_eq(files(), 0, "what is old goes");
	box.version--;
}

/* --- damage -----------------------------------------------------------------
 */

static void
name_of(unsigned number, char name[64])
{
	(void)snprintf(name, 64, "%s/%08x", LI_TEXT_DIR, number);
}

/* One octet at a time: either the file is dropped or it was not needed. */
Test(fulltext, no_damage_makes_an_answer_wrong)
{
	char name[64];
	struct stat st;

	for (unsigned round = 0; round < 400; round++) {
		unsigned char octet;
		off_t at;
		int fd;

		if (round == 0 || ask_text("").answers < 60) {
			cr_assert_eq(li_text_drop(&box, NULL), PST_OK);
			put(1, 30);
			put(31, 60);
		}
		name_of(0, name);
		fd = openat(box.dirfd, name, O_RDWR);
		cr_assert_geq(fd, 0);
		cr_assert_eq(fstat(fd, &st), 0);
		at = (off_t)chance((uint32_t)st.st_size);
		cr_assert_eq(pread(fd, &octet, 1, at), 1);
		octet ^= (unsigned char)(1 + chance(255));
		cr_assert_eq(pwrite(fd, &octet, 1, at), 1);
		(void)close(fd);
		ask_much(5);
		(void)ask_text("a");
		(void)ask_text("\xe6\x9d\xb1\xe4\xba\xac");
		tidy((struct pst_uids){ &everything, 1 });
		ask_much(2);
	}
}

Test(fulltext, cut_short_is_noticed)
{
	char name[64];
	struct stat st;
	off_t size;

	put(1, 30);
	name_of(0, name);
	cr_assert_eq(fstatat(box.dirfd, name, &st, 0), 0);
	size = st.st_size;
	for (off_t n = 0; n < size; n += 1 + (off_t)chance(200)) {
		int fd;

		cr_assert_eq(li_text_drop(&box, NULL), PST_OK);
		put(1, 30);
		put(31, 60);
		fd = openat(box.dirfd, name, O_RDWR);
		cr_assert_geq(fd, 0);
		cr_assert_eq(ftruncate(fd, n < st.st_size ? n : 0), 0);
		(void)close(fd);
		cr_expect_eq(ask_text("").answers, 30);
		ask_much(3);
	}
}

Test(fulltext, odd_things_in_its_place)
{
	int fd = openat(box.dirfd, LI_TEXT_DIR, O_WRONLY | O_CREAT, 0600);

	(void)close(fd);
	cr_expect_eq(ask_text("alpha").answers, 0, "a file");
	put(1, 10);
	cr_expect_eq(ask_text("").answers, 10);
	cr_assert_eq(mkdirat(box.dirfd, LI_TEXT_DIR "/00000001", 0700), 0);
	cr_assert_eq(
	    symlinkat("/etc/passwd", box.dirfd, LI_TEXT_DIR "/00000002"), 0);
	fd = openat(
	    box.dirfd, LI_TEXT_DIR "/00000003", O_WRONLY | O_CREAT, 0600);
	(void)close(fd);
	fd = openat(box.dirfd, LI_TEXT_DIR "/new", O_WRONLY | O_CREAT, 0600);
	(void)close(fd);
	cr_expect_eq(ask_text("").answers, 10);
	put(11, 20);
	tidy((struct pst_uids){ &everything, 1 });
	cr_expect_eq(ask_text("").answers, 20);
	ask_much(100);
}
