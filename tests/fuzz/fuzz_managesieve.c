/*
 * What ManageSieve makes of octets: the same commands however they are cut, no
 * string longer than asked for, and no memory for what is read away. Strings
 * that are written are read back as they were.
 */
#include "base/str.h"
#include "managesieve/parse.h"
#include "managesieve/session.h"

#include <stdlib.h>

enum { MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_args(const struct managesieve_parser *p)
{
	size_t sum = 0;

	if (p->verb_n > MANAGESIEVE_VERB || p->args > MANAGESIEVE_ARGS)
		abort();
	for (size_t i = 0; i < p->args; i++) {
		struct pst_str arg = managesieve_parser_arg(p, i);

		sum += arg.n;
		if (p->kind[i] == MANAGESIEVE_NUMBER &&
		    (arg.n == 0 || !ascii_is_digit(arg.p[0])))
			abort();
	}
	if (sum > MAX)
		abort();
}

/* All that was said, one after the other. */
static void
tell(struct buf *out, const struct managesieve_parser *p,
    enum managesieve_said said)
{
	(void)buf_printf(out, "%d ", (int)said);
	if (said != MANAGESIEVE_COMMAND)
		return;
	check_args(p);
	(void)buf_add(out, p->verb, p->verb_n);
	for (size_t i = 0; i < p->args; i++) {
		struct pst_str arg = managesieve_parser_arg(p, i);

		(void)buf_printf(out, " %d:%zu:", (int)p->kind[i], arg.n);
		(void)buf_add_str(out, arg);
	}
}

static void
read_all(
    struct buf *out, const char *text, size_t n, bool is_answer, uint32_t seed)
{
	struct managesieve_parser p;
	enum managesieve_said said = MANAGESIEVE_MORE;
	size_t at = 0;

	managesieve_parser_init(&p);
	managesieve_parser_begin(&p, is_answer, MAX);
	while (at < n && said != MANAGESIEVE_LOST) {
		size_t piece = n - at, used;

		seed = seed * 1664525u + 1013904223u;
		if (seed % 3 != 0 && piece > 1 + (seed >> 16) % 8)
			piece = 1 + (seed >> 16) % 8;
		said = managesieve_parser_feed(
		    &p, str_n(text + at, piece), &used);
		if (used > piece || (said == MANAGESIEVE_MORE && used < piece))
			abort();
		if (p.text.n > MAX || p.text.cap > 1024)
			abort();
		at += used;
		if (said == MANAGESIEVE_MORE)
			continue;
		tell(out, &p, said);
		managesieve_parser_begin(&p, is_answer, MAX);
	}
	managesieve_parser_fini(&p);
}

static void
check_cuts(const char *text, size_t n, bool is_answer, uint32_t seed)
{
	struct buf whole, cut;

	buf_init(&whole, SIZE_MAX / 4);
	buf_init(&cut, SIZE_MAX / 4);
	read_all(&whole, text, n, is_answer, 0);
	read_all(&cut, text, n, is_answer, seed);
	if (!str_eq(buf_str(&whole), buf_str(&cut)))
		abort();
	buf_fini(&whole);
	buf_fini(&cut);
}

/* A client's literal has a plus. */
static void
check_string(const char *text, size_t n)
{
	struct managesieve_parser p;
	struct buf out, wire;
	size_t used, brace;

	buf_init(&out, n * 2 + 64);
	buf_init(&wire, n * 2 + 128);
	managesieve_put_string(&out, str_n(text, n));
	(void)buf_puts(&wire, "NOOP ");
	brace = out.p[0] == '{' ? str_find(buf_str(&out), '}') : 0;
	(void)buf_add(&wire, out.p, brace);
	if (brace > 0)
		(void)buf_putc(&wire, '+');
	(void)buf_add_str(&wire, str_from(buf_str(&out), brace));
	(void)buf_puts(&wire, "\r\n");
	managesieve_parser_init(&p);
	managesieve_parser_begin(&p, false, n);
	if (managesieve_parser_feed(&p, buf_str(&wire), &used) !=
		MANAGESIEVE_COMMAND ||
	    used != wire.n || p.args != 1 ||
	    !str_eq(managesieve_parser_arg(&p, 0), str_n(text, n)))
		abort();
	managesieve_parser_fini(&p);
	buf_fini(&wire);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data + 1;

	if (n-- < 1)
		return 0;
	check_cuts(p, n, data[0] % 2 != 0, data[0]);
	check_string(p, n);
	return 0;
}
