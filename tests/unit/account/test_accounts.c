/*
 * The file, users, aliases and domains as the administration sees them.
 */
#include "account/private.h"
#include "base/clock.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pst_error err;

static struct account_user
somebody(const char *address)
{
	struct account_user user = {
		.enabled = true, .quota_bytes = -1, .quota_messages = -1
	};

	(void)str_copy(user.address, sizeof(user.address), str_of(address));
	return user;
}

/* --- the file ----------------------------------------------------------------
 */

Test(accounts_file, is_for_the_owner_alone)
{
	struct fixture f = fixture_open(NULL);
	char path[128];
	struct stat st;

	fixture_user(&f, "bob@example.test");
	(void)snprintf(path, sizeof(path), "%s/accounts.db", f.dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	(void)snprintf(path, sizeof(path), "%s/accounts.db-wal", f.dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	fixture_close(&f);
}

Test(accounts_tables, keep_what_was_said)
{
	struct fixture f = fixture_open(NULL);
	struct config *cfg = fixture_config(&f, NULL);
	struct account_user user;

	fixture_user(&f, "bob@example.test");
	accounts_close(&f.a);
	f.a = fixture_accounts(&f, cfg, &err);
	cr_assert(f.a != NULL);
	cr_expect_eq(
	    account_find(f.a, "bob@example.test", &user, &err), PST_OK);
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", PASSWORD, NULL), AUTH_OK);
	config_unref(&cfg);
	fixture_close(&f);
}

Test(accounts_file, passwords_are_nowhere_in_it)
{
	struct fixture f = fixture_open(NULL);
	char path[128], *text = mem_alloc(1 << 20);

	fixture_user(&f, "bob@example.test");
	for (int i = 0; i < 2; i++) {
		ssize_t n;
		int fd;

		(void)snprintf(path, sizeof(path), "%s/accounts.db%s", f.dir,
		    i == 0 ? "" : "-wal");
		fd = open(path, O_RDONLY);
		cr_assert_geq(fd, 0);
		n = read(fd, text, 1 << 20);
		cr_assert_gt(n, 0);
		cr_expect(memmem(text, (size_t)n, PASSWORD, strlen(PASSWORD)) ==
			  NULL);
		(void)close(fd);
	}
	free(text);
	fixture_close(&f);
}

static void
expect_refused(const char *sql, const char *why)
{
	struct fixture f = fixture_open(NULL);
	struct config *cfg = fixture_config(&f, NULL);

	accounts_close(&f.a);
	fixture_sql(&f, sql);
	f.a = accounts_open(cfg, &err);
	cr_expect(f.a == NULL);
	cr_expect(strstr(err.detail, why) != NULL, "%s", err.detail);
	config_unref(&cfg);
	fixture_close(&f);
}

Test(accounts_file, a_newer_schema_is_refused)
{
	expect_refused("PRAGMA user_version = 1000", "newer version");
}

Test(accounts_file, a_damaged_secret_is_refused)
{
	expect_refused("UPDATE account_secret SET value = x'00'", "damaged");
}

Test(accounts_file, another_database_is_left_alone)
{
	expect_refused("PRAGMA application_id = 7", "not one of accounts");
	expect_refused("PRAGMA application_id = 0", "not one of accounts");
}

Test(accounts_file, a_text_file_is_refused)
{
	struct fixture f = fixture_open(NULL);
	struct config *cfg = fixture_config(&f, NULL);
	char path[128];
	FILE *file;

	accounts_close(&f.a);
	(void)snprintf(path, sizeof(path), "%s/accounts.db", f.dir);
	file = fopen(path, "w");
	cr_assert(file != NULL);
	for (int i = 0; i < 1000; i++)
		(void)fputs("no database at all\n", file);
	(void)fclose(file);
	f.a = accounts_open(cfg, &err);
	cr_expect(f.a == NULL);
	cr_expect(
	    strstr(err.detail, "not a database") != NULL, "%s", err.detail);
	config_unref(&cfg);
	fixture_close(&f);
}

Test(accounts_file, a_missing_folder_is_told)
{
	struct fixture f = { .dir = "/nonexistent/postern" };
	struct config *cfg = fixture_config(&f, NULL);

	cr_expect(accounts_open(cfg, &err) == NULL);
	cr_expect_eq(err.rc, PST_E_TEMP);
	cr_expect(
	    strstr(err.detail, "/nonexistent/postern/accounts.db") != NULL,
	    "%s", err.detail);
	config_unref(&cfg);
}

/* The schema is made once, whoever comes first. */
static struct fixture shared;

static void *
open_it(void *arg)
{
	struct config *cfg = arg;
	struct pst_error why = { .detail = "" };
	struct accounts *a = fixture_accounts(&shared, cfg, &why);

	cr_expect(a != NULL, "%s", why.detail);
	return a;
}

Test(accounts_tables, many_may_make_them_at_once)
{
	struct fixture f = fixture_bare();
	struct config *cfg = fixture_config(&f, NULL);
	pthread_t thread[6];
	void *a[6];

	shared = f;
	for (int i = 0; i < 6; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, open_it, cfg), 0);
	for (int i = 0; i < 6; i++)
		(void)pthread_join(thread[i], &a[i]);
	for (int i = 0; i < 6; i++) {
		struct accounts *one = a[i];

		if (i > 0)
			cr_expect_arr_eq(one->secret,
			    ((struct accounts *)a[0])->secret,
			    sizeof(one->secret));
	}
	for (int i = 0; i < 6; i++) {
		struct accounts *one = a[i];

		accounts_close(&one);
	}
	config_unref(&cfg);
	fixture_close(&f);
}

/* --- users -------------------------------------------------------------------
 */

Test(accounts_users, are_found_by_any_spelling)
{
	struct fixture f = fixture_open(NULL);
	struct account_user user = somebody("J\xc3\xbcrgen.B@B\xc3\x9c"
					    "CHER.test"),
			    got;
	int64_t before = clock_seconds();

	(void)str_copy(user.name, sizeof(user.name), STR("J\xc3\xbcrgen"));
	(void)str_copy(user.storage, sizeof(user.storage), STR("fast"));
	user.is_admin = true;
	user.quota_bytes = 1000;
	user.quota_messages = 0;
	cr_assert_eq(account_add(f.a, &user, STR(PASSWORD), &err), PST_OK, "%s",
	    err.detail);
	cr_assert_eq(
	    account_find(f.a, "J\xc3\xbcrgen.b@xn--bcher-kva.TEST", &got, &err),
	    PST_OK);
	cr_expect_str_eq(got.address, "j\xc3\xbcrgen.b@xn--bcher-kva.test");
	cr_expect_str_eq(got.name, "J\xc3\xbcrgen");
	cr_expect_str_eq(got.storage, "fast");
	cr_expect(got.enabled && got.is_admin);
	cr_expect_eq(got.quota_bytes, 1000);
	cr_expect_eq(got.quota_messages, 0);
	cr_expect(got.created >= before && got.created <= before + 5);
	cr_expect_eq(
	    account_add(f.a, &user, STR(PASSWORD), &err), PST_E_EXISTS);
	fixture_close(&f);
}

Test(accounts_users, are_refused_for_a_reason)
{
	static const struct {
		const char *address, *name, *password;
		int64_t quota;
		enum pst_rc want;
	} bad[] = {
		{ "bob", "", PASSWORD, -1, PST_E_SYNTAX },
		{ "a/b@example.test", "", PASSWORD, -1, PST_E_SYNTAX },
		{ "\"a b\"@example.test", "", PASSWORD, -1, PST_E_SYNTAX },
		{ "bob@elsewhere.test", "", PASSWORD, -1, PST_E_NOTFOUND },
		{ "bob@example.test", "a\nb", PASSWORD, -1, PST_E_SYNTAX },
		{ "bob@example.test", "a\xff", PASSWORD, -1, PST_E_SYNTAX },
		{ "bob@example.test", "", PASSWORD, -2, PST_E_SYNTAX },
		{ "bob@example.test", "", "7 chars", -1, PST_E_LIMIT },
		{ "bob@example.test", "", "", -1, PST_E_LIMIT },
		{ "bob@example.test", "", "tab\tinside", -1, PST_E_SYNTAX },
		{ "bob@example.test", "", "latin\xe9 one", -1, PST_E_SYNTAX },
		/* Seven characters, though fourteen octets. */
		{ "bob@example.test", "",
		    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
		    -1, PST_E_LIMIT },
	};
	struct fixture f = fixture_open(NULL);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct account_user user = somebody(bad[i].address);

		(void)str_copy(
		    user.name, sizeof(user.name), str_of(bad[i].name));
		user.quota_bytes = bad[i].quota;
		memset(&err, 0, sizeof(err));
		cr_expect_eq(
		    account_add(f.a, &user, str_of(bad[i].password), &err),
		    bad[i].want, "%zu: %s", i, err.detail);
		cr_expect_eq(err.rc, bad[i].want);
		cr_expect_str_neq(err.detail, "");
	}
	cr_expect_eq(account_find(f.a, "bob@example.test",
			 &(struct account_user){ 0 }, &err),
	    PST_E_NOTFOUND);
	fixture_close(&f);
}

