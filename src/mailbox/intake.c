/*
 * mailbox/intake.c - see intake.h.
 *
 * "import/origin" of a mailbox that goes on from another one holds the
 * UIDVALIDITY, the mark (messages of the origin with lower uids came) and the
 * uidnext at that time. While the latter is still true nothing came from
 * elsewhere, and an intake that was cut short goes on placing messages; else it
 * places only above all uids that were given away meanwhile, so that none is
 * ever used twice.
 */
#include "mailbox/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/priv.h"
#include "mailbox/uidl.h"
#include <gnutls/crypto.h>
#include <stdlib.h>

#define ORIGIN_KEY "import/origin"

enum {
	PIECE = 65536,
	ADOPT_TRIES = 3,
	UIDLS_MAX = 20000, /* that gather */
	KEYWORD_MAX = 200,
	SYNCERS = 15, /* threads, besides our own */
};

/* Between two notes of how far it has come. */
#define NOTE_TIME (INT64_C(5) * 1000000)

/* A message that was there before. */
struct present {
	uint64_t size;
	uint32_t uid;
	bool is_used; /* for one of those that come */
	bool has_digest;
	unsigned char digest[32];
};

struct mail_intake {
	struct mail_account *acct;
	struct mailbox *mb;
	struct intake_origin origin;
	struct intake_sum sum;
	bool keeps;
	uint32_t mark, next_mark;
	uint32_t missed; /* the mark does not pass this; 0: none */
	uint32_t floor;	 /* no uid below this is placed */
	uint32_t left;	 /* the uidnext that we left behind */
	int64_t noted;
	struct present *present; /* by size */
	size_t n;
	struct uidl *uidl; /* not written yet */
	size_t uidls, uidl_cap;
};

struct uidl {
	uint32_t uid;
	char id[MAILBOX_UIDL_MAX + 1];
};

/* --- what is there already ----------------------------------------------- */

static int
compare_size(const void *a, const void *b)
{
	const struct present *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static void
take_stock(struct mail_intake *in)
{
	struct mailbox *mb = in->mb;

	pthread_mutex_lock(&mb->lock);
	in->n = mb->n;
	in->present = mem_array(in->n + 1, sizeof(*in->present));
	for (size_t i = 0; i < in->n; i++) {
		in->present[i].size = mb->row[i].size;
		in->present[i].uid = mb->row[i].uid;
	}
	pthread_mutex_unlock(&mb->lock);
	if (in->n > 0)
		qsort(in->present, in->n, sizeof(*in->present), compare_size);
}

static enum pst_rc
digest_body(const struct pst_body *body, unsigned char digest[32],
    struct pst_error *err)
{
	gnutls_hash_hd_t hash;
	char *piece;
	enum pst_rc rc = PST_OK;

	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return pst_fail(err, PST_E_TEMP, 0, "no SHA-256");
	piece = mem_alloc(PIECE);
	for (uint64_t at = 0; rc == PST_OK && at < body->length;) {
		size_t n = body->length - at < PIECE
			       ? (size_t)(body->length - at)
			       : PIECE;

		rc = mail_body_read(body, at, piece, n, err);
		if (rc == PST_OK)
			(void)gnutls_hash(hash, piece, n);
		at += n;
	}
	free(piece);
	gnutls_hash_deinit(hash, digest);
	return rc;
}

/* False: it is gone, or cannot be read: not to be compared with. */
static bool
know_digest(struct mail_intake *in, struct present *p)
{
	struct pst_error err;
	struct pst_body body;
	enum pst_rc rc;

	if (p->has_digest)
		return true;
	if (mailbox_body(in->mb, p->uid, &body, &err) != PST_OK)
		return false;
	rc = digest_body(&body, p->digest, &err);
	body.release(&body);
	p->has_digest = rc == PST_OK;
	return p->has_digest;
}

/* Its like is there, and is not the like of another that came before. */
static bool
find_like(struct mail_intake *in, const struct intake_message *m)
{
	uint64_t size = mail_stage_size(m->stage);
	size_t low = 0, high = in->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (in->present[middle].size < size)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < in->n && in->present[low].size == size; low++) {
		struct present *p = &in->present[low];

		if (p->is_used || !know_digest(in, p) ||
		    memcmp(p->digest, m->digest, sizeof(p->digest)) != 0)
			continue;
		p->is_used = true;
		return true;
	}
	return false;
}

