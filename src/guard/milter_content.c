/*
 * guard/milter_content.c - DATA, fields, body, end; then changes until a last
 * answer.
 */
#include "guard/milter_content.h"

#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

enum {
	CHANGES_MAX = 5000, /* of one message, pieces of body not counted */
	CHANGES_OCTETS = 4 * 1024 * 1024,
	ADDRESS_OCTETS = 1000,
	SEND_AT = 256 * 1024, /* octets that are gathered */
};

/* --- what goes --------------------------------------------------------------
 */

static enum milter_outcome
say_data(struct milter_link *l, struct milter_scene *s, struct milter_answer *a)
{
	milter_link_macros(l, s, MILTER_AT_DATA, MILTER_DATA);
	/* Version 2 knows no DATA. */
	if ((l->steps & MILTER_NO_DATA) != 0 || l->version < 4)
		return MILTER_GO_ON;
	milter_put(&l->out, MILTER_DATA);
	return milter_link_ask(l, MILTER_MUTE_DATA, a);
}

/* Folded lines are told apart by LF alone. */
static void
put_field(struct milter_link *l, struct pst_str name, struct pst_str value)
{
	size_t begun = milter_begin(&l->out, MILTER_HEADER);

	milter_put_text(&l->out, name);
	if ((l->steps & MILTER_LEADING_SPACE) == 0 && value.n > 0 &&
	    value.p[0] == ' ')
		value = str_from(value, 1);
	value = str_first(value, str_find(value, '\0'));
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r')
			(void)buf_putc(&l->out, value.p[i]);
	(void)buf_putc(&l->out, '\0');
	milter_end(&l->out, begun);
}

static enum milter_outcome
say_header(
    struct milter_link *l, struct milter_scene *s, struct milter_answer *a)
{
	enum milter_outcome o = MILTER_GO_ON;
	struct pst_str name, value;

	if ((l->steps & MILTER_NO_HEADER) != 0)
		return MILTER_GO_ON;
	for (size_t i = 0; o == MILTER_GO_ON &&
			   milter_message_field(s->message, i, &name, &value);
	     i++) {
		if (name.n == 0)
			continue;
		put_field(l, name, value);
		if ((l->steps & MILTER_MUTE_HEADER) == 0 || l->out.n >= SEND_AT)
			o = milter_link_ask(l, MILTER_MUTE_HEADER, a);
	}
	return o == MILTER_SKIP ? MILTER_GO_ON : o;
}

static enum milter_outcome
say_end_of_header(
    struct milter_link *l, struct milter_scene *s, struct milter_answer *a)
{
	if ((l->steps & MILTER_NO_END_OF_HEADER) != 0)
		return MILTER_GO_ON;
	milter_link_macros(l, s, MILTER_AT_END_OF_HEADER, MILTER_END_OF_HEADER);
	milter_put(&l->out, MILTER_END_OF_HEADER);
	return milter_link_ask(l, MILTER_MUTE_END_OF_HEADER, a);
}

struct body {
	struct milter_link *link;
	struct milter_answer *answer;
	enum milter_outcome outcome;
	struct buf chunk;
};

static void
send_chunk(struct body *b)
{
	struct milter_link *l = b->link;
	size_t begun;

	if (b->chunk.n == 0)
		return;
	begun = milter_begin(&l->out, MILTER_BODY);
	(void)buf_add_str(&l->out, buf_str(&b->chunk));
	milter_end(&l->out, begun);
	buf_clear(&b->chunk);
	b->outcome = milter_link_ask(l, MILTER_MUTE_BODY, b->answer);
}

/* The sink of the body: chunks of the size that all milters know. */
static enum pst_rc
add_body(void *arg, const void *p, size_t n)
{
	struct body *b = arg;
	struct pst_str rest = str_n(p, n);

	while (rest.n > 0) {
		struct pst_str part = str_first(
		    rest, MILTER_CHUNK - b->chunk.n);

		(void)buf_add_str(&b->chunk, part);
		rest = str_from(rest, part.n);
		if (b->chunk.n == MILTER_CHUNK)
			send_chunk(b);
		if (b->outcome != MILTER_GO_ON)
			return PST_E_LIMIT; /* that is enough */
	}
	return PST_OK;
}

static enum milter_outcome
say_body(struct milter_link *l, struct milter_scene *s, struct milter_answer *a)
{
	struct body b = { .link = l, .answer = a, .outcome = MILTER_GO_ON };
	enum pst_rc rc;

	if ((l->steps & MILTER_NO_BODY) != 0)
		return MILTER_GO_ON;
	buf_init(&b.chunk, MILTER_CHUNK);
	rc = milter_message_body(s->message, add_body, &b, &l->err);
	if (rc == PST_OK)
		send_chunk(&b);
	buf_fini(&b.chunk);
	if (rc != PST_OK && b.outcome == MILTER_GO_ON)
		return milter_link_fail(l);
	return b.outcome == MILTER_SKIP ? MILTER_GO_ON : b.outcome;
}

/* --- what comes back --------------------------------------------------------
 */

/* Changes are made when the milter has said its last word, or not at all. */
struct kept {
	struct milter_change *change;
	size_t n, cap;
	struct arena *arena; /* of their texts */
	bool body;
};

