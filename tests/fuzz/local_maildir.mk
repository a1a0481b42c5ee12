fuzz_targets += tests/fuzz/fuzz_maildir
tests_fuzz_fuzz_maildir_SOURCES = tests/fuzz/fuzz_maildir.c \
	modules/maildir/folder.c modules/maildir/name.c \
	modules/localindex/root.c modules/localindex/state.c \
	modules/localindex/util.c
tests_fuzz_fuzz_maildir_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
