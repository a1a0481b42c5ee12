/*
 * ask.c - see ask.h. An answer that is too large is cut, and the request ends
 * with the connection; so requests that change something had better not answer
 * with much (request_queue.c has "quiet").
 */
#include "admin/ask.h"

#include "admin/client.h"
#include "base/clock.h"
#include <stdatomic.h>

static atomic_int asking;

/* What an item takes, roughly. */
static size_t
weight(const json_t *item)
{
	return json_dumpb(item, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static enum pst_rc
gather(struct admin_connection *conn, json_t *items, bool *cut_r,
    struct pst_error *err)
{
	size_t octets = 0;

	for (;;) {
		json_t *line = NULL, *item;
		enum pst_rc rc = admin_receive(conn, &line, err);

		if (rc != PST_OK || line == NULL)
			return rc;
		item = json_object_get(line, "item");
		octets += item != NULL ? weight(item) : 0;
		*cut_r = octets > ADMIN_ASK_OCTETS ||
			 json_array_size(items) == ADMIN_ASK_ITEMS;
		if (item != NULL && !*cut_r)
			(void)json_array_append(items, item);
		json_decref(line);
		if (*cut_r)
			return PST_OK;
	}
}

static enum pst_rc
ask(const char *path, int64_t seconds, json_t *request, json_t *items,
    bool *cut_r, struct pst_error *err)
{
	struct admin_connection conn;
	enum pst_rc rc = admin_connect(path, &conn, err);

	if (rc != PST_OK) {
		json_decref(request);
		/* It may be starting, or ending. */
		return pst_fail(err, PST_E_TEMP, 0, "%s",
		    "the server does not answer questions yet");
	}
	conn.deadline = clock_monotonic() + seconds * 1000000;
	rc = admin_send(&conn, request, err);
	if (rc == PST_OK)
		rc = gather(&conn, items, cut_r, err);
	admin_disconnect(&conn);
	return rc;
}

enum pst_rc
admin_ask(const char *path, int64_t seconds, json_t *request, json_t **items_r,
    bool *cut_r, struct pst_error *err)
{
	enum pst_rc rc;

	*items_r = json_array();
	*cut_r = false;
	if (atomic_fetch_add(&asking, 1) >= ADMIN_ASK_AT_ONCE) {
		json_decref(request);
		rc = pst_fail(err, PST_E_TEMP, 0,
		    "others ask the server just now: try again");
	} else {
		rc = ask(path, seconds, request, *items_r, cut_r, err);
	}
	(void)atomic_fetch_sub(&asking, 1);
	return rc;
}
