/*
 * Values of header fields: encoded words, dates, identifiers, subjects,
 * parameters. What they give is UTF-8, and stable where it can be.
 */
#include <stdlib.h>

#include "base/str.h"
#include "message/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

/* NUL is no text for str_is_utf8(), but may be in raw values. */
static bool
is_utf8(struct pst_str s)
{
	struct pst_str part;

	while (str_split(&s, '\0', &part)) {
		if (!str_is_utf8(part))
			return false;
	}
	return true;
}

static void
check_words(struct arena *a, struct pst_str text)
{
	struct buf out;
	struct pst_str base;
	bool is_reply;

	buf_init(&out, text.n * 16 + 100);
	check(msg_decode_words(text, &out));
	check(is_utf8(buf_str(&out)));
	check(memchr(out.n > 0 ? out.p : "", '\n', out.n) == NULL);
	base = msg_base_subject(a, buf_str(&out), &is_reply);
	check(base.n <= out.n);
	/* The base of a base is itself. */
	check(str_eq(msg_base_subject(a, base, &is_reply), base));
	buf_fini(&out);
}

static void
check_date(struct pst_str text)
{
	int64_t seconds, again = 0;
	int zone, zone_again = 0;
	char out[40];

	if (!msg_parse_date(text, &seconds, &zone))
		return;
	msg_format_date(seconds, zone, out);
	check(strlen(out) == 31);
	check(msg_parse_date(str_of(out), &again, &zone_again));
	check(zone == zone_again);
	/* The first and the last days of all are clamped. */
	check(seconds == again || seconds < -62160000000 ||
	      seconds > 253390000000);
}

static void
check_ids(struct arena *a, struct pst_str text)
{
	struct pst_str rest = text, id, again;

	while (msg_next_id(a, &rest, &id)) {
		struct pst_str one = id;

		check(id.n > 2 && id.p[0] == '<' && id.p[id.n - 1] == '>');
		check(msg_next_id(a, &one, &again) && str_eq(id, again));
		check(one.n == 0);
	}
}

static void
check_unfolded(struct arena *a, struct pst_str text)
{
	struct pst_str s = msg_unfold(a, text);

	check(str_find(s, '\r') == s.n && str_find(s, '\n') == s.n);
	check(str_eq(msg_unfold(a, s), s));
}

static void
check_params(struct pst_str text)
{
	struct msg *m;
	struct buf b;

	buf_init(&b, text.n * 16 + 1000);
	(void)buf_puts(&b, "Content-Disposition: a;");
	(void)buf_add_str(&b, text);
	m = msg_read(buf_str(&b), &msg_limits_default);
	buf_clear(&b);
	(void)msg_filename(m->root, &b);
	check(is_utf8(buf_str(&b)));
	for (struct msg_param *p = m->root->disposition_params; p != NULL;
	     p = p->next) {
		check(p->name.n > 0);
		check(str_find(p->value, '\n') == p->value.n);
	}
	buf_fini(&b);
	msg_free(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str text = str_n((const char *)data, size);
	struct arena *a = arena_new(0);

	check_words(a, text);
	check_date(text);
	check_ids(a, text);
	check_unfolded(a, text);
	check_params(text);
	arena_free(&a);
	return 0;
}
