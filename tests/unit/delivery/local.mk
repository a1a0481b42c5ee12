unit_tests += tests/unit/delivery/test_forward \
	tests/unit/delivery/test_hold \
	tests/unit/delivery/test_repeat \
	tests/unit/delivery/test_rewrite \
	tests/unit/delivery/test_route \
	tests/unit/delivery/test_srs
tests_unit_delivery_test_hold_SOURCES = tests/unit/delivery/test_hold.c
tests_unit_delivery_test_repeat_SOURCES = tests/unit/delivery/test_repeat.c
tests_unit_delivery_test_rewrite_SOURCES = tests/unit/delivery/test_rewrite.c
tests_unit_delivery_test_route_SOURCES = tests/unit/delivery/test_route.c
tests_unit_delivery_test_srs_SOURCES = tests/unit/delivery/test_srs.c
unit_tests += tests/unit/delivery/test_story
tests_unit_delivery_test_story_SOURCES = tests/unit/delivery/test_story.c
tests_unit_delivery_test_forward_SOURCES = tests/unit/delivery/test_forward.c
