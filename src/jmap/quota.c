/*
 * jmap/quota.c - Quota (RFC 9425): what a user may keep, and keeps.
 */
#include "base/str.h"
#include "jmap/account.h"

static json_t *
quota_object(const char *id, const char *resource, const char *name,
    uint64_t used, uint64_t limit, json_t *properties)
{
	json_t *object = json_pack("{s:s}", "id", id);

	if (jmap_wants(properties, "resourceType"))
		(void)json_object_set_new(
		    object, "resourceType", json_string(resource));
	if (jmap_wants(properties, "used"))
		(void)json_object_set_new(
		    object, "used", json_integer((json_int_t)used));
	if (jmap_wants(properties, "hardLimit"))
		(void)json_object_set_new(
		    object, "hardLimit", json_integer((json_int_t)limit));
	if (jmap_wants(properties, "scope"))
		(void)json_object_set_new(
		    object, "scope", json_string("account"));
	if (jmap_wants(properties, "name"))
		(void)json_object_set_new(object, "name", json_string(name));
	if (jmap_wants(properties, "types"))
		(void)json_object_set_new(
		    object, "types", json_pack("[s]", "Mail"));
	return object;
}

static bool
usage(struct jmap_call *c, struct pst_usage *used, struct pst_usage *limit)
{
	struct pst_error err;

	return mail_account_usage(
		   catalog_account(c->q->catalog), used, limit, &err) == PST_OK;
}

static json_t *
get_quota(struct jmap_call *c, const char *id, json_t *properties)
{
	struct pst_usage used, limit;

	if (!usage(c, &used, &limit))
		return NULL;
	if (strcmp(id, "octets") == 0 && limit.bytes > 0)
		return quota_object(
		    id, "octets", "Space", used.bytes, limit.bytes, properties);
	if (strcmp(id, "count") == 0 && limit.messages > 0)
		return quota_object(id, "count", "Messages", used.messages,
		    limit.messages, properties);
	return NULL;
}

static void
all_quotas(struct jmap_call *c, json_t *ids)
{
	struct pst_usage used, limit;

	if (!usage(c, &used, &limit))
		return;
	if (limit.bytes > 0)
		(void)json_array_append_new(ids, json_string("octets"));
	if (limit.messages > 0)
		(void)json_array_append_new(ids, json_string("count"));
}

static void
quota_state(struct jmap_call *c, struct buf *out)
{
	struct pst_usage used = { 0 }, limit = { 0 };

	(void)usage(c, &used, &limit);
	(void)buf_printf(out, "%llu-%llu-%llu-%llu",
	    (unsigned long long)used.bytes, (unsigned long long)used.messages,
	    (unsigned long long)limit.bytes,
	    (unsigned long long)limit.messages);
}

static bool
knows_quota(const char *name)
{
	static const char *const known[] = { "id", "resourceType", "used",
		"hardLimit", "warnLimit", "softLimit", "scope", "name",
		"description", "types" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

json_t *
jmap_quota_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = { .state = quota_state,
		.one = get_quota,
		.all = all_quotas,
		.knows = knows_quota };

	return jmap_get(c, &getter);
}
