/*
 * imap/search_match.c - matching search keys by what the mailbox knows of a
 * message and by its header (RFC 3501, 6.4.4).
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/facts.h"
#include "imap/search.h"
#include "mailbox/catalog.h"
#include "message/content.h"
#include "message/header.h"

enum {
	SMALL = 65536,
	VALUE_MAX = 4 << 20,
	MADE_MAX = 16 << 20,
	AHEAD = 16, /* whose facts are asked for at first */
};

/* --- the message
 * ------------------------------------------------------------*/

void
imap_search_message_init(struct imap_search_message *m,
    struct mailbox_view *view, const struct msg_limits *limits)
{
	memset(m, 0, sizeof(*m));
	m->view = view;
	m->limits = limits;
	m->now = clock_seconds();
	m->scratch = arena_new(0);
	buf_init(&m->small, SMALL);
	msg_text_init(&m->words);
	buf_init(&m->text, VALUE_MAX);
	buf_init(&m->folded, 4 * VALUE_MAX);
	buf_init(&m->made, MADE_MAX);
	imap_cached_init(&m->cached, view, MAIL_CACHE_FACTS, AHEAD);
}

static void
forget(struct imap_search_message *m)
{
	if (m->header != NULL)
		msg_free(&m->header);
	if (m->whole != NULL)
		msg_free(&m->whole);
	if (m->has_body)
		m->body.release(&m->body);
	m->has_body = m->is_gone = false;
	m->facts = STR_NONE;
	buf_clear(&m->small);
}

void
imap_search_message_fini(struct imap_search_message *m)
{
	forget(m);
	buf_fini(&m->small);
	imap_text_forget(m);
	msg_text_fini(&m->words);
	buf_fini(&m->text);
	buf_fini(&m->folded);
	buf_fini(&m->made);
	imap_cached_fini(&m->cached);
	imap_thread_ids_free(&m->threads);
	arena_free(&m->scratch);
}

void
imap_search_message_set(
    struct imap_search_message *m, uint32_t seq, const struct pst_row *row)
{
	forget(m);
	m->seq = seq;
	m->row = *row;
	m->score_sum = m->scores = 0;
	if (row->uid == 0)
		imap_cached_flush(&m->cached);
	if (row >= m->rows && row < m->rows + m->rows_n) {
		m->row_at = (size_t)(row - m->rows);
	} else {
		m->rows = NULL;
		m->rows_n = 0;
	}
}

void
imap_search_message_ahead(struct imap_search_message *m,
    const struct pst_row *rows, size_t n, bool backwards)
{
	m->rows = rows;
	m->rows_n = n;
	m->backwards = backwards;
}

void
imap_search_message_view(
    struct imap_search_message *m, struct mailbox_view *view)
{
	m->view = view;
	imap_text_forget(m);
	imap_thread_ids_free(&m->threads);
	imap_cached_fini(&m->cached);
	imap_cached_init(&m->cached, view, MAIL_CACHE_FACTS, AHEAD);
}

bool
imap_search_cached(struct imap_search_message *m, struct pst_str *facts_r)
{
	if (m->rows_n > 0)
		return imap_cached_find(&m->cached, m->rows, m->rows_n,
		    m->row_at, m->backwards, facts_r);
	return imap_cached_find(&m->cached, &m->row, 1, 0, false, facts_r);
}

/* Opens the message; a short one is read once. */
static bool
open_body(struct imap_search_message *m)
{
	struct pst_error err;
	char *p;

	if (m->has_body || m->is_gone)
		return m->has_body;
	if (view_body(m->view, m->row.uid, &m->body, &err) != PST_OK) {
		m->is_gone = true;
		return false;
	}
	m->has_body = true;
	if (m->body.mem != NULL || m->body.length > SMALL)
		return true;
	p = buf_reserve(&m->small, (size_t)m->body.length);
	if (mail_body_read(&m->body, 0, p, (size_t)m->body.length, &err) ==
	    PST_OK)
		buf_added(&m->small, (size_t)m->body.length);
	return true;
}

/* What is in memory of it, all or nothing. */
static struct pst_str
in_memory(const struct imap_search_message *m)
{
	if (m->body.mem != NULL)
		return str_n(m->body.mem, (size_t)m->body.length);
	return m->small.n == m->body.length ? buf_str(&m->small) : STR_NONE;
}

