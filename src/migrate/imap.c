/*
 * imap.c - another server as a source, by IMAP4rev1 or rev2 (RFC 3501, RFC
 * 9051).
 *
 * Mailboxes are opened by EXAMINE and messages fetched by BODY.PEEK[], so that
 * nothing there changes. What is known of all messages comes first, in one
 * FETCH; then their contents one by one. A connection that breaks is made anew
 * where it was.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "migrate/imap_wire.h"
#include "migrate/lists.h"
#include <stdlib.h>
#include <time.h>

enum {
	ROWS_MAX = 20 * 1000000, /* of one mailbox */
	NAMES_MAX = 20000,
	SETS_MAX = 1024,	    /* of keywords, that are kept once */
	IGNORED_MAX = 50 * 1000000, /* responses to one command */
	TRIES = 5,		    /* to connect again */
	NAME_OCTETS = 4096,
	COMMAND_MAX = 8192,
};

#define MESSAGE_MAX (UINT64_C(1) << 31)

enum capability {
	CAN_CONDSTORE = 1 << 0,
	CAN_NAMESPACE = 1 << 1,
	CAN_LIST_EXTENDED = 1 << 2,
	CAN_SPECIAL_USE = 1 << 3,
	CAN_STARTTLS = 1 << 4,
	CAN_SASL_IR = 1 << 5,
	CAN_PLAIN = 1 << 6,
	CAN_NOT_LOGIN = 1 << 7,
	CAN_SAVEDATE = 1 << 8,
	CAN_REV2 = 1 << 9,
};

struct row {
	uint32_t uid, flags;
	int64_t date, saved;
	uint64_t size, modseq;
	const char *words; /* keywords with a space before each */
};

struct imap_source {
	struct mig_source base;
	struct imap_url url;
	struct imap_trust trust;
	char *ca_file;
	char password[1024];
	struct imap_wire *wire; /* NULL: not connected */
	unsigned can;		/* enum capability, or-ed */
	uint32_t tag;		/* of the last command */
	struct imap_namespaces spaces;
	struct mig_names wires; /* by name; special_use is it on the wire */

	/* The mailbox that is open. */
	char *mailbox; /* as it is on the wire; NULL: none */
	struct mig_state state;
	struct row *row;
	size_t n, cap, at;
	bool has_rows;
	struct arena *words;
	const char *set[SETS_MAX];
	size_t sets;
	struct imap_fetched fetched;
	const char *keyword[IMAP_WORDS_MAX];
	struct buf keywords;
};

static struct imap_source *
self(struct mig_source *base)
{
	return (struct imap_source *)base;
}

/* --- commands ------------------------------------------------------------ */

/* Sends a command; its text without tag and line end. */
static enum pst_rc
send_command(struct imap_source *s, struct pst_str text, struct pst_error *err)
{
	struct buf line;
	enum pst_rc rc;

	buf_init(&line, COMMAND_MAX);
	(void)buf_printf(&line, "P%lu ", (unsigned long)++s->tag);
	(void)buf_add_str(&line, text);
	(void)buf_add(&line, "\r\n", 2);
	rc = line.overflow
		 ? pst_fail(err, PST_E_LIMIT, 0, "a command is too long")
		 : imap_wire_send(s->wire, buf_str(&line), err);
	explicit_bzero(line.p, line.n);
	buf_fini(&line);
	return rc;
}

static bool
is_tag(struct pst_str tag, uint32_t number)
{
	uint32_t n;

	return tag.n > 1 && tag.p[0] == 'P' &&
	       str_to_u32(str_from(tag, 1), &n) && n == number;
}

/* What a command's untagged responses are for. */
typedef enum pst_rc (*response_fn)(
    struct imap_source *s, struct imap_response *r, struct pst_error *err);

static enum pst_rc
server_said(const struct imap_source *s, const struct imap_response *r,
    enum pst_rc rc, struct pst_error *err)
{
	return pst_fail(err, rc, 0, "%.60s: %.*s", s->url.host,
	    (int)(r->words.n < 120 ? r->words.n : 120),
	    r->words.n > 0 ? r->words.p : "");
}

/* Waits for the end of the command that was sent last. PERM: the server says
 * NO or BAD. */
