/*
 * from.h - the `From ` lines that begin the messages of an mbox file: the
 * sender of the envelope and when the message came, as asctime(3) writes it, in
 * the local time of the machine. Pure functions.
 *
 *     From MAILER-DAEMON Fri Jul  8 12:08:34 2011
 *
 * Other programs leave out seconds, add time zones, or anything at the end.
 * What has no date is no such line, however it begins: many programs let lines
 * of text that begin with "From " stand as they are.
 */
#ifndef MBOX_FROM_H
#define MBOX_FROM_H

#include "localindex/util.h"
#include <time.h>

enum { MB_FROM_MAX = 1024 }; /* octets; a longer line is none */

struct mb_from {
	struct tm tm;
	bool has_zone; /* else it is local time */
	int32_t zone;  /* seconds east */
};

/* `line` is without its LF. */
bool mb_from_parse(const char *line, size_t n, struct mb_from *from_r);
/* Seconds since 1970. */
int64_t mb_from_date(const struct mb_from *from);
/* Appends a line. What `sender` has that cannot stand there is left out. */
void mb_from_print(struct li_buf *out, struct pst_str sender, int64_t date);

#endif
