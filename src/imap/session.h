/*
 * imap/session.h - one client: its state, the command it is at, and how a
 * command ends. Private to this folder.
 *
 * Threads: a session belongs to the worker that runs its connection.
 * Memory:  between commands a session is this structure alone; everything a
 *          command needs hangs on struct imap_command_run and goes with it.
 */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include "base/uidset.h"
#include "delivery/services.h"
#include "imap/gather.h"
#include "imap/parse.h"
#include "mailbox/mailbox.h"
#include "net/net.h"

enum imap_state {	     /* RFC 3501, 3 */
	IMAP_FRESH = 1 << 0, /* not authenticated */
	IMAP_LOGGED_IN = 1 << 1,
	IMAP_SELECTED = 1 << 2,
	IMAP_ANY = IMAP_FRESH | IMAP_LOGGED_IN | IMAP_SELECTED,
	IMAP_USER = IMAP_LOGGED_IN | IMAP_SELECTED,
};

/* What is to be done next; the result of everything that runs a command. */
enum imap_step {
	IMAP_NEXT,  /* go on at once: resume(), or the next command */
	IMAP_FULL,  /* resume() when the client has read */
	IMAP_TURN,  /* resume() when others had their turn */
	IMAP_WAIT,  /* for the client: take() gets what comes */
	IMAP_PAUSE, /* resume() after net_pause() */
	IMAP_CLOSE, /* the session is over */
	IMAP_BREAK, /* at once: the stream is beyond repair */
};

enum imap_trait {
	IMAP_QUIET = 1 << 0,	/* no look at the mailbox afterwards */
	IMAP_EXPUNGES = 1 << 1, /* EXPUNGE may be sent (RFC 3501, 7.4.1) */
	IMAP_UID = 1 << 2,	/* the UID form: FETCH answers tell the UID */
	IMAP_WRITES = 1 << 3,	/* refused in a read-only mailbox */
	IMAP_SECRET = 1 << 4,	/* arguments are not for the trace */
	IMAP_BINARY = 1 << 5,	/* arguments may have literal8 and NUL */
};

/* What ENABLE and its kin switched on (RFC 5161). */
enum imap_enabled {
	IMAP_CONDSTORE = 1 << 0, /* RFC 7162, 3.1 */
	IMAP_QRESYNC = 1 << 1,	 /* RFC 7162, 3.2.3 */
	IMAP_UIDONLY = 1 << 2,	 /* RFC 9586 */
	IMAP_UTF8 = 1 << 3,	 /* RFC 6855 */
	IMAP_REV2 = 1 << 4,	 /* RFC 9051 */
};

struct imap_session;

/* A row of the command table. */
struct imap_command {
	const char *name; /* "UID FETCH" for the UID forms */
	unsigned states;  /* enum imap_state */
	unsigned traits;  /* enum imap_trait */
	/* Reads the arguments, which begin with the space behind the name, and
	 * starts to run. */
	enum imap_step (*run)(struct imap_session *s, struct imap_parser *ps);
	/* Optional: the literal announced at the end of the text is one that
	 * the command takes off the input itself; run() is then called now. */
	bool (*streams)(struct imap_parser *ps);
};
extern const struct imap_command imap_commands[];
extern const size_t imap_command_count;
/* NULL: there is none of that name (without case). */
const struct imap_command *imap_command_find(struct pst_str name);

/* The command that is at hand, from its first octet to its tagged answer. */
struct imap_command_run {
	struct imap_gather gather;
	struct arena *arena; /* parsed arguments, and `state` */
	char *tag;	     /* NULL: not known yet */
	size_t args;	     /* where they begin in the gathered text */
	const struct imap_command *def; /* NULL: not known */
	/* Goes on after IMAP_FULL, IMAP_TURN, IMAP_PAUSE and IMAP_NEXT. */
	enum imap_step (*resume)(struct imap_session *s);
	/* After IMAP_WAIT: takes octets off the input of the connection. */
	enum imap_step (*take)(struct imap_session *s);
	/* Optional: gets what follows a literal that the command consumed
	 * itself; the text is complete again. */
	enum imap_step (*tail)(struct imap_session *s);
	/* See imap_ask(). */
	enum imap_step (*line)(struct imap_session *s, struct pst_str line);
	/* Frees `state`; also when the connection breaks. */
	void (*cleanup)(struct imap_session *s);
	void *state;	  /* the cursor of this command, in the arena */
	struct buf reply; /* what follows the tag in the end */
	bool is_bad;
	bool closes;  /* the session ends with this command */
	bool telling; /* imap_sync() is under way */
	/* Messages by uid whose FLAGS are still to be told, and how far that
	 * has come. */
	struct uidset changed;
	uint32_t told;
	uint64_t told_modseq;	/* the highest that imap_sync() told */
	struct uidset brief;	/* those of them whose MODSEQ is enough */
	struct uidset vanished; /* to be told before anything else */
	bool expunged;		/* one was told */
	int64_t progress_at;	/* see imap_in_progress() */
	bool keeps_numbers;	/* no expunge now, whatever the traits say */
};

