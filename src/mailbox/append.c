/*
 * mailbox/append.c - messages on their way in.
 *
 * Content is made durable by each thread on its own, in parallel. Placing it in
 * the mailbox goes through a queue per mailbox: one thread leads and commits
 * all that wait with one call of the module, hence one synchronisation of the
 * directory for all of them; the others sleep until theirs is done. New
 * messages therefore also become visible in order of uid.
 */
#include "mailbox/priv.h"

#include "base/str.h"
#include <stdlib.h>

/* --- stages
 * ------------------------------------------------------------------------ */

enum pst_rc
mail_stage_new(struct mail_account *acct, uint64_t size,
    struct mail_stage **stage_r, struct pst_error *err)
{
	struct mail_stage *s = mem_alloc(sizeof(*s));
	enum pst_rc rc;

	s->st = acct->st;
	rc = s->st->ops->stage_new(s->st->store, size, &s->stage, err);
	if (rc != PST_OK) {
		free(s);
		s = NULL;
	}
	*stage_r = s;
	return rc;
}

enum pst_rc
mail_stage_write(
    struct mail_stage *s, const void *p, size_t n, struct pst_error *err)
{
	s->size += n;
	return s->st->ops->stage_write(s->stage, p, n, err);
}

uint64_t
mail_stage_size(const struct mail_stage *s)
{
	return s->size;
}

bool
mail_stage_fits(const struct mail_stage *s, const struct mail_account *acct)
{
	return s->st == acct->st;
}

void
mail_stage_free(struct mail_stage **sp)
{
	if (*sp != NULL) {
		(*sp)->st->ops->stage_free((*sp)->stage);
		free(*sp);
	}
	*sp = NULL;
}

/* --- the queue of a mailbox
 * ----------------------------------------------------------- */

/* What one thread wants to commit. Lives on its stack. */
struct commit {
	const struct mail_append *in;
	struct pst_append *append;
	size_t n;
	bool has_keywords;
	struct pst_row *row;
	uint32_t uidvalidity;
	enum pst_rc rc;
	struct pst_error err;
	bool done;
	struct commit *next;
	struct commit *with; /* the next of those that go together */
};

/* Calls the module; io is held. */
static enum pst_rc
commit_to_box(struct mailbox *mb, const struct pst_append *append, size_t n,
    struct pst_row *row, struct pst_error *err)
{
	if (mb->dead || mb->box == NULL)
		return pst_fail(
		    err, PST_E_NOTFOUND, 0, "%s: deleted", mb->name);
	return mb->acct->st->ops->commit(mb->box, append, n, row, err);
}

/* Numbers of keywords hold only as long as io does: one that no message has may
 * be given to another keyword. */
static enum pst_rc
number_keywords(struct mailbox *mb, struct commit *c)
{
	enum pst_rc rc = PST_OK;

	if (c->has_keywords && (mb->dead || mb->box == NULL))
		return pst_fail(
		    &c->err, PST_E_NOTFOUND, 0, "%s: deleted", mb->name);
	for (size_t i = 0; i < c->n && c->has_keywords && rc == PST_OK; i++)
		rc = mailbox_keyword_mask(mb, c->in[i].keywords,
		    c->in[i].keyword_count, &c->append[i].keywords, &c->err);
	return rc;
}

static void
commit_alone(struct mailbox *mb, struct commit *c)
{
	c->rc = number_keywords(mb, c);
	if (c->rc == PST_OK)
		c->rc = commit_to_box(mb, c->append, c->n, c->row, &c->err);
	if (c->rc == PST_OK)
		mailbox_apply_new(mb, c->row, c->n);
}

/* Several at once; when that fails, each for itself, so that nobody suffers
 * from another's failure. */
static void
commit_together(struct mailbox *mb, struct commit *list, size_t total)
{
	struct pst_append *append = mem_array(total, sizeof(*append));
	struct pst_row *row = mem_array(total, sizeof(*row));
	struct pst_error err;
	enum pst_rc rc;
	size_t at = 0;

	for (struct commit *c = list; c != NULL; c = c->with) {
		memcpy(append + at, c->append, c->n * sizeof(*append));
		at += c->n;
	}
	rc = commit_to_box(mb, append, total, row, &err);
	if (rc == PST_OK)
		mailbox_apply_new(mb, row, total);
	at = 0;
	for (struct commit *c = list; c != NULL; c = c->with) {
		if (rc == PST_OK) {
			memcpy(c->row, row + at, c->n * sizeof(*row));
			c->rc = PST_OK;
			at += c->n;
		} else {
			commit_alone(mb, c);
		}
	}
	free(append);
	free(row);
}

