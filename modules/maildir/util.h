/*
 * util.h - small helpers of this module: growing text, files that are replaced
 * as a whole, numbers, escapes and a hash. They know nothing of Maildir.
 *
 * Threads: plain functions over the caller's own memory.
 */
#ifndef MAILDIR_UTIL_H
#define MAILDIR_UTIL_H

#include <postern/types.h>

/* Memory that cannot be had ends the process: what is on the disk is safe. */
void *md_alloc(size_t n); /* zeroed */
void *md_resize(void *p, size_t n, size_t each);
char *md_strdup(const char *s);
char *md_memdup(const char *s, size_t n); /* adds a NUL */

/* Makes room for one more element of an array that doubles. */
#define MD_PUSH(array, count, cap)                                             \
	do {                                                                   \
		if ((count) == (cap)) {                                        \
			(cap) = (cap) ? (cap)*2 : 16;                          \
			(array) = md_resize((array), (cap), sizeof(*(array))); \
		}                                                              \
	} while (0)

/* Text that grows; always followed by a NUL once something was added. */
struct md_buf {
	char *p;
	size_t n, cap;
};

void md_buf_room(struct md_buf *b, size_t n); /* for `n` more octets */
void md_buf_add(struct md_buf *b, const char *p, size_t n);
void md_buf_puts(struct md_buf *b, const char *s);
void md_buf_putc(struct md_buf *b, char c);
void md_buf_printf(struct md_buf *b, const char *fmt, ...) PST_PRINTF(2, 3);
void md_buf_free(struct md_buf *b);

/* Decimal digits and nothing else; false when it does not fit. */
bool md_number(const char *p, size_t n, uint64_t *value_r);

/*
 * Percent-escapes controls, DEL and '%', and with `spaces` also spaces, so that
 * the text fits into one line or one word. unescape() undoes it; false for a
 * broken escape.
 */
void md_escape(struct md_buf *b, const char *p, size_t n, bool spaces);
bool md_unescape(struct md_buf *b, const char *p, size_t n);

/* SipHash-2-4 with a fixed key and 128 bits of result. */
void md_hash128(const char *p, size_t n, uint64_t h[2]);

/* Cuts the next line off `rest`, without its line end. */
bool md_next_line(struct pst_str *rest, struct pst_str *line_r);
/* Cuts the next word, ended by one space or the end. */
bool md_next_word(struct pst_str *rest, struct pst_str *word_r);
bool md_is(struct pst_str s, const char *text);

/* The whole of a regular file. 0 or an errno; EFBIG above `max`. */
int md_read_file(int dirfd, const char *name, size_t max, struct md_buf *b);

/* How a file is replaced. */
enum md_sync {
	MD_SYNC_NONE,
	MD_SYNC_FILE, /* afterwards it is the old or the new one */
	MD_SYNC_FULL, /* afterwards it is the new one */
};
/* Replaces `name` as a whole through a temporary file. 0 or an errno. */
int md_replace_file(
    int dirfd, const char *name, const char *p, size_t n, enum md_sync sync);

/* write(2) until all is written. 0 or an errno. */
int md_write_all(int fd, const char *p, size_t n);
/* Copies the whole of one file to another. 0 or an errno. */
int md_copy_fd(int from, int to);
/* Removes a file or a folder with all that is in it. 0 or an errno. */
int md_remove_tree(int dirfd, const char *name);
/* rename(2) that never replaces; 0 or an errno. */
int md_rename_new(int from_dir, const char *from, int to_dir, const char *to);

/* The result code that stands for an errno. */
enum pst_rc md_rc_of(int e);

#endif
