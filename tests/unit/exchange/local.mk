unit_tests += tests/unit/exchange/test_client \
	tests/unit/exchange/test_envelope \
	tests/unit/exchange/test_exchange \
	tests/unit/exchange/test_hosts \
	tests/unit/exchange/test_journal \
	tests/unit/exchange/test_queue \
	tests/unit/exchange/test_replies \
	tests/unit/exchange/test_reply \
	tests/unit/exchange/test_sending \
	tests/unit/exchange/test_route \
	tests/unit/exchange/test_sts_policy \
	tests/unit/exchange/test_tlsrpt
tests_unit_exchange_test_client_SOURCES = tests/unit/exchange/test_client.c \
	tests/unit/exchange/peer.c tests/unit/exchange/peer.h
tests_unit_exchange_test_exchange_SOURCES = \
	tests/unit/exchange/test_exchange.c \
	tests/unit/exchange/peer.c tests/unit/exchange/peer.h
tests_unit_exchange_test_journal_SOURCES = tests/unit/exchange/test_journal.c
tests_unit_exchange_test_queue_SOURCES = tests/unit/exchange/test_queue.c
tests_unit_exchange_test_queue_SOURCES += tests/unit/exchange/tree.h
tests_unit_exchange_test_replies_SOURCES = tests/unit/exchange/test_replies.c
tests_unit_exchange_test_reply_SOURCES = tests/unit/exchange/test_reply.c
tests_unit_exchange_test_hosts_SOURCES = tests/unit/exchange/test_hosts.c
tests_unit_exchange_test_sending_SOURCES = tests/unit/exchange/test_sending.c
tests_unit_exchange_test_sending_SOURCES += tests/unit/exchange/tree.h
tests_unit_exchange_test_route_SOURCES = tests/unit/exchange/test_route.c
tests_unit_exchange_test_sts_policy_SOURCES = \
	tests/unit/exchange/test_sts_policy.c
tests_unit_exchange_test_envelope_SOURCES = \
	tests/unit/exchange/test_envelope.c
unit_tests += tests/unit/exchange/test_misbehave
tests_unit_exchange_test_misbehave_SOURCES = \
	tests/unit/exchange/test_misbehave.c \
	tests/unit/exchange/peer.c tests/unit/exchange/peer.h
tests_unit_exchange_test_tlsrpt_SOURCES = tests/unit/exchange/test_tlsrpt.c
unit_tests += tests/unit/exchange/test_sessions
tests_unit_exchange_test_sessions_SOURCES = \
	tests/unit/exchange/test_sessions.c
