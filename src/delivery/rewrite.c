/*
 * delivery/rewrite.c - a streaming rewriter of message headers.
 *
 * Takes out Return-Path (RFC 5321, 4.4: the final delivery makes its own) and,
 * for messages of our own users, Bcc (RFC 5322, 3.6.3); puts in Date and
 * Message-ID when they are missing (RFC 6409, 8.2 and 8.3); counts Received
 * fields (RFC 5321, 6.3) and collects From.
 */
#include "delivery/rewrite.h"

#include "base/str.h"
#include "message/header.h"

enum {
	DOUBT_MAX = 1024, /* octets until it is known whose results these are */
	DELIVERED_MAX = 65536,
	TLS_MAX = 32,  /* of TLS-Required; longer is nothing that we know */
	ID_MAX = 1000, /* of a Message-ID */
};

enum state {
	AT_START, /* of a line of the header */
	AT_CR,	  /* of a line, after CR */
	IN_NAME,
	IN_SPACE, /* between name and colon (RFC 5322, 4.5.3) */
	IN_TEXT,  /* of a field */
	IN_BODY,
};

enum field {
	NO_FIELD, /* the line before was none */
	OTHER,
	BCC,
	DATE,
	DELIVERED,
	FROM,
	MESSAGE_ID,
	RECEIVED,
	RESULTS,
	RETURN_PATH,
	TLS_REQUIRED,
};

static const struct {
	const char *name;
	enum field field;
} known[] = {
	{ "authentication-results", RESULTS },
	{ "bcc", BCC },
	{ "date", DATE },
	{ "delivered-to", DELIVERED },
	{ "from", FROM },
	{ "message-id", MESSAGE_ID },
	{ "received", RECEIVED },
	{ "resent-bcc", BCC },
	{ "return-path", RETURN_PATH },
	{ "tls-required", TLS_REQUIRED },
};

void
rewrite_init(struct rewrite *w, const struct rewrite_options *opt)
{
	memset(w, 0, sizeof(*w));
	w->opt = *opt;
	buf_init(&w->authors, opt->header_max);
	buf_init(&w->doubt, DOUBT_MAX);
	buf_init(&w->delivered, DELIVERED_MAX);
	buf_init(&w->tls, TLS_MAX);
	buf_init(&w->id, ID_MAX);
}

void
rewrite_fini(struct rewrite *w)
{
	buf_fini(&w->authors);
	buf_fini(&w->doubt);
	buf_fini(&w->delivered);
	buf_fini(&w->tls);
	buf_fini(&w->id);
}

/* RFC 5322, 3.6.8: printable US-ASCII but the colon. */
static bool
is_name_octet(char c)
{
	return c > 32 && c < 127 && c != ':';
}

static enum field
field_of(struct pst_str name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_is_case(name, known[i].name))
			return known[i].field;
	}
	return OTHER;
}

static enum pst_rc
release_held(struct rewrite *w, rewrite_sink sink, void *arg)
{
	size_t n = w->held;

	w->held = 0;
	return n > 0 ? sink(arg, w->name, n) : PST_OK;
}

static enum pst_rc
put(struct pst_str text, rewrite_sink sink, void *arg)
{
	return text.n > 0 ? sink(arg, text.p, text.n) : PST_OK;
}

static enum pst_rc
add_missing(struct rewrite *w, rewrite_sink sink, void *arg)
{
	enum pst_rc rc = PST_OK;

	if (!w->has_date)
		rc = put(w->opt.date, sink, arg);
	if (rc == PST_OK && w->froms == 0)
		rc = put(w->opt.from, sink, arg);
	if (rc == PST_OK && !w->has_message_id)
		rc = put(w->opt.message_id, sink, arg);
	return rc;
}

static bool
has_missing(const struct rewrite *w)
{
	return (!w->has_date && w->opt.date.n > 0) ||
	       (w->froms == 0 && w->opt.from.n > 0) ||
	       (!w->has_message_id && w->opt.message_id.n > 0);
}

/* The header is over; `broken`: by a line that does not belong to it. */
static enum pst_rc
end_header(struct rewrite *w, bool broken, rewrite_sink sink, void *arg)
{
	enum pst_rc rc = add_missing(w, sink, arg);

	w->ended = true;
	w->state = IN_BODY;
	if (rc == PST_OK && broken)
		rc = sink(arg, "\r\n", 2);
	if (rc == PST_OK)
		rc = release_held(w, sink, arg);
	return rc;
}

