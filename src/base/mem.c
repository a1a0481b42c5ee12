/*
 * base/mem.c - allocation, capped buffers, arenas.
 */
#include "base/mem.h"

#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

static _Noreturn void
out_of_memory(size_t n)
{
	pst_bug("out of memory, %zu octets asked for", n);
}

void *
mem_alloc(size_t n)
{
	void *p = calloc(1, n > 0 ? n : 1);

	if (p == NULL)
		out_of_memory(n);
	return p;
}

void *
mem_array(size_t count, size_t size)
{
	void *p = calloc(count > 0 ? count : 1, size);

	if (p == NULL)
		out_of_memory(count);
	return p;
}

void *
mem_realloc(void *p, size_t n)
{
	void *q = realloc(p, n > 0 ? n : 1);

	if (q == NULL)
		out_of_memory(n);
	return q;
}

void
mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	size_t next = *cap, bytes;
	void *items;

	if (need <= *cap)
		return;
	while (next < need)
		next = next < 8 ? 8 : next + next / 2;
	if (__builtin_mul_overflow(next, size, &bytes))
		out_of_memory(SIZE_MAX);
	/* `p` is the address of a pointer to any type. */
	memcpy(&items, p, sizeof(items));
	items = mem_realloc(items, bytes);
	memcpy(p, &items, sizeof(items));
	*cap = next;
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_fini(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->overflow = false;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->overflow || n > b->max || b->n > b->max - n) {
		b->overflow = true;
		return NULL;
	}
	if (b->n + n > b->cap || b->p == NULL) {
		size_t cap = b->cap < 64 ? 64 : b->cap;

		while (cap < b->n + n)
			cap *= 2;
		if (cap > b->max)
			cap = b->max;
		b->p = mem_realloc(b->p, cap);
		b->cap = cap;
	}
	return b->p + b->n;
}

void
buf_added(struct buf *b, size_t n)
{
	b->n += n;
}

bool
buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_reserve(b, n);

	if (to == NULL)
		return n == 0 && !b->overflow;
	if (n > 0)
		memcpy(to, p, n);
	b->n += n;
	return true;
}

bool
buf_add_str(struct buf *b, struct pst_str s)
{
	return buf_add(b, s.p, s.n);
}

bool
buf_puts(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

bool
buf_putc(struct buf *b, char c)
{
	if (b->n < b->cap && !b->overflow) {
		b->p[b->n++] = c;
		return true;
	}
	return buf_add(b, &c, 1);
}

bool
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	int n;
	bool added;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0) {
		added = false;
	} else if ((size_t)n < sizeof(small)) {
		added = buf_add(b, small, (size_t)n);
	} else {
		char *text = mem_alloc((size_t)n + 1);

		(void)vsnprintf(text, (size_t)n + 1, fmt, again);
		added = buf_add(b, text, (size_t)n);
		free(text);
	}
	va_end(again);
	return added;
}

bool
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	bool added;

	va_start(ap, fmt);
	added = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return added;
}

bool
buf_put_u64(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return buf_add(b, digits + i, sizeof(digits) - i);
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

struct pst_str
buf_str(const struct buf *b)
{
	return (struct pst_str){ b->p, b->n };
}

/* Blocks grow from 1 KiB to 64 KiB; what is larger gets one of its own. */
struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct arena_block *first; /* newest */
	size_t total, max;
};

enum { BLOCK_FIRST = 1024, BLOCK_LARGEST = 65536 };

struct arena *
arena_new(size_t max)
{
	struct arena *a = mem_alloc(sizeof(*a));

	a->max = max;
	return a;
}

void
arena_free(struct arena **a)
{
	if (*a == NULL)
		return;
	for (struct arena_block *b = (*a)->first; b != NULL;) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	free(*a);
	*a = NULL;
}

void
arena_reset(struct arena *a)
{
	struct arena_block *b = a->first;

	while (b != NULL && b->next != NULL) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	a->first = b;
	a->total = 0;
	if (b != NULL) {
		memset(b->data, 0, b->used);
		b->used = 0;
	}
}

static struct arena_block *
arena_grow(struct arena *a, size_t n)
{
	size_t size = a->first == NULL ? BLOCK_FIRST : a->first->size * 2;
	struct arena_block *b;

	if (size > BLOCK_LARGEST)
		size = BLOCK_LARGEST;
	if (size < n)
		size = n;
	b = mem_alloc(sizeof(*b) + size);
	b->size = size;
	b->next = a->first;
	a->first = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *b = a->first;
	void *p;

	if (n > SIZE_MAX / 2)
		out_of_memory(n);
	n = (n + align - 1) / align * align;
	if (n == 0)
		n = align;
	if (a->max != 0 && (n > a->max || a->total > a->max - n))
		return NULL;
	if (b == NULL || b->size - b->used < n)
		b = arena_grow(a, n);
	p = b->data + b->used;
	b->used += n;
	a->total += n;
	return p;
}

struct pst_str
arena_copy(struct arena *a, struct pst_str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p == NULL)
		return STR_NONE;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct pst_str){ p, s.n };
}

char *
arena_text(struct arena *a, struct pst_str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}
