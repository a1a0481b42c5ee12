/*
 * Rewritten reverse-paths: there and back, chains of forwarders, forged and old
 * ones, the file of keys.
 */
#include "delivery/srs_keys.h"

#include "base/str.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAYS = 86400, AGE = 21 };

static const int64_t now = INT64_C(1800000000);

static void
key(struct srs *s, size_t keys, char first)
{
	memset(s, 0, sizeof(*s));
	s->keys = keys;
	for (size_t i = 0; i < keys; i++)
		memset(s->key[i], first + (int)i, SRS_KEY);
}

static bool
write_to(const struct srs *s, const char *local, const char *domain,
    int64_t when, char out[512])
{
	struct buf b;
	bool good;

	buf_init(&b, 500);
	good = srs_write(s, str_of(local), str_of(domain), when, &b);
	(void)str_copy(out, 512, buf_str(&b));
	buf_fini(&b);
	return good;
}

/* "local@domain" of it. */
static enum srs_result
read_from(const struct srs *s, const char *text, int64_t when, char out[512])
{
	struct pst_str domain = STR_NONE;
	enum srs_result result;
	struct buf b;

	buf_init(&b, 500);
	result = srs_read(s, str_of(text), AGE, when, &b, &domain);
	(void)snprintf(
	    out, 512, "%.*s@%.*s", STR_ARG(buf_str(&b)), STR_ARG(domain));
	buf_fini(&b);
	return result;
}

static void
change_case(char *text, bool upper)
{
	for (; *text != '\0'; text++)
		*text = upper ? ascii_upper(*text) : ascii_lower(*text);
}

Test(srs, there_and_back)
{
	static const char *const senders[][2] = {
		{ "alice", "origin.test" },
		{ "Alice.B", "Origin.Test" },
		{ "a=b+c-d", "origin.test" },
		{ "a b\"c", "origin.test" },
		{ "\xc3\xa4", "\xc3\xb6.test" },
		{ "x", "[192.0.2.1]" },
		{ "SRS0", "origin.test" },
		{ "srs2=x=y", "origin.test" },
	};
	char text[512], back[512], want[512];
	struct srs s;

	key(&s, 1, 'a');
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		cr_assert(
		    write_to(&s, senders[i][0], senders[i][1], now, text));
		cr_expect_eq(strncmp(text, "SRS0=", 5), 0, "%s", text);
		(void)snprintf(
		    want, sizeof(want), "%s@%s", senders[i][0], senders[i][1]);
		cr_expect_eq(read_from(&s, text, now, back), SRS_GOOD);
		cr_expect_str_eq(back, want);
	}
}

/* Servers on the way may change the case of a local part. */
Test(srs, case_does_not_matter)
{
	char text[512], back[512];
	struct srs s;

	key(&s, 1, 'a');
	for (int upper = 0; upper < 2; upper++) {
		cr_assert(write_to(&s, "alice", "origin.test", now, text));
		change_case(text, upper != 0);
		cr_expect_eq(read_from(&s, text, now, back), SRS_GOOD);
		change_case(back, false);
		cr_expect_str_eq(back, "alice@origin.test");
	}
}

Test(srs, every_change_is_noticed)
{
	char text[512], changed[512], back[512];
	struct srs s;
	size_t n;

	key(&s, 1, 'a');
	cr_assert(write_to(&s, "alice", "origin.test", now, text));
	n = strlen(text);
	for (size_t i = 5; i < n; i++) {
		(void)str_copy(changed, sizeof(changed), str_of(text));
		changed[i] = changed[i] == 'x' ? 'y' : 'x';
		cr_expect_eq(read_from(&s, changed, now, back), SRS_FORGED,
		    "%s", changed);
		cr_expect_str_eq(back, "@");
	}
	for (size_t i = 5; i < n; i++) {
		(void)str_copy(changed, sizeof(changed), str_n(text, i));
		cr_expect_eq(read_from(&s, changed, now, back), SRS_FORGED,
		    "%s", changed);
	}
	(void)str_copy(changed, sizeof(changed) - 1, str_of(text));
	changed[n] = 'x';
	changed[n + 1] = '\0';
	cr_expect_eq(read_from(&s, changed, now, back), SRS_FORGED);
	key(&s, 1, 'b');
	cr_expect_eq(read_from(&s, text, now, back), SRS_FORGED);
}