static enum pst_rc
finish_command(struct imap_source *s, response_fn fn, struct pst_error *err)
{
	for (unsigned long i = 0; i < IGNORED_MAX; i++) {
		struct imap_response r;
		struct pst_str line;
		uint64_t message;
		enum pst_rc rc = imap_wire_response(
				s->wire, &line, &message, err),
			    ignored;

		if (rc == PST_OK && message != IMAP_NO_MESSAGE)
			rc = imap_wire_message(
			    s->wire, message, NULL, NULL, &ignored, err);
		if (rc != PST_OK)
			return rc;
		imap_response_parse(line, &r);
		if (r.kind == IMAP_TAGGED && is_tag(r.tag, s->tag)) {
			if (str_is_case(r.status, "OK")) {
				rc = fn != NULL ? fn(s, &r, err) : PST_OK;
				return rc;
			}
			return server_said(s, &r, PST_E_PERM, err);
		}
		if (r.kind == IMAP_STATUS && str_is_case(r.status, "BYE"))
			return server_said(s, &r, PST_E_TEMP, err);
		if (r.kind == IMAP_CONTINUATION)
			return pst_fail(err, PST_E_PERM, 0,
			    "%.150s asks for more than was expected",
			    s->url.host);
		if (fn != NULL && message == IMAP_NO_MESSAGE)
			rc = fn(s, &r, err);
		if (rc != PST_OK)
			return rc;
	}
	return pst_fail(
	    err, PST_E_LIMIT, 0, "%.150s says too much", s->url.host);
}

static enum pst_rc
run(struct imap_source *s, const char *text, response_fn fn,
    struct pst_error *err)
{
	enum pst_rc rc = send_command(s, str_of(text), err);

	return rc == PST_OK ? finish_command(s, fn, err) : rc;
}

/* --- logging in ---------------------------------------------------------- */

static void
note_capabilities(struct imap_source *s, struct pst_str words)
{
	static const struct {
		const char *word;
		unsigned can;
	} known[] = { { "CONDSTORE", CAN_CONDSTORE },
		{ "QRESYNC", CAN_CONDSTORE }, { "NAMESPACE", CAN_NAMESPACE },
		{ "LIST-EXTENDED", CAN_LIST_EXTENDED },
		{ "SPECIAL-USE", CAN_SPECIAL_USE },
		{ "STARTTLS", CAN_STARTTLS }, { "SASL-IR", CAN_SASL_IR },
		{ "AUTH=PLAIN", CAN_PLAIN }, { "LOGINDISABLED", CAN_NOT_LOGIN },
		{ "SAVEDATE", CAN_SAVEDATE },
		{ "IMAP4rev2", CAN_NAMESPACE | CAN_LIST_EXTENDED |
				   CAN_SPECIAL_USE | CAN_SASL_IR | CAN_REV2 } };
	struct pst_str word;

	s->can = 0;
	while (str_split(&words, ' ', &word))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (str_is_case(str_trim(word), known[i].word))
				s->can |= known[i].can;
}

/* Untagged, or in the code of a status. */
static enum pst_rc
on_capability(
    struct imap_source *s, struct imap_response *r, struct pst_error *err)
{
	(void)err;
	if (r->kind == IMAP_DATA && str_is_case(r->name, "CAPABILITY"))
		note_capabilities(s, r->text.rest);
	else if (str_has_prefix_case(r->code, "CAPABILITY "))
		note_capabilities(s, str_from(r->code, 11));
	return PST_OK;
}

static enum pst_rc
ask_capabilities(struct imap_source *s, struct pst_error *err)
{
	return run(s, "CAPABILITY", on_capability, err);
}

static enum pst_rc
greet(struct imap_source *s, struct pst_error *err)
{
	struct imap_response r;
	struct pst_str line;
	uint64_t message;
	enum pst_rc rc = imap_wire_response(s->wire, &line, &message, err);

	if (rc != PST_OK)
		return rc;
	imap_response_parse(line, &r);
	if (r.kind != IMAP_STATUS || message != IMAP_NO_MESSAGE)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.150s does not speak IMAP there", s->url.host);
	if (!str_is_case(r.status, "OK"))
		return server_said(s, &r, PST_E_TEMP, err);
	return ask_capabilities(s, err);
}

