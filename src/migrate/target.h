/*
 * migrate/target.h - mail on its way out: the forms that other servers and
 * programs read.
 *
 * A mailbox appears under its name when it is complete and on the disk, or not
 * at all; nothing that is there already is ever replaced (EXISTS).
 *
 * Threads: a target belongs to one thread at a time.
 */
#ifndef MIGRATE_TARGET_H
#define MIGRATE_TARGET_H

#include "migrate/source.h"

/* A mailbox that begins. */
struct mig_out_box {
	const char *name;
	struct mig_state state;
	bool is_inbox;
};

struct mig_target;

struct mig_target_ops {
	enum pst_rc (*begin)(struct mig_target *t,
	    const struct mig_out_box *box, struct pst_error *err);
	/* A message; then its content, with CRLF line ends, in pieces. */
	enum pst_rc (*message)(struct mig_target *t,
	    const struct mig_message *m, struct pst_error *err);
	enum pst_rc (*write)(struct mig_target *t, const char *p, size_t n,
	    struct pst_error *err);
	enum pst_rc (*end_message)(struct mig_target *t, struct pst_error *err);
	enum pst_rc (*end)(struct mig_target *t, struct pst_error *err);
	/* Names that the user has subscribed to; all mailboxes are there. */
	enum pst_rc (*finish)(struct mig_target *t,
	    const struct mig_names *names, struct pst_error *err);
	/* What was not finished goes. */
	void (*free)(struct mig_target *t);
};

/* Begins with these. */
struct mig_target {
	const struct mig_target_ops *ops;
	uint64_t keywords; /* of messages, that the form has no room for */
};

/*
 * A directory with a Maildir++ as Dovecot keeps it. It may be there, but
 * without mailboxes.
 */
enum pst_rc mig_out_maildir(
    const char *path, struct mig_target **t_r, struct pst_error *err);
/* The same as a tar archive (POSIX pax); "-": on standard output. */
enum pst_rc mig_out_tar(
    const char *path, struct mig_target **t_r, struct pst_error *err);
/*
 * mbox files in a directory, what is below "Work" in "Work.sbd". `single`: one
 * mailbox only, `path` is its file; "-": standard output.
 */
enum pst_rc mig_out_mbox(const char *path, bool single, struct mig_target **t_r,
    struct pst_error *err);

/* --- for those that make one --------------------------------------------- */

/* Turns CRLF into LF, piece by piece. Begin with a zeroed one; in the end there
 * may be a CR left. */
struct mig_lf {
	bool cr;
};
void mig_lf_add(struct mig_lf *l, const char *p, size_t n, struct buf *out);
void mig_lf_end(struct mig_lf *l, struct buf *out);

/* A level of a mailbox's name as the name of a file: modified UTF-7, and '.'
 * escaped, all of them with `all_dots`, else where other programs would take it
 * for something else. False: too long. */
bool mig_put_level(struct pst_str level, bool all_dots, struct buf *out);

/* All of it, whatever it takes. */
enum pst_rc mig_write_all(
    int fd, const char *p, size_t n, struct pst_error *err);

#endif
