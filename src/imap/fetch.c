/*
 * imap/fetch.c - FETCH and UID FETCH (RFC 3501, 6.4.5): a cursor over the
 * messages, then over what was asked of each, then over the octets of a
 * literal. It stops wherever the client does not read as fast.
 *
 * What the mailbox knows is taken from it in batches. A file is opened only
 * for more, read once when it is small, and else copied to the connection in
 * pieces.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/fetch_items.h"
#include "imap/fetch_partial.h"
#include "imap/messages.h"
#include "imap/respond.h"

enum {
	BATCH = 256,	 /* rows at a time */
	BATCH_SEEN = 16, /* of which \Seen is set before they are sent */
	SMALL = 65536,	 /* read whole, and parsed from memory */
	PIECE = 65536,
};

struct fetching {
	struct uidset seqs;
	struct imap_fetch_items items;
	struct msg_limits limits;
	uint32_t next; /* sequence number after this batch; 0: none */
	struct pst_row *rows;
	uint32_t first; /* sequence number of rows[0] */
	size_t n, at;
	uint32_t newly_seen; /* bit i: rows[i] */
	bool missing;	     /* some are gone */
	bool is_open;	     /* "* n FETCH (" is written */
	bool has_body;
	const struct imap_fetch_node *node; /* the next to be written */
	bool first_item;
	struct imap_fetch_message m;
	struct buf small; /* a whole message */
};

static void
close_message(struct fetching *f)
{
	struct imap_fetch_message *m = &f->m;

	if (m->msg != NULL)
		msg_free(&m->msg);
	if (f->has_body)
		m->body.release(&m->body);
	f->has_body = false;
	f->is_open = false;
}

static void
cleanup(struct imap_session *s)
{
	struct fetching *f = s->run->state;

	close_message(f);
	uidset_fini(&f->seqs);
	buf_fini(&f->small);
	buf_fini(&f->m.made);
	arena_free(&f->m.scratch);
}

/* --- batches ---------------------------------------------------------------
 */

/* RFC 3501, 6.4.5: BODY[] sets \Seen, and says so in the answer. */
static void
set_seen(struct imap_session *s, struct fetching *f)
{
	const struct view_store change = {
		.op = PST_FLAGS_ADD,
		.flags = PST_SEEN,
		.unchanged_since = UINT64_MAX,
		.silent = true,
	};
	struct uidset uids = { 0 };
	struct pst_error err;
	uint32_t mask = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->rows[i].uid == 0 || (f->rows[i].flags & PST_SEEN))
			continue;
		uidset_add(&uids, f->rows[i].uid, f->rows[i].uid);
		mask |= (uint32_t)1 << i;
	}
	if (uids.n == 0)
		return;
	if (view_store(s->view, uidset_peek(&uids), &change, NULL, &err) !=
	    PST_OK) {
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-seen", &err);
		mask = 0;
	}
	uidset_fini(&uids);
	f->newly_seen = mask;
	for (size_t i = 0; i < f->n; i++) {
		if (mask & (uint32_t)1 << i)
			f->rows[i].flags |= PST_SEEN;
	}
}

/* False: no message is left. */
static bool
next_batch(struct imap_session *s, struct fetching *f)
{
	bool seen = f->items.sets_seen && !view_is_read_only(s->view);
	uint32_t n;

	f->first = f->next != 0 ? imap_member_from(&f->seqs, f->next) : 0;
	if (f->first == 0)
		return false;
	n = imap_run_length(
	    &f->seqs, f->first, seen ? (uint32_t)BATCH_SEEN : (uint32_t)BATCH);
	f->next = f->first + n < f->first ? 0 : f->first + n;
	f->n = n;
	f->at = 0;
	f->newly_seen = 0;
	view_rows(s->view, f->first, n, f->rows);
	if (seen)
		set_seen(s, f);
	f->m.keywords = view_keywords(s->view);
	return true;
}

/* --- one message -----------------------------------------------------------
 */

static void
parse_small(struct fetching *f, struct pst_str text)
{
	struct imap_fetch_message *m = &f->m;
	struct msg_reader *r;

	if (f->items.level == IMAP_FETCH_STRUCTURE) {
		m->msg = msg_read(text, &f->limits);
		return;
	}
	r = msg_reader_new(&f->limits, true);
	(void)msg_reader_feed(r, text.p, text.n);
	m->msg = msg_reader_finish(&r);
}

/* Has a small message in memory, so that its file is read once. */
static enum pst_rc
read_small(struct fetching *f, struct pst_error *err)
{
	struct imap_fetch_message *m = &f->m;
	size_t n = (size_t)m->body.length;
	enum pst_rc rc;
	char *p;

	buf_clear(&f->small);
	p = buf_reserve(&f->small, n);
	rc = mail_body_read(&m->body, 0, p, n, err);
	if (rc == PST_OK)
		buf_added(&f->small, n);
	return rc;
}

static enum pst_rc
open_body(struct imap_session *s, struct fetching *f, struct pst_error *err)
{
	struct imap_fetch_message *m = &f->m;
	bool header_only = f->items.level == IMAP_FETCH_HEADER;
	enum pst_rc rc = view_body(s->view, m->row.uid, &m->body, err);

	if (rc != PST_OK)
		return rc;
	f->has_body = true;
	buf_clear(&f->small);
	s->fetched++;
	if (f->items.level == IMAP_FETCH_BODY)
		return PST_OK;
	if (m->body.mem == NULL && m->body.length > SMALL)
		return mail_body_parse(
		    &m->body, &f->limits, header_only, &m->msg, err);
	if (m->body.mem == NULL)
		rc = read_small(f, err);
	if (rc == PST_OK)
		parse_small(f, m->body.mem != NULL
				   ? str_n(m->body.mem, (size_t)m->body.length)
				   : buf_str(&f->small));
	return rc;
}

