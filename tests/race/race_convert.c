/*
 * An account goes from one storage to another and back, again and again, while
 * mail comes, sessions look, change, copy and search, mailboxes come and go and
 * are put away. A plain program for ThreadSanitizer; ends with 0 when no
 * message was lost, doubled or mixed up.
 *
 * The storage module is POSTERN_TEST_MODULE, or the one of this build.
 */
#include "base/str.h"
#include "mailbox/convert.h"
#include "mailbox/fulltext.h"
#include "mailbox/metadata.h"
#include "mailbox/priv.h"
#include "mailbox/watch.h"
#include <ftw.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LIFE_MS = 8000, WRITERS = 2, READERS = 2 };

static char dir[] = "/tmp/postern-race-XXXXXX";
static struct mailstore *ms;
static struct accounts *accounts;
static struct config *cfg;
static atomic_bool quit;
static _Atomic unsigned bad, arrived, refused, looks, moves, tries;

#define EXPECT(claim)                                                   \
	do {                                                            \
		if (!(claim)) {                                         \
			atomic_fetch_add(&bad, 1);                      \
			(void)fprintf(                                  \
			    stderr, "line %d: %s\n", __LINE__, #claim); \
		}                                                       \
	} while (0)

/* "Kept" only gets mail; "Busy" is changed; "Short" has a short life. */
static const char *const names[] = { "Kept", "Busy", "Short", "INBOX" };

static unsigned
dice(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % below;
}

static void
rest(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	(void)nanosleep(&ts, NULL);
}

static struct account_user
find_user(void)
{
	struct account_user user = { .address = "anna@example.test",
		.enabled = true,
		.quota_bytes = -1,
		.quota_messages = -1 };
	struct pst_error err;

	(void)account_find(accounts, "anna@example.test", &user, &err);
	return user;
}

/* By a record that may be old by now. */
static struct mail_account *
open_account(void)
{
	struct account_user user = find_user();
	struct mail_account *a = NULL;
	struct pst_error err = { 0 };

	rest(200);
	if (mail_account_open(ms, &user, &a, &err) != PST_OK) {
		EXPECT(!"the account cannot be opened");
		(void)fprintf(stderr, "%s\n", err.detail);
	}
	return a;
}

/* --- mail that comes ------------------------------------------------------ */

static void
put(struct mail_account *a, const char *mailbox, unsigned *seed)
{
	static const char *const words[] = { "$One", "$Two", "$Three" };
	static const char text[] = "From: a@example.test\r\n\r\nBody\r\n";
	struct mail_append append = { .flags = dice(seed, 32),
		.keywords = &words[dice(seed, 3)],
		.keyword_count = dice(seed, 4) == 0,
		.internal_date = 1700000000,
		.last = true };
	struct mail_appended result = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc = mail_stage_new(a, 0, &append.stage, &err);

	if (rc == PST_OK)
		rc = mail_stage_write(
		    append.stage, text, sizeof(text) - 1, &err);
	if (dice(seed, 4) == 0)
		rest(2000);
	if (rc == PST_OK)
		rc = mail_append(a, mailbox, &append, 1, &result, &err);
	mail_stage_free(&append.stage);
	/* TEMP: it was staged in the other storage. */
	EXPECT(rc == PST_OK || rc == PST_E_NOTFOUND || rc == PST_E_TEMP);
	atomic_fetch_add(&refused, rc == PST_E_TEMP);
	if (rc == PST_OK && strcmp(mailbox, "Kept") == 0)
		atomic_fetch_add(&arrived, 1);
}

static void *
writer(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!atomic_load(&quit)) {
		struct mail_account *a = open_account();

		for (int i = 0; i < 20 && a != NULL; i++) {
			put(a, names[dice(&seed, 4)], &seed);
			rest(3000);
		}
		mail_account_close(&a);
	}
	return NULL;
}

/* --- sessions ------------------------------------------------------------- */

struct seen {
	struct mailbox_view *v;
	uint32_t count;
};

static void
on_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct seen *s = arg;

	EXPECT(uid > 0 && seq >= 1 && seq <= s->count);
	s->count--;
}

static void
on_exists(void *arg, uint32_t count, uint32_t recent)
{
	struct seen *s = arg;

	EXPECT(count >= s->count && recent <= count);
	s->count = count;
}

static void
on_changed(void *arg, uint32_t seq, const struct pst_row *row)
{
	struct seen *s = arg;

	EXPECT(seq >= 1 && seq <= s->count);
	EXPECT(view_uid(s->v, seq) == row->uid);
}

