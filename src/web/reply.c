/*
 * web/reply.c - see priv.h.
 */
#include "web/priv.h"

#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

json_t *
web_take(struct http_request *h)
{
	struct pst_str body = http_asked(h)->body;
	json_t *root = json_loadb(
	    body.p != NULL ? body.p : "", body.n, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	http_problem(h, 400, NULL, "An object of JSON was expected.");
	return NULL;
}

void
web_answer(struct http_request *h, int status, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	http_add(h, "Cache-Control", "no-store");
	http_answer(h, status, "application/json", str_of(text));
	explicit_bzero(text, strlen(text));
	free(text);
	json_decref(answer);
}

void
web_problem(struct http_request *h, int status, json_t *problem)
{
	char *text;

	(void)json_object_set_new(problem, "status", json_integer(status));
	text = json_dumps(problem, JSON_COMPACT);
	http_add(h, "Cache-Control", "no-store");
	http_answer(h, status, "application/problem+json", str_of(text));
	explicit_bzero(text, strlen(text));
	free(text);
	json_decref(problem);
}

void
web_run(struct http_request *h,
    void (*fn)(struct http_request *h, const json_t *root))
{
	json_t *root = web_take(h);

	if (root != NULL)
		fn(h, root);
	json_decref(root);
}

bool
web_is_limited(
    struct http_request *h, enum limit_kind kind, int64_t most, int64_t window)
{
	int64_t wait = limit_wait(kind, net_peer(http_conn(h)), most, window);
	char text[24];

	if (wait == 0)
		return false;
	(void)snprintf(text, sizeof(text), "%lld", (long long)wait);
	http_add(h, "Retry-After", text);
	http_problem(h, 429, NULL,
	    "There were too many from where you are. Try again later.");
	return true;
}

const char *
web_text(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key);
	const char *text = json_string_value(value);

	return text != NULL && strlen(text) == json_string_length(value) ? text
									 : NULL;
}

void
web_refused(struct http_request *h, const struct pst_error *err)
{
	switch (err->rc) {
	case PST_E_NOTFOUND:
		http_problem(h, 404, NULL, "There is no such thing.");
		return;
	case PST_E_EXISTS:
		http_problem(h, 409, NULL, "There is one already.");
		return;
	case PST_E_SYNTAX:
	case PST_E_LIMIT:
		http_problem(h, 422, NULL, err->detail);
		return;
	default:
		log_failure(PST_LOG_ERROR, net_id(http_conn(h)), "web", err);
		http_problem(h, 503, NULL, "That cannot be done now.");
	}
}