static bool
keep(struct kept *k, const struct milter_change *c)
{
	struct milter_change copy = *c;

	copy.name = arena_copy(k->arena, c->name);
	copy.text = arena_copy(k->arena, c->text);
	if (k->n == CHANGES_MAX || copy.name.p == NULL || copy.text.p == NULL)
		return false;
	mem_grow(&k->change, &k->cap, k->n + 1, sizeof(*k->change));
	k->change[k->n++] = copy;
	return true;
}

static bool
keep_request(struct milter_scene *s, const struct milter_change *c)
{
	if (c->name.n > ADDRESS_OCTETS || c->text.n > ADDRESS_OCTETS ||
	    s->requests == CHANGES_MAX)
		return false;
	mem_grow(&s->request, &s->requests_cap, s->requests + 1,
	    sizeof(*s->request));
	s->request[s->requests++] = (struct milter_request){
		.kind = c->kind,
		.address = str_dup(c->name),
		.args = str_dup(c->text),
	};
	return true;
}

static bool
apply_one(struct milter_link *l, struct milter_scene *s,
    const struct milter_change *c)
{
	bool spaced = (l->steps & MILTER_LEADING_SPACE) != 0;

	switch (c->kind) {
	case MILTER_ADD_HEADER:
		return milter_message_append(
		    s->message, c->name, c->text, spaced);
	case MILTER_INSERT_HEADER:
		return milter_message_insert(
		    s->message, c->index, c->name, c->text, spaced);
	case MILTER_CHANGE_HEADER:
		return milter_message_change(
		    s->message, c->index, c->name, c->text, spaced);
	case MILTER_QUARANTINE:
		free(s->quarantine);
		s->quarantine = str_dup(c->name);
		return true;
	default:
		return keep_request(s, c);
	}
}

static void
apply(struct milter_link *l, struct milter_scene *s, const struct kept *k)
{
	size_t bad = 0;

	for (size_t i = 0; i < k->n; i++)
		bad += !apply_one(l, s, &k->change[i]);
	if (k->body)
		milter_message_replaced(s->message);
	if (bad > 0)
		log_text(PST_LOG_WARNING, s->conn, "milter",
		    "%s: %zu changes that cannot be made", l->cfg->name, bad);
}

static enum milter_outcome
bad_change(struct milter_link *l, const char *what)
{
	(void)pst_fail(&l->err, PST_E_TEMP, 0, "a change that %s", what);
	return milter_link_fail(l);
}

static enum milter_outcome
take_change(struct milter_link *l, struct milter_scene *s,
    const struct milter_packet *p, struct kept *k)
{
	struct milter_change c;
	bool anew = !k->body;

	if (!milter_parse_change(p, &c))
		return bad_change(l, "is malformed");
	if ((l->actions & milter_change_needs(&c)) == 0)
		return bad_change(l, "was not agreed on");
	if (c.kind != MILTER_REPLACE_BODY)
		return keep(k, &c) ? MILTER_GO_ON
				   : bad_change(l, "is too much");
	k->body = true;
	return milter_message_replace(s->message, c.text, anew, &l->err) ==
		       PST_OK
		   ? MILTER_GO_ON
		   : milter_link_fail(l);
}

static enum milter_outcome
take_changes(struct milter_link *l, struct milter_scene *s,
    struct milter_answer *a, struct kept *k)
{
	struct milter_packet p;
	enum milter_outcome o;

	for (;;) {
		o = milter_link_next(l, l->cfg->content_time, &p);
		if (o == MILTER_GO_ON && p.kind != '\0' &&
		    strchr("+-2behimq", p.kind) != NULL)
			o = take_change(l, s, &p, k);
		else if (o == MILTER_GO_ON)
			break;
		if (o != MILTER_GO_ON)
			return o;
	}
	o = milter_link_read(l, &p, a);
	if (o == MILTER_SKIP) {
		(void)pst_fail(
		    &l->err, PST_E_TEMP, 0, "there is nothing to skip");
		return milter_link_fail(l);
	}
	if (o != MILTER_FAILED)
		l->in_message = false;
	return o;
}

static enum milter_outcome
say_end(struct milter_link *l, struct milter_scene *s, struct milter_answer *a)
{
	struct kept k = { .arena = arena_new(CHANGES_OCTETS) };
	enum milter_outcome o;

	milter_link_macros(l, s, MILTER_AT_END, MILTER_END);
	milter_put(&l->out, MILTER_END);
	o = milter_link_send(l, l->cfg->command_time);
	if (o == MILTER_GO_ON)
		o = take_changes(l, s, a, &k);
	if (o == MILTER_GO_ON || o == MILTER_ACCEPT)
		apply(l, s, &k);
	if (k.n > 0 || k.body)
		log_event(PST_LOG_DEBUG, s->conn, "milter", "name",
		    l->cfg->name, "action", "change", NULL);
	free(k.change);
	arena_free(&k.arena);
	return o;
}

enum milter_outcome
milter_content(
    struct milter_link *l, struct milter_scene *s, struct milter_answer *a)
{
	enum milter_outcome o = say_data(l, s, a);

	if (o == MILTER_GO_ON)
		o = say_header(l, s, a);
	if (o == MILTER_GO_ON)
		o = say_end_of_header(l, s, a);
	if (o == MILTER_GO_ON)
		o = say_body(l, s, a);
	return o == MILTER_GO_ON ? say_end(l, s, a) : o;
}
