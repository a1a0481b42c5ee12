/*
 * net/trace.c - the window into live conversations.
 *
 * Without a watcher this costs one comparison a turn. Server output is cut into
 * lines as it is sent; the octets of literals ({n} at a line's end, RFC 3501,
 * 4.3) are counted and not shown.
 */
#include "net/priv.h"

#include "base/clock.h"
#include "base/str.h"
#include <stdlib.h>
#include <time.h>

enum { SHOWN = 200 };

static bool
matches(const struct net_tracer *t, const struct net_conn *c)
{
	char id[24];

	if (t->filter[0] == '\0' || strcmp(t->filter, c->peer) == 0 ||
	    (c->user != NULL &&
		str_eq_case(str_of(t->filter), str_of(c->user))))
		return true;
	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)c->id);
	return strcmp(t->filter, id) == 0;
}

void
trace_refresh(struct net_conn *c)
{
	struct net *n = c->net;

	bool before = c->traced;

	c->trace_generation = atomic_load(&n->trace_generation);
	c->traced = false;
	pthread_rwlock_rdlock(&n->trace_lock);
	for (size_t i = 0; i < TRACERS_MAX; i++)
		if (n->tracer[i] != NULL && matches(n->tracer[i], c))
			c->traced = true;
	pthread_rwlock_unlock(&n->trace_lock);
	if (c->traced && !before) {
		c->trace_literal = 0;
		c->trace_tail_n = 0;
		c->trace_late = false;
	}
}

/* In the middle of an answer nobody knows whether a literal, and so a message's
 * content, goes on: what comes up to its end is not shown. */
void
trace_begin(struct net_conn *c)
{
	bool before = c->traced;

	trace_refresh(c);
	if (c->traced && !before)
		c->trace_late = c->out.n > c->out_at || c->last == NET_WRITE ||
				c->last == NET_AGAIN;
}

static void
put_start(struct buf *b, const struct net_conn *c, const char *side)
{
	int64_t now = clock_now();
	time_t seconds = (time_t)(now / 1000000);
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)buf_printf(b,
	    "%04d-%02d-%02d %02d:%02d:%02d.%03d #%llu %s %s %s: ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)(now / 1000 % 1000), (unsigned long long)c->id,
	    c->protocol->name, c->user != NULL ? c->user : c->peer, side);
}

static void
emit(struct net_conn *c, const char *side, struct pst_str line)
{
	struct net *n = c->net;
	struct buf b;

	buf_init(&b, 4096);
	put_start(&b, c, side);
	for (size_t i = 0; i < line.n && i < SHOWN; i++) {
		unsigned char ch = (unsigned char)line.p[i];

		if (ch < 0x20 || ch == 0x7f)
			(void)buf_printf(&b, "\\x%02x", ch);
		else
			(void)buf_putc(&b, (char)ch);
	}
	if (line.n > SHOWN)
		(void)buf_printf(&b, "... (%zu octets)", line.n);
	pthread_rwlock_rdlock(&n->trace_lock);
	for (size_t i = 0; i < TRACERS_MAX; i++)
		if (n->tracer[i] != NULL && matches(n->tracer[i], c))
			n->tracer[i]->fn(n->tracer[i]->arg, buf_str(&b));
	pthread_rwlock_unlock(&n->trace_lock);
	buf_fini(&b);
}

void
net_trace_client(struct net_conn *c, struct pst_str line)
{
	if (c->traced)
		emit(c, "C", line);
}

/* The size of the literal that `line` announces at its end, or 0. */
static uint64_t
literal_of(struct pst_str line)
{
	size_t open = line.n;
	uint64_t size;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return 0;
	while (open > 0 && line.p[open - 1] != '{')
		open--;
	return open > 0 && str_to_u64(
			       str_n(line.p + open, line.n - open - 1), &size)
		   ? size
		   : 0;
}

/* Lines are sent in pieces: the end of what has gone of this one is kept, as
 * much as the announcement of a literal needs. */
static void
keep_tail(struct net_conn *c, struct pst_str piece)
{
	size_t room = sizeof(c->trace_tail);
	size_t keep = piece.n < room ? room - piece.n : 0;

	if (piece.n > room)
		piece = str_from(piece, piece.n - room);
	if (keep > c->trace_tail_n)
		keep = c->trace_tail_n;
	memmove(c->trace_tail, c->trace_tail + c->trace_tail_n - keep, keep);
	memcpy(c->trace_tail + keep, piece.p, piece.n);
	c->trace_tail_n = keep + piece.n;
}

static void
end_of_line(struct net_conn *c)
{
	struct pst_str tail = str_n(c->trace_tail, c->trace_tail_n);

	if (tail.n > 0 && tail.p[tail.n - 1] == '\r')
		tail.n--;
	c->trace_literal = literal_of(tail);
	c->trace_tail_n = 0;
}

void
trace_server(struct net_conn *c, struct pst_str sent)
{
	if (c->trace_late) {
		c->trace_late = c->last == NET_WRITE || c->last == NET_AGAIN ||
				c->out.n > c->out_at + sent.n;
		return;
	}
	while (sent.n > 0) {
		bool is_rest = c->trace_tail_n > 0;
		struct pst_str line;
		size_t end;

		if (c->trace_literal > 0) {
			size_t skip = c->trace_literal < sent.n
					  ? (size_t)c->trace_literal
					  : sent.n;
			char text[48];

			(void)snprintf(
			    text, sizeof(text), "[literal, %zu octets]", skip);
			emit(c, "S", str_of(text));
			c->trace_literal -= skip;
			sent = str_from(sent, skip);
			continue;
		}
		end = str_find(sent, '\n');
		line = str_first(sent, end);
		keep_tail(c, line);
		if (end < sent.n)
			end_of_line(c);
		sent = str_from(sent, end + 1);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n > 0 || !is_rest)
			emit(c, "S", c->trace_hidden ? STR("(hidden)") : line);
	}
}

struct net_tracer *
net_trace_start(struct net *n, const char *filter,
    void (*fn)(void *arg, struct pst_str line), void *arg)
{
	struct net_tracer *t = mem_alloc(sizeof(*t));
	bool placed = false;

	t->net = n;
	t->fn = fn;
	t->arg = arg;
	(void)str_copy(t->filter, sizeof(t->filter), str_of(filter));
	pthread_rwlock_wrlock(&n->trace_lock);
	for (size_t i = 0; i < TRACERS_MAX && !placed; i++)
		if (n->tracer[i] == NULL) {
			n->tracer[i] = t;
			placed = true;
		}
	pthread_rwlock_unlock(&n->trace_lock);
	if (!placed) {
		free(t);
		return NULL;
	}
	atomic_fetch_add(&n->trace_generation, 1);
	return t;
}

void
net_trace_stop(struct net_tracer **tp)
{
	struct net_tracer *t = *tp;
	struct net *n;

	if (t == NULL)
		return;
	n = t->net;
	pthread_rwlock_wrlock(&n->trace_lock);
	for (size_t i = 0; i < TRACERS_MAX; i++)
		if (n->tracer[i] == t)
			n->tracer[i] = NULL;
	pthread_rwlock_unlock(&n->trace_lock);
	atomic_fetch_add(&n->trace_generation, 1);
	free(t);
	*tp = NULL;
}
