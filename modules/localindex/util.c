/*
 * util.c - see util.h.
 */
#include "localindex/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <postern/module.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REMOVE_DEPTH = 8 };

void *
li_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (p == NULL)
		abort();
	return p;
}

void *
li_resize(void *p, size_t n, size_t each)
{
	size_t total;

	if (__builtin_mul_overflow(n, each, &total))
		abort();
	p = realloc(p, total ? total : 1);
	if (p == NULL)
		abort();
	return p;
}

char *
li_memdup(const char *s, size_t n)
{
	char *p = li_resize(NULL, n + 1, 1);

	if (n > 0)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
li_strdup(const char *s)
{
	return li_memdup(s, strlen(s));
}

void
li_buf_room(struct li_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap * 2 : 128;

	if (n < b->cap - b->n)
		return;
	if (cap <= b->n + n)
		cap = b->n + n + 1;
	b->p = li_resize(b->p, cap, 1);
	b->cap = cap;
}

void
li_buf_add(struct li_buf *b, const char *p, size_t n)
{
	li_buf_room(b, n);
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
li_buf_puts(struct li_buf *b, const char *s)
{
	li_buf_add(b, s, strlen(s));
}

void
li_buf_putc(struct li_buf *b, char c)
{
	li_buf_add(b, &c, 1);
}

void
li_buf_printf(struct li_buf *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		li_buf_add(b, text,
		    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void
li_buf_free(struct li_buf *b)
{
	free(b->p);
	*b = (struct li_buf){ 0 };
}

bool
li_number(const char *p, size_t n, uint64_t *value_r)
{
	uint64_t v = 0;

	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)p[i] - (unsigned)'0';

		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*value_r = v;
	return true;
}

void
li_escape(struct li_buf *b, const char *p, size_t n, bool spaces)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < 0x20 || c == 0x7f || c == '%' || (spaces && c == ' '))
			li_buf_printf(b, "%%%02X", c);
		else
			li_buf_putc(b, p[i]);
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
li_unescape(struct li_buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int hi, lo;

		if (p[i] != '%') {
			li_buf_putc(b, p[i]);
			continue;
		}
		if (n - i < 3)
			return false;
		hi = hex_digit(p[i + 1]);
		lo = hex_digit(p[i + 2]);
		if (hi < 0 || lo < 0)
			return false;
		li_buf_putc(b, (char)(hi * 16 + lo));
		i += 2;
	}
	return true;
}

void
li_random_hex(const struct pst_host *host, char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char octet[32];

	if (n > sizeof(octet))
		n = sizeof(octet);
	host->random(octet, n);
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[octet[i] >> 4];
		out[2 * i + 1] = digits[octet[i] & 15];
	}
	out[2 * n] = '\0';
}

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

void
li_hash128(const char *p, size_t n, uint64_t h[2])
{
	static const uint64_t key[2] = { 0x706f737465726e31U,
		0x6d61696c64697231U };
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575U,
		key[1] ^ 0x646f72616e646f6dU ^ 0xee,
		key[0] ^ 0x6c7967656e657261U, key[1] ^ 0x7465646279746573U };

	for (size_t at = 0; at <= n; at += 8) {
		uint64_t m = n - at < 8 ? (uint64_t)n << 56 : 0;
		size_t here = n - at < 8 ? n - at : 8;

		for (size_t i = 0; i < here; i++)
			m |= (uint64_t)(unsigned char)p[at + i] << (8 * i);
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xee;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	h[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	h[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool
li_is_ident(struct pst_str id)
{
	if (id.n == 0 || id.n >= 40)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

bool
li_next_line(struct pst_str *rest, struct pst_str *line_r)
{
	const char *lf;

	if (rest->n == 0)
		return false;
	lf = memchr(rest->p, '\n', rest->n);
	line_r->p = rest->p;
	line_r->n = lf ? (size_t)(lf - rest->p) : rest->n;
	rest->p += line_r->n + (lf != NULL);
	rest->n -= line_r->n + (lf != NULL);
	return true;
}

bool
li_next_word(struct pst_str *rest, struct pst_str *word_r)
{
	const char *space;

	if (rest->n == 0)
		return false;
	space = memchr(rest->p, ' ', rest->n);
	word_r->p = rest->p;
	word_r->n = space ? (size_t)(space - rest->p) : rest->n;
	rest->p += word_r->n + (space != NULL);
	rest->n -= word_r->n + (space != NULL);
	return word_r->n > 0;
}

bool
li_is(struct pst_str s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

int
li_read_file(int dirfd, const char *name, size_t max, struct li_buf *b)
{
	int fd = openat(
	    dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char part[16384];
	struct stat st;
	ssize_t got;
	int e = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) < 0)
		e = errno;
	else if (!S_ISREG(st.st_mode))
		e = EINVAL;
	while (e == 0 && (got = read(fd, part, sizeof(part))) != 0) {
		if (got < 0)
			e = errno == EINTR ? 0 : errno;
		else if (b->n + (size_t)got > max)
			e = EFBIG;
		else
			li_buf_add(b, part, (size_t)got);
	}
	(void)close(fd);
	return e;
}

int
li_write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0) {
			if (errno == EINTR)
				continue;
			return errno;
		}
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int
li_replace_file(
    int dirfd, const char *name, const char *p, size_t n, enum li_sync sync)
{
	char temp[64];
	int fd, e;

	(void)snprintf(temp, sizeof(temp), "%s.tmp", name);
	fd = openat(dirfd, temp,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	e = li_write_all(fd, p, n);
	if (e == 0 && sync != LI_SYNC_NONE && fsync(fd) < 0)
		e = errno;
	if (close(fd) < 0 && e == 0)
		e = errno;
	if (e == 0 && renameat(dirfd, temp, dirfd, name) < 0)
		e = errno;
	if (e != 0) {
		(void)unlinkat(dirfd, temp, 0);
		return e;
	}
	if (sync == LI_SYNC_FULL && fsync(dirfd) < 0)
		return errno;
	return 0;
}

int
li_copy_fd(int from, int to)
{
	char part[65536];
	uint64_t at = 0;

	for (;;) {
		ssize_t got = pread(from, part, sizeof(part), (off_t)at);
		int e;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			return 0;
		e = li_write_all(to, part, (size_t)got);
		if (e != 0)
			return e;
		at += (uint64_t)got;
	}
}

/* The depth is bounded: what is deeper is not ours. */
static int
remove_tree(int dirfd, const char *name, int depth)
{
	struct dirent *d;
	DIR *dir;
	int fd, e = 0;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return errno;
	if (depth == 0)
		return ELOOP;
	fd = openat(
	    dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		e = errno;
		(void)close(fd);
		return e;
	}
	while (e == 0 && (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			e = remove_tree(fd, d->d_name, depth - 1);
	(void)closedir(dir);
	if (e == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		e = errno;
	return e;
}

int
li_remove_tree(int dirfd, const char *name)
{
	return remove_tree(dirfd, name, REMOVE_DEPTH);
}

int
li_rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;

	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	/* A file system without the flag. */
	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return EEXIST;
	return renameat(from_dir, from, to_dir, to) < 0 ? errno : 0;
}

enum pst_rc
li_rc_of(int e)
{
	switch (e) {
	case 0:
		return PST_OK;
	case ENOENT:
		return PST_E_NOTFOUND;
	case EEXIST:
		return PST_E_EXISTS;
	case ENAMETOOLONG:
		return PST_E_LIMIT;
	case ENOSPC:
	case EDQUOT:
		return PST_E_NOSPACE;
	default:
		return PST_E_TEMP;
	}
}
