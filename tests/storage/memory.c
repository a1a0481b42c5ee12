/*
 * memory.c - a storage module that keeps everything in memory. It shows what
 * the contract in postern/store.h asks for, without a disk in the way, and is
 * built as an outside author would do it: against include/postern alone.
 *
 * One lock guards the store. It is never held in a call back. Messages are
 * small rows that point to shared, counted contents, so copies cost nothing
 * and a body stays readable after its message is gone.
 */
#include <postern/module.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

struct content {
	atomic_uint users;
	char id[40];
	size_t n, cap;
	char *text;
};

struct message {
	struct pst_row row;
	struct content *content;
};

struct entry { /* a name with a value; a subscription has none */
	char *key, *value;
	size_t n;
	struct entry *next;
};

struct pst_box { /* a mailbox, open or not */
	struct pst_acct *acct;
	struct pst_box *next;
	char *name;
	struct pst_box_state state;
	uint32_t recent;
	struct message *message;
	size_t n, cap;
	char *keyword[PST_KEYWORDS_MAX]; /* "" or on the heap */
	struct entry *meta;
};

struct pst_acct {
	struct pst_store *store;
	struct pst_acct *next;
	char *id;
	struct pst_box *boxes;
	struct entry *meta, *subscribed;
};

struct pst_store {
	const struct pst_host *host;
	pthread_mutex_t lock;
	struct pst_acct *accounts;
	uint32_t uidvalidity; /* the last one given */
};

struct pst_stage {
	struct pst_store *store;
	struct content *content;
};

/* --- memory --------------------------------------------------------------- */

static void *
grow(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (p == NULL)
		abort();
	return p;
}

