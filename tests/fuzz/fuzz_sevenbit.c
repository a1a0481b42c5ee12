/*
 * A message made 7-bit: it is, in whatever pieces it came, and what is made of
 * it is itself.
 */
#include "base/str.h"
#include "message/sevenbit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum msg_sevenbit_result
convert(struct pst_str text, size_t piece, struct buf *out)
{
	struct msg *m = msg_read(text, &msg_limits_default);
	struct msg_sevenbit *s = msg_sevenbit_new(m, &msg_limits_default);
	enum msg_sevenbit_result result;
	const char *why;

	buf_init(out, 16 << 20);
	msg_sevenbit_look(s, text.p, text.n);
	result = msg_sevenbit_begin(s, &why);
	if ((result == MSG_SEVENBIT_CANNOT) != (why != NULL))
		abort();
	while (result == MSG_SEVENBIT_WORTH && text.n > 0) {
		struct pst_str p = str_first(text, piece);

		if (!msg_sevenbit_feed(s, p.p, p.n, out))
			abort();
		text = str_from(text, p.n);
	}
	msg_sevenbit_free(&s);
	msg_free(&m);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pst_str text = str_n((const char *)data, n);
	struct buf whole, pieces, again;

	if (convert(text, n, &whole) == MSG_SEVENBIT_WORTH) {
		if (!str_is_ascii(buf_str(&whole)))
			abort();
		(void)convert(text, 3, &pieces);
		if (!str_eq(buf_str(&whole), buf_str(&pieces)))
			abort();
		buf_fini(&pieces);
		if (convert(buf_str(&whole), n, &again) == MSG_SEVENBIT_WORTH &&
		    !str_is_ascii(buf_str(&again)))
			abort();
		buf_fini(&again);
	}
	buf_fini(&whole);
	return 0;
}
