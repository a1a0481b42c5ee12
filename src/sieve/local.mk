libpostern_la_SOURCES += src/sieve/scripts.h src/sieve/sieve.h src/sieve/tree.h
