/*
 * unit/mailbox/fixture.c - see fixture.h.
 */
#include "fixture.h"

#include "base/str.h"
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

static bool
open_with(struct store *s, const char *more)
{
	const char *module = getenv("POSTERN_TEST_MODULE");
	struct pst_error err = { 0 };
	char text[2048];

	if (module == NULL)
		module = ".libs/maildir.so";
	(void)snprintf(text, sizeof(text),
	    "hostname = \"mail.example.test\"\n"
	    "listener l {\n path = \"/nowhere\"\n tls = none\n}\n"
	    "storage main {\n module = \"%s%s\"\n path = \"%s/mail\"\n"
	    " fsync = false\n}\n%s",
	    strchr(module, '/') != NULL ? "" : "./", module, s->dir, more);
	s->cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	if (s->cfg != NULL)
		s->ms = mailstore_open(s->cfg, &err);
	if (s->ms == NULL)
		(void)fprintf(stderr, "%s\n", err.detail);
	return s->ms != NULL;
}

bool
store_open(struct store *s, const char *more)
{
	*s = (struct store){ 0 };
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/postern-mail-XXXXXX");
	return mkdtemp(s->dir) != NULL && open_with(s, more);
}

bool
store_again(struct store *s)
{
	mailstore_close(&s->ms);
	config_unref(&s->cfg);
	return open_with(s, "");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
store_close(struct store *s)
{
	mailstore_close(&s->ms);
	config_unref(&s->cfg);
	(void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct account_user
store_user(const char *name)
{
	struct account_user user = {
		.enabled = true, .quota_bytes = -1, .quota_messages = -1
	};

	(void)snprintf(
	    user.address, sizeof(user.address), "%s@example.test", name);
	return user;
}

struct mail_account *
store_account(struct store *s, const char *name)
{
	struct account_user user = store_user(name);
	struct mail_account *a = NULL;
	struct pst_error err = { 0 };

	if (mail_account_open(s->ms, &user, &a, &err) != PST_OK)
		(void)fprintf(stderr, "%s\n", err.detail);
	return a;
}

uint32_t
store_put(struct mail_account *a, const char *mailbox, uint32_t flags,
    const char *keyword, unsigned lines)
{
	static const char header[] = "From: a@example.test\r\n\r\n";
	static const char line[] = "A line of the message.\r\n";
	struct mail_append append = { .flags = flags,
		.keywords = &keyword,
		.keyword_count = keyword != NULL,
		.internal_date = 1700000000,
		.last = true };
	struct mail_appended result = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc = mail_stage_new(a, 0, &append.stage, &err);

	if (rc == PST_OK)
		rc = mail_stage_write(
		    append.stage, header, sizeof(header) - 1, &err);
	for (unsigned i = 0; i < lines && rc == PST_OK; i++)
		rc = mail_stage_write(
		    append.stage, line, sizeof(line) - 1, &err);
	if (rc == PST_OK)
		rc = mail_append(a, mailbox, &append, 1, &result, &err);
	mail_stage_free(&append.stage);
	return rc == PST_OK ? result.uid : 0;
}

struct mailbox_view *
store_view(struct mail_account *a, const char *mailbox, bool read_only)
{
	struct mailbox_view *v = NULL;
	struct pst_error err = { 0 };

	if (view_open(a, mailbox, read_only, NULL, &v, &err) != PST_OK)
		return NULL;
	return v;
}

enum pst_rc
store_flags(struct mailbox_view *v, uint32_t first, uint32_t last,
    enum pst_flag_op op, uint32_t flags, bool silent)
{
	const struct pst_range range = { first, last };
	const struct view_store change = { .op = op,
		.flags = flags,
		.unchanged_since = UINT64_MAX,
		.silent = silent };
	struct pst_error err;

	return view_store(
	    v, (struct pst_uids){ &range, 1 }, &change, NULL, &err);
}

enum pst_rc
store_expunge(struct mailbox_view *v, uint32_t first, uint32_t last)
{
	const struct pst_range range = { first, last };
	const struct pst_uids uids = { &range, 1 };
	struct pst_error err;

	return view_expunge(v, &uids, &err);
}

/* --- what a view tells
 * --------------------------------------------------------------- */

static void
on_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct told *t = arg;

	t->expunged_seq[t->expunged_n % 512] = seq;
	t->expunged[t->expunged_n++ % 512] = uid;
}

static void
on_keywords(void *arg)
{
	((struct told *)arg)->keywords++;
}

static void
on_exists(void *arg, uint32_t count, uint32_t recent)
{
	struct told *t = arg;

	t->exists++;
	t->count = count;
	t->recent = recent;
}

static void
on_changed(void *arg, uint32_t seq, const struct pst_row *row)
{
	struct told *t = arg;

	(void)seq;
	t->changed[t->changed_n % 512] = row->uid;
	t->changed_flags[t->changed_n++ % 512] = row->flags;
}

enum pst_rc
store_sync(struct mailbox_view *v, bool expunges, struct told *t)
{
	const struct view_events events = { t, on_expunged, on_keywords,
		on_exists, on_changed };
	struct pst_error err;

	*t = (struct told){ 0 };
	return view_sync(v, expunges, &events, &err);
}
