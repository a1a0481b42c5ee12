/*
 * sieve/scripts.c - see scripts.h. The list is one object of JSON:
 *
 *	{"changes": 3, "active": "S01…", "scripts":
 *	    [{"id": "S01…", "text": "67…", "name": "work", "size": 312}]}
 *
 * Each text is a value of its own. A new one is written first, then the list,
 * then the old one goes; what a crash leaves is a text that no list names, and
 * those are removed now and then. What another server over the same database
 * is about to name is spared: ids of texts begin with the time.
 */
#include "sieve/scripts.h"

#include "base/clock.h"
#include "base/str.h"
#include "mailbox/turn.h"
#include "mailbox/watch.h"
#include "sieve/active.h"
#include <jansson.h>
#include <stdlib.h>

#define TEXTS "postern/sieve/"

enum {
	KEY = sizeof(TEXTS) + SIEVE_ID,
	SWEEP = 16, /* changes between two looks for texts that nobody names */
	SPARE = 3600, /* seconds */
};

struct sieve_limits
sieve_limits_of(const struct config *cfg)
{
	return (struct sieve_limits){
		.script_size = (size_t)cfg->sieve.script_size,
		.depth = (unsigned)cfg->sieve.depth,
		.actions = (unsigned)cfg->sieve.actions,
		.redirects = (unsigned)cfg->sieve.redirects,
		.includes = (unsigned)cfg->sieve.includes,
		.variables = (unsigned)cfg->sieve.variables,
		.variable_size = (size_t)cfg->sieve.variable_size,
		.work = (uint64_t)cfg->sieve.work,
	};
}

/* --- names and ids ---------------------------------------------------------
 */

/* RFC 5804, 1.6: U+0080 to U+009F, U+2028 and U+2029 are c2 80…9f, e2 80 a8
 * and a9. */
static bool
is_control(const unsigned char *p, size_t n)
{
	return p[0] < 0x20 || p[0] == 0x7f ||
	       (n > 1 && p[0] == 0xc2 && p[1] < 0xa0) ||
	       (n > 2 && p[0] == 0xe2 && p[1] == 0x80 &&
		   (p[2] == 0xa8 || p[2] == 0xa9));
}

