unit_tests += tests/unit/mailbox/test_history
tests_unit_mailbox_test_history_SOURCES = tests/unit/mailbox/test_history.c
