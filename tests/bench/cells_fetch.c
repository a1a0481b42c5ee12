/*
 * cells_fetch.c - reading: what a list of messages shows, whole messages, what
 * has changed since a moment.
 */
#include "cells.h"

#include "bench.h"
#include "imap.h"
#include <inttypes.h>
#include <string.h>

#define LIST_ITEMS "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"

enum { SET_MAX = 64 * 1024, SETTLE_MS = 10000, INDEX_MS = 600 * 1000 };

static void
want(const char *what, uint64_t got, uint64_t wanted)
{
	if (got != wanted)
		bench_fail("%s: %" PRIu64 ", not %" PRIu64, what, got, wanted);
}

static void
select_all(struct imap *im, const char *more)
{
	imap_do(im, "SELECT %s%s", bench.mailbox, more);
	want("messages in the mailbox", im->exists, bench.count);
}

/* --- the list -------------------------------------------------------------
 */

static bool
has(struct pst_str text, const char *word)
{
	return memmem(text.p, text.n, word, strlen(word)) != NULL;
}

static void
add_size(struct imap *im, struct pst_str text)
{
	uint64_t size;

	if (!imap_number(text, "RFC822.SIZE ", &size) ||
	    !has(text, "ENVELOPE (") || !has(text, "BODYSTRUCTURE (") ||
	    !has(text, "UID ") || !has(text, "INTERNALDATE ") ||
	    !has(text, "FLAGS ("))
		bench_fail("something is missing: %.*s",
		    STR_ARG(str_first(text, 200)));
	im->sum += size;
}

static void
fetch_list(struct imap *im)
{
	im->on_untagged = add_size;
	imap_do(im, "FETCH 1:* " LIST_ITEMS);
	im->on_untagged = NULL;
	want("answers", im->fetches, bench.count);
	if (bench.octets != 0)
		want("octets", im->sum, bench.octets);
}

/* Style "fresh": the first look at all, SELECT counts too. */
void
cell_envelopes(void)
{
	bool fresh = bench.style != NULL && strcmp(bench.style, "fresh") == 0;
	struct bench_time t = { 0 };
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	bench_settle(SETTLE_MS);
	if (!fresh)
		select_all(&im, "");
	for (unsigned i = 0; i < bench.repeat; i++) {
		bench_begin(&t);
		if (fresh)
			select_all(&im, "");
		fetch_list(&im);
		bench_end(&t, true);
	}
	bench_report(&t, (uint64_t)bench.count * bench.repeat, 0);
	imap_close(&im);
}

/* --- whole messages -------------------------------------------------------
 */

static void
add_body(struct imap *im, struct pst_str text)
{
	struct pst_str body;

	if (!imap_string(text, "BODY[] ", &body))
		bench_fail("no body: %.*s", STR_ARG(str_first(text, 200)));
	im->sum += body.n;
}

void
cell_bodies(void)
{
	struct bench_time t = { 0 };
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	select_all(&im, "");
	bench_settle(SETTLE_MS);
	for (unsigned i = 0; i < bench.repeat; i++) {
		im.on_untagged = add_body;
		bench_begin(&t);
		imap_do(&im, "UID FETCH 1:* (BODY.PEEK[])");
		bench_end(&t, true);
		im.on_untagged = NULL;
		want("answers", im.fetches, bench.count);
		want("octets", im.sum, bench.octets);
	}
	bench_report(&t, (uint64_t)bench.count * bench.repeat, 0);
	imap_close(&im);
}

/* --- changes --------------------------------------------------------------
 */

void
cell_changedsince(void)
{
	struct bench_time t = { 0 };
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	select_all(&im, " (CONDSTORE)");
	if (im.modseq == 0)
		bench_fail("no HIGHESTMODSEQ");
	bench_settle(SETTLE_MS);
	bench_begin(&t);
	for (unsigned i = 0; i < bench.repeat; i++) {
		imap_do(&im, "UID FETCH 1:* (FLAGS) (CHANGEDSINCE %" PRIu64 ")",
		    im.modseq);
		want("changes", im.fetches, 0);
	}
	bench_end(&t, true);
	bench_report(&t, bench.repeat, 0);
	imap_close(&im);
}

/* Every so many messages one, bench.connections of them. */
static void
change_some(struct imap *im, bool set)
{
	unsigned step = bench.count / bench.connections;
	struct buf b;

	buf_init(&b, SET_MAX);
	for (unsigned i = 0; i < bench.connections; i++)
		buf_printf(&b, "%s%u", i > 0 ? "," : "", 1 + i * step);
	buf_putc(&b, '\0');
	select_all(im, "");
	imap_do(
	    im, "STORE %s %cFLAGS.SILENT (\\Flagged)", b.p, set ? '+' : '-');
	imap_do(im, "UNSELECT");
	buf_fini(&b);
}

/*
 * One client comes back to a mailbox in which another has changed something:
 * only its SELECT counts. An even number of turns leaves all as it was.
 */
void
cell_qresync(void)
{
	struct bench_time t = { 0 };
	struct imap im = { 0 }, other = { 0 };

	imap_open(&other, bench.first);
	imap_open(&im, bench.first);
	imap_do(&im, "ENABLE QRESYNC");
	select_all(&im, "");
	for (unsigned i = 0; i < bench.repeat; i++) {
		imap_do(&im, "UNSELECT");
		change_some(&other, i % 2 == 0);
		bench_settle(SETTLE_MS);
		bench_begin(&t);
		imap_do(&im, "SELECT %s (QRESYNC (%" PRIu64 " %" PRIu64 "))",
		    bench.mailbox, im.uidvalidity, im.modseq);
		bench_end(&t, true);
		want("changes", im.fetches, bench.connections);
		want("vanished", im.gone, 0);
	}
	bench_report(&t, bench.repeat, 0);
	imap_close(&im);
	imap_close(&other);
}

/* --- searches -------------------------------------------------------------
 */

/*
 * bench.word is the command; bench.octets the count of numbers that answer it.
 * Warm: once before it counts, and with what the server makes of that.
 */
void
cell_search(void)
{
	struct bench_time t = { 0 };
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	select_all(&im, "");
	imap_do(&im, "%s", bench.word);
	(void)client_wait(NULL, (int)bench.wait);
	bench_settle(INDEX_MS);
	bench_begin(&t);
	for (unsigned i = 0; i < bench.repeat; i++) {
		imap_do(&im, "%s", bench.word);
		want("numbers", im.numbers, bench.octets);
	}
	bench_end(&t, true);
	bench_report(&t, bench.repeat, im.digest);
	imap_close(&im);
}

/* Looks into the mailboxes of all users, and lets the server finish what it
 * does in the background with mail that it sees for the first time. */
void
cell_check(void)
{
	struct bench_time t = { 0 };

	bench_begin(&t);
	for (unsigned i = 0; i < bench.users; i++) {
		struct imap im = { 0 };

		imap_open(&im, bench.first + i);
		select_all(&im, "");
		fetch_list(&im);
		imap_close(&im);
	}
	bench_end(&t, true);
	bench_settle(INDEX_MS);
	bench_report(&t, (uint64_t)bench.count * bench.users, 0);
}
