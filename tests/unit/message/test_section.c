/*
 * Section numbers: the example structure of RFC 3501, 6.4.5.
 */
#include <criterion/criterion.h>

#include "base/str.h"
#include "message/message.h"

static const char example[] =
    "Subject: whole\r\n"
    "Content-Type: MULTIPART/MIXED; boundary=a\r\n\r\n"
    "--a\r\n"
    "Content-Type: TEXT/PLAIN\r\n\r\nsection 1\r\n"
    "--a\r\n"
    "Content-Type: APPLICATION/OCTET-STREAM\r\n\r\nsection 2\r\n"
    "--a\r\n"
    "Content-Type: MESSAGE/RFC822\r\n\r\n"
    "Subject: three\r\n"
    "Content-Type: MULTIPART/MIXED; boundary=b\r\n\r\n"
    "--b\r\n\r\nsection 3.1\r\n"
    "--b\r\n"
    "Content-Type: APPLICATION/OCTET-STREAM\r\n\r\nsection 3.2\r\n"
    "--b--\r\n"
    "--a\r\n"
    "Content-Type: MULTIPART/MIXED; boundary=c\r\n\r\n"
    "--c\r\n"
    "Content-Type: IMAGE/GIF\r\n\r\nsection 4.1\r\n"
    "--c\r\n"
    "Content-Type: MESSAGE/RFC822\r\n\r\n"
    "Subject: four\r\n"
    "Content-Type: MULTIPART/MIXED; boundary=d\r\n\r\n"
    "--d\r\n\r\nsection 4.2.1\r\n"
    "--d\r\n"
    "Content-Type: MULTIPART/ALTERNATIVE; boundary=e\r\n\r\n"
    "--e\r\n\r\nsection 4.2.2.1\r\n"
    "--e\r\n"
    "Content-Type: TEXT/RICHTEXT\r\n\r\nsection 4.2.2.2\r\n"
    "--e--\r\n"
    "--d--\r\n"
    "--c--\r\n"
    "--a--\r\n";

static const struct {
	const char *label;
	uint32_t numbers[6];
	size_t n;
	const char *body; /* its text, or what it starts with; NULL: no part */
} cases[] = {
	{ "", { 0 }, 0, "--a\r\n" },
	{ "1", { 1 }, 1, "section 1" },
	{ "2", { 2 }, 1, "section 2" },
	{ "3", { 3 }, 1, "Subject: three\r\n" },
	{ "3.1", { 3, 1 }, 2, "section 3.1" },
	{ "3.2", { 3, 2 }, 2, "section 3.2" },
	{ "4", { 4 }, 1, "--c\r\n" },
	{ "4.1", { 4, 1 }, 2, "section 4.1" },
	{ "4.2", { 4, 2 }, 2, "Subject: four\r\n" },
	{ "4.2.1", { 4, 2, 1 }, 3, "section 4.2.1" },
	{ "4.2.2", { 4, 2, 2 }, 3, "--e\r\n" },
	{ "4.2.2.1", { 4, 2, 2, 1 }, 4, "section 4.2.2.1" },
	{ "4.2.2.2", { 4, 2, 2, 2 }, 4, "section 4.2.2.2" },
	{ "0", { 0 }, 1, NULL },
	{ "5", { 5 }, 1, NULL },
	{ "1.1", { 1, 1 }, 2, NULL },
	{ "3.3", { 3, 3 }, 2, NULL },
	{ "3.1.1", { 3, 1, 1 }, 3, NULL },
	{ "4.2.2.2.1", { 4, 2, 2, 2, 1 }, 5, NULL },
};

Test(section, numbers_of_rfc_3501)
{
	struct msg *m = msg_read(str_of(example), &msg_limits_default);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct msg_part *p = msg_section(
		    m, cases[i].numbers, cases[i].n);
		struct pst_str body;

		if (cases[i].body == NULL || p == NULL) {
			cr_expect(cases[i].body == NULL && p == NULL, "%s",
			    cases[i].label);
			continue;
		}
		body = str_n(example + p->body_start, p->body_size);
		if (p->child == NULL)
			cr_expect(
			    str_is(body, cases[i].body), "%s", cases[i].label);
		else
			cr_expect(str_has_prefix_case(body, cases[i].body),
			    "%s", cases[i].label);
	}
	cr_expect_eq(m->parts, 15);
	msg_free(&m);
}

/* RFC 3501: 3.HEADER is that of the message inside; 3.MIME its own. */
Test(section, message_inside_has_a_header_of_its_own)
{
	struct msg *m = msg_read(str_of(example), &msg_limits_default);
	const struct msg_part *p = msg_section(m, (uint32_t[]){ 3 }, 1);

	cr_assert(p->is_message);
	cr_expect(str_is(p->header, "Content-Type: MESSAGE/RFC822\r\n\r\n"));
	cr_expect(str_is(p->child->header,
	    "Subject: three\r\n"
	    "Content-Type: MULTIPART/MIXED; boundary=b\r\n\r\n"));
	cr_expect_eq(p->child->header_start, p->body_start);
	msg_free(&m);
}

Test(section, one_is_the_body_of_a_simple_message)
{
	struct msg *m = msg_read(STR("A: b\n\nc"), &msg_limits_default);

	cr_expect_eq(msg_section(m, (uint32_t[]){ 1 }, 1), m->root);
	cr_expect_null(msg_section(m, (uint32_t[]){ 2 }, 1));
	cr_expect_null(msg_section(m, (uint32_t[]){ 1, 1 }, 2));
	msg_free(&m);
}

Test(section, one_one_is_the_body_of_a_simple_message_inside)
{
	struct msg *m = msg_read(
	    STR("Content-Type: message/rfc822\n\nA: b\n\nc"),
	    &msg_limits_default);

	cr_expect_eq(msg_section(m, (uint32_t[]){ 1 }, 1), m->root);
	cr_expect_eq(msg_section(m, (uint32_t[]){ 1, 1 }, 2), m->root->child);
	cr_expect_null(msg_section(m, (uint32_t[]){ 1, 1, 1 }, 3));
	msg_free(&m);
}
