/*
 * text.c - the texts of messages, for searching by PostgreSQL's index of
 * trigrams; without it by reading the account's texts.
 *
 * IMAP asks for octets anywhere in a text, which is what LIKE does with a
 * needle between two "%": the index finds rows that may have it, LIKE decides.
 * PostgreSQL's text has neither NULs nor octets 0xff, so two characters that no
 * text has stand for them. A text that cannot be brought into this form, and a
 * needle that cannot, give no answer but "maybe".
 */
#include "postgresql.h"

enum {
	TEXT_MOST = 4 * 1024 * 1024, /* octets of a header, of a body */
	WHOLE = 0,
	PARTIAL = 1,
	UNKNOWN = 2
};

/* U+FFFF and U+FFFE, which are not in texts that are exchanged. */
static const char divider[] = "\xef\xbf\xbf", nul[] = "\xef\xbf\xbe";
enum { STAND_IN = 3, GROWS = 3 };

/* --- the form that the database takes --------------------------------------
 */

/* Octets of the character at p, 0: it is none (RFC 3629, 4), or a stand-in. */
static size_t
character(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first, last, low, high, n;
	} form[] = {
		{ 0x01, 0x7f, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i = 0, n;

	while (i < sizeof(form) / sizeof(form[0]) &&
	       (*p < form[i].first || *p > form[i].last))
		i++;
	if (i == sizeof(form) / sizeof(form[0]) || form[i].n > left)
		return 0;
	n = form[i].n;
	if (n > 1 && (p[1] < form[i].low || p[1] > form[i].high))
		return 0;
	for (size_t k = 2; k < n; k++)
		if ((p[k] & 0xc0) != 0x80)
			return 0;
	if (n == STAND_IN &&
	    (memcmp(p, divider, n) == 0 || memcmp(p, nul, n) == 0))
		return 0;
	return n;
}

struct form {
	char *p; /* ends in NUL */
	size_t n;
	bool is_cut;
};

/*
 * Appends `text` to what is in f, which has room for GROWS times its octets.
 * With `escape`, what LIKE takes for more than itself is escaped, and dividers
 * are not allowed. False: it has no such form.
 */
static bool
bring(struct form *f, struct pst_str text, bool escape)
{
	const unsigned char *p = (const unsigned char *)text.p;

	for (size_t i = 0; i < text.n && !f->is_cut;) {
		size_t n = 1;

		if (p[i] == 0xff && !escape) {
			memcpy(f->p + f->n, divider, STAND_IN);
			f->n += STAND_IN;
		} else if (p[i] == 0) {
			memcpy(f->p + f->n, nul, STAND_IN);
			f->n += STAND_IN;
		} else {
			n = character(p + i, text.n - i);
			if (n == 0)
				return false;
			if (escape && strchr("\\%_", p[i]) != NULL)
				f->p[f->n++] = '\\';
			memcpy(f->p + f->n, p + i, n);
			f->n += n;
		}
		i += n;
		f->is_cut = f->n >= TEXT_MOST && i < text.n;
	}
	f->p[f->n] = '\0';
	return true;
}

/* A text that is added to an array; what is known of it then. */
static int
add_text(struct pg_array *to, struct pst_str text)
{
	struct form f = { .p = pg_grow(NULL, text.n + 1, GROWS) };
	bool good = bring(&f, text, false);

	pg_array_text(to, good ? f.p : "");
	free(f.p);
	return !good ? UNKNOWN : f.is_cut ? PARTIAL : WHOLE;
}

/* --- putting ---------------------------------------------------------------
 */

struct putting {
	struct pst_box *box;
	uint64_t version;
	struct pg_array uid, doubt, octets, header, body;
	bool look, has_index;
};

static void
gather(struct putting *q, const struct pst_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pst_text *t = &texts[i];
		int doubt = t->is_partial ? PARTIAL : WHOLE;
		int h = add_text(&q->header, t->header);
		int b = add_text(&q->body, t->body);

		if (h > doubt)
			doubt = h;
		if (b > doubt)
			doubt = b;
		pg_array_i64(&q->uid, t->uid);
		pg_array_i64(&q->doubt, doubt);
		pg_array_i64(
		    &q->octets, (int64_t)(t->header.n + t->body.n > INT32_MAX
					      ? INT32_MAX
					      : t->header.n + t->body.n));
	}
}

static enum pst_rc
send_put(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct putting *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	pg_p_i64(&p, (int64_t)q->version);
	pg_p_array(&p, &q->uid);
	pg_p_array(&p, &q->doubt);
	pg_p_array(&p, &q->octets);
	pg_p_array(&p, &q->header);
	pg_p_array(&p, &q->body);
	(void)pg_send(c, PG_S_ASYNC, NULL);
	(void)pg_send(c, PG_S_TEXT_PUT, &p);
	if (q->look)
		(void)pg_send(c, PG_S_TEXT_HAS_INDEX, NULL);
	return PST_OK;
}

static enum pst_rc
take_put(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct putting *q = arg;

	for (int i = 0; i < (q->look ? 3 : 2); i++) {
		PGresult *r = pg_take(c, err);

		if (r == NULL)
			return err->rc;
		q->has_index = pg_i64(r, 0, 0) != 0;
		PQclear(r);
	}
	return PST_OK;
}

