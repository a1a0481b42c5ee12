/*
 * account/resolve.c - whom an address leads to: users and whom they forward to,
 * aliases over several levels, details ("user+detail"), catch-alls, and the
 * postmaster and abuse who must always be reachable (RFC 5321, 4.5.1; RFC 2142,
 * 4 and 5).
 *
 * The walk keeps a list of addresses still to be looked up. Each address
 * stands in it once, so that a loop ends by itself.
 */
#include "account/private.h"

#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

enum { LEVELS = 10, TARGETS = 1000, DETAIL = 65 };

struct step {
	char address[ACCOUNT_ADDRESS]; /* case of an outside one is kept */
	char detail[DETAIL];
	unsigned level;
	size_t forwarder; /* 1 + its index; 0: not forwarded by a user */
};

struct target {
	struct account_user user; /* address "" for an outside one */
	char outside[ACCOUNT_ADDRESS];
	char detail[DETAIL];
};

struct walk {
	struct account_conn *c;
	const struct account_settings *s;
	struct step *step;
	size_t steps, steps_cap;
	struct target *target;
	size_t targets, targets_cap;
	/* Users who forward and get no copy. */
	struct account_user *forwarder;
	size_t forwarders, forwarders_cap;
	bool follow; /* what users forward to */
	struct pst_error *err;
};

static enum pst_rc
push(struct walk *w, const char *address, const char *detail, unsigned level,
    size_t forwarder)
{
	struct step *to;

	for (size_t i = 0; i < w->steps; i++) {
		if (strcmp(w->step[i].address, address) == 0)
			return PST_OK;
	}
	if (w->steps >= TARGETS + 1)
		return pst_fail(w->err, PST_E_LIMIT, 0,
		    "%.100s: leads to more than %d addresses",
		    w->step[0].address, TARGETS);
	if (level > LEVELS)
		return pst_fail(w->err, PST_E_LIMIT, 0,
		    "%.100s: aliases over more than %d levels",
		    w->step[0].address, LEVELS);
	mem_grow(&w->step, &w->steps_cap, w->steps + 1, sizeof(*w->step));
	to = &w->step[w->steps++];
	(void)str_copy(to->address, sizeof(to->address), str_of(address));
	(void)str_copy(to->detail, sizeof(to->detail), str_of(detail));
	to->level = level;
	to->forwarder = forwarder;
	return PST_OK;
}

static struct target *
new_target(struct walk *w, const char *detail)
{
	struct target *t;

	mem_grow(
	    &w->target, &w->targets_cap, w->targets + 1, sizeof(*w->target));
	t = &w->target[w->targets++];
	memset(t, 0, sizeof(*t));
	(void)str_copy(t->detail, sizeof(t->detail), str_of(detail));
	return t;
}

static void
add_user(struct walk *w, const struct account_user *user, const char *detail)
{
	for (size_t i = 0; i < w->targets; i++) {
		if (strcmp(w->target[i].user.address, user->address) == 0)
			return;
	}
	new_target(w, detail)->user = *user;
}

struct found {
	const struct account_settings *s;
	struct account_user user;
	bool is_local; /* so is the user's domain */
};

static void
take_user(void *arg, const struct pst_value *row, size_t n)
{
	struct found *found = arg;

	(void)n;
	found->is_local = account_read_user(row, found->s, &found->user);
}

struct targets {
	struct walk *w;
	const char *detail;
	unsigned level;
	const char *self; /* the user who forwards, or NULL */
	size_t forwarder;
	bool to_self;
	enum pst_rc rc;
};

static void
take_target(void *arg, const struct pst_value *row, size_t n)
{
	struct targets *t = arg;
	char to[ACCOUNT_ADDRESS];

	(void)n;
	account_value_text(&row[0], to, sizeof(to));
	if (t->rc == PST_OK)
		t->rc = push(t->w, to, t->detail, t->level + 1, t->forwarder);
	if (t->self != NULL && strcmp(to, t->self) == 0)
		t->to_self = true;
}

static size_t
add_forwarder(struct walk *w, const struct account_user *user)
{
	mem_grow(&w->forwarder, &w->forwarders_cap, w->forwarders + 1,
	    sizeof(*w->forwarder));
	w->forwarder[w->forwarders++] = *user;
	return w->forwarders;
}

/* The user's mailbox, and where the user forwards to. Who forwards to nobody
 * who is not reached already would lose the mail: it stays. */
