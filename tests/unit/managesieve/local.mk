unit_tests += tests/unit/managesieve/test_commands \
	tests/unit/managesieve/test_parse
tests_unit_managesieve_test_commands_SOURCES = \
	tests/unit/managesieve/test_commands.c
tests_unit_managesieve_test_parse_SOURCES = \
	tests/unit/managesieve/test_parse.c
