/*
 * why_item.c - what happened to messages, as items of an answer: see why.h.
 */
#include "admin/protocol.h"
#include "admin/why.h"
#include "base/str.h"
#include <inttypes.h>
#include <time.h>

bool
why_query(const json_t *request, struct story_query *q_r)
{
	int64_t since = json_integer_value(json_object_get(request, "since"));

	*q_r = (struct story_query){
		.id = admin_member(request, "id"),
		.message_id = admin_member(request, "message-id"),
		.from = admin_member(request, "from"),
		.to = admin_member(request, "to"),
		.user = admin_member(request, "user"),
		.since = since > 0 && since < INT64_MAX / 1000000
			     ? since * 1000000
			     : 0,
		.until = INT64_MAX,
		.most = WHY_MOST,
	};
	return q_r->id != NULL || q_r->message_id != NULL ||
	       q_r->from != NULL || q_r->to != NULL;
}

static json_t *
time_text(int64_t at)
{
	time_t seconds = (time_t)(at / 1000000);
	char day[40], text[64];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(
	    text, sizeof(text), "%s.%03dZ", day, (int)(at / 1000 % 1000));
	return json_string(text);
}

json_t *
why_item(size_t story, const struct trail_event *e)
{
	json_t *item = json_object(), *what = json_object();

	json_object_set_new(item, "story", json_integer((json_int_t)story));
	json_object_set_new(item, "time", time_text(e->time));
	json_object_set_new(item, "id", admin_json_text(str_of(e->id)));
	json_object_set_new(item, "event", admin_json_text(str_of(e->event)));
	for (size_t i = 0; i < e->pairs; i++)
		json_object_set_new(what, e->pair[i].key,
		    admin_json_text(
			str_first(str_of(e->pair[i].value), WHY_VALUE)));
	json_object_set_new(item, "what", what);
	return item;
}
