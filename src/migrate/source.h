/*
 * migrate/source.h - mail of other servers and programs, as a thing that is
 * read from its first mailbox to its last.
 *
 * Names are UTF-8 with levels separated by '/', INBOX spelt so. Content is
 * delivered with CRLF line ends. Nothing of a source is ever changed.
 *
 * Threads: a source belongs to one thread at a time.
 */
#ifndef MIGRATE_SOURCE_H
#define MIGRATE_SOURCE_H

#include "base/mem.h"

struct mig_name {
	char *text;
	char *special_use; /* "\\Sent" and so on, or "" */
	bool exists, subscribed;
};

struct mig_names {
	struct mig_name *v;
	size_t n, cap;
};
/* The row of that name, which may be new. */
struct mig_name *mig_names_get(struct mig_names *names, struct pst_str text);
void mig_names_sort(struct mig_names *names); /* parents before children */
void mig_names_fini(struct mig_names *names);

/* A mailbox that was opened; 0 and "": not known. */
struct mig_state {
	uint32_t uidvalidity, uidnext;
	uint64_t highestmodseq;
	char objectid[40];
	uint64_t messages, bytes;
};

/* What is known of one message. Texts are valid until the next call. */
struct mig_message {
	uint32_t uid; /* 0: none */
	uint32_t flags;
	const char *const *keywords;
	size_t keyword_count;
	int64_t date;  /* seconds since 1970; INT64_MIN: not known */
	int64_t saved; /* 0: not known */
	uint64_t modseq;
	const char *uidl; /* for POP3; NULL: none */
	uint64_t size;	  /* about; 0: not known */
};

/* Takes a piece of content. What it returns ends the reading if not OK. */
typedef enum pst_rc (*mig_write_fn)(
    void *arg, const void *p, size_t n, struct pst_error *err);
/* Something that an administrator should know, but is no failure. */
typedef void (*mig_note_fn)(void *arg, const char *text);

struct mig_source;

struct mig_source_ops {
	enum pst_rc (*names)(struct mig_source *s, struct mig_names *names_r,
	    struct pst_error *err);
	enum pst_rc (*open)(struct mig_source *s, const char *name,
	    struct mig_state *state_r, struct pst_error *err);
	/* The next message whose uid is not below `mark`, ascending by uid,
	 * those without a uid last. NOTFOUND: there is no more. */
	enum pst_rc (*next)(struct mig_source *s, uint32_t mark,
	    struct mig_message *message_r, struct pst_error *err);
	/* The content of the message that next() told of. CONFLICT: it is gone
	 * or cannot be read, others may be. STALE: it broke off, and may be
	 * asked for again. */
	enum pst_rc (*read)(struct mig_source *s, mig_write_fn write, void *arg,
	    struct pst_error *err);
	void (*close)(struct mig_source *s); /* the mailbox */
	void (*free)(struct mig_source *s);
};

/* Begins with these. */
struct mig_source {
	const struct mig_source_ops *ops;
	mig_note_fn note;
	void *note_arg;
};
void mig_note(struct mig_source *s, const char *fmt, ...) PST_PRINTF(2, 3);

/* --- line ends ----------------------------------------------------------- */

/* Turns bare LF into CRLF, piece by piece. Begin with a zeroed one. */
struct mig_crlf {
	char last;
};
enum pst_rc mig_crlf_write(struct mig_crlf *c, const char *p, size_t n,
    mig_write_fn write, void *arg, struct pst_error *err);

/* --- kinds of sources ---------------------------------------------------- */

enum mig_maildir_kind {
	MIG_MAILDIR_ANY, /* as the files in it say */
	MIG_MAILDIR_DOVECOT,
	MIG_MAILDIR_COURIER,
};

/*
 * A Maildir with its folders, Maildir++ ("." directories) or as a tree of
 * directories (LAYOUT=fs). `uidl_format`: what Dovecot's
 * pop3_uidl_format was (NULL: its default), for ids that are not in its list;
 * see mig_uidl().
 */
enum pst_rc mig_maildir_open(const char *path, enum mig_maildir_kind kind,
    const char *uidl_format, struct mig_source **s_r, struct pst_error *err);
/* A file, which becomes INBOX, or a directory of such files as a tree. */
enum pst_rc mig_mbox_open(
    const char *path, struct mig_source **s_r, struct pst_error *err);

/*
 * Another server, by IMAP: "imap[s]://user@host[:port]". `trust`: see
 * imap_trust_parse(); NULL: as the system does. Connects with names().
 */
enum pst_rc mig_imap_open(const char *url, const char *password,
    const char *trust, struct mig_source **s_r, struct pst_error *err);

#endif
