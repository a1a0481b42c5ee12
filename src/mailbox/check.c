/*
 * mailbox/check.c - the engine's side of checks: some messages at a time with
 * the mailbox to itself, then it is the others' turn.
 */
#include "mailbox/check.h"

#include "base/str.h"
#include "mailbox/priv.h"
#include <stdlib.h>

struct finding {
	struct pst_finding f;
	char *kind, *text;
};

struct findings {
	struct finding *v;
	size_t n, cap;
};

static void
on_finding(void *arg, const struct pst_finding *f)
{
	struct findings *all = arg;
	struct finding *one;

	mem_grow(&all->v, &all->cap, all->n + 1, sizeof(*all->v));
	one = &all->v[all->n++];
	*one = (struct finding){ *f, str_dup(str_of(f->kind)),
		str_dup(str_of(f->text)) };
	one->f.kind = one->kind;
	one->f.text = one->text;
}

/* Without a lock: who is told may take its time. */
static void
tell_all(struct findings *all, pst_finding_fn fn, void *arg)
{
	for (size_t i = 0; i < all->n; i++) {
		fn(arg, &all->v[i].f);
		free(all->v[i].kind);
		free(all->v[i].text);
	}
	free(all->v);
	*all = (struct findings){ 0 };
}

static enum pst_rc
no_checks(const struct mail_account *acct, struct pst_error *err)
{
	return pst_fail(err, PST_E_UNSUPPORTED, 0,
	    "the storage of %s cannot check mail", acct->id);
}

static enum pst_rc
check_step(struct mailbox *mb, uint32_t *at, bool mend, struct findings *found,
    struct pst_error *err)
{
	enum pst_rc rc;

	pthread_mutex_lock(&mb->io);
	if (mb->box == NULL || atomic_load(&mb->dead)) {
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "%s: deleted", mb->name);
	} else if (mb->acct->st->ops->check == NULL) {
		rc = no_checks(mb->acct, err);
	} else {
		rc = mb->acct->st->ops->check(
		    mb->box, *at, at, mend, on_finding, found, err);
		if (rc == PST_OK && mend && found->n > 0) {
			mailbox_take_keywords(mb);
			if (mb->loaded)
				rc = mailbox_refresh(mb, err);
		}
	}
	pthread_mutex_unlock(&mb->io);
	return rc;
}

enum pst_rc
mailbox_check(struct mail_account *acct, const char *name, bool mend,
    pst_finding_fn fn, bool (*stop)(void *arg), void *arg,
    struct pst_error *err)
{
	struct findings found = { 0 };
	struct mailbox *mb;
	uint32_t at = 1;
	enum pst_rc rc;

	if (acct->st->ops->check == NULL)
		return no_checks(acct, err);
	rc = mailbox_get(acct, name, MAILBOX_OPEN, &mb, err);
	if (rc != PST_OK)
		return rc;
	while (rc == PST_OK && at != 0 && !stop(arg)) {
		rc = check_step(mb, &at, mend, &found, err);
		tell_all(&found, fn, arg);
	}
	mailbox_put(&mb);
	if (mend)
		account_forget_usage(acct);
	return rc;
}

enum pst_rc
mail_account_recount(struct mail_account *acct, struct pst_usage *usage_r,
    struct pst_usage *limit_r, struct pst_error *err)
{
	const struct pst_store_ops *ops = account_enter(acct);
	enum pst_rc rc = PST_OK;

	if (ops->recount != NULL)
		rc = ops->recount(acct->acct, usage_r, err);
	account_leave(acct);
	account_forget_usage(acct);
	return rc == PST_OK ? mail_account_usage(acct, usage_r, limit_r, err)
			    : rc;
}
