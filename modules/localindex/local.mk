# What the file-based modules share; linked into each of them.
noinst_LTLIBRARIES += liblocalindex.la
liblocalindex_la_SOURCES = \
	modules/localindex/cache.c modules/localindex/cache.h \
	modules/localindex/hash.c modules/localindex/hash.h \
	modules/localindex/memory.c modules/localindex/memory.h
liblocalindex_la_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include \
	-I$(top_srcdir)/modules
