/*
 * What searching, sorting and threading are made of: return options, ranges of
 * results, filters, fuzzy words, sort keys, threads.
 */
#include "base/str.h"
#include "imap/fetch_partial.h"
#include "imap/search.h"
#include "imap/search_return.h"
#include "imap/sort_keys.h"
#include "imap/thread_tree.h"

#include <criterion/criterion.h>

static const struct {
	const char *wire;
	bool good;
	unsigned options;
} returns[] = {
	{ "ALL\r\n", true, 0 },
	{ "RETURN () ALL\r\n", true, IMAP_RETURN_ALL },
	{ "return (min Max) ALL\r\n", true, IMAP_RETURN_MIN | IMAP_RETURN_MAX },
	{ "RETURN (PARTIAL -9:-1 COUNT) ALL\r\n", true,
	    IMAP_RETURN_PARTIAL | IMAP_RETURN_COUNT },
	{ "RETURN (SAVE UPDATE CONTEXT RELEVANCY) ALL\r\n", true,
	    IMAP_RETURN_SAVE | IMAP_RETURN_UPDATE | IMAP_RETURN_CONTEXT |
		IMAP_RETURN_RELEVANCY },
	{ "RETURN (PARTIAL 1:0) ALL\r\n", false, 0 },
	{ "RETURN (PARTIAL 1:-2) ALL\r\n", false, 0 },
	{ "RETURN (ALL PARTIAL 1:2) ALL\r\n", false, 0 },
	{ "RETURN (ALL)\r\n", false, 0 },
	{ "RETURN (X) ALL\r\n", false, 0 },
};

Test(imap_return, options)
{
	for (size_t i = 0; i < sizeof(returns) / sizeof(returns[0]); i++) {
		struct imap_search_return ret;
		struct imap_parser ps;
		bool good;

		imap_parser_init(&ps, str_of(returns[i].wire), NULL);
		good = imap_search_return_parse(&ps, &ret);
		cr_expect_eq(good, returns[i].good, "%s", returns[i].wire);
		if (good)
			cr_expect_eq(ret.options, returns[i].options, "%s",
			    returns[i].wire);
	}
}

static const struct {
	struct imap_partial p;
	size_t n, from, to;
} cuts[] = {
	{ { false, 1, 3 }, 10, 0, 3 },
	{ { false, 3, 1 }, 10, 0, 3 },
	{ { false, 9, 20 }, 10, 8, 10 },
	{ { false, 11, 20 }, 10, 0, 0 },
	{ { false, 1, UINT32_MAX }, 0, 0, 0 },
	{ { true, 1, 3 }, 10, 7, 10 },
	{ { true, 3, 3 }, 10, 7, 8 },
	{ { true, 9, 20 }, 10, 0, 2 },
	{ { true, 11, 20 }, 10, 0, 0 },
	{ { true, UINT32_MAX, UINT32_MAX }, 10, 0, 0 },
};

/* RFC 9394, 4. */
Test(imap_return, ranges_of_results)
{
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct uidset set = { 0 };
		size_t from, to;

		imap_partial_cut(&cuts[i].p, cuts[i].n, &from, &to);
		cr_expect_eq(to - from, cuts[i].to - cuts[i].from, "%zu", i);
		if (from < to)
			cr_expect_eq(from, cuts[i].from, "%zu", i);
		for (uint32_t k = 0; k < cuts[i].n; k++)
			uidset_add(&set, 5 + 3 * k, 5 + 3 * k);
		imap_partial_members(&cuts[i].p, &set);
		cr_expect_eq(uidset_count(&set), to - from, "%zu", i);
		if (from < to)
			cr_expect_eq(
			    set.r[0].first, 5 + 3 * (uint32_t)from, "%zu", i);
		uidset_fini(&set);
	}
}

/* --- filters
 * ------------------------------------------------------------------ */

