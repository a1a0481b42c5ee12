/*
 * message/reader.c - the streaming reader: lines, header blocks, boundaries and
 * the tree of parts (RFC 5322, 2.1; RFC 2046, 5.1.1 and 5.2.1).
 *
 * Only the start of a line can matter: an empty line ends a header, and "--"
 * may begin a boundary. Such a line is decided when it is complete or when
 * LINE_MAX octets of it are there, held back until then if it comes in pieces,
 * so that the result never depends on how the octets arrive. All other octets
 * are only counted, by memchr().
 */
#include <stdlib.h>

#include "base/str.h"
#include "message/internal.h"

enum {
	LINE_MAX_HELD = 1024,
	BOUNDARY_MAX = 1000, /* RFC 2046 has 70 */
	HEADERS_FACTOR = 16, /* all header blocks together, in header_size */
	FIELDS_MAX = 100000, /* in all of them */
};

const struct msg_limits msg_limits_default = {
	.header_size = 256 * 1024,
	.depth = 100,
	.parts = 10000,
};

/* What the end of the line at hand brings. */
enum line_effect {
	EFFECT_NONE,
	EFFECT_HEADER_ENDS,
	EFFECT_PART_STARTS,
};

/* An open part. */
struct level {
	struct msg_part *part;
	struct msg_part *last_child;
	struct pst_str boundary; /* n 0: none, or its end has been seen */
};

struct msg_reader {
	struct msg_limits limits;
	struct msg *m;
	bool headers_only, done;

	struct level *level; /* from the root to the part at hand */
	size_t levels, levels_cap;
	size_t boundaries; /* levels that have one */
	bool in_header;	   /* of the last level */
	bool parts_used_up;

	struct buf header;
	bool header_cut;
	size_t headers_left, fields_left;

	uint64_t offset; /* of what comes next */
	uint64_t lines;	 /* line ends before it */
	uint64_t line_start;
	bool at_line_start;
	char last; /* the octet before `offset` */
	enum line_effect effect;
	unsigned previous_eol;	/* octets of the line end before line_start */
	bool previous_is_empty; /* and whether that line had nothing else */

	char held[LINE_MAX_HELD];
	size_t n_held;
};

static struct level *
top(const struct msg_reader *r)
{
	return &r->level[r->levels - 1];
}

/* Opens a part at r->offset, below the last level if there is one. */
static void
open_part(struct msg_reader *r)
{
	struct msg_part *part = arena_alloc(r->m->arena, sizeof(*part));
	struct level *above = r->levels > 0 ? top(r) : NULL;

	part->header_start = r->offset;
	part->header_lines = r->lines; /* made a difference when it ends */
	if (above == NULL) {
		r->m->root = part;
	} else {
		part->parent = above->part;
		if (above->last_child != NULL)
			above->last_child->next = part;
		else
			above->part->child = part;
		above->last_child = part;
	}
	r->m->parts++;

	mem_grow(&r->level, &r->levels_cap, r->levels + 1, sizeof(*r->level));
	r->level[r->levels++] = (struct level){ .part = part };
	buf_clear(&r->header);
	r->header.max = r->limits.header_size < r->headers_left
			    ? r->limits.header_size
			    : r->headers_left;
	r->header_cut = false;
	r->in_header = true;
}

static bool
has_room_for_part(const struct msg_reader *r)
{
	return r->m->parts < r->limits.parts;
}

/* The boundary of a multipart, or n 0 when it has none that is usable. */
static struct pst_str
find_boundary(struct msg_reader *r, const struct msg_part *part)
{
	struct buf text;
	struct pst_str s = STR_NONE;

	buf_init(&text, BOUNDARY_MAX);
	if (msg_param_octets(part->params, "boundary", &text) &&
	    !text.overflow) {
		s = buf_str(&text);
		/* RFC 2046, 5.1.1: it cannot end with white space, and
		 * transports remove that from lines. */
		while (s.n > 0 && msg_is_wsp(s.p[s.n - 1]))
			s.n--;
		s = s.n > 0 ? arena_copy(r->m->arena, s) : STR_NONE;
	}
	buf_fini(&text);
	return s;
}

/* The header of the last level is over: what will its body be? */
static void
begin_body(struct msg_reader *r)
{
	struct level *l = top(r);
	struct msg_part *part = l->part;
	bool too_deep = r->levels > r->limits.depth;

	if (part->is_multipart) {
		l->boundary = find_boundary(r, part);
		if (l->boundary.n == 0 || too_deep)
			msg_mime_plain(r->m->arena, part);
		else
			r->boundaries++;
		if (!part->is_multipart)
			l->boundary.n = 0;
	} else if (part->is_message) {
		if (too_deep || !has_room_for_part(r))
			part->is_message = false;
		else if (!r->headers_only)
			open_part(r);
	}
}

