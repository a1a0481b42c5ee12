/*
 * jmap/results.c - see results.h.
 */
#include "jmap/results.h"

#include "base/str.h"

#include <stdlib.h>

enum {
	KEPT = 32, /* results of an account */
	HITS_MAX = 2 * 1000 * 1000,
	PLACES = 200,
};

struct kept {
	char *key, *state;
	uint64_t arranged, used;
	uint32_t uidnext;
	struct jmap_result *result;
};

struct results {
	struct kept v[KEPT];
	uint64_t clock;
};

struct jmap_result *
jmap_result_new(size_t n)
{
	struct jmap_result *r = mem_alloc(sizeof(*r) + n * sizeof(r->hit[0]));

	r->refs = 1;
	return r;
}

void
jmap_result_unref(struct jmap_result *r)
{
	if (r != NULL && --r->refs == 0)
		free(r);
}

/* --- what is kept ----------------------------------------------------------
 */

static void
drop(struct kept *k)
{
	free(k->key);
	free(k->state);
	jmap_result_unref(k->result);
	memset(k, 0, sizeof(*k));
}

static void
free_results(void *arg)
{
	struct results *rs = arg;

	for (size_t i = 0; i < KEPT; i++)
		drop(&rs->v[i]);
	free(rs);
}

static struct results *
results_of(struct catalog *c)
{
	void **kept = catalog_kept(c, free_results);

	if (*kept == NULL)
		*kept = mem_alloc(sizeof(struct results));
	return *kept;
}

static struct kept *
oldest(struct results *rs)
{
	struct kept *k = &rs->v[0];

	for (size_t i = 1; i < KEPT; i++)
		if (rs->v[i].used < k->used)
			k = &rs->v[i];
	return k;
}

/* Of all, those that are there twice counted twice. */
static size_t
hits(const struct results *rs)
{
	size_t n = 0;

	for (size_t i = 0; i < KEPT; i++)
		if (rs->v[i].result != NULL)
			n += rs->v[i].result->n;
	return n;
}

static void
make_room(struct results *rs, size_t wanted)
{
	for (size_t left = KEPT; left > 0 && hits(rs) + wanted > HITS_MAX;
	     left--) {
		struct kept *k = NULL;

		for (size_t i = 0; i < KEPT; i++)
			if (rs->v[i].result != NULL &&
			    (k == NULL || rs->v[i].used < k->used))
				k = &rs->v[i];
		if (k != NULL)
			drop(k);
	}
}

void
jmap_results_keep(struct catalog *c, const char *key, const char *state,
    uint64_t arranged, uint32_t uidnext, struct jmap_result *r)
{
	struct results *rs = results_of(c);
	struct kept *k;

	make_room(rs, r->n);
	k = oldest(rs);
	drop(k);
	k->key = str_dup(str_of(key));
	k->state = str_dup(str_of(state));
	k->arranged = arranged;
	k->uidnext = uidnext;
	k->used = ++rs->clock;
	k->result = r;
	r->refs++;
}

struct jmap_result *
jmap_results_find(
    struct catalog *c, const char *key, const char *state, uint64_t arranged)
{
	struct results *rs = results_of(c);
	const struct kept *same = NULL;
	struct jmap_result *r;

	for (size_t i = 0; i < KEPT; i++) {
		struct kept *k = &rs->v[i];

		if (k->result == NULL || strcmp(k->key, key) != 0)
			continue;
		if (strcmp(k->state, state) == 0) {
			k->used = ++rs->clock;
			k->result->refs++;
			return k->result;
		}
		if (arranged != 0 && k->arranged == arranged)
			same = k;
	}
	if (same == NULL)
		return NULL;
	r = same->result;
	r->refs += 2; /* one until it is kept again */
	jmap_results_keep(c, key, state, arranged, same->uidnext, r);
	jmap_result_unref(r);
	return r;
}

