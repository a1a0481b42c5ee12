/*
 * mailbox/convert_names.c - names, subscriptions and metadata: what a module
 * tells as a list is compared with what was brought before, or with what the
 * target has when it is seen for the first time.
 */
#include "mailbox/convert_priv.h"

#include "base/str.h"
#include <stdlib.h>

/* --- texts ------------------------------------------------------------------
 */

void
convert_meta_fini(struct convert_meta *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].key);
		free((void *)(uintptr_t)m->v[i].value.p);
	}
	free(m->v);
	*m = (struct convert_meta){ 0 };
}

static void
keep_text(void *arg, const char *key, struct pst_str value)
{
	struct convert_meta *m = arg;

	if (strcmp(key, CONVERT_MARK) == 0)
		return;
	mem_grow(&m->v, &m->cap, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = (struct convert_text){ str_dup(str_of(key)),
		str_n(str_dup(value), value.n) };
}

static const struct convert_text *
find_text(const struct convert_meta *m, const char *key)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].key, key) == 0)
			return &m->v[i];
	return NULL;
}

static bool
is_same(const struct convert_text *a, const struct convert_text *b)
{
	return a != NULL && b != NULL && a->value.n == b->value.n &&
	       memcmp(a->value.p, b->value.p, a->value.n) == 0;
}

enum pst_rc
convert_metadata(struct convert *c, const char *name, struct convert_meta *meta,
    struct pst_error *err)
{
	const struct pst_store_ops *to = c->to->ops;
	struct convert_meta now = { .is_known = true };
	enum pst_rc rc = c->from->ops->meta_get(
	    c->acct->acct, name, "", keep_text, &now, err);

	if (rc == PST_OK && !meta->is_known) {
		convert_meta_fini(meta);
		rc = to->meta_get(c->target, name, "", keep_text, meta, err);
		meta->is_known = rc == PST_OK;
	}
	for (size_t i = 0; i < meta->n && rc == PST_OK; i++)
		if (find_text(&now, meta->v[i].key) == NULL)
			rc = to->meta_set(
			    c->target, name, meta->v[i].key, STR_NONE, err);
	for (size_t i = 0; i < now.n && rc == PST_OK; i++)
		if (!is_same(&now.v[i], find_text(meta, now.v[i].key)))
			rc = to->meta_set(
			    c->target, name, now.v[i].key, now.v[i].value, err);
	if (rc != PST_OK) {
		convert_meta_fini(&now);
		meta->is_known = false;
		return rc;
	}
	convert_meta_fini(meta);
	*meta = now;
	return PST_OK;
}

/* --- names ------------------------------------------------------------------
 */

void
convert_box_fini(struct convert_box *b)
{
	convert_meta_fini(&b->meta);
	rows_fini(&b->brought);
	free(b->name);
	free(b->special_use);
}

static struct convert_box *
find_box(struct convert *c, const char *name)
{
	for (size_t i = 0; i < c->boxes; i++)
		if (strcmp(c->box[i].name, name) == 0)
			return &c->box[i];
	return NULL;
}

struct listing {
	struct convert *c;
	char **subscribed;
	size_t n, cap;
};

static void
take_row(void *arg, const struct pst_mailbox *row)
{
	struct listing *l = arg;
	struct convert *c = l->c;
	struct convert_box *b;

	if (row->subscribed) {
		mem_grow(
		    &l->subscribed, &l->cap, l->n + 1, sizeof(*l->subscribed));
		l->subscribed[l->n++] = str_dup(str_of(row->name));
	}
	if (!row->exists)
		return;
	b = find_box(c, row->name);
	if (b == NULL) {
		mem_grow(&c->box, &c->boxes_cap, c->boxes + 1, sizeof(*b));
		b = &c->box[c->boxes++];
		*b = (struct convert_box){ .name = str_dup(str_of(row->name)) };
	}
	free(b->special_use);
	b->special_use = str_dup(str_of(row->special_use));
	b->is_listed = true;
}

/* What the target has in the beginning. */
static void
take_target(void *arg, const struct pst_mailbox *row)
{
	struct convert *c = arg;
	struct convert_box *b;

	if (row->subscribed) {
		mem_grow(&c->subscription, &c->subscriptions_cap,
		    c->subscriptions + 1, sizeof(*c->subscription));
		c->subscription[c->subscriptions++] = str_dup(
		    str_of(row->name));
	}
	if (!row->exists)
		return;
	mem_grow(&c->box, &c->boxes_cap, c->boxes + 1, sizeof(*b));
	b = &c->box[c->boxes++];
	*b = (struct convert_box){ .name = str_dup(str_of(row->name)),
		.special_use = str_dup(str_of("")),
		.is_made = true };
}

