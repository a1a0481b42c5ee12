/*
 * imap/catenate.h - the octets that a URL means, read a piece at a time
 * (CATENATE, RFC 4469, 3).
 */
#ifndef IMAP_CATENATE_H
#define IMAP_CATENATE_H

#include "imap/body_section.h"
#include "imap/session.h"

/* Start with zeroes. One source after the other. */
struct imap_source {
	struct mailbox_view *view; /* the session's, or `own` */
	struct mailbox_view *own;  /* of the mailbox that was used last */
	char *name;		   /* its name */
	bool is_open;
	struct pst_body body;
	struct buf made;
	struct imap_octets at; /* what is left to be read */
};

/* Finds the message. False: the URL is a bad one. */
bool imap_source_open(
    struct imap_session *s, struct imap_source *src, struct pst_str url);
static inline uint64_t
imap_source_left(const struct imap_source *src)
{
	return src->at.length;
}
/* The next octets, at most `n`, to `p`; *n_r tells how many, 0 at the end. */
enum pst_rc imap_source_read(struct imap_source *src, char *p, size_t n,
    size_t *n_r, struct pst_error *err);
void imap_source_close(struct imap_source *src);
void imap_source_fini(struct imap_source *src);

/* "[BADURL ...] text", for NO. */
void imap_put_bad_url(struct buf *out, struct pst_str url);

#endif
