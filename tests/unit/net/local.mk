unit_tests += tests/unit/net/test_deflate
tests_unit_net_test_deflate_SOURCES = tests/unit/net/test_deflate.c
