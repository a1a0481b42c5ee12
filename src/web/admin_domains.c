/*
 * web/admin_domains.c - domains, aliases and addresses that users forward to,
 * for administrators.
 */
#include "web/admin.h"

#include "base/str.h"

enum { ROWS = 500 }; /* of one answer */

/* A list that is cut where there are too many. */
struct listing {
	char text[257]; /* within one of the addresses; "": any */
	json_t *rows;
	bool more;
};

static void
add_row(struct listing *l, json_t *row)
{
	l->more = json_array_size(l->rows) >= ROWS;
	if (l->more)
		json_decref(row);
	else
		(void)json_array_append_new(l->rows, row);
}

static bool
holds(const struct listing *l, const char *text)
{
	return l->text[0] == '\0' ||
	       str_find_case(str_of(text), str_of(l->text)) != SIZE_MAX;
}

/* Answers with the rows, or with what went wrong. */
static void
answer_rows(struct http_request *h, const char *name, struct listing *l,
    enum pst_rc rc, const struct pst_error *err)
{
	if (rc == PST_OK) {
		web_answer(h, 200,
		    json_pack(
			"{s:o, s:b}", name, l->rows, "more", (int)l->more));
		return;
	}
	json_decref(l->rows);
	web_admin_refused(h, err);
}

/* 204, or what went wrong. */
static bool
answer_done(struct http_request *h, enum pst_rc rc, const struct pst_error *err)
{
	if (rc == PST_OK)
		http_answer(h, 204, NULL, STR_NONE);
	else
		web_admin_refused(h, err);
	return rc == PST_OK;
}

/* The content, of an administrator. NULL: it was answered. */
static json_t *
take(struct http_request *h)
{
	return web_is_admin(h) ? web_take(h) : NULL;
}

static const char *
text_of(const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text != NULL ? text : "";
}

/* DELETE .../ADDRESS?target=TARGET, or all of its targets. */
static void
remove_pair(struct http_request *h,
    enum pst_rc (*remove)(struct accounts *a, const char *address,
	const char *target, struct pst_error *err),
    const char *event, const char *label)
{
	const char *address = http_asked(h)->under.p;
	struct pst_error err = { 0 };
	char text[400];
	const char *target = web_query(h, "target", text, sizeof(text)) ? text
									: NULL;

	if (web_is_admin(h) &&
	    answer_done(h,
		remove(http_services(h)->accounts, address, target, &err),
		&err))
		web_admin_log(h, event, label, address, target);
}

/* --- domains -----------------------------------------------------------------
 */

struct domains {
	struct listing list;
	const struct config *cfg;
};

static void
list_domain(void *arg, const char *domain, bool configured, const char *storage)
{
	struct domains *d = arg;

	add_row(
	    &d->list, json_pack("{s:s, s:b, s:s, s:s}", "domain", domain,
			  "configured", (int)configured, "signup",
			  web_signup_mode(d->cfg, domain), "storage", storage));
}

static void
run_domains(struct http_request *h)
{
	struct domains d = { .cfg = http_config(h) };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!web_is_admin(h))
		return;
	d.list.rows = json_array();
	rc = domain_each(http_services(h)->accounts, list_domain, &d, &err);
	answer_rows(h, "domains", &d.list, rc, &err);
}

static void
run_domain_add(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *root = take(h);
	const char *domain = text_of(root, "domain");

	if (root != NULL &&
	    answer_done(
		h, domain_add(http_services(h)->accounts, domain, &err), &err))
		web_admin_log(h, "domain-added", "domain", domain, NULL);
	json_decref(root);
}

static void
run_domain_delete(struct http_request *h)
{
	const char *domain = http_asked(h)->under.p;
	struct pst_error err = { 0 };

	if (web_is_admin(h) &&
	    answer_done(h,
		domain_delete(http_services(h)->accounts, domain, &err), &err))
		web_admin_log(h, "domain-deleted", "domain", domain, NULL);
}

/* --- aliases -----------------------------------------------------------------
 */

static void
list_alias(void *arg, const char *address, const char *target)
{
	struct listing *l = arg;

	if (holds(l, address) || holds(l, target))
		add_row(l, json_pack("{s:s, s:s}", "address", address, "target",
			       target));
}

