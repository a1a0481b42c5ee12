unit_tests += \
	tests/unit/account/test_accounts \
	tests/unit/account/test_address \
	tests/unit/account/test_auth \
	tests/unit/account/test_copy \
	tests/unit/account/test_factors \
	tests/unit/account/test_lent \
	tests/unit/account/test_password \
	tests/unit/account/test_resets \
	tests/unit/account/test_resolve \
	tests/unit/account/test_rules \
	tests/unit/account/test_sasl \
	tests/unit/account/test_sessions \
	tests/unit/account/test_totp \
	tests/unit/account/test_webauthn

account_fixture = tests/unit/account/fixture.c tests/unit/account/fixture.h

tests_unit_account_test_accounts_SOURCES = \
	tests/unit/account/test_accounts.c $(account_fixture)
tests_unit_account_test_address_SOURCES = tests/unit/account/test_address.c
tests_unit_account_test_auth_SOURCES = \
	tests/unit/account/test_auth.c $(account_fixture)
tests_unit_account_test_copy_SOURCES = \
	tests/unit/account/test_copy.c $(account_fixture)
tests_unit_account_test_factors_SOURCES = \
	tests/unit/account/test_factors.c $(account_fixture)
tests_unit_account_test_lent_SOURCES = \
	tests/unit/account/test_lent.c $(account_fixture)
tests_unit_account_test_password_SOURCES = \
	tests/unit/account/test_password.c $(account_fixture)
tests_unit_account_test_resets_SOURCES = \
	tests/unit/account/test_resets.c $(account_fixture)
tests_unit_account_test_resolve_SOURCES = \
	tests/unit/account/test_resolve.c $(account_fixture)
tests_unit_account_test_rules_SOURCES = \
	tests/unit/account/test_rules.c $(account_fixture)
tests_unit_account_test_sasl_SOURCES = \
	tests/unit/account/test_sasl.c $(account_fixture)
tests_unit_account_test_sessions_SOURCES = \
	tests/unit/account/test_sessions.c $(account_fixture)
tests_unit_account_test_totp_SOURCES = tests/unit/account/test_totp.c
tests_unit_account_test_webauthn_SOURCES = \
	tests/unit/account/test_webauthn.c

unit_scripts += tests/unit/account/postgresql.sh
EXTRA_DIST += tests/unit/account/postgresql.sh
