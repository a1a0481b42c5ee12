trust_fixture = tests/unit/trust/fixture.c tests/unit/trust/fixture.h

unit_tests += tests/unit/trust/test_dkim
tests_unit_trust_test_dkim_SOURCES = tests/unit/trust/test_dkim.c $(trust_fixture)
unit_tests += tests/unit/trust/test_keys
tests_unit_trust_test_keys_SOURCES = tests/unit/trust/test_keys.c
unit_tests += tests/unit/trust/test_arc
tests_unit_trust_test_arc_SOURCES = tests/unit/trust/test_arc.c $(trust_fixture)
unit_tests += tests/unit/trust/test_dmarc
tests_unit_trust_test_dmarc_SOURCES = tests/unit/trust/test_dmarc.c $(trust_fixture)
unit_tests += tests/unit/trust/test_spf
tests_unit_trust_test_spf_SOURCES = tests/unit/trust/test_spf.c $(trust_fixture)
