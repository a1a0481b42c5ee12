libpostern_la_SOURCES += \
	src/base/cbor.c src/base/cbor.h \
	src/base/clock.c src/base/clock.h \
	src/base/codec.c src/base/codec.h \
	src/base/config.c src/base/config.h \
	src/base/config_check.c src/base/config_print.c \
	src/base/config_keys.c src/base/config_keys.h \
	src/base/config_routes.c \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/network.c src/base/network.h \
	src/base/str.c src/base/str.h \
	src/base/trail.c src/base/trail.h \
	src/base/trail_file.c src/base/trail_file.h \
	src/base/uidset.c src/base/uidset.h
