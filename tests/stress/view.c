/*
 * view.c - one client's model of its mailbox, and what every untagged response
 * must be to fit it.
 */
#include "stress.h"

#include <stdlib.h>

void
view_clear(struct view *v)
{
	free(v->e);
	*v = (struct view){ .serial = v->serial };
}

bool
view_is_known(const struct view *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->e[i].uid == 0 || !v->e[i].has_flags)
			return false;
	return true;
}

void
view_exists(struct conn *c, uint64_t n)
{
	struct view *v = &c->view;

	if (n < v->n)
		fail(c, "EXISTS says %llu, but there are %zu",
		    (unsigned long long)n, v->n);
	if (n <= v->n)
		return;
	mem_grow(&v->e, &v->cap, (size_t)n, sizeof(*v->e));
	memset(v->e + v->n, 0, ((size_t)n - v->n) * sizeof(*v->e));
	v->n = (size_t)n;
}

/* --- gone ------------------------------------------------------------------
 */

static void
may_expunge(struct conn *c)
{
	const struct cmd *cmd = c->first;

	if (cmd == NULL)
		fail(c, "an expunge while no command is in progress");
	else if (!cmd->expunges)
		fail(c, "an expunge during FETCH, STORE, SEARCH or SORT");
}

static void
drop(struct conn *c, size_t at)
{
	struct view *v = &c->view;
	uint32_t uid = v->e[at].uid;

	if (uid != 0 && v->box != NULL)
		box_mail(v->box, uid)->is_gone = true;
	memmove(&v->e[at], &v->e[at + 1], (v->n - at - 1) * sizeof(*v->e));
	v->n--;
}

void
view_expunge(struct conn *c, uint64_t seq)
{
	may_expunge(c);
	if (c->is_qresync)
		fail(c, "EXPUNGE although QRESYNC is on");
	if (seq == 0 || seq > c->view.n)
		fail(c, "EXPUNGE of number %llu of %zu",
		    (unsigned long long)seq, c->view.n);
	else
		drop(c, (size_t)seq - 1);
}

/* The message with that uid: known, or one of those between its neighbours
 * whose uid is not known, which are all alike. */
static size_t
place_of(const struct view *v, uint32_t uid)
{
	size_t i = v->n;

	while (i > 0 && (v->e[i - 1].uid == 0 || v->e[i - 1].uid > uid))
		i--;
	if (i > 0 && v->e[i - 1].uid == uid)
		return i - 1;
	return i < v->n && v->e[i].uid == 0 ? i : v->n;
}

void
view_vanished(struct conn *c, const struct uidset *uids, bool earlier)
{
	struct view *v = &c->view;

	if (!c->is_qresync)
		fail(c, "VANISHED although QRESYNC is not on");
	if (!earlier)
		may_expunge(c);
	for (size_t i = 0; i < uids->n; i++)
		for (uint32_t uid = uids->r[i].first; uid <= uids->r[i].last;
		     uid++) {
			size_t at;

			if (earlier) {
				/* It may tell what was never there. */
				if (v->box != NULL && uid < v->box->n &&
				    v->box->mail[uid].is_told)
					v->box->mail[uid].is_gone = true;
				continue;
			}
			at = place_of(v, uid);
			if (at == v->n) {
				fail(c, "VANISHED of uid %u, not in the view",
				    (unsigned)uid);
				return;
			}
			v->e[at].uid = uid;
			drop(c, at);
		}
}

struct entry *
view_at(struct view *v, uint32_t uid)
{
	size_t at = place_of(v, uid);

	return at < v->n ? &v->e[at] : NULL;
}

/* --- told ------------------------------------------------------------------
 */

static void
check_place(struct conn *c, size_t at, uint32_t uid)
{
	struct view *v = &c->view;

	for (size_t i = at; i-- > 0;)
		if (v->e[i].uid != 0) {
			if (v->e[i].uid >= uid)
				fail(c, "uid %u behind uid %u", (unsigned)uid,
				    (unsigned)v->e[i].uid);
			break;
		}
	for (size_t i = at + 1; i < v->n; i++)
		if (v->e[i].uid != 0) {
			if (v->e[i].uid <= uid)
				fail(c, "uid %u before uid %u", (unsigned)uid,
				    (unsigned)v->e[i].uid);
			break;
		}
}

