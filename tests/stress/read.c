/*
 * read.c - what the server says, taken apart and given to the model. Written
 * without the server's own parsers, which it is to check.
 */
#include "stress.h"

#include <stdlib.h>

const char *const flag_names[5 + KEYWORDS] = { "\\Answered", "\\Flagged",
	"\\Deleted", "\\Seen", "\\Draft", "$One", "$Two", "Three", "four",
	"$Forwarded", "NonJunk" };

bool
take_word(struct pst_str *s, struct pst_str *word)
{
	size_t n = 0;

	while (s->n > 0 && s->p[0] == ' ')
		*s = str_from(*s, 1);
	while (n < s->n && s->p[n] != ' ')
		n++;
	*word = str_first(*s, n);
	*s = str_from(*s, n);
	return n > 0;
}

bool
take_number(struct pst_str *s, uint64_t *n_r)
{
	size_t n = 0;

	while (s->n > 0 && s->p[0] == ' ')
		*s = str_from(*s, 1);
	while (n < s->n && ascii_is_digit(s->p[n]))
		n++;
	if (n == 0 || !str_to_u64(str_first(*s, n), n_r))
		return false;
	*s = str_from(*s, n);
	return true;
}

bool
parse_set(struct pst_str s, struct uidset *set)
{
	struct pst_str part;

	while (str_split(&s, ',', &part) && part.n > 0) {
		struct pst_str first = str_first(part, str_find(part, ':'));
		struct pst_str last = str_from(part, first.n + 1);
		uint32_t a, b;

		if (!str_to_u32(first, &a))
			return false;
		if (first.n == part.n)
			b = a;
		else if (!str_to_u32(last, &b))
			return false;
		uidset_add(set, a < b ? a : b, a < b ? b : a);
	}
	return s.n == 0;
}

/* Takes "(...)" off, without the parentheses; literals and strings skipped. */
static bool
take_list(struct pst_str *s, struct pst_str *inner)
{
	size_t depth = 0, i = 0;

	for (; i < s->n; i++) {
		char ch = s->p[i];

		if (ch == '(') {
			depth++;
		} else if (ch == ')' && --depth == 0) {
			*inner = str_n(s->p + 1, i - 1);
			*s = str_from(*s, i + 1);
			return true;
		} else if (ch == '"') {
			for (i++; i < s->n && s->p[i] != '"'; i++)
				if (s->p[i] == '\\')
					i++;
		} else if (ch == '{') {
			struct pst_str rest = str_from(*s, i + 1);
			uint64_t n;

			if (take_number(&rest, &n) && rest.n > 3 + n)
				i = (size_t)(rest.p - s->p) + 2 + (size_t)n;
		}
	}
	return false;
}

static bool
take_string(struct pst_str *s, struct pst_str *text)
{
	uint64_t n;

	if (s->n > 0 && s->p[0] == '{') {
		*s = str_from(*s, 1);
		if (!take_number(s, &n) || s->n < 3 + n)
			return false;
		*text = str_n(s->p + 3, (size_t)n);
		*s = str_from(*s, 3 + (size_t)n);
		return true;
	}
	if (s->n > 0 && s->p[0] == '"') {
		size_t end = 1;

		while (end < s->n && s->p[end] != '"')
			end += s->p[end] == '\\' ? 2 : 1;
		*text = str_n(s->p + 1, end - 1);
		*s = str_from(*s, end + 1);
		return true;
	}
	return take_word(s, text);
}

static bool
parse_flags(struct conn *c, struct pst_str s, uint32_t *flags)
{
	struct pst_str word;

	*flags = 0;
	while (take_word(&s, &word)) {
		uint32_t bit = str_is_case(word, "\\Recent") ? F_RECENT : 0;

		for (unsigned i = 0; i < 5 + KEYWORDS; i++)
			if (str_is_case(word, flag_names[i]))
				bit = 1U << i;
		if (bit == 0) {
			fail(c, "nobody ever set the flag \"%.*s\"",
			    STR_ARG(word));
			return false;
		}
		if (*flags & bit)
			fail(c, "a flag is told twice");
		*flags |= bit;
	}
	return true;
}

/* --- FETCH -----------------------------------------------------------------
 */

