# The lists of the test folders.

include tests/unit/base/local.mk
include tests/unit/net/local.mk
include tests/unit/message/local.mk
include tests/unit/localindex/local.mk
include tests/unit/postgresql/local.mk
include tests/unit/mailbox/local.mk
include tests/unit/account/local.mk
include tests/unit/delivery/local.mk
include tests/unit/migrate/local.mk
include tests/unit/exchange/local.mk
include tests/unit/sendmail/local.mk
include tests/unit/sieve/local.mk
include tests/unit/smtp/local.mk
include tests/unit/imap/local.mk
include tests/unit/http/local.mk
include tests/unit/jmap/local.mk
include tests/unit/managesieve/local.mk
include tests/unit/pop3/local.mk
include tests/unit/admin/local.mk
include tests/unit/trust/local.mk
include tests/unit/web/local.mk
include tests/unit/guard/local.mk

include tests/storage/local.mk

include tests/race/local_account.mk
include tests/race/local_net.mk
include tests/race/local_mailbox.mk
include tests/race/local_store.mk

include tests/stress/local.mk

include tests/fuzz/local_mbox.mk
include tests/fuzz/local_message.mk
include tests/fuzz/local_acl.mk
include tests/fuzz/local_address.mk
include tests/fuzz/local_exchange.mk
include tests/fuzz/local_header.mk
include tests/fuzz/local_content.mk
include tests/fuzz/local_sasl.mk
include tests/fuzz/local_sieve.mk
include tests/fuzz/local_srs.mk
include tests/fuzz/local_sendmail.mk
include tests/fuzz/local_smtp.mk
include tests/fuzz/local_trail.mk
include tests/fuzz/local_guard.mk
include tests/fuzz/local_trust.mk
include tests/fuzz/local_webauthn.mk
include tests/fuzz/local_imap.mk
include tests/fuzz/local_http.mk
include tests/fuzz/local_websocket.mk
include tests/fuzz/local_managesieve.mk
include tests/fuzz/local_pop3.mk
include tests/fuzz/local_proxy.mk
include tests/fuzz/local_replies.mk
include tests/fuzz/local_jmap.mk
include tests/fuzz/local_localindex.mk
include tests/fuzz/local_migrate.mk
include tests/fuzz/local_maildir.mk
include tests/fuzz/local_deflate.mk

EXTRA_PROGRAMS = $(fuzz_targets) $(race_tests) $(stress_programs)

include tests/bench/local.mk
