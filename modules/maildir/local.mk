pkgmodule_LTLIBRARIES += maildir.la
maildir_la_SOURCES =
