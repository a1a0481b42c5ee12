/*
 * imap/thread.c - THREAD and UID THREAD (RFC 5256, 3 and 4): a search, then a
 * cursor that reads headers, then one over the threads as they are written.
 *
 * The threads of a whole mailbox stay with it, for the next one who wants them.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/message_limit.h"
#include "imap/progress.h"
#include "imap/scan.h"
#include "imap/thread_tree.h"
#include <stdlib.h>

/* What is written besides sequence numbers. */
enum { OPEN = 0 };
#define SPACE (UINT32_MAX - 1)
#define CLOSE UINT32_MAX

struct threading {
	struct imap_scan scan;
	enum imap_thread_algorithm alg;
	struct imap_thread_tree *tree;
	/* The node that is written next, or left when all below is written. */
	uint32_t node;
	bool leaves;
	/* The answer. */
	uint32_t *token;
	size_t tokens, cap, told;
	size_t added; /* messages in the tree */
};

static void
cleanup(struct imap_session *s)
{
	struct threading *th = s->run->state;

	imap_scan_fini(&th->scan);
	imap_thread_free(&th->tree);
	free(th->token);
}

static const struct {
	const char *name;
	enum imap_thread_algorithm alg;
} algorithms[] = {
	{ "ORDEREDSUBJECT", IMAP_THREAD_ORDEREDSUBJECT },
	{ "REFERENCES", IMAP_THREAD_REFERENCES },
	{ "REFS", IMAP_THREAD_REFS },
};
enum { ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]) };

/* What the threads of a mailbox are kept as. */
static const char *
kept_name(enum imap_thread_algorithm alg)
{
	size_t i = 0;

	while (algorithms[i].alg != alg)
		i++;
	return algorithms[i].name;
}

/* --- writing
 * ------------------------------------------------------------------ */

/* The only child goes on in its parent's list; all others have their own. */
static bool
has_own_list(const struct imap_thread_tree *t, uint32_t i)
{
	const struct imap_thread_node *n = imap_thread_node(t, i);

	return n->parent == 0 || n->next != 0 ||
	       imap_thread_node(t, n->parent)->child != i;
}

static void
put(struct threading *th, uint32_t token)
{
	mem_grow(&th->token, &th->cap, th->tokens + 1, sizeof(*th->token));
	th->token[th->tokens++] = token;
}

static void
enter(struct threading *th)
{
	const struct imap_thread_node *n = imap_thread_node(th->tree, th->node);
	const struct imap_thread_node *up = imap_thread_node(
	    th->tree, n->parent);

	/* Behind the parent's number, or behind "THREAD". */
	if (up->child == th->node && (n->parent == 0 || up->number != 0))
		put(th, SPACE);
	if (has_own_list(th->tree, th->node))
		put(th, OPEN);
	if (n->number != 0)
		put(th, n->number);
	if (n->child != 0)
		th->node = n->child;
	else
		th->leaves = true;
}

static void
leave(struct threading *th)
{
	const struct imap_thread_node *n = imap_thread_node(th->tree, th->node);

	if (has_own_list(th->tree, th->node))
		put(th, CLOSE);
	th->leaves = n->next == 0;
	th->node = n->next != 0 ? n->next : n->parent;
}

