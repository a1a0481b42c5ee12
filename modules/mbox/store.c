/*
 * store.c - the module's entry, and the store as a whole: its configuration.
 */
#include "mbox.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT = 10, STALE = 300 }; /* seconds */

enum pst_rc
mb_fail(struct pst_error *err, int e, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return pst_fail(err, li_rc_of(e), e, "%s", text);
}

enum pst_rc
mb_fail_io(
    struct pst_error *err, int e, const struct pst_box *b, const char *what)
{
	return pst_fail(err,
	    li_rc_of(e) == PST_E_NOSPACE ? PST_E_NOSPACE : PST_E_TEMP, e,
	    "%s %.180s", what, b->folder->base.where);
}

int64_t
mb_now(const struct pst_store *s)
{
	return s->host->now() / 1000000;
}

int
mb_sync_file(const struct pst_store *s, int fd)
{
	return s->fsync && fsync(fd) < 0 ? errno : 0;
}

int
mb_sync_data(const struct pst_store *s, int fd)
{
	return s->fsync && fdatasync(fd) < 0 ? errno : 0;
}

enum li_sync
mb_sync_kind(const struct pst_store *s, enum li_sync wanted)
{
	return s->fsync ? wanted : LI_SYNC_NONE;
}

static void
mb_store_close(struct pst_store *s)
{
	if (s->watcher != NULL)
		li_watcher_free(s->watcher);
	li_root_close(&s->root);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- configuration ----------------------------------------------------------
 */

static enum pst_rc
read_bool(
    const char *text, const char *key, bool *value_r, struct pst_error *err)
{
	if (text == NULL)
		return PST_OK;
	*value_r = strcmp(text, "true") == 0;
	return *value_r || strcmp(text, "false") == 0
		   ? PST_OK
		   : pst_fail(err, PST_E_SYNTAX, 0,
			 "storage mbox: \"%s\" is either true or false", key);
}

static enum pst_rc
read_seconds(
    const char *text, const char *key, unsigned *value_r, struct pst_error *err)
{
	enum { MOST = 86400 };
	uint64_t v;

	if (text == NULL)
		return PST_OK;
	if (!li_number(text, strlen(text), &v) || v > MOST)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "storage mbox: \"%s\" is a number of seconds", key);
	*value_r = (unsigned)v;
	return PST_OK;
}

/* "fcntl dotlock": either, both, or "none". */
static enum pst_rc
read_locks(const char *text, struct mb_lock_how *how, struct pst_error *err)
{
	struct pst_str rest = { text, text ? strlen(text) : 0 }, word;

	how->fcntl = how->dotlock = text == NULL;
	while (li_next_word(&rest, &word)) {
		if (li_is(word, "fcntl"))
			how->fcntl = true;
		else if (li_is(word, "dotlock"))
			how->dotlock = true;
		else if (!li_is(word, "none"))
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "storage mbox: \"locks\" is of fcntl and dotlock, "
			    "or none");
	}
	return PST_OK;
}

static enum pst_rc
configure(struct pst_store *s, const struct pst_section *section,
    struct pst_error *err)
{
	const char *(*get)(
	    const struct pst_section *, const char *) = s->host->config;
	enum pst_rc rc;

	rc = read_bool(get(section, "fsync"), "fsync", &s->fsync, err);
	if (rc == PST_OK)
		rc = read_locks(get(section, "locks"), &s->how, err);
	if (rc == PST_OK)
		rc = read_seconds(
		    get(section, "lock_wait"), "lock_wait", &s->how.wait, err);
	if (rc == PST_OK)
		rc = read_seconds(get(section, "dotlock_stale"),
		    "dotlock_stale", &s->how.stale, err);
	return rc;
}

static enum pst_rc
mb_store_open(const struct pst_host *host, const struct pst_section *section,
    struct pst_store **store_r, struct pst_error *err)
{
	const char *path = host->config(section, "path");
	struct pst_store *s;
	enum pst_rc rc;

	if (path == NULL || path[0] != '/')
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "storage mbox: \"path\" must be set to an absolute path");
	s = li_alloc(sizeof(*s));
	s->host = host;
	s->fsync = true;
	s->how = (struct mb_lock_how){
		.host = host, .wait = WAIT, .stale = STALE
	};
	li_random_hex(host, s->how.token, 8);
	(void)pthread_mutex_init(&s->lock, NULL);
	rc = configure(s, section, err);
	if (rc == PST_OK)
		rc = li_root_open(&s->root, host, "mbox", path, s->fsync, err);
	if (rc != PST_OK) {
		mb_store_close(s);
		return rc;
	}
	s->watcher = mb_watcher_new(s->host);
	*store_r = s;
	return PST_OK;
}

static enum pst_rc
mb_health(struct pst_store *s, struct pst_error *err)
{
	return li_root_health(&s->root, err);
}

static const struct pst_store_ops mbox_ops = {
	.size = sizeof(mbox_ops),
	.open = mb_store_open,
	.close = mb_store_close,
	.health = mb_health,
	.acct_open = mb_acct_open,
	.acct_close = mb_acct_close,
	.acct_remove = mb_acct_remove,
	.usage = mb_usage,
	.list = mb_list,
	.create = mb_create,
	.remove = mb_remove,
	.rename = mb_rename,
	.subscribe = mb_subscribe,
	.meta_get = mb_meta_get,
	.meta_set = mb_meta_set,
	.box_open = mb_box_open,
	.box_close = mb_box_close,
	.state = mb_box_state,
	.load = mb_load,
	.refresh = mb_refresh,
	.watch = mb_watch,
	.unwatch = mb_unwatch,
	.keywords = mb_keywords,
	.keyword = mb_keyword,
	.recent = mb_recent,
	.body = mb_body,
	.ident = mb_ident,
	.stage_new = mb_stage_new,
	.stage_write = mb_stage_write,
	.stage_sync = mb_stage_sync,
	.commit = mb_commit,
	.stage_free = mb_stage_free,
	.flags = mb_flags,
	.copy = mb_copy,
	.move = mb_move,
	.expunge = mb_expunge,
	.check = mb_check,
	.recount = mb_recount,
	.cache_get = mb_cache_get,
	.cache_put = mb_cache_put,
	.history = mb_history,
	.text_put = mb_text_put,
	.text_search = mb_text_search,
	.text_tidy = mb_text_tidy,
	.text_state = mb_text_state,
	.text_drop = mb_text_drop,
	.acct_exists = mb_acct_exists,
	.box_is_there = mb_box_is_there,
	.box_is_behind = mb_box_is_behind,
	.adopt = mb_adopt,
	.place = mb_place,
};

const struct pst_module *
pst_module_entry(void)
{
	static const struct pst_module self = {
		.abi = PST_MODULE_ABI,
		.size = sizeof(self),
		.name = "mbox",
		.version = "1",
		.store = &mbox_ops,
	};

	return &self;
}
