/*
 * body.c - the content of a message. May run beside any other call on the box:
 * the name is taken under the lock, the file is opened without. Files with bare
 * LF line ends, as other programs write them, are converted on the way.
 */
#include "maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEMORY_MAX = 1 << 20 };

/* The name of a message's file; looks into the folders when asked to, or when
 * there is no list yet. */
static bool
find_name(struct pst_box *b, uint32_t uid, bool look,
    char name_r[MD_NAME_MAX + 1], enum md_dir *dir_r)
{
	char known[MD_NAME_MAX + 1];
	const struct md_msg *m;
	struct md_name key;
	bool listed;

	(void)pthread_mutex_lock(&b->lock);
	listed = b->is_scanned;
	m = listed ? md_box_msg(b, uid) : NULL;
	if (m != NULL) {
		memcpy(known, m->name, m->name_n + 1U);
		*dir_r = m->dir;
	}
	(void)pthread_mutex_unlock(&b->lock);
	if (listed && m == NULL)
		return false;
	if (!listed)
		return md_find_file(b, uid, NULL, name_r, dir_r);
	if (!look) {
		memcpy(name_r, known, sizeof(known));
		return true;
	}
	md_name_parse(known, strlen(known), &key);
	return md_find_file(b, uid, &key, name_r, dir_r);
}

/* Notes a size that is not what the name says: torn by a power failure, or
 * changed by somebody. */
static void
fix_size(struct pst_box *b, uint32_t uid, uint64_t size)
{
	size_t i;

	(void)pthread_mutex_lock(&b->lock);
	i = md_box_find_fix(b, uid);
	if (i == b->fix_count || b->fix[i].uid != uid) {
		LI_PUSH(b->fix, b->fix_count, b->fix_cap);
		memmove(&b->fix[i + 1], &b->fix[i],
		    (b->fix_count - i) * sizeof(b->fix[0]));
		b->fix_count++;
	}
	b->fix[i] = (struct md_fix){ .uid = uid, .size = size };
	(void)pthread_mutex_unlock(&b->lock);
}

int
md_count_bare_lf_in(int fd, uint64_t size, char *part, uint64_t *count_r)
{
	uint64_t count = 0, at = 0;
	char before = '\0';

	while (at < size) {
		ssize_t got = pread(fd, part, MD_PART, (off_t)at);
		const char *p = part, *end = part + (got > 0 ? got : 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			break;
		while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
			count += (p > part ? p[-1] : before) != '\r';
			p++;
		}
		before = end[-1];
		at += (uint64_t)got;
	}
	*count_r = count;
	return 0;
}

int
md_count_bare_lf(int fd, uint64_t *count_r)
{
	char *part = li_resize(NULL, MD_PART, 1);
	int e = md_count_bare_lf_in(fd, UINT64_MAX, part, count_r);

	free(part);
	return e;
}

/* Copies with CRLF line ends to memory, or to a file when it is large. */
struct converted {
	struct li_buf text;
	int fd;
	uint64_t length;
};

static int
convert_part(struct converted *c, const char *part, size_t n, char *before)
{
	const char *end = part + n;

	while (part < end) {
		const char *lf = memchr(part, '\n', (size_t)(end - part));
		const char *stop = lf != NULL ? lf : end;

		if (stop > part) {
			li_buf_add(&c->text, part, (size_t)(stop - part));
			*before = stop[-1];
		}
		if (lf == NULL)
			break;
		li_buf_puts(&c->text, *before == '\r' ? "\n" : "\r\n");
		*before = '\n';
		part = lf + 1;
	}
	if (c->fd >= 0) {
		int e = li_write_all(c->fd, c->text.p, c->text.n);

		if (e != 0)
			return e;
		c->length += c->text.n;
		c->text.n = 0;
	} else {
		c->length = c->text.n;
	}
	return 0;
}

