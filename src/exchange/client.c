/*
 * exchange/client.c - see client.h.
 */
#include "exchange/client.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/trail.h"
#include "exchange/lines.h"

#include <stdlib.h>

enum {
	BLOCK = 32 * 1024,
	CHUNK = 256 * 1024,
	COMMAND_MAX = 8192,
	MECHANISMS = 512,
	SAID_MAX = 800, /* of a reply, for who listens */
};

/* RFC 5321, 4.5.3.2. */
const struct client_times client_times_default = {
	.greeting = 300,
	.ehlo = 300,
	.mail = 300,
	.rcpt = 300,
	.data = 120,
	.block = 180,
	.final = 600,
	.quit = 5,
};

struct client {
	struct wire *wire;
	char *helo;
	const struct client_times *times;
	struct reply reply;
	struct reply_reader reader;
	unsigned extensions;
	uint64_t size_limit;
	char mechanisms[MECHANISMS];
	unsigned mail_limit, rcpt_limit;
	bool is_lost;
};

struct client *
client_new(struct wire **w, const char *helo, const struct client_times *times)
{
	struct client *c = mem_alloc(sizeof(*c));

	c->wire = *w;
	*w = NULL;
	c->helo = str_dup(str_of(helo));
	c->times = times;
	reply_init(&c->reply);
	return c;
}

void
client_free(struct client **cp)
{
	struct client *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	wire_close(&c->wire);
	reply_fini(&c->reply);
	free(c->helo);
	free(c);
}

unsigned
client_extensions(const struct client *c)
{
	return c->extensions;
}

uint64_t
client_size_limit(const struct client *c)
{
	return c->size_limit;
}

unsigned
client_mail_limit(const struct client *c)
{
	return c->mail_limit;
}

unsigned
client_rcpt_limit(const struct client *c)
{
	return c->rcpt_limit;
}

const struct reply *
client_reply(const struct client *c)
{
	return &c->reply;
}

const char *
client_mechanisms(const struct client *c)
{
	return c->mechanisms;
}

bool
client_exporter(const struct client *c, unsigned char out[32])
{
	return wire_exporter(c->wire, out);
}

bool
client_is_tls(const struct client *c)
{
	return wire_is_tls(c->wire);
}

void
client_local(const struct client *c, char text[64])
{
	wire_local(c->wire, text);
}

enum wire_flaw
client_flaw(const struct client *c)
{
	return wire_flaw(c->wire);
}

const char *
client_tls_info(const struct client *c)
{
	return wire_tls_info(c->wire);
}

/* --- commands and replies -------------------------------------------------
 */

static enum client_result
lose(struct client *c)
{
	c->is_lost = true;
	reply_begin(&c->reader, &c->reply);
	return CLIENT_LOST;
}

static enum client_result
write_text(struct client *c, struct pst_str text, struct pst_error *err)
{
	return wire_write(c->wire, text.p, text.n, c->times->block, err) ==
		       PST_OK
		   ? CLIENT_OK
		   : lose(c);
}

/* A command, which is also told to whoever listens (base/trail.h), but for what
 * proves who we are. */
static enum client_result
write_command(struct client *c, struct pst_str line, struct pst_error *err)
{
	if (c->reply.code == 334 || str_has_prefix_case(line, "AUTH "))
		trail_say('C', STR("[authentication]"));
	else
		trail_say('C', line);
	return write_text(c, line, err);
}

static enum client_result PST_PRINTF(3, 4)
    write_line(struct client *c, struct pst_error *err, const char *fmt, ...)
{
	enum client_result result;
	struct buf line;
	va_list ap;

	buf_init(&line, COMMAND_MAX);
	va_start(ap, fmt);
	(void)buf_vprintf(&line, fmt, ap);
	va_end(ap);
	(void)buf_puts(&line, "\r\n");
	result = write_command(c, buf_str(&line), err);
	buf_fini(&line);
	return result;
}

/*
 * OK: 2yz or 3yz. A server may say 421 to anything and close (RFC 5321, 3.8);
 * that counts as a refusal, and what comes next as lost. The time is for the
 * whole reply, in however many pieces it comes.
 */
