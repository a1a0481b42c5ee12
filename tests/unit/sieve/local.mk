unit_tests += tests/unit/sieve/test_compile
tests_unit_sieve_test_compile_SOURCES = tests/unit/sieve/test_compile.c