static void
run_aliases(struct http_request *h)
{
	struct listing l = { .text = "" };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!web_is_admin(h))
		return;
	(void)web_query(h, "q", l.text, sizeof(l.text));
	l.rows = json_array();
	rc = alias_each(http_services(h)->accounts, NULL, list_alias, &l, &err);
	answer_rows(h, "aliases", &l, rc, &err);
}

static void
run_alias_add(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *root = take(h);
	const char *address = text_of(root, "address"),
		   *target = text_of(root, "target");

	if (root != NULL &&
	    answer_done(h,
		alias_add(http_services(h)->accounts, address, target, &err),
		&err))
		web_admin_log(h, "alias-added", "alias", address, target);
	json_decref(root);
}

static void
run_alias_delete(struct http_request *h)
{
	remove_pair(h, alias_delete, "alias-deleted", "alias");
}

/* --- forwards ----------------------------------------------------------------
 */

static void
list_forward(void *arg, const char *user, const char *target, bool keeps)
{
	struct listing *l = arg;

	if (holds(l, user) || holds(l, target))
		add_row(l, json_pack("{s:s, s:s, s:b}", "user", user, "target",
			       target, "keep", (int)keeps));
}

static void
run_forwards(struct http_request *h)
{
	struct listing l = { .text = "" };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!web_is_admin(h))
		return;
	(void)web_query(h, "q", l.text, sizeof(l.text));
	l.rows = json_array();
	rc = forward_each(
	    http_services(h)->accounts, NULL, list_forward, &l, &err);
	answer_rows(h, "forwards", &l, rc, &err);
}

static void
run_forward_add(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *root = take(h);
	const json_t *keep = json_object_get(root, "keep");
	const char *user = text_of(root, "user"),
		   *target = text_of(root, "target");
	struct accounts *a = http_services(h)->accounts;
	enum pst_rc rc;

	if (root == NULL)
		return;
	rc = forward_add(a, user, target, &err);
	if (rc == PST_OK && keep != NULL)
		rc = forward_keep(a, user, json_is_true(keep), &err);
	if (answer_done(h, rc, &err))
		web_admin_log(h, "forward-added", "user", user, target);
	json_decref(root);
}

static void
run_forward_keep(struct http_request *h)
{
	const char *user = http_asked(h)->under.p;
	struct pst_error err = { 0 };
	json_t *root = take(h);
	bool keep = json_is_true(json_object_get(root, "keep"));

	if (root != NULL &&
	    answer_done(h,
		forward_keep(http_services(h)->accounts, user, keep, &err),
		&err))
		web_admin_log(h, "forward-keeps", "user", user,
		    keep ? "a copy" : "nothing");
	json_decref(root);
}

static void
run_forward_delete(struct http_request *h)
{
	remove_pair(h, forward_delete, "forward-deleted", "user");
}

const struct http_route web_domain_routes[] = {
	{ "GET", "/web/admin/domains", HTTP_LOGIN, run_domains, NULL, NULL,
	    NULL },
	{ "POST", "/web/admin/domains", HTTP_LOGIN, run_domain_add, NULL, NULL,
	    NULL },
	{ "DELETE", "/web/admin/domains/*", HTTP_LOGIN, run_domain_delete, NULL,
	    NULL, NULL },
	{ "GET", "/web/admin/aliases", HTTP_LOGIN, run_aliases, NULL, NULL,
	    NULL },
	{ "POST", "/web/admin/aliases", HTTP_LOGIN, run_alias_add, NULL, NULL,
	    NULL },
	{ "DELETE", "/web/admin/aliases/*", HTTP_LOGIN, run_alias_delete, NULL,
	    NULL, NULL },
	{ "GET", "/web/admin/forwards", HTTP_LOGIN, run_forwards, NULL, NULL,
	    NULL },
	{ "POST", "/web/admin/forwards", HTTP_LOGIN, run_forward_add, NULL,
	    NULL, NULL },
	{ "PATCH", "/web/admin/forwards/*", HTTP_LOGIN, run_forward_keep, NULL,
	    NULL, NULL },
	{ "DELETE", "/web/admin/forwards/*", HTTP_LOGIN, run_forward_delete,
	    NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
