/*
 * imap/list.c - LIST and LSUB (RFC 3501, 6.3.8 and 6.3.9), LIST-EXTENDED (RFC
 * 5258), CHILDREN (RFC 3348), SPECIAL-USE (RFC 6154), LIST-STATUS (RFC 5819),
 * LIST-MYRIGHTS (RFC 8440).
 *
 * All names of the account are collected and sorted so that what is below a
 * name stands right behind it; then they are matched and written as fast as
 * the client reads.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/list_parse.h"
#include "imap/pattern.h"
#include "imap/places.h"
#include "imap/progress.h"
#include "imap/respond.h"
#include "imap/status.h"
#include <stdlib.h>

struct entry {
	const char *name, *use;
	bool exists, subscribed;
};

struct listing {
	struct imap_list_args args;
	bool lsub;
	struct buf *pattern;
	size_t patterns;
	struct entry *entry;
	size_t n, cap;
	size_t at;
};

/* --- collecting ------------------------------------------------------------
 */

static void
collect(void *arg, const struct pst_mailbox *row)
{
	struct imap_session *s = arg;
	struct listing *l = s->run->state;
	struct entry *e;

	mem_grow(&l->entry, &l->cap, l->n + 1, sizeof(*l->entry));
	e = &l->entry[l->n++];
	e->name = arena_text(s->run->arena, str_of(row->name));
	e->use = arena_text(s->run->arena, str_of(row->special_use));
	e->exists = row->exists;
	e->subscribed = row->subscribed;
}

static bool
is_below(const char *name, const char *above)
{
	size_t n = strlen(above);

	return strncmp(name, above, n) == 0 && name[n] == '/';
}

static bool
is_inbox(const char *name)
{
	return strcmp(name, "INBOX") == 0 || is_below(name, "INBOX");
}

/* INBOX first; '/' before everything else keeps a branch together. */
static int
compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	const char *x = left->name, *y = right->name;
	int order = (int)is_inbox(y) - (int)is_inbox(x);

	if (order != 0)
		return order;
	while (*x == *y && *x != '\0') {
		x++;
		y++;
	}
	if (*x == *y)
		return 0;
	if (*x == '\0' || *y == '\0')
		return *x == '\0' ? -1 : 1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
}

/* A level may have been told of for each name below it. */
static void
join_same(struct listing *l)
{
	size_t kept = 0;

	for (size_t i = 1; i < l->n; i++) {
		struct entry *e = &l->entry[kept];

		if (strcmp(e->name, l->entry[i].name) != 0) {
			l->entry[++kept] = l->entry[i];
			continue;
		}
		e->exists |= l->entry[i].exists;
		e->subscribed |= l->entry[i].subscribed;
	}
	if (l->n > 0)
		l->n = kept + 1;
}

static void
cleanup(struct imap_session *s)
{
	struct listing *l = s->run->state;

	for (size_t i = 0; i < l->patterns; i++)
		buf_fini(&l->pattern[i]);
	free(l->entry);
}

static void
make_patterns(struct imap_session *s, struct listing *l)
{
	l->pattern = imap_alloc(s, l->args.patterns * sizeof(*l->pattern));
	for (size_t i = 0; i < l->args.patterns; i++) {
		struct buf *b = &l->pattern[l->patterns];

		buf_init(b, 4 * IMAP_PATTERN_MAX);
		if (imap_pattern_make(
			l->args.reference, l->args.pattern[i], s->utf8, b))
			l->patterns++;
		else
			buf_fini(b);
	}
}

/* What stands before the first wildcard does not lead away from `root`. */
static bool
reaches(struct pst_str pattern, const char *root)
{
	size_t n = strlen(root);

	for (size_t i = 0; i < pattern.n && i < n; i++) {
		if (pattern.p[i] == '*' || pattern.p[i] == '%')
			return true;
		if (pattern.p[i] != root[i])
			return false;
	}
	return pattern.n >= n;
}

