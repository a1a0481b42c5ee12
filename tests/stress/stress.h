/*
 * stress.h - what the files of the state-tracking stress share.
 *
 * Many clients send random commands to few mailboxes. Each keeps its own model
 * of the mailbox that it has selected and compares every response with it
 * (view.c). What must hold between clients is kept in one place (world.c): the
 * uids and flags that anybody was told, which messages may be gone and which
 * may not. At checkpoints all stop, catch up, and must agree with each other
 * and with a session that has just begun (checkpoint.c).
 *
 * One thread, one poll() loop: nothing here is locked.
 */
#ifndef STRESS_H
#define STRESS_H

#include "base/str.h"
#include "base/uidset.h"
#include <zlib.h>

enum {
	F_ANSWERED = 1,
	F_FLAGGED = 2,
	F_DELETED = 4,
	F_SEEN = 8,
	F_DRAFT = 16,
	F_KEYWORD = 32, /* the first of KEYWORDS */
	KEYWORDS = 6,
	F_ALL = (1 << (5 + KEYWORDS)) - 1,
	F_RECENT = 1 << 20, /* told of a message, but no state of it */
	NAME_MAX_N = 64,
	CONTENTS_MAX = 4, /* of one command */
};
extern const char *const flag_names[5 + KEYWORDS];

struct options {
	const char *host, *domain, *password, *mail_root, *trace, *dump;
	unsigned port, users, connections, seconds, patience;
	uint64_t seed;
	bool outsiders;
};
extern struct options options;
extern bool quit; /* something is wrong, or the time is over */
extern unsigned failures;
double now(void); /* seconds */

/* --- random numbers (xorshift64*), one sequence each -----------------------
 */

struct dice {
	uint64_t x;
};
void dice_init(struct dice *d, uint64_t seed, uint64_t stream);
uint32_t roll(struct dice *d, uint32_t below);
bool chance(struct dice *d, unsigned percent);

/* --- contents: what is in message number `id` is a function of it ----------
 */

struct content {
	unsigned user;
	bool kept;	  /* nobody ever marks or removes it for good */
	bool doomed;	  /* somebody was asked to mark or remove it */
	bool unfinished;  /* never sent whole: must not exist */
	char emailid[48]; /* as it was first told; "" */
};
uint32_t content_new(unsigned user, bool kept);
struct content *content_of(uint32_t id); /* NULL: there is none */
void content_text(uint32_t id, struct buf *out);
size_t content_size(uint32_t id);
size_t content_lines(uint32_t id); /* of the body */
/* The first word of its body, which is in no other. */
void content_first(uint32_t id, char word_r[9]);
const char *content_word(uint32_t id); /* in its subject */
enum { WORDS = 8 };
extern const char *const words[WORDS];
/* The id in a message's first header field; 0: none. */
uint32_t content_id(struct pst_str text);
unsigned contents_kept(unsigned user);

/* --- the world: what all clients together know -----------------------------
 */

struct mail {
	uint32_t content; /* 0: not known */
	bool is_told;	  /* somebody was told of the uid */
	bool is_sure;	  /* APPENDUID or COPYUID told of it: it must exist */
	bool is_gone;	  /* somebody was told that it is expunged */
	bool may_go;	  /* somebody was asked to mark or remove it here */
	bool is_moved;	  /* somebody was asked to move it away */
	bool is_copy;	  /* so it may be doomed */
	unsigned recent_to;
	bool has_flags;
	uint32_t flags; /* at `modseq` */
	uint64_t modseq;
};

