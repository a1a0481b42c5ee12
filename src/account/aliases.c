/*
 * account/aliases.c - aliases and domains as the administration sees them.
 */
#include "account/private.h"

#include "base/str.h"
#include <stdlib.h>

enum { PAGE = 128 };

/* --- domains -------------------------------------------------------------- */

enum pst_rc
domain_add(struct accounts *a, const char *domain, struct pst_error *err)
{
	char clean[ACCOUNT_DOMAIN];
	struct account_settings *s;
	struct account_conn *c;
	bool configured;
	enum pst_rc rc;

	if (!account_clean_domain(str_of(domain), clean))
		return account_not_a_domain(domain, err);
	s = account_settings_take(a);
	configured = account_is_configured(s, clean);
	account_settings_give(a, &s);
	if (configured)
		return pst_fail(err, PST_E_EXISTS, 0,
		    "%.200s: is in the configuration already", domain);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_DOMAIN_ADD, err, "tt", clean, "");
	if (rc == PST_E_EXISTS)
		rc = pst_fail(
		    err, rc, 0, "%.200s: there is such a domain", domain);
	return account_db_write_done(&c, rc, err);
}

/* A domain that stays local by the configuration keeps users and aliases. */
static enum pst_rc
empty_domain(struct account_conn *c, const char *domain, struct pst_error *err)
{
	enum pst_rc rc = account_run(c, Q_USER_IN_DOMAIN, err, "t", domain);

	if (rc == PST_OK)
		return pst_fail(
		    err, PST_E_PERM, 0, "%.200s: still has users", domain);
	if (rc == PST_E_NOTFOUND)
		rc = account_run(c, Q_ALIAS_DELETE_DOMAIN, err, "t", domain);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

static enum pst_rc
forget_invites(
    struct account_conn *c, const char *domain, struct pst_error *err)
{
	char owner[ACCOUNT_DOMAIN + 1];
	enum pst_rc rc;

	(void)snprintf(owner, sizeof(owner), "@%s", domain);
	rc = account_run(c, Q_CREDENTIAL_FORGET, err, "t", owner);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
domain_delete(struct accounts *a, const char *domain, struct pst_error *err)
{
	char clean[ACCOUNT_DOMAIN];
	struct account_settings *s;
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_clean_domain(str_of(domain), clean))
		return account_not_a_domain(domain, err);
	s = account_settings_take(a);
	c = account_db_write(a->db, err);
	if (c == NULL) {
		account_settings_give(a, &s);
		return PST_E_TEMP;
	}
	rc = account_run(c, Q_DOMAIN_DELETE, err, "t", clean);
	if (rc == PST_E_NOTFOUND)
		rc = pst_fail(err, rc, 0,
		    account_is_configured(s, clean)
			? "%.200s: is in the configuration, not in the database"
			: "%.200s: no such domain",
		    domain);
	if (rc == PST_OK && !account_is_configured(s, clean))
		rc = empty_domain(c, clean, err);
	if (rc == PST_OK)
		rc = forget_invites(c, clean, err);
	account_settings_give(a, &s);
	return account_db_write_done(&c, rc, err);
}

enum pst_rc
domain_set_storage(struct accounts *a, const char *domain, const char *storage,
    struct pst_error *err)
{
	char clean[ACCOUNT_DOMAIN];
	struct account_settings *s;
	struct account_conn *c;
	bool configured;
	enum pst_rc rc;

	if (!account_clean_domain(str_of(domain), clean))
		return account_not_a_domain(domain, err);
	if (strlen(storage) >= ACCOUNT_STORAGE)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.100s: longer than a storage's name may be", storage);
	s = account_settings_take(a);
	configured = account_is_configured(s, clean);
	account_settings_give(a, &s);
	if (configured)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.200s: is in the configuration: give it a domain block "
		    "with `storage` there",
		    domain);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_DOMAIN_STORAGE, err, "tt", clean, storage);
	if (rc == PST_E_NOTFOUND)
		rc = pst_fail(err, rc, 0, "%.200s: no such domain", domain);
	return account_db_write_done(&c, rc, err);
}

struct domains {
	struct account_domain *page;
	size_t n;
};

static void
take_domain(void *arg, const struct pst_value *row, size_t n)
{
	struct domains *to = arg;
	struct account_domain *d = &to->page[to->n];

	(void)n;
	if (to->n == PAGE)
		return;
	account_value_text(&row[0], d->name, sizeof(d->name));
	account_value_text(&row[1], d->storage, sizeof(d->storage));
	to->n++;
}

