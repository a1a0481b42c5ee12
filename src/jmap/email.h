/*
 * jmap/email.h - Email (RFC 8621, 4), and what its methods share.
 */
#ifndef JMAP_EMAIL_H
#define JMAP_EMAIL_H

#include "jmap/call.h"
#include "jmap/structure.h"

enum { JMAP_PLACES = 200 }; /* of a message that are looked at */

/* The flags of all its places together: what is seen is so everywhere, all
 * else is there when it is anywhere. `names`: an object of keywords. */
json_t *jmap_keywords(const struct catalog_place *places, size_t n);
bool jmap_has_keyword(
    const struct catalog_place *places, size_t n, const char *keyword);
/* Of one row. */
bool jmap_row_has_keyword(
    struct catalog_box *box, const struct pst_row *row, const char *keyword);

/* What Email/get and Email/parse share: which properties, and how bodies. */
struct jmap_fetch {
	json_t *properties; /* an object; NULL: the usual ones */
	json_t *body_properties;
	bool text_values, html_values, all_values;
	int64_t max_value;
	bool needs_message; /* the listing is not enough */
};
bool jmap_fetch_init(struct jmap_call *c, struct jmap_fetch *f);
void jmap_fetch_fini(struct jmap_fetch *f);
/* Adds what the content tells. */
void jmap_put_content(
    json_t *object, const struct jmap_message *m, const struct jmap_fetch *f);
bool jmap_email_knows(const char *property);

/* The content of a blob of this account. False: there is none, or it is too
 * large. With the name of its type, if that is known. */
bool jmap_blob(
    struct jmap_call *c, const char *id, struct buf *out, char type_r[128]);
/* Where a blob is a message, or a part of one. */
bool jmap_blob_message(struct jmap_call *c, const char *id,
    struct catalog_place *place_r, char part_r[256]);

/* set.c and others: keywords of an object to flags and names. NULL, or a
 * SetError. `names` is freed by the caller, its texts belong to `keywords`. */
json_t *jmap_flags_of(
    json_t *keywords, uint32_t *flags_r, const char ***names_r, size_t *n_r);

/* Puts a whole message into mailboxes. `mailbox_ids` is an object. *made_r:
 * id, blobId, threadId, size. NULL, or a SetError. */
json_t *jmap_put_email(struct jmap_call *c, struct pst_str content,
    json_t *mailbox_ids, json_t *keywords, int64_t received, json_t **made_r);

/* compose.c: writes a message (4.6). NULL, or a SetError. */
json_t *jmap_compose(struct jmap_call *c, json_t *object, struct buf *out);

/* jmap_setter.bulk of Email/set. */
void jmap_email_bulk(struct jmap_call *c, json_t *update, json_t *destroy);

/* Removes a message everywhere. NULL, or a SetError. */
json_t *jmap_destroy_email(struct jmap_call *c, const char *id);
json_t *jmap_update_email(struct jmap_call *c, const char *id, json_t *patch);

json_t *jmap_email_get(struct jmap_call *c);
json_t *jmap_email_changes(struct jmap_call *c);
json_t *jmap_email_query(struct jmap_call *c);
json_t *jmap_email_query_changes(struct jmap_call *c);
json_t *jmap_email_set(struct jmap_call *c);
json_t *jmap_email_import(struct jmap_call *c);
json_t *jmap_email_parse(struct jmap_call *c);
json_t *jmap_email_copy(struct jmap_call *c);
json_t *jmap_thread_get(struct jmap_call *c);
json_t *jmap_thread_changes(struct jmap_call *c);
json_t *jmap_snippet_get(struct jmap_call *c);
json_t *jmap_blob_copy(struct jmap_call *c);

#endif
