/*
 * jmap/structure.h - the parts of a message as JMAP shows them (RFC 8621,
 * 4.1.4), and the blobs that they are.
 */
#ifndef JMAP_STRUCTURE_H
#define JMAP_STRUCTURE_H

#include "jmap/call.h"
#include "message/message.h"

struct msg_limits jmap_limits(const struct jmap_call *c);

/* Something that is looked at as a message: one of a mailbox, or a blob. */
struct jmap_message {
	struct msg *msg;
	struct pst_body body;
	char blob[JMAP_BLOB]; /* the blobId of the whole */
};
void jmap_message_fini(struct jmap_message *m);
/* A message of a mailbox. */
bool jmap_message_open(struct jmap_call *c, const struct catalog_place *place,
    struct jmap_message *m_r);
/* The content of a blob as a message; takes over the text. */
void jmap_message_of(struct jmap_call *c, struct buf *text, const char *blob,
    struct jmap_message *m_r);

/* The parts that are shown as bodies, and the others. */
struct jmap_bodies {
	const struct msg_part **text, **html, **attachment;
	size_t texts, htmls, attachments;
	size_t caps[3];
};
void jmap_bodies(const struct msg *m, struct jmap_bodies *b_r);
void jmap_bodies_fini(struct jmap_bodies *b);
bool jmap_has_attachment(const struct msg *m);

/* "1.2"; of a message that is one part "1". */
void jmap_part_id(const struct msg_part *part, char id_r[256]);
/* NULL: there is none. */
const struct msg_part *jmap_find_part(
    const struct msg *m, struct pst_str part_id);

/* An EmailBodyPart. `properties` as of bodyProperties; `deep`: with subParts.
 */
/* There is a property of that name. */
bool jmap_part_knows(const char *property);
json_t *jmap_part_object(const struct jmap_message *m,
    const struct msg_part *part, json_t *properties, bool deep);

/* The decoded octets of a part. `to_utf8`: text as UTF-8; *problem_r: it could
 * not be decoded well. False: it is larger than `out` takes, or cannot be read.
 */
bool jmap_part_content(const struct jmap_message *m,
    const struct msg_part *part, bool to_utf8, struct buf *out,
    bool *problem_r);

/* The blobId of a part of the message whose own is `blob`. */
void jmap_part_blob(
    const char *blob, const struct msg_part *part, char id_r[JMAP_BLOB]);

#endif
