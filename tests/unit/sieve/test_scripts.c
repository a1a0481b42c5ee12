/*
 * The scripts of a user, as they are kept in the storage: names, limits, which
 * one is active, and what a crash between two writes leaves.
 */
#include "../mailbox/fixture.h"

#include "base/clock.h"
#include "base/str.h"
#include "mailbox/turn.h"
#include "mailbox/watch.h"
#include "sieve/scripts.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#define TEXTS "postern/sieve/"

static struct store store;
static struct mail_account *acct;

static void
setup(void)
{
	cr_assert(store_open(
	    &store, "sieve {\n scripts = 3\n script_size = 2K\n}\n"));
	acct = store_account(&store, "ada");
	cr_assert_not_null(acct);
}

static void
teardown(void)
{
	mail_account_close(&acct);
	store_close(&store);
}

TestSuite(scripts, .init = setup, .fini = teardown);

static enum pst_rc
put(const char *name, const char *text)
{
	struct sieve_problem problem;
	struct pst_error err = { 0 };

	return sieve_put(acct, store.cfg, name, str_of(text), &problem, &err);
}

static enum pst_rc
activate(const char *name)
{
	struct pst_error err = { 0 };

	return sieve_activate(acct, name, &err);
}

static enum pst_rc
rename_it(const char *from, const char *to)
{
	struct pst_error err = { 0 };

	return sieve_rename(acct, from, to, &err);
}

static enum pst_rc
delete_it(const char *name)
{
	struct pst_error err = { 0 };

	return sieve_delete(acct, name, &err);
}

/* "a b* c": the names, and which is active. */
static const char *
listed(void)
{
	static char text[512];
	struct pst_error err = { 0 };
	struct sieve_list list;
	size_t n = 0;

	text[0] = '\0';
	if (sieve_list(acct, &list, &err) != PST_OK)
		(void)snprintf(text, sizeof(text), "failed");
	for (size_t i = 0; i < list.n && err.rc == PST_OK; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s",
		    i > 0 ? " " : "", list.v[i].name,
		    list.v[i].is_active ? "*" : "");
	sieve_list_fini(&list);
	return text;
}

static struct sieve_entry
entry(const char *name)
{
	struct pst_error err = { 0 };
	struct sieve_entry e = { 0 };
	const struct sieve_entry *found;
	struct sieve_list list;

	cr_assert_eq(sieve_list(acct, &list, &err), PST_OK);
	found = sieve_list_find(&list, name);
	if (found != NULL)
		e = *found;
	e.name = NULL;
	sieve_list_fini(&list);
	return e;
}

static bool
has_text(const char *name, const char *want)
{
	struct pst_error err = { 0 };
	struct buf text;
	bool same;

	buf_init(&text, 1 << 20);
	same = sieve_text(acct, entry(name).text_id, &text, &err) == PST_OK &&
	       str_is(buf_str(&text), want);
	buf_fini(&text);
	return same;
}

static void
count_one(void *arg, const char *key, struct pst_str value)
{
	unsigned *n = arg;

	(void)key;
	(void)value;
	(*n)++;
}

static unsigned
texts(void)
{
	struct pst_error err;
	unsigned n = 0;

	cr_assert_eq(
	    mailbox_meta_get(acct, NULL, TEXTS, count_one, &n, &err), PST_OK);
	return n;
}

static void
keep(const char *key, struct pst_str value)
{
	struct pst_error err = { 0 };

	cr_assert_eq(mailbox_meta_set(acct, NULL, key, value, &err), PST_OK);
}

Test(scripts, are_put_read_and_replaced)
{
	struct sieve_entry first, second;

	cr_expect_str_eq(listed(), "");
	cr_expect_eq(put("work", "keep;"), PST_OK);
	cr_expect_eq(put("empty", ""), PST_OK);
	cr_expect_str_eq(listed(), "empty work");
	cr_expect(has_text("work", "keep;"));
	cr_expect(has_text("empty", ""));
	first = entry("work");
	cr_expect_eq(first.size, 5);
	cr_expect_eq(put("work", "discard;\r\n"), PST_OK);
	second = entry("work");
	cr_expect_str_eq(first.id, second.id);
	cr_expect_str_neq(first.text_id, second.text_id);
	cr_expect_eq(second.size, 10);
	cr_expect(has_text("work", "discard;\r\n"));
	cr_expect_eq(texts(), 2, "the old text is gone");
}

