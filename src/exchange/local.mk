libpostern_la_SOURCES += src/exchange/chores.c \
	src/exchange/client.c src/exchange/client.h \
	src/exchange/connect.c src/exchange/connect_count.c \
	src/exchange/connect_priv.h \
	src/exchange/protect.c \
	src/exchange/content.c src/exchange/content.h \
	src/exchange/dsn.c src/exchange/dsn.h \
	src/exchange/envelope.c src/exchange/envelope.h \
	src/exchange/exchange.c src/exchange/exchange.h \
	src/exchange/hosts.c src/exchange/hosts.h \
	src/exchange/journal.c src/exchange/journal.h \
	src/exchange/lines.c src/exchange/lines.h \
	src/exchange/login.c src/exchange/login.h \
	src/exchange/outbound.c src/exchange/outbound.h \
	src/exchange/pool.c src/exchange/pool.h \
	src/exchange/priv.h \
	src/exchange/queue.c src/exchange/queue.h \
	src/exchange/queue_in.c src/exchange/queue_out.c \
	src/exchange/queue_priv.h src/exchange/queue_replay.c \
	src/exchange/queue_table.c src/exchange/queue_tidy.c \
	src/exchange/record.c src/exchange/record.h \
	src/exchange/replies.c src/exchange/replies.h \
	src/exchange/reply.c src/exchange/reply.h \
	src/exchange/route.c src/exchange/route.h \
	src/exchange/schedule.c src/exchange/schedule.h \
	src/exchange/schedule_lane.c src/exchange/schedule_priv.h \
	src/exchange/schedule_provider.c src/exchange/schedule_state.c \
	src/exchange/secret.c src/exchange/secret.h \
	src/exchange/segment.c src/exchange/segment.h \
	src/exchange/sending.c src/exchange/sending.h \
	src/exchange/sending_file.c src/exchange/sending_known.c \
	src/exchange/sending_priv.h \
	src/exchange/sending_tell.c \
	src/exchange/fetch.c src/exchange/fetch.h \
	src/exchange/sts.c src/exchange/sts.h \
	src/exchange/sts_file.c src/exchange/sts_priv.h \
	src/exchange/sts_policy.c src/exchange/sts_policy.h \
	src/exchange/tlsrpt.c src/exchange/tlsrpt.h \
	src/exchange/tlsrpt_mail.c src/exchange/tlsrpt_send.c \
	src/exchange/tell.c src/exchange/try.c \
	src/exchange/wire.c src/exchange/wire.h \
	src/exchange/wire_sessions.c src/exchange/wire_sessions.h \
	src/exchange/wire_trust.c src/exchange/wire_trust.h

# The rules that the program brings along, as lines of C.
nodist_libpostern_la_SOURCES = src/exchange/replies_builtin.h
BUILT_SOURCES += src/exchange/replies_builtin.h
CLEANFILES += src/exchange/replies_builtin.h
src/exchange/replies.lo: src/exchange/replies_builtin.h
src/exchange/replies_builtin.h: $(srcdir)/conf/replies.conf
	$(AM_V_GEN)$(MKDIR_P) src/exchange && \
	    sed -e 's/[\\"]/\\&/g' -e 's/.*/	"&\\n",/' \
	    $(srcdir)/conf/replies.conf >$@.new && mv $@.new $@
