/*
 * mailbox/convert_box.c - one mailbox: the source's rows are compared with what
 * was brought, and the target gets the difference. New messages can only come
 * behind those that the target has; should one be missing in between, or be
 * another one, the target's mailbox is cut off there and filled anew.
 */
#include "mailbox/convert_priv.h"

#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

enum { BATCH_BYTES = 16 << 20 };

/* One mailbox at work. */
struct task {
	struct convert *c;
	struct convert_box *b;
	struct mailbox *mb;
	struct pst_box *box; /* in the target; NULL: not opened yet */
	struct rows rows;    /* of the source, as they are now */
	struct pst_box_state state;
	uint32_t recent;		 /* shown to nobody from here on */
	char *keyword[PST_KEYWORDS_MAX]; /* of the source; NULL: none */
	/* What is to be done: places in `rows`, and uids of the target. */
	size_t *fresh, *changed;
	size_t fresh_n, changed_n, fresh_cap, changed_cap;
	struct uidset gone;
	bool did_something;
};

static const struct pst_store_ops *
target_ops(const struct task *t)
{
	return t->c->to->ops;
}

/* --- the source -------------------------------------------------------------
 */

/* Copies the picture of the live mailbox. io is held. */
static enum pst_rc
look(struct task *t, struct pst_error *err)
{
	struct mailbox *mb = t->mb;
	enum pst_rc rc;

	if (mb->box == NULL || atomic_load(&mb->dead))
		return pst_fail(
		    err, PST_E_NOTFOUND, 0, "%s: deleted", t->b->name);
	rc = mailbox_refresh(mb, err);
	if (rc == PST_OK)
		rc = mb->acct->st->ops->state(mb->box, &t->state, err);
	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&mb->lock);
	if (mb->state.highestmodseq > t->state.highestmodseq)
		t->state.highestmodseq = mb->state.highestmodseq;
	t->recent = mb->recent_first;
	t->rows.n = 0;
	mem_grow(&t->rows.row, &t->rows.cap, mb->n, sizeof(*t->rows.row));
	if (mb->n > 0)
		memcpy(t->rows.row, mb->row, mb->n * sizeof(*mb->row));
	t->rows.n = mb->n;
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (mb->keywords != NULL && mb->keywords->name[k] != NULL)
			t->keyword[k] = str_dup(str_of(mb->keywords->name[k]));
	pthread_mutex_unlock(&mb->lock);
	return PST_OK;
}

static enum pst_rc
look_at_source(struct task *t, struct pst_error *err)
{
	enum pst_rc rc;

	if (t->c->is_held) { /* with its io, too */
		t->mb = t->b->live;
		return t->mb != NULL ? look(t, err)
				     : convert_budget(t->c, UINT64_MAX, 0, err);
	}
	rc = mailbox_get(t->c->acct, t->b->name, MAILBOX_LOADED, &t->mb, err);
	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&t->mb->io);
	rc = look(t, err);
	pthread_mutex_unlock(&t->mb->io);
	return rc;
}

/* --- the target -------------------------------------------------------------
 */

static void
ignore_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void
ignore_row(void *arg, const struct pst_row *row)
{
	(void)arg;
	(void)row;
}

static enum pst_rc
expunge(struct task *t, const struct uidset *uids, struct pst_error *err)
{
	enum pst_rc rc;

	if (uids->n == 0)
		return PST_OK;
	rc = target_ops(t)->expunge(
	    t->box, uidset_peek(uids), ignore_uid, NULL, err);
	if (rc == PST_OK) {
		t->c->result->removed += uidset_count(uids);
		t->did_something = true;
	}
	return rc;
}

/* The source's number of a keyword of the target, as a mask; 0: it has none.
 */
static uint64_t
source_keyword(const struct task *t, const char *name)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (t->keyword[k] != NULL &&
		    str_is_case(str_of(t->keyword[k]), name))
			return UINT64_C(1) << k;
	return 0;
}

/* The rows of the target with the source's numbers. One whose keyword the
 * source does not have gets a modseq that no message has, so that it counts as
 * changed. */
