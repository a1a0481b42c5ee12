/*
 * http/priv.h - a connection and its request, shared by the files of this
 * folder and nobody else.
 */
#ifndef HTTP_PRIV_H
#define HTTP_PRIV_H

#include "http/http.h"

enum http_mode {
	HTTP_HEAD_MODE, /* the next octets are a head */
	HTTP_BODY_MODE,
	HTTP_SEND_MODE, /* the answer goes out */
	HTTP_LIVE_MODE,
	HTTP_HELD_MODE, /* a failed login's answer is held back */
};

struct http_request {
	struct net_conn *conn;
	unsigned char mode; /* enum http_mode */
	bool closes;	    /* behind the answer */
	bool answered;	    /* the answer is made */
	bool reading;	    /* the handler takes pieces, and was begun */
	bool has_begun;	    /* a part of the head is there */
	uint64_t skip;	    /* octets of content behind the answer */

	struct http_head head;
	struct http_asked asked;
	struct pst_str host; /* and port, as the client named them */
	const struct http_route *route;
	struct arena *arena; /* of this request */
	struct buf body;
	uint64_t body_left, body_max, body_size;
	struct http_chunks chunks;
	struct account_user *user; /* NULL: not known */
	int64_t asked_at;	   /* clock_monotonic() when it was found out */
	/* How they said it: the id of the browser's session, or that of an app
	 * password, as it seems; both empty: their own password. */
	char session[33], app[5];
	void *state;

	struct buf fields; /* of the answer */
	struct buf content;
	size_t sent; /* of `content` */
	bool has_source;
	bool in_chunks; /* the source's size is not known */
	struct http_source source;
	uint64_t source_left;
	struct http_live live;
};

/* answer.c: writes the head; `size` of the content, HTTP_UNTOLD: it ends with
 * the connection, or comes in chunks. */
void http_begin_answer(
    struct http_request *r, int status, const char *type, uint64_t size);
/* 413 for content that is too large. */
void http_refuse_large(struct http_request *r, const char *detail);
/* Ends the source or the live answer, if there is one. */
void http_end_source(struct http_request *r);

/* session.c: what goes on without an end begins. */
void http_begin_live(struct http_request *r, const struct http_live *live);

/* forwarded.c: what a proxy says of the request, if we believe it. */
void http_take_forwarded(struct http_request *r);
/* The page that asks (RFC 6454, 7) is one of ours. */
bool http_is_own_page(const struct http_request *r, struct pst_str origin);

/* upgrade.c: whether this may become a WebSocket, as far as it comes from a
 * page. */
bool http_may_open(struct http_request *r);

/* login.c */
enum http_login {
	HTTP_LOGIN_DONE, /* r->user is set */
	HTTP_LOGIN_NONE, /* they did not say who they are */
	HTTP_LOGIN_FAILED,
	HTTP_LOGIN_TEMP,
};
bool http_is_ours(const struct http_request *r);
/* *delay_r: how long the answer to a failure is held back, milliseconds. */
enum http_login http_login(struct http_request *r, int64_t *delay_r);
/* The same once more, when it was a while ago: content may take hours to come,
 * and who sends it be nobody by then. r->user is as it is now. */
enum http_login http_login_again(struct http_request *r);
/* Adds how one can say who they are, to a 401. */
void http_challenge(struct http_request *r);

/* route.c: NULL and the status when nobody answers. */
const struct http_route *http_find_route(
    const struct http_site *site, struct http_request *r, int *status_r);

#endif
