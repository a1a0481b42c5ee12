/*
 * imap/append.c - APPEND (RFC 3501, 6.3.11) with APPENDUID (RFC 4315), several
 * messages (RFC 3502), binary literals (RFC 3516, 4.4) and messages that are
 * put together (RFC 4469); REPLACE (RFC 8508).
 *
 * A message goes from the connection straight to the storage and never lies in
 * memory as a whole. It is refused before it is sent where that is known: too
 * large, no room, no such mailbox. The mailbox sees nothing before all messages
 * are complete.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/announce.h"
#include "imap/append_parse.h"
#include "imap/catenate.h"
#include "imap/commands.h"
#include "imap/message_limit.h"
#include "imap/notify.h"
#include "imap/places.h"
#include <stdlib.h>

enum {
	LOOK_FIRST = 65536,
	MESSAGES_MAX = 200, /* each may hold a file open */
	PIECE = 65536,
};

static const char no_mailbox[] = "[TRYCREATE] Mailbox does not exist";

struct appending {
	struct imap_append_grammar grammar;
	char *mailbox;
	struct pst_str given;	       /* see struct imap_parser */
	struct mail_place place;       /* of that mailbox */
	uint32_t replaced;	       /* REPLACE: its uid; 0: APPEND */
	uint64_t freed;		       /* its octets */
	bool is_known;		       /* the mailbox exists */
	struct imap_append_step *step; /* to be done now */
	enum imap_append_need need;    /* when all are done */
	struct mail_append *append;    /* messages that are complete */
	size_t n, cap;
	uint64_t octets; /* of them */

	/* The message that is coming. */
	struct mail_append next;
	uint64_t left; /* octets of the literal to come */
	bool after_cr; /* the last octet was CR */
	bool binary;   /* the literal is a literal8 */
	bool has_nul, has_binary;
	bool in_body, in_line; /* how far the header has come */
	bool has_8bit;	       /* in the header */
	struct imap_source source;
	struct pst_error err; /* rc is set: the rest is only skipped */
};

static void
cleanup(struct imap_session *s)
{
	struct appending *ap = s->run->state;

	if (ap->next.stage != NULL)
		mail_stage_free(&ap->next.stage);
	for (size_t i = 0; i < ap->n; i++)
		mail_stage_free(&ap->append[i].stage);
	free(ap->append);
	mail_place_fini(&ap->place);
	imap_source_fini(&ap->source);
}

/* --- before a message comes ----------------------------------------------- */

static bool
streams(struct imap_parser *ps, bool replace)
{
	struct imap_append_grammar g = { .replace = replace,
		.longest = SIZE_MAX };
	struct imap_append_segment segment;

	return imap_append_parse(ps, &g, &segment) != IMAP_APPEND_ARGUMENT;
}

bool
imap_append_streams(struct imap_parser *ps)
{
	return streams(ps, false);
}

bool
imap_replace_streams(struct imap_parser *ps)
{
	return streams(ps, true);
}

struct lookup {
	const char *name;
	bool found;
};

static void
look(void *arg, const struct pst_mailbox *row)
{
	struct lookup *l = arg;

	l->found |= row->exists && strcmp(row->name, l->name) == 0;
}

/*
 * What can be said before `size` octets come. PST_OK: let them come. The list
 * of mailboxes is not read for every small message: the storage tells in the
 * end.
 */
static enum pst_rc
may_come(struct imap_session *s, struct appending *ap, uint64_t size,
    struct pst_error *err)
{
	uint64_t bytes = ap->octets + mail_stage_size(ap->next.stage) + size;
	struct lookup l = { ap->mailbox, ap->is_known };
	enum pst_rc rc;

