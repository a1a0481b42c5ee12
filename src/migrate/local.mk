libpostern_la_SOURCES += \
	src/migrate/files.c src/migrate/files.h \
	src/migrate/lists.c src/migrate/lists.h \
	src/migrate/maildir.c src/migrate/maildir.h \
	src/migrate/maildir_beside.c \
	src/migrate/maildir_names.c \
	src/migrate/mbox.c \
	src/migrate/mbox_text.c src/migrate/mbox_text.h \
	src/migrate/source.c src/migrate/source.h
