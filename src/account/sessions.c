/*
 * account/sessions.c - see sessions.h. They are in the table of credentials:
 * the id is half of the token's hash, the value the address that it was made
 * from, the name the browser's. What expires is that the user has shown who
 * they are; how old it may get itself is in the configuration.
 */
#include "account/sessions.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"

#include <gnutls/crypto.h>
#include <pthread.h>

enum {
	TOKEN_OCTETS = 32,
	ID_LENGTH = 32,
	REMEMBERED = 256,
	FRESH = 10,  /* seconds that one is believed without asking again */
	TOUCH = 300, /* seconds between notes of a use */
};

static const char kind[] = "session";

/* One that was asked for lately. */
struct known {
	struct session_info info;
	const struct accounts *accounts;
	int64_t until; /* clock_monotonic() */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards both */
static struct known remembered[REMEMBERED];
static uint64_t endings; /* that there were */

static bool
id_of(struct pst_str token, char id_r[ID_LENGTH + 1])
{
	unsigned char digest[32];

	if (token.n != SESSION_TOKEN - 1 ||
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, token.p, token.n, digest) != 0)
		return false;
	hex_encode(digest, ID_LENGTH / 2, id_r);
	return true;
}

/* Since when a session must have been used, and made. */
struct limits {
	int64_t used, created;
};

static struct limits
limits_of(struct accounts *a)
{
	struct account_settings *s = account_settings_take(a);
	struct limits l = { clock_seconds() - s->cfg->web.session_idle,
		clock_seconds() - s->cfg->web.session_life };

	account_settings_give(a, &s);
	return l;
}

static int64_t
confirm_life(struct accounts *a)
{
	struct account_settings *s = account_settings_take(a);
	int64_t life = s->cfg->web.confirm_life;

	account_settings_give(a, &s);
	return life;
}

static bool
is_over(const struct session_info *s, const struct limits *l)
{
	return s->used < l->used || s->created < l->created;
}

static enum pst_rc
no_such(struct pst_error *err)
{
	return pst_fail(err, PST_E_NOTFOUND, 0, "no such session");
}

/* --- what is remembered ----------------------------------------------------
 */

static struct known *
slot_of(const char *id)
{
	unsigned n = 0;

	for (int i = 0; i < 4 && id[i] != '\0'; i++)
		n = n * 31 + (unsigned char)id[i];
	return &remembered[n % REMEMBERED];
}

/* False: it has to be asked for; *endings_r is for remember(). */
static bool
recall(struct accounts *a, const char *id, struct session_info *info_r,
    uint64_t *endings_r)
{
	struct known *k = slot_of(id);
	bool found;

	pthread_mutex_lock(&lock);
	found = k->accounts == a && k->until > clock_monotonic() &&
		strcmp(k->info.id, id) == 0;
	if (found)
		*info_r = k->info;
	*endings_r = endings;
	pthread_mutex_unlock(&lock);
	return found;
}

/* Not when some session was ended since it was asked for: perhaps this one. */
static void
remember(struct accounts *a, const struct session_info *info, uint64_t before)
{
	struct known *k = slot_of(info->id);

	pthread_mutex_lock(&lock);
	if (endings == before)
		*k = (struct known){ *info, a,
			clock_monotonic() + FRESH * INT64_C(1000000) };
	pthread_mutex_unlock(&lock);
}

/* Of `user`, but `keep`; or the one that is called `id`. */
static void
forget(const char *user, const char *keep, const char *id)
{
	pthread_mutex_lock(&lock);
	endings++;
	for (size_t i = 0; i < REMEMBERED; i++) {
		const struct session_info *info = &remembered[i].info;

		if (id != NULL ? strcmp(info->id, id) == 0
			       : strcmp(info->user, user) == 0 &&
				     strcmp(info->id, keep) != 0)
			remembered[i].accounts = NULL;
	}
	pthread_mutex_unlock(&lock);
}

/* --- the table -------------------------------------------------------------
 */

