libpostern_la_SOURCES += \
	src/migrate/files.c src/migrate/files.h \
	src/migrate/imap.c \
	src/migrate/imap_text.c src/migrate/imap_text.h \
	src/migrate/imap_wire.c src/migrate/imap_wire.h \
	src/migrate/lists.c src/migrate/lists.h \
	src/migrate/maildir.c src/migrate/maildir.h \
	src/migrate/maildir_beside.c \
	src/migrate/maildir_names.c \
	src/migrate/mbox.c \
	src/migrate/mbox_text.c src/migrate/mbox_text.h \
	src/migrate/mbox_writer.c src/migrate/mbox_writer.h \
	src/migrate/out_directory.c src/migrate/out_files.h \
	src/migrate/out_maildir.c \
	src/migrate/out_mbox.c \
	src/migrate/out_tar.c \
	src/migrate/source.c src/migrate/source.h \
	src/migrate/target.c src/migrate/target.h