static enum pst_rc
secure(struct imap_source *s, struct pst_error *err)
{
	enum pst_rc rc;

	if (imap_wire_has_tls(s->wire))
		return PST_OK;
	if ((s->can & CAN_STARTTLS) == 0)
		return imap_wire_is_local(s->wire)
			   ? PST_OK
			   : pst_fail(err, PST_E_DENIED, 0,
				 "%.100s offers no TLS at this port: the "
				 "password is not sent in plain text",
				 s->url.host);
	rc = run(s, "STARTTLS", NULL, err);
	if (rc == PST_OK)
		rc = imap_wire_start_tls(s->wire, err);
	/* What was said without it may have been anybody's. */
	return rc == PST_OK ? ask_capabilities(s, err) : rc;
}

/* AUTHENTICATE PLAIN (RFC 4616, RFC 4959). */
static enum pst_rc
authenticate(struct imap_source *s, struct pst_error *err)
{
	struct buf plain, line;
	enum pst_rc rc;

	buf_init(&plain, 2048);
	buf_init(&line, 4096);
	(void)buf_putc(&plain, '\0');
	(void)buf_puts(&plain, s->url.user);
	(void)buf_putc(&plain, '\0');
	(void)buf_puts(&plain, s->password);
	(void)buf_puts(&line, "AUTHENTICATE PLAIN ");
	(void)base64_encode(buf_str(&plain), &line);
	rc = line.overflow || plain.overflow
		 ? pst_fail(err, PST_E_LIMIT, 0, "the password is too long")
		 : send_command(s, buf_str(&line), err);
	explicit_bzero(plain.p, plain.n);
	explicit_bzero(line.p, line.n);
	buf_fini(&plain);
	buf_fini(&line);
	return rc == PST_OK ? finish_command(s, on_capability, err) : rc;
}

static enum pst_rc
login(struct imap_source *s, struct pst_error *err)
{
	struct buf line;
	enum pst_rc rc;

	if (s->can & CAN_NOT_LOGIN)
		return pst_fail(err, PST_E_DENIED, 0,
		    "%.150s takes no password by PLAIN or LOGIN", s->url.host);
	buf_init(&line, 4096);
	(void)buf_puts(&line, "LOGIN ");
	if (!imap_put_quoted(&line, str_of(s->url.user)) ||
	    !buf_putc(&line, ' ') ||
	    !imap_put_quoted(&line, str_of(s->password)))
		rc = pst_fail(err, PST_E_LIMIT, 0,
		    "the password cannot be sent by LOGIN");
	else
		rc = send_command(s, buf_str(&line), err);
	explicit_bzero(line.p, line.n);
	buf_fini(&line);
	return rc == PST_OK ? finish_command(s, on_capability, err) : rc;
}

static enum pst_rc
log_in(struct imap_source *s, struct pst_error *err)
{
	const unsigned plain = CAN_SASL_IR | CAN_PLAIN;
	enum pst_rc rc = (s->can & plain) == plain ? authenticate(s, err)
						   : login(s, err);

	if (rc == PST_E_PERM) {
		char words[sizeof(err->detail)];

		(void)str_copy(words, sizeof(words), str_of(err->detail));
		return pst_fail(err, PST_E_DENIED, 0,
		    "no login as %.60s: %.150s", s->url.user, words);
	}
	return rc == PST_OK ? ask_capabilities(s, err) : rc;
}

static enum pst_rc
connect_once(struct imap_source *s, struct pst_error *err)
{
	enum pst_rc rc;

	imap_wire_close(&s->wire);
	rc = imap_wire_open(&s->url, &s->trust, &s->wire, err);
	if (rc == PST_OK)
		rc = greet(s, err);
	if (rc == PST_OK)
		rc = secure(s, err);
	if (rc == PST_OK)
		rc = log_in(s, err);
	if (rc != PST_OK)
		imap_wire_close(&s->wire);
	return rc;
}

/* --- names --------------------------------------------------------------- */

static enum pst_rc
on_namespace(
    struct imap_source *s, struct imap_response *r, struct pst_error *err)
{
	(void)err;
	if (r->kind == IMAP_DATA && str_is_case(r->name, "NAMESPACE"))
		(void)imap_namespaces_parse(&r->text, &s->spaces);
	return PST_OK;
}

