/*
 * The mailbox engine under several threads: views that open, look and close,
 * mail that comes, flags, expunges, copies and moves, while mailboxes are
 * renamed, deleted, made again and put away. A plain program for
 * ThreadSanitizer; ends with 0 when no message was lost, doubled or mixed up.
 *
 * The storage module is POSTERN_TEST_MODULE, or the one of this build.
 */
#include "base/str.h"
#include "mailbox/fulltext.h"
#include "mailbox/priv.h"
#include "mailbox/watch.h"
#include <ftw.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LIFE_MS = 6000, WRITERS = 3, READERS = 3 };

static char dir[] = "/tmp/postern-race-XXXXXX";
static struct mailstore *ms;
static struct config *cfg;
static atomic_bool quit;
static _Atomic unsigned bad, put_n, arrived, copied_n, looks, renamed, deleted,
    heard, searches, removed;

#define EXPECT(claim)                                                   \
	do {                                                            \
		if (!(claim)) {                                         \
			atomic_fetch_add(&bad, 1);                      \
			(void)fprintf(                                  \
			    stderr, "line %d: %s\n", __LINE__, #claim); \
		}                                                       \
	} while (0)

/* "Kept" only gets mail; "Busy" is changed in every way; "Moving" has a name
 * that changes, "Short" a short life. */
static const char *const names[] = { "Kept", "Busy", "Moving", "Moved", "Short",
	"Moving/Below", "Moved/Below" };

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static unsigned
dice(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % below;
}

static void
rest(long us)
{
	struct timespec ts = { 0, us * 1000 };

	(void)nanosleep(&ts, NULL);
}

static struct account_user
user_of(const char *name)
{
	struct account_user user = {
		.enabled = true, .quota_bytes = -1, .quota_messages = -1
	};

	(void)snprintf(
	    user.address, sizeof(user.address), "%s@example.test", name);
	return user;
}

static struct mail_account *
open_account(const char *name)
{
	struct account_user user = user_of(name);
	struct mail_account *a = NULL;
	struct pst_error err = { 0 };

	if (mail_account_open(ms, &user, &a, &err) != PST_OK) {
		EXPECT(!"an account cannot be opened");
		(void)fprintf(stderr, "%s\n", err.detail);
	}
	return a;
}

/* --- mail that comes
 * --------------------------------------------------------------
 */

static bool
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
	if (rc == PST_OK)
		rc = mail_append(a, mailbox, &append, 1, &result, &err);
	mail_stage_free(&append.stage);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		(void)fprintf(stderr, "%s: %s\n", mailbox, err.detail);
	EXPECT(rc == PST_OK || rc == PST_E_NOTFOUND);
	EXPECT(rc != PST_OK || (result.uid > 0 && result.uidvalidity > 0));
	return rc == PST_OK;
}

static void *
writer(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!atomic_load(&quit)) {
		struct mail_account *a = open_account("anna");

		for (int i = 0; i < 20; i++) {
			const char *name = names[dice(&seed, NAMES)];

			if (put(a, name, &seed)) {
				atomic_fetch_add(&put_n, 1);
				if (strcmp(name, "Kept") == 0)
					atomic_fetch_add(&arrived, 1);
			}
		}
		mail_account_close(&a);
	}
	return NULL;
}

/* --- sessions
 * ------------------------------------------------------------------------
 */

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
look(struct seen *s, bool expunges)
{
	const struct view_events events = { .arg = s,
		.expunged = on_expunged,
		.exists = on_exists,
		.changed = on_changed };
	const char *const *words;
	struct pst_error err;
	uint32_t before = 0;

	EXPECT(view_sync(s->v, expunges, &events, &err) == PST_OK ||
	       view_is_dead(s->v));
	EXPECT(s->count == view_count(s->v));
	words = view_keywords(s->v);
	for (uint32_t seq = 1; seq <= view_count(s->v); seq++) {
		struct pst_row row;
		uint32_t uid = view_uid(s->v, seq);

		EXPECT(uid > before);
		before = uid;
		view_rows(s->v, seq, 1, &row);
		EXPECT(row.uid == 0 || row.uid == uid);
		for (unsigned k = 0; k < PST_KEYWORDS_MAX && row.uid != 0; k++)
			if ((row.keywords >> k & 1) != 0 && words[k] == NULL)
				words = view_keywords(s->v);
	}
	atomic_fetch_add(&looks, 1);
}

static void
read_one(struct seen *s, unsigned *seed)
{
	struct pst_body body;
	struct pst_error err;
	char text[8];

	if (view_count(s->v) == 0)
		return;
	if (view_body(s->v, view_uid(s->v, 1 + dice(seed, view_count(s->v))),
		&body, &err) != PST_OK)
		return;
	EXPECT(mail_body_read(&body, 0, text, 5, &err) == PST_OK);
	EXPECT(memcmp(text, "From:", 5) == 0);
	body.release(&body);
}