/* It never changes while a box is open; 0 when it is not. */
static uint32_t
uidvalidity_of(struct mailbox *mb)
{
	struct pst_box_state state;
	struct pst_error err;
	uint32_t validity;

	pthread_mutex_lock(&mb->lock);
	validity = mb->state.uidvalidity;
	pthread_mutex_unlock(&mb->lock);
	if (validity != 0 || mb->box == NULL ||
	    mb->acct->st->ops->state(mb->box, &state, &err) != PST_OK)
		return validity;
	pthread_mutex_lock(&mb->lock);
	mb->state = state;
	pthread_mutex_unlock(&mb->lock);
	return state.uidvalidity;
}

/*
 * A stage that was made before the account went to another storage cannot go
 * into its mailboxes any more: the sender has to send it again.
 */
static bool
has_moved(const struct mailbox *mb, struct commit *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->in[i].stage->st != mb->acct->st) {
			c->rc = pst_fail(&c->err, PST_E_TEMP, 0,
			    "%s: the account has just gone to another storage",
			    mb->acct->id);
			return true;
		}
	return false;
}

static void
commit_list(struct mailbox *mb, struct commit *list)
{
	struct commit *plain = NULL, **last = &plain;
	size_t total = 0;
	uint32_t validity;

	pthread_mutex_lock(&mb->io);
	account_change_begin(mb->acct);
	/* The leader's own is in the list: alone, or beside others'. */
	mb->joint_commit = list->next != NULL;
	validity = uidvalidity_of(mb);
	for (struct commit *c = list; c != NULL; c = c->next) {
		c->uidvalidity = validity;
		if (has_moved(mb, c))
			continue;
		if (c->has_keywords) {
			commit_alone(mb, c);
			continue;
		}
		*last = c;
		last = &c->with;
		total += c->n;
	}
	if (plain != NULL && plain->with == NULL)
		commit_alone(mb, plain);
	else if (plain != NULL)
		commit_together(mb, plain, total);
	account_change_end(mb->acct);
	pthread_mutex_unlock(&mb->io);
}

static void
enqueue(struct mailbox *mb, struct commit *mine)
{
	struct commit **at = &mb->queue;

	while (*at != NULL)
		at = &(*at)->next;
	*at = mine;
}

static void
commit_queued(struct mailbox *mb, struct commit *mine)
{
	pthread_mutex_lock(&mb->queue_lock);
	enqueue(mb, mine);
	while (!mine->done && mb->queue_led)
		pthread_cond_wait(&mb->queue_moved, &mb->queue_lock);
	if (!mine->done) {
		struct commit *list = mb->queue;

		mb->queue = NULL;
		mb->queue_led = true;
		pthread_mutex_unlock(&mb->queue_lock);
		commit_list(mb, list);
		pthread_mutex_lock(&mb->queue_lock);
		mb->queue_led = false;
		/* A commit may be gone from its stack once it is done. */
		for (struct commit *c = list, *next; c != NULL; c = next) {
			next = c->next;
			c->done = true;
		}
		pthread_cond_broadcast(&mb->queue_moved);
	}
	pthread_mutex_unlock(&mb->queue_lock);
}

/* --- append
 * ------------------------------------------------------------------------------
 */

static enum pst_rc
prepare(struct commit *c, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < c->n && rc == PST_OK; i++) {
		struct mail_stage *s = c->in[i].stage;

		c->append[i] = (struct pst_append){ .stage = s->stage,
			.flags = c->in[i].flags,
			.internal_date = c->in[i].internal_date,
			.last = c->in[i].last };
		if (c->in[i].keyword_count > 0)
			c->has_keywords = true;
		if (!s->synced)
			rc = s->st->ops->stage_sync(s->stage, err);
		s->synced = rc == PST_OK;
	}
	return rc;
}

