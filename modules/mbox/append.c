/*
 * append.c - messages at the end of the file. The order: uids reserved, content
 * durable, then told. What a crash leaves of a message is known by its fields,
 * which tell how long it is (scan.c); what an error leaves is cut off at once.
 */
#include "mbox.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_LINES = 50 };

enum pst_rc
mb_append_begin(
    struct mb_appending *a, struct pst_box *b, struct pst_error *err)
{
	char last[2] = { '\n', '\n' };
	struct stat st;
	size_t n;

	*a = (struct mb_appending){ .box = b };
	if (b->must_scan)
		return pst_fail(err, PST_E_TEMP, 0,
		    "%.180s has a torn end that cannot be set aside",
		    b->folder->base.where);
	if (fstat(b->fd, &st) < 0)
		return mb_fail_io(err, errno, b, "look at");
	a->start = a->at = (uint64_t)st.st_size;
	n = a->start < 2 ? (size_t)a->start : 2;
	if (pread(b->fd, last + 2 - n, n, (off_t)(a->start - n)) != (ssize_t)n)
		return mb_fail_io(err, errno ? errno : EIO, b, "read");
	/* Another program's last message, without the empty line after it. */
	if (last[1] != '\n')
		li_buf_puts(&a->text, "\n\n");
	else if (last[0] != '\n')
		li_buf_putc(&a->text, '\n');
	return PST_OK;
}

static int
flush(struct mb_appending *a)
{
	for (size_t at = 0; at < a->text.n;) {
		ssize_t n = pwrite(
		    a->box->fd, a->text.p + at, a->text.n - at, (off_t)a->at);

		if (n < 0 && errno != EINTR)
			return errno;
		at += n > 0 ? (size_t)n : 0;
		a->at += n > 0 ? (uint64_t)n : 0;
	}
	a->text.n = 0;
	return 0;
}

static void
open_lines(struct mb_lines *l, const struct li_stage *in)
{
	if (in->fd >= 0)
		mb_lines_init(l, in->fd, 0, in->octets);
	else
		mb_lines_text(l, in->buffer, in->n);
}

/* Who sent it: what a delivery wrote into the header. */
static void
print_from(struct li_buf *out, const struct li_stage *in, int64_t date)
{
	static const char name[] = "Return-Path:";
	struct mb_lines lines;
	struct mb_piece p;
	struct pst_str sender = { "", 0 };

	open_lines(&lines, in);
	for (int i = 0; i < HEADER_LINES && mb_lines_next(&lines, &p) &&
			p.has_lf && p.n > 0;
	     i++) {
		const char *left, *right;

		if (p.n < sizeof(name) ||
		    memcmp(p.p, name, sizeof(name) - 1) != 0)
			continue;
		left = memchr(p.p, '<', p.n);
		right = left != NULL
			    ? memchr(left, '>', p.n - (size_t)(left - p.p))
			    : NULL;
		if (right != NULL)
			sender = (struct pst_str){ left + 1,
				(size_t)(right - left - 1) };
		break;
	}
	mb_from_print(out, sender, date);
	mb_lines_fini(&lines);
}

static bool
ends_in_lf(const struct li_stage *in)
{
	char last = '\0';

	if (in->octets == 0)
		return false;
	if (in->fd < 0)
		last = in->buffer[in->n - 1];
	else if (pread(in->fd, &last, 1, (off_t)(in->octets - 1)) != 1)
		return false;
	return last == '\n';
}

static int
put_content(struct mb_appending *a, const struct li_stage *in)
{
	struct mb_writer writer;
	struct mb_lines lines;
	struct mb_piece p;
	int e = 0;

	mb_writer_init(&writer, &a->text);
	open_lines(&lines, in);
	while (e == 0 && mb_lines_next(&lines, &p)) {
		mb_writer_piece(&writer, &p);
		if (a->text.n >= MB_CHUNK)
			e = flush(a);
	}
	mb_writer_end(&writer);
	e = e ? e : lines.sys_errno;
	mb_lines_fini(&lines);
	return e;
}