struct imap_session {
	struct net_conn *c;
	struct services *sv;
	enum imap_state state;
	unsigned enabled; /* enum imap_enabled */
	unsigned errors, login_failures;
	struct imap_command_run *run; /* NULL between commands */
	struct mail_account *account;
	struct mailbox_view *view;
	struct uidset saved;	       /* uids that "$" stands for (RFC 5182) */
	struct imap_context *contexts; /* see imap/context.h */
	struct imap_notify *notify;    /* see imap/notify.h */
	int push_phase;		       /* the same */
	int64_t still_at;  /* IDLE: when to send a sign of life; 0: not */
	int64_t resume_at; /* the end of a pause */
	enum net_next last;
	bool is_admin;	   /* as it was at the login */
	char *client;	   /* its name by ID, or NULL */
	uint64_t hidden;   /* rules that the log has, see imap/hide.h */
	bool utf8;	   /* by ENABLE (RFC 6855; RFC 9051, 5.1) */
	char address[321]; /* of the user */
	/* For the log's last line. */
	uint32_t commands, fetched, appended, expunged;
};

/* --- how a command ends ------------------------------------------------- */

/* Sets the tagged answer "OK text" and what comes with it; the untagged news
 * of the mailbox go before it. `text` may begin with a response code. */
enum imap_step imap_ok(struct imap_session *s, const char *text);
enum imap_step imap_no(struct imap_session *s, const char *text);
/* BAD counts as an error of the client. */
enum imap_step imap_bad_command(struct imap_session *s, const char *text);
/* BAD with the parser's reason. */
enum imap_step imap_bad_arguments(
    struct imap_session *s, const struct imap_parser *ps);
/* NO with the text of an rc (RFC 5530); logs what the operator should know.
 * `missing`: the code for NOTFOUND, such as "[TRYCREATE]". */
enum imap_step imap_fail(
    struct imap_session *s, const struct pst_error *err, const char *missing);
/* The answer is what the caller wrote to run->reply. When a literal is
 * announced that will come in any case, it and the rest are skipped first. */
enum imap_step imap_finish(struct imap_session *s);
/* "* BYE text", and the end. */
enum imap_step imap_bye(struct imap_session *s, const char *text);

/* --- for commands ---------------------------------------------------------*/

struct buf *imap_out(struct imap_session *s);
/* For IMAP_PAUSE. */
void imap_set_pause(struct imap_session *s, int64_t milliseconds);
/* What is read of a message, as configured. */
struct msg_limits imap_msg_limits(const struct config *cfg);
/* A time slice is over: let others have their turn. */
bool imap_slice_over(int64_t started);
/* Memory of the command, zeroed; the arena has no limit of its own: callers
 * cap what a client can ask for. */
void *imap_alloc(struct imap_session *s, size_t n);
/* "+ text"; the client's next line then goes to `line`. */
enum imap_step imap_ask(struct imap_session *s, struct pst_str text,
    enum imap_step (*line)(struct imap_session *s, struct pst_str line));
/* The same without saying anything. */
enum imap_step imap_await(struct imap_session *s,
    enum imap_step (*line)(struct imap_session *s, struct pst_str line));
/* Goes on reading the text of the command, after imap_gather_take() or
 * imap_gather_consumed(). */
enum imap_step imap_gather_more(struct imap_session *s);
/* Takes what has come of a command, and starts it when it is complete. */
enum imap_step imap_gather_step(struct imap_session *s);
/* A new one; s->run is NULL before. */
void imap_begin_run(struct imap_session *s);
/* Frees what belongs to the command. */
void imap_end_run(struct imap_session *s);
/* Back to the state before the login; logs its end. Nothing but the connection
 * is left of it. */
void imap_log_out(struct imap_session *s);
/* The message is \Recent, and the client is told of that (RFC 9051, E.12). */
static inline bool
imap_is_recent(const struct imap_session *s, uint32_t uid)
{
	return !(s->enabled & IMAP_REV2) && view_is_recent(s->view, uid);
}

/* Closes the mailbox, if one is open. */
void imap_deselect(struct imap_session *s);
/* The same with an untagged [CLOSED], when it is no longer what it was. */
void imap_deselect_dead(struct imap_session *s);
void imap_set_activity(struct imap_session *s, const char *word);
/* After LOGIN or AUTHENTICATE: opens the mail of `address`, answers. */
enum imap_step imap_logged_in(struct imap_session *s,
    const struct account_user *user, const char *mechanism);
/* Holds the answer to a failed login back. */
enum imap_step imap_login_failed(struct imap_session *s,
    enum auth_result result, const char *user, const char *mechanism,
    int64_t delay);
void imap_capabilities(struct imap_session *s, struct buf *out);
/* "* CAPABILITY ..." */
void imap_put_capabilities(struct imap_session *s);

/* Untagged news of the mailbox; NEXT when all is written, FULL to be called
 * again. `expunges`: numbers may change now. */
enum imap_step imap_sync(struct imap_session *s, bool expunges);

#endif
