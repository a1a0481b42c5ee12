/*
 * smtp/dot.h - the content that follows DATA: dot-stuffed lines up to the line
 * that is a single dot (RFC 5321, 4.5.2); and the line check that BDAT needs.
 *
 * Only CR LF ends a line and only CR LF "." CR LF ends the content (RFC 5321,
 * 4.1.1.4). A CR or LF by itself is content, and reported, so that no other
 * reading of the end of data lets a second message in ("smuggling").
 *
 * Pure; resumable at any octet.
 */
#ifndef SMTP_DOT_H
#define SMTP_DOT_H

#include <postern/types.h>

struct smtp_dot {
	unsigned char state; /* private */
	bool ended;	     /* the last line was seen */
	bool bare;	     /* there was a CR or LF by itself */
	bool nul;	     /* there was a NUL */
};

/* Gets the content in runs as large as they come. */
typedef void (*smtp_dot_sink)(void *arg, const char *p, size_t n);

void smtp_dot_init(struct smtp_dot *d);
/* Returns how many octets were used: all, unless the end was seen. The flags
 * are set before the sink gets the octets that set them. */
size_t smtp_dot_feed(
    struct smtp_dot *d, const char *p, size_t n, smtp_dot_sink sink, void *arg);

/* The check alone, for content that is not stuffed; start with a zeroed state
 * and call smtp_lines_end() after the last piece. */
struct smtp_lines {
	bool after_cr, bare, nul;
};
void smtp_lines_feed(struct smtp_lines *l, const char *p, size_t n);
void smtp_lines_end(struct smtp_lines *l);

#endif
