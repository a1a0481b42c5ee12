/*
 * postgresql_nodes.c - two stores on one database, as two servers have them:
 * who gives which uids, what one hears of the other and when, conflicts, and
 * contents that go only when nobody has them any more.
 *
 *     postgresql_nodes postgresql.so conninfo=... init=open sweep_after=0
 */
#include "conformance.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { WAIT_MS = 10000, HEARD_MS = 50, ROUNDS = 60, HEARD = 21 };

static struct pst_store *other; /* the second server's */
static const char text[] = "Subject: nodes\r\n\r\nHello.\r\n";

/* --- the second server -----------------------------------------------------
 */

/* Both servers' view of one mailbox. */
struct pair {
	struct pst_acct *a, *b;
	struct pst_box *at_a, *at_b;
};

static bool
pair_open(struct pair *p, const char *id, const char *name)
{
	struct pst_error err = { 0 };
	bool created;

	*p = (struct pair){ 0 };
	return CHECK_RC(PST_OK,
		   OPS->acct_open(suite.store, id, &p->a, &created, &err)) &&
	       CHECK_RC(
		   PST_OK, OPS->acct_open(other, id, &p->b, &created, &err)) &&
	       CHECK(!created, "it is one account") &&
	       CHECK_RC(PST_OK, OPS->box_open(p->a, name, &p->at_a, &err)) &&
	       CHECK_RC(PST_OK, OPS->box_open(p->b, name, &p->at_b, &err));
}

static void
pair_close(struct pair *p)
{
	OPS->box_close(p->at_a);
	OPS->box_close(p->at_b);
	OPS->acct_close(p->a);
	OPS->acct_close(p->b);
}

static uint32_t
put_in(struct pst_store *s, struct pst_box *box, const char *content, size_t n)
{
	struct pst_append a = { .internal_date = 1, .last = true };
	struct pst_error err = { 0 };
	struct pst_row row = { 0 };

	if (OPS->stage_new(s, n, &a.stage, &err) != PST_OK)
		return 0;
	if (OPS->stage_write(a.stage, content, n, &err) != PST_OK ||
	    OPS->stage_sync(a.stage, &err) != PST_OK ||
	    OPS->commit(box, &a, 1, &row, &err) != PST_OK)
		row.uid = 0;
	OPS->stage_free(a.stage);
	return row.uid;
}

static uint32_t
put_b(struct pair *p)
{
	return put_in(other, p->at_b, text, strlen(text));
}

