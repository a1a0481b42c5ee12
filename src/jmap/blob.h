/*
 * jmap/blob.h - octets that have an id (RFC 8620, 6): messages, parts of them,
 * scripts, and what was uploaded, which is kept for a day.
 *
 * Uploads are files of the user's own directory below state_dir/uploads.
 */
#ifndef JMAP_BLOB_H
#define JMAP_BLOB_H

#include "jmap/call.h"

/* Parts of a message that goes away stay for a while: a draft that is written
 * anew refers to those of the old one. */
void jmap_blob_rescue(struct jmap_call *c, const struct catalog_place *place);

/* A file on its way in. */
struct jmap_upload;
/* NULL: `err`. */
struct jmap_upload *jmap_upload_new(
    const struct config *cfg, const char *account, struct pst_error *err);
/* QUOTA: it is larger than all may be. */
bool jmap_upload_write(
    struct jmap_upload *u, struct pst_str piece, struct pst_error *err);
/* Keeps it, with its type; the oldest go when there are too many, or when all
 * are larger than jmap.upload_space (6). */
enum pst_rc jmap_upload_keep(struct jmap_upload *u, const char *type,
    char id_r[JMAP_ID], uint64_t *size_r, struct pst_error *err);
void jmap_upload_free(struct jmap_upload **u);

/* Opens what was uploaded, for reading. -1: there is none. */
int jmap_upload_open(const struct config *cfg, const char *account,
    const char *id, uint64_t *size_r, char type_r[128]);

#endif
