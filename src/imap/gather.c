/*
 * imap/gather.c - collects one command (RFC 3501, 2.2.1 and 4.3; RFC 7888).
 *
 * A line that ends in "{n}" goes on after a literal of n octets. That is true
 * of every command: neither an atom nor a finished quoted string can end so.
 */
#include "imap/gather.h"

#include "base/str.h"

void
imap_gather_init(struct imap_gather *g, size_t line_max, size_t literals)
{
	memset(g, 0, sizeof(*g));
	buf_init(&g->text, line_max + literals);
	g->line_max = line_max;
}

void
imap_gather_fini(struct imap_gather *g)
{
	buf_fini(&g->text);
}

bool
imap_literal_announced(
    struct pst_str line, uint64_t *size_r, bool *waits_r, bool *binary_r)
{
	struct pst_str digits;
	size_t open;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return false;
	line.n--;
	*waits_r = true;
	if (line.p[line.n - 1] == '+' || line.p[line.n - 1] == '-') {
		*waits_r = false;
		line.n--;
	}
	for (open = line.n; open > 0 && ascii_is_digit(line.p[open - 1]);)
		open--;
	if (open == 0 || open == line.n || line.p[open - 1] != '{')
		return false;
	digits = str_from(line, open);
	if (!str_to_u64(digits, size_r))
		*size_r = UINT64_MAX;
	*binary_r = open > 1 && line.p[open - 2] == '~';
	return true;
}

/* A line is complete in `text`: does a literal follow? */
static enum imap_gathered
line_ended(struct imap_gather *g)
{
	struct pst_str line = str_from(buf_str(&g->text), g->line_start);

	line.n--; /* the LF */
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	g->announced = imap_literal_announced(
	    line, &g->size, &g->waits, &g->binary);
	return g->announced ? IMAP_GATHER_LITERAL : IMAP_GATHER_DONE;
}

static void
take_literal(struct imap_gather *g, struct pst_str in, size_t *used_r)
{
	size_t n = in.n < g->left ? in.n : (size_t)g->left;

	if (!g->skipping) {
		if (memchr(in.p, '\0', n) != NULL)
			g->has_nul = true;
		(void)buf_add(&g->text, in.p, n);
	}
	g->left -= n;
	*used_r += n;
	g->line_start = g->text.n;
}

enum imap_gathered
imap_gather_feed(struct imap_gather *g, struct pst_str in, size_t *used_r)
{
	const char *lf;
	size_t n;

	*used_r = 0;
	if (g->left > 0 && in.n > 0) {
		take_literal(g, in, used_r);
		in = str_from(in, *used_r);
	}
	if (in.n == 0)
		return IMAP_GATHER_MORE;
	lf = memchr(in.p, '\n', in.n);
	n = lf != NULL ? (size_t)(lf - in.p) + 1 : in.n;
	if (n > g->line_max - g->lines)
		return IMAP_GATHER_TOO_LONG;
	if (memchr(in.p, '\0', n) != NULL)
		g->has_nul = true;
	(void)buf_add(&g->text, in.p, n);
	g->lines += n;
	*used_r += n;
	return lf != NULL ? line_ended(g) : IMAP_GATHER_MORE;
}

bool
imap_gather_take(struct imap_gather *g)
{
	size_t rest = g->line_max - g->lines;

	/* What is left for lines must stay free for them. */
	if (g->size > g->text.max - g->text.n ||
	    g->text.max - g->text.n - g->size < rest)
		return false;
	g->announced = false;
	g->left = g->size;
	g->line_start = g->text.n;
	return true;
}

void
imap_gather_skip(struct imap_gather *g)
{
	g->announced = false;
	g->skipping = true;
	g->left = g->size;
	buf_clear(&g->text);
	g->line_start = 0;
}

void
imap_gather_consumed(struct imap_gather *g)
{
	g->announced = false;
	g->left = 0;
	buf_clear(&g->text);
	g->line_start = g->lines = 0;
}

void
imap_gather_restart(struct imap_gather *g)
{
	size_t at = g->text.n;

	while (at > 0 && g->text.p[at - 1] != '{')
		at--;
	buf_consume(&g->text, at > 0 ? at - 1 : 0);
	g->line_start = 0;
	g->lines = g->text.n;
}
