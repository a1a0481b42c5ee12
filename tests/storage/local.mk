# The suite that any storage module can be put to, what is special to maildir,
# and the test that kills. The example module, memory.c, is built by
# tests/support/storage.sh as an outside author would do it.
check_PROGRAMS += tests/storage/conformance tests/storage/maildir_disk \
	tests/storage/mbox_disk \
	tests/storage/postgresql_cuts tests/storage/postgresql_nodes \
	tests/crash/crash_store
tests_storage_conformance_SOURCES = tests/storage/conformance.c \
	tests/storage/conformance.h tests/storage/suite.c \
	tests/storage/test_cache.c tests/storage/test_care.c \
	tests/storage/test_changes.c tests/storage/test_messages.c \
	tests/storage/test_names.c tests/storage/test_place.c \
	tests/storage/test_text.c \
	tests/storage/test_threads.c
tests_storage_conformance_LDADD = -ldl
tests_storage_maildir_disk_SOURCES = tests/storage/conformance.h \
	tests/storage/maildir_disk.c tests/storage/suite.c
tests_storage_maildir_disk_LDADD = -ldl
tests_storage_mbox_disk_SOURCES = tests/storage/conformance.h \
	tests/storage/mbox_disk.c tests/storage/suite.c
tests_storage_mbox_disk_LDADD = -ldl
tests_storage_postgresql_cuts_SOURCES = tests/storage/conformance.h \
	tests/storage/postgresql_cuts.c tests/storage/suite.c
tests_storage_postgresql_cuts_LDADD = -ldl
tests_storage_postgresql_nodes_SOURCES = tests/storage/conformance.h \
	tests/storage/postgresql_nodes.c tests/storage/suite.c
tests_storage_postgresql_nodes_LDADD = -ldl
if POSTGRESQL
check_PROGRAMS += tests/storage/postgresql_rows
endif
tests_storage_postgresql_rows_SOURCES = modules/postgresql/sql.c \
	modules/postgresql/sql.h tests/storage/conformance.h \
	tests/storage/postgresql_rows.c tests/storage/suite.c
tests_storage_postgresql_rows_CFLAGS = $(AM_CFLAGS) $(LIBPQ_CFLAGS)
tests_storage_postgresql_rows_LDADD = -ldl $(LIBPQ_LIBS)
tests_crash_crash_store_SOURCES = tests/crash/crash_store.c
tests_crash_crash_store_LDADD = -ldl
