/*
 * jmap/outbox.c - see outbox.h.
 *
 * The lock makes taking back and sending exclude each other: what is being sent
 * is "final" in its file first. A crash between that and the delivery's end
 * would lose a message, so it is named in the file as being on its way, and
 * after a start it is gone on with: the file also has, before anybody gets the
 * message, by which id they do, so that who has it by then does not get it
 * again. Nothing leaves the queue before the file says that it is done.
 */
#include "jmap/outbox.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "delivery/outbound.h"
#include "jmap/call.h"
#include "jmap/files.h"
#include "message/header.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	KEEP = 7 * 86400, /* of finished ones */
	RETRY = 60,
	GIVE_UP = 86400, /* after its time */
	LOOK = 30,	 /* seconds between looks at all files */
	FILE_MAX = 1 << 20,
};

#define OUTBOX "outbox" /* of state_dir */

/* Guards the files' contents. */
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;
/* Tells the thread that something is due earlier than it thinks. */
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool is_moved; /* guarded by files_lock */
/* Which run of the server hands something over. Set once. */
static char this_run[2 * 8 + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct jmap_outbox {
	const struct services *sv;
	struct config *cfg;
	pthread_t thread;
	bool is_stopping; /* guarded by files_lock */
};

/* --- files -----------------------------------------------------------------
 */

static bool
path_of(const struct config *cfg, const char *account, const char *id,
    char path[PATH_MAX])
{
	int n;

	for (const char *p = id; *p != '\0'; p++)
		if (!ascii_is_alpha(*p) && !ascii_is_digit(*p))
			return false;
	n = snprintf(
	    path, PATH_MAX, "%s/" OUTBOX "/%s/%s", cfg->state_dir, account, id);
	return id[0] != '\0' && n > 0 && n < PATH_MAX;
}

/* With the lock. */
static enum pst_rc
put_file(const struct config *cfg, const char *account, const char *id,
    json_t *submission, struct pst_error *err)
{
	char path[PATH_MAX], dir[PATH_MAX];
	enum pst_rc rc = jmap_dir_make(cfg, OUTBOX, account, dir, err);
	char *text;

	if (rc != PST_OK)
		return rc;
	if (!path_of(cfg, account, id, path))
		return pst_fail(err, PST_E_SYNTAX, 0, "outbox: no id");
	text = json_dumps(submission, JSON_COMPACT);
	rc = jmap_file_put(dir, id, text, err);
	free(text);
	return rc;
}

static json_t *
get_file(const struct config *cfg, const char *account, const char *id)
{
	char path[PATH_MAX];
	json_t *submission;
	struct stat st;

	if (!path_of(cfg, account, id, path) || stat(path, &st) < 0 ||
	    st.st_size > FILE_MAX)
		return NULL;
	submission = json_load_file(path, 0, NULL);
	if (json_is_object(submission))
		return submission;
	json_decref(submission);
	return NULL;
}

/* --- for methods -----------------------------------------------------------
 */

json_t *
jmap_outbox_get(const struct config *cfg, const char *account, const char *id)
{
	json_t *submission;

	pthread_mutex_lock(&files_lock);
	submission = get_file(cfg, account, id);
	pthread_mutex_unlock(&files_lock);
	return submission;
}

void
jmap_outbox_each(const struct config *cfg, const char *account,
    void (*fn)(void *arg, const char *id, json_t *submission), void *arg)
{
	char dir[PATH_MAX], **names;

	if (!jmap_dir(cfg, OUTBOX, account, dir))
		return;
	names = jmap_dir_names(dir);
	for (char **p = names; *p != NULL; p++) {
		json_t *submission = jmap_outbox_get(cfg, account, *p);

		if (submission != NULL)
			fn(arg, *p, submission);
		json_decref(submission);
	}
	jmap_dir_names_free(names);
}

enum pst_rc
jmap_outbox_put(const struct config *cfg, const char *account, const char *id,
    json_t *submission, struct pst_error *err)
{
	enum pst_rc rc;

	pthread_mutex_lock(&files_lock);
	rc = put_file(cfg, account, id, submission, err);
	is_moved = true;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&files_lock);
	return rc;
}

static const char *
status_of(json_t *submission)
{
	const char *status = json_string_value(
	    json_object_get(submission, "undoStatus"));

	return status != NULL ? status : "";
}

