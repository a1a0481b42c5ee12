/*
 * What milters say: packets of any kind, and changes of a message, whose header
 * stays one whatever they are.
 */
#include "base/config.h"
#include "base/str.h"
#include "guard/milter_message.h"
#include "guard/milter_packet.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config cfg;

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static bool
within(struct pst_str part, struct pst_str whole)
{
	return part.p == NULL ||
	       (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* RFC 5321, 4.2.1: the same code in all lines, "-" behind it but in the last;
 * no line that the client would take for something else. */
static void
check_reply(struct pst_str reply)
{
	char code[3];

	check(reply.n >= 10 && (reply.p[0] == '4' || reply.p[0] == '5'));
	memcpy(code, reply.p, 3);
	while (reply.n > 0) {
		size_t lf = str_find(reply, '\n');
		struct pst_str line = str_first(reply, lf);
		bool last = lf == reply.n;

		reply = str_from(reply, lf + 1);
		if (!last) {
			check(line.n > 0 && line.p[line.n - 1] == '\r');
			line.n--;
		}
		check(line.n > 4 && line.n < 500);
		check(memcmp(line.p, code, 3) == 0);
		check(line.p[3] == (last ? ' ' : '-'));
		for (size_t i = 0; i < line.n; i++)
			check(line.p[i] >= ' ' && line.p[i] <= '~');
		check(!last || reply.n == 0);
	}
}

static void
try_packet(const struct milter_packet *p, struct milter_message *m)
{
	struct milter_options o;
	struct milter_change c;
	struct buf reply;

	if (milter_parse_options(p->data, &o))
		for (size_t i = 0; i < MILTER_STAGES; i++)
			check(within(o.macros[i], p->data));
	buf_init(&reply, MILTER_REPLY_MAX - 1);
	if (milter_parse_reply(p->data, &reply))
		check_reply(buf_str(&reply));
	buf_fini(&reply);
	if (!milter_parse_change(p, &c))
		return;
	check(within(c.name, p->data) && within(c.text, p->data));
	check(milter_change_needs(&c) != 0);
	/* One that is taken out when it comes in. */
	if (str_is_case(c.name, "Return-Path"))
		return;
	if (p->kind == MILTER_ADD_HEADER)
		(void)milter_message_append(m, c.name, c.text, false);
	else if (p->kind == MILTER_INSERT_HEADER)
		(void)milter_message_insert(
		    m, c.index, c.name, c.text, c.index % 2 != 0);
	else if (p->kind == MILTER_CHANGE_HEADER)
		(void)milter_message_change(m, c.index, c.name, c.text, true);
}

static enum pst_rc
add(void *arg, const void *p, size_t n)
{
	(void)buf_add(arg, p, n);
	return PST_OK;
}

static size_t
count_fields(const struct milter_message *m)
{
	struct pst_str name, value;
	size_t n = 0;

	while (milter_message_field(m, n, &name, &value))
		n++;
	return n;
}

/* What comes out is read as the same fields and the same body. */
static void
check_message(struct milter_message *m)
{
	struct milter_message *again = milter_message_new(&cfg, false);
	struct buf text, body, body_again;

	buf_init(&text, 1 << 24);
	buf_init(&body, 1 << 24);
	buf_init(&body_again, 1 << 24);
	milter_message_top(m, &text);
	check(milter_message_write(m, add, &text, NULL) == PST_OK);
	check(milter_message_body(m, add, &body, NULL) == PST_OK);
	if (milter_message_add(again, text.p, text.n, NULL) == PST_OK &&
	    milter_message_end(again, NULL) == PST_OK) {
		check(count_fields(again) == count_fields(m));
		check(milter_message_body(again, add, &body_again, NULL) ==
		      PST_OK);
		check(str_eq(buf_str(&body), buf_str(&body_again)));
	}
	buf_fini(&text);
	buf_fini(&body);
	buf_fini(&body_again);
	milter_message_free(&again);
}

/* The first octet says how much of it is a message; packets follow. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char here[] = "/tmp", us[] = "us.example";
	struct pst_str in = str_n((const char *)data, size), mail;
	struct milter_message *m;
	struct milter_packet p;
	size_t used, n = size > 0 ? data[0] : 0;

	cfg.hostname = us;
	cfg.state_dir = here;
	cfg.limits.header_size = 65536;
	cfg.trust.memory = 1 << 24;
	cfg.smtp.message_size = 1 << 24;
	in = str_from(in, 1);
	mail = str_first(in, n);
	in = str_from(in, n);
	m = milter_message_new(&cfg, true);
	for (size_t i = 0; i < mail.n; i += 7)
		check(milter_message_add(m, mail.p + i,
			  mail.n - i < 7 ? mail.n - i : 7, NULL) == PST_OK);
	check(milter_message_end(m, NULL) == PST_OK);
	while (milter_take(in, &p, &used) == MILTER_TAKEN) {
		check(used <= in.n && within(p.data, in));
		try_packet(&p, m);
		in = str_from(in, used);
	}
	check_message(m);
	milter_message_free(&m);
	return 0;
}
