/*
 * command.c - one client's random commands. What may remove a message is only
 * asked for messages that may go, and the world is told before it is sent.
 */
#include "stress.h"

#include <stdlib.h>

enum { CROWDED = 120, KEPT_MAX = 50, DEPTH = 4 };

const char *const lasting[LASTING] = { "INBOX", "Box1", "Box two/Sub" };
const char *const fleeting[FLEETING] = { "Fleet1", "Fleet2", "Fleet1/Sub" };

/* --- making and sending ----------------------------------------------------
 */

struct cmd *
cmd_new(struct conn *c, enum kind kind)
{
	struct cmd *cmd = mem_alloc(sizeof(*cmd));

	cmd->kind = kind;
	cmd->tag = ++c->tags;
	buf_init(&cmd->rest, 1 << 20);
	return cmd;
}

void
cmd_free(struct cmd *cmd)
{
	uidset_fini(&cmd->uids);
	uidset_fini(&cmd->expect);
	uidset_fini(&cmd->cached);
	uidset_fini(&cmd->fetched);
	uidset_fini(&cmd->flagged);
	uidset_fini(&cmd->modified);
	uidset_fini(&cmd->vanished);
	uidset_fini(&cmd->copied);
	buf_fini(&cmd->rest);
	free(cmd->code);
	free(cmd);
}

static void
look_at_world(struct conn *c, struct cmd *cmd, const char *name)
{
	struct box *b = box_named(c->user, name);

	cmd->world_box = b;
	cmd->world_uid = b != NULL ? b->last_uid : 0;
	cmd->world_modseq = b != NULL ? b->modseq : 0;
}

/* `text` has all but the tag and the last CRLF; it is freed. */
void
cmd_send(struct conn *c, struct cmd *cmd, struct buf *text)
{
	struct buf line;

	buf_init(&line, 8 << 20);
	(void)buf_printf(&line, "a%u ", cmd->tag);
	(void)buf_add_str(&line, buf_str(text));
	(void)buf_puts(&line, "\r\n");
	buf_fini(text);
	cmd->sent = now();
	*c->last = cmd;
	c->last = &cmd->next;
	conn_send(c, line.p, line.n);
	if (chance(&c->dice, 4))
		c->out_held = roll(&c->dice, (uint32_t)c->out.n);
	buf_fini(&line);
}

static struct buf text_of(const char *fmt, ...) PST_PRINTF(1, 2);

static struct buf
text_of(const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 8 << 20);
	va_start(ap, fmt);
	(void)buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return b;
}

void
cmd_simple(struct conn *c, enum kind kind, bool expunges, const char *fmt, ...)
{
	struct cmd *cmd = cmd_new(c, kind);
	struct buf text;
	va_list ap;

	buf_init(&text, 65536);
	va_start(ap, fmt);
	(void)buf_vprintf(&text, fmt, ap);
	va_end(ap);
	cmd->expunges = expunges;
	cmd_send(c, cmd, &text);
}

/* --- which messages --------------------------------------------------------
 */

enum which { ANY, DOOMABLE, COPYABLE, MOVABLE };

static bool
suits(struct conn *c, const struct entry *e, enum which which)
{
	const struct mail *m;
	const struct content *content;

	if (e->uid == 0)
		return false;
	m = box_mail(c->view.box, e->uid);
	content = content_of(m->content);
	switch (which) {
	case ANY:
		break;
	case DOOMABLE:
		return may_doom(m);
	case COPYABLE:
	case MOVABLE:
		return content != NULL && !(content->kept && m->may_go);
	}
	return true;
}

static void
add(struct conn *c, size_t at, enum which which, struct uidset *seqs,
    struct uidset *uids)
{
	if (at >= c->view.n || !suits(c, &c->view.e[at], which))
		return;
	uidset_add(seqs, (uint32_t)at + 1, (uint32_t)at + 1);
	uidset_add(uids, c->view.e[at].uid, c->view.e[at].uid);
}

/* False: there is none of that kind. */
static bool
pick(struct conn *c, enum which which, unsigned most, struct uidset *seqs,
    struct uidset *uids)
{
	struct view *v = &c->view;
	uint32_t n = (uint32_t)v->n, first, count;

