/*
 * The reader: trees, ranges and lines, whatever way the octets arrive.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/str.h"
#include "message/message.h"

/*
 * Writes the tree as text: per part its type, header range, body range and
 * lines, the children in brackets.
 */
static void
print_part(const struct msg_part *p, struct buf *out)
{
	for (; p != NULL; p = p->next) {
		(void)buf_printf(out, "%.*s/%.*s h%d+%d b%d+%d l%d,%d f%d",
		    STR_ARG(p->type), STR_ARG(p->subtype), (int)p->header_start,
		    (int)p->header_size, (int)p->body_start, (int)p->body_size,
		    (int)p->header_lines, (int)p->body_lines, (int)p->fields);
		if (p->is_multipart || p->is_message) {
			(void)buf_puts(out, p->is_message ? " <" : " [");
			print_part(p->child, out);
			(void)buf_puts(out, p->is_message ? ">" : "]");
		}
		if (p->next != NULL)
			(void)buf_puts(out, " | ");
	}
}

static char *
print_tree(const struct msg *m)
{
	struct buf out;
	char *text;

	buf_init(&out, 1 << 20);
	print_part(m->root, &out);
	text = str_dup(buf_str(&out));
	buf_fini(&out);
	return text;
}

/* The tree of a text that is fed in two pieces, or in pieces of one octet when
 * `cut` is beyond its end. */
static char *
tree_of(struct pst_str s, size_t cut, const struct msg_limits *limits)
{
	struct msg_reader *r = msg_reader_new(limits, false);
	struct msg *m;
	char *text;

	if (cut > s.n) {
		for (size_t i = 0; i < s.n; i++)
			(void)msg_reader_feed(r, s.p + i, 1);
	} else {
		(void)msg_reader_feed(r, s.p, cut);
		(void)msg_reader_feed(r, s.p + cut, s.n - cut);
	}
	m = msg_reader_finish(&r);
	cr_expect_null(r);
	cr_expect_eq(m->size, s.n);
	text = print_tree(m);
	msg_free(&m);
	return text;
}