Test(accounts_users, a_very_long_password_is_refused)
{
	struct fixture f = fixture_open(NULL);
	struct account_user user = somebody("bob@example.test");
	char password[600];

	memset(password, 'x', sizeof(password));
	cr_expect_eq(
	    account_add(f.a, &user, str_n(password, 501), &err), PST_E_LIMIT);
	cr_expect_eq(account_add(f.a, &user, str_n(password, 500), &err),
	    PST_OK, "%s", err.detail);
	password[500] = '\0';
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", password, NULL), AUTH_OK);
	password[499] = 'y';
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", password, NULL), AUTH_FAILED);
	fixture_close(&f);
}

Test(accounts_users, change_all_but_name_and_birth)
{
	struct fixture f = fixture_open(NULL);
	struct account_user user = somebody("bob@example.test"), got;

	user.created = 1234567;
	cr_assert_eq(account_add(f.a, &user, STR(PASSWORD), &err), PST_OK);
	user.created = 9;
	user.quota_bytes = 5;
	user.is_admin = true;
	(void)str_copy(user.name, sizeof(user.name), STR("Robert"));
	cr_expect_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(account_find(f.a, "bob@example.test", &got, &err), PST_OK);
	cr_expect_eq(got.created, 1234567);
	cr_expect_eq(got.quota_bytes, 5);
	cr_expect(got.is_admin);
	cr_expect_str_eq(got.name, "Robert");
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", PASSWORD, NULL), AUTH_OK);
	user = somebody("eve@example.test");
	cr_expect_eq(
	    account_update(f.a, &user, EVERYTHING, &err), PST_E_NOTFOUND);
	fixture_close(&f);
}