static void
look(struct seen *s)
{
	const struct view_events events = { .arg = s,
		.expunged = on_expunged,
		.exists = on_exists,
		.changed = on_changed };
	struct pst_error err;
	struct pst_body body;
	uint32_t before = 0;
	char text[8];

	EXPECT(view_sync(s->v, true, &events, &err) == PST_OK ||
	       view_is_dead(s->v));
	EXPECT(s->count == view_count(s->v));
	for (uint32_t seq = 1; seq <= view_count(s->v); seq++) {
		EXPECT(view_uid(s->v, seq) > before);
		before = view_uid(s->v, seq);
	}
	if (before != 0 && view_body(s->v, before, &body, &err) == PST_OK) {
		EXPECT(mail_body_read(&body, 0, text, 5, &err) == PST_OK);
		EXPECT(memcmp(text, "From:", 5) == 0);
		body.release(&body);
	}
	atomic_fetch_add(&looks, 1);
}

static void
change(struct seen *s, struct mail_account *a, unsigned *seed)
{
	struct pst_range range = { 1 + dice(seed, 200), 0 };
	const struct pst_uids uids = { &range, 1 };
	static const char *const words[] = { "$One", "$Four" };
	const struct view_store flags = { .op = (enum pst_flag_op)dice(seed, 3),
		.flags = dice(seed, 32),
		.keywords = &words[dice(seed, 2)],
		.keyword_count = dice(seed, 2),
		.unchanged_since = UINT64_MAX,
		.silent = dice(seed, 2) == 0 };
	struct view_copied copied;
	struct pst_error err;

	range.last = range.first + dice(seed, 10);
	(void)view_store(s->v, uids, &flags, NULL, &err);
	if (dice(seed, 3) == 0)
		(void)view_expunge(s->v, &uids, &err);
	if (dice(seed, 4) == 0) {
		range.last = range.first + dice(seed, 3);
		(void)view_copy(
		    s->v, uids, a, "Kept", dice(seed, 2) == 0, &copied, &err);
		atomic_fetch_add(&arrived, (unsigned)copied.n);
		view_copied_fini(&copied);
	}
}

static void
search(struct mailbox_view *v)
{
	struct view_text found;

	if (view_text_search(v, STR("body"), true, &found))
		view_text_fini(&found);
}

static void *
reader(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg + 50;
	struct mail_account *a = open_account();

	while (!atomic_load(&quit)) {
		unsigned which = dice(&seed, 4);
		struct seen s = { 0 };
		struct pst_error err;

		if (view_open(a, names[which], dice(&seed, 4) == 0, NULL, &s.v,
			&err) != PST_OK) {
			rest(1000);
			continue;
		}
		s.count = view_count(s.v);
		for (unsigned i = 0; i < 20 && !view_is_dead(s.v); i++) {
			look(&s);
			if (which == 1)
				change(&s, a, &seed);
			if (dice(&seed, 6) == 0)
				(void)view_refresh(s.v, &err);
			if (dice(&seed, 8) == 0)
				search(s.v);
			rest(2000);
		}
		view_close(&s.v);
	}
	mail_account_close(&a);
	return NULL;
}

/* --- the rest of an account ----------------------------------------------- */

static void *
keeper(void *arg)
{
	unsigned seed = 99;

	for (unsigned i = 0; !atomic_load(&quit); i++) {
		struct mail_account *a = open_account();
		struct metadata_entry entry = { .name = "/private/comment",
			.value = i % 2 ? STR("text") : STR("other") };
		struct pst_usage usage, limit;
		struct mailbox_status st;
		struct mailbox_names all;
		struct pst_error err;

		if (i % 4 == 0)
			EXPECT(mailbox_create(a, "Short", "", &err) == PST_OK);
		(void)mailbox_status(a, names[dice(&seed, 4)], &st, &err);
		EXPECT(mailbox_names(a, &all, &err) == PST_OK);
		mailbox_names_fini(&all);
		EXPECT(metadata_set(a, "Kept", &entry, 1, &err) == PST_OK);
		EXPECT(mailbox_subscribe(a, "Busy", i % 2, &err) == PST_OK);
		EXPECT(mail_account_usage(a, &usage, &limit, &err) == PST_OK);
		if (dice(&seed, 20) == 0)
			(void)mailbox_text_rebuild(
			    a, names[dice(&seed, 4)], &err);
		mailbox_evict(ms, dice(&seed, 3), NULL);
		if (i % 4 == 3)
			EXPECT(mailbox_delete(a, "Short", &err) == PST_OK);
		mail_account_close(&a);
		rest(5000);
	}
	return arg;
}

static void *
watcher(void *arg)
{
	struct mail_account *a = open_account();

	while (!atomic_load(&quit)) {
		struct watch *w = watch_open(a, WATCH_MESSAGES, NULL);
		struct watch_news news;

		for (unsigned i = 0; i < 20; i++) {
			watch_pin(w, names, i % 4);
			while (watch_take(w, &news)) {
				if (news.kinds & WATCH_STIRRED)
					watch_look(w, news.mailbox);
				watch_news_fini(&news);
			}
			rest(1000);
		}
		watch_close(&w);
	}
	mail_account_close(&a);
	return arg;
}

