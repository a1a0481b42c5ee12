/*
 * imap/run.c - one command from its first octet to its tagged answer (RFC 3501,
 * 2.2.1, 4.3 and 7.1; RFC 7888; response codes of RFC 5530).
 */
#include "base/str.h"
#include "imap/modseq.h"
#include "imap/places.h"
#include "imap/session.h"
#include <stdlib.h>

enum {
	FRESH_LITERALS = 4096, /* kept of a client that nobody knows yet */
	TAG_MAX = 256,
	REPLY_MAX = 16 << 20,
	SKIP_MAX = 256 << 20, /* literals beyond end the connection */
};

/* --- beginning and ending a command --------------------------------------- */

void
imap_begin_run(struct imap_session *s)
{
	const struct config *cfg = net_config(s->c);
	struct imap_command_run *run = mem_alloc(sizeof(*run));
	int64_t literals = cfg->imap.literal;

	if (s->state == IMAP_FRESH && literals > FRESH_LITERALS)
		literals = FRESH_LITERALS;
	imap_gather_init(
	    &run->gather, (size_t)cfg->imap.command_line, (size_t)literals);
	buf_init(&run->reply, REPLY_MAX);
	s->run = run;
}

void
imap_end_run(struct imap_session *s)
{
	struct imap_command_run *run = s->run;

	if (run == NULL)
		return;
	if (run->cleanup != NULL)
		run->cleanup(s);
	s->run = NULL;
	if (run->def != NULL && (run->def->traits & IMAP_SECRET) &&
	    run->gather.text.p != NULL)
		explicit_bzero(run->gather.text.p, run->gather.text.n);
	imap_gather_fini(&run->gather);
	buf_fini(&run->reply);
	uidset_fini(&run->changed);
	uidset_fini(&run->brief);
	uidset_fini(&run->vanished);
	arena_free(&run->arena);
	free(run->tag);
	free(run);
}

static bool
has_too_many_errors(struct imap_session *s)
{
	return s->errors >= (uint64_t)net_config(s->c)->imap.errors;
}

/* The untagged news, then the tagged answer. */
static enum imap_step
finish_more(struct imap_session *s)
{
	struct imap_command_run *run = s->run;
	struct buf *out = imap_out(s);
	bool closes = run->closes;

	if (s->view != NULL && run->def != NULL && !run->is_bad &&
	    !(run->def->traits & IMAP_QUIET)) {
		enum imap_step step = imap_sync(
		    s, (run->def->traits & IMAP_EXPUNGES) != 0 &&
			   !run->keeps_numbers);

		if (step != IMAP_NEXT)
			return step;
		out = imap_out(s);
	}
	(void)buf_puts(out, run->tag != NULL ? run->tag : "*");
	(void)buf_putc(out, ' ');
	(void)buf_add_str(out, buf_str(&run->reply));
	(void)buf_puts(out, "\r\n");
	if (run->is_bad && !closes && has_too_many_errors(s)) {
		(void)buf_puts(out, "* BYE Too many invalid commands\r\n");
		closes = true;
	}
	if (!run->is_bad && s->state != IMAP_FRESH)
		s->errors = 0;
	s->commands++;
	imap_end_run(s);
	return closes ? IMAP_CLOSE : IMAP_NEXT;
}

enum imap_step
imap_finish(struct imap_session *s)
{
	struct imap_command_run *run = s->run;
	struct imap_gather *g = &run->gather;

	run->take = NULL;
	if (!g->announced || g->waits) {
		run->resume = finish_more;
		return IMAP_NEXT;
	}
	if (g->size > SKIP_MAX)
		return imap_bye(s, "[TOOBIG] Literal is too large");
	imap_gather_skip(g);
	return imap_gather_more(s);
}

static enum imap_step
answer(struct imap_session *s, const char *status, const char *text)
{
	struct buf *reply = &s->run->reply;

	buf_clear(reply);
	(void)buf_puts(reply, status);
	(void)buf_puts(reply, text);
	return imap_finish(s);
}

enum imap_step
imap_ok(struct imap_session *s, const char *text)
{
	return answer(s, "OK ", text);
}

enum imap_step
imap_no(struct imap_session *s, const char *text)
{
	return answer(s, "NO ", text);
}

enum imap_step
imap_bad_command(struct imap_session *s, const char *text)
{
	s->run->is_bad = true;
	s->errors++;
	return answer(s, "BAD ", text);
}

enum imap_step
imap_bad_arguments(struct imap_session *s, const struct imap_parser *ps)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%s: %s", s->run->def->name,
	    ps->error != NULL ? ps->error : "Syntax error");
	return imap_bad_command(s, text);
}

