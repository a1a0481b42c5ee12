# The load generator of `make bench`. Only that target and its test build it.
EXTRA_PROGRAMS += tests/bench/bench_load
tests_bench_bench_load_SOURCES = tests/bench/bench.h \
	tests/bench/cells.h tests/bench/cells_change.c \
	tests/bench/cells_fetch.c tests/bench/cells_idle.c \
	tests/bench/cells_large.c tests/bench/cells_login.c \
	tests/bench/client.c tests/bench/client.h \
	tests/bench/imap.c tests/bench/imap.h \
	tests/bench/mail.c tests/bench/mail.h \
	tests/bench/maildir.c tests/bench/main.c \
	tests/bench/measure.c tests/bench/usage.c
tests_bench_bench_load_LDADD = libpostern.la $(POSTERN_LIBS)
