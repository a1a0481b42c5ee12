fuzz_targets += tests/fuzz/fuzz_srs
tests_fuzz_fuzz_srs_SOURCES = tests/fuzz/fuzz_srs.c
