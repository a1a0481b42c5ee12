libpostern_la_SOURCES += \
	src/managesieve/authenticate.c \
	src/managesieve/capability.c \
	src/managesieve/command.c \
	src/managesieve/managesieve.h \
	src/managesieve/parse.c src/managesieve/parse.h \
	src/managesieve/respond.c \
	src/managesieve/scripts.c \
	src/managesieve/session.c src/managesieve/session.h \
	src/managesieve/starttls.c
