/*
 * account/copy.c - copying rows from the tables of one database into those of
 * another, and comparing them where they are there already.
 *
 * Users go in the order in which they were made: the first administrator stays
 * the first.
 */
#include "account/copy.h"

#include "account/private.h"
#include "base/str.h"
#include <stdlib.h>

enum { PAGE = 128, COLUMNS = 20 };

struct row {
	struct pst_value v[COLUMNS];
	size_t n;
};

/* Rows that were read, with their texts. */
struct page {
	struct arena *arena;
	struct row row[PAGE];
	size_t n;
};

struct copying {
	struct account_conn *from, *to;
	const struct account_copy *how;
	struct account_copied *done;
	struct page page, there;
	struct pst_error *err;
};

/* --- rows ----------------------------------------------------------------- */

static void
take_row(void *arg, const struct pst_value *values, size_t n)
{
	struct page *page = arg;
	struct row *to = &page->row[page->n];

	if (page->n == PAGE || n > COLUMNS)
		return;
	page->n++;
	to->n = n;
	for (size_t i = 0; i < n; i++) {
		to->v[i] = values[i];
		if (values[i].octets.p != NULL)
			to->v[i].octets.p = arena_text(
			    page->arena, values[i].octets);
	}
}

/* PST_OK also without rows. */
static enum pst_rc
read_rows(struct account_conn *c, enum account_query q,
    const struct pst_value *params, size_t n, struct page *page,
    struct pst_error *err)
{
	enum pst_rc rc;

	arena_reset(page->arena);
	page->n = 0;
	rc = account_rows_of(c, q, params, n, take_row, page, err);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

static bool
is_same_value(const struct pst_value *a, const struct pst_value *b)
{
	return a->type == b->type && a->integer == b->integer &&
	       a->octets.n == b->octets.n &&
	       (a->octets.n == 0 ||
		   memcmp(a->octets.p, b->octets.p, a->octets.n) == 0);
}

static bool
is_same_row(const struct pst_value *a, const struct pst_value *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_same_value(&a[i], &b[i]))
			return false;
	return true;
}

static void
tell_difference(struct copying *k, const char *what, const char *name)
{
	k->done->different++;
	if (k->how->differs != NULL)
		k->how->differs(k->how->arg, what, name);
}

/* Both cannot be, whatever is replaced. */
static enum pst_rc
refuse_other_kind(struct copying *k, const char *name, const char *what,
    enum account_query other)
{
	enum pst_rc rc = account_run(k->to, other, k->err, "t", name);

	if (rc == PST_OK)
		return pst_fail(k->err, PST_E_EXISTS, 0,
		    "%.200s: is %s on the other side", name, what);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

/* --- users and domains: a row each ---------------------------------------- */

struct kind {
	const char *what;
	enum account_query get, put, replace;
	size_t columns;
};

static const struct kind user_kind = { "user", Q_COPY_USER, Q_USER_ADD,
	Q_COPY_USER_REPLACE, 17 };
static const struct kind domain_kind = { "domain", Q_COPY_DOMAIN, Q_DOMAIN_ADD,
	Q_DOMAIN_STORAGE, 2 };

static enum pst_rc
copy_row(struct copying *k, const struct kind *kind, const struct pst_value *v,
    uint64_t *count)
{
	enum pst_rc rc = read_rows(k->to, kind->get, v, 1, &k->there, k->err);

	if (rc != PST_OK)
		return rc;
	if (k->there.n == 0) {
		++*count;
		return account_rows_of(
		    k->to, kind->put, v, kind->columns, NULL, NULL, k->err);
	}
	if (is_same_row(v, k->there.row[0].v, kind->columns)) {
		k->done->same++;
		return PST_OK;
	}
	tell_difference(k, kind->what, v[0].octets.p);
	if (!k->how->replace)
		return PST_OK; /* goes on, to tell of all */
	return account_rows_of(
	    k->to, kind->replace, v, kind->columns, NULL, NULL, k->err);
}

static enum pst_rc
copy_users(struct copying *k)
{
	struct pst_value after[] = { pst_integer(INT64_MIN),
		pst_integer(PAGE) };
	enum pst_rc rc = PST_OK;

	k->page.n = PAGE;
	while (rc == PST_OK && k->page.n == PAGE) {
		rc = read_rows(
		    k->from, Q_COPY_USERS, after, 2, &k->page, k->err);
		for (size_t i = 0; rc == PST_OK && i < k->page.n; i++) {
			const struct row *row = &k->page.row[i];

			after[0] = row->v[0]; /* the id, which stays behind */
			rc = refuse_other_kind(
			    k, row->v[1].octets.p, "an alias", Q_ALIAS_TARGETS);
			if (rc == PST_OK)
				rc = copy_row(
				    k, &user_kind, &row->v[1], &k->done->users);
		}
	}
	return rc;
}

static enum pst_rc
copy_domains(struct copying *k)
{
	char last[ACCOUNT_DOMAIN] = "";
	enum pst_rc rc = PST_OK;

	k->page.n = PAGE;
	while (rc == PST_OK && k->page.n == PAGE) {
		const struct pst_value after[] = { pst_text(last),
			pst_integer(PAGE) };

		rc = read_rows(k->from, Q_DOMAINS, after, 2, &k->page, k->err);
		for (size_t i = 0; rc == PST_OK && i < k->page.n; i++) {
			account_value_text(
			    &k->page.row[i].v[0], last, sizeof(last));
			rc = copy_row(k, &domain_kind, k->page.row[i].v,
			    &k->done->domains);
		}
	}
	return rc;
}

/* --- aliases and forwarding: all targets of an address together
 * ---------------------------
 */

struct target {
	char address[ACCOUNT_ADDRESS];
};

struct targets {
	struct target *v;
	size_t n, cap;
};

static void
take_target(void *arg, const struct pst_value *row, size_t n)
{
	struct targets *to = arg;

	(void)n;
	mem_grow(&to->v, &to->cap, to->n + 1, sizeof(*to->v));
	account_value_text(&row[0], to->v[to->n++].address, ACCOUNT_ADDRESS);
}

static enum pst_rc
read_targets(struct account_conn *c, enum account_query q, const char *address,
    struct targets *to_r, struct pst_error *err)
{
	enum pst_rc rc;

