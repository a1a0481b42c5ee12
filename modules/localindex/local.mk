# What the file-based modules share; linked into each of them.
noinst_LTLIBRARIES += liblocalindex.la
liblocalindex_la_SOURCES = \
	modules/localindex/hash.c modules/localindex/hash.h
liblocalindex_la_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include \
	-I$(top_srcdir)/modules
