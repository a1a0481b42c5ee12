/*
 * answer.c - the tagged answers: what must hold now that a command is done.
 */
#include "stress.h"

#include <stdlib.h>

/* --- uids of what came -----------------------------------------------------
 */

/* A uid-set in the order that it has. */
static size_t
expand(struct pst_str s, uint32_t *list, size_t max)
{
	struct pst_str part;
	size_t n = 0;

	while (str_split(&s, ',', &part)) {
		struct pst_str first = str_first(part, str_find(part, ':'));
		uint32_t a = 0, b;

		(void)str_to_u32(first, &a);
		b = a;
		if (first.n < part.n)
			(void)str_to_u32(str_from(part, first.n + 1), &b);
		for (; a > 0 && a <= b && n < max; a++)
			list[n++] = a;
	}
	return n;
}

static struct mail *
arrived(struct conn *c, struct cmd *cmd, struct box *to, uint32_t uid,
    uint32_t content)
{
	struct mail *m = box_mail(to, uid);

	if (m->content != 0 && content != 0 && m->content != content)
		fail(c, "uid %u is message %u now, and was %u", (unsigned)uid,
		    (unsigned)content, (unsigned)m->content);
	if (to == cmd->world_box && uid <= cmd->world_uid)
		fail(c, "new uid %u, but there was %u before", (unsigned)uid,
		    (unsigned)cmd->world_uid);
	if (content != 0)
		m->content = content;
	m->is_told = m->is_sure = true;
	if (uid > to->last_uid)
		to->last_uid = uid;
	return m;
}

static void
take_copies(struct conn *c, struct cmd *cmd, struct box *to,
    const uint32_t *from, const uint32_t *copy, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct mail *source = box_mail(c->view.box, from[i]), *m;

		if (!uidset_has(&cmd->uids, from[i]))
			fail(c, "uid %u was not asked for", (unsigned)from[i]);
		if (i > 0 && copy[i] <= copy[i - 1])
			fail(c, "uids of copies do not ascend");
		m = arrived(c, cmd, to, copy[i], source->content);
		m->may_go |= source->may_go;
		m->is_copy |= cmd->kind == K_COPY || source->is_copy;
		uidset_add(&cmd->copied, from[i], from[i]);
	}
}

void
take_copyuid(struct conn *c, struct cmd *cmd, struct pst_str code)
{
	enum { MAX = 4096 };
	static uint32_t from[MAX], copy[MAX];
	struct pst_str set;
	struct box *to;
	uint64_t validity;
	size_t n, k = 0;

	if (!take_number(&code, &validity) || validity == 0 ||
	    !take_word(&code, &set)) {
		fail(c, "uids cannot be read");
		return;
	}
	to = box_get(c->user, cmd->to, (uint32_t)validity);
	cmd->has_uids = true;
	n = expand(set, from, MAX);
	if (cmd->kind == K_APPEND || cmd->kind == K_REPLACE) {
		if (n != cmd->contents)
			fail(c, "%u messages got %zu uids", cmd->contents, n);
		for (size_t i = 0; i < n && i < cmd->contents; i++)
			(void)arrived(c, cmd, to, from[i], cmd->content[i]);
		return;
	}
	if (take_word(&code, &set))
		k = expand(set, copy, MAX);
	if (k != n)
		fail(c, "%zu messages, %zu copies", n, k);
	else if (c->view.box != NULL)
		take_copies(c, cmd, to, from, copy, n);
}

/* --- by command ------------------------------------------------------------
 */

static void
stored(struct conn *c, const struct cmd *cmd, bool ok)
{
	struct view *v = &c->view;

	for (size_t i = 0; i < v->n; i++) {
		struct entry *e = &v->e[i];
		struct mail *m;

		if (e->uid == 0 || !uidset_has(&cmd->uids, e->uid) ||
		    !cmd->silent || uidset_has(&cmd->modified, e->uid))
			continue;
		if (uidset_has(&cmd->flagged, e->uid))
			continue; /* it was told */
		if (!ok || !e->has_flags) {
			e->has_flags = false;
			continue;
		}
		if (cmd->op == '+')
			e->flags |= cmd->flags;
		else if (cmd->op == '-')
			e->flags &= ~cmd->flags;
		else
			e->flags = cmd->flags;
		m = box_mail(v->box, e->uid);
		/* Its modseq was told, so it is known what others see. */
		if (c->is_condstore && uidset_has(&cmd->fetched, e->uid) &&
		    m->has_flags && m->modseq == e->modseq &&
		    m->flags != e->flags)
			fail(c,
			    "uid %u at modseq %llu should have flags %x, "
			    "others were told %x",
			    (unsigned)e->uid, (unsigned long long)e->modseq,
			    e->flags, m->flags);
	}
}

static void
fetched(struct conn *c, const struct cmd *cmd)
{
	struct view *v = &c->view;

	for (size_t i = 0; i < v->n; i++) {
		struct entry *e = &v->e[i];

		if (e->uid == 0 || !uidset_has(&cmd->uids, e->uid) ||
		    uidset_has(&cmd->fetched, e->uid))
			continue;
		if (cmd->strict)
			fail(
			    c, "uid %u is not told any more", (unsigned)e->uid);
		else if (cmd->since == 0)
			e->was_missing = true;
		else if (e->modseq > cmd->since)
			e->was_missing = true;
	}
}

static void
moved(struct conn *c, const struct cmd *cmd)
{
	struct view *v = &c->view;

	for (size_t i = 0; i < v->n; i++)
		if (v->e[i].uid != 0 && uidset_has(&cmd->copied, v->e[i].uid))
			fail(c, "uid %u was moved and is still in the view",
			    (unsigned)v->e[i].uid);
}

