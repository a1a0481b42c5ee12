fuzz_targets += tests/fuzz/fuzz_localindex
tests_fuzz_fuzz_localindex_SOURCES = tests/fuzz/fuzz_localindex.c \
	modules/localindex/cache.c modules/localindex/hash.c \
	modules/localindex/memory.c
tests_fuzz_fuzz_localindex_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
fuzz_targets += tests/fuzz/fuzz_fulltext
tests_fuzz_fuzz_fulltext_SOURCES = tests/fuzz/fuzz_fulltext.c \
	modules/localindex/terms.c
tests_fuzz_fuzz_fulltext_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