/* As it is kept. */
static struct account_user
kept(struct accounts *a)
{
	struct account_user user;

	cr_assert_eq(account_find(a, "bob@example.test", &user, &err), PST_OK);
	return user;
}

Test(accounts_users, what_others_have_changed_meanwhile_stays)
{
	struct fixture f = fixture_open(NULL);
	struct account_user one, two, now;
	struct accounts *other;
	struct config *cfg = fixture_config(&f, "");

	one = somebody("bob@example.test");
	one.enabled = false;
	one.is_pending = true;
	cr_assert_eq(account_add(f.a, &one, STR(PASSWORD), &err), PST_OK);
	other = fixture_accounts(&f, cfg, &err);
	cr_assert_not_null(other, "%s", err.detail);
	one = two = kept(f.a);
	one.enabled = true;
	one.quota_bytes = 5;
	(void)str_copy(one.name, sizeof(one.name), STR("One"));
	cr_expect_eq(account_update(f.a, &one,
			 ACCOUNT_SET_ENABLED | ACCOUNT_SET_QUOTA_BYTES |
			     ACCOUNT_SET_NAME,
			 &err),
	    PST_OK);
	two.quota_messages = 7;
	two.is_admin = two.on_hold = true;
	(void)str_copy(two.name, sizeof(two.name), STR("Two"));
	(void)str_copy(two.storage, sizeof(two.storage), STR("archive"));
	cr_expect_eq(account_update(other, &two,
			 ACCOUNT_SET_ADMIN | ACCOUNT_SET_QUOTA_MESSAGES |
			     ACCOUNT_SET_ON_HOLD | ACCOUNT_SET_STORAGE,
			 &err),
	    PST_OK);
	cr_expect_eq(
	    account_require_app(f.a, "BOB@example.test", true, &err), PST_OK);
	cr_expect_eq(account_update(other, &one, 0, &err), PST_OK);
	now = kept(f.a);
	cr_expect_str_eq(now.name, "One");
	cr_expect_str_eq(now.storage, "archive");
	cr_expect_eq(now.quota_bytes, 5);
	cr_expect_eq(now.quota_messages, 7);
	cr_expect(now.enabled && now.is_admin && now.on_hold && now.app_only);
	/* Who was let in waits no more, whoever disables them again. */
	cr_expect_not(now.is_pending);
	/* The caller hears how it is now. */
	cr_expect_str_eq(two.name, "One");
	cr_expect(two.enabled && !two.app_only);
	cr_expect(one.app_only && one.on_hold);
	cr_expect_eq(
	    account_require_app(f.a, "nobody@example.test", true, &err),
	    PST_E_NOTFOUND);
	config_unref(&cfg);
	accounts_close(&other);
	fixture_close(&f);
}

