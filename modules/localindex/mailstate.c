#include "localindex/mailstate.h"

#include "localindex/keywords.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	UID_BLOCK_FIRST = 16,
	UID_BLOCK = 256,
	MODSEQ_BLOCK = 10000,
};

void
li_state_begin(
    const struct pst_host *host, uint32_t uidvalidity, struct li_state *state_r)
{
	*state_r = (struct li_state){ .uidvalidity = uidvalidity,
		.uidnext = 1,
		.recent = 1,
		.modseq = 1 };
	state_r->objectid[0] = 'F';
	li_random_hex(host, state_r->objectid + 1, 12);
}

/* --- open and close --------------------------------------------------------
 */

void
li_mailstate_init(struct li_mailstate *m)
{
	m->fd = -1;
	m->uid_block = UID_BLOCK_FIRST;
	(void)pthread_mutex_init(&m->lock, NULL);
}

void
li_mailstate_fini(struct li_mailstate *m)
{
	if (m->fd >= 0)
		(void)close(m->fd);
	li_state_free(&m->state);
	free(m->where);
	(void)pthread_mutex_destroy(&m->lock);
}

static enum pst_rc
begin(struct li_mailstate *m, struct li_account *account, struct pst_error *err)
{
	uint32_t uidvalidity;
	enum pst_rc rc = li_account_uidvalidity(account, &uidvalidity, err);

	if (rc != PST_OK)
		return rc;
	li_state_begin(m->host, uidvalidity, &m->state);
	m->is_fresh = true;
	return PST_OK;
}

static enum pst_rc
read_file(
    struct li_mailstate *m, struct li_account *account, struct pst_error *err)
{
	struct li_buf text = { 0 };
	enum li_state_rc parsed;
	int e = li_read_file(m->fd, LI_STATE_FILE, LI_FILE_MAX, &text);

	if (e == ENOENT || (e != 0 && e != EFBIG && e != EINVAL)) {
		li_buf_free(&text);
		return e == ENOENT ? begin(m, account, err)
				   : pst_fail(err, PST_E_TEMP, e,
					 "read the state of %.180s", m->where);
	}
	parsed = e != 0 ? LI_STATE_DAMAGED
			: li_state_parse(
			      (struct pst_str){ text.p, text.n }, &m->state);
	li_buf_free(&text);
	/* TEMP: mail that comes waits for the right version. */
	if (parsed == LI_STATE_NEWER)
		return pst_fail(err, PST_E_TEMP, 0,
		    "the state of %.180s was written by a later version",
		    m->where);
	if (parsed == LI_STATE_OK)
		return PST_OK;
	m->host->log(PST_LOG_WARNING,
	    "%s: the state of %s is damaged and begun anew: clients will load "
	    "this mailbox again",
	    m->module, m->where);
	li_state_free(&m->state);
	(void)renameat(m->fd, LI_STATE_FILE, m->fd, LI_STATE_FILE ".damaged");
	return begin(m, account, err);
}

enum pst_rc
li_mailstate_read(
    struct li_mailstate *m, struct li_account *account, struct pst_error *err)
{
	enum pst_rc rc = read_file(m, account, err);

	m->uid_floor = m->state.uidnext;
	m->modseq_floor = m->state.modseq;
	return rc;
}

enum pst_rc
li_mailstate_write(
    struct li_mailstate *m, enum li_sync sync, struct pst_error *err)
{
	struct li_state st = m->state; /* borrows its texts */
	struct li_buf text = { 0 };
	int e = EFBIG;

	if (m->is_there != NULL && !m->is_there(m))
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.180s was removed or renamed by somebody else", m->where);
	st.uidnext = m->uid_floor;
	st.modseq = m->modseq_floor;
	li_state_print(&text, &st);
	if (text.n <= LI_FILE_MAX)
		e = li_replace_file(m->fd, LI_STATE_FILE, text.p, text.n,
		    m->fsync ? sync : LI_SYNC_NONE);
	li_buf_free(&text);
	if (e == EFBIG)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.180s: too much is kept with one mailbox", m->where);
	if (e != 0)
		return pst_fail(
		    err, li_rc_of(e), e, "write the state of %.180s", m->where);
	m->is_dirty = m->is_fresh = false;
	return PST_OK;
}

