/*
 * sieve/sieve.h - Sieve, the language in which users say what becomes of their
 * mail (RFC 5228 and the extensions that sieve_extensions() lists).
 *
 * sieve_compile() reads and judges a script once; sieve_run() runs it over one
 * message. Running changes nothing: what the script wants done is a list of
 * actions, in the order in which it said so, for the caller to do. What a
 * script asks of the world it asks through struct sieve_host.
 *
 * Threads: a compiled script is constant and may be run by many threads at a
 * time. Calls of the host come from the thread that runs.
 */
#ifndef SIEVE_SIEVE_H
#define SIEVE_SIEVE_H

#include "message/message.h"

/* What one script may cost; from the configuration, section "sieve". */
struct sieve_limits {
	size_t script_size;   /* octets of one script */
	unsigned depth;	      /* of blocks in each other, and of tests */
	unsigned actions;     /* that a run ends with */
	unsigned redirects;   /* of these */
	unsigned includes;    /* scripts in one run, in all (RFC 6609) */
	unsigned variables;   /* of one run */
	size_t variable_size; /* octets of one value */
	uint64_t work;	      /* steps of one run, where looking at 64 octets is
				 one, too */
};
extern const struct sieve_limits sieve_limits_default;

/* Where and why a script is wrong, or ended early. */
struct sieve_problem {
	unsigned line;	/* from 1; 0: of no line */
	char text[256]; /* one sentence for who wrote the script, UTF-8 */
};

/* --- scripts --------------------------------------------------------------
 */

struct sieve_script;

/*
 * NULL: `text` is no script that can be run, see *problem_r, which tells the
 * first thing that is wrong. `text` is copied. An included script is looked at
 * when it is run, not here.
 */
struct sieve_script *sieve_compile(struct pst_str text,
    const struct sieve_limits *limits, struct sieve_problem *problem_r);
void sieve_script_free(struct sieve_script **s);

/* It looks at bodies: it is to be run with all of the message. */
bool sieve_needs_body(const struct sieve_script *s);

/* The names for `require`, in order; ends with NULL. */
const char *const *sieve_extensions(void);

/* --- running --------------------------------------------------------------
 */

/* What is known of the message. All is borrowed for the run; what is absent is
 * {NULL, 0}. */
struct sieve_message {
	const struct msg *msg;
	/* Its first octets: all of it, or as much as was kept. Needed only when
	 * sieve_needs_body(); parts beyond are as good as empty. */
	struct pst_str content;
	uint64_t size; /* of all of it */
	/* The envelope: reverse-path without brackets (empty: the null one) and
	 * forward-path as it came. */
	struct pst_str from, to;
	struct pst_str auth; /* who handed it in, when that is known */
};

/*
 * The world. Each may be NULL: then what asks for it finds nothing. Names of
 * mailboxes are UTF-8.
 */
struct sieve_host {
	void *arg;
	int64_t now; /* seconds since 1970 */
	int zone;    /* minutes from UTC of local time */
	/* Between user and detail of a local part (RFC 5233); NULL: "+". */
	const char *separator;
	bool (*has_mailbox)(void *arg, struct pst_str name);
	/* `mailbox` {NULL, 0}: any of the user (RFC 8579) */
	bool (*has_special_use)(
	    void *arg, struct pst_str mailbox, struct pst_str use);
	/* METADATA (RFC 5490); `mailbox` {NULL, 0}: of the server. */
	bool (*metadata)(void *arg, struct pst_str mailbox, struct pst_str name,
	    struct buf *value_r);
	/* An address of the user's. */
	bool (*is_mine)(void *arg, struct pst_str address);
	/* RFC 5183: an item such as "domain" or "remote-ip". */
	bool (*environment)(
	    void *arg, struct pst_str name, struct buf *value_r);
	/* RFC 7352: it was seen in the last `seconds`; it is remembered, with
	 * `last` from now on, only when the run's actions have been done. */
	bool (*duplicate)(
	    void *arg, struct pst_str id, int64_t seconds, bool last);
	/* RFC 6609: the text of a script of the user's, or of all users'.
	 * NOTFOUND; other errors end the run. */
	enum pst_rc (*include)(
	    void *arg, bool global, struct pst_str name, struct buf *text_r);
	/* What is done, step by step, for who wants to see it. */
	void (*trace)(void *arg, unsigned line, const char *text);
};

enum sieve_action_kind {
	SIEVE_KEEP,	/* into INBOX, or where mail goes without a script */
	SIEVE_FILEINTO, /* into `mailbox` */
	SIEVE_REDIRECT, /* to `address` */
	SIEVE_REJECT,	/* back with `text`, by whatever means (RFC 5429) */
	SIEVE_EREJECT,	/* the same, at best in the answer to the client */
	SIEVE_VACATION, /* an answer, unless there was one lately */
};

/* Owned by the result. */
struct sieve_action {
	enum sieve_action_kind kind;
	unsigned line;
	struct pst_str mailbox; /* UTF-8; {NULL, 0} with special_use alone */
	struct pst_str special_use; /* before `mailbox`, if there is one */
	bool create;		    /* the mailbox, if need be (RFC 5490) */
	/* Of KEEP and FILEINTO: system flags and keywords as IMAP writes them;
	 * each once. */
	struct pst_str *flag;
	size_t flags;
	struct pst_str address; /* addr-spec */
	struct pst_str text;	/* UTF-8; of REJECT and VACATION */
	/* Of VACATION (RFC 5230). `text` is a MIME entity when `is_mime`. */
	struct pst_str subject, from; /* or {NULL, 0} */
	struct pst_str handle;	      /* what counts as the same answer */
	int64_t seconds;	      /* between two of them; -1: not said */
	bool is_mime;
	struct pst_str *own; /* :addresses, which are the user's, too */
	size_t owns;
};

struct sieve_result {
	/*
	 * In the order in which they were asked for, without what says the same
	 * twice (RFC 5228, 2.10.3). The implicit keep is among them; that there
	 * is none means that the message goes nowhere.
	 */
	struct sieve_action *action;
	size_t actions;
	/* The run ended early; then the actions are one plain KEEP, and what
	 * was wrong is in `problem` (RFC 5228, 2.10.6). */
	bool failed;
	struct sieve_problem problem;
	struct arena *arena;
};

/* Always has a result, to be ended by sieve_result_fini(). */
void sieve_run(const struct sieve_script *s, const struct sieve_message *m,
    const struct sieve_host *host, const struct sieve_limits *limits,
    struct sieve_result *result_r);
void sieve_result_fini(struct sieve_result *r);

#endif
