/*
 * text_search.c - what the full-text index answers; see fulltext.h.
 *
 * The terms of a segment lie in one run of memory, divided by NULs: terms that
 * contain a piece of the needle are found by memmem(), those that start or end
 * with it by adding the NUL. That is fast enough for any vocabulary, and what
 * makes answers about parts of words exact.
 */
#include "localindex/fulltext.h"

#include "localindex/terms.h"
#include "localindex/text_dir.h"
#include <errno.h>
#include <stdlib.h>

enum { TRIES = 3, PATTERN_MAX = LI_TERM_MAX + 2 };

struct answer {
	uint32_t uid;
	enum pst_text_answer answer;
};

struct search {
	const struct li_plan *plan;
	bool is_empty; /* the needle: in all of them */
	unsigned where;
	struct answer *answer;
	size_t n, cap;
	bool sorted;
};

/* The messages of a segment that have a piece. */
struct having {
	unsigned char *doc; /* how many pieces they had so far */
	unsigned char round;
	unsigned where;
};

static void
note_doc(void *arg, uint32_t doc, unsigned where)
{
	struct having *h = arg;

	if ((where & h->where) != 0 && h->doc[doc] == h->round)
		h->doc[doc]++;
}

static size_t
pattern_of(const struct li_piece *piece, char pattern_r[PATTERN_MAX])
{
	size_t n = 0;

	if (piece->how == LI_STARTS || piece->how == LI_IS)
		pattern_r[n++] = '\0';
	memcpy(pattern_r + n, piece->text.p, piece->text.n);
	n += piece->text.n;
	if (piece->how == LI_ENDS || piece->how == LI_IS)
		pattern_r[n++] = '\0';
	return n;
}

/* Counts the messages that have this piece and had all before it. False: the
 * segment is damaged. */
static bool
find_piece(struct li_segment *s, const struct li_piece *piece, struct having *h)
{
	char pattern[PATTERN_MAX];
	size_t n = pattern_of(piece, pattern);
	const char *at = s->text, *end = s->text + s->head.text;
	struct li_cursor c;

	li_cursor_begin(s, &c);
	while ((at = memmem(at, (size_t)(end - at), pattern, n)) != NULL) {
		/* Of the term, not of the NUL before it. */
		size_t inside = (size_t)(at - s->text) + (*pattern == '\0');

		if (!li_cursor_skip(s, &c, inside) ||
		    !li_segment_docs(s, &c, note_doc, h))
			return false;
		at = c.term + c.n;
	}
	return true;
}

static void
add_answer(struct search *se, uint32_t uid, enum pst_text_answer answer)
{
	if (se->n == se->cap) {
		se->cap = se->cap * 2 + 1024;
		se->answer = li_more(se->answer, se->cap, sizeof(*se->answer));
	}
	if (se->n > 0 && se->answer[se->n - 1].uid >= uid)
		se->sorted = false;
	se->answer[se->n++] = (struct answer){ uid, answer };
}

static enum pst_text_answer
answer_of(const struct search *se, bool has_all, bool is_partial)
{
	if (se->is_empty)
		return PST_TEXT_YES;
	if (has_all)
		return se->plan->is_exact ? PST_TEXT_YES : PST_TEXT_MAYBE;
	return is_partial ? PST_TEXT_MAYBE : PST_TEXT_NO;
}

static bool
ask_segment(struct search *se, struct li_segment *s)
{
	struct having h = { .where = se->where };
	bool ok = true;

	h.doc = li_memory(s->head.docs);
	for (size_t i = 0; ok && i < se->plan->n; i++) {
		ok = find_piece(s, &se->plan->piece[i], &h);
		h.round++;
	}
	for (uint32_t i = 0; ok && i < s->head.docs; i++)
		add_answer(se, s->uid[i],
		    answer_of(se, h.doc[i] == h.round, s->partial[i] != 0));
	free(h.doc);
	return ok;
}

static int
compare_answers(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The same message may be in two segments after a crash. */
static void
tell(struct search *se, pst_text_fn fn, void *arg)
{
	if (!se->sorted && se->n > 1)
		qsort(se->answer, se->n, sizeof(*se->answer), compare_answers);
	for (size_t i = 0; i < se->n; i++) {
		enum pst_text_answer answer = se->answer[i].answer;
		uint32_t uid = se->answer[i].uid;

		while (i + 1 < se->n && se->answer[i + 1].uid == uid)
			if (se->answer[++i].answer != answer)
				answer = PST_TEXT_MAYBE;
		fn(arg, uid, answer);
	}
}

/* False: a file vanished meanwhile, since others were merged. */
static bool
ask_all(
    const struct li_text_box *b, const struct li_text_dir *d, struct search *se)
{
	bool complete = true;

	se->n = 0;
	se->sorted = true;
	for (size_t i = 0; i < d->n; i++) {
		struct li_segment s;
		int e = li_text_open(b, d, &d->file[i], false, &s);

		if (e == ENOENT)
			complete = false;
		if (e != 0)
			continue;
		if (!ask_segment(se, &s))
			li_text_damaged(b, d, &d->file[i]);
		li_segment_close(&s);
	}
	return complete;
}

enum pst_rc
li_text_search(const struct li_text_box *b, struct pst_str needle, bool headers,
    pst_text_fn fn, void *arg, struct pst_error *err)
{
	struct li_plan plan;
	struct search se = { .plan = &plan,
		.is_empty = needle.n == 0,
		.where = headers ? LI_IN_HEADER | LI_IN_BODY : LI_IN_BODY };
	bool complete = false;
	int e = 0;

	li_plan(needle, &plan);
	for (int i = 0; i < TRIES && !complete; i++) {
		struct li_text_dir d;

		e = li_text_dir_open(&d, b->dirfd, false);
		if (e != 0)
			break;
		complete = ask_all(b, &d, &se);
		li_text_dir_close(&d);
	}
	if (e == 0)
		tell(&se, fn, arg);
	free(se.answer);
	return e == 0 ? PST_OK : li_text_fail(b, err, e, "reading");
}

enum pst_rc
li_text_state(const struct li_text_box *b, struct pst_text_state *state_r,
    struct pst_error *err)
{
	struct li_text_dir d;
	int e = li_text_dir_open(&d, b->dirfd, false);

	*state_r = (struct pst_text_state){ 0 };
	if (e != 0)
		return li_text_fail(b, err, e, "reading");
	for (size_t i = 0; i < d.n; i++) {
		struct li_segment s;

		state_r->bytes += d.file[i].size;
		if (li_text_peek(b, &d, &d.file[i], false, &s) != 0)
			continue;
		state_r->messages += s.head.docs;
		li_segment_close(&s);
	}
	li_text_dir_close(&d);
	return PST_OK;
}