static void *
converter(void *arg)
{
	bool is_there = false;

	while (!atomic_load(&quit)) {
		const struct convert_how how = {
			.from = is_there ? "other" : "main",
			.to = is_there ? "main" : "other",
		};
		struct account_user user = find_user();
		struct convert_result result;
		struct pst_error err = { 0 };
		enum pst_rc rc = mail_convert(
		    ms, accounts, &user, &how, &result, &err);

		/* With so much going on there may be no moment for it. */
		if (rc != PST_OK && rc != PST_E_TEMP && rc != PST_E_LIMIT)
			(void)fprintf(stderr, "convert: %s\n", err.detail);
		EXPECT(rc == PST_OK || rc == PST_E_TEMP || rc == PST_E_LIMIT);
		EXPECT(result.is_over == (rc == PST_OK));
		is_there = is_there != result.is_over;
		atomic_fetch_add(&moves, result.is_over);
		atomic_fetch_add(&tries, 1);
	}
	return arg;
}

/* --- the whole ------------------------------------------------------------ */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
find_module(char *path, size_t size)
{
	const char *given = getenv("POSTERN_TEST_MODULE");
	char self[512] = "";
	char *slash;

	(void)!readlink("/proc/self/exe", self, sizeof(self) - 1);
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	(void)snprintf(path, size, "%s%s", given != NULL ? given : self,
	    given != NULL ? "" : "/../../.libs/maildir.so");
}

static bool
open_all(void)
{
	struct account_user user = { .address = "anna@example.test",
		.enabled = true,
		.quota_bytes = -1,
		.quota_messages = -1 };
	struct pst_error err = { 0 };
	char module[600], text[3000];

	find_module(module, sizeof(module));
	if (mkdtemp(dir) == NULL)
		return false;
	(void)snprintf(text, sizeof(text),
	    "hostname = \"a.example\"\n"
	    "domains = { \"example.test\" }\n"
	    "accounts {\n path = \"%s/accounts.db\"\n}\n"
	    "listener l {\n path = \"/nowhere\"\n tls = none\n}\n"
	    "storage main {\n module = \"%s\"\n path = \"%s/mail\"\n"
	    " fsync = false\n}\n"
	    "storage other {\n module = \"%s\"\n path = \"%s/other\"\n"
	    " fsync = false\n}\n"
	    "limits {\n open_mailboxes = 2\n}\n"
	    "search {\n delay = 0\n}\n",
	    dir, module, dir, module, dir);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	if (cfg != NULL)
		ms = mailstore_open(cfg, &err);
	if (ms != NULL)
		accounts = accounts_open(cfg, &err);
	if (accounts != NULL &&
	    account_add(accounts, &user, STR_NONE, &err) == PST_OK)
		return true;
	(void)fprintf(stderr, "%s\n", err.detail);
	return false;
}

static void
run(void)
{
	static void *(*const others[])(void *) = { keeper, watcher, converter };
	enum { OTHERS = sizeof(others) / sizeof(others[0]) };
	pthread_t thread[WRITERS + READERS + OTHERS];
	size_t n = 0;

	for (size_t i = 0; i < WRITERS + READERS; i++)
		(void)pthread_create(&thread[n++], NULL,
		    i < WRITERS ? writer : reader, (void *)(uintptr_t)(i + 1));
	for (size_t i = 0; i < OTHERS; i++)
		(void)pthread_create(&thread[n++], NULL, others[i], NULL);
	for (int i = 0; i < LIFE_MS; i++)
		rest(1000);
	atomic_store(&quit, true);
	while (n > 0)
		(void)pthread_join(thread[--n], NULL);
}

int
main(void)
{
	struct mail_account *a;
	struct mailbox_status st;
	struct pst_error err;

	if (!open_all())
		return 1;
	a = open_account();
	EXPECT(mailbox_create(a, "Kept", "", &err) == PST_OK);
	EXPECT(mailbox_create(a, "Busy", "", &err) == PST_OK);
	mail_account_close(&a);
	run();
	a = open_account();
	EXPECT(mailbox_status(a, "Kept", &st, &err) == PST_OK);
	EXPECT(st.messages == atomic_load(&arrived));
	EXPECT(atomic_load(&moves) > 1);
	mail_account_close(&a);
	accounts_close(&accounts);
	mailstore_close(&ms);
	config_unref(&cfg);
	(void)printf("%u kept, %u refused, %u looks, %u of %u conversions\n",
	    st.messages, atomic_load(&refused), atomic_load(&looks),
	    atomic_load(&moves), atomic_load(&tries));
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return atomic_load(&bad) == 0 ? 0 : 1;
}
