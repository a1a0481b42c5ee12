/*
 * http/http.h - HTTP/1.1 on our connections (RFC 9110, RFC 9112): who answers
 * which request, and how.
 *
 * A request belongs to the worker that runs its connection, like any other
 * protocol's state: a handler may block on the disk, not on the network. While
 * nothing is under way a connection costs what an idle IMAP session costs.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "delivery/services.h"
#include "http/parse.h"
#include "net/net.h"

struct http_request;

/* What a handler knows of the request. All texts live as long as it. */
struct http_asked {
	const struct http_head *head;
	struct pst_str path;  /* decoded; a NUL follows */
	struct pst_str under; /* of a route with "*": what stands for it */
	struct pst_str query; /* as it was sent */
	struct pst_str body;  /* whole, unless the route takes pieces */
	struct arena *arena;
	bool is_head; /* HEAD: the answer's content is not sent */
};

enum http_flags {
	HTTP_LOGIN = 1 << 0, /* 401 for who does not say who they are */
	/* Only from our own client: a request that other sites cannot make. So
	 * is, with or without this, whatever changes something for a cookie. */
	HTTP_OURS = 1 << 2,
	HTTP_LARGE = 1 << 1, /* content up to http.upload_size */
	/* Not from pages of other sites, whatever they know. */
	HTTP_SOCKET = 1 << 3,
	/* What is too large is told as a limit of JMAP (RFC 8620, 3.6.1). */
	HTTP_LIMITS = 1 << 4,
};

struct http_route {
	const char *method; /* "GET" is HEAD, too */
	const char *path;   /* exact; with "*" at its end all below */
	unsigned flags;	    /* enum http_flags */
	/* The content is there: answers by one of the functions below. */
	void (*run)(struct http_request *r);
	/* NULL, or the content comes in pieces: `begin` may answer at once
	 * (then the content is not read), `piece` returns false to give up,
	 * after an answer; `end` is called in any case when `begin` was, with
	 * `whole` when all came, in front of run(). */
	void (*begin)(struct http_request *r);
	bool (*piece)(struct http_request *r, struct pst_str piece);
	void (*end)(struct http_request *r, bool whole);
};

/* What services.http points to: tables of routes, the first match counts. */
struct http_site {
	const struct http_route *const *table; /* each ends with path NULL */
	size_t tables;
};

/* Names the session of a browser (account/sessions.h). */
#define HTTP_COOKIE "postern"
/* The field that our client sends with each request; other sites cannot. */
#define HTTP_OURS_FIELD "X-Postern"

/* For listeners with protocol = http. */
extern const struct net_protocol http_protocol;

const struct http_asked *http_asked(const struct http_request *r);
const struct services *http_services(const struct http_request *r);
const struct config *http_config(const struct http_request *r);
/* The same, for who takes references. */
struct config *http_config_ref(const struct http_request *r);
struct net_conn *http_conn(const struct http_request *r);
/* For a handler's own state between its functions. */
void http_set_state(struct http_request *r, void *state);
void *http_state(const struct http_request *r);

/* Who asks: of a route with HTTP_LOGIN. */
const struct account_user *http_user(const struct http_request *r);
/* The id of their session (account/sessions.h); "": they gave a password, or
 * what stands for it, with this request. */
const char *http_session(const struct http_request *r);
/*
 * What they proved it with, as a word that tells nothing secret, for what
 * lasts longer than a request (credential.c). False: it cannot be told now.
 */
enum { HTTP_CREDENTIAL = 48 };
bool http_credential(
    const struct http_request *r, char word_r[HTTP_CREDENTIAL]);
/*
 * It is still good: the user is enabled, and the session, the app password or
 * the user's own password is there and the same. AUTH_FAILED: it is not; TEMP:
 * nobody knows. `counts`: as a use of the session. `user_r` gets the user.
 */
enum auth_result http_credential_holds(const struct services *sv,
    const char *user, const char *word, bool counts,
    struct account_user *user_r);
/* And port, as the client named them, perhaps to a proxy; p NULL: it did not.
 */
struct pst_str http_host(const struct http_request *r);
/* "https://mail.example.org": web.url, or else as the client reached us; in the
 * arena. */
const char *http_origin(struct http_request *r);
/* That begins with "https://". */
bool http_is_secure(struct http_request *r);

/* --- answers ---------------------------------------------------------------
 */

/* A field of the answer, before it. The value must not have line ends. */
void http_add(struct http_request *r, const char *name, const char *value);
/* `type` NULL: there is no content. Copied; compressed when it is worth it and
 * the client can. */
void http_answer(struct http_request *r, int status, const char *type,
    struct pst_str content);
/* The same, taking the buffer's octets away from it. */
void http_answer_buf(
    struct http_request *r, int status, const char *type, struct buf *content);
/* A problem in words (RFC 9457): {"type": type, "title", "status", "detail"}.
 * `type` NULL: "about:blank". */
void http_problem(
    struct http_request *r, int status, const char *type, const char *detail);

/* A field by which the content is saved as a file (RFC 6266; RFC 8187 for what
 * is not ASCII). */
void http_add_attachment(struct http_request *r, struct pst_str name);

/* The same for content that is shown, and has this name if it is saved. */
void http_add_inline(struct http_request *r, struct pst_str name);

/* Content of `size` octets that is read while it is sent; HTTP_UNTOLD: until
 * read() has nothing more to give, which is sent in chunks, so that the client
 * knows whether it has all of it. `close` is called once, in any case. */
#define HTTP_UNTOLD UINT64_MAX
struct http_source {
	enum pst_rc (*read)(
	    void *arg, void *p, size_t n, size_t *got_r, struct pst_error *err);
	void (*close)(void *arg);
	void *arg;
};
void http_stream(struct http_request *r, int status, const char *type,
    uint64_t size, const struct http_source *source);

/* 401 for a wrong password, held back by some milliseconds. */
void http_refuse_later(struct http_request *r, int64_t delay);

/*
 * What goes on without an end. `woken` is called after each net_wake(), `timer`
 * every `seconds`, and `input` when octets have come or can go again; each
 * returns what it wants of the connection next. The request's memory is given
 * back then: what is needed of it is copied before. `close` is called once, in
 * any case.
 */
struct http_live {
	enum net_next (*woken)(void *arg, struct net_conn *c);
	enum net_next (*timer)(void *arg, struct net_conn *c);
	enum net_next (*input)(void *arg, struct net_conn *c); /* NULL: what
								* comes is
								* thrown away */
	void (*stopping)(void *arg, struct net_conn *c);       /* or NULL */
	void (*close)(void *arg);
	void *arg;
	int64_t seconds;
};
/* An answer: 200 and whatever is written to net_output() later. */
void http_live(
    struct http_request *r, const char *type, const struct http_live *live);
/* A WebSocket (RFC 6455) that speaks `protocol`. False: the request is none for
 * that, which was answered; `close` is not called. */
bool http_websocket(
    struct http_request *r, const char *protocol, const struct http_live *live);

#endif
