/*
 * sendmail/content.c - see content.h.
 */
#include "sendmail/content.h"

#include "base/str.h"

#include <errno.h>
#include <unistd.h>

void
content_init(struct content *c, int fd, bool no_dot)
{
	*c = (struct content){ .fd = fd, .no_dot = no_dot };
}

static bool
fill(struct content *c)
{
	ssize_t n;

	if (c->at < c->n)
		return true;
	do
		n = read(c->fd, c->block, sizeof(c->block));
	while (n < 0 && errno == EINTR);
	c->failed = n < 0;
	c->at = 0;
	c->n = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void
end_line(struct content *c, struct buf *out)
{
	(void)buf_puts(out, "\r\n");
	c->in_line = false;
	c->dots = 0;
}

/* A dot that was put off, since it might have been the end. */
static void
put_dots(struct content *c, struct buf *out)
{
	if (c->dots > 0)
		(void)buf_putc(out, '.');
	c->dots = 0;
}

/* Lines end with LF, CR LF, or CR alone, as progress bars have it. */
static void
take(struct content *c, char octet, struct buf *out)
{
	bool after_cr = c->after_cr;

	c->after_cr = octet == '\r';
	if (octet == '\n' && after_cr)
		return;
	if (octet == '\n' || octet == '\r') {
		if (c->dots == 1 && !c->no_dot) {
			c->is_over = true;
			return;
		}
		put_dots(c, out);
		end_line(c, out);
	} else if (octet == '\0') {
		/* Nobody takes it. */
	} else if (octet == '.' && !c->in_line) {
		c->dots = 1;
		c->in_line = true;
	} else {
		put_dots(c, out);
		(void)buf_putc(out, octet);
		c->in_line = true;
	}
}

bool
content_more(struct content *c, struct buf *out, size_t max)
{
	size_t begin = out->n;

	if (c->is_over || c->failed)
		return false;
	while (out->n - begin + 4 < max && !c->is_over) {
		if (!fill(c)) {
			c->is_over = true;
			/* A last line without an end gets one. */
			if (c->in_line && !c->failed &&
			    (c->dots == 0 || c->no_dot)) {
				put_dots(c, out);
				end_line(c, out);
			}
			break;
		}
		take(c, c->block[c->at++], out);
	}
	return !c->failed && (out->n > begin || !c->is_over);
}

/* One line with its end. False: there is none, or no room. */
static bool
read_line(struct content *c, struct buf *line)
{
	buf_clear(line);
	while (!c->is_over && !line->overflow &&
	       (line->n < 2 || line->p[line->n - 1] != '\n')) {
		if (!content_more(c, line, 5) && line->n == 0)
			break;
	}
	return line->n > 0 && !line->overflow && !c->failed;
}

/* A name and a colon (RFC 5322, 2.2), white space between them or not. */
static bool
is_field(struct pst_str line)
{
	size_t i = 0;

	while (i < line.n && line.p[i] > ' ' && line.p[i] < 127 &&
	       line.p[i] != ':')
		i++;
	if (i == 0)
		return false;
	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	return i < line.n && line.p[i] == ':';
}

bool
content_header(struct content *c, struct buf *header, struct buf *rest)
{
	struct buf line;
	bool first = true, good = true, more = true;

	buf_init(&line, CONTENT_HEADER_MAX);
	while (more && good) {
		struct pst_str text;

		if (!read_line(c, &line)) {
			good = !line.overflow && !c->failed;
			break;
		}
		text = buf_str(&line);
		if (first && str_has_prefix_case(text, "from ") &&
		    !is_field(text)) {
			first = false;
			continue;
		}
		first = false;
		if (text.n == 2) {
			more = false;
		} else if (is_field(text) ||
			   ((text.p[0] == ' ' || text.p[0] == '\t') &&
			       header->n > 0)) {
			good = buf_add_str(header, text);
		} else {
			good = buf_add_str(rest, text);
			more = false;
		}
	}
	buf_fini(&line);
	return good;
}

void
content_stuff(struct pst_str text, bool *at_line, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		if (*at_line && text.p[i] == '.')
			(void)buf_putc(out, '.');
		(void)buf_putc(out, text.p[i]);
		*at_line = text.p[i] == '\n';
	}
}