enum pst_rc
pg_text_put(struct pst_box *b, uint64_t version, const struct pst_text *texts,
    size_t n, struct pst_error *err)
{
	struct pst_store *s = b->acct->store;
	struct putting q = { .box = b, .version = version };
	const struct pg_job job = box_job(b, PG_AGAIN, &q, send_put, take_put);
	enum pst_rc rc;

	q.look = !atomic_exchange(&s->text_looked, true);
	gather(&q, texts, n);
	rc = pg_run(s, &job, NULL, err);
	if (q.look && rc == PST_OK && !q.has_index)
		s->host->log(PST_LOG_WARNING,
		    "the database has no index of texts: searches read all "
		    "texts of an account; posternctl storage init makes it "
		    "where pg_trgm and btree_gin can be had");
	if (rc != PST_OK && q.look)
		atomic_store(&s->text_looked, false);
	pg_array_fini(&q.uid);
	pg_array_fini(&q.doubt);
	pg_array_fini(&q.octets);
	pg_array_fini(&q.header);
	pg_array_fini(&q.body);
	return rc;
}

/* --- searching -------------------------------------------------------------
 */

struct searching {
	struct pst_box *box;
	uint64_t version;
	const char *pattern; /* NULL: all have it */
	bool headers;
	PGresult *result;
};

static enum pst_rc
send_search(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct searching *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	pg_p_i64(&p, (int64_t)q->version);
	pg_p_text(&p, q->pattern);
	pg_p_bool(&p, q->headers);
	(void)pg_send(c, PG_S_TEXT_SEARCH, &p);
	return PST_OK;
}

static enum pst_rc
take_search(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct searching *q = arg;

	PQclear(q->result);
	q->result = pg_take(c, err);
	return q->result != NULL ? PST_OK : err->rc;
}

struct telling {
	pst_text_fn fn;
	void *arg;
	bool is_sure;
};

static void
tell(void *arg, size_t i, struct pst_str element)
{
	static const enum pst_text_answer answer[] = { PST_TEXT_NO,
		PST_TEXT_YES, PST_TEXT_MAYBE, PST_TEXT_MAYBE };
	struct telling *t = arg;
	uint64_t v = (uint64_t)pg_number(element);

	(void)i;
	t->fn(t->arg, (uint32_t)(v / 4),
	    t->is_sure ? answer[v % 4] : PST_TEXT_MAYBE);
}

enum pst_rc
pg_text_search(struct pst_box *b, uint64_t version, struct pst_str needle,
    bool headers, pst_text_fn fn, void *arg, struct pst_error *err)
{
	struct searching q = {
		.box = b, .version = version, .headers = headers
	};
	const struct pg_job job = box_job(
	    b, PG_READ, &q, send_search, take_search);
	struct telling t = { fn, arg, true };
	struct form f = { .p = pg_grow(NULL, needle.n + 2, GROWS) };
	enum pst_rc rc;

	if (needle.n > 0) {
		f.p[f.n++] = '%';
		t.is_sure = bring(&f, needle, true) && !f.is_cut;
		f.p[f.n++] = '%';
		f.p[f.n] = '\0';
		q.pattern = t.is_sure ? f.p : NULL;
	}
	rc = pg_run(b->acct->store, &job, NULL, err);
	if (rc == PST_OK && !pg_elements(pg_bytes(q.result, 0, 0), tell, &t) &&
	    !PQgetisnull(q.result, 0, 0))
		rc = pst_fail(err, PST_E_TEMP, 0, "no array of answers");
	PQclear(q.result);
	free(f.p);
	return rc;
}

/* --- the rest --------------------------------------------------------------
 */

/* What is gone goes by the sweep, with its content or when that is due. */
enum pst_rc
pg_text_tidy(struct pst_box *b, uint64_t version, struct pst_uids present,
    struct pst_error *err)
{
	(void)b;
	(void)version;
	(void)present;
	(void)err;
	return PST_OK;
}

struct counting {
	struct pst_box *box;
	uint64_t version;
	struct pst_text_state state;
};

static enum pst_rc
send_state(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct counting *q = arg;
	struct pg_params p = box_params(q->box);

	(void)err;
	pg_p_i64(&p, (int64_t)q->version);
	(void)pg_send(c, PG_S_TEXT_STATE, &p);
	return PST_OK;
}

static enum pst_rc
take_state(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct counting *q = arg;
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	q->state = (struct pst_text_state){ (uint64_t)pg_i64(r, 0, 0),
		(uint64_t)pg_i64(r, 0, 1) };
	PQclear(r);
	return PST_OK;
}

enum pst_rc
pg_text_state(struct pst_box *b, uint64_t version,
    struct pst_text_state *state_r, struct pst_error *err)
{
	struct counting q = { .box = b, .version = version };
	const struct pg_job job = box_job(
	    b, PG_READ, &q, send_state, take_state);
	enum pst_rc rc = pg_run(b->acct->store, &job, NULL, err);

	*state_r = q.state;
	return rc;
}

static enum pst_rc
send_drop(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct pg_params p = box_params(arg);

	(void)err;
	(void)pg_send(c, PG_S_TEXT_DROP, &p);
	return PST_OK;
}

static enum pst_rc
take_drop(struct pg_conn *c, void *arg, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);

	(void)arg;
	PQclear(r);
	return r != NULL ? PST_OK : err->rc;
}

enum pst_rc
pg_text_drop(struct pst_box *b, struct pst_error *err)
{
	const struct pg_job job = box_job(b, PG_AGAIN, b, send_drop, take_drop);

	return pg_run(b->acct->store, &job, NULL, err);
}
