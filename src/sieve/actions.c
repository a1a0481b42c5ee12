/*
 * sieve/actions.c - what a script wants done with the message (RFC 5228, 2.10
 * and 4; RFC 3894; RFC 5429; RFC 5490, 3.2; RFC 8579), without what says the
 * same twice; the implicit keep.
 */
#include "base/str.h"
#include "message/content.h"
#include "sieve/run.h"

struct pst_str
run_own(struct run *r, struct pst_str s)
{
	return s.p != NULL ? arena_copy(r->result->arena, s) : STR_NONE;
}

struct pst_str
run_own_text(struct run *r, struct pst_str s)
{
	struct pst_str own;
	struct buf b;

	if (s.n == 0 || str_is_utf8(s))
		return run_own(r, s);
	buf_init(&b, 3 * s.n);
	(void)msg_to_utf8(STR("utf-8"), s, &b);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] == '\0')
			b.p[i] = ' ';
	own = run_own(r, buf_str(&b));
	buf_fini(&b);
	return own;
}

struct sieve_action *
run_action(struct run *r, enum sieve_action_kind kind, unsigned line)
{
	struct sieve_result *to = r->result;
	struct sieve_action *a;

	if (to->actions >= r->limits->actions)
		run_fail(r, "More than %u things are to be done with a message",
		    r->limits->actions);
	if (r->failed)
		return NULL;
	if (to->actions == r->action_cap) {
		size_t cap = r->action_cap < 4 ? 4 : 2 * r->action_cap;

		a = arena_alloc(to->arena, cap * sizeof(*a));
		if (to->actions > 0)
			memcpy(a, to->action, to->actions * sizeof(*a));
		to->action = a;
		r->action_cap = cap;
	}
	a = &to->action[to->actions++];
	*a = (struct sieve_action){ .kind = kind, .line = line, .seconds = -1 };
	return a;
}

/* RFC 5429, 2.4: a message that is sent back goes nowhere else. */
static bool
may_deliver(struct run *r, const struct sieve_node *n)
{
	if (r->rejects)
		run_fail(r, "\"%s\" cannot be where the message is rejected",
		    n->command->name);
	r->delivers = true;
	return !r->failed;
}

/* RFC 5232, 5: those of :flags, or else of the internal variable. */
static void
set_flags(struct run *r, struct sieve_action *a, const struct sieve_node *n)
{
	const struct sieve_value *v = n != NULL ? sieve_tag_value(n, TAG_FLAGS)
						: NULL;
	struct pst_str internal = buf_str(&r->flags);
	struct strings list = run_flag_list(r,
	    v != NULL ? run_strings(r, v) : (struct strings){ &internal, 1 });

	a->flag = arena_alloc(r->result->arena, list.n * sizeof(*a->flag));
	for (size_t i = 0; i < list.n; i++)
		a->flag[i] = run_own(r, list.v[i]);
	a->flags = list.n;
}

static struct sieve_action *
find_kind(struct run *r, enum sieve_action_kind kind)
{
	for (size_t i = 0; i < r->result->actions; i++)
		if (r->result->action[i].kind == kind)
			return &r->result->action[i];
	return NULL;
}

/* The flags of the last one win (RFC 5232, 3). */
static void
keep(struct run *r, const struct sieve_node *n, unsigned line)
{
	struct sieve_action *a = find_kind(r, SIEVE_KEEP);

	if (a == NULL)
		a = run_action(r, SIEVE_KEEP, line);
	if (a != NULL)
		set_flags(r, a, n);
	r->keeps = false;
}

void
run_keep_action(struct run *r, const struct sieve_node *n)
{
	if (may_deliver(r, n))
		keep(r, n, n->line);
}

void
run_discard(struct run *r)
{
	r->keeps = false;
}

void
run_actions_end(struct run *r)
{
	arena_reset(r->scratch);
	r->scratch_used = 0;
	if (r->keeps)
		keep(r, NULL, 0);
}