static bool
begins_with(struct pst_str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return n > 0 && s.n >= n && memcmp(s.p, prefix, n) == 0;
}

/* The mailbox's own name, without the prefix of the user's mailboxes; false:
 * not the user's, or it can be no name. */
static bool
make_name(
    const struct imap_source *s, const struct imap_listed *l, struct buf *out)
{
	struct pst_str text = buf_str(&l->name);

	for (size_t i = 0; i < s->spaces.foreigns; i++)
		if (begins_with(text, s->spaces.foreign[i]))
			return false;
	if (begins_with(text, s->spaces.personal))
		text = str_from(text, strlen(s->spaces.personal));
	return mig_folder_name(text, l->separator, out);
}

/* LIST and LSUB. */
static enum pst_rc
on_list(struct imap_source *s, struct imap_response *r, struct pst_error *err)
{
	bool lsub = str_is_case(r->name, "LSUB");
	struct imap_listed l;
	struct mig_name *m;
	struct buf name;

	if (r->kind != IMAP_DATA || (!lsub && !str_is_case(r->name, "LIST")))
		return PST_OK;
	if (s->wires.n >= NAMES_MAX)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.150s has too many mailboxes", s->url.host);
	imap_listed_init(&l);
	buf_init(&name, (size_t)NAME_OCTETS * 4);
	if (imap_listed_parse(&r->text, &l) && make_name(s, &l, &name)) {
		m = mig_names_get(&s->wires, buf_str(&name));
		m->subscribed |= l.subscribed || lsub;
		if (!lsub && l.can_select) {
			m->exists = true;
			free(m->special_use);
			(void)buf_putc(&l.name, ' ');
			(void)buf_puts(&l.name, l.special_use);
			m->special_use = str_dup(buf_str(&l.name));
		}
	}
	buf_fini(&name);
	imap_listed_fini(&l);
	return PST_OK;
}

static enum pst_rc
list(struct imap_source *s, struct pst_error *err)
{
	bool extended = (s->can & CAN_LIST_EXTENDED) != 0;
	enum pst_rc rc = PST_OK;

	if (s->can & CAN_NAMESPACE)
		rc = run(s, "NAMESPACE", on_namespace, err);
	if (rc == PST_OK)
		rc = run(s,
		    extended && (s->can & CAN_SPECIAL_USE)
			? "LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE)"
		    : extended ? "LIST \"\" \"*\" RETURN (SUBSCRIBED)"
			       : "LIST \"\" \"*\"",
		    on_list, err);
	if (rc == PST_OK && !extended)
		rc = run(s, "LSUB \"\" \"*\"", on_list, err);
	return rc;
}

/* What a name is on the wire, and its use, were put together. */
static void
split_wire(const char *both, struct pst_str *wire_r, const char **use_r)
{
	const char *space = strrchr(both, ' ');

	*wire_r = str_n(both, (size_t)(space - both));
	*use_r = space + 1;
}

static enum pst_rc
imap_names(
    struct mig_source *base, struct mig_names *names_r, struct pst_error *err)
{
	struct imap_source *s = self(base);
	enum pst_rc rc = connect_once(s, err);

	if (rc == PST_OK)
		rc = list(s, err);
	for (size_t i = 0; rc == PST_OK && i < s->wires.n; i++) {
		const struct mig_name *from = &s->wires.v[i];
		struct mig_name *m = mig_names_get(names_r, str_of(from->text));
		struct pst_str wire;
		const char *use;

		m->exists = from->exists;
		m->subscribed = from->subscribed;
		if (!from->exists)
			continue;
		split_wire(from->special_use, &wire, &use);
		free(m->special_use);
		m->special_use = str_dup(str_of(use));
	}
	mig_names_sort(names_r);
	return rc;
}

/* --- opening ------------------------------------------------------------- */

static enum pst_rc
on_examine(
    struct imap_source *s, struct imap_response *r, struct pst_error *err)
{
	struct mig_state *st = &s->state;
	struct pst_str id;
	uint64_t n;

