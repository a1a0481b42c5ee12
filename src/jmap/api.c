/*
 * jmap/api.c - requests by POST (RFC 8620, 3.1).
 */
#include "base/str.h"
#include "jmap/parts.h"

#include <stdlib.h>

static bool
is_json(const struct http_request *h)
{
	struct pst_str type = http_head_field(
	    http_asked(h)->head, "Content-Type");

	type = str_trim(str_first(type, str_find(type, ';')));
	return str_is_case(type, "application/json");
}

void
jmap_answer_problem(struct http_request *h, json_t *problem)
{
	char *text = json_dumps(problem, JSON_COMPACT);

	http_answer(h,
	    (int)json_integer_value(json_object_get(problem, "status")),
	    "application/problem+json", str_of(text));
	free(text);
	json_decref(problem);
}

static void
answer(struct http_request *h, json_t *response)
{
	char *text = json_dumps(response, JSON_COMPACT);
	struct buf out;

	json_decref(response);
	buf_init(&out, (size_t)1 << 30);
	(void)buf_puts(&out, text != NULL ? text : "{}");
	free(text);
	http_add(h, "Cache-Control", "no-store");
	http_answer_buf(h, 200, "application/json", &out);
	buf_fini(&out);
}

void
jmap_run_api(struct http_request *h)
{
	struct pst_str body = http_asked(h)->body;
	json_t *root, *response, *problem;
	struct jmap_request q;

	if (!is_json(h)) {
		jmap_answer_problem(h, jmap_problem("notJSON", 400,
					   "The content is not "
					   "application/json."));
		return;
	}
	jmap_request_init(&q, h);
	root = json_loadb(
	    body.p != NULL ? body.p : "", body.n, JSON_REJECT_DUPLICATES, NULL);
	response = jmap_respond(&q, root, &problem);
	json_decref(root);
	if (response != NULL)
		answer(h, response);
	else
		jmap_answer_problem(h, problem);
}
