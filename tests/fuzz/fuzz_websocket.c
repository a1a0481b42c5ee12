/*
 * Frames give the same messages in whatever pieces they come, never more than
 * the limit, and texts that are UTF-8.
 */
#include "base/str.h"
#include "http/websocket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { LIMIT = 1000 };

static void
check_text(struct pst_str text)
{
	struct utf8_state st = { 0 };

	/* The other checker knows no NUL. */
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\0')
			return;
	if (text.n > 0 && !str_is_utf8(text))
		abort();
	if (!utf8_check_some(&st, text) || st.left > 0)
		abort();
}

static void
run(struct pst_str in, size_t piece, struct buf *told)
{
	struct websocket w = { 0 };
	enum websocket_got got = WEBSOCKET_MORE;
	struct buf message;

	buf_init(told, 1 << 22);
	buf_init(&message, LIMIT);
	while (in.n > 0 && got != WEBSOCKET_WRONG) {
		struct pst_str some = str_first(in, piece);
		enum websocket_opcode opcode;
		size_t used;

		got = websocket_read(&w, some, &message, &used, &opcode);
		if (used > some.n || message.n > LIMIT || message.overflow ||
		    (used == 0 && got != WEBSOCKET_WRONG) ||
		    (got == WEBSOCKET_MORE && used != some.n))
			abort();
		(void)buf_printf(
		    told, "%d", got == WEBSOCKET_MORE ? -1 : (int)opcode);
		if (got == WEBSOCKET_MORE)
			told->n -= 2;
		if (got == WEBSOCKET_WHOLE) {
			if (opcode == WEBSOCKET_TEXT)
				check_text(buf_str(&message));
			(void)buf_add_str(told, buf_str(&message));
			buf_clear(&message);
		} else if (got == WEBSOCKET_ASKED) {
			if (w.control_n > WEBSOCKET_CONTROL)
				abort();
			(void)buf_add(told, w.control, w.control_n);
		} else if (got == WEBSOCKET_WRONG) {
			(void)buf_printf(told, "!%u", w.code);
		}
		in = str_from(in, used);
	}
	buf_fini(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pst_str in = str_n((const char *)data, n);
	struct buf a, b;

	run(in, n + 1, &a);
	run(in, 1, &b);
	if (!str_eq(buf_str(&a), buf_str(&b)))
		abort();
	buf_fini(&a);
	buf_fini(&b);
	return 0;
}
