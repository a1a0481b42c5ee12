fuzz_targets += tests/fuzz/fuzz_downgrade \
	tests/fuzz/fuzz_pop3
tests_fuzz_fuzz_downgrade_SOURCES = tests/fuzz/fuzz_downgrade.c
tests_fuzz_fuzz_pop3_SOURCES = tests/fuzz/fuzz_pop3.c
