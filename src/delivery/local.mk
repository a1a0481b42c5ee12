libpostern_la_SOURCES += src/delivery/services.h \
	src/delivery/again.c \
	src/delivery/answer.c src/delivery/answer.h \
	src/delivery/begin.c \
	src/delivery/away.c src/delivery/away.h \
	src/delivery/filter.c src/delivery/filter.h \
	src/delivery/filter_file.c src/delivery/filter_file.h \
	src/delivery/filter_host.c \
	src/delivery/filter_redirect.c \
	src/delivery/forward.c src/delivery/forward.h \
	src/delivery/notice.c src/delivery/notice.h \
	src/delivery/local.c src/delivery/local.h \
	src/delivery/outbound.h \
	src/delivery/delivery.c src/delivery/delivery.h src/delivery/priv.h \
	src/delivery/finish.c \
	src/delivery/hold.c src/delivery/hold.h \
	src/delivery/kept.c src/delivery/kept.h \
	src/delivery/places.c src/delivery/places.h \
	src/delivery/refusal.c src/delivery/refusal.h \
	src/delivery/repeat.c src/delivery/repeat.h \
	src/delivery/rewrite.c src/delivery/rewrite.h \
	src/delivery/route.c src/delivery/route.h \
	src/delivery/seen.c src/delivery/seen.h \
	src/delivery/srs.c src/delivery/srs.h \
	src/delivery/srs_keys.c src/delivery/srs_keys.h \
	src/delivery/story.c src/delivery/story.h \
	src/delivery/vacation.c src/delivery/vacation.h
