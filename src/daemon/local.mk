libpostern_la_SOURCES += \
	src/daemon/check.c src/daemon/check.h \
	src/daemon/keeper.c src/daemon/keeper.h \
	src/daemon/landlock.c \
	src/daemon/measure.c src/daemon/measure.h \
	src/daemon/notify.c \
	src/daemon/options.c src/daemon/options.h \
	src/daemon/privileges.c src/daemon/privileges.h \
	src/daemon/process.c src/daemon/process.h \
	src/daemon/reload.c src/daemon/reload.h \
	src/daemon/sandbox.c src/daemon/sandbox.h \
	src/daemon/server.c src/daemon/server.h

sbin_PROGRAMS += posternd
posternd_SOURCES = src/daemon/main.c
posternd_LDADD = libpostern.la $(POSTERN_LIBS)
