libpostern_la_SOURCES += src/smtp/smtp.h src/smtp/session.h \
	src/smtp/auth.c \
	src/smtp/bdat.c \
	src/smtp/command.c \
	src/smtp/content.c \
	src/smtp/data.c \
	src/smtp/dot.c src/smtp/dot.h \
	src/smtp/envelope.c \
	src/smtp/guard.c \
	src/smtp/hello.c \
	src/smtp/local.c \
	src/smtp/mail.c \
	src/smtp/milter.c \
	src/smtp/parse.c src/smtp/parse.h \
	src/smtp/rcpt.c \
	src/smtp/received.c \
	src/smtp/reply.c \
	src/smtp/session.c \
	src/smtp/starttls.c \
	src/smtp/verbs.c
