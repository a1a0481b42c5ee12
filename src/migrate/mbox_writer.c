/*
 * migrate/mbox_writer.c - see mbox_writer.h.
 */
#include "migrate/mbox_writer.h"

#include "base/str.h"

#include <time.h>

enum { TEXT_MAX = 4 << 20 };

void
mbox_writer_init(struct mbox_writer *w)
{
	*w = (struct mbox_writer){ .is_first = true };
	buf_init(&w->fields, 65536);
	buf_init(&w->header, MBOX_WRITER_HEADER + MBOX_WRITER_ROOM + 1);
	buf_init(&w->lines, TEXT_MAX);
	buf_init(&w->out, TEXT_MAX);
}

void
mbox_writer_fini(struct mbox_writer *w)
{
	buf_fini(&w->fields);
	buf_fini(&w->header);
	buf_fini(&w->lines);
	buf_fini(&w->out);
}

void
mbox_writer_begin(struct mbox_writer *w, const struct mig_state *state)
{
	w->state = *state;
	w->is_first = true;
}

/* --- fields -------------------------------------------------------------- */

static bool
is_ours(struct pst_str field)
{
	static const char *const names[] = { "Status", "X-Status", "X-Keywords",
		"X-UID", "X-IMAPbase", "X-IMAP", "Content-Length" };
	struct pst_str name = str_trim(str_first(field, str_find(field, ':')));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is_case(name, names[i]))
			return true;
	return false;
}

static void
put_keywords(struct buf *out, const struct mig_message *m)
{
	for (size_t i = 0; i < m->keyword_count; i++)
		(void)buf_printf(out, " %s", m->keywords[i]);
}

static void
make_fields(struct mbox_writer *w, const struct mig_message *m)
{
	static const struct {
		uint32_t flag;
		char letter;
	} letters[] = { { PST_ANSWERED, 'A' }, { PST_FLAGGED, 'F' },
		{ PST_DRAFT, 'T' }, { PST_DELETED, 'D' } };
	const struct mig_state *st = &w->state;
	struct buf *out = &w->fields;

	buf_clear(out);
	if (w->is_first)
		(void)buf_printf(out, "X-IMAPbase: %lu %010lu\n",
		    (unsigned long)st->uidvalidity,
		    (unsigned long)(st->uidnext > 0 ? st->uidnext - 1 : 0));
	(void)buf_printf(
	    out, "Status: %sO\n", (m->flags & PST_SEEN) != 0 ? "R" : "");
	if ((m->flags & ~(uint32_t)PST_SEEN) != 0) {
		(void)buf_puts(out, "X-Status: ");
		for (size_t i = 0; i < 4; i++)
			if ((m->flags & letters[i].flag) != 0)
				(void)buf_putc(out, letters[i].letter);
		(void)buf_putc(out, '\n');
	}
	if (m->keyword_count > 0) {
		(void)buf_puts(out, "X-Keywords:");
		put_keywords(out, m);
		(void)buf_putc(out, '\n');
	}
	(void)buf_printf(out, "X-UID: %lu\n", (unsigned long)m->uid);
}

/* --- messages ------------------------------------------------------------ */

void
mbox_writer_message(struct mbox_writer *w, const struct mig_message *m)
{
	time_t date = (time_t)(m->date > 0 ? m->date : 0);
	char line[64];
	struct tm tm;

	make_fields(w, m);
	w->is_first = false;
	if (gmtime_r(&date, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	/* Names of days and months in English: no locale is set. */
	(void)strftime(line, sizeof(line), "%a %b %e %H:%M:%S %Y", &tm);
	(void)buf_printf(&w->out, "From MAILER-DAEMON %s\n", line);
	w->lf = (struct mig_lf){ 0 };
	w->in_header = w->at_line = true;
	w->last = '\0';
	buf_clear(&w->header);
	buf_clear(&w->lines);
}

/* One line, or a piece of one, of the text. */
static void
put_line(struct mbox_writer *w, struct pst_str line)
{
	size_t n = 0;

	while (w->at_line && n < line.n && line.p[n] == '>')
		n++;
	if (w->at_line && line.n - n >= 5 &&
	    memcmp(line.p + n, "From ", 5) == 0)
		(void)buf_putc(&w->out, '>');
	(void)buf_add_str(&w->out, line);
	w->at_line = line.p[line.n - 1] == '\n';
}

/* The header that was gathered, without fields of ours, and those of ours. */
static void
end_header(struct mbox_writer *w)
{
	struct pst_str rest = buf_str(&w->header), line;
	bool skip = false;

	w->in_header = false;
	while (rest.n > 0) {
		size_t n = str_find(rest, '\n');
		bool folded;

		line = str_first(rest, n + 1 < rest.n ? n + 1 : rest.n);
		rest = str_from(rest, line.n);
		folded = line.p[0] == ' ' || line.p[0] == '\t';
		if (!folded)
			skip = is_ours(line);
		if (!skip)
			put_line(w, line);
	}
	if (!w->at_line)
		(void)buf_putc(&w->out, '\n');
	w->at_line = true;
	(void)buf_add(&w->out, w->fields.p, w->fields.n);
	buf_clear(&w->header);
}

/* One whole line, or a long piece. */
static void
take_line(struct mbox_writer *w, struct pst_str line)
{
	w->last = line.p[line.n - 1];
	if (!w->in_header) {
		put_line(w, line);
		return;
	}
	if (str_is(line, "\n")) {
		end_header(w);
		(void)buf_putc(&w->out, '\n');
		return;
	}
	(void)buf_add_str(&w->header, line);
	if (w->header.n > MBOX_WRITER_HEADER)
		end_header(w);
}

void
mbox_writer_write(struct mbox_writer *w, const char *p, size_t n)
{
	size_t used = 0;

	mig_lf_add(&w->lf, p, n, &w->lines);
	for (;;) {
		struct pst_str rest = str_from(buf_str(&w->lines), used);
		size_t end = str_find(rest, '\n');

		/* A long line goes on in pieces; whether it is a "From "
		 * line is known by then. */
		if (end == rest.n && rest.n < MBOX_WRITER_ROOM)
			break;
		end = end < rest.n ? end + 1 : rest.n;
		take_line(w, str_first(rest, end));
		used += end;
	}
	buf_consume(&w->lines, used);
}

void
mbox_writer_end(struct mbox_writer *w)
{
	mig_lf_end(&w->lf, &w->lines);
	if (w->lines.n > 0)
		take_line(w, buf_str(&w->lines));
	buf_clear(&w->lines);
	if (w->in_header) { /* no empty line in all of it */
		end_header(w);
		(void)buf_putc(&w->out, '\n');
	} else if (w->last != '\n') {
		(void)buf_putc(&w->out, '\n');
	}
	(void)buf_putc(&w->out, '\n');
}