/* What every message contains is found in every one, indexed or not. */
static void
search(struct mailbox_view *v)
{
	struct view_text found;

	if (!view_text_search(v, STR("body"), true, &found))
		return;
	for (uint32_t seq = 1; seq <= view_count(v); seq++) {
		uint32_t uid = view_uid(v, seq);

		EXPECT(uidset_has(&found.yes, uid) !=
		       uidset_has(&found.unsure, uid));
	}
	atomic_fetch_add(&searches, (unsigned)(found.yes.n > 0));
	view_text_fini(&found);
}

static void
change(struct seen *s, struct mail_account *a, bool all, unsigned *seed)
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

	range.last = range.first + dice(seed, 20);
	(void)view_store(s->v, uids, &flags, NULL, &err);
	if (!all)
		return;
	if (dice(seed, 3) == 0)
		(void)view_expunge(s->v, &uids, &err);
	if (dice(seed, 3) == 0) {
		bool move = dice(seed, 2) == 0;

		range.last = range.first + dice(seed, 4);
		if (view_copy(s->v, uids, a, "Kept", move, &copied, &err) ==
			PST_OK ||
		    copied.n > 0) {
			atomic_fetch_add(&copied_n, (unsigned)copied.n);
			atomic_fetch_add(&arrived, (unsigned)copied.n);
		}
		view_copied_fini(&copied);
	}
}

static void *
reader(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	struct mail_account *a = open_account("anna");

	while (!atomic_load(&quit)) {
		unsigned which = dice(&seed, NAMES);
		bool kept = strcmp(names[which], "Kept") == 0;
		struct seen s = { 0 };
		struct pst_error err;

		if (view_open(a, names[which], dice(&seed, 4) == 0, NULL, &s.v,
			&err) != PST_OK)
			continue;
		s.count = view_count(s.v);
		for (unsigned i = 0; i < 12 && !view_is_dead(s.v); i++) {
			look(&s, dice(&seed, 2) == 0);
			read_one(&s, &seed);
			if (!kept)
				change(&s, a, which == 1, &seed);
			if (dice(&seed, 6) == 0)
				(void)view_refresh(s.v, &err);
			if (dice(&seed, 8) == 0)
				search(s.v);
		}
		view_close(&s.v);
	}
	mail_account_close(&a);
	return NULL;
}

/* --- names
 * -------------------------------------------------------------------------------
 */

static void *
renamer(void *arg)
{
	struct mail_account *a = open_account("anna");

	for (unsigned i = 0; !atomic_load(&quit); i++) {
		struct pst_error err;
		enum pst_rc rc = mailbox_rename(a,
		    i % 2 == 0 ? "Moving" : "Moved",
		    i % 2 == 0 ? "Moved" : "Moving", &err);

		if (rc != PST_OK)
			(void)fprintf(stderr, "rename: %s\n", err.detail);
		EXPECT(rc == PST_OK);
		atomic_fetch_add(&renamed, 1);
		rest(2000);
	}
	mail_account_close(&a);
	return arg;
}

static void *
deleter(void *arg)
{
	struct mail_account *a = open_account("anna");

	while (!atomic_load(&quit)) {
		struct pst_error err;

		EXPECT(mailbox_create(a, "Short", "", &err) == PST_OK);
		rest(3000);
		EXPECT(mailbox_delete(a, "Short", &err) == PST_OK);
		atomic_fetch_add(&deleted, 1);
		rest(1000);
	}
	mail_account_close(&a);
	return arg;
}

static void *
counter(void *arg)
{
	unsigned seed = 99;

	while (!atomic_load(&quit)) {
		struct mail_account *a = open_account("anna");
		struct pst_usage usage, limit;
		struct mailbox_status st;
		struct pst_error err;

		(void)mailbox_status(a, names[dice(&seed, NAMES)], &st, &err);
		if (dice(&seed, 40) == 0)
			(void)mailbox_text_rebuild(
			    a, names[dice(&seed, NAMES)], &err);
		EXPECT(mail_account_usage(a, &usage, &limit, &err) == PST_OK);
		mailbox_evict(ms, dice(&seed, 3), NULL);
		mailstore_reconfigure(ms, cfg);
		mail_account_close(&a);
	}
	return arg;
}

/* Another account, whose last user goes away again and again; now and then all
 * of it goes, while it is indexed. */
static void *
guest(void *arg)
{
	const struct account_user user = user_of("bert");
	unsigned seed = 5;

	for (unsigned i = 0; !atomic_load(&quit); i++) {
		struct mail_account *b = open_account("bert");
		struct pst_error err = { 0 };

		EXPECT(put(b, "INBOX", &seed));
		if (i % 8 == 7)
			EXPECT(
			    mailbox_text_rebuild(b, "INBOX", &err) == PST_OK);
		mail_account_close(&b);
		if (i % 16 == 15) {
			enum pst_rc rc = mail_account_remove(ms, &user, &err);

			/* Somebody else may be putting its INBOX away. */
			EXPECT(rc == PST_OK || rc == PST_E_CONFLICT);
			atomic_fetch_add(&removed, rc == PST_OK);
		}
	}
	return arg;
}

