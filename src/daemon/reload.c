/*
 * reload.c - comparing two configurations. Limits, times, domains, users'
 * defaults and certificates take effect with a reload; sockets, storage and
 * what privileges were given up for do not.
 */
#include "daemon/reload.h"

#include <stdlib.h>

static bool
same_strings(const struct config_strings *a, const struct config_strings *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static bool
same_listeners(const struct config *a, const struct config *b)
{
	if (a->listeners != b->listeners)
		return false;
	for (size_t i = 0; i < a->listeners; i++) {
		const struct config_listener *x = &a->listener[i];
		const struct config_listener *y = &b->listener[i];

		if (strcmp(x->name, y->name) != 0 ||
		    x->protocol != y->protocol || x->port != y->port ||
		    x->tls != y->tls || strcmp(x->path, y->path) != 0 ||
		    !same_strings(&x->address, &y->address) ||
		    x->local != y->local || x->proxy != y->proxy ||
		    !same_strings(&x->proxy_from, &y->proxy_from))
			return false;
	}
	return true;
}

static bool
same_storages(const struct config *a, const struct config *b)
{
	if (a->storages != b->storages)
		return false;
	for (size_t i = 0; i < a->storages; i++) {
		const struct config_storage *x = &a->storage[i];
		const struct config_storage *y = &b->storage[i];

		if (strcmp(x->name, y->name) != 0 ||
		    strcmp(x->module, y->module) != 0 ||
		    strcmp(x->path, y->path) != 0 || x->fsync != y->fsync ||
		    !same_strings(&x->option, &y->option))
			return false;
	}
	return true;
}

static bool
same_dns(const struct config *a, const struct config *b)
{
	return same_strings(&a->dns.servers, &b->dns.servers) &&
	       same_strings(&a->dns.stubs, &b->dns.stubs) &&
	       same_strings(&a->dns.anchors, &b->dns.anchors) &&
	       strcmp(a->dns.root_key, b->dns.root_key) == 0 &&
	       a->dns.validate == b->dns.validate &&
	       a->dns.time == b->dns.time &&
	       a->dns.cache_size == b->dns.cache_size;
}

static void
note(struct buf *notes, const char *what, bool same)
{
	if (!same)
		buf_printf(
		    notes, "%s changed: takes effect with a restart\n", what);
}

void
daemon_restart_notes(
    const struct config *old, const struct config *fresh, struct buf *notes)
{
	const struct {
		const char *what, *before, *after;
	} texts[] = {
		{ "user", old->user, fresh->user },
		{ "group", old->group, fresh->group },
		{ "state_dir", old->state_dir, fresh->state_dir },
		{ "run_dir", old->run_dir, fresh->run_dir },
		{ "module_dir", old->module_dir, fresh->module_dir },
		{ "accounts.database", old->accounts.database,
		    fresh->accounts.database },
		{ "accounts.path", old->accounts.path, fresh->accounts.path },
		{ "log.path", old->log.path, fresh->log.path },
		{ "dkim.dir", old->dkim.dir, fresh->dkim.dir },
		{ "forward.srs_keys", old->forward.srs_keys,
		    fresh->forward.srs_keys },
		{ "trail.path", old->trail.path, fresh->trail.path },
		{ "http.acme_dir", old->http.acme_dir, fresh->http.acme_dir },
	};

	note(notes, "listener", same_listeners(old, fresh));
	note(notes, "storage", same_storages(old, fresh));
	note(notes, "dns", same_dns(old, fresh));
	note(notes, "trust.threads or trust.queue",
	    old->trust.threads == fresh->trust.threads &&
		old->trust.queue == fresh->trust.queue);
	note(notes, "guard.greylist",
	    old->guard.greylist == fresh->guard.greylist);
	note(notes, "guard.threads, guard.queue or guard.table",
	    old->guard.threads == fresh->guard.threads &&
		old->guard.queue == fresh->guard.queue &&
		old->guard.table == fresh->guard.table);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		note(notes, texts[i].what,
		    strcmp(texts[i].before, texts[i].after) == 0);
	note(
	    notes, "trail.enabled", old->trail.enabled == fresh->trail.enabled);
	note(notes, "log.target", old->log.target == fresh->log.target);
	note(notes, "log.format", old->log.format == fresh->log.format);
	note(notes, "log.level", old->log.level == fresh->log.level);
}