static const char *
failure_text(enum pst_rc rc, const char *missing)
{
	switch (rc) {
	case PST_E_NOTFOUND:
		return missing;
	case PST_E_EXISTS:
		return "[ALREADYEXISTS] Mailbox already exists";
	case PST_E_DENIED:
		return "[NOPERM] Permission denied";
	case PST_E_QUOTA:
		return "[OVERQUOTA] Quota exceeded";
	case PST_E_LIMIT:
		return "[LIMIT] A limit of the server is reached";
	case PST_E_SYNTAX:
		return "[CANNOT] Invalid name";
	case PST_E_CONFLICT:
		return "[INUSE] Changed by somebody else, try again";
	case PST_E_READONLY:
		return "[READ-ONLY] Mailbox is read-only";
	case PST_E_NOSPACE:
		return "[UNAVAILABLE] No space left on the server";
	case PST_E_PERM:
	case PST_E_UNSUPPORTED:
		return "[CANNOT] Not possible";
	case PST_OK:
	case PST_E_TEMP:
	case PST_E_STALE:
		break;
	}
	return "[UNAVAILABLE] Temporary failure, try again later";
}

enum imap_step
imap_fail(
    struct imap_session *s, const struct pst_error *err, const char *missing)
{
	if (err->rc == PST_E_TEMP || err->rc == PST_E_NOSPACE)
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap", err);
	return imap_no(s, failure_text(err->rc, missing));
}

enum imap_step
imap_bye(struct imap_session *s, const char *text)
{
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* BYE ");
	(void)buf_puts(out, text);
	(void)buf_puts(out, "\r\n");
	return IMAP_CLOSE;
}

/* --- reading a command -----------------------------------------------------
 */

/* What `posternctl trace` shows: no secrets, no contents of literals. */
static void
trace(struct imap_session *s, struct pst_str text)
{
	const struct imap_command *def = s->run->def;
	struct buf line;

	if (!net_traced(s->c))
		return;
	buf_init(&line, 65536);
	if (def != NULL && (def->traits & IMAP_SECRET)) {
		(void)buf_printf(
		    &line, "%s %s (hidden)", s->run->tag, def->name);
		text.n = 0;
	}
	while (text.n > 0) {
		size_t n = str_find(text, '\n');
		struct pst_str part = str_trim(str_first(text, n));
		bool waits, binary;
		uint64_t size = 0;

		(void)buf_add_str(&line, part);
		text = str_from(text, n + 1);
		if (imap_literal_announced(part, &size, &waits, &binary))
			(void)buf_puts(&line, " ...");
		text = str_from(text, size < text.n ? (size_t)size : text.n);
	}
	net_trace_client(s->c, buf_str(&line));
	buf_fini(&line);
}

/* Reads the tag and the name. */
static bool
identify(struct imap_session *s, struct imap_parser *ps)
{
	struct imap_command_run *run = s->run;
	struct pst_str tag, name, form;

	if (!imap_tag(ps, &tag) || tag.n > TAG_MAX || imap_peek(ps) != ' ')
		return imap_bad(ps, "Missing or invalid tag");
	run->tag = str_dup(tag);
	if (!imap_space(ps) || !imap_word(ps, &name))
		return imap_bad(ps, "Missing command");
	if (str_is_case(name, "UID") && imap_skip(ps, ' ') &&
	    imap_word(ps, &form))
		name.n = (size_t)(ps->p - name.p);
	run->def = imap_command_find(name);
	run->args = (size_t)(ps->p - run->gather.text.p);
	if (run->def == NULL)
		return imap_bad(ps, "Unknown command");
	return true;
}

static const char *
wrong_state(const struct imap_session *s, const struct imap_command *def)
{
	if (s->state == IMAP_FRESH)
		return "Please log in first";
	if (def->states == IMAP_FRESH)
		return "Already logged in";
	return "No mailbox is selected";
}

/*
 * The text is complete, or as far as a literal is concerned that the command
 * takes itself.
 */
static enum imap_step
dispatch(struct imap_session *s)
{
	struct imap_command_run *run = s->run;
	struct imap_parser ps;

	if (run->gather.has_nul && !(run->def->traits & IMAP_BINARY))
		return imap_bad_command(s, "NUL is not allowed");
	trace(s, buf_str(&run->gather.text));
	if (!(run->def->states & s->state))
		return imap_bad_command(s, wrong_state(s, run->def));
	if ((s->enabled & IMAP_UIDONLY) && imap_needs_uid(run->def))
		return imap_bad_command(
		    s, "[UIDREQUIRED] Message numbers are not in use");
	if (s->view != NULL && view_rights_stale(s->view) &&
	    !imap_check_rights(s))
		return imap_bye(s, "The selected mailbox is no longer there");
	if ((run->def->traits & IMAP_WRITES) && view_is_read_only(s->view))
		return imap_no(s, "[READ-ONLY] Mailbox is read-only");
	run->arena = arena_new(0);
	imap_parser_init(
	    &ps, str_from(buf_str(&run->gather.text), run->args), run->arena);
	ps.utf8 = s->utf8;
	ps.no_charset = s->enabled & IMAP_UTF8;
	return run->def->run(s, &ps);
}