	if (n == 0)
		return false;
	first = roll(&c->dice, n);
	count = 1 + roll(&c->dice, most);
	switch (roll(&c->dice, 4)) {
	case 0:
		add(c, first, which, seqs, uids);
		break;
	case 1:
		for (uint32_t i = 0; i < count; i++)
			add(c, roll(&c->dice, n), which, seqs, uids);
		break;
	case 2: /* the end, where all is new */
		first = n > count ? n - count : 0;
		/* fallthrough */
	default:
		for (uint32_t i = 0; i < count; i++)
			add(c, first + i, which, seqs, uids);
		break;
	}
	return uids->n > 0;
}

/* Sequence numbers mean the same when it is the command's turn. */
static bool
numbers_hold(const struct conn *c)
{
	for (const struct cmd *cmd = c->first; cmd != NULL; cmd = cmd->next)
		if (cmd->expunges)
			return false;
	return true;
}

/* A command on messages: "UID " and the set that it takes. */
static struct cmd *
on_messages(struct conn *c, enum kind kind, enum which which, unsigned most,
    struct buf *set)
{
	struct uidset seqs = { 0 }, uids = { 0 };
	struct cmd *cmd = NULL;

	buf_init(set, 1 << 20);
	if (pick(c, which, most, &seqs, &uids)) {
		cmd = cmd_new(c, kind);
		cmd->uid = !numbers_hold(c) || chance(&c->dice, 50);
		(void)uidset_print(cmd->uid ? &uids : &seqs, set);
		(void)buf_putc(set, '\0');
		cmd->uids = uids;
		uids = (struct uidset){ 0 };
	} else {
		buf_fini(set);
	}
	uidset_fini(&seqs);
	uidset_fini(&uids);
	return cmd;
}

/* From now on nobody may be surprised that these are gone. */
static void
doom(struct conn *c, const struct cmd *cmd, bool moved)
{
	for (size_t i = 0; i < cmd->uids.n; i++)
		for (uint32_t u = cmd->uids.r[i].first;
		     u <= cmd->uids.r[i].last; u++) {
			struct mail *m = box_mail(c->view.box, u);
			struct content *content = content_of(m->content);

			if (moved) {
				m->is_moved = true;
				continue;
			}
			m->may_go = true;
			if (content != NULL && !content->kept)
				content->doomed = true;
		}
}

/* --- FETCH, STORE, SEARCH --------------------------------------------------
 */

void
cmd_fetch_all(struct conn *c, bool strict)
{
	struct cmd *cmd = cmd_new(c, K_FETCH);
	struct buf text = text_of(
	    "UID FETCH 1:* (UID FLAGS%s)", c->is_condstore ? " MODSEQ" : "");

	cmd->uid = true;
	cmd->expunges = true;
	cmd->strict = strict;
	for (size_t i = 0; i < c->view.n; i++)
		if (c->view.e[i].uid != 0)
			uidset_add(
			    &cmd->uids, c->view.e[i].uid, c->view.e[i].uid);
	cmd_send(c, cmd, &text);
}

static void
act_fetch(struct conn *c)
{
	static const char *const items[] = { "FLAGS", "(UID FLAGS)",
		"(UID RFC822.SIZE)", "(UID BODY.PEEK[])", "(UID BODY[] FLAGS)",
		"ALL", "(UID ENVELOPE INTERNALDATE)", "(UID BODYSTRUCTURE)",
		"(BODY.PEEK[HEADER.FIELDS (SUBJECT X-STRESS)] UID)",
		"(UID FLAGS MODSEQ)", "(MODSEQ)", "(UID EMAILID)" };
	struct buf set, text;
	struct cmd *cmd;
	uint32_t item = roll(&c->dice, 12);

	if (!c->is_condstore && (item == 9 || item == 10))
		item = 0;
	cmd = on_messages(c, K_FETCH, ANY, 12, &set);
	if (cmd == NULL)
		return;
	cmd->expunges = cmd->uid;
	text = text_of(
	    "%sFETCH %s %s", cmd->uid ? "UID " : "", set.p, items[item]);
	buf_fini(&set);
	cmd_send(c, cmd, &text);
}

