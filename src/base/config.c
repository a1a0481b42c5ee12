/*
 * base/config.c - postern.conf: libconfuse reads the syntax, the table of keys
 * tells what may stand there. To libconfuse every value is text, so that all
 * errors are ours and say what was expected.
 */
#include "base/config.h"

#include "base/config_keys.h"
#include "base/log.h"
#include "base/str.h"
#include <confuse.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

/* libconfuse's error function has no argument of ours: one load at a time. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static struct collector *collecting;

struct collector {
	void (*report)(void *arg, const char *text);
	void *arg;
	struct pst_error *err;
	unsigned problems;
};

void
config_problem(struct collector *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->problems++ == 0)
		(void)pst_fail(c->err, PST_E_SYNTAX, 0, "%s", text);
	if (c->report != NULL)
		c->report(c->arg, text);
}

static PST_PRINTF(2, 0) void parse_error(
    cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[400];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (cfg != NULL && cfg->filename != NULL && cfg->line > 0)
		config_problem(
		    collecting, "%s:%d: %s", cfg->filename, cfg->line, text);
	else
		config_problem(collecting, "%s", text);
}

/* --- values ------------------------------------------------------------- */

const struct config_blocks *
config_find_blocks(struct pst_str section)
{
	for (size_t i = 0; i < config_blocks_count; i++)
		if (str_is(section, config_blocks[i].section))
			return &config_blocks[i];
	return NULL;
}

static const struct config_key *
find_key(struct pst_str section, struct pst_str name)
{
	for (size_t i = 0; i < config_keys_count; i++)
		if (str_is(section, config_keys[i].section) &&
		    str_is(name, config_keys[i].name))
			return &config_keys[i];
	return NULL;
}

static bool
parse_number(const struct config_key *key, const char *text, int64_t *value_r)
{
	static const char size_units[] = "KMG", time_units[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	struct pst_str s = str_of(text);
	int64_t factor = 1;
	uint64_t value;

	if (s.n > 1 && !ascii_is_digit(s.p[s.n - 1])) {
		char unit = s.p[s.n - 1];
		const char *at = NULL;

		if (key->kind == CONFIG_SIZE &&
		    (at = strchr(size_units, ascii_upper(unit))) != NULL)
			factor = INT64_C(1) << 10 * (at - size_units + 1);
		else if (key->kind == CONFIG_TIME &&
			 (at = strchr(time_units, unit)) != NULL)
			factor = seconds[at - time_units];
		if (at == NULL)
			return false;
		s.n--;
	}
	if (!str_to_u64(s, &value) || value > (uint64_t)(INT64_MAX / factor))
		return false;
	*value_r = (int64_t)value * factor;
	return *value_r >= key->min && *value_r <= key->max;
}

static int
find_choice(const struct config_key *key, const char *text)
{
	struct pst_str rest = str_of(key->choices), one;

	for (int i = 0; str_split(&rest, ' ', &one); i++)
		if (str_is(one, text))
			return i;
	return -1;
}

static bool
parse_bool(const char *text, bool *value_r)
{
	struct pst_str s = str_of(text);

	*value_r = str_is_case(s, "true") || str_is_case(s, "yes") ||
		   str_is_case(s, "on");
	return *value_r || str_is_case(s, "false") || str_is_case(s, "no") ||
	       str_is_case(s, "off");
}

static const char *
unit_of(enum config_kind kind)
{
	switch (kind) {
	case CONFIG_SIZE:
		return " octets (K, M or G may follow)";
	case CONFIG_TIME:
		return " seconds (s, m, h or d may follow)";
	case CONFIG_TEXT:
	case CONFIG_STRINGS:
	case CONFIG_BOOL:
	case CONFIG_NUMBER:
	case CONFIG_CHOICE:
		break;
	}
	return "";
}

static void
clear_strings(struct config_strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct config_strings){ 0 };
}

static void
add_string(struct config_strings *list, struct pst_str s)
{
	list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = str_dup(s);
}

/*
 * Stores `text` as the value of `key`, `base` being the structure that the
 * key's offset counts from. False: not what was expected, which `why` tells.
 */
