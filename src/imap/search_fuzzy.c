/*
 * imap/search_fuzzy.c - the key FUZZY and relevancy scores (RFC 6203).
 *
 * A text matches when each of its words is there in some way: as it is, as the
 * beginning or a part of another word, with another ending, or with one letter
 * wrong, missing, added or swapped. The text as a whole is worth 100, the
 * words by themselves less. Keys without a text match exactly; flags, dates
 * and sizes mean what they say (section 5 leaves that to the server).
 */
#include "base/str.h"
#include "imap/search.h"

enum {
	SCORE_TEXT = 100,
	SCORE_WORDS = 95, /* all words, somewhere */
	SCORE_BEGINS = 90,
	SCORE_CONTAINS = 80,
	SCORE_ENDING = 65,
	SCORE_TYPO = 55,
	TYPO_LEAST = 4, /* shorter words have too many neighbours */
	TYPO_MOST = 64,
};

static bool
is_letter(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || (unsigned char)c > 127;
}

static bool
next_word(struct pst_str *rest, struct pst_str *word_r)
{
	size_t from = 0, to;

	while (from < rest->n && !is_letter(rest->p[from]))
		from++;
	for (to = from; to < rest->n && is_letter(rest->p[to]);)
		to++;
	*word_r = str_n(rest->p + from, to - from);
	*rest = str_from(*rest, to);
	return word_r->n > 0;
}

static size_t
common_prefix(struct pst_str a, struct pst_str b)
{
	size_t n = 0;

	while (n < a.n && n < b.n && a.p[n] == b.p[n])
		n++;
	return n;
}

static size_t
common_suffix(struct pst_str a, struct pst_str b)
{
	size_t n = 0;

	while (n < a.n && n < b.n && a.p[a.n - 1 - n] == b.p[b.n - 1 - n])
		n++;
	return n;
}

/* One octet replaced, added, left out, or two neighbours swapped. */
static bool
is_typo(struct pst_str word, struct pst_str want)
{
	size_t longer = word.n > want.n ? word.n : want.n;
	size_t shorter = word.n < want.n ? word.n : want.n;
	size_t before, behind;

	if (want.n < TYPO_LEAST || longer > TYPO_MOST || longer - shorter > 1)
		return false;
	before = common_prefix(word, want);
	behind = common_suffix(word, want);
	if (before + behind >= longer - 1)
		return true;
	return word.n == want.n && before + behind == longer - 2 &&
	       word.p[before] == want.p[before + 1] &&
	       word.p[before + 1] == want.p[before];
}

/* "work" and "works", "breaking" and "breaks". */
static bool
has_other_ending(struct pst_str word, struct pst_str want)
{
	size_t same = common_prefix(word, want);

	return same >= TYPO_LEAST && want.n - same <= 3 && word.n - same <= 4;
}

static unsigned
compare(struct pst_str word, struct pst_str want)
{
	if (word.n >= want.n && memcmp(word.p, want.p, want.n) == 0)
		return word.n == want.n ? (unsigned)SCORE_WORDS
					: (unsigned)SCORE_BEGINS;
	if (word.n > want.n && want.n >= 3 &&
	    memmem(word.p, word.n, want.p, want.n) != NULL)
		return SCORE_CONTAINS;
	if (has_other_ending(word, want))
		return SCORE_ENDING;
	return is_typo(word, want) ? (unsigned)SCORE_TYPO : 0;
}

void
imap_fuzzy_init(struct imap_fuzzy *f, struct pst_str folded)
{
	memset(f, 0, sizeof(*f));
	while (f->n < IMAP_FUZZY_WORDS && next_word(&folded, &f->word[f->n]))
		f->n++;
}

void
imap_fuzzy_feed(struct imap_fuzzy *f, struct pst_str folded)
{
	struct pst_str word;

	while (next_word(&folded, &word)) {
		for (size_t i = 0; i < f->n; i++) {
			unsigned score = f->best[i] < SCORE_WORDS
					     ? compare(word, f->word[i])
					     : 0;

			if (score > f->best[i])
				f->best[i] = (uint8_t)score;
		}
	}
}

unsigned
imap_fuzzy_score(const struct imap_fuzzy *f)
{
	unsigned sum = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->best[i] == 0)
			return 0;
		sum += f->best[i];
	}
	return f->n > 0 ? sum / (unsigned)f->n : 0;
}

/* --- the key ---------------------------------------------------------------
 */

static void
add_score(struct imap_search_message *m, unsigned score)
{
	m->score_sum += score;
	m->scores++;
}

bool
imap_fuzzy_matches(struct imap_search_message *m,
    const struct imap_search_key *k,
    bool (*exact)(
	struct imap_search_message *m, const struct imap_search_key *k))
{
	struct imap_fuzzy words;
	unsigned score;

	if (exact(m, k)) {
		add_score(m, SCORE_TEXT);
		return true;
	}
	imap_fuzzy_init(&words, k->text);
	if (words.n == 0)
		return false;
	m->fuzzy = &words;
	(void)exact(m, k); /* only counts words now */
	m->fuzzy = NULL;
	score = imap_fuzzy_score(&words);
	if (score > 0)
		add_score(m, score);
	return score > 0;
}

bool
imap_match_fuzzy(struct imap_search_message *m, const struct imap_search_key *k)
{
	bool outer = m->is_fuzzy, matched;
	uint32_t before = m->scores;

	m->is_fuzzy = true;
	matched = imap_search_matches(m, k->child);
	m->is_fuzzy = outer;
	if (matched && m->scores == before)
		add_score(m, SCORE_TEXT);
	return matched;
}

unsigned
imap_search_score(const struct imap_search_message *m)
{
	return m->scores > 0 ? m->score_sum / m->scores : (unsigned)SCORE_TEXT;
}