static void
renumber(struct task *t, struct rows *rows)
{
	const char *const *names = target_ops(t)->keywords(t->box);
	uint64_t as[PST_KEYWORDS_MAX] = { 0 };

	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (names[k] != NULL && names[k][0] != '\0')
			as[k] = source_keyword(t, names[k]);
	for (size_t i = 0; i < rows->n; i++) {
		struct pst_row *row = &rows->row[i];
		uint64_t mask = 0;

		for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
			if (!(row->keywords >> k & 1))
				continue;
			mask |= as[k];
			if (as[k] == 0)
				row->modseq = 0;
		}
		row->keywords = mask;
	}
}

/*
 * Which of the first messages of the target are those of the source: uids that
 * both have are compared. *n_r: rows of `old` that can stay.
 */
static enum pst_rc
compare_old(
    struct task *t, const struct rows *old, size_t *n_r, struct pst_error *err)
{
	struct convert_item *item = mem_array(CONVERT_BATCH, sizeof(*item));
	size_t *place = mem_array(CONVERT_BATCH, sizeof(*place));
	enum pst_rc rc = PST_OK;
	size_t i = 0, k = 0;

	*n_r = old->n;
	while (rc == PST_OK && i < t->rows.n && k < old->n) {
		size_t n = 0;

		while (n < CONVERT_BATCH && i < t->rows.n && k < old->n) {
			uint32_t a = t->rows.row[i].uid, b = old->row[k].uid;

			if (a == b) {
				item[n].must_read = t->rows.row[i].size !=
						    old->row[k].size;
				item[n].row = t->rows.row[i++];
				place[n++] = k++;
			} else if (a < b) {
				i++;
			} else {
				k++;
			}
		}
		copier_compare(t->c->copier, t->mb, t->box, item, n);
		for (size_t j = 0; j < n && rc == PST_OK; j++) {
			if (item[j].rc == PST_E_CONFLICT) {
				*n_r = place[j];
				goto out;
			}
			rc = item[j].rc;
			if (rc != PST_OK)
				*err = item[j].err;
		}
		t->c->result->verified += n;
		t->c->progress.messages += n;
		convert_tell(t->c);
	}
out:
	free(item);
	free(place);
	return rc;
}

/* Takes away all messages of the target from a place in `old` on. */
static enum pst_rc
cut_off(
    struct task *t, const struct rows *old, size_t from, struct pst_error *err)
{
	struct uidset uids = { 0 };
	enum pst_rc rc;

	for (size_t i = from; i < old->n; i++)
		uidset_add(&uids, old->row[i].uid, old->row[i].uid);
	rc = expunge(t, &uids, err);
	uidset_fini(&uids);
	return rc;
}

/* What is there is of another mailbox that had this name, or still has it. */
static enum pst_rc
begin_anew(struct task *t, const struct rows *old,
    const struct pst_box_state *st, struct pst_error *err)
{
	const struct pst_store_ops *to = target_ops(t);
	enum pst_rc rc = cut_off(t, old, 0, err);

	/* Its UIDNEXT is not ours. INBOX is always there. */
	if (rc == PST_OK && st->uidnext > 1 &&
	    strcmp(t->b->name, "INBOX") != 0) {
		to->box_close(t->box);
		t->box = NULL;
		t->b->meta.is_known = false;
		rc = to->remove(t->c->target, t->b->name, err);
		if (rc == PST_OK)
			rc = to->create(
			    t->c->target, t->b->name, t->b->special_use, err);
		if (rc == PST_OK)
			rc = to->box_open(
			    t->c->target, t->b->name, &t->box, err);
		if (rc == PST_OK)
			rc = to->load(t->box, ignore_row, NULL, err);
		else
			t->box = NULL;
	}
	return rc == PST_OK ? to->adopt(t->box, &t->state, err) : rc;
}

/* The first look at a mailbox of the target. */
static enum pst_rc
begin(struct task *t, struct pst_error *err)
{
	const struct pst_store_ops *to = target_ops(t);
	struct pst_box_state st = { 0 };
	struct rows old = { 0 };
	size_t keep = 0;
	bool is_same = false;
	enum pst_rc rc = to->load(t->box, rows_add, &old, err);

	if (rc == PST_OK)
		rc = to->state(t->box, &st, err);
	if (rc == PST_OK)
		is_same = st.uidvalidity == t->state.uidvalidity &&
			  strcmp(st.objectid, t->state.objectid) == 0;
	if (rc == PST_OK && is_same)
		rc = compare_old(t, &old, &keep, err);
	if (rc == PST_OK && is_same)
		rc = cut_off(t, &old, keep, err);
	else if (rc == PST_OK)
		rc = begin_anew(t, &old, &st, err);
	if (rc == PST_OK) {
		old.n = keep;
		renumber(t, &old);
		rows_fini(&t->b->brought);
		t->b->brought = old;
		t->b->is_open_once = true;
		t->did_something = true;
		return PST_OK;
	}
	rows_fini(&old);
	return rc;
}

