/*
 * mailbox/uidl.c - reads the ids that were kept, into one text and an array
 * that is sorted by uid; and writes some, a group of uids in each text, named
 * by the group's number, so that many ids make neither many texts nor long
 * ones.
 */
#include "mailbox/uidl.h"

#include "base/str.h"
#include "mailbox/mailbox.h"
#include <stdlib.h>

enum { TEXT_MAX = 64 << 20 };

struct entry {
	uint32_t uid;
	uint32_t n;   /* octets of the id */
	size_t at;    /* where it begins in the text */
	size_t order; /* of two for one uid, the later counts */
};

struct mailbox_uidls {
	struct buf text;
	struct entry *entry;
	size_t n, cap;
	bool sorted;
};

bool
mailbox_uidl_is_valid(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x21 ||
		    (unsigned char)s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= MAILBOX_UIDL_MAX;
}

static void
add_line(struct mailbox_uidls *u, struct pst_str line)
{
	struct pst_str word, id = line;
	struct entry e = { .at = u->text.n, .order = u->n };

	if (!str_split(&id, ' ', &word) || !str_to_u32(word, &e.uid) ||
	    !mailbox_uidl_is_valid(id) || !buf_add_str(&u->text, id))
		return;
	e.n = (uint32_t)id.n;
	u->sorted &= u->n == 0 || u->entry[u->n - 1].uid < e.uid;
	mem_grow(&u->entry, &u->cap, u->n + 1, sizeof(*u->entry));
	u->entry[u->n++] = e;
}

static void
add_text(void *arg, const char *key, struct pst_str value)
{
	struct pst_str line;

	(void)key;
	while (str_split(&value, '\n', &line))
		add_line(arg, line);
}

static int
compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Sorted, one for each uid. */
static void
put_in_order(struct mailbox_uidls *u)
{
	size_t n = 0;

	if (u->sorted)
		return;
	qsort(u->entry, u->n, sizeof(*u->entry), compare);
	for (size_t i = 0; i < u->n; i++) {
		n -= n > 0 && u->entry[n - 1].uid == u->entry[i].uid;
		u->entry[n++] = u->entry[i];
	}
	u->n = n;
	u->sorted = true;
}

static struct pst_str
id_of(const struct mailbox_uidls *u, const struct entry *e)
{
	return str_n(u->text.p + e->at, e->n);
}

static void
put_prefix(uint32_t uidvalidity, char *out, size_t size)
{
	(void)snprintf(out, size, "pop3/uidl/%lu/", (unsigned long)uidvalidity);
}

static struct mailbox_uidls *
uidls_new(void)
{
	struct mailbox_uidls *u = mem_alloc(sizeof(*u));

	buf_init(&u->text, TEXT_MAX);
	u->sorted = true;
	return u;
}

enum pst_rc
mailbox_uidls_read(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, struct mailbox_uidls **uidls_r, struct pst_error *err)
{
	struct mailbox_uidls *u = uidls_new();
	char prefix[32];
	enum pst_rc rc;

	put_prefix(uidvalidity, prefix, sizeof(prefix));
	rc = mailbox_meta_get(acct, mailbox, prefix, add_text, u, err);
	if (rc != PST_OK)
		mailbox_uidls_free(&u);
	else
		put_in_order(u);
	*uidls_r = u;
	return rc;
}

void
mailbox_uidls_free(struct mailbox_uidls **up)
{
	struct mailbox_uidls *u = *up;

	*up = NULL;
	if (u == NULL)
		return;
	buf_fini(&u->text);
	free(u->entry);
	free(u);
}

