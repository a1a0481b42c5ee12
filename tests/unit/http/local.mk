unit_tests += tests/unit/http/test_parse tests/unit/http/test_websocket
tests_unit_http_test_parse_SOURCES = tests/unit/http/test_parse.c
tests_unit_http_test_websocket_SOURCES = tests/unit/http/test_websocket.c