Test(scripts, last_over_a_restart)
{
	cr_expect_eq(put("work", "keep;"), PST_OK);
	cr_expect_eq(activate("work"), PST_OK);
	mail_account_close(&acct);
	cr_assert(store_again(&store));
	acct = store_account(&store, "ada");
	cr_expect_str_eq(listed(), "work*");
	cr_expect(has_text("work", "keep;"));
}

Test(scripts, are_limited)
{
	struct pst_error err = { 0 };
	char large[2050];

	memset(large, '\n', sizeof(large));
	large[2048] = '\0';
	cr_expect_eq(put("large", large), PST_OK);
	large[2048] = '\n';
	large[2049] = '\0';
	cr_expect_eq(put("larger", large), PST_E_QUOTA);
	cr_expect_eq(put("b", "keep;"), PST_OK);
	cr_expect_eq(put("c", "keep;"), PST_OK);
	cr_expect_eq(put("d", "keep;"), PST_E_QUOTA);
	cr_expect_eq(put("c", "stop;"), PST_OK, "that one is there");
	cr_expect_eq(
	    sieve_have_space(acct, store.cfg, "c", 2048, &err), PST_OK);
	cr_expect_eq(
	    sieve_have_space(acct, store.cfg, "c", 2049, &err), PST_E_QUOTA);
	cr_expect_eq(
	    sieve_have_space(acct, store.cfg, "d", 1, &err), PST_E_QUOTA);
	cr_expect_eq(
	    sieve_have_space(acct, store.cfg, "", 1, &err), PST_E_SYNTAX);
	cr_expect_str_eq(listed(), "b c large");
	cr_expect_eq(texts(), 3);
}

Test(scripts, that_are_wrong_change_nothing)
{
	struct sieve_problem problem;
	struct pst_error err = { 0 };

	cr_expect_eq(put("work", "keep;"), PST_OK);
	cr_expect_eq(sieve_put(acct, store.cfg, "work",
			 STR("keep;\nno such thing"), &problem, &err),
	    PST_E_SYNTAX);
	cr_expect_eq(problem.line, 2);
	cr_expect(problem.text[0] != '\0');
	cr_expect(has_text("work", "keep;"));
	cr_expect_eq(texts(), 1);
}

/* RFC 5804, 1.6 */
Test(scripts, names)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{ "a", true },
		{ " ", true },
		{ "sp am.sieve/\\\"*%", true },
		{ "gr\xc3\xbc\xc3\x9f\x65", true },
		{ "\xf0\x9f\x93\xac", true },
		{ "", false },
		{ "a\tb", false },
		{ "a\r", false },
		{ "\x7f", false },
		{ "\xc2\x80", false },
		{ "\xc2\x9f", false },
		{ "\xc2\xa0", true },
		{ "\xe2\x80\xa8", false },
		{ "a\xe2\x80\xa9", false },
		{ "\xe2\x80\xaa", true },
		{ "\xff", false },
		{ "\xc3", false },
		{ "\xe2\x80", false },
	};
	char longest[600] = "";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(sieve_name_ok(str_of(cases[i].name)),
		    cases[i].good, "case %zu", i);
	for (size_t i = 0; i < 128; i++)
		memcpy(longest + 4 * i, "\xf0\x9f\x93\xac", 4);
	cr_expect(sieve_name_ok(str_n(longest, 512)));
	cr_expect_not(sieve_name_ok(str_n(longest, 516)));
	memset(longest, 'x', 513);
	cr_expect(sieve_name_ok(str_n(longest, 512)));
	cr_expect_not(sieve_name_ok(str_n(longest, 513)));
	cr_expect_eq(put("a\tb", "keep;"), PST_E_SYNTAX);
	cr_expect_eq(put("gr\xc3\xbc\xc3\x9f\x65 \"", "keep;"), PST_OK);
	cr_expect_str_eq(listed(), "gr\xc3\xbc\xc3\x9f\x65 \"");
}