static enum client_result
read_reply(struct client *c, int64_t seconds, struct pst_error *err)
{
	enum reply_result result = REPLY_MORE;
	int64_t until;

	if (wire_flush(c->wire, c->times->block, err) != PST_OK)
		return lose(c);
	until = clock_monotonic() + seconds * 1000000;
	reply_begin(&c->reader, &c->reply);
	while (result == REPLY_MORE) {
		const char *p;
		size_t n, used;

		if (wire_peek(c->wire, until, &p, &n, err) != PST_OK)
			return lose(c);
		result = reply_feed(&c->reader, &c->reply, p, n, &used);
		wire_consume(c->wire, used);
		/* Also of one that always has another octet ready. */
		if (result == REPLY_MORE && clock_monotonic() >= until) {
			(void)pst_fail(err, PST_E_TEMP, 0, "no answer in time");
			return lose(c);
		}
	}
	if (result == REPLY_BROKEN) {
		(void)pst_fail(
		    err, PST_E_TEMP, 0, "the other side does not speak SMTP");
		return lose(c);
	}
	trail_sayf('S', "%d %.*s", c->reply.code,
	    STR_ARG(c->reply.code == 334
			? STR("[challenge]")
			: str_first(buf_str(&c->reply.text), SAID_MAX)));
	if (c->reply.code == 421)
		c->is_lost = true;
	return c->reply.code < 400 ? CLIENT_OK : CLIENT_REFUSED;
}

/* Of the class 2 or 3 where it is no refusal: one that says "250" to DATA would
 * take the content for commands (RFC 5321, 4.2.1 and 4.3.2). */
static enum client_result
read_class(
    struct client *c, unsigned class, int64_t seconds, struct pst_error *err)
{
	enum client_result result = read_reply(c, seconds, err);
	unsigned code = c->reply.code;

	if (result != CLIENT_OK || code / 100 == class)
		return result;
	(void)pst_fail(err, PST_E_TEMP, 0,
	    "the reply %u does not belong to the command", code);
	return lose(c);
}

enum client_result
client_say(struct client *c, struct pst_str line, int64_t seconds,
    struct pst_error *err)
{
	enum client_result result = write_command(c, line, err);

	if (result == CLIENT_OK)
		result = write_text(c, STR("\r\n"), err);
	return result == CLIENT_OK ? read_reply(c, seconds, err) : result;
}

/* --- the start ------------------------------------------------------------
 */

/* "MAILMAX=100 RCPTMAX=50" (RFC 9422, 3): what is not understood is none. A job
 * is for one domain, so RCPTDOMAINMAX always holds. */
static void
note_limits(struct client *c, struct pst_str rest)
{
	struct pst_str word, name;
	uint64_t n;

	while (str_split(&rest, ' ', &word)) {
		if (!str_split(&word, '=', &name) || !str_to_u64(word, &n) ||
		    n == 0 || n > 999999)
			continue;
		if (str_is_case(name, "MAILMAX"))
			c->mail_limit = (unsigned)n;
		else if (str_is_case(name, "RCPTMAX"))
			c->rcpt_limit = (unsigned)n;
	}
}

static void
note_extension(struct client *c, struct pst_str line)
{
	static const struct {
		const char *name;
		unsigned extension;
	} known[] = {
		{ "PIPELINING", CLIENT_PIPELINING },
		{ "SIZE", CLIENT_SIZE },
		{ "8BITMIME", CLIENT_8BITMIME },
		{ "SMTPUTF8", CLIENT_SMTPUTF8 },
		{ "CHUNKING", CLIENT_CHUNKING },
		{ "BINARYMIME", CLIENT_BINARYMIME },
		{ "DSN", CLIENT_DSN },
		{ "STARTTLS", CLIENT_STARTTLS },
		{ "REQUIRETLS", CLIENT_REQUIRETLS },
	};
	struct pst_str rest = line, name;

	(void)str_split(&rest, ' ', &name);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_is_case(name, known[i].name))
			c->extensions |= known[i].extension;
	if (str_is_case(name, "AUTH"))
		(void)str_copy(
		    c->mechanisms, sizeof(c->mechanisms), str_trim(rest));
	if (str_is_case(name, "SIZE"))
		(void)str_to_u64(str_trim(rest), &c->size_limit);
	if (str_is_case(name, "LIMITS"))
		note_limits(c, rest);
}

