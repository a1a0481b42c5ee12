/*
 * sieve/body.c - the test `body` (RFC 5173).
 *
 * What is there of the message is looked at; parts beyond that are empty. A
 * part is decoded once for a run.
 */
#include "base/str.h"
#include "message/content.h"
#include "sieve/run.h"

struct walk {
	struct match *m;
	bool is_text;	      /* :text, else :content */
	struct strings types; /* of :content */
};

/* As much of the range as there is. */
static struct pst_str
range(const struct run *r, uint64_t start, uint64_t size)
{
	struct pst_str all = r->m->content;

	if (start >= all.n)
		return STR("");
	return str_first(str_n(all.p + start, all.n - (size_t)start),
	    size < all.n ? (size_t)size : all.n);
}

/* RFC 5173, 4: without an empty line there is no body at all. */
static bool
has_body(const struct run *r)
{
	const struct msg_part *root = r->m->msg->root;
	struct pst_str h = range(r, root->header_start, root->header_size);

	if (root->body_size > 0 || h.n < root->header_size)
		return true;
	while (h.n > 0 && h.p[h.n - 1] == '\n') {
		h.n -= h.n > 1 && h.p[h.n - 2] == '\r' ? 2 : 1;
		if (h.n == 0 || h.p[h.n - 1] == '\n')
			return true;
	}
	return false;
}

/* The decoded text of a part that has no parts of its own. */
static struct pst_str
text_of(struct run *r, const struct msg_part *part, bool stripped)
{
	struct pst_str raw = range(r, part->body_start, part->body_size);
	struct body_text **list = &r->bodies[(uintptr_t)part / 64 % BODY_LISTS];
	struct msg_decoder *d;
	struct body_text *b;

	for (b = *list; b != NULL; b = b->next)
		if (b->part == part && b->stripped == stripped)
			return buf_str(&b->text);
	if (!run_look(r, 4 * raw.n))
		return STR("");
	b = mem_alloc(sizeof(*b));
	b->part = part;
	b->stripped = stripped;
	b->next = *list;
	*list = b;
	buf_init(&b->text, BODIES_MAX - r->bodies_size);
	d = msg_decoder_new(part, true, stripped);
	while (raw.n > 16384 && !b->text.overflow) {
		(void)msg_decoder_feed(
		    d, str_first(raw, 16384), false, &b->text);
		raw = str_from(raw, 16384);
	}
	(void)msg_decoder_feed(d, raw, true, &b->text);
	msg_decoder_free(&d);
	r->bodies_size += b->text.n;
	return buf_str(&b->text);
}

/* RFC 5173, 5.2: "", "type" or "type/subtype". */
static bool
is_type(struct pst_str type, const struct msg_part *part)
{
	size_t slash = str_find(type, '/');

	if (type.n == 0)
		return true;
	if (slash == type.n)
		return str_eq_case(type, part->type);
	return str_eq_case(str_first(type, slash), part->type) &&
	       str_eq_case(str_from(type, slash + 1), part->subtype);
}

static bool
is_wanted(const struct walk *w, const struct msg_part *part)
{
	if (w->is_text)
		return str_is_case(part->type, "text") && !part->is_multipart &&
		       !part->is_message;
	for (size_t i = 0; i < w->types.n; i++)
		if (is_type(w->types.v[i], part))
			return true;
	return false;
}

/* Without the line at its end, which is a boundary, and the line end before
 * that, which belongs to it (RFC 2046, 5.1.1). */
static struct pst_str
before_boundary(struct pst_str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	while (s.n > 0 && s.p[s.n - 1] != '\n')
		s.n--;
	if (s.n > 0)
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

/* Behind the line end and the line of the boundary. */
static struct pst_str
after_boundary(struct pst_str s)
{
	if (s.n > 0 && s.p[0] == '\r')
		s = str_from(s, 1);
	if (s.n > 0 && s.p[0] == '\n')
		s = str_from(s, 1);
	return str_from(s, str_find(s, '\n') + 1);
}

/* Prologue and epilogue. True: the test is decided. */
static bool
match_multipart(struct match *m, const struct msg_part *part)
{
	const struct msg_part *first = part->child, *last = first;
	uint64_t end = part->body_start + part->body_size, at;

	if (first == NULL)
		return match_value(
		    m, range(m->r, part->body_start, part->body_size));
	while (last->next != NULL && run_work(m->r, 1))
		last = last->next;
	if (match_value(m, before_boundary(range(m->r, part->body_start,
			       first->header_start - part->body_start))))
		return true;
	at = last->body_start + last->body_size;
	return match_value(
	    m, after_boundary(range(m->r, at, end > at ? end - at : 0)));
}

static bool
match_part(const struct walk *w, const struct msg_part *part)
{
	struct match *m = w->m;

	if (!is_wanted(w, part))
		return false;
	if (m->n->match == MATCH_COUNT)
		return match_value(m, STR_NONE);
	if (part->is_multipart)
		return match_multipart(m, part);
	if (part->is_message && part->child != NULL)
		return match_value(m, range(m->r, part->child->header_start,
					  part->child->header_size));
	return match_value(m, text_of(m->r, part, w->is_text));
}

/* All parts, one after the other, without recursion. */
static void
match_parts(const struct walk *w, const struct msg_part *root)
{
	const struct msg_part *part = root;

	while (part != NULL && run_work(w->m->r, 1 + w->types.n / 8)) {
		if (match_part(w, part))
			return;
		if (part->child != NULL) {
			part = part->child;
			continue;
		}
		while (part != root && part->next == NULL)
			part = part->parent;
		part = part != root ? part->next : NULL;
	}
}

bool
run_test_body(struct run *r, const struct sieve_node *n)
{
	const struct sieve_value *types = sieve_tag_value(n, TAG_CONTENT);
	const struct msg_part *root = r->m->msg->root;
	struct match m;
	struct walk w = { .m = &m, .is_text = types == NULL };

	match_begin(&m, r, n, &n->arg[0]);
	/* RFC 5173, 6. */
	m.sets_variables = false;
	if (types != NULL)
		w.types = run_strings(r, types);
	if (!has_body(r))
		return match_end(&m);
	if (sieve_has_tag(n, TAG_RAW))
		(void)match_value(
		    &m, range(r, root->body_start, r->m->content.n));
	else
		match_parts(&w, root);
	return match_end(&m);
}