/* What changed; VANISHED with QRESYNC (RFC 7162, 3.2.6). */
static void
act_fetch_changes(struct conn *c)
{
	struct cmd *cmd = cmd_new(c, K_FETCH);
	uint64_t since = c->view.highest;
	struct buf text;

	if (since > 20 && chance(&c->dice, 60))
		since -= roll(&c->dice, 20);
	cmd->uid = cmd->expunges = true;
	cmd->since = since;
	for (size_t i = 0; i < c->view.n; i++)
		if (c->view.e[i].uid != 0)
			uidset_add(
			    &cmd->uids, c->view.e[i].uid, c->view.e[i].uid);
	text = text_of("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %llu%s)",
	    (unsigned long long)since,
	    c->is_qresync && chance(&c->dice, 60) ? " VANISHED" : "");
	cmd_send(c, cmd, &text);
}

static void
put_flags(struct buf *out, uint32_t flags)
{
	bool some = false;

	(void)buf_putc(out, '(');
	for (unsigned i = 0; i < 5 + KEYWORDS; i++)
		if (flags >> i & 1) {
			(void)buf_puts(out, some ? " " : "");
			(void)buf_puts(out, flag_names[i]);
			some = true;
		}
	(void)buf_putc(out, ')');
}

static uint32_t
some_flags(struct conn *c)
{
	uint32_t flags = 1U << roll(&c->dice, 5 + KEYWORDS);

	while (chance(&c->dice, 30))
		flags |= 1U << roll(&c->dice, 5 + KEYWORDS);
	return flags;
}

static void
act_store(struct conn *c, bool deletes)
{
	static const char ops[] = { '+', '-', ' ' };
	char op = ops[roll(&c->dice, 3)];
	uint32_t flags = some_flags(c);
	struct buf set, text;
	struct cmd *cmd;

	if (deletes) {
		op = '+';
		flags |= F_DELETED;
	}
	deletes = op != '-' && (flags & F_DELETED);
	cmd = on_messages(c, K_STORE, deletes ? DOOMABLE : ANY,
	    c->view.n > CROWDED ? 40 : 8, &set);
	if (cmd == NULL)
		return;
	cmd->op = op;
	cmd->flags = flags;
	cmd->silent = chance(&c->dice, 50);
	cmd->expunges = cmd->uid;
	cmd->must_fail = c->view.read_only;
	if (deletes)
		doom(c, cmd, false);
	text = text_of("%sSTORE %s ", cmd->uid ? "UID " : "", set.p);
	if (c->is_condstore && chance(&c->dice, 30))
		(void)buf_printf(&text, "(UNCHANGEDSINCE %llu) ",
		    (unsigned long long)(c->view.highest -
					 (c->view.highest > 5
						 ? roll(&c->dice, 5)
						 : 0)));
	if (op != ' ')
		(void)buf_putc(&text, op);
	(void)buf_printf(&text, "FLAGS%s ", cmd->silent ? ".SILENT" : "");
	put_flags(&text, flags);
	buf_fini(&set);
	cmd_send(c, cmd, &text);
}

static void
expect(struct conn *c, struct cmd *cmd)
{
	for (size_t i = 0; i < c->view.n; i++) {
		uint32_t uid = c->view.e[i].uid, id;

		if (uid == 0)
			continue;
		id = box_mail(c->view.box, uid)->content;
		if (id == 0 && cmd->match != M_ANY)
			continue;
		if (content_matches(id, cmd->match, cmd->match_arg))
			uidset_add(&cmd->expect, uid, uid);
	}
}

/* One of those that are in the mailbox, or were not long ago. */
static bool
some_content(struct conn *c, uint32_t *id_r)
{
	struct box *b = c->view.box;
	uint32_t back = b->last_uid < 100 ? b->last_uid : 100;

	*id_r = box_mail(b, b->last_uid - roll(&c->dice, back + 1))->content;
	return *id_r != 0;
}

