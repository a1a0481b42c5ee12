/*
 * cells_change.c - STORE, COPY and MOVE of whole mailboxes. Each leaves the
 * mailbox as it found it.
 */
#include "cells.h"

#include "bench.h"
#include "imap.h"
#include <inttypes.h>

enum { SETTLE_MS = 10000 };

static void
want(const char *what, uint64_t got, uint64_t wanted)
{
	if (got != wanted)
		bench_fail("%s: %" PRIu64 ", not %" PRIu64, what, got, wanted);
}

static void
open_mailbox(struct imap *im, const char *name)
{
	im->exists = 0;
	imap_do(im, "SELECT %s", name);
	want("messages in the mailbox", im->exists, bench.count);
}

static void
want_messages(struct imap *im, const char *name, uint64_t wanted)
{
	im->exists = 0;
	imap_do(im, "SELECT %s", name);
	want("messages there", im->exists, wanted);
}

void
cell_store(void)
{
	struct bench_time t = { 0 };
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	open_mailbox(&im, bench.mailbox);
	for (unsigned i = 0; i < bench.repeat; i++) {
		bench_settle(SETTLE_MS);
		bench_begin(&t);
		imap_do(&im, "STORE 1:* +FLAGS (\\Flagged)");
		bench_end(&t, true);
		want("answers", im.fetches, bench.count);
		imap_do(&im, "STORE 1:* -FLAGS.SILENT (\\Flagged)");
	}
	bench_report(&t, (uint64_t)bench.count * bench.repeat, 0);
	imap_close(&im);
}

void
cell_copy(void)
{
	struct bench_time t = { 0 };
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	for (unsigned i = 0; i < bench.repeat; i++) {
		open_mailbox(&im, bench.mailbox);
		imap_do(&im, "CREATE Copied");
		bench_settle(SETTLE_MS);
		bench_begin(&t);
		imap_do(&im, "COPY 1:* Copied");
		bench_end(&t, true);
		want_messages(&im, "Copied", bench.count);
		imap_do(&im, "UNSELECT");
		imap_do(&im, "DELETE Copied");
	}
	bench_report(&t, (uint64_t)bench.count * bench.repeat, 0);
	imap_close(&im);
}

void
cell_move(void)
{
	struct bench_time t = { 0 };
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	for (unsigned i = 0; i < bench.repeat; i++) {
		open_mailbox(&im, bench.mailbox);
		imap_do(&im, "CREATE Copied");
		imap_do(&im, "CREATE Moved");
		imap_do(&im, "COPY 1:* Copied");
		open_mailbox(&im, "Copied");
		bench_settle(SETTLE_MS);
		bench_begin(&t);
		imap_do(&im, "MOVE 1:* Moved");
		bench_end(&t, true);
		want("gone", im.gone, bench.count);
		want_messages(&im, "Copied", 0);
		want_messages(&im, "Moved", bench.count);
		imap_do(&im, "UNSELECT");
		imap_do(&im, "DELETE Copied");
		imap_do(&im, "DELETE Moved");
	}
	bench_report(&t, (uint64_t)bench.count * bench.repeat, 0);
	imap_close(&im);
}