static enum client_result
say_hello(struct client *c, struct pst_error *err)
{
	struct pst_str text, line;
	enum client_result result;

	c->extensions = 0;
	c->size_limit = 0;
	c->mechanisms[0] = '\0';
	c->mail_limit = c->rcpt_limit = 0;
	result = write_line(c, err, "EHLO %s", c->helo);
	if (result == CLIENT_OK)
		result = read_class(c, 2, c->times->ehlo, err);
	/* RFC 5321, 3.2: one that knows no EHLO. */
	if (result == CLIENT_REFUSED && c->reply.code >= 500) {
		result = write_line(c, err, "HELO %s", c->helo);
		return result == CLIENT_OK
			   ? read_class(c, 2, c->times->ehlo, err)
			   : result;
	}
	text = buf_str(&c->reply.text);
	for (bool first = true;
	     result == CLIENT_OK && str_split(&text, '\n', &line);
	     first = false)
		if (!first)
			note_extension(c, line);
	return result;
}

enum client_result
client_greet(struct client *c, struct pst_error *err)
{
	enum client_result result = read_reply(c, c->times->greeting, err);

	if (result == CLIENT_OK && c->reply.code != 220) {
		(void)pst_fail(err, PST_E_TEMP, 0, "no greeting");
		return lose(c);
	}
	return result == CLIENT_OK ? say_hello(c, err) : result;
}

enum client_result
client_start_tls(
    struct client *c, const struct wire_policy *policy, struct pst_error *err)
{
	enum client_result result = write_line(c, err, "STARTTLS");
	enum pst_rc rc;

	if (result == CLIENT_OK)
		result = read_class(c, 2, c->times->mail, err);
	if (result != CLIENT_OK)
		return result;
	rc = wire_start_tls(c->wire, policy, c->times->block, err);
	if (rc != PST_OK) {
		(void)lose(c);
		return rc == PST_E_DENIED ? CLIENT_UNTRUSTED : CLIENT_LOST;
	}
	/* RFC 3207, 4.2: all that was said before is forgotten. */
	return say_hello(c, err);
}

/* --- a transaction --------------------------------------------------------
 */

struct transaction {
	struct client *c;
	const struct client_message *m;
	struct pst_error *err;
	bool *accepted; /* recipients, by their place in m->recipient */
	size_t taken;
	struct lines lines;
	struct buf even; /* content that was not, and is now */
};

static bool
is_pipelined(const struct client *c)
{
	return (c->extensions & CLIENT_PIPELINING) != 0;
}

static enum client_result
write_mail(struct transaction *t)
{
	const struct envelope *e = t->m->envelope;
	unsigned has = t->c->extensions;
	enum client_result result;
	struct buf line;

	buf_init(&line, COMMAND_MAX);
	(void)buf_printf(&line, "MAIL FROM:<%.*s>", STR_ARG(e->sender));
	if ((has & CLIENT_SIZE) != 0 && e->size > 0) {
		(void)buf_puts(&line, " SIZE=");
		(void)buf_put_u64(&line, e->size);
	}
	if (e->body == BODY_8BITMIME && (has & CLIENT_8BITMIME) != 0)
		(void)buf_puts(&line, " BODY=8BITMIME");
	if (e->body == BODY_BINARYMIME)
		(void)buf_puts(&line, " BODY=BINARYMIME");
	if (e->smtputf8)
		(void)buf_puts(&line, " SMTPUTF8");
	if (e->require_tls && (has & CLIENT_REQUIRETLS) != 0)
		(void)buf_puts(&line, " REQUIRETLS");
	if ((has & CLIENT_DSN) != 0) {
		if (e->ret != RET_DEFAULT)
			(void)buf_puts(&line,
			    e->ret == RET_FULL ? " RET=FULL" : " RET=HDRS");
		if (e->envid.n > 0)
			(void)buf_printf(
			    &line, " ENVID=%.*s", STR_ARG(e->envid));
	}
	(void)buf_puts(&line, "\r\n");
	result = write_command(t->c, buf_str(&line), t->err);
	buf_fini(&line);
	return result;
}

