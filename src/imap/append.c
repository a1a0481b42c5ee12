/*
 * imap/append.c - APPEND (RFC 3501, 6.3.11), with APPENDUID (RFC 4315).
 *
 * The message goes from the connection straight to the storage and never lies
 * in memory as a whole. It is refused before it is sent where that is known:
 * too large, no room, no such mailbox.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"

enum { LOOK_FIRST = 65536 };

struct appending {
	char *mailbox;
	struct imap_flags flags;
	int64_t date;
	struct mail_stage *stage;
	uint64_t left; /* octets of the literal to come */
	bool after_cr; /* the last octet was CR */
	bool has_nul;
	struct pst_error err; /* rc is set: the rest is only skipped */
};

static void
cleanup(struct imap_session *s)
{
	struct appending *ap = s->run->state;

	if (ap->stage != NULL)
		mail_stage_free(&ap->stage);
}

/*
 * The announced literal is the message unless it is the mailbox's name: a name
 * that can be read already ends with a space.
 */
bool
imap_append_streams(struct imap_parser *ps)
{
	struct pst_str name;

	return imap_space(ps) && imap_astring(ps, &name) && imap_space(ps);
}

/* append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal */
static bool
parse(struct imap_session *s, struct imap_parser *ps, struct appending *ap)
{
	size_t longest = (size_t)net_config(s->c)->imap.keyword_length;

	ap->date = clock_seconds();
	if (!imap_space(ps) || !imap_mailbox(ps, &ap->mailbox) ||
	    !imap_space(ps))
		return false;
	if (imap_peek(ps) == '(' &&
	    (!imap_flag_list(ps, longest, &ap->flags) || !imap_space(ps)))
		return false;
	if (imap_peek(ps) == '"' &&
	    (!imap_date_time(ps, &ap->date) || !imap_space(ps)))
		return false;
	if (imap_peek(ps) != '{' || !s->run->gather.announced ||
	    s->run->gather.binary)
		return imap_bad(ps, "Missing message literal");
	return true;
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
 * What can be said before the message comes. PST_OK: let it come. The list of
 * mailboxes is not read for every small message: the storage tells in the end.
 */
static enum pst_rc
may_come(struct imap_session *s, const struct appending *ap, uint64_t size,
    struct pst_error *err)
{
	struct lookup l = { ap->mailbox, false };
	enum pst_rc rc;

	if (size >= LOOK_FIRST) {
		rc = mailbox_each(s->account, look, &l, err);
		if (rc != PST_OK)
			return rc;
		if (!l.found)
			return pst_fail(
			    err, PST_E_NOTFOUND, 0, "no such mailbox");
	}
	return mail_account_room(s->account, size, err);
}

/*
 * A line end is CRLF in a message; some clients send their own. The storage
 * gets it right.
 */
static enum pst_rc
write_piece(struct appending *ap, struct pst_str in)
{
	enum pst_rc rc = PST_OK;
	const char *lf;

	ap->has_nul |= memchr(in.p, '\0', in.n) != NULL;
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
			rc = mail_stage_write(ap->stage, in.p, n, &ap->err);
			ap->after_cr = in.p[n - 1] == '\r';
		}
		if (bare && rc == PST_OK) {
			rc = mail_stage_write(ap->stage, "\r\n", 2, &ap->err);
			ap->after_cr = false;
			n++;
		}
		in = str_from(in, n);
	}
	return rc;
}

static enum imap_step
commit(struct imap_session *s, struct appending *ap)
{
	const struct mail_append one = {
		.stage = ap->stage,
		.flags = ap->flags.flags,
		.keywords = ap->flags.keyword,
		.keyword_count = ap->flags.keywords,
		.internal_date = ap->date,
		.last = true,
	};
	struct mail_appended done;
	char text[96];

	if (mail_append(s->account, ap->mailbox, &one, 1, &done, &ap->err) !=
	    PST_OK)
		return imap_fail(
		    s, &ap->err, "[TRYCREATE] Mailbox does not exist");
	s->appended++;
	(void)snprintf(text, sizeof(text), "[APPENDUID %u %u] Append completed",
	    (unsigned)done.uidvalidity, (unsigned)done.uid);
	return imap_ok(s, text);
}

/* Behind the message there must be nothing but the line end. */
static enum imap_step
message_ended(struct imap_session *s)
{
	struct appending *ap = s->run->state;
	struct imap_parser ps;

	imap_parser_init(&ps, buf_str(&s->run->gather.text), s->run->arena);
	if (!imap_end(&ps))
		return imap_bad_arguments(s, &ps);
	if (ap->err.rc != PST_OK)
		return imap_fail(
		    s, &ap->err, "[TRYCREATE] Mailbox does not exist");
	if (ap->has_nul)
		return imap_bad_command(s, "NUL is not allowed in a message");
	return commit(s, ap);
}

static enum imap_step
take_message(struct imap_session *s)
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
	return ap->left > 0 ? IMAP_NEXT : imap_gather_more(s);
}

static enum imap_step
begin_message(struct imap_session *s, struct appending *ap)
{
	struct imap_gather *g = &s->run->gather;
	struct pst_error err;

	if (mail_stage_new(s->account, g->size, &ap->stage, &err) != PST_OK) {
		ap->stage = NULL;
		return imap_fail(s, &err, "[TRYCREATE] Mailbox does not exist");
	}
	if (g->waits)
		(void)buf_puts(imap_out(s), "+ OK\r\n");
	ap->left = g->size;
	imap_gather_consumed(g);
	s->run->tail = message_ended;
	s->run->take = take_message;
	return IMAP_NEXT;
}

enum imap_step
imap_append(struct imap_session *s, struct imap_parser *ps)
{
	uint64_t most = (uint64_t)net_config(s->c)->imap.message_size;
	uint64_t size = s->run->gather.size;
	struct appending *ap = imap_alloc(s, sizeof(*ap));
	struct pst_error err;

	s->run->state = ap;
	s->run->cleanup = cleanup;
	if (!parse(s, ps, ap))
		return imap_bad_arguments(s, ps);
	if (size == 0) /* as others do: there is no message */
		return imap_no(s, "[CANNOT] Message is empty");
	if (most != 0 && size > most)
		return imap_no(s, "[TOOBIG] Message is too large");
	if (may_come(s, ap, size, &err) != PST_OK)
		return imap_fail(s, &err, "[TRYCREATE] Mailbox does not exist");
	return begin_message(s, ap);
}
