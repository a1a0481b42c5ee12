/*
 * pop3/session.h - the state of one POP3 connection, shared by the files of
 * this folder and nobody else.
 *
 * A command is a row of the table in command.c and a handler here. A handler
 * returns NET_READ when the session goes on: with `resume`, if it set one, and
 * then with the next line. Anything else goes to the pool as it is.
 *
 * Threads: a session belongs to the worker that runs its connection.
 * Memory:  a session that waits is this structure and 16 octets a message.
 */
#ifndef POP3_SESSION_H
#define POP3_SESSION_H

#include "delivery/services.h"
#include "mailbox/mailbox.h"
#include "net/net.h"
#include "pop3/excerpt.h"
#include "pop3/stuff.h"
#include "pop3/texts.h"

enum pop3_state { /* RFC 1939, 3; UPDATE is within QUIT */
	POP3_AUTHORIZATION = 1 << 0,
	POP3_TRANSACTION = 1 << 1,
	POP3_ANY = POP3_AUTHORIZATION | POP3_TRANSACTION,
};

/* What the next octets of the client are. */
enum pop3_mode {
	POP3_COMMAND,
	POP3_SKIP_LINE, /* the rest of a line that was refused */
	POP3_SASL,	/* an answer to a challenge */
	POP3_HELD_BACK, /* not looked at until the pause is over */
};

enum pop3_mark {
	POP3_DELETED = 1 << 0, /* DELE */
	POP3_READ = 1 << 1,    /* RETR was answered */
	POP3_SEEN = 1 << 2,    /* it had \Seen when the session began */
};

/* A message of the maildrop. It keeps its number when others remove it. */
struct pop3_message {
	uint64_t size : 56;
	uint64_t marks : 8; /* enum pop3_mark */
	uint32_t uid;
};

/* A message on its way to the client: RETR, TOP. */
struct pop3_sending {
	struct pst_body body;
	bool is_open; /* `body` is to be released */
	bool is_top;
	/* What is sent: `header`, then the body from `body_from` on; so far
	 * `at` octets of both. */
	struct buf header;
	uint64_t body_from, at;
	struct pop3_message *message;
	struct pop3_stuff stuff;
	struct pop3_excerpt excerpt;
};

struct pop3_session {
	struct net_conn *conn;
	const struct services *services;
	unsigned char state; /* enum pop3_state */
	unsigned char mode;  /* enum pop3_mode */
	unsigned char language;
	bool utf8;   /* UTF8 was said (RFC 6856, 2.1) */
	bool locked; /* has the lock of `address` */
	int64_t errors;
	size_t line_used; /* octets of the line at hand, not consumed yet */
	size_t skipped;	  /* octets of lines that were too long */
	/* Goes on with the answer to a command; NULL: it is complete. */
	enum net_next (*resume)(struct pop3_session *s);

	/* AUTHORIZATION */
	char *user; /* what USER said, or NULL */
	struct sasl *sasl;
	struct config *sasl_config; /* keeps the texts that sasl_new() got */
	char mechanism[32];
	enum pop3_text held_back; /* POP3_HELD_BACK: the reply */
	const char *held_back_code;

	/* TRANSACTION */
	char address[321];
	struct mail_account *account;
	struct mailbox_view *view;
	struct pop3_message *message; /* number n is message[n - 1] */
	uint32_t messages;
	uint32_t next;		     /* of a listing: the next number */
	struct mailbox_uidls *uidls; /* see uidl.c; NULL: not read yet */
	uint32_t uidvalidity;	     /* with uidls */
	struct pop3_sending sending;

	/* For the log's last line. */
	uint64_t retrieved, tops, deleted, octets;
};

struct pop3_command {
	const char *name;
	unsigned states; /* enum pop3_state, or-ed */
	unsigned needs;	 /* enum pop3_need, or-ed */
	enum net_next (*run)(struct pop3_session *s, struct pst_str args);
};

enum pop3_need {
	POP3_NEEDS_ARGS = 1 << 0,    /* something follows the keyword */
	POP3_NEEDS_NO_ARGS = 1 << 1, /* nothing does */
	POP3_SECRET = 1 << 2,	     /* arguments are not for the trace */
};

/* --- command.c ----------------------------------------------------------- */

/* NULL when there is none of that name (without case). */
const struct pop3_command *pop3_command_find(struct pst_str verb);
/* For the test of the table's order. */
const struct pop3_command *pop3_commands(size_t *n_r);
enum net_next pop3_run_line(struct pop3_session *s, struct pst_str line);

/* --- the handlers, each in the file of its name --------------------------- */