	(void)err;
	if (r->kind == IMAP_NUMBER && str_is_case(r->name, "EXISTS"))
		st->messages = r->number;
	if (imap_code_number(r->code, "UIDVALIDITY", &n) && n <= UINT32_MAX)
		st->uidvalidity = (uint32_t)n;
	else if (imap_code_number(r->code, "UIDNEXT", &n) && n <= UINT32_MAX)
		st->uidnext = (uint32_t)n;
	else if (imap_code_number(r->code, "HIGHESTMODSEQ", &n))
		st->highestmodseq = n;
	else if (str_has_prefix_case(r->code, "MAILBOXID (")) {
		id = str_from(r->code, 11);
		id = str_first(id, str_find(id, ')'));
		if (id.n < sizeof(st->objectid))
			(void)str_copy(st->objectid, sizeof(st->objectid), id);
	}
	return PST_OK;
}

static enum pst_rc
examine(struct imap_source *s, struct pst_error *err)
{
	struct buf line;
	enum pst_rc rc;

	s->state = (struct mig_state){ 0 };
	buf_init(&line, COMMAND_MAX);
	(void)buf_puts(&line, "EXAMINE ");
	if (!imap_put_quoted(&line, str_of(s->mailbox)))
		rc = pst_fail(err, PST_E_PERM, 0,
		    "%.150s: no name that can be "
		    "sent",
		    s->mailbox);
	else {
		if (s->can & CAN_CONDSTORE)
			(void)buf_puts(&line, " (CONDSTORE)");
		rc = send_command(s, buf_str(&line), err);
		if (rc == PST_OK)
			rc = finish_command(s, on_examine, err);
	}
	buf_fini(&line);
	return rc;
}

/* After a connection broke: makes it anew, to where it was. */
static enum pst_rc
connect_again(struct imap_source *s, struct pst_error *err)
{
	struct mig_state before = s->state;
	enum pst_rc rc = PST_E_TEMP;

	for (int i = 0; i < TRIES && rc == PST_E_TEMP; i++) {
		const struct timespec pause = { .tv_sec = i > 0 ? 1 << i : 0 };

		mig_note(&s->base, "%s: connecting again", err->detail);
		(void)nanosleep(&pause, NULL);
		rc = connect_once(s, err);
		if (rc == PST_OK && s->mailbox != NULL)
			rc = examine(s, err);
	}
	if (rc == PST_OK && s->mailbox != NULL &&
	    s->state.uidvalidity != before.uidvalidity)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.150s is another mailbox now", s->mailbox);
	return rc;
}

static void
imap_close(struct mig_source *base)
{
	struct imap_source *s = self(base);

	free(s->mailbox);
	s->mailbox = NULL;
	free(s->row);
	s->row = NULL;
	s->n = s->cap = s->at = 0;
	s->has_rows = false;
	s->sets = 0;
	arena_free(&s->words);
}

static enum pst_rc
imap_open(struct mig_source *base, const char *name, struct mig_state *state_r,
    struct pst_error *err)
{
	struct imap_source *s = self(base);
	const struct mig_name *m = mig_names_get(&s->wires, str_of(name));
	struct pst_str wire;
	const char *use;
	enum pst_rc rc;

	*state_r = (struct mig_state){ 0 };
	if (!m->exists)
		return pst_fail(err, PST_E_NOTFOUND, 0, "%.150s", name);
	split_wire(m->special_use, &wire, &use);
	s->mailbox = str_dup(wire);
	s->words = arena_new(0);
	rc = s->wire != NULL ? examine(s, err) : PST_E_TEMP;
	if (rc == PST_E_TEMP)
		rc = connect_again(s, err);
	if (rc != PST_OK) {
		imap_close(base);
		return rc;
	}
	*state_r = s->state;
	return PST_OK;
}

/* --- what is known of messages ------------------------------------------- */

/* One text for messages with the same keywords. */
static const char *
keep_words(struct imap_source *s, struct pst_str words)
{
	const char *text;

	if (words.n == 0)
		return "";
	for (size_t i = s->sets; i-- > 0;)
		if (str_is(words, s->set[i]))
			return s->set[i];
	text = arena_text(s->words, words);
	if (s->sets < SETS_MAX)
		s->set[s->sets++] = text;
	return text;
}

