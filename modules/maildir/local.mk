pkgmodule_LTLIBRARIES += maildir.la
maildir_la_SOURCES = \
	modules/maildir/about.c modules/maildir/about.h \
	modules/maildir/keep.c modules/maildir/kept.c modules/maildir/kept.h \
	modules/maildir/account.c modules/maildir/body.c \
	modules/maildir/box.c modules/maildir/check.c \
	modules/maildir/commit.c \
	modules/maildir/folder.c modules/maildir/folder.h \
	modules/maildir/ingest.c modules/maildir/keyword.c \
	modules/maildir/maildir.h modules/maildir/mailfolder.c \
	modules/maildir/modify.c modules/maildir/name.c \
	modules/maildir/name.h modules/maildir/place.c modules/maildir/scan.c \
	modules/maildir/stage.c \
	modules/maildir/store.c \
	modules/maildir/text.c \
	modules/maildir/tree.c modules/maildir/usage.c \
	modules/maildir/watch.c
