race_tests += tests/race/race_account
tests_race_race_account_SOURCES = tests/race/race_account.c
