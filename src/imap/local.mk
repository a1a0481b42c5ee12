libpostern_la_SOURCES += src/imap/imap.h \
	src/imap/acl.c \
	src/imap/announce.c src/imap/announce.h \
	src/imap/append.c \
	src/imap/append_parse.c src/imap/append_parse.h \
	src/imap/authenticate.c \
	src/imap/binary.c src/imap/binary.h \
	src/imap/body_section.c src/imap/body_section.h \
	src/imap/bodystructure.c \
	src/imap/cached.c src/imap/cached.h \
	src/imap/capability.c \
	src/imap/catenate.c src/imap/catenate.h \
	src/imap/commands.c src/imap/commands.h \
	src/imap/compress.c \
	src/imap/context.c src/imap/context.h \
	src/imap/copy.c \
	src/imap/enable.c \
	src/imap/envelope.c src/imap/envelope.h \
	src/imap/esearch.c \
	src/imap/expunge.c \
	src/imap/facts.c src/imap/facts.h \
	src/imap/fetch.c \
	src/imap/fetch_items.c src/imap/fetch_items.h \
	src/imap/fetch_modifiers.c src/imap/fetch_modifiers.h \
	src/imap/fetch_partial.c src/imap/fetch_partial.h \
	src/imap/filters.c \
	src/imap/gather.c src/imap/gather.h \
	src/imap/hide.c src/imap/hide.h \
	src/imap/id.c \
	src/imap/idle.c src/imap/idle.h \
	src/imap/list.c \
	src/imap/list_parse.c src/imap/list_parse.h \
	src/imap/login.c \
	src/imap/mailboxes.c \
	src/imap/message_limit.c src/imap/message_limit.h \
	src/imap/messages.c src/imap/messages.h \
	src/imap/metadata.c src/imap/metadata.h \
	src/imap/modseq.c src/imap/modseq.h \
	src/imap/notify.c src/imap/notify.h \
	src/imap/notify_parse.c src/imap/notify_parse.h \
	src/imap/parse.c src/imap/parse.h \
	src/imap/parse_words.c \
	src/imap/pattern.c src/imap/pattern.h \
	src/imap/places.c src/imap/places.h \
	src/imap/preview.c src/imap/preview.h \
	src/imap/progress.c src/imap/progress.h \
	src/imap/qresync.c src/imap/qresync.h \
	src/imap/quota.c \
	src/imap/respond.c src/imap/respond.h \
	src/imap/results.c src/imap/results.h \
	src/imap/run.c \
	src/imap/scan.c src/imap/scan.h \
	src/imap/search.c src/imap/search.h \
	src/imap/search_fuzzy.c \
	src/imap/search_match.c \
	src/imap/search_parse.c \
	src/imap/search_return.c src/imap/search_return.h \
	src/imap/search_text.c \
	src/imap/select.c src/imap/select.h \
	src/imap/select_params.c src/imap/select_params.h \
	src/imap/session.c src/imap/session.h \
	src/imap/simple.c \
	src/imap/sort.c \
	src/imap/sort_keys.c src/imap/sort_keys.h \
	src/imap/sources.c src/imap/sources.h \
	src/imap/starttls.c \
	src/imap/status.c src/imap/status.h \
	src/imap/store.c \
	src/imap/sync.c \
	src/imap/thread.c \
	src/imap/thread_ids.c src/imap/thread_ids.h \
	src/imap/thread_names.c src/imap/thread_priv.h \
	src/imap/thread_subject.c \
	src/imap/thread_tree.c src/imap/thread_tree.h \
	src/imap/uidbatches.c \
	src/imap/unauthenticate.c \
	src/imap/url.c src/imap/url.h