static const struct {
	const char *name, *text;
} filters[] = {
	{ "road", "OR SMALLER 5000 FROM \"boss@x\"" },
	{ "two", "SEEN FLAGGED" },
	{ "deep", "FILTER two FILTER road" },
	{ "deeper", "(FILTER deep) FILTER deep" },
	{ "half", "OR SMALLER 5000" },
	{ "close", "SEEN)" },
	{ "loop", "SEEN FILTER pool" },
	{ "pool", "FILTER loop" },
	{ "lost", "FILTER nowhere" },
	{ "empty", "" },
};

static bool
find_filter(
    void *arg, struct pst_str name, struct arena *arena, struct pst_str *text_r)
{
	(void)arg;
	(void)arena;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		*text_r = str_of(filters[i].text);
		if (str_is(name, filters[i].name))
			return true;
	}
	return false;
}

static const struct {
	const char *wire;
	bool good;
	unsigned keys;	  /* in the tree, without groups */
	const char *lost; /* NULL: no filter is named */
} filtered[] = {
	{ "UID 300:900 FILTER road SINCE 3-Dec-2002\r\n", true, 5, NULL },
	{ "FILTER two\r\n", true, 2, NULL },
	{ "NOT FILTER two\r\n", true, 3, NULL },
	{ "OR FILTER two ANSWERED\r\n", true, 4, NULL },
	{ "(FILTER two) FILTER deep\r\n", true, 7, NULL },
	{ "FILTER deeper\r\n", true, 10, NULL },
	{ "((((((FILTER deeper))))))\r\n", true, 10, NULL },
	{ "FILTER half SEEN\r\n", false, 0, NULL },
	{ "(FILTER close\r\n", false, 0, NULL },
	{ "FILTER loop\r\n", false, 0, "loop" },
	{ "FILTER lost\r\n", false, 0, "nowhere" },
	{ "FILTER none\r\n", false, 0, "none" },
	{ "FILTER empty\r\n", false, 0, NULL },
	{ "FILTER a/b\r\n", false, 0, NULL },
	{ "FILTER\r\n", false, 0, NULL },
	{ "CHARSET iso-8859-1 FILTER two\r\n", false, 0, NULL },
	{ "CHARSET utf-8 FILTER two\r\n", true, 2, NULL },
};

static unsigned
count_keys(const struct imap_search_key *k)
{
	unsigned n = 0;

	for (; k != NULL; k = k->next)
		n += (k->word->match != imap_match_and) + count_keys(k->child);
	return n;
}