void
li_mailstate_settle(struct li_mailstate *m)
{
	struct pst_error err;

	(void)pthread_mutex_lock(&m->lock);
	/* Exact again. The old, higher floors are right as well. */
	if (m->is_fresh || m->is_dirty || m->uid_floor != m->state.uidnext ||
	    m->modseq_floor != m->state.modseq) {
		m->uid_floor = m->state.uidnext;
		m->modseq_floor = m->state.modseq;
		if (li_mailstate_write(m, LI_SYNC_FILE, &err) != PST_OK &&
		    err.rc != PST_E_NOTFOUND && err.sys_errno != ENOENT)
			m->host->log(
			    PST_LOG_WARNING, "%s: %s", m->module, err.detail);
	}
	(void)pthread_mutex_unlock(&m->lock);
}

/* --- numbers ---------------------------------------------------------------
 */

/* Writes with the floors that were raised; as it was when that fails. */
static enum pst_rc
write_floors(struct li_mailstate *m, uint32_t old_floor, uint64_t old_modseq,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (m->uid_floor != old_floor || m->modseq_floor != old_modseq)
		rc = li_mailstate_write(m, LI_SYNC_FULL, err);
	if (rc != PST_OK) {
		m->uid_floor = old_floor;
		m->modseq_floor = old_modseq;
	}
	return rc;
}

static enum pst_rc
no_uids(const struct li_mailstate *m, struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_LIMIT, 0, "%.180s: no uids are left", m->where);
}

/* Wants the lock. */
static enum pst_rc
reserve(struct li_mailstate *m, uint32_t uids, bool with_modseq,
    struct pst_error *err)
{
	const uint32_t old_floor = m->uid_floor;
	const uint64_t old_modseq = m->modseq_floor;

	if (uids > UINT32_MAX - 2 * UID_BLOCK - m->state.uidnext)
		return no_uids(m, err);
	if (m->state.uidnext + uids > m->uid_floor) {
		m->uid_floor = m->state.uidnext + uids + m->uid_block - 1;
		m->uid_block = UID_BLOCK;
	}
	if (with_modseq && m->state.modseq + 1 > m->modseq_floor)
		m->modseq_floor = m->state.modseq + MODSEQ_BLOCK;
	return write_floors(m, old_floor, old_modseq, err);
}

enum pst_rc
li_mailstate_reserve(struct li_mailstate *m, uint32_t uids, uint32_t *first_r,
    uint64_t *modseq_r, struct pst_error *err)
{
	enum pst_rc rc;

	(void)pthread_mutex_lock(&m->lock);
	rc = reserve(m, uids, modseq_r != NULL, err);
	if (rc == PST_OK) {
		if (first_r != NULL)
			*first_r = m->state.uidnext;
		m->state.uidnext += uids;
		if (modseq_r != NULL)
			*modseq_r = ++m->state.modseq;
	}
	(void)pthread_mutex_unlock(&m->lock);
	return rc;
}

/* Wants the lock. */
static enum pst_rc
raise_to(struct li_mailstate *m, uint32_t uidnext, uint64_t modseq,
    struct pst_error *err)
{
	const uint32_t old_floor = m->uid_floor;
	const uint64_t old_modseq = m->modseq_floor;

	if (uidnext > m->uid_floor) {
		m->uid_floor = uidnext + m->uid_block - 1;
		m->uid_block = UID_BLOCK;
	}
	if (modseq > m->modseq_floor)
		m->modseq_floor = modseq + MODSEQ_BLOCK;
	return write_floors(m, old_floor, old_modseq, err);
}

enum pst_rc
li_mailstate_raise(struct li_mailstate *m, uint32_t uidnext, uint64_t modseq,
    struct pst_error *err)
{
	enum pst_rc rc;

	if (uidnext > UINT32_MAX - 2 * UID_BLOCK || modseq > INT64_MAX / 2)
		return no_uids(m, err);
	(void)pthread_mutex_lock(&m->lock);
	rc = raise_to(m, uidnext, modseq, err);
	if (rc == PST_OK) {
		if (uidnext > m->state.uidnext)
			m->state.uidnext = uidnext;
		if (modseq > m->state.modseq)
			m->state.modseq = modseq;
	}
	(void)pthread_mutex_unlock(&m->lock);
	return rc;
}

enum pst_rc
li_mailstate_next_modseq(
    struct li_mailstate *m, uint64_t *modseq_r, struct pst_error *err)
{
	struct pst_error why = { 0 };
	uint64_t modseq = 0;
	enum pst_rc rc = li_mailstate_reserve(m, 0, NULL, &modseq, &why);

	if (rc == PST_E_NOSPACE || rc == PST_E_NOTFOUND) {
		(void)pthread_mutex_lock(&m->lock);
		modseq = ++m->state.modseq;
		m->is_dirty = true;
		(void)pthread_mutex_unlock(&m->lock);
		rc = PST_OK;
	}
	if (rc != PST_OK && err != NULL)
		*err = why;
	if (modseq_r != NULL)
		*modseq_r = modseq;
	return rc;
}

