unit_tests += tests/unit/admin/test_table
tests_unit_admin_test_table_SOURCES = tests/unit/admin/test_table.c
unit_tests += tests/unit/admin/test_protocol
tests_unit_admin_test_protocol_SOURCES = tests/unit/admin/test_protocol.c
unit_tests += tests/unit/admin/test_options
tests_unit_admin_test_options_SOURCES = tests/unit/admin/test_options.c
unit_tests += tests/unit/admin/test_identity
tests_unit_admin_test_identity_SOURCES = tests/unit/admin/test_identity.c
