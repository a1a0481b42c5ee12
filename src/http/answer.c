/*
 * http/answer.c - answers: the head, content at once or while it is read,
 * compression.
 */
#include "http/priv.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

enum {
	WORTH = 1024, /* octets: less is not compressed */
	GZIP = 16,    /* added to the window's size */
	WINDOW = 15,
	LEVEL = 4,
	MEMORY = 8,
	NAME_OCTETS = 255, /* of a file */
};

static const char *
phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} known[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status)
			return known[i].phrase;
	return "Other";
}

void
http_add(struct http_request *r, const char *name, const char *value)
{
	if (strpbrk(value, "\r\n") == NULL)
		(void)buf_printf(&r->fields, "%s: %s\r\n", name, value);
}

static void
put_date(struct buf *out)
{
	time_t now = (time_t)clock_seconds();
	struct tm tm;
	char text[40];

	(void)gmtime_r(&now, &tm);
	(void)strftime(
	    text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	(void)buf_puts(out, text);
}

void
http_begin_answer(
    struct http_request *r, int status, const char *type, uint64_t size)
{
	struct buf *out = net_output(r->conn);

	r->answered = true;
	if (size == HTTP_UNTOLD && !r->in_chunks)
		r->closes = true;
	(void)buf_printf(out, "HTTP/1.1 %d %s\r\n", status, phrase(status));
	put_date(out);
	if (type != NULL)
		(void)buf_printf(out, "Content-Type: %s\r\n", type);
	/* RFC 9110, 8.6: 204 and 304 have none. */
	if (size != HTTP_UNTOLD && status != 204 && status != 304)
		(void)buf_printf(out, "Content-Length: %" PRIu64 "\r\n", size);
	if (r->in_chunks)
		(void)buf_puts(out, "Transfer-Encoding: chunked\r\n");
	if (r->closes)
		(void)buf_puts(out, "Connection: close\r\n");
	(void)buf_add(out, r->fields.p, r->fields.n);
	(void)buf_puts(out, "X-Content-Type-Options: nosniff\r\n\r\n");
	r->mode = HTTP_SEND_MODE;
}

/* Of text, JSON and the like. */
static bool
can_shrink(const char *type)
{
	return strncmp(type, "text/", 5) == 0 || strstr(type, "json") != NULL ||
	       strstr(type, "xml") != NULL ||
	       strstr(type, "javascript") != NULL;
}

static bool
is_encoded(const struct http_request *r)
{
	return str_find_case(buf_str(&r->fields), STR("Content-Encoding:")) !=
	       SIZE_MAX;
}

/* Compresses the content when that is worth it. */
static void
shrink(struct http_request *r, const char *type)
{
	z_stream z = { 0 };
	size_t bound;
	char *out;

	if (type == NULL || r->content.n < WORTH || !can_shrink(type) ||
	    is_encoded(r))
		return;
	http_add(r, "Vary", "Accept-Encoding");
	if (!http_head_lists(&r->head, "Accept-Encoding", "gzip") ||
	    deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW + GZIP, MEMORY,
		Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	bound = deflateBound(&z, (uLong)r->content.n);
	out = mem_alloc(bound);
	z.next_in = (Bytef *)r->content.p;
	z.avail_in = (uInt)r->content.n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END &&
	    z.total_out < r->content.n) {
		buf_clear(&r->content);
		(void)buf_add(&r->content, out, z.total_out);
		http_add(r, "Content-Encoding", "gzip");
	}
	(void)deflateEnd(&z);
	free(out);
}

static void
answer_content(struct http_request *r, int status, const char *type)
{
	shrink(r, type);
	http_begin_answer(r, status, type, r->content.n);
	if (r->asked.is_head)
		buf_clear(&r->content);
	r->sent = 0;
}

void
http_answer(struct http_request *r, int status, const char *type,
    struct pst_str content)
{
	buf_clear(&r->content);
	(void)buf_add_str(&r->content, content);
	answer_content(r, status, type);
}

void
http_answer_buf(
    struct http_request *r, int status, const char *type, struct buf *content)
{
	buf_fini(&r->content);
	r->content = *content;
	buf_init(content, content->max);
	answer_content(r, status, type);
}

void
http_problem(
    struct http_request *r, int status, const char *type, const char *detail)
{
	json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type",
	    type != NULL ? type : "about:blank", "title", phrase(status),
	    "status", status, "detail", detail);
	char *text = json_dumps(problem, JSON_COMPACT);

	http_answer(r, status, "application/problem+json",
	    text != NULL ? str_of(text) : STR_NONE);
	free(text);
	json_decref(problem);
}

void
http_refuse_large(struct http_request *r, const char *detail)
{
	bool is_upload = (r->route->flags & HTTP_LARGE) != 0;
	json_t *problem;
	char *text;

	if ((r->route->flags & HTTP_LIMITS) == 0) {
		http_problem(r, 413, NULL, detail);
		return;
	}
	problem = json_pack("{s:s, s:s, s:i, s:s}", "type",
	    "urn:ietf:params:jmap:error:limit", "limit",
	    is_upload ? "maxSizeUpload" : "maxSizeRequest", "status", 413,
	    "detail", detail);
	text = json_dumps(problem, JSON_COMPACT);
	http_answer(r, 413, "application/problem+json", str_of(text));
	free(text);
	json_decref(problem);
}

static void
add_disposition(struct http_request *r, const char *how, struct pst_str name)
{
	struct buf text;

	buf_init(&text, 4096);
	(void)buf_printf(&text, "%s; filename*=UTF-8''", how);
	(void)http_percent_encode(str_first(name, NAME_OCTETS), &text);
	(void)buf_putc(&text, '\0');
	http_add(r, "Content-Disposition", text.p);
	buf_fini(&text);
}

void
http_add_attachment(struct http_request *r, struct pst_str name)
{
	add_disposition(r, "attachment", name);
}

void
http_add_inline(struct http_request *r, struct pst_str name)
{
	add_disposition(r, "inline", name);
}

void
http_stream(struct http_request *r, int status, const char *type, uint64_t size,
    const struct http_source *source)
{
	r->has_source = true;
	r->source = *source;
	r->source_left = r->asked.is_head ? 0 : size;
	r->in_chunks = size == HTTP_UNTOLD && !r->head.is_old;
	http_begin_answer(r, status, type, size);
}

void
http_live(
    struct http_request *r, const char *type, const struct http_live *live)
{
	http_begin_answer(r, 200, type, HTTP_UNTOLD);
	http_begin_live(r, live);
}

void
http_end_source(struct http_request *r)
{
	if (r->has_source && r->source.close != NULL)
		r->source.close(r->source.arg);
	r->has_source = false;
	if (r->live.close != NULL)
		r->live.close(r->live.arg);
	r->live = (struct http_live){ 0 };
}