/* False: the command cannot even be named; its answer is set. */
static bool
know_command(struct imap_session *s, enum imap_step *step_r)
{
	struct imap_parser ps;

	if (s->run->def != NULL)
		return true;
	imap_parser_init(&ps, buf_str(&s->run->gather.text), NULL);
	if (identify(s, &ps))
		return true;
	trace(s, buf_str(&s->run->gather.text));
	*step_r = imap_bad_command(s, ps.error);
	return false;
}

static bool
streams_itself(struct imap_session *s)
{
	struct imap_command_run *run = s->run;
	struct imap_parser ps;
	bool yes;

	if (run->def->streams == NULL || !(run->def->states & s->state))
		return false;
	if (run->arena == NULL)
		run->arena = arena_new(0);
	imap_parser_init(
	    &ps, str_from(buf_str(&run->gather.text), run->args), run->arena);
	ps.utf8 = s->utf8;
	ps.no_charset = s->enabled & IMAP_UTF8;
	yes = run->def->streams(&ps);
	arena_free(&run->arena);
	return yes;
}

/* RFC 7888: refusing is possible before a synchronising literal is sent; any
 * other is read and forgotten. */
static enum imap_step
literal_announced(struct imap_session *s)
{
	struct imap_gather *g = &s->run->gather;
	enum imap_step step;

	if (g->skipping) /* the answer is known already */
		return imap_finish(s);
	if (!know_command(s, &step))
		return step;
	if (s->run->tail != NULL) /* it did, and expects no further one */
		return s->run->tail(s);
	if (streams_itself(s))
		return dispatch(s);
	if (g->binary && !(s->run->def->traits & IMAP_BINARY))
		return imap_bad_command(s, "Binary literal is not allowed");
	if (!imap_gather_take(g))
		return imap_no(s, "[TOOBIG] Literal is too large");
	if (g->waits)
		(void)buf_puts(imap_out(s), "+ OK\r\n");
	return IMAP_NEXT;
}

enum imap_step
imap_gather_step(struct imap_session *s)
{
	struct pst_str in = net_input(s->c);
	enum imap_gathered got;
	enum imap_step step;
	size_t used;

	if (in.n == 0)
		return net_at_eof(s->c) ? IMAP_CLOSE : IMAP_WAIT;
	if (s->run == NULL)
		imap_begin_run(s);
	got = imap_gather_feed(&s->run->gather, in, &used);
	net_consume(s->c, used);
	switch (got) {
	case IMAP_GATHER_MORE:
		return IMAP_NEXT;
	case IMAP_GATHER_LITERAL:
		return literal_announced(s);
	case IMAP_GATHER_TOO_LONG:
		(void)buf_puts(
		    imap_out(s), "* BAD Command line is too long\r\n");
		return imap_bye(s, "[TOOBIG] Command line is too long");
	case IMAP_GATHER_DONE:
		break;
	}
	s->run->take = NULL;
	if (s->run->gather.skipping) { /* refused before */
		s->run->resume = finish_more;
		return IMAP_NEXT;
	}
	if (s->run->tail != NULL)
		return s->run->tail(s);
	return know_command(s, &step) ? dispatch(s) : step;
}

enum imap_step
imap_gather_more(struct imap_session *s)
{
	s->run->resume = NULL;
	s->run->take = imap_gather_step;
	return IMAP_NEXT;
}

/* --- a line in the middle of a command ------------------------------------ */

static enum imap_step
take_line(struct imap_session *s)
{
	struct imap_command_run *run = s->run;
	struct pst_str in = net_input(s->c), line;
	enum imap_gathered got;
	enum imap_step step;
	size_t used;

	if (in.n == 0)
		return net_at_eof(s->c) ? IMAP_CLOSE : IMAP_WAIT;
	got = imap_gather_feed(&run->gather, in, &used);
	net_consume(s->c, used);
	if (got == IMAP_GATHER_MORE)
		return IMAP_NEXT;
	if (got == IMAP_GATHER_TOO_LONG)
		return imap_bye(s, "[TOOBIG] Line is too long");
	line = buf_str(&run->gather.text);
	line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	run->gather.announced = false; /* "{5}" is only text here */
	step = run->line(s, line);
	if (s->run == run)
		imap_gather_consumed(&run->gather);
	return step;
}

enum imap_step
imap_await(struct imap_session *s,
    enum imap_step (*line)(struct imap_session *s, struct pst_str line))
{
	struct imap_command_run *run = s->run;

	/* Its memory too: a session may idle here for hours. */
	buf_fini(&run->gather.text);
	run->gather.line_start = run->gather.lines = 0;
	run->line = line;
	run->take = take_line;
	run->resume = NULL;
	return IMAP_NEXT;
}

enum imap_step
imap_ask(struct imap_session *s, struct pst_str text,
    enum imap_step (*line)(struct imap_session *s, struct pst_str line))
{
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "+ ");
	(void)buf_add_str(out, text);
	(void)buf_puts(out, "\r\n");
	return imap_await(s, line);
}
