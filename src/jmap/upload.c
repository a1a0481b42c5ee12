/*
 * jmap/upload.c - POST of a file (RFC 8620, 6.1).
 */
#include "base/log.h"
#include "base/str.h"
#include "jmap/blob.h"
#include "jmap/limit.h"
#include "jmap/parts.h"

#include <stdlib.h>

static void
failed(struct http_request *h, const struct pst_error *err)
{
	if (err->rc == PST_E_QUOTA) {
		jmap_answer_problem(
		    h, jmap_limit_problem(413, "maxSizeUpload"));
		return;
	}
	log_failure(PST_LOG_ERROR, net_id(http_conn(h)), "upload", err);
	http_problem(h, 503, NULL, "It cannot be kept now.");
}

void
jmap_begin_upload(struct http_request *h)
{
	struct jmap_request q;
	struct pst_error err = { 0 };
	struct jmap_upload *u;

	jmap_request_init(&q, h);
	if (!str_is(http_asked(h)->under, q.account)) {
		http_problem(h, 404, NULL, "There is no such account.");
		return;
	}
	if (!jmap_busy_begin(
		q.account, JMAP_BUSY_UPLOADS, q.cfg->jmap.uploads)) {
		jmap_answer_problem(
		    h, jmap_limit_problem(400, "maxConcurrentUpload"));
		return;
	}
	u = jmap_upload_new(q.cfg, q.account, &err);
	http_set_state(h, u);
	if (u == NULL) {
		jmap_busy_end(q.account, JMAP_BUSY_UPLOADS);
		failed(h, &err);
	}
}

/* It is over, one way or the other. */
static void
forget(struct http_request *h)
{
	struct jmap_upload *u = http_state(h);
	struct jmap_request q;

	if (u == NULL)
		return;
	jmap_request_init(&q, h);
	jmap_upload_free(&u);
	http_set_state(h, NULL);
	jmap_busy_end(q.account, JMAP_BUSY_UPLOADS);
}

bool
jmap_take_upload(struct http_request *h, struct pst_str piece)
{
	struct pst_error err = { 0 };

	if (jmap_upload_write(http_state(h), piece, &err))
		return true;
	failed(h, &err);
	return false;
}

void
jmap_end_upload(struct http_request *h, bool whole)
{
	if (!whole)
		forget(h);
}

/* What the client says of it, if it looks like a type. */
static void
type_of(const struct http_request *h, char type_r[128])
{
	struct pst_str type = http_head_field(
	    http_asked(h)->head, "Content-Type");

	type = str_trim(str_first(type, str_find(type, ';')));
	if (type.n == 0 || type.n >= 127)
		type = STR("application/octet-stream");
	(void)str_copy(type_r, 128, type);
}

void
jmap_run_upload(struct http_request *h)
{
	struct jmap_upload *u = http_state(h);
	struct jmap_request q;
	struct pst_error err = { 0 };
	char id[JMAP_ID], type[128];
	uint64_t size;
	json_t *answer;
	enum pst_rc rc;
	char *text;

	jmap_request_init(&q, h);
	type_of(h, type);
	rc = jmap_upload_keep(u, type, id, &size, &err);
	forget(h);
	if (rc != PST_OK) {
		failed(h, &err);
		return;
	}
	answer = json_pack("{s:s, s:s, s:s, s:I}", "accountId", q.account,
	    "blobId", id, "type", type, "size", (json_int_t)size);
	text = json_dumps(answer, JSON_COMPACT);
	http_answer(h, 201, "application/json", str_of(text));
	free(text);
	json_decref(answer);
}
