/*
 * request_connections.c - "connections", "kick" and "trace": looking at the
 * conversations and ending them.
 *
 * Traced lines come from workers, which must not wait: they go into a bounded
 * buffer, and what finds no room there is counted and told.
 */
#include "admin/control_priv.h"
#include "base/log.h"
#include "base/str.h"
#include <inttypes.h>
#include <stdlib.h>

/* --- connections ----------------------------------------------------------
 */

struct listing {
	struct admin_client *c;
	uint64_t left_out;
};

static void
list_one(void *arg, const struct net_info *i)
{
	struct listing *l = arg;
	json_t *item;

	item = json_pack("{s:I, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:I, s:I, "
			 "s:I}",
	    "id", (json_int_t)i->id, "protocol",
	    admin_json_text(str_of(i->protocol)), "listener",
	    admin_json_text(str_of(i->listener)), "peer",
	    admin_json_text(str_of(i->peer)), "port", i->peer_port, "user",
	    admin_json_text(str_of(i->user)), "activity",
	    admin_json_text(str_of(i->activity)), "tls",
	    admin_json_text(str_of(i->tls)), "since", (json_int_t)i->since,
	    "in", (json_int_t)i->octets_in, "out", (json_int_t)i->octets_out);
	if (!admin_item(l->c, item))
		l->left_out++;
}

void
admin_run_connections(struct admin_client *c, const json_t *request)
{
	struct listing l = { c, 0 };

	(void)request;
	net_each(c->host->net, list_one, &l);
	if (l.left_out > 0)
		admin_error(c, PST_E_LIMIT,
		    "%" PRIu64 " connections are left out of the list",
		    l.left_out);
	else
		admin_done(c);
}

/* --- kick -----------------------------------------------------------------
 */

struct ids {
	const char *user;
	uint64_t *id;
	size_t n, cap;
};

static void
collect_id(void *arg, const struct net_info *i)
{
	struct ids *ids = arg;

	if (i->user == NULL || strcmp(i->user, ids->user) != 0)
		return;
	mem_grow(&ids->id, &ids->cap, ids->n + 1, sizeof(*ids->id));
	ids->id[ids->n++] = i->id;
}

size_t
admin_kick_user(struct net *n, const char *address)
{
	struct ids ids = { .user = address };
	size_t count = 0;

	/* Not from the call back: it may run under the list's lock. */
	net_each(n, collect_id, &ids);
	for (size_t i = 0; i < ids.n; i++)
		if (net_kick(n, ids.id[i]))
			count++;
	free(ids.id);
	return count;
}

void
admin_run_kick(struct admin_client *c, const json_t *request)
{
	const char *who = admin_member(request, "who");
	char address[321];
	uint64_t id;
	size_t count = 0;

	if (who == NULL) {
		admin_error(
		    c, PST_E_SYNTAX, "kick needs a connection's id or a user");
		return;
	}
	if (str_to_u64(str_of(*who == '#' ? who + 1 : who), &id))
		count = net_kick(c->host->net, id) ? 1 : 0;
	else if (account_normalise(str_of(who), address))
		count = admin_kick_user(c->host->net, address);
	if (count == 0) {
		admin_error(c, PST_E_NOTFOUND, "no connection of %s", who);
		return;
	}
	log_event(PST_LOG_INFO, 0, "kick", "who", who, "by",
	    admin_member(request, "by"), NULL);
	(void)admin_item(c, json_pack("{s:I}", "closed", (json_int_t)count));
	admin_done(c);
}

/* --- trace ----------------------------------------------------------------
 */

/* From a worker: takes no longer than a copy. */
static void
trace_line(void *arg, struct pst_str line)
{
	struct admin_client *c = arg;
	bool was_empty;

	pthread_mutex_lock(&c->lock);
	was_empty = c->lines.n == 0;
	if (c->lines.max - c->lines.n > line.n) {
		(void)buf_add_str(&c->lines, line);
		(void)buf_putc(&c->lines, '\n');
	} else {
		c->lost++;
	}
	pthread_mutex_unlock(&c->lock);
	if (was_empty)
		admin_control_wake(c->control);
}

/* Moves the lines into `taken` and leaves an empty buffer for the workers. */
static uint64_t
take_lines(struct admin_client *c, struct buf *taken)
{
	uint64_t lost;

	pthread_mutex_lock(&c->lock);
	*taken = c->lines;
	buf_init(&c->lines, taken->max);
	lost = c->lost;
	c->lost = 0;
	pthread_mutex_unlock(&c->lock);
	return lost;
}

void
admin_trace_flush(struct admin_client *c)
{
	struct pst_str rest, line;
	struct buf taken;
	uint64_t lost;

	/* Lines wait there, and get lost there, until the client reads. */
	if (c->out.n > c->lines.max)
		return;
	lost = take_lines(c, &taken);
	rest = buf_str(&taken);
	while (str_split(&rest, '\n', &line))
		if (line.n > 0)
			(void)admin_put_line(&c->out,
			    json_pack("{s:o}", "line", admin_json_text(line)));
	if (lost > 0)
		(void)admin_put_line(
		    &c->out, json_pack("{s:I}", "lost", (json_int_t)lost));
	buf_fini(&taken);
}

void
admin_run_trace(struct admin_client *c, const json_t *request)
{
	const char *filter = admin_member(request, "filter");
	char address[321];

	if (filter == NULL)
		filter = "";
	else if (*filter == '#')
		filter++;
	else if (account_normalise(str_of(filter), address))
		filter = address;
	c->tracer = net_trace_start(c->host->net, filter, trace_line, c);
	if (c->tracer == NULL) {
		admin_error(
		    c, PST_E_LIMIT, "too many traces are running already");
		return;
	}
	log_event(PST_LOG_INFO, 0, "trace", "filter", filter, NULL);
	/* Tells the client that from now on nothing is missed. */
	(void)admin_item(c, json_pack("{s:b}", "tracing", 1));
}