enum pst_rc
jmap_outbox_cancel(const struct config *cfg, const char *account,
    const char *id, struct pst_error *err)
{
	json_t *submission;
	enum pst_rc rc;

	pthread_mutex_lock(&files_lock);
	submission = get_file(cfg, account, id);
	if (submission == NULL)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "no submission");
	else if (strcmp(status_of(submission), "pending") != 0)
		rc = pst_fail(err, PST_E_CONFLICT, 0, "it is sent");
	else {
		(void)json_object_set_new(
		    submission, "undoStatus", json_string("canceled"));
		rc = put_file(cfg, account, id, submission, err);
	}
	pthread_mutex_unlock(&files_lock);
	json_decref(submission);
	return rc;
}

enum pst_rc
jmap_outbox_remove(
    const struct config *cfg, const char *account, const char *id)
{
	char path[PATH_MAX];
	json_t *submission;
	enum pst_rc rc = PST_E_NOTFOUND;

	pthread_mutex_lock(&files_lock);
	submission = get_file(cfg, account, id);
	if (submission != NULL && path_of(cfg, account, id, path)) {
		rc = strcmp(status_of(submission), "pending") == 0 ||
			     json_object_get(submission, "onItsWay") != NULL
			 ? PST_E_DENIED
			 : PST_OK;
		if (rc == PST_OK && unlink(path) < 0)
			rc = PST_E_TEMP;
	}
	pthread_mutex_unlock(&files_lock);
	json_decref(submission);
	return rc;
}

/* --- handing over ----------------------------------------------------------
 */

static void
choose_run(void)
{
	unsigned char octets[8];

	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), this_run);
}

enum pst_rc
jmap_outbox_begun(const struct config *cfg, const char *account, const char *id,
    json_t *submission, struct pst_error *err)
{
	(void)pthread_once(&once, choose_run);
	(void)json_object_set_new(submission, "onItsWay", json_true());
	(void)json_object_set_new(json_object_get(submission, "handing"), "run",
	    json_string(this_run));
	return jmap_outbox_put(cfg, account, id, submission, err);
}

