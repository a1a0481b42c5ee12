/*
 * net/proxy.c - the two forms of the PROXY protocol's header. Section numbers
 * are those of HAProxy's proxy-protocol.txt.
 */
#include "net/proxy.h"

#include "base/str.h"
#include <arpa/inet.h>

/* 2.2, the 13th and 14th octet; 2.2.3 to 2.2.6, types of TLVs. */
enum { VERSION_2 = 0x2, COMMAND_LOCAL = 0x0, COMMAND_PROXY = 0x1 };
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX };
enum { TRANSPORT_UNSPEC, TRANSPORT_STREAM, TRANSPORT_DGRAM };
enum { TYPE_CRC32C = 0x03, TYPE_SSL = 0x20, SUBTYPE_SSL_VERSION = 0x21 };
enum { CLIENT_SSL = 0x01 };

enum { PREFIX = 16, TLV_PREFIX = 3, SSL_PREFIX = 5, CRC_SIZE = 4 };

static const char line_start[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const char signature[] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q',
	'U', 'I', 'T', '\n' };

static enum proxy_result
bad(const char **why_r, const char *why)
{
	*why_r = why;
	return PROXY_BAD;
}

/* `in` begins with `start`, as far as it goes. */
static bool
begins(struct pst_str in, const char *start, size_t n)
{
	return memcmp(in.p, start, in.n < n ? in.n : n) == 0;
}

/* --- version 1 (2.1) ------------------------------------------------------ */

static bool
is_address(struct pst_str word, int family, unsigned char *octets)
{
	char text[INET6_ADDRSTRLEN];

	return str_copy(text, sizeof(text), word) && strlen(text) == word.n &&
	       inet_pton(family, text, octets) == 1;
}

static bool
is_port(struct pst_str word, uint16_t *port)
{
	uint32_t n;

	if (word.n > 5 || !str_to_u32(word, &n) || n > UINT16_MAX ||
	    (word.p[0] == '0' && word.n > 1))
		return false;
	*port = (uint16_t)n;
	return true;
}

/* "TCP4" and "TCP6": two addresses and two ports, with one space before each.
 */
static bool
parse_endpoints(struct pst_str rest, int family, struct proxy_header *h)
{
	struct pst_str word[4];

	if (rest.n == 0 || rest.p[rest.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < 4; i++)
		if (!str_split(&rest, ' ', &word[i]))
			return false;
	return rest.n == 0 && is_address(word[0], family, h->from.octets) &&
	       is_address(word[1], family, h->to.octets) &&
	       is_port(word[2], &h->from.port) && is_port(word[3], &h->to.port);
}

static enum proxy_result
parse_line(struct pst_str in, struct proxy_header *h, const char **why_r)
{
	struct pst_str line = str_first(in, PROXY_LINE_MAX), word = STR_NONE;
	size_t cr = str_find(line, '\r');

	if (str_find(line, '\n') < cr)
		return bad(why_r, "a line without CRLF");
	if (cr + 1 >= line.n)
		return line.n < PROXY_LINE_MAX ? PROXY_MORE
					       : bad(why_r, "a line too long");
	if (line.p[cr + 1] != '\n')
		return bad(why_r, "a line without CRLF");
	h->length = cr + 2;
	line = str_from(str_first(line, cr), sizeof(line_start));
	(void)str_split(&line, ' ', &word);
	if (str_is(word, "UNKNOWN"))
		h->family = PROXY_UNKNOWN;
	else if (str_is(word, "TCP4") && parse_endpoints(line, AF_INET, h))
		h->family = PROXY_INET;
	else if (str_is(word, "TCP6") && parse_endpoints(line, AF_INET6, h))
		h->family = PROXY_INET6;
	else
		return bad(why_r, "a malformed line");
	return PROXY_DONE;
}

/* --- version 2 (2.2) ------------------------------------------------------ */

static unsigned
octet(struct pst_str s, size_t at)
{
	return (unsigned char)s.p[at];
}

static unsigned
two_octets(struct pst_str s, size_t at)
{
	return octet(s, at) << 8 | octet(s, at + 1);
}

/* CRC32c (RFC 4960, appendix B), of octets that count as 0 from `zero` on. */
static uint32_t
crc32c(struct pst_str s, size_t zero)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		bool skip = i >= zero && i < zero + CRC_SIZE;

		crc ^= skip ? 0 : octet(s, i);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Takes one TLV off `*rest`; false: it is cut. */
static bool
next_tlv(struct pst_str *rest, unsigned *type_r, struct pst_str *value_r)
{
	size_t n;

	if (rest->n < TLV_PREFIX)
		return false;
	n = two_octets(*rest, 1);
	if (n > rest->n - TLV_PREFIX)
		return false;
	*type_r = octet(*rest, 0);
	*value_r = str_first(str_from(*rest, TLV_PREFIX), n);
	*rest = str_from(*rest, TLV_PREFIX + n);
	return true;
}

/* 2.2.6 */
static bool
parse_ssl(struct pst_str value, struct proxy_header *h)
{
	struct pst_str rest = str_from(value, SSL_PREFIX);

	if (value.n < SSL_PREFIX)
		return false;
	h->tls = (octet(value, 0) & CLIENT_SSL) != 0;
	while (rest.n > 0) {
		struct pst_str text;
		unsigned type;

		if (!next_tlv(&rest, &type, &text))
			return false;
		if (type != SUBTYPE_SSL_VERSION)
			continue;
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] <= ' ' || text.p[i] > '~')
				return false;
		if (!str_copy(h->tls_version, sizeof(h->tls_version), text))
			return false;
	}
	return true;
}