static bool
take_item(struct conn *c, struct pst_str *s, struct told *t)
{
	struct pst_str name, inner;
	uint64_t n;
	size_t end = 0;

	while (s->n > 0 && s->p[0] == ' ')
		*s = str_from(*s, 1);
	while (end < s->n && s->p[end] != ' ' && s->p[end] != '[')
		end++;
	if (end < s->n && s->p[end] == '[') {
		while (end < s->n && s->p[end] != ']')
			end++;
		end++;
	}
	name = str_first(*s, end);
	*s = str_from(*s, end + 1);
	if (str_is(name, "UID")) {
		if (!take_number(s, &n) || n == 0 || n > UINT32_MAX)
			return false;
		t->uid = (uint32_t)n;
		return true;
	}
	if (str_is(name, "RFC822.SIZE")) {
		t->has_size = true;
		return take_number(s, &t->size);
	}
	if (str_is(name, "MODSEQ")) {
		t->has_modseq = true;
		return take_list(s, &inner) && take_number(&inner, &t->modseq);
	}
	if (str_is(name, "FLAGS")) {
		t->has_flags = true;
		return take_list(s, &inner) && parse_flags(c, inner, &t->flags);
	}
	if (str_is(name, "BODY[]")) {
		t->has_text = true;
		return take_string(s, &t->text);
	}
	if (str_is(name, "ENVELOPE"))
		return take_list(s, &t->envelope);
	if (str_is(name, "BODYSTRUCTURE"))
		return take_list(s, &t->structure);
	if (str_is(name, "EMAILID"))
		return take_list(s, &t->emailid);
	return s->n > 0 && s->p[0] == '(' ? take_list(s, &inner)
					  : take_string(s, &inner);
}

static void
take_fetch(struct conn *c, uint64_t seq, struct pst_str s)
{
	struct told t = { 0 };
	struct pst_str inner;
	bool ok;

	while (s.n > 0 && s.p[0] == ' ')
		s = str_from(s, 1);
	ok = take_list(&s, &inner) && s.n == 0;
	while (ok && inner.n > 0)
		ok = take_item(c, &inner, &t);
	if (!ok)
		fail(c, "this FETCH cannot be read");
	else
		view_fetch(c, seq, &t);
}

/* --- SEARCH, SORT, ESEARCH -------------------------------------------------
 */

static struct entry *
entry_of(struct conn *c, const struct cmd *cmd, uint64_t n)
{
	struct view *v = &c->view;

	if (!cmd->uid)
		return n > 0 && n <= v->n ? &v->e[n - 1] : NULL;
	return view_at(v, (uint32_t)n);
}

/* Every result is one, and what is missing is gone. */
static void
check_results(struct conn *c, struct cmd *cmd, const struct uidset *found)
{
	struct view *v = &c->view;
	struct uidset uids = { 0 };

	for (size_t i = 0; i < found->n; i++)
		for (uint32_t n = found->r[i].first;; n++) {
			struct entry *e = entry_of(c, cmd, n);
			uint32_t id = 0;

			if (e == NULL) {
				fail(c, "found %u, which is not in the view",
				    (unsigned)n);
				goto out;
			}
			if (e->uid != 0) {
				uidset_add(&uids, e->uid, e->uid);
				id = box_mail(v->box, e->uid)->content;
			}
			if (id != 0 &&
			    !content_matches(id, cmd->match, cmd->match_arg))
				fail(c,
				    "found %u (uid %u, message %u), which "
				    "does not match",
				    (unsigned)n, (unsigned)e->uid,
				    (unsigned)id);
			if (n == found->r[i].last)
				break;
		}
	for (size_t i = 0; i < v->n; i++)
		if (v->e[i].uid != 0 && uidset_has(&cmd->expect, v->e[i].uid) &&
		    !uidset_has(&uids, v->e[i].uid))
			v->e[i].was_missing = true;
	cmd->answered = true;
out:
	uidset_fini(&uids);
}

static void
check_sorted(
    struct conn *c, const struct cmd *cmd, const uint32_t *list, size_t n)
{
	size_t before = 0;