/* Watches that come and go, with pins, beside all that. */
static void *
watcher(void *arg)
{
	static const unsigned all = WATCH_MESSAGES | WATCH_CREATED |
				    WATCH_DELETED | WATCH_RENAMED |
				    WATCH_SUBSCRIBED | WATCH_METADATA;
	unsigned seed = (unsigned)(uintptr_t)arg + 77;
	struct mail_account *a = open_account("anna");

	while (!atomic_load(&quit)) {
		struct watch *w = watch_open(a, all, NULL);
		struct watch_news news;

		for (unsigned i = 0; i < 20 && !atomic_load(&quit); i++) {
			if (dice(&seed, 4) == 0)
				watch_pin(w, names, dice(&seed, NAMES + 1));
			watch_mute(w, dice(&seed, 2) == 0);
			while (watch_take(w, &news)) {
				EXPECT(news.kinds != 0 && news.mailbox != NULL);
				EXPECT(((news.kinds & WATCH_RENAMED) != 0) ==
				       (news.other != NULL));
				if (news.kinds & WATCH_STIRRED)
					watch_look(w, news.mailbox);
				atomic_fetch_add(&heard, 1);
				watch_news_fini(&news);
			}
			(void)watch_has_news(w);
			EXPECT(!watch_is_overflown(w) || news.mailbox == NULL);
			rest(500);
		}
		watch_close(&w);
	}
	mail_account_close(&a);
	return NULL;
}

/* --- the whole
 * -----------------------------------------------------------------------------
 */

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
	struct pst_error err = { 0 };
	char module[600], text[2048];

	find_module(module, sizeof(module));
	if (mkdtemp(dir) == NULL)
		return false;
	(void)snprintf(text, sizeof(text),
	    "hostname = \"a.example\"\n"
	    "listener l {\n path = \"/nowhere\"\n tls = none\n}\n"
	    "storage main {\n module = \"%s\"\n path = \"%s/mail\"\n"
	    " fsync = false\n}\n"
	    "limits {\n open_mailboxes = 2\n}\n"
	    "search {\n delay = 0\n}\n",
	    module, dir);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	if (cfg != NULL)
		ms = mailstore_open(cfg, &err);
	if (ms == NULL)
		(void)fprintf(stderr, "%s\n", err.detail);
	return ms != NULL;
}

static void
run(void)
{
	static void *(*const others[])(
	    void *) = { renamer, deleter, counter, guest, watcher, watcher };
	enum { OTHERS = sizeof(others) / sizeof(others[0]) };
	pthread_t thread[WRITERS + READERS + OTHERS];
	size_t n = 0;

	for (size_t i = 0; i < WRITERS + READERS; i++)
		(void)pthread_create(&thread[n++], NULL,
		    i < WRITERS ? writer : reader, (void *)(uintptr_t)(i + 1));
	for (size_t i = 0; i < OTHERS; i++)
		(void)pthread_create(
		    &thread[n++], NULL, others[i], (void *)(uintptr_t)i);
	for (int i = 0; i < LIFE_MS; i++)
		rest(1000);
	atomic_store(&quit, true);
	while (n > 0)
		(void)pthread_join(thread[--n], NULL);
}

int
main(void)
{
	static const char *const make[] = { "Kept", "Busy", "Moving",
		"Moving/Below" };
	struct mail_account *a;
	struct mailbox_status st;
	struct pst_error err;

	if (!open_all())
		return 1;
	a = open_account("anna");
	for (size_t i = 0; i < sizeof(make) / sizeof(make[0]); i++)
		EXPECT(mailbox_create(a, make[i], "", &err) == PST_OK);
	run();
	EXPECT(mailbox_status(a, "Kept", &st, &err) == PST_OK);
	EXPECT(st.messages == atomic_load(&arrived));
	EXPECT(atomic_load(&renamed) > 5 && atomic_load(&deleted) > 5);
	EXPECT(atomic_load(&heard) > 5);
	EXPECT(atomic_load(&searches) > 0 && atomic_load(&removed) > 0);
	mail_account_close(&a);
	mailstore_close(&ms);
	config_unref(&cfg);
	(void)printf("%u put, %u copied, %u looks, %u renames, %u deletions, "
		     "%u searches, %u removals\n",
	    atomic_load(&put_n), atomic_load(&copied_n), atomic_load(&looks),
	    atomic_load(&renamed), atomic_load(&deleted),
	    atomic_load(&searches), atomic_load(&removed));
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return atomic_load(&bad) == 0 ? 0 : 1;
}
