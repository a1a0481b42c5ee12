if POSTGRESQL
pkgmodule_LTLIBRARIES += postgresql.la
postgresql_la_SOURCES = \
	modules/postgresql/config.c modules/postgresql/conn.c \
	modules/postgresql/database.c \
	modules/postgresql/migrate.c modules/postgresql/module.c modules/postgresql/params.c \
	modules/postgresql/pg.h modules/postgresql/pool.c \
	modules/postgresql/postgresql.h modules/postgresql/run.c \
	modules/postgresql/schema.c modules/postgresql/sql.c \
	modules/postgresql/sql.h modules/postgresql/store.c
endif
