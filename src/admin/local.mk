libpostern_la_SOURCES += \
	src/admin/accounts.c \
	src/admin/acl.c \
	src/admin/alias.c \
	src/admin/app_password.c \
	src/admin/ask.c src/admin/ask.h \
	src/admin/factors.c \
	src/admin/forward.c \
	src/admin/background.c src/admin/background.h \
	src/admin/behind.c src/admin/behind.h \
	src/admin/client.c src/admin/client.h \
	src/admin/control.c src/admin/control.h src/admin/control_priv.h \
	src/admin/convert.c \
	src/admin/ctl.h \
	src/admin/ctl_behind.c \
	src/admin/dkim.c \
	src/admin/dns.c \
	src/admin/dns_certificates.c \
	src/admin/dns_check.c src/admin/dns_check.h \
	src/admin/dns_check_each.c \
	src/admin/dns_check_policy.c \
	src/admin/dns_check_text.c \
	src/admin/dns_plan.c src/admin/dns_plan.h \
	src/admin/dns_print.c \
	src/admin/domain.c \
	src/admin/export.c \
	src/admin/identity.c src/admin/identity.h \
	src/admin/import.c src/admin/import.h \
	src/admin/import_rules.c \
	src/admin/index.c \
	src/admin/invite.c \
	src/admin/mailbox.c \
	src/admin/password.c \
	src/admin/posternctl.c \
	src/admin/progress.c src/admin/progress.h \
	src/admin/protocol.c src/admin/protocol.h \
	src/admin/queue.c \
	src/admin/quota.c \
	src/admin/request_acl.c \
	src/admin/request_behind.c \
	src/admin/request_connections.c \
	src/admin/request_convert.c \
	src/admin/request_dns.c \
	src/admin/request_export.c \
	src/admin/request_import.c \
	src/admin/request_index.c \
	src/admin/request_mailbox.c \
	src/admin/request_queue.c \
	src/admin/request_quota.c \
	src/admin/request_retention.c \
	src/admin/request_sending.c \
	src/admin/request_sieve.c \
	src/admin/request_status.c \
	src/admin/request_undelete.c \
	src/admin/request_user.c \
	src/admin/request_why.c \
	src/admin/requests.c \
	src/admin/retention.c \
	src/admin/sending.c \
	src/admin/sieve.c src/admin/sieve.h \
	src/admin/sieve_local.c \
	src/admin/status.c \
	src/admin/storage.c \
	src/admin/table.c src/admin/table.h \
	src/admin/trace.c \
	src/admin/undelete.c \
	src/admin/user.c \
	src/admin/why.c src/admin/why.h \
	src/admin/why_item.c

sbin_PROGRAMS += posternctl
posternctl_SOURCES = src/admin/main.c
posternctl_LDADD = libpostern.la $(POSTERN_LIBS)
