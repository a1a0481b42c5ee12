/*
 * What is put is got, or nothing: over openings, crashes and damage.
 */
#include "localindex/cache.h"

#include "folder.h"

enum { MESSAGES = 500, KIND = 3 };

static unsigned warnings;

static void
count_warning(enum pst_log_level level, const char *fmt, ...)
{
	(void)fmt;
	warnings += level == PST_LOG_WARNING;
}

static const struct pst_host host = { .log = count_warning };

static struct li_cache *
begin(const struct folder *f, uint32_t uidvalidity)
{
	return li_cache_new(&host, f->fd, uidvalidity, "test");
}

/* The value of a message: of a length and with octets of its own. */
static size_t
value_of(uint32_t uid, unsigned salt, char *out)
{
	size_t n = uid % 7 == 0 ? 0 : uid * 37 % 900;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(uid + salt + i * 13);
	return n;
}

static void
put(struct li_cache *c, uint32_t first, uint32_t last, unsigned salt)
{
	for (; first <= last; first++) {
		char text[1024];
		const struct pst_cached v = { first,
			{ text, value_of(first, salt, text) } };

		li_cache_put(c, KIND, &v, 1);
	}
}

struct seen {
	uint32_t last;
	size_t n, wrong;
	unsigned salt;
};

static void
see(void *arg, const struct pst_cached *v)
{
	struct seen *s = arg;
	char text[1024];
	size_t n = value_of(v->uid, s->salt, text);

	s->n++;
	if (v->uid <= s->last || v->value.n != n ||
	    memcmp(v->value.p, text, n) != 0)
		s->wrong++;
	s->last = v->uid;
}

/* How many of the uids 1 to `last` are there; all must be right. */
static size_t
count(struct li_cache *c, uint32_t last, unsigned salt)
{
	uint32_t *uids = calloc(last, sizeof(*uids));
	struct seen s = { .salt = salt };

	for (uint32_t i = 0; i < last; i++)
		uids[i] = i + 1;
	li_cache_get(c, KIND, uids, last, see, &s);
	free(uids);
	cr_expect_eq(s.wrong, 0, "%zu of %zu are wrong", s.wrong, s.n);
	return s.n;
}

static bool
is_odd(const void *arg, uint32_t uid)
{
	(void)arg;
	return uid & 1;
}

static bool
is_tenth(const void *arg, uint32_t uid)
{
	(void)arg;
	return uid % 10 == 0;
}

static void
end(struct li_cache **c)
{
	li_cache_free(c, NULL, NULL, 0);
}

Test(cache, gives_what_was_put)
{
	struct folder f;
	struct li_cache *c;

	folder_begin(&f);
	c = begin(&f, 1);
	cr_expect_eq(count(c, MESSAGES, 0), 0);
	cr_expect_eq(
	    folder_size(&f, LI_CACHE_FILE), -1, "reading alone makes no file");
	put(c, 1, MESSAGES, 0);
	cr_expect_eq(count(c, MESSAGES + 10, 0), MESSAGES);
	end(&c);
	c = begin(&f, 1);
	cr_expect_eq(count(c, MESSAGES, 0), MESSAGES, "opened again");
	put(c, MESSAGES + 1, MESSAGES + 9, 0);
	cr_expect_eq(count(c, MESSAGES + 9, 0), MESSAGES + 9);
	end(&c);
	c = begin(&f, 1);
	cr_expect_eq(count(c, MESSAGES + 9, 0), MESSAGES + 9, "and again");
	end(&c);
	cr_expect_eq(warnings, 0);
	folder_end(&f, LI_CACHE_FILE);
}