enum { WRITES = 40 };

struct writer {
	struct accounts *a;
	bool of_messages;
	unsigned lost;
};

/* Each changes a field of its own, of what it has just read. */
static void *
write_often(void *arg)
{
	struct writer *w = arg;
	struct pst_error e;

	for (int64_t i = 1; i <= WRITES; i++) {
		struct account_user user;

		if (account_find(w->a, "bob@example.test", &user, &e) != PST_OK)
			w->lost++;
		if ((w->of_messages ? user.quota_messages : user.quota_bytes) !=
		    i - 1)
			w->lost++;
		*(w->of_messages ? &user.quota_messages
				 : &user.quota_bytes) = i;
		if (account_update(w->a, &user,
			w->of_messages ? ACCOUNT_SET_QUOTA_MESSAGES
				       : ACCOUNT_SET_QUOTA_BYTES,
			&e) != PST_OK)
			w->lost++;
	}
	return NULL;
}

Test(accounts_users, two_who_write_at_once)
{
	struct fixture f = fixture_open(NULL);
	struct account_user user = somebody("bob@example.test");
	struct config *cfg = fixture_config(&f, "");
	struct writer w[2] = { { .a = f.a }, { .of_messages = true } };
	pthread_t thread[2];

	user.quota_bytes = user.quota_messages = 0;
	cr_assert_eq(account_add(f.a, &user, STR(PASSWORD), &err), PST_OK);
	w[1].a = fixture_accounts(&f, cfg, &err);
	cr_assert_not_null(w[1].a, "%s", err.detail);
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(
		    pthread_create(&thread[i], NULL, write_often, &w[i]), 0);
	for (size_t i = 0; i < 2; i++)
		(void)pthread_join(thread[i], NULL);
	cr_expect_eq(w[0].lost + w[1].lost, 0);
	user = kept(f.a);
	cr_expect_eq(user.quota_bytes, WRITES);
	cr_expect_eq(user.quota_messages, WRITES);
	config_unref(&cfg);
	accounts_close(&w[1].a);
	fixture_close(&f);
}