/* RFC 5466, 3.1: what stands in a filter is read in its place. */
Test(imap_search, filters)
{
	const struct imap_search_grammar g = { .filter = find_filter };

	for (size_t i = 0; i < sizeof(filtered) / sizeof(filtered[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_search_program p;
		struct imap_parser ps;
		bool good;

		imap_parser_init(&ps, str_of(filtered[i].wire), arena);
		good = imap_search_parse_as(&ps, &g, &p);
		cr_expect_eq(good, filtered[i].good, "%s", filtered[i].wire);
		if (good)
			cr_expect_eq(count_keys(p.root->child),
			    filtered[i].keys, "%s", filtered[i].wire);
		else if (filtered[i].lost != NULL)
			cr_expect(str_is(p.no_filter, filtered[i].lost) ||
				      str_is(p.no_filter, "pool"),
			    "%s: %.*s", filtered[i].wire, STR_ARG(p.no_filter));
		imap_search_fini(&p);
		arena_free(&arena);
	}
}

/* --- fuzzy words
 * ---------------------------------------------------------------- */

static const struct {
	const char *want, *text;
	unsigned score;
} fuzzies[] = {
	{ "hello", "well, hello.", 95 },
	{ "hello", "hellos", 90 },
	{ "ello", "hello", 80 },
	{ "breaks", "breaking news", 65 },
	{ "hello", "helo", 55 },
	{ "hello", "jello", 55 },
	{ "break", "braek", 55 },
	{ "ab", "ac", 0 },
	{ "hello", "world", 0 },
	{ "hello world", "world hello", 95 },
	{ "hello world", "hello", 0 },
	{ "hello world", "hello wrold", 75 },
	{ "gr\xc3\xbc\xc3\x9f",
	    "gr\xc3\xbc\xc3\x9f"
	    "e",
	    90 },
	{ "...", "anything", 0 },
};

Test(imap_fuzzy, scores)
{
	for (size_t i = 0; i < sizeof(fuzzies) / sizeof(fuzzies[0]); i++) {
		struct imap_fuzzy f;

		imap_fuzzy_init(&f, str_of(fuzzies[i].want));
		imap_fuzzy_feed(&f, str_of(fuzzies[i].text));
		cr_expect_eq(imap_fuzzy_score(&f), fuzzies[i].score,
		    "%s in %s: %u", fuzzies[i].want, fuzzies[i].text,
		    imap_fuzzy_score(&f));
	}
}

/* --- sort keys
 * ------------------------------------------------------------------ */

/* Messages in ascending order of everything. */
static const struct {
	const char *text;
	int64_t time;
	uint64_t size;
} sorted[] = {
	{ "", INT64_MIN, 0 },
	{ "A", -1, 1 },
	{ "A\001", 0, 255 },
	{ "A\002", 1, 256 },
	{ "AB", 86400, 1 << 20 },
	{ "B", INT64_MAX, UINT64_MAX },
	{ "\xff", INT64_MAX, UINT64_MAX },
};
enum { SORTED = sizeof(sorted) / sizeof(sorted[0]) };

static int
compare_keys(const char *criteria, size_t a, size_t b)
{
	const size_t at[] = { a, b };
	struct imap_sort sort;
	struct imap_parser ps;
	struct buf key[2];
	int order;

	imap_parser_init(&ps, str_of(criteria), NULL);
	cr_assert(imap_sort_parse(&ps, &sort), "%s", criteria);
	for (int i = 0; i < 2; i++) {
		struct pst_row row = { .internal_date = sorted[at[i]].time,
			.size = sorted[at[i]].size };
		struct imap_facts facts = { .sent = sorted[at[i]].time,
			.subject = str_of(sorted[at[i]].text) };

		buf_init(&key[i], 1000);
		imap_sort_put_key(&sort, &row, &facts, 50, &key[i]);
	}
	order = memcmp(
	    key[0].p, key[1].p, key[0].n < key[1].n ? key[0].n : key[1].n);
	cr_expect(order != 0 || key[0].n == key[1].n, "%s", criteria);
	buf_fini(&key[0]);
	buf_fini(&key[1]);
	return order;
}

Test(imap_sort, keys_compare_as_octets)
{
	for (size_t a = 0; a < SORTED; a++) {
		for (size_t b = 0; b < SORTED; b++) {
			int want = a < b ? -1 : a > b;

			cr_expect_eq((compare_keys("(SUBJECT)", a, b) > 0),
			    want > 0, "%zu %zu", a, b);
			cr_expect_eq(
			    (compare_keys("(REVERSE SUBJECT)", a, b) < 0),
			    want > 0, "%zu %zu", a, b);
			cr_expect_eq((compare_keys("(DATE SUBJECT)", a, b) > 0),
			    want > 0, "%zu %zu", a, b);
			cr_expect_eq(
			    (compare_keys("(SIZE ARRIVAL REVERSE FROM SUBJECT)",
				 a, b) > 0),
			    want > 0, "%zu %zu", a, b);
			cr_expect_eq(
			    compare_keys("(TO CC RELEVANCY)", a, b), 0);
		}
	}
}

/* --- threads
 * -------------------------------------------------------------------- */

static void
put_thread(const struct imap_thread_tree *t, uint32_t i, struct buf *out)
{
	for (i = imap_thread_node(t, i)->child; i != 0;
	     i = imap_thread_node(t, i)->next) {
		(void)buf_printf(out, "(%u", imap_thread_node(t, i)->number);
		put_thread(t, i, out);
		(void)buf_putc(out, ')');
	}
}

/* "id parent parent", the oldest parent first. */
static void
check_threads(enum imap_thread_algorithm alg, const char *const *messages,
    size_t n, const char *want)
{
	struct imap_thread_tree *t = imap_thread_new(alg);
	struct buf got;

	buf_init(&got, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		struct pst_str rest = str_of(messages[i]), refs[16];
		struct imap_facts facts = { .sent = (int64_t)i,
			.reference = refs };

		(void)str_split(&rest, ' ', &facts.message_id);
		while (str_split(&rest, ' ', &refs[facts.references]))
			facts.references++;
		cr_assert(imap_thread_add(t, (uint32_t)i + 1, &facts));
	}
	cr_assert(imap_thread_finish(t));
	put_thread(t, 0, &got);
	cr_expect(str_is(buf_str(&got), want), "%.*s instead of %s",
	    STR_ARG(buf_str(&got)), want);
	buf_fini(&got);
	imap_thread_free(&t);
}

#define CHECK(alg, want, ...)                                         \
	do {                                                          \
		const char *const list[] = { __VA_ARGS__ };           \
		check_threads(                                        \
		    alg, list, sizeof(list) / sizeof(list[0]), want); \
	} while (0)

Test(imap_thread, references)
{
	CHECK(IMAP_THREAD_REFERENCES, "(1(2(3)))", "a", "b a", "c a b");
	CHECK(IMAP_THREAD_REFERENCES, "(1(3(2)))", "a", "c a b", "b a");
	CHECK(IMAP_THREAD_REFERENCES, "(0(1)(2))", "a p", "b p");
	CHECK(IMAP_THREAD_REFERENCES, "(0(1)(2)(3))", "a p q", "b p", "c p q");
	CHECK(IMAP_THREAD_REFERENCES, "(1)", "a p q r");
	CHECK(IMAP_THREAD_REFERENCES, "(2(1))", "a b", "b a");
	CHECK(IMAP_THREAD_REFERENCES, "(1)", "a a");
	CHECK(IMAP_THREAD_REFERENCES, "(1(2))", "a", "a a");
	CHECK(IMAP_THREAD_REFERENCES, "(1(2)(3))", "a", "b a", "b a");
	CHECK(IMAP_THREAD_REFS, "(2)(1(3))", "a", "b", "c a");
	CHECK(IMAP_THREAD_REFS, "(0(2)(3))(1(4))", "a", "b p", "c p", "d a");
}

/* A thread of any length costs no more than its messages. */
Test(imap_thread, long_chains)
{
	enum { N = 200000 };
	struct imap_thread_tree *t = imap_thread_new(IMAP_THREAD_REFERENCES);
	uint32_t seen = 0;

	for (uint32_t i = 1; i <= N; i++) {
		char id[32], up[32];
		struct pst_str ref;
		struct imap_facts facts = {
			.sent = i, .reference = &ref, .references = i > 1
		};

		(void)snprintf(id, sizeof(id), "%u", (unsigned)i);
		(void)snprintf(up, sizeof(up), "%u", (unsigned)i - 1);
		facts.message_id = str_of(id);
		ref = str_of(up);
		cr_assert(imap_thread_add(t, i, &facts));
	}
	cr_assert(imap_thread_finish(t));
	for (uint32_t i = imap_thread_node(t, 0)->child; i != 0;
	     i = imap_thread_node(t, i)->child)
		seen++;
	cr_expect_eq(seen, N, "%u", (unsigned)seen);
	imap_thread_free(&t);
}

Test(imap_thread, normal_identifiers)
{
	static const char *const ids[][2] = {
		{ "<a@b>", "<a@b>" },
		{ "<\"a\"@b>", "<a@b>" },
		{ "<\"a\\\"b\"@c>", "<a\"b@c>" },
		{ "<\"a\\", "<a\\" },
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct arena *arena = arena_new(0);

		cr_expect(
		    str_is(imap_normal_id(arena, str_of(ids[i][0])), ids[i][1]),
		    "%s", ids[i][0]);
		arena_free(&arena);
	}
}
