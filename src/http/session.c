/*
 * http/session.c - a connection: requests one after the other, each from its
 * head over its content to the end of its answer.
 *
 * Requests may come in groups (RFC 9112, 9.3.2): they are answered in turn.
 */
#include "http/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>

enum {
	TURNS = 64,		/* steps in a row, then others have theirs */
	PIECE = 32 * 1024,	/* of an answer, at once */
	SKIP_MAX = 1024 * 1024, /* octets of content that nobody wants */
	STRANGER_BODY_MAX = 64 * 1024, /* where no login is asked for */
	ARENA = 1024 * 1024,
	CHUNK_HEAD = 8, /* "007fff" CR LF (RFC 9112, 7.1) */
};

/* --- a request's life ------------------------------------------------------
 */

static void
begin_request(struct http_request *r)
{
	r->mode = HTTP_HEAD_MODE;
	r->closes = r->answered = r->reading = r->has_begun = false;
	r->route = NULL;
	r->state = NULL;
	r->user = NULL;
	r->body_left = r->body_max = r->body_size = 0;
	r->chunks = (struct http_chunks){ 0 };
	r->sent = 0;
	r->has_source = r->in_chunks = false;
	memset(&r->asked, 0, sizeof(r->asked));
	net_set_idle(r->conn, net_config(r->conn)->http.idle_time);
	net_set_deadline(r->conn, 0);
}

/* A connection that waits has nothing. */
static void
give_back(struct http_request *r)
{
	if (r->arena != NULL)
		arena_free(&r->arena);
	r->user = NULL;
	memset(&r->head, 0, sizeof(r->head));
	memset(&r->asked, 0, sizeof(r->asked));
	buf_fini(&r->body);
	buf_fini(&r->content);
	buf_fini(&r->fields);
}

static void
end_request(struct http_request *r)
{
	if (r->reading && r->route->end != NULL)
		r->route->end(r, false);
	http_end_source(r);
	give_back(r);
}

static void
log_request(const struct http_request *r, int status)
{
	char what[200], text[16];

	if (!log_wants(PST_LOG_DEBUG))
		return;
	(void)snprintf(what, sizeof(what), "%.*s %.*s", STR_ARG(r->head.method),
	    STR_ARG(r->head.path));
	(void)snprintf(text, sizeof(text), "%d", status);
	log_event(PST_LOG_DEBUG, net_id(r->conn), "http", "request", what,
	    "status", text, NULL);
}

/* The content that follows is not for anybody: it is skipped behind the answer,
 * or, when it is much, the connection ends. */
static void
leave_content(struct http_request *r)
{
	if (r->head.is_chunked || r->head.expects_continue ||
	    r->head.length > SKIP_MAX)
		r->closes = true;
	else
		r->skip = r->head.length;
}

/* Nobody answers but us. */
static void
refuse(struct http_request *r, int status, const char *detail)
{
	if (r->body_size == 0 && r->mode != HTTP_BODY_MODE)
		leave_content(r);
	log_request(r, status);
	if (status == 413)
		http_refuse_large(r, detail);
	else
		http_problem(r, status, NULL, detail);
}

/* They do not say who they are, or not well. */
static void
ask_login(struct http_request *r)
{
	http_challenge(r);
	refuse(r, 401, "Who are you?");
}

/* --- content ---------------------------------------------------------------
 */

/* Answers when they are not who they were any more, at the content's end. */
static bool
is_still_in(struct http_request *r)
{
	switch ((r->route->flags & HTTP_LOGIN) != 0 ? http_login_again(r)
						    : HTTP_LOGIN_DONE) {
	case HTTP_LOGIN_DONE:
		return true;
	case HTTP_LOGIN_NONE:
	case HTTP_LOGIN_FAILED:
		ask_login(r);
		return false;
	case HTTP_LOGIN_TEMP:
		break;
	}
	refuse(r, 503, "The accounts cannot be asked now.");
	return false;
}

