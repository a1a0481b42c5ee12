/*
 * keywords.c - see keywords.h.
 */
#include "localindex/keywords.h"

/* ASCII only: keywords are IMAP atoms. */
static bool
equal_nocase(const char *a, const char *b)
{
	for (;; a++, b++) {
		int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a;
		int y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;

		if (x != y)
			return false;
		if (x == 0)
			return true;
	}
}

int
li_keyword_find(char *const name[PST_KEYWORDS_MAX], const char *sought)
{
	for (int k = 0; k < PST_KEYWORDS_MAX; k++)
		if (name[k] != NULL && equal_nocase(name[k], sought))
			return k;
	return -1;
}

int
li_keyword_free(char *const name[PST_KEYWORDS_MAX], uint64_t used)
{
	int unnamed = -1, unused = -1;

	for (int k = PST_KEYWORDS_MAX - 1; k >= 0; k--) {
		bool is_used = used >> k & 1;

		if (name[k] == NULL &&
		    (unnamed < 0 || !is_used || (used >> unnamed & 1)))
			unnamed = k;
		if (name[k] != NULL && !is_used)
			unused = k;
	}
	return unnamed >= 0 ? unnamed : unused;
}
