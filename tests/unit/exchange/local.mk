unit_tests += tests/unit/exchange/test_exchange \
	tests/unit/exchange/test_hosts \
	tests/unit/exchange/test_journal \
	tests/unit/exchange/test_queue \
	tests/unit/exchange/test_reply
tests_unit_exchange_test_exchange_SOURCES = \
	tests/unit/exchange/test_exchange.c \
	tests/unit/exchange/peer.c tests/unit/exchange/peer.h
tests_unit_exchange_test_journal_SOURCES = tests/unit/exchange/test_journal.c
tests_unit_exchange_test_queue_SOURCES = tests/unit/exchange/test_queue.c
tests_unit_exchange_test_queue_SOURCES += tests/unit/exchange/tree.h
tests_unit_exchange_test_reply_SOURCES = tests/unit/exchange/test_reply.c
tests_unit_exchange_test_hosts_SOURCES = tests/unit/exchange/test_hosts.c
