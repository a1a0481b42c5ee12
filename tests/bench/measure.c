/*
 * measure.c - times, digests and the report of a cell.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Quiet: less than 1 % of one processor, three looks in a row. */
enum { LOOK_MS = 50, LOOKS = 3, QUIET_US = LOOK_MS * 10, SETTLE_MS = 10000 };

void
bench_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

void
bench_numbered(const char *text, unsigned number, struct buf *out)
{
	const char *at = strstr(text, "%u");

	if (at == NULL)
		buf_puts(out, text);
	else
		buf_printf(
		    out, "%.*s%u%s", (int)(at - text), text, number, at + 2);
	if (!buf_putc(out, '\0'))
		bench_fail("too long: %s", text);
}

void
bench_settle(int ms)
{
	const struct timespec look = { 0, LOOK_MS * 1000000L };
	int64_t before = usage_cpu(), now;
	unsigned quiet = 0;

	for (int i = 0; i < ms / LOOK_MS && quiet < LOOKS; i++) {
		(void)nanosleep(&look, NULL);
		now = usage_cpu();
		quiet = now - before <= QUIET_US ? quiet + 1 : 0;
		before = now;
	}
}

void
bench_begin(struct bench_time *t)
{
	t->cpu_at = usage_cpu();
	t->wall_at = clock_monotonic();
}

void
bench_end(struct bench_time *t, bool settle)
{
	int64_t cpu;

	t->wall += clock_monotonic() - t->wall_at;
	cpu = usage_cpu();
	t->cpu += cpu - t->cpu_at;
	if (!settle)
		return;
	bench_settle(SETTLE_MS);
	t->settled += usage_cpu() - cpu;
	t->cpu += usage_cpu() - cpu;
}

uint64_t
bench_digest(uint64_t so_far, struct pst_str s)
{
	uint64_t d = so_far != 0 ? so_far : 0xcbf29ce484222325;

	for (size_t i = 0; i < s.n; i++)
		d = (d ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return d;
}

void
bench_report(const struct bench_time *t, uint64_t ops, uint64_t digest)
{
	(void)printf("{\"wall\": %.6f, \"cpu\": %.6f, \"settled\": %.6f, "
		     "\"ops\": %" PRIu64,
	    (double)t->wall / 1e6, (double)t->cpu / 1e6,
	    (double)t->settled / 1e6, ops);
	if (digest != 0)
		(void)printf(", \"digest\": \"%016" PRIx64 "\"", digest);
	(void)puts("}");
}
