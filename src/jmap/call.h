/*
 * jmap/call.h - a request and its method calls (RFC 8620, 3), shared by the
 * files of this folder and nobody else.
 *
 * A method is a row of the table in methods.c and a function in a file named
 * after its type. It gets the arguments, with references resolved, and returns
 * the arguments of its response, or what jmap_error() returns.
 *
 * Threads: a request belongs to the worker that runs its connection. All its
 * methods run with the lock of the account's catalog.
 */
#ifndef JMAP_CALL_H
#define JMAP_CALL_H

#include "http/http.h"
#include "mailbox/catalog.h"

#include <jansson.h>

enum jmap_capability {
	JMAP_CORE = 1 << 0,
	JMAP_MAIL = 1 << 1,
	JMAP_SUBMISSION = 1 << 2,
	JMAP_QUOTA = 1 << 3,
	JMAP_VACATION = 1 << 4,
	JMAP_WEBSOCKET = 1 << 5,
	JMAP_VAPID = 1 << 6,
	JMAP_SIEVE = 1 << 7,
	JMAP_SIEVE_TEST = 1 << 8,
};

/* Limits (RFC 8620, 2). */
enum {
	JMAP_CALLS = 64,
	JMAP_GET = 1000,
	JMAP_SET = 1000,
	JMAP_MAILBOXES = 200,	      /* of one message */
	JMAP_DELAY_MOST = 60 * 86400, /* seconds until it is sent */
};

/* Octets of an id with its NUL; a blob may be a part of a part. */
enum { JMAP_ID = 64, JMAP_BLOB = 1024 };

struct jmap_credential; /* parts.h */

struct jmap_request {
	uint64_t conn; /* for the log */
	/* One of both. */
	const struct http_request *http;
	const struct jmap_credential *who; /* of a WebSocket */
	const struct services *sv;
	struct config *cfg;
	const struct account_user *user;
	char account[JMAP_ID]; /* the accountId */
	struct catalog *catalog;
	unsigned using; /* enum jmap_capability */
	json_t *responses;
	json_t *created; /* creation ids to ids */
	bool tells_created;
};

struct jmap_call {
	struct jmap_request *q;
	const char *name; /* "Email/get" */
	const char *id;	  /* of the call */
	json_t *args;
	json_t *error; /* what jmap_error() made */
	json_t *also;  /* responses behind the one that is returned */
	json_t *gone;  /* ids that jmap_setter.bulk has destroyed, or NULL */
};

struct jmap_method {
	const char *name;
	unsigned capability;
	json_t *(*run)(struct jmap_call *c);
	bool no_account; /* there is no accountId to be checked */
};
extern const struct jmap_method jmap_methods[]; /* ends with name NULL */

/* --- for methods -----------------------------------------------------------
 */

/* A method-level error (3.6.2), to be returned; also in c->error. */
json_t *jmap_error(
    struct jmap_call *c, const char *type, const char *description);
/* What the storage or the accounts could not do. Logs. */
json_t *jmap_failed(struct jmap_call *c, const struct pst_error *err);
/* A SetError (5.3); `property` may be NULL. */
json_t *jmap_set_error(
    const char *type, const char *property, const char *description);
json_t *jmap_set_failed(const struct pst_error *err);
/* One more response, named `name`, of the same call. */
void jmap_also(struct jmap_call *c, const char *name, json_t *args);

/* Arguments. An absent one is the default. False: it is not of its type, and
 * c->error is to be returned. */
bool jmap_get_bool(struct jmap_call *c, const char *name, bool preset, bool *r);
/* Unsigned, up to 2^53 - 1; absent or null: `preset`. */
bool jmap_get_number(
    struct jmap_call *c, const char *name, int64_t preset, int64_t *r);
/* NULL when absent or null. */
bool jmap_get_text(struct jmap_call *c, const char *name, const char **r);
bool jmap_get_object(struct jmap_call *c, const char *name, json_t **r);
/* A list of texts. */
bool jmap_get_list(struct jmap_call *c, const char *name, json_t **r);

/* An id that may be "#" and a creation id; NULL: unknown. */
const char *jmap_real_id(struct jmap_request *q, const char *id);
void jmap_note_created(
    struct jmap_request *q, const char *creation, const char *id);