Test(cache, replaces)
{
	struct folder f;
	struct li_cache *c;
	off_t size;

	folder_begin(&f);
	c = begin(&f, 1);
	for (unsigned salt = 0; salt < 5; salt++)
		put(c, 1, MESSAGES, salt);
	cr_expect_eq(count(c, MESSAGES, 4), MESSAGES);
	size = folder_size(&f, LI_CACHE_FILE);
	li_cache_free(&c, is_odd, NULL, MESSAGES / 2);
	cr_expect_lt(folder_size(&f, LI_CACHE_FILE), size / 4, "it shrinks");
	c = begin(&f, 1);
	cr_expect_eq(count(c, MESSAGES, 4), MESSAGES / 2, "the odd ones");
	end(&c);
	folder_end(&f, LI_CACHE_FILE);
}

/* Messages that are gone are dropped although nothing new was put. */
Test(cache, shrinks_when_the_mailbox_is_emptied)
{
	struct folder f;
	struct li_cache *c;

	folder_begin(&f);
	c = begin(&f, 1);
	put(c, 1, MESSAGES, 0);
	end(&c);
	c = begin(&f, 1);
	cr_expect_eq(count(c, MESSAGES, 0), MESSAGES);
	li_cache_free(&c, is_tenth, NULL, MESSAGES / 10);
	cr_expect_lt(folder_size(&f, LI_CACHE_FILE), 60000);
	c = begin(&f, 1);
	cr_expect_eq(count(c, MESSAGES, 0), MESSAGES / 10);
	end(&c);
	folder_end(&f, LI_CACHE_FILE);
}

Test(cache, forgets_another_uidvalidity)
{
	struct folder f;
	struct li_cache *c;

	folder_begin(&f);
	c = begin(&f, 1);
	put(c, 1, 50, 0);
	end(&c);
	c = begin(&f, 2);
	cr_expect_eq(count(c, 50, 0), 0);
	put(c, 1, 20, 5);
	cr_expect_eq(count(c, 50, 5), 20);
	end(&c);
	folder_end(&f, LI_CACHE_FILE);
}

/* A process that was killed wrote no map. */
Test(cache, walks_through_without_a_map)
{
	struct folder f;
	struct li_cache *c;
	off_t size;

	folder_begin(&f);
	c = begin(&f, 1);
	put(c, 1, MESSAGES, 0);
	size = folder_size(&f, LI_CACHE_FILE);
	end(&c);
	folder_cut(&f, LI_CACHE_FILE, size);
	c = begin(&f, 1);
	cr_expect_eq(count(c, MESSAGES, 0), MESSAGES);
	end(&c);
	for (off_t cut = 1; cut < 3000; cut += 211) {
		size_t left;

		folder_cut(&f, LI_CACHE_FILE, size - cut);
		c = begin(&f, 1);
		left = count(c, MESSAGES, 0);
		cr_expect(left < MESSAGES && left > MESSAGES - 40,
		    "cut by %ld: %zu", (long)cut, left);
		put(c, 1, MESSAGES, 0);
		size = folder_size(&f, LI_CACHE_FILE);
		cr_expect_eq(count(c, MESSAGES, 0), MESSAGES);
		end(&c);
		c = begin(&f, 1);
		cr_expect_eq(count(c, MESSAGES, 0), MESSAGES);
		end(&c);
	}
	folder_end(&f, LI_CACHE_FILE);
}

/* Whatever octet is wrong, wherever: nothing wrong is given out, and all can be
 * put again. */
Test(cache, believes_no_damaged_octet, .timeout = 60)
{
	struct folder f;
	struct li_cache *c;
	off_t size;

	folder_begin(&f);
	c = begin(&f, 1);
	put(c, 1, 40, 0);
	end(&c);
	size = folder_size(&f, LI_CACHE_FILE);
	for (off_t at = 0; at < size;
	     at += at < 100 || size - at < 200 ? 1 : 17) {
		folder_spoil(&f, LI_CACHE_FILE, at);
		c = begin(&f, 1);
		cr_expect_leq(count(c, 40, 0), 40);
		put(c, 1, 40, 0);
		cr_expect_eq(count(c, 40, 0), 40, "octet %ld", (long)at);
		end(&c);
		(void)unlinkat(f.fd, LI_CACHE_FILE, 0);
		c = begin(&f, 1);
		put(c, 1, 40, 0);
		end(&c);
		cr_assert_eq(folder_size(&f, LI_CACHE_FILE), size);
	}
	folder_end(&f, LI_CACHE_FILE);
}