struct list {
	char text[4096];
	size_t n;
	struct accounts *a; /* asked from within, when set */
};

static void
list_user(void *arg, const struct account_user *user)
{
	struct list *list = arg;
	struct account_user got;

	if (list->n++ < 10) {
		size_t used = strlen(list->text);

		(void)snprintf(list->text + used, sizeof(list->text) - used,
		    "%s ", user->address);
	}
	if (list->a != NULL)
		cr_expect_eq(
		    account_find(list->a, user->address, &got, NULL), PST_OK);
}

static void
list_alias(void *arg, const char *address, const char *target)
{
	struct list *list = arg;
	size_t used = strlen(list->text);

	list->n++;
	if (used + 100 < sizeof(list->text))
		(void)snprintf(list->text + used, sizeof(list->text) - used,
		    "%s>%s ", address, target);
}

static void
list_domain(void *arg, const char *domain, bool configured, const char *storage)
{
	struct list *list = arg;
	size_t used = strlen(list->text);

	list->n++;
	(void)snprintf(list->text + used, sizeof(list->text) - used, "%s%s%s ",
	    domain, configured ? "!" : "", storage);
}

Test(accounts_users, are_listed_in_order_over_many_pages)
{
	struct fixture f = fixture_open(NULL);
	struct list list = { .a = f.a };
	struct account_user user;
	char address[64];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(address, sizeof(address), "u%03d@%s", i,
		    i % 3 == 0 ? "xn--bcher-kva.test" : "example.test");
		user = somebody(address);
		cr_assert_eq(account_add(f.a, &user, STR_NONE, &err), PST_OK);
	}
	cr_expect_eq(account_each(f.a, NULL, list_user, &list, &err), PST_OK);
	cr_expect_eq(list.n, 300);
	cr_expect(str_has_prefix_case(str_of(list.text),
	    "u000@xn--bcher-kva.test u001@example.test u002@example.test"));
	memset(&list, 0, sizeof(list));
	cr_expect_eq(account_each(f.a,
			 "B\xc3\xbc"
			 "cher.test",
			 list_user, &list, &err),
	    PST_OK);
	cr_expect_eq(list.n, 100);
	cr_expect_eq(account_each(f.a, "no domain", list_user, &list, &err),
	    PST_E_SYNTAX);
	fixture_close(&f);
}

Test(accounts_users, leave_with_the_aliases_that_led_to_them)
{
	struct fixture f = fixture_open(NULL);
	struct list list = { .n = 0 };

	fixture_user(&f, "bob@example.test");
	fixture_user(&f, "eve@example.test");
	fixture_alias(&f, "robert@example.test", "bob@example.test");
	fixture_alias(&f, "team@example.test", "bob@example.test");
	fixture_alias(&f, "team@example.test", "eve@example.test");
	cr_expect_eq(account_delete(f.a, "BOB@example.test", &err), PST_OK);
	cr_expect_eq(alias_each(f.a, NULL, list_alias, &list, &err), PST_OK);
	cr_expect_str_eq(list.text, "team@example.test>eve@example.test ");
	cr_expect_eq(
	    account_delete(f.a, "bob@example.test", &err), PST_E_NOTFOUND);
	cr_expect_eq(account_delete(f.a, "nonsense", &err), PST_E_NOTFOUND);
	/* Without aliases too. */
	cr_expect_eq(
	    alias_delete(f.a, "team@example.test", NULL, &err), PST_OK);
	cr_expect_eq(account_delete(f.a, "eve@example.test", &err), PST_OK);
	fixture_close(&f);
}

/* --- aliases and domains
 * ------------------------------------------------------- */

