fuzz_targets += tests/fuzz/fuzz_jmap
tests_fuzz_fuzz_jmap_SOURCES = tests/fuzz/fuzz_jmap.c
