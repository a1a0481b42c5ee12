/*
 * localindex/util.h - small helpers of file-based modules: growing text, files
 * that are replaced as a whole, numbers, escapes and a hash. A module links
 * nothing of the server, so it has its own.
 *
 * Threads: plain functions over the caller's own memory.
 */
#ifndef LOCALINDEX_UTIL_H
#define LOCALINDEX_UTIL_H

#include <postern/types.h>

/* Memory that cannot be had ends the process: what is on the disk is safe. */
void *li_alloc(size_t n); /* zeroed */
void *li_resize(void *p, size_t n, size_t each);
char *li_strdup(const char *s);
char *li_memdup(const char *s, size_t n); /* adds a NUL */

/* Makes room for one more element of an array that doubles. */
#define LI_PUSH(array, count, cap)                                             \
	do {                                                                   \
		if ((count) == (cap)) {                                        \
			(cap) = (cap) ? (cap)*2 : 16;                          \
			(array) = li_resize((array), (cap), sizeof(*(array))); \
		}                                                              \
	} while (0)

/* Text that grows; always followed by a NUL once something was added. */
struct li_buf {
	char *p;
	size_t n, cap;
};

void li_buf_room(struct li_buf *b, size_t n); /* for `n` more octets */
void li_buf_add(struct li_buf *b, const char *p, size_t n);
void li_buf_puts(struct li_buf *b, const char *s);
void li_buf_putc(struct li_buf *b, char c);
void li_buf_printf(struct li_buf *b, const char *fmt, ...) PST_PRINTF(2, 3);
void li_buf_free(struct li_buf *b);

/* Decimal digits and nothing else; false when it does not fit. */
bool li_number(const char *p, size_t n, uint64_t *value_r);

/*
 * Percent-escapes controls, DEL and '%', and with `spaces` also spaces, so that
 * the text fits into one line or one word. unescape() undoes it; false for a
 * broken escape.
 */
void li_escape(struct li_buf *b, const char *p, size_t n, bool spaces);
bool li_unescape(struct li_buf *b, const char *p, size_t n);

struct pst_host;
/* `n` random octets (32 at the most) as 2n hexadecimal digits and a NUL. */
void li_random_hex(const struct pst_host *host, char *out, size_t n);

/* SipHash-2-4 with a fixed key and 128 bits of result. */
void li_hash128(const char *p, size_t n, uint64_t h[2]);

/* It can be the id of a message or a mailbox. */
bool li_is_ident(struct pst_str id);

/* Cuts the next line off `rest`, without its line end. */
bool li_next_line(struct pst_str *rest, struct pst_str *line_r);
/* Cuts the next word, ended by one space or the end. */
bool li_next_word(struct pst_str *rest, struct pst_str *word_r);
bool li_is(struct pst_str s, const char *text);

/* The whole of a regular file. 0 or an errno; EFBIG above `max`. */
int li_read_file(int dirfd, const char *name, size_t max, struct li_buf *b);

/* How a file is replaced. */
enum li_sync {
	LI_SYNC_NONE,
	LI_SYNC_FILE, /* afterwards it is the old or the new one */
	LI_SYNC_FULL, /* afterwards it is the new one */
};
/* Replaces `name` as a whole through a temporary file. 0 or an errno. */
int li_replace_file(
    int dirfd, const char *name, const char *p, size_t n, enum li_sync sync);

/* write(2) until all is written. 0 or an errno. */
int li_write_all(int fd, const char *p, size_t n);
/* Copies the whole of one file to another. 0 or an errno. */
int li_copy_fd(int from, int to);
/* Removes a file or a folder with all that is in it. 0 or an errno. */
int li_remove_tree(int dirfd, const char *name);
/* rename(2) that never replaces; 0 or an errno. */
int li_rename_new(int from_dir, const char *from, int to_dir, const char *to);

/* The result code that stands for an errno. */
enum pst_rc li_rc_of(int e);

#endif