struct box {
	struct box *next;
	unsigned user;
	char name[NAME_MAX_N]; /* the last known */
	uint32_t validity;
	bool is_fleeting;  /* may be deleted and renamed at any time */
	struct mail *mail; /* by uid */
	size_t n;
	uint32_t last_uid;
	uint64_t modseq; /* the highest that anybody was told */
	size_t size;	 /* about how many there are */
};
extern struct box *boxes;
struct box *box_get(unsigned user, const char *name, uint32_t validity);
/* The last known of that name; NULL: none. */
struct box *box_named(unsigned user, const char *name);
struct mail *box_mail(struct box *b, uint32_t uid);
bool name_is_fleeting(const char *name);
/* A message may be marked \Deleted or removed. */
bool may_doom(const struct mail *m);
/* It may be gone: somebody asked for it. */
bool is_doomed(const struct mail *m);

/* --- a connection ----------------------------------------------------------
 */

struct entry {
	uint32_t uid; /* 0: not known yet */
	uint32_t flags;
	bool has_flags, was_missing;
	uint64_t modseq; /* 0: not known */
};

/* A selected mailbox as the client knows it. */
struct view {
	struct box *box; /* NULL: none */
	char name[NAME_MAX_N];
	bool read_only;
	struct entry *e; /* by sequence number - 1 */
	size_t n, cap;
	uint64_t highest; /* all up to this modseq was told */
	uint32_t validity, uidnext;
	unsigned serial;
};

enum kind {
	K_LOGIN,
	K_ENABLE,
	K_COMPRESS,
	K_SELECT,
	K_CLOSE,
	K_NOOP,
	K_IDLE,
	K_FETCH,
	K_STORE,
	K_SEARCH,
	K_COPY,
	K_MOVE,
	K_EXPUNGE,
	K_APPEND,
	K_REPLACE,
	K_NAMES, /* CREATE, DELETE, RENAME, LIST and others */
	K_STATUS,
	K_LOGOUT,
};

enum match { M_ANY, M_WORD, M_NOT_WORD, M_ID, M_LARGER, M_BODY };
/* That message has what the command searches for. */
bool content_matches(uint32_t id, enum match match, uint32_t arg);

struct cmd {
	struct cmd *next;
	unsigned tag;
	enum kind kind;
	double sent;
	bool uid;	    /* a UID command */
	bool expunges;	    /* EXPUNGE and VANISHED are allowed */
	bool strict;	    /* a FETCH that must tell nothing new */
	struct uidset uids; /* what it names */
	char op;	    /* STORE: '+', '-', ' ' */
	uint32_t flags;
	bool silent;
	bool must_fail;
	bool read_only; /* EXAMINE */
	bool begun;	/* SELECT: the mailbox before is closed */
	char name[NAME_MAX_N], to[NAME_MAX_N];
	uint32_t content[CONTENTS_MAX];
	unsigned contents;
	enum match match;
	uint32_t match_arg;
	char sort; /* 0, or the key */
	struct uidset expect;
	struct buf rest; /* sent after "+" */
	double until;	 /* IDLE: DONE is sent then */
	bool idling, done_sent;
	uint64_t since; /* CHANGEDSINCE */
	/* What the world knew of the mailbox when this was sent. */
	struct box *world_box;
	uint64_t world_modseq;
	uint32_t world_uid;
	struct uidset cached; /* QRESYNC */
	/* What came back. */
	bool answered;
	uint64_t highest, modseq;
	struct uidset fetched, flagged, modified, vanished;
	bool has_uids; /* COPYUID or APPENDUID came */
	struct uidset copied;
	char *code;
};

enum conn_state { C_CLOSED, C_FRESH, C_READY };

/* What a client of QRESYNC remembers of a mailbox. */
struct cache {
	char name[NAME_MAX_N];
	uint32_t validity;
	uint64_t highest;
	struct entry *e;
	size_t n;
};

enum { TRACE = 1 << 16 };