/* --- going on from the origin -------------------------------------------- */

struct noted {
	uint32_t uidvalidity, mark, uidnext;
};

static void
take_noted(void *arg, const char *key, struct pst_str value)
{
	struct noted *n = arg;
	struct pst_str a, b;

	if (strcmp(key, ORIGIN_KEY) != 0 || !str_split(&value, ' ', &a) ||
	    !str_split(&value, ' ', &b) || !str_to_u32(a, &n->uidvalidity) ||
	    !str_to_u32(b, &n->mark) || !str_to_u32(value, &n->uidnext))
		*n = (struct noted){ 0 };
}

static enum pst_rc
note_origin(struct mail_intake *in, struct pst_error *err)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%lu %lu %lu",
	    (unsigned long)in->origin.uidvalidity, (unsigned long)in->next_mark,
	    (unsigned long)in->left);

	return in->acct->st->ops->meta_set(in->acct->acct, in->mb->name,
	    ORIGIN_KEY, str_n(text, (size_t)n), err);
}

/* The engine's picture after the module's state has changed. io is held. */
static enum pst_rc
take_state(struct mailbox *mb, struct pst_error *err)
{
	struct pst_box_state state;
	enum pst_rc rc = mb->acct->st->ops->state(mb->box, &state, err);

	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&mb->lock);
	mb->state = state;
	history_begin(mb, state.highestmodseq);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
	return PST_OK;
}

/* io is held. */
static enum pst_rc
adopt(struct mail_intake *in, struct pst_error *err)
{
	const struct intake_origin *o = &in->origin;
	struct mailbox *mb = in->mb;
	struct pst_box_state state = mb->state;
	enum pst_rc rc;

	state.uidvalidity = o->uidvalidity;
	state.uidnext = o->uidnext;
	state.highestmodseq = o->highestmodseq;
	if (o->objectid[0] != '\0' && mb->n == 0)
		memcpy(state.objectid, o->objectid, sizeof(state.objectid));
	rc = mb->acct->st->ops->adopt(mb->box, &state, err);
	if (rc == PST_E_PERM && mb->n == 0) {
		/* The store may have no place for another object id. */
		memcpy(
		    state.objectid, mb->state.objectid, sizeof(state.objectid));
		rc = mb->acct->st->ops->adopt(mb->box, &state, err);
	}
	return rc == PST_OK ? take_state(mb, err) : rc;
}

/* An empty mailbox becomes the origin's. io is held; *busy_r: sessions have it
 * open, and were told that it is gone. */
static enum pst_rc
adopt_empty(struct mail_intake *in, bool *busy_r, struct pst_error *err)
{
	struct mailbox *mb = in->mb;
	enum pst_rc rc;

	pthread_mutex_lock(&mb->lock);
	*busy_r = mb->views != NULL &&
		  mb->state.uidvalidity != in->origin.uidvalidity;
	pthread_mutex_unlock(&mb->lock);
	if (*busy_r) {
		atomic_store(&mb->dead, true);
		mailbox_close_box(mb);
		pthread_mutex_lock(&mb->lock);
		mailbox_wake_views(mb);
		pthread_mutex_unlock(&mb->lock);
		return PST_OK;
	}
	rc = adopt(in, err);
	if (rc == PST_E_PERM || rc == PST_E_UNSUPPORTED)
		return PST_OK; /* then with new uids */
	if (rc != PST_OK)
		return rc;
	in->keeps = true;
	in->mark = in->next_mark = in->floor = 1;
	in->left = mb->state.uidnext;
	return note_origin(in, err);
}

