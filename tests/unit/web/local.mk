unit_tests += tests/unit/web/test_samples
tests_unit_web_test_samples_SOURCES = tests/unit/web/test_samples.c
