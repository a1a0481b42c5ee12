fuzz_targets += tests/fuzz/fuzz_managesieve
tests_fuzz_fuzz_managesieve_SOURCES = tests/fuzz/fuzz_managesieve.c