static enum pst_rc
read_domains(struct accounts *a, const char *after, struct account_domain *page,
    size_t *n_r, struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	struct domains found = { .page = page };
	enum pst_rc rc;

	*n_r = 0;
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_DOMAINS, take_domain, &found, err, "ti", after, (int64_t)PAGE);
	account_db_give(&c);
	*n_r = found.n;
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
domain_each(
    struct accounts *a, account_domain_fn fn, void *arg, struct pst_error *err)
{
	struct account_settings *s = account_settings_take(a);
	struct account_domain *page = mem_array(PAGE, sizeof(page[0]));
	char after[ACCOUNT_DOMAIN] = "";
	size_t n = PAGE;
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < s->domains; i++) {
		const struct account_domain *d = &s->domain[i];

		if (i == 0 || strcmp(d->name, d[-1].name) != 0)
			fn(arg, d->name, true, d->storage);
	}
	while (n == PAGE && rc == PST_OK) {
		rc = read_domains(a, after, page, &n, err);
		for (size_t i = 0; rc == PST_OK && i < n; i++) {
			if (!account_is_configured(s, page[i].name))
				fn(arg, page[i].name, false, page[i].storage);
		}
		if (n > 0)
			(void)str_copy(
			    after, sizeof(after), str_of(page[n - 1].name));
	}
	free(page);
	account_settings_give(a, &s);
	return rc;
}

enum pst_rc
domain_is_local(
    struct accounts *a, struct pst_str domain, struct pst_error *err)
{
	char clean[ACCOUNT_DOMAIN];
	struct account_settings *s;
	struct account_conn *c;
	bool local;
	enum pst_rc rc;

	if (!account_clean_domain(domain, clean))
		return pst_fail(err, PST_E_NOTFOUND, 0, "not a domain");
	s = account_settings_take(a);
	local = account_is_configured(s, clean);
	account_settings_give(a, &s);
	if (local)
		return PST_OK;
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_DOMAIN, err, "t", clean);
	account_db_give(&c);
	return rc;
}

/* --- aliases ---------------------------------------------------------------
 */

/* An address, or "@domain" for all that is not there otherwise. */
static bool
clean_alias(const char *address, char out[321])
{
	if (address[0] != '@')
		return account_normalise(str_of(address), out);
	out[0] = '@';
	return account_clean_domain(str_of(address + 1), out + 1);
}

enum pst_rc
account_clean_target(struct account_conn *c, const struct account_settings *s,
    const char *target, char out[321], struct pst_error *err)
{
	enum pst_rc rc;

	if (!account_clean(str_of(target), false, out))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "\"%.200s\" is not an address", target);
	rc = account_domain_check(c, s, account_domain_of(out), err);
	if (rc == PST_E_NOTFOUND)
		return PST_OK;
	if (rc == PST_OK)
		(void)account_clean(str_of(target), true, out);
	return rc;
}

static enum pst_rc
insert_alias(struct account_conn *c, const struct account_settings *s,
    const char *address, const char *target, struct pst_error *err)
{
	char to[ACCOUNT_ADDRESS];
	const char *domain = account_domain_of(address);
	enum pst_rc rc = account_domain_check(c, s, domain, err);

	if (rc == PST_OK)
		rc = account_clean_target(c, s, target, to, err);
	if (rc != PST_OK)
		return rc;
	rc = account_run(c, Q_USER, err, "t", address);
	if (rc == PST_OK)
		return pst_fail(err, PST_E_EXISTS, 0,
		    "%.200s: there is a user of this name", address);
	if (rc == PST_E_NOTFOUND)
		rc = account_run(
		    c, Q_ALIAS_ADD, err, "ttt", address, to, domain);
	if (rc == PST_E_EXISTS)
		rc = pst_fail(
		    err, rc, 0, "%.100s: leads to %.100s already", address, to);
	return rc;
}

enum pst_rc
alias_add(struct accounts *a, const char *address, const char *target,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_settings *s;
	struct account_conn *c;
	enum pst_rc rc;

	if (!clean_alias(address, clean))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "\"%.200s\" is not an address", address);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	s = account_settings_take(a);
	rc = insert_alias(c, s, clean, target, err);
	account_settings_give(a, &s);
	return account_db_write_done(&c, rc, err);
}

enum pst_rc
alias_delete(struct accounts *a, const char *address, const char *target,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS], exact[ACCOUNT_ADDRESS],
	    folded[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	if (!clean_alias(address, clean) ||
	    (target != NULL &&
		(!account_clean(str_of(target), false, exact) ||
		    !account_clean(str_of(target), true, folded))))
		return pst_fail(
		    err, PST_E_NOTFOUND, 0, "%.200s: no such alias", address);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	if (target == NULL) {
		rc = account_run(c, Q_ALIAS_DELETE_ALL, err, "t", clean);
	} else {
		rc = account_run(c, Q_ALIAS_DELETE, err, "tt", clean, exact);
		if (rc == PST_E_NOTFOUND)
			rc = account_run(
			    c, Q_ALIAS_DELETE, err, "tt", clean, folded);
	}
	if (rc == PST_E_NOTFOUND)
		rc = pst_fail(err, rc, 0, "%.200s: no such alias", address);
	return account_db_write_done(&c, rc, err);
}

struct told {
	void (*fn)(void *arg, const char *address, const char *target);
	void *arg;
};

static void
tell_alias(void *arg, const struct account_pair *pair)
{
	struct told *to = arg;

	to->fn(to->arg, pair->from, pair->to);
}

enum pst_rc
alias_each(struct accounts *a, const char *domain,
    void (*fn)(void *arg, const char *address, const char *target), void *arg,
    struct pst_error *err)
{
	struct told to = { fn, arg };

	return account_each_pair(
	    a, Q_ALIASES, Q_ALIASES_OF_DOMAIN, domain, tell_alias, &to, err);
}
