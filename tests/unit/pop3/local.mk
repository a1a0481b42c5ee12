unit_tests += tests/unit/pop3/test_commands \
	tests/unit/pop3/test_excerpt \
	tests/unit/pop3/test_locks \
	tests/unit/pop3/test_stuff
tests_unit_pop3_test_commands_SOURCES = tests/unit/pop3/test_commands.c
tests_unit_pop3_test_excerpt_SOURCES = tests/unit/pop3/test_excerpt.c
tests_unit_pop3_test_locks_SOURCES = tests/unit/pop3/test_locks.c
tests_unit_pop3_test_stuff_SOURCES = tests/unit/pop3/test_stuff.c
