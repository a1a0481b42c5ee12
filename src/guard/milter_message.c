/*
 * guard/milter_message.c - fields in a list, a body in a hold.
 */
#include "guard/milter_message.h"

#include "base/str.h"
#include "delivery/hold.h"
#include "delivery/rewrite.h"
#include <stdlib.h>

enum {
	FIELDS_MAX = 20000,
	ADDED_MAX = 4 * 1024 * 1024, /* octets of what milters put in */
};

struct field {
	struct pst_str raw; /* with its line end */
	size_t name;	    /* octets of the name; 0: it has none */
	bool top;	    /* it is above all that came */
};

struct milter_message {
	const struct config *cfg;
	struct rewrite rewrite;
	struct buf header; /* as it came */
	size_t line;	   /* where its last line begins */
	bool in_body, ended;
	struct hold hold;  /* the body */
	struct hold other; /* what may take its place */
	uint64_t other_size;
	bool replaced, changed;
	struct pst_str gap; /* the line between both; empty: there was none */
	char gap_text[3];
	struct arena *arena; /* of fields that were put in */
	struct field *field;
	size_t fields, cap;
};

struct milter_message *
milter_message_new(const struct config *cfg, bool foreign)
{
	const struct rewrite_options opt = {
		.header_max = (size_t)cfg->limits.header_size,
		.drop_results = foreign ? cfg->hostname : NULL,
	};
	struct milter_message *m = mem_alloc(sizeof(*m));

	m->cfg = cfg;
	rewrite_init(&m->rewrite, &opt);
	buf_init(&m->header, (size_t)cfg->limits.header_size);
	hold_init(&m->hold, (size_t)cfg->trust.memory, cfg->state_dir);
	hold_init(&m->other, (size_t)cfg->trust.memory, cfg->state_dir);
	m->arena = arena_new(ADDED_MAX);
	return m;
}

void
milter_message_free(struct milter_message **mp)
{
	struct milter_message *m = *mp;

	if (m == NULL)
		return;
	*mp = NULL;
	rewrite_fini(&m->rewrite);
	buf_fini(&m->header);
	hold_fini(&m->hold);
	hold_fini(&m->other);
	arena_free(&m->arena);
	free(m->field);
	free(m);
}

/* --- coming in --------------------------------------------------------------
 */

/* The line of the header that ends here is empty: the body begins. */
static bool
ends_header(struct milter_message *m)
{
	struct pst_str line = str_from(buf_str(&m->header), m->line);

	m->line = m->header.n;
	if (!str_is(line, "\r\n") && !str_is(line, "\n"))
		return false;
	(void)str_copy(m->gap_text, sizeof(m->gap_text), line);
	m->gap = str_of(m->gap_text);
	m->header.n -= line.n;
	return true;
}

/* The sink of the rewriter. */
static enum pst_rc
take(void *arg, const void *p, size_t n)
{
	struct milter_message *m = arg;
	struct pst_str rest = str_n(p, n);

	while (rest.n > 0 && !m->in_body) {
		size_t lf = str_find(rest, '\n');
		bool whole = lf < rest.n;

		if (!buf_add_str(&m->header, str_first(rest, lf + whole)))
			return PST_E_LIMIT;
		rest = str_from(rest, lf + whole);
		m->in_body = whole && ends_header(m);
	}
	return rest.n > 0 ? hold_add(&m->hold, rest.p, rest.n, NULL) : PST_OK;
}

enum pst_rc
milter_message_add(
    struct milter_message *m, const void *p, size_t n, struct pst_error *err)
{
	enum pst_rc rc = rewrite_feed(&m->rewrite, p, n, take, m);

	return rc == PST_OK ? rc
			    : pst_fail(err, rc, 0, "a message for milters: %s",
				  rc == PST_E_LIMIT ? "the header is too large"
						    : "it cannot be held");
}

static bool
add_field(struct milter_message *m, size_t at, struct field f)
{
	if (m->fields >= FIELDS_MAX)
		return false;
	mem_grow(&m->field, &m->cap, m->fields + 1, sizeof(*m->field));
	memmove(m->field + at + 1, m->field + at,
	    (m->fields - at) * sizeof(*m->field));
	m->field[at] = f;
	m->fields++;
	return true;
}

/* Octets of a field with all its lines. */
static size_t
field_size(struct pst_str header)
{
	size_t n = 0;

	do {
		size_t lf = str_find(str_from(header, n), '\n');

		n += lf + 1;
	} while (n < header.n && (header.p[n] == ' ' || header.p[n] == '\t'));
	return n < header.n ? n : header.n;
}

static size_t
name_size(struct pst_str raw)
{
	size_t colon = str_find(raw, ':'), n = colon;

	while (n > 0 && (raw.p[n - 1] == ' ' || raw.p[n - 1] == '\t'))
		n--;
	return colon < raw.n ? n : 0;
}

enum pst_rc
milter_message_end(struct milter_message *m, struct pst_error *err)
{
	enum pst_rc rc = rewrite_end(&m->rewrite, take, m);
	struct pst_str rest;

	if (rc != PST_OK)
		return pst_fail(err, rc, 0, "a message for milters");
	m->ended = true;
	rest = buf_str(&m->header);
	while (rest.n > 0) {
		struct field f = { .raw = str_first(rest, field_size(rest)) };

		f.name = name_size(f.raw);
		rest = str_from(rest, f.raw.n);
		if (!add_field(m, m->fields, f))
			return pst_fail(
			    err, PST_E_LIMIT, 0, "too many header fields");
	}
	return PST_OK;
}

/* --- looking ----------------------------------------------------------------
 */

