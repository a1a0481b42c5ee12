/*
 * account/pairs.c - long lists of addresses that lead to others, read in pages,
 * so that nobody waits for the whole of one.
 */
#include "account/private.h"

#include "base/str.h"
#include <stdlib.h>

enum { PAGE = 128 };

struct page {
	struct account_pair *pair;
	size_t n;
};

static void
take_pair(void *arg, const struct pst_value *row, size_t n)
{
	struct page *page = arg;
	struct account_pair *to = &page->pair[page->n];

	if (page->n == PAGE)
		return;
	account_value_text(&row[0], to->from, sizeof(to->from));
	account_value_text(&row[1], to->to, sizeof(to->to));
	to->number = n > 2 ? row[2].integer : 0;
	page->n++;
}

/* What comes after a pair. */
static enum pst_rc
read_page(struct accounts *a, enum account_query query, const char *domain,
    const struct account_pair *after, struct page *page, struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	page->n = 0;
	if (c == NULL)
		return PST_E_TEMP;
	if (domain != NULL)
		rc = account_rows(c, query, take_pair, page, err, "ttit",
		    after->from, after->to, (int64_t)PAGE, domain);
	else
		rc = account_rows(c, query, take_pair, page, err, "tti",
		    after->from, after->to, (int64_t)PAGE);
	account_db_give(&c);
	return account_none_is_fine(rc);
}

enum pst_rc
account_each_pair(struct accounts *a, enum account_query all,
    enum account_query of_domain, const char *domain,
    void (*fn)(void *arg, const struct account_pair *pair), void *arg,
    struct pst_error *err)
{
	char clean[ACCOUNT_DOMAIN];
	struct account_pair after = { "", "", 0 };
	struct page page = { NULL, PAGE };
	enum pst_rc rc = PST_OK;

	if (domain != NULL && !account_clean_domain(str_of(domain), clean))
		return account_not_a_domain(domain, err);
	page.pair = mem_array(PAGE, sizeof(*page.pair));
	while (page.n == PAGE && rc == PST_OK) {
		rc = read_page(a, domain != NULL ? of_domain : all,
		    domain != NULL ? clean : NULL, &after, &page, err);
		for (size_t i = 0; rc == PST_OK && i < page.n; i++)
			fn(arg, &page.pair[i]);
		if (page.n > 0)
			after = page.pair[page.n - 1];
	}
	free(page.pair);
	return rc;
}
