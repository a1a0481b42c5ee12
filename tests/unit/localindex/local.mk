unit_tests += \
	tests/unit/localindex/test_cache \
	tests/unit/localindex/test_fulltext \
	tests/unit/localindex/test_memory \
	tests/unit/localindex/test_terms

localindex_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/modules

tests_unit_localindex_test_cache_SOURCES = tests/unit/localindex/test_cache.c \
	tests/unit/localindex/folder.h
tests_unit_localindex_test_cache_CPPFLAGS = $(localindex_cppflags)
tests_unit_localindex_test_cache_LDADD = liblocalindex.la $(LDADD)
tests_unit_localindex_test_memory_SOURCES = tests/unit/localindex/test_memory.c \
	tests/unit/localindex/folder.h
tests_unit_localindex_test_memory_CPPFLAGS = $(localindex_cppflags)
tests_unit_localindex_test_memory_LDADD = liblocalindex.la $(LDADD)
tests_unit_localindex_test_fulltext_SOURCES = \
	tests/unit/localindex/test_fulltext.c
tests_unit_localindex_test_fulltext_CPPFLAGS = $(localindex_cppflags)
tests_unit_localindex_test_fulltext_LDADD = liblocalindex.la $(LDADD)
tests_unit_localindex_test_terms_SOURCES = tests/unit/localindex/test_terms.c
tests_unit_localindex_test_terms_CPPFLAGS = $(localindex_cppflags)
tests_unit_localindex_test_terms_LDADD = liblocalindex.la $(LDADD)
