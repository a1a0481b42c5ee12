unit_tests += \
	tests/unit/mailbox/test_acl \
	tests/unit/mailbox/test_append \
	tests/unit/mailbox/test_catalog_map \
	tests/unit/mailbox/test_convert \
	tests/unit/mailbox/test_history \
	tests/unit/mailbox/test_model \
	tests/unit/mailbox/test_names \
	tests/unit/mailbox/test_uidl \
	tests/unit/mailbox/test_seen \
	tests/unit/mailbox/test_retention \
	tests/unit/mailbox/test_view \
	tests/unit/mailbox/test_watch

tests_unit_mailbox_test_acl_SOURCES = tests/unit/mailbox/test_acl.c
tests_unit_mailbox_test_seen_SOURCES = tests/unit/mailbox/test_seen.c

tests_unit_mailbox_test_catalog_map_SOURCES = \
	tests/unit/mailbox/test_catalog_map.c

mailbox_fixture = tests/unit/mailbox/fixture.c tests/unit/mailbox/fixture.h

tests_unit_mailbox_test_append_SOURCES = \
	tests/unit/mailbox/test_append.c $(mailbox_fixture)
tests_unit_mailbox_test_convert_SOURCES = \
	tests/unit/mailbox/test_convert.c $(mailbox_fixture)
tests_unit_mailbox_test_history_SOURCES = tests/unit/mailbox/test_history.c
tests_unit_mailbox_test_model_SOURCES = \
	tests/unit/mailbox/test_model.c $(mailbox_fixture)
tests_unit_mailbox_test_names_SOURCES = \
	tests/unit/mailbox/test_names.c $(mailbox_fixture)
tests_unit_mailbox_test_retention_SOURCES = \
	tests/unit/mailbox/test_retention.c $(mailbox_fixture)
tests_unit_mailbox_test_view_SOURCES = \
	tests/unit/mailbox/test_view.c $(mailbox_fixture)
tests_unit_mailbox_test_uidl_SOURCES = \
	tests/unit/mailbox/test_uidl.c $(mailbox_fixture)
tests_unit_mailbox_test_watch_SOURCES = \
	tests/unit/mailbox/test_watch.c $(mailbox_fixture)
