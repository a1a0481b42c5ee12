/*
 * listing.c - see listing.h.
 */
#include "localindex/listing.h"

#include <stdlib.h>

struct li_listed {
	char *name;
	char *special_use;
	bool exists, subscribed;
};

/* Orders '/' before all else, so that parents come right before children. */
static int
compare_names(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	if (*a == *b)
		return 0;
	if (*a == '\0' || *b == '\0')
		return *a == '\0' ? -1 : 1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct li_listed *x = a, *y = b;
	int order = compare_names(x->name, y->name);

	/* Of the same name the one that exists comes first. */
	return order ? order : (int)y->exists - (int)x->exists;
}

static struct li_listed *
add(struct li_listing *l, char *name)
{
	LI_PUSH(l->v, l->n, l->cap);
	l->v[l->n] = (struct li_listed){ .name = name };
	return &l->v[l->n++];
}

void
li_listing_add(struct li_listing *l, const char *name, char *special_use)
{
	struct li_listed *row = add(l, li_strdup(name));

	row->special_use = special_use;
	row->exists = true;
}

enum pst_rc
li_listing_complete(
    struct li_listing *l, struct li_account *a, struct pst_error *err)
{
	enum pst_rc rc = li_account_read_subscriptions(a, err);
	size_t known;

	if (rc != PST_OK)
		return rc;
	for (size_t i = 0; i < a->subscribed; i++)
		(void)add(l, li_strdup(a->subscriptions[i]));
	known = l->n;
	for (size_t i = 0; i < known; i++)
		for (const char *p = strchr(l->v[i].name, '/'); p != NULL;
		     p = strchr(p + 1, '/')) {
			const char *name = l->v[i].name;

			(void)add(l, li_memdup(name, (size_t)(p - name)));
		}
	for (size_t i = 0; i < l->n; i++)
		l->v[i].subscribed = li_account_is_subscribed(a, l->v[i].name);
	qsort(l->v, l->n, sizeof(l->v[0]), compare_rows);
	return PST_OK;
}

void
li_listing_tell(struct li_listing *l, pst_mailbox_fn fn, void *arg)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct li_listed *r = &l->v[i];
		struct pst_mailbox m = { .name = r->name,
			.special_use = r->special_use ? r->special_use : "",
			.exists = r->exists,
			.subscribed = r->subscribed };

		if (i == 0 || strcmp(r->name, r[-1].name) != 0)
			fn(arg, &m);
	}
}

void
li_listing_free(struct li_listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].special_use);
	}
	free(l->v);
	*l = (struct li_listing){ 0 };
}
