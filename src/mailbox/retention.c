/*
 * mailbox/retention.c - see retention.h. Messages are removed in batches, so
 * that sessions and deliveries get their turn in between.
 */
#include "mailbox/retention.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/priv.h"
#include <stdlib.h>

enum {
	BATCH = 500,
	/* Mail that other programs brought is found by then. */
	LOOK_AGAIN = 86400,
	PATTERN_STEPS = 1 << 20, /* of one match, whatever the pattern */
};

/* --- rules ---------------------------------------------------------------- */

static bool
match(const char *p, const char *s, unsigned *steps)
{
	for (; *p != '\0'; p++, s++) {
		if (*steps == 0)
			return false;
		--*steps;
		if (*p == '*' || *p == '%') {
			char wild = *p;

			while (p[1] == '*' || p[1] == '%')
				wild = *++p == '*' ? '*' : wild;
			for (;; s++) {
				if (match(p + 1, s, steps))
					return true;
				if (*s == '\0' || (wild == '%' && *s == '/'))
					return false;
			}
		}
		if (*p != *s)
			return false;
	}
	return *s == '\0';
}

bool
retention_name_matches(const char *pattern, const char *name)
{
	unsigned steps = PATTERN_STEPS;

	return match(pattern, name, &steps) ||
	       (strcmp(name, "INBOX") == 0 &&
		   str_is_case(str_of(pattern), "INBOX"));
}

bool
retention_matches(
    const struct config_retention *rule, const struct pst_mailbox *m)
{
	if (*rule->mailbox == '\0' && *rule->special_use == '\0')
		return false;
	return m->exists &&
	       (*rule->mailbox == '\0' ||
		   retention_name_matches(rule->mailbox, m->name)) &&
	       (*rule->special_use == '\0' ||
		   str_is_case(str_of(m->special_use), rule->special_use));
}

/* When it came into the mailbox; without that, its internal date. */
static int64_t
came(const struct pst_row *row)
{
	return row->save_date != 0 ? row->save_date : row->internal_date;
}

static int
compare_came(const void *a, const void *b)
{
	const struct pst_row *const *x = a, *const *y = b;

	if (came(*x) != came(*y))
		return came(*x) < came(*y) ? -1 : 1;
	return (*x)->uid < (*y)->uid ? -1 : (*x)->uid > (*y)->uid;
}

static int
compare_uid(const void *a, const void *b)
{
	const struct pst_row *const *x = a, *const *y = b;

	return (*x)->uid < (*y)->uid ? -1 : (*x)->uid > (*y)->uid;
}

void
retention_pick(const struct config_retention *rule, const struct pst_row *row,
    size_t n, int64_t now, struct uidset *gone_r, int64_t *next_r)
{
	const struct pst_row **oldest = mem_array(n + 1, sizeof(*oldest));
	uint64_t left = n, bytes = 0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		oldest[i] = &row[i];
		bytes += row[i].size;
	}
	if (n > 1)
		qsort(oldest, n, sizeof(*oldest), compare_came);
	for (; k < n; k++) {
		bool old = rule->age > 0 && came(oldest[k]) <= now - rule->age;
		bool many = rule->max_messages > 0 &&
			    left > (uint64_t)rule->max_messages;
		bool large = rule->max_size > 0 &&
			     bytes > (uint64_t)rule->max_size;

		if (!old && !many && !large)
			break;
		left--;
		bytes -= oldest[k]->size;
	}
	if (k < n && rule->age > 0 && came(oldest[k]) + rule->age < *next_r)
		*next_r = came(oldest[k]) + rule->age;
	if (k > 1)
		qsort(oldest, k, sizeof(*oldest), compare_uid);
	for (size_t i = 0; i < k; i++)
		uidset_add(gone_r, oldest[i]->uid, oldest[i]->uid);
	free(oldest);
}

/* --- at work -------------------------------------------------------------- */

struct target {
	char *name, *use;
};

struct run {
	struct mail_account *acct;
	const struct config *cfg;
	const struct retention_how *how;
	struct target *target;
	size_t n, cap;
	int64_t now, *next;
};

static bool
any_matches(const struct config *cfg, const struct pst_mailbox *m)
{
	for (size_t i = 0; i < cfg->retentions; i++)
		if (retention_matches(&cfg->retention[i], m))
			return true;
	return false;
}

static void
take_target(void *arg, const struct pst_mailbox *m)
{
	struct run *r = arg;

	if (!any_matches(r->cfg, m))
		return;
	mem_grow(&r->target, &r->cap, r->n + 1, sizeof(*r->target));
	r->target[r->n++] = (struct target){ str_dup(str_of(m->name)),
		str_dup(str_of(m->special_use)) };
}

/* The present rows, with what other programs did. */
static enum pst_rc
copy_rows(struct mailbox *mb, struct rows *rows, struct pst_error *err)
{
	enum pst_rc rc;

	pthread_mutex_lock(&mb->io);
	rc = mailbox_refresh(mb, err);
	pthread_mutex_unlock(&mb->io);
	pthread_mutex_lock(&mb->lock);
	for (size_t i = 0; i < mb->n; i++)
		rows_add(rows, &mb->row[i]);
	pthread_mutex_unlock(&mb->lock);
	return rc;
}

