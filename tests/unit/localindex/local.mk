unit_tests += \
	tests/unit/localindex/test_cache \
	tests/unit/localindex/test_memory

localindex_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/modules

tests_unit_localindex_test_cache_SOURCES = tests/unit/localindex/test_cache.c \
	tests/unit/localindex/folder.h
tests_unit_localindex_test_cache_CPPFLAGS = $(localindex_cppflags)
tests_unit_localindex_test_cache_LDADD = liblocalindex.la $(LDADD)
tests_unit_localindex_test_memory_SOURCES = tests/unit/localindex/test_memory.c \
	tests/unit/localindex/folder.h
tests_unit_localindex_test_memory_CPPFLAGS = $(localindex_cppflags)
tests_unit_localindex_test_memory_LDADD = liblocalindex.la $(LDADD)