static int
convert(const struct pst_store *s, int fd, uint64_t size, struct converted *c)
{
	char *part = li_resize(NULL, size < MD_PART ? size + 1 : MD_PART, 1);
	char before = '\0';
	uint64_t at = 0;
	ssize_t got = 0;
	int e = 0;

	c->fd = -1;
	/* A line end for 32 octets, mostly. */
	li_buf_room(&c->text,
	    (size_t)(size < MEMORY_MAX ? size + size / 32 : MD_PART) + 64);
	if (size > MEMORY_MAX) {
		c->fd = openat(
		    s->temp_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
		if (c->fd < 0)
			c->fd = memfd_create("message", MFD_CLOEXEC);
		if (c->fd < 0)
			e = errno;
	}
	while (e == 0 && at < size &&
	       (got = pread(fd, part, size < MD_PART ? size + 1 : MD_PART,
		    (off_t)at)) != 0) {
		if (got < 0) {
			e = errno == EINTR ? 0 : errno;
			continue;
		}
		e = convert_part(c, part, (size_t)got, &before);
		at += (uint64_t)got;
	}
	free(part);
	if (e != 0 && c->fd >= 0)
		(void)close(c->fd);
	if (e != 0 || c->fd >= 0)
		li_buf_free(&c->text);
	return e;
}

static bool
read_all(int fd, char *to, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t got = pread(fd, to + at, n - at, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

/*
 * The same for a message in memory whose name tells how many CR it lacks: the
 * file is read to the end of the memory, and goes to the front of it line by
 * line, never over what is still to come. False: the name is wrong.
 */
static bool
convert_in_place(int fd, const struct md_name *name, struct converted *c)
{
	size_t lacks = (size_t)(name->wire - name->size);
	char *text = li_resize(NULL, (size_t)name->wire + 1, 1), *to = text;
	char *from = text + lacks, *end = text + name->wire, *lf = NULL;

	if (!read_all(fd, from, (size_t)name->size)) {
		free(text);
		return false;
	}
	for (; from < end; from = lf + 1) {
		size_t n;

		lf = memchr(from, '\n', (size_t)(end - from));
		n = (size_t)((lf != NULL ? lf : end) - from);
		memmove(to, from, n);
		to += n;
		if (lf == NULL)
			break;
		if (n == 0 || to[-1] != '\r') {
			if (to >= lf) {
				free(text);
				return false;
			}
			*to++ = '\r';
		}
		*to++ = '\n';
	}
	c->fd = -1;
	c->text = (struct li_buf){ .p = text };
	c->length = (uint64_t)(to - text);
	return true;
}

static void
release(struct pst_body *body)
{
	if (body->fd >= 0)
		(void)close(body->fd);
	free(body->priv);
	*body = (struct pst_body){ .fd = -1 };
}

static enum pst_rc
open_body(struct pst_box *b, int fd, const struct md_name *name,
    struct pst_body *body_r, struct pst_error *err)
{
	struct converted c = { 0 };
	struct stat st;
	int e = fstat(fd, &st) < 0 ? errno : !S_ISREG(st.st_mode) ? EINVAL : 0;
	uint64_t size = e == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;

	*body_r = (struct pst_body){
		.fd = fd, .length = size, .release = release
	};
	if (e == 0 && name->has_wire && name->wire != name->size) {
		if (size != name->size || name->wire < size ||
		    name->wire > MEMORY_MAX || !convert_in_place(fd, name, &c))
			e = convert(b->acct->store, fd, size, &c);
		if (e == 0) {
			(void)close(fd);
			body_r->fd = c.fd;
			body_r->length = c.length;
			body_r->mem = body_r->priv = c.text.p;
		}
	}
	if (e != 0) {
		(void)close(fd);
		return pst_fail(err, PST_E_TEMP, e, "read %.120s: %.80s",
		    b->folder->base.where, name->s);
	}
	if (body_r->length != md_name_octets(name))
		fix_size(b, name->uid, body_r->length);
	return PST_OK;
}

enum pst_rc
md_body(struct pst_box *b, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err)
{
	char text[MD_NAME_MAX + 1];
	struct md_name name;
	enum md_dir dir = MD_CUR;
	int e = ENOENT;

	for (int tries = 0; tries < 3 && e == ENOENT; tries++) {
		int fd;

		if (!find_name(b, uid, tries > 0, text, &dir))
			break;
		fd = openat(b->folder->sub[dir], text,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		e = fd < 0 ? errno : 0;
		if (e == 0) {
			md_name_parse(text, strlen(text), &name);
			return open_body(b, fd, &name, body_r, err);
		}
	}
	if (e == ENOENT)
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.160s has no message with uid %lu", b->folder->base.where,
		    (unsigned long)uid);
	return pst_fail(err, PST_E_TEMP, e, "open %.120s: %.80s",
	    b->folder->base.where, text);
}

enum pst_rc
md_ident(struct pst_box *b, uint32_t uid, char id_r[40], struct pst_error *err)
{
	char text[MD_NAME_MAX + 1], stem[MD_NAME_MAX + 1];
	enum md_dir dir;
	uint64_t h[2];

	if (!find_name(b, uid, false, text, &dir))
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.160s has no message with uid %lu", b->folder->base.where,
		    (unsigned long)uid);
	if (md_name_ident(text, strlen(text), id_r))
		return PST_OK;
	li_hash128(
	    stem, md_name_stem(text, strlen(text), stem, sizeof(stem)), h);
	(void)snprintf(id_r, 40, "M%016llx%016llx", (unsigned long long)h[0],
	    (unsigned long long)h[1]);
	return PST_OK;
}
