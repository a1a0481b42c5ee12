pkgmodule_LTLIBRARIES += mbox.la
mbox_la_SOURCES = \
	modules/mbox/account.c modules/mbox/append.c \
	modules/mbox/body.c modules/mbox/box.c \
	modules/mbox/check.c modules/mbox/copy.c \
	modules/mbox/folder.c \
	modules/mbox/form.c modules/mbox/form.h \
	modules/mbox/from.c modules/mbox/from.h \
	modules/mbox/index.c modules/mbox/index.h \
	modules/mbox/keyword.c \
	modules/mbox/lines.c modules/mbox/lines.h \
	modules/mbox/lock.c modules/mbox/lock.h \
	modules/mbox/mbox.h modules/mbox/merge.c \
	modules/mbox/modify.c \
	modules/mbox/path.c modules/mbox/path.h \
	modules/mbox/place.c modules/mbox/rewrite.c modules/mbox/scan.c \
	modules/mbox/stage.c modules/mbox/store.c \
	modules/mbox/sync.c modules/mbox/text.c \
	modules/mbox/tree.c modules/mbox/uids.c \
	modules/mbox/usage.c modules/mbox/watch.c
