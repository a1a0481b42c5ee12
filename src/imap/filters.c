/*
 * imap/filters.c - searches that are kept by name (RFC 5466): those of a user
 * are annotations of the server, kept with the account; those for all users
 * come from the configuration.
 */
#include "base/str.h"
#include "imap/metadata.h"
#include "imap/scan.h"

struct lookup {
	const char *key;
	struct arena *arena;
	struct pst_str text;
};

/* The store calls back for every key that begins so; names of entries are
 * without case (RFC 5464, 3.2). */
static void
take(void *arg, const char *key, struct pst_str value)
{
	struct lookup *l = arg;

	if (str_is_case(str_of(l->key), key))
		l->text = arena_copy(l->arena, value);
}

static bool
find_private(struct imap_session *s, struct pst_str name, struct arena *arena,
    struct pst_str *text_r)
{
	struct lookup l = { .arena = arena };
	struct pst_error err;
	struct buf key;
	enum pst_rc rc;

	buf_init(&key, 65536);
	(void)buf_puts(&key, IMAP_PRIVATE_FILTERS);
	(void)buf_add_str(&key, name);
	l.key = arena_text(arena, buf_str(&key));
	buf_fini(&key);
	if (l.key == NULL)
		return false;
	rc = mailbox_meta_get(
	    s->account, NULL, IMAP_PRIVATE_FILTERS, take, &l, &err);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-filter", &err);
	*text_r = l.text;
	return l.text.n > 0;
}

static bool
find_shared(struct imap_session *s, struct pst_str name, struct arena *arena,
    struct pst_str *text_r)
{
	const struct config *cfg = net_config(s->c);

	for (size_t i = 0; i < cfg->filters; i++) {
		if (!str_is_case(name, cfg->filter[i].name))
			continue;
		*text_r = arena_copy(arena, str_of(cfg->filter[i].search));
		return text_r->n > 0;
	}
	return false;
}

/* RFC 5466, 3.1: the user's own first. */
static bool
filter(
    void *arg, struct pst_str name, struct arena *arena, struct pst_str *text_r)
{
	return find_private(arg, name, arena, text_r) ||
	       find_shared(arg, name, arena, text_r);
}

bool
imap_filter_is_sound(struct imap_session *s, struct pst_str value)
{
	struct imap_search_grammar g = imap_scan_grammar(s, false);

	return imap_search_is_whole(s->run->arena, value, &g);
}

struct imap_search_grammar
imap_scan_grammar(struct imap_session *s, bool has_charset)
{
	return (struct imap_search_grammar){
		.has_charset = has_charset,
		.filter = filter,
		.arg = s,
	};
}
