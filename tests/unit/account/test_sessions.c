/*
 * Sessions of browsers: made, found, ended, over, and how many there can be.
 */
#include "account/sessions.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>

#define BOB "bob@example.test"

static struct pst_error err;

static const char *
log_in(struct fixture *f, char token[SESSION_TOKEN])
{
	cr_assert_eq(session_new(f->a, BOB, "192.0.2.1", STR("Browser\n1.0"),
			 token, &err),
	    PST_OK, "%s", err.detail);
	return token;
}

static enum pst_rc
find(struct fixture *f, const char *token)
{
	struct session_info s;

	return session_find(f->a, str_of(token), &s, &err);
}

static void
count(void *arg, const struct session_info *s)
{
	size_t *n = arg;

	cr_expect_str_eq(s->user, BOB);
	cr_expect_str_eq(s->agent, "Browser?1.0");
	cr_expect_str_eq(s->peer, "192.0.2.1");
	(*n)++;
}

static size_t
sessions(struct fixture *f)
{
	size_t n = 0;

	cr_assert_eq(session_each(f->a, BOB, count, &n, &err), PST_OK);
	return n;
}

/* Without what is remembered of it. */
static struct accounts *
elsewhere(struct fixture *f)
{
	struct config *cfg = fixture_config(f, "");
	struct accounts *a = fixture_accounts(f, cfg, &err);

	config_unref(&cfg);
	cr_assert_not_null(a);
	return a;
}

