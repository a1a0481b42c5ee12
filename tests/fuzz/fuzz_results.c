/*
 * Whose Authentication-Results these are: the same answer for every cut, and
 * once known it does not change; the rewriter lets none of ours through.
 */
#include "base/str.h"
#include "delivery/rewrite.h"
#include "message/header.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static enum pst_rc
add(void *arg, const void *p, size_t n)
{
	return buf_add(arg, p, n) ? PST_OK : PST_E_LIMIT;
}

static void
rewrite(struct pst_str text, size_t cut, struct buf *out)
{
	struct rewrite_options opt = { .header_max = 65536,
		.drop_results = "mail.example.org" };
	struct rewrite w;

	rewrite_init(&w, &opt);
	check(rewrite_feed(&w, text.p, cut, add, out) == PST_OK);
	check(rewrite_feed(&w, text.p + cut, text.n - cut, add, out) == PST_OK);
	check(rewrite_end(&w, add, out) == PST_OK);
	rewrite_fini(&w);
}

/* No field of the header that went out is one of ours. */
static void
check_fields(struct pst_str text)
{
	struct msg *m = msg_read(text, &msg_limits_default);
	const struct msg_field *f;
	size_t i = 0;
	char id[256];

	while (
	    (f = msg_next_field(m->root, "Authentication-Results", &i)) != NULL)
		check(msg_results_id(f->value, true, id) != MSG_RESULTS_ID ||
		      !str_is_case(str_of(id), "mail.example.org"));
	msg_free(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str text = str_n((const char *)data, size);
	enum msg_results whole, part;
	char id[256], other[256];
	struct buf out, again;
	size_t cut = size > 0 ? data[0] * 7919U % size : 0;

	if (size > 8192)
		return 0;
	whole = msg_results_id(text, true, id);
	part = msg_results_id(str_first(text, cut), false, other);
	if (part != MSG_RESULTS_MORE)
		check(part == whole &&
		      (part == MSG_RESULTS_NONE || strcmp(id, other) == 0));
	buf_init(&out, 100000);
	buf_init(&again, 100000);
	rewrite(text, size, &out);
	rewrite(text, cut, &again);
	check(str_eq(buf_str(&out), buf_str(&again)));
	if (size > 0)
		check_fields(out.n > 0 ? buf_str(&out) : STR(""));
	buf_fini(&out);
	buf_fini(&again);
	return 0;
}
