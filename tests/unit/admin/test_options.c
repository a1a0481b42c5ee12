/*
 * test_options.c - posternd's command line.
 */
#include "base/str.h"
#include "daemon/options.h"
#include <criterion/criterion.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORDS_MAX = 16 };

/* Splits `line` at spaces. The words live in `words`. */
static enum pst_rc
parse(struct daemon_options *o, const char *line, char *words,
    struct pst_error *err)
{
	char *argv[WORDS_MAX + 1] = { NULL };
	int argc = 0;
	char *p = words;

	(void)str_copy(words, 400, str_of(line));
	while (argc < WORDS_MAX && *p != '\0') {
		argv[argc++] = p;
		p += strcspn(p, " ");
		if (*p != '\0')
			*p++ = '\0';
	}
	optind = 0; /* glibc: from the beginning */
	opterr = 0;
	return daemon_options_parse(o, argc, argv, err);
}

Test(options, what_is_refused)
{
	static const char *const lines[] = {
		"posternd extra",
		"posternd --nonsense",
		"posternd -c",
		"posternd --set novalue",
		"posternd --set =x",
		"posternd --ports auto",
		"posternd --users 3",
		"posternd --storage maildir",
		"posternd --sandbox d --ports -1",
		"posternd --sandbox d --ports 0",
		"posternd --sandbox d --ports 65530",
		"posternd --sandbox d --users 0",
		"posternd --sandbox d --users 100001",
		"posternd --sandbox d -c f",
		"posternd --sandbox d -t",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct daemon_options o;
		struct pst_error err = { 0 };
		char words[400];

		cr_expect_eq(parse(&o, lines[i], words, &err), PST_E_SYNTAX,
		    "%s", lines[i]);
		cr_expect_neq(err.detail[0], '\0', "%s", lines[i]);
		daemon_options_fini(&o);
	}
}

Test(options, plain_start)
{
	struct daemon_options o;
	struct pst_error err;
	char words[400];

	(void)unsetenv("NOTIFY_SOCKET");
	cr_assert_eq(
	    parse(&o, "posternd -p /x/pid --set a.b=c=d --set e= -c /f", words,
		&err),
	    PST_OK);
	cr_expect_eq(o.task, DAEMON_RUN);
	cr_expect_not(o.foreground);
	cr_expect_str_eq(o.config_path, "/f");
	cr_expect_str_eq(o.pid_file, "/x/pid");
	cr_assert_eq(o.override_count, 2);
	cr_expect_str_eq(o.overrides[0].key, "a.b");
	cr_expect_str_eq(o.overrides[0].value, "c=d");
	cr_expect_str_eq(o.overrides[1].key, "e");
	cr_expect_str_eq(o.overrides[1].value, "");
	daemon_options_fini(&o);
}

Test(options, sandbox)
{
	struct daemon_options o;
	struct pst_error err;
	char words[400];

	cr_assert_eq(parse(&o,
			 "posternd --sandbox d --ports auto --users 5 "
			 "--storage postgresql:host=/tmp "
			 "--storage two=maildir",
			 words, &err),
	    PST_OK);
	cr_expect(o.foreground);
	cr_expect_str_eq(o.sandbox, "d");
	cr_expect_eq(o.ports, 0);
	cr_expect_eq(o.users, 5);
	cr_assert_eq(o.storages, 2);
	cr_expect_str_eq(o.storage[0], "postgresql:host=/tmp");
	cr_expect_str_eq(o.storage[1], "two=maildir");
	daemon_options_fini(&o);

	cr_assert_eq(parse(&o, "posternd --sandbox d", words, &err), PST_OK);
	cr_expect_eq(o.ports, -1);
	cr_expect_eq(o.users, 2);
	cr_assert_eq(o.storages, 1);
	cr_expect_str_eq(o.storage[0], "maildir");
	daemon_options_fini(&o);
}

/* The server leaves its directory but reads the file again later. */
Test(options, relative_paths_are_made_absolute)
{
	struct daemon_options o;
	struct pst_error err;
	char words[400], here[4096], want[5000];

	cr_assert_not_null(getcwd(here, sizeof(here)));
	(void)snprintf(want, sizeof(want), "%s/some.conf", here);
	cr_assert_eq(
	    parse(&o, "posternd -c some.conf -p pid", words, &err), PST_OK);
	cr_expect_str_eq(o.config_path, want);
	(void)snprintf(want, sizeof(want), "%s/pid", here);
	cr_expect_str_eq(o.pid_file, want);
	daemon_options_fini(&o);
}

Test(options, under_systemd_it_stays_in_the_foreground)
{
	struct daemon_options o;
	struct pst_error err;
	char words[400];

	(void)setenv("NOTIFY_SOCKET", "/nowhere", 1);
	cr_assert_eq(parse(&o, "posternd", words, &err), PST_OK);
	cr_expect(o.foreground);
	daemon_options_fini(&o);
}
