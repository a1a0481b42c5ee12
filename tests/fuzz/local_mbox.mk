fuzz_targets += tests/fuzz/fuzz_mbox
tests_fuzz_fuzz_mbox_SOURCES = tests/fuzz/fuzz_mbox.c \
	$(mbox_la_SOURCES) $(liblocalindex_la_SOURCES)
tests_fuzz_fuzz_mbox_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
