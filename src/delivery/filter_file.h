/*
 * delivery/filter_file.h - the administrator's scripts, which are files that
 * the configuration names: compiled, remembered, and read again when they have
 * changed.
 *
 * Threads: from any thread.
 */
#ifndef DELIVERY_FILTER_FILE_H
#define DELIVERY_FILTER_FILE_H

#include "base/config.h"
#include "sieve/sieve.h"

struct filter_file;

/* NULL: there is none (`path` ""), or it cannot be used, which the log tells.
 * To be given back. */
struct filter_file *filter_file_get(
    const char *path, const struct sieve_limits *limits);
void filter_file_release(struct filter_file **f);
const struct sieve_script *filter_file_script(const struct filter_file *f);
const char *filter_file_name(const struct filter_file *f);

/* The text of a script in `dir` that scripts of users may include: NAME.sieve.
 * NOTFOUND: there is none, or the name is not one. */
enum pst_rc filter_file_include(
    const char *dir, struct pst_str name, struct buf *text_r);

#endif
