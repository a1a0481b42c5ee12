fuzz_targets += tests/fuzz/fuzz_exchange
tests_fuzz_fuzz_exchange_SOURCES = tests/fuzz/fuzz_exchange.c
fuzz_targets += tests/fuzz/fuzz_sts
tests_fuzz_fuzz_sts_SOURCES = tests/fuzz/fuzz_sts.c
