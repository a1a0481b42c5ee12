/*
 * jmap/blob_copy.c - Blob/copy (RFC 8620, 6.3). Users have one account each, so
 * all that can be copied is there already.
 */
#include "jmap/email.h"

json_t *
jmap_blob_copy(struct jmap_call *c)
{
	json_t *ids, *item, *copied, *failed, *answer;
	const char *from;
	size_t i;

	if (!jmap_get_text(c, "fromAccountId", &from) ||
	    !jmap_get_list(c, "blobIds", &ids))
		return c->error;
	if (from == NULL || ids == NULL)
		return jmap_error(c, "invalidArguments", NULL);
	if (strcmp(from, c->q->account) != 0)
		return jmap_error(c, "fromAccountNotFound", NULL);
	if (json_array_size(ids) > JMAP_GET)
		return jmap_error(c, "requestTooLarge", NULL);
	copied = json_object();
	failed = json_object();
	json_array_foreach(ids, i, item)
	{
		const char *id = json_string_value(item);
		char type[128];
		struct buf content;

		buf_init(&content, (size_t)c->q->cfg->http.upload_size);
		if (jmap_blob(c, id, &content, type))
			(void)json_object_set(copied, id, item);
		else
			(void)json_object_set_new(
			    failed, id, jmap_set_error("notFound", NULL, NULL));
		buf_fini(&content);
	}
	answer = json_pack(
	    "{s:s, s:s}", "fromAccountId", from, "accountId", c->q->account);
	(void)json_object_set_new(answer, "copied",
	    json_object_size(copied) > 0 ? json_incref(copied) : json_null());
	(void)json_object_set_new(answer, "notCopied",
	    json_object_size(failed) > 0 ? json_incref(failed) : json_null());
	json_decref(copied);
	json_decref(failed);
	return answer;
}