/* A line without a colon: perhaps the separator line of an mbox. */
static bool
is_separator(const struct rewrite *w)
{
	struct pst_str s = { w->name, w->held };

	return w->state == IN_SPACE && w->field == NO_FIELD &&
	       (str_eq(str_first(s, 5), STR("From ")) ||
		   str_eq(str_first(s, 6), STR(">From ")));
}

/* There is no colon behind the held octets. */
static enum pst_rc
end_name(struct rewrite *w, rewrite_sink sink, void *arg)
{
	if (!is_separator(w))
		return end_header(w, true, sink, arg);
	w->held = 0;
	w->dropping = true;
	w->state = IN_TEXT;
	return PST_OK;
}

/* Whose results are in `doubt`? `last`: the field is over. */
static enum pst_rc
settle(struct rewrite *w, bool last, rewrite_sink sink, void *arg)
{
	struct pst_str text = buf_str(&w->doubt);
	enum msg_results whose;
	enum pst_rc rc = PST_OK;
	char id[256];

	if (!w->doubting)
		return PST_OK;
	whose = msg_results_id(
	    str_from(text, str_find(text, ':') + 1), last, id);
	if (whose == MSG_RESULTS_MORE && !w->doubt.overflow)
		return PST_OK;
	w->doubting = false;
	w->dropping = w->doubt.overflow ||
		      (whose == MSG_RESULTS_ID &&
			  str_is_case(str_of(id), w->opt.drop_results));
	if (!w->dropping)
		rc = put(text, sink, arg);
	buf_clear(&w->doubt);
	return rc;
}

/* The held octets are a name, and its colon was taken. */
static enum pst_rc
begin_field(struct rewrite *w, rewrite_sink sink, void *arg)
{
	struct pst_str name = str_trim(str_n(w->name, w->held));

	w->field = (unsigned char)field_of(name);
	w->dropping = w->field == RETURN_PATH ||
		      (w->field == BCC && w->opt.drop_bcc);
	w->has_date |= w->field == DATE;
	w->has_message_id |= w->field == MESSAGE_ID;
	w->received += w->field == RECEIVED;
	w->tls_fields += w->field == TLS_REQUIRED;
	w->state = IN_TEXT;
	if (w->field == FROM) {
		if (w->froms++ > 0 && w->opt.keep_authors)
			(void)buf_putc(&w->authors, '\0');
	}
	if (w->field == DELIVERED && w->delivered.n > 0)
		(void)buf_putc(&w->delivered, '\0');
	w->name[w->held++] = ':';
	w->header++;
	if (w->field == RESULTS && w->opt.drop_results != NULL) {
		w->doubting = true;
		(void)buf_add(&w->doubt, w->name, w->held);
	} else if (!w->dropping) {
		return release_held(w, sink, arg);
	}
	w->held = 0;
	return PST_OK;
}

/* More than `doubt` has room for: what fits may decide. */
static enum pst_rc
settle_long(
    struct rewrite *w, const char *p, size_t n, rewrite_sink sink, void *arg)
{
	size_t room = DOUBT_MAX - w->doubt.n;
	enum pst_rc rc;

	w->doubt.overflow = false;
	(void)buf_add(&w->doubt, p, room);
	rc = settle(w, false, sink, arg);
	if (rc == PST_OK && w->doubting) { /* it hides whose it is */
		w->doubting = false;
		w->dropping = true;
		buf_clear(&w->doubt);
	}
	if (rc == PST_OK && !w->dropping)
		rc = sink(arg, p + room, n - room);
	return rc;
}

