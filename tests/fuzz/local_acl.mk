fuzz_targets += tests/fuzz/fuzz_acl
tests_fuzz_fuzz_acl_SOURCES = tests/fuzz/fuzz_acl.c
