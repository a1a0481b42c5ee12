/*
 * mailbox/uidl.c - reads the ids that were kept, into one text and an array
 * that is sorted by uid.
 */
#include "mailbox/uidl.h"

#include "base/str.h"
#include "mailbox/mailbox.h"
#include <stdlib.h>

enum { TEXT_MAX = 64 << 20 };

struct entry {
	uint32_t uid;
	uint32_t n; /* octets of the id */
	size_t at;  /* where it begins in the text */
};

struct mailbox_uidls {
	struct buf text;
	struct entry *entry;
	size_t n, cap;
	bool sorted;
};

static bool
is_id(struct pst_str s)
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
	struct entry e = { .at = u->text.n };

	if (!str_split(&id, ' ', &word) || !str_to_u32(word, &e.uid) ||
	    !is_id(id) || !buf_add_str(&u->text, id))
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

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

enum pst_rc
mailbox_uidls_read(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, struct mailbox_uidls **uidls_r, struct pst_error *err)
{
	struct mailbox_uidls *u = mem_alloc(sizeof(*u));
	char prefix[32];
	enum pst_rc rc;

	buf_init(&u->text, TEXT_MAX);
	u->sorted = true;
	(void)snprintf(prefix, sizeof(prefix), "pop3/uidl/%lu/",
	    (unsigned long)uidvalidity);
	rc = mailbox_meta_get(acct, mailbox, prefix, add_text, u, err);
	if (rc != PST_OK)
		mailbox_uidls_free(&u);
	else if (!u->sorted)
		qsort(u->entry, u->n, sizeof(*u->entry), compare);
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
	return str_n(u->text.p + u->entry[low].at, u->entry[low].n);
}
