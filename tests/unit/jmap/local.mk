unit_tests += tests/unit/jmap/test_webpush
tests_unit_jmap_test_webpush_SOURCES = tests/unit/jmap/test_webpush.c