	for (size_t i = 0; i < n; i++) {
		struct entry *e = entry_of(c, cmd, list[i]);
		uint32_t id = e != NULL && e->uid != 0
				  ? box_mail(c->view.box, e->uid)->content
				  : 0;
		size_t size;

		if (id == 0)
			continue;
		size = content_size(id);
		if (cmd->sort == 'S' && size < before)
			fail(c, "%u has size %zu, behind %zu",
			    (unsigned)list[i], size, before);
		before = size;
	}
}

static struct cmd *
searching(struct conn *c)
{
	if (c->first != NULL && c->first->kind == K_SEARCH)
		return c->first;
	fail(c, "a result, but nobody is searching");
	return NULL;
}

static void
take_search(struct conn *c, struct pst_str s, bool sorted)
{
	struct cmd *cmd = searching(c);
	struct uidset found = { 0 };
	uint32_t *list = NULL;
	size_t count = 0, cap = 0;
	uint64_t n;

	while (cmd != NULL && take_number(&s, &n)) {
		if (uidset_has(&found, (uint32_t)n))
			fail(c, "found %llu twice", (unsigned long long)n);
		uidset_add(&found, (uint32_t)n, (uint32_t)n);
		mem_grow(&list, &cap, count + 1, sizeof(*list));
		list[count++] = (uint32_t)n;
	}
	if (cmd != NULL) {
		check_results(c, cmd, &found);
		if (sorted)
			check_sorted(c, cmd, list, count);
	}
	free(list);
	uidset_fini(&found);
}

static void
take_esearch(struct conn *c, struct pst_str s)
{
	struct cmd *cmd = searching(c);
	struct uidset found = { 0 };
	struct pst_str inner, word;
	uint64_t count = 0, min = 0, max = 0, n;
	bool has_all = false, has_count = false;

	if (cmd == NULL)
		return;
	while (s.n > 0 && s.p[0] == ' ')
		s = str_from(s, 1);
	if (s.n > 0 && s.p[0] == '(' && !take_list(&s, &inner))
		fail(c, "this ESEARCH cannot be read");
	while (take_word(&s, &word)) {
		if (str_is(word, "COUNT")) {
			has_count = take_number(&s, &count);
		} else if (str_is(word, "MIN")) {
			(void)take_number(&s, &min);
		} else if (str_is(word, "MAX")) {
			(void)take_number(&s, &max);
		} else if (str_is(word, "ALL")) {
			(void)take_word(&s, &word);
			has_all = parse_set(word, &found);
		} else if (str_is(word, "MODSEQ")) {
			(void)take_number(&s, &n);
		} else if (!str_is(word, "UID")) {
			fail(c, "unknown in ESEARCH: %.*s", STR_ARG(word));
		}
	}
	/* All four were asked for; ALL is left out when there is none. */
	if (!has_count || (count > 0) != has_all ||
	    uidset_count(&found) != count)
		fail(c, "COUNT is %llu, ALL has %llu",
		    (unsigned long long)count,
		    (unsigned long long)uidset_count(&found));
	else if (count > 0 &&
		 (min != found.r[0].first || max != found.r[found.n - 1].last))
		fail(c, "MIN or MAX is not in ALL");
	check_results(c, cmd, &found);
	uidset_fini(&c->saved);
	for (size_t i = 0; i < found.n; i++)
		for (uint32_t k = found.r[i].first;; k++) {
			struct entry *e = entry_of(c, cmd, k);

			if (e != NULL && e->uid != 0)
				uidset_add(&c->saved, e->uid, e->uid);
			if (k == found.r[i].last)
				break;
		}
	uidset_fini(&found);
}

/* --- STATUS ----------------------------------------------------------------
 */