static char *
copy_text(const char *p, size_t n)
{
	char *s = grow(NULL, n + 1);

	if (n > 0)
		memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

static void *
zeroed(size_t n)
{
	return memset(grow(NULL, n), 0, n);
}

static void
random_id(const struct pst_store *s, char kind, char id_r[40])
{
	unsigned char octet[12];

	s->host->random(octet, sizeof(octet));
	id_r[0] = kind;
	for (size_t i = 0; i < sizeof(octet); i++)
		(void)snprintf(id_r + 1 + 2 * i, 3, "%02x", octet[i]);
}

static void
content_release(struct content *c)
{
	if (atomic_fetch_sub(&c->users, 1) > 1)
		return;
	free(c->text);
	free(c);
}

static struct entry **
entry_find(struct entry **list, const char *key)
{
	while (*list != NULL && strcmp((*list)->key, key) != 0)
		list = &(*list)->next;
	return list;
}

/* {NULL, 0} removes. */
static void
entry_set(struct entry **list, const char *key, struct pst_str value)
{
	struct entry **at = entry_find(list, key), *e = *at;

	if (e != NULL) {
		*at = e->next;
		free(e->key);
		free(e->value);
		free(e);
	}
	if (value.p == NULL)
		return;
	e = zeroed(sizeof(*e));
	e->key = copy_text(key, strlen(key));
	e->value = copy_text(value.p, value.n);
	e->n = value.n;
	e->next = *list;
	*list = e;
}

static void
entries_free(struct entry **list)
{
	while (*list != NULL)
		entry_set(list, (*list)->key, (struct pst_str){ NULL, 0 });
}

static void
lock(struct pst_store *s)
{
	(void)pthread_mutex_lock(&s->lock);
}

static void
unlock(struct pst_store *s)
{
	(void)pthread_mutex_unlock(&s->lock);
}

/* --- the store and its accounts ------------------------------------------- */

static enum pst_rc
store_open(const struct pst_host *host, const struct pst_section *section,
    struct pst_store **store_r, struct pst_error *err)
{
	struct pst_store *s = zeroed(sizeof(*s));

	(void)section;
	(void)err;
	s->host = host;
	(void)pthread_mutex_init(&s->lock, NULL);
	*store_r = s;
	return PST_OK;
}

/* Wants the lock, as do all the box_* helpers here. */
static struct pst_box *
box_make(struct pst_acct *a, const char *name, const char *special_use)
{
	struct pst_store *s = a->store;
	struct pst_box *b = zeroed(sizeof(*b));
	int64_t now = s->host->now() / 1000000;

	if (now > s->uidvalidity && now <= UINT32_MAX)
		s->uidvalidity = (uint32_t)now;
	else
		s->uidvalidity++;
	b->acct = a;
	b->name = copy_text(name, strlen(name));
	b->state.uidvalidity = s->uidvalidity;
	b->state.uidnext = b->recent = 1;
	b->state.highestmodseq = 1;
	random_id(s, 'F', b->state.objectid);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		b->keyword[k] = copy_text("", 0);
	if (special_use[0] != '\0')
		entry_set(&b->meta, "/private/specialuse",
		    (struct pst_str){ special_use, strlen(special_use) });
	b->next = a->boxes;
	a->boxes = b;
	return b;
}

static struct pst_box **
box_find(struct pst_acct *a, const char *name)
{
	struct pst_box **at = &a->boxes;

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void
box_free(struct pst_box **at)
{
	struct pst_box *b = *at;

	*at = b->next;
	for (size_t i = 0; i < b->n; i++)
		content_release(b->message[i].content);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(b->keyword[k]);
	entries_free(&b->meta);
	free(b->message);
	free(b->name);
	free(b);
}

static void
acct_free(struct pst_acct **at)
{
	struct pst_acct *a = *at;

	*at = a->next;
	while (a->boxes != NULL)
		box_free(&a->boxes);
	entries_free(&a->meta);
	entries_free(&a->subscribed);
	free(a->id);
	free(a);
}

static void
store_close(struct pst_store *s)
{
	while (s->accounts != NULL)
		acct_free(&s->accounts);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct pst_acct **
acct_find(struct pst_store *s, const char *id)
{
	struct pst_acct **at = &s->accounts;

	while (*at != NULL && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static enum pst_rc
acct_open(struct pst_store *s, const char *id, struct pst_acct **acct_r,
    bool *created_r, struct pst_error *err)
{
	struct pst_acct *a;

	(void)err;
	lock(s);
	a = *acct_find(s, id);
	*created_r = a == NULL;
	if (a == NULL) {
		a = zeroed(sizeof(*a));
		a->store = s;
		a->id = copy_text(id, strlen(id));
		a->next = s->accounts;
		s->accounts = a;
		(void)box_make(a, "INBOX", "");
	}
	unlock(s);
	*acct_r = a;
	return PST_OK;
}

static void
acct_close(struct pst_acct *a)
{
	(void)a; /* it lives as long as the store */
}

static enum pst_rc
acct_remove(struct pst_store *s, const char *id, struct pst_error *err)
{
	struct pst_acct **at;
	bool found;

	lock(s);
	at = acct_find(s, id);
	found = *at != NULL;
	if (found)
		acct_free(at);
	unlock(s);
	return found ? PST_OK
		     : pst_fail(err, PST_E_NOTFOUND, 0, "no account %s", id);
}

static enum pst_rc
usage(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	(void)err;
	*usage_r = (struct pst_usage){ 0 };
	lock(a->store);
	for (const struct pst_box *b = a->boxes; b != NULL; b = b->next) {
		usage_r->messages += b->n;
		for (size_t i = 0; i < b->n; i++)
			usage_r->bytes += b->message[i].row.size;
	}
	unlock(a->store);
	return PST_OK;
}

/* --- mailbox names -------------------------------------------------------- */

struct name {
	char *text, *special_use;
	bool exists;
};

/* '/' before all else: parents come right before their children. */
static int
compare_names(const void *x, const void *y)
{
	const struct name *m = x, *n = y;
	const char *a = m->text, *b = n->text;

	while (*a != '\0' && *a == *b)
		a++, b++;
	if (*a == *b)
		return (int)n->exists - (int)m->exists;
	if (*a == '\0' || *b == '\0')
		return *a == '\0' ? -1 : 1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* Adds a name and its parents. */
static void
add_names(struct name **v, size_t *n, const char *text, const struct pst_box *b)
{
	const char *end = text + strlen(text);

	for (const char *p = text; p != NULL && p < end; p++) {
		const struct entry *use = NULL;
		struct name *row;

		p = strchr(p, '/');
		*v = grow(*v, (*n + 1) * sizeof(**v));
		row = &(*v)[(*n)++];
		row->exists = p == NULL && b != NULL;
		if (row->exists) {
			struct entry *meta = b->meta;

			use = *entry_find(&meta, "/private/specialuse");
		}
		row->text = copy_text(text, (size_t)((p ? p : end) - text));
		row->special_use = copy_text(
		    use ? use->value : "", use ? strlen(use->value) : 0);
		if (p == NULL)
			break;
	}
}

static enum pst_rc
list(struct pst_acct *a, pst_mailbox_fn fn, void *arg, struct pst_error *err)
{
	struct name *v = NULL;
	bool *subscribed;
	size_t n = 0;

	(void)err;
	lock(a->store);
	for (const struct pst_box *b = a->boxes; b != NULL; b = b->next)
		add_names(&v, &n, b->name, b);
	for (const struct entry *e = a->subscribed; e != NULL; e = e->next)
		add_names(&v, &n, e->key, NULL);
	qsort(v, n, sizeof(*v), compare_names);
	subscribed = zeroed(n * sizeof(*subscribed) + 1);
	for (size_t i = 0; i < n; i++)
		subscribed[i] = *entry_find(&a->subscribed, v[i].text) != NULL;
	unlock(a->store);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(v[i].text, v[i - 1].text) != 0)
			fn(arg, &(struct pst_mailbox){ .name = v[i].text,
				    .special_use = v[i].special_use,
				    .exists = v[i].exists,
				    .subscribed = subscribed[i] });
	for (size_t i = 0; i < n; i++) {
		free(v[i].text);
		free(v[i].special_use);
	}
	free(v);
	free(subscribed);
	return PST_OK;
}

static enum pst_rc
create(struct pst_acct *a, const char *name, const char *special_use,
    struct pst_error *err)
{
	bool taken;

	lock(a->store);
	taken = *box_find(a, name) != NULL;
	if (!taken)
		(void)box_make(a, name, special_use);
	unlock(a->store);
	return taken ? pst_fail(err, PST_E_EXISTS, 0, "%s exists", name)
		     : PST_OK;
}

static enum pst_rc
remove_box(struct pst_acct *a, const char *name, struct pst_error *err)
{
	struct pst_box **at;
	bool found;

	if (strcmp(name, "INBOX") == 0)
		return pst_fail(err, PST_E_PERM, 0, "INBOX stays");
	lock(a->store);
	at = box_find(a, name);
	found = *at != NULL;
	if (found)
		box_free(at);
	unlock(a->store);
	return found ? PST_OK
		     : pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %s", name);
}

/* `name` is `tree` or below it. */
static bool
is_below(const char *name, const char *tree)
{
	size_t n = strlen(tree);

	return strncmp(name, tree, n) == 0 &&
	       (name[n] == '\0' || name[n] == '/');
}

static enum pst_rc
rename_box(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	lock(a->store);
	if (*box_find(a, from) == NULL)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %s", from);
	else if (is_below(to, from))
		rc = pst_fail(err, PST_E_PERM, 0, "%s into itself", from);
	for (struct pst_box *b = a->boxes; b != NULL; b = b->next)
		if (rc == PST_OK && is_below(b->name, to))
			rc = pst_fail(err, PST_E_EXISTS, 0, "%s exists", to);
	for (struct pst_box *b = a->boxes; b != NULL; b = b->next)
		if (rc == PST_OK && is_below(b->name, from)) {
			const char *rest = b->name + strlen(from);
			size_t n = strlen(to) + strlen(rest);
			char *name = grow(NULL, n + 1);

			(void)snprintf(name, n + 1, "%s%s", to, rest);
			free(b->name);
			b->name = name;
		}
	unlock(a->store);
	return rc;
}

static enum pst_rc
subscribe(struct pst_acct *a, const char *name, bool subscribed,
    struct pst_error *err)
{
	(void)err;
	lock(a->store);
	entry_set(&a->subscribed, name,
	    subscribed ? (struct pst_str){ "", 0 }
		       : (struct pst_str){ NULL, 0 });
	unlock(a->store);
	return PST_OK;
}

/* The entries of a mailbox or of the account; NULL when there is none. */
static struct entry **
meta_of(struct pst_acct *a, const char *name)
{
	struct pst_box *b;

	if (name == NULL)
		return &a->meta;
	b = *box_find(a, name);
	return b ? &b->meta : NULL;
}

static enum pst_rc
meta_get(struct pst_acct *a, const char *name, const char *prefix,
    pst_value_fn fn, void *arg, struct pst_error *err)
{
	struct entry **from, *copy = NULL;
	bool found;

	lock(a->store);
	from = meta_of(a, name);
	found = from != NULL;
	for (const struct entry *e = found ? *from : NULL; e; e = e->next)
		if (strncmp(e->key, prefix, strlen(prefix)) == 0)
			entry_set(
			    &copy, e->key, (struct pst_str){ e->value, e->n });
	unlock(a->store);
	for (const struct entry *e = copy; e != NULL; e = e->next)
		fn(arg, e->key, (struct pst_str){ e->value, e->n });
	entries_free(&copy);
	return found ? PST_OK
		     : pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %s", name);
}

static enum pst_rc
meta_set(struct pst_acct *a, const char *name, const char *key,
    struct pst_str value, struct pst_error *err)
{
	struct entry **to;

	lock(a->store);
	to = meta_of(a, name);
	if (to != NULL)
		entry_set(to, key, value);
	unlock(a->store);
	return to ? PST_OK
		  : pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %s", name);
}

/* --- an open mailbox ------------------------------------------------------ */

static enum pst_rc
box_open(struct pst_acct *a, const char *name, struct pst_box **box_r,
    struct pst_error *err)
{
	lock(a->store);
	*box_r = *box_find(a, name);
	unlock(a->store);
	return *box_r ? PST_OK
		      : pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %s", name);
}

static void
box_close(struct pst_box *b)
{
	(void)b; /* it lives as long as its name */
}

static enum pst_rc
state(struct pst_box *b, struct pst_box_state *state_r, struct pst_error *err)
{
	(void)err;
	*state_r = b->state;
	return PST_OK;
}

static enum pst_rc
load(struct pst_box *b, pst_row_fn fn, void *arg, struct pst_error *err)
{
	(void)err;
	for (size_t i = 0; i < b->n; i++)
		fn(arg, &b->message[i].row);
	return PST_OK;
}

static enum pst_rc
refresh(struct pst_box *b, const struct pst_delta *delta, struct pst_error *err)
{
	(void)b;
	(void)delta;
	(void)err;
	return PST_OK; /* nobody else can reach this memory */
}

static const char *const *
keywords(struct pst_box *b)
{
	return (const char *const *)b->keyword;
}

static enum pst_rc
keyword(struct pst_box *b, const char *name, bool create_it, unsigned *number_r,
    struct pst_error *err)
{
	unsigned k, unused = PST_KEYWORDS_MAX;
	uint64_t used = 0;

	for (k = 0; k < PST_KEYWORDS_MAX; k++)
		if (strcasecmp(b->keyword[k], name) == 0) {
			*number_r = k;
			return PST_OK;
		}
	if (!create_it)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no keyword %s", name);
	for (size_t i = 0; i < b->n; i++)
		used |= b->message[i].row.keywords;
	for (k = PST_KEYWORDS_MAX; k-- > 0;)
		if (b->keyword[k][0] == '\0')
			unused = k;
	for (k = PST_KEYWORDS_MAX; unused == PST_KEYWORDS_MAX && k-- > 0;)
		if (!(used >> k & 1))
			unused = k;
	if (unused == PST_KEYWORDS_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "too many keywords");
	free(b->keyword[unused]);
	b->keyword[unused] = copy_text(name, strlen(name));
	*number_r = unused;
	return PST_OK;
}

static enum pst_rc
recent(struct pst_box *b, bool claim, uint32_t *first_r, struct pst_error *err)
{
	(void)err;
	*first_r = b->state.uidnext;
	for (size_t i = b->n; i-- > 0 && b->message[i].row.uid >= b->recent;)
		*first_r = b->message[i].row.uid;
	if (claim)
		b->recent = b->state.uidnext;
	return PST_OK;
}

/* The place of a uid or of the next larger one. */
static size_t
find(const struct pst_box *b, uint32_t uid)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->message[mid].row.uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The content of a message, held; NULL when there is none. */
static struct content *
hold(struct pst_box *b, uint32_t uid)
{
	struct content *c = NULL;
	size_t i;

	lock(b->acct->store);
	i = find(b, uid);
	if (i < b->n && b->message[i].row.uid == uid) {
		c = b->message[i].content;
		atomic_fetch_add(&c->users, 1);
	}
	unlock(b->acct->store);
	return c;
}

static void
body_release(struct pst_body *body)
{
	content_release(body->priv);
	*body = (struct pst_body){ .fd = -1 };
}

static enum pst_rc
body(struct pst_box *b, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err)
{
	struct content *c = hold(b, uid);

	if (c == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no such message");
	*body_r = (struct pst_body){ .fd = -1,
		.mem = c->text,
		.length = c->n,
		.priv = c,
		.release = body_release };
	return PST_OK;
}

static enum pst_rc
ident(struct pst_box *b, uint32_t uid, char id_r[40], struct pst_error *err)
{
	struct content *c = hold(b, uid);

	if (c == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no such message");
	memcpy(id_r, c->id, sizeof(c->id));
	content_release(c);
	return PST_OK;
}

/* --- new messages --------------------------------------------------------- */

static enum pst_rc
stage_new(struct pst_store *s, uint64_t size, struct pst_stage **stage_r,
    struct pst_error *err)
{
	struct pst_stage *g = zeroed(sizeof(*g));

	(void)size;
	(void)err;
	g->store = s;
	g->content = zeroed(sizeof(*g->content));
	g->content->text = grow(NULL, 1);
	atomic_init(&g->content->users, 1);
	random_id(s, 'M', g->content->id);
	*stage_r = g;
	return PST_OK;
}

static enum pst_rc
stage_write(
    struct pst_stage *g, const void *data, size_t n, struct pst_error *err)
{
	struct content *c = g->content;

	if (n > SIZE_MAX / 4 - c->n)
		return pst_fail(err, PST_E_LIMIT, 0, "message too large");
	if (c->n + n > c->cap) {
		c->cap = (c->n + n) * 2;
		c->text = grow(c->text, c->cap);
	}
	if (n > 0)
		memcpy(c->text + c->n, data, n);
	c->n += n;
	return PST_OK;
}

static enum pst_rc
stage_sync(struct pst_stage *g, struct pst_error *err)
{
	(void)g;
	(void)err;
	return PST_OK;
}

static void
stage_free(struct pst_stage *g)
{
	content_release(g->content);
	free(g);
}

/* Adds a row with the next uid. Wants the lock. */
static struct pst_row *
append(struct pst_box *b, struct content *c, const struct pst_row *like)
{
	struct message *m;

	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 16;
		b->message = grow(b->message, b->cap * sizeof(*b->message));
	}
	m = &b->message[b->n++];
	atomic_fetch_add(&c->users, 1);
	m->content = c;
	m->row = *like;
	m->row.uid = b->state.uidnext++;
	m->row.modseq = b->state.highestmodseq;
	m->row.save_date = b->acct->store->host->now() / 1000000;
	m->row.size = c->n;
	return &m->row;
}

static enum pst_rc
commit(struct pst_box *b, const struct pst_append *appends, size_t n,
    struct pst_row *rows_r, struct pst_error *err)
{
	if (n > UINT32_MAX - b->state.uidnext)
		return pst_fail(err, PST_E_LIMIT, 0, "no uids are left");
	lock(b->acct->store);
	b->state.highestmodseq += n > 0;
	for (size_t i = 0; i < n; i++) {
		const struct pst_append *a = &appends[i];

		rows_r[i] = *append(b, a->stage->content,
		    &(struct pst_row){ .flags = a->flags,
			.keywords = a->keywords,
			.internal_date = a->internal_date });
	}
	unlock(b->acct->store);
	return PST_OK;
}

/* --- changing messages ---------------------------------------------------- */

static void
change(struct pst_row *row, const struct pst_flag_change *c)
{
	switch (c->op) {
	case PST_FLAGS_SET:
		row->flags = c->flags;
		row->keywords = c->keywords;
		break;
	case PST_FLAGS_ADD:
		row->flags |= c->flags;
		row->keywords |= c->keywords;
		break;
	case PST_FLAGS_REMOVE:
		row->flags &= ~c->flags;
		row->keywords &= ~c->keywords;
		break;
	}
}

static enum pst_rc
flags(struct pst_box *b, struct pst_uids uids,
    const struct pst_flag_change *how, pst_row_fn changed, pst_uid_fn conflict,
    void *arg, struct pst_error *err)
{
	uint64_t modseq = b->state.highestmodseq + 1;

	(void)err;
	for (size_t r = 0; r < uids.n; r++)
		for (size_t i = find(b, uids.r[r].first); i < b->n; i++) {
			struct pst_row *row = &b->message[i].row, wanted = *row;

			if (row->uid > uids.r[r].last)
				break;
			if (row->modseq > how->unchanged_since) {
				conflict(arg, row->uid);
				continue;
			}
			change(&wanted, how);
			if (wanted.flags == row->flags &&
			    wanted.keywords == row->keywords)
				continue;
			wanted.modseq = b->state.highestmodseq = modseq;
			lock(b->acct->store);
			*row = wanted;
			unlock(b->acct->store);
			changed(arg, &wanted);
		}
	return PST_OK;
}

static enum pst_rc
expunge(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone, void *arg,
    struct pst_error *err)
{
	(void)err;
	for (size_t r = 0; r < uids.n; r++) {
		size_t from = find(b, uids.r[r].first), to = from;

		while (to < b->n && b->message[to].row.uid <= uids.r[r].last)
			to++;
		for (size_t i = from; i < to; i++)
			gone(arg, b->message[i].row.uid);
		if (from == to)
			continue;
		lock(b->acct->store);
		b->state.highestmodseq++;
		for (size_t i = from; i < to; i++)
			content_release(b->message[i].content);
		memmove(&b->message[from], &b->message[to],
		    (b->n - to) * sizeof(b->message[0]));
		b->n -= to - from;
		unlock(b->acct->store);
	}
	return PST_OK;
}

/* The same keywords by name; those that there is no number for are left out. */
static uint64_t
translate(struct pst_box *from, struct pst_box *to, uint64_t mask)
{
	uint64_t result = 0;

	for (unsigned k = 0, number; k < PST_KEYWORDS_MAX; k++)
		if ((mask >> k & 1) && from->keyword[k][0] != '\0' &&
		    keyword(to, from->keyword[k], true, &number, NULL) ==
			PST_OK)
			result |= UINT64_C(1) << number;
	return result;
}

static enum pst_rc
copy(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn copied, void *arg, struct pst_error *err)
{
	size_t end = b->n; /* `to` may be the same box and grow */
	bool bumped = false;

	if (b->n > UINT32_MAX - to->state.uidnext)
		return pst_fail(err, PST_E_LIMIT, 0, "no uids are left");
	for (size_t r = 0; r < uids.n; r++)
		for (size_t i = find(b, uids.r[r].first); i < end; i++) {
			struct pst_row like = b->message[i].row;
			uint32_t uid = like.uid;

			if (uid > uids.r[r].last)
				break;
			if (b != to)
				like.keywords = translate(b, to, like.keywords);
			lock(b->acct->store);
			to->state.highestmodseq += !bumped;
			bumped = true;
			like = *append(to, b->message[i].content, &like);
			unlock(b->acct->store);
			copied(arg, uid, &like);
		}
	return PST_OK;
}

static void
nobody_asks(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static enum pst_rc
move(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn moved, void *arg, struct pst_error *err)
{
	struct pst_range *old = grow(NULL, (uids.n + 1) * sizeof(*old));
	uint32_t below = b->state.uidnext;
	enum pst_rc rc = copy(b, uids, to, moved, arg, err);
	size_t n = 0;

	/* Within one box the copies may be in the ranges too. */
	for (size_t r = 0; r < uids.n && uids.r[r].first < below; r++) {
		old[n] = uids.r[r];
		if (old[n].last >= below)
			old[n].last = below - 1;
		n++;
	}
	if (rc == PST_OK)
		rc = expunge(
		    b, (struct pst_uids){ old, n }, nobody_asks, NULL, err);
	free(old);
	return rc;
}

static const struct pst_store_ops memory_ops = {
	.size = sizeof(memory_ops),
	.open = store_open,
	.close = store_close,
	.acct_open = acct_open,
	.acct_close = acct_close,
	.acct_remove = acct_remove,
	.usage = usage,
	.list = list,
	.create = create,
	.remove = remove_box,
	.rename = rename_box,
	.subscribe = subscribe,
	.meta_get = meta_get,
	.meta_set = meta_set,
	.box_open = box_open,
	.box_close = box_close,
	.state = state,
	.load = load,
	.refresh = refresh,
	.keywords = keywords,
	.keyword = keyword,
	.recent = recent,
	.body = body,
	.ident = ident,
	.stage_new = stage_new,
	.stage_write = stage_write,
	.stage_sync = stage_sync,
	.commit = commit,
	.stage_free = stage_free,
	.flags = flags,
	.copy = copy,
	.move = move,
	.expunge = expunge,
	/* No health, watch, unwatch, cache_get, cache_put: optional. */
};

const struct pst_module *
pst_module_entry(void)
{
	static const struct pst_module self = {
		.abi = PST_MODULE_ABI,
		.size = sizeof(self),
		.name = "memory",
		.version = "1",
		.store = &memory_ops,
	};

	return &self;
}