static struct pst_str
value_of(const struct field *f)
{
	struct pst_str v = str_from(f->raw, str_find(f->raw, ':') + 1);

	if (v.n > 0 && v.p[v.n - 1] == '\n')
		v.n--;
	if (v.n > 0 && v.p[v.n - 1] == '\r')
		v.n--;
	return v;
}

bool
milter_message_field(const struct milter_message *m, size_t i,
    struct pst_str *name_r, struct pst_str *value_r)
{
	if (i >= m->fields)
		return false;
	*name_r = str_first(m->field[i].raw, m->field[i].name);
	*value_r = value_of(&m->field[i]);
	return true;
}

enum pst_rc
milter_message_body(struct milter_message *m, milter_sink sink, void *arg,
    struct pst_error *err)
{
	return hold_release(&m->hold, sink, arg, err);
}

/* --- changes ----------------------------------------------------------------
 */

/* RFC 5322, 2.2. */
static bool
is_name(struct pst_str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':')
			return false;
	return name.n > 0 && name.n < 200;
}

/* Lines of a value: each but the first begins with a space, and none is empty,
 * or it would end the header. */
static void
put_value(struct buf *out, struct pst_str value)
{
	struct pst_str line;
	bool first = true;

	while (str_split(&value, '\n', &line)) {
		while (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (!first && str_trim(line).n == 0)
			continue;
		if (!first)
			(void)buf_puts(out, "\r\n");
		if (!first && line.p[0] != ' ' && line.p[0] != '\t')
			(void)buf_putc(out, '\t');
		for (size_t i = 0; i < line.n; i++)
			if (line.p[i] != '\r')
				(void)buf_putc(out, line.p[i]);
		first = false;
	}
}

static bool
make_field(struct milter_message *m, struct pst_str name, struct pst_str value,
    bool spaced, struct field *f)
{
	struct buf text;

	if (!is_name(name))
		return false;
	buf_init(&text, ADDED_MAX);
	(void)buf_add_str(&text, name);
	(void)buf_puts(&text, spaced ? ":" : ": ");
	put_value(&text, value);
	(void)buf_puts(&text, "\r\n");
	*f = (struct field){ .name = name.n };
	if (!text.overflow)
		f->raw = arena_copy(m->arena, buf_str(&text));
	buf_fini(&text);
	return f->raw.p != NULL;
}

bool
milter_message_insert(struct milter_message *m, uint32_t index,
    struct pst_str name, struct pst_str value, bool spaced)
{
	size_t at = index > 0 ? index - 1 : 0;
	struct field f;

	if (!make_field(m, name, value, spaced, &f))
		return false;
	if (at > m->fields)
		at = m->fields;
	f.top = at == 0;
	m->changed = true;
	return add_field(m, at, f);
}

bool
milter_message_append(struct milter_message *m, struct pst_str name,
    struct pst_str value, bool spaced)
{
	struct field f;

	m->changed = true;
	return make_field(m, name, value, spaced, &f) &&
	       add_field(m, m->fields, f);
}

bool
milter_message_change(struct milter_message *m, uint32_t index,
    struct pst_str name, struct pst_str value, bool spaced)
{
	size_t at = 0;
	struct field f;

	for (; at < m->fields; at++)
		if (str_eq_case(
			name, str_first(m->field[at].raw, m->field[at].name)) &&
		    (index <= 1 || --index == 0))
			break;
	if (at == m->fields)
		return value.n == 0 ||
		       milter_message_append(m, name, value, spaced);
	m->changed = true;
	if (value.n == 0) {
		m->fields--;
		memmove(m->field + at, m->field + at + 1,
		    (m->fields - at) * sizeof(*m->field));
		return is_name(name);
	}
	if (!make_field(m, name, value, spaced, &f))
		return false;
	f.top = m->field[at].top;
	m->field[at] = f;
	return true;
}

enum pst_rc
milter_message_replace(struct milter_message *m, struct pst_str p, bool anew,
    struct pst_error *err)
{
	if (anew) {
		hold_fini(&m->other);
		hold_init(
		    &m->other, (size_t)m->cfg->trust.memory, m->cfg->state_dir);
		m->other_size = 0;
	}
	m->other_size += p.n;
	if (m->other_size > (uint64_t)m->cfg->smtp.message_size)
		return pst_fail(
		    err, PST_E_LIMIT, 0, "a body that is too large");
	return hold_add(&m->other, p.p, p.n, err);
}

void
milter_message_replaced(struct milter_message *m)
{
	struct hold old = m->hold;

	m->hold = m->other;
	m->other = old;
	m->replaced = true;
}

/* --- what came out ----------------------------------------------------------
 */

bool
milter_message_is_changed(const struct milter_message *m)
{
	return m->replaced || m->changed;
}

/* How many fields are on top of everything. */
static size_t
tops(const struct milter_message *m)
{
	size_t n = 0;

	while (n < m->fields && m->field[n].top)
		n++;
	return n;
}

void
milter_message_top(const struct milter_message *m, struct buf *out)
{
	size_t n = tops(m);

	for (size_t i = 0; i < n; i++)
		(void)buf_add_str(out, m->field[i].raw);
}

enum pst_rc
milter_message_write(struct milter_message *m, milter_sink sink, void *arg,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = tops(m); rc == PST_OK && i < m->fields; i++) {
		struct pst_str raw = m->field[i].raw;

		rc = sink(arg, raw.p, raw.n);
		/* The last line of a message without a body may lack it. */
		if (rc == PST_OK && raw.p[raw.n - 1] != '\n')
			rc = sink(arg, "\r\n", 2);
	}
	if (rc == PST_OK && m->gap.n > 0)
		rc = sink(arg, m->gap.p, m->gap.n);
	else if (rc == PST_OK && m->replaced)
		rc = sink(arg, "\r\n", 2);
	if (rc == PST_OK)
		rc = milter_message_body(m, sink, arg, err);
	return rc;
}