static enum imap_step
tell(struct imap_session *s)
{
	struct threading *th = s->run->state;
	bool uid = s->run->def->traits & IMAP_UID;
	struct buf *out = imap_out(s);

	while (th->told < th->tokens) {
		uint32_t token = th->token[th->told++];

		if (token == OPEN)
			(void)buf_putc(out, '(');
		else if (token == CLOSE)
			(void)buf_putc(out, ')');
		else if (token == SPACE)
			(void)buf_putc(out, ' ');
		else
			(void)buf_put_u64(
			    out, uid ? view_uid(s->view, token) : token);
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
	(void)buf_puts(out, "\r\n");
	return imap_ok(s, "Thread completed");
}

static enum imap_step
begin_answer(struct imap_session *s)
{
	(void)buf_puts(imap_out(s), "* THREAD");
	s->run->resume = tell;
	return IMAP_NEXT;
}

/* The threads as a row of tokens. */
static enum imap_step
weave(struct imap_session *s)
{
	struct threading *th = s->run->state;
	int64_t started = clock_monotonic();

	for (unsigned n = 1; th->node != 0; n++) {
		if (th->leaves)
			leave(th);
		else
			enter(th);
		if (n % 1024 == 0 && imap_slice_over(started))
			return IMAP_TURN;
	}
	imap_thread_free(&th->tree);
	if (th->added > 0 && th->added == view_count(s->view))
		view_threads_keep(
		    s->view, kept_name(th->alg), th->token, th->tokens);
	return begin_answer(s);
}

/* --- reading
 * ------------------------------------------------------------------ */

static enum imap_step
too_much(struct imap_session *s)
{
	return imap_no(s, "[LIMIT] Too much to be threaded");
}

static enum imap_step
read_more(struct imap_session *s)
{
	struct threading *th = s->run->state;
	struct imap_search_message *m = &th->scan.m;
	int64_t started = clock_monotonic();
	struct pst_row row;
	uint32_t seq;
	size_t i;

	while (imap_scan_next_found(&th->scan, &seq, &row, &i)) {
		struct imap_facts facts;

		arena_reset(m->scratch);
		if (imap_facts_read(
			m, imap_thread_facts(th->alg), m->scratch, &facts)) {
			if (!imap_thread_add(th->tree, seq, &facts))
				return too_much(s);
			th->added++;
		}
		if (i % 16 == 15 && imap_slice_over(started)) {
			imap_in_progress(s, i + 1, th->scan.n);
			return IMAP_TURN;
		}
	}
	imap_search_message_set(m, 0, &(struct pst_row){ 0 });
	if (!imap_thread_finish(th->tree))
		return too_much(s);
	th->node = imap_thread_node(th->tree, 0)->child;
	s->run->resume = weave;
	return IMAP_NEXT;
}

static enum imap_step
search(struct imap_session *s)
{
	struct threading *th = s->run->state;

	if (!imap_scan_more(&th->scan))
		return imap_scan_turn(s, &th->scan);
	if (imap_message_limit(s) > 0 && th->scan.n > imap_message_limit(s))
		return imap_over_limit(s, 0);
	if (th->scan.n > 0 && th->scan.n == view_count(s->view))
		th->token = view_threads_copy(
		    s->view, kept_name(th->alg), &th->tokens);
	if (th->token != NULL)
		return begin_answer(s);
	th->tree = imap_thread_new(th->alg);
	s->run->resume = read_more;
	return IMAP_NEXT;
}

static bool
parse_algorithm(struct imap_parser *ps, enum imap_thread_algorithm *out)
{
	struct pst_str name;

	if (!imap_atom(ps, &name))
		return false;
	for (size_t i = 0; i < ALGORITHMS; i++) {
		*out = algorithms[i].alg;
		if (str_is_case(name, algorithms[i].name))
			return true;
	}
	return imap_bad(ps, "Unknown threading algorithm");
}

enum imap_step
imap_thread(struct imap_session *s, struct imap_parser *ps)
{
	struct threading *th = imap_alloc(s, sizeof(*th));
	enum imap_step step;

	imap_scan_init(&th->scan, s->view, net_config(s->c));
	s->run->state = th;
	s->run->cleanup = cleanup;
	if (!imap_space(ps) || !parse_algorithm(ps, &th->alg) ||
	    !imap_space(ps))
		return imap_bad_arguments(s, ps);
	if (!imap_scan_parse(s, ps, true, &th->scan, &step))
		return step;
	imap_scan_start(&th->scan, NULL);
	s->run->resume = search;
	return IMAP_NEXT;
}
