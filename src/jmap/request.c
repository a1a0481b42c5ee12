/*
 * jmap/request.c - a request (RFC 8620, 3.3), however it came: method calls one
 * after the other, with references to earlier results (3.7).
 */
#include "jmap/call.h"

#include "base/log.h"
#include "base/str.h"
#include "jmap/limit.h"
#include "jmap/parts.h"

#define PROBLEM "urn:ietf:params:jmap:error:"

enum { REFERENCES = 10000, DEPTH = 32 }; /* what a reference may collect */

/* --- problems with the request as a whole (3.6.1) --------------------------
 */

json_t *
jmap_problem(const char *type, int status, const char *detail)
{
	return json_pack("{s:o, s:i, s:s}", "type",
	    type != NULL ? json_sprintf(PROBLEM "%s", type)
			 : json_string("about:blank"),
	    "status", status, "detail", detail);
}

json_t *
jmap_limit_problem(int status, const char *limit)
{
	json_t *problem = jmap_problem(
	    "limit", status, "The request is beyond a limit.");

	(void)json_object_set_new(problem, "limit", json_string(limit));
	return problem;
}

/* NULL, or the problem. */
static json_t *
read_using(struct jmap_request *q, json_t *using)
{
	json_t *item;
	size_t i;

	json_array_foreach(using, i, item)
	{
		unsigned bit = jmap_capability(json_string_value(item));

		if (bit == 0)
			return jmap_problem("unknownCapability", 400,
			    "A capability in \"using\" is not known here.");
		q->using |= bit;
	}
	return NULL;
}

static bool
is_request(json_t *root)
{
	json_t *calls = json_object_get(root, "methodCalls"), *call, *created;
	const char *name;
	json_t *id;
	size_t i;

	if (!json_is_object(root) ||
	    !json_is_array(json_object_get(root, "using")) ||
	    !json_is_array(calls))
		return false;
	created = json_object_get(root, "createdIds");
	if (created != NULL && !json_is_object(created))
		return false;
	json_object_foreach(created, name, id)
	{
		if (!json_is_string(id))
			return false;
	}
	json_array_foreach(calls, i, call)
	{
		if (json_array_size(call) != 3 ||
		    !json_is_string(json_array_get(call, 0)) ||
		    !json_is_object(json_array_get(call, 1)) ||
		    !json_is_string(json_array_get(call, 2)))
			return false;
	}
	return true;
}

/* --- references ------------------------------------------------------------
 */