	if (size >= LOOK_FIRST && !ap->is_known) {
		rc = mailbox_each(s->account, look, &l, err);
		if (rc != PST_OK)
			return rc;
		if (!l.found)
			return pst_fail(
			    err, PST_E_NOTFOUND, 0, "no such mailbox");
		ap->is_known = true;
	}
	return mail_account_room_for(ap->place.account,
	    ap->replaced != 0 ? 0 : ap->n + 1,
	    bytes > ap->freed ? bytes - ap->freed : 0, err);
}

static bool
is_too_large(struct imap_session *s, const struct appending *ap, uint64_t size)
{
	uint64_t most = (uint64_t)net_config(s->c)->imap.message_size;
	uint64_t have = mail_stage_size(ap->next.stage);

	return most != 0 && (have > most || size > most - have);
}

/* --- content ----------------------------------------------------------------
 */

/* RFC 6855, 4: whether there are octets above 127 in the header. */
static void
look_at_header(struct appending *ap, struct pst_str in)
{
	for (size_t i = 0; i < in.n && !ap->in_body; i++) {
		unsigned char c = (unsigned char)in.p[i];

		ap->has_8bit |= c > 0x7f;
		if (c == '\n') {
			ap->in_body = !ap->in_line;
			ap->in_line = false;
		} else if (c != '\r') {
			ap->in_line = true;
		}
	}
}

/*
 * A line end is CRLF in a message; some clients send their own. The storage
 * gets it right. In a binary literal nothing is changed (RFC 3516, 4.4).
 */
static enum pst_rc
write_piece(struct appending *ap, struct pst_str in)
{
	struct mail_stage *stage = ap->next.stage;
	enum pst_rc rc = PST_OK;
	const char *lf;

	look_at_header(ap, in);
	if (memchr(in.p, '\0', in.n) != NULL)
		*(ap->binary ? &ap->has_binary : &ap->has_nul) = true;
	while (rc == PST_OK && in.n > 0) {
		struct pst_str scan = in;
		size_t n = in.n;
		bool bare = false;

		while (!bare && (lf = memchr(scan.p, '\n', scan.n)) != NULL) {
			bare = lf > in.p ? lf[-1] != '\r' : !ap->after_cr;
			if (bare)
				n = (size_t)(lf - in.p);
			else
				scan = str_from(
				    scan, (size_t)(lf - scan.p) + 1);
		}
		if (n > 0) {
			rc = mail_stage_write(stage, in.p, n, &ap->err);
			ap->after_cr = in.p[n - 1] == '\r';
		}
		ap->has_binary |= bare && ap->binary;
		if (bare && rc == PST_OK) {
			rc = mail_stage_write(stage, "\r\n", 2, &ap->err);
			ap->after_cr = false;
			n++;
		}
		in = str_from(in, n);
	}
	return rc;
}

/* The answer is known in the middle of a literal that was taken: what is left
 * of the command is read and thrown away. */
static enum imap_step
fail_behind(struct imap_session *s, const struct pst_error *err)
{
	struct imap_gather *g = &s->run->gather;

	(void)imap_fail(s, err, no_mailbox);
	g->size = 0;
	imap_gather_skip(g);
	return imap_gather_more(s);
}

static enum imap_step
take_content(struct imap_session *s)
{
	struct appending *ap = s->run->state;
	struct pst_str in = net_input(s->c);

	if (in.n == 0)
		return net_at_eof(s->c) ? IMAP_CLOSE : IMAP_WAIT;
	if (in.n > ap->left)
		in.n = (size_t)ap->left;
	if (ap->err.rc == PST_OK)
		ap->err.rc = write_piece(ap, in);
	net_consume(s->c, in.n);
	ap->left -= in.n;
	if (ap->left > 0)
		return IMAP_NEXT;
	return ap->err.rc != PST_OK ? fail_behind(s, &ap->err)
				    : imap_gather_more(s);
}

/* --- the end -----------------------------------------------------------------
 */

