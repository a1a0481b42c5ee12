/*
 * jmap/session.c - the session resource (RFC 8620, 2), and which paths there
 * are.
 */
#include "jmap/jmap.h"

#include "base/str.h"
#include "jmap/parts.h"
#include "jmap/push.h"
#include "jmap/sieve.h"

#include <stdlib.h>

#define WEBSOCKET "urn:ietf:params:jmap:websocket"
#define VAPID "urn:ietf:params:jmap:webpush-vapid"
#define SIEVE "urn:ietf:params:jmap:sieve"
#define SIEVE_TEST "https://cyrusimap.org/ns/jmap/sieve" /* sieve_test.c */

static const struct {
	const char *name;
	unsigned bit;
	bool of_server; /* not of accounts */
} capabilities[] = {
	{ "urn:ietf:params:jmap:core", JMAP_CORE, true },
	{ "urn:ietf:params:jmap:mail", JMAP_MAIL, false },
	{ "urn:ietf:params:jmap:submission", JMAP_SUBMISSION, false },
	{ "urn:ietf:params:jmap:quota", JMAP_QUOTA, false },
	{ "urn:ietf:params:jmap:vacationresponse", JMAP_VACATION, false },
	{ WEBSOCKET, JMAP_WEBSOCKET, true },
	{ VAPID, JMAP_VAPID, true },
	{ SIEVE, JMAP_SIEVE, false },
	{ SIEVE_TEST, JMAP_SIEVE_TEST, false },
};
#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

unsigned
jmap_capability(const char *name)
{
	for (size_t i = 0; name != NULL && i < CAPABILITIES; i++)
		if (strcmp(name, capabilities[i].name) == 0)
			return capabilities[i].bit;
	return 0;
}

void
jmap_request_init(struct jmap_request *q, struct http_request *h)
{
	memset(q, 0, sizeof(*q));
	q->http = h;
	q->conn = net_id(http_conn(h));
	q->sv = http_services(h);
	q->cfg = http_config_ref(h);
	q->user = http_user(h);
	jmap_make_id("A", str_of(q->user->address), q->account);
}

static json_t *
core_capability(const struct config *cfg)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:[s, s]}",
	    "maxSizeUpload", (json_int_t)cfg->http.upload_size,
	    "maxConcurrentUpload", (json_int_t)cfg->jmap.uploads,
	    "maxSizeRequest", (json_int_t)cfg->http.body_size,
	    "maxConcurrentRequests", (json_int_t)cfg->jmap.requests,
	    "maxCallsInRequest", JMAP_CALLS, "maxObjectsInGet", JMAP_GET,
	    "maxObjectsInSet", JMAP_SET, "collationAlgorithms",
	    "i;ascii-casemap", "i;unicode-casemap");
}

/* RFC 8621, 1.3.1. */
static json_t *
mail_capability(const struct config *cfg)
{
	return json_pack("{s:i, s:n, s:i, s:I, s:[s,s,s,s,s,s,s,s,s], s:b}",
	    "maxMailboxesPerEmail", JMAP_MAILBOXES, "maxMailboxDepth",
	    "maxSizeMailboxName", 490, "maxSizeAttachmentsPerEmail",
	    (json_int_t)cfg->http.upload_size, "emailQuerySortOptions",
	    "receivedAt", "sentAt", "size", "from", "to", "subject",
	    "hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword",
	    "mayCreateTopLevelMailbox", 1);
}

static json_t *
submission_capability(void)
{
	return json_pack("{s:i, s:{s:[]}}", "maxDelayedSend", JMAP_DELAY_MOST,
	    "submissionExtensions", "FUTURERELEASE");
}

/* RFC 8887, 3.1: "ws" for "http". */
static json_t *
websocket_capability(const char *origin)
{
	return json_pack("{s:o, s:b}", "url",
	    json_sprintf("ws%s/jmap/ws", origin + 4), "supportsPush", 1);
}