Test(scripts, one_at_most_is_active)
{
	cr_expect_eq(activate(NULL), PST_OK);
	cr_expect_eq(activate("a"), PST_E_NOTFOUND);
	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(put("b", "keep;"), PST_OK);
	cr_expect_str_eq(listed(), "a b", "new ones are not active");
	cr_expect_eq(activate("a"), PST_OK);
	cr_expect_str_eq(listed(), "a* b");
	cr_expect_eq(activate("b"), PST_OK);
	cr_expect_str_eq(listed(), "a b*");
	cr_expect_eq(activate("c"), PST_E_NOTFOUND);
	cr_expect_str_eq(listed(), "a b*");
	cr_expect_eq(put("b", "stop;"), PST_OK);
	cr_expect_str_eq(listed(), "a b*", "it stays active");
	cr_expect_eq(delete_it("b"), PST_E_CONFLICT);
	cr_expect_eq(activate(""), PST_OK);
	cr_expect_eq(delete_it("b"), PST_OK);
	cr_expect_eq(delete_it("b"), PST_E_NOTFOUND);
	cr_expect_str_eq(listed(), "a");
	cr_expect_eq(texts(), 1);
}

Test(scripts, are_renamed)
{
	struct sieve_entry before, after;

	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(put("b", "stop;"), PST_OK);
	cr_expect_eq(activate("a"), PST_OK);
	before = entry("a");
	cr_expect_eq(rename_it("a", "b"), PST_E_EXISTS);
	cr_expect_eq(rename_it("x", "b"), PST_E_NOTFOUND);
	cr_expect_eq(rename_it("a", ""), PST_E_SYNTAX);
	cr_expect_eq(rename_it("a", "z"), PST_OK);
	cr_expect_str_eq(listed(), "b z*");
	after = entry("z");
	cr_expect_str_eq(before.id, after.id);
	cr_expect_str_eq(before.text_id, after.text_id);
	cr_expect(has_text("z", "keep;"));
}

/* --- what a crash leaves ---------------------------------------------------
 */

Test(scripts, a_text_that_no_list_names_goes_in_time)
{
	keep(TEXTS "0067000000abcdefabcdef", STR("keep;"));
	keep(TEXTS "not an id", STR("keep;"));
	cr_expect_str_eq(listed(), "");
	for (unsigned i = 0; i < 14; i++)
		cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(texts(), 3, "looked too early");
	cr_expect_eq(put("b", "keep;"), PST_OK);
	cr_expect_eq(put("b", "stop;"), PST_OK);
	cr_expect_eq(texts(), 3, "that is no text of ours");
	cr_expect(has_text("a", "keep;"));
	cr_expect(has_text("b", "stop;"));
}

/* Another server may be about to name it. */
Test(scripts, a_new_text_is_spared)
{
	char key[64];

	(void)snprintf(key, sizeof(key), TEXTS "%010llxabcdefabcdef",
	    (unsigned long long)clock_seconds());
	keep(key, STR("keep;"));
	for (unsigned i = 0; i < 16; i++)
		cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(texts(), 2);
	clock_advance(INT64_C(7200) * 1000000);
	for (unsigned i = 0; i < 16; i++)
		cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(texts(), 1);
}

