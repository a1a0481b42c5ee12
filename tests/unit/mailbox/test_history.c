/*
 * What is told to a client that comes back: expunges that are remembered, and
 * what is missing when they are not (RFC 7162, 3.2.5.2 and 5.3).
 */
#include "mailbox/priv.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct fixture {
	struct mailbox *mb;
	struct mailbox_view view;
};

/* A mailbox whose view has `n` uids of those below `uidnext`. */
static void
begin(struct fixture *f, const uint32_t *uids, size_t n, uint32_t uidnext)
{
	memset(f, 0, sizeof(*f));
	f->mb = mem_alloc(sizeof(*f->mb));
	pthread_mutex_init(&f->mb->lock, NULL);
	f->mb->loaded = true;
	f->mb->state.uidnext = uidnext;
	history_begin(f->mb, 10);
	f->view.mb = f->mb;
	f->view.uids = uid_array_new(n + 1);
	f->view.count = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		f->view.uids->uid[i] = uids[i];
}

static void
end(struct fixture *f)
{
	uid_array_drop(&f->view.uids);
	pthread_mutex_destroy(&f->mb->lock);
	free(f->mb->gone);
	free(f->mb);
}

static void
gone(struct fixture *f, uint32_t first, uint32_t last, uint64_t modseq)
{
	struct uidset set = { 0 };

	uidset_add(&set, first, last);
	history_note(f->mb, &set, modseq);
	uidset_fini(&set);
}

static void
expect(struct fixture *f, const char *known, uint64_t since, const char *want)
{
	struct uidset set = { 0 }, vanished = { 0 };
	struct buf text;

	cr_assert_eq(uidset_parse((struct pst_str){ known, strlen(known) },
			 UINT32_MAX, 100, &set),
	    PST_OK);
	view_vanished(&f->view, uidset_peek(&set), since, &vanished);
	buf_init(&text, 65536);
	(void)uidset_print(&vanished, &text);
	(void)buf_putc(&text, '\0');
	cr_expect_str_eq(
	    text.p, want, "%s since %llu", known, (unsigned long long)since);
	buf_fini(&text);
	uidset_fini(&set);
	uidset_fini(&vanished);
}

static const uint32_t some[] = { 3, 6, 7, 12 };

Test(history, all_that_is_missing_when_nothing_is_known)
{
	struct fixture f;

	begin(&f, some, 4, 15);
	expect(&f, "1:*", 9, "1:2,4:5,8:11,13:14");
	expect(&f, "3:7", 9, "4:5");
	expect(&f, "3,6:7,12", 9, "");
	expect(&f, "7:9,11,14:20", 9, "8:9,11,14");
	expect(&f, "15:4294967295", 9, "");
	end(&f);
	begin(&f, NULL, 0, 1);
	expect(&f, "1:*", 0, "");
	end(&f);
	begin(&f, NULL, 0, UINT32_MAX);
	expect(&f, "1:*", 0, "1:4294967294");
	end(&f);
}

Test(history, only_what_is_newer_when_it_is_known)
{
	struct fixture f;

	begin(&f, some, 4, 15);
	expect(&f, "1:*", 10, "");
	gone(&f, 4, 5, 11);
	gone(&f, 13, 13, 12);
	gone(&f, 1, 1, 12);
	expect(&f, "1:*", 10, "1,4:5,13");
	expect(&f, "1:*", 11, "1,13");
	expect(&f, "2:20", 11, "13");
	expect(&f, "1:*", 12, "");
	expect(&f, "1:*", UINT64_MAX, "");
	expect(&f, "1:*", 9, "1:2,4:5,8:11,13:14");
	end(&f);
}

/* Its VANISHED without EARLIER comes later. */
Test(history, what_the_view_has_is_not_told)
{
	struct fixture f;

	begin(&f, some, 4, 15);
	gone(&f, 5, 7, 11);
	expect(&f, "1:*", 10, "5");
	end(&f);
}

Test(history, the_oldest_is_forgotten)
{
	struct fixture f;
	struct uidset many = { 0 };

	begin(&f, NULL, 0, 5000);
	for (uint32_t i = 0; i < GONE_LOG + 5; i++)
		gone(&f, 2 * i + 1, 2 * i + 1, 11 + i);
	expect(&f, "1:20", 14, "1:20"); /* not complete any more */
	expect(&f, "1:20", 15, "11,13,15,17,19");
	for (uint32_t i = 0; i < GONE_LOG + 1; i++)
		uidset_add(&many, 1000 + 2 * i, 1000 + 2 * i);
	history_note(f.mb, &many, 1000);
	expect(&f, "1000:1003", 999, "1000:1003");
	expect(&f, "1000:1003", 1000, "");
	uidset_fini(&many);
	end(&f);
}