static void
act_search(struct conn *c)
{
	struct cmd *cmd = cmd_new(c, K_SEARCH);
	bool sorts = chance(&c->dice, 25), saves;
	struct buf text;
	char word[9];

	cmd->uid = !numbers_hold(c) || chance(&c->dice, 50);
	cmd->expunges = cmd->uid;
	cmd->match = (enum match)roll(&c->dice, 6);
	cmd->sort = sorts ? "SDA"[roll(&c->dice, 3)] : 0;
	saves = chance(&c->dice, 40);
	text = text_of(
	    "%s%s", cmd->uid ? "UID " : "", sorts ? "SORT" : "SEARCH");
	if (!sorts && saves)
		(void)buf_puts(&text, " RETURN (MIN MAX COUNT ALL SAVE)");
	if (sorts)
		(void)buf_printf(&text, " (%s) UTF-8",
		    cmd->sort == 'S' ? "SIZE"
				     : (cmd->sort == 'D' ? "DATE" : "ARRIVAL"));
	switch (cmd->match) {
	case M_ANY:
		(void)buf_puts(&text, " ALL");
		break;
	case M_WORD:
	case M_NOT_WORD:
		cmd->match_arg = roll(&c->dice, WORDS);
		(void)buf_printf(&text, " %sSUBJECT %s",
		    cmd->match == M_NOT_WORD ? "NOT " : "",
		    words[cmd->match_arg]);
		break;
	case M_ID:
		cmd->match_arg = 1 + roll(&c->dice, 2000);
		(void)buf_printf(&text,
		    " HEADER Message-ID \"<%u@stress.test>\"",
		    (unsigned)cmd->match_arg);
		break;
	case M_LARGER:
		cmd->match_arg = 300 + roll(&c->dice, 1500);
		(void)buf_printf(&text, " LARGER %u", (unsigned)cmd->match_arg);
		break;
	case M_BODY:
		if (!some_content(c, &cmd->match_arg)) {
			cmd->match = M_ANY;
			(void)buf_puts(&text, " ALL");
			break;
		}
		content_first(cmd->match_arg, word);
		(void)buf_printf(&text, " %s %s",
		    chance(&c->dice, 50) ? "BODY" : "TEXT", word);
		break;
	}
	expect(c, cmd);
	cmd_send(c, cmd, &text);
	c->has_saved = c->has_saved || (!sorts && saves);
}

/* RFC 5182: "$" is what was found, without what is gone. */
static void
act_saved(struct conn *c)
{
	struct cmd *cmd = cmd_new(c, K_FETCH);
	struct buf text = text_of("UID FETCH $ (UID FLAGS)");

	cmd->uid = cmd->expunges = true;
	for (size_t i = 0; i < c->view.n; i++)
		if (uidset_has(&c->saved, c->view.e[i].uid))
			uidset_add(
			    &cmd->uids, c->view.e[i].uid, c->view.e[i].uid);
	cmd_send(c, cmd, &text);
}

static void
act_flag_search(struct conn *c)
{
	static const char *const keys[] = { "UNSEEN", "DELETED", "KEYWORD $One",
		"OR FLAGGED ANSWERED", "NOT DRAFT UNKEYWORD four", "RECENT",
		"UNDELETED SEEN" };
	struct cmd *cmd = cmd_new(c, K_SEARCH);
	struct buf text;

	cmd->uid = !numbers_hold(c) || chance(&c->dice, 50);
	cmd->expunges = cmd->uid;
	text = text_of(
	    "%sSEARCH %s", cmd->uid ? "UID " : "", keys[roll(&c->dice, 7)]);
	cmd_send(c, cmd, &text);
}

/* --- COPY, MOVE, EXPUNGE ---------------------------------------------------
 */

static const char *
some_name(struct conn *c)
{
	return chance(&c->dice, 20) ? fleeting[roll(&c->dice, FLEETING)]
				    : lasting[roll(&c->dice, LASTING)];
}

static bool
is_crowded(struct conn *c, const char *name)
{
	const struct box *b = box_named(c->user, name);

	return b != NULL && b->size > CROWDED;
}