bool
sieve_name_ok(struct pst_str name)
{
	const unsigned char *p = (const unsigned char *)name.p;

	if (name.n == 0 || name.n > SIEVE_NAME || !str_is_utf8(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (is_control(p + i, name.n - i))
			return false;
	return true;
}

static enum pst_rc
bad_name(struct pst_error *err)
{
	return pst_fail(err, PST_E_SYNTAX, 0, "no name for a script");
}

static void
new_id(char id[SIEVE_ID])
{
	(void)snprintf(
	    id, SIEVE_ID, "S%016llx", (unsigned long long)random_u64());
}

static void
new_text_id(char id[SIEVE_ID])
{
	(void)snprintf(id, SIEVE_ID, "%010llx%012llx",
	    (unsigned long long)clock_seconds() & 0xffffffffffULL,
	    (unsigned long long)random_u64() & 0xffffffffffffULL);
}

/* Also what clients give us as one. */
static bool
is_id(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n < SIEVE_ID && strspn(id, "0123456789abcdefS") == n;
}

static void
key_of(char key[KEY], const char *text_id)
{
	(void)snprintf(key, KEY, TEXTS "%s", text_id);
}

/* --- the list --------------------------------------------------------------
 */

struct kept {
	struct sieve_list list;
	json_int_t changes;
};

struct reading {
	json_t *value;
	bool damaged;
};

static void
take_list(void *arg, const char *key, struct pst_str value)
{
	struct reading *r = arg;

	if (strcmp(key, SIEVE_LIST_KEY) != 0)
		return;
	json_decref(r->value);
	r->value = json_loadb(value.p, value.n, 0, NULL);
	r->damaged = !json_is_object(r->value);
}

static bool
add_entry(struct sieve_list *list, json_t *from, const char *active)
{
	const char *id = json_string_value(json_object_get(from, "id"));
	const char *text = json_string_value(json_object_get(from, "text"));
	const char *name = json_string_value(json_object_get(from, "name"));
	struct sieve_entry *e = &list->v[list->n];

	if (id == NULL || text == NULL || name == NULL || !is_id(id) ||
	    !is_id(text))
		return false;
	*e = (struct sieve_entry){
		.name = str_dup(str_of(name)),
		.size = (uint64_t)json_integer_value(
		    json_object_get(from, "size")),
		.is_active = active != NULL && strcmp(active, id) == 0,
	};
	(void)str_copy(e->id, sizeof(e->id), str_of(id));
	(void)str_copy(e->text_id, sizeof(e->text_id), str_of(text));
	list->n++;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	const struct sieve_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
sort(struct sieve_list *list)
{
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), by_name);
}

static bool
take_entries(struct kept *k, json_t *value)
{
	json_t *scripts = json_object_get(value, "scripts"), *one;
	const char *active = json_string_value(
	    json_object_get(value, "active"));
	size_t i;

	k->changes = json_integer_value(json_object_get(value, "changes"));
	k->list.v = mem_array(json_array_size(scripts) + 1, sizeof(*k->list.v));
	json_array_foreach(scripts, i, one)
	{
		if (!add_entry(&k->list, one, active))
			return false;
	}
	sort(&k->list);
	return true;
}

/* With room for one more. To be freed also after an error. */
static enum pst_rc
load(struct mail_account *acct, struct kept *k, struct pst_error *err)
{
	struct reading r = { 0 };
	enum pst_rc rc;

	*k = (struct kept){ 0 };
	rc = mailbox_meta_get(acct, NULL, SIEVE_LIST_KEY, take_list, &r, err);
	if (rc == PST_OK && (r.damaged || !take_entries(k, r.value)))
		rc = pst_fail(err, PST_E_TEMP, 0,
		    "the list of scripts of %.200s cannot be read",
		    mail_account_id(acct));
	json_decref(r.value);
	return rc;
}

static enum pst_rc
save(struct mail_account *acct, struct kept *k, struct pst_error *err)
{
	json_t *scripts = json_array(), *value;
	const char *active = NULL;
	char *text;
	enum pst_rc rc;

	for (size_t i = 0; i < k->list.n; i++) {
		const struct sieve_entry *e = &k->list.v[i];

		if (e->is_active)
			active = e->id;
		(void)json_array_append_new(
		    scripts, json_pack("{s:s, s:s, s:s, s:I}", "id", e->id,
				 "text", e->text_id, "name", e->name, "size",
				 (json_int_t)e->size));
	}
	k->changes++;
	value = json_pack("{s:I, s:s*, s:o}", "changes", k->changes, "active",
	    active, "scripts", scripts);
	text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
	if (text == NULL)
		rc = pst_fail(err, PST_E_TEMP, 0, "a list of scripts");
	else
		rc = mailbox_meta_set(
		    acct, NULL, SIEVE_LIST_KEY, str_of(text), err);
	free(text);
	json_decref(value);
	sieve_active_forget(acct);
	if (rc == PST_OK)
		watch_tell_text(acct, SIEVE_LIST_KEY);
	return rc;
}

enum pst_rc
sieve_list(
    struct mail_account *acct, struct sieve_list *list_r, struct pst_error *err)
{
	struct kept k;
	enum pst_rc rc = load(acct, &k, err);

	*list_r = k.list;
	return rc;
}

void
sieve_list_fini(struct sieve_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].name);
	free(list->v);
	*list = (struct sieve_list){ 0 };
}

const struct sieve_entry *
sieve_list_find(const struct sieve_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].name, name) == 0)
			return &list->v[i];
	return NULL;
}

const struct sieve_entry *
sieve_list_find_id(const struct sieve_list *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].id, id) == 0)
			return &list->v[i];
	return NULL;
}

/* --- texts -----------------------------------------------------------------
 */

struct wanted {
	const char *key;
	struct buf *text;
	bool found;
};

static void
take_text(void *arg, const char *key, struct pst_str value)
{
	struct wanted *w = arg;

	if (strcmp(key, w->key) != 0)
		return;
	w->found = true;
	(void)buf_add_str(w->text, value);
}

enum pst_rc
sieve_text(struct mail_account *acct, const char *text_id, struct buf *text_r,
    struct pst_error *err)
{
	char key[KEY];
	struct wanted w = { .key = key, .text = text_r };
	enum pst_rc rc = PST_OK;

	if (is_id(text_id)) {
		key_of(key, text_id);
		rc = mailbox_meta_get(acct, NULL, key, take_text, &w, err);
	}
	if (rc == PST_OK && !w.found)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "no text %.40s", text_id);
	if (rc == PST_OK && text_r->overflow)
		rc = pst_fail(err, PST_E_LIMIT, 0, "a script is too long");
	return rc;
}

static enum pst_rc
write_text(struct mail_account *acct, const char *text_id, struct pst_str text,
    struct pst_error *err)
{
	char key[KEY];

	key_of(key, text_id);
	if (text.p == NULL)
		text = STR(""); /* not the same as none */
	return mailbox_meta_set(acct, NULL, key, text, err);
}