/* It went on from the origin before. io is held. */
static enum pst_rc
go_on(struct mail_intake *in, const struct noted *noted, struct pst_error *err)
{
	uint32_t uidnext = in->mb->state.uidnext;

	in->keeps = true;
	in->mark = in->next_mark = noted->mark;
	in->floor = uidnext == noted->uidnext ? noted->mark : uidnext;
	if (in->origin.uidnext > uidnext) {
		enum pst_rc rc = adopt(in, err);

		if (rc != PST_OK)
			return rc;
	}
	in->left = in->mb->state.uidnext;
	return PST_OK;
}

static enum pst_rc
begin(struct mail_intake *in, bool *busy_r, struct pst_error *err)
{
	const struct pst_store_ops *ops = in->acct->st->ops;
	struct mailbox *mb = in->mb;
	struct noted noted = { 0 };
	enum pst_rc rc;

	*busy_r = false;
	if (ops->adopt == NULL || ops->place == NULL ||
	    in->origin.uidvalidity == 0)
		return PST_OK;
	rc = ops->meta_get(
	    in->acct->acct, mb->name, ORIGIN_KEY, take_noted, &noted, err);
	if (rc != PST_OK)
		return rc;
	if (noted.uidvalidity == in->origin.uidvalidity &&
	    mb->state.uidvalidity == noted.uidvalidity)
		return go_on(in, &noted, err);
	return mb->n == 0 ? adopt_empty(in, busy_r, err) : PST_OK;
}

/* One attempt. *busy_r: the mailbox is to be opened anew. */
static enum pst_rc
try_begin(struct mail_intake *in, const char *name, bool *busy_r,
    struct pst_error *err)
{
	enum pst_rc rc = mailbox_get(
	    in->acct, name, MAILBOX_LOADED, &in->mb, err);

	*busy_r = false;
	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&in->mb->io);
	rc = in->mb->dead || in->mb->box == NULL
		 ? pst_fail(err, PST_E_NOTFOUND, 0, "%s: deleted", name)
		 : mailbox_refresh(in->mb, err);
	if (rc == PST_OK)
		rc = begin(in, busy_r, err);
	pthread_mutex_unlock(&in->mb->io);
	if (rc != PST_OK || *busy_r)
		mailbox_put(&in->mb);
	return rc;
}

enum pst_rc
mail_intake_new(struct mail_account *acct, const char *name,
    const struct intake_origin *origin, struct mail_intake **in_r,
    struct pst_error *err)
{
	struct mail_intake *in = mem_alloc(sizeof(*in));
	bool busy = true;
	enum pst_rc rc = PST_OK;

	in->acct = acct;
	account_take(acct);
	in->origin = *origin;
	in->noted = clock_monotonic();
	for (int i = 0; rc == PST_OK && busy && i <= ADOPT_TRIES; i++) {
		/* Somebody who opens it again and again gets what he wants. */
		if (i == ADOPT_TRIES)
			in->origin.uidvalidity = 0;
		rc = try_begin(in, name, &busy, err);
	}
	if (rc == PST_OK)
		take_stock(in);
	else
		mail_intake_free(&in);
	*in_r = in;
	return rc;
}

uint32_t
mail_intake_mark(const struct mail_intake *in)
{
	return in->keeps ? in->mark : 0;
}

bool
mail_intake_keeps_uids(const struct mail_intake *in)
{
	return in->keeps;
}

const struct intake_sum *
mail_intake_sum(const struct mail_intake *in)
{
	return &in->sum;
}

void
mail_intake_free(struct mail_intake **inp)
{
	struct mail_intake *in = *inp;

	*inp = NULL;
	if (in == NULL)
		return;
	mailbox_put(&in->mb);
	mail_account_close(&in->acct);
	free(in->uidl);
	free(in->present);
	free(in);
}