/* Some pattern may match mailboxes of others. */
static bool
reaches_others(const struct listing *l)
{
	for (size_t i = 0; i < l->patterns; i++)
		if (reaches(buf_str(&l->pattern[i]), MAIL_USERS) ||
		    reaches(buf_str(&l->pattern[i]), MAIL_PUBLIC))
			return true;
	return false;
}

/* --- choosing --------------------------------------------------------------
 */

static bool
matches(const struct listing *l, const struct entry *e)
{
	for (size_t i = 0; i < l->patterns; i++) {
		if (imap_pattern_matches(buf_str(&l->pattern[i]), e->name))
			return true;
	}
	return false;
}

/* It meets the selection options by itself. */
static bool
is_selected(const struct listing *l, const struct entry *e)
{
	if (l->lsub)
		return e->subscribed;
	if ((l->args.options & IMAP_LIST_SPECIAL) && *e->use == '\0')
		return false;
	if (l->args.options & IMAP_LIST_SUBSCRIBED)
		return e->subscribed;
	return e->exists;
}

static bool
has_children(const struct listing *l, size_t i)
{
	for (size_t k = i + 1;
	     k < l->n && is_below(l->entry[k].name, l->entry[i].name); k++) {
		if (l->entry[k].exists)
			return true;
	}
	return false;
}

/* Something below meets the selection; `unseen`: and will not be listed. */
static bool
has_selected_below(const struct listing *l, size_t i, bool unseen)
{
	for (size_t k = i + 1;
	     k < l->n && is_below(l->entry[k].name, l->entry[i].name); k++) {
		const struct entry *e = &l->entry[k];

		if (is_selected(l, e) && !(unseen && matches(l, e)))
			return true;
	}
	return false;
}

/* --- writing ---------------------------------------------------------------
 */

static void
put_attribute(struct buf *out, size_t start, const char *text)
{
	if (out->n > start)
		(void)buf_putc(out, ' ');
	(void)buf_puts(out, text);
}

/* RFC 9590: behind the name. One that is gone meanwhile has none. */
static void
put_metadata(struct imap_session *s, const struct listing *l, const char *name)
{
	struct imap_metadata_wish wish = l->args.metadata;
	struct pst_error err;

	if (imap_put_metadata(s, name, &wish, &err) != PST_OK &&
	    err.rc != PST_E_NOTFOUND && err.rc != PST_E_DENIED)
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-list", &err);
}

static void
put_entry(
    struct imap_session *s, const struct listing *l, size_t i, bool selected)
{
	const struct entry *e = &l->entry[i];
	struct buf *out = imap_out(s);
	bool recursive = l->args.options & IMAP_LIST_RECURSIVE;
	size_t start;

	(void)buf_puts(out, l->lsub ? "* LSUB (" : "* LIST (");
	start = out->n;
	if (!e->exists || (l->lsub && !selected))
		put_attribute(out, start,
		    l->args.is_extended || (s->enabled & IMAP_REV2)
			? "\\NonExistent"
			: "\\Noselect");
	if (!l->lsub)
		put_attribute(out, start,
		    has_children(l, i) ? "\\HasChildren" : "\\HasNoChildren");
	if (e->subscribed && (l->args.options & IMAP_LIST_RETURN_SUBSCRIBED))
		put_attribute(out, start, "\\Subscribed");
	if (!l->lsub && *e->use != '\0')
		put_attribute(out, start, e->use);
	(void)buf_puts(out, ") \"/\" ");
	imap_put_mailbox(out, e->name, s->utf8);
	if (recursive && has_selected_below(l, i, !selected))
		(void)buf_puts(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	(void)buf_puts(out, "\r\n");
	if (e->exists && (l->args.options & IMAP_LIST_RETURN_METADATA))
		put_metadata(s, l, e->name);
}

/* A name that is not selected is listed for what is below it: as a level of
 * LIST, by LSUB "%" (RFC 3501, 6.3.9), by RECURSIVEMATCH (RFC 5258, 3.5). */
static bool
is_listed_as_parent(const struct listing *l, size_t i)
{
	if (l->lsub || (l->args.options & IMAP_LIST_RECURSIVE))
		return has_selected_below(l, i, true);
	if (l->args.options & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL))
		return false;
	return has_children(l, i);
}

