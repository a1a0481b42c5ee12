# What the file-based modules share; linked into each of them.
noinst_LTLIBRARIES += liblocalindex.la
liblocalindex_la_SOURCES = \
	modules/localindex/account.c modules/localindex/account.h \
	modules/localindex/cache.c modules/localindex/cache.h \
	modules/localindex/collect.c modules/localindex/collect.h \
	modules/localindex/fulltext.c modules/localindex/fulltext.h \
	modules/localindex/hash.c modules/localindex/hash.h \
	modules/localindex/keywords.c modules/localindex/keywords.h \
	modules/localindex/listing.c modules/localindex/listing.h \
	modules/localindex/mailstate.c modules/localindex/mailstate.h \
	modules/localindex/memory.c modules/localindex/memory.h \
	modules/localindex/merge.c modules/localindex/merge.h \
	modules/localindex/root.c modules/localindex/root.h \
	modules/localindex/segment.c modules/localindex/segment.h \
	modules/localindex/stage.c modules/localindex/stage.h \
	modules/localindex/state.c modules/localindex/state.h \
	modules/localindex/terms.c modules/localindex/terms.h \
	modules/localindex/text_dir.c modules/localindex/text_dir.h \
	modules/localindex/text_search.c \
	modules/localindex/util.c modules/localindex/util.h \
	modules/localindex/watcher.c modules/localindex/watcher.h
liblocalindex_la_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include \
	-I$(top_srcdir)/modules