static enum pst_rc
on_row(struct imap_source *s, struct imap_response *r, struct pst_error *err)
{
	struct imap_fetched *f = &s->fetched;
	struct row *row;

	if (r->kind != IMAP_NUMBER || !str_is_case(r->name, "FETCH") ||
	    !imap_fetched_parse(&r->text, f) || !f->has_uid || !f->has_flags)
		return PST_OK;
	if (s->n >= ROWS_MAX)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.150s has too many messages", s->mailbox);
	mem_grow(&s->row, &s->cap, s->n + 1, sizeof(*s->row));
	row = &s->row[s->n++];
	*row = (struct row){ .uid = f->uid,
		.flags = f->flags,
		.date = f->has_date ? f->date : INT64_MIN,
		.saved = f->saved,
		.size = f->size,
		.modseq = f->modseq,
		.words = keep_words(s, buf_str(&f->words)) };
	return PST_OK;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static enum pst_rc
fetch_rows(struct imap_source *s, uint32_t mark, struct pst_error *err)
{
	char text[160];
	size_t kept = 0;
	enum pst_rc rc;

	s->n = 0;
	(void)snprintf(text, sizeof(text),
	    "UID FETCH %lu:* (UID FLAGS INTERNALDATE RFC822.SIZE%s%s)",
	    (unsigned long)(mark > 0 ? mark : 1),
	    (s->can & CAN_CONDSTORE) && s->state.highestmodseq != 0 ? " MODSEQ"
								    : "",
	    (s->can & CAN_SAVEDATE) ? " SAVEDATE" : "");
	rc = s->state.messages > 0 ? run(s, text, on_row, err) : PST_OK;
	if (s->n > 0)
		qsort(s->row, s->n, sizeof(*s->row), compare_rows);
	/* "5:*" has the last message, whatever its uid is (RFC 3501, 9); and a
	 * change of flags may have come in between. */
	for (size_t i = 0; i < s->n; i++)
		if (s->row[i].uid >= mark &&
		    (kept == 0 || s->row[kept - 1].uid != s->row[i].uid))
			s->row[kept++] = s->row[i];
	s->n = kept;
	return rc;
}

static void
describe(struct imap_source *s, const struct row *row, struct mig_message *m)
{
	size_t n = 0;
	char *p;

	buf_clear(&s->keywords);
	(void)buf_puts(&s->keywords, row->words);
	(void)buf_putc(&s->keywords, '\0');
	for (p = s->keywords.p; *p != '\0' && n < IMAP_WORDS_MAX;) {
		*p++ = '\0';
		s->keyword[n++] = p;
		p += strcspn(p, " ");
	}
	*m = (struct mig_message){ .uid = row->uid,
		.flags = row->flags,
		.keywords = s->keyword,
		.keyword_count = n,
		.date = row->date,
		.saved = row->saved,
		.modseq = row->modseq,
		.size = row->size };
}

static enum pst_rc
imap_next(struct mig_source *base, uint32_t mark, struct mig_message *message_r,
    struct pst_error *err)
{
	struct imap_source *s = self(base);

	if (!s->has_rows) {
		enum pst_rc rc = fetch_rows(s, mark, err);

		if (rc == PST_E_TEMP) {
			rc = connect_again(s, err);
			if (rc == PST_OK)
				rc = fetch_rows(s, mark, err);
		}
		if (rc != PST_OK)
			return rc;
		s->has_rows = true;
	}
	if (s->at == s->n)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no more messages");
	describe(s, &s->row[s->at++], message_r);
	return PST_OK;
}

/* --- contents ------------------------------------------------------------ */

/* One at a time: servers may answer several commands at once and in any order
 * (RFC 3501, 5.5), and Dovecot does. */
static enum pst_rc
ask(struct imap_source *s, size_t i, struct pst_error *err)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "UID FETCH %lu BODY.PEEK[]",
	    (unsigned long)s->row[i].uid);
	return send_command(s, str_of(text), err);
}

/* Hands on a message that came, or one that came as a string. */
static enum pst_rc
take_message(struct imap_source *s, uint64_t message, struct imap_response *r,
    mig_write_fn write, void *arg, bool *found_r, enum pst_rc *write_rc,
    struct pst_error *err)
{
	enum pst_rc rc;

