/*
 * sieve/trace.c - what a run does, in short lines for who looks for the reason
 * why a message ended where it did.
 */
#include "base/str.h"
#include "sieve/run.h"

enum {
	TEXT_MOST = 60, /* octets of one string */
	LIST_MOST = 4,	/* strings of one list */
	LINE_MOST = 1000,
	END_MOST = 20, /* of what is added in the end */
};

static void
put_string(struct buf *b, struct pst_str s)
{
	struct pst_str cut = run_cut(s, TEXT_MOST);
	bool is_utf8 = str_is_utf8(cut);

	(void)buf_putc(b, '"');
	for (size_t i = 0; i < cut.n; i++) {
		unsigned char c = (unsigned char)cut.p[i];

		if (c < ' ' || c == 127)
			c = ' ';
		if (c > 127 && !is_utf8)
			c = '?';
		(void)buf_putc(b, (char)c);
	}
	(void)buf_puts(b, cut.n < s.n ? "\"..." : "\"");
}

/* As the script has it when variables are replaced. */
static void
put_value(struct buf *b, struct run *r, const struct sieve_value *v)
{
	bool is_list = v->strings != 1;

	(void)buf_putc(b, ' ');
	if (v->is_number) {
		(void)buf_put_u64(b, v->number);
		return;
	}
	if (is_list)
		(void)buf_putc(b, '[');
	for (size_t i = 0; i < v->strings; i++) {
		struct sieve_value one = { .string = v->string + i,
			.strings = 1 };

		if (i > 0)
			(void)buf_puts(b, ", ");
		if (i == LIST_MOST) {
			(void)buf_puts(b, "...");
			break;
		}
		put_string(b, run_string(r, &one));
	}
	if (is_list)
		(void)buf_putc(b, ']');
}

static bool
has_value(const struct sieve_value *v)
{
	return v->is_number || v->string != NULL;
}

void
run_trace_begin(struct trace *t, struct run *r, const struct sieve_node *n)
{
	uint64_t work = r->work;

	t->on = r->host->trace != NULL && !r->failed;
	if (!t->on)
		return;
	buf_init(&t->text, LINE_MOST);
	if (r->scope->from != NULL)
		(void)buf_printf(&t->text, "[%.60s] ", r->scope->from->name);
	(void)buf_puts(&t->text, n->command->name);
	for (size_t i = 0; i < n->tags; i++) {
		(void)buf_puts(&t->text, " :");
		(void)buf_puts(&t->text, sieve_tag_name(n->tagged[i].tag));
		if (has_value(&n->tagged[i].value))
			put_value(&t->text, r, &n->tagged[i].value);
	}
	for (size_t i = 0; i < n->args; i++)
		put_value(&t->text, r, &n->arg[i]);
	r->work = work;
}

void
run_trace_end(
    struct trace *t, struct run *r, const struct sieve_node *n, bool result)
{
	if (!t->on)
		return;
	/* Where it is too long, what it came to is still told. */
	if (t->text.overflow || t->text.n > LINE_MOST - END_MOST) {
		t->text.n = run_cut(buf_str(&t->text), LINE_MOST - END_MOST).n;
		t->text.overflow = false;
		(void)buf_puts(&t->text, " ...");
	}
	if (n->command->is_test)
		(void)buf_puts(&t->text, result ? ": true" : ": false");
	(void)buf_putc(&t->text, '\0');
	r->host->trace(r->host->arg, n->line, t->text.p);
	buf_fini(&t->text);
}
