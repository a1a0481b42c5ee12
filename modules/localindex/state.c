/*
 * state.c - the text files. What would make uids ambiguous (no uidvalidity, no
 * uidnext) counts as damage.
 */
#include "localindex/state.h"

#include <stdlib.h>

enum { META_MAX = 4096 }; /* entries; a damaged file must not fill memory */

const struct li_meta *
li_meta_find(const struct li_metas *m, const char *key)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].key, key) == 0)
			return &m->v[i];
	return NULL;
}

void
li_meta_set(struct li_metas *m, const char *key, struct pst_str value)
{
	size_t i = 0;

	while (i < m->n && strcmp(m->v[i].key, key) != 0)
		i++;
	if (value.p == NULL) {
		if (i == m->n)
			return;
		free(m->v[i].key);
		free(m->v[i].value);
		memmove(
		    &m->v[i], &m->v[i + 1], (m->n - i - 1) * sizeof(m->v[0]));
		m->n--;
		return;
	}
	if (i == m->n) {
		LI_PUSH(m->v, m->n, m->cap);
		m->v[m->n++] = (struct li_meta){ .key = li_strdup(key) };
	}
	free(m->v[i].value);
	m->v[i].value = li_memdup(value.p, value.n);
	m->v[i].n = value.n;
}

void
li_meta_free(struct li_metas *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].key);
		free(m->v[i].value);
	}
	free(m->v);
	*m = (struct li_metas){ 0 };
}

void
li_state_free(struct li_state *s)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		free(s->keyword[k]);
		s->keyword[k] = NULL;
	}
	li_meta_free(&s->meta);
	li_buf_free(&s->unknown);
}

void
li_account_state_free(struct li_account_state *s)
{
	li_meta_free(&s->meta);
	li_buf_free(&s->unknown);
}

static void
keep_line(struct li_buf *unknown, struct pst_str line)
{
	li_buf_add(unknown, line.p, line.n);
	li_buf_putc(unknown, '\n');
}

/* The first line: "<what> <version>". */
static enum li_state_rc
parse_version(struct pst_str *text, const char *what)
{
	struct pst_str line, word;
	uint64_t version;

	if (!li_next_line(text, &line) || !li_next_word(&line, &word) ||
	    !li_is(word, what) || !li_number(line.p, line.n, &version))
		return LI_STATE_DAMAGED;
	return version == 1  ? LI_STATE_OK
	       : version > 1 ? LI_STATE_NEWER
			     : LI_STATE_DAMAGED;
}

static bool
parse_u32(struct pst_str s, uint32_t *value_r)
{
	uint64_t v;

	if (!li_number(s.p, s.n, &v) || v == 0 || v > UINT32_MAX)
		return false;
	*value_r = (uint32_t)v;
	return true;
}

static bool
parse_time(struct pst_str s, struct timespec *t)
{
	const char *dot = s.n ? memchr(s.p, '.', s.n) : NULL;
	uint64_t sec, nsec;
	size_t lead;

	if (dot == NULL)
		return false;
	lead = (size_t)(dot - s.p);
	if (!li_number(s.p, lead, &sec) || sec > INT64_MAX ||
	    !li_number(dot + 1, s.n - lead - 1, &nsec) || nsec > 999999999)
		return false;
	t->tv_sec = (time_t)sec;
	t->tv_nsec = (long)nsec;
	return true;
}

/* Only a hint: what cannot be read is as good as none. */
static void
parse_seen(struct pst_str rest, struct li_state *s)
{
	struct pst_str a, b, uidnext;

	s->has_seen = li_next_word(&rest, &a) && li_next_word(&rest, &b) &&
		      li_next_word(&rest, &uidnext) &&
		      parse_time(a, &s->seen[0]) &&
		      parse_time(b, &s->seen[1]) &&
		      parse_u32(uidnext, &s->seen_uidnext) &&
		      li_number(rest.p, rest.n, &s->seen_modseq);
}

static bool
parse_objectid(struct pst_str s, struct li_state *state)
{
	if (!li_is_ident(s))
		return false;
	memcpy(state->objectid, s.p, s.n);
	state->objectid[s.n] = '\0';
	return true;
}

static bool
parse_keyword(struct pst_str rest, struct li_state *s)
{
	struct li_buf name = { 0 };
	struct pst_str number;
	uint64_t k;
	bool ok;

	ok = li_next_word(&rest, &number) &&
	     li_number(number.p, number.n, &k) && k < PST_KEYWORDS_MAX &&
	     s->keyword[k] == NULL && rest.n > 0 &&
	     li_unescape(&name, rest.p, rest.n) && name.n > 0 &&
	     memchr(name.p, '\0', name.n) == NULL;
	if (ok)
		s->keyword[k] = li_memdup(name.p, name.n);
	li_buf_free(&name);
	return ok;
}

static bool
parse_meta(struct pst_str rest, struct li_metas *m)
{
	struct li_buf key = { 0 }, value = { 0 };
	struct pst_str word;
	bool ok;

	li_buf_add(&value, "", 0);
	ok = m->n < META_MAX && li_next_word(&rest, &word) &&
	     li_unescape(&key, word.p, word.n) &&
	     memchr(key.p, '\0', key.n) == NULL &&
	     li_unescape(&value, rest.p, rest.n);
	if (ok)
		li_meta_set(m, key.p, (struct pst_str){ value.p, value.n });
	li_buf_free(&key);
	li_buf_free(&value);
	return ok;
}