/* Ends the header of the last level at `at`, the end or the start of a line. */
static void
end_header(struct msg_reader *r, uint64_t at, bool partial)
{
	struct msg_part *part = top(r)->part;

	part->header_size = at - part->header_start;
	part->header_lines = part->header_size > 0
				 ? r->lines - part->header_lines + partial
				 : 0;
	part->header = arena_copy(r->m->arena, buf_str(&r->header));
	r->headers_left -= part->header.n;
	msg_fields_parse(r->m->arena, part, r->fields_left, r->header_cut);
	r->fields_left -= part->fields;
	msg_mime_parse(r->m->arena, part);
	part->body_start = at;
	part->body_lines = r->lines; /* as header_lines */
	r->in_header = false;
	begin_body(r);
	if (r->headers_only)
		r->done = true;
}

/* Closes all levels but `keep`; their bodies end at `end`. */
static void
close_parts(struct msg_reader *r, size_t keep, uint64_t end, uint64_t lines,
    bool partial)
{
	while (r->levels > keep) {
		struct level *l = top(r);
		struct msg_part *part = l->part;

		part->body_size = end - part->body_start;
		part->body_lines = part->body_size > 0
				       ? lines - part->body_lines + partial
				       : 0;
		if (l->boundary.n > 0)
			r->boundaries--;
		r->levels--;
	}
}

/* The line at hand is a boundary of level `i`. */
static void
at_boundary(struct msg_reader *r, size_t i, bool closing)
{
	struct level *l;

	/* A message inside may have no octets at all: then this opens and ends
	 * its header too. */
	while (r->in_header)
		end_header(r, r->line_start, false);
	/* The line end before the boundary is part of it (RFC 2046, 5.1.1),
	 * unless it is that of the header. */
	if (top(r)->part->body_start < r->line_start)
		close_parts(r, i + 1, r->line_start - r->previous_eol,
		    r->lines - 1, !r->previous_is_empty);
	else
		close_parts(r, i + 1, r->line_start, r->lines, false);
	l = top(r);
	if (closing) {
		l->boundary.n = 0;
		r->boundaries--;
	} else if (has_room_for_part(r)) {
		r->effect = EFFECT_PART_STARTS;
	} else {
		r->parts_used_up = true; /* by an empty message just above */
	}
}

/*
 * Which level's boundary is that line? RFC 2046, 5.1.1 wants only the beginning
 * of the line compared. When several match, an exact one is meant, else the
 * longest, of equals the innermost.
 */
static bool
match_boundary(const struct msg_reader *r, struct pst_str line, size_t *level_r)
{
	size_t best = 0;

	while (line.n > 0 && msg_is_wsp(line.p[line.n - 1]))
		line.n--;
	for (size_t i = r->levels; i-- > 0;) {
		struct pst_str b = r->level[i].boundary;

		if (b.n <= best || b.n > line.n || b.p[0] != line.p[0] ||
		    memcmp(b.p, line.p, b.n) != 0)
			continue;
		best = b.n;
		*level_r = i;
		if (b.n == line.n || (b.n + 2 == line.n && line.p[b.n] == '-' &&
					 line.p[b.n + 1] == '-'))
			break;
	}
	return best > 0;
}

/* Decides what the line that starts at r->offset is; `n` octets of it are
 * known, without the line end when it is `complete`. */
static void
decide(struct msg_reader *r, const char *p, size_t n, bool complete)
{
	struct pst_str line, rest;
	size_t i;

	if (complete && n > 0 && p[n - 1] == '\r')
		n--;
	if (n == 0) {
		r->effect = EFFECT_HEADER_ENDS;
		return;
	}
	if (n < 3 || p[0] != '-' || p[1] != '-' || r->parts_used_up)
		return;
	line = str_n(p + 2, n - 2);
	if (!match_boundary(r, line, &i))
		return;
	rest = str_from(line, r->level[i].boundary.n);
	if (rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-') {
		at_boundary(r, i, true);
	} else if (has_room_for_part(r)) {
		at_boundary(r, i, false);
	} else {
		r->parts_used_up = true;
	}
}

/* The line ends with the line feed before `after`. */
static void
end_line(struct msg_reader *r, uint64_t after, bool has_cr)
{
	enum line_effect effect = r->effect;

	r->previous_eol = has_cr ? 2 : 1;
	r->previous_is_empty = after - r->previous_eol == r->line_start;
	r->offset = after;
	r->line_start = after;
	r->lines++;
	r->at_line_start = true;
	r->last = '\n';
	r->effect = EFFECT_NONE;
	if (effect == EFFECT_HEADER_ENDS)
		end_header(r, after, false);
	else if (effect == EFFECT_PART_STARTS)
		open_part(r);
}

static const char *
end_piece(struct msg_reader *r, const char *p, const char *end)
{
	r->offset += (uint64_t)(end - p);
	r->at_line_start = false;
	r->last = end[-1];
	return end;
}

static bool
has_cr_before(const struct msg_reader *r, const char *p, const char *nl)
{
	return (nl > p ? nl[-1] : r->last) == '\r';
}

