/*
 * lines.h - reads the lines of a part of a file with bounded memory. A line
 * comes in one piece unless it is very long: the first piece of a line has at
 * least MB_PIECE octets of it, or all.
 *
 * Threads: belongs to one thread.
 */
#ifndef MBOX_LINES_H
#define MBOX_LINES_H

#include <postern/types.h>

enum { MB_PIECE = 64 * 1024, MB_BUFFER = 4 * MB_PIECE };

struct mb_lines {
	int fd;
	uint64_t at;  /* in the file: of buf[to] */
	uint64_t end; /* nothing is read from here on */
	char *buf;
	size_t from, to;
	bool is_inside; /* of a line that began in an earlier piece */
	int sys_errno;	/* reading failed */
};

struct mb_piece {
	const char *p; /* without LF */
	size_t n;
	bool is_start, has_lf;
	uint64_t offset; /* in the file */
};

/* From `start`, which is the beginning of a line, to `end`. */
void mb_lines_init(struct mb_lines *l, int fd, uint64_t start, uint64_t end);
/* Text in memory instead; borrowed. */
void mb_lines_text(struct mb_lines *l, const char *p, size_t n);
/* False: the end, or sys_errno is set. Borrowed until the next call. */
bool mb_lines_next(struct mb_lines *l, struct mb_piece *piece_r);
void mb_lines_fini(struct mb_lines *l);

#endif
