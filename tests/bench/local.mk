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
# Source and sink of `make bench-queue`; tests/crash/test_queue.py counts with
# them, too.
EXTRA_PROGRAMS += tests/bench/bench_smtp
tests_bench_bench_smtp_SOURCES = tests/bench/smtp.h \
	tests/bench/smtp_fill.c \
	tests/bench/smtp_main.c tests/bench/smtp_send.c \
	tests/bench/smtp_sink.c
tests_bench_bench_smtp_LDADD = libpostern.la $(POSTERN_LIBS)