/* --- keywords ------------------------------------------------------------ */

/* An atom (RFC 3501, 9) that is no system flag. */
static bool
is_keyword(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] == 0x7f ||
		    strchr("(){%*\"\\]", name[i]) != NULL)
			return false;
	return true;
}

/* Those that the mailbox has room for. io is held. */
static uint64_t
number_keywords(struct mail_intake *in, const struct intake_message *m)
{
	const struct pst_store_ops *ops = in->acct->st->ops;
	uint64_t mask = 0;

	for (size_t i = 0; i < m->keyword_count; i++) {
		struct pst_error err;
		unsigned number;

		if (is_keyword(m->keywords[i]) &&
		    ops->keyword(in->mb->box, m->keywords[i], true, &number,
			&err) == PST_OK)
			mask |= UINT64_C(1) << number;
		else
			in->sum.keywords++;
	}
	return mask;
}

/* --- putting ------------------------------------------------------------- */

/* What becomes of one batch. io is held but by sort_out(). */
struct batch {
	const struct intake_message *place[INTAKE_BATCH], *append[INTAKE_BATCH];
	size_t places, appends;
};

/* Without those that are here already. */
static size_t
pass_over(struct mail_intake *in, const struct intake_message *m, size_t n,
    const struct intake_message **rest)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		bool came = in->keeps && m[i].uid != 0 && m[i].uid < in->mark;

		if (find_like(in, &m[i]))
			in->sum.known++;
		else if (came)
			in->sum.gone++;
		else
			rest[left++] = &m[i];
	}
	return left;
}

static void
sort_out(struct mail_intake *in, const struct intake_message *const *m,
    size_t n, struct batch *b)
{
	struct mailbox *mb = in->mb;
	uint32_t last = mb->n > 0 ? mb->row[mb->n - 1].uid : 0;

	if (mb->state.uidnext != in->left)
		in->floor = mb->state.uidnext;
	for (size_t i = 0; i < n; i++) {
		uint32_t uid = m[i]->uid;

		if (in->keeps && uid >= in->floor && uid > last &&
		    uid < UINT32_MAX) {
			b->place[b->places++] = m[i];
			last = uid;
		} else {
			b->append[b->appends++] = m[i];
		}
	}
}

static void
note_uidl(struct mail_intake *in, const char *uidl, uint32_t uid)
{
	struct uidl *u;
	char own[17];

	mailbox_uidl_own(in->mb->state.uidvalidity, uid, own);
	/* What the message is called anyway need not be kept. */
	if (uidl == NULL || strcmp(uidl, own) == 0 ||
	    !mailbox_uidl_is_valid(str_of(uidl)))
		return;
	mem_grow(&in->uidl, &in->uidl_cap, in->uidls + 1, sizeof(*in->uidl));
	u = &in->uidl[in->uidls++];
	u->uid = uid;
	(void)str_copy(u->id, sizeof(u->id), str_of(uidl));
}

static enum pst_rc
place_batch(struct mail_intake *in, struct batch *b, struct pst_error *err)
{
	struct pst_placed *p = mem_array(b->places + 1, sizeof(*p));
	struct pst_row *row = mem_array(b->places + 1, sizeof(*row));
	uint64_t modseq = in->mb->state.highestmodseq;
	enum pst_rc rc;

	for (size_t i = 0; i < b->places; i++) {
		const struct intake_message *m = b->place[i];

		/* One that is told, so that we know it as the store does. */
		row[i] = (struct pst_row){ .uid = m->uid,
			.flags = m->flags & PST_FLAGS_ALL,
			.keywords = number_keywords(in, m),
			.modseq = m->modseq != 0 ? m->modseq : ++modseq,
			.internal_date = m->internal_date,
			.save_date = m->save_date,
			.size = mail_stage_size(m->stage) };
		p[i].stage = m->stage->stage;
		p[i].row = row[i];
	}
	rc = in->acct->st->ops->place(in->mb->box, p, b->places, err);
	if (rc == PST_OK) {
		mailbox_take_keywords(in->mb);
		mailbox_apply_new(in->mb, row, b->places);
		in->sum.kept += b->places;
		for (size_t i = 0; i < b->places; i++)
			note_uidl(in, b->place[i]->uidl, row[i].uid);
	}
	free(p);
	free(row);
	return rc;
}