static void
put_notify(struct buf *line, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *name;
	} all[] = {
		{ NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	if ((notify & NOTIFY_NEVER) != 0)
		(void)buf_puts(line, " NOTIFY=NEVER");
	for (size_t i = 0;
	     i < sizeof(all) / sizeof(all[0]) && (notify & NOTIFY_NEVER) == 0;
	     i++) {
		if ((notify & all[i].bit) == 0)
			continue;
		(void)buf_puts(line, before);
		(void)buf_puts(line, all[i].name);
		before = ",";
	}
}

static enum client_result
write_rcpt(struct transaction *t, size_t i)
{
	const struct envelope_recipient *r =
	    &t->m->envelope->recipient[t->m->recipient[i]];
	enum client_result result;
	struct buf line;

	buf_init(&line, COMMAND_MAX);
	(void)buf_printf(&line, "RCPT TO:<%.*s>", STR_ARG(r->address));
	if ((t->c->extensions & CLIENT_DSN) != 0) {
		if (r->notify != NOTIFY_DEFAULT)
			put_notify(&line, r->notify);
		if (r->orcpt.n > 0)
			(void)buf_printf(
			    &line, " ORCPT=%.*s", STR_ARG(r->orcpt));
	}
	(void)buf_puts(&line, "\r\n");
	result = write_command(t->c, buf_str(&line), t->err);
	buf_fini(&line);
	return result;
}

static enum client_result
read_rcpt(struct transaction *t, size_t i)
{
	enum client_result result = read_class(
	    t->c, 2, t->c->times->rcpt, t->err);

	if (result == CLIENT_OK) {
		t->accepted[i] = true;
		t->taken++;
	} else if (result == CLIENT_REFUSED) {
		t->m->refused(t->m->arg, t->m->recipient[i], &t->c->reply);
	}
	return result;
}

static bool
uses_chunks(const struct client *c)
{
	return (c->extensions & CLIENT_CHUNKING) != 0;
}

/*
 * MAIL, RCPT and DATA up to the answer to DATA, each waited for or all at once
 * (RFC 2920, 3.1). REFUSED: MAIL was.
 */
static enum client_result
begin_pipelined(struct transaction *t, enum client_result *data_r)
{
	struct client *c = t->c;
	enum client_result mail, result = write_mail(t);

	for (size_t i = 0; i < t->m->recipients && result == CLIENT_OK; i++)
		result = write_rcpt(t, i);
	if (result == CLIENT_OK && !uses_chunks(c))
		result = write_line(c, t->err, "DATA");
	if (result != CLIENT_OK)
		return result;
	mail = read_class(c, 2, c->times->mail, t->err);
	if (mail == CLIENT_LOST)
		return mail;
	if (mail == CLIENT_REFUSED) {
		struct reply said = c->reply;

		/* The others are refused, too, and their answers say less. */
		reply_init(&c->reply);
		for (size_t i = 0; i < t->m->recipients + !uses_chunks(c) &&
				   result != CLIENT_LOST;
		     i++)
			result = read_reply(c, c->times->rcpt, t->err);
		/* One that goes on all the same is not to be trusted. */
		if (result == CLIENT_OK && !uses_chunks(c))
			c->is_lost = true;
		reply_fini(&c->reply);
		c->reply = said;
		return CLIENT_REFUSED;
	}
	for (size_t i = 0; i < t->m->recipients && result != CLIENT_LOST; i++)
		result = read_rcpt(t, i);
	if (result == CLIENT_LOST)
		return result;
	*data_r = CLIENT_OK;
	if (!uses_chunks(c))
		*data_r = read_class(c, 3, c->times->data, t->err);
	return *data_r == CLIENT_LOST ? CLIENT_LOST : CLIENT_OK;
}

static enum client_result
begin_stepwise(struct transaction *t, enum client_result *data_r)
{
	struct client *c = t->c;
	enum client_result result = write_mail(t);

	if (result == CLIENT_OK)
		result = read_class(c, 2, c->times->mail, t->err);
	if (result != CLIENT_OK)
		return result;
	for (size_t i = 0; i < t->m->recipients; i++) {
		result = write_rcpt(t, i);
		if (result == CLIENT_OK)
			result = read_rcpt(t, i);
		if (result == CLIENT_LOST || c->is_lost)
			return CLIENT_LOST;
	}
	*data_r = CLIENT_OK;
	if (t->taken == 0 || uses_chunks(c))
		return CLIENT_OK;
	result = write_line(c, t->err, "DATA");
	if (result == CLIENT_OK)
		*data_r = result = read_class(c, 3, c->times->data, t->err);
	return result == CLIENT_LOST ? CLIENT_LOST : CLIENT_OK;
}

/*
 * Content: up to `n` octets, *got_r 0 at the end. Lines end in CR LF, but in
 * binary content, which has none.
 */
static enum pst_rc
read_content(struct transaction *t, char *p, size_t n, size_t *got_r)
{
	while (t->even.n == 0) {
		enum pst_rc rc = t->m->content(
		    t->m->content_arg, p, n, got_r, t->err);

		if (rc != PST_OK || t->m->envelope->body == BODY_BINARYMIME)
			return rc;
		if (*got_r > 0 && lines_are_even(&t->lines, p, *got_r))
			return PST_OK;
		lines_make_even(&t->lines, p, *got_r, &t->even);
		if (*got_r > 0)
			continue;
		lines_end(&t->lines, &t->even);
		if (t->even.n == 0)
			return PST_OK;
	}
	*got_r = n < t->even.n ? n : t->even.n;
	memcpy(p, t->even.p, *got_r);
	buf_consume(&t->even, *got_r);
	return PST_OK;
}

/* Doubles a dot at the start of a line (RFC 5321, 4.5.2). */
static enum client_result
write_stuffed(struct transaction *t, const char *p, size_t n, char *last)
{
	size_t from = 0;
	enum client_result result = CLIENT_OK;

	for (size_t i = 0; i < n && result == CLIENT_OK; i++) {
		if (p[i] == '.' && *last == '\n') {
			result = write_text(
			    t->c, str_n(p + from, i - from), t->err);
			if (result == CLIENT_OK)
				result = write_text(t->c, STR("."), t->err);
			from = i;
		}
		*last = p[i];
	}
	if (result == CLIENT_OK)
		result = write_text(t->c, str_n(p + from, n - from), t->err);
	return result;
}

/* The content cannot be read: nothing that looks like its end may be sent. */
static enum client_result
break_off(struct transaction *t)
{
	return lose(t->c);
}

static enum client_result
write_data(struct transaction *t)
{
	char *block = mem_alloc(BLOCK), last = '\n';
	enum client_result result = CLIENT_OK;
	size_t got = 1;

	while (result == CLIENT_OK) {
		if (read_content(t, block, BLOCK, &got) != PST_OK) {
			result = break_off(t);
			break;
		}
		if (got == 0)
			break;
		result = write_stuffed(t, block, got, &last);
	}
	free(block);
	trail_say('C', STR("[content]"));
	if (result == CLIENT_OK && last != '\n')
		result = write_text(t->c, STR("\r\n"), t->err);
	return result == CLIENT_OK ? write_text(t->c, STR(".\r\n"), t->err)
				   : result;
}

static enum client_result
fill(struct transaction *t, char *block, size_t *n_r)
{
	size_t got = 1;

	for (*n_r = 0; *n_r < CHUNK && got > 0; *n_r += got)
		if (read_content(t, block + *n_r, CHUNK - *n_r, &got) != PST_OK)
			return break_off(t);
	return CLIENT_OK;
}

/*
 * RFC 3030. Each chunk is waited for: the first refusal ends it. With *doubt_r
 * the last one has gone.
 */
static enum client_result
write_chunks(struct transaction *t, bool *doubt_r)
{
	struct client *c = t->c;
	char *block = mem_alloc(CHUNK);
	enum client_result result = CLIENT_OK;
	bool is_last = false;

	while (!is_last && result == CLIENT_OK) {
		size_t n;

		result = fill(t, block, &n);
		if (result != CLIENT_OK)
			break;
		is_last = n < CHUNK;
		result = write_line(
		    c, t->err, "BDAT %zu%s", n, is_last ? " LAST" : "");
		if (result == CLIENT_OK)
			result = write_text(c, str_n(block, n), t->err);
		*doubt_r = is_last && result == CLIENT_OK;
		if (result == CLIENT_OK)
			result = read_class(c, 2,
			    is_last ? c->times->final : c->times->block,
			    t->err);
	}
	free(block);
	return result;
}

static void
settle_all(struct transaction *t)
{
	for (size_t i = 0; i < t->m->recipients; i++)
		if (t->accepted[i])
			t->m->settled(
			    t->m->arg, t->m->recipient[i], &t->c->reply);
}

/* The session stays clean for the next message. */
static enum client_result
reset(struct transaction *t)
{
	struct reply said = t->c->reply;
	enum client_result result = CLIENT_OK;

	reply_init(&t->c->reply);
	if (!t->c->is_lost)
		result = write_line(t->c, t->err, "RSET");
	if (result == CLIENT_OK && !t->c->is_lost)
		result = read_class(t->c, 2, t->c->times->mail, t->err);
	if (result != CLIENT_OK)
		t->c->is_lost = true;
	reply_fini(&t->c->reply);
	t->c->reply = said;
	return CLIENT_OK;
}

static enum client_result
send_content(struct transaction *t, enum client_result data, bool *doubt_r)
{
	struct client *c = t->c;
	enum client_result result;

	if (uses_chunks(c)) {
		if (t->taken == 0)
			return reset(t);
		result = write_chunks(t, doubt_r);
		if (result == CLIENT_LOST)
			return result;
		settle_all(t);
		return result == CLIENT_REFUSED ? reset(t) : CLIENT_OK;
	}
	if (data == CLIENT_REFUSED) {
		settle_all(t);
		return t->taken > 0 ? reset(t) : CLIENT_OK;
	}
	if (t->taken == 0) {
		/* RFC 2920, 3.1: it went ahead although nobody was accepted;
		 * stepwise, nothing was asked. */
		if (!is_pipelined(c))
			return reset(t);
		result = write_text(c, STR(".\r\n"), t->err);
		if (result == CLIENT_OK)
			result = read_reply(c, c->times->final, t->err);
		if (result != CLIENT_REFUSED)
			c->is_lost = true;
		return CLIENT_OK;
	}
	result = write_data(t);
	if (result != CLIENT_OK)
		return result;
	*doubt_r = true;
	result = read_class(c, 2, c->times->final, t->err);
	if (result == CLIENT_LOST)
		return result;
	settle_all(t);
	return CLIENT_OK;
}

/* What the message needs and the server has not. */
static const char *
lacking(const struct client *c, const struct envelope *e)
{
	if (e->smtputf8 && (c->extensions & CLIENT_SMTPUTF8) == 0)
		return "the server cannot take addresses or header fields in "
		       "UTF-8 (SMTPUTF8)";
	if (e->body == BODY_BINARYMIME &&
	    ((c->extensions & CLIENT_BINARYMIME) == 0 || !uses_chunks(c)))
		return "the server cannot take binary content (BINARYMIME)";
	if (envelope_needs_tls(e) && (c->extensions & CLIENT_REQUIRETLS) == 0)
		return "the server does not support REQUIRETLS";
	return NULL;
}

enum client_result
client_send(struct client *c, const struct client_message *m, bool *in_doubt_r,
    struct pst_error *err)
{
	struct transaction t = { .c = c, .m = m, .err = err };
	const char *lacks = lacking(c, m->envelope);
	enum client_result result, data = CLIENT_OK;

	*in_doubt_r = false;
	if (lacks != NULL) {
		(void)pst_fail(err, PST_E_UNSUPPORTED, 0, "%s", lacks);
		return CLIENT_LACKS;
	}
	t.accepted = mem_array(m->recipients, sizeof(*t.accepted));
	buf_init(&t.even, (size_t)2 * CHUNK + 2);
	result = is_pipelined(c) ? begin_pipelined(&t, &data)
				 : begin_stepwise(&t, &data);
	if (result == CLIENT_OK)
		result = send_content(&t, data, in_doubt_r);
	buf_fini(&t.even);
	free(t.accepted);
	return result;
}

bool
client_is_usable(struct client *c)
{
	return !c->is_lost && wire_is_quiet(c->wire);
}

void
client_quit(struct client *c)
{
	struct pst_error err;

	if (!c->is_lost && write_line(c, &err, "QUIT") == CLIENT_OK)
		(void)read_reply(c, c->times->quit, &err);
	c->is_lost = true;
}

void
client_leave(struct client *c)
{
	struct pst_error err;

	if (!c->is_lost && write_line(c, &err, "QUIT") == CLIENT_OK)
		(void)wire_flush(c->wire, c->times->quit, &err);
	c->is_lost = true;
}
