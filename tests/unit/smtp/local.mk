unit_tests += tests/unit/smtp/test_commands \
	tests/unit/smtp/test_dot \
	tests/unit/smtp/test_parse
tests_unit_smtp_test_commands_SOURCES = tests/unit/smtp/test_commands.c
tests_unit_smtp_test_dot_SOURCES = tests/unit/smtp/test_dot.c
tests_unit_smtp_test_parse_SOURCES = tests/unit/smtp/test_parse.c
