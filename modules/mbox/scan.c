/*
 * scan.c - one pass over an mbox file, or over its end: which messages are in
 * it, and what of it a crash left behind.
 */
#include "mbox.h"

#include "localindex/hash.h"

#include <errno.h>
#include <stdlib.h>

enum { HASH_PART = 4096 };

/* A hash of a content that comes in pieces: of parts of equal length, without
 * line ends at the end, which other programs add and take away. */
struct hasher {
	uint64_t h[2];
	uint64_t ends; /* line ends that may be the last ones */
	size_t n;
	char part[HASH_PART];
};

struct pass {
	struct pst_box *box;
	struct mb_pass *out;
	struct mb_reader reader;
	struct hasher hash;
	/* The message that is read. */
	bool is_inside, is_filler;
	uint64_t offset;
	size_t from_n;
	struct mb_from from;
	/* The mask of the keywords that were read last. */
	struct li_buf names;
	uint64_t mask;
	struct pst_error *err;
	enum pst_rc rc;
};

static void
hash_part(struct hasher *h)
{
	h->h[0] = li_hash(h->part, h->n, h->h[0]);
	h->h[1] = li_hash(h->part, h->n, h->h[1] + 1);
	h->n = 0;
}

static void
hash_add(struct hasher *h, const char *p, size_t n)
{
	while (n > 0) {
		size_t part = HASH_PART - h->n < n ? HASH_PART - h->n : n;

		memcpy(h->part + h->n, p, part);
		h->n += part;
		p += part;
		n -= part;
		if (h->n == HASH_PART)
			hash_part(h);
	}
}

/* What comes out of the reader. Of our own messages the fields tell all. */
static void
see(void *arg, const char *p, size_t n)
{
	struct pass *s = arg;
	struct hasher *h = &s->hash;

	if (s->reader.block.has_own)
		return;
	if ((n == 2 && p[0] == '\r' && p[1] == '\n') ||
	    (n == 1 && p[0] == '\n')) {
		h->ends++;
		return;
	}
	for (; h->ends > 0; h->ends--)
		hash_add(h, "\n", 1);
	hash_add(h, p, n);
}

static void
read_keywords(struct pass *s, struct mb_msg *m)
{
	const struct li_buf *names = &s->reader.keywords;

	if (s->box == NULL || names->n == 0)
		return;
	if (names->n != s->names.n ||
	    memcmp(names->p, s->names.p, names->n) != 0) {
		s->names.n = 0;
		li_buf_add(&s->names, names->p, names->n);
		s->rc = mb_keywords_read(s->box,
		    (struct pst_str){ names->p, names->n }, &s->mask, s->err);
	}
	m->keywords = s->mask;
}

/* "M" and 32 digits, as ident() makes them, are two numbers. */
static bool
ident_numbers(const char *ident, uint64_t id[2])
{
	char again[40], *end;

	if (ident[0] != 'M' || strlen(ident) != 33)
		return false;
	id[1] = strtoull(ident + 17, &end, 16);
	memcpy(again, ident + 1, 16);
	again[16] = '\0';
	id[0] = strtoull(again, &end, 16);
	(void)snprintf(again, sizeof(again), "M%016llx%016llx",
	    (unsigned long long)id[0], (unsigned long long)id[1]);
	return strcmp(again, ident) == 0;
}

void
mb_ident_numbers(const char *ident, struct mb_msg *m)
{
	if (ident_numbers(ident, m->id))
		return;
	m->form |= MB_LONG_IDENT;
	m->id[0] = li_hash(ident, strlen(ident), 1);
	m->id[1] = li_hash(ident, strlen(ident), 2);
}

static void
set_id(struct pass *s, struct mb_found *f, bool is_whole)
{
	const struct mb_block *b = &s->reader.block;
	struct mb_msg *m = &f->msg;

	if (!b->has_own) {
		if (s->hash.n > 0)
			hash_part(&s->hash);
		m->id[0] = s->hash.h[0];
		m->id[1] = s->hash.h[1];
		return;
	}
	m->form |= MB_OWN;
	mb_ident_numbers(b->ident, m);
	/* Somebody changed it: it is another message. */
	if (!is_whole) {
		m->form |= MB_LONG_IDENT;
		m->id[1] ^= m->size;
	}
}

