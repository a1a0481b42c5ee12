fuzz_targets += tests/fuzz/fuzz_proxy
tests_fuzz_fuzz_proxy_SOURCES = tests/fuzz/fuzz_proxy.c