/* All of it is there, or there is none. */
static void
run_handler(struct http_request *r)
{
	bool was_reading = r->reading, may = is_still_in(r);

	r->reading = false;
	if (was_reading && r->route->end != NULL)
		r->route->end(r, may);
	r->asked.body = buf_str(&r->body);
	if (!r->answered)
		r->route->run(r);
	if (!r->answered && r->mode != HTTP_HELD_MODE)
		http_problem(r, 500, NULL, "There is no answer to this.");
	log_request(r, 0);
	if (r->mode == HTTP_LIVE_MODE)
		give_back(r);
}

/* The content is not read to its end. */
static void
give_up_content(struct http_request *r, int status, const char *detail)
{
	r->closes = true;
	if (r->reading && r->route->end != NULL)
		r->route->end(r, false);
	r->reading = false;
	if (!r->answered)
		refuse(r, status, detail);
}

static bool
take_content(struct http_request *r, struct pst_str piece)
{
	r->body_size += piece.n;
	if (r->body_size > r->body_max) {
		give_up_content(r, 413, "There is a limit on what is sent.");
		return false;
	}
	if (piece.n == 0)
		return true;
	if (r->route->piece == NULL) {
		(void)buf_add_str(&r->body, piece);
		return true;
	}
	if (r->route->piece(r, piece))
		return true;
	give_up_content(r, 500, "What was sent could not be taken.");
	return false;
}

static void
take_body(struct http_request *r, struct pst_str in)
{
	enum http_parsed parsed = HTTP_MORE;
	struct pst_str data = in;
	size_t used;

	if (r->head.is_chunked) {
		parsed = http_chunks_next(&r->chunks, in, &used, &data);
	} else {
		if (data.n > r->body_left)
			data.n = (size_t)r->body_left;
		used = data.n;
		r->body_left -= used;
		if (r->body_left == 0)
			parsed = HTTP_WHOLE;
	}
	if (parsed == HTTP_WRONG)
		give_up_content(r, 400, "A chunk is malformed.");
	else if (take_content(r, data) && parsed == HTTP_WHOLE)
		run_handler(r);
	net_consume(r->conn, used);
}

/* The request may go on to its content. */
static void
begin_content(struct http_request *r)
{
	const struct config *cfg = net_config(r->conn);
	bool has_content = r->head.is_chunked || r->head.length > 0;

	r->body_max = (uint64_t)((r->route->flags & HTTP_LARGE) != 0
				     ? cfg->http.upload_size
				     : cfg->http.body_size);
	/* Strangers send forms, and may not fill the memory. */
	if ((r->route->flags & HTTP_LOGIN) == 0 &&
	    r->body_max > STRANGER_BODY_MAX)
		r->body_max = STRANGER_BODY_MAX;
	if (r->head.length > r->body_max) {
		refuse(r, 413, "There is a limit on what is sent.");
		return;
	}
	if (r->route->begin != NULL) {
		r->reading = true;
		leave_content(r);
		r->route->begin(r);
		if (!r->answered) {
			/* It is wanted. */
			r->skip = 0;
			r->closes = !r->head.keeps_alive;
		} else {
			r->reading = false;
			if (r->route->end != NULL)
				r->route->end(r, false);
			return;
		}
	}
	if (!has_content) {
		run_handler(r);
		return;
	}
	buf_init(&r->body, (size_t)r->body_max);
	r->body_left = r->head.length;
	r->mode = HTTP_BODY_MODE;
	if (r->head.expects_continue)
		(void)buf_puts(
		    net_output(r->conn), "HTTP/1.1 100 Continue\r\n\r\n");
}

/* --- the head --------------------------------------------------------------
 */

void
http_refuse_later(struct http_request *r, int64_t delay)
{
	r->mode = HTTP_HELD_MODE;
	net_pause(r->conn, delay);
}