	to_r->n = 0;
	rc = account_rows(c, q, take_target, to_r, err, "t", address);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

/* Both are in order. */
static bool
is_same_list(const struct targets *a, const struct targets *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].address, b->v[i].address) != 0)
			return false;
	return true;
}

/* Lists of targets: aliases, and what users forward to. */
struct list {
	const char *what;
	enum account_query names, targets, add, clear;
};

static const struct list alias_list = { "alias", Q_COPY_ALIASES,
	Q_ALIAS_TARGETS, Q_ALIAS_ADD, Q_ALIAS_DELETE_ALL };
static const struct list forward_list = { "forwarding", Q_COPY_FORWARDS,
	Q_FORWARD_TARGETS, Q_FORWARD_ADD, Q_FORWARD_DELETE_ALL };

static enum pst_rc
copy_list(struct copying *k, const struct list *list, const char *address,
    struct targets *here, struct targets *there, uint64_t *count)
{
	enum pst_rc rc = read_targets(
	    k->from, list->targets, address, here, k->err);

	if (rc == PST_OK)
		rc = read_targets(k->to, list->targets, address, there, k->err);
	if (rc == PST_OK && list == &alias_list)
		rc = refuse_other_kind(k, address, "a user", Q_USER);
	if (rc != PST_OK)
		return rc;
	if (is_same_list(here, there)) {
		k->done->same++;
		return PST_OK;
	}
	if (there->n > 0) {
		tell_difference(k, list->what, address);
		if (!k->how->replace)
			return PST_OK;
		rc = account_run(k->to, list->clear, k->err, "t", address);
	} else {
		++*count;
	}
	for (size_t i = 0; rc == PST_OK && i < here->n; i++)
		rc = account_run(k->to, list->add, k->err, "ttt", address,
		    here->v[i].address, account_domain_of(address));
	return rc;
}

static enum pst_rc
copy_lists(struct copying *k, const struct list *list, uint64_t *count)
{
	struct targets here = { .n = 0 }, there = { .n = 0 };
	char last[ACCOUNT_ADDRESS] = "";
	enum pst_rc rc = PST_OK;

	k->page.n = PAGE;
	while (rc == PST_OK && k->page.n == PAGE) {
		const struct pst_value after[] = { pst_text(last),
			pst_integer(PAGE) };

		rc = read_rows(
		    k->from, list->names, after, 2, &k->page, k->err);
		for (size_t i = 0; rc == PST_OK && i < k->page.n; i++) {
			account_value_text(
			    &k->page.row[i].v[0], last, sizeof(last));
			rc = copy_list(k, list, last, &here, &there, count);
		}
	}
	free(here.v);
	free(there.v);
	return rc;
}

/* --- the index of shares ---------------------------------------------------
 */

static enum pst_rc
copy_shares(struct copying *k)
{
	char grantee[ACCOUNT_ADDRESS] = "", owner[ACCOUNT_ADDRESS] = "";
	enum pst_rc rc = PST_OK;

	k->page.n = PAGE;
	while (rc == PST_OK && k->page.n == PAGE) {
		const struct pst_value after[] = { pst_text(grantee),
			pst_text(owner), pst_integer(PAGE) };

		rc = read_rows(
		    k->from, Q_COPY_SHARES, after, 3, &k->page, k->err);
		for (size_t i = 0; rc == PST_OK && i < k->page.n; i++) {
			const struct pst_value *v = k->page.row[i].v;

			account_value_text(&v[0], grantee, sizeof(grantee));
			account_value_text(&v[1], owner, sizeof(owner));
			rc = account_run(
			    k->to, Q_SHARE_ADD, k->err, "tt", grantee, owner);
			if (rc == PST_OK)
				k->done->shares++;
			else if (rc == PST_E_NOTFOUND)
				k->done->same++, rc = PST_OK;
		}
	}
	return rc;
}

