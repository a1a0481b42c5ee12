/*
 * jmap/websocket.c - requests and pushes over a WebSocket (RFC 8887).
 *
 * Requests of a connection are answered one after the other, in their order;
 * what follows waits outside until an answer has gone. Between messages a
 * connection has a struct socket and nothing else, but for what it is pushed.
 */
#include "http/websocket.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "jmap/parts.h"
#include "jmap/states.h"

#include <stdlib.h>

enum {
	TURNS = 16,	   /* messages in a row, then others have theirs */
	PIECE = 32 * 1024, /* of an answer, at once */
};

struct socket {
	struct jmap_credential who;
	struct websocket reader;
	struct buf message;	   /* on its way in */
	int64_t began;		   /* clock_monotonic, when it did; 0: none */
	char *sending;		   /* on its way out, from malloc(); or NULL */
	size_t size, sent;	   /* of it */
	size_t sent_before;	   /* when the timer came last */
	struct jmap_states states; /* while pushes are enabled */
	bool is_closing;	   /* our Close is written */
	bool is_heard;		   /* since the last ping */
};

static void
close_socket(void *arg)
{
	struct socket *s = arg;

	jmap_states_close(&s->states);
	buf_fini(&s->message);
	free(s->sending);
	free(s);
}

/* --- sending ---------------------------------------------------------------
 */

static void
put_close(struct socket *s, struct net_conn *c, unsigned code)
{
	if (!s->is_closing)
		(void)websocket_put_close(net_output(c), code);
	s->is_closing = true;
}

/* Takes the object. */
static void
put_object(struct socket *s, struct net_conn *c, json_t *object)
{
	s->sending = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (s->sending == NULL) {
		put_close(s, c, WEBSOCKET_INTERNAL);
		return;
	}
	s->size = strlen(s->sending);
	s->sent = 0;
	s->sent_before = SIZE_MAX;
	(void)websocket_put_head(net_output(c), WEBSOCKET_TEXT, s->size);
}

/* False: the client has to read first. */
static bool
send_some(struct socket *s, struct net_conn *c)
{
	while (s->sending != NULL) {
		size_t n = s->size - s->sent;

		if (net_output_full(c))
			return false;
		n = n < PIECE ? n : PIECE;
		(void)buf_add(net_output(c), s->sending + s->sent, n);
		s->sent += n;
		if (s->sent == s->size) {
			free(s->sending);
			s->sending = NULL;
		}
	}
	return true;
}

/* --- pushes (4.3.5) --------------------------------------------------------
 */

static void
put_change(struct socket *s, struct net_conn *c, json_t *change)
{
	if (change == NULL)
		return;
	(void)json_object_set_new(
	    change, "pushState", json_string(s->states.mark));
	put_object(s, c, change);
}

/* Takes the problem. */
static void
put_error(struct socket *s, struct net_conn *c, json_t *root, json_t *problem)
{
	json_t *id = json_object_get(root, "id");

	(void)json_object_set_new(
	    problem, "@type", json_string("RequestError"));
	(void)json_object_set(
	    problem, "requestId", json_is_string(id) ? id : json_null());
	put_object(s, c, problem);
}

static void
enable_pushes(struct socket *s, struct net_conn *c, json_t *root,
    const struct jmap_request *q)
{
	const char *mark = json_string_value(
	    json_object_get(root, "pushState"));
	struct net_handle wake = net_handle_of(c);
	struct pst_error err = { 0 };
	unsigned types;

	if (!jmap_type_bits(json_object_get(root, "dataTypes"), &types)) {
		put_error(s, c, root,
		    jmap_problem("notRequest", 400,
			"\"dataTypes\" is a list of names, or null."));
		return;
	}
	s->states.types = types;
	if (s->states.catalog == NULL &&
	    jmap_states_open(&s->states, q->sv->store, q->user, q->account,
		types, &wake, &err) != PST_OK) {
		log_failure(PST_LOG_ERROR, q->conn, "jmap", &err);
		put_error(s, c, root,
		    jmap_problem(NULL, 503, "The mail cannot be opened."));
		return;
	}
	if (mark != NULL)
		put_change(s, c, jmap_states_since(&s->states, mark));
}

/* --- requests --------------------------------------------------------------
 */

static void
run_request(
    struct socket *s, struct net_conn *c, json_t *root, struct jmap_request *q)
{
	json_t *problem, *response = jmap_respond(q, root, &problem);
	json_t *id = json_object_get(root, "id");

	if (response == NULL) {
		put_error(s, c, root, problem);
		return;
	}
	(void)json_object_set_new(response, "@type", json_string("Response"));
	if (json_is_string(id))
		(void)json_object_set(response, "requestId", id);
	put_object(s, c, response);
}

static void
run_object(
    struct socket *s, struct net_conn *c, json_t *root, struct jmap_request *q)
{
	const char *type = json_string_value(json_object_get(root, "@type"));

	if (root == NULL)
		put_error(s, c, root,
		    jmap_problem("notJSON", 400, "That is no I-JSON."));
	else if (type != NULL && strcmp(type, "Request") == 0)
		run_request(s, c, root, q);
	else if (type != NULL && strcmp(type, "WebSocketPushEnable") == 0)
		enable_pushes(s, c, root, q);
	else if (type != NULL && strcmp(type, "WebSocketPushDisable") == 0)
		jmap_states_close(&s->states);
	else
		put_error(s, c, root,
		    jmap_problem(
			"notRequest", 400, "That is no JMAP request."));
}

