/*
 * jmap/events.c - the event source (RFC 8620, 7.3): a connection that tells of
 * new states as they come.
 */
#include "base/log.h"
#include "base/str.h"
#include "jmap/parts.h"
#include "jmap/states.h"

#include <stdlib.h>

enum {
	PING_LEAST = 30, /* seconds (7.3) */
	PING_MOST = 900,
	PING_NONE = 120, /* looks whether the client is still there */
};

struct stream {
	struct jmap_states states;
	struct jmap_credential who;
	bool ends_after_state, is_over, pings;
	int64_t interval;
};

static void
close_stream(void *arg)
{
	struct stream *s = arg;

	jmap_states_close(&s->states);
	free(s);
}

/* --- the connection --------------------------------------------------------
 */

/* The id, with which clients come back, is that of all states (7.3). */
static enum net_next
put_change(struct stream *s, struct net_conn *c, json_t *change)
{
	char *text;

	if (change != NULL) {
		text = json_dumps(change, JSON_COMPACT);
		(void)buf_printf(net_output(c),
		    "event: state\ndata: %s\nid: %s\n\n", text, s->states.mark);
		free(text);
		json_decref(change);
		s->is_over = s->ends_after_state;
	}
	return s->is_over ? NET_CLOSE : NET_READ;
}

static enum net_next
on_woken(void *arg, struct net_conn *c)
{
	struct stream *s = arg;

	/* Who does not read hears of it all at once later. */
	if (s->is_over || net_output_full(c))
		return s->is_over ? NET_CLOSE : NET_READ;
	return put_change(s, c, jmap_states_take(&s->states));
}

static enum net_next
on_timer(void *arg, struct net_conn *c)
{
	struct stream *s = arg;
	struct account_user user;

	if (!jmap_credential_holds(&s->who, net_context(c), false, &user))
		return NET_CLOSE;
	if (net_output_full(c))
		return NET_READ;
	if (s->pings)
		(void)buf_printf(net_output(c),
		    "event: ping\ndata: {\"interval\":%lld}\n\n",
		    (long long)s->interval);
	else
		(void)buf_puts(net_output(c), ":\n\n");
	return on_woken(arg, c);
}

/* --- the request -----------------------------------------------------------
 */

static unsigned
read_types(struct pst_str types)
{
	unsigned bits = 0;
	struct pst_str one;

	if (str_is(types, "*") || types.n == 0)
		return JMAP_TYPES_ALL;
	while (str_split(&types, ',', &one))
		bits |= jmap_type_bit(one);
	return bits;
}

static unsigned
read_query(struct stream *s, struct pst_str query)
{
	struct buf value;
	uint64_t ping = 0;
	unsigned types;

	buf_init(&value, 1024);
	(void)http_query_get(query, "types", &value);
	types = read_types(buf_str(&value));
	buf_clear(&value);
	if (http_query_get(query, "closeafter", &value))
		s->ends_after_state = str_is(buf_str(&value), "state");
	buf_clear(&value);
	if (http_query_get(query, "ping", &value))
		(void)str_to_u64(buf_str(&value), &ping);
	s->pings = ping > 0;
	s->interval = !s->pings		  ? PING_NONE
		      : ping < PING_LEAST ? PING_LEAST
		      : ping > PING_MOST  ? PING_MOST
					  : (int64_t)ping;
	buf_fini(&value);
	return types;
}

/* Who comes back hears at once of what was missed. */
static json_t *
missed(struct stream *s, const struct http_request *h)
{
	struct pst_str last = http_head_field(
	    http_asked(h)->head, "Last-Event-ID");
	char mark[JMAP_ID];

	return last.n > 0 && str_copy(mark, sizeof(mark), last)
		   ? jmap_states_since(&s->states, mark)
		   : NULL;
}

void
jmap_run_events(struct http_request *h)
{
	struct stream *s = mem_alloc(sizeof(*s));
	struct net_handle wake = net_handle_of(http_conn(h));
	unsigned types = read_query(s, http_asked(h)->query);
	struct pst_error err = { .rc = PST_E_TEMP };
	struct jmap_request q;
	struct http_live live = { .woken = on_woken,
		.timer = on_timer,
		.close = close_stream,
		.arg = s };
	json_t *change;

	jmap_request_init(&q, h);
	if (!jmap_credential_take(h, &s->who) ||
	    jmap_states_open(&s->states, q.sv->store, q.user, q.account, types,
		&wake, &err) != PST_OK) {
		log_failure(PST_LOG_ERROR, q.conn, "jmap", &err);
		close_stream(s);
		http_problem(h, 503, NULL, "The mail cannot be opened.");
		return;
	}
	change = missed(s, h);
	live.seconds = s->interval;
	http_add(h, "Cache-Control", "no-store");
	http_live(h, "text/event-stream", &live);
	/* What is over after that ends when it is woken. */
	if (put_change(s, http_conn(h), change) == NET_CLOSE)
		net_wake(wake);
}
