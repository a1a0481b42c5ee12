/*
 * mailbox/undelete.c - see undelete.h. The storage keeps the messages; here it
 * is decided which, and where they go.
 */
#include "mailbox/undelete.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/priv.h"
#include <stdlib.h>

enum {
	BATCH = 1000,	      /* messages that come back in one go */
	HEAD_MAX = 32 * 1024, /* octets of a header that are looked at */
};

/* Where a message goes whose mailbox has a name that cannot be. */
static const char lost_name[] = "Recovered";

bool
account_keeps(struct mail_account *acct)
{
	struct config *cfg = mailstore_config(acct->ms);
	bool keeps = acct->st->ops->expunge_keep != NULL &&
		     (cfg->undelete.keep > 0 || atomic_load(&acct->on_hold));

	config_unref(&cfg);
	return keeps;
}

static enum pst_rc
check_supported(const struct mail_account *acct, struct pst_error *err)
{
	return acct->st->ops->kept_each != NULL
		   ? PST_OK
		   : pst_fail(err, PST_E_UNSUPPORTED, 0,
			 "the storage of %s keeps no expunged messages",
			 acct->id);
}

/* --- gathering ------------------------------------------------------------ */

struct kept {
	struct pst_kept row; /* its texts are those below */
	char *id, *mailbox, *use;
	char **keyword;
};

struct gathered {
	const struct undelete_filter *filter;
	struct kept *v;
	size_t n, cap;
};

static void
gathered_free(struct gathered *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct kept *k = &g->v[i];

		for (size_t w = 0; w < k->row.keywords; w++)
			free(k->keyword[w]);
		free(k->keyword);
		free(k->id);
		free(k->mailbox);
		free(k->use);
	}
	free(g->v);
}

