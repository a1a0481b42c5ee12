libpostern_la_SOURCES += \
	src/sieve/active.c src/sieve/active.h \
	src/sieve/check.c src/sieve/check.h \
	src/sieve/check_strings.c \
	src/sieve/check_values.c \
	src/sieve/commands.c src/sieve/words.h \
	src/sieve/compile.c \
	src/sieve/lexer.c src/sieve/lexer.h \
	src/sieve/parse.c \
	src/sieve/scripts.c src/sieve/scripts.h \
	src/sieve/sieve.h src/sieve/tree.h
