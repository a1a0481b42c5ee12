libpostern_la_SOURCES += \
	src/account/account.h \
	src/account/accounts.c \
	src/account/address.c \
	src/account/aliases.c \
	src/account/auth.c src/account/auth.h \
	src/account/brake.c \
	src/account/cache.c \
	src/account/copy.c src/account/copy.h \
	src/account/db.c \
	src/account/password.c \
	src/account/private.h \
	src/account/queries.c \
	src/account/resolve.c \
	src/account/sasl.c \
	src/account/schema.c \
	src/account/shares.c \
	src/account/sqlite.c \
	src/account/users.c
