/*
 * imap/facts.c - what searching, sorting and threading want to know of a
 * message (RFC 3501, 6.4.4; RFC 5256, 2 and 3; RFC 5957, 3).
 *
 * Texts that are sorted become octets that compare as i;unicode-casemap has it
 * (RFC 5255, 4.6: encoded words are decoded before). Texts that are searched
 * are decoded and folded as every search is.
 *
 * The form in which all of it is kept (numbers with the lowest octet first, a
 * text is its length in 4 octets and its octets):
 *
 *	1 bits (HAS_...)   1 zero   2 zone of Date, minutes   8 Date, seconds
 *	texts: subject, cc, from, to, display from, display to, message id
 *	4 number of references, and as many texts
 *	fields to be searched: 1 index in searched[], text
 */
#include "imap/facts.h"

#include "base/str.h"
#include "message/content.h"
#include "message/header.h"

/* --- texts ------------------------------------------------------------------
 */

static struct pst_str
comparable(struct imap_search_message *m, struct arena *a, struct pst_str utf8)
{
	size_t n = utf8.n;

	if (n > IMAP_FACT_TEXT_MAX) {
		n = IMAP_FACT_TEXT_MAX;
		while (n > 0 && ((unsigned char)utf8.p[n] & 0xc0) == 0x80)
			n--;
	}
	buf_clear(&m->folded);
	(void)msg_casemap(str_first(utf8, n), &m->folded);
	return arena_copy(a, buf_str(&m->folded));
}

static void
read_subject(struct imap_search_message *m, const struct msg_part *part,
    struct arena *a, struct imap_facts *out)
{
	const struct msg_field *f = msg_field(part, "Subject");

	if (f == NULL)
		return;
	buf_clear(&m->text);
	(void)msg_decode_words(msg_unfold(a, f->value), &m->text);
	out->subject = comparable(
	    m, a, msg_base_subject(a, buf_str(&m->text), &out->is_reply));
}

static const struct msg_address *
first_address(const struct msg_part *part, struct arena *a, const char *name)
{
	const struct msg_address *ad = NULL;
	const struct msg_field *f;
	size_t i = 0;

	while (ad == NULL && (f = msg_next_field(part, name, &i)) != NULL)
		ad = msg_addresses(a, f->value, 1);
	return ad;
}

/* addr-mailbox of ENVELOPE */
static struct pst_str
mailbox_of(struct imap_search_message *m, const struct msg_part *part,
    struct arena *a, const char *name)
{
	const struct msg_address *ad = first_address(part, a, name);

	return ad != NULL ? comparable(m, a, ad->mailbox) : STR_NONE;
}

/* RFC 5957, 3 */
static struct pst_str
display_of(struct imap_search_message *m, const struct msg_part *part,
    struct arena *a, const char *name)
{
	const struct msg_address *ad = first_address(part, a, name);

	if (ad == NULL)
		return STR_NONE;
	buf_clear(&m->text);
	if (ad->name.p != NULL)
		(void)msg_decode_words(msg_unfold(a, ad->name), &m->text);
	if (m->text.n == 0 && ad->mailbox.p != NULL) {
		(void)buf_add_str(&m->text, ad->mailbox);
		if (ad->host.p != NULL) {
			(void)buf_putc(&m->text, '@');
			(void)buf_add_str(&m->text, ad->host);
		}
	}
	return comparable(m, a, buf_str(&m->text));
}

/* --- identifiers
 * -------------------------------------------------------------- */

struct pst_str
imap_normal_id(struct arena *a, struct pst_str id)
{
	char *copy;
	size_t n = 0;

	if (str_find(id, '"') == id.n)
		return id;
	copy = arena_alloc(a, id.n);
	if (copy == NULL)
		return STR_NONE;
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] == '"')
			continue;
		if (id.p[i] == '\\' && i + 1 < id.n)
			i++;
		copy[n++] = id.p[i];
	}
	return str_n(copy, n);
}

static size_t
count_ids(struct arena *a, struct pst_str value)
{
	struct pst_str id;
	size_t n = 0;

	while (msg_next_id(a, &value, &id))
		n++;
	return n;
}

/* The first and the last ones, when there are too many. */
static void
take_ids(
    struct arena *a, struct pst_str value, size_t most, struct imap_facts *out)
{
	size_t n = count_ids(a, value), skip;
	struct pst_str id;

	skip = n > most ? n - most : 0;
	n -= skip;
	if (n == 0)
		return;
	out->reference = arena_alloc(a, n * sizeof(*out->reference));
	if (out->reference == NULL)
		return;
	while (msg_next_id(a, &value, &id)) {
		if (out->references >= 1 && most > 1 && skip > 0) {
			skip--;
			continue;
		}
		out->reference[out->references++] = imap_normal_id(a, id);
		if (out->references == n)
			break;
	}
}