static void
load_both(struct pair *p)
{
	struct rows rows;

	load_rows(p->at_a, &rows);
	rows_free(&rows);
	load_rows(p->at_b, &rows);
	rows_free(&rows);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
sleep_ms(int ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* --- uids ------------------------------------------------------------------
 */

struct writer {
	struct pst_store *store;
	struct pst_box *box;
	uint32_t uid[ROUNDS];
	atomic_uint *last; /* the newest uid that anybody was told */
	unsigned failures;
};

static void *
write_many(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t before = atomic_load(w->last), seen;

		w->uid[i] = put_in(w->store, w->box, text, strlen(text));
		/* Whoever begins after somebody was told gets a larger one. */
		w->failures += w->uid[i] <= before;
		seen = atomic_load(w->last);
		while (seen < w->uid[i] &&
		       !atomic_compare_exchange_weak(w->last, &seen, w->uid[i]))
			;
	}
	return NULL;
}

static void
uids_ascend(void)
{
	struct writer w[2] = { { .store = suite.store }, { .store = other } };
	bool given[2 * ROUNDS + 1] = { false };
	atomic_uint last = 0;
	pthread_t thread[2];
	struct rows rows;
	struct pair p;

	suite.part = "uids";
	if (!pair_open(&p, "uids@nodes.test", "INBOX"))
		return;
	w[0].box = p.at_a;
	w[1].box = p.at_b;
	for (int i = 0; i < 2; i++) {
		w[i].last = &last;
		if (pthread_create(&thread[i], NULL, write_many, &w[i]) != 0)
			abort();
	}
	for (int i = 0; i < 2; i++) {
		(void)pthread_join(thread[i], NULL);
		CHECK(
		    w[i].failures == 0, "%u uids are too small", w[i].failures);
		for (int k = 0; k < ROUNDS; k++) {
			uint32_t uid = w[i].uid[k];

			if (CHECK(uid > 0 && uid <= 2 * ROUNDS && !given[uid],
				"uid %u is given once", uid))
				given[uid] = true;
		}
	}
	load_rows(p.at_a, &rows);
	CHECK(
	    rows.n == 2 * ROUNDS && rows_ascend(&rows), "%zu messages", rows.n);
	rows_free(&rows);
	pair_close(&p);
}

/* --- what others did -------------------------------------------------------
 */

static void
behind(struct pair *p)
{
	struct pst_error err = { 0 };
	struct pst_box_state st = { 0 };
	struct delta d;
	uint32_t first, own;

	load_both(p);
	CHECK(!OPS->box_is_behind(p->at_a), "not behind at first");
	first = put_b(p);
	own = put(p->at_a, text, 0, 0, 1);
	CHECK(own == first + 1, "uids of both: %u, %u", first, own);
	CHECK(OPS->box_is_behind(p->at_a), "others came before");
	CHECK(!OPS->box_is_behind(p->at_b), "the other is not");
	CHECK(delta_get(p->at_a, &d) == PST_OK && d.appended.n == 2 &&
		  d.appended.v[0].uid == first && d.appended.v[1].uid == own &&
		  d.gone.n == 0 && d.changed.n == 0,
	    "refresh() tells of both, in order");
	delta_free(&d);
	CHECK(!OPS->box_is_behind(p->at_a), "not any more");
	CHECK_RC(PST_OK, OPS->state(p->at_a, &st, &err));
	CHECK(st.uidnext == own + 1, "UIDNEXT");
	CHECK(delta_get(p->at_a, &d) == PST_OK && delta_is_empty(&d),
	    "told once");
	delta_free(&d);
	CHECK(delta_get(p->at_b, &d) == PST_OK && d.appended.n == 1 &&
		  d.appended.v[0].uid == own,
	    "the other hears of ours alone");
	delta_free(&d);
}

static void
changes(struct pair *p)
{
	struct pst_error err = { 0 };
	struct pst_box_state before = { 0 }, after = { 0 };
	struct rows changed;
	struct uids conflict, gone = { 0 };
	struct pst_range r;
	struct delta d;
	uint32_t x = put(p->at_a, text, 0, 0, 1),
		 y = put(p->at_a, text, 0, 0, 1);

	load_both(p);
	CHECK_RC(PST_OK, OPS->state(p->at_a, &before, &err));
	CHECK(change_flags(p->at_b, x, PST_FLAGS_ADD, PST_SEEN, 0, UINT64_MAX,
		  &changed, &conflict) == PST_OK &&
		  changed.n == 1,
	    "the other sets a flag");
	rows_free(&changed);
	/* Ours comes after it, and does not hide it. */
	CHECK(change_flags(p->at_a, y, PST_FLAGS_ADD, PST_FLAGGED, 0,
		  UINT64_MAX, &changed, &conflict) == PST_OK &&
		  changed.n == 1 &&
		  changed.v[0].modseq == before.highestmodseq + 2,
	    "we set one");
	rows_free(&changed);
	CHECK_RC(PST_OK, OPS->state(p->at_a, &after, &err));
	CHECK(after.highestmodseq == before.highestmodseq + 2,
	    "HIGHESTMODSEQ shows that there is more");
	CHECK(delta_get(p->at_a, &d) == PST_OK && d.changed.n == 1 &&
		  d.changed.v[0].uid == x && d.changed.v[0].flags == PST_SEEN &&
		  d.gone.n == 0 && d.appended.n == 0,
	    "refresh() tells of theirs alone");
	delta_free(&d);
	CHECK_RC(PST_OK,
	    OPS->expunge(p->at_b, one(&r, x, x), uids_add, &gone, &err));
	uids_free(&gone);
	CHECK_RC(PST_OK,
	    OPS->expunge(p->at_a, one(&r, y, y), uids_add, &gone, &err));
	CHECK(gone.n == 1, "we expunge another one");
	uids_free(&gone);
	CHECK(delta_get(p->at_a, &d) == PST_OK && d.gone.n == 1 &&
		  d.gone.v[0] == x && d.changed.n == 0 && d.appended.n == 0,
	    "refresh() tells of what they expunged");
	delta_free(&d);
	CHECK(delta_get(p->at_b, &d) == PST_OK && d.gone.n == 1 &&
		  d.gone.v[0] == y,
	    "and to them of ours");
	delta_free(&d);
}

/* Clients of the other server may have seen it: ours must be told, too. */
static void
came_and_went(struct pair *p)
{
	struct pst_error err = { 0 };
	struct pst_box_state st = { 0 };
	struct uids gone = { 0 };
	struct pst_range r;
	struct delta d;
	uint32_t uid;

	load_both(p);
	uid = put_b(p);
	CHECK_RC(PST_OK,
	    OPS->expunge(p->at_b, one(&r, uid, uid), uids_add, &gone, &err));
	uids_free(&gone);
	CHECK(delta_get(p->at_a, &d) == PST_OK && d.gone.n == 1 &&
		  d.gone.v[0] == uid && d.appended.n == 0,
	    "one that came and went is gone");
	delta_free(&d);
	CHECK_RC(PST_OK, OPS->state(p->at_a, &st, &err));
	CHECK(st.uidnext == uid + 1, "its uid was used");
}

static void
conflicts(struct pair *p)
{
	struct rows changed;
	struct uids conflict;
	uint32_t uid = put(p->at_a, text, 0, 0, 1);
	uint64_t modseq = 0;

	load_both(p);
	CHECK(change_flags(p->at_a, uid, PST_FLAGS_ADD, PST_SEEN, 0, UINT64_MAX,
		  &changed, &conflict) == PST_OK,
	    "a change");
	modseq = changed.n ? changed.v[0].modseq : 0;
	rows_free(&changed);
	CHECK(change_flags(p->at_b, uid, PST_FLAGS_SET, PST_DRAFT, 0, modseq,
		  &changed, &conflict) == PST_OK &&
		  changed.n == 1 && conflict.n == 0,
	    "unchanged since: they may, although they never heard of it");
	rows_free(&changed);
	CHECK(change_flags(p->at_a, uid, PST_FLAGS_SET, PST_DELETED, 0, modseq,
		  &changed, &conflict) == PST_OK &&
		  changed.n == 0 && conflict.n == 1,
	    "we may not: they were first, although we have not heard of it");
	uids_free(&conflict);
}

/* All numbers are in use; the other server gives one of them to another name.
 */
static void
renumbered(void)
{
	struct pst_error err = { 0 };
	struct rows changed = { 0 };
	struct uids conflict = { 0 };
	struct pair p;
	unsigned old = 0, fresh = 0;
	uint64_t all = UINT64_MAX;
	uint32_t uid;
	enum pst_rc rc;

	if (!pair_open(&p, "keywords@nodes.test", "INBOX"))
		return;
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "$K%u", k);
		CHECK_RC(PST_OK, OPS->keyword(p.at_a, name, true, &old, &err));
	}
	CHECK_RC(PST_OK, OPS->keyword(p.at_a, "$K7", false, &old, &err));
	uid = put(p.at_a, text, 0, all & ~(UINT64_C(1) << old), 1);
	load_both(&p);
	CHECK_RC(PST_OK, OPS->keyword(p.at_b, "Mine", true, &fresh, &err));
	CHECK(fresh == old, "the one number that is free");
	rc = change_flags(p.at_a, uid, PST_FLAGS_ADD, 0, UINT64_C(1) << old,
	    UINT64_MAX, &changed, &conflict);
	CHECK(rc == PST_E_TEMP && changed.n == 0,
	    "no message gets a keyword of another name: %d", (int)rc);
	CHECK_RC(
	    PST_E_NOTFOUND, OPS->keyword(p.at_a, "$K7", false, &old, &err));
	CHECK_RC(PST_OK, OPS->keyword(p.at_a, "Mine", false, &old, &err));
	CHECK(old == fresh, "we know the new one");
	pair_close(&p);
}

