/*
 * keyword.c - the names of keywords by number, as the mailbox's row has them.
 *
 * Each server remembers the table. When all numbers are taken, one that no
 * message has gets another name: then the row's epoch grows, and who writes
 * numbers of an older table is refused (sql.c, EPOCH_IS).
 */
#include "postgresql.h"

#include <strings.h>

static void
set_name(char **at, struct pst_str name)
{
	if (strlen(*at) == name.n && memcmp(*at, name.p, name.n) == 0)
		return;
	free(*at);
	*at = pg_grow(NULL, name.n + 1, 1);
	memcpy(*at, name.p, name.n);
	(*at)[name.n] = '\0';
}

struct taking {
	struct pst_box *box;
	size_t n;
};

static void
take_element(void *arg, size_t i, struct pst_str element)
{
	struct taking *t = arg;

	if (i < PST_KEYWORDS_MAX && element.p != NULL) {
		set_name(&t->box->keyword[i], element);
		t->n = i + 1;
	}
}

void
keyword_take(struct pst_box *b, struct pst_str array)
{
	struct taking t = { b, 0 };

	(void)pg_elements(array, take_element, &t);
	for (size_t i = t.n; i < PST_KEYWORDS_MAX; i++)
		set_name(&b->keyword[i], (struct pst_str){ "", 0 });
}

void
keyword_doubt(struct pst_box *b)
{
	struct pst_error ignored;

	b->epoch = INT64_MAX;
	(void)box_refused(b, b->epoch, &ignored); /* reads it again */
}

void
keyword_init(struct pst_box *b)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		b->keyword[k] = pg_dup("");
}

void
keyword_fini(struct pst_box *b)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(b->keyword[k]);
}

void
keyword_array(const struct pst_box *b, struct pg_array *a)
{
	unsigned n = PST_KEYWORDS_MAX;

	while (n > 0 && b->keyword[n - 1][0] == '\0')
		n--;
	for (unsigned k = 0; k < n; k++)
		pg_array_text(a, b->keyword[k]);
}

unsigned
keyword_find(const struct pst_box *b, const char *name)
{
	unsigned k = 0;

	while (k < PST_KEYWORDS_MAX && strcasecmp(b->keyword[k], name) != 0)
		k++;
	return k;
}

const char *const *
pg_keywords(struct pst_box *b)
{
	return (const char *const *)b->keyword;
}

/* A number that no message has and that is not in `taken`; PST_KEYWORDS_MAX:
 * none. */
static enum pst_rc
find_unused(struct pst_box *b, struct pg_conn *c, uint64_t taken,
    unsigned *number_r, struct pst_error *err)
{
	struct pg_params p = box_params(b);
	uint64_t used;
	unsigned k = 0;
	PGresult *r;

	(void)pg_send(c, PG_S_KEYWORDS_USED, &p);
	(void)pg_send_flush(c);
	r = pg_take(c, err);
	if (r == NULL)
		return err->rc;
	used = (uint64_t)pg_i64(r, 0, 0) | taken;
	PQclear(r);
	while (k < PST_KEYWORDS_MAX && (used >> k & 1))
		k++;
	*number_r = k;
	return PST_OK;
}

enum pst_rc
keyword_make(struct pst_box *b, struct pg_conn *c, const char *name,
    uint64_t taken, unsigned *number_r, bool *reused_r, struct pst_error *err)
{
	unsigned k = keyword_find(b, "");

	if (k == PST_KEYWORDS_MAX) {
		enum pst_rc rc = find_unused(b, c, taken, &k, err);

		if (rc != PST_OK)
			return rc;
		*reused_r = true;
	}
	if (k == PST_KEYWORDS_MAX)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.120s: all %d keywords are in use", b->name,
		    PST_KEYWORDS_MAX);
	set_name(&b->keyword[k], (struct pst_str){ name, strlen(name) });
	*number_r = k;
	return PST_OK;
}

enum pst_rc
keyword_write(
    struct pst_box *b, struct pg_conn *c, bool reused, struct pst_error *err)
{
	struct pg_params p = box_params(b);
	struct pg_array names = { 0 };
	PGresult *r;

	keyword_array(b, &names);
	pg_p_array(&p, &names);
	pg_p_i64(&p, reused);
	(void)pg_send(c, PG_S_KEYWORDS_SET, &p);
	(void)pg_send_flush(c);
	pg_array_fini(&names);
	r = pg_take(c, err);
	if (r == NULL)
		return err->rc;
	b->epoch = pg_i64(r, 0, 0);
	PQclear(r);
	return PST_OK;
}

/* --- the operation ---------------------------------------------------------
 */

struct making {
	struct pst_box *box;
	const char *name;
	unsigned number;
};

static enum pst_rc
send_lock(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct making *m = arg;
	struct pg_params p = box_params(m->box);

	(void)err;
	(void)pg_send(c, PG_S_BOX_LOCK, &p);
	return PST_OK;
}

/* Somebody else may have made it meanwhile. */
static enum pst_rc
take_lock(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct making *m = arg;
	struct pst_box *b = m->box;
	struct box_row row;
	bool reused = false;
	enum pst_rc rc = PST_OK;
	PGresult *r = pg_take(c, err);

	if (r == NULL)
		return err->rc;
	if (PQntuples(r) == 0) {
		PQclear(r);
		return box_gone(b, err);
	}
	box_row_take(&row, r, 0);
	keyword_take(b, row.keywords);
	b->epoch = row.epoch;
	PQclear(r);
	m->number = keyword_find(b, m->name);
	if (m->number == PST_KEYWORDS_MAX) {
		rc = keyword_make(b, c, m->name, 0, &m->number, &reused, err);
		if (rc == PST_OK)
			rc = keyword_write(b, c, reused, err);
	}
	return rc;
}

enum pst_rc
pg_keyword(struct pst_box *b, const char *name, bool create, unsigned *number_r,
    struct pst_error *err)
{
	struct making m = { .box = b, .name = name };
	const struct pg_job job = box_job(
	    b, PG_EXACT, &m, send_lock, take_lock);
	enum pst_rc rc = PST_OK;

	m.number = keyword_find(b, name);
	if (m.number == PST_KEYWORDS_MAX && !create)
		return pst_fail(
		    err, PST_E_NOTFOUND, 0, "no keyword %.100s", name);
	if (m.number == PST_KEYWORDS_MAX) {
		rc = pg_run(b->acct->store, &job, NULL, err);
		if (rc != PST_OK)
			keyword_doubt(b);
	}
	*number_r = m.number;
	return rc;
}
