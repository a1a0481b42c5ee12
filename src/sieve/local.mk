libpostern_la_SOURCES += src/sieve/scripts.h src/sieve/sieve.h src/sieve/tree.h \
	src/sieve/active.c src/sieve/active.h src/sieve/scripts.c