static void
check_recent(struct conn *c, struct mail *m, const struct told *t)
{
	if (!(t->flags & F_RECENT) || c->view.read_only)
		return;
	if (m->recent_to != 0 && m->recent_to != c->view.serial)
		fail(c, "uid %u is \\Recent to two sessions", (unsigned)t->uid);
	m->recent_to = c->view.serial;
}

/* What all were told of one uid with the same modseq must be the same. */
static void
compare_world(struct conn *c, uint32_t uid, uint32_t flags, uint64_t modseq)
{
	struct mail *m = box_mail(c->view.box, uid);

	if (m->has_flags && m->modseq == modseq && m->flags != flags)
		fail(c,
		    "uid %u at modseq %llu has flags %x, and was told to "
		    "have %x",
		    (unsigned)uid, (unsigned long long)modseq, flags, m->flags);
	if (!m->has_flags || modseq >= m->modseq) {
		m->has_flags = true;
		m->flags = flags;
		m->modseq = modseq;
	}
}

static void
take_flags(struct conn *c, struct entry *e, const struct told *t)
{
	const struct cmd *cmd = c->first;
	struct view *v = &c->view;
	uint32_t flags = t->flags & ~(uint32_t)F_RECENT;

	if (t->has_modseq) {
		if (t->modseq < e->modseq)
			fail(c, "modseq of uid %u goes from %llu back to %llu",
			    (unsigned)e->uid, (unsigned long long)e->modseq,
			    (unsigned long long)t->modseq);
		if (e->modseq != 0 && t->modseq > e->modseq &&
		    t->modseq <= v->highest)
			fail(c,
			    "uid %u changed at modseq %llu, and all up to "
			    "%llu was said to be told",
			    (unsigned)e->uid, (unsigned long long)t->modseq,
			    (unsigned long long)v->highest);
		if (e->has_flags && e->modseq == t->modseq && t->has_flags &&
		    e->flags != flags)
			fail(c,
			    "uid %u has flags %x and had %x, both at "
			    "modseq %llu",
			    (unsigned)e->uid, flags, e->flags,
			    (unsigned long long)t->modseq);
		if (v->box != NULL && t->modseq > v->box->modseq)
			v->box->modseq = t->modseq;
	}
	if (cmd != NULL && cmd->strict) {
		if (t->has_flags && e->has_flags && e->flags != flags)
			fail(c,
			    "nobody told that uid %u has flags %x now; it "
			    "had %x",
			    (unsigned)e->uid, flags, e->flags);
		if (t->has_modseq && e->modseq != 0 && e->modseq != t->modseq &&
		    c->is_condstore)
			fail(c,
			    "nobody told that uid %u has modseq %llu now; "
			    "it had %llu",
			    (unsigned)e->uid, (unsigned long long)t->modseq,
			    (unsigned long long)e->modseq);
	}
	/* Changed, but how? A silent STORE knows. */
	if (t->has_modseq && !t->has_flags && e->modseq != t->modseq &&
	    (cmd == NULL || cmd->kind != K_STORE))
		e->has_flags = false;
	if (t->has_flags) {
		e->flags = flags;
		e->has_flags = true;
	}
	if (t->has_modseq)
		e->modseq = t->modseq;
	if (t->has_modseq && t->has_flags && v->box != NULL)
		compare_world(c, e->uid, flags, t->modseq);
}

static void
check_text(struct conn *c, struct mail *m, const struct told *t)
{
	uint32_t id = content_id(t->text);
	struct content *content = content_of(id);
	struct buf want;

	if (id == 0) {
		fail(c, "uid %u has not the beginning of a message",
		    (unsigned)t->uid);
		return;
	}
	if (content == NULL || content->unfinished) {
		fail(c, "uid %u is message %u, which was never sent whole",
		    (unsigned)t->uid, (unsigned)id);
		return;
	}
	if (content->user != c->user)
		fail(c, "uid %u is message %u of another user",
		    (unsigned)t->uid, (unsigned)id);
	if (m->content != 0 && m->content != id)
		fail(c, "uid %u is message %u and was %u", (unsigned)t->uid,
		    (unsigned)id, (unsigned)m->content);
	m->content = id;
	buf_init(&want, 1 << 20);
	content_text(id, &want);
	if (!str_eq(buf_str(&want), t->text))
		fail(c,
		    "uid %u, message %u, has not its content: %zu octets, "
		    "not %zu",
		    (unsigned)t->uid, (unsigned)id, t->text.n, want.n);
	buf_fini(&want);
}

static bool says(struct pst_str s, const char *fmt, ...) PST_PRINTF(2, 3);