static void
read_row(const struct pst_value *row, struct session_info *s)
{
	memset(s, 0, sizeof(*s));
	account_value_text(&row[0], s->user, sizeof(s->user));
	account_value_text(&row[2], s->id, sizeof(s->id));
	account_value_text(&row[3], s->agent, sizeof(s->agent));
	account_value_text(&row[4], s->peer, sizeof(s->peer));
	s->created = row[6].integer;
	s->used = row[7].integer;
	s->confirmed_until = row[8].integer;
}

static void
take_row(void *arg, const struct pst_value *row, size_t n)
{
	(void)n;
	read_row(row, arg);
}

static enum pst_rc
load(struct accounts *a, const char *id, struct session_info *info_r,
    struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_CREDENTIAL_BY_ID, take_row, info_r, err, "tt", kind, id);
	account_db_give(&c);
	return rc == PST_E_NOTFOUND ? no_such(err) : rc;
}

/* A use that could not be noted is noted by the next one. */
static void
touch(struct accounts *a, struct session_info *s)
{
	struct pst_error err = { 0 };
	struct account_conn *c = account_db_write(a->db, &err);
	int64_t now = clock_seconds();
	enum pst_rc rc = PST_E_TEMP;

	if (c != NULL) {
		rc = account_run(c, Q_CREDENTIAL_USED, &err, "ttti", s->user,
		    kind, s->id, now);
		rc = account_db_write_done(&c, account_none_is_fine(rc), &err);
	}
	if (rc == PST_OK)
		s->used = now;
	else
		log_failure(PST_LOG_WARNING, 0, "session", &err);
}

/* --- sessions --------------------------------------------------------------
 */

/* No line ends nor controls. */
static void
copy_clean(char *to, size_t size, struct pst_str s)
{
	(void)str_copy(to, size, s);
	for (; *to != '\0'; to++)
		if ((unsigned char)*to < ' ' || (unsigned char)*to >= 127)
			*to = '?';
}

static enum pst_rc
insert(struct account_conn *c, const struct session_info *s,
    const struct limits *l, struct pst_error *err)
{
	/* The row of the user stays locked until the end. */
	enum pst_rc rc = account_run(c, Q_USER, err, "t", s->user);

	if (rc == PST_OK)
		rc = account_none_is_fine(account_run(c, Q_SESSION_FORGET_OLD,
		    err, "tii", s->user, l->used, l->created));
	if (rc == PST_OK)
		rc = account_none_is_fine(
		    account_run(c, Q_SESSION_FORGET_SURPLUS, err, "ti", s->user,
			(int64_t)SESSIONS - 1));
	if (rc == PST_OK)
		rc = account_run(c, Q_CREDENTIAL_ADD, err, "tttttiiiii",
		    s->user, kind, s->id, s->agent, s->peer, (int64_t)0,
		    s->created, s->used, s->confirmed_until, (int64_t)0);
	return rc;
}

enum pst_rc
session_new(struct accounts *a, const char *user, const char *peer,
    struct pst_str agent, char token_r[SESSION_TOKEN], struct pst_error *err)
{
	struct session_info s = { .created = clock_seconds(),
		.used = clock_seconds() };
	struct limits l = limits_of(a);
	char octets[TOKEN_OCTETS];
	struct account_conn *c;
	struct buf text;

	random_bytes(octets, sizeof(octets));
	buf_init(&text, 64);
	(void)base64url_encode(str_n(octets, sizeof(octets)), &text);
	(void)str_copy(token_r, SESSION_TOKEN, buf_str(&text));
	buf_fini(&text);
	if (!id_of(str_of(token_r), s.id))
		return pst_fail(err, PST_E_TEMP, 0, "no hash");
	s.confirmed_until = s.created + confirm_life(a);
	(void)str_copy(s.user, sizeof(s.user), str_of(user));
	copy_clean(s.peer, sizeof(s.peer), str_of(peer));
	copy_clean(s.agent, sizeof(s.agent), agent);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	return account_db_write_done(&c, insert(c, &s, &l, err), err);
}

static enum pst_rc
find(struct accounts *a, const char *id, bool counts,
    struct session_info *info_r, struct pst_error *err)
{
	struct limits l = limits_of(a);
	uint64_t before;
	enum pst_rc rc = PST_OK;