static enum pst_rc
append_batch(struct mail_intake *in, struct batch *b, struct pst_error *err)
{
	struct pst_append *a = mem_array(b->appends + 1, sizeof(*a));
	struct pst_row *row = mem_array(b->appends + 1, sizeof(*row));
	enum pst_rc rc;

	for (size_t i = 0; i < b->appends; i++) {
		const struct intake_message *m = b->append[i];

		a[i] = (struct pst_append){ .stage = m->stage->stage,
			.flags = m->flags & PST_FLAGS_ALL,
			.keywords = number_keywords(in, m),
			.internal_date = m->internal_date,
			.last = true };
	}
	rc = in->acct->st->ops->commit(in->mb->box, a, b->appends, row, err);
	if (rc == PST_OK) {
		mailbox_take_keywords(in->mb);
		mailbox_apply_new(in->mb, row, b->appends);
		in->sum.appended += b->appends;
		for (size_t i = 0; i < b->appends; i++)
			note_uidl(in, b->append[i]->uidl, row[i].uid);
	}
	free(a);
	free(row);
	return rc;
}

/* Others brought messages between our look and our call: those that were to be
 * placed go to the others. */
static void
give_way(struct batch *b)
{
	memmove(b->append + b->places, b->append,
	    b->appends * sizeof(b->append[0]));
	memcpy(b->append, b->place, b->places * sizeof(b->place[0]));
	b->appends += b->places;
	b->places = 0;
}

static enum pst_rc
put_batch(struct mail_intake *in, const struct intake_message *const *m,
    size_t n, struct pst_error *err)
{
	struct batch b = { .places = 0 };
	enum pst_rc rc = mailbox_refresh(in->mb, err);

	if (rc != PST_OK)
		return rc;
	sort_out(in, m, n, &b);
	if (b.places > 0) {
		rc = place_batch(in, &b, err);
		if (rc == PST_E_CONFLICT) {
			give_way(&b);
			rc = mailbox_refresh(in->mb, err);
		}
	}
	if (rc == PST_OK && b.appends > 0)
		rc = append_batch(in, &b, err);
	return rc;
}

/* The mailbox, in the storage that the messages were staged for. */
static enum pst_rc
check_there(struct mail_intake *in, const struct intake_message *m,
    struct pst_error *err)
{
	if (in->mb->dead || in->mb->box == NULL)
		return pst_fail(
		    err, PST_E_NOTFOUND, 0, "%s: deleted", in->mb->name);
	if (!mail_stage_fits(m->stage, in->acct))
		return pst_fail(err, PST_E_TEMP, 0,
		    "the account has just gone to another storage");
	return PST_OK;
}

/* What the threads of one batch share. */
struct syncing {
	const struct intake_message *const *m;
	size_t n;
	atomic_size_t next;
	pthread_mutex_t lock; /* guards the two below */
	enum pst_rc rc;
	struct pst_error err;
};

static void *
sync_some(void *arg)
{
	struct syncing *all = arg;
	size_t i;

	while ((i = atomic_fetch_add(&all->next, 1)) < all->n) {
		struct mail_stage *s = all->m[i]->stage;
		struct pst_error err = { 0 };
		enum pst_rc rc = PST_OK;

		if (!s->synced)
			rc = s->st->ops->stage_sync(s->stage, &err);
		s->synced = rc == PST_OK;
		if (rc == PST_OK)
			continue;
		pthread_mutex_lock(&all->lock);
		all->rc = rc;
		all->err = err;
		pthread_mutex_unlock(&all->lock);
	}
	return NULL;
}