enum pst_rc
li_mailstate_adopt(struct li_mailstate *m, const struct pst_box_state *origin,
    struct pst_error *err)
{
	struct li_state *st = &m->state;
	const struct li_state old = *st; /* borrows its texts */
	const uint32_t old_floor = m->uid_floor;
	const uint64_t old_modseq = m->modseq_floor;
	enum pst_rc rc;

	if (st->recent == st->uidnext && origin->uidnext > st->uidnext)
		st->recent = origin->uidnext; /* none is, so far */
	st->uidvalidity = origin->uidvalidity;
	memcpy(st->objectid, origin->objectid, sizeof(st->objectid));
	if (origin->uidnext > st->uidnext)
		st->uidnext = origin->uidnext;
	if (origin->highestmodseq > st->modseq)
		st->modseq = origin->highestmodseq;
	if (st->uidnext > m->uid_floor)
		m->uid_floor = st->uidnext;
	if (st->modseq > m->modseq_floor)
		m->modseq_floor = st->modseq;
	rc = li_mailstate_write(m, LI_SYNC_FULL, err);
	if (rc != PST_OK) {
		*st = old;
		m->uid_floor = old_floor;
		m->modseq_floor = old_modseq;
	}
	return rc;
}

/* --- what others are told --------------------------------------------------
 */

uint64_t
li_mailstate_modseq(struct li_mailstate *m)
{
	uint64_t modseq;

	(void)pthread_mutex_lock(&m->lock);
	modseq = m->state.modseq;
	(void)pthread_mutex_unlock(&m->lock);
	return modseq;
}

uint64_t
li_mailstate_named(struct li_mailstate *m)
{
	uint64_t mask = 0;

	(void)pthread_mutex_lock(&m->lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (m->state.keyword[k] != NULL)
			mask |= UINT64_C(1) << k;
	(void)pthread_mutex_unlock(&m->lock);
	return mask;
}

enum pst_rc
li_mailstate_number(struct li_mailstate *m, const char *name, uint64_t used,
    unsigned *number_r, char **old_r, struct pst_error *err)
{
	int k = li_keyword_free(m->state.keyword, used);
	enum pst_rc rc;
	char *old;

	if (k < 0)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.180s: all keywords are in use", m->where);
	old = m->state.keyword[k];
	m->state.keyword[k] = li_strdup(name);
	rc = li_mailstate_write(m, LI_SYNC_FULL, err);
	if (rc != PST_OK) {
		free(m->state.keyword[k]);
		m->state.keyword[k] = old;
		return rc;
	}
	*number_r = (unsigned)k;
	*old_r = old;
	return PST_OK;
}

void
li_mailstate_tell(struct li_mailstate *m, struct pst_box_state *state_r)
{
	(void)pthread_mutex_lock(&m->lock);
	*state_r = (struct pst_box_state){
		.uidvalidity = m->state.uidvalidity,
		.uidnext = m->state.uidnext,
		.highestmodseq = m->state.modseq,
	};
	memcpy(state_r->objectid, m->state.objectid, sizeof(state_r->objectid));
	(void)pthread_mutex_unlock(&m->lock);
}

uint32_t
li_mailstate_recent(struct li_mailstate *m, bool claim, uint32_t *next_r)
{
	uint32_t first;

	(void)pthread_mutex_lock(&m->lock);
	first = m->state.recent;
	*next_r = m->state.uidnext;
	if (claim && first != m->state.uidnext) {
		m->state.recent = m->state.uidnext;
		m->is_dirty = true;
	}
	(void)pthread_mutex_unlock(&m->lock);
	return first;
}

void
li_mailstate_metas(
    struct li_mailstate *m, const char *prefix, struct li_metas *to)
{
	(void)pthread_mutex_lock(&m->lock);
	li_metas_collect(&m->state.meta, prefix, to);
	(void)pthread_mutex_unlock(&m->lock);
}

static enum pst_rc
write_all(void *arg, struct pst_error *err)
{
	return li_mailstate_write(arg, LI_SYNC_FULL, err);
}

enum pst_rc
li_mailstate_meta_set(struct li_mailstate *m, const char *key,
    struct pst_str value, struct pst_error *err)
{
	enum pst_rc rc;

	(void)pthread_mutex_lock(&m->lock);
	rc = li_metas_change(&m->state.meta, key, value, write_all, m, err);
	(void)pthread_mutex_unlock(&m->lock);
	return rc;
}
