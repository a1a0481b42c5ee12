/*
 * sieve/scripts.h - the scripts of a user: named texts of which one at most is
 * active (RFC 5804, RFC 9661). They are kept as texts of the account in
 * whatever storage it has ("postern/sieve…" of mailbox_meta_set()).
 *
 * A change is done when the call returns, and either whole or not at all: a new
 * text is written beside the old one before the list names it.
 *
 * Threads: from any thread. Of changes to one user's scripts by two threads one
 * waits; of two servers over one database the later one has the last word.
 */
#ifndef SIEVE_SCRIPTS_H
#define SIEVE_SCRIPTS_H

#include "base/config.h"
#include "mailbox/mailbox.h"
#include "sieve/sieve.h"

/* The text of the account that is the list; each change of scripts is told of
 * by watch_tell_text() with this key. */
#define SIEVE_LIST_KEY "postern/sieve-list"

enum {
	SIEVE_ID = 24,	  /* octets with the NUL */
	SIEVE_NAME = 512, /* octets of a name at most (RFC 9661, 1.2.1) */
};

struct sieve_entry {
	char id[SIEVE_ID];	/* never used again, survives renaming */
	char text_id[SIEVE_ID]; /* another one for each text */
	char *name;		/* UTF-8 as RFC 5804, 1.6 */
	uint64_t size;		/* octets of the text */
	bool is_active;
};

struct sieve_list {
	struct sieve_entry *v; /* by name */
	size_t n;
};

bool sieve_name_ok(struct pst_str name);

/* To be freed also after an error. */
enum pst_rc sieve_list(struct mail_account *acct, struct sieve_list *list_r,
    struct pst_error *err);
void sieve_list_fini(struct sieve_list *list);
const struct sieve_entry *sieve_list_find(
    const struct sieve_list *list, const char *name);
const struct sieve_entry *sieve_list_find_id(
    const struct sieve_list *list, const char *id);

/* The text of a script, by its text_id. NOTFOUND. */
enum pst_rc sieve_text(struct mail_account *acct, const char *text_id,
    struct buf *text_r, struct pst_error *err);

/* The limits of the configuration. */
struct sieve_limits sieve_limits_of(const struct config *cfg);

/*
 * Stores a script under a new or an old name, as compiled without a problem.
 * SYNTAX: it is none, see *problem_r (or the name cannot be one, with line 0);
 * QUOTA: too many scripts, or it is too long.
 */
enum pst_rc sieve_put(struct mail_account *acct, const struct config *cfg,
    const char *name, struct pst_str text, struct sieve_problem *problem_r,
    struct pst_error *err);
/* Whether sieve_put() would have room (RFC 5804, 2.5). QUOTA. */
enum pst_rc sieve_have_space(struct mail_account *acct,
    const struct config *cfg, const char *name, uint64_t size,
    struct pst_error *err);
/* NOTFOUND; NULL or "" makes none active. */
enum pst_rc sieve_activate(
    struct mail_account *acct, const char *name, struct pst_error *err);
/* NOTFOUND; CONFLICT: it is the active one. */
enum pst_rc sieve_delete(
    struct mail_account *acct, const char *name, struct pst_error *err);
/* NOTFOUND; EXISTS; SYNTAX: the name cannot be one. It stays active. */
enum pst_rc sieve_rename(struct mail_account *acct, const char *from,
    const char *to, struct pst_error *err);

/*
 * What a delivery runs: the user's active script, compiled, or NULL. That is
 * remembered for some seconds, and forgotten at once when this server changes
 * it. One that does not compile any more is NULL with a line in the log. To be
 * given back.
 */
struct sieve_active;
struct sieve_active *sieve_active_get(
    struct mail_account *acct, const struct config *cfg);
void sieve_active_release(struct sieve_active **a);
const struct sieve_script *sieve_active_script(const struct sieve_active *a);
const char *sieve_active_name(const struct sieve_active *a);

#endif
