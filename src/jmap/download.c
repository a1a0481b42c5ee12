/*
 * jmap/download.c - GET of a blob (RFC 8620, 6.2). Whatever it is, a browser
 * must not take it for a page of ours.
 */
#include "base/log.h"
#include "base/str.h"
#include "jmap/blob.h"
#include "jmap/email.h"
#include "jmap/limit.h"
#include "jmap/parts.h"

#include <stdlib.h>

/* "type/subtype" and nothing that could end the field. */
static bool
is_type(struct pst_str s)
{
	unsigned slashes = 0;

	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];

		slashes += ch == '/';
		if (!ascii_is_alpha(ch) && !ascii_is_digit(ch) &&
		    (ch == '\0' || strchr("/!#$&^_.+-", ch) == NULL))
			return false;
	}
	return slashes == 1 && s.n < 128;
}

/* Does a browser show this type without taking anything in it for a page of
 * ours? With nosniff it takes it for nothing else. */
static bool
is_shown(const char *type)
{
	static const char *const shown[] = { "image/png", "image/jpeg",
		"image/gif", "image/webp", "application/pdf" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (str_is_case(str_of(type), shown[i]))
			return true;
	return false;
}

/* Who adds "show=1" wants to look at it, if that can be. */
static void
put_fields(struct http_request *h, struct pst_str name, const char *type)
{
	struct buf show;
	bool is_asked;

	buf_init(&show, 8);
	is_asked = http_query_get(http_asked(h)->query, "show", &show) &&
		   str_is(buf_str(&show), "1");
	buf_fini(&show);
	if (is_asked && is_shown(type))
		http_add_inline(h, name);
	else
		http_add_attachment(h, name);
	http_add(h, "Cache-Control", "private, immutable, max-age=31536000");
	/* Browsers show no PDF in a sandbox, and run none of its scripts
	 * where the page's are. */
	http_add(h, "Content-Security-Policy",
	    is_asked && str_is_case(str_of(type), "application/pdf")
		? "default-src 'none'; frame-ancestors 'none'"
		: "default-src 'none'; sandbox; frame-ancestors 'none'");
	http_add(h, "Cross-Origin-Resource-Policy", "same-origin");
}

/* The octets of a blob that is wanted. */
static bool
load(struct jmap_request *q, const char *id, struct buf *out, char type_r[128])
{
	struct jmap_call c = { .q = q };
	struct pst_error err = { 0 };
	bool ok;

	if (catalog_open(q->sv->store, q->user, &q->catalog, &err) != PST_OK) {
		log_failure(PST_LOG_ERROR, q->conn, "jmap", &err);
		return false;
	}
	catalog_lock(q->catalog);
	ok = catalog_sync(q->catalog, &err) == PST_OK &&
	     jmap_blob(&c, id, out, type_r);
	catalog_unlock(q->catalog);
	catalog_close(&q->catalog);
	return ok;
}

void
jmap_run_download(struct http_request *h)
{
	const struct http_asked *asked = http_asked(h);
	struct pst_str rest = asked->under, account, id, name;
	struct jmap_request q;
	char blob[JMAP_BLOB], type[128] = "";
	struct buf content, wanted;

	jmap_request_init(&q, h);
	if (!str_split(&rest, '/', &account) || !str_split(&rest, '/', &id) ||
	    !str_is(account, q.account) || !str_copy(blob, sizeof(blob), id)) {
		http_problem(h, 404, NULL, "There is no such blob.");
		return;
	}
	/* A page shows many pictures at once. */
	if (!jmap_busy_begin(
		q.account, JMAP_BUSY_DOWNLOADS, 2 * q.cfg->jmap.requests)) {
		http_add(h, "Retry-After", "1");
		http_problem(h, 429, NULL, "There are too many downloads.");
		return;
	}
	name = rest.n > 0 ? rest : STR("file");
	buf_init(&content, (size_t)1 << 30);
	buf_init(&wanted, 128);
	if (!load(&q, blob, &content, type)) {
		http_problem(h, 404, NULL, "There is no such blob.");
	} else {
		if (http_query_get(asked->query, "type", &wanted) &&
		    is_type(buf_str(&wanted)))
			(void)str_copy(type, sizeof(type), buf_str(&wanted));
		if (!is_type(str_of(type)))
			(void)str_copy(type, sizeof(type),
			    STR("application/octet-stream"));
		put_fields(h, name, type);
		http_answer_buf(h, 200, type, &content);
	}
	buf_fini(&content);
	buf_fini(&wanted);
	jmap_busy_end(q.account, JMAP_BUSY_DOWNLOADS);
}