/* Waiting for the disk is done by several at once, as with messages that come
 * from several senders: it makes many durable in the time of one. */
static enum pst_rc
sync_all(const struct intake_message *const *m, size_t n, struct pst_error *err)
{
	struct syncing all = { .m = m, .n = n, .rc = PST_OK };
	pthread_t thread[SYNCERS];
	size_t threads = 0;

	pthread_mutex_init(&all.lock, NULL);
	while (threads < SYNCERS && threads + 1 < n &&
	       pthread_create(&thread[threads], NULL, sync_some, &all) == 0)
		threads++;
	(void)sync_some(&all);
	for (size_t i = 0; i < threads; i++)
		(void)pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&all.lock);
	if (all.rc != PST_OK)
		*err = all.err;
	return all.rc;
}

static enum pst_rc
write_uidls(struct mail_intake *in, struct pst_error *err)
{
	struct mailbox_uidl_new *ids;
	enum pst_rc rc;

	if (in->uidls == 0)
		return PST_OK;
	ids = mem_array(in->uidls, sizeof(*ids));
	for (size_t i = 0; i < in->uidls; i++)
		ids[i] = (struct mailbox_uidl_new){ in->uidl[i].uid,
			str_of(in->uidl[i].id) };
	rc = mailbox_uidls_write(in->acct, in->mb->name,
	    in->mb->state.uidvalidity, ids, in->uidls, err);
	free(ids);
	in->uidls = 0;
	return rc;
}

/* Writes down how far it has come: first the ids, so that the mark does not
 * pass them. */
static enum pst_rc
note_all(struct mail_intake *in, struct pst_error *err)
{
	enum pst_rc rc = write_uidls(in, err);

	in->noted = clock_monotonic();
	if (rc != PST_OK || !in->keeps)
		return rc;
	pthread_mutex_lock(&in->mb->io);
	rc = note_origin(in, err);
	pthread_mutex_unlock(&in->mb->io);
	return rc;
}

static void
move_mark(struct mail_intake *in, uint32_t to)
{
	if (in->missed != 0 && to > in->missed)
		to = in->missed;
	if (to > in->next_mark)
		in->next_mark = to;
}

void
mail_intake_missed(struct mail_intake *in, uint32_t uid)
{
	if (in->missed == 0)
		in->missed = uid;
}

enum pst_rc
mail_intake_put(struct mail_intake *in, const struct intake_message *m,
    size_t n, struct pst_error *err)
{
	const struct intake_message *rest[INTAKE_BATCH];
	enum pst_rc rc = PST_OK;
	size_t left;

	if (n > INTAKE_BATCH)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	left = pass_over(in, m, n, rest);
	rc = sync_all(rest, left, err);
	if (rc == PST_OK && left > 0) {
		pthread_mutex_lock(&in->mb->io);
		account_change_begin(in->acct);
		rc = check_there(in, rest[0], err);
		if (rc == PST_OK)
			rc = put_batch(in, rest, left, err);
		in->left = in->mb->state.uidnext;
		account_change_end(in->acct);
		pthread_mutex_unlock(&in->mb->io);
	}
	for (size_t i = 0; rc == PST_OK && i < n; i++)
		if (m[i].uid < UINT32_MAX)
			move_mark(in, m[i].uid + 1);
	if (rc == PST_OK && (in->uidls > UIDLS_MAX ||
				clock_monotonic() > in->noted + NOTE_TIME))
		rc = note_all(in, err);
	return rc;
}

enum pst_rc
mail_intake_finish(struct mail_intake *in, struct pst_error *err)
{
	move_mark(in, in->origin.uidnext);
	return note_all(in, err);
}
