/*
 * sendmail/content.h - a message as programs write it, made one as SMTP wants
 * it: lines end with CR LF, dots are doubled, there is no NUL.
 *
 * Pure but for reading; belongs to one thread.
 */
#ifndef SENDMAIL_CONTENT_H
#define SENDMAIL_CONTENT_H

#include "base/mem.h"

struct content {
	int fd;
	bool no_dot; /* a line with one dot is no end */
	char block[16384];
	size_t at, n;
	bool is_over;  /* a dot, or the end of the file */
	bool failed;   /* errno */
	bool in_line;  /* something of the line has come */
	bool after_cr; /* the last octet was CR */
	size_t dots;   /* the line is so many dots till now: 0 or 1 */
};

enum { CONTENT_HEADER_MAX = 4 << 20 };

void content_init(struct content *c, int fd, bool no_dot);
/*
 * The header with its line ends, up to its empty line, which is swallowed, or
 * to a line that is no field, which goes to `rest`: content that came without
 * an empty line before it. A first line "From " is left out. False: it is too
 * large, or cannot be read (`failed`).
 */
bool content_header(struct content *c, struct buf *header, struct buf *rest);
/* More of the content, dots not doubled: up to `max` octets are added. False:
 * the end, or `failed`. */
bool content_more(struct content *c, struct buf *out, size_t max);
/* As DATA wants it (RFC 5321, 4.5.2). `*at_line` is true at first, and kept. */
void content_stuff(struct pst_str text, bool *at_line, struct buf *out);

#endif