struct pst_str
mailbox_uidl(const struct mailbox_uidls *u, uint32_t uid)
{
	size_t low = 0, high = u->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (u->entry[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == u->n || u->entry[low].uid != uid)
		return STR_NONE;
	return id_of(u, &u->entry[low]);
}

size_t
mailbox_uidls_count(const struct mailbox_uidls *u)
{
	return u->n;
}

uint32_t
mailbox_uidls_uid(const struct mailbox_uidls *u, size_t i)
{
	return u->entry[i].uid;
}

void
mailbox_uidl_own(uint32_t uidvalidity, uint32_t uid, char id_r[17])
{
	(void)snprintf(id_r, 17, "%08lx%08lx", (unsigned long)uid,
	    (unsigned long)uidvalidity);
}

/* --- writing ---------------------------------------------------------------
 */

/* What is kept already, as it is divided. */
struct kept {
	struct mailbox_uidls *uidls;
	size_t first_new; /* in the order of entries */
	char prefix[32];
	char **foreign; /* texts that are not named by a group's number */
	size_t foreigns, cap;
};

static void
note_text(void *arg, const char *key, struct pst_str value)
{
	struct kept *k = arg;
	struct pst_str name = str_from(str_of(key), strlen(k->prefix));
	uint32_t group;

	add_text(k->uidls, key, value);
	if (str_to_u32(name, &group))
		return;
	mem_grow(&k->foreign, &k->cap, k->foreigns + 1, sizeof(*k->foreign));
	k->foreign[k->foreigns++] = str_dup(str_of(key));
}

static bool
add_id(struct mailbox_uidls *u, const struct mailbox_uidl_new *new)
{
	struct entry e = { new->uid, (uint32_t) new->id.n, u->text.n, u->n };

	if (!buf_add_str(&u->text, new->id))
		return false;
	mem_grow(&u->entry, &u->cap, u->n + 1, sizeof(*u->entry));
	u->entry[u->n++] = e;
	u->sorted = false;
	return true;
}

static uint32_t
group_of(uint32_t uid)
{
	return uid / MAILBOX_UIDL_GROUP;
}

static enum pst_rc
write_group(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, const struct mailbox_uidls *u, size_t from, size_t to,
    struct pst_error *err)
{
	uint32_t group = group_of(u->entry[from].uid);
	char key[48], own[17];
	struct buf text;
	enum pst_rc rc;
	size_t n;

	buf_init(&text, TEXT_MAX);
	for (; from < to; from++) {
		struct pst_str id = id_of(u, &u->entry[from]);

		mailbox_uidl_own(uidvalidity, u->entry[from].uid, own);
		if (!str_is(id, own))
			(void)buf_printf(&text, "%lu %.*s\n",
			    (unsigned long)u->entry[from].uid, STR_ARG(id));
	}
	put_prefix(uidvalidity, key, sizeof(key));
	n = strlen(key);
	(void)snprintf(key + n, sizeof(key) - n, "%lu", (unsigned long)group);
	rc = mailbox_meta_set(
	    acct, mailbox, key, text.n > 0 ? buf_str(&text) : STR_NONE, err);
	buf_fini(&text);
	return rc;
}

/* Where the group of entry `at` ends; *touched_r: there are new ids in it. */
static size_t
end_of_group(const struct kept *k, size_t at, bool *touched_r)
{
	const struct mailbox_uidls *u = k->uidls;
	uint32_t group = group_of(u->entry[at].uid);

	/* All texts are written anew when one of another kind is to go. */
	*touched_r = k->foreigns > 0;
	for (; at < u->n && group_of(u->entry[at].uid) == group; at++)
		*touched_r |= u->entry[at].order >= k->first_new;
	return at;
}

static enum pst_rc
write_touched(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, const struct kept *k, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	size_t at = 0, end;
	bool is_touched;

	for (; at < k->uidls->n && rc == PST_OK; at = end) {
		end = end_of_group(k, at, &is_touched);
		if (is_touched)
			rc = write_group(
			    acct, mailbox, uidvalidity, k->uidls, at, end, err);
	}
	for (size_t i = 0; i < k->foreigns && rc == PST_OK; i++)
		rc = mailbox_meta_set(
		    acct, mailbox, k->foreign[i], STR_NONE, err);
	return rc;
}

enum pst_rc
mailbox_uidls_write(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, const struct mailbox_uidl_new *ids, size_t n,
    struct pst_error *err)
{
	struct kept k = { .uidls = uidls_new() };
	enum pst_rc rc = PST_OK;

	put_prefix(uidvalidity, k.prefix, sizeof(k.prefix));
	for (size_t i = 0; i < n && rc == PST_OK; i++)
		if (ids[i].uid == 0 || !mailbox_uidl_is_valid(ids[i].id))
			rc = pst_fail(err, PST_E_SYNTAX, 0,
			    "uid %lu: not the form of a UIDL",
			    (unsigned long)ids[i].uid);
	if (rc == PST_OK)
		rc = mailbox_meta_get(
		    acct, mailbox, k.prefix, note_text, &k, err);
	k.first_new = k.uidls->n;
	for (size_t i = 0; i < n && rc == PST_OK; i++)
		if (!add_id(k.uidls, &ids[i]))
			rc = pst_fail(err, PST_E_LIMIT, 0, "too many UIDLs");
	if (rc == PST_OK) {
		put_in_order(k.uidls);
		rc = write_touched(acct, mailbox, uidvalidity, &k, err);
	}
	for (size_t i = 0; i < k.foreigns; i++)
		free(k.foreign[i]);
	free(k.foreign);
	mailbox_uidls_free(&k.uidls);
	return rc;
}
