/*
 * A header made ASCII: it is, its fields are those that were there, and what
 * is made of it is itself.
 */
#include "base/str.h"
#include "message/downgrade.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct msg *
parse(const char *p, size_t n)
{
	struct msg_reader *r = msg_reader_new(&msg_limits_default, true);

	(void)msg_reader_feed(r, p, n);
	return msg_reader_finish(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct msg *m, *made;
	struct buf out, again;

	m = parse((const char *)data, n);
	buf_init(&out, 16 << 20);
	buf_init(&again, 16 << 20);
	if (msg_downgrade(m->root, &out)) {
		if (!str_is_ascii(buf_str(&out)))
			abort();
		made = parse(out.p, out.n);
		if (made->root->fields > m->root->fields)
			abort();
		if (made->root->header_size != out.n)
			abort();
		if (!msg_downgrade(made->root, &again) ||
		    !str_eq(buf_str(&out), buf_str(&again)))
			abort();
		msg_free(&made);
	}
	buf_fini(&out);
	buf_fini(&again);
	msg_free(&m);
	return 0;
}
