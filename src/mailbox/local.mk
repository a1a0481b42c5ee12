libpostern_la_SOURCES += \
	src/mailbox/acl.c src/mailbox/acl.h \
	src/mailbox/acl_kept.c \
	src/mailbox/append.c \
	src/mailbox/body.c src/mailbox/cache.c \
	src/mailbox/catalog.c src/mailbox/catalog.h \
	src/mailbox/catalog_count.c src/mailbox/catalog_find.c \
	src/mailbox/catalog_map.c src/mailbox/catalog_open.c \
	src/mailbox/catalog_priv.h \
	src/mailbox/catalog_read.c src/mailbox/catalog_state.c \
	src/mailbox/change.c \
	src/mailbox/check.c src/mailbox/check.h \
	src/mailbox/change_shared.c \
	src/mailbox/database.c src/mailbox/database.h \
	src/mailbox/convert.c src/mailbox/convert.h \
	src/mailbox/convert_box.c src/mailbox/convert_copy.c \
	src/mailbox/convert_names.c src/mailbox/convert_priv.h \
	src/mailbox/fulltext.c src/mailbox/fulltext.h \
	src/mailbox/fulltext_fill.c src/mailbox/fulltext_priv.h \
	src/mailbox/due.c src/mailbox/due.h \
	src/mailbox/history.c \
	src/mailbox/intake.c src/mailbox/intake.h \
	src/mailbox/live.c \
	src/mailbox/mailbox.h src/mailbox/priv.h \
	src/mailbox/mailboxes.c \
	src/mailbox/metadata.c src/mailbox/metadata.h \
	src/mailbox/module.c \
	src/mailbox/order.c \
	src/mailbox/place.c src/mailbox/place.h \
	src/mailbox/replace.c \
	src/mailbox/seen.c src/mailbox/seen.h \
	src/mailbox/seen_live.c \
	src/mailbox/retention.c src/mailbox/retention.h \
	src/mailbox/store.c src/mailbox/store.h \
	src/mailbox/switch.c src/mailbox/switch.h \
	src/mailbox/text.c \
	src/mailbox/turn.c src/mailbox/turn.h \
	src/mailbox/uidl.c src/mailbox/uidl.h \
	src/mailbox/undelete.c src/mailbox/undelete.h \
	src/mailbox/upkeep.c src/mailbox/upkeep.h \
	src/mailbox/view.c \
	src/mailbox/watch.c src/mailbox/watch.h
