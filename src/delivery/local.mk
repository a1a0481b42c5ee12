libpostern_la_SOURCES += src/delivery/services.h \
	src/delivery/away.c src/delivery/away.h \
	src/delivery/outbound.h \
	src/delivery/delivery.c src/delivery/delivery.h \
	src/delivery/hold.c src/delivery/hold.h \
	src/delivery/repeat.c src/delivery/repeat.h \
	src/delivery/rewrite.c src/delivery/rewrite.h \
	src/delivery/route.c src/delivery/route.h
