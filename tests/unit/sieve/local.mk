unit_tests += tests/unit/sieve/test_compile \
	tests/unit/sieve/test_run
tests_unit_sieve_test_compile_SOURCES = tests/unit/sieve/test_compile.c
tests_unit_sieve_test_run_SOURCES = tests/unit/sieve/test_run.c \
	tests/unit/sieve/fixture.h