static void
act_copy(struct conn *c, bool move)
{
	const char *to = some_name(c);
	struct buf set, text;
	struct cmd *cmd;

	if (move && (name_is_fleeting(to) || c->view.read_only))
		to = lasting[roll(&c->dice, LASTING)];
	if (!move && is_crowded(c, to))
		return;
	cmd = on_messages(
	    c, move ? K_MOVE : K_COPY, move ? MOVABLE : COPYABLE, 6, &set);
	if (cmd == NULL)
		return;
	cmd->expunges = true;
	cmd->must_fail = move && c->view.read_only;
	if (move && !cmd->must_fail)
		doom(c, cmd, true);
	(void)str_copy(cmd->to, sizeof(cmd->to), str_of(to));
	look_at_world(c, cmd, to);
	text = text_of("%s%s %s \"%s\"", cmd->uid ? "UID " : "",
	    move ? "MOVE" : "COPY", set.p, to);
	buf_fini(&set);
	cmd_send(c, cmd, &text);
}

static void
act_expunge(struct conn *c)
{
	struct cmd *cmd;
	struct buf set, text;

	if (chance(&c->dice, 50)) {
		cmd = cmd_new(c, K_EXPUNGE);
		text = text_of("EXPUNGE");
	} else {
		cmd = on_messages(c, K_EXPUNGE, ANY, 40, &set);
		if (cmd == NULL)
			return;
		cmd->uid = true;
		buf_clear(&set);
		(void)uidset_print(&cmd->uids, &set);
		text = text_of("UID EXPUNGE %.*s", STR_ARG(buf_str(&set)));
		buf_fini(&set);
	}
	cmd->expunges = true;
	cmd->must_fail = c->view.read_only;
	cmd_send(c, cmd, &text);
}

/* --- APPEND, REPLACE -------------------------------------------------------
 */

/* Adds a message: its flags and the literal. Those that wait are the last. */
static void
add_message(
    struct conn *c, struct cmd *cmd, struct buf *text, bool kept, bool waits)
{
	uint32_t id = content_new(c->user, kept), flags = 0;
	struct buf body;

	cmd->content[cmd->contents++] = id;
	if (chance(&c->dice, 40)) {
		flags = some_flags(c);
		if (kept)
			flags &= ~(uint32_t)F_DELETED;
		if (flags & F_DELETED)
			content_of(id)->doomed = true;
		(void)buf_putc(text, ' ');
		put_flags(text, flags);
	}
	if (chance(&c->dice, 30))
		(void)buf_puts(text, " \" 7-Feb-2021 21:52:25 +0100\"");
	buf_init(&body, 1 << 20);
	content_text(id, &body);
	(void)buf_printf(text, " {%zu%s}", body.n, waits ? "" : "+");
	if (waits) {
		(void)buf_add_str(&cmd->rest, buf_str(&body));
		(void)buf_puts(&cmd->rest, "\r\n");
	} else {
		(void)buf_puts(text, "\r\n");
		(void)buf_add_str(text, buf_str(&body));
	}
	buf_fini(&body);
}

static void
act_append(struct conn *c, const char *to, bool kept)
{
	struct cmd *cmd = cmd_new(c, K_APPEND);
	struct buf text = text_of("APPEND \"%s\"", to);
	unsigned n = chance(&c->dice, 20) ? 1 + roll(&c->dice, 3) : 1;

	kept = kept && !name_is_fleeting(to) &&
	       contents_kept(c->user) < KEPT_MAX;
	cmd->expunges = true;
	(void)str_copy(cmd->to, sizeof(cmd->to), str_of(to));
	look_at_world(c, cmd, to);
	for (unsigned i = 0; i < n; i++)
		add_message(c, cmd, &text, kept,
		    i + 1 == n && c->first == NULL && chance(&c->dice, 30));
	cmd_send(c, cmd, &text);
}

