/*
 * account/shares.c - the index of who shares mailboxes with whom. The truth is
 * kept with the mailboxes; this only saves looking through all of them.
 */
#include "account/private.h"

#include "base/str.h"
#include <stdlib.h>

enum { PAGE = 128 };

static enum pst_rc
change(struct accounts *a, enum account_query q, const char *grantee,
    const char *owner, struct pst_error *err)
{
	struct account_conn *c = account_db_write(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = grantee != NULL ? account_run(c, q, err, "tt", grantee, owner)
			     : account_run(c, q, err, "t", owner);
	if (rc == PST_E_NOTFOUND) /* it is so already */
		rc = PST_OK;
	return account_db_write_done(&c, rc, err);
}

enum pst_rc
share_add(struct accounts *a, const char *grantee, const char *owner,
    struct pst_error *err)
{
	return change(a, Q_SHARE_ADD, grantee, owner, err);
}

enum pst_rc
share_remove(struct accounts *a, const char *grantee, const char *owner,
    struct pst_error *err)
{
	return change(a, Q_SHARE_REMOVE, grantee, owner, err);
}

enum pst_rc
share_forget_owner(struct accounts *a, const char *owner, struct pst_error *err)
{
	return change(a, Q_SHARE_FORGET_OWNER, NULL, owner, err);
}

enum pst_rc
share_find(struct accounts *a, const char *grantee, const char *owner,
    struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_SHARE, err, "tt", grantee, owner);
	account_db_give(&c);
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "%.100s shares nothing with %.100s",
		    owner, grantee);
	return rc;
}

struct owners {
	char (*page)[ACCOUNT_ADDRESS];
	size_t n;
};

static void
take_owner(void *arg, const struct pst_value *row, size_t n)
{
	struct owners *to = arg;

	(void)n;
	if (to->n < PAGE)
		account_value_text(&row[0], to->page[to->n++], ACCOUNT_ADDRESS);
}

static enum pst_rc
read_page(struct accounts *a, enum account_query q, const char *grantee,
    const char *after, char (*page)[ACCOUNT_ADDRESS], size_t *n_r,
    struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	struct owners found = { .page = page };
	enum pst_rc rc;

	*n_r = 0;
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(c, q, take_owner, &found, err, "tti", grantee, after,
	    (int64_t)PAGE);
	account_db_give(&c);
	*n_r = found.n;
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
share_each(struct accounts *a, const char *grantee, bool only,
    void (*fn)(void *arg, const char *owner), void *arg, struct pst_error *err)
{
	enum account_query q = only ? Q_SHARES_ONLY : Q_SHARES;
	char after[ACCOUNT_ADDRESS] = "";
	char(*page)[ACCOUNT_ADDRESS];
	enum pst_rc rc = PST_OK;
	size_t n = PAGE;

	/* The callback runs without a connection: it may ask us again. */
	page = mem_array(PAGE, sizeof(*page));
	while (n == PAGE && rc == PST_OK) {
		rc = read_page(a, q, grantee, after, page, &n, err);
		for (size_t i = 0; rc == PST_OK && i < n; i++)
			fn(arg, page[i]);
		if (n > 0)
			(void)str_copy(
			    after, sizeof(after), str_of(page[n - 1]));
	}
	free(page);
	return rc;
}
