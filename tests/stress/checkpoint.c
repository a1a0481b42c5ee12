/*
 * checkpoint.c - all stop and catch up. Then nothing may be left to be told,
 * all sessions on one mailbox agree, and a session that has just begun sees the
 * same; all that must exist is there, and nothing that is gone.
 */
#include "stress.h"

#include <stdlib.h>

static bool
is_busy(struct conn *c)
{
	conn_end_idle(c, true);
	return c->first != NULL || c->out.n > 0;
}

/* Until nobody waits for an answer. */
static void
settle(struct conn *conns, unsigned n)
{
	bool busy = true;

	while (busy && failures == 0) {
		busy = abandoned() > 0;
		for (unsigned i = 0; i < n; i++) {
			conns[i].out_held = 0;
			busy |= is_busy(&conns[i]);
		}
		for (unsigned i = 0; i < options.users; i++)
			busy |= is_busy(&auditors[i]);
		if (busy)
			pump(20);
	}
}

static void
each_selected(struct conn *conns, unsigned n, void (*fn)(struct conn *c))
{
	for (unsigned i = 0; i < n; i++)
		if (conns[i].view.box != NULL)
			fn(&conns[i]);
	settle(conns, n);
}

static void
catch_up(struct conn *c)
{
	cmd_simple(c, K_NOOP, true, "NOOP");
}

/* Nothing new may come of this; of what was not known, all. */
static void
look(struct conn *c)
{
	cmd_fetch_all(c, true);
}

static void
check_missing(struct conn *c)
{
	for (size_t i = 0; i < c->view.n; i++)
		if (c->view.e[i].was_missing)
			fail(c, "uid %u was left out before, and is there",
			    (unsigned)c->view.e[i].uid);
}

/* --- a session that has just begun -----------------------------------------
 */

static void
compare(struct conn *c, const struct conn *fresh)
{
	const struct view *mine = &c->view, *truth = &fresh->view;

	if (mine->n != truth->n)
		fail(c, "there are %zu messages, and %zu in a fresh session",
		    mine->n, truth->n);
	for (size_t i = 0; i < mine->n && i < truth->n; i++) {
		if (mine->e[i].uid != truth->e[i].uid)
			fail(c,
			    "number %zu is uid %u, and %u in a fresh "
			    "session",
			    i + 1, (unsigned)mine->e[i].uid,
			    (unsigned)truth->e[i].uid);
		else if (mine->e[i].flags != truth->e[i].flags)
			fail(c,
			    "uid %u has flags %x, and %x in a fresh "
			    "session",
			    (unsigned)mine->e[i].uid, mine->e[i].flags,
			    truth->e[i].flags);
	}
}

static void
check_world(struct conn *fresh)
{
	struct view *v = &fresh->view;
	struct box *b = v->box;
	struct uidset there = { 0 };

	for (size_t i = 0; i < v->n; i++) {
		uint32_t uid = v->e[i].uid;

		uidset_add(&there, uid, uid);
		if (box_mail(b, uid)->is_gone)
			fail(fresh,
			    "uid %u is there, and was told to be "
			    "expunged",
			    (unsigned)uid);
	}
	for (uint32_t uid = 1; uid < b->n; uid++) {
		const struct mail *m = &b->mail[uid];

		if (!m->is_told || uidset_has(&there, uid))
			continue;
		if (!is_doomed(m) && (m->is_sure || m->is_gone))
			fail(fresh,
			    "uid %u, message %u%s, is gone%s, and nobody "
			    "asked for it",
			    (unsigned)uid, (unsigned)m->content,
			    content_of(m->content)->kept ? " (kept)" : "",
			    m->is_gone ? " as was told" : "");
		b->mail[uid].is_gone = true;
	}
	uidset_fini(&there);
}

/* Reads messages that nobody has read yet, so that more can be checked. */
static void
read_unknown(struct conn *fresh)
{
	struct cmd *cmd = cmd_new(fresh, K_FETCH);
	struct buf text;
	struct view *v = &fresh->view;

	for (size_t i = 0; i < v->n; i++)
		if (box_mail(v->box, v->e[i].uid)->content == 0)
			uidset_add(&cmd->uids, v->e[i].uid, v->e[i].uid);
	if (cmd->uids.n == 0) {
		cmd_free(cmd);
		return;
	}
	cmd->uid = cmd->expunges = true;
	buf_init(&text, 1 << 20);
	(void)buf_puts(&text, "UID FETCH ");
	(void)uidset_print(&cmd->uids, &text);
	(void)buf_puts(&text, " (UID RFC822.SIZE BODY.PEEK[])");
	cmd_send(fresh, cmd, &text);
}

static void
audit(struct conn *conns, unsigned n, struct conn *fresh, const char *name)
{
	cmd_select(fresh, name, true, false);
	settle(conns, n);
	if (fresh->view.box == NULL)
		return;
	cmd_fetch_all(fresh, false);
	settle(conns, n);
	read_unknown(fresh);
	settle(conns, n);
	if (failures > 0)
		return;
	check_world(fresh);
	for (unsigned i = 0; i < n; i++)
		if (conns[i].view.box == fresh->view.box)
			compare(&conns[i], fresh);
}

/* A new connection, so that it is a fresh session in every respect. */
static void
begin_audit(struct conn *fresh)
{
	conn_close(fresh);
	if (!conn_open(fresh))
		return;
	fresh->tags = 0;
	cmd_simple(fresh, K_LOGIN, false, "LOGIN \"user%u@%s\" %s",
	    fresh->user + 1, options.domain, options.password);
	cmd_simple(fresh, K_ENABLE, true, "ENABLE CONDSTORE");
}

void
checkpoint(struct conn *conns, unsigned n)
{
	settle(conns, n);
	/* Twice: what one session looks for the others may miss. */
	each_selected(conns, n, catch_up);
	each_selected(conns, n, catch_up);
	each_selected(conns, n, look);
	for (unsigned i = 0; i < n; i++)
		check_missing(&conns[i]);
	for (unsigned u = 0; u < options.users && failures == 0; u++) {
		begin_audit(&auditors[u]);
		settle(conns, n);
		for (int i = 0; i < LASTING; i++)
			audit(conns, n, &auditors[u], lasting[i]);
		for (int i = 0; i < FLEETING; i++)
			audit(conns, n, &auditors[u], fleeting[i]);
	}
}

/* --- for the comparison with the disk --------------------------------------
 */

bool
dump_world(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return false;
	for (unsigned u = 0; u < options.users; u++)
		for (const struct box *b = boxes; b != NULL; b = b->next) {
			if (b->user != u)
				continue;
			(void)fprintf(f, "box user%u@%s %u %s\n", u + 1,
			    options.domain, (unsigned)b->validity, b->name);
			for (uint32_t uid = 1; uid < b->n; uid++) {
				const struct mail *m = &b->mail[uid];

				if (m->is_told && !m->is_gone)
					(void)fprintf(f, "mail %u %x %u\n",
					    (unsigned)uid, m->flags,
					    (unsigned)m->content);
			}
		}
	return fclose(f) == 0;
}