/* Who they are is looked at with each message, as with each HTTP request. */
static void
run_message(struct socket *s, struct net_conn *c)
{
	struct jmap_request q = { .conn = net_id(c),
		.sv = net_context(c),
		.cfg = net_config(c),
		.who = &s->who };
	struct account_user user;
	json_t *root;

	root = json_loadb(s->message.p != NULL ? s->message.p : "",
	    s->message.n, JSON_REJECT_DUPLICATES, NULL);
	switch (http_credential_holds(
	    q.sv, s->who.user, s->who.word, true, &user)) {
	case AUTH_OK:
		q.user = &user;
		jmap_make_id("A", str_of(user.address), q.account);
		run_object(s, c, root, &q);
		break;
	case AUTH_TEMP:
		put_error(s, c, root,
		    jmap_problem(
			NULL, 503, "The accounts cannot be asked now."));
		break;
	case AUTH_FAILED:
	case AUTH_BLOCKED:
		put_close(s, c, WEBSOCKET_POLICY);
		break;
	}
	json_decref(root);
}

/* --- frames ----------------------------------------------------------------
 */

static void
answer_control(
    struct socket *s, struct net_conn *c, enum websocket_opcode opcode)
{
	const struct websocket *w = &s->reader;

	if (opcode == WEBSOCKET_CLOSE) {
		put_close(s, c, w->code);
	} else if (opcode == WEBSOCKET_PING) {
		(void)websocket_put_head(
		    net_output(c), WEBSOCKET_PONG, w->control_n);
		(void)buf_add(net_output(c), w->control, w->control_n);
	}
}

/* What has come, up to a message. False: there is no more. */
static bool
take_frames(struct socket *s, struct net_conn *c)
{
	struct pst_str in = net_input(c);
	enum websocket_opcode opcode;
	enum websocket_got got;
	size_t used;

	if (in.n == 0)
		return false;
	s->is_heard = true;
	if (s->began == 0)
		s->began = clock_monotonic();
	got = websocket_read(&s->reader, in, &s->message, &used, &opcode);
	net_consume(c, used);
	switch (got) {
	case WEBSOCKET_MORE:
		return true;
	case WEBSOCKET_ASKED:
		answer_control(s, c, opcode);
		return true;
	case WEBSOCKET_WRONG:
		put_close(s, c, s->reader.code);
		return true;
	case WEBSOCKET_WHOLE:
		break;
	}
	if (opcode == WEBSOCKET_TEXT)
		run_message(s, c);
	else
		put_close(s, c, WEBSOCKET_UNSUPPORTED);
	buf_fini(&s->message);
	s->began = 0;
	return true;
}

static enum net_next
on_input(void *arg, struct net_conn *c)
{
	struct socket *s = arg;

	for (int turn = 0; turn < TURNS; turn++) {
		if (!send_some(s, c))
			return NET_WRITE;
		if (s->is_closing) {
			net_consume(c, net_input(c).n);
			return NET_CLOSE;
		}
		/* Control frames have answers, too. */
		if (net_output_full(c))
			return NET_WRITE;
		if (!take_frames(s, c)) {
			if (s->reader.message == 0 && s->reader.head_n == 0)
				s->began = 0;
			return net_at_eof(c) ? NET_CLOSE : NET_READ;
		}
	}
	return NET_AGAIN;
}

static enum net_next
on_woken(void *arg, struct net_conn *c)
{
	struct socket *s = arg;

	if (s->states.catalog == NULL || s->sending != NULL ||
	    net_output_full(c))
		return NET_READ;
	put_change(s, c, jmap_states_take(&s->states));
	return on_input(s, c);
}

/* A message that does not come to its end. */
static bool
is_stuck(const struct socket *s, const struct config *cfg)
{
	return s->began != 0 && clock_monotonic() - s->began >
				    cfg->http.body_time * INT64_C(1000000);
}

static enum net_next
on_timer(void *arg, struct net_conn *c)
{
	struct socket *s = arg;
	struct account_user user;

	bool holds = jmap_credential_holds(
	    &s->who, net_context(c), false, &user);

	/* Who does not read would keep what is sent, and stay, for ever. */
	if (s->sending != NULL) {
		bool moves = s->sent != s->sent_before;

		s->sent_before = s->sent;
		return holds && moves ? NET_WRITE : NET_ABORT;
	}
	if (!holds || is_stuck(s, net_config(c)))
		put_close(s, c, WEBSOCKET_POLICY);
	else if (!s->is_heard)
		return NET_CLOSE; /* nor would it hear why */
	else
		(void)websocket_put_head(net_output(c), WEBSOCKET_PING, 0);
	s->is_heard = false;
	return on_input(s, c);
}

static void
on_stopping(void *arg, struct net_conn *c)
{
	put_close(arg, c, WEBSOCKET_AWAY);
}

void
jmap_run_websocket(struct http_request *h)
{
	struct socket *s = mem_alloc(sizeof(*s));
	const struct http_live live = { .woken = on_woken,
		.timer = on_timer,
		.input = on_input,
		.stopping = on_stopping,
		.close = close_socket,
		.arg = s,
		.seconds = http_config(h)->jmap.ping_time };

	s->is_heard = true;
	buf_init(&s->message, (size_t)http_config(h)->http.body_size);
	if (!jmap_credential_take(h, &s->who)) {
		close_socket(s);
		http_problem(h, 503, NULL, "The accounts cannot be asked now.");
		return;
	}
	if (!http_websocket(h, "jmap", &live)) {
		close_socket(s);
		return;
	}
	net_set_activity(http_conn(h), "websocket");
}
