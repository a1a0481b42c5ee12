fuzz_targets += tests/fuzz/fuzz_maildir
tests_fuzz_fuzz_maildir_SOURCES = tests/fuzz/fuzz_maildir.c \
	modules/maildir/folder.c modules/maildir/name.c \
	modules/maildir/state.c modules/maildir/util.c