/* RFC 6901, 4: "~1" is a slash, "~0" a tilde. */
static bool
unescape(struct pst_str part, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < part.n; i++) {
		char c = part.p[i];

		if (n + 1 >= size)
			return false;
		if (c == '~') {
			if (++i == part.n ||
			    (part.p[i] != '0' && part.p[i] != '1'))
				return false;
			c = part.p[i] == '0' ? '~' : '/';
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

/* One step of a path: with "*" over all items. A new reference, or NULL. */
static json_t *
evaluate(json_t *value, struct pst_str path, unsigned depth)
{
	struct pst_str part;
	char key[256];

	if (value == NULL || depth > DEPTH)
		return NULL;
	if (path.n == 0)
		return json_incref(value);
	path = str_from(path, 1);
	part = str_first(path, str_find(path, '/'));
	path = str_from(path, part.n);
	if (json_is_array(value) && str_is(part, "*")) {
		json_t *all = json_array(), *item;
		size_t i;

		json_array_foreach(value, i, item)
		{
			json_t *got = evaluate(item, path, depth + 1);

			if (got == NULL || json_array_size(all) > REFERENCES) {
				json_decref(got);
				json_decref(all);
				return NULL;
			}
			/* Lists of lists become one list. */
			if (json_is_array(got))
				(void)json_array_extend(all, got);
			else
				(void)json_array_append(all, got);
			json_decref(got);
		}
		return all;
	}
	if (json_is_array(value)) {
		uint32_t n;

		return str_to_u32(part, &n)
			   ? evaluate(json_array_get(value, n), path, depth + 1)
			   : NULL;
	}
	if (!json_is_object(value) || !unescape(part, key, sizeof(key)))
		return NULL;
	return evaluate(json_object_get(value, key), path, depth + 1);
}

static json_t *
find_response(struct jmap_request *q, const char *of, const char *name)
{
	json_t *response;
	size_t i;

	json_array_foreach(q->responses, i, response)
	{
		if (strcmp(json_string_value(json_array_get(response, 2)),
			of) == 0)
			return strcmp(json_string_value(
					  json_array_get(response, 0)),
				   name) == 0
				   ? json_array_get(response, 1)
				   : NULL;
	}
	return NULL;
}

static json_t *
resolve(struct jmap_request *q, json_t *reference)
{
	const char *of, *name, *path;

	of = json_string_value(json_object_get(reference, "resultOf"));
	name = json_string_value(json_object_get(reference, "name"));
	path = json_string_value(json_object_get(reference, "path"));
	if (of == NULL || name == NULL || path == NULL ||
	    (path[0] != '/' && path[0] != '\0'))
		return NULL;
	return evaluate(find_response(q, of, name), str_of(path), 0);
}

/* The arguments with what "#name" stands for. False: c->error. */
static bool
resolve_arguments(struct jmap_call *c, json_t *given)
{
	const char *name;
	json_t *value;

	c->args = json_object();
	json_object_foreach(given, name, value)
	{
		json_t *real;

		if (name[0] != '#') {
			(void)json_object_set(c->args, name, value);
			continue;
		}
		if (json_object_get(given, name + 1) != NULL) {
			(void)jmap_error(c, "invalidArguments",
			    "An argument is there twice.");
			return false;
		}
		real = resolve(c->q, value);
		if (real == NULL) {
			(void)jmap_error(c, "invalidResultReference", NULL);
			return false;
		}
		(void)json_object_set_new(c->args, name + 1, real);
	}
	return true;
}

/* --- calls -----------------------------------------------------------------
 */

static const struct jmap_method *
find_method(const struct jmap_request *q, const char *name)
{
	for (const struct jmap_method *m = jmap_methods; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0)
			return (q->using & m->capability) != 0 ? m : NULL;
	return NULL;
}

static bool
check_account(struct jmap_call *c, const struct jmap_method *m)
{
	const char *account;

	if (m->no_account)
		return true;
	if (!jmap_get_text(c, "accountId", &account))
		return false;
	if (account != NULL && strcmp(account, c->q->account) == 0)
		return true;
	(void)jmap_error(
	    c, account != NULL ? "accountNotFound" : "invalidArguments", NULL);
	return false;
}

static json_t *
run_method(struct jmap_call *c, json_t *given)
{
	const struct jmap_method *m = find_method(c->q, c->name);
	struct pst_error err = { 0 };

	if (m == NULL)
		return jmap_error(c, "unknownMethod", NULL);
	if (!resolve_arguments(c, given) || !check_account(c, m))
		return c->error;
	if (!m->no_account && catalog_sync(c->q->catalog, &err) != PST_OK)
		return jmap_failed(c, &err);
	return m->run(c);
}

static void
run_call(struct jmap_request *q, json_t *call)
{
	struct jmap_call c = { .q = q,
		.name = json_string_value(json_array_get(call, 0)),
		.id = json_string_value(json_array_get(call, 2)) };
	json_t *result = run_method(&c, json_array_get(call, 1));
	bool is_error = result == c.error && c.error != NULL;

	if (!is_error)
		json_decref(c.error);
	(void)json_array_append_new(q->responses,
	    json_pack("[s, o, s]", is_error ? "error" : c.name, result, c.id));
	if (c.also != NULL)
		(void)json_array_extend(q->responses, c.also);
	json_decref(c.also);
	json_decref(c.args);
}

static json_t *
make_response(struct jmap_request *q)
{
	json_t *root = json_pack("{s:O, s:s}", "methodResponses", q->responses,
	    "sessionState", q->account);

	if (q->tells_created)
		(void)json_object_set(root, "createdIds", q->created);
	return root;
}

static json_t *
run_calls(struct jmap_request *q, json_t *root, json_t **problem_r)
{
	json_t *call, *created = json_object_get(root, "createdIds");
	json_t *response = NULL;
	struct pst_error err = { 0 };
	size_t i;

	if (catalog_open(q->sv->store, q->user, &q->catalog, &err) != PST_OK) {
		log_failure(PST_LOG_ERROR, q->conn, "jmap", &err);
		*problem_r = jmap_problem(
		    NULL, 503, "The mail cannot be opened.");
		return NULL;
	}
	q->tells_created = created != NULL;
	q->created = created != NULL ? json_incref(created) : json_object();
	q->responses = json_array();
	catalog_lock(q->catalog);
	json_array_foreach(json_object_get(root, "methodCalls"), i, call)
	    run_call(q, call);
	catalog_unlock(q->catalog);
	catalog_close(&q->catalog);
	response = make_response(q);
	json_decref(q->responses);
	json_decref(q->created);
	return response;
}

json_t *
jmap_respond(struct jmap_request *q, json_t *root, json_t **problem_r)
{
	json_t *response;

	*problem_r = NULL;
	if (root == NULL)
		*problem_r = jmap_problem("notJSON", 400, "That is no I-JSON.");
	else if (!is_request(root))
		*problem_r = jmap_problem(
		    "notRequest", 400, "That is no JMAP request.");
	else if (json_array_size(json_object_get(root, "methodCalls")) >
		 JMAP_CALLS)
		*problem_r = jmap_limit_problem(400, "maxCallsInRequest");
	else
		*problem_r = read_using(q, json_object_get(root, "using"));
	if (*problem_r != NULL)
		return NULL;
	/* Calls wait for the account's catalog, with a worker each. */
	if (!jmap_busy_begin(
		q->account, JMAP_BUSY_REQUESTS, q->cfg->jmap.requests)) {
		*problem_r = jmap_limit_problem(400, "maxConcurrentRequests");
		return NULL;
	}
	response = run_calls(q, root, problem_r);
	jmap_busy_end(q->account, JMAP_BUSY_REQUESTS);
	return response;
}
