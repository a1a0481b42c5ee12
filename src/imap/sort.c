/*
 * imap/sort.c - SORT and UID SORT (RFC 5256, 3), with RETURN (RFC 5267, 3):
 * a search, then a cursor that reads the keys of what was found, then the
 * answer.
 *
 * The order of a whole mailbox stays with it, so that the next one who wants
 * it finds it made.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/context.h"
#include "imap/message_limit.h"
#include "imap/progress.h"
#include "imap/scan.h"
#include "imap/sort_keys.h"
#include <stdlib.h>

enum {
	KEYS_MAX = 512 << 20, /* octets of all keys together */
	NAME_MAX_OCTETS = 1024,
};

struct entry {
	uint64_t head; /* the first octets of the key */
	struct pst_str key;
	uint32_t seq;
	uint8_t score;
};

struct sorting {
	struct imap_scan scan;
	struct imap_sort sort;
	struct imap_results results;
	struct arena *keys;
	struct buf key;
	struct entry *entry;
	size_t n;
	uint32_t *seq; /* in order */
	uint8_t *score;
	struct imap_context *context; /* that UPDATE asks for */
};

static void
cleanup(struct imap_session *s)
{
	struct sorting *so = s->run->state;

	imap_scan_fini(&so->scan);
	imap_context_free(&so->context);
	arena_free(&so->keys);
	buf_fini(&so->key);
	free(so->entry);
	free(so->seq);
	free(so->score);
}

static enum imap_step
tell(struct imap_session *s)
{
	struct sorting *so = s->run->state;
	enum imap_step step = imap_results_more(s, &so->results);

	return step == IMAP_NEXT ? imap_ok(s, "Sort completed") : step;
}

static uint64_t
head_of(struct pst_str key)
{
	unsigned char first[8] = { 0 };
	uint64_t head = 0;

	memcpy(first, key.p, key.n < sizeof(first) ? key.n : sizeof(first));
	for (size_t i = 0; i < sizeof(first); i++)
		head = head << 8 | first[i];
	return head;
}

static int
compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int order;

	/* Most differ there, and it is at hand. */
	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	order = n > 0 ? memcmp(x->key.p, y->key.p, n) : 0;
	if (order != 0)
		return order;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Answers when all is in order. */
static enum imap_step
answer(struct imap_session *s)
{
	struct sorting *so = s->run->state;
	struct imap_results *r = &so->results;

	r->seq = so->seq;
	r->score = so->score;
	r->n = so->n;
	if (so->scan.program.has_modseq)
		imap_results_find_modseq(r);
	if ((r->ret.options & IMAP_RETURN_SAVE) && !imap_results_save(s, r))
		return imap_no(s, "[NOTSAVED] Too many results");
	imap_context_begin(s, &so->context, r);
	s->run->resume = tell;
	return IMAP_NEXT;
}

/* An order by something else than the message itself is of this command. */
static bool
is_lasting(const struct sorting *so)
{
	return !so->sort.by_score && so->context == NULL;
}

/* The order of a whole mailbox is kept. */
static void
keep_order(struct sorting *so)
{
	struct buf name;

	if (!is_lasting(so) || so->n == 0 || so->n != view_count(so->scan.view))
		return;
	buf_init(&name, NAME_MAX_OCTETS);
	imap_sort_name(&so->sort, &name);
	if (!name.overflow)
		view_order_keep(so->scan.view, name.p, so->seq);
	buf_fini(&name);
}

/* False: it was not kept, or not for these messages. */
static bool
take_order(struct sorting *so)
{
	struct imap_scan *sc = &so->scan;
	struct buf name;
	bool ok;

	/* How well each matches is of this search: RETURN (RELEVANCY). */
	if (!is_lasting(so) || sc->score != NULL || sc->n == 0)
		return false;
	buf_init(&name, NAME_MAX_OCTETS);
	imap_sort_name(&so->sort, &name);
	so->seq = mem_array(sc->n, sizeof(*so->seq));
	so->score = mem_array(sc->n, 1);
	ok = !name.overflow &&
	     view_order_apply(sc->view, name.p, sc->seq, sc->n, so->seq);
	buf_fini(&name);
	if (!ok) {
		free(so->seq);
		free(so->score);
		so->seq = NULL;
		so->score = NULL;
		return false;
	}
	memset(so->score, 100, sc->n);
	so->n = sc->n;
	return true;
}

