/*
 * body.c - the content of a message. What is in one row is given as it came
 * from the database; the rows of a larger one go one by one into a file without
 * a name, so that no copy of a large message is in memory.
 */
#include "postgresql.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct reading {
	struct pst_box *box;
	uint32_t uid;
	struct pst_body body;
	PGresult *whole; /* with the octets of a small one */
	uint64_t got;
};

static void
release_result(struct pst_body *body)
{
	PQclear(body->priv);
	*body = (struct pst_body){ .fd = -1 };
}

static void
release_file(struct pst_body *body)
{
	(void)close(body->fd);
	*body = (struct pst_body){ .fd = -1 };
}

/* Nobody can open it but us; without a directory that can do it, memory. */
static int
spool_file(const struct pst_store *s)
{
	int fd = -1;

	if (*s->config.path != '\0')
		fd = open(s->config.path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = memfd_create("postern-body", MFD_CLOEXEC);
	return fd;
}

static enum pst_rc
send_body(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct reading *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	pg_p_i64(&p, q->uid);
	(void)pg_send(c, PG_S_BODY, &p);
	return PST_OK;
}

static void
forget(struct reading *q)
{
	PQclear(q->whole);
	q->whole = NULL;
	if (q->body.fd >= 0)
		(void)close(q->body.fd);
	q->body = (struct pst_body){ .fd = -1 };
	q->got = 0;
}

static enum pst_rc
write_all(int fd, struct pst_str data, struct pst_error *err)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return pst_fail(err, PST_E_TEMP, errno,
			    "cannot write the content of a message: %s",
			    strerror(errno));
		data.p += n;
		data.n -= (size_t)n;
	}
	return PST_OK;
}

/* One row. Keeps `r`, and sets it to NULL, when it is all of the message. */
static enum pst_rc
take_chunk(struct reading *q, PGresult **r, int at, struct pst_error *err)
{
	struct pst_str data = pg_bytes(*r, at, 1);

	q->body.length = (uint64_t)pg_i64(*r, at, 0);
	q->got += data.n;
	if (q->got == q->body.length && q->body.fd < 0 && q->whole == NULL) {
		q->body.mem = data.n > 0 ? data.p : "";
		q->whole = *r;
		*r = NULL;
		return PST_OK;
	}
	if (q->body.fd < 0)
		q->body.fd = spool_file(q->box->acct->store);
	if (q->body.fd < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "no file for the content of a message: %s",
		    strerror(errno));
	return write_all(q->body.fd, data, err);
}

static enum pst_rc
take_body(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct reading *q = arg;
	enum pst_rc rc = PST_OK;
	bool is_last = false, is_there = false;

	forget(q);
	while (!is_last) {
		PGresult *r = pg_take_row(c, err);
		int n = PQntuples(r);

		if (r == NULL)
			return err->rc;
		is_last = PQresultStatus(r) == PGRES_TUPLES_OK;
		for (int i = 0; i < n && r != NULL && rc == PST_OK; i++) {
			is_there = true;
			rc = take_chunk(q, &r, i, err);
		}
		PQclear(r);
	}
	if (rc == PST_OK && !is_there)
		rc = pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.120s has no message with uid %lu", q->box->name,
		    (unsigned long)q->uid);
	else if (rc == PST_OK && q->got != q->body.length)
		rc = pst_fail(err, PST_E_TEMP, 0,
		    "%.100s: the content of uid %lu is not whole: %llu octets, "
		    "not %llu",
		    q->box->name, (unsigned long)q->uid,
		    (unsigned long long)q->got,
		    (unsigned long long)q->body.length);
	return rc;
}

enum pst_rc
pg_body(struct pst_box *b, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err)
{
	struct reading q = { .box = b, .uid = uid, .body = { .fd = -1 } };
	const struct pg_job job = box_job(b, PG_READ, &q, send_body, take_body);
	enum pst_rc rc = pg_run(b->acct->store, &job, NULL, err);

	if (rc != PST_OK) {
		forget(&q);
		return rc;
	}
	*body_r = q.body;
	body_r->priv = q.whole;
	body_r->release = q.whole != NULL ? release_result : release_file;
	return PST_OK;
}

/* --- ident -----------------------------------------------------------------
 */

struct naming {
	struct pst_box *box;
	uint32_t uid;
	char id[40];
};

static enum pst_rc
send_ident(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	pg_p_i64(&p, q->uid);
	(void)pg_send(c, PG_S_IDENT, &p);
	return PST_OK;
}

static enum pst_rc
take_ident(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct naming *q = arg;
	PGresult *r = pg_take(c, err);
	struct pst_str own;
	enum pst_rc rc = PST_OK;

	if (r == NULL)
		return err->rc;
	own = pg_bytes(r, 0, 1);
	if (PQntuples(r) == 0)
		rc = pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.120s has no message with uid %lu", q->box->name,
		    (unsigned long)q->uid);
	else if (own.p != NULL)
		(void)snprintf(q->id, sizeof(q->id), "%.*s", (int)own.n, own.p);
	else
		(void)snprintf(q->id, sizeof(q->id), "M%s%llx",
		    q->box->acct->store->prefix,
		    (unsigned long long)pg_i64(r, 0, 0));
	PQclear(r);
	return rc;
}

enum pst_rc
pg_ident(struct pst_box *b, uint32_t uid, char id_r[40], struct pst_error *err)
{
	struct naming q = { .box = b, .uid = uid };
	const struct pg_job job = box_job(
	    b, PG_READ, &q, send_ident, take_ident);
	enum pst_rc rc = pg_run(b->acct->store, &job, NULL, err);

	memcpy(id_r, q.id, sizeof(q.id));
	return rc;
}
