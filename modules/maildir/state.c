/*
 * state.c - the text files. Lines with an unknown first word are skipped: a
 * later version may add some without a new version number. What would make
 * uids ambiguous (no uidvalidity, no uidnext) counts as damage.
 */
#include "state.h"

#include "name.h"
#include <stdlib.h>

enum { META_MAX = 4096 }; /* entries; a damaged file must not fill memory */

const struct md_meta *
md_meta_find(const struct md_metas *m, const char *key)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].key, key) == 0)
			return &m->v[i];
	return NULL;
}

void
md_meta_set(struct md_metas *m, const char *key, struct pst_str value)
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
		MD_PUSH(m->v, m->n, m->cap);
		m->v[m->n++] = (struct md_meta){ .key = md_strdup(key) };
	}
	free(m->v[i].value);
	m->v[i].value = md_memdup(value.p, value.n);
	m->v[i].n = value.n;
}

void
md_meta_free(struct md_metas *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].key);
		free(m->v[i].value);
	}
	free(m->v);
	*m = (struct md_metas){ 0 };
}

void
md_state_free(struct md_state *s)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		free(s->keyword[k]);
		s->keyword[k] = NULL;
	}
	md_meta_free(&s->meta);
}

/* The first line: "<what> <version>". */
static enum md_state_rc
parse_version(struct pst_str *text, const char *what)
{
	struct pst_str line, word;
	uint64_t version;

	if (!md_next_line(text, &line) || !md_next_word(&line, &word) ||
	    !md_is(word, what) || !md_number(line.p, line.n, &version))
		return MD_STATE_DAMAGED;
	return version == 1  ? MD_STATE_OK
	       : version > 1 ? MD_STATE_NEWER
			     : MD_STATE_DAMAGED;
}

static bool
parse_u32(struct pst_str s, uint32_t *value_r)
{
	uint64_t v;

	if (!md_number(s.p, s.n, &v) || v == 0 || v > UINT32_MAX)
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
	if (!md_number(s.p, lead, &sec) || sec > INT64_MAX ||
	    !md_number(dot + 1, s.n - lead - 1, &nsec) || nsec > 999999999)
		return false;
	t->tv_sec = (time_t)sec;
	t->tv_nsec = (long)nsec;
	return true;
}

/* Only a hint: what cannot be read is as good as none. */
static void
parse_seen(struct pst_str rest, struct md_state *s)
{
	struct pst_str a, b, uidnext;

	s->has_seen = md_next_word(&rest, &a) && md_next_word(&rest, &b) &&
		      md_next_word(&rest, &uidnext) &&
		      parse_time(a, &s->seen[0]) &&
		      parse_time(b, &s->seen[1]) &&
		      parse_u32(uidnext, &s->seen_uidnext) &&
		      md_number(rest.p, rest.n, &s->seen_modseq);
}

static bool
parse_objectid(struct pst_str s, struct md_state *state)
{
	if (!md_is_ident(s))
		return false;
	memcpy(state->objectid, s.p, s.n);
	state->objectid[s.n] = '\0';
	return true;
}

static bool
parse_keyword(struct pst_str rest, struct md_state *s)
{
	struct md_buf name = { 0 };
	struct pst_str number;
	uint64_t k;
	bool ok;

	ok = md_next_word(&rest, &number) &&
	     md_number(number.p, number.n, &k) && k < PST_KEYWORDS_MAX &&
	     s->keyword[k] == NULL && rest.n > 0 &&
	     md_unescape(&name, rest.p, rest.n) && name.n > 0 &&
	     memchr(name.p, '\0', name.n) == NULL;
	if (ok)
		s->keyword[k] = md_memdup(name.p, name.n);
	md_buf_free(&name);
	return ok;
}

static bool
parse_meta(struct pst_str rest, struct md_metas *m)
{
	struct md_buf key = { 0 }, value = { 0 };
	struct pst_str word;
	bool ok;

	md_buf_add(&value, "", 0);
	ok = m->n < META_MAX && md_next_word(&rest, &word) &&
	     md_unescape(&key, word.p, word.n) &&
	     memchr(key.p, '\0', key.n) == NULL &&
	     md_unescape(&value, rest.p, rest.n);
	if (ok)
		md_meta_set(m, key.p, (struct pst_str){ value.p, value.n });
	md_buf_free(&key);
	md_buf_free(&value);
	return ok;
}

