/*
 * memory.c - a storage module that keeps everything in memory: the example for
 * whoever writes one. It includes nothing of the server but include/postern and
 * does all that postern/store.h asks for in the plainest way there is: lists,
 * and an array of messages in each mailbox, searched from the front.
 *
 * One lock guards the store. Calls on one box do not overlap, so they read it
 * without; what they change in it they change under the lock, because body()
 * and usage() may come at any time. No call back is made under the lock.
 */
#include <errno.h>
#include <postern/module.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

/* A text with a key: metadata. A subscription too, which is a key alone. */
struct value {
	struct value *next;
	char *key, *text;
	size_t n;
};

/* A content. Who writes it, each message that has it and each reader is one of
 * its users; the last one frees it. So copies cost nothing. */
struct pst_stage {
	atomic_uint users;
	FILE *file; /* writes to `text` */
	char *text;
	size_t n;
};

struct message {
	struct pst_row row;
	struct pst_stage *content;
	char ident[40]; /* a copy has the same */
};

/* A mailbox, open or not: the server opens it at most once at a time, and
 * closes it before it is removed or renamed. */
struct pst_box {
	struct pst_box *next;
	struct pst_acct *acct;
	char *name;
	struct pst_box_state state;
	uint32_t recent;	 /* the first uid that nobody was shown */
	struct message *message; /* ascending by uid */
	size_t n;
	char *keyword[PST_KEYWORDS_MAX];
	struct value *meta;
};

struct pst_acct {
	struct pst_acct *next;
	struct pst_store *store;
	char *id;
	struct pst_box *boxes;
	struct value *meta, *subscribed;
};

struct pst_store {
	const struct pst_host *host;
	pthread_mutex_t lock;
	struct pst_acct *accts;
	uint32_t uidvalidity; /* the last one given */
	uint64_t idents;      /* how many were given */
	uint32_t life;	      /* what makes them differ from those before */
};

static const struct pst_str none = { NULL, 0 }, empty = { "", 0 };

/* Gives up without memory, as the server does. */
static void *
grow(void *p, size_t n)
{
	p = realloc(p, n);
	if (p == NULL)
		abort();
	return p;
}