static char *
clean_name(const char *text)
{
	struct buf name;
	char *clean;

	buf_init(&name, 8192);
	if (mailbox_name_clean(str_of(text), &name) == PST_OK)
		clean = str_dup(buf_str(&name));
	else
		clean = str_dup(str_of(lost_name));
	buf_fini(&name);
	return clean;
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_wanted(const struct undelete_filter *f, const struct pst_kept *row)
{
	if ((f->since != 0 && row->expunged < f->since) ||
	    (f->id != NULL && strcmp(f->id, row->id) != 0))
		return false;
	return f->ids == NULL || bsearch(&row->id, f->ids, f->id_count,
				     sizeof(f->ids[0]), compare_texts) != NULL;
}

static void
gather(void *arg, const struct pst_kept *row)
{
	struct gathered *g = arg;
	const struct undelete_filter *f = g->filter;
	char *mailbox;
	struct kept *k;

	if (!is_wanted(f, row))
		return;
	mailbox = clean_name(row->mailbox);
	if (f->mailbox != NULL && strcmp(f->mailbox, mailbox) != 0) {
		free(mailbox);
		return;
	}
	mem_grow(&g->v, &g->cap, g->n + 1, sizeof(*g->v));
	k = &g->v[g->n++];
	*k = (struct kept){ .row = *row,
		.id = str_dup(str_of(row->id)),
		.mailbox = mailbox,
		.use = str_dup(str_of(row->special_use)),
		.keyword = mem_array(row->keywords + 1, sizeof(char *)) };
	for (size_t i = 0; i < row->keywords; i++)
		k->keyword[i] = str_dup(str_of(row->keyword[i]));
	k->row.id = k->id;
	k->row.mailbox = k->mailbox;
	k->row.special_use = k->use;
	k->row.keyword = (const char *const *)k->keyword;
}

static int
compare_kept(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	int order = strcmp(x->mailbox, y->mailbox);

	if (order != 0)
		return order;
	if (x->row.expunged != y->row.expunged)
		return x->row.expunged < y->row.expunged ? -1 : 1;
	return x->row.uid < y->row.uid ? -1 : x->row.uid > y->row.uid;
}

static int
compare_arrival(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	int order = strcmp(x->mailbox, y->mailbox);

	if (order != 0)
		return order;
	if (x->row.uid != y->row.uid)
		return x->row.uid < y->row.uid ? -1 : 1;
	return x->row.expunged < y->row.expunged
		   ? -1
		   : x->row.expunged > y->row.expunged;
}

static enum pst_rc
gather_all(struct mail_account *acct, const struct undelete_filter *filter,
    struct gathered *g, struct pst_error *err)
{
	const struct pst_store_ops *ops;
	enum pst_rc rc = check_supported(acct, err);

	*g = (struct gathered){ .filter = filter };
	if (rc != PST_OK)
		return rc;
	ops = account_enter(acct);
	rc = ops->kept_each != NULL ? ops->kept_each(acct->acct, gather, g, err)
				    : check_supported(acct, err);
	account_leave(acct);
	return rc;
}

enum pst_rc
undelete_each(struct mail_account *acct, const struct undelete_filter *filter,
    pst_kept_fn fn, void *arg, struct pst_error *err)
{
	struct gathered g;
	enum pst_rc rc = gather_all(acct, filter, &g, err);

	if (rc == PST_OK && g.n > 1)
		qsort(g.v, g.n, sizeof(g.v[0]), compare_kept);
	for (size_t i = 0; rc == PST_OK && i < g.n; i++)
		fn(arg, &g.v[i].row);
	gathered_free(&g);
	return rc;
}

/* --- the latest ----------------------------------------------------------- */

static int
order_latest(int64_t expunged, const char *id, const struct kept *k)
{
	if (expunged != k->row.expunged)
		return expunged > k->row.expunged ? -1 : 1;
	return strcmp(id, k->row.id);
}

static int
compare_latest(const void *a, const void *b)
{
	const struct kept *x = a;

	return order_latest(x->row.expunged, x->row.id, b);
}

struct heads {
	struct head {
		char *p;
		size_t n;
	} * v;
};

static void
take_head(void *arg, size_t n, struct pst_str head)
{
	struct heads *h = arg;

	free(h->v[n].p);
	h->v[n] = (struct head){ str_dup(head), head.n };
}

/* Without what cannot be read a list is still of use. */
static void
read_heads(
    struct mail_account *acct, const struct kept *k, size_t n, struct heads *h)
{
	const char **ids = mem_array(n + 1, sizeof(*ids));
	const struct pst_store_ops *ops;
	struct pst_error err = { 0 };

	for (size_t i = 0; i < n; i++)
		ids[i] = k[i].id;
	ops = account_enter(acct);
	if (ops->kept_heads != NULL &&
	    ops->kept_heads(acct->acct, ids, n, HEAD_MAX, take_head, h, &err) !=
		PST_OK)
		log_failure(PST_LOG_WARNING, 0, "undelete", &err);
	account_leave(acct);
	free(ids);
}

enum pst_rc
undelete_latest(struct mail_account *acct, const struct undelete_place *after,
    size_t most, undelete_list_fn fn, void *arg, bool *more_r,
    struct pst_error *err)
{
	const struct undelete_filter all = { 0 };
	struct heads heads = { NULL };
	struct gathered g;
	enum pst_rc rc = gather_all(acct, &all, &g, err);
	size_t at = 0, n;

	if (g.n > 1)
		qsort(g.v, g.n, sizeof(g.v[0]), compare_latest);
	while (after != NULL && at < g.n &&
	       order_latest(after->expunged, after->id, &g.v[at]) >= 0)
		at++;
	n = g.n - at < most ? g.n - at : most;
	*more_r = at + n < g.n;
	heads.v = mem_array(n + 1, sizeof(*heads.v));
	if (rc == PST_OK && n > 0)
		read_heads(acct, g.v + at, n, &heads);
	for (size_t i = 0; i < n; i++) {
		if (rc == PST_OK)
			fn(arg, &g.v[at + i].row,
			    str_n(heads.v[i].p, heads.v[i].n));
		free(heads.v[i].p);
	}
	free(heads.v);
	gathered_free(&g);
	return rc;
}

/* --- restoring ------------------------------------------------------------ */

struct use_search {
	const char *use;
	bool taken;
};

static void
look_for_use(void *arg, const struct pst_mailbox *m)
{
	struct use_search *s = arg;

	s->taken |= m->exists && str_is_case(str_of(m->special_use), s->use);
}

/* A mailbox that is gone; its special use may be another's by now. */
static enum pst_rc
make_anew(
    struct mail_account *acct, const struct kept *k, struct pst_error *err)
{
	struct use_search search = { k->use, *k->use == '\0' };
	enum pst_rc rc = mailbox_each(acct, look_for_use, &search, err);

	if (rc == PST_OK)
		rc = mailbox_create(
		    acct, k->mailbox, search.taken ? "" : k->use, err);
	if (rc == PST_E_EXISTS)
		rc = PST_OK;
	return rc == PST_OK ? mailbox_subscribe(acct, k->mailbox, true, err)
			    : rc;
}

static enum pst_rc
get_target(struct mail_account *acct, const struct kept *k,
    struct mailbox **mb_r, struct pst_error *err)
{
	enum pst_rc rc = mailbox_get(acct, k->mailbox, MAILBOX_OPEN, mb_r, err);

	if (rc != PST_E_NOTFOUND)
		return rc;
	rc = make_anew(acct, k, err);
	return rc == PST_OK
		   ? mailbox_get(acct, k->mailbox, MAILBOX_OPEN, mb_r, err)
		   : rc;
}

struct restored {
	struct rows rows;
	size_t *from; /* places in the batch */
	size_t cap;
};

static void
on_restored(void *arg, size_t n, const struct pst_row *row)
{
	struct restored *r = arg;

	mem_grow(&r->from, &r->cap, r->rows.n + 1, sizeof(*r->from));
	r->from[r->rows.n] = n;
	rows_add(&r->rows, row);
}

/* Up to BATCH messages of one mailbox. */
static enum pst_rc
restore_batch(struct mailbox *mb, const struct kept *k, size_t n,
    const struct undelete_how *how, struct pst_error *err)
{
	const char **ids = mem_array(n, sizeof(*ids));
	struct restored back = { 0 };
	enum pst_rc rc;

	for (size_t i = 0; i < n; i++)
		ids[i] = k[i].id;
	pthread_mutex_lock(&mb->io);
	if (mb->box == NULL || atomic_load(&mb->dead)) {
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "%s: deleted", mb->name);
	} else if (mb->acct->st->ops->kept_restore == NULL) {
		rc = check_supported(mb->acct, err);
	} else {
		account_change_begin(mb->acct);
		rc = mb->acct->st->ops->kept_restore(
		    mb->acct->acct, ids, n, mb->box, on_restored, &back, err);
		/* Also after an error: what was reported is there. */
		if (back.rows.n > 0) {
			mailbox_take_keywords(mb);
			mailbox_apply_new(mb, back.rows.row, back.rows.n);
		}
		account_change_end(mb->acct);
	}
	pthread_mutex_unlock(&mb->io);
	for (size_t i = 0; i < back.rows.n; i++) {
		const struct pst_row *row = &back.rows.row[i];
		const struct undelete_back one = { .mailbox = k->mailbox,
			.id = ids[back.from[i] < n ? back.from[i] : 0],
			.uid = row->uid,
			.size = row->size };

		how->fn(how->arg, &one);
	}
	free(back.from);
	rows_fini(&back.rows);
	free(ids);
	return rc;
}