static bool
parse_state_line(struct pst_str word, struct pst_str rest, struct md_state *s)
{
	if (md_is(word, "uidvalidity"))
		return parse_u32(rest, &s->uidvalidity);
	if (md_is(word, "uidnext"))
		return parse_u32(rest, &s->uidnext);
	if (md_is(word, "recent"))
		return parse_u32(rest, &s->recent);
	if (md_is(word, "modseq"))
		return md_number(rest.p, rest.n, &s->modseq) && s->modseq > 0 &&
		       s->modseq <= INT64_MAX;
	if (md_is(word, "objectid"))
		return parse_objectid(rest, s);
	if (md_is(word, "seen"))
		parse_seen(rest, s);
	if (md_is(word, "keyword"))
		return parse_keyword(rest, s);
	if (md_is(word, "meta"))
		return parse_meta(rest, &s->meta);
	return true;
}

enum md_state_rc
md_state_parse(struct pst_str text, struct md_state *s)
{
	enum md_state_rc rc = parse_version(&text, "postern-mailbox");
	struct pst_str line, word;
	bool ended = false;

	*s = (struct md_state){ 0 };
	if (rc != MD_STATE_OK)
		return rc;
	while (!ended && md_next_line(&text, &line)) {
		if (!md_next_word(&line, &word))
			return MD_STATE_DAMAGED;
		ended = md_is(word, "end");
		if (!parse_state_line(word, line, s))
			return MD_STATE_DAMAGED;
	}
	if (!ended || s->uidvalidity == 0 || s->uidnext == 0 ||
	    s->modseq == 0 || s->objectid[0] == '\0')
		return MD_STATE_DAMAGED;
	if (s->seen_modseq > s->modseq)
		s->has_seen = false;
	if (s->recent == 0 || s->recent > s->uidnext)
		s->recent = s->uidnext;
	return MD_STATE_OK;
}

static void
print_metas(struct md_buf *out, const struct md_metas *m)
{
	for (size_t i = 0; i < m->n; i++) {
		md_buf_puts(out, "meta ");
		md_escape(out, m->v[i].key, strlen(m->v[i].key), true);
		md_buf_putc(out, ' ');
		md_escape(out, m->v[i].value, m->v[i].n, false);
		md_buf_putc(out, '\n');
	}
}

void
md_state_print(struct md_buf *out, const struct md_state *s)
{
	md_buf_printf(out,
	    "postern-mailbox 1\nuidvalidity %lu\nuidnext %lu\nmodseq %llu\n"
	    "objectid %s\nrecent %lu\n",
	    (unsigned long)s->uidvalidity, (unsigned long)s->uidnext,
	    (unsigned long long)s->modseq, s->objectid,
	    (unsigned long)s->recent);
	if (s->has_seen)
		md_buf_printf(out, "seen %lld.%ld %lld.%ld %lu %llu\n",
		    (long long)s->seen[0].tv_sec, s->seen[0].tv_nsec,
		    (long long)s->seen[1].tv_sec, s->seen[1].tv_nsec,
		    (unsigned long)s->seen_uidnext,
		    (unsigned long long)s->seen_modseq);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		if (s->keyword[k] == NULL)
			continue;
		md_buf_printf(out, "keyword %u ", k);
		md_escape(out, s->keyword[k], strlen(s->keyword[k]), true);
		md_buf_putc(out, '\n');
	}
	print_metas(out, &s->meta);
	md_buf_puts(out, "end\n");
}

enum md_state_rc
md_account_parse(struct pst_str text, struct md_account_state *s)
{
	enum md_state_rc rc = parse_version(&text, "postern-account");
	struct pst_str line, word;
	bool ended = false;

	*s = (struct md_account_state){ 0 };
	if (rc != MD_STATE_OK)
		return rc;
	while (!ended && md_next_line(&text, &line)) {
		if (!md_next_word(&line, &word))
			return MD_STATE_DAMAGED;
		ended = md_is(word, "end");
		if (md_is(word, "uidvalidity") &&
		    !parse_u32(line, &s->uidvalidity))
			return MD_STATE_DAMAGED;
		if (md_is(word, "meta") && !parse_meta(line, &s->meta))
			return MD_STATE_DAMAGED;
	}
	return ended ? MD_STATE_OK : MD_STATE_DAMAGED;
}

void
md_account_print(struct md_buf *out, const struct md_account_state *s)
{
	md_buf_puts(out, "postern-account 1\n");
	if (s->uidvalidity != 0)
		md_buf_printf(
		    out, "uidvalidity %lu\n", (unsigned long)s->uidvalidity);
	print_metas(out, &s->meta);
	md_buf_puts(out, "end\n");
}
