fuzz_targets += tests/fuzz/fuzz_smtp_command \
	tests/fuzz/fuzz_smtp_dot \
	tests/fuzz/fuzz_smtp_rewrite
tests_fuzz_fuzz_smtp_command_SOURCES = tests/fuzz/fuzz_smtp_command.c
tests_fuzz_fuzz_smtp_dot_SOURCES = tests/fuzz/fuzz_smtp_dot.c
tests_fuzz_fuzz_smtp_rewrite_SOURCES = tests/fuzz/fuzz_smtp_rewrite.c
