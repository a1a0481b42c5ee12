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
#include "imap/binary.h"
#include "imap/commands.h"
#include "imap/fetch_items.h"
#include "imap/fetch_modifiers.h"
#include "imap/fetch_partial.h"
#include "imap/message_limit.h"
#include "imap/messages.h"
#include "imap/modseq.h"
#include "imap/places.h"
#include "imap/respond.h"
#include "imap/thread_ids.h"

enum {
	BATCH = 256,	 /* rows at a time */
	BATCH_SEEN = 16, /* of which \Seen is set before they are sent */
	SMALL = 65536,	 /* read whole, and parsed from memory */
	PIECE = 65536,
	FIELDS_MAX = 1 << 17, /* of one message that are kept */
};

struct fetching {
	struct uidset seqs;
	struct imap_fetch_items items;
	struct imap_fetch_modifiers modifiers;
	struct uidset vanished;
	size_t told;	 /* ranges of `vanished` */
	uint32_t lowest; /* see imap_limit_messages() */
	/* Instead of a tagged answer: see imap_fetch_new(). */
	enum imap_step (*then)(struct imap_session *s);
	uint32_t next; /* sequence number after this batch; 0: none */
	struct pst_row *rows;
	uint32_t first; /* sequence number of rows[0] */
	size_t n, at;
	uint32_t newly_seen; /* bit i: rows[i] */
	bool missing;	     /* some are gone */
	bool unreadable;     /* some cannot be read, and should be */
	bool undecodable;    /* some have an unknown transfer encoding */
	bool is_open;	     /* "* n FETCH (" is written */
	bool has_body;
	const struct imap_fetch_node *node; /* the next to be written */
	bool first_item;
	struct imap_fetch_message m;
	struct buf small;			     /* a whole message */
	struct buf fields;			     /* to be kept */
	struct imap_cached cached[MAIL_CACHE_FACTS]; /* by kind */
	struct imap_thread_ids *threads;
	enum imap_fetch_level level; /* what must be read of this message */
};

static void
close_message(struct fetching *f)
{
	struct imap_fetch_message *m = &f->m;

	imap_binary_fini(&m->binary);
	m->whole = STR_NONE;
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
	uidset_fini(&f->vanished);
	buf_fini(&f->small);
	buf_fini(&f->fields);
	buf_fini(&f->m.made);
	for (unsigned k = 0; k < MAIL_CACHE_FACTS; k++)
		imap_cached_fini(&f->cached[k]);
	imap_thread_ids_free(&f->threads);
	arena_free(&f->m.scratch);
}

/* --- batches ---------------------------------------------------------------
 */

/* CHANGEDSINCE leaves it out. */
static bool
is_unchanged(const struct fetching *f, const struct pst_row *row)
{
	return f->modifiers.has_since && row->modseq <= f->modifiers.since;
}

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
		if (f->rows[i].uid == 0 || (f->rows[i].flags & PST_SEEN) ||
		    is_unchanged(f, &f->rows[i]))
			continue;
		uidset_add(&uids, f->rows[i].uid, f->rows[i].uid);
		mask |= (uint32_t)1 << i;
	}
	if (uids.n == 0)
		return;
	if (view_store(s->view, uidset_peek(&uids), &change, NULL, &err) !=
	    PST_OK) {
		if (!view_is_dead(s->view))
			log_failure(
			    PST_LOG_ERROR, net_id(s->c), "imap-seen", &err);
		mask = 0;
	}
	uidset_fini(&uids);
	f->newly_seen = mask;
	if (mask != 0) /* with their new modseqs */
		view_rows(s->view, f->first, f->n, f->rows);
}

/* Puts what was worked out. */
static void
flush(struct fetching *f)
{
	for (unsigned k = 0; k < MAIL_CACHE_FACTS; k++)
		imap_cached_flush(&f->cached[k]);
}

/* The next message that is asked for, from number `seq` on; 0: none. Those that
 * CHANGEDSINCE leaves out are skipped at once. */
