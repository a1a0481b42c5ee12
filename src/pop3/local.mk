libpostern_la_SOURCES += src/pop3/pop3.h src/pop3/session.h \
	src/pop3/auth.c \
	src/pop3/capa.c \
	src/pop3/command.c \
	src/pop3/dele.c \
	src/pop3/excerpt.c src/pop3/excerpt.h \
	src/pop3/lang.c \
	src/pop3/list.c \
	src/pop3/locks.c src/pop3/locks.h \
	src/pop3/login.c \
	src/pop3/maildrop.c \
	src/pop3/parse.c src/pop3/parse.h \
	src/pop3/quit.c \
	src/pop3/reply.c \
	src/pop3/retr.c \
	src/pop3/sending.c \
	src/pop3/session.c \
	src/pop3/stls.c \
	src/pop3/stuff.c src/pop3/stuff.h \
	src/pop3/texts.c src/pop3/texts.h \
	src/pop3/top.c \
	src/pop3/uidl.c