/* Passes over lines until one must be looked at. */
static const char *
scan_body(struct msg_reader *r, const char *p, const char *end)
{
	const char *at = p;
	uint64_t base = r->offset;

	for (;;) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));

		if (nl == NULL) {
			if (at > p) {
				r->line_start = base + (uint64_t)(at - p);
				r->at_line_start = false;
			}
			return end_piece(r, p, end);
		}
		if (nl + 1 == end || nl[1] == '-' || r->effect != EFFECT_NONE) {
			if (at > p)
				r->line_start = base + (uint64_t)(at - p);
			end_line(r, base + (uint64_t)(nl + 1 - p),
			    has_cr_before(r, p, nl));
			return nl + 1;
		}
		r->lines++;
		at = nl + 1;
	}
}

static void
keep_header(struct msg_reader *r, const char *p, size_t n)
{
	size_t room = r->header.max - r->header.n;

	if (n > room) {
		n = room;
		r->header_cut = true;
	}
	if (n > 0)
		(void)buf_add(&r->header, p, n);
}

static const char *
scan_header(struct msg_reader *r, const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	if (nl == NULL) {
		keep_header(r, p, (size_t)(end - p));
		return end_piece(r, p, end);
	}
	keep_header(r, p, (size_t)(nl + 1 - p));
	end_line(
	    r, r->offset + (uint64_t)(nl + 1 - p), has_cr_before(r, p, nl));
	return nl + 1;
}

static const char *
scan(struct msg_reader *r, const char *p, const char *end)
{
	return r->in_header ? scan_header(r, p, end) : scan_body(r, p, end);
}

static bool
must_look_at(const struct msg_reader *r, char c)
{
	if (c == '-')
		return r->boundaries > 0;
	return r->in_header && (c == '\r' || c == '\n');
}

/* `p` starts a line that must be looked at: decides it, or holds it back when
 * its end is not there. */
static const char *
begin_line(struct msg_reader *r, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	const char *nl;

	if (n > LINE_MAX_HELD)
		n = LINE_MAX_HELD;
	r->at_line_start = false;
	nl = memchr(p, '\n', n);
	if (nl != NULL || n == LINE_MAX_HELD) {
		decide(r, p, nl != NULL ? (size_t)(nl - p) : n, nl != NULL);
		return p;
	}
	memcpy(r->held, p, n);
	r->n_held = n;
	return p + n;
}

/* The held octets go where others would have gone at once. */
static void
release_held(struct msg_reader *r, bool complete)
{
	size_t n = r->n_held;

	r->n_held = 0;
	decide(r, r->held, complete ? n - 1 : n, complete);
	(void)scan(r, r->held, r->held + n);
}

static const char *
continue_held(struct msg_reader *r, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	const char *nl;

	if (n > LINE_MAX_HELD - r->n_held)
		n = LINE_MAX_HELD - r->n_held;
	nl = memchr(p, '\n', n);
	if (nl != NULL)
		n = (size_t)(nl + 1 - p);
	memcpy(r->held + r->n_held, p, n);
	r->n_held += n;
	if (nl != NULL || r->n_held == LINE_MAX_HELD)
		release_held(r, nl != NULL);
	return p + n;
}

struct msg_reader *
msg_reader_new(const struct msg_limits *limits, bool headers_only)
{
	struct msg_reader *r = mem_alloc(sizeof(*r));

	r->limits = *limits;
	r->headers_only = headers_only;
	r->m = mem_alloc(sizeof(*r->m));
	r->m->arena = arena_new(0);
	r->headers_left = limits->header_size > SIZE_MAX / HEADERS_FACTOR
			      ? SIZE_MAX
			      : limits->header_size * HEADERS_FACTOR;
	r->fields_left = FIELDS_MAX;
	r->at_line_start = true;
	buf_init(&r->header, limits->header_size);
	open_part(r);
	return r;
}

bool
msg_reader_feed(struct msg_reader *r, const void *p, size_t n)
{
	const char *at = p, *end = n > 0 ? at + n : at;

	while (at < end && !r->done) {
		if (r->n_held > 0)
			at = continue_held(r, at, end);
		else if (r->at_line_start && must_look_at(r, *at))
			at = begin_line(r, at, end);
		else
			at = scan(r, at, end);
	}
	return !r->done;
}

struct msg *
msg_reader_finish(struct msg_reader **rp)
{
	struct msg_reader *r = *rp;
	struct msg *m = r->m;
	bool partial;

	if (r->n_held > 0 && !r->done)
		release_held(r, false);
	partial = r->line_start < r->offset;
	while (r->in_header)
		end_header(r, r->offset, partial);
	close_parts(r, 0, r->offset, r->lines, partial);
	m->size = r->offset;
	r->m = NULL;
	msg_reader_free(rp);
	return m;
}

void
msg_reader_free(struct msg_reader **rp)
{
	struct msg_reader *r = *rp;

	if (r == NULL)
		return;
	msg_free(&r->m);
	buf_fini(&r->header);
	free(r->level);
	free(r);
	*rp = NULL;
}

void
msg_free(struct msg **m)
{
	if (*m == NULL)
		return;
	arena_free(&(*m)->arena);
	free(*m);
	*m = NULL;
}

struct msg *
msg_read(struct pst_str text, const struct msg_limits *limits)
{
	struct msg_reader *r = msg_reader_new(limits, false);

	if (text.n > 0)
		(void)msg_reader_feed(r, text.p, text.n);
	return msg_reader_finish(&r);
}
