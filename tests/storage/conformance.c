/*
 * conformance.c - does a storage module keep the contract of postern/store.h?
 *
 *     conformance MODULE.so [key=value ...]
 *
 * The pairs are the module's configuration; a maildir wants path=DIR, an empty
 * directory. only=NAME runs one of the tests below. The last line is "N passed,
 * N failed, N skipped"; the exit status is 1 when a check failed and 2 when the
 * module could not be tested.
 */
#include "conformance.h"

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "module", test_module },
	{ "accounts", test_accounts },
	{ "names", test_names },
	{ "meta", test_meta },
	{ "messages", test_messages },
	{ "stages", test_stages },
	{ "flags", test_flags },
	{ "keywords", test_keywords },
	{ "copies", test_copies },
	{ "cache", test_cache },
	{ "check", test_check },
	{ "recount", test_recount },
	{ "text", test_text },
	{ "lasting", test_lasting },
	{ "history", test_history },
	{ "kept", test_kept },
	{ "place", test_place },
	{ "threads", test_threads },
};

int
main(int argc, char **argv)
{
	const char *only;

	if (!suite_begin(argc, argv))
		return 2;
	only = suite.host.config(suite.section, "only");
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		suite.part = tests[i].name;
		if (suite.store != NULL &&
		    (only == NULL || strcmp(only, tests[i].name) == 0))
			tests[i].run();
	}
	return suite_end();
}
