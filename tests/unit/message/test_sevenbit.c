/*
 * Messages for servers that take 7 bits alone.
 */
#include "message/sevenbit.h"

#include "base/str.h"
#include <criterion/criterion.h>

/* `piece`: octets at once. NULL: it cannot be, or needs not. */
static bool
convert(const char *text, size_t piece, struct buf *out,
    enum msg_sevenbit_result *result_r, const char **why_r)
{
	struct pst_str all = str_of(text);
	struct msg *m = msg_read(all, &msg_limits_default);
	struct msg_sevenbit *s = msg_sevenbit_new(m, &msg_limits_default);
	bool ok = true;

	buf_init(out, 1 << 20);
	for (size_t i = 0; i < all.n; i += piece) {
		struct pst_str p = str_first(str_from(all, i), piece);

		msg_sevenbit_look(s, p.p, p.n);
	}
	*result_r = msg_sevenbit_begin(s, why_r);
	for (size_t i = 0; i < all.n && *result_r == MSG_SEVENBIT_WORTH && ok;
	     i += piece) {
		struct pst_str p = str_first(str_from(all, i), piece);

		ok = msg_sevenbit_feed(s, p.p, p.n, out);
	}
	msg_sevenbit_free(&s);
	msg_free(&m);
	return ok;
}

#define X10 "0123456789"
#define X70 X10 X10 X10 X10 X10 X10 X10

static const struct {
	const char *text, *sevenbit;
} cases[] = {
	/* Nothing was said of MIME. */
	{ "Subject: a\r\n\r\nGr\xc3\xbc\xc3\x9f"
	  "e\r\n",
	    "Subject: a\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "Gr=C3=BC=C3=9Fe\r\n" },
	/* The old encoding goes, wherever it stands; '=' and blanks. */
	{ "Content-Transfer-Encoding: 8BIT\r\nMIME-Version: 1.0\r\n"
	  "Content-Type: text/plain; charset=utf-8\r\n\r\n"
	  "a=b \xc3\xbc \r\n\t\r\n  .\r\nend ",
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "a=3Db =C3=BC=20\r\n=09\r\n  .\r\nend=20" },
	/* CR and LF that end no line. */
	{ "MIME-Version: 1.0\r\nContent-Type: text/x\r\n\r\n"
	  "\xff\ra \r\r\nb\nc \r",
	    "MIME-Version: 1.0\r\nContent-Type: text/x\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "=FF=0Da =0D\r\nb=0Ac =0D" },
	/* Lines are at most 76 characters long. */
	{ "MIME-Version: 1.0\r\nContent-Type: text/x\r\n\r\n" X70
	  "12345\xc3\xbc\r\n" X70 "123456789",
	    "MIME-Version: 1.0\r\nContent-Type: text/x\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n" X70
	    "12345=\r\n=C3=BC\r\n" X70 "12345=\r\n6789" },
	/* No text. */
	{ "MIME-Version: 1.0\r\nContent-Type: image/x\r\n\r\n\xff\r\n",
	    "MIME-Version: 1.0\r\nContent-Type: image/x\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n/w0K\r\n" },
	/* Binary is changed even if it has no such octets. */
	{ "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
	  "Content-Transfer-Encoding: binary\r\n\r\na\nb",
	    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nYQpi\r\n" },
	/* Raw octets in a field, and nowhere else. */
	{ "Subject: \xc3\xa4\r\nMIME-Version: 1.0\r\n\r\nText\r\n",
	    "Subject: =?UTF-8?B?w6Q=?=\r\nMIME-Version: 1.0\r\n\r\nText\r\n" },
	/* Parts of their own, the others stay octet for octet. */
	{ "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n"
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\xff\r\n"
	  "--b\r\n\r\nplain =\r\n--b\r\n"
	  "content-transfer-encoding: 8bit\r\n\r\n\xc3\xbc\r\n"
	  "--b\r\nContent-Type: message/rfc822\r\n"
	  "Content-Transfer-Encoding: 8bit\r\n\r\n"
	  "Subject: \xc3\xa4\r\n\r\n\xc3\xbc\r\n"
	  "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n--b--\r\n",
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\npre?\r\n"
	    "--b\r\n\r\nplain =\r\n--b\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n"
	    "--b\r\nContent-Type: message/rfc822\r\n\r\n"
	    "Subject: =?UTF-8?B?w6Q=?=\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n"
	    "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n"
	    "--b--\r\n" },
	/* What is encoded already, not quite. */
	{ "MIME-Version: 1.0\r\nContent-Transfer-Encoding: "
	  "quoted-printable\r\n\r\n=C3=BC \xc3\xbc\r\n",
	    "MIME-Version: 1.0\r\nContent-Transfer-Encoding: "
	    "quoted-printable\r\n\r\n=C3=BC =C3=BC\r\n" },
};

Test(sevenbit, cases)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece < 1000; piece *= 7) {
			enum msg_sevenbit_result result;
			const char *why;
			struct buf out;

			cr_assert(
			    convert(cases[i].text, piece, &out, &result, &why));
			cr_assert_eq(result, MSG_SEVENBIT_WORTH, "%zu", i);
			cr_assert(str_is(buf_str(&out), cases[i].sevenbit),
			    "case %zu in pieces of %zu:\n%.*s", i, piece,
			    STR_ARG(buf_str(&out)));
			buf_fini(&out);
		}
	}
}

static void
expect(const char *text, enum msg_sevenbit_result wanted, const char *word)
{
	enum msg_sevenbit_result result;
	const char *why;
	struct buf out;

	cr_assert(convert(text, 5, &out, &result, &why));
	cr_assert_eq(result, wanted, "%s", text);
	cr_assert(word == NULL || (why != NULL && strstr(why, word) != NULL));
	buf_fini(&out);
}

Test(sevenbit, stays)
{
	expect("Subject: a\r\n\r\nText\r\n", MSG_SEVENBIT_IS, NULL);
	expect("", MSG_SEVENBIT_IS, NULL);
	expect("Content-Transfer-Encoding: 8bit\r\n\r\nText\r\n",
	    MSG_SEVENBIT_IS, NULL);
}

Test(sevenbit, cannot)
{
	expect("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n"
	       "\xff\r\n--b\r\nContent-Type: x/y\r\n\r\nz\r\n--b--\r\n",
	    MSG_SEVENBIT_CANNOT, "signature");
	expect("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
	       "Content-Description: \xff\r\n\r\na\r\n--b--\r\n",
	    MSG_SEVENBIT_CANNOT, "signature");
	expect("Content-Transfer-Encoding: x-uue\r\n\r\n\xff\r\n",
	    MSG_SEVENBIT_CANNOT, "another");
}
