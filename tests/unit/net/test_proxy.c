/*
 * The header of the PROXY protocol: what is one, of both versions, however it
 * is cut; and what is none.
 */
#include "base/str.h"
#include "net/proxy.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PROXY_4 SIGNATURE "\x21\x11"
#define FOUR "\xc0\x00\x02\x01\xc0\x00\x02\x02\x30\x39\x00\x19"

/* Looks at all that is shorter first: it must be more, and never read beyond
 * what is there. What follows is not part of the header. */
static enum proxy_result
parse(struct pst_str in, struct proxy_header *h)
{
	const char *why = NULL;
	enum proxy_result result = PROXY_MORE;

	for (size_t n = 0; n <= in.n && result == PROXY_MORE; n++) {
		char *exactly = malloc(n + 1);

		if (n > 0)
			memcpy(exactly, in.p, n);
		result = proxy_parse(str_n(exactly, n), h, &why);
		cr_expect(result != PROXY_BAD || why != NULL);
		free(exactly);
	}
	return result;
}

static void
expect_done(struct pst_str in, enum proxy_family family, size_t length)
{
	struct proxy_header h;

	cr_assert_eq(parse(in, &h), PROXY_DONE, "%.*s", STR_ARG(in));
	cr_expect_eq(h.family, family, "%.*s", STR_ARG(in));
	cr_expect_eq(h.length, length);
}

static void
expect_bad(struct pst_str in)
{
	struct proxy_header h;

	cr_expect_eq(parse(in, &h), PROXY_BAD, "%.*s", STR_ARG(in));
}