static uint32_t
next_wanted(struct imap_session *s, struct fetching *f, uint32_t seq)
{
	uint32_t changed;

	seq = imap_member_from(&f->seqs, seq);
	while (f->modifiers.has_since && seq != 0) {
		changed = view_next_changed(s->view, seq, f->modifiers.since);
		if (changed == seq)
			return seq;
		seq = changed != 0 ? imap_member_from(&f->seqs, changed) : 0;
	}
	return seq;
}

/* False: no message is left. */
static bool
next_batch(struct imap_session *s, struct fetching *f)
{
	bool seen = f->items.sets_seen && !view_is_read_only(s->view) &&
		    (view_rights(s->view) & ACL_SEEN); /* RFC 4314, 4 */
	uint32_t n;

	f->first = f->next != 0 ? next_wanted(s, f, f->next) : 0;
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

	m->whole = text;
	if (f->level == IMAP_FETCH_BODY)
		return;
	if (f->level == IMAP_FETCH_STRUCTURE) {
		m->msg = msg_read(text, &f->m.limits);
		return;
	}
	r = msg_reader_new(&f->m.limits, true);
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
	bool header_only = f->level == IMAP_FETCH_HEADER;
	enum pst_rc rc = view_body(s->view, m->row.uid, &m->body, err);

	if (rc != PST_OK)
		return rc;
	f->has_body = true;
	buf_clear(&f->small);
	s->fetched++;
	if (f->level == IMAP_FETCH_BODY && !f->items.has_lazy)
		return PST_OK;
	if (m->body.mem == NULL && m->body.length > SMALL)
		return f->level == IMAP_FETCH_BODY
			   ? PST_OK
			   : mail_body_parse(&m->body, &f->m.limits,
				 header_only, &m->msg, err);
	if (m->body.mem == NULL)
		rc = read_small(f, err);
	if (rc == PST_OK)
		parse_small(f, m->body.mem != NULL
				   ? str_n(m->body.mem, (size_t)m->body.length)
				   : buf_str(&f->small));
	return rc;
}

/* RFC 3501, 6.4.5; RFC 7162, 3.2.4 */
static void
put_newly_seen(struct imap_session *s, struct fetching *f)
{
	struct imap_fetch_message *m = &f->m;
	struct buf *out = imap_out(s);
	bool modseq = s->enabled & IMAP_CONDSTORE;

	if (!f->items.has_flags) {
		imap_put_fetch_flags(out, m);
		f->first_item = false;
	}
	if (modseq && !f->items.has_uid && !(s->enabled & IMAP_UIDONLY)) {
		(void)buf_puts(out, f->first_item ? "UID " : " UID ");
		(void)buf_put_u64(out, m->row.uid);
		f->first_item = false;
	}
	if (modseq && !f->items.has_modseq) {
		if (!f->first_item)
			(void)buf_putc(out, ' ');
		imap_put_modseq(out, m->row.modseq);
		f->first_item = false;
	}
}

/* RFC 3516, 4.3: all that is to be decoded can be. */
static bool
is_decodable(const struct fetching *f)
{
	const struct imap_fetch_node *node = f->items.first;

	for (; f->items.has_binary && node != NULL; node = node->next) {
		if (imap_fetch_is_binary(node->item) &&
		    !imap_binary_is_decodable(node->section, f->m.msg))
			return false;
	}
	return true;
}

/* Structures are kept as RFC 3501 has them. Those with parameters that have a
 * charset and with message/global are told differently since RFC 9051. */
static bool
is_kept_form(const struct fetching *f, const struct imap_fetch_node *node,
    struct pst_str text)
{
	return !f->m.rev2 || node->level < IMAP_FETCH_STRUCTURE ||
	       (str_find_case(text, STR("*\" ")) == text.n &&
		   str_find_case(text, STR("\"message\" \"global\"")) ==
		       text.n);
}

