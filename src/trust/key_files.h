/*
 * trust/key_files.h - the private keys of DKIM as files:
 *
 *	DIR/DOMAIN/SELECTOR.pem
 *
 * A PEM file with two lines before it that say when the key was made, and from
 * when on it signs. For each algorithm the key signs that may sign and was made
 * last; those that wait are published already, and those that signed before
 * stay published until they are removed, so that mail under way can still be
 * verified.
 */
#ifndef TRUST_KEY_FILES_H
#define TRUST_KEY_FILES_H

#include "trust/dkim_crypto.h"

enum { KEYS_OF_DOMAIN_MAX = 100 };

struct dkim_key_file {
	char selector[64];
	struct dkim_private key;
	int64_t made, use_from; /* seconds since 1970 */
};

struct dkim_key_files {
	struct dkim_key_file *file; /* by selector */
	size_t n;
};

/* All keys of a domain, in lower case with A-labels. OK with none when there
 * are none; a file that cannot be read is passed over and logged. */
enum pst_rc dkim_key_files_read(const char *dir, const char *domain,
    struct dkim_key_files *out, struct pst_error *err);
void dkim_key_files_fini(struct dkim_key_files *f);
/* The key that signs now; NULL: none. */
const struct dkim_key_file *dkim_key_files_current(
    const struct dkim_key_files *f, enum dkim_algorithm a, int64_t now);

/* The names of the domains that have a directory, until `fn` returns false. */
void dkim_key_domains(
    const char *dir, bool (*fn)(void *arg, const char *domain), void *arg);

/* Makes a new key; the file is on the disk when it returns OK. The selector
 * comes from the date. */
enum pst_rc dkim_key_file_make(const char *dir, const char *domain,
    enum dkim_algorithm a, int64_t now, int64_t use_from,
    struct pst_error *err);
/* NOTFOUND. */
enum pst_rc dkim_key_file_remove(const char *dir, const char *domain,
    const char *selector, struct pst_error *err);
/* What to publish at SELECTOR._domainkey.DOMAIN. */
bool dkim_key_record(const struct dkim_private *key, struct buf *out);

#endif