/* Counts the connection as the user's; each request may be another's. */
static bool
take_user(struct http_request *r)
{
	const char *before = net_user(r->conn);

	if (before != NULL && strcmp(before, r->user->address) == 0)
		return true;
	if (before != NULL)
		(void)net_set_user(r->conn, NULL);
	return net_set_user(r->conn, r->user->address);
}

static enum net_next
check_login(struct http_request *r)
{
	int64_t delay;

	switch (http_login(r, &delay)) {
	case HTTP_LOGIN_DONE:
		if (take_user(r))
			begin_content(r);
		else
			refuse(r, 429, "There are too many connections.");
		return NET_READ;
	case HTTP_LOGIN_NONE:
		ask_login(r);
		return NET_READ;
	case HTTP_LOGIN_FAILED:
		http_refuse_later(r, delay);
		return NET_READ;
	case HTTP_LOGIN_TEMP:
		break;
	}
	refuse(r, 503, "The accounts cannot be asked now.");
	return NET_READ;
}

static void
wrong_head(struct http_request *r, int status)
{
	r->closes = true;
	memset(&r->head, 0, sizeof(r->head));
	http_problem(r, status, NULL, "This is not a request.");
}

static const struct http_site *
site_of(const struct http_request *r)
{
	const struct services *sv = net_context(r->conn);
	int protocol = net_listener(r->conn)->protocol;

	return protocol == CONFIG_METRICS    ? sv->metrics
	       : protocol == CONFIG_REDIRECT ? sv->redirect
					     : sv->http;
}

/* The path, and who answers it. */
static bool
find_handler(struct http_request *r)
{
	struct buf path;
	int status;
	bool ok;

	buf_init(&path, r->head.path.n + 1);
	ok = http_path_decode(r->head.path, &path);
	if (ok)
		r->asked.path = str_of(arena_text(r->arena, buf_str(&path)));
	buf_fini(&path);
	if (!ok) {
		refuse(r, 400, "The path is malformed.");
		return false;
	}
	r->asked.query = r->head.query;
	r->asked.is_head = str_is(r->head.method, "HEAD");
	r->route = http_find_route(site_of(r), r, &status);
	if (r->route == NULL)
		refuse(r, status,
		    status == 405 ? "That cannot be done here."
				  : "There is nothing here.");
	return r->route != NULL;
}

static enum net_next
take_head(struct http_request *r, struct pst_str in, bool *moved_r)
{
	size_t max = (size_t)net_config(r->conn)->http.header_size, used;
	enum http_parsed parsed;
	struct pst_str copy;
	int status;

	parsed = http_head_parse(in, max, &r->head, &used, &status);
	*moved_r = parsed != HTTP_MORE;
	if (parsed == HTTP_MORE) {
		/* All of it in one time, however it dribbles. */
		if (!r->has_begun)
			net_set_deadline(r->conn,
			    clock_monotonic() +
				net_config(r->conn)->http.body_time * 1000000);
		r->has_begun = true;
		return NET_READ;
	}
	net_set_deadline(r->conn, 0);
	r->arena = arena_new(ARENA);
	buf_init(&r->fields, 16 * 1024);
	buf_init(&r->content, (size_t)1 << 30);
	r->asked.arena = r->arena;
	r->asked.head = &r->head;
	if (parsed == HTTP_WRONG) {
		net_consume(r->conn, in.n);
		wrong_head(r, status);
		return NET_READ;
	}
	/* What is in the buffer goes away; the head stays. */
	copy = arena_copy(r->arena, str_first(in, used));
	(void)http_head_parse(copy, max, &r->head, &used, &status);
	net_consume(r->conn, used);
	r->closes = !r->head.keeps_alive;
	http_take_forwarded(r);
	net_set_idle(r->conn, net_config(r->conn)->http.body_time);
	if (!find_handler(r))
		return NET_READ;
	if ((r->route->flags & HTTP_OURS) != 0 && !http_is_ours(r)) {
		refuse(r, 403, "This is not for other sites.");
		return NET_READ;
	}
	if ((r->route->flags & HTTP_SOCKET) != 0 && !http_may_open(r)) {
		refuse(r, 403, "This is not for other sites.");
		return NET_READ;
	}
	if ((r->route->flags & HTTP_LOGIN) != 0)
		return check_login(r);
	begin_content(r);
	return NET_READ;
}