static void
put_appenduid(struct buf *out, const struct mail_appended *done, size_t n)
{
	struct uidset uids = { 0 };

	for (size_t i = 0; i < n; i++)
		uidset_add(&uids, done[i].uid, done[i].uid);
	(void)buf_puts(out, "OK [APPENDUID ");
	(void)buf_put_u64(out, done[0].uidvalidity);
	(void)buf_putc(out, ' ');
	(void)uidset_print(&uids, out); /* they ascend in the order given */
	(void)buf_puts(out, "] ");
	uidset_fini(&uids);
}

static enum imap_step
replace(struct imap_session *s, struct appending *ap)
{
	struct buf *out = imap_out(s);
	struct mail_appended done;

	if (view_replace(s->view, ap->replaced, &ap->place, ap->append, &done,
		&ap->err) != PST_OK) {
		if (ap->err.rc == PST_E_CONFLICT)
			return imap_no(
			    s, "[EXPUNGEISSUED] The message is gone already");
		return imap_fail(s, &ap->err, no_mailbox);
	}
	s->appended++;
	imap_notify_own(s, ap->mailbox, done.uid);
	(void)buf_puts(out, "* "); /* RFC 8508, 4.3 */
	put_appenduid(out, &done, 1);
	(void)buf_puts(out, "Replacement message ready\r\n");
	return imap_ok(s, "Replace completed");
}

static enum imap_step
commit(struct imap_session *s, struct appending *ap)
{
	struct mail_appended *done;
	struct buf *reply = &s->run->reply;

	if (ap->replaced != 0)
		return replace(s, ap);
	done = imap_alloc(s, ap->n * sizeof(*done));
	if (mail_append_to(&ap->place, ap->append, ap->n, done, &ap->err) !=
	    PST_OK)
		return imap_fail(s, &ap->err, no_mailbox);
	s->appended += (uint32_t)ap->n;
	for (size_t i = 0; i < ap->n; i++)
		imap_notify_own(s, ap->mailbox, done[i].uid);
	imap_announce_given(s, ap->mailbox, ap->given);
	buf_clear(reply);
	put_appenduid(reply, done, ap->n);
	(void)buf_puts(reply, "Append completed");
	return imap_finish(s);
}

/* --- steps: NEXT goes on with the next one, if the command has no answer yet -
 */

static enum imap_step
begin_message(struct imap_session *s, struct appending *ap)
{
	const struct imap_append_step *step = ap->step;
	const struct imap_append_step *then = step->next;
	bool whole = then != NULL && then->what == IMAP_APPEND_STREAM &&
		     then->whole;
	struct pst_error err;

	if (ap->n > 0 && ap->n == imap_message_limit(s))
		return imap_over_limit(s, 0);
	if (ap->n == MESSAGES_MAX)
		return imap_no(s, "[LIMIT] Too many messages in one command");
	ap->next = (struct mail_append){
		.flags = step->flags.flags,
		.keywords = step->flags.keyword,
		.keyword_count = step->flags.keywords,
		.internal_date = step->has_date ? step->date : clock_seconds(),
		.last = true,
	};
	ap->after_cr = ap->has_nul = ap->has_binary = false;
	ap->in_body = ap->in_line = ap->has_8bit = false;
	if (mail_stage_new(ap->place.account, whole ? s->run->gather.size : 0,
		&ap->next.stage, &err) != PST_OK) {
		ap->next.stage = NULL;
		return imap_fail(s, &err, no_mailbox);
	}
	ap->step = step->next;
	return IMAP_NEXT;
}

static enum imap_step
bad_url(struct imap_session *s, struct pst_str url)
{
	struct buf text;
	enum imap_step step;

	buf_init(&text, 8192);
	imap_put_bad_url(&text, url);
	(void)buf_putc(&text, '\0');
	step = imap_no(s, text.p);
	buf_fini(&text);
	return step;
}