/* False: it is gone, and is left out. */
static bool
begin_message(struct imap_session *s, struct fetching *f)
{
	struct imap_fetch_message *m = &f->m;
	struct buf *out = imap_out(s);
	struct pst_error err;
	bool newly_seen = f->newly_seen & (uint32_t)1 << (f->at & 31);
	enum pst_rc rc;

	m->seq = f->first + (uint32_t)f->at;
	m->row = f->rows[f->at++];
	if (m->row.uid == 0) {
		/* RFC 3501, 6.4.8: a uid that is gone is no error. */
		f->missing |= !(s->run->def->traits & IMAP_UID);
		return false;
	}
	arena_reset(m->scratch);
	rc = f->items.level > IMAP_FETCH_ROW ? open_body(s, f, &err) : PST_OK;
	if (rc != PST_OK) {
		if (rc != PST_E_NOTFOUND)
			log_failure(
			    PST_LOG_ERROR, net_id(s->c), "imap-fetch", &err);
		close_message(f);
		f->missing = true;
		return false;
	}
	(void)buf_add(out, "* ", 2);
	(void)buf_put_u64(out, m->seq);
	(void)buf_add(out, " FETCH (", 8);
	f->is_open = f->first_item = true;
	f->node = f->items.first;
	if (newly_seen && !f->items.has_flags) {
		imap_put_fetch_flags(out, m);
		f->first_item = false;
	}
	return true;
}

/* A piece of the literal. False: it cannot be read any more. */
static bool
send_piece(struct imap_session *s, struct fetching *f)
{
	struct imap_fetch_message *m = &f->m;
	struct imap_octets *at = &m->send;
	size_t n = at->length < PIECE ? (size_t)at->length : PIECE;
	char *p = buf_reserve(imap_out(s), n);
	struct pst_error err;

	if (p == NULL)
		return false;
	if (at->is_made) {
		memcpy(p, m->made.p + at->offset, n);
	} else if (f->small.n > 0) {
		memcpy(p, f->small.p + at->offset, n);
	} else if (mail_body_read(&m->body, at->offset, p, n, &err) != PST_OK) {
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-fetch", &err);
		return false;
	}
	imap_clean(p, n);
	buf_added(imap_out(s), n);
	at->offset += n;
	at->length -= n;
	return true;
}

static void
write_item(struct imap_session *s, struct fetching *f)
{
	struct buf *out = imap_out(s);

	if (!f->first_item)
		(void)buf_putc(out, ' ');
	f->first_item = false;
	f->node->item->write(out, &f->m, f->node);
	f->node = f->node->next;
}

/* --- the cursor -------------------------------------------------------------
 */

static enum imap_step
ended(struct imap_session *s, const struct fetching *f)
{
	if (f->missing)
		return imap_no(
		    s, "[EXPUNGEISSUED] Some of the messages no longer exist");
	return imap_ok(s, "Fetch completed");
}

static enum imap_step
more(struct imap_session *s)
{
	struct fetching *f = s->run->state;
	int64_t started = clock_monotonic();
	unsigned n = 0;

	for (;;) {
		if (f->is_open && f->m.send.length > 0) {
			if (!send_piece(s, f))
				return IMAP_BREAK; /* inside of a literal */
		} else if (f->is_open && f->node != NULL) {
			write_item(s, f);
		} else if (f->is_open) {
			(void)buf_add(imap_out(s), ")\r\n", 3);
			close_message(f);
			if (f->items.level > IMAP_FETCH_ROW && ++n % 8 == 0 &&
			    imap_slice_over(started))
				return IMAP_TURN;
		} else if (f->at < f->n) {
			(void)begin_message(s, f);
			continue;
		} else if (!next_batch(s, f)) {
			return ended(s, f);
		}
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
}

/* fetch-modifiers (RFC 4466, 2.4): "(" name [SP value] ... ")" */
static bool
parse_modifiers(struct imap_parser *ps, bool uid, struct fetching *f)
{
	struct imap_partial partial;
	bool has_partial = false;

	if (!imap_skip(ps, ' '))
		return true;
	if (!imap_expect(ps, '('))
		return false;
	do {
		if (has_partial || !uid || !imap_skip_word(ps, "PARTIAL"))
			return imap_bad(ps, "Unknown FETCH modifier");
		if (!imap_space(ps) || !imap_partial_parse(ps, &partial))
			return false;
		has_partial = true;
	} while (imap_skip(ps, ' '));
	imap_partial_members(&partial, &f->seqs);
	return imap_expect(ps, ')');
}

enum imap_step
imap_fetch(struct imap_session *s, struct imap_parser *ps)
{
	bool uid = s->run->def->traits & IMAP_UID;
	struct fetching *f = imap_alloc(s, sizeof(*f));
	uint64_t count;

	s->run->state = f;
	s->run->cleanup = cleanup;
	buf_init(&f->small, SMALL);
	buf_init(&f->m.made, 4 << 20);
	f->m.scratch = arena_new(0);
	f->m.view = s->view;
	f->limits = imap_msg_limits(net_config(s->c));
	if (!imap_space(ps) || !imap_messages(s, ps, uid, &f->seqs) ||
	    !imap_space(ps) || !imap_fetch_items_parse(ps, uid, &f->items) ||
	    !parse_modifiers(ps, uid, f) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	count = uidset_count(&f->seqs);
	f->rows = imap_alloc(
	    s, sizeof(*f->rows) * (size_t)(count < BATCH ? count : BATCH));
	f->next = 1;
	s->run->resume = more;
	return IMAP_NEXT;
}
