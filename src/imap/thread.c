/*
 * imap/thread.c - THREAD and UID THREAD (RFC 5256, 3 and 4): a search, then a
 * cursor that reads headers, then one over the threads.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/message_limit.h"
#include "imap/progress.h"
#include "imap/scan.h"
#include "imap/thread_tree.h"

struct threading {
	struct imap_scan scan;
	enum imap_thread_algorithm alg;
	struct imap_thread_tree *tree;
	/* The node that is written next, or left when all below is written. */
	uint32_t node;
	bool leaves;
};

static void
cleanup(struct imap_session *s)
{
	struct threading *th = s->run->state;

	imap_scan_fini(&th->scan);
	imap_thread_free(&th->tree);
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
enter(struct threading *th, struct buf *out)
{
	const struct imap_thread_node *n = imap_thread_node(th->tree, th->node);
	const struct imap_thread_node *up = imap_thread_node(
	    th->tree, n->parent);

	/* Behind the parent's number, or behind "THREAD". */
	if (up->child == th->node && (n->parent == 0 || up->number != 0))
		(void)buf_putc(out, ' ');
	if (has_own_list(th->tree, th->node))
		(void)buf_putc(out, '(');
	if (n->number != 0)
		(void)buf_put_u64(out, n->number);
	if (n->child != 0)
		th->node = n->child;
	else
		th->leaves = true;
}

static void
leave(struct threading *th, struct buf *out)
{
	const struct imap_thread_node *n = imap_thread_node(th->tree, th->node);

	if (has_own_list(th->tree, th->node))
		(void)buf_putc(out, ')');
	th->leaves = n->next == 0;
	th->node = n->next != 0 ? n->next : n->parent;
}

static enum imap_step
tell(struct imap_session *s)
{
	struct threading *th = s->run->state;
	struct buf *out = imap_out(s);

	while (th->node != 0) {
		if (th->leaves)
			leave(th, out);
		else
			enter(th, out);
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
	(void)buf_puts(out, "\r\n");
	return imap_ok(s, "Thread completed");
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
	bool uid = s->run->def->traits & IMAP_UID;
	int64_t started = clock_monotonic();
	struct pst_row row;
	uint32_t seq;
	size_t i;

	while (imap_scan_next_found(&th->scan, &seq, &row, &i)) {
		struct imap_facts facts;

		arena_reset(m->scratch);
		if (imap_facts_read(
			m, imap_thread_facts(th->alg), m->scratch, &facts) &&
		    !imap_thread_add(th->tree, uid ? row.uid : seq, &facts))
			return too_much(s);
		if (i % 16 == 15 && imap_slice_over(started)) {
			imap_in_progress(s, i + 1, th->scan.n);
			return IMAP_TURN;
		}
	}
	imap_search_message_set(m, 0, &(struct pst_row){ 0 });
	if (!imap_thread_finish(th->tree))
		return too_much(s);
	th->node = imap_thread_node(th->tree, 0)->child;
	(void)buf_puts(imap_out(s), "* THREAD");
	s->run->resume = tell;
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
	th->tree = imap_thread_new(th->alg);
	s->run->resume = read_more;
	return IMAP_NEXT;
}

static bool
parse_algorithm(struct imap_parser *ps, enum imap_thread_algorithm *out)
{
	static const struct {
		const char *name;
		enum imap_thread_algorithm alg;
	} algorithms[] = {
		{ "ORDEREDSUBJECT", IMAP_THREAD_ORDEREDSUBJECT },
		{ "REFERENCES", IMAP_THREAD_REFERENCES },
		{ "REFS", IMAP_THREAD_REFS },
	};
	struct pst_str name;

	if (!imap_atom(ps, &name))
		return false;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]);
	     i++) {
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