static void
act_replace(struct conn *c)
{
	const char *to = lasting[roll(&c->dice, LASTING)];
	struct cmd *cmd;
	struct buf set, text;

	if (c->view.read_only)
		return;
	cmd = on_messages(c, K_REPLACE, DOOMABLE, 1, &set);
	if (cmd == NULL)
		return;
	if (uidset_count(&cmd->uids) != 1) {
		buf_fini(&set);
		cmd_free(cmd);
		return;
	}
	cmd->expunges = true;
	doom(c, cmd, false);
	(void)str_copy(cmd->to, sizeof(cmd->to), str_of(to));
	look_at_world(c, cmd, to);
	text = text_of(
	    "%sREPLACE %s \"%s\"", cmd->uid ? "UID " : "", set.p, to);
	buf_fini(&set);
	add_message(c, cmd, &text, false, false);
	cmd_send(c, cmd, &text);
}

/* --- mailboxes -------------------------------------------------------------
 */

/* Seqs and uids of the cache here and there (RFC 7162, 3.2.5.2). */
static void
put_known(struct conn *c, struct buf *text)
{
	const struct cache *cache = &c->cache;
	struct uidset seqs = { 0 }, uids = { 0 };
	uint32_t kind = roll(&c->dice, 3);

	if (kind == 0 || cache->n == 0)
		return;
	for (size_t i = 0; i < cache->n; i++)
		uidset_add(&uids, cache->e[i].uid, cache->e[i].uid);
	(void)buf_putc(text, ' ');
	(void)uidset_print(&uids, text);
	uidset_fini(&uids);
	if (kind == 1)
		return;
	for (size_t i = cache->n; i > 0; i = i / 2) {
		uidset_add(&seqs, (uint32_t)i, (uint32_t)i);
		uidset_add(&uids, cache->e[i - 1].uid, cache->e[i - 1].uid);
	}
	(void)buf_puts(text, " (");
	(void)uidset_print(&seqs, text);
	(void)buf_putc(text, ' ');
	(void)uidset_print(&uids, text);
	(void)buf_putc(text, ')');
	uidset_fini(&seqs);
	uidset_fini(&uids);
}

void
begin_view(struct conn *c, struct cmd *cmd)
{
	static unsigned serial;

	cmd->begun = true;
	view_clear(&c->view);
	uidset_fini(&c->saved);
	c->has_saved = false;
	c->view.serial = ++serial;
	c->view.read_only = cmd->read_only;
	(void)str_copy(c->view.name, sizeof(c->view.name), str_of(cmd->name));
}

void
cmd_select(struct conn *c, const char *name, bool examine, bool resync)
{
	struct cmd *cmd = cmd_new(c, K_SELECT);
	struct cache *cache = &c->cache;
	struct buf text = text_of(
	    "%s \"%s\"", examine ? "EXAMINE" : "SELECT", name);

	cmd->read_only = examine;
	(void)str_copy(cmd->name, sizeof(cmd->name), str_of(name));
	look_at_world(c, cmd, name);
	/* News of the mailbox before may come until it is closed. */
	if (c->view.box != NULL)
		view_save(c);
	else
		begin_view(c, cmd);
	if (resync && c->is_qresync && cache->highest > 0 &&
	    strcmp(cache->name, name) == 0) {
		(void)buf_printf(&text, " (QRESYNC (%u %llu",
		    (unsigned)cache->validity,
		    (unsigned long long)cache->highest);
		put_known(c, &text);
		(void)buf_puts(&text, "))");
		for (size_t i = 0; i < cache->n; i++)
			uidset_add(
			    &cmd->cached, cache->e[i].uid, cache->e[i].uid);
	} else if (c->is_condstore && chance(&c->dice, 30)) {
		(void)buf_puts(&text, " (CONDSTORE)");
	}
	cmd_send(c, cmd, &text);
}

static void
act_select(struct conn *c)
{
	char name[NAME_MAX_N];

	/* A copy: the cache changes meanwhile. */
	(void)str_copy(name, sizeof(name),
	    str_of(c->cache.highest > 0 && chance(&c->dice, 70)
		       ? c->cache.name
		       : some_name(c)));
	cmd_select(c, name, chance(&c->dice, 12), true);
}

