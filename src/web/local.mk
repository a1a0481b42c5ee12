libpostern_la_SOURCES += \
	src/web/acme.c \
	src/web/admin.c src/web/admin.h \
	src/web/admin_domains.c \
	src/web/admin_users.c \
	src/web/apps.c \
	src/web/challenges.c src/web/challenges.h \
	src/web/confirm.c \
	src/web/deleted.c \
	src/web/export.c \
	src/web/factor.c \
	src/web/files.c \
	src/web/forward.c \
	src/web/invites.c \
	src/web/limits.c src/web/limits.h \
	src/web/login.c src/web/metrics.c \
	src/web/notice.c \
	src/web/passkeys.c \
	src/web/password.c \
	src/web/priv.h \
	src/web/profile.c \
	src/web/programs.c src/web/programs.h \
	src/web/recover.c \
	src/web/reply.c \
	src/web/reset.c \
	src/web/samples.c src/web/samples.h \
	src/web/security.c \
	src/web/settings.c \
	src/web/setup.c \
	src/web/signup.c src/web/tell.c \
	src/web/tickets.c src/web/tickets.h \
	src/web/web.h src/web/webauthn.c \
	src/web/welcome.c \
	src/web/wellknown.c \
	src/web/work.c src/web/work.h