Test(scripts, a_missing_text_is_not_found)
{
	struct pst_error err = { 0 };
	struct buf text;

	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(activate("a"), PST_OK);
	keep(SIEVE_LIST_KEY,
	    STR("{\"changes\":1,\"active\":\"S1\",\"scripts\":[{\"id\":\"S1\","
		"\"text\":\"0067000000abcdefabcdef\",\"name\":\"a\","
		"\"size\":5}]}"));
	cr_expect_str_eq(listed(), "a*");
	buf_init(&text, 4096);
	cr_expect_eq(sieve_text(acct, "0067000000abcdefabcdef", &text, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(
	    sieve_text(acct, "../../etc", &text, &err), PST_E_NOTFOUND);
	cr_expect_eq(sieve_text(acct, "", &text, &err), PST_E_NOTFOUND);
	buf_fini(&text);
	clock_advance(INT64_C(60) * 1000000);
	cr_expect_null(sieve_active_get(acct, store.cfg));
	cr_expect_eq(put("a", "stop;"), PST_OK, "and that mends it");
	cr_expect(has_text("a", "stop;"));
}

/* Not as good as none: then the next change would lose all scripts. */
Test(scripts, a_list_that_cannot_be_read_is_left_alone)
{
	static const char *const damaged[] = {
		"", "{", "[]", "{\"scripts\":[{\"id\":\"S1\"}]}",
		"{\"scripts\":[{\"id\":\"S1\",\"text\":\"/x\",\"name\":\"a\"}]}"
	};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		keep(SIEVE_LIST_KEY, str_of(damaged[i]));
		cr_expect_str_eq(listed(), "failed");
		cr_expect_eq(put("b", "keep;"), PST_E_TEMP);
		cr_expect_eq(activate(""), PST_E_TEMP);
		cr_expect_null(sieve_active_get(acct, store.cfg));
	}
	cr_expect_eq(texts(), 0);
}

/* --- the active script ------------------------------------------------------
 */

Test(scripts, active_is_known_at_once)
{
	struct sieve_active *a = sieve_active_get(acct, store.cfg), *b;

	cr_expect_null(a);
	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_null(sieve_active_get(acct, store.cfg));
	cr_expect_eq(activate("a"), PST_OK);
	a = sieve_active_get(acct, store.cfg);
	cr_assert_not_null(a);
	cr_expect_str_eq(sieve_active_name(a), "a");
	cr_expect_not_null(sieve_active_script(a));
	b = sieve_active_get(acct, store.cfg);
	cr_expect_eq(a, b, "compiled once");
	sieve_active_release(&b);
	cr_expect_eq(rename_it("a", "b"), PST_OK);
	b = sieve_active_get(acct, store.cfg);
	cr_expect_str_eq(sieve_active_name(b), "b");
	cr_expect_str_eq(sieve_active_name(a), "a", "who has it keeps it");
	sieve_active_release(&a);
	sieve_active_release(&b);
	cr_expect_eq(activate(""), PST_OK);
	cr_expect_null(sieve_active_get(acct, store.cfg));
}

Test(scripts, active_by_other_servers_is_known_soon)
{
	struct sieve_active *a;

	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(activate("a"), PST_OK);
	a = sieve_active_get(acct, store.cfg);
	cr_assert_not_null(a);
	sieve_active_release(&a);
	keep(SIEVE_LIST_KEY, STR_NONE);
	clock_advance(INT64_C(11) * 1000000);
	cr_expect_null(sieve_active_get(acct, store.cfg));
}

Test(scripts, active_that_compiles_no_more_is_none)
{
	char key[64];

	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(activate("a"), PST_OK);
	(void)snprintf(key, sizeof(key), TEXTS "%s", entry("a").text_id);
	keep(key, STR("if {"));
	cr_expect_null(sieve_active_get(acct, store.cfg));
}

Test(scripts, users_have_their_own)
{
	struct mail_account *other = store_account(&store, "bob");

	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_expect_eq(activate("a"), PST_OK);
	cr_expect_null(sieve_active_get(other, store.cfg));
	mail_account_close(&other);
}

Test(scripts, changes_are_told)
{
	struct watch *w = watch_open(acct, WATCH_TEXT, NULL);
	struct watch_news news;

	cr_expect_eq(put("a", "keep;"), PST_OK);
	cr_assert(watch_take(w, &news));
	cr_expect_str_eq(news.other, SIEVE_LIST_KEY);
	watch_news_fini(&news);
	cr_expect_eq(put("a", "no script"), PST_E_SYNTAX);
	cr_expect_not(watch_take(w, &news));
	watch_close(&w);
}

/* --- many at once ----------------------------------------------------------
 */

static void *
change_often(void *arg)
{
	const char *name = arg;

	for (unsigned i = 0; i < 20; i++) {
		struct sieve_active *a;

		cr_expect_eq(put(name, i % 2 ? "keep;" : "stop;"), PST_OK);
		cr_expect_eq(activate(name), PST_OK);
		a = sieve_active_get(acct, store.cfg);
		sieve_active_release(&a);
	}
	return NULL;
}

Test(scripts, changes_wait_for_each_other)
{
	static const char *const names[] = { "a", "b", "c" };
	pthread_t thread[3];

	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, change_often,
				 (void *)(uintptr_t)names[i]),
		    0);
	for (size_t i = 0; i < 3; i++)
		(void)pthread_join(thread[i], NULL);
	for (size_t i = 0; i < 3; i++)
		cr_expect(has_text(names[i], "keep;"));
	cr_expect_eq(texts(), 3);
}