Test(sessions, made_found_and_ended)
{
	struct fixture f = fixture_open("");
	char one[SESSION_TOKEN], two[SESSION_TOKEN], three[SESSION_TOKEN];
	struct session_info s;

	fixture_user(&f, BOB);
	cr_expect_eq(session_new(f.a, "nobody@example.test", "192.0.2.1",
			 STR("x"), one, &err),
	    PST_E_NOTFOUND);
	(void)log_in(&f, one);
	(void)log_in(&f, two);
	(void)log_in(&f, three);
	cr_expect_str_neq(one, two);
	cr_expect_eq(sessions(&f), 3);
	cr_assert_eq(session_find(f.a, str_of(one), &s, &err), PST_OK);
	cr_expect_str_eq(s.user, BOB);
	cr_expect_eq(session_holds(f.a, BOB, s.id, true, &err), PST_OK);
	cr_expect_eq(session_holds(f.a, "else@example.test", s.id, true, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(find(&f, "no such token"), PST_E_NOTFOUND);
	cr_expect_eq(session_find(f.a, STR_NONE, &s, &err), PST_E_NOTFOUND);

	/* By its id: only the user's own. */
	cr_expect_eq(session_end_by_id(f.a, "else@example.test", s.id, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(find(&f, one), PST_OK);
	cr_expect_eq(session_end_by_id(f.a, BOB, s.id, &err), PST_OK);
	cr_expect_eq(find(&f, one), PST_E_NOTFOUND);

	cr_expect_eq(find(&f, two), PST_OK);
	cr_expect_eq(find(&f, three), PST_OK);
	session_end_others(f.a, BOB, str_of(three));
	cr_expect_eq(find(&f, two), PST_E_NOTFOUND);
	cr_expect_eq(find(&f, three), PST_OK);
	cr_expect_eq(session_end(f.a, str_of(three), &err), PST_OK);
	cr_expect_eq(session_end(f.a, str_of(three), &err), PST_OK);
	cr_expect_eq(session_end(f.a, STR("x"), &err), PST_OK);
	cr_expect_eq(find(&f, three), PST_E_NOTFOUND);
	cr_expect_eq(sessions(&f), 0);
	fixture_close(&f);
}

Test(sessions, other_servers_know_them)
{
	struct fixture f = fixture_open("");
	struct accounts *b;
	struct session_info s;
	char token[SESSION_TOKEN];

	fixture_user(&f, BOB);
	(void)log_in(&f, token);
	b = elsewhere(&f);
	cr_expect_eq(session_find(b, str_of(token), &s, &err), PST_OK);
	cr_expect_eq(session_end(b, str_of(token), &err), PST_OK);
	cr_expect_eq(find(&f, token), PST_E_NOTFOUND);
	accounts_close(&b);
	fixture_close(&f);
}

Test(sessions, over)
{
	struct fixture f = fixture_open("");
	struct accounts *b;
	struct session_info s;
	char token[SESSION_TOKEN];

	fixture_user(&f, BOB);
	(void)log_in(&f, token);
	cr_expect_eq(find(&f, token), PST_OK);
	fixture_sql(&f, "UPDATE account_credential SET used = used - 100000000"
			" WHERE kind = 'session'");
	cr_expect_eq(sessions(&f), 0);
	b = elsewhere(&f);
	cr_expect_eq(session_find(b, str_of(token), &s, &err), PST_E_NOTFOUND);
	fixture_sql(&f, "UPDATE account_credential SET used = used + 100000000,"
			" created = created - 100000000"
			" WHERE kind = 'session'");
	cr_expect_eq(session_find(b, str_of(token), &s, &err), PST_E_NOTFOUND);
	/* A use is noted now and then. */
	fixture_sql(&f, "UPDATE account_credential SET used = used - 1000,"
			" created = created + 100000000"
			" WHERE kind = 'session'");
	cr_expect_eq(session_find(b, str_of(token), &s, &err), PST_OK);
	cr_expect_geq(s.used, clock_seconds() - 10);
	accounts_close(&b);
	fixture_close(&f);
}

Test(sessions, the_oldest_make_room)
{
	struct fixture f = fixture_open("");
	char first[SESSION_TOKEN], token[SESSION_TOKEN];

	fixture_user(&f, BOB);
	(void)log_in(&f, first);
	fixture_sql(&f, "UPDATE account_credential SET used = used - 60"
			" WHERE kind = 'session'");
	for (int i = 0; i < SESSIONS - 1; i++)
		(void)log_in(&f, token);
	cr_expect_eq(sessions(&f), SESSIONS);
	cr_expect_eq(find(&f, first), PST_OK);
	(void)log_in(&f, token);
	cr_expect_eq(sessions(&f), SESSIONS);
	cr_expect_eq(find(&f, token), PST_OK);
	fixture_close(&f);
}

Test(sessions, they_go_with_the_user)
{
	struct fixture f = fixture_open("");
	char token[SESSION_TOKEN];

	fixture_user(&f, BOB);
	(void)log_in(&f, token);
	cr_assert_eq(account_delete(f.a, BOB, &err), PST_OK);
	fixture_user(&f, BOB);
	cr_expect_eq(sessions(&f), 0);
	fixture_close(&f);
}

static enum pst_rc
is_confirmed(struct accounts *a, const char *user, const char *id)
{
	return session_is_confirmed(a, user, id, &err);
}

Test(sessions, confirmed_for_some_time)
{
	struct fixture f = fixture_open("");
	char one[SESSION_TOKEN], two[SESSION_TOKEN];
	struct session_info s, t;
	struct accounts *other;

	fixture_user(&f, BOB);
	(void)log_in(&f, one);
	(void)log_in(&f, two);
	cr_assert_eq(session_find(f.a, str_of(one), &s, &err), PST_OK);
	cr_assert_eq(session_find(f.a, str_of(two), &t, &err), PST_OK);
	cr_expect_eq(s.confirmed_until, s.created + 600);
	cr_expect_eq(is_confirmed(f.a, BOB, s.id), PST_OK);
	cr_expect_eq(
	    is_confirmed(f.a, "eve@example.test", s.id), PST_E_NOTFOUND);
	cr_expect_eq(is_confirmed(f.a, BOB, "x"), PST_E_NOTFOUND);
	fixture_sql(&f, "UPDATE account_credential SET expires = 1");
	other = elsewhere(&f);
	cr_expect_eq(is_confirmed(f.a, BOB, s.id), PST_E_DENIED);
	cr_expect_eq(is_confirmed(other, BOB, s.id), PST_E_DENIED);
	cr_expect_eq(session_confirm(other, "eve@example.test", s.id, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(session_confirm(other, BOB, "x", &err), PST_E_NOTFOUND);
	cr_expect_eq(is_confirmed(f.a, BOB, s.id), PST_E_DENIED);
	/* By whichever server; of one session. */
	cr_expect_eq(session_confirm(other, BOB, s.id, &err), PST_OK);
	cr_expect_eq(is_confirmed(f.a, BOB, s.id), PST_OK);
	cr_expect_eq(is_confirmed(f.a, BOB, t.id), PST_E_DENIED);
	cr_expect_eq(session_end(f.a, str_of(one), &err), PST_OK);
	cr_expect_eq(is_confirmed(f.a, BOB, s.id), PST_E_NOTFOUND);
	cr_expect_eq(session_confirm(f.a, BOB, s.id, &err), PST_E_NOTFOUND);
	accounts_close(&other);
	fixture_close(&f);
}
