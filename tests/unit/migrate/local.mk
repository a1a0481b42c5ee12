unit_tests += tests/unit/migrate/test_lists \
	tests/unit/migrate/test_imap_text \
	tests/unit/migrate/test_mbox_text \
	tests/unit/migrate/test_target
tests_unit_migrate_test_lists_SOURCES = tests/unit/migrate/test_lists.c
tests_unit_migrate_test_imap_text_SOURCES = tests/unit/migrate/test_imap_text.c
tests_unit_migrate_test_mbox_text_SOURCES = tests/unit/migrate/test_mbox_text.c
tests_unit_migrate_test_target_SOURCES = tests/unit/migrate/test_target.c
