unit_tests += \
	tests/unit/net/test_conn \
	tests/unit/net/test_deflate \
	tests/unit/net/test_dns \
	tests/unit/net/test_jobs \
	tests/unit/net/test_limits \
	tests/unit/net/test_proxy \
	tests/unit/net/test_listen \
	tests/unit/net/test_timers \
	tests/unit/net/test_tls \
	tests/unit/net/test_trace \
	tests/unit/net/test_wake

net_fixture = tests/unit/net/fixture.c tests/unit/net/fixture.h

tests_unit_net_test_conn_SOURCES = tests/unit/net/test_conn.c $(net_fixture)
tests_unit_net_test_limits_SOURCES = tests/unit/net/test_limits.c $(net_fixture)
tests_unit_net_test_listen_SOURCES = tests/unit/net/test_listen.c $(net_fixture)
tests_unit_net_test_timers_SOURCES = tests/unit/net/test_timers.c $(net_fixture)
tests_unit_net_test_tls_SOURCES = tests/unit/net/test_tls.c $(net_fixture)
tests_unit_net_test_trace_SOURCES = tests/unit/net/test_trace.c $(net_fixture)
tests_unit_net_test_wake_SOURCES = tests/unit/net/test_wake.c $(net_fixture)
tests_unit_net_test_deflate_SOURCES = tests/unit/net/test_deflate.c
tests_unit_net_test_proxy_SOURCES = tests/unit/net/test_proxy.c
tests_unit_net_test_dns_SOURCES = tests/unit/net/test_dns.c
tests_unit_net_test_jobs_SOURCES = tests/unit/net/test_jobs.c $(net_fixture)
