/*
 * store.c - the module's entry, and the store as a whole: its configuration.
 */
#include "kept.h"
#include "maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <dirent.h>

enum pst_rc
md_fail(struct pst_error *err, int e, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return pst_fail(err, li_rc_of(e), e, "%s", text);
}

int64_t
md_now(const struct pst_store *s)
{
	return s->host->now() / 1000000;
}

void
md_random_hex(const struct pst_store *s, char *out, size_t n)
{
	li_random_hex(s->host, out, n);
}

int
md_sync(const struct pst_store *s, int fd)
{
	return s->fsync && fsync(fd) < 0 ? errno : 0;
}

enum li_sync
md_sync_kind(const struct pst_store *s, enum li_sync wanted)
{
	return s->fsync ? wanted : LI_SYNC_NONE;
}

void
md_short_stem(const struct pst_store *s, int64_t date, char *out, size_t cap)
{
	char random[17];

	md_random_hex(s, random, 8);
	(void)snprintf(out, cap, "%lld.M%06luR%s",
	    (long long)(date > 0 ? date : 0),
	    (unsigned long)(s->host->now() % 1000000), random);
}

void
md_new_stem(const struct pst_store *s, int64_t date, char *out, size_t cap)
{
	size_t n;

	md_short_stem(s, date, out, cap);
	n = strlen(out);
	(void)snprintf(out + n, cap - n, ".%s", s->hostname);
}

/* The host as a part of file names: no separators of Maildir in it. */
static void
set_hostname(struct pst_store *s)
{
	char name[256];
	size_t n = 0;

	if (gethostname(name, sizeof(name)) < 0)
		name[0] = '\0';
	name[sizeof(name) - 1] = '\0';
	for (; name[n] != '\0' && n + 1 < sizeof(s->hostname); n++) {
		char c = name[n];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || c == '-' || c == '.';

		s->hostname[n] = plain ? c : '_';
	}
	if (n == 0)
		s->hostname[n++] = 'h';
	s->hostname[n] = '\0';
}

static void
md_store_close(struct pst_store *s)
{
	if (s->watcher != NULL)
		li_watcher_free(s->watcher);
	li_root_close(&s->base);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static enum pst_rc
parse_line_ends(const char *text, bool *as_lf_r)
{
	*as_lf_r = text == NULL || strcmp(text, "lf") == 0;
	return *as_lf_r || strcmp(text, "crlf") == 0 ? PST_OK : PST_E_SYNTAX;
}

static enum pst_rc
parse_bool(const char *text, bool *value_r)
{
	if (text == NULL)
		return PST_OK;
	if (strcmp(text, "true") == 0)
		*value_r = true;
	else if (strcmp(text, "false") == 0)
		*value_r = false;
	else
		return PST_E_SYNTAX;
	return PST_OK;
}

static enum pst_rc
md_store_open(const struct pst_host *host, const struct pst_section *section,
    struct pst_store **store_r, struct pst_error *err)
{
	const char *path = host->config(section, "path");
	struct pst_store *s;
	enum pst_rc rc;

	if (path == NULL || path[0] != '/')
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "storage maildir: \"path\" must be set to an absolute "
		    "path");
	s = li_alloc(sizeof(*s));
	s->host = host;
	s->section = section;
	s->fsync = true;
	(void)pthread_mutex_init(&s->lock, NULL);
	set_hostname(s);
	rc = parse_bool(host->config(section, "fsync"), &s->fsync);
	if (rc != PST_OK)
		(void)pst_fail(err, rc, 0,
		    "storage maildir: \"fsync\" is either true or false");
	if (rc == PST_OK) {
		rc = parse_line_ends(
		    host->config(section, "line_ends"), &s->as_lf);
		if (rc != PST_OK)
			(void)pst_fail(err, rc, 0,
			    "storage maildir: \"line_ends\" is either lf or "
			    "crlf");
	}
	if (rc == PST_OK)
		rc = li_root_open(
		    &s->base, host, "maildir", path, s->fsync, err);
	if (rc != PST_OK) {
		md_store_close(s);
		return rc;
	}
	s->root = s->base.path;
	s->fd = s->base.fd;
	s->temp_fd = s->base.temp_fd;
	s->watcher = md_watcher_new(s->host);
	*store_r = s;
	return PST_OK;
}

static enum pst_rc
md_health(struct pst_store *s, struct pst_error *err)
{
	return li_root_health(&s->base, err);
}

static const struct pst_store_ops maildir_ops = {
	.size = sizeof(maildir_ops),
	.open = md_store_open,
	.close = md_store_close,
	.health = md_health,
	.acct_open = md_acct_open,
	.acct_close = md_acct_close,
	.acct_remove = md_acct_remove,
	.usage = md_usage,
	.list = md_list,
	.create = md_create,
	.remove = md_remove,
	.rename = md_rename,
	.subscribe = md_subscribe,
	.meta_get = md_meta_get,
	.meta_set = md_meta_put,
	.box_open = md_box_open,
	.box_close = md_box_close,
	.state = md_box_state,
	.load = md_load,
	.refresh = md_refresh,
	.watch = md_watch,
	.unwatch = md_unwatch,
	.keywords = md_keywords,
	.keyword = md_keyword,
	.recent = md_recent,
	.body = md_body,
	.ident = md_ident,
	.stage_new = md_stage_new,
	.stage_write = md_stage_write,
	.stage_sync = md_stage_sync,
	.commit = md_commit,
	.stage_free = md_stage_free,
	.flags = md_flags,
	.copy = md_copy,
	.move = md_move,
	.expunge = md_expunge,
	.expunge_keep = md_expunge_keep,
	.remove_keep = md_remove_keep,
	.kept_each = md_kept_each,
	.kept_heads = md_kept_heads,
	.kept_restore = md_kept_restore,
	.kept_purge = md_kept_purge,
	.check = md_check,
	.recount = md_recount,
	.cache_get = md_cache_get,
	.cache_put = md_cache_put,
	.history = md_history,
	.text_put = md_text_put,
	.text_search = md_text_search,
	.text_tidy = md_text_tidy,
	.text_state = md_text_state,
	.text_drop = md_text_drop,
	.acct_exists = md_acct_exists,
	.box_is_there = md_box_is_there,
	.adopt = md_adopt,
	.place = md_place,
};

const struct pst_module *
pst_module_entry(void)
{
	static const struct pst_module self = {
		.abi = PST_MODULE_ABI,
		.size = sizeof(self),
		.name = "maildir",
		.version = "1",
		.store = &maildir_ops,
	};

	return &self;
}