static void
act_status(struct conn *c)
{
	const char *name = some_name(c);
	struct cmd *cmd = cmd_new(c, K_STATUS);
	struct buf text = text_of("STATUS \"%s\" (MESSAGES UIDNEXT UIDVALIDITY "
				  "UNSEEN RECENT SIZE%s)",
	    name, c->is_condstore ? " HIGHESTMODSEQ" : "");

	cmd->expunges = true;
	(void)str_copy(cmd->name, sizeof(cmd->name), str_of(name));
	look_at_world(c, cmd, name);
	cmd_send(c, cmd, &text);
}

static void
act_names(struct conn *c)
{
	const char *name = fleeting[roll(&c->dice, FLEETING)];

	switch (roll(&c->dice, 8)) {
	case 0:
	case 1:
	case 2:
		cmd_simple(c, K_NAMES, true, "CREATE \"%s\"", name);
		return;
	case 3:
	case 4:
		if (chance(&c->dice, 50))
			cmd_simple(c, K_NAMES, true, "DELETE \"%s\"", name);
		else
			cmd_simple(c, K_NAMES, true, "RENAME \"%s\" \"%s\"",
			    name, fleeting[roll(&c->dice, FLEETING)]);
		return;
	case 5:
		cmd_simple(c, K_NAMES, true,
		    "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UNSEEN))");
		return;
	case 6:
		cmd_simple(c, K_NAMES, true, "%sSUBSCRIBE \"%s\"",
		    chance(&c->dice, 50) ? "UN" : "", name);
		return;
	default:
		cmd_simple(c, K_NAMES, true, "GETQUOTAROOT INBOX");
		return;
	}
}

/* --- going away ------------------------------------------------------------
 */

static void
act_disconnect(struct conn *c)
{
	uint32_t id;
	struct buf text;

	view_save(c);
	switch (roll(&c->dice, 5)) {
	case 0: /* in good order */
		cmd_simple(c, K_LOGOUT, true, "LOGOUT");
		return;
	case 1: /* in the middle of a literal */
		id = content_new(c->user, false);
		content_of(id)->unfinished = true;
		buf_init(&text, 1 << 20);
		(void)buf_printf(
		    &text, "x APPEND INBOX {%zu+}\r\n", content_size(id));
		content_text(id, &text);
		text.n -= 1 + roll(&c->dice, 150);
		conn_send(c, text.p, text.n);
		buf_fini(&text);
		break;
	case 2: /* all is sent, but who knows? */
		act_append(c, "INBOX", false);
		break;
	case 3: /* in the middle of a line, or of an answer */
		if (c->view.n > 0)
			act_store(c, false);
		conn_send(c, "y UID FETCH 1:* (FL", 19);
		break;
	default:
		c->out_held = 0;
		conn_flush(c);
		conn_close(c);
		break;
	}
	if (c->state != C_CLOSED)
		conn_abandon(c);
	c->next_at = now() + roll(&c->dice, 100) / 1000.0;
}

/* --- what next -------------------------------------------------------------
 */

static void
act_idle(struct conn *c)
{
	struct cmd *cmd = cmd_new(c, K_IDLE);
	struct buf text = text_of("IDLE");

	cmd->expunges = true;
	cmd->until = now() + roll(&c->dice, 300) / 1000.0;
	cmd_send(c, cmd, &text);
}

void
conn_end_idle(struct conn *c, bool any)
{
	struct cmd *cmd = c->first;

	if (cmd == NULL || cmd->kind != K_IDLE || !cmd->idling ||
	    cmd->done_sent || (!any && now() < cmd->until))
		return;
	cmd->done_sent = true;
	conn_send(c, "DONE\r\n", 6);
	conn_flush(c);
}

static void
act_close(struct conn *c)
{
	view_save(c);
	cmd_simple(
	    c, K_CLOSE, false, chance(&c->dice, 50) ? "CLOSE" : "UNSELECT");
}

