libpostern_la_SOURCES += \
	src/account/account.h \
	src/account/accounts.c \
	src/account/address.c \
	src/account/aliases.c \
	src/account/apps.c src/account/apps.h \
	src/account/auth.c src/account/auth.h \
	src/account/brake.c \
	src/account/cache.c \
	src/account/codes.c \
	src/account/copy.c src/account/copy.h \
	src/account/db.c \
	src/account/factors.c src/account/factors.h \
	src/account/forwards.c \
	src/account/invites.c src/account/invites.h \
	src/account/passkeys.c src/account/passkeys.h \
	src/account/pairs.c \
	src/account/password.c \
	src/account/sessions.c src/account/sessions.h \
	src/account/private.h \
	src/account/queries.c \
	src/account/recovery.c src/account/recovery.h \
	src/account/resets.c src/account/resets.h \
	src/account/resolve.c \
	src/account/rules.c src/account/rules.h \
	src/account/sasl.c \
	src/account/schema.c \
	src/account/shares.c \
	src/account/sqlite.c \
	src/account/token.c \
	src/account/totp.c src/account/totp.h \
	src/account/users.c \
	src/account/webauthn.c src/account/webauthn.h
