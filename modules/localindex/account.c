/*
 * account.c - see account.h.
 */
#include "localindex/account.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* After a damaged account file: ahead of what was given before it. */
enum { UIDVALIDITY_SKIP = 3600, META_ENTRIES = 1000 };

static enum pst_rc
account_fail(const struct li_account *a, int e, const char *verb,
    const char *file, struct pst_error *err)
{
	return pst_fail(
	    err, li_rc_of(e), e, "%s %.150s/%s", verb, a->where, file);
}

static int
replace(const struct li_account *a, const char *name, struct li_buf *text)
{
	int e = EFBIG;

	if (text->n <= LI_FILE_MAX)
		e = li_replace_file(a->fd, name, text->p, text->n,
		    a->fsync ? LI_SYNC_FULL : LI_SYNC_NONE);
	li_buf_free(text);
	return e;
}

static enum pst_rc
write_account(void *arg, struct pst_error *err)
{
	struct li_account *a = arg;
	struct li_buf text = { 0 };
	int e;

	li_account_print(&text, &a->state);
	e = replace(a, LI_ACCOUNT_FILE, &text);
	if (e == EFBIG)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.150s: too much is kept with the account", a->where);
	return e ? account_fail(a, e, "write", LI_ACCOUNT_FILE, err) : PST_OK;
}

enum pst_rc
li_account_retire(struct li_account *a, uint32_t value, struct pst_error *err)
{
	uint32_t old = a->state.uidvalidity;
	enum pst_rc rc;

	if (value <= old)
		return PST_OK;
	a->state.uidvalidity = value;
	rc = write_account(a, err);
	if (rc != PST_OK)
		a->state.uidvalidity = old;
	return rc;
}

enum pst_rc
li_account_uidvalidity(
    struct li_account *a, uint32_t *value_r, struct pst_error *err)
{
	int64_t now = a->host->now() / 1000000;
	uint32_t next;
	enum pst_rc rc;

	if (a->state.uidvalidity == UINT32_MAX)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.150s: no UIDVALIDITY is left", a->where);
	next = a->state.uidvalidity + 1;
	if (now > next && now <= UINT32_MAX)
		next = (uint32_t)now;
	rc = li_account_retire(a, next, err);
	if (rc == PST_OK)
		*value_r = next;
	return rc;
}

enum pst_rc
li_account_read(struct li_account *a, uint32_t floor, struct pst_error *err)
{
	struct li_buf text = { 0 };
	enum li_state_rc parsed = LI_STATE_OK;
	int e = li_read_file(a->fd, LI_ACCOUNT_FILE, LI_FILE_MAX, &text);
	int64_t now = a->host->now() / 1000000;

	if (e == 0)
		parsed = li_account_parse(
		    (struct pst_str){ text.p, text.n }, &a->state);
	else if (e == EFBIG || e == EINVAL)
		parsed = LI_STATE_DAMAGED;
	li_buf_free(&text);
	if (e != 0 && e != ENOENT && parsed == LI_STATE_OK)
		return pst_fail(err, PST_E_TEMP, e, "read %.150s/%s", a->where,
		    LI_ACCOUNT_FILE);
	/* TEMP: mail that comes waits for the right version. */
	if (parsed == LI_STATE_NEWER)
		return pst_fail(err, PST_E_TEMP, 0,
		    "%.150s/%s was written by a later version", a->where,
		    LI_ACCOUNT_FILE);
	if (parsed == LI_STATE_DAMAGED) {
		a->host->log(PST_LOG_WARNING,
		    "%s: %s/%s is damaged and begun anew", a->module, a->where,
		    LI_ACCOUNT_FILE);
		li_account_state_free(&a->state);
		(void)renameat(
		    a->fd, LI_ACCOUNT_FILE, a->fd, LI_ACCOUNT_FILE ".damaged");
		a->state.uidvalidity = 0;
		if (now > 0 && now < UINT32_MAX - UIDVALIDITY_SKIP)
			a->state.uidvalidity = (uint32_t)(now +
							  UIDVALIDITY_SKIP);
	}
	if (a->state.uidvalidity < floor)
		a->state.uidvalidity = floor;
	return PST_OK;
}

void
li_account_fini(struct li_account *a)
{
	li_account_state_free(&a->state);
	for (size_t i = 0; i < a->subscribed; i++)
		free(a->subscriptions[i]);
	free(a->subscriptions);
	a->subscriptions = NULL;
	a->subscribed = a->subscriptions_cap = 0;
	a->subscriptions_read = false;
}

/* --- subscriptions -------------------------------------------------------- */

#define SUBSCRIPTIONS_WORD "postern-subscriptions"

/* Takes the first line off. A file without one has the first version. */
static enum li_state_rc
take_subscriptions_version(struct pst_str *text)
{
	struct pst_str rest = *text, line, word;
	uint64_t version;

	if (!li_next_line(&rest, &line) || !li_next_word(&line, &word) ||
	    !li_is(word, SUBSCRIPTIONS_WORD) ||
	    !li_number(line.p, line.n, &version) || version == 0)
		return LI_STATE_OK;
	*text = rest;
	return version == 1 ? LI_STATE_OK : LI_STATE_NEWER;
}

static void
take_subscription(struct li_account *a, struct pst_str line)
{
	struct li_buf name = { 0 };

	if (line.n == 0 || !li_unescape(&name, line.p, line.n) ||
	    strlen(name.p) != name.n || li_account_is_subscribed(a, name.p)) {
		li_buf_free(&name);
		return;
	}
	LI_PUSH(a->subscriptions, a->subscribed, a->subscriptions_cap);
	a->subscriptions[a->subscribed++] = name.p;
}