static void
take_status(struct conn *c, struct pst_str s)
{
	struct cmd *cmd = c->first;
	struct pst_str name, inner, word;
	uint64_t n, validity = 0, uidnext = 0, modseq = 0;
	struct box *b;

	while (s.n > 0 && s.p[0] == ' ')
		s = str_from(s, 1);
	if (!take_string(&s, &name))
		return;
	s = str_from(s, 1);
	if (!take_list(&s, &inner)) {
		fail(c, "this STATUS cannot be read");
		return;
	}
	while (take_word(&inner, &word)) {
		if (!take_number(&inner, &n)) {
			struct pst_str other;

			(void)take_word(&inner, &other);
			continue;
		}
		if (str_is(word, "UIDVALIDITY"))
			validity = n;
		else if (str_is(word, "UIDNEXT"))
			uidnext = n;
		else if (str_is(word, "HIGHESTMODSEQ"))
			modseq = n;
	}
	if (cmd == NULL || cmd->kind != K_STATUS || validity == 0)
		return;
	cmd->answered = true;
	for (b = boxes; b != NULL; b = b->next)
		if (b->user == c->user && b->validity == validity)
			break;
	/* What was told before the question must be in the answer. */
	if (b != NULL && b == cmd->world_box) {
		if (uidnext != 0 && uidnext <= cmd->world_uid)
			fail(c, "UIDNEXT is %llu, but there was uid %u",
			    (unsigned long long)uidnext,
			    (unsigned)cmd->world_uid);
		if (modseq != 0 && modseq < cmd->world_modseq)
			fail(c, "HIGHESTMODSEQ is %llu, but there was %llu",
			    (unsigned long long)modseq,
			    (unsigned long long)cmd->world_modseq);
	}
}

/* --- response codes --------------------------------------------------------
 */

static void
check_highest(struct conn *c, struct cmd *cmd, uint64_t n)
{
	if (cmd->kind == K_SELECT && !cmd->begun)
		return; /* of the mailbox before */
	if (cmd->kind == K_SELECT && n < cmd->world_modseq &&
	    c->view.box == cmd->world_box)
		fail(c, "HIGHESTMODSEQ is %llu, but %llu was told before",
		    (unsigned long long)n,
		    (unsigned long long)cmd->world_modseq);
	cmd->highest = n;
}

static void
take_modified(struct conn *c, struct cmd *cmd, struct pst_str code)
{
	struct uidset found = { 0 };
	struct pst_str word;

	(void)take_word(&code, &word);
	if (!parse_set(word, &found))
		fail(c, "MODIFIED cannot be read");
	for (size_t i = 0; i < c->view.n; i++)
		if (uidset_has(
			&found, cmd->uid ? c->view.e[i].uid : (uint32_t)i + 1))
			uidset_add(
			    &cmd->modified, c->view.e[i].uid, c->view.e[i].uid);
	uidset_fini(&found);
}

static void
take_code(struct conn *c, struct cmd *cmd, struct pst_str code)
{
	struct pst_str word;
	uint64_t n;

	if (!take_word(&code, &word))
		return;
	if (str_is(word, "HIGHESTMODSEQ") && take_number(&code, &n)) {
		if (cmd != NULL)
			check_highest(c, cmd, n);
	} else if (str_is(word, "UIDVALIDITY") && take_number(&code, &n)) {
		c->view.validity = (uint32_t)n;
		if (cmd != NULL && cmd->kind == K_SELECT)
			c->view.box = box_get(c->user, cmd->name, (uint32_t)n);
	} else if (str_is(word, "UIDNEXT") && take_number(&code, &n)) {
		c->view.uidnext = (uint32_t)n;
		if (cmd != NULL && cmd->kind == K_SELECT &&
		    c->view.box != NULL && c->view.box == cmd->world_box &&
		    n <= cmd->world_uid)
			fail(c, "UIDNEXT is %llu, but there was uid %u",
			    (unsigned long long)n, (unsigned)cmd->world_uid);
	} else if (cmd != NULL &&
		   (str_is(word, "COPYUID") || str_is(word, "APPENDUID"))) {
		take_copyuid(c, cmd, code);
	} else if (cmd != NULL && str_is(word, "MODIFIED")) {
		take_modified(c, cmd, code);
	} else if (str_is(word, "CLOSED") && cmd != NULL &&
		   cmd->kind == K_SELECT) {
		begin_view(c, cmd);
	} else if (str_is(word, "CLOSED") && cmd != NULL &&
		   cmd->kind == K_NAMES) {
		view_clear(&c->view); /* it has deleted its own */
	}
}

static struct pst_str
code_of(struct pst_str text)
{
	struct pst_str s = str_trim(text);

	if (s.n == 0 || s.p[0] != '[')
		return STR_NONE;
	return str_n(s.p + 1, str_find(s, ']') - 1);
}

