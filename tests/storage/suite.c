/*
 * suite.c - the module under test, the server's side of struct pst_host, checks
 * that count, and the steps that most tests need; see conformance.h.
 */
#include "conformance.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* The configuration is the rest of the command line. */
struct pst_section {
	char **pair;
	int n;
};

struct suite suite;

static void
host_log(enum pst_log_level level, const char *fmt, ...)
{
	static const char *const word[] = { "error", "warning", "info",
		"debug" };
	va_list ap;

	if (level > PST_LOG_WARNING)
		return;
	va_start(ap, fmt);
	(void)fprintf(stderr, "# %s: ", word[level]);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

static const char *
host_config(const struct pst_section *section, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < section->n; i++)
		if (strncmp(section->pair[i], key, n) == 0 &&
		    section->pair[i][n] == '=')
			return section->pair[i] + n + 1;
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
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

static void
host_changed(void *cookie)
{
	(void)cookie;
}

/* --- checks --------------------------------------------------------------- */

bool
check_at(const char *file, int line, bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok) {
		suite.passed++;
		return true;
	}
	suite.failed++;
	(void)printf("FAIL %s (%s:%d): ", suite.part, file, line);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	return false;
}

bool
check_rc(const char *file, int line, enum pst_rc want, enum pst_rc got,
    struct pst_error *err, const char *call)
{
	if (got == want)
		return check_at(file, line, true, "%s", call);
	return check_at(file, line, false, "%.60s... is %d, not %d: %s", call,
	    (int)got, (int)want, got != PST_OK ? err->detail : "");
}

void
skip(unsigned checks, const char *why)
{
	suite.skipped += checks;
	(void)printf("skip %s: %u checks, %s\n", suite.part, checks, why);
}

/* --- collecting ----------------------------------------------------------- */

static void *
more(void *p, size_t n, size_t *cap, size_t each)
{
	if (n < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 16;
	p = realloc(p, *cap * each);
	if (p == NULL)
		abort();
	return p;
}

void
rows_add(void *arg, const struct pst_row *row)
{
	struct rows *r = arg;

	r->v = more(r->v, r->n, &r->cap, sizeof(*r->v));
	r->v[r->n++] = *row;
}

void
rows_free(struct rows *r)
{
	free(r->v);
	*r = (struct rows){ 0 };
}

const struct pst_row *
rows_uid(const struct rows *r, uint32_t uid)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].uid == uid)
			return &r->v[i];
	return NULL;
}

bool
rows_ascend(const struct rows *r)
{
	for (size_t i = 1; i < r->n; i++)
		if (r->v[i - 1].uid >= r->v[i].uid)
			return false;
	return true;
}

void
uids_add(void *arg, uint32_t uid)
{
	struct uids *u = arg;

	u->v = more(u->v, u->n, &u->cap, sizeof(*u->v));
	u->v[u->n++] = uid;
}

void
uids_free(struct uids *u)
{
	free(u->v);
	*u = (struct uids){ 0 };
}

bool
uids_have(const struct uids *u, uint32_t uid)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->v[i] == uid)
			return true;
	return false;
}

void
copies_add(void *arg, uint32_t source, const struct pst_row *row)
{
	struct copies *c = arg;

	c->source = more(c->source, c->rows.n, &c->cap, sizeof(*c->source));
	c->source[c->rows.n] = source;
	rows_add(&c->rows, row);
}

void
copies_free(struct copies *c)
{
	free(c->source);
	rows_free(&c->rows);
	*c = (struct copies){ 0 };
}

static void
listing_add(void *arg, const struct pst_mailbox *m)
{
	struct listing *l = arg;

	l->v = more(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n++] = (struct listed){ .name = strdup(m->name),
		.special_use = strdup(m->special_use),
		.exists = m->exists,
		.subscribed = m->subscribed };
}

void
listing_get(struct pst_acct *acct, struct listing *l)
{
	struct pst_error err;

	*l = (struct listing){ 0 };
	CHECK_RC(PST_OK, OPS->list(acct, listing_add, l, &err));
}