/* --- being told ------------------------------------------------------------
 */

static atomic_int heard, heard_of_names;

static void
note_changed(void *cookie)
{
	atomic_fetch_add((atomic_int *)cookie, 1);
}

/* How long it took; WAIT_MS: it did not come. */
static int64_t
wait_for(atomic_int *count, int more_than)
{
	int64_t begin = now_ms();

	while (atomic_load(count) <= more_than && now_ms() - begin < WAIT_MS)
		sleep_ms(1);
	return now_ms() - begin;
}

static int
compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
watched(struct pair *p)
{
	int64_t took[HEARD];
	struct pst_error err = { 0 };
	int before;

	load_both(p);
	CHECK_RC(PST_OK, OPS->watch(p->at_a, &heard, &err));
	/* Both may only now have connected. */
	before = atomic_load(&heard);
	(void)put_b(p);
	CHECK(wait_for(&heard, before) < WAIT_MS, "it is heard at all");
	for (int i = 0; i < HEARD; i++) {
		sleep_ms(20); /* late ones of before */
		before = atomic_load(&heard);
		CHECK(put_b(p) != 0, "put");
		took[i] = wait_for(&heard, before);
	}
	qsort(took, HEARD, sizeof(took[0]), compare_times);
	/* On a busy machine some are late for other reasons. */
	CHECK(took[HEARD / 4] <= HEARD_MS, "heard after %lld ms",
	    (long long)took[HEARD / 4]);
	(void)printf("heard after %lld ms (median), %lld ms (longest)\n",
	    (long long)took[HEARD / 2], (long long)took[HEARD - 1]);
	sleep_ms(100);
	before = atomic_load(&heard);
	CHECK(put(p->at_a, text, 0, 0, 1) != 0, "put");
	sleep_ms(100);
	CHECK(atomic_load(&heard) == before, "our own are not told to us");
	OPS->unwatch(p->at_a);
	before = atomic_load(&heard);
	CHECK(put_b(p) != 0, "put");
	sleep_ms(100);
	CHECK(atomic_load(&heard) == before, "nothing after unwatch()");
}