/* --- all of them -----------------------------------------------------------
 */

static void
take_numbered(struct conn *c, uint64_t n, struct pst_str s)
{
	struct pst_str word;

	if (!take_word(&s, &word))
		fail(c, "a number and nothing");
	else if (str_is(word, "EXISTS"))
		view_exists(c, n);
	else if (str_is(word, "EXPUNGE"))
		view_expunge(c, n);
	else if (str_is(word, "FETCH"))
		take_fetch(c, n, s);
	else if (str_is(word, "RECENT")) {
		if (n > c->view.n)
			fail(c, "%llu RECENT of %zu", (unsigned long long)n,
			    c->view.n);
	} else
		fail(c, "unknown response");
}

static void
take_vanished(struct conn *c, struct pst_str s)
{
	struct uidset uids = { 0 };
	struct pst_str word;
	bool earlier = false;

	(void)take_word(&s, &word);
	if (str_is(word, "(EARLIER)")) {
		earlier = true;
		(void)take_word(&s, &word);
	}
	if (!parse_set(word, &uids))
		fail(c, "this VANISHED cannot be read");
	view_vanished(c, &uids, earlier);
	if (earlier && c->first != NULL)
		uidset_add_set(&c->first->vanished, &uids);
	uidset_fini(&uids);
}

static void
take_untagged(struct conn *c, struct pst_str s)
{
	struct pst_str word;
	uint64_t n;

	if (s.n > 0 && ascii_is_digit(s.p[0]) && take_number(&s, &n)) {
		take_numbered(c, n, s);
		return;
	}
	(void)take_word(&s, &word);
	if (str_is(word, "OK"))
		take_code(c, c->first, code_of(s));
	else if (str_is(word, "VANISHED"))
		take_vanished(c, s);
	else if (str_is(word, "SEARCH"))
		take_search(c, s, false);
	else if (str_is(word, "SORT"))
		take_search(c, s, true);
	else if (str_is(word, "ESEARCH"))
		take_esearch(c, s);
	else if (str_is(word, "STATUS"))
		take_status(c, s);
	else if (str_is(word, "BAD") || str_is(word, "NO"))
		fail(c, "an untagged %.*s", STR_ARG(word));
	else if (str_is(word, "BYE") &&
		 (c->first == NULL || c->first->kind != K_LOGOUT) &&
		 (c->view.box == NULL || !c->view.box->is_fleeting))
		fail(c, "BYE without a reason");
}

static void
take_continue(struct conn *c)
{
	struct cmd *cmd = c->first;

	if (cmd != NULL && cmd->kind == K_IDLE) {
		cmd->idling = true;
		return;
	}
	if (cmd == NULL || cmd->rest.n == 0) {
		fail(c, "go on with what?");
		return;
	}
	conn_send(c, cmd->rest.p, cmd->rest.n);
	buf_clear(&cmd->rest);
	conn_flush(c);
}

void
take_response(struct conn *c, struct pst_str r)
{
	struct cmd *cmd = c->first;
	struct pst_str s = r, word;
	char tag[16];

	conn_note(c, 'S', r.p, r.n);
	c->responses++;
	if (!take_word(&s, &word)) {
		fail(c, "an empty line");
		return;
	}
	if (str_is(word, "+")) {
		take_continue(c);
		return;
	}
	s = str_trim(s);
	if (str_is(word, "*")) {
		take_untagged(c, s);
		return;
	}
	if (cmd == NULL) {
		fail(c, "an answer to nothing");
		return;
	}
	(void)snprintf(tag, sizeof(tag), "a%u", cmd->tag);
	if (!str_is(word, tag)) {
		fail(c, "the answer to %.*s, but %s is next", STR_ARG(word),
		    tag);
		return;
	}
	(void)take_word(&s, &word);
	take_code(c, cmd, code_of(s));
	s = code_of(s);
	cmd->code = str_dup(str_first(s, str_find(s, ' ')));
	c->first = cmd->next;
	if (c->first == NULL)
		c->last = &c->first;
	take_answer(c, cmd, word);
	cmd_free(cmd);
}
