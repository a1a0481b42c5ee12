/*
 * account/invites.c - see invites.h. They are in the table of credentials,
 * under
 * "@" and the domain; the first letters of a code find its row.
 */
#include "account/invites.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

enum { PAGE = 64, USES = 1000000 };

static enum pst_rc
no_such_code(struct pst_error *err)
{
	return pst_fail(err, PST_E_NOTFOUND, 0, "there is no such invitation");
}

static enum pst_rc
insert(struct account_conn *c, const struct account_settings *s,
    const struct invite *invite, const struct account_code_key *k,
    struct pst_error *err)
{
	char owner[ACCOUNT_DOMAIN + 1];
	enum pst_rc rc = account_domain_check(c, s, invite->domain, err);

	(void)snprintf(owner, sizeof(owner), "@%s", invite->domain);
	if (rc == PST_OK)
		rc = account_run(c, Q_CREDENTIAL_ADD, err, "tttttiiiii", owner,
		    "invite", k->id, invite->note, k->hash, (int64_t)0,
		    invite->created, (int64_t)0, invite->expires, invite->uses);
	return rc;
}

enum pst_rc
invite_add(struct accounts *a, struct invite *made_r, char code_r[INVITE_CODE],
    struct pst_error *err)
{
	char plain[ACCOUNT_CODE + 1], domain[ACCOUNT_DOMAIN];
	struct account_settings *s;
	struct account_conn *c;
	struct account_code_key k;
	enum pst_rc rc;

	if (!account_clean_domain(str_of(made_r->domain), domain))
		return account_not_a_domain(made_r->domain, err);
	if (made_r->uses < 1 || made_r->uses > USES || made_r->expires < 0 ||
	    !str_is_utf8(str_of(made_r->note)))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "an invitation is for 1 to %d accounts", USES);
	memcpy(made_r->domain, domain, sizeof(domain));
	account_code_make(plain);
	account_code_show(plain, code_r);
	if (!account_code_key(plain, &k))
		return pst_fail(err, PST_E_TEMP, 0, "no hash");
	memcpy(made_r->id, k.id, sizeof(k.id));
	made_r->created = clock_seconds();
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	s = account_settings_take(a);
	rc = insert(c, s, made_r, &k, err);
	account_settings_give(a, &s);
	return account_db_write_done(&c, rc, err);
}

enum pst_rc
invite_delete(struct accounts *a, const char *id, struct pst_error *err)
{
	struct account_conn *c = account_db_write(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_INVITE_DELETE, err, "t", id);
	rc = account_db_write_done(&c, rc, err);
	return rc == PST_E_NOTFOUND ? no_such_code(err) : rc;
}

struct invites {
	struct invite page[PAGE];
	size_t n;
};

static void
take_invite(void *arg, const struct pst_value *row, size_t n)
{
	struct invites *to = arg;
	struct invite *i = &to->page[to->n];
	char owner[ACCOUNT_DOMAIN + 1];

	(void)n;
	if (to->n == PAGE)
		return;
	memset(i, 0, sizeof(*i));
	account_value_text(&row[0], owner, sizeof(owner));
	(void)str_copy(
	    i->domain, sizeof(i->domain), str_from(str_of(owner), 1));
	account_value_text(&row[2], i->id, sizeof(i->id));
	account_value_text(&row[3], i->note, sizeof(i->note));
	i->created = row[6].integer;
	i->expires = row[8].integer;
	i->uses = row[9].integer;
	to->n++;
}

enum pst_rc
invite_each(struct accounts *a,
    void (*fn)(void *arg, const struct invite *invite), void *arg,
    struct pst_error *err)
{
	struct invites *found = mem_alloc(sizeof(*found));
	struct invite last = { .id = "" };
	enum pst_rc rc = PST_OK;

	found->n = PAGE;
	while (rc == PST_OK && found->n == PAGE) {
		struct account_conn *c = account_db_take(a->db, err);

		found->n = 0;
		if (c == NULL) {
			rc = PST_E_TEMP;
			break;
		}
		rc = account_rows(c, Q_INVITES, take_invite, found, err, "iti",
		    last.created, last.id, (int64_t)PAGE);
		account_db_give(&c);
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
		for (size_t i = 0; rc == PST_OK && i < found->n; i++)
			fn(arg, &found->page[i]);
		if (found->n > 0)
			last = found->page[found->n - 1];
	}
	free(found);
	return rc;
}

enum pst_rc
invite_find(struct accounts *a, const char *code, struct invite *invite_r,
    struct pst_error *err)
{
	struct invites *found;
	struct account_conn *c;
	struct account_code_key k;
	enum pst_rc rc;

	if (!account_code_key(code, &k))
		return no_such_code(err);
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	found = mem_alloc(sizeof(*found));
	found->n = 0;
	rc = account_rows(c, Q_INVITE, take_invite, found, err, "tti", k.id,
	    k.hash, clock_seconds());
	account_db_give(&c);
	if (rc == PST_OK && found->n > 0)
		*invite_r = found->page[0];
	free(found);
	return rc == PST_E_NOTFOUND ? no_such_code(err) : rc;
}

enum pst_rc
invite_take(struct accounts *a, const char *code, struct pst_error *err)
{
	struct account_conn *c;
	struct account_code_key k;
	enum pst_rc rc;

	if (!account_code_key(code, &k))
		return no_such_code(err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(
	    c, Q_INVITE_TAKE, err, "tti", k.id, k.hash, clock_seconds());
	rc = account_db_write_done(&c, rc, err);
	return rc == PST_E_NOTFOUND ? no_such_code(err) : rc;
}

void
invite_give_back(struct accounts *a, const char *code)
{
	struct pst_error err = { 0 };
	struct account_conn *c;
	struct account_code_key k;
	enum pst_rc rc;

	if (!account_code_key(code, &k))
		return;
	c = account_db_write(a->db, &err);
	if (c == NULL)
		return;
	rc = account_run(c, Q_INVITE_GIVE_BACK, &err, "t", k.id);
	rc = account_db_write_done(&c, rc, &err);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		log_failure(PST_LOG_WARNING, 0, "accounts", &err);
}
