/*
 * form.c - see form.h.
 */
#include "form.h"

#include "localindex/hash.h"

static const char kept[] = "X-Kept-";
static const char filler_from[] =
    "From postern-filler Thu Jan  1 00:00:00 1970";
static const char filler_text[] =
    "X-Postern-Filler: messages were removed here; it goes away by itself\n\n";

enum {
	KEPT = sizeof(kept) - 1,
	STATUS = 2, /* letters */
	XSTATUS = 4,
};

enum field {
	F_NONE,
	F_BASE,
	F_MAILBOX,
	F_UID,
	F_STATUS,
	F_XSTATUS,
	F_KEYWORDS,
	F_POSTERN,
	F_PSEUDO,
	F_LENGTH,
	F_LINES,
};

static const struct {
	const char *name;
	enum field field;
} fields[] = {
	{ "X-IMAPbase:", F_BASE },
	{ "X-Postern-Mailbox:", F_MAILBOX },
	{ "X-UID:", F_UID },
	{ "Status:", F_STATUS },
	{ "X-Status:", F_XSTATUS },
	{ "X-Keywords:", F_KEYWORDS },
	{ "X-Postern:", F_POSTERN },
	{ "X-IMAP:", F_PSEUDO },
	{ "Content-Length:", F_LENGTH },
	{ "Lines:", F_LINES },
};

static bool
begins_nocase(const char *p, size_t n, const char *text)
{
	size_t i = 0;

	for (; text[i] != '\0'; i++) {
		char a, b = text[i];

		if (i == n)
			return false;
		a = p[i];
		if (a >= 'A' && a <= 'Z')
			a = (char)(a + 32);
		if (b >= 'A' && b <= 'Z')
			b = (char)(b + 32);
		if (a != b)
			return false;
	}
	return true;
}

/* Which field of a mailbox's bookkeeping a line begins. */
static enum field
field_of(const char *p, size_t n, size_t *name_n_r)
{
	if (n < 6 || ((p[0] | 0x20) != 'x' && (p[0] | 0x20) != 's' &&
			 (p[0] | 0x20) != 'c' && (p[0] | 0x20) != 'l'))
		return F_NONE;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (begins_nocase(p, n, fields[i].name)) {
			*name_n_r = strlen(fields[i].name);
			return fields[i].field;
		}
	return F_NONE;
}

/*
 * Such a field is hidden. "Lines:" is a message's own, but for that which comes
 * right after a length: some programs write both.
 */
static bool
is_hidden(enum field f, bool after_length)
{
	return f != F_NONE && (f != F_LINES || after_length);
}

static bool
is_empty(const struct mb_piece *p)
{
	return p->is_start && p->has_lf &&
	       (p->n == 0 || (p->n == 1 && p->p[0] == '\r'));
}

static bool
is_continuation(const struct mb_piece *p)
{
	return p->n > 0 && (p->p[0] == ' ' || p->p[0] == '\t');
}

static bool
is_kept(const struct mb_piece *p)
{
	return p->n >= KEPT && memcmp(p->p, kept, KEPT) == 0;
}

/* --- the fields before a message --------------------------------------------
 */

void
mb_tag(const char *objectid, char tag_r[MB_TAG + 1])
{
	(void)snprintf(tag_r, MB_TAG + 1, "%08lx",
	    (unsigned long)(li_hash(objectid, strlen(objectid), 1) &
			    UINT32_MAX));
}

bool
mb_fixed_print(struct li_buf *out, const struct mb_block *b,
    struct pst_str keywords, size_t room)
{
	char status[STATUS + 1] = "  ", x[XSTATUS + 1] = "    ";
	size_t i = 0;

	if (keywords.n > room)
		return false;
	if (b->flags & PST_SEEN)
		status[i++] = 'R';
	if (b->is_old)
		status[i++] = 'O';
	i = 0;
	if (b->flags & PST_DELETED)
		x[i++] = 'D';
	if (b->flags & PST_ANSWERED)
		x[i++] = 'A';
	if (b->flags & PST_FLAGGED)
		x[i++] = 'F';
	if (b->flags & PST_DRAFT)
		x[i++] = 'T';
	li_buf_printf(out, "X-UID: %-10lu\nStatus: %s\nX-Status: %s\n",
	    (unsigned long)b->uid, status, x);
	li_buf_puts(out, "X-Keywords: ");
	li_buf_add(out, keywords.p, keywords.n);
	for (i = keywords.n; i < room; i++)
		li_buf_putc(out, ' ');
	li_buf_putc(out, '\n');
	return true;
}