/* A map cannot have more values than there is room for records before it. */
Test(cache, is_not_led_to_take_memory)
{
	struct folder f;
	struct li_cache *c;
	uint64_t trailer[4]; /* mark, place, number of values, checksum */
	off_t size;
	int fd;

	folder_begin(&f);
	c = begin(&f, 1);
	put(c, 1, 40, 0);
	end(&c);
	size = folder_size(&f, LI_CACHE_FILE);
	fd = openat(f.fd, LI_CACHE_FILE, O_RDWR);
	cr_assert_eq(
	    pread(fd, trailer, sizeof(trailer), size - (off_t)sizeof(trailer)),
	    sizeof(trailer));
	trailer[2] = UINT64_C(1) << 32;
	size = (off_t)(trailer[1] + trailer[2] * 16);
	cr_assert_eq(pwrite(fd, trailer, sizeof(trailer), size),
	    sizeof(trailer), "a file with a hole");
	(void)close(fd);
	folder_limit_memory();
	c = begin(&f, 1);
	cr_expect_eq(count(c, 40, 0), 40, "the records are there");
	end(&c);
	folder_end(&f, LI_CACHE_FILE);
}

/* The same while it is open. */
Test(cache, notices_damage_while_it_is_open)
{
	struct folder f;
	struct li_cache *c;

	folder_begin(&f);
	c = begin(&f, 1);
	put(c, 1, MESSAGES, 0);
	folder_cut(&f, LI_CACHE_FILE, 5000);
	(void)count(c, MESSAGES, 0);
	put(c, 1, MESSAGES, 1);
	cr_expect_eq(count(c, MESSAGES, 1), MESSAGES, "cut short");
	cr_expect_gt(warnings, 0, "and told");
	folder_spoil(&f, LI_CACHE_FILE, 5000);
	cr_expect_lt(count(c, MESSAGES, 1), MESSAGES);
	put(c, 1, MESSAGES, 2);
	cr_expect_eq(count(c, MESSAGES, 2), MESSAGES, "spoilt");
	cr_expect_eq(unlinkat(f.fd, LI_CACHE_FILE, 0), 0);
	cr_expect_eq(count(c, MESSAGES, 2), MESSAGES, "deleted");
	put(c, 1, 10, 2);
	end(&c);
	c = begin(&f, 1);
	cr_expect_leq(count(c, MESSAGES, 2), MESSAGES);
	put(c, 1, 10, 3);
	cr_expect_eq(count(c, 10, 3), 10);
	end(&c);
	folder_end(&f, LI_CACHE_FILE);
}

Test(cache, keeps_no_more_than_its_limit)
{
	struct folder f;
	struct li_cache *c;
	char *big = calloc(1, LI_VALUE_MAX + 1);
	struct pst_cached v = { 7, { big, LI_VALUE_MAX + 1 } };
	uint32_t uid = 7;
	struct seen s = { 0 };

	folder_begin(&f);
	c = begin(&f, 1);
	li_cache_put(c, 0, &v, 1);
	li_cache_get(c, 0, &uid, 1, see, &s);
	cr_expect_eq(s.n, 0);
	v.value.n--;
	li_cache_put(c, 0, &v, 1);
	li_cache_get(c, 0, &uid, 1, see, &s);
	cr_expect_eq(s.n, 1);
	li_cache_put(c, LI_KINDS, &v, 1);
	li_cache_get(c, LI_KINDS, &uid, 1, see, &s);
	cr_expect_eq(s.n, 1, "no such kind");
	end(&c);
	free(big);
	folder_end(&f, LI_CACHE_FILE);
}
