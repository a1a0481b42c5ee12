libpostern_la_SOURCES += \
	src/guard/client.c src/guard/client.h src/guard/client_priv.h \
	src/guard/client_checks.c \
	src/guard/client_verdict.c \
	src/guard/dnslist.c src/guard/dnslist.h \
	src/guard/grey.c src/guard/grey.h \
	src/guard/guard.c src/guard/guard.h \
	src/guard/hello.c src/guard/hello.h \
	src/guard/known.c src/guard/known.h \
	src/guard/milter.c src/guard/milter.h \
	src/guard/milter_content.c src/guard/milter_content.h \
	src/guard/milter_link.c src/guard/milter_link.h \
	src/guard/milter_macros.c src/guard/milter_macros.h \
	src/guard/milter_message.c src/guard/milter_message.h \
	src/guard/milter_packet.c src/guard/milter_packet.h \
	src/guard/milter_wire.c src/guard/milter_wire.h \
	src/guard/rates.c src/guard/rates.h \
	src/guard/table.c src/guard/table.h
