/*
 * managesieve/scripts.c - the commands about scripts (RFC 5804, 2.5 to 2.12).
 */
#include "sieve/scripts.h"

#include "base/str.h"
#include "managesieve/session.h"
#include <stdlib.h>

/* A name as text, to be freed; NULL: it has a NUL, and is none. */
static char *
name_arg(const struct managesieve_session *s, size_t i)
{
	struct pst_str arg = managesieve_arg(s, i);

	return str_find(arg, '\0') == arg.n ? str_dup(arg) : NULL;
}

static enum net_next
bad_name(struct managesieve_session *s)
{
	return managesieve_no(s, NULL, "This cannot be the name of a script");
}

static enum net_next
answer(struct managesieve_session *s, const char *done, enum pst_rc rc,
    const struct pst_error *err)
{
	return rc == PST_OK ? managesieve_ok(s, done)
			    : managesieve_fail(s, err);
}

/* "line 2: What is wrong with it." */
static enum net_next
is_wrong(struct managesieve_session *s, const struct sieve_problem *problem)
{
	char text[sizeof(problem->text) + 32];

	if (problem->line > 0)
		(void)snprintf(text, sizeof(text), "line %u: %s", problem->line,
		    problem->text);
	else
		(void)snprintf(text, sizeof(text), "%s", problem->text);
	return managesieve_no(s, NULL, text);
}

/* Which limit it is, a client wants to know. */
static enum net_next
no_room(struct managesieve_session *s, const char *name, uint64_t size)
{
	const struct config *cfg = managesieve_config(s);
	struct pst_error err = { 0 };
	char text[128];

	if (size > (uint64_t)cfg->sieve.script_size) {
		(void)snprintf(text, sizeof(text),
		    "A script may have %lld octets",
		    (long long)cfg->sieve.script_size);
		return managesieve_no(s, MANAGESIEVE_SIZE, text);
	}
	if (sieve_have_space(s->account, cfg, name, size, &err) !=
	    PST_E_QUOTA) /* but the storage has none */
		return managesieve_no(
		    s, MANAGESIEVE_QUOTA, "There is no room for it");
	(void)snprintf(text, sizeof(text), "You may have %lld scripts",
	    (long long)cfg->sieve.scripts);
	return managesieve_no(s, MANAGESIEVE_SCRIPTS, text);
}

enum net_next
managesieve_havespace(struct managesieve_session *s)
{
	struct pst_error err = { 0 };
	enum net_next next;
	uint32_t size;
	char *name;
	enum pst_rc rc;

	if (!str_to_u32(managesieve_arg(s, 1), &size))
		return managesieve_bad(s, NULL, "The size is too large");
	name = name_arg(s, 0);
	if (name == NULL)
		return bad_name(s);
	rc = sieve_have_space(
	    s->account, managesieve_config(s), name, size, &err);
	next = rc == PST_E_QUOTA ? no_room(s, name, size)
				 : answer(s, NULL, rc, &err);
	free(name);
	return next;
}

static enum net_next
put(struct managesieve_session *s, const char *name, struct pst_str text)
{
	struct sieve_problem problem = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc = sieve_put(
	    s->account, managesieve_config(s), name, text, &problem, &err);

	if (rc == PST_E_SYNTAX)
		return is_wrong(s, &problem);
	if (rc == PST_E_QUOTA)
		return no_room(s, name, text.n);
	if (rc == PST_OK)
		log_event(PST_LOG_INFO, net_id(s->conn), "script-put",
		    "protocol", "managesieve", "user", s->address, "script",
		    name, NULL);
	return answer(s, "Stored", rc, &err);
}

enum net_next
managesieve_putscript(struct managesieve_session *s)
{
	struct pst_str text = managesieve_arg(s, 1);
	char *name = name_arg(s, 0);
	enum net_next next;

	if (name == NULL)
		return bad_name(s);
	/* 2.6: it SHOULD be disallowed. */
	next = text.n == 0 ? managesieve_no(s, NULL, "The script is empty")
			   : put(s, name, text);
	free(name);
	return next;
}

