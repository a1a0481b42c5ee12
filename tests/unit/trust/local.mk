trust_fixture = tests/unit/trust/fixture.c tests/unit/trust/fixture.h

unit_tests += tests/unit/trust/test_dkim
tests_unit_trust_test_dkim_SOURCES = tests/unit/trust/test_dkim.c $(trust_fixture)
unit_tests += tests/unit/trust/test_keys
tests_unit_trust_test_keys_SOURCES = tests/unit/trust/test_keys.c