/* What must be read for that for which nothing is kept. */
static enum imap_fetch_level
find_kept(struct fetching *f)
{
	enum imap_fetch_level level = IMAP_FETCH_ROW;

	for (struct imap_fetch_node *node = f->items.first; node != NULL;
	     node = node->next) {
		node->is_kept = node->cached != NULL &&
				imap_cached_find(node->cached, f->rows, f->n,
				    f->at - 1, false, &node->kept) &&
				is_kept_form(f, node, node->kept);
		if (!node->is_kept && node->level > level)
			level = node->level;
	}
	return level;
}

/* False: it is gone or cannot be decoded, and is left out. */
static bool
begin_message(struct imap_session *s, struct fetching *f)
{
	struct imap_fetch_message *m = &f->m;
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
	if (is_unchanged(f, &m->row))
		return false;
	arena_reset(m->scratch);
	f->level = f->items.cached != 0 ? find_kept(f) : f->items.level;
	m->has_structure = f->level == IMAP_FETCH_STRUCTURE;
	rc = f->level > IMAP_FETCH_ROW ? open_body(s, f, &err) : PST_OK;
	if (rc == PST_OK && f->items.needs_ident)
		rc = view_ident(s->view, m->row.uid, m->ident, &err);
	if (rc == PST_OK && f->items.needs_thread)
		m->thread = imap_thread_ids_find(
		    &f->threads, s->view, f->rows, f->n, f->at - 1, false);
	if (rc != PST_OK) {
		if (rc != PST_E_NOTFOUND)
			log_failure(
			    PST_LOG_ERROR, net_id(s->c), "imap-fetch", &err);
		close_message(f);
		f->missing |= rc == PST_E_NOTFOUND;
		f->unreadable |= rc != PST_E_NOTFOUND;
		return false;
	}
	if (!is_decodable(f)) {
		close_message(f);
		f->undecodable = true;
		return false;
	}
	imap_put_fetch(s, m->seq, m->row.uid);
	f->is_open = f->first_item = true;
	f->node = f->items.first;
	if (newly_seen)
		put_newly_seen(s, f);
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

/* BREAK: half of the answer is written already. */
static enum imap_step
send_binary(struct imap_session *s, struct fetching *f)
{
	struct pst_error err;

	if (imap_binary_send(&f->m, imap_out(s), &err) == PST_OK)
		return IMAP_NEXT;
	log_failure(PST_LOG_ERROR, net_id(s->c), "imap-fetch", &err);
	return IMAP_BREAK;
}

/* NEXT: the item can be written. */
static enum imap_step
measure_binary(struct imap_session *s, struct fetching *f, int64_t started)
{
	struct pst_error err;
	bool done = false;

	while (!done) {
		if (imap_binary_measure(&f->m, f->node->section, &done, &err) !=
		    PST_OK) {
			log_failure(
			    PST_LOG_ERROR, net_id(s->c), "imap-fetch", &err);
			return IMAP_BREAK;
		}
		if (!done && imap_slice_over(started))
			return IMAP_TURN;
	}
	return IMAP_NEXT;
}

/* The answer to an item, or the fields that it was chosen from, for the next
 * time. A preview that was not made is none. */
static void
keep(struct fetching *f, const struct imap_fetch_node *node,
    struct pst_str written)
{
	uint32_t uid = f->m.row.uid;

	if (node->section != NULL) {
		buf_clear(&f->fields);
		imap_section_put_common(f->m.msg->root, &f->fields);
		if (!f->fields.overflow)
			imap_cached_add(node->cached, uid, buf_str(&f->fields));
	} else if ((!node->is_lazy || f->m.has_structure) &&
		   is_kept_form(f, node, written)) {
		imap_cached_add(node->cached, uid, written);
	}
}

static void
write_item(struct imap_session *s, struct fetching *f)
{
	const struct imap_fetch_node *node = f->node;
	struct buf *out = imap_out(s);
	size_t start;

	if (!f->first_item)
		(void)buf_putc(out, ' ');
	f->first_item = false;
	start = out->n;
	if (node->is_kept && node->section == NULL)
		(void)buf_add_str(out, node->kept);
	else
		node->item->write(out, &f->m, node);
	if (node->cached != NULL && !node->is_kept && !out->overflow)
		keep(f, node, str_from(buf_str(out), start));
	f->node = node->next;
}

/* --- the cursor -------------------------------------------------------------
 */

static enum imap_step
ended(struct imap_session *s, const struct fetching *f)
{
	enum imap_step (*then)(struct imap_session * s) = f->then;

	if (then != NULL) {
		cleanup(s);
		s->run->cleanup = NULL;
		s->run->state = NULL;
		s->run->resume = then;
		return IMAP_NEXT;
	}
	if (f->undecodable || f->unreadable || f->missing)
		imap_put_limited(s, f->lowest);
	if (f->undecodable)
		return imap_no(
		    s, "[UNKNOWN-CTE] Unknown content transfer encoding");
	if (f->unreadable)
		return imap_no(
		    s, "[UNAVAILABLE] Some of the messages cannot be read");
	/* RFC 5530, 3. It is no failure: mutt gives the whole mailbox up when
	 * one message goes while it reads the headers. */
	if (f->missing)
		return imap_ok(
		    s, "[EXPUNGEISSUED] Some of the messages no longer exist");
	return imap_ok_limited(s, f->lowest, "Fetch completed");
}

static enum imap_step
more(struct imap_session *s)
{
	struct fetching *f = s->run->state;
	int64_t started = clock_monotonic();
	unsigned n = 0;

	/* RFC 7162, 3.2.6: before any FETCH */
	if (!imap_put_earlier(s, &f->vanished, &f->told))
		return IMAP_FULL;
	for (;;) {
		if (f->is_open && f->m.send.length > 0) {
			if (!send_piece(s, f))
				return IMAP_BREAK; /* inside of a literal */
		} else if (f->is_open && f->m.binary.left > 0) {
			if (send_binary(s, f) != IMAP_NEXT)
				return IMAP_BREAK;
		} else if (f->is_open && f->node != NULL) {
			if (imap_fetch_is_binary(f->node->item)) {
				enum imap_step step = measure_binary(
				    s, f, started);

				if (step != IMAP_NEXT)
					return step;
			}
			write_item(s, f);
		} else if (f->is_open) {
			(void)buf_add(imap_out(s), ")\r\n", 3);
			close_message(f);
			if (f->level > IMAP_FETCH_ROW && ++n % 8 == 0 &&
			    imap_slice_over(started))
				return IMAP_TURN;
		} else if (f->at < f->n) {
			(void)begin_message(s, f);
			continue;
		} else if (imap_slice_over(started)) {
			return IMAP_TURN;
		} else if (!next_batch(s, f)) {
			flush(f);
			return ended(s, f);
		}
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
}

/* The set as it was written: what is not there any more counts, too. */
static void
find_vanished(
    struct imap_session *s, struct imap_parser *ps, struct fetching *f)
{
	struct uidset known = { 0 };
	struct pst_str text;

	if (imap_sequence_set(ps, &text) && str_is(text, "$"))
		view_vanished(s->view, uidset_peek(&s->saved),
		    f->modifiers.since, &f->vanished);
	else if (uidset_parse(text, UINT32_MAX, IMAP_RANGES_MAX, &known) ==
		 PST_OK)
		view_vanished(s->view, uidset_peek(&known), f->modifiers.since,
		    &f->vanished);
	uidset_fini(&known);
}

/* Says for each item where it is kept. */
static void
use_cache(struct imap_session *s, struct fetching *f)
{
	if (!view_has_cache(s->view))
		f->items.cached = 0;
	for (struct imap_fetch_node *node = f->items.first; node != NULL;
	     node = node->next) {
		int kind = imap_fetch_cache_kind(node);

		if (kind >= 0 && f->items.cached != 0)
			node->cached = &f->cached[kind];
	}
}

/* What the modifiers ask for besides (RFC 7162, 3.1.4.1 and 3.2.6). */
static bool
apply_modifiers(struct imap_session *s, struct imap_parser *ps, bool uid,
    struct fetching *f)
{
	if (f->modifiers.vanished && !uid)
		return imap_bad(ps, "VANISHED is for UID FETCH");
	if (f->modifiers.vanished && !(s->enabled & IMAP_QRESYNC))
		return imap_bad(ps, "QRESYNC is not enabled");
	if (f->modifiers.has_partial && !uid) /* RFC 9394, 3.3 */
		return imap_bad(ps, "PARTIAL is for UID FETCH");
	if (f->modifiers.has_partial)
		imap_partial_members(&f->modifiers.partial, &f->seqs);
	return !f->modifiers.has_since || f->items.has_modseq ||
	       imap_fetch_items_add(ps, "MODSEQ", &f->items);
}

static struct fetching *
begin(struct imap_session *s)
{
	struct fetching *f = imap_alloc(s, sizeof(*f));

	s->run->state = f;
	s->run->cleanup = cleanup;
	buf_init(&f->small, SMALL);
	buf_init(&f->fields, FIELDS_MAX);
	buf_init(&f->m.made, 4 << 20);
	for (unsigned k = 0; k < MAIL_CACHE_FACTS; k++)
		imap_cached_init(&f->cached[k], s->view, (enum mail_cache)k,
		    IMAP_CACHED_AHEAD);
	f->m.scratch = arena_new(0);
	f->m.view = s->view;
	f->m.rev2 = s->enabled & IMAP_REV2;
	f->m.limits = imap_msg_limits(net_config(s->c));
	return f;
}

static enum imap_step
start(struct imap_session *s, struct fetching *f)
{
	uint64_t count = uidset_count(&f->seqs);

	use_cache(s, f);
	f->rows = imap_alloc(
	    s, sizeof(*f->rows) * (size_t)(count < BATCH ? count : BATCH));
	f->next = 1;
	s->run->resume = more;
	return IMAP_NEXT;
}

enum imap_step
imap_fetch(struct imap_session *s, struct imap_parser *ps)
{
	struct imap_parser set;
	bool uid = s->run->def->traits & IMAP_UID;
	struct fetching *f = begin(s);

	if (!imap_space(ps))
		return imap_bad_arguments(s, ps);
	set = *ps;
	if (!imap_messages(s, ps, uid, &f->seqs) || !imap_space(ps) ||
	    !imap_fetch_items_parse(
		ps, uid && !(s->enabled & IMAP_UIDONLY), &f->items) ||
	    !imap_fetch_modifiers(ps, &f->modifiers) || !imap_end(ps) ||
	    !apply_modifiers(s, ps, uid, f))
		return imap_bad_arguments(s, ps);
	if (f->items.has_modseq)
		imap_condstore(s);
	f->lowest = imap_limit_messages(s, &f->seqs);
	if (f->lowest != 0 && f->modifiers.has_partial)
		return imap_over_limit(s, 0);
	if (f->modifiers.vanished)
		find_vanished(s, &set, f);
	if (f->items.has_preview) /* RFC 8970, 8 */
		log_event(PST_LOG_DEBUG, net_id(s->c), "preview", "user",
		    s->address, NULL);
	return start(s, f);
}

enum imap_step
imap_fetch_new(struct imap_session *s, const struct uidset *uids,
    const char *items, enum imap_step (*then)(struct imap_session *s))
{
	struct fetching *f = begin(s);
	struct imap_parser ps;

	f->then = then;
	imap_seqs_of(s->view, uids, &f->seqs);
	imap_parser_init(&ps, str_of(items), s->run->arena);
	/* It was read before. */
	if (!imap_fetch_items_parse(&ps, false, &f->items))
		return ended(s, f);
	f->items.sets_seen = false;
	return start(s, f);
}
