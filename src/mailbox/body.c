/*
 * mailbox/body.c - the content of messages: from the module to a parser or a
 * piece at a time.
 */
#include "mailbox/priv.h"

#include "base/str.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 65536 };

enum pst_rc
mailbox_hold_box(struct mailbox *mb, struct pst_error *err)
{
	bool gone;

	for (;;) {
		pthread_rwlock_rdlock(&mb->box_lock);
		if (mb->box != NULL)
			return PST_OK;
		pthread_rwlock_unlock(&mb->box_lock);
		pthread_mutex_lock(&mb->io);
		gone = mb->box == NULL;
		pthread_mutex_unlock(&mb->io);
		if (gone)
			return pst_fail(
			    err, PST_E_NOTFOUND, 0, "%s: deleted", mb->name);
	}
}

enum pst_rc
mailbox_body(struct mailbox *mb, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err)
{
	enum pst_rc rc = mailbox_hold_box(mb, err);

	if (rc != PST_OK)
		return rc;
	rc = mb->acct->st->ops->body(mb->box, uid, body_r, err);
	pthread_rwlock_unlock(&mb->box_lock);
	return rc;
}

enum pst_rc
view_body(struct mailbox_view *v, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err)
{
	return mailbox_body(v->mb, uid, body_r, err);
}

enum pst_rc
view_ident(struct mailbox_view *v, uint32_t uid, char id_r[VIEW_IDENT],
    struct pst_error *err)
{
	struct mailbox *mb = v->mb;
	const struct pst_store_ops *ops;
	char id[40] = "";
	struct pst_box_state state;
	enum pst_rc rc = mailbox_hold_box(mb, err);

	if (rc != PST_OK)
		return rc;
	ops = mb->acct->st->ops;
	if (ops->ident != NULL)
		rc = ops->ident(mb->box, uid, id, err);
	pthread_rwlock_unlock(&mb->box_lock);
	view_state(v, &state);
	if (ops->ident != NULL)
		(void)str_copy(id_r, VIEW_IDENT, str_of(id));
	else /* it does not survive a copy, but is never another's */
		(void)snprintf(id_r, VIEW_IDENT, "M%s-%lu", state.objectid,
		    (unsigned long)uid);
	return rc;
}

enum pst_rc
mail_body_read(const struct pst_body *body, uint64_t offset, void *p, size_t n,
    struct pst_error *err)
{
	char *to = p;

	if (offset > body->length || n > body->length - offset)
		return pst_fail(err, PST_E_TEMP, 0, "read beyond the message");
	if (body->mem != NULL) {
		memcpy(to, body->mem + offset, n);
		return PST_OK;
	}
	while (n > 0) {
		ssize_t got = pread(
		    body->fd, to, n, (off_t)(body->offset + offset));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pst_fail(err, PST_E_TEMP, errno,
			    "reading a message: %s", strerror(errno));
		if (got == 0)
			return pst_fail(err, PST_E_TEMP, 0,
			    "a message is shorter than its size");
		to += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return PST_OK;
}

enum pst_rc
mail_body_parse(const struct pst_body *body, const struct msg_limits *limits,
    bool headers_only, struct msg **msg_r, struct pst_error *err)
{
	struct msg_reader *reader = msg_reader_new(limits, headers_only);
	/* A header is mostly short: no more is read than is needed. */
	size_t piece = headers_only ? 4096 : PIECE;
	char *memory = body->mem == NULL ? mem_alloc(PIECE) : NULL;
	enum pst_rc rc = PST_OK;
	bool more = true;

	if (body->mem != NULL) {
		(void)msg_reader_feed(reader, body->mem, body->length);
		more = false;
	}
	for (uint64_t at = 0; more && rc == PST_OK && at < body->length;) {
		size_t n = body->length - at < piece
			       ? (size_t)(body->length - at)
			       : piece;

		rc = mail_body_read(body, at, memory, n, err);
		if (rc == PST_OK)
			more = msg_reader_feed(reader, memory, n);
		at += n;
		piece = PIECE;
	}
	free(memory);
	if (rc != PST_OK)
		msg_reader_free(&reader);
	*msg_r = rc == PST_OK ? msg_reader_finish(&reader) : NULL;
	return rc;
}