static bool
set_value(const struct config_key *key, char *base, const char *text, char *why,
    size_t why_size)
{
	void *field = base + key->offset;
	struct pst_str rest = str_of(text), part;

	switch (key->kind) {
	case CONFIG_TEXT:
		free(*(char **)field);
		*(char **)field = str_dup(str_of(text));
		return true;
	case CONFIG_STRINGS:
		clear_strings(field);
		while (str_split(&rest, ' ', &part))
			if (part.n > 0)
				add_string(field, part);
		return true;
	case CONFIG_BOOL:
		if (parse_bool(text, field))
			return true;
		(void)snprintf(why, why_size, "true or false");
		return false;
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_TIME:
		if (parse_number(key, text, field))
			return true;
		(void)snprintf(why, why_size,
		    "a number from %" PRId64 " to %" PRId64 "%s", key->min,
		    key->max, unit_of(key->kind));
		return false;
	case CONFIG_CHOICE:
		*(int *)field = find_choice(key, text);
		if (*(int *)field >= 0)
			return true;
		(void)snprintf(why, why_size, "one of: %s", key->choices);
		return false;
	}
	return false;
}

/* A value of any kind has room in this. */
union any_value {
	char *text;
	struct config_strings strings;
	int64_t number;
	int choice;
	bool truth;
};

/* Called by libconfuse after each value, while it still knows the line. */
static int
validate(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *section = strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
	const struct config_key *key = find_key(
	    str_of(section), str_of(opt->name));
	struct config_key alone;
	union any_value value = { 0 };
	char why[200];
	const char *text;

	if (key == NULL || key->kind == CONFIG_STRINGS ||
	    key->kind == CONFIG_TEXT)
		return 0;
	alone = *key;
	alone.offset = 0;
	text = cfg_opt_getstr(opt);
	if (text != NULL &&
	    set_value(&alone, (char *)&value, text, why, sizeof(why)))
		return 0;
	cfg_error(cfg, "%s%s%s: expected %s, not \"%s\"", section,
	    *section != '\0' ? "." : "", opt->name, why,
	    text != NULL ? text : "");
	return -1;
}

/* --- a configuration ------------------------------------------------------ */

static void
set_presets(struct config *c, const char *section, char *base)
{
	char why[200];

	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];

		if ((section != NULL
			    ? strcmp(key->section, section) != 0
			    : config_find_blocks(str_of(key->section)) != NULL))
			continue;
		if (!set_value(key, base, key->preset, why, sizeof(why)))
			pst_bug("default of %s.%s: %s", key->section, key->name,
			    why);
	}
	(void)c;
}

static char **
block_name(char *item)
{
	/* `name` is the first member of every block's structure. */
	return (char **)(void *)item;
}

static char *
find_item(struct config *c, const struct config_blocks *blocks,
    struct pst_str name, bool make)
{
	char **items = (char **)(void *)((char *)c + blocks->items);
	size_t *count = (size_t *)(void *)((char *)c + blocks->count);
	char *item;

	for (size_t i = 0; i < *count; i++) {
		item = *items + i * blocks->item_size;
		if (str_is(name, *block_name(item)))
			return item;
	}
	if (!make)
		return NULL;
	*items = mem_realloc(*items, (*count + 1) * blocks->item_size);
	item = *items + *count * blocks->item_size;
	memset(item, 0, blocks->item_size);
	*block_name(item) = str_dup(name);
	(*count)++;
	set_presets(c, blocks->section, item);
	return item;
}

static void
free_section(const char *section, char *base)
{
	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];
		void *field = base + key->offset;

		if (strcmp(key->section, section) != 0)
			continue;
		if (key->kind == CONFIG_TEXT)
			free(*(char **)field);
		else if (key->kind == CONFIG_STRINGS)
			clear_strings(field);
	}
}

static void
config_free(struct config *c)
{
	for (size_t b = 0; b < config_blocks_count; b++) {
		const struct config_blocks *blocks = &config_blocks[b];
		char *items = *(char **)(void *)((char *)c + blocks->items);
		size_t n = *(size_t *)(void *)((char *)c + blocks->count);

		for (size_t i = 0; i < n; i++) {
			char *item = items + i * blocks->item_size;

			free_section(blocks->section, item);
			free(*block_name(item));
		}
		free(items);
	}
	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];
		void *field = (char *)c + key->offset;

		if (config_find_blocks(str_of(key->section)) != NULL)
			continue;
		if (key->kind == CONFIG_TEXT)
			free(*(char **)field);
		else if (key->kind == CONFIG_STRINGS)
			clear_strings(field);
	}
	free(c);
}