enum pst_rc
mb_append_one(struct mb_appending *a, struct li_stage *in,
    const struct pst_row *row, const char *ident, struct pst_error *err)
{
	struct pst_box *b = a->box;
	struct mb_folder *f = b->folder;
	struct li_buf keywords = { 0 };
	struct mb_block block = { .uid = row->uid,
		.flags = row->flags & PST_FLAGS_ALL,
		.is_raw = !in->as_lf,
		.no_eol = !ends_in_lf(in),
		.internal_date = row->internal_date,
		.save_date = row->save_date,
		.size = in->size };
	struct mb_places places;
	struct mb_msg *m;
	size_t start = a->text.n, from_n;
	int e;

	LI_PUSH(a->msg, a->n, a->cap);
	m = &a->msg[a->n];
	*m = (struct mb_msg){ .offset = a->at + a->text.n,
		.size = in->size,
		.keywords = row->keywords,
		.modseq = row->modseq,
		.internal_date = row->internal_date,
		.save_date = row->save_date,
		.uid = row->uid,
		.flags = (uint8_t)block.flags,
		.form = MB_RECORDED | MB_OWN | (block.is_raw ? MB_RAW : 0) };
	b->acct->store->host->random(m->id, sizeof(m->id));
	(void)snprintf(block.ident, sizeof(block.ident), "M%016llx%016llx",
	    (unsigned long long)m->id[0], (unsigned long long)m->id[1]);
	if (ident[0] != '\0') {
		(void)snprintf(block.ident, sizeof(block.ident), "%s", ident);
		mb_ident_numbers(ident, m);
	}
	memcpy(block.tag, b->tag, sizeof(block.tag));
	/* The first one of all tells what the mailbox is. */
	if (b->count == 0 && a->n == 0) {
		(void)pthread_mutex_lock(&f->base.lock);
		block.uidvalidity = f->base.state.uidvalidity;
		block.uidlast = f->base.state.uidnext - 1;
		memcpy(block.objectid, f->base.state.objectid,
		    sizeof(block.objectid));
		(void)pthread_mutex_unlock(&f->base.lock);
	}
	print_from(&a->text, in, row->internal_date);
	from_n = a->text.n - start;
	mb_keywords_print(f, row->keywords, &keywords);
	mb_block_print(&a->text, &block,
	    (struct pst_str){ keywords.p, keywords.n }, &places);
	li_buf_free(&keywords);
	m->fixed = (uint32_t)(from_n + places.fixed);
	m->room = (uint32_t)places.room;
	if (places.base > 0)
		a->base_at = m->offset + from_n + places.base;
	e = put_content(a, in);
	if (block.no_eol)
		li_buf_putc(&a->text, '\n');
	li_buf_putc(&a->text, '\n');
	m->length = a->at + a->text.n - m->offset;
	a->n++;
	if (e == 0 && a->text.n >= MB_CHUNK)
		e = flush(a);
	return e ? mb_fail_io(err, e, b, "deliver to") : PST_OK;
}

void
mb_append_undo(struct mb_appending *a)
{
	struct pst_box *b = a->box;

	/* What stays after all is known for torn, or by its uid. */
	if (a->at > a->start && ftruncate(b->fd, (off_t)a->start) == 0 &&
	    !b->must_scan)
		mb_box_settled(b);
	b->is_indexed = false;
	li_buf_free(&a->text);
	free(a->msg);
	a->msg = NULL;
	a->n = 0;
}

/* The index on the disk goes along, so that it need not be written as a whole
 * when the mailbox is closed, and not at all when nobody has the list. */
