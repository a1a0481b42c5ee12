/*
 * admin/why.h - the lives of messages as items of an answer, the same from the
 * server and from the files when there is none.
 *
 * Threads: plain functions on the caller's data.
 */
#ifndef ADMIN_WHY_H
#define ADMIN_WHY_H

#include "delivery/story.h"
#include <jansson.h>

enum {
	WHY_MOST = 100,	       /* messages in one answer */
	WHY_VALUE = 16 * 1024, /* octets of one text */
};

/* What is asked for, as the request has it; texts are borrowed. False: nothing
 * is. */
bool why_query(const json_t *request, struct story_query *q_r);
/* One event of the message `story`. */
json_t *why_item(size_t story, const struct trail_event *e);

#endif
