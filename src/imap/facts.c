/*
 * imap/facts.c - what sorting and threading want to know of a message (RFC
 * 5256, 2 and 3; RFC 5957, 3).
 *
 * Texts become octets that compare as i;unicode-casemap has it (RFC 5255, 4.6:
 * encoded words are decoded before).
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

/* --- dates ------------------------------------------------------------------
 */

static int64_t
sent_date(const struct imap_search_message *m, const struct msg_part *part)
{
	const struct msg_field *f = msg_field(part, "Date");
	int64_t seconds;
	int zone;

	if (f == NULL || !msg_parse_date(f->value, &seconds, &zone))
		return m->row.internal_date;
	return seconds;
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

/* --- all of it -------------------------------------------------------------
 */

bool
imap_facts_read(struct imap_search_message *m, unsigned want, struct arena *a,
    struct imap_facts *out)
{
	const struct msg_part *part;

	memset(out, 0, sizeof(*out));
	if (want == 0)
		return true;
	part = imap_search_header(m);
	if (part == NULL)
		return false;
	if (want & IMAP_FACT_SENT)
		out->sent = sent_date(m, part);
	if (want & IMAP_FACT_SUBJECT)
		read_subject(m, part, a, out);
	if (want & IMAP_FACT_CC)
		out->cc = mailbox_of(m, part, a, "Cc");
	if (want & IMAP_FACT_FROM)
		out->from = mailbox_of(m, part, a, "From");
	if (want & IMAP_FACT_TO)
		out->to = mailbox_of(m, part, a, "To");
	if (want & IMAP_FACT_DISPLAY_FROM)
		out->display_from = display_of(m, part, a, "From");
	if (want & IMAP_FACT_DISPLAY_TO)
		out->display_to = display_of(m, part, a, "To");
	if (want & IMAP_FACT_IDS)
		read_ids(part, a, out);
	return true;
}