bool
imap_search_read(
    struct imap_search_message *m, uint64_t offset, void *p, size_t n)
{
	struct pst_str text = in_memory(m);
	struct pst_error err;

	if (text.p == NULL)
		return mail_body_read(&m->body, offset, p, n, &err) == PST_OK;
	if (offset > text.n || n > text.n - offset)
		return false;
	memcpy(p, text.p + offset, n);
	return true;
}

static bool
parse(struct imap_search_message *m, bool headers_only, struct msg **out)
{
	struct pst_str text;
	struct msg_reader *r;
	struct pst_error err;

	if (!open_body(m))
		return false;
	text = in_memory(m);
	if (text.p == NULL)
		return mail_body_parse(&m->body, m->limits, headers_only, out,
			   &err) == PST_OK;
	r = msg_reader_new(m->limits, headers_only);
	(void)msg_reader_feed(r, text.p, text.n);
	*out = msg_reader_finish(&r);
	return true;
}

const struct msg_part *
imap_search_header(struct imap_search_message *m)
{
	if (m->whole != NULL)
		return m->whole->root;
	if (m->header == NULL && !parse(m, true, &m->header))
		return NULL;
	return m->header->root;
}

const struct msg_part *
imap_search_whole(struct imap_search_message *m)
{
	if (m->whole == NULL && !parse(m, false, &m->whole))
		return NULL;
	return m->whole->root;
}

/* --- groups and rows
 * --------------------------------------------------------*/

bool
imap_match_and(struct imap_search_message *m, const struct imap_search_key *k)
{
	for (k = k->child; k != NULL; k = k->next) {
		if (!imap_search_matches(m, k))
			return false;
	}
	return true;
}

bool
imap_match_or(struct imap_search_message *m, const struct imap_search_key *k)
{
	for (k = k->child; k != NULL; k = k->next) {
		if (imap_search_matches(m, k))
			return true;
	}
	return false;
}

bool
imap_match_not(struct imap_search_message *m, const struct imap_search_key *k)
{
	uint32_t sum = m->score_sum, n = m->scores;
	bool matched = imap_search_matches(m, k->child);

	m->score_sum = sum; /* what it is not says nothing of relevance */
	m->scores = n;
	return !matched;
}

bool
imap_match_all(struct imap_search_message *m, const struct imap_search_key *k)
{
	(void)m;
	(void)k;
	return true;
}

bool
imap_match_set(struct imap_search_message *m, const struct imap_search_key *k)
{
	return uidset_has(&k->seqs, k->has_uids ? m->row.uid : m->seq);
}

bool
imap_match_flag(struct imap_search_message *m, const struct imap_search_key *k)
{
	return (m->row.flags & k->word->flag) != 0;
}

bool
imap_match_no_flag(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return (m->row.flags & k->word->flag) == 0;
}

bool
imap_match_keyword(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return (m->row.keywords & k->keywords) != 0;
}

bool
imap_match_no_keyword(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return (m->row.keywords & k->keywords) == 0;
}

bool
imap_match_recent(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	(void)k;
	return view_is_recent(m->view, m->row.uid);
}

bool
imap_match_old(struct imap_search_message *m, const struct imap_search_key *k)
{
	return !imap_match_recent(m, k);
}

bool
imap_match_new(struct imap_search_message *m, const struct imap_search_key *k)
{
	return !(m->row.flags & PST_SEEN) && imap_match_recent(m, k);
}

bool
imap_match_larger(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return m->row.size > (uint64_t)k->number;
}

bool
imap_match_uid_after(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return m->row.uid > (uint64_t)k->number;
}

bool
imap_match_uid_before(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return m->row.uid < (uint64_t)k->number;
}

bool
imap_match_smaller(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return m->row.size < (uint64_t)k->number;
}

int64_t
imap_search_day(int64_t seconds)
{
	return seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400);
}

bool
imap_match_before(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return imap_search_day(m->row.internal_date) < k->number;
}

bool
imap_match_on(struct imap_search_message *m, const struct imap_search_key *k)
{
	return imap_search_day(m->row.internal_date) == k->number;
}

bool
imap_match_since(struct imap_search_message *m, const struct imap_search_key *k)
{
	return imap_search_day(m->row.internal_date) >= k->number;
}

