if POSTGRESQL
pkgmodule_LTLIBRARIES += postgresql.la
endif
postgresql_la_SOURCES = \
	modules/postgresql/account.c modules/postgresql/body.c \
	modules/postgresql/box.c modules/postgresql/cache.c \
	modules/postgresql/check.c modules/postgresql/commit.c \
	modules/postgresql/config.c modules/postgresql/conn.c \
	modules/postgresql/convert.c modules/postgresql/database.c \
	modules/postgresql/hub.c \
	modules/postgresql/hub.h modules/postgresql/history.c \
	modules/postgresql/kept.c modules/postgresql/keyword.c \
	modules/postgresql/migrate.c modules/postgresql/modify.c \
	modules/postgresql/module.c modules/postgresql/names.c \
	modules/postgresql/params.c modules/postgresql/pg.h \
	modules/postgresql/pool.c modules/postgresql/postgresql.h \
	modules/postgresql/refresh.c modules/postgresql/run.c \
	modules/postgresql/schema.c modules/postgresql/schema_more.c \
	modules/postgresql/schema_policies.c modules/postgresql/sql.c \
	modules/postgresql/sql.h modules/postgresql/stage.c \
	modules/postgresql/store.c modules/postgresql/sweep.c \
	modules/postgresql/text.c modules/postgresql/transfer.c