/* Of a file of a later version no name is believed. */
enum pst_rc
li_account_read_subscriptions(struct li_account *a, struct pst_error *err)
{
	struct li_buf text = { 0 };
	struct pst_str rest, line;
	int e;

	if (a->subscriptions_read)
		return PST_OK;
	e = li_read_file(a->fd, LI_SUBSCRIPTIONS, LI_FILE_MAX, &text);
	if (e != 0 && e != ENOENT) {
		li_buf_free(&text);
		return pst_fail(err, PST_E_TEMP, e, "read %.150s/%s", a->where,
		    LI_SUBSCRIPTIONS);
	}
	rest = (struct pst_str){ text.p, text.n };
	a->subscriptions_newer = take_subscriptions_version(&rest) ==
				 LI_STATE_NEWER;
	if (a->subscriptions_newer)
		a->host->log(PST_LOG_WARNING,
		    "%s: %s/%s was written by a later version: nothing counts "
		    "as subscribed",
		    a->module, a->where, LI_SUBSCRIPTIONS);
	while (!a->subscriptions_newer && li_next_line(&rest, &line))
		take_subscription(a, line);
	li_buf_free(&text);
	a->subscriptions_read = true;
	return PST_OK;
}

bool
li_account_is_subscribed(const struct li_account *a, const char *name)
{
	for (size_t i = 0; i < a->subscribed; i++)
		if (strcmp(a->subscriptions[i], name) == 0)
			return true;
	return false;
}

static enum pst_rc
write_subscriptions(struct li_account *a, struct pst_error *err)
{
	struct li_buf text = { 0 };
	int e;

	li_buf_puts(&text, SUBSCRIPTIONS_WORD " 1\n");
	for (size_t i = 0; i < a->subscribed; i++) {
		const char *name = a->subscriptions[i];

		li_escape(&text, name, strlen(name), false);
		li_buf_putc(&text, '\n');
	}
	e = replace(a, LI_SUBSCRIPTIONS, &text);
	if (e == EFBIG)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.150s: too many subscriptions", a->where);
	return e ? account_fail(a, e, "write", LI_SUBSCRIPTIONS, err) : PST_OK;
}

static enum pst_rc
unsubscribe(struct li_account *a, const char *name, struct pst_error *err)
{
	enum pst_rc rc;
	size_t i = 0;
	char *old;

	while (strcmp(a->subscriptions[i], name) != 0)
		i++;
	old = a->subscriptions[i];
	a->subscriptions[i] = a->subscriptions[--a->subscribed];
	rc = write_subscriptions(a, err);
	if (rc == PST_OK) {
		free(old);
	} else {
		a->subscriptions[a->subscribed++] = a->subscriptions[i];
		a->subscriptions[i] = old;
	}
	return rc;
}

enum pst_rc
li_account_subscribe(struct li_account *a, const char *name, bool subscribed,
    struct pst_error *err)
{
	enum pst_rc rc = li_account_read_subscriptions(a, err);

	if (rc != PST_OK || li_account_is_subscribed(a, name) == subscribed)
		return rc;
	if (a->subscriptions_newer)
		return pst_fail(err, PST_E_TEMP, 0,
		    "%.150s/%s was written by a later version", a->where,
		    LI_SUBSCRIPTIONS);
	if (!subscribed)
		return unsubscribe(a, name, err);
	LI_PUSH(a->subscriptions, a->subscribed, a->subscriptions_cap);
	a->subscriptions[a->subscribed++] = li_strdup(name);
	rc = write_subscriptions(a, err);
	if (rc != PST_OK)
		free(a->subscriptions[--a->subscribed]);
	return rc;
}

/* --- metadata ------------------------------------------------------------- */

void
li_metas_collect(
    const struct li_metas *from, const char *prefix, struct li_metas *to)
{
	for (size_t i = 0; i < from->n; i++)
		if (strncmp(from->v[i].key, prefix, strlen(prefix)) == 0)
			li_meta_set(to, from->v[i].key,
			    (struct pst_str){ from->v[i].value, from->v[i].n });
}

void
li_metas_tell(struct li_metas *m, pst_value_fn fn, void *arg)
{
	for (size_t i = 0; i < m->n; i++)
		fn(arg, m->v[i].key,
		    (struct pst_str){ m->v[i].value, m->v[i].n });
	li_meta_free(m);
}

enum pst_rc
li_metas_change(struct li_metas *m, const char *key, struct pst_str value,
    enum pst_rc (*write)(void *arg, struct pst_error *err), void *arg,
    struct pst_error *err)
{
	const struct li_meta *old = li_meta_find(m, key);
	struct pst_str back = { NULL, 0 };
	char *copy = NULL;
	enum pst_rc rc;

	if (old == NULL && value.p == NULL)
		return PST_OK;
	if (old == NULL && m->n >= META_ENTRIES)
		return pst_fail(err, PST_E_LIMIT, 0, "too many entries");
	if (old != NULL) {
		copy = li_memdup(old->value, old->n);
		back = (struct pst_str){ copy, old->n };
	}
	li_meta_set(m, key, value);
	rc = write(arg, err);
	if (rc != PST_OK)
		li_meta_set(m, key, back);
	free(copy);
	return rc;
}

enum pst_rc
li_account_meta_set(struct li_account *a, const char *key, struct pst_str value,
    struct pst_error *err)
{
	return li_metas_change(
	    &a->state.meta, key, value, write_account, a, err);
}