static enum pst_rc
take_found(struct walk *w, const struct account_user *user, const char *detail,
    unsigned level)
{
	struct targets t = {
		.w = w, .detail = "", .level = level, .self = user->address
	};
	size_t before = w->steps;
	enum pst_rc rc;

	if (user->forwarding == ACCOUNT_FORWARD_NONE || !w->follow) {
		add_user(w, user, detail);
		return PST_OK;
	}
	if (user->forwarding == ACCOUNT_FORWARD_ONLY)
		t.forwarder = add_forwarder(w, user);
	rc = account_rows(w->c, Q_FORWARD_TARGETS, take_target, &t, w->err, "t",
	    user->address);
	if (rc == PST_E_NOTFOUND)
		rc = PST_OK;
	if (rc == PST_OK)
		rc = t.rc;
	if (rc == PST_OK && (user->forwarding != ACCOUNT_FORWARD_ONLY ||
				t.to_self || w->steps == before))
		add_user(w, user, detail);
	return rc;
}

/* Looks for a user by the question `q`. */
static enum pst_rc
try_user(struct walk *w, enum account_query q, const char *address,
    const char *detail, unsigned level)
{
	struct found found = { .s = w->s };
	enum pst_rc rc = account_rows(w->c, q, take_user, &found, w->err,
	    address != NULL ? "t" : "", address);

	return rc == PST_OK ? take_found(w, &found.user, detail, level) : rc;
}

static enum pst_rc
try_alias(
    struct walk *w, const char *address, const char *detail, unsigned level)
{
	struct targets t = { .w = w, .detail = detail, .level = level };
	enum pst_rc rc = account_rows(
	    w->c, Q_ALIAS_TARGETS, take_target, &t, w->err, "t", address);

	return rc == PST_OK ? t.rc : rc;
}

static enum pst_rc
try_both(
    struct walk *w, const char *address, const char *detail, unsigned level)
{
	enum pst_rc rc = try_user(w, Q_USER, address, detail, level);

	if (rc == PST_E_NOTFOUND)
		rc = try_alias(w, address, detail, level);
	return rc;
}

/* "user+detail@domain" taken apart; false: no detail. */
static bool
split_detail(const struct account_settings *s, const char *address,
    char base[321], char detail[DETAIL])
{
	const char *separator = s->cfg->smtp.detail_separator;
	const char *at = strrchr(address, '@'), *found;
	size_t n;

	if (separator == NULL || separator[0] == '\0' || at == NULL ||
	    address[0] == '"')
		return false;
	found = strstr(address, separator);
	n = strlen(separator);
	if (found == NULL || found == address || found + n > at)
		return false;
	(void)str_copy(
	    detail, DETAIL, str_n(found + n, (size_t)(at - found) - n));
	(void)snprintf(base, ACCOUNT_ADDRESS, "%.*s%s", (int)(found - address),
	    address, at);
	return true;
}

static enum pst_rc
try_rest(
    struct walk *w, const char *address, const char *detail, unsigned level)
{
	char all[ACCOUNT_ADDRESS];
	enum pst_rc rc;

	(void)snprintf(all, sizeof(all), "@%s", account_domain_of(address));
	rc = try_alias(w, all, detail, level);
	if (rc == PST_E_NOTFOUND &&
	    (str_has_prefix_case(str_of(address), "postmaster@") ||
		str_has_prefix_case(str_of(address), "abuse@")))
		rc = try_user(w, Q_FIRST_ADMIN, NULL, detail, level);
	return rc;
}

/* `i` and not a pointer: the list may move. */
static enum pst_rc
take_step(struct walk *w, size_t i)
{
	char address[ACCOUNT_ADDRESS], base[ACCOUNT_ADDRESS], detail[DETAIL];
	unsigned level = w->step[i].level;
	enum pst_rc rc;

	if (!account_normalise(str_of(w->step[i].address), address))
		return PST_E_NOTFOUND;
	(void)str_copy(detail, sizeof(detail), str_of(w->step[i].detail));
	rc = account_domain_check(
	    w->c, w->s, account_domain_of(address), w->err);
	if (rc == PST_E_NOTFOUND && i > 0) {
		struct target *t = new_target(w, detail);

		(void)str_copy(
		    t->outside, sizeof(t->outside), str_of(w->step[i].address));
		return PST_OK;
	}
	if (rc != PST_OK)
		return rc;
	rc = try_both(w, address, detail, level);
	if (rc == PST_E_NOTFOUND && split_detail(w->s, address, base, detail))
		rc = try_both(w, base, detail, level);
	else
		(void)str_copy(base, sizeof(base), str_of(address));
	if (rc == PST_E_NOTFOUND)
		rc = try_rest(w, base, detail, level);
	return rc;
}

