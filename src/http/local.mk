libpostern_la_SOURCES += src/http/http.h src/http/priv.h \
	src/http/answer.c \
	src/http/credential.c \
	src/http/forwarded.c \
	src/http/login.c \
	src/http/parse.c src/http/parse.h \
	src/http/route.c \
	src/http/session.c \
	src/http/upgrade.c \
	src/http/websocket.c src/http/websocket.h
