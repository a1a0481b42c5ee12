unit_tests += tests/unit/imap/test_append \
	tests/unit/imap/test_gather \
	tests/unit/imap/test_metadata \
	tests/unit/imap/test_modifiers \
	tests/unit/imap/test_parse \
	tests/unit/imap/test_pattern \
	tests/unit/imap/test_searching \
	tests/unit/imap/test_structure \
	tests/unit/imap/test_tables
tests_unit_imap_test_append_SOURCES = tests/unit/imap/test_append.c
tests_unit_imap_test_gather_SOURCES = tests/unit/imap/test_gather.c
tests_unit_imap_test_metadata_SOURCES = tests/unit/imap/test_metadata.c
tests_unit_imap_test_modifiers_SOURCES = tests/unit/imap/test_modifiers.c
tests_unit_imap_test_parse_SOURCES = tests/unit/imap/test_parse.c
tests_unit_imap_test_pattern_SOURCES = tests/unit/imap/test_pattern.c
tests_unit_imap_test_searching_SOURCES = tests/unit/imap/test_searching.c
tests_unit_imap_test_structure_SOURCES = tests/unit/imap/test_structure.c
tests_unit_imap_test_tables_SOURCES = tests/unit/imap/test_tables.c