/* --- what users prove themselves with besides their password ---------------
 */

enum { CREDENTIAL_COLUMNS = 10 };

/* What is there stays: it may have been used since. */
static enum pst_rc
copy_credentials(struct copying *k)
{
	char address[ACCOUNT_ADDRESS] = "", kind[32] = "", id[128] = "";
	enum pst_rc rc = PST_OK;

	k->page.n = PAGE;
	while (rc == PST_OK && k->page.n == PAGE) {
		const struct pst_value after[] = { pst_text(address),
			pst_text(kind), pst_text(id), pst_integer(PAGE) };

		rc = read_rows(
		    k->from, Q_COPY_CREDENTIALS, after, 4, &k->page, k->err);
		for (size_t i = 0; rc == PST_OK && i < k->page.n; i++) {
			const struct pst_value *v = k->page.row[i].v;

			account_value_text(&v[0], address, sizeof(address));
			account_value_text(&v[1], kind, sizeof(kind));
			account_value_text(&v[2], id, sizeof(id));
			rc = account_rows_of(k->to, Q_COPY_CREDENTIAL, v,
			    CREDENTIAL_COLUMNS, NULL, NULL, k->err);
			if (rc == PST_OK)
				k->done->credentials++;
			else if (rc == PST_E_NOTFOUND)
				k->done->same++, rc = PST_OK;
		}
	}
	return rc;
}

/* --- all --------------------------------------------------------------------
 */

/* Into tables that nobody uses yet the secret comes along, so that unknown
 * users keep the salts that they seem to have. */
static enum pst_rc
copy_secret(struct copying *k, struct accounts *from)
{
	unsigned char secret[32];
	enum pst_rc rc = account_run(k->to, Q_USER_ANY, k->err, "");

	if (rc != PST_E_NOTFOUND)
		return rc;
	rc = account_secret(from, secret, k->err);
	if (rc == PST_OK)
		rc = account_run(k->to, Q_SECRET_REPLACE, k->err, "b", secret,
		    sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

static enum pst_rc
copy_all(struct copying *k, struct accounts *from)
{
	enum pst_rc rc = copy_secret(k, from);

	if (rc == PST_OK)
		rc = copy_domains(k);
	if (rc == PST_OK)
		rc = copy_users(k);
	if (rc == PST_OK)
		rc = copy_lists(k, &alias_list, &k->done->aliases);
	if (rc == PST_OK)
		rc = copy_lists(k, &forward_list, &k->done->forwards);
	if (rc == PST_OK)
		rc = copy_shares(k);
	if (rc == PST_OK)
		rc = copy_credentials(k);
	if (rc == PST_OK && k->done->different > 0 && !k->how->replace)
		rc = pst_fail(k->err, PST_E_EXISTS, 0,
		    "%llu are there already and different: nothing was changed",
		    (unsigned long long)k->done->different);
	return rc;
}

/* Texts of pages have hashes in them. */
static void
free_page(struct page *page)
{
	for (size_t i = 0; i < PAGE; i++)
		for (size_t c = 0; i < page->n && c < page->row[i].n; c++)
			if (page->row[i].v[c].octets.p != NULL)
				explicit_bzero((void *)(uintptr_t)page->row[i]
						   .v[c]
						   .octets.p,
				    page->row[i].v[c].octets.n);
	arena_free(&page->arena);
}

enum pst_rc
accounts_copy(struct accounts *from, struct accounts *to,
    const struct account_copy *how, struct account_copied *copied_r,
    struct pst_error *err)
{
	struct copying *k = mem_alloc(sizeof(*k));
	enum pst_rc rc = PST_E_TEMP;

	memset(copied_r, 0, sizeof(*copied_r));
	*k = (struct copying){ .how = how, .done = copied_r, .err = err };
	k->page.arena = arena_new(0);
	k->there.arena = arena_new(0);
	k->from = account_db_read(from->db, err);
	if (k->from != NULL)
		k->to = account_db_write(to->db, err);
	if (k->to != NULL) {
		rc = copy_all(k, from);
		/* Undone, with any result that is none of success. */
		if (rc == PST_OK && how->dry_run)
			(void)account_db_write_done(&k->to, PST_E_TEMP, NULL);
		else
			rc = account_db_write_done(&k->to, rc, err);
	}
	account_db_read_done(&k->from);
	free_page(&k->page);
	free_page(&k->there);
	free(k);
	return rc;
}