static void
read_ids(const struct msg_part *part, struct arena *a, struct imap_facts *out)
{
	const struct msg_field *f = msg_field(part, "Message-ID");
	struct pst_str value, id;

	if (f != NULL) {
		value = f->value;
		if (msg_next_id(a, &value, &id))
			out->message_id = imap_normal_id(a, id);
	}
	f = msg_field(part, "References");
	if (f != NULL)
		take_ids(a, f->value, IMAP_FACT_REFERENCES_MAX, out);
	if (out->references > 0)
		return;
	/* RFC 5256, 3: only the first of In-Reply-To. */
	f = msg_field(part, "In-Reply-To");
	if (f != NULL)
		take_ids(a, f->value, 1, out);
}

/* --- fields that are searched ----------------------------------------------
 */

/* A new one goes to the end: their numbers are kept. */
static const char *const searched[] = { "Subject", "From", "To", "Cc", "Bcc",
	"Message-ID", "In-Reply-To", "References", "Reply-To", "Sender",
	"List-Id", "Delivered-To", "X-Priority", "Content-Type" };

enum {
	SEARCHED = sizeof(searched) / sizeof(searched[0]),
	SEARCHED_MAX = 1 << 16, /* octets of all of them */
};

static size_t
searched_index(struct pst_str name)
{
	size_t i = 0;

	while (i < SEARCHED && !str_is_case(name, searched[i]))
		i++;
	return i;
}

/* --- the kept form ----------------------------------------------------------
 */

enum { HAS_DATE = 1, HAS_REPLY = 2, HAS_SEARCHED = 4 };
enum { TEXTS = 7, FIXED = 12, KEPT_MAX = 1 << 19 };

static void
put_number(struct buf *out, uint64_t n, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		(void)buf_putc(out, (char)(n >> 8 * i & 0xff));
}

static void
put_text(struct buf *out, struct pst_str text)
{
	put_number(out, text.n, 4);
	(void)buf_add_str(out, text);
}

static uint64_t
get_number(const char *p, unsigned octets)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < octets; i++)
		n |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return n;
}

/* False: it is cut short. */
static bool
get_text(const char **p, const char *end, struct pst_str *text_r)
{
	uint32_t n;

	if (end - *p < 4)
		return false;
	n = (uint32_t)get_number(*p, 4);
	*p += 4;
	if ((size_t)(end - *p) < n)
		return false;
	*text_r = str_n(*p, n);
	*p += n;
	return true;
}

static void
put_searched(
    struct imap_search_message *m, const struct msg_part *part, struct buf *out)
{
	size_t start = out->n;

	for (size_t i = 0; i < part->fields; i++) {
		const struct msg_field *f = &part->field[i];
		size_t number = searched_index(f->name);

		if (number == SEARCHED)
			continue;
		imap_search_fold(m, f->value);
		(void)buf_putc(out, (char)number);
		put_text(out, buf_str(&m->folded));
		if (out->n - start > SEARCHED_MAX) {
			/* A field with thousands of names, say: such a message
			 * is searched itself. */
			out->n = start;
			out->p[0] &= (char)~HAS_SEARCHED;
			return;
		}
	}
}

static void
put_facts(
    struct imap_search_message *m, const struct msg_part *part, struct buf *out)
{
	const struct msg_field *date = msg_field(part, "Date");
	struct arena *a = arena_new(0);
	struct imap_facts f = { 0 };
	int bits = HAS_SEARCHED, zone = 0;
	int64_t sent = 0;

	if (date != NULL && msg_parse_date(date->value, &sent, &zone))
		bits |= HAS_DATE;
	read_subject(m, part, a, &f);
	if (f.is_reply)
		bits |= HAS_REPLY;
	put_number(out, (unsigned)bits, 2);
	put_number(out, (uint16_t)zone, 2);
	put_number(out, (uint64_t)sent, 8);
	put_text(out, f.subject);
	put_text(out, mailbox_of(m, part, a, "Cc"));
	put_text(out, mailbox_of(m, part, a, "From"));
	put_text(out, mailbox_of(m, part, a, "To"));
	put_text(out, display_of(m, part, a, "From"));
	put_text(out, display_of(m, part, a, "To"));
	read_ids(part, a, &f);
	put_text(out, f.message_id);
	put_number(out, f.references, 4);
	for (size_t i = 0; i < f.references; i++)
		put_text(out, f.reference[i]);
	arena_free(&a);
	put_searched(m, part, out);
}

