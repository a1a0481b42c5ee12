/*
 * mailbox/acl.h - who may do what with a mailbox: rights, lists of them, and
 * how they add up (RFC 4314, 2).
 *
 * The rights of a user are the union of what the entries for the user's address
 * and for "anyone" grant, less what the negative entries ("-address",
 * "-anyone") take away. The owner's rights come from nowhere and cannot be
 * taken away: they are no business of a list.
 *
 * Pure. Threads: a list belongs to one thread at a time.
 */
#ifndef MAILBOX_ACL_H
#define MAILBOX_ACL_H

#include "base/mem.h"

enum acl_right {
	ACL_LOOKUP = 1 << 0,	  /* l: is listed */
	ACL_READ = 1 << 1,	  /* r: SELECT, STATUS */
	ACL_SEEN = 1 << 2,	  /* s: \Seen is kept */
	ACL_WRITE = 1 << 3,	  /* w: other flags than \Seen and \Deleted */
	ACL_INSERT = 1 << 4,	  /* i: APPEND, COPY into it */
	ACL_POST = 1 << 5,	  /* p: nothing here asks for it */
	ACL_CREATE = 1 << 6,	  /* k: mailboxes below it */
	ACL_REMOVE = 1 << 7,	  /* x: DELETE, RENAME away */
	ACL_DELETE = 1 << 8,	  /* t: \Deleted */
	ACL_EXPUNGE = 1 << 9,	  /* e */
	ACL_ADMINISTER = 1 << 10, /* a */
	ACL_ALL = (1 << 11) - 1,
	/* Without any of them a mailbox cannot be changed. */
	ACL_CHANGES = ACL_SEEN | ACL_WRITE | ACL_INSERT | ACL_DELETE |
		      ACL_EXPUNGE,
	/* Any of them lets a user know that the mailbox is there (4314, 4). */
	ACL_ANY = ACL_LOOKUP | ACL_READ | ACL_INSERT | ACL_CREATE | ACL_REMOVE |
		  ACL_ADMINISTER,
};

enum {
	ACL_IDENTIFIER_MAX = 323, /* "-", an address, NUL */
	ACL_ENTRIES_MAX = 500,	  /* of one mailbox */
};

struct acl_entry {
	char identifier[ACL_IDENTIFIER_MAX]; /* canonical; "-" is negative */
	unsigned rights;		     /* enum acl_right; never 0 */
};

struct acl {
	struct acl_entry *entry;
	size_t n, cap;
};
void acl_fini(struct acl *acl);

enum acl_change { ACL_SET, ACL_ADD, ACL_TAKE };

/*
 * "lrswipkxtea", also the obsolete c and d, which mean k, x and t, e (2.1.1).
 * False: something else is among them, digits and capitals too.
 */
bool acl_parse_rights(struct pst_str text, unsigned *rights_r);
/* The same with a '+' or '-' before it (3.1). */
bool acl_parse_change(
    struct pst_str text, enum acl_change *change_r, unsigned *rights_r);
/* With c and d for old clients where one of their members is (2.1.1). */
void acl_put_rights(struct buf *out, unsigned rights);
/* What may be granted besides `required`, a word each (3.7). */
void acl_put_optional(struct buf *out, unsigned required);

/* The system flags that may be changed with these rights (RFC 4314, 4);
 * keywords need ACL_WRITE. */
uint32_t acl_flags(unsigned rights);

/* "anyone" or a user's address, as it is kept; with '-' before it. False: it is
 * neither. */
bool acl_clean_identifier(struct pst_str text, char out[ACL_IDENTIFIER_MAX]);

/* 0: there is no entry. */
unsigned acl_find(const struct acl *acl, const char *identifier);
/* An entry without rights goes. LIMIT: too many entries. */
enum pst_rc acl_apply(struct acl *acl, const char *identifier,
    enum acl_change change, unsigned rights);
/* What `address`, a user that is not the owner, may do. */
unsigned acl_rights_of(const struct acl *acl, const char *address);
/* Takes both entries of a user away. False: there was none. */
bool acl_forget(struct acl *acl, const char *address);

/* The form that is kept with a mailbox; empty for an empty list. */
void acl_print(const struct acl *acl, struct buf *out);
/*
 * False: the text is damaged, and `acl` is empty: nobody but the owner has
 * rights then.
 */
bool acl_parse(struct pst_str text, struct acl *acl);

#endif