struct conn {
	unsigned id, user;
	int fd;
	enum conn_state state;
	struct dice dice;
	bool condstore, qresync;		      /* what it does */
	bool is_condstore, is_qresync, is_compressed; /* what is on now */
	bool notify, is_notified;		      /* NOTIFY (RFC 5465) */
	struct buf in, out;
	size_t out_held; /* octets at the end that are sent later */
	z_stream inflater, deflater;
	struct view view;
	struct cmd *first, **last;
	unsigned tags, commands, responses, serial;
	struct uidset saved; /* "$" */
	bool has_saved;
	double next_at; /* when it does something again */
	double last_byte;
	struct cache cache;
	char trace[TRACE];
	size_t trace_n; /* octets ever */
	int trace_fd;
};

/* Something is wrong: tells what, with the conversation before it. */
void fail(struct conn *c, const char *fmt, ...) PST_PRINTF(2, 3);

/* wire.c */
bool conn_open(struct conn *c);
void conn_close(struct conn *c);
/* Closes it without waiting for answers; but the server ends what was sent. */
void conn_abandon(struct conn *c);
/* How many abandoned ones the server is still at work for. */
unsigned abandoned(void);
void conn_send(struct conn *c, const void *p, size_t n);
void conn_flush(struct conn *c);
void conn_read(struct conn *c);
/* The next whole response, without CRLF; taken by conn_taken(). */
bool conn_response(struct conn *c, struct pst_str *r);
void conn_compress(struct conn *c);
void conn_note(struct conn *c, char who, const char *p, size_t n);

/* read.c: what the server says */
void take_response(struct conn *c, struct pst_str r);
bool take_word(struct pst_str *s, struct pst_str *word);
bool take_number(struct pst_str *s, uint64_t *n);
bool parse_set(struct pst_str s, struct uidset *set);

/* view.c */
void view_clear(struct view *v);
/* The message with that uid, or one that may have it; NULL: none. */
struct entry *view_at(struct view *v, uint32_t uid);
void view_exists(struct conn *c, uint64_t n);
void view_expunge(struct conn *c, uint64_t seq);
void view_vanished(struct conn *c, const struct uidset *uids, bool earlier);
struct told {
	uint32_t uid; /* 0 and so on: not told */
	bool has_flags, has_modseq, has_size, has_text;
	uint32_t flags;
	uint64_t modseq, size;
	struct pst_str text, envelope, structure, emailid;
};
void view_fetch(struct conn *c, uint64_t seq, const struct told *t);
void view_save(struct conn *c);		  /* to the cache */
bool view_is_known(const struct view *v); /* uids and flags of all */

/* command.c */
struct cmd *cmd_new(struct conn *c, enum kind kind);
void cmd_free(struct cmd *cmd);
void cmd_send(struct conn *c, struct cmd *cmd, struct buf *text);
void cmd_simple(struct conn *c, enum kind kind, bool expunges, const char *fmt,
    ...) PST_PRINTF(4, 5);
void cmd_select(struct conn *c, const char *name, bool examine, bool resync);
/* The mailbox before is closed: what comes now is of the new one. */
void begin_view(struct conn *c, struct cmd *cmd);
void cmd_fetch_all(struct conn *c, bool strict);
/* Does something, if there is nothing that must be waited for. */
void conn_act(struct conn *c);
/* Ends an IDLE whose time is over, or any. */
void conn_end_idle(struct conn *c, bool any);
enum { LASTING = 3, FLEETING = 3 };
extern const char *const lasting[LASTING], *const fleeting[FLEETING];

/* answer.c: the tagged answers */
void take_answer(struct conn *c, struct cmd *cmd, struct pst_str r);
void take_copyuid(struct conn *c, struct cmd *cmd, struct pst_str code);

/* outside.c: other programs, that use the files of a Maildir */
void outside_step(struct dice *d);
extern unsigned outside_n;

/* checkpoint.c */
void checkpoint(struct conn *conns, unsigned n);
/* Writes down what must be on the disk; at a checkpoint. */
bool dump_world(const char *path);

/* main.c: reads and writes what there is to be. */
void pump(int ms);
extern struct conn *auditors; /* one a user */

#endif
