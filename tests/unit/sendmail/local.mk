unit_tests += tests/unit/sendmail/test_compose tests/unit/sendmail/test_content
tests_unit_sendmail_test_compose_SOURCES = tests/unit/sendmail/test_compose.c
tests_unit_sendmail_test_content_SOURCES = tests/unit/sendmail/test_content.c
