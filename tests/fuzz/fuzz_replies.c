/*
 * The rules for what other servers say, and what was learnt of destinations:
 * any file is read or refused with the number of a line, and rules that were
 * read can be asked of any reply.
 */
#include "base/clock.h"
#include "base/str.h"
#include "exchange/replies.h"
#include "exchange/schedule.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_rules(struct pst_str text, struct pst_str answer)
{
	struct replies *r;
	struct pst_error err = { 0 };
	struct reply reply;

	if (replies_parse(text, "rules", &r, &err) != PST_OK) {
		if (r != NULL ||
		    !str_has_prefix_case(str_of(err.detail), "rules:"))
			abort();
		return;
	}
	reply_init(&reply);
	if (reply_read(answer, &reply)) {
		struct replies_advice said = replies_look(
		    r, &reply, "mx.example.org [192.0.2.1]");

		if (said.sleep < 0 || said.sleep > REPLIES_SLEEP ||
		    (said.line == 0 && (said.slower || said.rate > 0)))
			abort();
	}
	reply_fini(&reply);
	replies_unref(&r);
}

static void
check_learnt(struct pst_str text)
{
	const struct schedule_options opt = { .at_once_first = 2,
		.at_once_most = 20 };
	struct schedule *s = schedule_new(&opt);
	struct buf whole;

	/* Mostly the checksum would be wrong. */
	buf_init(&whole, 1 << 20);
	(void)buf_printf(&whole, "postern-destinations 1 %lld\n%.*s\n",
	    (long long)(clock_now() / 1000000), STR_ARG(text));
	(void)buf_printf(
	    &whole, "end %08x\n", journal_checksum(0, whole.p, whole.n));
	schedule_read(s, buf_str(&whole));
	schedule_read(s, text);
	schedule_free(&s);
	buf_fini(&whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pst_str all = str_n((const char *)data, n), answer;

	if (n > 65536)
		return 0;
	/* The first line is an answer. */
	if (str_split(&all, '\n', &answer)) {
		check_rules(all, answer);
		check_learnt(all);
	}
	return 0;
}