struct jmap_result *
jmap_results_older(struct catalog *c, const char *key,
    const struct catalog_box *box, uint32_t *uidnext_r)
{
	struct results *rs = results_of(c);
	const struct kept *last = NULL;

	for (size_t i = 0; i < KEPT; i++) {
		const struct kept *k = &rs->v[i];

		if (k->result != NULL && k->uidnext != 0 &&
		    k->arranged >= box->left && strcmp(k->key, key) == 0 &&
		    (last == NULL || k->arranged > last->arranged))
			last = k;
	}
	if (last == NULL)
		return NULL;
	*uidnext_r = last->uidnext;
	return last->result;
}

/* --- hits and ids ----------------------------------------------------------
 */

int64_t
jmap_result_place(
    struct catalog *c, const struct jmap_result *r, const char *id)
{
	struct catalog_place place[PLACES];
	size_t n = catalog_find(c, str_of(id), place, PLACES);

	n = n < PLACES ? n : PLACES;
	for (size_t i = 0; i < r->n && n > 0; i++)
		for (size_t k = 0; k < n; k++)
			if (r->hit[i].uid == place[k].uid &&
			    r->hit[i].box == place[k].box->hash)
				return (int64_t)i;
	return -1;
}

const char *
jmap_hit_id(struct catalog *c, const struct jmap_hit *hit)
{
	return catalog_id_of(c, hit->box, hit->uid);
}

/* --- comparing -------------------------------------------------------------
 */

static bool
is_same(const struct jmap_hit *a, const struct jmap_hit *b)
{
	return a->uid == b->uid && a->box == b->box;
}

/* A hit of the old result, and where it stood. */
struct stood {
	struct jmap_hit hit;
	size_t at;
	bool stays;
};

static int
compare_stood(const void *a, const void *b)
{
	const struct stood *x = a, *y = b;

	if (x->hit.box != y->hit.box)
		return x->hit.box < y->hit.box ? -1 : 1;
	return x->hit.uid < y->hit.uid ? -1 : x->hit.uid > y->hit.uid;
}

static bool
add_removed(struct catalog *c, const struct jmap_hit *hit, json_t *removed)
{
	const char *id = jmap_hit_id(c, hit);

	if (id != NULL)
		(void)json_array_append_new(removed, json_string(id));
	return id != NULL;
}

static void
add_added(
    struct catalog *c, const struct jmap_hit *hit, size_t at, json_t *added)
{
	const char *id = jmap_hit_id(c, hit);

	if (id != NULL)
		(void)json_array_append_new(added,
		    json_pack("{s:s, s:I}", "id", id, "index", (json_int_t)at));
}

/* What differs lies between a common start and a common end; there an id that
 * has another place among those that stayed is told as both. */
bool
jmap_results_compare(struct catalog *c, const struct jmap_result *old,
    const struct jmap_result *now, json_t *removed, json_t *added)
{
	size_t start = 0, end = 0, n, last = 0;
	struct stood *was;
	bool ok = true;

	if (old == now)
		return true;
	while (start < old->n && start < now->n &&
	       is_same(&old->hit[start], &now->hit[start]))
		start++;
	while (
	    end < old->n - start && end < now->n - start &&
	    is_same(&old->hit[old->n - 1 - end], &now->hit[now->n - 1 - end]))
		end++;
	n = old->n - start - end;
	was = mem_array(n + 1, sizeof(*was));
	for (size_t i = 0; i < n; i++)
		was[i] = (struct stood){ old->hit[start + i], start + i + 1,
			false };
	qsort(was, n, sizeof(*was), compare_stood);
	for (size_t i = start; i < now->n - end; i++) {
		struct stood key = { .hit = now->hit[i] }, *s;

		s = bsearch(&key, was, n, sizeof(*was), compare_stood);
		if (s != NULL && s->at > last) {
			last = s->at;
			s->stays = true;
		} else {
			add_added(c, &now->hit[i], i, added);
		}
	}
	for (size_t i = 0; i < n && ok; i++)
		ok = was[i].stays || add_removed(c, &was[i].hit, removed);
	free(was);
	return ok;
}
