fuzz_targets += tests/fuzz/fuzz_sieve
tests_fuzz_fuzz_sieve_SOURCES = tests/fuzz/fuzz_sieve.c
fuzz_targets += tests/fuzz/fuzz_sieve_message
tests_fuzz_fuzz_sieve_message_SOURCES = tests/fuzz/fuzz_sieve_message.c
