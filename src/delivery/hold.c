/*
 * delivery/hold.c - memory, then a file.
 */
#include "delivery/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

void
hold_init(struct hold *h, size_t memory, const char *dir)
{
	*h = (struct hold){ .memory = memory, .dir = dir, .fd = -1 };
	buf_init(&h->text, memory);
}

void
hold_fini(struct hold *h)
{
	buf_fini(&h->text);
	if (h->fd >= 0)
		(void)close(h->fd);
	h->fd = -1;
}

static enum pst_rc
fail(struct pst_error *err, const char *what)
{
	bool full = errno == ENOSPC || errno == EDQUOT;

	return pst_fail(err, full ? PST_E_NOSPACE : PST_E_TEMP, errno,
	    "%s a message that is held: %s", what, strerror(errno));
}

static enum pst_rc
open_file(struct hold *h, struct pst_error *err)
{
	char path[PATH_MAX];
	int n;

	h->fd = open(h->dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (h->fd >= 0)
		return PST_OK;
	/* Some file systems have no files without a name. */
	n = snprintf(path, sizeof(path), "%s/held.XXXXXX", h->dir);
	if (n > 0 && n < PATH_MAX)
		h->fd = mkostemp(path, O_CLOEXEC);
	if (h->fd < 0)
		return fail(err, "cannot open a file for");
	(void)unlink(path);
	return PST_OK;
}

static enum pst_rc
write_all(struct hold *h, const char *p, size_t n, struct pst_error *err)
{
	while (n > 0) {
		ssize_t done = write(h->fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail(err, "cannot write");
		p += done;
		n -= (size_t)done;
		h->size += (size_t)done;
	}
	return PST_OK;
}

enum pst_rc
hold_add(struct hold *h, const void *p, size_t n, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (n <= h->memory && h->text.n <= h->memory - n) {
		(void)buf_add(&h->text, p, n);
		return PST_OK;
	}
	/* The buffer gathers what is written. */
	if (h->fd < 0)
		rc = open_file(h, err);
	if (rc == PST_OK)
		rc = write_all(h, h->text.p, h->text.n, err);
	buf_clear(&h->text);
	if (rc == PST_OK && n > h->memory)
		rc = write_all(h, p, n, err);
	else if (rc == PST_OK)
		(void)buf_add(&h->text, p, n);
	return rc;
}

uint64_t
hold_size(const struct hold *h)
{
	return h->size + h->text.n;
}

static enum pst_rc
release_file(struct hold *h,
    enum pst_rc (*sink)(void *arg, const void *p, size_t n), void *arg,
    struct pst_error *err)
{
	char *piece = mem_alloc(PIECE);
	enum pst_rc rc = PST_OK;
	uint64_t at = 0;

	while (rc == PST_OK && at < h->size) {
		ssize_t n = pread(h->fd, piece, PIECE, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = fail(err, "cannot read");
			break;
		}
		at += (uint64_t)n;
		rc = sink(arg, piece, (size_t)n);
	}
	free(piece);
	return rc;
}

enum pst_rc
hold_release(struct hold *h,
    enum pst_rc (*sink)(void *arg, const void *p, size_t n), void *arg,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (h->fd >= 0)
		rc = release_file(h, sink, arg, err);
	if (rc == PST_OK && h->text.n > 0)
		rc = sink(arg, h->text.p, h->text.n);
	return rc;
}