static bool
parse_state_line(struct pst_str line, struct pst_str word, struct pst_str rest,
    struct li_state *s)
{
	if (li_is(word, "uidvalidity"))
		return parse_u32(rest, &s->uidvalidity);
	if (li_is(word, "uidnext"))
		return parse_u32(rest, &s->uidnext);
	if (li_is(word, "recent"))
		return parse_u32(rest, &s->recent);
	if (li_is(word, "modseq"))
		return li_number(rest.p, rest.n, &s->modseq) && s->modseq > 0 &&
		       s->modseq <= INT64_MAX;
	if (li_is(word, "objectid"))
		return parse_objectid(rest, s);
	if (li_is(word, "seen")) {
		parse_seen(rest, s);
		return true;
	}
	if (li_is(word, "keyword"))
		return parse_keyword(rest, s);
	if (li_is(word, "meta"))
		return parse_meta(rest, &s->meta);
	keep_line(&s->unknown, line);
	return true;
}

enum li_state_rc
li_state_parse(struct pst_str text, struct li_state *s)
{
	enum li_state_rc rc = parse_version(&text, "postern-mailbox");
	struct pst_str line, rest, word;
	bool ended = false;

	*s = (struct li_state){ 0 };
	if (rc != LI_STATE_OK)
		return rc;
	while (!ended && li_next_line(&text, &line)) {
		rest = line;
		if (!li_next_word(&rest, &word))
			return LI_STATE_DAMAGED;
		ended = li_is(word, "end");
		if (!ended && !parse_state_line(line, word, rest, s))
			return LI_STATE_DAMAGED;
	}
	if (!ended || s->uidvalidity == 0 || s->uidnext == 0 ||
	    s->modseq == 0 || s->objectid[0] == '\0')
		return LI_STATE_DAMAGED;
	if (s->seen_modseq > s->modseq)
		s->has_seen = false;
	if (s->recent == 0 || s->recent > s->uidnext)
		s->recent = s->uidnext;
	return LI_STATE_OK;
}

static void
print_metas(struct li_buf *out, const struct li_metas *m)
{
	for (size_t i = 0; i < m->n; i++) {
		li_buf_puts(out, "meta ");
		li_escape(out, m->v[i].key, strlen(m->v[i].key), true);
		li_buf_putc(out, ' ');
		li_escape(out, m->v[i].value, m->v[i].n, false);
		li_buf_putc(out, '\n');
	}
}

void
li_state_print(struct li_buf *out, const struct li_state *s)
{
	li_buf_printf(out,
	    "postern-mailbox 1\nuidvalidity %lu\nuidnext %lu\nmodseq %llu\n"
	    "objectid %s\nrecent %lu\n",
	    (unsigned long)s->uidvalidity, (unsigned long)s->uidnext,
	    (unsigned long long)s->modseq, s->objectid,
	    (unsigned long)s->recent);
	if (s->has_seen)
		li_buf_printf(out, "seen %lld.%ld %lld.%ld %lu %llu\n",
		    (long long)s->seen[0].tv_sec, s->seen[0].tv_nsec,
		    (long long)s->seen[1].tv_sec, s->seen[1].tv_nsec,
		    (unsigned long)s->seen_uidnext,
		    (unsigned long long)s->seen_modseq);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		if (s->keyword[k] == NULL)
			continue;
		li_buf_printf(out, "keyword %u ", k);
		li_escape(out, s->keyword[k], strlen(s->keyword[k]), true);
		li_buf_putc(out, '\n');
	}
	print_metas(out, &s->meta);
	li_buf_add(out, s->unknown.p, s->unknown.n);
	li_buf_puts(out, "end\n");
}

static bool
parse_account_line(struct pst_str line, struct pst_str word,
    struct pst_str rest, struct li_account_state *s)
{
	if (li_is(word, "uidvalidity"))
		return parse_u32(rest, &s->uidvalidity);
	if (li_is(word, "meta"))
		return parse_meta(rest, &s->meta);
	keep_line(&s->unknown, line);
	return true;
}

enum li_state_rc
li_account_parse(struct pst_str text, struct li_account_state *s)
{
	enum li_state_rc rc = parse_version(&text, "postern-account");
	struct pst_str line, rest, word;
	bool ended = false;

	*s = (struct li_account_state){ 0 };
	if (rc != LI_STATE_OK)
		return rc;
	while (!ended && li_next_line(&text, &line)) {
		rest = line;
		if (!li_next_word(&rest, &word))
			return LI_STATE_DAMAGED;
		ended = li_is(word, "end");
		if (!ended && !parse_account_line(line, word, rest, s))
			return LI_STATE_DAMAGED;
	}
	return ended ? LI_STATE_OK : LI_STATE_DAMAGED;
}

void
li_account_print(struct li_buf *out, const struct li_account_state *s)
{
	li_buf_puts(out, "postern-account 1\n");
	if (s->uidvalidity != 0)
		li_buf_printf(
		    out, "uidvalidity %lu\n", (unsigned long)s->uidvalidity);
	print_metas(out, &s->meta);
	li_buf_add(out, s->unknown.p, s->unknown.n);
	li_buf_puts(out, "end\n");
}
