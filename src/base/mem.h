/*
 * base/mem.h - memory: allocation that never fails, growable buffers with a
 * mandatory maximum, and arenas for things that die together.
 *
 * Out of memory ends the process: data on disk is crash-safe by design. What a
 * peer can make large must go through a capped buffer or arena, whose limit is
 * reported and not fatal.
 *
 * Threads: a buffer or an arena belongs to one thread at a time.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <postern/types.h>

void *mem_alloc(size_t n);		    /* zeroed */
void *mem_array(size_t count, size_t size); /* zeroed; checks the product */
void *mem_realloc(void *p, size_t n);
/* Grows the array `*p` of items of `size` so that `need` of them fit. */
void mem_grow(void *p, size_t *cap, size_t need, size_t size);

/*
 * A buffer. `p` may be NULL while cap is 0. Adding beyond `max` adds nothing,
 * sets `overflow` and returns false; it stays so until buf_clear().
 */
struct buf {
	char *p;
	size_t n, cap, max;
	bool overflow;
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);  /* frees; usable again with the same max */
void buf_clear(struct buf *b); /* keeps the memory */
bool buf_add(struct buf *b, const void *p, size_t n);
bool buf_add_str(struct buf *b, struct pst_str s);
bool buf_puts(struct buf *b, const char *text);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) PST_PRINTF(2, 3);
bool buf_vprintf(struct buf *b, const char *fmt, va_list ap) PST_PRINTF(2, 0);
/* Decimal, faster than printf. */
bool buf_put_u64(struct buf *b, uint64_t value);
/* Room for `n` more octets: the place to write them, then buf_added(). */
char *buf_reserve(struct buf *b, size_t n); /* NULL beyond max */
void buf_added(struct buf *b, size_t n);
/* Takes `n` octets away from the front. */
void buf_consume(struct buf *b, size_t n);
struct pst_str buf_str(const struct buf *b);

/*
 * An arena. Allocations are aligned, zeroed and freed together. Beyond `max`
 * (0: no limit) arena_alloc returns NULL.
 */
struct arena;

struct arena *arena_new(size_t max);
void arena_free(struct arena **a);
void arena_reset(struct arena *a); /* frees all but the first block */
void *arena_alloc(struct arena *a, size_t n);
struct pst_str arena_copy(struct arena *a, struct pst_str s);
char *arena_text(struct arena *a, struct pst_str s); /* with a NUL */

#endif
