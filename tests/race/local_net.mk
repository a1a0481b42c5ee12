race_tests += tests/race/race_exchange
tests_race_race_exchange_SOURCES = tests/race/race_exchange.c
race_tests += tests/race/race_net
tests_race_race_net_SOURCES = tests/race/race_net.c
race_tests += tests/race/race_jobs
tests_race_race_jobs_SOURCES = tests/race/race_jobs.c