/* `gone` and `freed`: messages and octets that go at the same time. */
static enum pst_rc
check_quota(struct mail_account *acct, const struct mail_append *in, size_t n,
    uint64_t gone, uint64_t freed, struct pst_error *err)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += in[i].stage->size;
	return mail_account_room_for(acct, n > gone ? n - gone : 0,
	    bytes > freed ? bytes - freed : 0, err);
}

static enum pst_rc
append_to(const struct mail_place *to, const struct mail_append *appends,
    size_t n, struct mail_appended *results_r, struct pst_error *err)
{
	struct commit mine = { .in = appends, .n = n };
	struct mailbox *mb;
	enum pst_rc rc;

	rc = mailbox_get(to->account, to->name,
	    to->private_seen ? MAILBOX_LOADED : MAILBOX_OPEN, &mb, err);
	if (rc != PST_OK)
		return rc;
	mine.append = mem_array(n, sizeof(*mine.append));
	mine.row = mem_array(n, sizeof(*mine.row));
	rc = prepare(&mine, err);
	if (rc == PST_OK) {
		commit_queued(mb, &mine);
		rc = mine.rc;
		if (rc != PST_OK)
			*err = mine.err;
		for (size_t i = 0; i < n && rc == PST_OK; i++)
			results_r[i] = (struct mail_appended){ mine.uidvalidity,
				mine.row[i].uid };
	}
	free(mine.append);
	free(mine.row);
	mailbox_put(&mb);
	return rc;
}

/* The user who appended them has seen those that came with \Seen. */
static void
note_seen(const struct mail_place *to, const struct mail_append *in, size_t n,
    const struct mail_appended *results)
{
	struct uidset uids = { 0 };
	struct pst_error err;
	struct mailbox *mb;

	for (size_t i = 0; i < n; i++)
		if (in[i].flags & PST_SEEN)
			uidset_add(&uids, results[i].uid, results[i].uid);
	if (uids.n > 0 && mailbox_get(to->account, to->name, MAILBOX_LOADED,
			      &mb, &err) == PST_OK) {
		pthread_mutex_lock(&mb->io);
		settle_seen(mb, to, &uids);
		pthread_mutex_unlock(&mb->io);
		mailbox_put(&mb);
	}
	uidset_fini(&uids);
}

/* With the flags that the user may give (RFC 4314, 4). */
static enum pst_rc
append_shared(const struct mail_place *to, const struct mail_append *in,
    size_t n, struct mail_appended *results_r, struct pst_error *err)
{
	struct mail_append *out = mem_array(n, sizeof(*out));
	uint32_t may = acl_flags(to->rights);
	enum pst_rc rc;

	if (to->private_seen)
		may &= ~(uint32_t)PST_SEEN;
	for (size_t i = 0; i < n; i++) {
		out[i] = in[i];
		out[i].flags &= may;
		if (!(to->rights & ACL_WRITE))
			out[i].keyword_count = 0;
	}
	rc = append_to(to, out, n, results_r, err);
	if (rc == PST_OK && to->private_seen && (to->rights & ACL_SEEN))
		note_seen(to, in, n, results_r);
	free(out);
	return rc;
}

static enum pst_rc
append_any(const struct mail_place *to, const struct mail_append *in, size_t n,
    struct mail_appended *results_r, struct pst_error *err)
{
	return (to->is_shared ? append_shared : append_to)(
	    to, in, n, results_r, err);
}

enum pst_rc
mail_append_to(const struct mail_place *to, const struct mail_append *appends,
    size_t n, struct mail_appended *results_r, struct pst_error *err)
{
	enum pst_rc rc = check_quota(to->account, appends, n, 0, 0, err);

	return rc == PST_OK ? append_any(to, appends, n, results_r, err) : rc;
}

enum pst_rc
mail_append(struct mail_account *acct, const char *mailbox,
    const struct mail_append *appends, size_t n,
    struct mail_appended *results_r, struct pst_error *err)
{
	struct mail_place own = mail_place_own(acct, mailbox);

	return mail_append_to(&own, appends, n, results_r, err);
}

enum pst_rc
mail_append_instead(const struct mail_place *to,
    const struct mail_append *append, uint64_t messages, uint64_t bytes,
    struct mail_appended *result_r, struct pst_error *err)
{
	enum pst_rc rc = check_quota(
	    to->account, append, 1, messages, bytes, err);

	return rc == PST_OK ? append_any(to, append, 1, result_r, err) : rc;
}