	if (!recall(a, id, info_r, &before)) {
		rc = load(a, id, info_r, err);
		if (rc != PST_OK)
			return rc;
		if (is_over(info_r, &l))
			return no_such(err);
		if (counts && info_r->used < clock_seconds() - TOUCH)
			touch(a, info_r);
		remember(a, info_r, before);
	}
	return is_over(info_r, &l) ? no_such(err) : PST_OK;
}

enum pst_rc
session_find(struct accounts *a, struct pst_str token,
    struct session_info *info_r, struct pst_error *err)
{
	char id[ID_LENGTH + 1];

	if (!id_of(token, id))
		return no_such(err);
	return find(a, id, true, info_r, err);
}

enum pst_rc
session_holds(struct accounts *a, const char *user, const char *id, bool counts,
    struct pst_error *err)
{
	struct session_info info;
	enum pst_rc rc = find(a, id, counts, &info, err);

	return rc == PST_OK && strcmp(info.user, user) != 0 ? no_such(err) : rc;
}

enum pst_rc
session_confirm(
    struct accounts *a, const char *user, const char *id, struct pst_error *err)
{
	int64_t until = clock_seconds() + confirm_life(a);
	struct account_conn *c = account_db_write(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_SESSION_CONFIRM, err, "tti", user, id, until);
	rc = account_db_write_done(&c, rc, err);
	return rc == PST_E_NOTFOUND ? no_such(err) : rc;
}

enum pst_rc
session_is_confirmed(
    struct accounts *a, const char *user, const char *id, struct pst_error *err)
{
	struct limits l = limits_of(a);
	struct session_info info;
	enum pst_rc rc = load(a, id, &info, err);

	if (rc != PST_OK)
		return rc;
	if (is_over(&info, &l) || strcmp(info.user, user) != 0)
		return no_such(err);
	if (info.confirmed_until <= clock_seconds())
		return pst_fail(err, PST_E_DENIED, 0,
		    "%.200s has to show who they are", user);
	return PST_OK;
}

/* Runs what ends some, in a transaction of its own. */
static enum pst_rc
end(struct accounts *a, enum account_query q, const char *first,
    const char *second, struct pst_error *err)
{
	struct account_conn *c = account_db_write(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, q, err, "tt", first, second);
	return account_db_write_done(&c, rc, err);
}

enum pst_rc
session_end(struct accounts *a, struct pst_str token, struct pst_error *err)
{
	char id[ID_LENGTH + 1];
	enum pst_rc rc;

	if (!id_of(token, id))
		return PST_OK;
	rc = account_none_is_fine(end(a, Q_SESSION_END, kind, id, err));
	forget(NULL, NULL, id);
	return rc;
}

void
session_end_others(struct accounts *a, const char *user, struct pst_str token)
{
	char keep[ID_LENGTH + 1] = "";
	struct pst_error err = { 0 };

	(void)id_of(token, keep);
	if (account_none_is_fine(
		end(a, Q_SESSION_END_OTHERS, user, keep, &err)) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "session", &err);
	forget(user, keep, NULL);
}

enum pst_rc
session_end_by_id(
    struct accounts *a, const char *user, const char *id, struct pst_error *err)
{
	enum pst_rc rc = end(a, Q_SESSION_END_ONE, user, id, err);

	forget(NULL, NULL, id);
	return rc == PST_E_NOTFOUND ? no_such(err) : rc;
}

/* --- listing ---------------------------------------------------------------
 */

struct listing {
	struct limits limits;
	void (*fn)(void *arg, const struct session_info *info);
	void *arg;
};

static void
list_row(void *arg, const struct pst_value *row, size_t n)
{
	struct listing *l = arg;
	struct session_info s;

	(void)n;
	read_row(row, &s);
	if (!is_over(&s, &l->limits))
		l->fn(l->arg, &s);
}

enum pst_rc
session_each(struct accounts *a, const char *user,
    void (*fn)(void *arg, const struct session_info *info), void *arg,
    struct pst_error *err)
{
	struct listing l = { limits_of(a), fn, arg };
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_CREDENTIALS_OF_KIND, list_row, &l, err, "tt", user, kind);
	account_db_give(&c);
	return account_none_is_fine(rc);
}
