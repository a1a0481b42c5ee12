race_tests += tests/race/race_store
tests_race_race_store_SOURCES = tests/race/race_store.c
tests_race_race_store_LDADD = -ldl
