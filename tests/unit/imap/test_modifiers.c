/*
 * Parameters of SELECT and modifiers of FETCH (RFC 4466; RFC 7162, 7).
 */
#include "base/str.h"
#include "imap/fetch_modifiers.h"
#include "imap/list_parse.h"
#include "imap/modseq.h"
#include "imap/select_params.h"

#include <criterion/criterion.h>

static const struct {
	const char *wire;
	bool good, condstore, qresync;
	uint32_t uidvalidity;
	uint64_t modseq, known, match;
} selects[] = {
	{ "\r\n", true, false, false, 0, 0, 0, 0 },
	{ " (CONDSTORE)\r\n", true, true, false, 0, 0, 0, 0 },
	{ " (QRESYNC (7 9))\r\n", true, false, true, 7, 9, UINT32_MAX, 0 },
	{ " (condstore qresync (7 9 1:5,8))\r\n", true, true, true, 7, 9, 6,
	    0 },
	{ " (QRESYNC (7 9 1:5 (1,3 2,4)) CONDSTORE)\r\n", true, true, true, 7,
	    9, 5, 2 },
	{ " (QRESYNC (7 9 (1:3 2:4)))\r\n", true, false, true, 7, 9, UINT32_MAX,
	    3 },
	{ " (QRESYNC (4294967295 9223372036854775807))\r\n", true, false, true,
	    UINT32_MAX, INT64_MAX, UINT32_MAX, 0 },
	{ " (QRESYNC (7 9223372036854775808))\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (QRESYNC (4294967296 9))\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (QRESYNC (0 9))\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (QRESYNC (7 9 *))\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (QRESYNC (7 9 1 (1 2,3)))\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (QRESYNC (7 9 1 (1 2) (1 2)))\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (QRESYNC 7 9)\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (CONDSTORE CONDSTORE)\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " ()\r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " \r\n", false, 0, 0, 0, 0, 0, 0 },
	{ " (FOO)\r\n", false, 0, 0, 0, 0, 0, 0 },
};

Test(imap_select, parameters)
{
	for (size_t i = 0; i < sizeof(selects) / sizeof(selects[0]); i++) {
		const char *wire = selects[i].wire;
		struct imap_select_params p;
		struct imap_parser ps;
		bool good;

		imap_parser_init(&ps, str_of(wire), NULL);
		good = imap_select_params(&ps, &p) && imap_end(&ps);
		cr_expect_eq(good, selects[i].good, "%s", wire);
		if (good) {
			cr_expect_eq(p.condstore, selects[i].condstore);
			cr_expect_eq(p.qresync, selects[i].qresync);
			cr_expect_eq(p.uidvalidity, selects[i].uidvalidity);
			cr_expect_eq(p.modseq, selects[i].modseq);
			cr_expect_eq(uidset_count(&p.known), selects[i].known,
			    "%s", wire);
			cr_expect_eq(
			    uidset_count(&p.match_seqs), selects[i].match);
			cr_expect_eq(
			    uidset_count(&p.match_uids), selects[i].match);
		}
		imap_select_params_fini(&p);
	}
}

static const struct {
	const char *wire;
	bool good, has_since, vanished;
	uint64_t since;
} fetches[] = {
	{ "\r\n", true, false, false, 0 },
	{ " (CHANGEDSINCE 12345)\r\n", true, true, false, 12345 },
	{ " (changedsince 1 vanished)\r\n", true, true, true, 1 },
	{ " (VANISHED CHANGEDSINCE 1)\r\n", true, true, true, 1 },
	{ " (VANISHED)\r\n", false, 0, 0, 0 },
	{ " (CHANGEDSINCE)\r\n", false, 0, 0, 0 },
	{ " (CHANGEDSINCE 1 CHANGEDSINCE 1)\r\n", false, 0, 0, 0 },
	{ " (CHANGEDSINCE 1 FOO)\r\n", false, 0, 0, 0 },
	{ " (CHANGEDSINCE -1)\r\n", false, 0, 0, 0 },
	{ " ()\r\n", false, 0, 0, 0 },
	{ " \r\n", false, 0, 0, 0 },
};

Test(imap_fetch, modifiers)
{
	for (size_t i = 0; i < sizeof(fetches) / sizeof(fetches[0]); i++) {
		struct imap_fetch_modifiers m;
		struct imap_parser ps;
		bool good;

		imap_parser_init(&ps, str_of(fetches[i].wire), NULL);
		good = imap_fetch_modifiers(&ps, &m) && imap_end(&ps);
		cr_expect_eq(good, fetches[i].good, "%s", fetches[i].wire);
		if (good) {
			cr_expect_eq(m.has_since, fetches[i].has_since);
			cr_expect_eq(m.vanished, fetches[i].vanished);
			cr_expect_eq(m.since, fetches[i].since);
		}
	}
}

static const struct {
	const char *wire;
	bool good, has_status;
} lists[] = {
	{ " \"\" * RETURN (STATUS (MESSAGES UNSEEN))\r\n", true, true },
	{ " \"\" * RETURN (CHILDREN status (size) SUBSCRIBED)\r\n", true,
	    true },
	{ " \"\" * RETURN ()\r\n", true, false },
	{ " \"\" * RETURN (STATUS ())\r\n", false, false },
	{ " \"\" * RETURN (STATUS)\r\n", false, false },
	{ " \"\" * RETURN (STATUS (MESSAGES)\r\n", false, false },
	{ " (STATUS (MESSAGES)) \"\" *\r\n", false, false },
};

Test(imap_list, status)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_list_args args;
		struct imap_parser ps;
		bool good;

		imap_parser_init(&ps, str_of(lists[i].wire), arena);
		good = imap_list_parse(&ps, false, &args);
		cr_expect_eq(good, lists[i].good, "%s", lists[i].wire);
		if (good)
			cr_expect_eq(args.status != 0, lists[i].has_status);
		arena_free(&arena);
	}
}

Test(imap_commands, with_a_uid_form)
{
	static const char *const yes[] = { "FETCH", "STORE", "COPY", "MOVE",
		"SEARCH" };
	static const char *const no[] = { "EXPUNGE", "UID FETCH", "UID EXPUNGE",
		"NOOP", "APPEND", "SELECT" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		cr_expect(imap_needs_uid(imap_command_find(str_of(yes[i]))),
		    "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		cr_expect_not(imap_needs_uid(imap_command_find(str_of(no[i]))),
		    "%s", no[i]);
}