static json_t *
account_capabilities(const struct config *cfg)
{
	return json_pack("{s:{}, s:o, s:o, s:{}, s:{}, s:o, s:{}}",
	    capabilities[0].name, capabilities[1].name, mail_capability(cfg),
	    capabilities[2].name, submission_capability(), capabilities[3].name,
	    capabilities[4].name, SIEVE, jmap_sieve_capability(cfg),
	    SIEVE_TEST);
}

void
jmap_run_session(struct http_request *h)
{
	struct jmap_request q;
	json_t *root, *primary = json_object(), *offered = json_object();
	const char *origin = http_origin(h);
	char *text;

	jmap_request_init(&q, h);
	for (size_t i = 0; i < CAPABILITIES; i++) {
		(void)json_object_set_new(offered, capabilities[i].name,
		    i == 0 ? core_capability(q.cfg) : json_object());
		if (!capabilities[i].of_server)
			(void)json_object_set_new(primary, capabilities[i].name,
			    json_string(q.account));
	}
	(void)json_object_set_new(
	    offered, WEBSOCKET, websocket_capability(origin));
	/* RFC 9661, 1.2.1. */
	(void)json_object_set_new(offered, SIEVE,
	    json_pack("{s:s}", "implementation", "Postern " PACKAGE_VERSION));
	/* RFC 9749, 3. */
	if (jmap_push_key() != NULL)
		(void)json_object_set_new(offered, VAPID,
		    json_pack(
			"{s:s}", "applicationServerKey", jmap_push_key()));
	else
		(void)json_object_del(offered, VAPID);
	root = json_pack("{s:o, s:{s:{s:s, s:b, s:b, s:o}}, s:o, s:s, s:s}",
	    "capabilities", offered, "accounts", q.account, "name",
	    q.user->address, "isPersonal", 1, "isReadOnly", 0,
	    "accountCapabilities", account_capabilities(q.cfg),
	    "primaryAccounts", primary, "username", q.user->address, "state",
	    q.account);
	(void)json_object_set_new(
	    root, "apiUrl", json_sprintf("%s/jmap/api", origin));
	(void)json_object_set_new(root, "downloadUrl",
	    json_sprintf("%s/jmap/download/{accountId}/{blobId}/{name}"
			 "?type={type}",
		origin));
	(void)json_object_set_new(root, "uploadUrl",
	    json_sprintf("%s/jmap/upload/{accountId}", origin));
	(void)json_object_set_new(root, "eventSourceUrl",
	    json_sprintf("%s/jmap/events?types={types}&closeafter="
			 "{closeafter}&ping={ping}",
		origin));
	text = json_dumps(root, JSON_COMPACT);
	http_add(h, "Cache-Control", "no-cache, no-store, must-revalidate");
	http_answer(h, 200, "application/json", str_of(text));
	free(text);
	json_decref(root);
}

const struct http_route jmap_routes[] = {
	{ "GET", "/.well-known/jmap", HTTP_LOGIN, jmap_run_session, NULL, NULL,
	    NULL },
	{ "GET", "/jmap/session", HTTP_LOGIN, jmap_run_session, NULL, NULL,
	    NULL },
	{ "POST", "/jmap/api", HTTP_LOGIN | HTTP_LIMITS, jmap_run_api, NULL,
	    NULL, NULL },
	{ "POST", "/jmap/upload/*", HTTP_LOGIN | HTTP_LARGE | HTTP_LIMITS,
	    jmap_run_upload, jmap_begin_upload, jmap_take_upload,
	    jmap_end_upload },
	{ "GET", "/jmap/download/*", HTTP_LOGIN, jmap_run_download, NULL, NULL,
	    NULL },
	{ "GET", "/jmap/events", HTTP_LOGIN, jmap_run_events, NULL, NULL,
	    NULL },
	{ "GET", "/jmap/ws", HTTP_LOGIN | HTTP_SOCKET, jmap_run_websocket, NULL,
	    NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
