/*
 * The dot decoder against a decoder that is simple and sees all at once, with
 * the cuts chosen by the input. The first octet is the seed of the cuts.
 */
#include "smtp/dot.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct out {
	char *p;
	size_t n;
};

static void
add(void *arg, const char *p, size_t n)
{
	struct out *o = arg;

	memcpy(o->p + o->n, p, n);
	o->n += n;
}

/* Returns how much of `p` belongs to the content with its end; SIZE_MAX: it has
 * none. `lines` of the content before it go to `o`. */
static size_t
simple(const char *p, size_t n, struct out *o, bool *bare)
{
	size_t at = 0;

	*bare = false;
	while (at < n) {
		const char *end = memmem(p + at, n - at, "\r\n", 2);
		size_t line = end != NULL ? (size_t)(end - p) - at + 2 : n - at;
		size_t skip = p[at] == '.';

		if (line == 3 && end != NULL && skip)
			return at + 3;
		for (size_t i = skip; i < line; i++) {
			bool last = end != NULL && i + 2 >= line;

			if (!last && (p[at + i] == '\n' || p[at + i] == '\r'))
				*bare = true;
		}
		add(o, p + at + skip, line - skip);
		at += line;
	}
	return SIZE_MAX;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data + 1;
	struct smtp_dot dot;
	struct out want = { 0 }, got = { 0 };
	size_t end, used = 0;
	uint32_t seed;
	bool bare;

	if (n-- < 1)
		return 0;
	seed = data[0] * 2654435761u + 1;
	want.p = malloc(n + 1);
	got.p = malloc(n + 1);
	end = simple(p, n, &want, &bare);
	smtp_dot_init(&dot);
	while (used < n && !dot.ended) {
		size_t piece = n - used;

		seed = seed * 1664525u + 1013904223u;
		if (data[0] != 0 && piece > 1 + (seed >> 16) % 8)
			piece = 1 + (seed >> 16) % 8;
		if (smtp_dot_feed(&dot, p + used, piece, add, &got) != piece &&
		    !dot.ended)
			abort();
		used += piece;
	}
	if (dot.ended != (end != SIZE_MAX))
		abort();
	/* Without an end the last octets may still be waited for. */
	if (dot.ended) {
		if (got.n != want.n || dot.bare != bare)
			abort();
	} else if (got.n > want.n) {
		abort();
	}
	if (memcmp(got.p, want.p, got.n) != 0)
		abort();
	if (dot.nul != (memchr(got.p, '\0', got.n) != NULL))
		abort();
	free(want.p);
	free(got.p);
	return 0;
}