static void
appended(struct conn *c, const struct cmd *cmd, bool ok)
{
	if (ok && !cmd->has_uids)
		fail(c, "no APPENDUID");
	for (unsigned i = 0; i < cmd->contents && !ok; i++)
		content_of(cmd->content[i])->unfinished = true;
}

/* --- SELECT ----------------------------------------------------------------
 */

/* What was remembered and did not vanish must be the beginning of the view. */
static void
merge(struct conn *c, const struct cmd *cmd)
{
	struct cache *cache = &c->cache;
	struct view *v = &c->view;
	uint32_t last = cache->n > 0 ? cache->e[cache->n - 1].uid : 0;
	size_t to = 0;

	for (size_t i = 0; i < cache->n; i++) {
		const struct entry *old = &cache->e[i];

		if (uidset_has(&cmd->vanished, old->uid))
			continue;
		if (to >= v->n) {
			fail(c,
			    "uid %u did not vanish, but there are only "
			    "%zu messages",
			    (unsigned)old->uid, v->n);
			return;
		}
		if (v->e[to].uid == 0) {
			v->e[to] = *old;
		} else if (v->e[to].uid != old->uid) {
			fail(c,
			    "number %zu is uid %u, not uid %u which did "
			    "not vanish",
			    to + 1, (unsigned)v->e[to].uid, (unsigned)old->uid);
			return;
		}
		to++;
	}
	for (; to < v->n; to++)
		if (v->e[to].uid != 0 && v->e[to].uid <= last)
			fail(c, "uid %u is there, and was not before",
			    (unsigned)v->e[to].uid);
	for (size_t i = 0; i < v->n; i++)
		v->e[i].was_missing = false;
}

static void
selected(struct conn *c, const struct cmd *cmd, bool ok)
{
	struct view *v = &c->view;

	if (!ok) {
		view_clear(v);
		return;
	}
	if (v->box == NULL) {
		fail(c, "selected, but no UIDVALIDITY");
		return;
	}
	v->box->size = v->n;
	if (cmd->cached.n > 0 && c->cache.validity == v->validity)
		merge(c, cmd);
	v->highest = cmd->highest;
	if (v->highest > v->box->modseq)
		v->box->modseq = v->highest;
}

/* --- all -------------------------------------------------------------------
 */

static void
check_refused(struct conn *c, const struct cmd *cmd)
{
	const char *code = cmd->code != NULL ? cmd->code : "";
	bool to_lasting = cmd->to[0] == '\0' || !name_is_fleeting(cmd->to);
	bool of_lasting = cmd->name[0] == '\0' || !name_is_fleeting(cmd->name);

	if (cmd->must_fail || cmd->kind == K_NAMES)
		return;
	/* Of some that are gone (RFC 7162, 3.1.3). */
	if (strcmp(code, "EXPUNGEISSUED") == 0 || strcmp(code, "MODIFIED") == 0)
		return;
	if ((strcmp(code, "NONEXISTENT") == 0 ||
		strcmp(code, "TRYCREATE") == 0) &&
	    (!to_lasting || !of_lasting ||
		(c->view.box != NULL && c->view.box->is_fleeting)))
		return;
	if (cmd->kind == K_REPLACE && strcmp(code, "NONEXISTENT") == 0)
		return; /* its message is gone */
	if (c->view.box != NULL && c->view.box->is_fleeting)
		return;
	fail(c, "refused with [%s]", code);
}

/* RFC 7162, 6: which modseq a client may remember. */
static void
remember_highest(struct conn *c, const struct cmd *cmd)
{
	struct view *v = &c->view;

	if (v->box == NULL || !c->is_condstore || v->highest == 0)
		return;
	if (cmd->highest != 0)
		v->highest = cmd->highest;
	else if (cmd->modseq > v->highest)
		v->highest = cmd->modseq;
}

void
take_answer(struct conn *c, struct cmd *cmd, struct pst_str word)
{
	bool ok = str_is(word, "OK");

	c->commands++;
	if (!ok && !str_is(word, "NO"))
		fail(c, "the answer is %.*s", STR_ARG(word));
	else if (!ok)
		check_refused(c, cmd);
	else if (cmd->must_fail)
		fail(c, "this is allowed?");
	switch (cmd->kind) {
	case K_LOGIN:
		c->state = C_READY;
		break;
	case K_ENABLE:
		c->is_condstore = true;
		c->is_qresync = c->qresync;
		break;
	case K_COMPRESS:
		if (ok)
			conn_compress(c);
		break;
	case K_SELECT:
		selected(c, cmd, ok);
		break;
	case K_CLOSE:
		view_clear(&c->view);
		break;
	case K_FETCH:
		if (ok)
			fetched(c, cmd);
		break;
	case K_STORE:
		if (c->view.box != NULL && !cmd->must_fail)
			stored(c, cmd, ok);
		break;
	case K_SEARCH:
		if (ok && !cmd->answered)
			fail(c, "no result");
		break;
	case K_MOVE:
		moved(c, cmd);
		break;
	case K_APPEND:
	case K_REPLACE:
		appended(c, cmd, ok);
		break;
	case K_STATUS:
		if (ok && !cmd->answered)
			fail(c, "no STATUS");
		break;
	case K_NOOP:
	case K_IDLE:
	case K_COPY:
	case K_EXPUNGE:
	case K_NAMES:
		break;
	case K_LOGOUT:
		conn_close(c);
		return;
	}
	remember_highest(c, cmd);
	if (c->view.box != NULL)
		c->view.box->size = c->view.n;
}
