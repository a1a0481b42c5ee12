/*
 * The tables of commands, FETCH items and SEARCH keys, and their grammars.
 */
#include "base/str.h"
#include "imap/fetch_items.h"
#include "imap/search.h"
#include "imap/session.h"

#include <criterion/criterion.h>

Test(imap_commands, table_is_sorted)
{
	for (size_t i = 1; i < imap_command_count; i++)
		cr_expect_lt(str_cmp_case(str_of(imap_commands[i - 1].name),
				 str_of(imap_commands[i].name)),
		    0, "%s", imap_commands[i].name);
	for (size_t i = 0; i < imap_command_count; i++)
		cr_expect_eq(imap_command_find(str_of(imap_commands[i].name)),
		    &imap_commands[i]);
	cr_expect_null(imap_command_find(STR("UID")));
	cr_expect_not_null(imap_command_find(STR("uid fetch")));
}

static const struct {
	const char *wire;
	bool good;
	enum imap_fetch_level level;
	bool seen;
	int nodes;
} fetches[] = {
	{ "ALL\r\n", true, IMAP_FETCH_HEADER, false, 4 },
	{ "fast\r\n", true, IMAP_FETCH_ROW, false, 3 },
	{ "FULL\r\n", true, IMAP_FETCH_STRUCTURE, false, 5 },
	{ "FLAGS\r\n", true, IMAP_FETCH_ROW, false, 1 },
	{ "(FLAGS UID)\r\n", true, IMAP_FETCH_ROW, false, 2 },
	{ "BODY[]\r\n", true, IMAP_FETCH_BODY, true, 1 },
	{ "BODY.PEEK[]<0.100>\r\n", true, IMAP_FETCH_BODY, false, 1 },
	{ "BODY.PEEK[HEADER]\r\n", true, IMAP_FETCH_HEADER, false, 1 },
	{ "BODY[1]\r\n", true, IMAP_FETCH_STRUCTURE, true, 1 },
	{ "RFC822\r\n", true, IMAP_FETCH_BODY, true, 1 },
	{ "RFC822.HEADER\r\n", true, IMAP_FETCH_HEADER, false, 1 },
	{ "RFC822.TEXT\r\n", true, IMAP_FETCH_HEADER, true, 1 },
	{ "(BODY BODYSTRUCTURE body[text])\r\n", true, IMAP_FETCH_STRUCTURE,
	    true, 3 },
	{ "BINARY[]\r\n", true, IMAP_FETCH_BODY, true, 1 },
	{ "BINARY.PEEK[1.2]<3.4>\r\n", true, IMAP_FETCH_STRUCTURE, false, 1 },
	{ "(BINARY.SIZE[] UID)\r\n", true, IMAP_FETCH_BODY, false, 2 },
	{ "PREVIEW\r\n", true, IMAP_FETCH_STRUCTURE, false, 1 },
	{ "PREVIEW (LAZY)\r\n", true, IMAP_FETCH_BODY, false, 1 },
	{ "(PREVIEW (LAZY) PREVIEW UID)\r\n", true, IMAP_FETCH_STRUCTURE, false,
	    3 },
	{ "BINARY[TEXT]\r\n", false, 0, false, 0 },
	{ "BINARY.SIZE[1]<0.1>\r\n", false, 0, false, 0 },
	{ "PREVIEW ()\r\n", false, 0, false, 0 },
	{ "PREVIEW (FOO)\r\n", false, 0, false, 0 },
	{ "(ALL)\r\n", false, 0, false, 0 },
	{ "()\r\n", false, 0, false, 0 },
	{ "FOO\r\n", false, 0, false, 0 },
	{ "RFC822.HEADER[]\r\n", false, 0, false, 0 },
	{ "(FLAGS\r\n", false, 0, false, 0 },
	{ "FLAGS[]\r\n", false, 0, false, 0 },
	{ "\r\n", false, 0, false, 0 },
};

