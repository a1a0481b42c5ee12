/*
 * smtp/session.h - the state of one SMTP, submission or LMTP connection, shared
 * by the files of this folder and nobody else.
 *
 * A command is a row of the table in command.c and a handler here. Handlers
 * return NET_READ when the session goes on with what comes next; anything else
 * goes to the pool as it is.
 *
 * Threads: a session belongs to the worker that runs its connection.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "delivery/delivery.h"
#include "delivery/local.h"
#include "guard/client.h"
#include "guard/milter.h"
#include "net/net.h"
#include "smtp/dot.h"
#include "smtp/parse.h"
#include "trust/check.h"
#include "trust/signer.h"

enum smtp_kind {
	SMTP_SERVER = 1 << 0,
	SMTP_SUBMISSION = 1 << 1,
	SMTP_LMTP = 1 << 2,
	SMTP_ANY = (1 << 3) - 1,
};

/* What the next octets of the client are. */
enum smtp_mode {
	SMTP_COMMAND,
	SMTP_SKIP_LINE, /* the rest of a line that was refused */
	SMTP_DATA,	/* dot-stuffed content */
	SMTP_CHUNK,	/* content counted by BDAT */
	SMTP_AUTH,	/* an answer to a SASL challenge */
	SMTP_HELD_BACK, /* not looked at until the pause is over */
	SMTP_CHECKING,	/* nor these, until s->resume() says so */
	SMTP_GREETING,	/* there should be none before the greeting */
	SMTP_PUT_OFF,	/* a command that cannot be run yet */
};

/* A recipient that was accepted. */
struct smtp_recipient {
	struct smtp_rcpt rcpt;
	struct smtp_recipient *next;
	bool added; /* by a milter */
};

/* A mail transaction: from MAIL to the end of the content or RSET. */
struct smtp_envelope {
	struct arena *arena;
	struct delivery *delivery;
	struct trust_signer *signer; /* or NULL */
	struct trust_check *check;   /* or NULL */
	struct smtp_mail mail;
	struct smtp_recipient *first, *last;
	size_t recipients;
	char id[32]; /* names the message in replies and the log */

	bool filtered; /* by s->milters */
	bool rebuild;  /* the delivery has other recipients than this */
	struct smtp_recipient *asked; /* the one that milters think about */

	/* The content. */
	bool begun;
	bool chunked;		 /* BDAT: DATA is out of sequence */
	uint64_t size;		 /* octets so far */
	const char *refusal;	 /* the reply that it will get, or NULL */
	struct pst_str results;	 /* of the check; to stand on top */
	bool junk;		 /* the check, or a milter, says so */
	bool reseals;		 /* the seal is of what milters made */
	struct smtp_dot dot;	 /* of DATA */
	struct smtp_lines lines; /* of BDAT */
};

struct smtp_session {
	struct net_conn *conn;
	const struct services *services;
	struct guard_client *client; /* NULL: it is exempt */
	struct milters *milters;     /* or NULL */
	bool unfiltered;	     /* there are none for this client */
	enum net_next (*resume)(struct smtp_session *s); /* SMTP_CHECKING */
	char mechanism[24];				 /* of AUTH */
	struct smtp_envelope *env; /* NULL: no transaction */
	struct local_user *local;  /* a process of this host; or NULL */
	char *hello;		   /* what the client calls itself, or NULL */
	bool extended;		   /* it said EHLO or LHLO */
	bool skip_after_cr;	   /* SMTP_SKIP_LINE: the last octet */
	uint64_t skipped;	   /* octets of lines that were too long */
	unsigned char kind;	   /* enum smtp_kind */
	unsigned char mode;	   /* enum smtp_mode */
	int64_t errors;
	int64_t messages; /* transactions that were begun */
	size_t line_used; /* octets of the line at hand, not consumed yet */

	/* SMTP_CHUNK */
	uint64_t chunk_left;
	uint64_t chunk_size;
	bool chunk_last;
	const char *chunk_refusal; /* it is only skipped; the reply then */

	/* SMTP_AUTH */
	struct sasl *sasl;
	struct config *sasl_config;  /* keeps the texts that sasl_new() got */
	const char *held_back_reply; /* SMTP_HELD_BACK */
};

struct smtp_command {
	const char *name;
	unsigned kinds; /* enum smtp_kind, or-ed */
	unsigned needs; /* enum smtp_need, or-ed */
	enum net_next (*run)(struct smtp_session *s, struct pst_str args);
};

enum smtp_need {
	SMTP_NEEDS_HELLO = 1 << 0,   /* EHLO was said */
	SMTP_NEEDS_LOGIN = 1 << 1,   /* in a submission */
	SMTP_NEEDS_MAIL = 1 << 2,    /* there is a transaction */
	SMTP_NEEDS_NO_MAIL = 1 << 3, /* there is none */
	SMTP_NEEDS_ARGS = 1 << 4,    /* something follows the verb */
	SMTP_NEEDS_NO_ARGS = 1 << 5, /* nothing does */
	SMTP_NEEDS_CLIENT = 1 << 6,  /* the client's checks are over */
};

/* command.c: NULL when there is none of that name. */
const struct smtp_command *smtp_command_find(
    enum smtp_kind kind, struct pst_str verb);
/* For the test of the table's order. */
const struct smtp_command *smtp_commands(size_t *n_r);
enum net_next smtp_run_line(struct smtp_session *s, struct pst_str line);

/* hello.c, verbs.c, starttls.c, auth.c, mail.c, rcpt.c, data.c, bdat.c: the
 * handlers. */