/* If that fails it is swept later. */
static void
remove_text(struct mail_account *acct, const char *text_id)
{
	struct pst_error ignored;
	char key[KEY];

	key_of(key, text_id);
	(void)mailbox_meta_set(acct, NULL, key, STR_NONE, &ignored);
}

/* --- what no list names ----------------------------------------------------
 */

struct sweep {
	const struct sieve_list *list;
	char (*id)[SIEVE_ID];
	size_t n, cap;
};

static bool
is_recent(const char *text_id)
{
	char first[11];
	int64_t at;

	(void)str_copy(first, sizeof(first), str_of(text_id));
	at = (int64_t)strtoull(first, NULL, 16);
	return at > clock_seconds() - SPARE && at < clock_seconds() + SPARE;
}

static void
note_text(void *arg, const char *key, struct pst_str value)
{
	struct sweep *s = arg;
	const char *text_id = key + strlen(TEXTS);

	(void)value;
	if (!is_id(text_id) || is_recent(text_id))
		return;
	for (size_t i = 0; i < s->list->n; i++)
		if (strcmp(s->list->v[i].text_id, text_id) == 0)
			return;
	mem_grow(&s->id, &s->cap, s->n + 1, sizeof(*s->id));
	(void)str_copy(s->id[s->n++], SIEVE_ID, str_of(text_id));
}

/* With the turn, after the list was written. */
static void
sweep(struct mail_account *acct, const struct kept *k)
{
	struct sweep s = { .list = &k->list };
	struct pst_error ignored;

	if (k->changes % SWEEP != 0)
		return;
	if (mailbox_meta_get(acct, NULL, TEXTS, note_text, &s, &ignored) ==
	    PST_OK)
		for (size_t i = 0; i < s.n; i++)
			remove_text(acct, s.id[i]);
	free(s.id);
}

/* --- changes ---------------------------------------------------------------
 */

struct change {
	struct mail_account *acct;
	struct mail_turn turn;
	struct kept kept;
};

static enum pst_rc
begin(struct change *c, struct mail_account *acct, struct pst_error *err)
{
	c->acct = acct;
	mail_turn_begin(&c->turn, acct, SIEVE_LIST_KEY);
	return load(acct, &c->kept, err);
}

static void
end(struct change *c)
{
	mail_turn_end(&c->turn);
	sieve_list_fini(&c->kept.list);
}

static struct sieve_entry *
find(struct change *c, const char *name)
{
	return (struct sieve_entry *)(uintptr_t)sieve_list_find(
	    &c->kept.list, name);
}

static enum pst_rc
not_found(struct pst_error *err)
{
	return pst_fail(err, PST_E_NOTFOUND, 0, "no such script");
}

static enum pst_rc
has_room(const struct sieve_list *list, const struct config *cfg,
    const char *name, uint64_t size, struct pst_error *err)
{
	if (size > (uint64_t)cfg->sieve.script_size)
		return pst_fail(err, PST_E_QUOTA, 0, "a script is too long");
	if (list->n >= (size_t)cfg->sieve.scripts &&
	    sieve_list_find(list, name) == NULL)
		return pst_fail(err, PST_E_QUOTA, 0, "too many scripts");
	return PST_OK;
}

enum pst_rc
sieve_have_space(struct mail_account *acct, const struct config *cfg,
    const char *name, uint64_t size, struct pst_error *err)
{
	struct sieve_list list;
	enum pst_rc rc;

	if (!sieve_name_ok(str_of(name)))
		return bad_name(err);
	rc = sieve_list(acct, &list, err);
	if (rc == PST_OK)
		rc = has_room(&list, cfg, name, size, err);
	sieve_list_fini(&list);
	return rc;
}

/* The new text is written. */
static enum pst_rc
put_entry(struct change *c, const char *name, const char *text_id,
    uint64_t size, struct pst_error *err)
{
	struct sieve_entry *e = find(c, name);
	char old[SIEVE_ID] = "";
	enum pst_rc rc;

	if (e == NULL) {
		e = &c->kept.list.v[c->kept.list.n++];
		*e = (struct sieve_entry){ .name = str_dup(str_of(name)) };
		new_id(e->id);
	} else {
		(void)str_copy(old, sizeof(old), str_of(e->text_id));
	}
	(void)str_copy(e->text_id, sizeof(e->text_id), str_of(text_id));
	e->size = size;
	sort(&c->kept.list);
	rc = save(c->acct, &c->kept, err);
	if (rc == PST_OK && *old != '\0')
		remove_text(c->acct, old);
	return rc;
}

static enum pst_rc
put(struct change *c, const char *name, struct pst_str text,
    struct pst_error *err)
{
	char text_id[SIEVE_ID];
	enum pst_rc rc;