/* Takes the rows in `gone` out; their number and size. */
static void
split(struct rows *rows, const struct uidset *gone, struct retention_done *done)
{
	size_t to = 0;

	for (size_t i = 0, k = 0; i < rows->n; i++) {
		const struct pst_row *row = &rows->row[i];

		while (k < gone->n && gone->r[k].last < row->uid)
			k++;
		if (k < gone->n && gone->r[k].first <= row->uid) {
			done->messages++;
			done->bytes += row->size;
		} else {
			rows->row[to++] = *row;
		}
	}
	rows->n = to;
}

/* A batch is removed, or nothing when that fails. */
static enum pst_rc
remove_batch(struct mailbox *mb, struct pst_range some, bool keep,
    struct uidset *removed, struct pst_error *err)
{
	enum pst_rc rc = mailbox_remove(
	    mb, (struct pst_uids){ &some, 1 }, keep, err);

	if (rc == PST_OK)
		uidset_add(removed, some.first, some.last);
	return rc;
}

/* Ends early to stop, or when the account is on hold by now. */
static enum pst_rc
remove_batches(struct run *r, struct mailbox *mb, const struct uidset *gone,
    bool keep, struct uidset *removed, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < gone->n && rc == PST_OK; i++) {
		uint32_t uid = gone->r[i].first;

		while (rc == PST_OK) {
			struct pst_range some = { uid, gone->r[i].last };

			if (some.last - some.first >= BATCH)
				some.last = some.first + BATCH - 1;
			if (r->how->stop(r->how->arg) ||
			    atomic_load(&r->acct->on_hold))
				return PST_OK;
			rc = remove_batch(mb, some, keep, removed, err);
			if (some.last == gone->r[i].last)
				break;
			uid = some.last + 1;
		}
	}
	return rc;
}

static enum pst_rc
apply_rule(struct run *r, const struct config_retention *rule,
    struct mailbox *mb, const char *name, struct rows *rows,
    struct pst_error *err)
{
	struct retention_done done = { .rule = rule->name, .mailbox = name };
	struct uidset gone = { 0 }, removed = { 0 };
	enum pst_rc rc = PST_OK;

	retention_pick(rule, rows->row, rows->n, r->now, &gone, r->next);
	if (!r->how->dry_run)
		rc = remove_batches(
		    r, mb, &gone, rule->undelete, &removed, err);
	/* Told even when it could not go on. */
	split(rows, r->how->dry_run ? &gone : &removed, &done);
	if (done.messages > 0 && r->how->fn != NULL)
		r->how->fn(r->how->arg, &done);
	uidset_fini(&gone);
	uidset_fini(&removed);
	return rc;
}

static enum pst_rc
apply_to(struct run *r, const struct target *t, struct pst_error *err)
{
	const struct pst_mailbox m = {
		.name = t->name, .special_use = t->use, .exists = true
	};
	struct rows rows = { 0 };
	struct mailbox *mb;
	enum pst_rc rc = mailbox_get(
	    r->acct, t->name, MAILBOX_LOADED, &mb, err);

	if (rc == PST_E_NOTFOUND)
		return PST_OK; /* deleted meanwhile */
	if (rc != PST_OK)
		return rc;
	rc = copy_rows(mb, &rows, err);
	for (size_t i = 0; i < r->cfg->retentions && rc == PST_OK; i++) {
		const struct config_retention *rule = &r->cfg->retention[i];
		int64_t again = r->now +
				(rule->max_messages > 0 || rule->max_size > 0
					? LOOK_AGAIN
					: rule->age);

		if (!retention_matches(rule, &m))
			continue;
		/* What comes from now on is not due before that. */
		if (again < *r->next)
			*r->next = again;
		rc = apply_rule(r, rule, mb, t->name, &rows, err);
	}
	if (rc == PST_E_NOTFOUND)
		rc = PST_OK;
	rows_fini(&rows);
	mailbox_put(&mb);
	return rc;
}

/* A mailbox that a rule is for may be made at any time. */
static void
look_again(struct run *r)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < r->cfg->retentions; i++) {
		const struct config_retention *rule = &r->cfg->retention[i];
		int64_t age = rule->age;

		if (rule->max_messages > 0 || rule->max_size > 0)
			age = LOOK_AGAIN;
		if (age < first)
			first = age;
	}
	if (first < INT64_MAX - r->now && r->now + first < *r->next)
		*r->next = r->now + first;
}

enum pst_rc
retention_run(struct mail_account *acct, const struct retention_how *how,
    int64_t *next_r, struct pst_error *err)
{
	struct config *cfg = mailstore_config(acct->ms);
	struct run r = { .acct = acct,
		.cfg = cfg,
		.how = how,
		.now = clock_seconds(),
		.next = next_r };
	enum pst_rc rc = PST_OK;

	look_again(&r);
	if (cfg->retentions > 0 && !atomic_load(&acct->on_hold))
		rc = mailbox_each(acct, take_target, &r, err);
	for (size_t i = 0; i < r.n; i++) {
		if (rc == PST_OK && !how->stop(how->arg))
			rc = apply_to(&r, &r.target[i], err);
		free(r.target[i].name);
		free(r.target[i].use);
	}
	free(r.target);
	config_unref(&cfg);
	return rc;
}