size_t
listing_place(const struct listing *l, const char *name)
{
	size_t i = 0;

	while (i < l->n && strcmp(l->v[i].name, name) != 0)
		i++;
	return i;
}

const struct listed *
listing_find(const struct listing *l, const char *name)
{
	size_t i = listing_place(l, name);

	return i < l->n ? &l->v[i] : NULL;
}

void
listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].special_use);
	}
	free(l->v);
	*l = (struct listing){ 0 };
}

static void
delta_stage(struct delta *d, int stage)
{
	if (stage < d->stage)
		d->in_order = false;
	d->stage = stage;
}

static void
delta_gone(void *arg, uint32_t uid)
{
	struct delta *d = arg;

	delta_stage(d, 0);
	uids_add(&d->gone, uid);
}

static void
delta_changed(void *arg, const struct pst_row *row)
{
	struct delta *d = arg;

	delta_stage(d, 1);
	rows_add(&d->changed, row);
}

static void
delta_appended(void *arg, const struct pst_row *row)
{
	struct delta *d = arg;

	delta_stage(d, 2);
	rows_add(&d->appended, row);
}

enum pst_rc
delta_get(struct pst_box *box, struct delta *d)
{
	const struct pst_delta to = { .arg = d,
		.gone = delta_gone,
		.changed = delta_changed,
		.appended = delta_appended };
	struct pst_error err = { 0 };

	*d = (struct delta){ .in_order = true };
	return OPS->refresh(box, &to, &err);
}

bool
delta_is_empty(const struct delta *d)
{
	return d->gone.n == 0 && d->changed.n == 0 && d->appended.n == 0;
}

void
delta_free(struct delta *d)
{
	uids_free(&d->gone);
	rows_free(&d->changed);
	rows_free(&d->appended);
}

/* --- steps ---------------------------------------------------------------- */

struct pst_acct *
acct_of(const char *id)
{
	struct pst_acct *acct = NULL;
	struct pst_error err = { 0 };
	bool created;

	if (!CHECK_RC(
		PST_OK, OPS->acct_open(suite.store, id, &acct, &created, &err)))
		return NULL;
	return acct;
}

struct pst_box *
box_of(struct pst_acct *acct, const char *name)
{
	struct pst_box *box = NULL;
	struct pst_error err = { 0 };

	if (!CHECK_RC(PST_OK, OPS->box_open(acct, name, &box, &err)))
		return NULL;
	return box;
}

void
load_rows(struct pst_box *box, struct rows *r)
{
	struct pst_error err = { 0 };

	*r = (struct rows){ 0 };
	CHECK_RC(PST_OK, OPS->load(box, rows_add, r, &err));
}

struct pst_stage *
stage_of(const void *text, size_t n)
{
	struct pst_stage *stage = NULL;
	struct pst_error err = { 0 };

	if (!CHECK_RC(PST_OK, OPS->stage_new(suite.store, n, &stage, &err)))
		return NULL;
	CHECK_RC(PST_OK, OPS->stage_write(stage, text, n, &err));
	CHECK_RC(PST_OK, OPS->stage_sync(stage, &err));
	return stage;
}

uint32_t
put(struct pst_box *box, const char *text, uint32_t flags, uint64_t keywords,
    int64_t date)
{
	struct pst_stage *stage = stage_of(text, strlen(text));
	struct pst_append append = { .stage = stage,
		.flags = flags,
		.keywords = keywords,
		.internal_date = date,
		.last = true };
	struct pst_error err = { 0 };
	struct pst_row row = { 0 };

	if (stage == NULL)
		return 0;
	CHECK_RC(PST_OK, OPS->commit(box, &append, 1, &row, &err));
	OPS->stage_free(stage);
	return row.uid;
}

char *
body_text(const struct pst_body *body)
{
	char *text = malloc(body->length + 1);
	size_t at = 0;

	if (text == NULL)
		abort();
	text[body->length] = '\0';
	if (body->mem != NULL) {
		memcpy(text, body->mem, body->length);
		return text;
	}
	while (at < body->length) {
		ssize_t got = pread(body->fd, text + at, body->length - at,
		    (off_t)(body->offset + at));

		if (got <= 0) {
			free(text);
			return NULL;
		}
		at += (size_t)got;
	}
	return text;
}