static enum pst_rc
open_target(struct task *t, struct pst_error *err)
{
	enum pst_rc rc;

	if (t->box != NULL)
		return PST_OK;
	rc = target_ops(t)->box_open(t->c->target, t->b->name, &t->box, err);
	if (rc != PST_OK) {
		t->box = NULL;
		return rc == PST_E_NOTFOUND
			   ? pst_fail(err, PST_E_TEMP, 0,
				 "somebody removed %.60s from storage \"%s\"",
				 t->b->name, t->c->to->cfg->name)
			   : rc;
	}
	if (!t->b->is_open_once)
		return begin(t, err);
	return target_ops(t)->load(t->box, ignore_row, NULL, err);
}

/* --- what is to be done -----------------------------------------------------
 */

static bool
is_changed(const struct pst_row *a, const struct pst_row *b)
{
	return a->flags != b->flags || a->keywords != b->keywords ||
	       a->modseq != b->modseq || a->internal_date != b->internal_date ||
	       a->save_date != b->save_date;
}

static void
add_place(size_t **list, size_t *n, size_t *cap, size_t place)
{
	mem_grow(list, cap, *n + 1, sizeof(**list));
	(*list)[(*n)++] = place;
}

/* Both ascend by uid. */
static void
plan(struct task *t)
{
	const struct rows *a = &t->rows, *b = &t->b->brought;
	size_t i = 0, k = 0;

	while (i < a->n && k < b->n && a->row[i].uid >= b->row[k].uid) {
		if (a->row[i].uid > b->row[k].uid) {
			uidset_add(&t->gone, b->row[k].uid, b->row[k].uid);
			k++;
			continue;
		}
		if (is_changed(&a->row[i], &b->row[k]))
			add_place(
			    &t->changed, &t->changed_n, &t->changed_cap, i);
		i++;
		k++;
	}
	/* Where one is missing nothing can come in between. */
	for (; k < b->n; k++)
		uidset_add(&t->gone, b->row[k].uid, b->row[k].uid);
	for (; i < a->n; i++)
		add_place(&t->fresh, &t->fresh_n, &t->fresh_cap, i);
}

/* Takes what is gone out of what was brought. */
static void
forget_gone(struct task *t)
{
	struct rows *b = &t->b->brought;
	size_t to = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!uidset_has(&t->gone, b->row[i].uid))
			b->row[to++] = b->row[i];
	b->n = to;
}

static struct pst_row *
brought_row(struct task *t, uint32_t uid)
{
	struct rows *b = &t->b->brought;
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->row[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < b->n && b->row[low].uid == uid ? &b->row[low] : NULL;
}

/*
 * The same keywords by the target's numbers. In a full table a name may get the
 * number of one before it, which no message has yet, so they are looked up
 * again.
 */
static enum pst_rc
map_keywords(struct task *t, uint64_t used, uint64_t as[PST_KEYWORDS_MAX],
    struct pst_error *err)
{
	const struct pst_store_ops *to = target_ops(t);
	enum pst_rc rc = PST_OK;

	for (int round = 0; round < 2; round++)
		for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
			unsigned number = 0;

			as[k] = 0;
			if (!(used >> k & 1) || t->keyword[k] == NULL ||
			    rc != PST_OK)
				continue;
			rc = to->keyword(
			    t->box, t->keyword[k], round == 0, &number, err);
			as[k] = UINT64_C(1) << number;
		}
	return rc == PST_E_NOTFOUND
		   ? pst_fail(err, PST_E_LIMIT, 0,
			 "%.120s: storage \"%s\" has no room for its keywords",
			 t->b->name, t->c->to->cfg->name)
		   : rc;
}