/* --- libconfuse -------------------------------------------------------------
 */

/* The options of one section; `subs` are put in behind them. */
static cfg_opt_t *
make_options(const char *section, const cfg_opt_t *subs, size_t subs_count)
{
	cfg_opt_t *opts = mem_array(
	    config_keys_count + subs_count + 1, sizeof(*opts));
	const cfg_opt_t end = CFG_END();
	size_t n = 0;

	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];
		cfg_opt_t one = CFG_STR(key->name, NULL, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(key->name, NULL, CFGF_NODEFAULT);

		if (strcmp(key->section, section) != 0)
			continue;
		opts[n] = key->kind == CONFIG_STRINGS ? list : one;
		opts[n++].validcb = validate;
	}
	for (size_t i = 0; i < subs_count; i++)
		opts[n++] = subs[i];
	opts[n] = end;
	return opts;
}

enum { SECTIONS_MAX = 64 };

struct sections {
	const char *name[SECTIONS_MAX];
	cfg_opt_t *opts[SECTIONS_MAX];
	cfg_opt_t subs[SECTIONS_MAX];
	size_t n;
	cfg_opt_t *root;
};

static void
make_sections(struct sections *s)
{
	*s = (struct sections){ 0 };
	for (size_t i = 0; i < config_keys_count; i++) {
		const char *name = config_keys[i].section;
		bool titled = config_find_blocks(str_of(name)) != NULL;

		if (*name == '\0' ||
		    (s->n > 0 && strcmp(s->name[s->n - 1], name) == 0))
			continue;
		s->name[s->n] = name;
		s->opts[s->n] = make_options(name, NULL, 0);
		/* MULTI also without a title: only then libconfuse knows the
		 * file's name inside. A section may be continued later. */
		s->subs[s->n] = (cfg_opt_t)CFG_SEC(name, s->opts[s->n],
		    titled ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
			   : CFGF_MULTI);
		s->n++;
	}
	s->root = make_options("", s->subs, s->n);
}

static void
free_sections(struct sections *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->opts[i]);
	free(s->root);
}

static void
take_section(cfg_t *sec, const char *section, char *base)
{
	char why[200];

	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];
		unsigned n;

		if (strcmp(key->section, section) != 0)
			continue;
		n = cfg_size(sec, key->name);
		if (key->kind == CONFIG_STRINGS) {
			struct config_strings *list = (void *)(base +
							       key->offset);

			if (n > 0)
				clear_strings(list);
			for (unsigned k = 0; k < n; k++)
				add_string(list,
				    str_of(cfg_getnstr(sec, key->name, k)));
		} else if (n > 0 && cfg_getstr(sec, key->name) != NULL) {
			/* validate() has seen it already. */
			(void)set_value(key, base, cfg_getstr(sec, key->name),
			    why, sizeof(why));
		}
	}
}

static void
take_all(struct config *c, cfg_t *cfg, const struct sections *s)
{
	take_section(cfg, "", (char *)c);
	for (size_t i = 0; i < s->n; i++) {
		const struct config_blocks *blocks = config_find_blocks(
		    str_of(s->name[i]));
		unsigned n = cfg_size(cfg, s->name[i]);

		for (unsigned k = 0; k < n; k++) {
			cfg_t *sec = cfg_getnsec(cfg, s->name[i], k);
			char *base = (char *)c;

			if (blocks != NULL)
				base = find_item(
				    c, blocks, str_of(cfg_title(sec)), true);
			take_section(sec, s->name[i], base);
		}
	}
}

static void
apply_override(
    struct config *c, const struct config_override *o, struct collector *col)
{
	/* SECTION.KEY, or BLOCK.NAME.KEY; there may be dots in the name. */
	const char *first = strchr(o->key, '.'), *last = strrchr(o->key, '.');
	struct pst_str section = STR(""), name = STR("");
	const struct config_blocks *blocks = NULL;
	const struct config_key *key;
	char *base = (char *)c;
	char why[200];

