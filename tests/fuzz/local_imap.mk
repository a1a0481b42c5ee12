fuzz_targets += tests/fuzz/fuzz_imap_append \
	tests/fuzz/fuzz_imap_command \
	tests/fuzz/fuzz_imap_items
tests_fuzz_fuzz_imap_append_SOURCES = tests/fuzz/fuzz_imap_append.c
tests_fuzz_fuzz_imap_command_SOURCES = tests/fuzz/fuzz_imap_command.c
tests_fuzz_fuzz_imap_items_SOURCES = tests/fuzz/fuzz_imap_items.c
