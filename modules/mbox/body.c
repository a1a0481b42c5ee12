/*
 * body.c - the content of a message, as it was before it was put into a file of
 * many. May run beside any other call on the box: the place is taken under the
 * lock. What stands there must be that message, else others have changed the
 * file since, and it is looked for in the whole of it.
 */
#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Octets up to the size that a message has; what comes after is not its own. */
struct limited {
	mb_sink_fn sink;
	void *arg;
	uint64_t left;
};

static void
limit(void *arg, const char *p, size_t n)
{
	struct limited *l = arg;

	if (n > l->left)
		n = (size_t)l->left;
	l->left -= n;
	if (n > 0)
		l->sink(l->arg, p, n);
}

static bool
is_it(const struct pst_box *b, const struct mb_msg *m,
    const struct mb_reader *r, uint64_t size)
{
	if (size != m->size)
		return false;
	if (m->form & MB_RECORDED)
		return r->block.uid == m->uid &&
		       strcmp(r->block.tag, b->tag) == 0;
	return r->block.has_own == ((m->form & MB_OWN) != 0);
}

int
mb_read_message(struct pst_box *b, const struct mb_msg *m, mb_sink_fn sink,
    void *arg, char ident_r[40])
{
	struct limited limited = { .sink = sink, .arg = arg, .left = m->size };
	struct mb_reader r = { 0 };
	struct mb_from from;
	struct mb_lines lines;
	struct mb_piece p;
	int e = 0;

	mb_reader_init(&r, limit, &limited);
	mb_lines_init(&lines, b->fd, m->offset, m->offset + m->length);
	if (!mb_lines_next(&lines, &p) || !mb_from_parse(p.p, p.n, &from))
		e = ESTALE;
	while (e == 0 && mb_lines_next(&lines, &p))
		mb_reader_piece(&r, &p);
	if (lines.sys_errno != 0)
		e = lines.sys_errno;
	if (e == 0 && !is_it(b, m, &r, mb_reader_end(&r, NULL)))
		e = ESTALE;
	if (e == 0 && ident_r != NULL)
		memcpy(ident_r, r.block.ident, sizeof(r.block.ident));
	mb_lines_fini(&lines);
	mb_reader_fini(&r);
	return e;
}

/* Where a message is, by the list or, when there is none yet, by the index. */
static bool
place_of(struct pst_box *b, uint32_t uid, struct mb_msg *m)
{
	struct mb_index index;
	struct mb_stamp now;
	bool listed, found = false;
	size_t at;

	(void)pthread_mutex_lock(&b->lock);
	listed = b->is_listed;
	if (listed) {
		at = mb_box_find(b, uid);
		found = at < b->n && b->msg[at].uid == uid;
		if (found)
			*m = b->msg[at];
	}
	(void)pthread_mutex_unlock(&b->lock);
	if (listed)
		return found;
	return mb_index_peek(b->folder->base.fd,
		   b->folder->base.state.uidvalidity, &index) &&
	       mb_stamp_get(b->fd, &now) &&
	       mb_stamp_equal(&index.stamp, &now) &&
	       mb_index_find(b->folder->base.fd, &index, uid, m);
}

/* The same message somewhere else in the file. */
static bool
look_for(struct pst_box *b, uint32_t uid, const struct mb_msg *known,
    struct mb_msg *m)
{
	struct mb_stamp now;
	struct mb_pass pass = { 0 };
	bool found = false;

	if (!mb_stamp_get(b->fd, &now) ||
	    mb_pass(NULL, b->fd, 0, now.size, &pass, NULL) != PST_OK) {
		free(pass.found);
		return false;
	}
	for (size_t i = 0; i < pass.n && !found; i++) {
		const struct mb_found *f = &pass.found[i];

		if (known != NULL)
			found = f->msg.id[0] == known->id[0] &&
				f->msg.id[1] == known->id[1] &&
				f->msg.size == known->size;
		else
			found = f->msg.uid == uid &&
				strcmp(f->tag, b->tag) == 0;
		if (found) {
			*m = f->msg;
			if (known == NULL)
				m->form |= MB_RECORDED;
			else
				m->form &= (uint8_t)~MB_RECORDED;
		}
	}
	free(pass.found);
	return found;
}

/* --- what is read
 * ------------------------------------------------------------- */