Test(srs, age)
{
	static const struct {
		int64_t days;
		enum srs_result result;
	} cases[] = {
		{ -1, SRS_GOOD }, /* another server's clock */
		{ 0, SRS_GOOD },
		{ AGE, SRS_GOOD },
		{ AGE + 1, SRS_EXPIRED },
		{ -2, SRS_EXPIRED },
		{ 500, SRS_EXPIRED },
		{ SRS_DAYS - 2, SRS_EXPIRED },
	};
	char text[512], back[512];
	struct srs s;

	key(&s, 1, 'a');
	cr_assert(write_to(&s, "alice", "origin.test", now, text));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(
		    read_from(&s, text, now + cases[i].days * DAYS, back),
		    cases[i].result, "%d", (int)cases[i].days);
}

/* However many forward, the first and the last one stand in the path. */
Test(srs, chains)
{
	char first[512], second[512], third[512], back[512], *at;
	struct srs a, b, c;

	key(&a, 1, 'a');
	key(&b, 1, 'b');
	key(&c, 1, 'c');
	cr_assert(write_to(&a, "alice", "origin.test", now, first));
	cr_assert(write_to(&b, first, "a.test", now, second));
	cr_expect_eq(strncmp(second, "SRS1=", 5), 0, "%s", second);
	cr_assert(write_to(&c, second, "b.test", now, third));
	cr_expect_eq(strncmp(third, "SRS1=", 5), 0, "%s", third);
	cr_expect_null(strstr(third, "b.test"));
	cr_expect_eq(read_from(&b, third, now, back), SRS_FORGED);
	cr_expect_eq(read_from(&c, third, now, back), SRS_GOOD);
	at = strrchr(back, '@');
	cr_assert_not_null(at);
	cr_expect_str_eq(at, "@a.test");
	*at = '\0';
	cr_expect_str_eq(back, first);
	cr_expect_eq(read_from(&a, first, now, back), SRS_GOOD);
	cr_expect_str_eq(back, "alice@origin.test");
}

/* Others write other separators and longer hashes. */
Test(srs, of_other_servers)
{
	static const struct {
		const char *sender, *original;
	} cases[] = {
		{ "SRS0+4a/B=XY=o.test=u", "SRS0+4a/B=XY=o.test=u@f.test" },
		{ "srs0-4aaB=XY=o.test=u", "SRS0-4aaB=XY=o.test=u@f.test" },
		{ "SRS1=abcd=g.test==4aaB=XY=o.test=u",
		    "SRS0=4aaB=XY=o.test=u@g.test" },
		{ "SRS1+abcd=g.test=+4aaB=XY=o.test=u",
		    "SRS0+4aaB=XY=o.test=u@g.test" },
		/* None at all. */
		{ "SRS1=abcd", "SRS1=abcd@f.test" },
	};
	char text[512], back[512];
	struct srs s;

	key(&s, 1, 'a');
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert(write_to(&s, cases[i].sender, "f.test", now, text));
		cr_expect_eq(
		    read_from(&s, text, now, back), SRS_GOOD, "%s", text);
		cr_expect_str_eq(back, cases[i].original);
	}
}

Test(srs, what_is_none)
{
	static const char *const texts[] = { "", "alice", "SRS", "SRS0",
		"SRS0x", "SRS2=a", "srs1", "xSRS0=" };
	struct srs s;
	char back[512];

	key(&s, 1, 'a');
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(read_from(&s, texts[i], now, back), SRS_NONE, "%s",
		    texts[i]);
}