/* --- the answer ------------------------------------------------------------
 */

/* Moves some of it on. False: it is broken off. */
static bool
send_source(struct http_request *r)
{
	size_t n = r->source_left < PIECE ? (size_t)r->source_left : PIECE;
	char *p = buf_reserve(net_output(r->conn), n);
	struct pst_error err = { 0 };
	size_t got = 0;

	if (p == NULL ||
	    r->source.read(r->source.arg, p, n, &got, &err) != PST_OK ||
	    got == 0) {
		log_failure(PST_LOG_WARNING, net_id(r->conn), "http", &err);
		return false;
	}
	buf_added(net_output(r->conn), got);
	r->source_left -= got;
	return true;
}

/* The same of a source whose end nobody knows. Old clients take the end of the
 * connection for it. */
static bool
send_chunk(struct http_request *r)
{
	struct buf *out = net_output(r->conn);
	char *p = buf_reserve(out, CHUNK_HEAD + PIECE + 2), head[24];
	struct pst_error err = { 0 };
	size_t got = 0, before = r->in_chunks ? CHUNK_HEAD : 0;

	if (p == NULL || r->source.read(r->source.arg, p + before, PIECE, &got,
			     &err) != PST_OK) {
		log_failure(PST_LOG_WARNING, net_id(r->conn), "http", &err);
		return false;
	}
	if (got == 0) {
		r->source_left = 0;
		return !r->in_chunks || buf_puts(out, "0\r\n\r\n");
	}
	if (r->in_chunks) {
		(void)snprintf(head, sizeof(head), "%06zx\r\n", got);
		memcpy(p, head, CHUNK_HEAD);
		memcpy(p + CHUNK_HEAD + got, "\r\n", 2);
	}
	buf_added(out, got + (r->in_chunks ? CHUNK_HEAD + 2 : 0));
	return true;
}

static enum net_next
send_answer(struct http_request *r)
{
	while (r->sent < r->content.n) {
		size_t n = r->content.n - r->sent;

		if (net_output_full(r->conn))
			return NET_WRITE;
		n = n < PIECE ? n : PIECE;
		(void)buf_add(net_output(r->conn), r->content.p + r->sent, n);
		r->sent += n;
	}
	while (r->has_source && r->source_left > 0) {
		if (net_output_full(r->conn))
			return NET_WRITE;
		if (r->source_left == HTTP_UNTOLD ? !send_chunk(r)
						  : !send_source(r))
			return NET_ABORT;
	}
	if (r->closes) {
		net_consume(r->conn, net_input(r->conn).n);
		return NET_CLOSE;
	}
	end_request(r);
	begin_request(r);
	return NET_READ;
}

/* Content of a request that is answered already. */
static void
skip_content(struct http_request *r, struct pst_str in)
{
	size_t n = in.n < r->skip ? in.n : (size_t)r->skip;

	net_consume(r->conn, n);
	r->skip -= n;
}

static enum net_next
step(struct http_request *r, bool *moved_r)
{
	struct pst_str in = net_input(r->conn);

	*moved_r = true;
	switch ((enum http_mode)r->mode) {
	case HTTP_HEAD_MODE:
		*moved_r = in.n > 0;
		if (in.n == 0)
			return NET_READ;
		if (r->skip == 0)
			return take_head(r, in, moved_r);
		skip_content(r, in);
		return NET_READ;
	case HTTP_BODY_MODE:
		*moved_r = in.n > 0;
		if (in.n > 0)
			take_body(r, in);
		return NET_READ;
	case HTTP_SEND_MODE:
		return send_answer(r);
	case HTTP_LIVE_MODE:
		*moved_r = false;
		if (r->live.input != NULL)
			return r->live.input(r->live.arg, r->conn);
		net_consume(r->conn, in.n);
		return NET_READ;
	case HTTP_HELD_MODE:
		break;
	}
	*moved_r = false;
	return NET_PAUSE; /* which http_refuse_later() has set */
}