	new_text_id(text_id);
	rc = write_text(c->acct, text_id, text, err);
	if (rc != PST_OK)
		return rc;
	/* A list that "failed" may have been written nevertheless, with this
	 * text in it: what no list names goes with a later sweep(). */
	rc = put_entry(c, name, text_id, text.n, err);
	if (rc == PST_OK)
		sweep(c->acct, &c->kept);
	return rc;
}

static enum pst_rc
compiles(const struct config *cfg, struct pst_str text,
    struct sieve_problem *problem_r, struct pst_error *err)
{
	struct sieve_limits limits = sieve_limits_of(cfg);
	struct sieve_script *s = sieve_compile(text, &limits, problem_r);

	if (s == NULL)
		return pst_fail(err, PST_E_SYNTAX, 0, "line %u: %.200s",
		    problem_r->line, problem_r->text);
	sieve_script_free(&s);
	return PST_OK;
}

enum pst_rc
sieve_put(struct mail_account *acct, const struct config *cfg, const char *name,
    struct pst_str text, struct sieve_problem *problem_r, struct pst_error *err)
{
	struct change c;
	enum pst_rc rc;

	*problem_r = (struct sieve_problem){ 0 };
	if (!sieve_name_ok(str_of(name))) {
		(void)snprintf(problem_r->text, sizeof(problem_r->text),
		    "This cannot be the name of a script.");
		return bad_name(err);
	}
	if (text.n > (size_t)cfg->sieve.script_size)
		return pst_fail(err, PST_E_QUOTA, 0, "a script is too long");
	rc = compiles(cfg, text, problem_r, err);
	if (rc != PST_OK)
		return rc;
	rc = begin(&c, acct, err);
	if (rc == PST_OK)
		rc = has_room(&c.kept.list, cfg, name, text.n, err);
	if (rc == PST_OK)
		rc = put(&c, name, text, err);
	end(&c);
	/* The storage has no room for what the configuration allows. */
	if (rc == PST_E_LIMIT)
		rc = pst_fail(err, PST_E_QUOTA, 0, "the storage has no room");
	return rc;
}

enum pst_rc
sieve_activate(
    struct mail_account *acct, const char *name, struct pst_error *err)
{
	struct change c;
	const struct sieve_entry *e = NULL;
	bool changed = false;
	enum pst_rc rc = begin(&c, acct, err);

	if (rc == PST_OK && name != NULL && *name != '\0') {
		e = sieve_list_find(&c.kept.list, name);
		if (e == NULL)
			rc = not_found(err);
	}
	for (size_t i = 0; rc == PST_OK && i < c.kept.list.n; i++) {
		struct sieve_entry *at = &c.kept.list.v[i];

		changed |= at->is_active != (at == e);
		at->is_active = at == e;
	}
	if (rc == PST_OK && changed)
		rc = save(acct, &c.kept, err);
	end(&c);
	return rc;
}

enum pst_rc
sieve_delete(struct mail_account *acct, const char *name, struct pst_error *err)
{
	struct change c;
	struct sieve_list *list = &c.kept.list;
	enum pst_rc rc = begin(&c, acct, err);
	struct sieve_entry *e = rc == PST_OK ? find(&c, name) : NULL;
	char old[SIEVE_ID];

	if (rc == PST_OK && e == NULL)
		rc = not_found(err);
	if (rc == PST_OK && e->is_active)
		rc = pst_fail(err, PST_E_CONFLICT, 0, "the script is active");
	if (rc == PST_OK) {
		(void)str_copy(old, sizeof(old), str_of(e->text_id));
		free(e->name);
		list->n--;
		memmove(e, e + 1, (size_t)(list->v + list->n - e) * sizeof(*e));
		rc = save(acct, &c.kept, err);
	}
	if (rc == PST_OK) {
		remove_text(acct, old);
		sweep(acct, &c.kept);
	}
	end(&c);
	return rc;
}

enum pst_rc
sieve_rename(struct mail_account *acct, const char *from, const char *to,
    struct pst_error *err)
{
	struct change c;
	struct sieve_entry *e;
	enum pst_rc rc;

	if (!sieve_name_ok(str_of(to)))
		return bad_name(err);
	rc = begin(&c, acct, err);
	e = rc == PST_OK ? find(&c, from) : NULL;
	if (rc == PST_OK && e == NULL)
		rc = not_found(err);
	if (rc == PST_OK && sieve_list_find(&c.kept.list, to) != NULL)
		rc = pst_fail(err, PST_E_EXISTS, 0, "the name is taken");
	if (rc == PST_OK) {
		free(e->name);
		e->name = str_dup(str_of(to));
		sort(&c.kept.list);
		rc = save(acct, &c.kept, err);
	}
	end(&c);
	return rc;
}