static enum imap_step
put_in_order(struct imap_session *s)
{
	struct sorting *so = s->run->state;

	if (so->n > 0)
		qsort(so->entry, so->n, sizeof(*so->entry), compare);
	so->seq = mem_array(so->n, sizeof(*so->seq));
	so->score = mem_array(so->n, 1);
	for (size_t i = 0; i < so->n; i++) {
		so->seq[i] = so->entry[i].seq;
		so->score[i] = so->entry[i].score;
		if (so->context != NULL)
			imap_context_add_sorted(so->context,
			    view_uid(so->scan.view, so->entry[i].seq),
			    so->entry[i].key);
	}
	arena_free(&so->keys);
	free(so->entry);
	so->entry = NULL;
	keep_order(so);
	return answer(s);
}

/* False: there is no room for more keys. */
static bool
read_key(
    struct sorting *so, uint32_t seq, const struct pst_row *row, uint8_t score)
{
	struct imap_search_message *m = &so->scan.m;
	struct entry *e = &so->entry[so->n];
	struct imap_facts facts;

	arena_reset(m->scratch);
	if (!imap_facts_read(m, so->sort.facts, m->scratch, &facts))
		return true;
	buf_clear(&so->key);
	imap_sort_put_key(&so->sort, row, &facts, score, &so->key);
	e->key = arena_copy(so->keys, buf_str(&so->key));
	if (e->key.p == NULL)
		return false;
	e->head = head_of(e->key);
	e->seq = seq;
	e->score = score;
	so->n++;
	return true;
}

static enum imap_step
read_keys(struct imap_session *s)
{
	struct sorting *so = s->run->state;
	const struct imap_scan *sc = &so->scan;
	int64_t started = clock_monotonic();
	struct pst_row row;
	uint32_t seq;
	size_t i;

	while (imap_scan_next_found(&so->scan, &seq, &row, &i)) {
		uint8_t score = sc->score != NULL ? sc->score[i] : 100;

		if (!read_key(so, seq, &row, score)) {
			enum imap_step step = imap_no(
			    s, "[LIMIT] Too much to be sorted");

			imap_results_refused(s, &so->results.ret);
			return step;
		}
		if (i % 16 == 15 && imap_slice_over(started)) {
			imap_in_progress(s, i + 1, sc->n);
			return IMAP_TURN;
		}
	}
	imap_search_message_set(&so->scan.m, 0, &(struct pst_row){ 0 });
	return put_in_order(s);
}

static enum imap_step
search(struct imap_session *s)
{
	struct sorting *so = s->run->state;

	if (!imap_scan_more(&so->scan))
		return imap_scan_turn(s, &so->scan);
	if (imap_message_limit(s) > 0 && so->scan.n > imap_message_limit(s)) {
		enum imap_step step = imap_over_limit(s, 0);

		imap_results_refused(s, &so->results.ret);
		return step;
	}
	if (take_order(so))
		return answer(s);
	so->entry = mem_array(so->scan.n, sizeof(*so->entry));
	s->run->resume = read_keys;
	return IMAP_NEXT;
}

enum imap_step
imap_sort(struct imap_session *s, struct imap_parser *ps)
{
	struct sorting *so = imap_alloc(s, sizeof(*so));
	struct imap_results *r = &so->results;
	struct imap_context_wish wish = { .has_charset = true,
		.sort = &so->sort };
	enum imap_step step;

	imap_scan_init(&so->scan, s->view, net_config(s->c));
	so->keys = arena_new(KEYS_MAX);
	buf_init(&so->key, 1 << 20);
	s->run->state = so;
	s->run->cleanup = cleanup;
	r->word = "SORT";
	r->view = s->view;
	r->uid = s->run->def->traits & IMAP_UID;
	if (!imap_space(ps) || !imap_search_return_parse(ps, &r->ret) ||
	    !imap_sort_parse(ps, &so->sort) || !imap_space(ps))
		return imap_bad_arguments(s, ps);
	wish.atts = r->ret.update_atts;
	wish.text = str_n(ps->p, (size_t)(ps->end - ps->p));
	wish.uid = r->uid;
	if (!imap_scan_parse(s, ps, true, &so->scan, &step) ||
	    !imap_scan_check(s, &so->scan, &r->ret, so->sort.by_score, &step) ||
	    ((r->ret.options & IMAP_RETURN_UPDATE) &&
		!imap_context_new(s, &wish, &so->context, &step))) {
		imap_results_refused(s, &r->ret);
		return step;
	}
	imap_scan_start(&so->scan, NULL);
	s->run->resume = search;
	return IMAP_NEXT;
}