void
mb_block_print(struct li_buf *out, const struct mb_block *b,
    struct pst_str keywords, struct mb_places *places)
{
	size_t start = out->n;

	*places = (struct mb_places){ .room = MB_ROOM };
	/* It grows by leaps, as each time much has to be written again. */
	while (places->room < keywords.n)
		places->room *= 2;
	if (b->uidvalidity != 0) {
		li_buf_printf(
		    out, "X-IMAPbase: %010lu ", (unsigned long)b->uidvalidity);
		places->base = out->n - start;
		li_buf_printf(out, "%010lu\n", (unsigned long)b->uidlast);
		li_buf_printf(out, "X-Postern-Mailbox: %s\n", b->objectid);
	}
	places->fixed = out->n - start;
	(void)mb_fixed_print(out, b, keywords, places->room);
	li_buf_printf(out, "X-Postern: 1 %s %c%s %s %lld %lld %llu\n", b->tag,
	    b->is_raw ? 'r' : 'l', b->no_eol ? "n" : "", b->ident,
	    (long long)b->internal_date, (long long)b->save_date,
	    (unsigned long long)b->size);
}

static struct pst_str
trim(const char *p, size_t n)
{
	while (n > 0 && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (
	    n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
		n--;
	return (struct pst_str){ p, n };
}

static bool
read_u32(struct pst_str s, uint32_t *value_r)
{
	uint64_t v;

	if (!li_number(s.p, s.n, &v) || v > UINT32_MAX)
		return false;
	*value_r = (uint32_t)v;
	return true;
}

static bool
read_time(struct pst_str s, int64_t *value_r)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (!li_number(s.p + minus, s.n - minus, &v) || v > INT64_MAX)
		return false;
	*value_r = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/* The same field of two copies counts once: the last one. */
static void
read_letters(struct mb_block *b, struct pst_str s, bool is_x)
{
	b->flags &= is_x ? (uint32_t)PST_SEEN : ~(uint32_t)PST_SEEN;
	if (!is_x)
		b->is_old = false;
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case 'R':
			b->flags |= is_x ? 0 : PST_SEEN;
			break;
		case 'O':
			b->is_old |= !is_x;
			break;
		case 'D':
			b->flags |= is_x ? PST_DELETED : 0;
			break;
		case 'A':
			b->flags |= is_x ? PST_ANSWERED : 0;
			break;
		case 'F':
			b->flags |= is_x ? PST_FLAGGED : 0;
			break;
		case 'T':
			b->flags |= is_x ? PST_DRAFT : 0;
			break;
		default:
			break;
		}
}

static void
read_base(struct mb_block *b, struct pst_str s)
{
	struct pst_str validity, last;
	uint32_t v, l;

	if (li_next_word(&s, &validity) && li_next_word(&s, &last) &&
	    read_u32(validity, &v) && read_u32(last, &l) && v != 0 &&
	    l < UINT32_MAX) {
		b->uidvalidity = v;
		b->uidlast = l;
	}
}

static bool
read_own(struct mb_block *b, struct pst_str s)
{
	struct pst_str version, tag, form, ident, date, save;
	struct mb_block own = *b;

	if (!li_next_word(&s, &version) || !li_is(version, "1") ||
	    !li_next_word(&s, &tag) || tag.n != MB_TAG ||
	    !li_next_word(&s, &form) || !li_next_word(&s, &ident) ||
	    !li_is_ident(ident) || !li_next_word(&s, &date) ||
	    !read_time(date, &own.internal_date) || !li_next_word(&s, &save) ||
	    !read_time(save, &own.save_date) || !li_number(s.p, s.n, &own.size))
		return false;
	own.is_raw = form.p[0] == 'r';
	own.no_eol = form.n == 2 && form.p[1] == 'n';
	if ((form.p[0] != 'r' && form.p[0] != 'l') ||
	    form.n != 1 + (size_t)own.no_eol)
		return false;
	memcpy(own.tag, tag.p, MB_TAG);
	memcpy(own.ident, ident.p, ident.n);
	own.ident[ident.n] = '\0';
	own.has_own = true;
	*b = own;
	return true;
}

/* True: the field is as wide as we write it. */
static bool
read_field(struct mb_reader *r, enum field f, struct pst_str raw)
{
	struct pst_str s = trim(raw.p, raw.n);
	struct mb_block *b = &r->block;

	switch (f) {
	case F_BASE:
		read_base(b, s);
		return raw.n == 22 && b->uidvalidity != 0;
	case F_PSEUDO:
		read_base(b, s);
		b->is_pseudo = true;
		break;
	case F_MAILBOX:
		if (li_is_ident(s)) {
			memcpy(b->objectid, s.p, s.n);
			b->objectid[s.n] = '\0';
			return true;
		}
		break;
	case F_UID:
		return read_u32(s, &b->uid) && raw.n == 11;
	case F_STATUS:
		read_letters(b, s, false);
		return raw.n == STATUS + 1;
	case F_XSTATUS:
		read_letters(b, s, true);
		return raw.n == XSTATUS + 1;
	case F_KEYWORDS:
		r->keywords.n = 0;
		li_buf_add(&r->keywords, s.p, s.n);
		r->places.room = raw.n > 0 ? raw.n - 1 : 0;
		return raw.n > 0 && raw.p[0] == ' ';
	case F_POSTERN:
		/* What comes after content cannot tell how to read it. */
		return !r->has_content && read_own(b, s);
	case F_NONE:
	case F_LENGTH:
	case F_LINES:
		break;
	}
	return false;
}

/* --- '>' before "From " ------------------------------------------------------
 */

static const char from[] = "From ";

/* What was held back after all. */
static void
quote_flush(struct mb_quote *q, mb_sink_fn sink, void *arg)
{
	if (q->is_held)
		sink(arg, ">", 1);
	if (q->is_matching && q->matched > 0)
		sink(arg, from, q->matched);
	*q = (struct mb_quote){ 0 };
}

/*
 * The beginning of a line, as far as it may have to be changed; how many octets
 * of the piece are done. With `take_away` one '>' goes, else one comes. As the
 * octets of a run are all the same, one held back is enough.
 */
static size_t
quote_piece(struct mb_quote *q, const char *p, size_t n, bool take_away,
    mb_sink_fn sink, void *arg)
{
	size_t i = 0, run;

	if (q->in_run) {
		while (i < n && p[i] == '>')
			i++;
		run = i;
		if (take_away && run > 0 && !q->is_held) {
			q->is_held = true;
			run--;
		}
		if (run > 0)
			sink(arg, p, run);
		if (i == n)
			return n;
		q->in_run = false;
		q->is_matching = true;
	}
	if (!q->is_matching)
		return i;
	while (i < n && q->matched < 5 && p[i] == from[q->matched]) {
		i++;
		q->matched++;
	}
	if (q->matched == 5) {
		if (!take_away)
			sink(arg, ">", 1);
		q->is_held = false;
	} else if (i == n) {
		return n;
	}
	quote_flush(q, sink, arg);
	return i;
}

/* --- from the file -----------------------------------------------------------
 */

void
mb_reader_init(struct mb_reader *r, mb_sink_fn sink, void *arg)
{
	struct li_buf keywords = r->keywords; /* its memory is used again */

	keywords.n = 0;
	*r = (struct mb_reader){ .sink = sink,
		.arg = arg,
		.keywords = keywords,
		.in_header = true,
		.is_first_line = true,
		.is_ours_so_far = true,
		.had_lf = true };
}

void
mb_reader_fini(struct mb_reader *r)
{
	li_buf_free(&r->keywords);
}

static void
emit(void *arg, const char *p, size_t n)
{
	struct mb_reader *r = arg;

	r->octets += n;
	r->last = p[n - 1];
	r->sink(r->arg, p, n);
}

/* Our fields stand in one order from the first line on, or they are not
 * changed in their places. */
static void
note_place(struct mb_reader *r, enum field f, bool is_wide, size_t name_n)
{
	static const enum field order[] = { F_BASE, F_MAILBOX, F_UID, F_STATUS,
		F_XSTATUS, F_KEYWORDS, F_POSTERN };
	enum { STEPS = sizeof(order) / sizeof(order[0]), LOST };

	if (r->step >= STEPS) {
		/* Another one of ours further down: not as we write it. */
		if (f != F_LENGTH && f != F_LINES)
			r->is_intact = false;
		return;
	}
	if (r->step == 0 && f == F_UID)
		r->step = 2;
	if (r->has_content || !is_wide || f != order[r->step]) {
		r->step = LOST;
		return;
	}
	if (f == F_BASE)
		r->places.base = name_n + 12;
	if (f == F_UID)
		r->places.fixed = r->header_at;
	r->is_intact = ++r->step == STEPS;
}

static void
hidden_line(
    struct mb_reader *r, const struct mb_piece *p, enum field f, size_t name_n)
{
	bool is_wide = false;

	r->is_hiding = true;
	if (p->has_lf && p->n < MB_FIELD_MAX)
		is_wide = read_field(
		    r, f, (struct pst_str){ p->p + name_n, p->n - name_n });
	note_place(r, f, is_wide, name_n);
	r->after_length = f == F_LENGTH;
	if (f == F_LENGTH || f == F_LINES || f == F_PSEUDO)
		r->is_ours_so_far = false;
}

/* The last line of a file, cut within the name of a field of ours. */
static bool
is_cut_field(const struct mb_piece *p)
{
	if (p->has_lf)
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (p->n < strlen(fields[i].name) &&
		    memcmp(p->p, fields[i].name, p->n) == 0)
			return true;
	return false;
}

/* The first piece of a line of the header. False: it is hidden. */
static bool
header_line(struct mb_reader *r, const struct mb_piece *p, size_t *skip_r)
{
	size_t name_n = 0;
	enum field f;

	if (is_continuation(p))
		return !r->is_hiding;
	r->is_hiding = false;
	if (is_kept(p)) {
		*skip_r = KEPT;
		r->after_length = false;
		return true;
	}
	f = field_of(p->p, p->n, &name_n);
	if (is_hidden(f, r->after_length)) {
		hidden_line(r, p, f, name_n);
		return false;
	}
	if (r->is_ours_so_far && is_cut_field(p)) {
		r->is_hiding = true;
		return false;
	}
	r->after_length = false;
	if (is_empty(p)) {
		r->in_header = false;
		r->ends_header = true;
	}
	return true;
}

static void
line_end(struct mb_reader *r)
{
	const struct mb_block *b = &r->block;
	bool is_added;

	quote_flush(&r->quote, emit, r);
	/* The end of a line that had none, whatever octet is before it. */
	is_added = b->has_own && b->no_eol && r->octets == b->size;
	if (b->is_raw || (r->last == '\r' && !is_added))
		emit(r, "\n", 1);
	else
		emit(r, "\r\n", 2);
}

void
mb_reader_piece(struct mb_reader *r, const struct mb_piece *p)
{
	size_t skip = 0;

	if (p->is_start) {
		r->ends_header = false;
		r->is_empty_line = false;
		if (r->in_header && !header_line(r, p, &skip)) {
			r->header_at += p->n + p->has_lf;
			r->had_lf = p->has_lf;
			return;
		}
		r->is_empty_line = is_empty(p);
		r->is_hiding = false;
		r->is_ours_so_far = false;
		r->has_content = true;
		r->last = '\0';
		r->quote = (struct mb_quote){ .in_run = true };
	} else if (r->is_hiding) {
		r->header_at += p->n + p->has_lf;
		r->had_lf = p->has_lf;
		return;
	}
	r->header_at += p->n + p->has_lf;
	r->had_lf = p->has_lf;
	if (r->quote.in_run || r->quote.is_matching)
		skip += quote_piece(
		    &r->quote, p->p + skip, p->n - skip, true, emit, r);
	if (p->n > skip)
		emit(r, p->p + skip, p->n - skip);
	if (p->has_lf)
		line_end(r);
}

uint64_t
mb_reader_end(struct mb_reader *r, bool *is_torn_r)
{
	const struct mb_block *b = &r->block;
	uint64_t eol = b->is_raw ? 1 : 2, whole;

	quote_flush(&r->quote, emit, r);
	if (is_torn_r != NULL)
		*is_torn_r = false;
	if (b->has_own) {
		whole = b->size + (b->no_eol ? eol : 0);
		/* Such a number of octets alone proves nothing: the last of
		 * them must be the ends of lines that we wrote. */
		r->is_whole = r->octets == whole
				  ? whole == 0 || r->had_lf
				  : r->octets == whole + eol && r->had_lf &&
					r->is_empty_line;
		if (r->is_whole)
			return b->size;
		/* Without the line that comes after each message. */
		if (is_torn_r != NULL && r->is_intact)
			*is_torn_r = r->octets < whole;
		r->is_whole = b->no_eol && !r->had_lf && r->octets == b->size;
	} else if (is_torn_r != NULL) {
		*is_torn_r = r->is_ours_so_far;
	}
	if (r->is_empty_line && !r->ends_header && r->octets >= eol)
		return r->octets - eol;
	return r->octets;
}

/* --- to the file -------------------------------------------------------------
 */

static void
to_buf(void *arg, const char *p, size_t n)
{
	li_buf_add(arg, p, n);
}

void
mb_writer_init(struct mb_writer *w, struct li_buf *out)
{
	*w = (struct mb_writer){
		.out = out, .in_header = true, .is_first = true
	};
}

void
mb_writer_piece(struct mb_writer *w, const struct mb_piece *p)
{
	size_t skip = 0, name_n;

	if (p->is_start) {
		w->quote = (struct mb_quote){ .in_run = true };
		if (w->in_header && is_empty(p))
			w->in_header = false;
		if (w->in_header &&
		    (is_kept(p) || (w->is_first && is_continuation(p)) ||
			is_hidden(field_of(p->p, p->n, &name_n), false)))
			li_buf_add(w->out, kept, KEPT);
		w->is_first = false;
	}
	if (w->quote.in_run || w->quote.is_matching)
		skip = quote_piece(
		    &w->quote, p->p, p->n, false, to_buf, w->out);
	li_buf_add(w->out, p->p + skip, p->n - skip);
	if (p->has_lf) {
		quote_flush(&w->quote, to_buf, w->out);
		li_buf_putc(w->out, '\n');
	}
}

void
mb_writer_end(struct mb_writer *w)
{
	quote_flush(&w->quote, to_buf, w->out);
}

void
mb_stripper_init(struct mb_stripper *s, struct li_buf *out)
{
	*s = (struct mb_stripper){
		.out = out, .in_header = true, .is_first = true
	};
}

void
mb_stripper_piece(struct mb_stripper *s, const struct mb_piece *p)
{
	size_t name_n;
	enum field f;

	if (p->is_start && s->in_header) {
		if (!is_continuation(p)) {
			f = is_kept(p) ? F_NONE : field_of(p->p, p->n, &name_n);
			s->is_hiding = is_hidden(f, s->after_length);
			s->after_length = f == F_LENGTH;
		}
		if (is_empty(p))
			s->in_header = false;
	} else if (p->is_start) {
		s->is_hiding = false;
	}
	if (s->is_hiding)
		return;
	/* It would continue the last one of our fields. */
	if (s->is_first && is_continuation(p))
		li_buf_add(s->out, kept, KEPT);
	s->is_first = false;
	li_buf_add(s->out, p->p, p->n);
	if (p->has_lf)
		li_buf_putc(s->out, '\n');
}

/* --- room that nobody uses ---------------------------------------------------
 */

size_t
mb_filler_least(void)
{
	return sizeof(filler_from) + sizeof(filler_text) - 1;
}

void
mb_filler_print(struct li_buf *out, size_t n)
{
	li_buf_puts(out, filler_from);
	li_buf_putc(out, '\n');
	li_buf_puts(out, filler_text);
	n -= mb_filler_least();
	li_buf_room(out, n);
	memset(out->p + out->n, '\n', n);
	out->n += n;
	out->p[out->n] = '\0';
}

bool
mb_is_filler(const char *line, size_t n)
{
	return n == sizeof(filler_from) - 1 &&
	       memcmp(line, filler_from, n) == 0;
}