/* RFC 5819, 2: nothing is said of one that cannot be read. */
static enum pst_rc
status_of(const struct mail_place *place, struct mailbox_status *st,
    struct pst_error *err)
{
	if (!(place->rights & ACL_READ))
		return pst_fail(err, PST_E_DENIED, 0, "no right to read");
	return mailbox_status_at(place, st, err);
}

/*
 * One name, and its STATUS when that was asked for. A mailbox that went away
 * meanwhile is listed as not there (RFC 5819, 2).
 */
static void
put_one(struct imap_session *s, struct listing *l, size_t i, bool selected)
{
	bool rights = l->args.options & IMAP_LIST_RETURN_MYRIGHTS;
	struct entry *e = &l->entry[i];
	struct mail_place place = { 0 };
	struct mailbox_status st;
	struct pst_error err;
	enum pst_rc rc = PST_E_NOTFOUND;

	if ((l->args.status != 0 || rights) && selected && e->exists) {
		rc = imap_place(s, e->name, 0, &place, &err);
		rights = rights && rc == PST_OK;
		if (rc == PST_OK && l->args.status != 0)
			rc = status_of(&place, &st, &err);
		if (rc == PST_E_NOTFOUND)
			e->exists = rights = false;
		else if (rc != PST_OK && rc != PST_E_DENIED)
			log_failure(
			    PST_LOG_ERROR, net_id(s->c), "imap-status", &err);
	} else {
		rights = false;
	}
	put_entry(s, l, i, selected);
	if (rights)
		imap_put_myrights(s, e->name, place.rights);
	if (rc == PST_OK && l->args.status != 0)
		imap_put_status(s, e->name, l->args.status, &st);
	mail_place_fini(&place);
}

static enum imap_step
more(struct imap_session *s)
{
	struct listing *l = s->run->state;
	int64_t started = clock_monotonic();

	while (l->at < l->n) {
		size_t i = l->at++;
		bool selected = is_selected(l, &l->entry[i]);

		if (matches(l, &l->entry[i]) &&
		    (selected || is_listed_as_parent(l, i)))
			put_one(s, l, i, selected);
		if (net_output_full(s->c))
			return IMAP_FULL;
		if ((i % 32 == 31 || l->args.status != 0 ||
			(l->args.options & IMAP_LIST_RETURN_MYRIGHTS)) &&
		    imap_slice_over(started)) {
			imap_in_progress(s, l->at, l->n);
			return IMAP_TURN;
		}
	}
	return imap_ok(s, l->lsub ? "Lsub completed" : "List completed");
}

static enum imap_step
list(struct imap_session *s, struct imap_parser *ps, bool lsub)
{
	struct listing *l = imap_alloc(s, sizeof(*l));
	struct pst_error err;

	l->lsub = lsub;
	if (!imap_list_parse(ps, lsub, &l->args))
		return imap_bad_arguments(s, ps);
	if (!lsub && !l->args.is_extended && l->args.pattern[0].n == 0) {
		/* RFC 3501, 6.3.8: what separates the levels, and the root */
		(void)buf_puts(
		    imap_out(s), "* LIST (\\Noselect) \"/\" \"\"\r\n");
		return imap_ok(s, "List completed");
	}
	imap_status_wanted(s, l->args.status);
	s->run->state = l;
	s->run->cleanup = cleanup;
	make_patterns(s, l);
	if (imap_each_mailbox(s, reaches_others(l), collect, s, &err) != PST_OK)
		return imap_fail(s, &err, "[NONEXISTENT] No mailboxes");
	if (l->n > 0)
		qsort(l->entry, l->n, sizeof(*l->entry), compare);
	join_same(l);
	s->run->resume = more;
	return IMAP_NEXT;
}

enum imap_step
imap_list(struct imap_session *s, struct imap_parser *ps)
{
	return list(s, ps, false);
}

enum imap_step
imap_lsub(struct imap_session *s, struct imap_parser *ps)
{
	return list(s, ps, true);
}