static char *
copy_text(const char *p, size_t n)
{
	char *s = grow(NULL, n + 1);

	memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

/* Where a value is, or where a new one goes: at the end. All lists do so. */
static struct value **
value_find(struct value **at, const char *key)
{
	while (*at != NULL && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

/* `none` removes. */
static void
value_set(struct value **list, const char *key, struct pst_str text)
{
	struct value **at = value_find(list, key), *v = *at;

	if (v != NULL) {
		*at = v->next;
		free(v->key);
		free(v->text);
		free(v);
	}
	if (text.p == NULL)
		return;
	v = grow(NULL, sizeof(*v));
	*v = (struct value){ .n = text.n };
	v->key = copy_text(key, strlen(key));
	v->text = copy_text(text.p, text.n);
	*value_find(list, key) = v;
}

static void
values_free(struct value **list)
{
	while (*list != NULL)
		value_set(list, (*list)->key, none);
}

static void
stage_free(struct pst_stage *c)
{
	if (atomic_fetch_sub(&c->users, 1) > 1)
		return;
	(void)fclose(c->file);
	free(c->text);
	free(c);
}

/* --- mailbox names -------------------------------------------------------- */

static enum pst_rc
no_mailbox(struct pst_error *err, const char *name)
{
	return pst_fail(err, PST_E_NOTFOUND, 0, "no mailbox %s", name);
}

static struct pst_box **
box_find(struct pst_acct *a, const char *name)
{
	struct pst_box **at = &a->boxes;

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

/* A name that comes back needs a larger UIDVALIDITY, even within one second;
 * the clock lets it grow over a restart. As none is given twice, it makes an
 * object id as well. */
static void
box_make(struct pst_acct *a, const char *name, const char *special_use)
{
	struct pst_store *s = a->store;
	uint32_t now = (uint32_t)(s->host->now() / 1000000);
	struct pst_box *b = grow(NULL, sizeof(*b));

	s->uidvalidity = now > s->uidvalidity ? now : s->uidvalidity + 1;
	*b = (struct pst_box){ .acct = a, .recent = 1 };
	b->name = copy_text(name, strlen(name));
	b->state = (struct pst_box_state){ s->uidvalidity, 1, 1, "" };
	(void)snprintf(b->state.objectid, sizeof(b->state.objectid), "F%u",
	    s->uidvalidity);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		b->keyword[k] = copy_text("", 0);
	if (special_use[0] != '\0')
		value_set(&b->meta, "/private/specialuse",
		    (struct pst_str){ special_use, strlen(special_use) });
	*box_find(a, name) = b;
}

static enum pst_rc
create(struct pst_acct *a, const char *name, const char *special_use,
    struct pst_error *err)
{
	bool taken;

	pthread_mutex_lock(&a->store->lock);
	taken = *box_find(a, name) != NULL;
	if (!taken)
		box_make(a, name, special_use);
	pthread_mutex_unlock(&a->store->lock);
	return taken ? pst_fail(err, PST_E_EXISTS, 0, "%s exists", name)
		     : PST_OK;
}

static enum pst_rc
remove_box(struct pst_acct *a, const char *name, struct pst_error *err)
{
	struct pst_box **at, *b;

	pthread_mutex_lock(&a->store->lock);
	at = box_find(a, name);
	b = *at;
	if (b != NULL)
		*at = b->next;
	pthread_mutex_unlock(&a->store->lock);
	if (b == NULL)
		return no_mailbox(err, name);
	for (size_t i = 0; i < b->n; i++)
		stage_free(b->message[i].content);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(b->keyword[k]);
	values_free(&b->meta);
	free(b->message);
	free(b->name);
	free(b);
	return PST_OK;
}

/* `name` is `top` or below it. */
static bool
is_in_tree(const char *name, const char *top)
{
	size_t n = strlen(top);

	return strncmp(name, top, n) == 0 &&
	       (name[n] == '\0' || name[n] == '/');
}

/* All of the tree or nothing: the checks come before the first change. */
static enum pst_rc
rename_tree(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	pthread_mutex_lock(&a->store->lock);
	if (*box_find(a, from) == NULL)
		rc = no_mailbox(err, from);
	else if (is_in_tree(to, from))
		rc = pst_fail(err, PST_E_PERM, 0, "%s into itself", from);
	for (struct pst_box *b = a->boxes; b && rc == PST_OK; b = b->next)
		if (is_in_tree(b->name, to))
			rc = pst_fail(err, PST_E_EXISTS, 0, "%s exists", to);
	for (struct pst_box *b = a->boxes; b && rc == PST_OK; b = b->next)
		if (is_in_tree(b->name, from)) {
			char *old = b->name, *rest = old + strlen(from);
			size_t n = strlen(to) + strlen(rest) + 1;

			b->name = grow(NULL, n);
			(void)snprintf(b->name, n, "%s%s", to, rest);
			free(old);
		}
	pthread_mutex_unlock(&a->store->lock);
	return rc;
}

static enum pst_rc
subscribe(struct pst_acct *a, const char *name, bool subscribed,
    struct pst_error *err)
{
	(void)err;
	pthread_mutex_lock(&a->store->lock);
	value_set(&a->subscribed, name, subscribed ? empty : none);
	pthread_mutex_unlock(&a->store->lock);
	return PST_OK;
}

/* Adds the levels above a name, then the name; each once. */
static void
add_levels(struct value **names, const char *name)
{
	for (size_t n = 1; n <= strlen(name); n++)
		if (name[n] == '/' || name[n] == '\0') {
			char *level = copy_text(name, n);

			if (*value_find(names, level) == NULL)
				value_set(names, level, empty);
			free(level);
		}
}

/* Here and in meta_get() the results are copied for the call backs, which come
 * without the lock. */
static enum pst_rc
list(struct pst_acct *a, pst_mailbox_fn fn, void *arg, struct pst_error *err)
{
	struct value *names = NULL, *uses = NULL, *subs = NULL;

	(void)err;
	pthread_mutex_lock(&a->store->lock);
	for (struct pst_box *b = a->boxes; b != NULL; b = b->next) {
		struct value *v = *value_find(&b->meta, "/private/specialuse");

		value_set(&uses, b->name,
		    v ? (struct pst_str){ v->text, v->n } : empty);
		add_levels(&names, b->name);
	}
	for (struct value *v = a->subscribed; v != NULL; v = v->next) {
		value_set(&subs, v->key, empty);
		add_levels(&names, v->key);
	}
	pthread_mutex_unlock(&a->store->lock);
	for (struct value *v = names; v != NULL; v = v->next) {
		struct value *use = *value_find(&uses, v->key);

		fn(arg, &(struct pst_mailbox){ .name = v->key,
			    .special_use = use ? use->text : "",
			    .exists = use != NULL,
			    .subscribed = *value_find(&subs, v->key) != NULL });
	}
	values_free(&names);
	values_free(&uses);
	values_free(&subs);
	return PST_OK;
}

/* The metadata of the account or of a mailbox; NULL: there is no such one. */
static struct value **
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
	struct value **meta, *found = NULL;

	pthread_mutex_lock(&a->store->lock);
	meta = meta_of(a, name);
	for (struct value *v = meta ? *meta : NULL; v != NULL; v = v->next)
		if (strncmp(v->key, prefix, strlen(prefix)) == 0)
			value_set(
			    &found, v->key, (struct pst_str){ v->text, v->n });
	pthread_mutex_unlock(&a->store->lock);
	for (struct value *v = found; v != NULL; v = v->next)
		fn(arg, v->key, (struct pst_str){ v->text, v->n });
	values_free(&found);
	return meta ? PST_OK : no_mailbox(err, name);
}

static enum pst_rc
meta_set(struct pst_acct *a, const char *name, const char *key,
    struct pst_str text, struct pst_error *err)
{
	struct value **meta;

	pthread_mutex_lock(&a->store->lock);
	meta = meta_of(a, name);
	if (meta != NULL)
		value_set(meta, key, text);
	pthread_mutex_unlock(&a->store->lock);
	return meta ? PST_OK : no_mailbox(err, name);
}

/* --- the store and its accounts ------------------------------------------- */

static struct pst_acct **
acct_find(struct pst_store *s, const char *id)
{
	struct pst_acct **at = &s->accts;

	while (*at != NULL && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static enum pst_rc
acct_open(struct pst_store *s, const char *id, struct pst_acct **acct_r,
    bool *created_r, struct pst_error *err)
{
	struct pst_acct **at;

	(void)err;
	pthread_mutex_lock(&s->lock);
	at = acct_find(s, id);
	*created_r = *at == NULL;
	if (*at == NULL) {
		*at = grow(NULL, sizeof(**at));
		**at = (struct pst_acct){ .store = s };
		(*at)->id = copy_text(id, strlen(id));
		box_make(*at, "INBOX", "");
	}
	*acct_r = *at;
	pthread_mutex_unlock(&s->lock);
	return PST_OK;
}

static void
acct_close(struct pst_acct *a)
{
	(void)a; /* it stays in memory */
}

static enum pst_rc
acct_remove(struct pst_store *s, const char *id, struct pst_error *err)
{
	struct pst_acct **at, *a;

	pthread_mutex_lock(&s->lock);
	at = acct_find(s, id);
	a = *at;
	if (a != NULL)
		*at = a->next;
	pthread_mutex_unlock(&s->lock);
	if (a == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no account %s", id);
	while (a->boxes != NULL)
		(void)remove_box(a, a->boxes->name, err);
	values_free(&a->meta);
	values_free(&a->subscribed);
	free(a->id);
	free(a);
	return PST_OK;
}

static enum pst_rc
usage(struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err)
{
	(void)err;
	*usage_r = (struct pst_usage){ 0 };
	pthread_mutex_lock(&a->store->lock);
	for (struct pst_box *b = a->boxes; b != NULL; b = b->next) {
		usage_r->messages += b->n;
		for (size_t i = 0; i < b->n; i++)
			usage_r->bytes += b->message[i].row.size;
	}
	pthread_mutex_unlock(&a->store->lock);
	return PST_OK;
}

static enum pst_rc
store_open(const struct pst_host *host, const struct pst_section *section,
    struct pst_store **store_r, struct pst_error *err)
{
	struct pst_store *s = grow(NULL, sizeof(*s));

	(void)section; /* host->config() reads it: a path, an address */
	(void)err;
	*s = (struct pst_store){ .host = host };
	(void)pthread_mutex_init(&s->lock, NULL);
	host->random(&s->life, sizeof(s->life));
	*store_r = s;
	return PST_OK;
}

static void
store_close(struct pst_store *s)
{
	while (s->accts != NULL)
		(void)acct_remove(s, s->accts->id, NULL);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- an open mailbox ------------------------------------------------------ */

static enum pst_rc
box_open(struct pst_acct *a, const char *name, struct pst_box **box_r,
    struct pst_error *err)
{
	pthread_mutex_lock(&a->store->lock);
	*box_r = *box_find(a, name);
	pthread_mutex_unlock(&a->store->lock);
	return *box_r ? PST_OK : no_mailbox(err, name);
}

static void
box_close(struct pst_box *b)
{
	(void)b;
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

/* What others changed: nobody else can reach this memory. */
static enum pst_rc
refresh(struct pst_box *b, const struct pst_delta *delta, struct pst_error *err)
{
	(void)b;
	(void)delta;
	(void)err;
	return PST_OK;
}

static const char *const *
keywords(struct pst_box *b)
{
	return (const char *const *)b->keyword;
}

static unsigned
keyword_find(const struct pst_box *b, const char *name)
{
	unsigned k = 0;

	while (k < PST_KEYWORDS_MAX && strcasecmp(b->keyword[k], name) != 0)
		k++;
	return k;
}

/* A new name gets a number without one, else a number that no message has. */
static enum pst_rc
keyword(struct pst_box *b, const char *name, bool create_it, unsigned *number_r,
    struct pst_error *err)
{
	unsigned k = keyword_find(b, name);
	uint64_t used = 0;

	*number_r = k;
	if (k < PST_KEYWORDS_MAX)
		return PST_OK;
	if (!create_it)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no keyword %s", name);
	k = keyword_find(b, "");
	if (k == PST_KEYWORDS_MAX) {
		for (size_t i = 0; i < b->n; i++)
			used |= b->message[i].row.keywords;
		k = 0;
		while (k < PST_KEYWORDS_MAX && (used >> k & 1))
			k++;
	}
	if (k == PST_KEYWORDS_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "too many keywords");
	free(b->keyword[k]);
	b->keyword[k] = copy_text(name, strlen(name));
	*number_r = k;
	return PST_OK;
}

static enum pst_rc
recent(struct pst_box *b, bool claim, uint32_t *first_r, struct pst_error *err)
{
	size_t i = 0;

	(void)err;
	while (i < b->n && b->message[i].row.uid < b->recent)
		i++;
	*first_r = i < b->n ? b->message[i].row.uid : b->state.uidnext;
	if (claim)
		b->recent = b->state.uidnext;
	return PST_OK;
}

static struct message *
find_message(const struct pst_box *b, uint32_t uid)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->message[i].row.uid == uid)
			return &b->message[i];
	return NULL;
}

static void
body_release(struct pst_body *body)
{
	stage_free(body->priv);
}

/* The content stays until it is released, whatever happens to the message. */
static enum pst_rc
body(struct pst_box *b, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err)
{
	struct pst_stage *c = NULL;
	struct message *m;

	pthread_mutex_lock(&b->acct->store->lock);
	m = find_message(b, uid);
	if (m != NULL) {
		c = m->content;
		atomic_fetch_add(&c->users, 1);
	}
	pthread_mutex_unlock(&b->acct->store->lock);
	if (c == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no uid %u", uid);
	*body_r = (struct pst_body){ .fd = -1, .mem = c->text, .length = c->n };
	body_r->priv = c;
	body_r->release = body_release;
	return PST_OK;
}

static enum pst_rc
ident(struct pst_box *b, uint32_t uid, char id_r[40], struct pst_error *err)
{
	const struct message *m;

	pthread_mutex_lock(&b->acct->store->lock);
	m = find_message(b, uid);
	if (m != NULL)
		memcpy(id_r, m->ident, sizeof(m->ident));
	pthread_mutex_unlock(&b->acct->store->lock);
	return m ? PST_OK : pst_fail(err, PST_E_NOTFOUND, 0, "no uid %u", uid);
}

/* --- new messages --------------------------------------------------------- */

static enum pst_rc
stage_new(struct pst_store *s, uint64_t size, struct pst_stage **stage_r,
    struct pst_error *err)
{
	struct pst_stage *c = grow(NULL, sizeof(*c));

	(void)s;
	(void)size;
	*c = (struct pst_stage){ .users = 1 };
	c->file = open_memstream(&c->text, &c->n);
	if (c->file == NULL) {
		free(c);
		return pst_fail(err, PST_E_TEMP, errno, "open_memstream");
	}
	*stage_r = c;
	return PST_OK;
}

static enum pst_rc
stage_write(
    struct pst_stage *c, const void *data, size_t n, struct pst_error *err)
{
	if (fwrite(data, 1, n, c->file) < n)
		return pst_fail(err, PST_E_NOSPACE, errno, "write");
	return PST_OK;
}

/* A store on a disk calls fsync() here. The content is not changed any more. */
static enum pst_rc
stage_sync(struct pst_stage *c, struct pst_error *err)
{
	if (fflush(c->file) != 0)
		return pst_fail(err, PST_E_NOSPACE, errno, "flush");
	return PST_OK;
}

/* Takes a message into the array; its uid is above all others. The caller has
 * the lock, here as with all that finds, makes or takes away. */
static struct message *
add(struct pst_box *b, struct pst_stage *content, struct pst_row row,
    const char *ident)
{
	struct message *m;

	atomic_fetch_add(&content->users, 1);
	b->message = grow(b->message, (b->n + 1) * sizeof(*b->message));
	m = &b->message[b->n++];
	*m = (struct message){ row, content, "" };
	if (ident[0] != '\0')
		(void)snprintf(m->ident, sizeof(m->ident), "%s", ident);
	else
		(void)snprintf(m->ident, sizeof(m->ident), "M%08x-%llu",
		    b->acct->store->life,
		    (unsigned long long)++b->acct->store->idents);
	return m;
}

/* Adds a message that is like `row`; its uid is one that was never given. */
static struct pst_row
append(struct pst_box *b, struct pst_stage *content, struct pst_row row,
    const char *ident)
{
	row.uid = b->state.uidnext++;
	row.modseq = ++b->state.highestmodseq;
	row.save_date = b->acct->store->host->now() / 1000000;
	row.size = content->n;
	return add(b, content, row, ident)->row;
}

/* All or none: what can fail comes first. */
static enum pst_rc
commit(struct pst_box *b, const struct pst_append *a, size_t n,
    struct pst_row *rows_r, struct pst_error *err)
{
	if (n > UINT32_MAX - b->state.uidnext)
		return pst_fail(err, PST_E_LIMIT, 0, "no uids are left");
	pthread_mutex_lock(&b->acct->store->lock);
	for (size_t i = 0; i < n; i++)
		rows_r[i] = append(b, a[i].stage,
		    (struct pst_row){ .flags = a[i].flags,
			.keywords = a[i].keywords,
			.internal_date = a[i].internal_date },
		    "");
	pthread_mutex_unlock(&b->acct->store->lock);
	return PST_OK;
}

/* --- changing messages ---------------------------------------------------- */

/* The place of the first message of the set, from `i` on; b->n: none. */
static size_t
seek(const struct pst_box *b, struct pst_uids uids, size_t i)
{
	for (; i < b->n; i++)
		for (size_t k = 0; k < uids.n; k++)
			if (b->message[i].row.uid >= uids.r[k].first &&
			    b->message[i].row.uid <= uids.r[k].last)
				return i;
	return i;
}

/* A message that is as it should be keeps its modseq and is not reported. */
static enum pst_rc
flags(struct pst_box *b, struct pst_uids uids, const struct pst_flag_change *c,
    pst_row_fn changed, pst_uid_fn conflict, void *arg, struct pst_error *err)
{
	(void)err;
	for (size_t i = seek(b, uids, 0); i < b->n; i = seek(b, uids, i + 1)) {
		struct pst_row *row = &b->message[i].row, want = *row;

		if (row->modseq > c->unchanged_since) {
			conflict(arg, row->uid);
			continue;
		}
		if (c->op == PST_FLAGS_SET)
			want.keywords = want.flags = 0;
		if (c->op == PST_FLAGS_REMOVE) {
			want.flags &= ~c->flags;
			want.keywords &= ~c->keywords;
		} else {
			want.flags |= c->flags;
			want.keywords |= c->keywords;
		}
		if (want.flags == row->flags && want.keywords == row->keywords)
			continue;
		pthread_mutex_lock(&b->acct->store->lock);
		want.modseq = ++b->state.highestmodseq;
		*row = want;
		pthread_mutex_unlock(&b->acct->store->lock);
		changed(arg, &want);
	}
	return PST_OK;
}

/* A removal uses up a modseq as well, although no message has it. */
static void
take_out(struct pst_box *b, size_t i)
{
	stage_free(b->message[i].content);
	b->n--;
	memmove(&b->message[i], &b->message[i + 1],
	    (b->n - i) * sizeof(*b->message));
	b->state.highestmodseq++;
}

static enum pst_rc
expunge(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone, void *arg,
    struct pst_error *err)
{
	(void)err;
	for (size_t i = seek(b, uids, 0); i < b->n; i = seek(b, uids, i)) {
		uint32_t uid = b->message[i].row.uid;

		pthread_mutex_lock(&b->acct->store->lock);
		take_out(b, i);
		pthread_mutex_unlock(&b->acct->store->lock);
		gone(arg, uid);
	}
	return PST_OK;
}

/* The same keywords by name; those that find no number are left out. */
static uint64_t
translate(const struct pst_box *from, struct pst_box *to, uint64_t mask)
{
	uint64_t result = 0;
	unsigned n;

	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if ((mask >> k & 1) && from->keyword[k][0] != '\0' &&
		    keyword(to, from->keyword[k], true, &n, NULL) == PST_OK)
			result |= UINT64_C(1) << n;
	return result;
}

/* `to` may be `b`: what comes in now, from uid `end` on, is not taken again. */
static enum pst_rc
transfer(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    bool is_move, pst_copied_fn fn, void *arg, struct pst_error *err)
{
	uint32_t end = b->state.uidnext;
	size_t i = seek(b, uids, 0);

	if (b->n > UINT32_MAX - to->state.uidnext)
		return pst_fail(err, PST_E_LIMIT, 0, "no uids are left");
	while (i < b->n && b->message[i].row.uid < end) {
		struct message m = b->message[i];
		struct pst_row row = m.row;

		row.keywords = translate(b, to, row.keywords);
		pthread_mutex_lock(&b->acct->store->lock);
		row = append(to, m.content, row, m.ident);
		if (is_move)
			take_out(b, i);
		pthread_mutex_unlock(&b->acct->store->lock);
		fn(arg, m.row.uid, &row);
		i = seek(b, uids, is_move ? i : i + 1);
	}
	return PST_OK;
}

static enum pst_rc
copy(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn copied, void *arg, struct pst_error *err)
{
	return transfer(b, uids, to, false, copied, arg, err);
}

static enum pst_rc
move(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn moved, void *arg, struct pst_error *err)
{
	return transfer(b, uids, to, true, moved, arg, err);
}

/* --- conversion ----------------------------------------------------------- */

static enum pst_rc
adopt(struct pst_box *b, const struct pst_box_state *origin,
    struct pst_error *err)
{
	struct pst_store *s = b->acct->store;

	if (b->n > 0 && b->state.uidvalidity != origin->uidvalidity)
		return pst_fail(err, PST_E_PERM, 0, "%s: other uids", b->name);
	pthread_mutex_lock(&s->lock);
	if (b->recent == b->state.uidnext && origin->uidnext > b->recent)
		b->recent = origin->uidnext;
	b->state.uidvalidity = origin->uidvalidity;
	memcpy(b->state.objectid, origin->objectid, sizeof(b->state.objectid));
	if (origin->uidnext > b->state.uidnext)
		b->state.uidnext = origin->uidnext;
	if (origin->highestmodseq > b->state.highestmodseq)
		b->state.highestmodseq = origin->highestmodseq;
	if (origin->uidvalidity > s->uidvalidity)
		s->uidvalidity = origin->uidvalidity;
	pthread_mutex_unlock(&s->lock);
	return PST_OK;
}

/* All or none: what can fail comes first. */
static enum pst_rc
place(struct pst_box *b, const struct pst_placed *p, size_t n,
    struct pst_error *err)
{
	uint32_t last = b->n > 0 ? b->message[b->n - 1].row.uid : 0, before = 0;
	uint64_t fresh = b->state.highestmodseq;

	for (size_t i = 0; i < n; before = p[i++].row.uid)
		if (p[i].row.uid <= before ||
		    (p[i].stage != NULL
			    ? p[i].row.uid <= last
			    : find_message(b, p[i].row.uid) == NULL))
			return pst_fail(err, PST_E_CONFLICT, 0,
			    "uid %u cannot be placed", p[i].row.uid);
	pthread_mutex_lock(&b->acct->store->lock);
	for (size_t i = 0; i < n; i++)
		if (p[i].row.modseq > fresh)
			fresh = p[i].row.modseq;
	for (size_t i = 0; i < n; i++) {
		struct message *m = p[i].stage != NULL
					? add(b, p[i].stage, p[i].row,
					      p[i].ident)
					: find_message(b, p[i].row.uid);

		m->row = p[i].row;
		m->row.size = m->content->n;
		if (m->row.modseq == 0)
			m->row.modseq = fresh + 1;
		if (m->row.modseq > b->state.highestmodseq)
			b->state.highestmodseq = m->row.modseq;
		if (m->row.uid >= b->state.uidnext)
			b->state.uidnext = m->row.uid + 1;
	}
	pthread_mutex_unlock(&b->acct->store->lock);
	return PST_OK;
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
	.rename = rename_tree,
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
	.adopt = adopt,
	.place = place,
	/* health, watch, unwatch, cache_get, cache_put: optional. */
};

const struct pst_module *
pst_module_entry(void)
{
	static const struct pst_module self = { .abi = PST_MODULE_ABI,
		.size = sizeof(self),
		.name = "memory",
		.version = "1",
		.store = &memory_ops };

	return &self;
}
