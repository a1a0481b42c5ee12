/*
 * Accounts under several threads: logging in by password and SCRAM, changing
 * passwords, users and aliases, resolving, lifting blocks and reloading the
 * configuration, all at once. A plain program for ThreadSanitizer; ends with 0
 * when nobody saw what must not be.
 *
 * Without arguments in an SQLite file; with a storage module and "key=value"
 * options for it in the database that it lends.
 */
#include "account/auth.h"
#include "base/str.h"
#include "mailbox/database.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 60, USERS = 4 };

static struct accounts *a;
static struct config *cfg;
static _Atomic unsigned bad, logins, refused, changes, resolved;

#define EXPECT(claim)                                                   \
	do {                                                            \
		if (!(claim)) {                                         \
			atomic_fetch_add(&bad, 1);                      \
			(void)fprintf(                                  \
			    stderr, "line %d: %s\n", __LINE__, #claim); \
		}                                                       \
	} while (0)

static void
name_of(unsigned user, char out[64])
{
	(void)snprintf(out, 64, "user%u@example.test", user % USERS);
}

/* The password is always one of two, and never the third. */
static void
log_in(unsigned round, unsigned thread)
{
	static const char *const passwords[] = { "first password",
		"second password", "never this one" };
	struct account_user who;
	char name[64], peer[64];
	const char *password = passwords[round % 3];
	int64_t delay;
	enum auth_result result;

	name_of(round, name);
	(void)snprintf(peer, sizeof(peer), "192.0.2.%u", thread);
	result = auth_password(
	    a, AUTH_IMAP, peer, str_of(name), str_of(password), &who, &delay);
	EXPECT(result != AUTH_TEMP);
	EXPECT(result != AUTH_OK || round % 3 != 2);
	EXPECT(result != AUTH_OK || strcmp(who.address, name) == 0);
	atomic_fetch_add(result == AUTH_OK ? &logins : &refused, 1);
}

static void
begin_scram(unsigned round)
{
	struct sasl_peer peer = { .service = "imap",
		.hostname = "mail.example.test",
		.peer = "198.51.100.7" };
	struct sasl *s = sasl_new(a, STR("SCRAM-SHA-256"), &peer);
	struct account_user who;
	char message[64];
	int64_t delay;
	struct buf out;

	buf_init(&out, 4096);
	(void)snprintf(message, sizeof(message), "n,,n=user%u,r=nonce",
	    round % (USERS + 1));
	(void)sasl_step(s, str_of(message), true, &out);
	(void)sasl_step(s, STR("c=biws,r=nonce,p=AAAA"), true, &out);
	EXPECT(sasl_result(s, &who, &delay) != AUTH_OK);
	EXPECT(sasl_result(s, &who, &delay) != AUTH_TEMP);
	sasl_free(&s);
	buf_fini(&out);
}

static void
note(void *arg, const struct account_user *user, const char *outside,
    const char *detail)
{
	unsigned *n = arg;

	EXPECT((user == NULL) != (outside == NULL));
	EXPECT(detail != NULL);
	++*n;
}

static void
resolve(unsigned round)
{
	struct pst_error err;
	char name[64];
	unsigned n = 0;

	name_of(round, name);
	EXPECT(account_resolve(a, name, note, &n, NULL) == PST_OK);
	EXPECT(n == 1);
	n = 0;
	EXPECT(
	    account_resolve(a, "all@example.test", note, &n, NULL) == PST_OK);
	EXPECT(n >= USERS && n <= USERS + THREADS);
	EXPECT(
	    account_may_send_as(a, name, "all@example.test", &err) == PST_OK);
	EXPECT(domain_is_local(a, STR("example.test"), &err) == PST_OK);
	atomic_fetch_add(&resolved, 1);
}

static void
count_user(void *arg, const struct account_user *user)
{
	unsigned *n = arg;

	EXPECT(user->address[0] != '\0');
	++*n;
}

static void
change(unsigned round, unsigned thread)
{
	char name[64], target[64];
	unsigned n = 0;
	struct account_user user;

	name_of(round, name);
	EXPECT(
	    account_set_password(a, name,
		round % 2 == 0 ? STR("first password") : STR("second password"),
		NULL) == PST_OK);
	EXPECT(account_find(a, name, &user, NULL) == PST_OK);
	user.quota_bytes = round;
	EXPECT(
	    account_update(a, &user, ACCOUNT_SET_QUOTA_BYTES, NULL) == PST_OK);
	(void)snprintf(target, sizeof(target), "t%u@elsewhere.test", thread);
	EXPECT(alias_add(a, "all@example.test", target, NULL) == PST_OK);
	EXPECT(account_each(a, "example.test", count_user, &n, NULL) == PST_OK);
	EXPECT(n == USERS);
	EXPECT(alias_delete(a, "all@example.test", target, NULL) == PST_OK);
	atomic_fetch_add(&changes, 1);
}

static void
lift(unsigned round)
{
	char name[64], peer[64];

	(void)auth_blocked(a);
	name_of(round, name);
	(void)auth_unblock(a, name);
	for (unsigned i = 0; i < THREADS; i++) {
		(void)snprintf(peer, sizeof(peer), "192.0.2.%u", i);
		(void)auth_unblock(a, peer);
	}
	accounts_reconfigure(a, cfg);
}

static void *
work(void *arg)
{
	unsigned thread = *(unsigned *)arg;

	for (unsigned round = 0; round < ROUNDS; round++) {
		switch (thread) {
		case 0:
		case 1:
			change(round, thread);
			break;
		case 2:
			lift(round);
			(void)usleep(1000);
			break;
		case 3:
			begin_scram(round);
			break;
		default:
			log_in(round + thread, thread);
			resolve(round);
			break;
		}
	}
	return NULL;
}

static void
make_users(void)
{
	struct account_user user = { .enabled = true };
	struct pst_error err = { .detail = "" };

	for (unsigned i = 0; i < USERS; i++) {
		name_of(i, user.address);
		EXPECT(account_add(a, &user, STR("first password"), &err) ==
		       PST_OK);
		EXPECT(alias_add(a, "all@example.test", user.address, &err) ==
		       PST_OK);
	}
}

static struct mail_database *database;

static struct accounts *
open_accounts(bool is_lent, struct pst_error *err)
{
	const struct pst_database *lent;

	if (!is_lent)
		return accounts_open(cfg, err);
	if (mail_database_open(cfg, "lent", &database, err) != PST_OK)
		return NULL;
	lent = mail_database(database);
	if (accounts_init("lent", lent, NULL, NULL, err) != PST_OK)
		return NULL;
	return accounts_open_in(cfg, "lent", lent, err);
}

/* A storage block for the arguments. */
static void
put_block(struct buf *text, int argc, char **argv)
{
	if (argc < 2)
		return;
	(void)buf_printf(
	    text, "storage lent {\n module = \"%s\"\n option = {", argv[1]);
	for (int i = 2; i < argc; i++)
		(void)buf_printf(text, "%s \"%s\"", i > 2 ? "," : "", argv[i]);
	(void)buf_puts(text, " }\n}\n");
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/postern-race-XXXXXX", path[128];
	struct buf text;
	static const char *const files[] = { "accounts.db", "accounts.db-wal",
		"accounts.db-shm" };
	pthread_t thread[THREADS];
	unsigned number[THREADS];
	struct pst_error err = { .detail = "" };

	if (mkdtemp(dir) == NULL)
		return 1;
	buf_init(&text, 4096);
	(void)buf_printf(&text,
	    "hostname = \"mail.example.test\"\ndomains = {\"example.test\"}\n"
	    "state_dir = \"%s\"\nlistener imap {\n protocol = imap\n}\n"
	    "auth {\n hash_cost = 1\n failures = 5\n}\n",
	    dir);
	put_block(&text, argc, argv);
	(void)buf_putc(&text, '\0');
	cfg = config_parse(text.p, NULL, 0, NULL, NULL, &err);
	buf_fini(&text);
	a = cfg != NULL ? open_accounts(argc > 1, &err) : NULL;
	if (a == NULL) {
		(void)fprintf(stderr, "%s\n", err.detail);
		return 1;
	}
	make_users();
	for (unsigned i = 0; i < THREADS; i++) {
		number[i] = i;
		if (pthread_create(&thread[i], NULL, work, &number[i]) != 0)
			return 1;
	}
	for (unsigned i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	accounts_close(&a);
	mail_database_close(&database);
	config_unref(&cfg);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
	(void)printf("%u logins, %u refused, %u changes, %u resolved, %u bad\n",
	    atomic_load(&logins), atomic_load(&refused), atomic_load(&changes),
	    atomic_load(&resolved), atomic_load(&bad));
	return atomic_load(&bad) == 0 && atomic_load(&logins) > 0 ? 0 : 1;
}