enum net_next
managesieve_checkscript(struct managesieve_session *s)
{
	struct sieve_limits limits = sieve_limits_of(managesieve_config(s));
	struct sieve_problem problem = { 0 };
	struct sieve_script *script = sieve_compile(
	    managesieve_arg(s, 0), &limits, &problem);

	if (script == NULL)
		return is_wrong(s, &problem);
	sieve_script_free(&script);
	return managesieve_ok(s, "The script is good");
}

enum net_next
managesieve_listscripts(struct managesieve_session *s)
{
	struct buf *out = net_output(s->conn);
	struct pst_error err = { 0 };
	struct sieve_list list;
	enum pst_rc rc = sieve_list(s->account, &list, &err);

	for (size_t i = 0; rc == PST_OK && i < list.n; i++) {
		managesieve_put_string(out, str_of(list.v[i].name));
		(void)buf_puts(
		    out, list.v[i].is_active ? " ACTIVE\r\n" : "\r\n");
	}
	sieve_list_fini(&list);
	return answer(s, NULL, rc, &err);
}

enum net_next
managesieve_setactive(struct managesieve_session *s)
{
	struct pst_error err = { 0 };
	char *name = name_arg(s, 0);
	enum pst_rc rc;

	if (name == NULL)
		return managesieve_no(
		    s, MANAGESIEVE_NONE, "There is no script of that name");
	rc = sieve_activate(s->account, name, &err);
	if (rc == PST_OK)
		log_event(PST_LOG_INFO, net_id(s->conn), "script-active",
		    "protocol", "managesieve", "user", s->address, "script",
		    name, NULL);
	free(name);
	return answer(s, NULL, rc, &err);
}

/* The text of the script of that name. */
static enum pst_rc
read_text(struct managesieve_session *s, const char *name, struct buf *text,
    struct pst_error *err)
{
	struct sieve_list list;
	const struct sieve_entry *e = NULL;
	enum pst_rc rc = sieve_list(s->account, &list, err);

	if (rc == PST_OK) {
		e = sieve_list_find(&list, name);
		if (e == NULL)
			rc = pst_fail(err, PST_E_NOTFOUND, 0, "no script");
	}
	if (e != NULL) {
		rc = sieve_text(s->account, e->text_id, text, err);
		/* There is one of that name all the same. */
		if (rc == PST_E_NOTFOUND)
			rc = err->rc = PST_E_TEMP;
	}
	sieve_list_fini(&list);
	return rc;
}

enum net_next
managesieve_getscript(struct managesieve_session *s)
{
	struct buf *out = net_output(s->conn), text;
	struct pst_error err = { 0 };
	char *name = name_arg(s, 0);
	enum pst_rc rc;

	if (name == NULL)
		return managesieve_no(
		    s, MANAGESIEVE_NONE, "There is no script of that name");
	buf_init(&text, 4 << 20);
	rc = read_text(s, name, &text, &err);
	if (rc == PST_OK) {
		(void)buf_printf(out, "{%zu}\r\n", text.n);
		(void)buf_add_str(out, buf_str(&text));
		(void)buf_puts(out, "\r\n");
	}
	buf_fini(&text);
	free(name);
	return answer(s, NULL, rc, &err);
}

enum net_next
managesieve_deletescript(struct managesieve_session *s)
{
	struct pst_error err = { 0 };
	char *name = name_arg(s, 0);
	enum pst_rc rc;

	if (name == NULL)
		return managesieve_no(
		    s, MANAGESIEVE_NONE, "There is no script of that name");
	rc = sieve_delete(s->account, name, &err);
	free(name);
	return answer(s, NULL, rc, &err);
}

enum net_next
managesieve_renamescript(struct managesieve_session *s)
{
	struct pst_error err = { 0 };
	char *from = name_arg(s, 0), *to = name_arg(s, 1);
	enum net_next next;

	if (from == NULL || to == NULL)
		next = bad_name(s);
	else
		next = answer(
		    s, NULL, sieve_rename(s->account, from, to, &err), &err);
	free(from);
	free(to);
	return next;
}
