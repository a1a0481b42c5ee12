libpostern_la_SOURCES += src/jmap/jmap.h src/jmap/call.h src/jmap/parts.h \
	src/jmap/account.h \
	src/jmap/api.c \
	src/jmap/args.c \
	src/jmap/blob.c src/jmap/blob.h src/jmap/blob_copy.c \
	src/jmap/common.c \
	src/jmap/compose.c src/jmap/compose.h src/jmap/compose_part.c \
	src/jmap/condition.c src/jmap/condition.h \
	src/jmap/credential.c \
	src/jmap/download.c \
	src/jmap/email.h src/jmap/email_content.c \
	src/jmap/email_bulk.c \
	src/jmap/email_get.c \
	src/jmap/email_import.c \
	src/jmap/email_list.c \
	src/jmap/email_query.c \
	src/jmap/email_set.c \
	src/jmap/email_sort.c src/jmap/email_sort.h \
	src/jmap/events.c \
	src/jmap/files.c src/jmap/files.h \
	src/jmap/filter.c src/jmap/filter.h \
	src/jmap/filter_priv.h src/jmap/filter_text.c \
	src/jmap/header.c src/jmap/header.h src/jmap/header_write.c \
	src/jmap/identity.c \
	src/jmap/ids.c \
	src/jmap/limit.c src/jmap/limit.h \
	src/jmap/listing.c src/jmap/listing.h \
	src/jmap/mailbox.c src/jmap/mailbox.h src/jmap/mailbox_query.c \
	src/jmap/mailbox_set.c \
	src/jmap/methods.c \
	src/jmap/outbox.c src/jmap/outbox.h \
	src/jmap/push.c src/jmap/push.h src/jmap/push_priv.h \
	src/jmap/push_account.c src/jmap/push_post.c src/jmap/push_set.c \
	src/jmap/push_store.c src/jmap/push_store.h \
	src/jmap/quota.c \
	src/jmap/request.c \
	src/jmap/results.c src/jmap/results.h \
	src/jmap/send.c \
	src/jmap/session.c \
	src/jmap/sieve.c src/jmap/sieve.h src/jmap/sieve_set.c \
	src/jmap/sieve_test.c \
	src/jmap/snippet.c \
	src/jmap/states.c src/jmap/states.h \
	src/jmap/structure.c src/jmap/structure.h \
	src/jmap/structure_json.c \
	src/jmap/submission.c src/jmap/submission_query.c \
	src/jmap/thread.c src/jmap/thread_keyword.c \
	src/jmap/upload.c \
	src/jmap/vacation.c \
	src/jmap/vapid.c \
	src/jmap/webpush.c src/jmap/webpush.h \
	src/jmap/websocket.c