	if (first != NULL)
		section = str_n(o->key, (size_t)(first - o->key));
	if (first != last)
		name = str_n(first + 1, (size_t)(last - first) - 1);
	key = find_key(section, str_of(last != NULL ? last + 1 : o->key));
	if (first != NULL)
		blocks = config_find_blocks(section);
	if (key == NULL || (blocks != NULL) != (name.n > 0)) {
		config_problem(col, "%s: no such key", o->key);
		return;
	}
	if (blocks != NULL)
		base = find_item(c, blocks, name, true);
	if (!set_value(key, base, o->value, why, sizeof(why)))
		config_problem(
		    col, "%s: expected %s, not \"%s\"", o->key, why, o->value);
}

/* --- what does not depend on one line ---------------------------------------
 */

static void
add_default_mailboxes(struct config *c)
{
	static const char *const names[][2] = { { "Sent", "\\Sent" },
		{ "Drafts", "\\Drafts" }, { "Junk", "\\Junk" },
		{ "Trash", "\\Trash" }, { "Archive", "\\Archive" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct config_mailbox *m = (void *)find_item(c,
		    config_find_blocks(STR("mailbox")), str_of(names[i][0]),
		    true);

		free(m->special_use);
		m->special_use = str_dup(str_of(names[i][1]));
	}
}

static void
set_joined(char **text, const char *a, const char *b)
{
	struct buf out;

	buf_init(&out, 8192);
	(void)buf_puts(&out, a);
	(void)buf_puts(&out, b);
	free(*text);
	*text = str_dup(buf_str(&out));
	buf_fini(&out);
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = ascii_lower(*text);
}

/* As browsers write it: what goes without saying is left out. */
static void
tidy_url(char *url)
{
	static const struct {
		const char *scheme, *port;
	} preset[] = { { "http://", ":80" }, { "https://", ":443" } };
	size_t n;

	lower(url);
	n = strlen(url);
	if (n > 0 && url[n - 1] == '/')
		url[--n] = '\0';
	for (size_t i = 0; i < sizeof(preset) / sizeof(preset[0]); i++) {
		size_t end = strlen(preset[i].port);

		if (str_has_prefix_case(str_of(url), preset[i].scheme) &&
		    n > end && strcmp(url + n - end, preset[i].port) == 0)
			url[n - end] = '\0';
	}
}

static void
complete(struct config *c)
{
	if (c->mailboxes == 0)
		add_default_mailboxes(c);
	if (c->storages == 0)
		(void)find_item(c, config_find_blocks(STR("storage")),
		    STR("maildir"), true);
	for (size_t i = 0; i < c->storages; i++) {
		struct config_storage *s = &c->storage[i];

		if (*s->module == '\0')
			set_joined(&s->module, s->name, "");
		if (*s->path == '\0' && strcmp(s->module, "maildir") == 0)
			set_joined(&s->path, c->state_dir, "/mail");
		/* Where large messages are while somebody reads them. */
		if (*s->path == '\0' && strcmp(s->module, "postgresql") == 0)
			set_joined(&s->path, c->state_dir, "");
	}
	if (*c->accounts.path == '\0')
		set_joined(&c->accounts.path, c->state_dir, "/accounts.db");
	if (*c->dkim.dir == '\0')
		set_joined(&c->dkim.dir, c->state_dir, "/dkim");
	if (*c->forward.srs_keys == '\0')
		set_joined(&c->forward.srs_keys, c->state_dir, "/srs.keys");
	lower(c->forward.srs_domain);
	for (size_t i = 0; i < c->dnslists; i++)
		if (*c->dnslist[i].zone == '\0')
			set_joined(&c->dnslist[i].zone, c->dnslist[i].name, "");
	for (size_t i = 0; i < c->domains.n; i++)
		lower(c->domains.v[i]);
	for (size_t i = 0; i < c->domain_blocks; i++)
		lower(c->domain[i].name);
	for (size_t i = 0; i < c->trust.arc_trusted.n; i++)
		lower(c->trust.arc_trusted.v[i]);
	lower(c->hostname);
	tidy_url(c->web.url);
}

/* --- the interface -----------------------------------------------------------
 */

static int
read_source(
    cfg_t *cfg, const char *path, const char *text, struct collector *col)
{
	int rc = CFG_SUCCESS;

	if (path != NULL) {
		errno = 0;
		rc = cfg_parse(cfg, path);
		if (rc == CFG_FILE_ERROR)
			config_problem(col, "%s: cannot be read: %s", path,
			    strerror(errno));
	} else if (text != NULL && *text != '\0') {
		rc = cfg_parse_buf(cfg, text);
	}
	if (rc == CFG_PARSE_ERROR && col->problems == 0)
		config_problem(
		    col, "%s: syntax error", path != NULL ? path : "text");
	return rc;
}

static struct config *
load(const char *path, const char *text,
    const struct config_override *overrides, size_t n, struct collector *col)
{
	struct config *c = mem_alloc(sizeof(*c));
	struct sections sections;
	cfg_t *cfg;

	c->refs = 1;
	set_presets(c, NULL, (char *)c);
	pthread_mutex_lock(&loading);
	collecting = col;
	make_sections(&sections);
	cfg = cfg_init(sections.root, CFGF_NONE);
	cfg_set_error_function(cfg, parse_error);
	if (read_source(cfg, path, text, col) == CFG_SUCCESS)
		take_all(c, cfg, &sections);
	cfg_free(cfg);
	free_sections(&sections);
	collecting = NULL;
	pthread_mutex_unlock(&loading);

	for (size_t i = 0; i < n && col->problems == 0; i++)
		apply_override(c, &overrides[i], col);
	if (col->problems == 0) {
		complete(c);
		config_check(c, col);
	}
	if (col->problems > 0) {
		config_free(c);
		return NULL;
	}
	return c;
}

struct config *
config_load(const char *path, const struct config_override *overrides, size_t n,
    void (*report)(void *arg, const char *text), void *arg,
    struct pst_error *err)
{
	struct collector col = { report, arg, err, 0 };

	return load(path, NULL, overrides, n, &col);
}

struct config *
config_parse(const char *text, const struct config_override *overrides,
    size_t n, void (*report)(void *arg, const char *text), void *arg,
    struct pst_error *err)
{
	struct collector col = { report, arg, err, 0 };

	return load(NULL, text, overrides, n, &col);
}

struct config *
config_ref(struct config *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void
config_unref(struct config **c)
{
	if (*c != NULL &&
	    __atomic_sub_fetch(&(*c)->refs, 1, __ATOMIC_ACQ_REL) == 0)
		config_free(*c);
	*c = NULL;
}

void
config_each_key(void (*fn)(void *arg, const char *key), void *arg)
{
	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];
		char name[128];

		(void)snprintf(name, sizeof(name), "%s%s%s", key->section,
		    *key->section != '\0' ? "." : "", key->name);
		fn(arg, name);
	}
}

const char *
config_storage_value(const struct config_storage *s, const char *key)
{
	if (strcmp(key, "path") == 0)
		return s->path;
	if (strcmp(key, "fsync") == 0)
		return s->fsync ? "true" : "false";
	for (size_t i = 0; i < s->option.n; i++) {
		size_t n = strcspn(s->option.v[i], "=");

		if (strlen(key) == n && memcmp(s->option.v[i], key, n) == 0)
			return s->option.v[i] + n + 1;
	}
	return NULL;
}

const struct config_storage *
config_find_storage(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->storages; i++)
		if (strcmp(c->storage[i].name, name) == 0)
			return &c->storage[i];
	return NULL;
}

const struct config_storage *
config_default_storage(const struct config *c)
{
	if (*c->default_storage == '\0')
		return c->storages > 0 ? &c->storage[0] : NULL;
	return config_find_storage(c, c->default_storage);
}

bool
config_accounts_in_file(const struct config *c)
{
	return strcmp(c->accounts.database, "sqlite") == 0;
}

bool
config_is_local_domain(const struct config *c, struct pst_str domain)
{
	for (size_t i = 0; i < c->domains.n; i++)
		if (str_is_case(domain, c->domains.v[i]))
			return true;
	return false;
}
