/*
 * test_care.c - conformance: checks, counting anew, and messages that are kept
 * after they were expunged. All of it is optional.
 */
#include "conformance.h"

/* --- check and recount ---------------------------------------------------- */

static void
count_finding(void *arg, const struct pst_finding *f)
{
	CHECK(f->kind != NULL && f->kind[0] != '\0', "a finding has a kind");
	CHECK(f->text != NULL && f->text[0] != '\0', "and a text");
	++*(unsigned *)arg;
}

/* All of a mailbox; how many findings there are. */
static unsigned
check_box(struct pst_box *box, bool mend)
{
	struct pst_error err = { 0 };
	unsigned found = 0, steps = 0;
	uint32_t at = 1, next = 0;

	do {
		if (!CHECK_RC(PST_OK, OPS->check(box, at, &next, mend,
					  count_finding, &found, &err)))
			break;
		CHECK(next == 0 || next > at, "a check gets on");
		at = next;
	} while (at != 0 && ++steps < 100000);
	CHECK(at == 0, "a check comes to its end");
	return found;
}

void
test_check(void)
{
	struct pst_acct *acct = acct_of("check@example.test");
	struct pst_box *box = acct ? box_of(acct, "INBOX") : NULL;
	struct rows before, after;
	struct delta d;

	if (box == NULL)
		return;
	if (OPS->check == NULL) {
		skip(1, "no check()");
		OPS->box_close(box);
		OPS->acct_close(acct);
		return;
	}
	CHECK(check_box(box, false) == 0, "an empty mailbox is good");
	for (int i = 0; i < 5; i++)
		CHECK(put(box, "Subject: a\r\n\r\ntext\r\n",
			  i % 2 ? PST_SEEN : 0, 0, 1700000000 + i) != 0,
		    "put");
	load_rows(box, &before);
	CHECK(check_box(box, false) == 0, "a good mailbox has no faults");
	CHECK(check_box(box, true) == 0, "and nothing to mend");
	delta_get(box, &d);
	CHECK(delta_is_empty(&d), "nothing was changed");
	delta_free(&d);
	load_rows(box, &after);
	CHECK(after.n == before.n &&
		  memcmp(after.v, before.v, after.n * sizeof(*after.v)) == 0,
	    "the messages are as before");
	rows_free(&before);
	rows_free(&after);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

void
test_recount(void)
{
	struct pst_acct *acct = acct_of("recount@example.test");
	struct pst_box *box = acct ? box_of(acct, "INBOX") : NULL;
	struct pst_usage usage, again;
	struct pst_error err = { 0 };

	if (box == NULL)
		return;
	CHECK(put(box, "a\r\n\r\nb\r\n", 0, 0, 1700000000) != 0, "put");
	if (OPS->recount != NULL) {
		CHECK_RC(PST_OK, OPS->usage(acct, &usage, &err));
		CHECK_RC(PST_OK, OPS->recount(acct, &again, &err));
		CHECK(usage.messages == 1 && again.messages == 1 &&
			  usage.bytes == again.bytes,
		    "recount() tells the same as usage()");
	} else {
		skip(1, "no recount()");
	}
	OPS->box_close(box);
	OPS->acct_close(acct);
}
