/*
 * keyword.c - keywords of a mailbox: 64 numbers, each a letter in file names.
 * A name that no message carries any more gives up its number when all are
 * taken.
 */
#include "maildir.h"

#include "localindex/keywords.h"

#include <stdlib.h>

/* Wants folder->base.lock, as the names belong to it. */
static void
show_names(struct pst_box *b)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		const char *name = b->folder->base.state.keyword[k];

		b->keyword[k] = name ? name : "";
	}
}

const char *const *
md_keywords(struct pst_box *b)
{
	(void)pthread_mutex_lock(&b->folder->base.lock);
	show_names(b);
	(void)pthread_mutex_unlock(&b->folder->base.lock);
	return b->keyword;
}

/* Letters in file names, with a meaning or not. */
static uint64_t
letters_in_use(const struct pst_box *b)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < b->n; i++)
		mask |= b->msg[i].keywords;
	return mask;
}

/*
 * Gives a name a number, on the disk. The text of an old name stays until the
 * number changes again: a list that keywords() gave out may still show it.
 * Wants folder->base.lock.
 */
static enum pst_rc
make_number(
    struct pst_box *b, const char *name, int *number_r, struct pst_error *err)
{
	unsigned k;
	char *old;
	enum pst_rc rc = li_mailstate_number(
	    &b->folder->base, name, letters_in_use(b), &k, &old, err);

	if (rc != PST_OK)
		return rc;
	if (old != NULL) {
		free(b->old_keyword[k]);
		b->old_keyword[k] = old;
	}
	*number_r = (int)k;
	return PST_OK;
}

enum pst_rc
md_keyword(struct pst_box *b, const char *name, bool create, unsigned *number_r,
    struct pst_error *err)
{
	struct md_folder *f = b->folder;
	enum pst_rc rc = PST_OK;
	int k;

	(void)pthread_mutex_lock(&f->base.lock);
	k = li_keyword_find(f->base.state.keyword, name);
	(void)pthread_mutex_unlock(&f->base.lock);
	if (k < 0 && !create)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no such keyword");
	if (k < 0 && name[0] == '\0')
		return pst_fail(err, PST_E_SYNTAX, 0, "an empty keyword");
	/* Only the messages tell which letters are in use: one without a name,
	 * from another program, must not get one by accident. */
	if (k < 0)
		rc = md_scan_once(b, err);
	if (rc != PST_OK)
		return rc;
	(void)pthread_mutex_lock(&f->base.lock);
	if (k < 0)
		rc = make_number(b, name, &k, err);
	show_names(b);
	(void)pthread_mutex_unlock(&f->base.lock);
	if (rc == PST_OK)
		*number_r = (unsigned)k;
	return rc;
}

/* Names of the keywords in `mask`; the caller frees each. */
static void
copy_names(struct md_folder *f, uint64_t mask, char *name[PST_KEYWORDS_MAX])
{
	(void)pthread_mutex_lock(&f->base.lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		name[k] = (mask >> k & 1) && f->base.state.keyword[k]
			      ? li_strdup(f->base.state.keyword[k])
			      : NULL;
	(void)pthread_mutex_unlock(&f->base.lock);
}

enum pst_rc
md_keywords_map(struct pst_box *from, struct pst_box *to, uint64_t mask,
    unsigned char number_r[PST_KEYWORDS_MAX], uint64_t *mapped_r,
    struct pst_error *err)
{
	char *name[PST_KEYWORDS_MAX];
	enum pst_rc rc = PST_OK;

	*mapped_r = 0;
	copy_names(from->folder, mask, name);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		unsigned number;

		if (name[k] == NULL || rc != PST_OK)
			continue;
		rc = md_keyword(to, name[k], true, &number, err);
		if (rc == PST_OK) {
			number_r[k] = (unsigned char)number;
			*mapped_r |= UINT64_C(1) << k;
		} else if (rc == PST_E_LIMIT) {
			to->acct->store->host->log(PST_LOG_WARNING,
			    "maildir: %s: no number is left for a keyword "
			    "of copied messages",
			    to->folder->base.where);
			rc = PST_OK;
		}
	}
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(name[k]);
	return rc;
}