static enum imap_step
copy_source(struct imap_session *s, struct appending *ap)
{
	struct imap_source *src = &ap->source;
	struct pst_error err;
	char piece[8192];
	size_t n;

	if (!src->is_open) {
		if (!imap_source_open(s, src, ap->step->url))
			return bad_url(s, ap->step->url);
		if (is_too_large(s, ap, imap_source_left(src)))
			return imap_no(s, "[TOOBIG] Message is too large");
		if (may_come(s, ap, imap_source_left(src), &err) != PST_OK)
			return imap_fail(s, &err, no_mailbox);
	}
	ap->binary = false;
	for (int i = 0; i < PIECE / (int)sizeof(piece); i++) {
		if (imap_source_read(src, piece, sizeof(piece), &n, &err) !=
		    PST_OK)
			return imap_fail(s, &err, no_mailbox);
		if (n > 0 && write_piece(ap, str_n(piece, n)) != PST_OK)
			return imap_fail(s, &ap->err, no_mailbox);
	}
	if (imap_source_left(src) == 0) {
		imap_source_close(src);
		ap->step = ap->step->next;
	}
	return IMAP_NEXT;
}

static enum imap_step end_segment(struct imap_session *s);

static enum imap_step
stream_content(struct imap_session *s, struct appending *ap)
{
	struct imap_gather *g = &s->run->gather;
	struct pst_error err;

	if (g->size == 0 && ap->step->whole) /* it cancels (RFC 3502) */
		return imap_no(s, "[CANNOT] Message is empty");
	if (is_too_large(s, ap, g->size))
		return imap_no(s, "[TOOBIG] Message is too large");
	if (may_come(s, ap, g->size, &err) != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	if (g->waits)
		(void)buf_puts(imap_out(s), "+ OK\r\n");
	ap->left = g->size;
	ap->binary = ap->step->binary;
	ap->step = NULL;
	imap_gather_consumed(g);
	s->run->tail = end_segment;
	(void)imap_gather_more(s);
	if (ap->left > 0)
		s->run->take = take_content;
	return IMAP_NEXT;
}

static enum imap_step
end_message(struct imap_session *s, struct appending *ap)
{
	struct mail_stage *stage = ap->next.stage;

	if (ap->has_nul)
		return imap_bad_command(s, "NUL is not allowed in a message");
	if (ap->has_binary)
		return imap_no(
		    s, "[UNKNOWN-CTE] Binary content cannot be kept here");
	if (ap->has_8bit && !s->utf8) /* RFC 6855, 4 */
		return imap_no(
		    s, "[CANNOT] UTF-8 header needs ENABLE UTF8=ACCEPT");
	if (mail_stage_size(stage) == 0)
		return imap_no(s, "[CANNOT] Message is empty");
	ap->octets += mail_stage_size(stage);
	mem_grow(&ap->append, &ap->cap, ap->n + 1, sizeof(*ap->append));
	ap->append[ap->n++] = ap->next;
	ap->next.stage = NULL;
	ap->step = ap->step->next;
	return IMAP_NEXT;
}

/* A URL comes as a literal; it is small enough to be kept. */
static enum imap_step
take_url(struct imap_session *s)
{
	struct imap_gather *g = &s->run->gather;

	imap_gather_restart(g);
	if (!imap_gather_take(g))
		return imap_no(s, "[TOOBIG] Literal is too large");
	if (g->waits)
		(void)buf_puts(imap_out(s), "+ OK\r\n");
	s->run->tail = end_segment;
	return imap_gather_more(s);
}

static enum imap_step
one_step(struct imap_session *s, struct appending *ap)
{
	switch (ap->step->what) {
	case IMAP_APPEND_BEGIN:
		return begin_message(s, ap);
	case IMAP_APPEND_COPY:
		return copy_source(s, ap);
	case IMAP_APPEND_STREAM:
		return stream_content(s, ap);
	case IMAP_APPEND_END:
		break;
	}
	return end_message(s, ap);
}

static enum imap_step
advance(struct imap_session *s)
{
	struct appending *ap = s->run->state;
	int64_t started = clock_monotonic();

	while (ap->step != NULL) {
		enum imap_step step = one_step(s, ap);

		if (step != IMAP_NEXT || s->run->resume != advance)
			return step; /* answered, or content comes */
		if (imap_slice_over(started))
			return IMAP_TURN;
	}
	return ap->need == IMAP_APPEND_ADDRESS ? take_url(s) : commit(s, ap);
}

/* Reads a segment and does what it says. */
static enum imap_step
begin_segment(struct imap_session *s, struct imap_parser *ps,
    struct imap_append_segment *segment)
{
	struct appending *ap = s->run->state;

	ap->need = imap_append_parse(ps, &ap->grammar, segment);
	if (ap->need == IMAP_APPEND_BAD || ap->need == IMAP_APPEND_ARGUMENT)
		return imap_bad_arguments(s, ps);
	ap->step = segment->first;
	s->run->resume = advance;
	return IMAP_NEXT;
}

/* What stands behind a literal is complete, up to the next one or the end. */
static enum imap_step
end_segment(struct imap_session *s)
{
	struct imap_append_segment segment;
	struct imap_parser ps;

	if (s->run->gather.has_nul)
		return imap_bad_command(s, "NUL is not allowed");
	imap_parser_init(&ps, buf_str(&s->run->gather.text), s->run->arena);
	ps.utf8 = s->utf8;
	return begin_segment(s, &ps, &segment);
}

/* Before anything is sent: where it goes, and whether that is allowed. */
static enum imap_step
find_place(struct imap_session *s, struct appending *ap, enum imap_step step)
{
	struct pst_error err;

	if (s->run->resume != advance) /* refused already */
		return step;
	if (imap_place(s, ap->mailbox, ACL_INSERT, &ap->place, &err) != PST_OK)
		return imap_fail(s, &err, no_mailbox);
	ap->is_known = ap->place.is_shared;
	return step;
}

static struct appending *
begin(struct imap_session *s, bool is_replace)
{
	struct appending *ap = imap_alloc(s, sizeof(*ap));

	ap->grammar.replace = is_replace;
	ap->grammar.longest = (size_t)net_config(s->c)->imap.keyword_length;
	s->run->state = ap;
	s->run->cleanup = cleanup;
	return ap;
}

enum imap_step
imap_append(struct imap_session *s, struct imap_parser *ps)
{
	struct appending *ap = begin(s, false);
	struct imap_append_segment segment;
	enum imap_step step = begin_segment(s, ps, &segment);

	ap->mailbox = segment.mailbox;
	ap->given = ps->given;
	return find_place(s, ap, step);
}

/* The message that is replaced. False: it is not there; the answer is set. */
static bool
find_replaced(struct imap_session *s, struct appending *ap, uint32_t number,
    enum imap_step *step_r)
{
	bool uid = s->run->def->traits & IMAP_UID;
	uint32_t count = view_count(s->view);
	uint32_t seq = number == 0 ? count
		       : uid	   ? view_seq(s->view, number)
				   : number;
	struct pst_row row;

	if (seq > count || (seq == 0 && !uid)) {
		*step_r = imap_bad_command(s, "Invalid message number");
		return false;
	}
	if (seq == 0) {
		*step_r = imap_no(s, "[NONEXISTENT] No such message");
		return false;
	}
	view_rows(s->view, seq, 1, &row);
	if (row.uid == 0) {
		*step_r = imap_no(
		    s, "[EXPUNGEISSUED] The message is gone already");
		return false;
	}
	ap->replaced = row.uid;
	ap->freed = row.size;
	return true;
}

enum imap_step
imap_replace(struct imap_session *s, struct imap_parser *ps)
{
	struct appending *ap = begin(s, true);
	struct imap_append_segment segment;
	enum imap_step step = begin_segment(s, ps, &segment);

	ap->mailbox = segment.mailbox;
	step = find_place(s, ap, step);
	if (s->run->resume == advance)
		(void)find_replaced(s, ap, segment.number, &step);
	return step;
}
