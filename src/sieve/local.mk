libpostern_la_SOURCES += \
	src/sieve/actions.c \
	src/sieve/active.c src/sieve/active.h \
	src/sieve/addresses.c \
	src/sieve/asks.c \
	src/sieve/body.c \
	src/sieve/check.c src/sieve/check.h \
	src/sieve/check_strings.c \
	src/sieve/check_values.c \
	src/sieve/commands.c src/sieve/words.h \
	src/sieve/compile.c \
	src/sieve/date.c \
	src/sieve/flags.c \
	src/sieve/headers.c \
	src/sieve/include.c \
	src/sieve/lexer.c src/sieve/lexer.h \
	src/sieve/match.c \
	src/sieve/parse.c \
	src/sieve/pattern.c \
	src/sieve/run.c src/sieve/run.h \
	src/sieve/scripts.c src/sieve/scripts.h \
	src/sieve/spam.c \
	src/sieve/strings.c \
	src/sieve/trace.c \
	src/sieve/vacation_args.c \
	src/sieve/variables.c \
	src/sieve/sieve.h src/sieve/tree.h
