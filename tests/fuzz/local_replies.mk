fuzz_targets += tests/fuzz/fuzz_replies
tests_fuzz_fuzz_replies_SOURCES = tests/fuzz/fuzz_replies.c