static void
expect_tree(const char *label, struct pst_str s,
    const struct msg_limits *limits, const char *want)
{
	bool same = true;

	for (size_t cut = 0; same && cut <= s.n + 1; cut++) {
		char *got = tree_of(s, cut, limits);

		same = strcmp(got, want) == 0;
		cr_expect(same, "%s, cut at %zu: %s", label, cut, got);
		free(got);
	}
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n" /* 45 */

static const struct {
	const char *label, *text, *want;
} cases[] = {
	{ "nothing", "", "text/plain h0+0 b0+0 l0,0 f0" },
	{ "one octet", "x", "text/plain h0+1 b1+0 l1,0 f1" },
	{ "empty line alone", "\r\n", "text/plain h0+2 b2+0 l1,0 f0" },
	{ "simple", "A: b\r\n\r\nHello\r\n", "text/plain h0+8 b8+7 l2,1 f1" },
	{ "last line without end", "A: b\r\n\r\nHello\r\nyou",
	    "text/plain h0+8 b8+10 l2,2 f1" },
	{ "bare line feeds", "A: b\n\nHello\n",
	    "text/plain h0+6 b6+6 l2,1 f1" },
	{ "header without body", "A: b\r\nC: d\r\n",
	    "text/plain h0+12 b12+0 l2,0 f2" },
	{ "header cut in a line", "A: b\r\nC: d",
	    "text/plain h0+10 b10+0 l2,0 f2" },
	{ "CR alone at the end", "A: b\r\n\r", "text/plain h0+7 b7+0 l2,0 f2" },
	{ "first line without colon", "Hello\r\nA: b\r\n\r\nx",
	    "text/plain h0+15 b15+1 l3,1 f2" },
	{ "mbox line first", "From a@b Mon Nov 23 12:00:00 2026\nA: b\n\nx\n",
	    "text/plain h0+40 b40+2 l3,1 f2" },
	{ "boundary missing", "Content-Type: multipart/mixed\r\n\r\n--b\r\n",
	    "text/plain h0+33 b33+5 l2,1 f1" },
	{ "boundary empty",
	    "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n",
	    "text/plain h0+44 b44+3 l2,1 f1" },
	{ "two parts",
	    MIXED "pre\r\n--b\r\n\r\none\r\n--b\r\nA: b\r\n\r\ntwo\r\n\r\n--b--"
		  "\r\npost\r\n",
	    "multipart/mixed h0+45 b45+50 l2,11 f1 "
	    "[text/plain h55+2 b57+3 l1,1 f0 | "
	    "text/plain h67+8 b75+5 l2,1 f1]" },
	{ "bare line feeds in parts",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n",
	    "multipart/mixed h0+43 b43+15 l2,4 f1 "
	    "[text/plain h47+1 b48+3 l1,1 f0]" },
	{ "end boundary missing", MIXED "--b\r\n\r\none\r\n",
	    "multipart/mixed h0+45 b45+12 l2,3 f1 "
	    "[text/plain h50+2 b52+5 l1,1 f0]" },
	{ "no parts", MIXED "only a preamble\r\n",
	    "multipart/mixed h0+45 b45+17 l2,1 f1 []" },
	{ "end only", MIXED "--b--\r\n",
	    "multipart/mixed h0+45 b45+7 l2,1 f1 []" },
	{ "part without anything", MIXED "--b\r\n--b--\r\n",
	    "multipart/mixed h0+45 b45+12 l2,2 f1 "
	    "[text/plain h50+0 b50+0 l0,0 f0]" },
	{ "part with an empty line only", MIXED "--b\r\n\r\n--b--\r\n",
	    "multipart/mixed h0+45 b45+14 l2,3 f1 "
	    "[text/plain h50+2 b52+0 l1,0 f0]" },
	{ "part with two empty lines", MIXED "--b\r\n\r\n\r\n--b--\r\n",
	    "multipart/mixed h0+45 b45+16 l2,4 f1 "
	    "[text/plain h50+2 b52+0 l1,0 f0]" },
	{ "part whose header does not end", MIXED "--b\r\nA: b\r\n--b--\r\n",
	    "multipart/mixed h0+45 b45+18 l2,3 f1 "
	    "[text/plain h50+6 b56+0 l1,0 f1]" },
	{ "boundary at the very end", MIXED "--b\r\n\r\none\r\n--b--",
	    "multipart/mixed h0+45 b45+17 l2,4 f1 "
	    "[text/plain h50+2 b52+3 l1,1 f0]" },
	{ "delimiter at the very end", MIXED "--b\r\n\r\none\r\n--b",
	    "multipart/mixed h0+45 b45+15 l2,4 f1 "
	    "[text/plain h50+2 b52+3 l1,1 f0]" },
	{ "padding behind the boundary",
	    MIXED "--b  \t\r\n\r\none\r\n--b-- \r\n",
	    "multipart/mixed h0+45 b45+23 l2,4 f1 "
	    "[text/plain h53+2 b55+3 l1,1 f0]" },
	{ "only the beginning is compared", MIXED "--bX\r\n\r\none\r\n--b--X",
	    "multipart/mixed h0+45 b45+19 l2,4 f1 "
	    "[text/plain h51+2 b53+3 l1,1 f0]" },
	{ "the end boundary ends it", MIXED "--b\r\n\r\n1\r\n--b--\r\n--b\r\n",
	    "multipart/mixed h0+45 b45+22 l2,5 f1 "
	    "[text/plain h50+2 b52+1 l1,1 f0]" },
	{ "digest",
	    "Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nc\n"
	    "--b\nContent-Type: text/plain\n\nx\n--b--\n",
	    "multipart/digest h0+44 b44+51 l2,10 f1 "
	    "[message/rfc822 h48+1 b49+7 l1,3 f0 "
	    "<text/plain h49+6 b55+1 l2,1 f1> | "
	    "text/plain h61+26 b87+1 l2,1 f1]" },
	{ "outer boundary ends inner multipart",
	    MIXED "--b\nContent-Type: multipart/mixed; boundary=c\n\n"
		  "--c\n\n1\n--b\n\n2\n--b--\n",
	    "multipart/mixed h0+45 b45+67 l2,10 f1 "
	    "[multipart/mixed h49+43 b92+6 l2,3 f1 "
	    "[text/plain h96+1 b97+1 l1,1 f0] | "
	    "text/plain h103+1 b104+1 l1,1 f0]" },
	{ "inner boundary extends the outer one",
	    MIXED "--b\nContent-Type: multipart/mixed; boundary=bb\n\n"
		  "--bb\n\n1\n--bb--\n--b\n\n2\n--b--\n",
	    "multipart/mixed h0+45 b45+76 l2,11 f1 "
	    "[multipart/mixed h49+44 b93+14 l2,4 f1 "
	    "[text/plain h98+1 b99+1 l1,1 f0] | "
	    "text/plain h112+1 b113+1 l1,1 f0]" },
	{ "same boundary inside",
	    MIXED "--b\nContent-Type: multipart/mixed; boundary=b\n\n"
		  "--b\n\n1\n--b--\n--b\n\n2\n--b--\n",
	    "multipart/mixed h0+45 b45+73 l2,11 f1 "
	    "[multipart/mixed h49+43 b92+12 l2,4 f1 "
	    "[text/plain h96+1 b97+1 l1,1 f0] | "
	    "text/plain h109+1 b110+1 l1,1 f0]" },
	{ "message inside", "Content-Type: message/rfc822\n\nA: b\n\nc\n",
	    "message/rfc822 h0+30 b30+8 l2,3 f1 "
	    "<text/plain h30+6 b36+2 l2,1 f1>" },
	{ "message inside without a body",
	    MIXED "--b\nContent-Type: message/rfc822\n\nA: b\n\n--b--\n",
	    "multipart/mixed h0+45 b45+46 l2,6 f1 "
	    "[message/rfc822 h49+30 b79+6 l2,2 f1 "
	    "<text/plain h79+6 b85+0 l2,0 f1>]" },
	{ "message inside without anything",
	    MIXED "--b\nContent-Type: message/rfc822\n--b--\n",
	    "multipart/mixed h0+45 b45+39 l2,3 f1 "
	    "[message/rfc822 h49+29 b78+0 l1,0 f1 "
	    "<text/plain h78+0 b78+0 l0,0 f0>]" },
	{ "encoded message is a leaf",
	    "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64"
	    "\n\nQTogYg==\n",
	    "message/rfc822 h0+64 b64+9 l3,1 f2" },
	{ "multipart in message in multipart",
	    MIXED "--b\nContent-Type: message/rfc822\n\n"
		  "Content-Type: multipart/mixed; boundary=c\n\n"
		  "--c\n\n1\n--c--\n\n--b--\n",
	    "multipart/mixed h0+45 b45+97 l2,11 f1 "
	    "[message/rfc822 h49+30 b79+56 l2,6 f1 "
	    "<multipart/mixed h79+43 b122+13 l2,4 f1 "
	    "[text/plain h126+1 b127+1 l1,1 f0]>]" },
	{ "type not valid", "Content-Type: nonsense\n\n--b\n",
	    "text/plain h0+24 b24+4 l2,1 f1" },
	{ "type in capitals",
	    "CONTENT-TYPE: MULTIPART/Mixed; BOUNDARY=\"b\"\n\n--b\n\nx",
	    "MULTIPART/Mixed h0+45 b45+6 l2,3 f1 "
	    "[text/plain h49+1 b50+1 l1,1 f0]" },
	{ "boundary in continuations",
	    "Content-Type: multipart/mixed; boundary*0=\"b \"; boundary*1=c\n\n"
	    "--b c\n\nx\n--b c--\n",
	    "multipart/mixed h0+62 b62+17 l2,4 f1 "
	    "[text/plain h68+1 b69+1 l1,1 f0]" },
	{ "boundary with white space at its end",
	    "Content-Type: multipart/mixed; boundary=\"b \"\n\n--b\n\nx",
	    "multipart/mixed h0+46 b46+6 l2,3 f1 "
	    "[text/plain h50+1 b51+1 l1,1 f0]" },
	{ "dashes in text", MIXED "--b\n\n--\n---\n-\n--c\n--b--\n",
	    "multipart/mixed h0+45 b45+24 l2,7 f1 "
	    "[text/plain h49+1 b50+12 l1,4 f0]" },
};

Test(reader, trees_are_right_for_every_cut)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_tree(cases[i].label, str_of(cases[i].text),
		    &msg_limits_default, cases[i].want);
}

