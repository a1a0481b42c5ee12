/*
 * What POP3 makes of octets: command lines; and a message as TOP and RETR send
 * it, cut as the first octet says, against a way that is simple and sees all at
 * once.
 */
#include "base/str.h"
#include "pop3/excerpt.h"
#include "pop3/parse.h"
#include "pop3/stuff.h"
#include "pop3/texts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_line(struct pst_str line)
{
	struct pst_str verb, args;
	uint32_t number;
	uint64_t lines;

	pop3_parse_line(line, &verb, &args);
	if (memchr(verb.p, ' ', verb.n) != NULL)
		abort();
	if (verb.n + (args.n > 0) + args.n > line.n)
		abort();
	if (pop3_parse_number(args, &number) &&
	    pop3_parse_top(args, &number, &lines))
		abort(); /* one argument is not two */
	if (pop3_parse_is_text(line) && !str_is_utf8(line))
		abort();
	if (pop3_language_find(args, POP3_GERMAN) > POP3_LANGUAGES)
		abort();
}

/* How much TOP shows. */
static size_t
simple_excerpt(const char *p, size_t n, uint64_t lines)
{
	bool in_body = false;
	size_t at = 0;

	while (at < n && !(in_body && lines == 0)) {
		const char *lf = memchr(p + at, '\n', n - at);
		size_t line = lf != NULL ? (size_t)(lf - p) - at : n - at;

		if (lf == NULL)
			return n;
		if (in_body)
			lines--;
		else if (line == 0 || (line == 1 && p[at] == '\r'))
			in_body = true;
		at += line + 1;
	}
	return at;
}

static size_t
simple_stuff(const char *p, size_t n, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.' && (i == 0 || p[i - 1] == '\n'))
			out[used++] = '.';
		out[used++] = p[i];
	}
	if (n > 0 && p[n - 1] != '\n') {
		out[used++] = '\r';
		out[used++] = '\n';
	}
	memcpy(out + used, ".\r\n", 3);
	return used + 3;
}

static void
check_message(const char *p, size_t n, uint64_t lines, uint32_t seed)
{
	struct pop3_excerpt excerpt;
	struct pop3_stuff stuff = { 0 };
	size_t shown = 0, at = 0, want_n, want_shown;
	char *want = malloc(2 * n + 8);
	struct buf out;

	buf_init(&out, 2 * n + 64);
	pop3_excerpt_init(&excerpt, lines);
	while (at < n && !excerpt.ended) {
		size_t piece = n - at, from = out.n, some;

		seed = seed * 1664525u + 1013904223u;
		if (seed % 3 != 0 && piece > 1 + (seed >> 16) % 8)
			piece = 1 + (seed >> 16) % 8;
		some = pop3_excerpt_feed(&excerpt, p + at, piece);
		if (some > piece || (some < piece && !excerpt.ended))
			abort();
		if (!buf_add(&out, p + at, some) ||
		    !pop3_stuff(&stuff, &out, from))
			abort();
		shown += some;
		at += piece;
	}
	if (!pop3_stuff_end(&stuff, &out))
		abort();
	want_shown = simple_excerpt(p, n, lines);
	want_n = simple_stuff(p, want_shown, want);
	if (shown != want_shown || out.n != want_n ||
	    memcmp(out.p, want, want_n) != 0)
		abort();
	free(want);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data + 1;

	if (n-- < 1)
		return 0;
	check_line(str_n(p, n));
	check_message(p, n, UINT64_MAX, data[0]);
	check_message(p, n, data[0] % 8, data[0]);
	return 0;
}
