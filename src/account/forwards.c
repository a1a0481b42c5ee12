/*
 * account/forwards.c - to whom users forward their mail, as the administration
 * sees it.
 *
 * Whether there are targets at all, and whether a copy is kept, stands with the
 * user, so that mail for those who do not forward costs no more questions.
 */
#include "account/private.h"

#include "base/str.h"
#include <stdlib.h>

struct found {
	const struct account_settings *s;
	struct account_user user;
};

static void
take_user(void *arg, const struct pst_value *row, size_t n)
{
	struct found *found = arg;

	(void)n;
	(void)account_read_user(row, found->s, &found->user);
}

static void
take_number(void *arg, const struct pst_value *row, size_t n)
{
	(void)n;
	*(int64_t *)arg = row[0].integer;
}

static enum pst_rc
set_forwarding(struct account_conn *c, const char *user,
    enum account_forwarding forwarding, struct pst_error *err)
{
	return account_run(
	    c, Q_USER_FORWARDING, err, "ti", user, (int64_t)forwarding);
}

/* --- adding -----------------------------------------------------------------
 */

static enum pst_rc
insert(struct account_conn *c, const struct account_settings *s,
    const char *user, const char *target, struct pst_error *err)
{
	struct found found = { .s = s };
	char to[ACCOUNT_ADDRESS];
	int64_t have = 0;
	enum pst_rc rc = account_clean_target(c, s, target, to, err);

	if (rc == PST_OK)
		rc = account_rows(c, Q_USER, take_user, &found, err, "t", user);
	if (rc == PST_E_NOTFOUND)
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	if (rc == PST_OK)
		rc = account_rows(
		    c, Q_FORWARD_COUNT, take_number, &have, err, "t", user);
	if (rc == PST_OK && have >= s->cfg->forward.targets)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.200s: forwards to %lld addresses already, and "
		    "forward.targets allows no more",
		    user, (long long)have);
	if (rc == PST_OK)
		rc = account_run(c, Q_FORWARD_ADD, err, "ttt", user, to,
		    account_domain_of(user));
	if (rc == PST_E_EXISTS)
		return pst_fail(
		    err, rc, 0, "%.100s: forwards to %.100s already", user, to);
	if (rc == PST_OK && found.user.forwarding == ACCOUNT_FORWARD_NONE)
		rc = set_forwarding(c, user, ACCOUNT_FORWARD_KEEP, err);
	return rc;
}

enum pst_rc
forward_add(struct accounts *a, const char *user, const char *target,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_settings *s;
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	s = account_settings_take(a);
	rc = insert(c, s, clean, target, err);
	account_settings_give(a, &s);
	return account_db_write_done(&c, rc, err);
}

/* --- changing ---------------------------------------------------------------
 */

/* The last one takes the user's mark along. */
static enum pst_rc
end_when_empty(struct account_conn *c, const char *user, struct pst_error *err)
{
	int64_t left = 0;
	enum pst_rc rc = account_rows(
	    c, Q_FORWARD_COUNT, take_number, &left, err, "t", user);

	if (rc != PST_OK || left > 0)
		return rc;
	rc = set_forwarding(c, user, ACCOUNT_FORWARD_NONE, err);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
forward_delete(struct accounts *a, const char *user, const char *target,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS], exact[ACCOUNT_ADDRESS],
	    folded[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean) ||
	    (target != NULL &&
		(!account_clean(str_of(target), false, exact) ||
		    !account_clean(str_of(target), true, folded))))
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.200s: forwards to no such address", user);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	if (target == NULL) {
		rc = account_run(c, Q_FORWARD_DELETE_ALL, err, "t", clean);
	} else {
		rc = account_run(c, Q_FORWARD_DELETE, err, "tt", clean, exact);
		if (rc == PST_E_NOTFOUND)
			rc = account_run(
			    c, Q_FORWARD_DELETE, err, "tt", clean, folded);
	}
	if (rc == PST_E_NOTFOUND)
		rc = pst_fail(
		    err, rc, 0, "%.200s: forwards to no such address", user);
	if (rc == PST_OK)
		rc = end_when_empty(c, clean, err);
	return account_db_write_done(&c, rc, err);
}

enum pst_rc
forward_keep(
    struct accounts *a, const char *user, bool keep, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	int64_t have = 0;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_FORWARD_COUNT, take_number, &have, err, "t", clean);
	if (rc == PST_OK && have == 0)
		rc = pst_fail(
		    err, PST_E_NOTFOUND, 0, "%.200s: does not forward", user);
	if (rc == PST_OK)
		rc = set_forwarding(c, clean,
		    keep ? ACCOUNT_FORWARD_KEEP : ACCOUNT_FORWARD_ONLY, err);
	return account_db_write_done(&c, rc, err);
}

static enum pst_rc
replace(struct account_conn *c, const struct account_settings *s,
    const char *user, const char *const *targets, size_t n,
    struct pst_error *err)
{
	enum pst_rc rc = account_run(c, Q_FORWARD_DELETE_ALL, err, "t", user);

	if (rc == PST_E_NOTFOUND)
		rc = PST_OK;
	for (size_t i = 0; rc == PST_OK && i < n; i++)
		rc = insert(c, s, user, targets[i], err);
	return rc;
}

enum pst_rc
forward_replace(struct accounts *a, const char *user,
    const char *const *targets, size_t n, bool keep, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_settings *s;
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	s = account_settings_take(a);
	rc = replace(c, s, clean, targets, n, err);
	account_settings_give(a, &s);
	if (rc == PST_OK)
		rc = set_forwarding(c, clean,
		    n == 0 ? ACCOUNT_FORWARD_NONE
		    : keep ? ACCOUNT_FORWARD_KEEP
			   : ACCOUNT_FORWARD_ONLY,
		    err);
	return account_db_write_done(&c, rc, err);
}

/* --- listing ----------------------------------------------------------------
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
	struct targets *t = arg;

	(void)n;
	mem_grow(&t->v, &t->cap, t->n + 1, sizeof(*t->v));
	account_value_text(&row[0], t->v[t->n].address, ACCOUNT_ADDRESS);
	t->n++;
}

struct told {
	void (*fn)(void *arg, const char *user, const char *target, bool keeps);
	void *arg;
};

static void
tell_forward(void *arg, const struct account_pair *pair)
{
	struct told *to = arg;

	to->fn(to->arg, pair->from, pair->to,
	    pair->number != ACCOUNT_FORWARD_ONLY);
}

enum pst_rc
forward_each(struct accounts *a, const char *domain,
    void (*fn)(void *arg, const char *user, const char *target, bool keeps),
    void *arg, struct pst_error *err)
{
	struct told to = { fn, arg };

	return account_each_pair(a, Q_FORWARDS, Q_FORWARDS_OF_DOMAIN, domain,
	    tell_forward, &to, err);
}

enum pst_rc
forward_of(struct accounts *a, const char *user,
    void (*fn)(void *arg, const char *target), void *arg, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct targets found = { NULL, 0, 0 };
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_FORWARD_TARGETS, take_target, &found, err, "t", clean);
	account_db_give(&c);
	if (rc == PST_E_NOTFOUND)
		rc = PST_OK;
	for (size_t i = 0; rc == PST_OK && i < found.n; i++)
		fn(arg, found.v[i].address);
	free(found.v);
	return rc;
}
