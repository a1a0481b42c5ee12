race_tests += tests/race/race_mailbox
tests_race_race_mailbox_SOURCES = tests/race/race_mailbox.c
