fuzz_targets += tests/fuzz/fuzz_webauthn
tests_fuzz_fuzz_webauthn_SOURCES = tests/fuzz/fuzz_webauthn.c
