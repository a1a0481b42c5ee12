libpostern_la_SOURCES += \
	src/net/conn.c \
	src/net/conn_call.c \
	src/net/conn_io.c \
	src/net/counts.c \
	src/net/deflate.c src/net/deflate.h \
	src/net/dns.c src/net/dns.h \
	src/net/dns_answer.c \
	src/net/inspect.c src/net/inspect.h \
	src/net/jobs.c src/net/jobs.h \
	src/net/listener.c \
	src/net/net.c src/net/net.h src/net/priv.h \
	src/net/pool.c \
	src/net/proxy.c src/net/proxy.h \
	src/net/proxy_conn.c \
	src/net/slots.c \
	src/net/timers.c \
	src/net/tls.c src/net/tls.h \
	src/net/tls_conn.c \
	src/net/trace.c