struct content {
	struct pst_store *store;
	struct li_buf text;
	int fd;
	uint64_t length;
	bool to_file;
	int sys_errno;
};

static void
put(void *arg, const char *p, size_t n)
{
	struct content *c = arg;

	if (c->sys_errno != 0)
		return;
	li_buf_add(&c->text, p, n);
	c->length += n;
	if (c->to_file && c->text.n >= MB_CHUNK) {
		c->sys_errno = li_write_all(c->fd, c->text.p, c->text.n);
		c->text.n = 0;
	}
}

static void
content_begin(struct content *c, const struct mb_msg *m)
{
	c->fd = -1;
	c->to_file = m->size > MB_BODY_MEMORY;
	li_buf_room(
	    &c->text, (size_t)(c->to_file ? 2 * MB_CHUNK : m->size + 1));
	if (!c->to_file)
		return;
	c->fd = openat(
	    c->store->root.temp_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (c->fd < 0)
		c->fd = memfd_create("message", MFD_CLOEXEC);
	if (c->fd < 0)
		c->sys_errno = errno;
}

static void
content_free(struct content *c)
{
	li_buf_free(&c->text);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

static int
content_end(struct content *c)
{
	if (c->sys_errno == 0 && c->to_file) {
		c->sys_errno = li_write_all(c->fd, c->text.p, c->text.n);
		li_buf_free(&c->text);
	}
	return c->sys_errno;
}

static void
release(struct pst_body *body)
{
	if (body->fd >= 0)
		(void)close(body->fd);
	free(body->priv);
	*body = (struct pst_body){ .fd = -1 };
}

static int
read_body(struct pst_box *b, const struct mb_msg *m, struct content *c)
{
	int e;

	*c = (struct content){ .store = b->acct->store };
	content_begin(c, m);
	e = c->sys_errno;
	if (e == 0)
		e = mb_read_message(b, m, put, c, NULL);
	if (e == 0)
		e = content_end(c);
	if (e != 0)
		content_free(c);
	return e;
}

static enum pst_rc
no_message(const struct pst_box *b, uint32_t uid, struct pst_error *err)
{
	return pst_fail(err, PST_E_NOTFOUND, 0,
	    "%.160s has no message with uid %lu", b->folder->base.where,
	    (unsigned long)uid);
}

enum pst_rc
mb_body(struct pst_box *b, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err)
{
	struct mb_msg known = { 0 }, m;
	struct content c = { .fd = -1 };
	bool is_known, listed;
	int e = ESTALE;

	(void)pthread_rwlock_rdlock(&b->content);
	is_known = place_of(b, uid, &known);
	(void)pthread_mutex_lock(&b->lock);
	listed = b->is_listed;
	(void)pthread_mutex_unlock(&b->lock);
	if (is_known)
		e = read_body(b, &known, &c);
	if (e == ESTALE && (is_known || !listed) &&
	    look_for(b, uid, is_known ? &known : NULL, &m))
		e = read_body(b, &m, &c);
	(void)pthread_rwlock_unlock(&b->content);
	if (e == ESTALE)
		return no_message(b, uid, err);
	if (e != 0)
		return mb_fail_io(err, e, b, "read a message of");
	*body_r = (struct pst_body){ .fd = c.fd,
		.mem = c.fd < 0 ? c.text.p : NULL,
		.length = c.length,
		.priv = c.text.p,
		.release = release };
	return PST_OK;
}

static void
ignore(void *arg, const char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
}

enum pst_rc
mb_ident(struct pst_box *b, uint32_t uid, char id_r[40], struct pst_error *err)
{
	struct mb_msg m = { 0 };
	bool found;
	int e = 0;

	(void)pthread_rwlock_rdlock(&b->content);
	found = place_of(b, uid, &m) || look_for(b, uid, NULL, &m);
	if (found && (m.form & MB_LONG_IDENT))
		e = mb_read_message(b, &m, ignore, NULL, id_r);
	(void)pthread_rwlock_unlock(&b->content);
	if (!found || e == ESTALE)
		return no_message(b, uid, err);
	if (e != 0)
		return mb_fail_io(err, e, b, "read a message of");
	if (!(m.form & MB_LONG_IDENT))
		(void)snprintf(id_r, 40, "M%016llx%016llx",
		    (unsigned long long)m.id[0], (unsigned long long)m.id[1]);
	return PST_OK;
}
