/*
 * progress.c - see progress.h.
 */
#include "admin/progress.h"

#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"
#include <unistd.h>

enum { BAR = 24 };

/* Between two drawings: a terminal need not see more. */
#define DRAW_TIME (INT64_C(150) * 1000)

void
progress_init(struct progress *p, bool quiet)
{
	*p = (struct progress){ .began = clock_monotonic() };
	p->is_terminal = isatty(STDERR_FILENO) == 1;
	if (!quiet || p->is_terminal)
		p->out = stderr;
}

double
progress_rate(const struct progress *p)
{
	double seconds = (double)(clock_monotonic() - p->began) / 1e6;

	return seconds > 0 ? (double)(p->all + p->done) / seconds : 0;
}

static double
part_rate(const struct progress *p)
{
	double seconds = (double)(clock_monotonic() - p->part_began) / 1e6;

	return seconds > 0 ? (double)p->done / seconds : 0;
}

void
progress_clear(struct progress *p)
{
	if (p->is_drawn)
		(void)fputs("\r\033[K", p->out);
	p->is_drawn = false;
}

static void
draw(struct progress *p)
{
	char bar[BAR + 1];
	uint64_t full = p->total > 0 && p->done < p->total
			    ? p->done * BAR / p->total
			    : BAR;

	p->drawn = clock_monotonic();
	if (p->total > 0) {
		for (size_t i = 0; i < BAR; i++)
			bar[i] = i < full ? '#' : '.';
		bar[BAR] = '\0';
		(void)fprintf(p->out, "\r\033[K[%s] %.40s %llu/%llu (%.0f/s)",
		    bar, p->part, (unsigned long long)p->done,
		    (unsigned long long)p->total, part_rate(p));
	} else {
		(void)fprintf(p->out, "\r\033[K%.60s %llu (%.0f/s)", p->part,
		    (unsigned long long)p->done, part_rate(p));
	}
	(void)fflush(p->out);
	p->is_drawn = true;
}

void
progress_begin(struct progress *p, const char *part, uint64_t total)
{
	struct buf clean;

	buf_init(&clean, 8192);
	table_clean(&clean, str_of(part));
	(void)str_copy(p->part, sizeof(p->part), buf_str(&clean));
	buf_fini(&clean);
	p->total = total;
	p->done = p->bytes = 0;
	p->part_began = clock_monotonic();
	if (p->out != NULL && p->is_terminal)
		draw(p);
}

void
progress_add(struct progress *p, uint64_t messages, uint64_t bytes)
{
	p->done += messages;
	p->bytes += bytes;
	if (p->out != NULL && p->is_terminal &&
	    clock_monotonic() > p->drawn + DRAW_TIME)
		draw(p);
}

void
progress_end(struct progress *p, const char *what)
{
	double rate = part_rate(p);

	p->all += p->done;
	p->all_bytes += p->bytes;
	if (p->out == NULL)
		return;
	progress_clear(p);
	(void)fprintf(p->out, "%s: %llu messages%s%s (%.0f/s)\n", p->part,
	    (unsigned long long)p->done, what != NULL ? ", " : "",
	    what != NULL ? what : "", rate);
	(void)fflush(p->out);
	p->done = p->bytes = 0;
}
