libpostern_la_SOURCES += src/exchange/client.c src/exchange/client.h \
	src/exchange/connect.c \
	src/exchange/dsn.c src/exchange/dsn.h \
	src/exchange/envelope.c src/exchange/envelope.h \
	src/exchange/exchange.c src/exchange/exchange.h \
	src/exchange/hosts.c src/exchange/hosts.h \
	src/exchange/journal.c src/exchange/journal.h \
	src/exchange/outbound.c src/exchange/outbound.h \
	src/exchange/priv.h \
	src/exchange/queue.c src/exchange/queue.h \
	src/exchange/queue_in.c src/exchange/queue_out.c \
	src/exchange/queue_priv.h src/exchange/queue_replay.c \
	src/exchange/queue_table.c src/exchange/queue_tidy.c \
	src/exchange/reply.c src/exchange/reply.h \
	src/exchange/schedule.c src/exchange/schedule.h \
	src/exchange/segment.c src/exchange/segment.h \
	src/exchange/tell.c src/exchange/try.c \
	src/exchange/wire.c src/exchange/wire.h \
	src/exchange/wire_trust.c src/exchange/wire_trust.h