/* The rest of a failure is for who tries again, or gives up. */
void
jmap_outbox_ended(const struct config *cfg, const char *account, const char *id,
    json_t *submission, enum pst_rc rc)
{
	struct pst_error err = { 0 };

	(void)json_object_del(json_object_get(submission, "handing"), "run");
	if (rc != PST_OK)
		return;
	(void)json_object_del(submission, "onItsWay");
	(void)json_object_del(submission, "handing");
	if (jmap_outbox_put(cfg, account, id, submission, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "outbox", &err);
}

void
jmap_outbox_drop(const struct config *cfg, const char *account, const char *id)
{
	char path[PATH_MAX];

	pthread_mutex_lock(&files_lock);
	if (path_of(cfg, account, id, path) && unlink(path) < 0 &&
	    errno != ENOENT)
		log_event(PST_LOG_ERROR, 0, "outbox", "file", path, "why",
		    strerror(errno), NULL);
	pthread_mutex_unlock(&files_lock);
}

static bool
is_being_handed(json_t *submission)
{
	const char *run = json_string_value(
	    json_object_get(json_object_get(submission, "handing"), "run"));

	(void)pthread_once(&once, choose_run);
	return run != NULL && strcmp(run, this_run) == 0;
}

/* --- the thread ------------------------------------------------------------
 */

/* All submissions of all accounts. */
static void
each_file(const struct config *cfg,
    void (*fn)(void *arg, const char *account, const char *id), void *arg)
{
	char dir[PATH_MAX], **accounts, **ids;

	if (!jmap_dir(cfg, OUTBOX, NULL, dir))
		return;
	accounts = jmap_dir_names(dir);
	for (char **a = accounts; *a != NULL; a++) {
		if (!jmap_dir(cfg, OUTBOX, *a, dir))
			continue;
		ids = jmap_dir_names(dir);
		for (char **p = ids; *p != NULL; p++)
			fn(arg, *a, *p);
		jmap_dir_names_free(ids);
	}
	jmap_dir_names_free(accounts);
}

static int64_t
time_of(json_t *submission, const char *name)
{
	const char *text = json_string_value(json_object_get(submission, name));
	int64_t at = 0;

	return text != NULL && jmap_parse_date(text, &at) ? at : 0;
}

/* Whoever sent it hears that it did not go. */
static void
tell_failure(struct jmap_outbox *o, const struct account_user *user,
    json_t *submission, const struct pst_error *why)
{
	struct mail_account *acct = NULL;
	struct mail_append a = { .internal_date = clock_seconds(),
		.last = true };
	struct mail_appended where;
	struct pst_error err = { 0 };
	struct buf text;
	char date[40];

	buf_init(&text, 65536);
	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(&text,
	    "From: Mail server <postmaster@%s>\r\nTo: <%s>\r\nDate: %s\r\n"
	    "Subject: A message of yours was not sent\r\n"
	    "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
	    "A message that was to be sent at %s could not be sent.\r\n"
	    "It is still in your mailbox. The reason: %s\r\n",
	    o->cfg->hostname, user->address, date,
	    json_string_value(json_object_get(submission, "sendAt")),
	    why->rc == PST_E_NOTFOUND ? "the message is gone, or a recipient "
					"does not exist."
				      : "it was refused.");
	if (mail_account_open(o->sv->store, user, &acct, &err) == PST_OK) {
		if (mail_stage_new(acct, text.n, &a.stage, &err) == PST_OK &&
		    mail_stage_write(a.stage, text.p, text.n, &err) == PST_OK)
			(void)mail_append(acct, "INBOX", &a, 1, &where, &err);
		if (a.stage != NULL)
			mail_stage_free(&a.stage);
		mail_account_close(&acct);
	}
	buf_fini(&text);
}

static enum pst_rc
send_now(struct jmap_outbox *o, const struct account_user *user,
    const char *account, const char *id, json_t *submission,
    struct pst_error *err)
{
	struct jmap_sending s = { .sv = o->sv,
		.cfg = o->cfg,
		.user = user->address,
		.account = account,
		.id = id,
		.submission = submission };
	struct catalog *c;
	enum pst_rc rc = catalog_open(o->sv->store, user, &c, err);

	if (rc != PST_OK)
		return rc;
	catalog_lock(c);
	rc = catalog_sync(c, err);
	s.catalog = c;
	if (rc == PST_OK)
		rc = jmap_send(&s, err);
	catalog_unlock(c);
	catalog_close(&c);
	return rc;
}

/* One that is due. */
static void
attempt(struct jmap_outbox *o, const char *account, const char *id)
{
	struct pst_error err = { 0 };
	struct account_user user;
	json_t *submission;
	const char *address;
	enum pst_rc rc;
	bool is_known;

	pthread_mutex_lock(&files_lock);
	submission = get_file(o->cfg, account, id);
	if (submission == NULL ||
	    (strcmp(status_of(submission), "pending") != 0 &&
		json_object_get(submission, "onItsWay") == NULL)) {
		pthread_mutex_unlock(&files_lock);
		json_decref(submission);
		return;
	}
	(void)json_object_set_new(
	    submission, "undoStatus", json_string("final"));
	(void)json_object_set_new(submission, "onItsWay", json_true());
	rc = put_file(o->cfg, account, id, submission, &err);
	pthread_mutex_unlock(&files_lock);
	address = json_string_value(json_object_get(submission, "user"));
	if (rc == PST_OK)
		rc = account_find(o->sv->accounts,
		    address != NULL ? address : "", &user, &err);
	is_known = rc == PST_OK;
	if (rc == PST_OK)
		rc = send_now(o, &user, account, id, submission, &err);
	if (rc != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "outbox", &err);
	if (rc == PST_E_TEMP &&
	    clock_seconds() < time_of(submission, "sendAt") + GIVE_UP) {
		(void)json_object_set_new(
		    submission, "retryAt", jmap_date(clock_seconds() + RETRY));
	} else {
		if (rc != PST_OK && is_known)
			tell_failure(o, &user, submission, &err);
		(void)json_object_del(submission, "onItsWay");
		(void)json_object_del(submission, "handing");
	}
	pthread_mutex_lock(&files_lock);
	if (rc != PST_OK)
		(void)put_file(o->cfg, account, id, submission, &err);
	pthread_mutex_unlock(&files_lock);
	json_decref(submission);
}

static void
note_queued(void *arg, struct pst_str to, const char *id)
{
	char address[1024];

	if (str_copy(address, sizeof(address), to))
		(void)json_object_set_new(arg, address, json_string(id));
}

static void
compare_one(const struct config *cfg, const struct outbound *outbound,
    const char *account, const char *id)
{
	json_t *submission, *handing, *queued;
	struct pst_error err = { 0 };
	const char *text;

	pthread_mutex_lock(&files_lock);
	submission = get_file(cfg, account, id);
	handing = json_object_get(submission, "handing");
	text = json_string_value(json_object_get(handing, "id"));
	if (text != NULL) {
		/* What was there at an earlier start may be gone by now. */
		queued = json_object_get(handing, "queued");
		queued = queued != NULL ? json_incref(queued) : json_object();
		outbound->find(outbound->arg, str_of(text),
		    json_integer_value(json_object_get(handing, "since")),
		    note_queued, queued);
		(void)json_object_set_new(handing, "queued", queued);
		if (put_file(cfg, account, id, submission, &err) != PST_OK)
			log_failure(PST_LOG_ERROR, 0, "outbox", &err);
	}
	pthread_mutex_unlock(&files_lock);
	json_decref(submission);
}

struct comparing {
	const struct config *cfg;
	const struct outbound *outbound;
};

static void
compare_account(void *arg, const char *account, const char *id)
{
	const struct comparing *c = arg;

	compare_one(c->cfg, c->outbound, account, id);
}

void
jmap_outbox_compare(const struct config *cfg, const struct outbound *outbound)
{
	struct comparing c = { cfg, outbound };

	each_file(cfg, compare_account, &c);
}

/* When it is to be looked at; INT64_MAX: never. Old ones go. */
static int64_t
due_of(struct jmap_outbox *o, const char *account, const char *id)
{
	json_t *submission = jmap_outbox_get(o->cfg, account, id);
	int64_t due = INT64_MAX, at = time_of(submission, "sendAt");

	if (submission == NULL)
		return due;
	if (is_being_handed(submission))
		due = INT64_MAX;
	else if (json_object_get(submission, "onItsWay") != NULL)
		due = time_of(submission, "retryAt");
	else if (strcmp(status_of(submission), "pending") == 0)
		due = at;
	else if (at < clock_seconds() - KEEP)
		(void)jmap_outbox_remove(o->cfg, account, id);
	json_decref(submission);
	return due;
}

struct due {
	struct jmap_outbox *o;
	int64_t next;
};

static void
look_at(void *arg, const char *account, const char *id)
{
	struct due *d = arg;
	int64_t due = due_of(d->o, account, id);

	if (due <= clock_seconds())
		attempt(d->o, account, id);
	else if (due < d->next)
		d->next = due;
}

/* Does what is due. When something is due next. */
static int64_t
look(struct jmap_outbox *o)
{
	struct due due = { o, INT64_MAX };

	each_file(o->cfg, look_at, &due);
	return due.next;
}

static void *
run(void *arg)
{
	struct jmap_outbox *o = arg;

	pthread_mutex_lock(&files_lock);
	while (!o->is_stopping) {
		int64_t next, wait;
		struct timespec until;

		is_moved = false;
		pthread_mutex_unlock(&files_lock);
		next = look(o);
		/* Somebody has to, when nobody asks for anything. */
		catalog_tidy();
		pthread_mutex_lock(&files_lock);
		wait = next - clock_seconds();
		wait = wait < 1 ? 1 : wait > LOOK ? LOOK : wait;
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += wait;
		while (!o->is_stopping && !is_moved &&
		       pthread_cond_timedwait(&moved, &files_lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&files_lock);
	return NULL;
}

struct jmap_outbox *
jmap_outbox_start(const struct services *sv, struct config *cfg)
{
	struct jmap_outbox *o = mem_alloc(sizeof(*o));

	o->sv = sv;
	o->cfg = config_ref(cfg);
	if (pthread_create(&o->thread, NULL, run, o) != 0) {
		config_unref(&o->cfg);
		free(o);
		return NULL;
	}
	return o;
}

void
jmap_outbox_stop(struct jmap_outbox **op)
{
	struct jmap_outbox *o = *op;

	*op = NULL;
	if (o == NULL)
		return;
	pthread_mutex_lock(&files_lock);
	o->is_stopping = true;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&files_lock);
	(void)pthread_join(o->thread, NULL);
	config_unref(&o->cfg);
	free(o);
}
