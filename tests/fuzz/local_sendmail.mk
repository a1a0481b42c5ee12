fuzz_targets += tests/fuzz/fuzz_sendmail
tests_fuzz_fuzz_sendmail_SOURCES = tests/fuzz/fuzz_sendmail.c