/* With a mailbox. What may be sent behind others is marked by a low number. */
static void
act_selected(struct conn *c, bool alone)
{
	bool crowded = c->view.n > CROWDED;
	uint32_t n = roll(&c->dice, alone ? 100 : 60);

	if (n < 14)
		act_fetch(c);
	else if (n < 32)
		act_store(c, crowded || chance(&c->dice, 15));
	else if (n < 38)
		act_search(c);
	else if (n < 41)
		act_flag_search(c);
	else if (n < 45)
		act_copy(c, false);
	else if (n < 49 && !c->view.read_only)
		act_copy(c, true);
	else if (n < (crowded ? 57 : 54))
		act_expunge(c);
	else if (n < 60)
		cmd_simple(c, K_NOOP, true, "%s",
		    chance(&c->dice, 80) ? "NOOP" : "CHECK");
	else if (n < 72) {
		if (!crowded)
			act_append(c,
			    chance(&c->dice, 60) ? c->view.name : some_name(c),
			    chance(&c->dice, 30));
	} else if (n < 78)
		act_idle(c);
	else if (n < 83)
		act_select(c);
	else if (n < 85)
		act_close(c);
	else if (n < 87)
		act_status(c);
	else if (n < 89)
		act_names(c);
	else if (n < 92)
		act_disconnect(c);
	else if (n < 94)
		act_replace(c);
	else if (n < 97 && c->is_condstore && c->view.highest > 0)
		act_fetch_changes(c);
	else if (n < 99 && c->has_saved)
		act_saved(c);
	else
		cmd_fetch_all(c, false);
}

static void
act_unselected(struct conn *c)
{
	uint32_t n = roll(&c->dice, 100);

	if (n < 70)
		act_select(c);
	else if (n < 80)
		act_append(c, some_name(c), true);
	else if (n < 87)
		act_status(c);
	else if (n < 95)
		act_names(c);
	else if (n < 97)
		act_idle(c);
	else
		act_disconnect(c);
}

/* After the login: what this client always does. */
static bool
set_up(struct conn *c)
{
	if (c->state == C_FRESH) {
		c->tags = 0;
		cmd_simple(c, K_LOGIN, false, "LOGIN \"user%u@%s\" %s",
		    c->user + 1, options.domain, options.password);
		return true;
	}
	if (c->condstore && !c->is_condstore) {
		cmd_simple(c, K_ENABLE, true, "ENABLE %s",
		    c->qresync ? "QRESYNC" : "CONDSTORE");
		return true;
	}
	if (c->notify && !c->is_notified) {
		/* News come between commands, too; but no expunges. */
		c->is_notified = true;
		cmd_simple(c, K_NOOP, true,
		    "NOTIFY SET (SELECTED-DELAYED (MessageNew (UID FLAGS) "
		    "MessageExpunge FlagChange)) (PERSONAL (MessageNew "
		    "MessageExpunge))");
		return true;
	}
	if (!c->is_compressed && c->commands % 3 == 0 && c->view.box == NULL &&
	    chance(&c->dice, 10)) {
		cmd_simple(c, K_COMPRESS, false, "COMPRESS DEFLATE");
		return true;
	}
	return false;
}

/* Others may be sent behind these. */
static bool
may_pipeline(const struct conn *c)
{
	unsigned depth = 0;

	if (c->view.box == NULL || c->state != C_READY)
		return false;
	for (const struct cmd *cmd = c->first; cmd != NULL; cmd = cmd->next) {
		if (cmd->kind != K_FETCH && cmd->kind != K_STORE &&
		    cmd->kind != K_SEARCH && cmd->kind != K_COPY &&
		    cmd->kind != K_NOOP && cmd->kind != K_EXPUNGE &&
		    cmd->kind != K_MOVE)
			return false;
		depth++;
	}
	return depth < DEPTH;
}

void
conn_act(struct conn *c)
{
	if (now() < c->next_at)
		return;
	if (c->state == C_CLOSED) {
		(void)conn_open(c);
		return;
	}
	if (c->first != NULL) {
		conn_end_idle(c, false);
		return;
	}
	if (set_up(c))
		return;
	if (c->view.box == NULL)
		act_unselected(c);
	else if (!view_is_known(&c->view) &&
		 (c->condstore || chance(&c->dice, 50)))
		cmd_fetch_all(c, false);
	else
		act_selected(c, true);
	while (c->first != NULL && may_pipeline(c) && chance(&c->dice, 25))
		act_selected(c, false);
	if (chance(&c->dice, 5))
		c->next_at = now() + roll(&c->dice, 50) / 1000.0;
}
