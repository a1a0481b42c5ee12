/*
 * managesieve/session.h - the state of one ManageSieve connection, shared by
 * the files of this folder and nobody else.
 *
 * A command is a row of the table in command.c and a handler here. A handler
 * returns NET_READ when the session goes on with the next command; anything
 * else goes to the pool as it is.
 *
 * Threads: a session belongs to the worker that runs its connection.
 * Memory:  a session that waits is this structure; while a command comes, also
 *          its strings.
 */
#ifndef MANAGESIEVE_SESSION_H
#define MANAGESIEVE_SESSION_H

#include "delivery/services.h"
#include "managesieve/parse.h"
#include "net/net.h"

enum managesieve_state {
	MANAGESIEVE_UNKNOWN = 1 << 0, /* nobody has logged in */
	MANAGESIEVE_KNOWN = 1 << 1,
	MANAGESIEVE_ANY = MANAGESIEVE_UNKNOWN | MANAGESIEVE_KNOWN,
};

/* What the next octets of the client are. */
enum managesieve_mode {
	MANAGESIEVE_COMMANDS,
	MANAGESIEVE_SASL,      /* an answer to a challenge */
	MANAGESIEVE_HELD_BACK, /* not looked at until the pause is over */
};

struct managesieve_session {
	struct net_conn *conn;
	const struct services *services;
	unsigned char state; /* enum managesieve_state */
	unsigned char mode;  /* enum managesieve_mode */
	int64_t errors;
	struct managesieve_parser parser;

	/* UNKNOWN */
	struct sasl *sasl;
	struct config *sasl_config; /* keeps the texts that sasl_new() got */
	char mechanism[32];
	const char *held_back_code, *held_back; /* HELD_BACK: the reply */

	/* KNOWN */
	char address[321];
	struct mail_account *account;
};

struct managesieve_command {
	const char *name;
	unsigned states; /* enum managesieve_state, or-ed */
	/* 's' a string, 'n' a number; 'S' a string that may be left out. */
	const char *args;
	enum net_next (*run)(struct managesieve_session *s);
};

/* --- command.c -------------------------------------------------------------
 */

/* For the test of the table's order. */
const struct managesieve_command *managesieve_commands(size_t *n_r);
/* NULL when there is none of that name (without case). */
const struct managesieve_command *managesieve_command_find(struct pst_str verb);
/* Runs what the parser has; `is_large`: some string was too long. */
enum net_next managesieve_run(struct managesieve_session *s, bool is_large);

/* --- the handlers ----------------------------------------------------------
 */

enum net_next managesieve_authenticate(struct managesieve_session *s);
enum net_next managesieve_capability(struct managesieve_session *s);
enum net_next managesieve_checkscript(struct managesieve_session *s);
enum net_next managesieve_deletescript(struct managesieve_session *s);
enum net_next managesieve_getscript(struct managesieve_session *s);
enum net_next managesieve_havespace(struct managesieve_session *s);
enum net_next managesieve_listscripts(struct managesieve_session *s);
enum net_next managesieve_logout(struct managesieve_session *s);
enum net_next managesieve_noop(struct managesieve_session *s);
enum net_next managesieve_putscript(struct managesieve_session *s);
enum net_next managesieve_renamescript(struct managesieve_session *s);
enum net_next managesieve_setactive(struct managesieve_session *s);
enum net_next managesieve_starttls(struct managesieve_session *s);
enum net_next managesieve_unauthenticate(struct managesieve_session *s);

/* --- authenticate.c --------------------------------------------------------
 */

/* The parser has the answer to a challenge; `is_good` false: something else. */
enum net_next managesieve_answer(struct managesieve_session *s, bool is_good);
void managesieve_auth_end(struct managesieve_session *s); /* gives it up */
/* The pause is over. */
enum net_next managesieve_held_back(struct managesieve_session *s);
/* The mechanisms that may be used now, separated by spaces. */
void managesieve_mechanisms(
    const struct managesieve_session *s, struct buf *out);
void managesieve_log_out(struct managesieve_session *s);

/* --- capability.c ----------------------------------------------------------
 */

/* All of them, and OK: the greeting, too (RFC 5804, 1.7). */
enum net_next managesieve_greet(struct managesieve_session *s);

/* --- respond.c -------------------------------------------------------------
 */

/* All return NET_READ but where it says so. `code` and `text` may be NULL. */
enum net_next managesieve_ok(struct managesieve_session *s, const char *text);
enum net_next managesieve_no(
    struct managesieve_session *s, const char *code, const char *text);
/* Returns NET_CLOSE. */
enum net_next managesieve_bye(
    struct managesieve_session *s, const char *code, const char *text);
/* NO for a mistake of the client: counted, too many end the session. */
enum net_next managesieve_bad(
    struct managesieve_session *s, const char *code, const char *text);
/* NO by the rc, which is logged when the operator should know. */
enum net_next managesieve_fail(
    struct managesieve_session *s, const struct pst_error *err);
/* A string of any octets: quoted, or a literal. */
void managesieve_put_string(struct buf *out, struct pst_str text);

/* --- session.c -------------------------------------------------------------
 */

struct config *managesieve_config(const struct managesieve_session *s);
static inline struct pst_str
managesieve_arg(const struct managesieve_session *s, size_t i)
{
	return managesieve_parser_arg(&s->parser, i);
}

/* RFC 5804, 1.3 */
#define MANAGESIEVE_ACTIVE "ACTIVE"
#define MANAGESIEVE_EXISTS "ALREADYEXISTS"
#define MANAGESIEVE_TOO_WEAK "AUTH-TOO-WEAK"
#define MANAGESIEVE_NEEDS_TLS "ENCRYPT-NEEDED"
#define MANAGESIEVE_NONE "NONEXISTENT"
#define MANAGESIEVE_QUOTA "QUOTA"
#define MANAGESIEVE_SCRIPTS "QUOTA/MAXSCRIPTS"
#define MANAGESIEVE_SIZE "QUOTA/MAXSIZE"
#define MANAGESIEVE_LATER "TRYLATER"

#endif
