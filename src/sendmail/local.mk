libpostern_la_SOURCES += \
	src/sendmail/compose.c src/sendmail/compose.h \
	src/sendmail/content.c src/sendmail/content.h \
	src/sendmail/options.c src/sendmail/options.h \
	src/sendmail/sendmail.c src/sendmail/sendmail.h \
	src/sendmail/wire.c src/sendmail/wire.h

sbin_PROGRAMS += postern-sendmail
postern_sendmail_SOURCES = src/sendmail/main.c
postern_sendmail_LDADD = libpostern.la $(POSTERN_LIBS)
