/*
 * Watches: what they hear of, what is joined, what is too much, and changes by
 * other programs in pinned mailboxes.
 */
#include "fixture.h"

#include "base/str.h"
#include "mailbox/metadata.h"
#include "mailbox/watch.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const unsigned everything = WATCH_MESSAGES | WATCH_CREATED |
				   WATCH_DELETED | WATCH_RENAMED |
				   WATCH_SUBSCRIBED | WATCH_METADATA;

static struct store s;
static struct mail_account *a;
static struct pst_error err;

static void
begin(void)
{
	cr_assert(store_open(&s, ""));
	a = store_account(&s, "anna");
	cr_assert_not_null(a);
}

static void
end(void)
{
	mail_account_close(&a);
	store_close(&s);
}

/* The next news are these. */
static bool
hears(struct watch *w, unsigned kinds, const char *mailbox, const char *other)
{
	struct watch_news news;
	bool good = watch_take(w, &news) && news.kinds == kinds &&
		    (mailbox != NULL ? news.mailbox != NULL &&
					   strcmp(news.mailbox, mailbox) == 0
				     : news.mailbox == NULL) &&
		    (other != NULL ? news.other != NULL &&
					 strcmp(news.other, other) == 0
				   : news.other == NULL);

	if (!good)
		(void)fprintf(stderr, "heard %x %s %s\n", news.kinds,
		    news.mailbox != NULL ? news.mailbox : "-",
		    news.other != NULL ? news.other : "-");
	watch_news_fini(&news);
	return good;
}

static bool
hears_nothing(struct watch *w)
{
	struct watch_news news;
	bool has = watch_has_news(w) || watch_take(w, &news);

	return !has;
}

Test(watch, messages_are_joined)
{
	struct watch *w;
	struct mailbox_view *v;

	begin();
	(void)store_put(a, "Sent", 0, NULL, 1);
	/* A mailbox that is opened within the tick of its last change is looked
	 * at once more, and that is told (WATCH_STIRRED) at any time. */
	w = watch_open(a, everything & ~(unsigned)WATCH_STIRRED, NULL);
	cr_expect(hears_nothing(w));
	(void)store_put(a, "INBOX", 0, NULL, 1);
	(void)store_put(a, "Sent", 0, NULL, 1);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	cr_expect(watch_has_news(w));
	cr_expect(hears(w, WATCH_NEW, "INBOX", NULL));
	cr_expect(hears(w, WATCH_NEW, "Sent", NULL));
	cr_expect(hears_nothing(w));
	v = store_view(a, "INBOX", false);
	(void)store_flags(v, 1, 1, PST_FLAGS_ADD, PST_FLAGGED, false);
	cr_expect(hears(w, WATCH_FLAGS, "INBOX", NULL));
	(void)store_flags(v, 1, 1, PST_FLAGS_ADD, PST_FLAGGED, false);
	cr_expect(hears_nothing(w), "no change is no news");
	(void)store_flags(
	    v, 1, 2, PST_FLAGS_ADD, PST_SEEN | PST_DELETED, false);
	(void)store_expunge(v, 1, 1);
	cr_expect(
	    hears(w, WATCH_FLAGS | WATCH_SEEN | WATCH_GONE, "INBOX", NULL));
	view_close(&v);
	watch_close(&w);
	end();
}

Test(watch, names_come_in_order)
{
	static const struct metadata_entry entry[] = {
		{ "/private/comment", { "x", 1 } },
		{ "/shared/comment", { NULL, 0 } },
	};
	struct watch *w;

	begin();
	w = watch_open(a, everything, NULL);
	cr_assert_eq(mailbox_create(a, "one", "", &err), PST_OK);
	cr_assert_neq(mailbox_create(a, "one", "", &err), PST_OK);
	cr_assert_eq(mailbox_subscribe(a, "one", true, &err), PST_OK);
	(void)store_put(a, "one", 0, NULL, 1);
	cr_assert_eq(mailbox_rename(a, "one", "two", &err), PST_OK);
	cr_assert_eq(metadata_set(a, "two", entry, 2, &err), PST_OK);
	cr_assert_eq(metadata_set(a, NULL, entry, 1, &err), PST_OK);
	cr_assert_eq(mailbox_delete(a, "two", &err), PST_OK);
	cr_expect(hears(w, WATCH_CREATED, "one", NULL));
	cr_expect(hears(w, WATCH_SUBSCRIBED, "one", NULL));
	/* Its messages have another name meanwhile. */
	cr_expect(hears(w, WATCH_NEW, "two", NULL));
	cr_expect(hears(w, WATCH_RENAMED, "two", "one"));
	cr_expect(hears(w, WATCH_METADATA, "two", "/private/comment"));
	cr_expect(hears(w, WATCH_METADATA, "two", "/shared/comment"));
	cr_expect(hears(w, WATCH_METADATA, NULL, "/private/comment"));
	cr_expect(hears(w, WATCH_DELETED, "two", NULL));
	cr_expect(hears_nothing(w));
	watch_close(&w);
	end();
}

/* A mailbox of the same name is another one. */
Test(watch, nothing_is_joined_across_a_new_mailbox)
{
	struct watch *w;

	begin();
	w = watch_open(a, everything, NULL);
	(void)store_put(a, "Sent", 0, NULL, 1);
	cr_assert_eq(mailbox_delete(a, "Sent", &err), PST_OK);
	cr_assert_eq(mailbox_create(a, "Sent", "", &err), PST_OK);
	(void)store_put(a, "Sent", 0, NULL, 1);
	cr_expect(hears(w, WATCH_NEW, "Sent", NULL));
	cr_expect(hears(w, WATCH_DELETED, "Sent", NULL));
	cr_expect(hears(w, WATCH_CREATED, "Sent", NULL));
	cr_expect(hears(w, WATCH_NEW, "Sent", NULL));
	watch_close(&w);
	end();
}

