fuzz_targets += tests/fuzz/fuzz_deflate
tests_fuzz_fuzz_deflate_SOURCES = tests/fuzz/fuzz_deflate.c