Test(proxy, lines)
{
	static const struct pst_str good = { "PROXY TCP4 192.0.2.1 "
					     "198.51.100.7 56324 25\r\nEHLO",
		48 };
	struct proxy_header h;

	cr_assert_eq(parse(good, &h), PROXY_DONE);
	cr_expect_eq(h.family, PROXY_INET);
	cr_expect_eq(h.length, 44);
	cr_expect_eq(memcmp(h.from.octets, "\xc0\0\2\1", 4), 0);
	cr_expect_eq(memcmp(h.to.octets, "\xc6\x33\x64\7", 4), 0);
	cr_expect_eq(h.from.port, 56324);
	cr_expect_eq(h.to.port, 25);
	expect_done(
	    STR("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), PROXY_INET6, 36);
	expect_done(STR("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"
			"\r\n"),
	    PROXY_INET6, 104);
	expect_done(
	    STR("PROXY TCP4 0.0.0.0 255.255.255.255 0 0\r\n"), PROXY_INET, 40);
	expect_done(STR("PROXY UNKNOWN\r\n"), PROXY_UNKNOWN, 15);
	expect_done(STR("PROXY UNKNOWN any 1 2 3 4 5\r\nx"), PROXY_UNKNOWN, 29);
}

Test(proxy, bad_lines)
{
	static const char bad[][112] = {
		"PROXX TCP4",
		"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY\r\n",
		"PROXY \r\n",
		"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP4\r\n",
		"PROXY TCP4 \r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
		"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 999999 2\r\n",
		"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
		"PROXY TCP4 ::1 ::1 1 2\r\n",
		"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r \r\n",
		"PROXY UNKNOWN\n",
		"PROXY UNKNOWN \rx\r\n",
		"PROXY UNKNOWNS\r\n",
		"\r\n\r\nx",
		"EHLO x\r\n",
		"\x16\x03\x01",
	};
	char longer[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_bad(str_of(bad[i]));
	/* 107 octets with CRLF, and one more. */
	(void)snprintf(longer, sizeof(longer), "PROXY UNKNOWN %091d\r\n", 0);
	expect_done(str_of(longer), PROXY_UNKNOWN, 107);
	(void)snprintf(longer, sizeof(longer), "PROXY UNKNOWN %092d\r\n", 0);
	expect_bad(str_of(longer));
}

Test(proxy, binary)
{
	struct proxy_header h;

	cr_assert_eq(parse(STR(PROXY_4 "\0\x0c" FOUR "more"), &h), PROXY_DONE);
	cr_expect_eq(h.family, PROXY_INET);
	cr_expect_eq(h.length, 28);
	cr_expect_eq(memcmp(h.from.octets, "\xc0\0\2\1", 4), 0);
	cr_expect_eq(memcmp(h.to.octets, "\xc0\0\2\2", 4), 0);
	cr_expect_eq(h.from.port, 12345);
	cr_expect_eq(h.to.port, 25);
	cr_expect_not(h.tls);
	cr_assert_eq(parse(STR(SIGNATURE "\x21\x21\0\x24"
					 "\x20\x01\x0d\xb8\0\0\0\0"
					 "\0\0\0\0\0\0\0\1"
					 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
					 "\1\2\3\4"),
			 &h),
	    PROXY_DONE);
	cr_expect_eq(h.family, PROXY_INET6);
	cr_expect_eq(memcmp(h.from.octets, "\x20\x01\x0d\xb8", 4), 0);
	cr_expect_eq(h.from.octets[15], 1);
	cr_expect_eq(h.to.octets[15], 1);
	cr_expect_eq(h.from.port, 0x0102);
	cr_expect_eq(h.to.port, 0x0304);
	/* the connection's own addresses */
	expect_done(STR(SIGNATURE "\x20\x00\0\0"), PROXY_UNKNOWN, 16);
	expect_done(STR(SIGNATURE "\x20\xff\0\x03xyz"), PROXY_UNKNOWN, 19);
	expect_done(STR(SIGNATURE "\x21\x00\0\x02zz"), PROXY_UNKNOWN, 18);
	expect_done(STR(SIGNATURE "\x21\x12\0\x0c" FOUR), PROXY_UNKNOWN, 28);
	/* additions that mean nothing here */
	expect_done(
	    STR(PROXY_4 "\0\x17" FOUR "\x04\0\2xx\x02\0\3abc"), PROXY_INET, 39);
}

Test(proxy, unix_sockets)
{
	char header[16 + 216] = SIGNATURE "\x21\x31\0\xd8/client";

	expect_done(str_n(header, sizeof(header)), PROXY_UNIX, 232);
	header[15] = (char)0xd7;
	expect_bad(str_n(header, sizeof(header)));
}

Test(proxy, bad_binaries)
{
	static const struct {
		size_t n;
		char text[64];
	} bad[] = {
		{ 13, SIGNATURE "\x11" },	      /* version 1 */
		{ 13, SIGNATURE "\x31" },	      /* version 3 */
		{ 16, SIGNATURE "\x22\x11\0\0" },     /* command 2 */
		{ 16, SIGNATURE "\x21\x41\0\0" },     /* family 4 */
		{ 16, SIGNATURE "\x21\x13\0\0" },     /* transport 3 */
		{ 16, SIGNATURE "\x21\x11\x10\x01" }, /* 4097 octets */
		{ 16, SIGNATURE "\x20\x00\xff\xff" },
		{ 16, SIGNATURE "\x21\x11\0\0" }, /* no addresses */
		{ 27, SIGNATURE "\x21\x11\0\x0b\xc0\0\2\1\xc0\0\2\2\x30\x39" },
		{ 29, PROXY_4 "\0\x0d" FOUR "\4" },
		{ 31, PROXY_4 "\0\x0f" FOUR "\4\0\1" },
		{ 32, PROXY_4 "\0\x10" FOUR "\3\0\1x" }, /* CRC32c */
		{ 35, PROXY_4 "\0\x13" FOUR "\3\0\4xxxx" },
		{ 35, PROXY_4 "\0\x13" FOUR "\x20\0\4\1\0\0\0" }, /* TLS */
		{ 38, PROXY_4 "\0\x16" FOUR "\x20\0\7\1\0\0\0\0\x21\0" },
		{ 40, PROXY_4 "\0\x18" FOUR "\x20\0\x09\1\0\0\0\0\x21\0\2x" },
		{ 40, PROXY_4 "\0\x18" FOUR "\x20\0\x09\1\0\0\0\0\x21\0\1\n" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct proxy_header h;

		cr_expect_eq(parse(str_n(bad[i].text, bad[i].n), &h), PROXY_BAD,
		    "number %zu", i);
	}
}

Test(proxy, tls)
{
	struct proxy_header h;

	cr_assert_eq(parse(STR(PROXY_4 "\0\x21" FOUR "\x20\0\x12\1\0\0\0\0"
				       "\x22\0\0\x21\0\x07TLSv1.3"),
			 &h),
	    PROXY_DONE);
	cr_expect(h.tls);
	cr_expect_str_eq(h.tls_version, "TLSv1.3");
	cr_assert_eq(parse(STR(PROXY_4 "\0\x14" FOUR "\x20\0\5\0\0\0\0\0"), &h),
	    PROXY_DONE);
	cr_expect_not(h.tls);
}

/* "123456789" has the check value 0xe3069283; here of a whole header. */
Test(proxy, checksums)
{
	char header[] = PROXY_4 "\0\x13" FOUR "\3\0\4\x61\xaf\x59\x5a";
	struct proxy_header h;

	cr_assert_eq(parse(str_n(header, 35), &h), PROXY_DONE);
	for (size_t i = 16; i < 35; i++) {
		if (i == 28)
			continue; /* then it is no checksum */
		header[i] ^= 1;
		cr_expect_neq(
		    parse(str_n(header, 35), &h), PROXY_DONE, "octet %zu", i);
		header[i] ^= 1;
	}
}