Test(watch, only_what_matters)
{
	struct watch *w, *other;

	begin();
	w = watch_open(a, WATCH_CREATED | WATCH_GONE, NULL);
	other = watch_open(a, WATCH_NEW, NULL);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	cr_assert_eq(mailbox_create(a, "one", "", &err), PST_OK);
	cr_expect(hears(w, WATCH_CREATED, "one", NULL));
	cr_expect(hears_nothing(w));
	cr_expect(hears(other, WATCH_NEW, "INBOX", NULL));
	cr_expect(hears_nothing(other));
	watch_close(&w);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	cr_expect(hears(other, WATCH_NEW, "INBOX", NULL));
	watch_close(&other);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	end();
}

/* Texts of the account: whoever changes one says whether it is news. */
Test(watch, texts_are_told_on_request)
{
	struct watch *w, *other;

	begin();
	w = watch_open(a, ~(unsigned)WATCH_METADATA, NULL);
	other = watch_open(a, everything, NULL);
	cr_assert_eq(
	    mailbox_meta_set(a, NULL, "postern/x", STR("1"), &err), PST_OK);
	cr_expect(hears_nothing(w));
	watch_tell_text(a, "postern/x");
	cr_expect(hears(w, WATCH_TEXT, NULL, "postern/x"));
	cr_expect(hears_nothing(w));
	cr_expect(hears_nothing(other));
	watch_close(&w);
	watch_close(&other);
	end();
}

Test(watch, muted_for_its_own_thread)
{
	struct watch *w, *other;

	begin();
	w = watch_open(a, everything, NULL);
	other = watch_open(a, everything, NULL);
	watch_mute(w, true);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	cr_assert_eq(mailbox_create(a, "one", "", &err), PST_OK);
	watch_mute(w, false);
	cr_assert_eq(mailbox_create(a, "two", "", &err), PST_OK);
	cr_expect(hears(w, WATCH_CREATED, "two", NULL));
	cr_expect(hears_nothing(w));
	cr_expect(hears(other, WATCH_NEW, "INBOX", NULL));
	cr_expect(hears(other, WATCH_CREATED, "one", NULL));
	watch_close(&w);
	watch_close(&other);
	end();
}

Test(watch, too_much_is_told_once)
{
	struct watch *w;
	struct watch_news news;
	unsigned n = 0;

	begin();
	w = watch_open(a, everything, NULL);
	for (unsigned i = 0; i <= WATCH_NEWS_MAX; i++)
		(void)mailbox_subscribe(a, "one", i % 2 == 0, &err);
	cr_expect(watch_has_news(w));
	cr_expect(watch_is_overflown(w));
	cr_expect_not(watch_is_overflown(w));
	while (watch_take(w, &news)) {
		n++;
		watch_news_fini(&news);
	}
	cr_expect_eq(n, 0);
	(void)mailbox_subscribe(a, "one", true, &err);
	cr_expect(hears(w, WATCH_SUBSCRIBED, "one", NULL));
	watch_close(&w);
	end();
}

/* What a program does that puts a file into the Maildir. */
static void
deliver_by_hand(const char *box, const char *name)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/mail/example.test/anna/%snew/%s",
	    s.dir, box, name);
	f = fopen(path, "w");
	cr_assert_not_null(f, "%s", path);
	(void)fputs("From: a@example.test\n\nx\n", f);
	(void)fclose(f);
}

/* Waits for news of that kind; the storage may stir more often than needed. */
static bool
comes(struct watch *w, unsigned kind, const char *mailbox)
{
	for (int i = 0; i < 1000; i++) {
		struct timespec ts = { 0, 10000000 };
		struct watch_news news;
		bool right;

		if (watch_take(w, &news)) {
			right = (news.kinds & kind) &&
				strcmp(news.mailbox, mailbox) == 0;
			watch_news_fini(&news);
			if (right)
				return true;
			continue;
		}
		(void)nanosleep(&ts, NULL);
	}
	return false;
}

Test(watch, other_programs_are_noticed_in_pinned_mailboxes)
{
	static const char *const pins[] = { "Sent", "INBOX", "missing" };
	struct watch *w;

	begin();
	w = watch_open(a, everything, NULL);
	watch_pin(w, pins, 3);
	(void)watch_has_news(w);
	deliver_by_hand(".Sent/", "1700000000.1.host");
	cr_assert(comes(w, WATCH_STIRRED, "Sent"));
	watch_look(w, "Sent");
	cr_expect(comes(w, WATCH_NEW, "Sent"));
	/* Renamed while it is pinned: it stays so under its new name. */
	cr_assert_eq(mailbox_rename(a, "Sent", "Gone", &err), PST_OK);
	cr_expect(comes(w, WATCH_RENAMED, "Gone"));
	/* It may have been stirred, too, and is told again after a look. */
	watch_look(w, "Gone");
	deliver_by_hand(".Gone/", "1700000000.2.host");
	cr_expect(comes(w, WATCH_STIRRED, "Gone"));
	watch_look(w, "Gone");
	cr_expect(comes(w, WATCH_NEW, "Gone"));
	/* Deleted while it is pinned. */
	cr_assert_eq(mailbox_delete(a, "Gone", &err), PST_OK);
	watch_pin(w, pins, 2);
	watch_pin(w, NULL, 0);
	watch_close(&w);
	end();
}