static void
add_to_index(struct pst_box *b, const struct mb_appending *a, bool was_right)
{
	struct mb_folder *f = b->folder;
	struct mb_index index = {
		.stamp = b->stamp,
		.count = b->count - a->n,
		.bytes = b->bytes,
		.base_at = b->base_at,
		.begin = b->begin,
		.uidvalidity = f->base.state.uidvalidity,
		.uidnext = b->scanned_uidnext,
		.unrecorded = (uint32_t)b->unrecorded,
	};

	b->is_indexed = was_right &&
			mb_index_add(f->base.fd, &index, a->msg, a->n) == 0;
}

static void
take_in(struct mb_appending *a)
{
	struct pst_box *b = a->box;
	bool was_right = b->is_indexed || !b->is_listed;

	if (b->is_listed) {
		(void)pthread_mutex_lock(&b->lock);
		for (size_t i = 0; i < a->n; i++) {
			LI_PUSH(b->msg, b->n, b->cap);
			b->msg[b->n] = a->msg[i];
			/* Told together with those of others before it. */
			if (b->is_loaded && b->is_pending) {
				b->msg[b->n].pending = MB_PEND_NEW;
				b->is_behind = true;
			}
			b->n++;
		}
		(void)pthread_mutex_unlock(&b->lock);
	}
	b->count += a->n;
	for (size_t i = 0; i < a->n; i++)
		b->bytes += a->msg[i].size;
	if (a->base_at != 0)
		b->base_at = a->base_at;
	(void)pthread_mutex_lock(&b->folder->base.lock);
	b->scanned_uidnext = b->folder->base.state.uidnext;
	(void)pthread_mutex_unlock(&b->folder->base.lock);
	mb_box_settled(b);
	add_to_index(b, a, was_right);
}

enum pst_rc
mb_append_end(struct mb_appending *a, struct pst_error *err)
{
	struct pst_box *b = a->box;
	int e = flush(a);

	if (e == 0 && a->n > 0 && a->base_at == 0)
		mb_write_uidlast(b, a->msg[a->n - 1].uid);
	if (e == 0)
		e = mb_sync_data(b->acct->store, b->fd);
	if (e != 0) {
		mb_append_undo(a);
		return mb_fail_io(err, e, b, "deliver to");
	}
	take_in(a);
	li_buf_free(&a->text);
	free(a->msg);
	a->msg = NULL;
	return PST_OK;
}

static enum pst_rc
append_all(struct pst_box *b, const struct pst_append *appends, size_t n,
    struct pst_row *rows, struct pst_error *err)
{
	int64_t now = mb_now(b->acct->store);
	struct mb_appending a;
	uint64_t modseq;
	uint32_t uid;
	enum pst_rc rc;

	rc = li_mailstate_reserve(
	    &b->folder->base, (uint32_t)n, &uid, &modseq, err);
	if (rc == PST_OK)
		rc = mb_append_begin(&a, b, err);
	if (rc != PST_OK)
		return rc;
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		rows[i] = (struct pst_row){ .uid = uid + (uint32_t)i,
			.flags = appends[i].flags & PST_FLAGS_ALL,
			.keywords = appends[i].keywords,
			.modseq = modseq,
			.internal_date = appends[i].internal_date,
			.save_date = now,
			.size = appends[i].stage->in.size };
		rc = mb_append_one(
		    &a, &appends[i].stage->in, &rows[i], "", err);
	}
	if (rc == PST_OK)
		return mb_append_end(&a, err);
	mb_append_undo(&a);
	return rc;
}

enum pst_rc
mb_commit(struct pst_box *b, const struct pst_append *appends, size_t n,
    struct pst_row *rows_r, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (n == 0)
		return PST_OK;
	if (n > UINT32_MAX / 2)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	for (size_t i = 0; i < n && rc == PST_OK; i++)
		rc = mb_stage_sync(appends[i].stage, err);
	b->is_behind = false;
	if (rc == PST_OK)
		rc = mb_begin(b, false, err);
	if (rc != PST_OK)
		return rc;
	rc = append_all(b, appends, n, rows_r, err);
	mb_end(b);
	return rc;
}