static uint64_t
mapped(uint64_t mask, const uint64_t as[PST_KEYWORDS_MAX])
{
	uint64_t result = 0;

	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (mask >> k & 1)
			result |= as[k];
	return result;
}

/* Gives `n` messages to the target, and remembers them as brought. */
static enum pst_rc
place(struct task *t, struct convert_item *const *item, size_t n,
    struct pst_error *err)
{
	struct pst_placed *placed = mem_array(n, sizeof(*placed));
	uint64_t used = 0, as[PST_KEYWORDS_MAX];
	enum pst_rc rc;

	for (size_t i = 0; i < n; i++)
		used |= item[i]->row.keywords;
	rc = map_keywords(t, used, as, err);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		placed[i].stage = item[i]->stage;
		placed[i].row = item[i]->row;
		placed[i].row.keywords = mapped(item[i]->row.keywords, as);
		memcpy(placed[i].ident, item[i]->ident, sizeof(item[i]->ident));
	}
	if (rc == PST_OK && n > 0)
		rc = target_ops(t)->place(t->box, placed, n, err);
	free(placed);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		struct pst_row *row = brought_row(t, item[i]->row.uid);

		if (row != NULL)
			*row = item[i]->row;
		else
			rows_add(&t->b->brought, &item[i]->row);
	}
	t->did_something = true;
	return rc;
}

/* --- doing it ---------------------------------------------------------------
 */

static enum pst_rc
change_all(struct task *t, struct pst_error *err)
{
	struct convert_item *item = mem_array(CONVERT_BATCH, sizeof(*item));
	struct convert_item *ref[CONVERT_BATCH];
	enum pst_rc rc = PST_OK;

	for (size_t at = 0; at < t->changed_n && rc == PST_OK;) {
		size_t n = 0;

		for (; n < CONVERT_BATCH && at < t->changed_n; n++, at++) {
			item[n] = (struct convert_item){
				.row = t->rows.row[t->changed[at]]
			};
			ref[n] = &item[n];
		}
		if (convert_stopped(t->c))
			break;
		rc = place(t, ref, n, err);
		if (rc == PST_OK)
			t->c->result->changed += n;
		t->c->progress.messages += n;
		convert_tell(t->c);
	}
	free(item);
	return rc;
}

static void
free_stages(struct task *t, struct convert_item *item, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (item[i].stage != NULL) {
			target_ops(t)->stage_free(item[i].stage);
			item[i].stage = NULL;
		}
}

/* Before the first message that nobody was shown: those up to there were. */
static enum pst_rc
claim(struct task *t, struct pst_error *err)
{
	uint32_t first;

	return target_ops(t)->recent(t->box, true, &first, err);
}

/* The next messages, not too many octets, none across what was shown. */
static size_t
fill_batch(struct task *t, size_t *at, struct convert_item *item)
{
	uint64_t bytes = 0;
	bool was_shown = false;
	size_t n = 0;

	while (n < CONVERT_BATCH && *at < t->fresh_n && bytes < BATCH_BYTES) {
		const struct pst_row *row = &t->rows.row[t->fresh[*at]];
		bool shown = row->uid < t->recent;

		if (n > 0 && shown != was_shown)
			break;
		was_shown = shown;
		item[n++] = (struct convert_item){ .row = *row };
		bytes += row->size;
		(*at)++;
	}
	return n;
}

static enum pst_rc
copy_batch(
    struct task *t, struct convert_item *item, size_t n, struct pst_error *err)
{
	struct convert *c = t->c;
	struct convert_item *ref[CONVERT_BATCH], whole;
	uint64_t bytes = 0;
	size_t there = 0;
	enum pst_rc rc = PST_OK;

	copier_stage(c->copier, t->mb, item, n);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		if (item[i].rc == PST_OK)
			ref[there++] = &item[i];
		else if (item[i].rc != PST_E_NOTFOUND)
			rc = pst_fail(err, item[i].rc, item[i].err.sys_errno,
			    "%.60s, uid %lu: %.140s", t->b->name,
			    (unsigned long)item[i].row.uid, item[i].err.detail);
	}
	if (rc == PST_OK)
		rc = place(t, ref, there, err);
	free_stages(t, item, n);
	if (rc != PST_OK)
		return rc;
	/* Only those that are there, one behind the other. */
	for (size_t i = 0; i < there; i++) {
		bytes += ref[i]->row.size;
		whole = *ref[i];
		item[i] = whole;
	}
	c->result->copied += there;
	c->result->copied_bytes += bytes;
	c->progress.messages += n;
	c->progress.bytes += bytes;
	if (c->how->verify != CONVERT_VERIFY_NONE)
		rc = copier_verify(c->copier, t->box, item, there, err);
	convert_tell(c);
	return rc;
}

