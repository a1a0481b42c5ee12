/*
 * keyword.c - keywords of a mailbox: 64 numbers, by which the list of messages
 * knows them; the file has their names. A name that no message carries any more
 * gives up its number when all are taken.
 */
#include "mbox.h"

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
mb_keywords(struct pst_box *b)
{
	(void)pthread_mutex_lock(&b->folder->base.lock);
	show_names(b);
	(void)pthread_mutex_unlock(&b->folder->base.lock);
	return b->keyword;
}

static uint64_t
in_use(const struct pst_box *b)
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
	    &b->folder->base, name, in_use(b), &k, &old, err);

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
mb_keyword(struct pst_box *b, const char *name, bool create, unsigned *number_r,
    struct pst_error *err)
{
	struct mb_folder *f = b->folder;
	enum pst_rc rc = PST_OK;
	int k;

	(void)pthread_mutex_lock(&f->base.lock);
	k = li_keyword_find(f->base.state.keyword, name);
	(void)pthread_mutex_unlock(&f->base.lock);
	if (k < 0 && !create)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no such keyword");
	if (k < 0 && (name[0] == '\0' || strpbrk(name, " \t\r\n") != NULL))
		return pst_fail(err, PST_E_SYNTAX, 0, "no keyword");
	/* Only the messages tell which numbers are in use. */
	if (k < 0 && !b->is_listed)
		rc = mb_catch_up(b, err);
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

void
mb_keywords_print(struct mb_folder *f, uint64_t mask, struct li_buf *out)
{
	bool first = true;

	if (mask == 0)
		return;
	(void)pthread_mutex_lock(&f->base.lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		if (!(mask >> k & 1) || f->base.state.keyword[k] == NULL)
			continue;
		if (!first)
			li_buf_putc(out, ' ');
		li_buf_puts(out, f->base.state.keyword[k]);
		first = false;
	}
	(void)pthread_mutex_unlock(&f->base.lock);
}

enum pst_rc
mb_keywords_read(struct pst_box *b, struct pst_str names, uint64_t *mask_r,
    struct pst_error *err)
{
	struct mb_folder *f = b->folder;
	enum pst_rc rc = PST_OK;
	struct pst_str word;

	*mask_r = 0;
	(void)pthread_mutex_lock(&f->base.lock);
	while (rc == PST_OK && names.n > 0) {
		char *name;
		int k;

		if (!li_next_word(&names, &word))
			continue;
		name = li_memdup(word.p, word.n);
		k = strlen(name) == word.n
			? li_keyword_find(f->base.state.keyword, name)
			: -1;
		if (k < 0 && strlen(name) == word.n)
			rc = make_number(b, name, &k, err);
		free(name);
		/* One more than there is room for: the others count. */
		if (rc == PST_E_LIMIT)
			rc = PST_OK;
		if (k >= 0)
			*mask_r |= UINT64_C(1) << k;
	}
	(void)pthread_mutex_unlock(&f->base.lock);
	return rc;
}