enum net_next pop3_run_auth(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_capa(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_dele(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_lang(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_list(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_noop(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_pass(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_quit(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_retr(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_rset(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_stat(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_stls(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_top(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_uidl(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_user(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_utf8(struct pop3_session *s, struct pst_str args);
enum net_next pop3_run_foreign(struct pop3_session *s, struct pst_str args);

/* --- login.c -------------------------------------------------------------- */

/* Somebody is known: opens the maildrop and answers. */
enum net_next pop3_logged_in(struct pop3_session *s,
    const struct account_user *user, const char *mechanism);
/* Nobody is; the answer is held back. `user` may be NULL. */
enum net_next pop3_login_failed(struct pop3_session *s, enum auth_result result,
    const char *user, const char *mechanism, int64_t delay);
/* The pause is over. */
enum net_next pop3_held_back(struct pop3_session *s);

/* --- auth.c --------------------------------------------------------------- */

enum net_next pop3_auth_answer(struct pop3_session *s, struct pst_str line);
void pop3_auth_end(struct pop3_session *s); /* gives up the exchange */
/* The mechanisms that may be used now. */
const char *pop3_mechanisms(const struct pop3_session *s);
/* The longest line of an exchange, with CRLF; as in SMTP (RFC 4954, 4). */
enum { POP3_SASL_LINE = 12288 + 2 };

/* --- maildrop.c ----------------------------------------------------------- */

/* Opens the INBOX of s->account and takes the picture that the session keeps.
 */
enum pst_rc pop3_maildrop_open(struct pop3_session *s, struct pst_error *err);
/* Also what was opened before it: account and lock. Without one: nothing. */
void pop3_maildrop_close(struct pop3_session *s);
/* How many messages are not marked as deleted, and their octets. */
uint32_t pop3_maildrop_count(const struct pop3_session *s, uint64_t *octets_r);
/* The message that the only argument of a command names. NULL: there is none,
 * or it is marked as deleted; then *next_r is the result, the answer given. */
struct pop3_message *pop3_maildrop_find(
    struct pop3_session *s, struct pst_str args, enum net_next *next_r);
/* The same by number. */
struct pop3_message *pop3_maildrop_at(
    struct pop3_session *s, uint32_t number, enum net_next *next_r);
/* The UPDATE state (RFC 1939, 6). Not OK: some are left. */
enum pst_rc pop3_maildrop_update(struct pop3_session *s, struct pst_error *err);

/* --- list.c --------------------------------------------------------------- */

/* "+OK 2 messages (320 octets)" */
enum net_next pop3_totals(struct pop3_session *s);
/* A line for each message that is not marked as deleted, written by `line` in
 * answers that stop when the client does not read. */
enum net_next pop3_list_begin(
    struct pop3_session *s, enum net_next (*resume)(struct pop3_session *s));
enum net_next pop3_list_more(struct pop3_session *s,
    void (*line)(struct pop3_session *s, uint32_t number));

/* --- sending.c ------------------------------------------------------------ */

/* Sends a message, or with `top` its header and `lines` of the body. */
enum net_next pop3_send(
    struct pop3_session *s, struct pop3_message *m, bool top, uint64_t lines);
void pop3_send_end(struct pop3_session *s); /* gives it up */

/* --- uidl.c --------------------------------------------------------------- */

void pop3_uidl_end(struct pop3_session *s);

/* --- reply.c: one line each, but for what is said ------------------------- */

/* "+OK text". Returns NET_READ, as most here. */
enum net_next pop3_ok(struct pop3_session *s, enum pop3_text text);
/* "-ERR [code] text"; `code` may be NULL. */
enum net_next pop3_err(
    struct pop3_session *s, const char *code, enum pop3_text text);
/* "-ERR text" for a mistake of the client: counted, too many end the session.
 */
enum net_next pop3_bad(struct pop3_session *s, enum pop3_text text);
/* The same with a code. */
enum net_next pop3_bad_code(
    struct pop3_session *s, const char *code, enum pop3_text text);
/* "-ERR [SYS/...] text" by the rc, which is logged when the operator should
 * know. */
enum net_next pop3_fail(
    struct pop3_session *s, const struct pst_error *err, enum pop3_text text);
/* A text in the language of the session. */
const char *pop3_say(const struct pop3_session *s, enum pop3_text text);

/* --- session.c ------------------------------------------------------------ */

/* Takes the line at hand off the input now, not after its handler. */
void pop3_consume_line(struct pop3_session *s);
struct config *pop3_config(const struct pop3_session *s);

/* RFC 2449, 8.1 and RFC 3206 */
#define POP3_CODE_AUTH "AUTH"
#define POP3_CODE_IN_USE "IN-USE"
#define POP3_CODE_LOGIN_DELAY "LOGIN-DELAY"
#define POP3_CODE_TEMP "SYS/TEMP"
#define POP3_CODE_PERM "SYS/PERM"
#define POP3_CODE_UTF8 "UTF8" /* RFC 6856, 5 */

#endif