enum net_next smtp_run_hello(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_ehlo(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_rset(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_noop(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_vrfy(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_expn(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_help(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_quit(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_foreign(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_starttls(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_auth(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_mail(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_rcpt(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_data(struct smtp_session *s, struct pst_str args);
enum net_next smtp_run_bdat(struct smtp_session *s, struct pst_str args);

/* auth.c */
enum net_next smtp_auth_answer(struct smtp_session *s, struct pst_str line);
enum net_next smtp_auth_held_back(struct smtp_session *s);
void smtp_auth_end(struct smtp_session *s); /* gives up the exchange */
/* The longest line of an exchange (RFC 4954, 4), with CRLF. */
enum { SMTP_AUTH_LINE = 12288 + 2 };

/* data.c and bdat.c: use up to `n` octets of content; *used_r of them were. */
enum net_next smtp_data_input(
    struct smtp_session *s, const char *p, size_t n, size_t *used_r);
enum net_next smtp_chunk_input(
    struct smtp_session *s, const char *p, size_t n, size_t *used_r);

/* local.c: processes of this host. */
enum net_next smtp_local_open(struct smtp_session *s);
/* delivery_add(), where the host's own name stands for its users. */
enum pst_rc smtp_local_add(struct smtp_session *s,
    struct delivery_recipient *to, struct pst_error *err);

/* envelope.c */
void smtp_envelope_begin(struct smtp_session *s);
/* Ends the transaction, whatever became of it. */
void smtp_envelope_end(struct smtp_session *s);

/* content.c: the content of a message, however it is framed. */
/* Begins it once. NULL, or the reply that refuses it. */
const char *smtp_content_begin(struct smtp_session *s);
void smtp_content_add(struct smtp_session *s, const char *p, size_t n);
/* The message is refused with this reply; the rest is only swallowed. */
void smtp_content_refuse(struct smtp_session *s, const char *reply);
/* The replies to CR or LF alone, and to NUL. */
extern const char smtp_bare_newline[], smtp_nul[];
bool smtp_refuses_bare_newline(const struct smtp_session *s);
/* So much was swallowed for nothing that the connection is not worth it. */
bool smtp_content_hopeless(const struct smtp_session *s);
/* Stores the message, replies and ends the transaction. */
enum net_next smtp_content_end(struct smtp_session *s);
/* The same when milters have changed what they want. */
enum net_next smtp_content_filtered(struct smtp_session *s);

/* rcpt.c */
void smtp_recipient_add(struct smtp_envelope *env, struct smtp_recipient *r);
/* What delivery is told of it. False: no room. */
bool smtp_recipient_fill(struct smtp_session *s, const struct smtp_recipient *r,
    struct delivery_recipient *to);

/* A delivery to those that are recipients now. NULL, or the reply: one of the
 * client's cannot be served any more. */
const char *smtp_recipients_rebuild(struct smtp_session *s);

/* milter.c: guard/milter.h at work. Each replies, at once or when the milters
 * have said what they think; `args` are the command's. */
enum net_next smtp_milter_mail(struct smtp_session *s, struct pst_str args);
enum net_next smtp_milter_rcpt(
    struct smtp_session *s, struct smtp_recipient *r, struct pst_str args);
enum net_next smtp_milter_content(struct smtp_session *s);

/* guard.c: the defences of listeners for other servers (guard/client.h). */
/* Greets, at once or after a pause, or turns the client away. */
enum net_next smtp_guard_open(struct smtp_session *s);
/* The pause is over. */
enum net_next smtp_guard_greet(struct smtp_session *s);
/* False: NET_WAIT, and ask again. */
bool smtp_guard_ready(struct smtp_session *s);
/* NULL, or the reply that refuses a transaction or a recipient. */
const char *smtp_guard_mail(struct smtp_session *s);
const char *smtp_guard_recipient(
    struct smtp_session *s, const struct smtp_path *to);
/* NULL, or the reply that tells to come again: `r` is taken out of the
 * delivery. */
const char *smtp_guard_greylist(
    struct smtp_session *s, const struct smtp_recipient *r);
/* There is no such recipient. */
void smtp_guard_unknown(struct smtp_session *s);

/* received.c: the field that tells of this hop (RFC 5321, 4.4). */
void smtp_received(const struct smtp_session *s, struct buf *out);

/* reply.c */
/* One line, without CRLF. Returns NET_READ. */
enum net_next smtp_reply(struct smtp_session *s, const char *text);
enum net_next smtp_replyf(struct smtp_session *s, const char *fmt, ...)
    PST_PRINTF(2, 3);
/* A mistake of the client: counted, too many end the session. */
enum net_next smtp_error(struct smtp_session *s, const char *text);
/* "421 4.x.x hostname text", then the end. */
enum net_next smtp_goodbye(
    struct smtp_session *s, const char *code, const char *text);
/* Logs that something was refused, with the reason; `address` may be empty. */
void smtp_log_refusal(struct smtp_session *s, const char *what,
    struct pst_str address, const char *reason);
const char *smtp_parse_reply(enum smtp_error error);

/* session.c */
/* What follows is not looked at until the connection is woken and `resume`
 * returns something else than NET_WAIT. Returns NET_WAIT. */
enum net_next smtp_wait(
    struct smtp_session *s, enum net_next (*resume)(struct smtp_session *s));
/* "220 ...", or its last line. */
enum net_next smtp_greet(struct smtp_session *s);
/* Takes the line at hand off the input now, not after its handler. */
void smtp_consume_line(struct smtp_session *s);
struct config *smtp_config(const struct smtp_session *s);

#endif