static void
take_message(struct pass *s, uint64_t end, uint64_t size)
{
	const struct mb_reader *r = &s->reader;
	const struct mb_block *b = &r->block;
	struct mb_pass *out = s->out;
	bool is_whole = r->is_whole;
	struct mb_found *f;

	LI_PUSH(out->found, out->n, out->cap);
	f = &out->found[out->n++];
	*f = (struct mb_found){ .msg = { .offset = s->offset,
				    .length = end - s->offset,
				    .size = size,
				    .uid = b->uid,
				    .flags = (uint8_t)b->flags,
				    .form = (b->is_raw ? MB_RAW : 0) |
					    (b->is_old ? MB_OLD : 0) } };
	f->has_own = b->has_own;
	if (is_whole)
		memcpy(f->tag, b->tag, sizeof(f->tag));
	f->msg.internal_date = b->has_own ? b->internal_date
					  : mb_from_date(&s->from);
	f->msg.save_date = is_whole ? b->save_date : 0;
	if (r->is_intact && is_whole) {
		f->msg.fixed = (uint32_t)(s->from_n + r->places.fixed);
		f->msg.room = (uint32_t)r->places.room;
	}
	read_keywords(s, &f->msg);
	set_id(s, f, is_whole);
	if (out->n > 1)
		return;
	out->uidvalidity = b->uidvalidity ? b->uidvalidity : out->uidvalidity;
	out->uidlast = b->uidvalidity ? b->uidlast : out->uidlast;
	memcpy(out->objectid, b->objectid, sizeof(out->objectid));
	if (r->is_intact && r->places.base > 0 && is_whole)
		out->base_at = s->offset + s->from_n + r->places.base;
}

/* The end of a message. Of the last one only what is complete counts. */
static void
finish_message(struct pass *s, uint64_t end, bool is_last)
{
	struct mb_pass *out = s->out;
	bool is_torn = false;
	uint64_t size;

	if (!s->is_inside)
		return;
	s->is_inside = false;
	if (s->is_filler)
		return;
	size = mb_reader_end(&s->reader, is_last ? &is_torn : NULL);
	if (is_torn) {
		out->end = s->offset;
	} else if (out->n == 0 && s->reader.block.is_pseudo &&
		   s->offset == out->begin) {
		/* Another server's notes: kept, and no message. */
		out->uidvalidity = s->reader.block.uidvalidity;
		out->uidlast = s->reader.block.uidlast;
		out->begin = end;
		out->has_preamble = true;
	} else {
		take_message(s, end, size);
	}
}

static void
begin_message(struct pass *s, const struct mb_piece *p)
{
	s->is_inside = true;
	s->is_filler = mb_is_filler(p->p, p->n);
	s->offset = p->offset;
	s->from_n = p->n + 1;
	s->hash.h[0] = s->hash.h[1] = 0;
	s->hash.ends = 0;
	s->hash.n = 0;
	mb_reader_init(&s->reader, see, s);
}

/* The end of a file that was cut: the beginning of a `From ` line, or octets
 * that never came to the disk. */
static bool
is_torn_line(const struct mb_piece *p)
{
	static const char from[] = "From ";
	size_t n = p->n < 5 ? p->n : 5;

	return p->is_start && !p->has_lf && p->n > 0 &&
	       (memcmp(p->p, from, n) == 0 || p->p[0] == '\0');
}

static bool
is_from(struct pass *s, const struct mb_piece *p)
{
	return p->is_start && p->has_lf && p->n > 5 && p->p[0] == 'F' &&
	       mb_from_parse(p->p, p->n, &s->from);
}

enum pst_rc
mb_pass(struct pst_box *b, int fd, uint64_t start, uint64_t size,
    struct mb_pass *out, struct pst_error *err)
{
	struct pass *s = li_alloc(sizeof(*s));
	bool after_empty = true;
	struct mb_lines lines;
	struct mb_piece p;
	enum pst_rc rc;

	*out = (struct mb_pass){ .begin = start, .end = size };
	s->box = b;
	s->out = out;
	s->err = err;
	mb_lines_init(&lines, fd, start, size);
	while (s->rc == PST_OK && mb_lines_next(&lines, &p)) {
		if (is_from(s, &p)) {
			finish_message(s, p.offset, false);
			begin_message(s, &p);
		} else if (after_empty && is_torn_line(&p) &&
			   p.offset + p.n == size) {
			out->end = p.offset;
		} else if (s->is_inside && !s->is_filler) {
			mb_reader_piece(&s->reader, &p);
		} else if (!s->is_inside) {
			out->begin = p.offset + p.n + p.has_lf;
			out->has_preamble = true;
		}
		after_empty = p.is_start && p.has_lf && p.n == 0;
	}
	if (s->rc == PST_OK && lines.sys_errno == 0)
		finish_message(s, out->end, true);
	rc = s->rc;
	if (lines.sys_errno != 0)
		rc = pst_fail(err, PST_E_TEMP, lines.sys_errno,
		    "read a mailbox%s%.180s", b ? " " : "",
		    b ? b->folder->base.where : "");
	mb_lines_fini(&lines);
	mb_reader_fini(&s->reader);
	li_buf_free(&s->names);
	free(s);
	return rc;
}

bool
mb_look_at(int fd, const struct mb_msg *m, struct mb_found *found_r)
{
	struct mb_pass pass;
	bool ok;

	ok = mb_pass(NULL, fd, m->offset, m->offset + m->length, &pass, NULL) ==
		 PST_OK &&
	     pass.n == 1 && pass.begin == m->offset;
	if (ok)
		*found_r = pass.found[0];
	free(pass.found);
	return ok;
}