Test(accounts_aliases, are_kept_as_pairs)
{
	struct fixture f = fixture_open(NULL);
	struct list list = { .n = 0 };

	fixture_user(&f, "bob@example.test");
	fixture_alias(&f, "Info@Example.test", "BOB@EXAMPLE.test");
	fixture_alias(&f, "info@example.test", "Outside.User@Elsewhere.Test");
	fixture_alias(&f, "@example.test", "bob@example.test");
	fixture_alias(&f, "x@xn--bcher-kva.test", "bob@example.test");
	cr_expect_eq(
	    alias_add(f.a, "info@example.test", "bob@example.test", &err),
	    PST_E_EXISTS);
	cr_expect_eq(
	    alias_add(f.a, "bob@example.test", "a@b.test", &err), PST_E_EXISTS);
	cr_expect_eq(
	    alias_add(f.a, "a@elsewhere.test", "bob@example.test", &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(alias_add(f.a, "a@example.test", "b", &err), PST_E_SYNTAX);
	cr_expect_eq(alias_add(f.a, "a@example.test", "@example.test", &err),
	    PST_E_SYNTAX);
	cr_expect_eq(
	    alias_add(f.a, "a", "bob@example.test", &err), PST_E_SYNTAX);
	cr_expect_eq(
	    alias_each(f.a, "EXAMPLE.test", list_alias, &list, &err), PST_OK);
	cr_expect_str_eq(list.text,
	    "@example.test>bob@example.test "
	    "info@example.test>Outside.User@elsewhere.test "
	    "info@example.test>bob@example.test ");
	fixture_close(&f);
}

Test(accounts_aliases, a_user_cannot_take_the_name_of_one)
{
	struct fixture f = fixture_open(NULL);
	struct account_user user = somebody("info@example.test");

	fixture_alias(&f, "info@example.test", "a@elsewhere.test");
	cr_expect_eq(
	    account_add(f.a, &user, STR(PASSWORD), &err), PST_E_EXISTS);
	fixture_close(&f);
}

Test(accounts_aliases, go_singly_or_together)
{
	struct fixture f = fixture_open(NULL);
	struct list list = { .n = 0 };

	fixture_alias(&f, "a@example.test", "One@elsewhere.test");
	fixture_alias(&f, "a@example.test", "two@elsewhere.test");
	fixture_alias(&f, "a@example.test", "three@elsewhere.test");
	fixture_alias(&f, "@example.test", "all@elsewhere.test");
	cr_expect_eq(
	    alias_delete(f.a, "a@example.test", "One@Elsewhere.test", &err),
	    PST_OK);
	cr_expect_eq(
	    alias_delete(f.a, "a@example.test", "One@Elsewhere.test", &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(alias_delete(f.a, "@EXAMPLE.test", NULL, &err), PST_OK);
	cr_expect_eq(alias_each(f.a, NULL, list_alias, &list, &err), PST_OK);
	cr_expect_eq(list.n, 2);
	cr_expect_eq(alias_delete(f.a, "A@example.test", NULL, &err), PST_OK);
	cr_expect_eq(
	    alias_delete(f.a, "a@example.test", NULL, &err), PST_E_NOTFOUND);
	cr_expect_eq(alias_delete(f.a, "junk", NULL, &err), PST_E_NOTFOUND);
	fixture_close(&f);
}

Test(accounts_aliases, are_listed_over_many_pages)
{
	struct fixture f = fixture_open(NULL);
	struct list list = { .n = 0 };
	char target[64];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(
		    target, sizeof(target), "t%03d@elsewhere.test", i);
		fixture_alias(&f, "big@example.test", target);
	}
	cr_expect_eq(alias_each(f.a, NULL, list_alias, &list, &err), PST_OK);
	cr_expect_eq(list.n, 300);
	fixture_close(&f);
}

Test(accounts_domains, of_the_file_and_of_the_configuration)
{
	struct fixture f = fixture_open(NULL);
	struct list list = { .n = 0 };

	cr_expect_eq(domain_add(f.a, "New.Test", &err), PST_OK);
	cr_expect_eq(domain_add(f.a, "new.test", &err), PST_E_EXISTS);
	cr_expect_eq(domain_add(f.a, "example.test", &err), PST_E_EXISTS);
	cr_expect_eq(domain_add(f.a, "not a domain", &err), PST_E_SYNTAX);
	cr_expect_eq(domain_each(f.a, list_domain, &list, &err), PST_OK);
	cr_expect_str_eq(
	    list.text, "example.test! xn--bcher-kva.test! new.test ");
	cr_expect_eq(domain_is_local(f.a, STR("NEW.test"), &err), PST_OK);
	cr_expect_eq(domain_is_local(f.a, STR("EXAMPLE.test"), &err), PST_OK);
	cr_expect_eq(domain_is_local(f.a,
			 STR("b\xc3\xbc"
			     "cher.test"),
			 &err),
	    PST_OK);
	cr_expect_eq(
	    domain_is_local(f.a, STR("elsewhere.test"), &err), PST_E_NOTFOUND);
	cr_expect_eq(domain_is_local(f.a, STR(""), &err), PST_E_NOTFOUND);
	cr_expect_eq(domain_is_local(f.a, STR_NONE, &err), PST_E_NOTFOUND);
	fixture_close(&f);
}

Test(accounts_domains, stay_while_they_have_users)
{
	struct fixture f = fixture_open(NULL);
	struct list list = { .n = 0 };

	cr_expect_eq(domain_add(f.a, "new.test", &err), PST_OK);
	fixture_user(&f, "bob@new.test");
	fixture_alias(&f, "info@new.test", "a@elsewhere.test");
	cr_expect_eq(domain_delete(f.a, "new.test", &err), PST_E_PERM);
	cr_expect_eq(domain_is_local(f.a, STR("new.test"), &err), PST_OK);
	cr_expect_eq(account_delete(f.a, "bob@new.test", &err), PST_OK);
	cr_expect_eq(domain_delete(f.a, "NEW.test", &err), PST_OK);
	cr_expect_eq(
	    domain_is_local(f.a, STR("new.test"), &err), PST_E_NOTFOUND);
	cr_expect_eq(alias_each(f.a, NULL, list_alias, &list, &err), PST_OK);
	cr_expect_eq(list.n, 0);
	cr_expect_eq(domain_delete(f.a, "new.test", &err), PST_E_NOTFOUND);
	cr_expect_eq(domain_delete(f.a, "example.test", &err), PST_E_NOTFOUND);
	cr_expect_eq(domain_delete(f.a, "..", &err), PST_E_SYNTAX);
	fixture_close(&f);
}

Test(accounts_domains, follow_a_new_configuration)
{
	struct fixture f = fixture_open(NULL);
	struct config *cfg;

	cfg = fixture_parse("domains = {\"other.test\"}");
	accounts_reconfigure(f.a, cfg);
	config_unref(&cfg);
	cr_expect_eq(domain_is_local(f.a, STR("other.test"), &err), PST_OK);
	cr_expect_eq(
	    domain_is_local(f.a, STR("example.test"), &err), PST_E_NOTFOUND);
	fixture_close(&f);
}

/* --- the storage of a domain
 * ------------------------------------------------ */

static const char *
storage_of(struct fixture *f, const char *address)
{
	static struct account_user user;

	cr_expect_eq(account_find(f->a, address, &user, &err), PST_OK);
	return account_storage(&user);
}

static void
note_storage(void *arg, const struct account_user *user, const char *outside,
    const char *detail)
{
	(void)outside;
	(void)detail;
	(void)snprintf(arg, 65, "%s", account_storage(user));
}

Test(accounts_domains, have_a_storage)
{
	struct fixture f = fixture_open(NULL);
	struct account_user user, page[4];
	struct list list = { .a = f.a };
	char resolved[65] = "";
	size_t n;

	cr_assert_eq(domain_add(f.a, "new.test", &err), PST_OK);
	fixture_user(&f, "ann@new.test");
	fixture_user(&f, "bob@new.test");
	fixture_user(&f, "bob@example.test");
	cr_expect_str_eq(storage_of(&f, "ann@new.test"), "");
	cr_assert_eq(
	    domain_set_storage(f.a, "NEW.test", "other", &err), PST_OK);
	cr_expect_str_eq(storage_of(&f, "ann@new.test"), "other");
	cr_expect_str_eq(storage_of(&f, "bob@example.test"), "");
	/* The user's own goes before it. */
	cr_assert_eq(account_find(f.a, "bob@new.test", &user, &err), PST_OK);
	cr_expect_str_eq(user.storage, "");
	cr_expect_str_eq(user.domain_storage, "other");
	(void)str_copy(user.storage, sizeof(user.storage), STR("own"));
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_str_eq(storage_of(&f, "bob@new.test"), "own");
	/* Wherever users come from. */
	cr_assert_eq(account_page(f.a, "", page, 4, &n, &err), PST_OK);
	cr_assert_eq(n, 3);
	cr_expect_str_eq(account_storage(&page[0]), "other");
	cr_expect_str_eq(account_storage(&page[1]), "");
	cr_expect_str_eq(account_storage(&page[2]), "own");
	cr_expect_eq(account_resolve(
			 f.a, "ann+x@new.test", note_storage, resolved, &err),
	    PST_OK);
	cr_expect_str_eq(resolved, "other");
	cr_expect_eq(domain_each(f.a, list_domain, &list, &err), PST_OK);
	cr_expect(strstr(list.text, "new.testother ") != NULL, "%s", list.text);
	cr_expect_eq(
	    domain_set_storage(f.a, "example.test", "x", &err), PST_E_PERM);
	cr_expect_eq(
	    domain_set_storage(f.a, "none.test", "x", &err), PST_E_NOTFOUND);
	cr_expect_eq(
	    domain_set_storage(f.a, "not a domain", "x", &err), PST_E_SYNTAX);
	cr_assert_eq(domain_set_storage(f.a, "new.test", "", &err), PST_OK);
	cr_expect_str_eq(storage_of(&f, "ann@new.test"), "");
	fixture_close(&f);
}

Test(accounts_domains, have_a_storage_by_the_configuration)
{
	struct fixture f = fixture_open(NULL);
	struct config *cfg = fixture_parse(
	    "domains = { example.test, \"b\xc3\xbc"
	    "cher.test\", new.test }\n"
	    "storage other { module = maildir path = /nowhere }\n"
	    "domain \"b\xc3\xbc"
	    "cher.test\" { storage = other }\n"
	    "domain New.test { storage = other }\n");

	cr_assert_eq(domain_add(f.a, "new.test", &err), PST_OK);
	cr_assert_eq(
	    domain_set_storage(f.a, "new.test", "before", &err), PST_OK);
	fixture_user(&f, "ann@b\xc3\xbc"
			 "cher.test");
	fixture_user(&f, "ann@new.test");
	fixture_user(&f, "ann@example.test");
	accounts_reconfigure(f.a, cfg);
	cr_expect_str_eq(storage_of(&f, "ann@xn--bcher-kva.test"), "other");
	cr_expect_str_eq(storage_of(&f, "ann@new.test"), "other");
	cr_expect_str_eq(storage_of(&f, "ann@example.test"), "");
	config_unref(&cfg);
	fixture_close(&f);
}

/* --- when the disk is in the way
 * ------------------------------------------------ */

Test(accounts_tables, that_are_lost_are_a_temporary_failure)
{
	struct fixture f = fixture_open(NULL);
	struct account_user user;
	int64_t delay;

	fixture_user(&f, "bob@example.test");
	fixture_sql(&f, "ALTER TABLE account_user RENAME TO lost");
	cr_expect_eq(
	    account_find(f.a, "bob@example.test", &user, &err), PST_E_TEMP);
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", PASSWORD, &delay), AUTH_TEMP);
	fixture_sql(&f, "ALTER TABLE lost RENAME TO account_user");
	cr_expect_eq(
	    account_find(f.a, "bob@example.test", &user, &err), PST_OK);
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", PASSWORD, NULL), AUTH_OK);
	fixture_close(&f);
}