static enum pst_rc
copy_all(struct task *t, struct pst_error *err)
{
	struct convert_item *item = mem_array(CONVERT_BATCH, sizeof(*item));
	bool claimed = false;
	enum pst_rc rc = PST_OK;

	for (size_t at = 0; at < t->fresh_n && rc == PST_OK;) {
		if (convert_stopped(t->c))
			break;
		if (!claimed && t->rows.row[t->fresh[at]].uid >= t->recent) {
			rc = claim(t, err);
			claimed = true;
		}
		if (rc == PST_OK)
			rc = copy_batch(t, item, fill_batch(t, &at, item), err);
	}
	if (rc == PST_OK && !claimed && t->recent >= t->state.uidnext)
		rc = claim(t, err);
	free(item);
	return rc;
}

/* So that the target goes on where the source ends. What was expunged in the
 * target just now has modseqs of its own, which are above. */
static enum pst_rc
settle(struct task *t, struct pst_error *err)
{
	enum pst_rc rc = target_ops(t)->adopt(t->box, &t->state, err);

	if (rc == PST_OK)
		t->b->state = t->state;
	return rc;
}

static bool
is_as_brought(const struct task *t)
{
	const struct pst_box_state *a = &t->state, *b = &t->b->state;

	return t->fresh_n + t->changed_n == 0 && t->gone.n == 0 &&
	       a->uidvalidity == b->uidvalidity && a->uidnext == b->uidnext &&
	       a->highestmodseq == b->highestmodseq &&
	       strcmp(a->objectid, b->objectid) == 0;
}

static bool
is_another(const struct task *t)
{
	return t->b->state.uidvalidity != t->state.uidvalidity ||
	       strcmp(t->b->state.objectid, t->state.objectid) != 0;
}

static uint64_t
fresh_bytes(const struct task *t)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < t->fresh_n; i++)
		bytes += t->rows.row[t->fresh[i]].size;
	return bytes;
}

static enum pst_rc
bring(struct task *t, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	/* Made anew under the same name: as if it were never seen. */
	if (t->b->is_open_once && is_another(t))
		t->b->is_open_once = false;
	if (!t->b->is_open_once) {
		rc = convert_budget(t->c, t->rows.n, 0, err);
		if (rc == PST_OK)
			rc = open_target(t, err);
		if (rc != PST_OK)
			return rc;
	}
	plan(t);
	if (!t->did_something && is_as_brought(t))
		return PST_OK;
	rc = convert_budget(t->c,
	    t->fresh_n + t->changed_n + uidset_count(&t->gone), fresh_bytes(t),
	    err);
	if (rc == PST_OK)
		rc = open_target(t, err);
	if (rc == PST_OK)
		rc = expunge(t, &t->gone, err);
	if (rc != PST_OK)
		return rc;
	forget_gone(t);
	t->c->moved += t->fresh_n + t->changed_n + uidset_count(&t->gone);
	rc = change_all(t, err);
	if (rc == PST_OK)
		rc = copy_all(t, err);
	return rc == PST_OK && !convert_stopped(t->c) ? settle(t, err) : rc;
}

enum pst_rc
convert_mailbox(struct convert *c, struct convert_box *b, struct pst_error *err)
{
	struct task t = { .c = c, .b = b };
	enum pst_rc rc;

	c->progress.mailbox = b->name;
	rc = look_at_source(&t, err);
	if (rc == PST_OK)
		rc = bring(&t, err);
	if (rc == PST_OK && !convert_stopped(c))
		rc = convert_metadata(c, b->name, &b->meta, err);
	if (t.box != NULL)
		c->to->ops->box_close(t.box);
	if (!c->is_held)
		mailbox_put(&t.mb);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(t.keyword[k]);
	free(t.fresh);
	free(t.changed);
	uidset_fini(&t.gone);
	rows_fini(&t.rows);
	return rc;
}