static enum pst_rc
restore_mailbox(struct mail_account *acct, const struct kept *k, size_t n,
    const struct undelete_how *how, struct pst_error *err)
{
	struct mailbox *mb;
	enum pst_rc rc = get_target(acct, k, &mb, err);

	if (rc != PST_OK)
		return rc;
	for (size_t at = 0; rc == PST_OK && at < n; at += BATCH) {
		if (how->stop != NULL && how->stop(how->arg))
			break;
		rc = restore_batch(
		    mb, k + at, n - at < BATCH ? n - at : BATCH, how, err);
	}
	mailbox_put(&mb);
	return rc;
}

static enum pst_rc
check_room(struct mail_account *acct, const struct gathered *g,
    const struct undelete_how *how, struct pst_error *err)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < g->n; i++)
		bytes += g->v[i].row.size;
	return how->beyond_quota || g->n == 0
		   ? PST_OK
		   : mail_account_room_for(acct, g->n, bytes, err);
}

enum pst_rc
undelete_restore(struct mail_account *acct,
    const struct undelete_filter *filter, const struct undelete_how *how,
    struct pst_error *err)
{
	struct gathered g;
	enum pst_rc rc = gather_all(acct, filter, &g, err);
	size_t at = 0;

	if (rc == PST_OK)
		rc = check_room(acct, &g, how, err);
	/* In the order that they had in the mailbox. */
	if (rc == PST_OK && g.n > 1)
		qsort(g.v, g.n, sizeof(g.v[0]), compare_arrival);
	while (rc == PST_OK && at < g.n) {
		size_t n = 1;

		if (how->stop != NULL && how->stop(how->arg))
			break;
		while (at + n < g.n &&
		       strcmp(g.v[at].mailbox, g.v[at + n].mailbox) == 0)
			n++;
		rc = restore_mailbox(acct, &g.v[at], n, how, err);
		at += n;
	}
	gathered_free(&g);
	return rc;
}

/* --- purging -------------------------------------------------------------- */

enum pst_rc
undelete_purge(struct mail_account *acct, bool all, uint64_t most,
    struct pst_kept_sum *sum_r, struct pst_error *err)
{
	struct pst_kept_limit limit = { .before = INT64_MIN, .most = most };
	enum pst_rc rc = check_supported(acct, err);
	const struct pst_store_ops *ops;
	struct config *cfg;

	*sum_r = (struct pst_kept_sum){ 0 };
	if (rc != PST_OK)
		return rc;
	cfg = mailstore_config(acct->ms);
	if (all)
		limit.before = INT64_MAX;
	else
		limit.before = clock_seconds() - cfg->undelete.keep;
	limit.max_bytes = (uint64_t)cfg->undelete.size;
	config_unref(&cfg);
	if (atomic_load(&acct->on_hold)) {
		limit.before = INT64_MIN;
		limit.max_bytes = 0;
	}
	ops = account_enter(acct);
	rc = ops->kept_purge != NULL
		 ? ops->kept_purge(acct->acct, &limit, sum_r, err)
		 : check_supported(acct, err);
	account_leave(acct);
	return rc;
}
