/*
 * crash_store.c - kill -9 at random moments: a child works on a store and tells
 * through a pipe what it was promised; after its end the store is audited.
 *
 *     crash_store MODULE.so ROUNDS [seed=N] [life=MS] path=DIR [key=value ...]
 *
 * Nothing that was acknowledged may be missing, nothing that was removed may be
 * back, no uid may be given twice, UIDVALIDITY stays, contents are whole. What
 * was under way may be there or not, and a move may leave both. Where the
 * module keeps expunged messages, each of them is in a mailbox or kept, at any
 * moment, and never in both. Where it can be converted into, messages also come
 * as a conversion brings them, with uids of their own.
 *
 * Every message has a serial number in its text; a record says what is known
 * about a serial and where it is. This tests the death of the process, not of
 * the machine.
 */
#include <postern/module.h>

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BOXES = 3, SERIALS = 400000, BATCH = 4, KEPT = 64, KEPT_MAX = 8192 };

static const char *const box_name[BOXES] = { "INBOX", "Work", "Work/Deep" };

/* What the child says, in one write each: so a record is whole or absent. */
enum verb {
	SAY_TRY,    /* this serial may appear in this box from now on */
	SAY_STORED, /* OK from commit */
	SAY_TRY_GONE,
	SAY_GONE, /* OK from expunge */
	SAY_TRY_MOVE,
	SAY_MOVED, /* now in box with uid */
	SAY_TRY_KEEP,
	SAY_KEPT, /* OK from expunge_keep; it had that box and uid */
	SAY_TRY_RESTORE,
	SAY_RESTORED, /* now in box with uid */
};

struct record {
	uint32_t verb, serial, box, uid, flags;
};

/* What the parent knows of a serial. */
struct known {
	bool tried, stored, removing, removed, moving;
	bool keeping, kept, restoring;
	uint8_t box, to, kept_box;
	uint32_t uid, kept_uid;
};

struct pst_section {
	char **pair;
	int n;
};

static const struct pst_store_ops *ops;
static struct pst_section section;
static struct known *known;
static uint32_t serials = 1;	    /* the next one */
static uint32_t uidvalidity[BOXES]; /* 0: not seen yet */
static uint32_t uid_seen[BOXES];    /* the largest uid ever told */
static unsigned long audits, acks, faults;
static uint32_t life_ms = 60; /* that a child lives at most: life= */

/* --- the server's side ---------------------------------------------------- */

static void
host_log(enum pst_log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > PST_LOG_WARNING)
		return;
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

static const char *
host_config(const struct pst_section *s, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < s->n; i++)
		if (strncmp(s->pair[i], key, n) == 0 && s->pair[i][n] == '=')
			return s->pair[i] + n + 1;
	return NULL;
}