Test(reader, takes_nul_like_any_octet)
{
	expect_tree("NUL", STR("A: \0b\n\n\0\n\0"), &msg_limits_default,
	    "text/plain h0+7 b7+3 l2,2 f1");
}

Test(reader, depth_beyond_the_limit_is_text)
{
	const struct msg_limits limits = { 1000, 1, 100 };

	expect_tree("depth",
	    str_of(MIXED "--b\nContent-Type: multipart/mixed; boundary=c\n\n"
			 "--c\n\n1\n--b\nContent-Type: message/rfc822\n\n"
			 "A: b\n\n1\n--b--\n"),
	    &limits,
	    "multipart/mixed h0+45 b45+102 l2,13 f1 "
	    "[text/plain h49+43 b92+6 l2,3 f1 | "
	    "message/rfc822 h103+30 b133+7 l2,3 f1]");
}

Test(reader, parts_beyond_the_limit_are_text)
{
	const struct msg_limits limits = { 1000, 10, 3 };

	expect_tree("parts",
	    str_of(MIXED "--b\n\n1\n--b\n\n2\n--b\n\n3\n--b--\n"), &limits,
	    "multipart/mixed h0+45 b45+27 l2,10 f1 "
	    "[text/plain h49+1 b50+1 l1,1 f0 | "
	    "text/plain h56+1 b57+15 l1,5 f0]");
}

