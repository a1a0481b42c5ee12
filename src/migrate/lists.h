/*
 * migrate/lists.h - the small text files that Dovecot and Courier keep beside
 * the messages of a Maildir: lists of uids, keywords, subscriptions, ids for
 * POP3.
 *
 * Pure: texts in, structures out. What is malformed is left out, line by line:
 * such a file is never a reason to lose a message.
 */
#ifndef MIGRATE_LISTS_H
#define MIGRATE_LISTS_H

#include "base/mem.h"

/* --- uids: dovecot-uidlist (versions 1 and 3), courierimapuiddb ---------- */

struct mig_uid {
	uint32_t uid;
	struct pst_str base; /* the file's name before ':' */
	struct pst_str uidl; /* Dovecot's P field; empty: none */
	struct pst_str guid; /* its G field; empty: none */
};

struct mig_uidlist {
	unsigned version; /* 0: the text is none */
	uint32_t uidvalidity, uidnext;
	struct pst_str guid; /* of the mailbox; empty: none */
	struct mig_uid *v;   /* ascending by `base`, each once */
	size_t n, cap;
};

/* Borrows `text`. False: it has no header that is known. */
bool mig_uidlist_parse(struct pst_str text, struct mig_uidlist *list_r);
void mig_uidlist_fini(struct mig_uidlist *list);
/* NULL: not listed. */
const struct mig_uid *mig_uidlist_find(
    const struct mig_uidlist *list, struct pst_str base);

/* --- names of files ------------------------------------------------------ */

/* The part before ':', which stays when flags change. */
struct pst_str mig_file_base(struct pst_str file);
/* The letters behind ":2,"; empty: none. */
struct pst_str mig_file_letters(struct pst_str file);
/* The flags that capital letters stand for. *passed_r: P is among them. */
uint32_t mig_letter_flags(struct pst_str letters, bool *passed_r);
/* The letters of flags, in ASCII order. */
bool mig_put_letters(struct buf *out, uint32_t flags, bool passed);

/* --- keywords ------------------------------------------------------------ */

enum { MIG_LETTERS = 26 };

/* dovecot-keywords: names by letter, empty for those that have none. */
void mig_dovecot_keywords(
    struct pst_str text, struct pst_str name_r[MIG_LETTERS]);

/* courierimapkeywords/:list: names, an empty line, then files with numbers. */
struct mig_courier_keywords {
	struct pst_str *name;
	size_t names, name_cap;
	struct {
		struct pst_str base, numbers; /* "0 2 5" */
	} * file;			      /* ascending by base */
	size_t files, file_cap;
};
void mig_courier_keywords_parse(
    struct pst_str text, struct mig_courier_keywords *k_r);
void mig_courier_keywords_fini(struct mig_courier_keywords *k);
/* Calls back for each keyword of a file. */
void mig_courier_keywords_of(const struct mig_courier_keywords *k,
    struct pst_str base, void (*fn)(void *arg, struct pst_str name), void *arg);

/* --- ids for POP3 -------------------------------------------------------- */

/* courierpop3dsizelist, all versions. The ids are as Courier tells them. */
struct mig_courier_uidl {
	struct pst_str base;
	uint32_t uid, uidvalidity; /* 0 both: the id is the file's name */
};
struct mig_courier_uidls {
	struct mig_courier_uidl *v; /* ascending by base */
	size_t n, cap;
};
void mig_courier_uidls_parse(
    struct pst_str text, struct mig_courier_uidls *u_r);
void mig_courier_uidls_fini(struct mig_courier_uidls *u);
/* Puts the id of a file; nothing when it is not listed. */
bool mig_courier_uidl(
    const struct mig_courier_uidls *u, struct pst_str base, struct buf *out);

/*
 * The id that Dovecot makes by a format: %u uid, %v UIDVALIDITY, %f the file's
 * name, %g its GUID, %% itself; 0, a width and X (hexadecimal) as in %08Xu, L
 * and U for lower and upper case. False: the format has something else.
 */
bool mig_uidl(const char *format, uint32_t uid, uint32_t uidvalidity,
    struct pst_str base, struct pst_str guid, struct buf *out);

/* --- subscriptions ------------------------------------------------------- */

/*
 * Dovecot's (both versions) and Courier's list: calls back with each name, its
 * levels separated by '/', as mig_folder_name() makes it.
 */
void mig_subscriptions(struct pst_str text, char separator,
    void (*fn)(void *arg, struct pst_str name), void *arg);

/*
 * A mailbox name from its form on the disk: modified UTF-7 (or UTF-8) to UTF-8,
 * `separator` to '/'; a '/' inside of a level becomes '_'. False: it can be no
 * name.
 */
bool mig_folder_name(struct pst_str text, char separator, struct buf *out);

#endif
