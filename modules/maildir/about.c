/*
 * about.c - see about.h.
 */
#include "about.h"

#include <stdlib.h>

static void
take_text(struct pst_str s, char **text_r)
{
	struct li_buf b = { 0 };

	li_buf_add(&b, "", 0);
	if (*text_r == NULL && s.n > 0 && li_unescape(&b, s.p, s.n) &&
	    memchr(b.p, '\0', b.n) == NULL)
		*text_r = li_memdup(b.p, b.n);
	li_buf_free(&b);
}

static void
take_keyword(struct pst_str rest, struct md_about *a)
{
	struct pst_str number;
	uint64_t k;

	if (li_next_word(&rest, &number) && li_number(number.p, number.n, &k) &&
	    k < PST_KEYWORDS_MAX)
		take_text(rest, &a->keyword[k]);
}

bool
md_about_parse(struct pst_str text, struct md_about *a)
{
	struct pst_str line, whole, word;
	uint64_t v;

	*a = (struct md_about){ 0 };
	if (!li_next_line(&text, &line) || !li_is(line, "postern-kept 1"))
		return false;
	while (li_next_line(&text, &line)) {
		whole = line;
		if (!li_next_word(&line, &word))
			return false;
		if (li_is(word, "end"))
			return true;
		if (li_is(word, "name"))
			take_text(line, &a->name);
		else if (li_is(word, "use"))
			take_text(line, &a->use);
		else if (li_is(word, "keyword"))
			take_keyword(line, a);
		else if (li_is(word, "gone") && li_number(line.p, line.n, &v) &&
			 v <= INT64_MAX)
			a->gone = (int64_t)v;
		else if (li_is(word, "objectid") &&
			 line.n < sizeof(a->objectid)) {
			memcpy(a->objectid, line.p, line.n);
			a->objectid[line.n] = '\0';
		} else if (!li_is(word, "gone") && !li_is(word, "objectid")) {
			li_buf_add(&a->unknown, whole.p, whole.n);
			li_buf_putc(&a->unknown, '\n');
		}
	}
	return false;
}

static void
put(struct li_buf *out, const char *word, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	li_buf_printf(out, "%s ", word);
	li_escape(out, text, strlen(text), false);
	li_buf_putc(out, '\n');
}

void
md_about_print(struct li_buf *out, const struct md_about *a)
{
	li_buf_puts(out, "postern-kept 1\n");
	put(out, "name", a->name);
	put(out, "objectid", a->objectid);
	put(out, "use", a->use);
	if (a->gone > 0)
		li_buf_printf(out, "gone %lld\n", (long long)a->gone);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		char word[16];

		(void)snprintf(word, sizeof(word), "keyword %u", k);
		put(out, word, a->keyword[k]);
	}
	li_buf_add(out, a->unknown.p, a->unknown.n);
	li_buf_puts(out, "end\n");
}

void
md_about_free(struct md_about *a)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(a->keyword[k]);
	free(a->name);
	free(a->use);
	li_buf_free(&a->unknown);
	*a = (struct md_about){ 0 };
}