bool
body_is(struct pst_box *box, uint32_t uid, const void *text, size_t n)
{
	struct pst_error err = { 0 };
	struct pst_body body;
	bool same = false;
	char *got;

	if (OPS->body(box, uid, &body, &err) != PST_OK)
		return false;
	got = body_text(&body);
	if (got != NULL)
		same = body.length == n && memcmp(got, text, n) == 0;
	free(got);
	body.release(&body);
	return same;
}

struct pst_uids
one(struct pst_range *r, uint32_t first, uint32_t last)
{
	*r = (struct pst_range){ first, last };
	return (struct pst_uids){ r, 1 };
}

struct change_arg {
	struct rows *changed;
	struct uids *conflict;
};

static void
change_row(void *arg, const struct pst_row *row)
{
	struct change_arg *c = arg;

	rows_add(c->changed, row);
}

static void
change_conflict(void *arg, uint32_t uid)
{
	struct change_arg *c = arg;

	uids_add(c->conflict, uid);
}

enum pst_rc
change_flags(struct pst_box *box, uint32_t uid, enum pst_flag_op op,
    uint32_t flags, uint64_t keywords, uint64_t unchanged_since,
    struct rows *changed, struct uids *conflict)
{
	const struct pst_flag_change how = { .op = op,
		.flags = flags,
		.keywords = keywords,
		.unchanged_since = unchanged_since };
	struct change_arg arg = { changed, conflict };
	struct pst_error err = { 0 };
	struct pst_range r;

	*changed = (struct rows){ 0 };
	*conflict = (struct uids){ 0 };
	return OPS->flags(box, one(&r, uid, uid), &how, change_row,
	    change_conflict, &arg, &err);
}

bool
reopen(void)
{
	struct pst_error err = { 0 };

	OPS->close(suite.store);
	suite.store = NULL;
	return CHECK_RC(
	    PST_OK, OPS->open(&suite.host, suite.section, &suite.store, &err));
}

/* --- the module ------------------------------------------------------------
 */

static const struct pst_module *
load_module(const char *path)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct pst_module *(*entry)(void);
	const struct pst_module *m;

	if (so == NULL) {
		(void)fprintf(stderr, "suite: %s\n", dlerror());
		return NULL;
	}
	*(void **)&entry = dlsym(so, PST_MODULE_ENTRY);
	if (entry == NULL) {
		(void)fprintf(
		    stderr, "suite: %s has no %s\n", path, PST_MODULE_ENTRY);
		return NULL;
	}
	m = entry();
	if (m == NULL || m->abi != PST_MODULE_ABI || m->store == NULL) {
		(void)fprintf(stderr, "suite: %s is no module of ABI %d\n",
		    path, PST_MODULE_ABI);
		return NULL;
	}
	return m;
}

bool
suite_begin(int argc, char **argv)
{
	static struct pst_section section;
	const struct pst_module *m;
	struct pst_error err = { 0 };

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		(void)fprintf(
		    stderr, "usage: %s MODULE.so [key=value ...]\n", argv[0]);
		return false;
	}
	m = load_module(argv[1]);
	if (m == NULL)
		return false;
	section = (struct pst_section){ argv + 2, argc - 2 };
	suite.ops = m->store;
	suite.section = &section;
	suite.host = (struct pst_host){ .size = sizeof(suite.host),
		.log = host_log,
		.config = host_config,
		.now = host_now,
		.random = host_random,
		.changed = host_changed };
	if (OPS->open(&suite.host, &section, &suite.store, &err) != PST_OK) {
		(void)fprintf(stderr, "%s: open: %s\n", argv[0], err.detail);
		return false;
	}
	return true;
}

int
suite_end(void)
{
	if (suite.store != NULL)
		OPS->close(suite.store);
	(void)printf("%u passed, %u failed, %u skipped\n", suite.passed,
	    suite.failed, suite.skipped);
	return suite.failed ? 1 : 0;
}