/* The string of a buffer. */
json_t *jmap_text(const struct buf *b);
json_t *jmap_str(struct pst_str s); /* what is no UTF-8 becomes U+FFFD */
/* "2026-11-30T12:00:00Z" */
json_t *jmap_date(int64_t seconds);
bool jmap_parse_date(const char *text, int64_t *seconds_r);
/* Reads a JSON text that we wrote ourselves. NULL: it is none. */
json_t *jmap_load(struct pst_str text);

/* ids.c: an id of letters and digits for a text, always the same. */
void jmap_make_id(const char *prefix, struct pst_str text, char id_r[JMAP_ID]);

/* --- what types have in common ---------------------------------------------
 */

/* Foo/get (5.1). */
struct jmap_getter {
	/* Appends the state. */
	void (*state)(struct jmap_call *c, struct buf *out);
	/* The object with its `properties` (NULL: all; an object whose keys are
	 * their names) and "id"; NULL: there is none. */
	json_t *(*one)(struct jmap_call *c, const char *id, json_t *properties);
	/* Adds all ids to the list; NULL: ids must be told. */
	void (*all)(struct jmap_call *c, json_t *ids);
	/* NULL: any name will do. */
	bool (*knows)(const char *property);
};
json_t *jmap_get(struct jmap_call *c, const struct jmap_getter *g);
/* `name` is wanted. */
bool jmap_wants(json_t *properties, const char *name);

/* Foo/changes (5.2) over lists of ids. */
struct jmap_changes {
	json_t *created, *updated, *destroyed;
};
void jmap_changes_init(struct jmap_changes *changes);
void jmap_changes_fini(struct jmap_changes *changes);
/* Takes the lists. `old`: the state that was asked for; `state`: where the
 * client is then; `more`: and is to go on from there. */
json_t *jmap_changes_answer(struct jmap_call *c, struct jmap_changes *changes,
    const char *old, const struct buf *state, bool more);
/* sinceState and maxChanges, which is much when it is not there. */
bool jmap_since_state(
    struct jmap_call *c, const char **state_r, int64_t *most_r);
/* The same where old states are not kept: an empty answer for the state that
 * is now, cannotCalculateChanges for any other. */
json_t *jmap_no_changes(struct jmap_call *c,
    void (*put_state)(struct jmap_call *c, struct buf *out));

/* Foo/set (5.3). Each function returns NULL, or a SetError. */
struct jmap_setter {
	void (*state)(struct jmap_call *c, struct buf *out);
	/* *made_r: what the server decided, with "id". */
	json_t *(*create)(struct jmap_call *c, const char *creation,
	    json_t *object, json_t **made_r);
	/* `patch` (5.3). *changed_r: what the client does not know, or NULL. */
	json_t *(*update)(struct jmap_call *c, const char *id, json_t *patch,
	    json_t **changed_r);
	json_t *(*destroy)(struct jmap_call *c, const char *id);
	/* Does beforehand what can be done to many at once, or NULL. Those that
	 * it has destroyed are in c->gone. */
	void (*bulk)(struct jmap_call *c, json_t *update, json_t *destroy);
};
json_t *jmap_set(struct jmap_call *c, const struct jmap_setter *s);
/* Applies a patch to an object. NULL, or a SetError. */
json_t *jmap_patch(json_t *object, json_t *patch);

/* Foo/query (5.5): the part that is wanted of `n` ids. */
struct jmap_window {
	size_t start, end;
	bool total; /* is to be told */
};
/* `place` tells where an id stands, -1: it does not. False: c->error. */
bool jmap_query_window(struct jmap_call *c, size_t n,
    int64_t (*place)(void *arg, const char *id), void *arg,
    struct jmap_window *w_r);
/* The answer with the ids of the window, which are taken. */
json_t *jmap_query_answer(struct jmap_call *c, const struct jmap_window *w,
    size_t n, json_t *ids, const char *query_state, bool can_changes);
/* Both for a list of all ids, which is taken; without queryChanges. */
json_t *jmap_query_list(
    struct jmap_call *c, json_t *ids, const char *query_state);

/* mailbox.c, email.c: states of the account. */
void jmap_mailbox_state(struct jmap_call *c, struct buf *out);
void jmap_email_state(struct jmap_call *c, struct buf *out);

#endif