Test(srs, limits)
{
	char text[512], local[200];
	struct srs s;

	key(&s, 0, 'a');
	cr_expect_not(write_to(&s, "alice", "origin.test", now, text));
	key(&s, 1, 'a');
	cr_expect_not(write_to(&s, "alice", "", now, text));
	cr_expect_not(write_to(&s, "", "origin.test", now, text));
	cr_expect_not(write_to(&s, "alice", "a=b.test", now, text));
	memset(local, 'x', sizeof(local));
	local[120] = '\0';
	cr_expect_not(write_to(&s, local, "origin.test", now, text));
	local[64] = '\0';
	cr_expect(write_to(&s, local, "origin.test", now, text));
}

Test(srs, an_older_key_still_holds)
{
	char text[512], back[512];
	struct srs old, s;

	key(&old, 1, 'b');
	key(&s, 2, 'a'); /* a, b */
	cr_assert(write_to(&old, "alice", "origin.test", now, text));
	cr_expect_eq(read_from(&s, text, now, back), SRS_GOOD);
	cr_assert(write_to(&s, "alice", "origin.test", now, text));
	cr_expect_eq(read_from(&old, text, now, back), SRS_FORGED);
}

/* --- the file ---------------------------------------------------------------
 */

static char dir[] = "/tmp/postern-srs-XXXXXX", path[100];

static void
begin(void)
{
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/srs.keys", dir);
}

static void
end(void)
{
	(void)unlink(path);
	(void)rmdir(dir);
}

TestSuite(srs_keys, .init = begin, .fini = end);

static void
put_file(const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert(fputs(text, f) >= 0);
	cr_assert_eq(fclose(f), 0);
}

Test(srs_keys, made_once)
{
	struct srs_keys *k = NULL;
	struct pst_error err = { 0 };
	struct srs one, two;
	struct stat st;

	cr_assert_eq(srs_keys_open(path, &k, &err), PST_OK, "%s", err.detail);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	srs_keys_get(k, &one);
	cr_expect_eq(one.keys, 1);
	srs_keys_free(&k);
	cr_assert_eq(srs_keys_open(path, &k, &err), PST_OK, "%s", err.detail);
	srs_keys_get(k, &two);
	cr_expect_eq(memcmp(one.key[0], two.key[0], SRS_KEY), 0);
	srs_keys_free(&k);
}

#define KEY "00112233445566778899aAbBcCdDeEfF00112233445566778899aabbccddeeff"

Test(srs_keys, read_again)
{
	struct srs_keys *k = NULL;
	struct pst_error err = { 0 };
	struct srs srs;

	put_file("# old\n" KEY "\n");
	cr_assert_eq(srs_keys_open(path, &k, &err), PST_OK, "%s", err.detail);
	put_file("\n  ff" KEY "\n");
	cr_expect_eq(srs_keys_reload(k, &err), PST_E_PERM);
	srs_keys_get(k, &srs);
	cr_expect_eq(srs.keys, 1);
	put_file(KEY "\r\n" KEY " # the second\n");
	cr_expect_eq(srs_keys_reload(k, &err), PST_OK, "%s", err.detail);
	srs_keys_get(k, &srs);
	cr_expect_eq(srs.keys, 2);
	cr_expect_eq(srs.key[0][1], 0x11);
	cr_expect_eq(srs.key[0][10], 0xaa);
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(srs_keys_reload(k, &err), PST_E_PERM);
	srs_keys_free(&k);
}

Test(srs_keys, what_is_wrong_is_refused)
{
	static const char *const texts[] = { "", "# nothing\n", "key\n",
		KEY "0\n", "g" KEY "\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct srs_keys *k = NULL;
		struct pst_error err = { 0 };

		put_file(texts[i]);
		cr_expect_eq(
		    srs_keys_open(path, &k, &err), PST_E_PERM, "%s", texts[i]);
	}
}
