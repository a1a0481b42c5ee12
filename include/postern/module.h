/*
 * postern/module.h - how the server and a loadable module find each other.
 *
 * A module is a shared object that exports one symbol, pst_module_entry().
 * It includes the headers of include/postern and nothing else of the server,
 * and reaches the server only by the services in struct pst_host.
 *
 * Growth: PST_MODULE_ABI must be equal on both sides; it is raised when a
 * member changes its meaning or order. Members are otherwise only appended,
 * and `size` tells which of them exist.
 */
#ifndef POSTERN_MODULE_H
#define POSTERN_MODULE_H

#include <postern/database.h>
#include <postern/store.h>
#include <postern/types.h>

#define PST_MODULE_ABI 2

/* The name under which the server looks up the entry point. */
#define PST_MODULE_ENTRY "pst_module_entry"

enum pst_log_level {
	PST_LOG_ERROR,
	PST_LOG_WARNING,
	PST_LOG_INFO,
	PST_LOG_DEBUG,
};

/* The module's part of the configuration. Opaque; lives as long as the store.
 */
struct pst_section;

/*
 * Services of the server to a module. All may be called from any thread at any
 * time between the store's open and close, and do not block.
 */
struct pst_host {
	uint32_t size; /* sizeof(struct pst_host) in the server */

	/* One line, without a line end. Never passwords or message contents. */
	void (*log)(enum pst_log_level level, const char *fmt, ...)
	    PST_PRINTF(2, 3);

	/*
	 * The text of `key` in the module's section, or NULL when it is not
	 * set. Valid until the store is closed.
	 */
	const char *(*config)(
	    const struct pst_section *section, const char *key);

	/* Microseconds since 1970, UTC. Tests may set this clock. */
	int64_t (*now)(void);

	/* Fills `p` with random octets fit for names and keys. */
	void (*random)(void *p, size_t n);

	/*
	 * Tells that a watched mailbox was changed by somebody else; `cookie`
	 * is what was given to watch(). Carries no data, may be called too
	 * often, does no work: the server calls refresh() soon after.
	 */
	void (*changed)(void *cookie);

	/* The same for acct_watch(): names, subscriptions or metadata. */
	void (*account_changed)(void *cookie);
};

/* What pst_module_entry() returns; static, never freed. */
struct pst_module {
	uint32_t abi;	     /* PST_MODULE_ABI at compile time */
	uint32_t size;	     /* sizeof(struct pst_module) */
	const char *name;    /* "maildir" */
	const char *version; /* for the log */
	const struct pst_store_ops *store;
	const struct pst_database_ops *database; /* optional: may be NULL */
};

/*
 * The one symbol that a module exports. Nothing may happen before the store's
 * open(); the returned structure stays valid for ever.
 */
PST_EXPORT const struct pst_module *pst_module_entry(void);

#endif
