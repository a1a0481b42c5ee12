unit_tests += tests/unit/delivery/test_hold \
	tests/unit/delivery/test_repeat \
	tests/unit/delivery/test_rewrite \
	tests/unit/delivery/test_route
tests_unit_delivery_test_hold_SOURCES = tests/unit/delivery/test_hold.c
tests_unit_delivery_test_repeat_SOURCES = tests/unit/delivery/test_repeat.c
tests_unit_delivery_test_rewrite_SOURCES = tests/unit/delivery/test_rewrite.c
tests_unit_delivery_test_route_SOURCES = tests/unit/delivery/test_route.c