Test(imap_fetch, items)
{
	for (size_t i = 0; i < sizeof(fetches) / sizeof(fetches[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_fetch_items items;
		struct imap_parser ps;
		int n = 0;
		bool good;

		imap_parser_init(&ps, str_of(fetches[i].wire), arena);
		good = imap_fetch_items_parse(&ps, false, &items);
		cr_expect_eq(good, fetches[i].good, "%s", fetches[i].wire);
		if (good) {
			for (struct imap_fetch_node *p = items.first; p != NULL;
			     p = p->next)
				n++;
			cr_expect_eq(
			    n, fetches[i].nodes, "%s", fetches[i].wire);
			cr_expect_eq(items.level, fetches[i].level, "%s",
			    fetches[i].wire);
			cr_expect_eq(items.sets_seen, fetches[i].seen, "%s",
			    fetches[i].wire);
		}
		arena_free(&arena);
	}
}

Test(imap_fetch, uid_is_added_once)
{
	struct arena *arena = arena_new(0);
	struct imap_fetch_items items;
	struct imap_parser ps;

	imap_parser_init(&ps, STR("FLAGS\r\n"), arena);
	cr_assert(imap_fetch_items_parse(&ps, true, &items));
	cr_assert_str_eq(items.first->item->name, "UID");
	imap_parser_init(&ps, STR("(FLAGS UID)\r\n"), arena);
	cr_assert(imap_fetch_items_parse(&ps, true, &items));
	cr_assert_str_eq(items.first->item->name, "FLAGS");
	arena_free(&arena);
}

static const struct {
	const char *wire;
	bool good;
	enum imap_search_cost cost;
} searches[] = {
	{ "ALL\r\n", true, IMAP_SEARCH_ROW },
	{ "1:4,7,*\r\n", true, IMAP_SEARCH_ROW },
	{ "BODY x UNSEEN\r\n", true, IMAP_SEARCH_BODY },
	{ "OR SEEN (FROM a NOT DELETED)\r\n", true, IMAP_SEARCH_HEADER },
	{ "NOT NOT NOT SEEN\r\n", true, IMAP_SEARCH_ROW },
	{ "CHARSET utf-8 SUBJECT {2}\r\n\xc3\xa4\r\n", true,
	    IMAP_SEARCH_HEADER },
	{ "CHARSET x-nonsense ALL\r\n", false, 0 },
	{ "HEADER X-Foo \"\"\r\n", true, IMAP_SEARCH_HEADER },
	{ "SINCE 1-Feb-1994 LARGER 5\r\n", true, IMAP_SEARCH_ROW },
	{ "UID 1:*\r\n", true, IMAP_SEARCH_ROW },
	{ "KEYWORD foo UNKEYWORD bar\r\n", true, IMAP_SEARCH_ROW },
	{ "((((ALL))))\r\n", true, IMAP_SEARCH_ROW },
	{ "()\r\n", false, 0 },
	{ "OR SEEN\r\n", false, 0 },
	{ "NOT\r\n", false, 0 },
	{ "FROM\r\n", false, 0 },
	{ "FOO\r\n", false, 0 },
	{ "SINCE tomorrow\r\n", false, 0 },
	{ "(ALL\r\n", false, 0 },
	{ "ALL \r\n", false, 0 },
	{ "\r\n", false, 0 },
};

Test(imap_search, programs)
{
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_search_program p;
		struct imap_parser ps;
		bool good;

		imap_parser_init(&ps, str_of(searches[i].wire), arena);
		good = imap_search_parse(&ps, &p);
		cr_expect_eq(good, searches[i].good, "%s: %s", searches[i].wire,
		    ps.error ? ps.error : "");
		if (good)
			cr_expect_eq(p.root->cost, searches[i].cost, "%s",
			    searches[i].wire);
		imap_search_fini(&p);
		arena_free(&arena);
	}
}

Test(imap_search, cheap_keys_come_first)
{
	struct arena *arena = arena_new(0);
	struct imap_search_program p;
	struct imap_parser ps;

	imap_parser_init(&ps, STR("TEXT a FROM b SEEN SUBJECT c\r\n"), arena);
	cr_assert(imap_search_parse(&ps, &p));
	cr_assert_str_eq(p.root->child->word->name, "SEEN");
	cr_assert_str_eq(p.root->child->next->word->name, "FROM");
	cr_assert_str_eq(p.root->child->next->next->word->name, "SUBJECT");
	imap_search_fini(&p);
	arena_free(&arena);
}

Test(imap_search, depth_is_limited)
{
	struct arena *arena = arena_new(0);
	struct imap_search_program p;
	struct imap_parser ps;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_puts(&b, "NOT ");
	buf_puts(&b, "ALL\r\n");
	imap_parser_init(&ps, buf_str(&b), arena);
	cr_assert_not(imap_search_parse(&ps, &p));
	imap_search_fini(&p);
	buf_fini(&b);
	arena_free(&arena);
}
