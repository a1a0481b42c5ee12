/*
 * imap/progress.c - "* OK [INPROGRESS (tag done goal)]" (RFC 9585, 4).
 */
#include "imap/progress.h"

#include "base/clock.h"
#include "base/str.h"
#include "imap/respond.h"

void
imap_in_progress(struct imap_session *s, uint64_t done, uint64_t goal)
{
	int64_t every = net_config(s->c)->imap.progress_time * 1000000;
	int64_t now = clock_monotonic();
	struct imap_command_run *run = s->run;
	struct buf *out;

	if (run->progress_at == 0)
		run->progress_at = now + every;
	if (now < run->progress_at)
		return;
	run->progress_at = now + every;
	out = imap_out(s);
	(void)buf_puts(out, "* OK [INPROGRESS (");
	imap_put_string(out, str_of(run->tag));
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, goal != 0 && done > goal ? goal : done);
	if (goal != 0) {
		(void)buf_putc(out, ' ');
		(void)buf_put_u64(out, goal);
	} else {
		(void)buf_puts(out, " NIL");
	}
	(void)buf_puts(out, ")] Still working\r\n");
}