static bool
says(struct pst_str s, const char *fmt, ...)
{
	char text[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return memmem(s.p, s.n, text, (size_t)n) != NULL;
}

/* What the server has worked out from the content. */
static void
check_facts(struct conn *c, const struct mail *m, const struct told *t)
{
	uint32_t id = m->content;
	struct content *content = content_of(id);
	struct buf text;
	const char *body;

	if (t->envelope.n > 0 &&
	    (!says(t->envelope, "\"<%u@stress.test>\"", (unsigned)id) ||
		!says(t->envelope, "\"%s number %u\"", content_word(id),
		    (unsigned)id)))
		fail(c, "the envelope of uid %u is not that of message %u",
		    (unsigned)t->uid, (unsigned)id);
	if (t->emailid.n > 0 && content->emailid[0] == '\0')
		(void)str_copy(
		    content->emailid, sizeof(content->emailid), t->emailid);
	else if (t->emailid.n > 0 && !str_is(t->emailid, content->emailid))
		fail(c, "uid %u, message %u, has EMAILID %.*s and had %s",
		    (unsigned)t->uid, (unsigned)id, STR_ARG(t->emailid),
		    content->emailid);
	if (t->structure.n == 0)
		return;
	buf_init(&text, 1 << 20);
	content_text(id, &text);
	body = memmem(text.p, text.n, "\r\n\r\n", 4);
	if (!says(t->structure, " %zu %zu ",
		text.n - (size_t)(body + 4 - text.p), content_lines(id)))
		fail(c, "the structure of uid %u is not that of message %u",
		    (unsigned)t->uid, (unsigned)id);
	buf_fini(&text);
}

void
view_fetch(struct conn *c, uint64_t seq, const struct told *t)
{
	struct view *v = &c->view;
	struct entry *e;
	struct mail *m;

	if (seq == 0 || seq > v->n) {
		fail(c, "FETCH of number %llu of %zu", (unsigned long long)seq,
		    v->n);
		return;
	}
	e = &v->e[seq - 1];
	if (t->uid != 0) {
		if (e->uid != 0 && e->uid != t->uid)
			fail(c, "number %llu is uid %u and was %u",
			    (unsigned long long)seq, (unsigned)t->uid,
			    (unsigned)e->uid);
		if (e->uid == 0)
			check_place(c, (size_t)seq - 1, t->uid);
		e->uid = t->uid;
	}
	if (e->uid == 0) {
		/* Flags of a message that has no uid yet. */
		if (t->has_flags) {
			e->flags = t->flags & ~(uint32_t)F_RECENT;
			e->has_flags = true;
		}
		return;
	}
	if (v->box == NULL)
		return;
	m = box_mail(v->box, e->uid);
	m->is_told = true;
	if (e->uid > v->box->last_uid)
		v->box->last_uid = e->uid;
	if (c->first != NULL)
		uidset_add(&c->first->fetched, e->uid, e->uid);
	if (c->first != NULL && t->has_flags)
		uidset_add(&c->first->flagged, e->uid, e->uid);
	else if (c->first != NULL) /* what was told before a silent STORE */
		uidset_remove(&c->first->flagged, e->uid, e->uid);
	if (t->has_modseq && c->first != NULL && t->modseq > c->first->modseq)
		c->first->modseq = t->modseq;
	if (t->uid != 0 && t->has_flags)
		check_recent(c, m, t);
	take_flags(c, e, t);
	if (t->has_text)
		check_text(c, m, t);
	if (m->content != 0)
		check_facts(c, m, t);
	if (t->has_size && m->content != 0 &&
	    t->size != content_size(m->content))
		fail(c, "uid %u has RFC822.SIZE %llu, message %u has %zu",
		    (unsigned)e->uid, (unsigned long long)t->size,
		    (unsigned)m->content, content_size(m->content));
}

/* --- for the next time -----------------------------------------------------
 */

void
view_save(struct conn *c)
{
	struct view *v = &c->view;
	struct cache *cache = &c->cache;

	free(cache->e);
	*cache = (struct cache){ 0 };
	if (!c->is_qresync || v->box == NULL || v->highest == 0 ||
	    !view_is_known(v))
		return;
	(void)str_copy(cache->name, sizeof(cache->name), str_of(v->name));
	cache->validity = v->validity;
	cache->highest = v->highest;
	cache->n = v->n;
	cache->e = mem_array(v->n + 1, sizeof(*cache->e));
	memcpy(cache->e, v->e, v->n * sizeof(*cache->e));
}