static int64_t
host_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
host_random(void *p, size_t n)
{
	if (n > 256 || getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

static void
host_changed(void *cookie)
{
	(void)cookie;
}

static const struct pst_host host = { .size = sizeof(host),
	.log = host_log,
	.config = host_config,
	.now = host_now,
	.random = host_random,
	.changed = host_changed };

static void
die(const char *what, const struct pst_error *err)
{
	(void)fprintf(stderr, "crash_store: %s: %s\n", what,
	    err ? err->detail : strerror(errno));
	_exit(3);
}

static void
fault(const char *what, uint32_t serial, uint32_t a, uint32_t b)
{
	faults++;
	(void)printf("FAULT %s: serial %u (%u, %u)\n", what, serial, a, b);
}

/* xorshift: the same seed makes the same work. */
static uint64_t random_state;

static uint32_t
pick(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % below);
}

/* The text of a message: its length and each octet follow from the serial. */
static size_t
make_text(uint32_t serial, char *out)
{
	size_t n = (size_t)snprintf(out, 32, "Serial: %u\r\n\r\n", serial);
	size_t length = n + serial * 7919 % 3000;

	for (; n < length; n++)
		out[n] = (char)('a' + (serial + n) % 26);
	return n;
}

/* --- the child ------------------------------------------------------------ */

struct child {
	int out;
	struct pst_store *store;
	struct pst_acct *acct;
	struct pst_box *box[BOXES];
	/* The messages that it knows: serial by box and place. */
	struct {
		uint32_t serial, uid, flags;
	} * msg[BOXES];
	size_t n[BOXES], cap[BOXES];
	/* Those that it expunged and has not brought back. */
	struct {
		uint32_t serial, box, uid;
	} kept[KEPT];
	size_t kept_n;
};

static void
say(const struct child *c, enum verb verb, uint32_t serial, uint32_t box,
    uint32_t uid, uint32_t flags)
{
	const struct record r = { verb, serial, box, uid, flags };

	if (write(c->out, &r, sizeof(r)) != (ssize_t)sizeof(r))
		_exit(4);
}

static void
add_message(
    struct child *c, unsigned b, uint32_t serial, uint32_t uid, uint32_t flags)
{
	if (c->n[b] == c->cap[b]) {
		c->cap[b] = c->cap[b] ? c->cap[b] * 2 : 64;
		c->msg[b] = realloc(c->msg[b], c->cap[b] * sizeof(*c->msg[b]));
		if (c->msg[b] == NULL)
			abort();
	}
	c->msg[b][c->n[b]].serial = serial;
	c->msg[b][c->n[b]].uid = uid;
	c->msg[b][c->n[b]++].flags = flags;
}

static void
drop_message(struct child *c, unsigned b, size_t i)
{
	memmove(&c->msg[b][i], &c->msg[b][i + 1],
	    (c->n[b] - i - 1) * sizeof(*c->msg[b]));
	c->n[b]--;
}

static void
do_commit(struct child *c, unsigned b, uint32_t *next)
{
	struct pst_append a[BATCH];
	struct pst_row row[BATCH];
	struct pst_error err;
	char text[4096];
	uint32_t n = 1 + pick(BATCH);

	for (uint32_t i = 0; i < n; i++) {
		size_t length = make_text(*next + i, text);

		a[i] = (struct pst_append){ .flags = pick(32),
			.internal_date = 1000000000 + (int64_t)pick(1000000),
			.last = true };
		if (ops->stage_new(c->store, 0, &a[i].stage, &err) != PST_OK ||
		    ops->stage_write(a[i].stage, text, length, &err) !=
			PST_OK ||
		    ops->stage_sync(a[i].stage, &err) != PST_OK)
			die("stage", &err);
		say(c, SAY_TRY, *next + i, b, 0, 0);
	}
	if (ops->commit(c->box[b], a, n, row, &err) != PST_OK)
		die("commit", &err);
	for (uint32_t i = 0; i < n; i++) {
		say(c, SAY_STORED, *next + i, b, row[i].uid, row[i].flags);
		add_message(c, b, *next + i, row[i].uid, row[i].flags);
		ops->stage_free(a[i].stage);
	}
	*next += n;
}

/* As a conversion does it: uids with gaps, and numbers from elsewhere. */
static void
do_place(struct child *c, unsigned b, uint32_t *next)
{
	struct pst_placed p[BATCH] = { 0 };
	struct pst_box_state st;
	struct pst_error err;
	char text[4096];
	uint32_t n = 1 + pick(BATCH), uid;

	if (ops->state(c->box[b], &st, &err) != PST_OK)
		die("state", &err);
	uid = st.uidnext;
	st.uidnext += pick(3);
	st.highestmodseq += pick(100);
	if (pick(2) && ops->adopt(c->box[b], &st, &err) != PST_OK)
		die("adopt", &err);
	for (uint32_t i = 0; i < n; i++) {
		size_t length = make_text(*next + i, text);

		uid += pick(4);
		p[i].row = (struct pst_row){ .uid = uid++,
			.flags = pick(32),
			.modseq = 1 + pick(1000),
			.internal_date = 1000000000 + (int64_t)pick(1000000),
			.save_date = 1700000000 };
		(void)snprintf(
		    p[i].ident, sizeof(p[i].ident), "Serial-%u", *next + i);
		if (ops->stage_new(c->store, 0, &p[i].stage, &err) != PST_OK ||
		    ops->stage_write(p[i].stage, text, length, &err) !=
			PST_OK ||
		    ops->stage_sync(p[i].stage, &err) != PST_OK)
			die("stage", &err);
		say(c, SAY_TRY, *next + i, b, 0, 0);
	}
	if (ops->place(c->box[b], p, n, &err) != PST_OK)
		die("place", &err);
	for (uint32_t i = 0; i < n; i++) {
		say(c, SAY_STORED, *next + i, b, p[i].row.uid, p[i].row.flags);
		add_message(c, b, *next + i, p[i].row.uid, p[i].row.flags);
		ops->stage_free(p[i].stage);
	}
	*next += n;
}

/* And what is there already. */
static void
do_place_present(struct child *c, unsigned b)
{
	size_t i = pick((uint32_t)c->n[b]);
	const struct pst_placed p = {
		.row = { .uid = c->msg[b][i].uid,
		    .flags = pick(32),
		    .modseq = 1 + pick(1000),
		    .internal_date = 1000000000 + (int64_t)pick(1000000),
		    .save_date = 1700000000 + (int64_t)pick(1000) },
	};
	struct pst_error err;

	if (ops->place(c->box[b], &p, 1, &err) != PST_OK)
		die("place", &err);
	c->msg[b][i].flags = p.row.flags;
}

static void
ignore_row(void *arg, const struct pst_row *row)
{
	(void)arg;
	(void)row;
}

static void
ignore_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void
do_flags(struct child *c, unsigned b)
{
	const struct pst_flag_change how = { .op = PST_FLAGS_SET,
		.flags = pick(32),
		.unchanged_since = UINT64_MAX };
	struct pst_error err;
	size_t i = pick((uint32_t)c->n[b]);
	struct pst_range r = { c->msg[b][i].uid, c->msg[b][i].uid };

	if (ops->flags(c->box[b], (struct pst_uids){ &r, 1 }, &how, ignore_row,
		ignore_uid, NULL, &err) != PST_OK)
		die("flags", &err);
	c->msg[b][i].flags = how.flags;
}

static void
do_keep(struct child *c, unsigned b)
{
	struct pst_error err;
	size_t i = pick(2) ? c->n[b] - 1 : pick((uint32_t)c->n[b]);
	uint32_t serial = c->msg[b][i].serial;
	struct pst_range r = { c->msg[b][i].uid, c->msg[b][i].uid };

	say(c, SAY_TRY_KEEP, serial, b, r.first, 0);
	if (ops->expunge_keep(c->box[b], (struct pst_uids){ &r, 1 }, ignore_uid,
		NULL, &err) != PST_OK)
		die("expunge_keep", &err);
	say(c, SAY_KEPT, serial, b, r.first, 0);
	drop_message(c, b, i);
	if (c->kept_n == KEPT)
		c->kept_n = pick(KEPT);
	c->kept[c->kept_n].serial = serial;
	c->kept[c->kept_n].box = b;
	c->kept[c->kept_n++].uid = r.first;
}

/* Looks for the id of one kept message. */
struct find_kept {
	const char *mailbox;
	uint32_t uid;
	char id[40];
};

static void
find_kept(void *arg, const struct pst_kept *k)
{
	struct find_kept *f = arg;

	if (k->uid == f->uid && strcmp(k->mailbox, f->mailbox) == 0)
		(void)snprintf(f->id, sizeof(f->id), "%s", k->id);
}

static void
note_restored(void *arg, size_t n, const struct pst_row *row)
{
	(void)n;
	*(struct pst_row *)arg = *row;
}

static void
do_restore(struct child *c)
{
	unsigned to = pick(BOXES);
	size_t i = pick((uint32_t)c->kept_n);
	uint32_t serial = c->kept[i].serial;
	struct find_kept f = { .mailbox = box_name[c->kept[i].box],
		.uid = c->kept[i].uid };
	const char *id = f.id;
	struct pst_row row = { 0 };
	struct pst_error err;

	if (ops->kept_each(c->acct, find_kept, &f, &err) != PST_OK)
		die("kept_each", &err);
	if (f.id[0] == '\0')
		die("a kept message is not listed", NULL);
	say(c, SAY_TRY_RESTORE, serial, to, 0, 0);
	if (ops->kept_restore(c->acct, &id, 1, c->box[to], note_restored, &row,
		&err) != PST_OK ||
	    row.uid == 0)
		die("kept_restore", &err);
	say(c, SAY_RESTORED, serial, to, row.uid, row.flags);
	add_message(c, to, serial, row.uid, row.flags);
	c->kept[i] = c->kept[--c->kept_n];
}

static void
do_expunge(struct child *c, unsigned b)
{
	struct pst_error err;
	/* The newest more often: their uids are the ones at risk. */
	size_t i = pick(2) ? c->n[b] - 1 : pick((uint32_t)c->n[b]);
	struct pst_range r = { c->msg[b][i].uid, c->msg[b][i].uid };

	say(c, SAY_TRY_GONE, c->msg[b][i].serial, b, r.first, 0);
	if (ops->expunge(c->box[b], (struct pst_uids){ &r, 1 }, ignore_uid,
		NULL, &err) != PST_OK)
		die("expunge", &err);
	say(c, SAY_GONE, c->msg[b][i].serial, b, r.first, 0);
	drop_message(c, b, i);
}

static void
note_copy(void *arg, uint32_t source, const struct pst_row *row)
{
	(void)source;
	*(uint32_t *)arg = row->uid;
}

static void
do_move(struct child *c, unsigned b)
{
	unsigned to = (b + 1 + pick(BOXES - 1)) % BOXES;
	struct pst_error err;
	size_t i = pick((uint32_t)c->n[b]);
	uint32_t serial = c->msg[b][i].serial, uid = 0;
	uint32_t flags = c->msg[b][i].flags;
	struct pst_range r = { c->msg[b][i].uid, c->msg[b][i].uid };

	say(c, SAY_TRY_MOVE, serial, to, r.first, 0);
	if (ops->move(c->box[b], (struct pst_uids){ &r, 1 }, c->box[to],
		note_copy, &uid, &err) != PST_OK ||
	    uid == 0)
		die("move", &err);
	say(c, SAY_MOVED, serial, to, uid, flags);
	drop_message(c, b, i);
	add_message(c, to, serial, uid, flags);
}

static void
open_boxes(struct child *c)
{
	struct pst_error err = { 0 };
	bool created;

	if (ops->open(&host, &section, &c->store, &err) != PST_OK)
		die("open", &err);
	if (ops->acct_open(c->store, "crash@example.test", &c->acct, &created,
		&err) != PST_OK)
		die("acct_open", &err);
	for (int b = 0; b < BOXES; b++) {
		enum pst_rc rc = ops->box_open(
		    c->acct, box_name[b], &c->box[b], &err);

		if (rc == PST_E_NOTFOUND) {
			rc = ops->create(c->acct, box_name[b], "", &err);
			if (rc == PST_OK)
				rc = ops->box_open(
				    c->acct, box_name[b], &c->box[b], &err);
		}
		if (rc != PST_OK)
			die("box_open", &err);
	}
}

static void
close_boxes(struct child *c)
{
	for (int b = 0; b < BOXES; b++)
		ops->box_close(c->box[b]);
	ops->acct_close(c->acct);
	ops->close(c->store);
}

/* Works until it is killed; now and then it closes its boxes in between. */
static void
work(int out)
{
	struct child c = { .out = out };
	uint32_t next = serials;

	open_boxes(&c);
	for (;;) {
		unsigned b = pick(BOXES), what = pick(100);

		if (what < 10 && ops->place != NULL) {
			do_place(&c, b, &next);
		} else if (what < 45 || c.n[b] == 0) {
			do_commit(&c, b, &next);
		} else if (what < 50 && ops->place != NULL) {
			do_place_present(&c, b);
		} else if (what < 70) {
			do_flags(&c, b);
		} else if (what < 76) {
			do_expunge(&c, b);
		} else if (what < 82 && ops->expunge_keep != NULL) {
			do_keep(&c, b);
		} else if (what < 86 && c.kept_n > 0) {
			do_restore(&c);
		} else if (what < 97) {
			do_move(&c, b);
		} else {
			struct pst_error err;

			ops->box_close(c.box[b]);
			if (ops->box_open(
				c.acct, box_name[b], &c.box[b], &err) != PST_OK)
				die("box_open", &err);
		}
	}
}

/* --- the audit ------------------------------------------------------------ */

static void
take_record(const struct record *r)
{
	struct known *k = &known[r->serial];

	if (r->serial >= serials)
		serials = r->serial + 1;
	if (serials >= SERIALS)
		die("too many messages", NULL);
	switch ((enum verb)r->verb) {
	case SAY_TRY:
		k->tried = true;
		k->box = (uint8_t)r->box;
		break;
	case SAY_STORED:
	case SAY_MOVED:
	case SAY_RESTORED:
		acks++;
		if (r->uid <= uid_seen[r->box])
			fault("a uid is not above all before", r->serial,
			    r->uid, uid_seen[r->box]);
		uid_seen[r->box] = r->uid;
		k->stored = true;
		k->removed = false;
		k->moving = k->keeping = k->kept = k->restoring = false;
		k->box = (uint8_t)r->box;
		k->uid = r->uid;
		break;
	case SAY_TRY_GONE:
		k->removing = true;
		break;
	case SAY_GONE:
		acks++;
		k->removed = true;
		break;
	case SAY_TRY_KEEP:
		k->keeping = true;
		k->kept_box = (uint8_t)r->box;
		k->kept_uid = r->uid;
		break;
	case SAY_KEPT:
		acks++;
		k->kept = k->removed = true;
		break;
	case SAY_TRY_RESTORE:
		k->restoring = true;
		k->to = (uint8_t)r->box;
		break;
	case SAY_TRY_MOVE:
		k->moving = true;
		k->to = (uint8_t)r->box;
		break;
	}
}

struct audit {
	struct child *c;
	unsigned b;
	uint8_t *found; /* by serial: 1 << box */
	uint32_t last;
};

static uint32_t
read_serial(struct audit *a, const struct pst_row *row)
{
	static char want[4096], got[4096];
	struct pst_error err = { 0 };
	struct pst_body body;
	uint32_t serial = 0;
	size_t n = 0;

	if (ops->body(a->c->box[a->b], row->uid, &body, &err) != PST_OK) {
		fault(err.detail, 0, row->uid, a->b);
		return 0;
	}
	if (body.length < sizeof(got)) {
		n = (size_t)body.length;
		if (body.mem != NULL)
			memcpy(got, body.mem, n);
		else if (pread(body.fd, got, n, (off_t)body.offset) !=
			 (ssize_t)n)
			n = 0;
	}
	body.release(&body);
	for (size_t i = 8; i < n && got[i] >= '0' && got[i] <= '9'; i++)
		serial = serial * 10 + (uint32_t)(got[i] - '0');
	if (serial == 0 || serial >= SERIALS || make_text(serial, want) != n ||
	    memcmp(want, got, n) != 0 || row->size != n) {
		fault("a message is not whole", serial, row->uid, a->b);
		return 0;
	}
	return serial;
}

static void
audit_row(void *arg, const struct pst_row *row)
{
	struct audit *a = arg;
	uint32_t serial = read_serial(a, row);
	const struct known *k = &known[serial];

	if (row->uid <= a->last)
		fault("uids do not ascend", serial, row->uid, a->last);
	a->last = row->uid;
	if (serial == 0)
		return;
	if (a->found[serial] >> a->b & 1)
		fault("twice in one mailbox", serial, row->uid, a->b);
	a->found[serial] |= (uint8_t)(1U << a->b);
	if (!k->tried)
		fault("nobody sent it", serial, row->uid, a->b);
	else if (k->removed && !k->restoring)
		fault("it was removed", serial, row->uid, a->b);
	else if (a->b != k->box &&
		 !((k->moving || k->restoring) && a->b == k->to))
		fault("in a wrong mailbox", serial, a->b, k->box);
	else if (k->stored && !k->restoring && a->b == k->box &&
		 row->uid != k->uid)
		fault("its uid changed", serial, row->uid, k->uid);
	add_message(a->c, a->b, serial, row->uid, row->flags);
}

/* What the store keeps. */
static struct {
	uint32_t box, uid;
} kept[KEPT_MAX];
static size_t kept_n;

static void
take_kept(void *arg, const struct pst_kept *k)
{
	uint32_t box = 0;

	(void)arg;
	while (box < BOXES && strcmp(box_name[box], k->mailbox) != 0)
		box++;
	if (box == BOXES || !k->exists || kept_n == KEPT_MAX) {
		fault("kept of an unknown mailbox", 0, k->uid, box);
		return;
	}
	kept[kept_n].box = box;
	kept[kept_n++].uid = k->uid;
}

static bool
is_kept(const struct known *k)
{
	for (size_t i = 0; i < kept_n; i++)
		if (kept[i].box == k->kept_box && kept[i].uid == k->kept_uid)
			return true;
	return false;
}

/* Each kept or restored message is in exactly one place. */
static void
settle_kept(struct child *c, const uint8_t *found)
{
	struct pst_error err;

	kept_n = 0;
	if (ops->kept_each == NULL)
		return;
	if (ops->kept_each(c->acct, take_kept, NULL, &err) != PST_OK)
		die("kept_each", &err);
	for (uint32_t s = 1; s < serials; s++) {
		struct known *k = &known[s];
		bool there;

		if (!k->keeping && !k->kept)
			continue;
		there = is_kept(k);
		if (k->kept && !k->restoring && !there)
			fault("it was kept and is lost", s, k->kept_box,
			    k->kept_uid);
		else if (there && found[s] != 0)
			fault("it is kept and in a mailbox", s, k->kept_box,
			    k->kept_uid);
		else if (!there && found[s] == 0)
			fault("it is neither kept nor in a mailbox", s,
			    k->kept_box, k->kept_uid);
		k->kept = there;
	}
}

/* Keeps the audits short. */
static void
purge_kept(struct child *c)
{
	const struct pst_kept_limit all = { .before = INT64_MAX,
		.most = pick(1000) };
	struct pst_kept_sum sum;
	struct pst_error err;

	if (kept_n < 200 || ops->kept_purge == NULL)
		return;
	if (ops->kept_purge(c->acct, &all, &sum, &err) != PST_OK)
		die("kept_purge", &err);
	kept_n = 0;
	if (ops->kept_each(c->acct, take_kept, NULL, &err) != PST_OK)
		die("kept_each", &err);
	for (uint32_t s = 1; s < serials; s++)
		known[s].kept = known[s].kept && is_kept(&known[s]);
}

/* What is there now is what counts from here on. */
static void
settle(const uint8_t *found, struct child *c)
{
	settle_kept(c, found);
	for (uint32_t s = 1; s < serials; s++) {
		struct known *k = &known[s];

		if (k->stored && !k->removed && !k->removing && !k->kept &&
		    !found[s])
			fault("it was acknowledged and is lost", s, k->box,
			    k->uid);
		k->removed = k->tried && !found[s];
		k->stored = found[s] != 0;
		k->removing = k->moving = k->keeping = k->restoring = false;
		/* After a cut move it may be in two: both are removed below. */
	}
	for (unsigned b = 0; b < BOXES; b++)
		for (size_t i = 0; i < c->n[b]; i++) {
			known[c->msg[b][i].serial].box = (uint8_t)b;
			known[c->msg[b][i].serial].uid = c->msg[b][i].uid;
		}
}

/* Half moved messages are in two mailboxes: keep the one in `box`. Also keeps
 * the mailboxes small, so that many rounds are quick. */
static void
tidy(struct child *c, const uint8_t *found)
{
	struct pst_error err;

	for (unsigned b = 0; b < BOXES; b++)
		for (size_t i = 0; i < c->n[b]; i++) {
			uint32_t s = c->msg[b][i].serial;
			struct pst_range r = { c->msg[b][i].uid,
				c->msg[b][i].uid };
			bool twice = found[s] & (found[s] - 1);

			if (!(twice && known[s].box != b) &&
			    (c->n[b] < 200 || i % 2))
				continue;
			if (ops->expunge(c->box[b], (struct pst_uids){ &r, 1 },
				ignore_uid, NULL, &err) != PST_OK)
				die("expunge", &err);
			if (!(twice && known[s].box != b))
				known[s].removed = true;
		}
	/* The other half of one that was thinned out goes as well. */
	for (unsigned b = 0; b < BOXES; b++)
		for (size_t i = 0; i < c->n[b]; i++) {
			uint32_t s = c->msg[b][i].serial;
			struct pst_range r = { c->msg[b][i].uid,
				c->msg[b][i].uid };

			if (known[s].removed &&
			    ops->expunge(c->box[b], (struct pst_uids){ &r, 1 },
				ignore_uid, NULL, &err) != PST_OK)
				die("expunge", &err);
		}
}

static void
check_state(struct child *c, unsigned b)
{
	struct pst_box_state st;
	struct pst_error err;

	if (ops->state(c->box[b], &st, &err) != PST_OK)
		die("state", &err);
	if (uidvalidity[b] != 0 && uidvalidity[b] != st.uidvalidity)
		fault("UIDVALIDITY changed", b, st.uidvalidity, uidvalidity[b]);
	uidvalidity[b] = st.uidvalidity;
	if (st.uidnext <= uid_seen[b])
		fault("UIDNEXT fell", b, st.uidnext, uid_seen[b]);
}

static void
audit(void)
{
	struct child c = { .out = -1 };
	uint8_t *found = calloc(SERIALS, 1);
	struct pst_error err = { 0 };

	if (found == NULL)
		abort();
	open_boxes(&c);
	for (unsigned b = 0; b < BOXES; b++) {
		struct audit a = { .c = &c, .b = b, .found = found };

		check_state(&c, b);
		if (ops->load(c.box[b], audit_row, &a, &err) != PST_OK)
			die("load", &err);
		if (a.last > uid_seen[b])
			uid_seen[b] = a.last;
	}
	settle(found, &c);
	tidy(&c, found);
	purge_kept(&c);
	close_boxes(&c);
	for (unsigned b = 0; b < BOXES; b++)
		free(c.msg[b]);
	free(found);
	audits++;
}

/* One life: a child that works for up to life_ms. */
static void
live_and_die(void)
{
	uint32_t us = 1 + pick(life_ms * 1000);
	struct timespec life = { us / 1000000, us % 1000000 * 1000L };
	struct record r;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) < 0)
		die("pipe", NULL);
	random_state += 0x9e3779b97f4a7c15U;
	pid = fork();
	if (pid < 0)
		die("fork", NULL);
	if (pid == 0) {
		(void)close(fds[0]);
		work(fds[1]);
	}
	(void)close(fds[1]);
	/* Read while it works: a full pipe would hold it up. */
	if (fork() == 0) {
		(void)close(fds[0]);
		(void)nanosleep(&life, NULL);
		(void)kill(pid, SIGKILL);
		_exit(0);
	}
	while (read(fds[0], &r, sizeof(r)) == (ssize_t)sizeof(r))
		take_record(&r);
	(void)close(fds[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid", NULL);
	if (WIFEXITED(status)) {
		(void)fprintf(stderr, "the child ended by itself\n");
		faults++;
	}
	while (wait(&status) > 0)
		;
}

int
main(int argc, char **argv)
{
	const struct pst_module *(*entry)(void);
	unsigned long rounds, failed = 0;
	const char *seed;
	void *so;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4) {
		(void)fprintf(stderr,
		    "usage: %s MODULE.so ROUNDS [seed=N] key=value...\n",
		    argv[0]);
		return 2;
	}
	rounds = strtoul(argv[2], NULL, 10);
	section = (struct pst_section){ argv + 3, argc - 3 };
	seed = host_config(&section, "life");
	if (seed != NULL && strtoul(seed, NULL, 10) > 0)
		life_ms = (uint32_t)strtoul(seed, NULL, 10);
	seed = host_config(&section, "seed");
	random_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)host_now();
	(void)printf("seed=%llu\n", (unsigned long long)random_state);
	random_state = random_state * 2654435761U + 88172645463325252U;
	so = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (so == NULL) {
		(void)fprintf(stderr, "crash_store: %s\n", dlerror());
		return 2;
	}
	*(void **)&entry = dlsym(so, PST_MODULE_ENTRY);
	if (entry == NULL)
		return 2;
	ops = entry()->store;
	known = calloc(SERIALS, sizeof(*known));
	if (known == NULL)
		abort();
	for (unsigned long i = 0; i < rounds && failed < 3; i++) {
		unsigned long before = faults;

		live_and_die();
		audit();
		failed += faults != before;
	}
	free(known);
	(void)printf("%lu rounds, %u messages, %lu acknowledged, %lu faults\n",
	    audits, serials - 1, acks, faults);
	(void)printf(
	    "%lu passed, %lu failed, 0 skipped\n", audits - failed, failed);
	return faults ? 1 : 0;
}