static enum net_next
run(struct http_request *r)
{
	for (int turn = 0; turn < TURNS; turn++) {
		bool moved;
		enum net_next next = step(r, &moved);

		if (next != NET_READ)
			return next;
		if (!moved)
			return net_at_eof(r->conn) ? NET_CLOSE : NET_READ;
	}
	return NET_AGAIN;
}

/* --- the connection's events ------------------------------------------------
 */

static enum net_next
on_opened(struct net_conn *c)
{
	struct http_request *r = mem_alloc(sizeof(*r));

	r->conn = c;
	net_set_session(c, r);
	begin_request(r);
	return NET_READ;
}

static enum net_next
on_input(struct net_conn *c)
{
	return run(net_session(c));
}

static void
set_live_timer(struct http_request *r)
{
	net_set_idle(r->conn, 0);
	net_set_deadline(
	    r->conn, clock_monotonic() + r->live.seconds * 1000000);
}

void
http_begin_live(struct http_request *r, const struct http_live *live)
{
	r->answered = true;
	r->live = *live;
	r->mode = HTTP_LIVE_MODE;
	set_live_timer(r);
}

static enum net_next
on_timer(struct net_conn *c)
{
	struct http_request *r = net_session(c);

	switch ((enum http_mode)r->mode) {
	case HTTP_HELD_MODE:
		ask_login(r);
		return run(r);
	case HTTP_LIVE_MODE:
		set_live_timer(r);
		return r->live.timer(r->live.arg, c);
	case HTTP_BODY_MODE:
		give_up_content(r, 408, "The content did not come.");
		return run(r);
	case HTTP_HEAD_MODE:
	case HTTP_SEND_MODE:
		break;
	}
	return NET_CLOSE;
}

static enum net_next
on_woken(struct net_conn *c)
{
	struct http_request *r = net_session(c);

	return r->mode == HTTP_LIVE_MODE ? r->live.woken(r->live.arg, c)
					 : NET_READ;
}

static void
on_stopping(struct net_conn *c)
{
	struct http_request *r = net_session(c);

	if (r->mode == HTTP_LIVE_MODE && r->live.stopping != NULL)
		r->live.stopping(r->live.arg, c);
}

static enum net_next
on_secured(struct net_conn *c)
{
	(void)c;
	return NET_ABORT; /* there is no STARTTLS here */
}

static void
on_closed(struct net_conn *c)
{
	struct http_request *r = net_session(c);

	if (r == NULL)
		return;
	end_request(r);
	free(r);
	net_set_session(c, NULL);
}

const struct net_protocol http_protocol = {
	.name = "http",
	.busy = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
		"Content-Length: 0\r\n\r\n",
	.alpn = "http/1.1",
	.opened = on_opened,
	.input = on_input,
	.writable = on_input,
	.timer = on_timer,
	.woken = on_woken,
	.stopping = on_stopping,
	.secured = on_secured,
	.closed = on_closed,
};

/* --- for handlers ----------------------------------------------------------
 */

const struct http_asked *
http_asked(const struct http_request *r)
{
	return &r->asked;
}

const struct services *
http_services(const struct http_request *r)
{
	return net_context(r->conn);
}

const struct config *
http_config(const struct http_request *r)
{
	return net_config(r->conn);
}

struct config *
http_config_ref(const struct http_request *r)
{
	return net_config(r->conn);
}

struct net_conn *
http_conn(const struct http_request *r)
{
	return r->conn;
}

void
http_set_state(struct http_request *r, void *state)
{
	r->state = state;
}

void *
http_state(const struct http_request *r)
{
	return r->state;
}

const struct account_user *
http_user(const struct http_request *r)
{
	return r->user;
}

const char *
http_session(const struct http_request *r)
{
	return r->session;
}