	if (message != IMAP_NO_MESSAGE) {
		if (message > MESSAGE_MAX)
			return pst_fail(err, PST_E_LIMIT, 0,
			    "a message of %llu octets",
			    (unsigned long long)message);
		/* One that is told twice is passed over. */
		rc = imap_wire_message(s->wire, message,
		    *found_r ? NULL : write, arg, write_rc, err);
		*found_r = true;
		return rc;
	}
	if (r->kind != IMAP_NUMBER || !str_is_case(r->name, "FETCH") ||
	    *found_r || !imap_fetched_parse(&r->text, &s->fetched) ||
	    !s->fetched.has_body)
		return PST_OK;
	*found_r = true;
	if (s->fetched.body.n > 0)
		*write_rc = write(
		    arg, s->fetched.body.p, s->fetched.body.n, err);
	return *write_rc;
}

/* Until the command for message `i` is over. */
static enum pst_rc
receive(struct imap_source *s, size_t i, mig_write_fn write, void *arg,
    enum pst_rc *write_rc, struct pst_error *err)
{
	bool found = false;

	for (unsigned long k = 0; k < IGNORED_MAX; k++) {
		struct imap_response r;
		struct pst_str line;
		uint64_t message;
		enum pst_rc rc = imap_wire_response(
		    s->wire, &line, &message, err);

		if (rc != PST_OK)
			return rc;
		imap_response_parse(line, &r);
		if (r.kind == IMAP_TAGGED && is_tag(r.tag, s->tag))
			return found ? PST_OK
				     : pst_fail(err, PST_E_CONFLICT, 0,
					   "uid %lu of %.100s is gone, or "
					   "cannot be read there",
					   (unsigned long)s->row[i].uid,
					   s->mailbox);
		if (r.kind == IMAP_STATUS && str_is_case(r.status, "BYE"))
			return server_said(s, &r, PST_E_TEMP, err);
		rc = take_message(
		    s, message, &r, write, arg, &found, write_rc, err);
		if (rc != PST_OK)
			return rc;
	}
	return pst_fail(
	    err, PST_E_LIMIT, 0, "%.150s says too much", s->url.host);
}

static enum pst_rc
imap_read(struct mig_source *base, mig_write_fn write, void *arg,
    struct pst_error *err)
{
	struct imap_source *s = self(base);
	enum pst_rc write_rc = PST_OK, rc;

	if (s->wire == NULL)
		return pst_fail(err, PST_E_TEMP, 0, "no connection");
	rc = ask(s, s->at - 1, err);
	if (rc == PST_OK)
		rc = receive(s, s->at - 1, write, arg, &write_rc, err);
	if (write_rc != PST_OK || rc != PST_E_TEMP)
		return rc;
	rc = connect_again(s, err);
	return rc == PST_OK ? PST_E_STALE : rc;
}

/* --- the whole ----------------------------------------------------------- */

static void
imap_free(struct mig_source *base)
{
	struct imap_source *s = self(base);

	imap_close(base);
	imap_wire_close(&s->wire);
	imap_fetched_fini(&s->fetched);
	mig_names_fini(&s->wires);
	buf_fini(&s->keywords);
	explicit_bzero(s->password, sizeof(s->password));
	free(s->ca_file);
	free(s);
}

static const struct mig_source_ops imap_ops = {
	.names = imap_names,
	.open = imap_open,
	.next = imap_next,
	.read = imap_read,
	.close = imap_close,
	.free = imap_free,
};

enum pst_rc
mig_imap_open(const char *url, const char *password, const char *trust,
    struct mig_source **s_r, struct pst_error *err)
{
	struct imap_source *s = mem_alloc(sizeof(*s));
	enum pst_rc rc = import_source_parse(url, &s->url, err);

	*s_r = NULL;
	s->base.ops = &imap_ops;
	imap_fetched_init(&s->fetched);
	buf_init(&s->keywords, IMAP_VALUE_MAX + 1);
	if (rc == PST_OK && trust != NULL)
		rc = imap_trust_parse(trust, &s->trust, err);
	if (rc == PST_OK &&
	    !str_copy(s->password, sizeof(s->password), str_of(password)))
		rc = pst_fail(err, PST_E_LIMIT, 0, "the password is too long");
	if (rc == PST_OK && s->trust.ca_file != NULL) {
		s->ca_file = str_dup(str_of(s->trust.ca_file));
		s->trust.ca_file = s->ca_file;
	}
	if (rc != PST_OK)
		imap_free(&s->base);
	else
		*s_r = &s->base;
	return rc;
}
