/*
 * localindex/cache.h - small values that the server worked out from messages,
 * kept in one file beside them: the server's cache_get() and cache_put().
 *
 * It is a cache: whatever is wrong with the file, values are missing and are
 * worked out again. Every octet that is given out was checked.
 *
 * Threads: get and put from any thread at any time.
 */
#ifndef LOCALINDEX_CACHE_H
#define LOCALINDEX_CACHE_H

#include <postern/module.h>
#include <postern/store.h>

#define LI_CACHE_FILE "postern.cache"

enum {
	LI_KINDS = 16, /* kinds are 0 to 15 */
	LI_VALUE_MAX =
	    1U << 20, /* octets of a value; longer ones are not kept */
};

struct li_cache;

/*
 * For the mailbox in the folder `dirfd`, which stays open as long. No file is
 * touched before the first get or put. Values of another `uidvalidity` are
 * forgotten. `where` names the mailbox in the log; copied.
 */
struct li_cache *li_cache_new(const struct pst_host *host, int dirfd,
    uint32_t uidvalidity, const char *where);
/*
 * Ends it. Values of messages for which `is_live` is false are dropped when
 * they have become too many; `live` is how many messages there are. NULL: this
 * is not known.
 */
void li_cache_free(struct li_cache **c,
    bool (*is_live)(const void *arg, uint32_t uid), const void *arg,
    size_t live);

void li_cache_get(struct li_cache *c, unsigned kind, const uint32_t *uids,
    size_t n, pst_cached_fn fn, void *arg);
void li_cache_put(struct li_cache *c, unsigned kind,
    const struct pst_cached *values, size_t n);

#endif
