/*
 * migrate/mbox_writer.h - messages as an mbox file (mboxrd): a "From " line and
 * an empty line around each, '>' before lines in it that look like the former,
 * and Status, X-Status, X-Keywords, X-UID and X-IMAPbase for what IMAP knows of
 * it. Fields of these names that were in the message are left out, since who
 * reads the file takes them for such.
 *
 * Pure: the text gathers in `out`, which the caller takes away. After each call
 * it has to be below MBOX_WRITER_ROOM octets; `out.overflow` says that it was
 * not, and the file is of no use.
 */
#ifndef MIGRATE_MBOX_WRITER_H
#define MIGRATE_MBOX_WRITER_H

#include "migrate/target.h"

enum {
	MBOX_WRITER_HEADER = 1 << 20, /* a longer one is left as it is */
	MBOX_WRITER_ROOM = 1 << 16,
};

struct mbox_writer {
	struct buf out;
	struct mig_state state; /* of the mailbox */
	bool is_first;
	struct buf fields; /* of ours */
	struct buf header; /* until its end is seen */
	bool in_header, at_line;
	struct mig_lf lf;
	struct buf lines; /* with LF, not looked at yet */
	char last;
};

void mbox_writer_init(struct mbox_writer *w);
void mbox_writer_fini(struct mbox_writer *w);
/* A file begins. */
void mbox_writer_begin(struct mbox_writer *w, const struct mig_state *state);
/* A message; then its content, with CRLF line ends, in pieces. */
void mbox_writer_message(struct mbox_writer *w, const struct mig_message *m);
void mbox_writer_write(struct mbox_writer *w, const char *p, size_t n);
void mbox_writer_end(struct mbox_writer *w);

#endif