static bool
has_name(char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static void
free_names(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static enum pst_rc
bring_subscriptions(struct convert *c, struct listing *l, struct pst_error *err)
{
	const struct pst_store_ops *to = c->to->ops;
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < c->subscriptions && rc == PST_OK; i++)
		if (!has_name(l->subscribed, l->n, c->subscription[i]))
			rc = to->subscribe(
			    c->target, c->subscription[i], false, err);
	for (size_t i = 0; i < l->n && rc == PST_OK; i++)
		if (!has_name(
			c->subscription, c->subscriptions, l->subscribed[i]))
			rc = to->subscribe(
			    c->target, l->subscribed[i], true, err);
	if (rc != PST_OK)
		return rc;
	free_names(c->subscription, c->subscriptions);
	c->subscription = l->subscribed;
	c->subscriptions = l->n;
	c->subscriptions_cap = l->cap;
	*l = (struct listing){ 0 };
	return PST_OK;
}

/* Removes what is no more, and makes what is new. */
static enum pst_rc
bring_mailboxes(struct convert *c, struct pst_error *err)
{
	const struct pst_store_ops *to = c->to->ops;
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < c->boxes && rc == PST_OK;) {
		struct convert_box *b = &c->box[i];

		if (b->is_listed) {
			i++;
			continue;
		}
		if (b->is_made)
			rc = convert_budget(c, 1, 0, err);
		if (b->is_made && rc == PST_OK) {
			c->result->removed += b->brought.n;
			rc = to->remove(c->target, b->name, err);
		}
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
		if (rc == PST_OK) {
			convert_box_fini(b);
			*b = c->box[--c->boxes];
		}
	}
	for (size_t i = 0; i < c->boxes && rc == PST_OK; i++) {
		struct convert_box *b = &c->box[i];

		if (b->is_made)
			continue;
		rc = convert_budget(c, 1, 0, err);
		if (rc == PST_OK)
			rc = to->create(
			    c->target, b->name, b->special_use, err);
		if (rc == PST_E_EXISTS)
			rc = PST_OK;
		b->is_made = rc == PST_OK;
	}
	return rc;
}

enum pst_rc
convert_names(struct convert *c, struct pst_error *err)
{
	struct listing l = { .c = c };
	enum pst_rc rc = PST_OK;

	if (!c->names_known) {
		rc = c->to->ops->list(c->target, take_target, c, err);
		c->names_known = rc == PST_OK;
	}
	for (size_t i = 0; i < c->boxes; i++)
		c->box[i].is_listed = false;
	if (rc == PST_OK)
		rc = c->from->ops->list(c->acct->acct, take_row, &l, err);
	if (rc == PST_OK)
		rc = bring_mailboxes(c, err);
	if (rc == PST_OK)
		rc = bring_subscriptions(c, &l, err);
	free_names(l.subscribed, l.n);
	if (rc == PST_OK)
		rc = convert_metadata(c, NULL, &c->meta, err);
	return rc;
}

/* --- whose mail the target has ----------------------------------------------
 */

static void
note_mark(void *arg, const char *key, struct pst_str value)
{
	(void)value;
	*(bool *)arg |= strcmp(key, CONVERT_MARK) == 0;
}

enum pst_rc
convert_mark(const struct storage *st, struct pst_acct *acct, bool on,
    struct pst_error *err)
{
	return st->ops->meta_set(
	    acct, NULL, CONVERT_MARK, on ? STR("1") : STR_NONE, err);
}

enum pst_rc
convert_check_target(struct convert *c, struct pst_error *err)
{
	const struct pst_store_ops *to = c->to->ops;
	struct pst_usage usage = { 0 };
	bool marked = false;
	enum pst_rc rc = to->meta_get(
	    c->target, NULL, CONVERT_MARK, note_mark, &marked, err);

	if (rc == PST_OK && !marked)
		rc = to->usage(c->target, &usage, err);
	if (rc == PST_OK && usage.messages > 0)
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: storage \"%s\" has mail of this user that is no copy "
		    "of what is in \"%s\"",
		    c->acct->id, c->to->cfg->name, c->from->cfg->name);
	return rc == PST_OK && !marked
		   ? convert_mark(c->to, c->target, true, err)
		   : rc;
}
