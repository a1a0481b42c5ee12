race_tests += tests/race/race_mailbox
tests_race_race_mailbox_SOURCES = tests/race/race_mailbox.c
race_tests += tests/race/race_convert
tests_race_race_convert_SOURCES = tests/race/race_convert.c
