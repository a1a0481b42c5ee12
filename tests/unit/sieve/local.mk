unit_tests += tests/unit/sieve/test_compile \
	tests/unit/sieve/test_cost \
	tests/unit/sieve/test_match \
	tests/unit/sieve/test_pattern \
	tests/unit/sieve/test_run \
	tests/unit/sieve/test_tests \
	tests/unit/sieve/test_variables
tests_unit_sieve_test_compile_SOURCES = tests/unit/sieve/test_compile.c
tests_unit_sieve_test_cost_SOURCES = tests/unit/sieve/test_cost.c
tests_unit_sieve_test_match_SOURCES = tests/unit/sieve/test_match.c \
	tests/unit/sieve/fixture.h
tests_unit_sieve_test_pattern_SOURCES = tests/unit/sieve/test_pattern.c
tests_unit_sieve_test_run_SOURCES = tests/unit/sieve/test_run.c \
	tests/unit/sieve/fixture.h
tests_unit_sieve_test_tests_SOURCES = tests/unit/sieve/test_tests.c \
	tests/unit/sieve/fixture.h
tests_unit_sieve_test_variables_SOURCES = tests/unit/sieve/test_variables.c \
	tests/unit/sieve/fixture.h
unit_tests += tests/unit/sieve/test_scripts
tests_unit_sieve_test_scripts_SOURCES = \
	tests/unit/sieve/test_scripts.c $(mailbox_fixture)
