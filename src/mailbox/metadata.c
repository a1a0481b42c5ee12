/*
 * mailbox/metadata.c - annotations of mailboxes and accounts (RFC 5464): names,
 * limits, and changing several as one. The storage keeps them.
 */
#include "mailbox/metadata.h"

#include "base/str.h"
#include "mailbox/priv.h"
#include "mailbox/watch.h"
#include <stdlib.h>

/* RFC 6154, 4: the storage tells it in its list. */
#define SPECIAL_USE "/private/specialuse"

bool
metadata_name_clean(
    struct pst_str name, bool above, char out[METADATA_NAME_MAX + 1])
{
	struct pst_str rest, part;
	unsigned parts = 0;
	bool vendor = false;

	if (name.n < 2 || name.n > METADATA_NAME_MAX || name.p[0] != '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = ascii_lower(name.p[i]);

		if (c < ' ' || c == 0x7f || c == '*' || c == '%')
			return false; /* octets above 127 are negative */
		out[i] = c;
	}
	out[name.n] = '\0';
	if (name.p[name.n - 1] == '/')
		return false;
	rest = str_n(out + 1, name.n - 1);
	while (str_split(&rest, '/', &part)) {
		if (part.n == 0)
			return false;
		if (parts == 0 && !str_is(part, "private") &&
		    !str_is(part, "shared"))
			return false;
		vendor |= parts == 1 && str_is(part, "vendor");
		parts++;
	}
	return above || parts >= (vendor ? 4 : 2);
}

/* --- reading -----------------------------------------------------------------
 */

struct wanted {
	const char *name;
	unsigned depth;
	pst_value_fn fn;
	void *arg;
};

bool
metadata_is_within(const char *key, const char *name, unsigned depth)
{
	size_t n = strlen(name);
	unsigned levels = 0;

	if (strncmp(key, name, n) != 0 || (key[n] != '\0' && key[n] != '/'))
		return false; /* also a longer name that only begins so */
	for (const char *below = key + n; *below != '\0'; below++)
		levels += *below == '/';
	return levels <= depth;
}

static void
filter(void *arg, const char *key, struct pst_str value)
{
	const struct wanted *w = arg;

	if (metadata_is_within(key, w->name, w->depth))
		w->fn(w->arg, key, value);
}

enum pst_rc
metadata_get(struct mail_account *acct, const char *mailbox, const char *name,
    unsigned depth, pst_value_fn fn, void *arg, struct pst_error *err)
{
	struct wanted w = { name, depth, fn, arg };
	enum pst_rc rc = account_enter(acct)->meta_get(
	    acct->acct, mailbox, name, filter, &w, err);

	account_leave(acct);
	return rc;
}

/* --- setting -----------------------------------------------------------------
 */

struct kept {
	char *name;
	struct pst_str value; /* on the heap */
};

struct all {
	struct kept *v;
	size_t n, cap;
};

static void
keep(void *arg, const char *key, struct pst_str value)
{
	struct all *a = arg;
	struct kept *k;

	mem_grow(&a->v, &a->cap, a->n + 1, sizeof(*a->v));
	k = &a->v[a->n++];
	k->name = str_dup(str_of(key));
	k->value = str_n(str_dup(value), value.n);
}

static void
forget(struct all *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].name);
		free((void *)(uintptr_t)a->v[i].value.p);
	}
	free(a->v);
}

static struct pst_str
old_value(const struct all *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].name, name) == 0)
			return a->v[i].value;
	return STR_NONE;
}

/* The last one of a name counts. */
static bool
is_set_again(const struct metadata_entry *entry, size_t n, size_t i)
{
	for (size_t k = i + 1; k < n; k++)
		if (strcmp(entry[k].name, entry[i].name) == 0)
			return true;
	return false;
}

static bool
is_special_use(struct pst_str value)
{
	static const char *const uses[] = { "\\Archive", "\\Drafts", "\\Junk",
		"\\Sent", "\\Trash" };

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (str_is(value, uses[i]))
			return true;
	return value.p == NULL;
}

static enum pst_rc
check(const struct all *old, const struct metadata_entry *entry, size_t n,
    struct pst_error *err)
{
	size_t count = old->n, total = 0;

	for (size_t i = 0; i < old->n; i++)
		total += old->v[i].value.n;
	for (size_t i = 0; i < n; i++) {
		struct pst_str before = old_value(old, entry[i].name);

		if (strcmp(entry[i].name, SPECIAL_USE) == 0 &&
		    !is_special_use(entry[i].value))
			return pst_fail(
			    err, PST_E_SYNTAX, 0, "no such special use");
		if (is_set_again(entry, n, i))
			continue;
		count -= before.p != NULL;
		count += entry[i].value.p != NULL;
		total -= before.n;
		total += entry[i].value.n;
	}
	if ((count > METADATA_ENTRIES_MAX && count > old->n) ||
	    total > METADATA_TOTAL_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "too many entries");
	return PST_OK;
}

enum pst_rc
metadata_set(struct mail_account *acct, const char *mailbox,
    const struct metadata_entry *entry, size_t n, struct pst_error *err)
{
	const struct pst_store_ops *ops = account_enter(acct);
	struct all old = { 0 };
	struct pst_error ignored;
	enum pst_rc rc;
	size_t done = 0;

	rc = ops->meta_get(acct->acct, mailbox, "/", keep, &old, err);
	if (rc == PST_OK)
		rc = check(&old, entry, n, err);
	while (rc == PST_OK && done < n) {
		rc = ops->meta_set(acct->acct, mailbox, entry[done].name,
		    entry[done].value, err);
		done++;
	}
	if (rc != PST_OK) { /* none, then */
		while (done-- > 0)
			(void)ops->meta_set(acct->acct, mailbox,
			    entry[done].name, old_value(&old, entry[done].name),
			    &ignored);
	}
	account_leave(acct);
	forget(&old);
	for (size_t i = 0; rc == PST_OK && i < n; i++)
		if (!is_set_again(entry, n, i))
			watch_tell(
			    acct, mailbox, WATCH_METADATA, entry[i].name, true);
	return rc;
}

enum pst_rc
metadata_copy(struct mail_account *acct, const char *from, const char *to,
    struct pst_error *err)
{
	const struct pst_store_ops *ops = account_enter(acct);
	struct all all = { 0 };
	enum pst_rc rc = ops->meta_get(acct->acct, from, "/", keep, &all, err);

	for (size_t i = 0; i < all.n && rc == PST_OK; i++)
		if (strcmp(all.v[i].name, SPECIAL_USE) != 0)
			rc = ops->meta_set(
			    acct->acct, to, all.v[i].name, all.v[i].value, err);
	account_leave(acct);
	forget(&all);
	return rc;
}