/* NULL: the message is gone or cannot be read. */
static const struct pst_str *
facts_of(struct imap_search_message *m)
{
	const struct msg_part *part;

	if (m->facts.p != NULL)
		return &m->facts;
	if (imap_search_cached(m, &m->facts))
		return &m->facts;
	part = imap_search_header(m);
	if (part == NULL)
		return NULL;
	buf_clear(&m->made);
	put_facts(m, part, &m->made);
	m->facts = buf_str(&m->made);
	if (m->made.overflow)
		return NULL;
	if (m->made.n <= KEPT_MAX)
		imap_cached_add(&m->cached, m->row.uid, m->facts);
	return &m->facts;
}

/* The texts of the kept form; *p ends behind the last one. */
static bool
get_texts(
    const struct pst_str *kept, struct pst_str text[TEXTS], const char **p)
{
	bool ok = kept->n >= FIXED;

	*p = kept->p + FIXED;
	for (size_t i = 0; ok && i < TEXTS; i++)
		ok = get_text(p, kept->p + kept->n, &text[i]);
	return ok;
}

static uint32_t
count_references(const struct pst_str *kept, const char **p)
{
	uint32_t n;

	if (kept->p + kept->n - *p < 4)
		return 0;
	n = (uint32_t)get_number(*p, 4);
	*p += 4;
	return n;
}

static bool
get_references(const struct pst_str *kept, const char *p, struct arena *a,
    struct imap_facts *out)
{
	uint32_t n = count_references(kept, &p);

	if (n == 0)
		return true;
	if (n > IMAP_FACT_REFERENCES_MAX)
		return false;
	out->reference = arena_alloc(a, n * sizeof(*out->reference));
	if (out->reference == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!get_text(&p, kept->p + kept->n, &out->reference[i]))
			return false;
	out->references = n;
	return true;
}

bool
imap_facts_read(struct imap_search_message *m, unsigned want, struct arena *a,
    struct imap_facts *out)
{
	const struct pst_str *kept;
	struct pst_str text[TEXTS];
	const char *p;

	memset(out, 0, sizeof(*out));
	if (want == 0)
		return true;
	kept = facts_of(m);
	if (kept == NULL || !get_texts(kept, text, &p))
		return false;
	/* RFC 5256, 2.2 */
	out->sent = kept->p[0] & HAS_DATE ? (int64_t)get_number(kept->p + 4, 8)
					  : m->row.internal_date;
	out->is_reply = kept->p[0] & HAS_REPLY;
	out->subject = text[0];
	out->cc = text[1];
	out->from = text[2];
	out->to = text[3];
	out->display_from = text[4];
	out->display_to = text[5];
	out->message_id = text[6];
	return !(want & IMAP_FACT_IDS) || get_references(kept, p, a, out);
}

bool
imap_facts_sent_day(struct imap_search_message *m, int64_t *day_r)
{
	const struct pst_str *kept = facts_of(m);
	int64_t seconds;

	if (kept == NULL || kept->n < FIXED || !(kept->p[0] & HAS_DATE))
		return false;
	seconds = (int64_t)get_number(kept->p + 4, 8) +
		  (int64_t)(int16_t)get_number(kept->p + 2, 2) * 60;
	*day_r = imap_search_day(seconds);
	return true;
}

bool
imap_facts_have(struct imap_search_message *m, struct pst_str name)
{
	const struct pst_str *kept;

	if (searched_index(name) == SEARCHED)
		return false;
	kept = facts_of(m);
	return kept != NULL && kept->n >= FIXED && (kept->p[0] & HAS_SEARCHED);
}

/* Where the fields to be searched begin. */
static const char *
skip_to_searched(const struct pst_str *kept)
{
	const char *p, *end = kept->p + kept->n;
	struct pst_str text[TEXTS];
	uint32_t n;

	if (!get_texts(kept, text, &p))
		return end;
	n = count_references(kept, &p);
	while (n-- > 0)
		if (!get_text(&p, end, &text[0]))
			return end;
	return p;
}

bool
imap_facts_next(struct imap_search_message *m, struct pst_str name,
    struct imap_facts_field *f, struct pst_str *value_r)
{
	const struct pst_str *kept = facts_of(m);
	const char *end;
	size_t number = searched_index(name);

	if (kept == NULL)
		return false;
	end = kept->p + kept->n;
	if (f->at == NULL)
		f->at = skip_to_searched(kept);
	while (f->at < end) {
		size_t found = (unsigned char)*f->at++;

		if (!get_text(&f->at, end, value_r))
			return false;
		if (found == number)
			return true;
	}
	return false;
}
