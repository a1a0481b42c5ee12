fuzz_targets += tests/fuzz/fuzz_trail
tests_fuzz_fuzz_trail_SOURCES = tests/fuzz/fuzz_trail.c