/* 2.2.3. The checksum is in network byte order. */
static bool
is_intact(struct pst_str header, struct pst_str value)
{
	size_t at = (size_t)(value.p - header.p);

	return value.n == CRC_SIZE &&
	       crc32c(header, at) == ((uint32_t)two_octets(value, 0) << 16 |
					 two_octets(value, 2));
}

static enum proxy_result
parse_tlvs(struct pst_str header, size_t at, struct proxy_header *h,
    const char **why_r)
{
	struct pst_str rest = str_from(header, at);

	while (rest.n > 0) {
		struct pst_str value;
		unsigned type;

		if (!next_tlv(&rest, &type, &value))
			return bad(why_r, "an addition that is cut");
		if (type == TYPE_CRC32C && !is_intact(header, value))
			return bad(why_r, "a wrong checksum");
		if (type == TYPE_SSL && !parse_ssl(value, h))
			return bad(why_r, "a malformed addition about TLS");
	}
	return PROXY_DONE;
}

static void
take_endpoints(struct pst_str addresses, size_t n, struct proxy_header *h)
{
	memcpy(h->from.octets, addresses.p, n);
	memcpy(h->to.octets, addresses.p + n, n);
	h->from.port = (uint16_t)two_octets(addresses, 2 * n);
	h->to.port = (uint16_t)two_octets(addresses, 2 * n + 2);
}

/* How many octets of addresses there are, and which they tell of. */
static size_t
size_of_addresses(unsigned family, enum proxy_family *family_r)
{
	switch (family) {
	case FAMILY_INET:
		*family_r = PROXY_INET;
		return 2 * (4 + 2);
	case FAMILY_INET6:
		*family_r = PROXY_INET6;
		return 2 * (16 + 2);
	default:
		*family_r = PROXY_UNIX;
		return 2 * 108;
	}
}

static enum proxy_result
parse_proxied(struct pst_str header, struct proxy_header *h, const char **why_r)
{
	unsigned family = octet(header, 13) >> 4;
	unsigned transport = octet(header, 13) & 0xf;
	struct pst_str addresses = str_from(header, PREFIX);
	size_t size;

	if (family > FAMILY_UNIX || transport > TRANSPORT_DGRAM)
		return bad(why_r, "an unknown kind of address");
	/* What is no stream is not about this connection. */
	if (family == FAMILY_UNSPEC || transport != TRANSPORT_STREAM)
		return PROXY_DONE;
	size = size_of_addresses(family, &h->family);
	if (addresses.n < size)
		return bad(why_r, "addresses that are cut");
	if (family == FAMILY_INET)
		take_endpoints(addresses, 4, h);
	else if (family == FAMILY_INET6)
		take_endpoints(addresses, 16, h);
	return parse_tlvs(header, PREFIX + size, h, why_r);
}

static enum proxy_result
parse_binary(struct pst_str in, struct proxy_header *h, const char **why_r)
{
	unsigned command;
	size_t n;

	if (in.n > 12 && octet(in, 12) >> 4 != VERSION_2)
		return bad(why_r, "an unknown version");
	if (in.n < PREFIX)
		return PROXY_MORE;
	command = octet(in, 12) & 0xf;
	if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
		return bad(why_r, "an unknown command");
	n = two_octets(in, 14);
	if (n > PROXY_MORE_MAX)
		return bad(why_r, "a header too long");
	if (in.n < PREFIX + n)
		return PROXY_MORE;
	h->length = PREFIX + n;
	/* Of LOCAL nothing but the length is looked at. */
	return command == COMMAND_LOCAL
		   ? PROXY_DONE
		   : parse_proxied(str_first(in, h->length), h, why_r);
}

enum proxy_result
proxy_parse(struct pst_str in, struct proxy_header *h, const char **why_r)
{
	*h = (struct proxy_header){ .family = PROXY_UNKNOWN };
	if (in.n == 0)
		return PROXY_MORE;
	if (begins(in, line_start, sizeof(line_start)))
		return in.n < sizeof(line_start) ? PROXY_MORE
						 : parse_line(in, h, why_r);
	if (begins(in, signature, sizeof(signature)))
		return parse_binary(in, h, why_r);
	return bad(why_r, "no header of the PROXY protocol");
}
