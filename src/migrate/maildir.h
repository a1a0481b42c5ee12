/*
 * migrate/maildir.h - a Maildir of another server, as a source: what its two
 * files share.
 */
#ifndef MIGRATE_MAILDIR_H
#define MIGRATE_MAILDIR_H

#include "migrate/lists.h"
#include "migrate/source.h"

/* A message's file. */
struct maildir_file {
	uint32_t uid; /* 0: not listed */
	bool is_new;  /* in new/ */
	char *name;
	struct pst_str uidl, guid; /* of the list */
};

/* What stands beside the messages of the mailbox that is open; the texts are
 * borrowed by what was made of them. */
struct maildir_beside {
	bool is_courier;
	struct buf uids, keywords, uidls;
	struct mig_uidlist list;
	struct pst_str letter[MIG_LETTERS];
	struct mig_courier_keywords courier;
	struct mig_courier_uidls courier_uidls;
};

struct maildir_source {
	struct mig_source base;
	enum mig_maildir_kind kind;
	char *uidl_format; /* Dovecot's */
	int root_fd;
	bool is_tree;	       /* LAYOUT=fs */
	struct mig_names dirs; /* by name; special_use is the directory */

	/* The mailbox that is open. */
	int dir_fd; /* -1: none */
	bool is_inbox;
	struct maildir_beside beside;
	struct arena *texts;
	struct maildir_file *file;
	size_t n, cap, at;
	/* The message that next() told of. */
	int fd;
	const char *keyword[PST_KEYWORDS_MAX];
	size_t keywords;
	struct arena *words;
	struct buf uidl;
};

/* --- maildir_beside.c ---------------------------------------------------- */
enum pst_rc maildir_beside_read(
    struct maildir_source *s, struct pst_error *err);
void maildir_beside_fini(struct maildir_beside *b);
/* Keywords and the id for POP3 of a file, into s->keyword and s->uidl. */
void maildir_describe(struct maildir_source *s, const struct maildir_file *f);

/* --- maildir_names.c ----------------------------------------------------- */
enum pst_rc maildir_find_names(struct maildir_source *s, struct pst_error *err);
enum pst_rc maildir_subscriptions(
    struct maildir_source *s, struct mig_names *names, struct pst_error *err);

#endif
