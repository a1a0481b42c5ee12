/*
 * A head is parsed the same way whole and from its copy; chunks give the same
 * content in whatever pieces they come; what lists and paths are asked for
 * stays within them; bearer tokens are read as they are made.
 */
#include "account/apps.h"
#include "base/str.h"
#include "http/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
chunks(struct pst_str text, size_t piece, struct buf *out, int *how)
{
	struct http_chunks c = { 0 };
	enum http_parsed parsed = HTTP_MORE;

	buf_init(out, 1 << 20);
	while (parsed == HTTP_MORE && text.n > 0) {
		struct pst_str data;
		size_t used;

		parsed = http_chunks_next(
		    &c, str_first(text, piece), &used, &data);
		(void)buf_add_str(out, data);
		text = str_from(text, used);
	}
	*how = (int)parsed;
}

/* What is a token is the same one when it is made again. */
static void
token(struct pst_str text)
{
	struct app_token read, again;
	struct buf made;

	if (!app_token_read(text, &read))
		return;
	buf_init(&made, 4096);
	if (!app_token_make(read.user, read.password, &made) ||
	    !app_token_read(buf_str(&made), &again) ||
	    strcmp(read.user, again.user) != 0)
		abort();
	buf_fini(&made);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pst_str text = str_n((const char *)data, n);
	struct http_head h;
	struct buf a, b;
	int status, how, other;
	size_t used;

	token(text);

	if (http_head_parse(text, 4096, &h, &used, &status) == HTTP_WHOLE) {
		if (used > n || h.path.n == 0 || h.path.p[0] != '/' ||
		    (h.is_chunked && h.has_length))
			abort();
		buf_init(&a, 8192);
		(void)http_path_decode(h.path, &a);
		buf_clear(&a);
		(void)http_query_get(h.query, "a", &a);
		buf_fini(&a);
		(void)http_cookie(&h, "a");
		(void)http_head_lists(&h, "Accept", "a");
		text = str_from(text, used);
	}
	chunks(text, n + 1, &a, &how);
	chunks(text, 1, &b, &other);
	if (how != other || !str_eq(buf_str(&a), buf_str(&b)))
		abort();
	buf_fini(&a);
	buf_fini(&b);
	return 0;
}
