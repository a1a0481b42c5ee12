fuzz_targets += tests/fuzz/fuzz_migrate
tests_fuzz_fuzz_migrate_SOURCES = tests/fuzz/fuzz_migrate.c
