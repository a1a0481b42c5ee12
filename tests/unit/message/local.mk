unit_tests += \
	tests/unit/message/test_address \
	tests/unit/message/test_content \
	tests/unit/message/test_downgrade \
	tests/unit/message/test_header \
	tests/unit/message/test_params \
	tests/unit/message/test_preview \
	tests/unit/message/test_reader \
	tests/unit/message/test_section \
	tests/unit/message/test_sevenbit
tests_unit_message_test_address_SOURCES = tests/unit/message/test_address.c
tests_unit_message_test_content_SOURCES = tests/unit/message/test_content.c
tests_unit_message_test_downgrade_SOURCES = \
	tests/unit/message/test_downgrade.c
tests_unit_message_test_header_SOURCES = tests/unit/message/test_header.c
tests_unit_message_test_params_SOURCES = tests/unit/message/test_params.c
tests_unit_message_test_reader_SOURCES = tests/unit/message/test_reader.c
tests_unit_message_test_section_SOURCES = tests/unit/message/test_section.c
tests_unit_message_test_sevenbit_SOURCES = tests/unit/message/test_sevenbit.c
tests_unit_message_test_preview_SOURCES = tests/unit/message/test_preview.c