static bool
is_gone_soon(struct pst_box *box)
{
	int64_t begin = now_ms();

	while (OPS->box_is_there(box) && now_ms() - begin < WAIT_MS)
		sleep_ms(1);
	return !OPS->box_is_there(box);
}

static void
names(void)
{
	struct pst_error err = { 0 };
	struct pair p;
	int before;

	if (!pair_open(&p, "names@nodes.test", "INBOX"))
		return;
	OPS->box_close(p.at_a);
	OPS->box_close(p.at_b);
	CHECK_RC(PST_OK, OPS->create(p.a, "One", "", &err));
	CHECK_RC(PST_OK, OPS->acct_watch(p.a, &heard_of_names, &err));
	p.at_a = box_of(p.a, "One");
	p.at_b = box_of(p.b, "One");
	CHECK(OPS->box_is_there(p.at_a) && OPS->box_is_there(p.at_b),
	    "it is there for both");
	before = atomic_load(&heard_of_names);
	OPS->box_close(p.at_b);
	CHECK_RC(PST_OK, OPS->rename(p.b, "One", "Two", &err));
	CHECK(wait_for(&heard_of_names, before) < WAIT_MS,
	    "the account is told of");
	CHECK(is_gone_soon(p.at_a), "renamed: no more what has that name");
	OPS->box_close(p.at_a);
	p.at_a = box_of(p.a, "Two");
	CHECK_RC(PST_OK, OPS->remove(p.b, "Two", &err));
	CHECK_RC(PST_OK, OPS->create(p.b, "Two", "", &err));
	p.at_b = box_of(p.b, "Two");
	CHECK(is_gone_soon(p.at_a), "another one has its name");
	before = atomic_load(&heard_of_names);
	CHECK_RC(PST_OK, OPS->subscribe(p.b, "Two", true, &err));
	CHECK(wait_for(&heard_of_names, before) < WAIT_MS, "subscriptions");
	OPS->acct_unwatch(p.a);
	pair_close(&p);
}

/* Two servers make the same names at once: one of them each. */
static void *
make_names(void *arg)
{
	struct pst_acct *acct = arg;
	struct pst_error err;
	uintptr_t made = 0;

	for (int i = 0; i < 20; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "m%d", i);
		made += OPS->create(acct, name, "", &err) == PST_OK;
	}
	return (void *)made; /* NOLINT */
}

static void
names_at_once(void)
{
	pthread_t thread[2];
	void *made[2] = { NULL, NULL };
	struct pair p;

	if (!pair_open(&p, "at-once@nodes.test", "INBOX"))
		return;
	if (pthread_create(&thread[0], NULL, make_names, p.a) != 0 ||
	    pthread_create(&thread[1], NULL, make_names, p.b) != 0)
		abort();
	for (int i = 0; i < 2; i++)
		(void)pthread_join(thread[i], &made[i]);
	CHECK((uintptr_t)made[0] + (uintptr_t)made[1] == 20,
	    "each name was made once");
	pair_close(&p);
}