/* --- fileinto --------------------------------------------------------------
 */

static bool
is_same_mailbox(struct pst_str a, struct pst_str b)
{
	return str_eq(a, b) ||
	       (str_is_case(a, "INBOX") && str_is_case(b, "INBOX"));
}

static struct sieve_action *
find_mailbox(struct run *r, struct pst_str mailbox, struct pst_str use)
{
	for (size_t i = 0; i < r->result->actions; i++) {
		struct sieve_action *a = &r->result->action[i];

		if (a->kind == SIEVE_FILEINTO &&
		    is_same_mailbox(a->mailbox, mailbox) &&
		    str_eq_case(a->special_use, use))
			return a;
	}
	return NULL;
}

void
run_fileinto(struct run *r, const struct sieve_node *n)
{
	struct pst_str mailbox = run_string(r, &n->arg[0]);
	struct pst_str use = run_tag(r, n, TAG_SPECIALUSE);
	struct sieve_action *a;

	if (!may_deliver(r, n))
		return;
	if (mailbox.n == 0 || !str_is_utf8(mailbox)) {
		run_fail(r, "A mailbox cannot have the name \"%.*s\"",
		    STR_ARG(str_first(mailbox, 100)));
		return;
	}
	a = find_mailbox(r, mailbox, use);
	if (a == NULL) {
		a = run_action(r, SIEVE_FILEINTO, n->line);
		if (a == NULL)
			return;
		a->mailbox = run_own(r, mailbox);
		a->special_use = run_own_text(r, use);
	}
	a->create = a->create || sieve_has_tag(n, TAG_CREATE);
	set_flags(r, a, n);
	if (!sieve_has_tag(n, TAG_COPY))
		r->keeps = false;
}

/* --- redirect, reject ------------------------------------------------------
 */

/* The local part may mean something else in capitals, for who has it. */
static bool
is_same_address(struct pst_str a, struct pst_str b)
{
	size_t at = a.n;

	while (at > 0 && a.p[at - 1] != '@')
		at--;
	return a.n == b.n && str_eq(str_first(a, at), str_first(b, at)) &&
	       str_eq_case(str_from(a, at), str_from(b, at));
}

static bool
is_redirected(struct run *r, struct pst_str address)
{
	for (size_t i = 0; i < r->result->actions; i++) {
		const struct sieve_action *a = &r->result->action[i];

		if (a->kind == SIEVE_REDIRECT &&
		    is_same_address(a->address, address))
			return true;
	}
	return false;
}

void
run_redirect(struct run *r, const struct sieve_node *n)
{
	struct pst_str address = run_address(r, run_string(r, &n->arg[0]));
	struct sieve_action *a;

	if (!may_deliver(r, n))
		return;
	if (!sieve_has_tag(n, TAG_COPY))
		r->keeps = false;
	if (is_redirected(r, address))
		return;
	if (r->redirects == r->limits->redirects) {
		run_fail(r, "A message goes to more than %u other addresses",
		    r->limits->redirects);
		return;
	}
	r->redirects++;
	a = run_action(r, SIEVE_REDIRECT, n->line);
	if (a != NULL)
		a->address = run_own(r, address);
}

/* RFC 5429, 2.4: once, and alone; but `discard` says nothing against it. */
void
run_reject(struct run *r, const struct sieve_node *n)
{
	struct pst_str text = run_string(r, &n->arg[0]);
	struct sieve_action *a;

	if (r->rejects)
		run_fail(r, "A message can be rejected only once");
	else if (r->delivers || r->answers)
		run_fail(r,
		    "\"%s\" cannot be where the message is delivered "
		    "or answered",
		    n->command->name);
	r->rejects = true;
	r->keeps = false;
	a = run_action(r,
	    n->command->op == OP_REJECT ? SIEVE_REJECT : SIEVE_EREJECT,
	    n->line);
	if (a != NULL)
		a->text = run_own_text(r, text);
}
