/*
 * imap/search_text.c - the keys BODY and TEXT (RFC 3501, 6.4.4): what a reader
 * would see of the message, decoded, converted to UTF-8 and without case
 * (message/text.h).
 *
 * The full-text index of the mailbox is asked once for each key, as soon as the
 * key has to be decided for more than a few messages; what the index is not
 * sure of is looked at. The answers stay good for those messages: a message
 * never changes.
 */
#include "base/str.h"
#include "imap/search.h"
#include "mailbox/fulltext.h"
#include <stdlib.h>

enum {
	ASK_AFTER = 16,	      /* messages that are looked at without asking */
	ASK_KEYS = 100,	      /* keys of one program; others are looked for */
	ASK_RANGES = 1 << 20, /* of uids in all answers that are kept */
};

struct imap_text_known {
	struct imap_text_known *next;
	const struct imap_search_key *key;
	unsigned looked_at;
	bool is_asked, has_answer;
	struct view_text answer;
};

void
imap_text_forget(struct imap_search_message *m)
{
	while (m->known != NULL) {
		struct imap_text_known *k = m->known;

		m->known = k->next;
		view_text_fini(&k->answer);
		free(k);
	}
	m->asked = m->asked_ranges = 0;
}

static struct imap_text_known *
known_of(struct imap_search_message *m, const struct imap_search_key *key)
{
	struct imap_text_known *k;

	for (k = m->known; k != NULL; k = k->next)
		if (k->key == key)
			return k;
	k = mem_alloc(sizeof(*k));
	k->key = key;
	k->next = m->known;
	m->known = k;
	return k;
}

/* True: the index has decided. */
static bool
is_known(struct imap_search_message *m, const struct imap_search_key *key,
    bool headers, bool *matches_r)
{
	struct imap_text_known *k = known_of(m, key);

	if (!k->is_asked) {
		if (k->looked_at++ < ASK_AFTER)
			return false;
		k->is_asked = true;
		if (m->asked == ASK_KEYS || m->asked_ranges > ASK_RANGES)
			return false;
		m->asked++;
		k->has_answer = view_text_search(
		    m->view, key->text, headers, &k->answer);
		if (k->has_answer)
			m->asked_ranges += k->answer.yes.n + k->answer.unsure.n;
	}
	if (!k->has_answer || m->row.uid > k->answer.last ||
	    uidset_has(&k->answer.unsure, m->row.uid))
		return false;
	*matches_r = uidset_has(&k->answer.yes, m->row.uid);
	return true;
}

/* --- looking at the message -------------------------------------------------
 */

/* What is sought in the text that passes through m->words.folded. */
struct looking {
	struct imap_search_message *m;
	struct pst_str needle;
	bool found;
};

static bool
look(struct looking *l)
{
	struct buf *folded = &l->m->words.folded;

	if (l->m->fuzzy != NULL) {
		imap_fuzzy_feed(l->m->fuzzy, buf_str(folded));
		buf_clear(folded);
		return false;
	}
	l->found = folded->n >= l->needle.n &&
		   memmem(folded->p, folded->n, l->needle.p, l->needle.n) !=
		       NULL;
	return l->found;
}

/* The end of what was compared is kept: the words sought may lie across. */
static bool
take(void *arg)
{
	struct looking *l = arg;
	struct buf *folded = &l->m->words.folded;

	if (look(l))
		return false;
	if (folded->n >= l->needle.n)
		buf_consume(folded, folded->n - (l->needle.n - 1));
	return true;
}

static bool
read_some(void *arg, uint64_t offset, void *p, size_t n)
{
	return imap_search_read(arg, offset, p, n);
}

static bool
in_body(struct imap_search_message *m, const struct msg_part *part,
    struct pst_str needle)
{
	const struct msg_text_source source = { read_some, m };
	struct looking l = { m, needle, false };

	(void)msg_text_body(&m->words, part, &source, take, &l);
	return l.found;
}

static bool
in_fields(struct imap_search_message *m, const struct msg_part *part,
    struct pst_str needle)
{
	struct looking l = { m, needle, false };

	for (size_t i = 0; i < part->fields; i++) {
		msg_text_field(&m->words, part->field[i].whole);
		if (look(&l))
			return true;
	}
	return false;
}

static bool
in_message(struct imap_search_message *m, struct pst_str needle, bool headers)
{
	const struct msg_part *part = imap_search_whole(m);

	for (; part != NULL; part = msg_text_next(part)) {
		if ((headers || msg_text_is_inner(part)) &&
		    in_fields(m, part, needle))
			return true;
		if (msg_text_is_body(part) && in_body(m, part, needle))
			return true;
	}
	return false;
}

static bool
anywhere_below(struct imap_search_message *m, const struct imap_search_key *k)
{
	return in_message(m, k->text, false);
}

/* Most hits are in the header: it is looked at before the rest is read. */
static bool
anywhere(struct imap_search_message *m, const struct imap_search_key *k)
{
	const struct msg_part *header = imap_search_header(m);

	return header != NULL &&
	       (in_fields(m, header, k->text) || in_message(m, k->text, true));
}

bool
imap_match_body(struct imap_search_message *m, const struct imap_search_key *k)
{
	bool matches;

	if (k->text.n == 0)
		return true;
	if (m->is_fuzzy)
		return imap_fuzzy_matches(m, k, anywhere_below);
	return is_known(m, k, false, &matches) ? matches : anywhere_below(m, k);
}

bool
imap_match_text(struct imap_search_message *m, const struct imap_search_key *k)
{
	bool matches;

	if (k->text.n == 0)
		return true;
	if (m->is_fuzzy)
		return imap_fuzzy_matches(m, k, anywhere);
	return is_known(m, k, true, &matches) ? matches : anywhere(m, k);
}