/* The empty message inside takes the last one, so the boundary is none. */
Test(reader, parts_of_empty_messages_count)
{
	const struct msg_limits limits = { 1000, 10, 3 };

	expect_tree("empty message",
	    str_of(MIXED "--b\nContent-Type: message/rfc822\n--b\n\nx\n"),
	    &limits,
	    "multipart/mixed h0+45 b45+40 l2,5 f1 "
	    "[message/rfc822 h49+29 b78+0 l1,0 f1 "
	    "<text/plain h78+0 b78+0 l0,0 f0>]");
}

Test(reader, header_beyond_the_limit_is_skipped)
{
	const struct msg_limits limits = { 12, 10, 10 };
	struct msg *m = msg_read(
	    STR("A: 1\nB: 2\nC: 3\nD: 4\n\nbody\n"), &limits);

	cr_assert_eq(m->root->fields, 2);
	cr_expect_eq(m->root->header_size, 21);
	cr_expect_eq(m->root->header.n, 10);
	cr_expect_eq(m->root->body_size, 5);
	cr_expect_not_null(msg_field(m->root, "b"));
	cr_expect_null(msg_field(m->root, "C"));
	msg_free(&m);
}

Test(reader, fields_have_exact_ranges)
{
	struct msg *m = msg_read(
	    STR("Subject :  a\r\n b\r\nTO:c\r\nno field\r\nto: d\r\n\r\n"),
	    &msg_limits_default);
	const struct msg_part *p = m->root;
	size_t i = 0;

	cr_assert_eq(p->fields, 4);
	cr_expect(str_is(p->field[0].name, "Subject"));
	cr_expect(str_is(p->field[0].value, "  a\r\n b"));
	cr_expect(str_is(p->field[0].whole, "Subject :  a\r\n b\r\n"));
	cr_expect_eq(p->field[1].offset, 18);
	cr_expect(str_is(p->field[1].value, "c"));
	cr_expect_eq(p->field[2].name.n, 0);
	cr_expect(str_is(p->field[2].value, "no field"));
	cr_expect_eq(msg_next_field(p, "To", &i), &p->field[1]);
	cr_expect_eq(msg_next_field(p, "To", &i), &p->field[3]);
	cr_expect_null(msg_next_field(p, "To", &i));
	cr_expect_null(msg_field(p, ""));
	msg_free(&m);
}