/* PST_OK with at least one target. */
static enum pst_rc
walk_all(struct walk *w, const char *address)
{
	enum pst_rc rc = push(w, address, "", 0, 0);
	bool lost = false;

	for (size_t i = 0; rc == PST_OK && i < w->steps; i++) {
		rc = take_step(w, i);
		if (rc == PST_E_NOTFOUND && i > 0) {
			/* The others of an alias still get their mail. */
			log_text(PST_LOG_WARNING, 0, "alias",
			    "%s leads to %s, which does not exist", address,
			    w->step[i].address);
			rc = PST_OK;
			lost = true;
			if (w->step[i].forwarder > 0)
				add_user(w,
				    &w->forwarder[w->step[i].forwarder - 1],
				    "");
		}
	}
	for (size_t i = 0; rc == PST_OK && w->targets == 0 && i < w->forwarders;
	     i++)
		add_user(w, &w->forwarder[i], "");
	if (rc == PST_OK && w->targets == 0 && !lost)
		return pst_fail(w->err, PST_E_CONFLICT, 0,
		    "%.200s: leads to nothing but itself", address);
	if (rc == PST_E_NOTFOUND || (rc == PST_OK && w->targets == 0))
		return pst_fail(w->err, PST_E_NOTFOUND, 0,
		    "%.200s: no such recipient", address);
	return rc;
}

/* The postmaster needs no domain (RFC 5321, 4.5.1). */
static bool
first_address(const struct account_settings *s, const char *text, char out[321])
{
	if (str_is_case(str_of(text), "postmaster"))
		return account_login_name(str_of(text), s->first_domain, out);
	return account_normalise(str_of(text), out);
}

/* Most addresses are those of users: one question, which tells of the domain
 * too, instead of a walk in a transaction. */
static enum pst_rc
try_directly(struct accounts *a, const char *address, struct walk *w)
{
	struct found found = { .s = w->s };
	struct account_conn *c = account_db_take(a->db, w->err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(c, Q_USER, take_user, &found, w->err, "t", address);
	account_db_give(&c);
	if (rc == PST_OK &&
	    (!found.is_local ||
		(w->follow && found.user.forwarding != ACCOUNT_FORWARD_NONE)))
		return PST_E_NOTFOUND;
	if (rc == PST_OK)
		add_user(w, &found.user, "");
	return rc;
}

static enum pst_rc
walk_from(struct accounts *a, const char *text, bool follow, struct walk *w)
{
	struct account_settings *s = account_settings_take(a);
	char address[ACCOUNT_ADDRESS];
	enum pst_rc rc;

	w->s = s;
	w->follow = follow && s->cfg->forward.enabled && s->cfg->queue.enabled;
	if (!first_address(s, text, address)) {
		account_settings_give(a, &s);
		return pst_fail(w->err, PST_E_NOTFOUND, 0,
		    "\"%.200s\" is not an address", text);
	}
	rc = try_directly(a, address, w);
	if (rc == PST_E_NOTFOUND) {
		rc = PST_E_TEMP;
		w->c = account_db_read(a->db, w->err);
		if (w->c != NULL) {
			rc = walk_all(w, address);
			account_db_read_done(&w->c);
		}
	}
	account_settings_give(a, &s);
	return rc;
}

static void
free_walk(struct walk *w)
{
	free(w->target);
	free(w->step);
	free(w->forwarder);
}

enum pst_rc
account_resolve(struct accounts *a, const char *address, account_target_fn fn,
    void *arg, struct pst_error *err)
{
	struct walk w = { .err = err };
	enum pst_rc rc = walk_from(a, address, true, &w);

	for (size_t i = 0; rc == PST_OK && i < w.targets; i++) {
		const struct target *t = &w.target[i];

		if (t->outside[0] != '\0')
			fn(arg, NULL, t->outside, t->detail);
		else
			fn(arg, &t->user, NULL, t->detail);
	}
	free_walk(&w);
	return rc;
}

enum pst_rc
account_may_send_as(struct accounts *a, const char *user, const char *address,
    struct pst_error *err)
{
	char self[ACCOUNT_ADDRESS], other[ACCOUNT_ADDRESS];
	struct walk w = { .err = err };
	bool may = false;
	enum pst_rc rc = PST_E_NOTFOUND;

	if (account_normalise(str_of(user), self) &&
	    account_normalise(str_of(address), other))
		rc = walk_from(a, other, false, &w);
	for (size_t i = 0; rc == PST_OK && !may && i < w.targets; i++)
		may = strcmp(w.target[i].user.address, self) == 0;
	free_walk(&w);
	/* Aliases in a loop or without end are nobody's either. */
	if (rc == PST_E_NOTFOUND || rc == PST_E_LIMIT || rc == PST_E_CONFLICT ||
	    (rc == PST_OK && !may))
		return pst_fail(err, PST_E_DENIED, 0,
		    "%.100s may not send as %.100s", user, address);
	return rc;
}