/* --- contents --------------------------------------------------------------
 */

struct mover {
	struct pst_store *store;
	struct pst_box *from, *to;
	bool is_expunging;
	unsigned failures;
};

static void
no_copy(void *arg, uint32_t source, const struct pst_row *copy)
{
	(void)arg;
	(void)source;
	(void)copy;
}

static void
no_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

/* One server copies what the other expunges, while contents are swept all the
 * time. A copy that comes too late finds nothing; one that is there is whole.
 */
static void *
move_about(void *arg)
{
	struct mover *m = arg;
	struct pst_error err;
	struct pst_range all = { 1, UINT32_MAX };
	const struct pst_uids uids = { &all, 1 };

	for (int i = 0; i < ROUNDS; i++) {
		enum pst_rc rc;

		if (m->is_expunging) {
			m->failures += put_in(m->store, m->from, text,
					   strlen(text)) == 0;
			rc = OPS->expunge(m->from, uids, no_uid, NULL, &err);
		} else {
			rc = OPS->copy(
			    m->from, uids, m->to, no_copy, NULL, &err);
		}
		m->failures += rc != PST_OK && rc != PST_E_TEMP;
	}
	return NULL;
}

static void
contents_stay(void)
{
	struct pst_error err = { 0 };
	struct mover m[2];
	pthread_t thread[2];
	struct pair p, to;
	struct rows rows;

	if (!pair_open(&p, "contents@nodes.test", "INBOX"))
		return;
	CHECK_RC(PST_OK, OPS->create(p.a, "To", "", &err));
	if (!pair_open(&to, "contents@nodes.test", "To"))
		return;
	m[0] = (struct mover){
		.store = suite.store, .from = p.at_a, .is_expunging = true
	};
	m[1] = (struct mover){ .store = other, .from = p.at_b, .to = to.at_b };
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, move_about, &m[i]) != 0)
			abort();
	for (int i = 0; i < 2; i++) {
		(void)pthread_join(thread[i], NULL);
		CHECK(m[i].failures == 0, "%u failures", m[i].failures);
	}
	/* Until the sweep came by. */
	sleep_ms(1500);
	load_rows(to.at_a, &rows);
	for (size_t i = 0; i < rows.n; i++)
		CHECK(body_is(to.at_a, rows.v[i].uid, text, strlen(text)),
		    "copy %zu is whole", i);
	rows_free(&rows);
	pair_close(&to);
	pair_close(&p);
}

/* A message in parts, read by the other server; and one that is given up. */
static void
large_ones(void)
{
	const size_t n = 3 * 256 * 1024 + 17;
	struct pst_stage *stage = NULL;
	struct pst_error err = { 0 };
	char *content = malloc(n);
	struct pair p;
	uint32_t uid;

	if (content == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		content[i] = (char)(i * 31 + i / 977);
	if (pair_open(&p, "large@nodes.test", "INBOX")) {
		uid = put_in(suite.store, p.at_a, content, n);
		CHECK(uid != 0 && body_is(p.at_b, uid, content, n),
		    "the other server reads it");
		CHECK_RC(PST_OK, OPS->stage_new(suite.store, n, &stage, &err));
		CHECK_RC(PST_OK, OPS->stage_write(stage, content, n, &err));
		OPS->stage_free(stage);
		sleep_ms(1500);
		CHECK(body_is(p.at_b, uid, content, n), "and still");
		pair_close(&p);
	}
	free(content);
}

int
main(int argc, char **argv)
{
	struct pst_error err = { 0 };
	struct pair p;

	if (!suite_begin(argc, argv))
		return 1;
	suite.part = "nodes";
	suite.host.changed = note_changed;
	suite.host.account_changed = note_changed;
	if (!CHECK_RC(
		PST_OK, OPS->open(&suite.host, suite.section, &other, &err)))
		return suite_end();
	uids_ascend();
	suite.part = "changes";
	if (pair_open(&p, "changes@nodes.test", "INBOX")) {
		behind(&p);
		changes(&p);
		came_and_went(&p);
		conflicts(&p);
		suite.part = "watch";
		watched(&p);
		pair_close(&p);
	}
	suite.part = "keywords";
	renumbered();
	suite.part = "names";
	names();
	names_at_once();
	suite.part = "contents";
	contents_stay();
	large_ones();
	OPS->close(other);
	return suite_end();
}