Test(reader, headers_only_stops_at_the_body)
{
	struct msg_reader *r = msg_reader_new(&msg_limits_default, true);
	struct msg *m;

	cr_expect(msg_reader_feed(r, "Content-Type: message/rfc822\n", 29));
	cr_expect_not(msg_reader_feed(r, "\nA: b\n\nc", 8));
	cr_expect_not(msg_reader_feed(r, "more", 4));
	m = msg_reader_finish(&r);
	cr_expect_eq(m->size, 30);
	cr_expect_eq(m->root->header_size, 30);
	cr_expect_eq(m->root->body_size, 0);
	cr_expect_null(m->root->child);
	msg_free(&m);
}

Test(reader, can_be_given_up)
{
	struct msg_reader *r = msg_reader_new(&msg_limits_default, false);

	(void)msg_reader_feed(r, MIXED "--b\n--", 51);
	msg_reader_free(&r);
	cr_expect_null(r);
	msg_reader_free(&r);
}

/* Hostile: lines that all begin like a boundary, longer than what is held. */
Test(reader, very_long_lines)
{
	struct buf text;
	struct msg *m;

	buf_init(&text, 1 << 20);
	(void)buf_puts(&text, MIXED "--b\n\n--");
	for (int i = 0; i < 5000; i++)
		(void)buf_putc(&text, 'c');
	(void)buf_puts(&text, "\n--b");
	for (int i = 0; i < 5000; i++)
		(void)buf_putc(&text, ' ');
	(void)buf_puts(&text, "\n\nx\n--b--\n");
	for (size_t cut = 1; cut < 3000; cut += 7) {
		char *whole = tree_of(buf_str(&text), 0, &msg_limits_default);
		char *got = tree_of(buf_str(&text), cut, &msg_limits_default);

		cr_expect_str_eq(got, whole);
		free(whole);
		free(got);
	}
	m = msg_read(buf_str(&text), &msg_limits_default);
	cr_expect_eq(m->parts, 3);
	cr_expect_eq(m->root->child->body_size, 5002);
	msg_free(&m);
	buf_fini(&text);
}

Test(reader, a_million_parts_are_bounded)
{
	struct buf text;
	struct msg *m;

	buf_init(&text, 1 << 24);
	(void)buf_puts(&text, MIXED);
	for (int i = 0; i < 1000000; i++)
		(void)buf_puts(&text, "--b\n\nx\n");
	m = msg_read(buf_str(&text), &msg_limits_default);
	cr_expect_eq(m->parts, msg_limits_default.parts);
	cr_expect_eq(m->root->body_size, 7000000);
	msg_free(&m);
	buf_fini(&text);
}

Test(reader, a_hundred_thousand_levels_are_bounded)
{
	struct buf text;
	struct msg *m;

	buf_init(&text, 1 << 24);
	for (int i = 0; i < 100000; i++)
		(void)buf_printf(&text,
		    "Content-Type: multipart/mixed; boundary=%06d\n\n--%06d\n",
		    i, i);
	m = msg_read(buf_str(&text), &msg_limits_default);
	cr_expect_eq(m->parts, msg_limits_default.depth + 1);
	msg_free(&m);
	buf_clear(&text);
	for (int i = 0; i < 100000; i++)
		(void)buf_puts(&text, "Content-Type: message/rfc822\n\n");
	m = msg_read(buf_str(&text), &msg_limits_default);
	cr_expect_eq(m->parts, msg_limits_default.depth + 1);
	msg_free(&m);
	buf_fini(&text);
}

/* Many header blocks, each below its limit, stay bounded together. */
Test(reader, all_headers_together_are_bounded)
{
	const struct msg_limits limits = { 100, 10, 1000 };
	struct buf text;
	struct msg *m;
	size_t kept = 0;

	buf_init(&text, 1 << 24);
	(void)buf_puts(&text, MIXED);
	for (int i = 0; i < 500; i++)
		(void)buf_puts(
		    &text, "--b\nSubject: twenty octets of it\n\n1\n");
	m = msg_read(buf_str(&text), &limits);
	cr_expect_eq(m->parts, 501);
	for (struct msg_part *p = m->root->child; p != NULL; p = p->next) {
		cr_expect_eq(p->header_size, 30);
		cr_expect_eq(p->body_size, p->next != NULL ? 1 : 2);
		kept += p->header.n;
	}
	cr_expect_leq(kept, 1600);
	msg_free(&m);
	buf_fini(&text);
}
