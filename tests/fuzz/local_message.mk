fuzz_targets += tests/fuzz/fuzz_message
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c
fuzz_targets += tests/fuzz/fuzz_sevenbit
tests_fuzz_fuzz_sevenbit_SOURCES = tests/fuzz/fuzz_sevenbit.c