/* RFC 5032, 2: both include the very second. */
bool
imap_match_older(struct imap_search_message *m, const struct imap_search_key *k)
{
	return m->row.internal_date <= m->now - k->number;
}

bool
imap_match_younger(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return m->row.internal_date >= m->now - k->number;
}

/* --- extensions
 * ------------------------------------------------------------*/

/* RFC 7162, 3.1.5: equal or greater */
bool
imap_match_modseq(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return m->row.modseq >= (uint64_t)k->number;
}

/* RFC 8514, 4.3: the internal date where there is no other. */
static int64_t
save_day(const struct imap_search_message *m)
{
	return imap_search_day(
	    m->row.save_date != 0 ? m->row.save_date : m->row.internal_date);
}

bool
imap_match_saved_before(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return save_day(m) < k->number;
}

bool
imap_match_saved_on(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return save_day(m) == k->number;
}

bool
imap_match_saved_since(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return save_day(m) >= k->number;
}

bool
imap_match_save_date(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	(void)k;
	return m->row.save_date != 0;
}

/* RFC 8474, 6 */
bool
imap_match_emailid(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	char id[VIEW_IDENT];
	struct pst_error err;

	return view_ident(m->view, m->row.uid, id, &err) == PST_OK &&
	       str_is(k->text, id);
}

bool
imap_match_threadid(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	uint64_t wanted, thread;

	if (!catalog_parse_thread_id(k->text, &wanted) || wanted == 0)
		return false;
	thread = m->rows_n > 0
		     ? imap_thread_ids_find(&m->threads, m->view, m->rows,
			   m->rows_n, m->row_at, m->backwards)
		     : imap_thread_ids_find(
			   &m->threads, m->view, &m->row, 1, 0, false);
	return thread == wanted;
}

/* --- the header
 * --------------------------------------------------------------*/

bool
imap_match_sent_before(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	int64_t day;

	return imap_facts_sent_day(m, &day) && day < k->number;
}

bool
imap_match_sent_on(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	int64_t day;

	return imap_facts_sent_day(m, &day) && day == k->number;
}

bool
imap_match_sent_since(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	int64_t day;

	return imap_facts_sent_day(m, &day) && day >= k->number;
}

void
imap_search_fold(struct imap_search_message *m, struct pst_str value)
{
	arena_reset(m->scratch);
	buf_clear(&m->text);
	buf_clear(&m->folded);
	(void)msg_decode_words(msg_unfold(m->scratch, value), &m->text);
	(void)msg_casefold(buf_str(&m->text), &m->folded);
}

static bool
in_folded(
    struct imap_search_message *m, struct pst_str folded, struct pst_str needle)
{
	if (m->fuzzy != NULL) {
		imap_fuzzy_feed(m->fuzzy, folded);
		return false;
	}
	return folded.n >= needle.n &&
	       (needle.n == 0 ||
		   memmem(folded.p, folded.n, needle.p, needle.n) != NULL);
}

bool
imap_search_in_value(
    struct imap_search_message *m, struct pst_str value, struct pst_str needle)
{
	imap_search_fold(m, value);
	return in_folded(m, buf_str(&m->folded), needle);
}

/* The storage knows, or will from now on. */
static bool
in_facts(
    struct imap_search_message *m, struct pst_str name, struct pst_str needle)
{
	struct imap_facts_field at = { 0 };
	struct pst_str value;

	while (imap_facts_next(m, name, &at, &value))
		if (in_folded(m, value, needle))
			return true;
	return false;
}

/* An empty text asks only whether the field is there. */
static bool
in_field(struct imap_search_message *m, const struct imap_search_key *k)
{
	struct pst_str name = k->word->field != NULL ? str_of(k->word->field)
						     : k->field;
	const struct msg_part *part;

	if (imap_facts_have(m, name))
		return in_facts(m, name, k->text);
	part = imap_search_header(m);
	for (size_t i = 0; part != NULL && i < part->fields; i++) {
		const struct msg_field *f = &part->field[i];

		if (str_eq_case(f->name, name) &&
		    imap_search_in_value(m, f->value, k->text))
			return true;
	}
	return false;
}

bool
imap_match_field(struct imap_search_message *m, const struct imap_search_key *k)
{
	if (m->is_fuzzy && k->text.n > 0)
		return imap_fuzzy_matches(m, k, in_field);
	return in_field(m, k);
}
