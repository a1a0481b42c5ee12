if POSTGRESQL
unit_tests += tests/unit/postgresql/test_params
endif
tests_unit_postgresql_test_params_SOURCES = \
	tests/unit/postgresql/test_params.c modules/postgresql/params.c \
	modules/postgresql/schema.c modules/postgresql/schema_more.c \
	modules/postgresql/schema_policies.c modules/postgresql/sql.c
tests_unit_postgresql_test_params_CPPFLAGS = $(AM_CPPFLAGS) \
	-I$(top_srcdir)/modules $(LIBPQ_CFLAGS)
tests_unit_postgresql_test_params_LDADD = $(LIBPQ_LIBS) $(LDADD)