/* The text of a field up to its line end; sets *n_r to what was taken. */
static enum pst_rc
take_text(struct rewrite *w, const char *p, size_t n, size_t *n_r,
    rewrite_sink sink, void *arg)
{
	const char *lf = memchr(p, '\n', n);

	if (lf != NULL) {
		n = (size_t)(lf - p) + 1;
		w->state = AT_START;
	}
	*n_r = n;
	w->header += n;
	if (w->field == MESSAGE_ID && w->opt.keep_id)
		(void)buf_add(&w->id, p, n);
	if (w->field == FROM && w->opt.keep_authors &&
	    !buf_add(&w->authors, p, n))
		w->cut = true;
	if (w->field == TLS_REQUIRED)
		(void)buf_add(&w->tls, p, n);
	if (w->field == DELIVERED && w->opt.keep_delivered)
		(void)buf_add(&w->delivered, p, n);
	if (w->doubting) {
		/* What decides comes early; the rest follows its fate. */
		if (buf_add(&w->doubt, p, n))
			return settle(w, false, sink, arg);
		return settle_long(w, p, n, sink, arg);
	}
	return w->dropping ? PST_OK : sink(arg, p, n);
}

/*
 * One octet that is not text of a field. Sets *taken_r when it was used up;
 * else it is looked at again in the new state.
 */
static enum pst_rc
take_octet(
    struct rewrite *w, char c, bool *taken_r, rewrite_sink sink, void *arg)
{
	bool space = c == ' ' || c == '\t';
	enum pst_rc rc;

	*taken_r = false;
	switch ((enum state)w->state) {
	case AT_START:
		if (space && w->field != NO_FIELD) {
			w->state = IN_TEXT;
			return PST_OK;
		}
		rc = settle(w, true, sink, arg);
		if (rc != PST_OK)
			return rc;
		if (w->header > w->opt.header_max) {
			w->cut = w->ended = true;
			w->state = IN_BODY;
			return PST_OK;
		}
		if (c == '\n')
			return end_header(w, false, sink, arg);
		if (c != '\r' && !is_name_octet(c))
			return end_header(w, true, sink, arg);
		w->state = c == '\r' ? AT_CR : IN_NAME;
		break;
	case AT_CR:
		return end_header(w, c != '\n', sink, arg);
	case IN_NAME:
		if (c == ':') {
			*taken_r = true;
			return begin_field(w, sink, arg);
		}
		if (!space && !is_name_octet(c))
			return end_header(w, true, sink, arg);
		w->state = space ? IN_SPACE : IN_NAME;
		break;
	case IN_SPACE:
		if (c == ':') {
			*taken_r = true;
			return begin_field(w, sink, arg);
		}
		if (!space)
			return end_name(w, sink, arg);
		break;
	case IN_TEXT:
	case IN_BODY:
		return PST_OK;
	}
	/* Room for the colon is kept. */
	if (w->held == sizeof(w->name) - 1)
		return end_name(w, sink, arg);
	w->name[w->held++] = c;
	w->header++;
	*taken_r = true;
	return PST_OK;
}

enum pst_rc
rewrite_feed(
    struct rewrite *w, const char *p, size_t n, rewrite_sink sink, void *arg)
{
	enum pst_rc rc = PST_OK;

	while (n > 0 && rc == PST_OK) {
		size_t used = 0;

		if (w->state == IN_BODY)
			return sink(arg, p, n);
		if (w->state == IN_TEXT) {
			rc = take_text(w, p, n, &used, sink, arg);
		} else {
			bool taken;

			rc = take_octet(w, *p, &taken, sink, arg);
			used = taken;
		}
		p += used;
		n -= used;
	}
	return rc;
}

enum pst_rc
rewrite_end(struct rewrite *w, rewrite_sink sink, void *arg)
{
	enum pst_rc rc = settle(w, true, sink, arg);

	if (rc != PST_OK)
		return rc;
	switch ((enum state)w->state) {
	case AT_START:
		break;
	case IN_SPACE:
		if (!is_separator(w))
			return end_header(w, true, sink, arg);
		w->held = 0;
		break;
	case AT_CR:
	case IN_NAME:
		return end_header(w, true, sink, arg);
	case IN_TEXT:
		if (w->dropping || !has_missing(w))
			break;
		rc = sink(arg, "\r\n", 2);
		if (rc != PST_OK)
			return rc;
		break;
	case IN_BODY:
		return PST_OK;
	}
	return end_header(w, false, sink, arg);
}

bool
rewrite_tls_is_optional(const struct rewrite *w)
{
	return w->tls_fields == 1 && !w->tls.overflow &&
	       str_is_case(str_trim(buf_str(&w->tls)), "No");
}
