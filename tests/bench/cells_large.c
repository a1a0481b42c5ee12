/*
 * cells_large.c - one very large mailbox: opened for the first time and again,
 * read in pages from its end, searched by a header; and what it takes in
 * memory. Each step has its own times.
 */
#include "cells.h"

#include "bench.h"
#include "imap.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGES = 50, PAGE = 100, SETTLE_MS = 120 * 1000 };

static const char *between = "{";

static void
report(const char *name, struct bench_time *t, unsigned times)
{
	(void)printf("%s\"%s\": {\"wall\": %.6f, \"cpu\": %.6f}", between, name,
	    (double)t->wall / 1e6 / times, (double)t->cpu / 1e6 / times);
	(void)fflush(stdout);
	between = ", ";
}

static void
report_memory(const char *name)
{
	struct usage_memory m;

	usage_memory(&m);
	(void)printf("%s\"%s\": %" PRId64, between, name, m.pss);
	between = ", ";
}

static void
want(const char *what, uint64_t got, uint64_t wanted)
{
	if (got != wanted)
		bench_fail("%s: %" PRIu64 ", not %" PRIu64, what, got, wanted);
}

static void
time_select(struct imap *im, const char *name)
{
	struct bench_time t = { 0 };

	bench_begin(&t);
	imap_do(im, "SELECT %s", bench.mailbox);
	bench_end(&t, true);
	want("messages in the mailbox", im->exists, bench.count);
	report(name, &t, 1);
}

/* RFC 9394 where there is it, else by sequence numbers. */
static void
time_pages(struct imap *im, const char *name, bool partial)
{
	struct bench_time t = { 0 };
	unsigned pages = bench.count / PAGE < PAGES ? bench.count / PAGE
						    : PAGES;

	bench_begin(&t);
	for (unsigned i = 0; i < pages; i++) {
		unsigned from = i * PAGE + 1, to = from + PAGE - 1;

		if (partial)
			imap_do(im,
			    "UID FETCH 1:* (FLAGS ENVELOPE) "
			    "(PARTIAL -%u:-%u)",
			    from, to);
		else
			imap_do(im, "FETCH %u:%u (UID FLAGS ENVELOPE)",
			    bench.count + 1 - to, bench.count + 1 - from);
		want("answers", im->fetches, PAGE);
	}
	bench_end(&t, true);
	report(name, &t, pages);
}

static void
time_search(struct imap *im, const char *name)
{
	struct bench_time t = { 0 };

	bench_begin(&t);
	imap_do(im, "%s", bench.word);
	bench_end(&t, true);
	want("numbers", im->numbers, bench.octets);
	report(name, &t, 1);
}

void
cell_large(void)
{
	struct imap im = { 0 };
	bool partial;

	imap_open(&im, bench.first);
	bench_settle(SETTLE_MS);
	report_memory("memory_before");
	time_select(&im, "select_first");
	report_memory("memory_selected");
	time_pages(&im, "page_first", false);
	time_pages(&im, "page_again", false);
	partial = bench.style != NULL && strcmp(bench.style, "partial") == 0;
	if (partial)
		time_pages(&im, "page_partial", true);
	time_search(&im, "search_first");
	bench_settle(SETTLE_MS);
	time_search(&im, "search_again");
	report_memory("memory_searched");
	imap_do(&im, "UNSELECT");
	time_select(&im, "select_again");
	imap_close(&im);
	(void)puts("}");
}
