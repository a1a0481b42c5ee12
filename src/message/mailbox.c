/*
 * message/mailbox.c - single addresses: written as RFC 5322 wants them, and
 * read as strictly as RFC 5321, 4.1.2 (RFC 6531, 3.3 with UTF-8) has them.
 */
#include <arpa/inet.h>

#include "base/str.h"
#include "message/address.h"
#include "message/internal.h"

/* RFC 5321, 4.5.3.1.1 has 64 for local parts; the return addresses of mailing
 * lists and forwarders (VERP, SRS) are longer. */
enum { LOCAL_MAX = 128, DOMAIN_MAX = 255, LABEL_MAX = 63 };

/* atext (RFC 5322, 3.2.3), with UTF-8 (RFC 6532, 3.2). */
static bool
is_atext(char c)
{
	return (unsigned char)c >= 0x80 || ascii_is_alpha(c) ||
	       ascii_is_digit(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_string(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (i == 0 || i + 1 == s.n || s.p[i - 1] == '.')
				return false;
		} else if (!is_atext(s.p[i])) {
			return false;
		}
	}
	return s.n > 0;
}

/* A line end would end the field or the command; a domain literal that is not
 * closed can have one. */
static void
put_safe(struct pst_str text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n' && text.p[i] != '\0')
			(void)buf_putc(out, text.p[i]);
}

bool
msg_address_print(const struct msg_address *ad, struct buf *out)
{
	struct pst_str local = ad->mailbox;

	if (is_dot_string(local)) {
		(void)buf_add_str(out, local);
	} else {
		(void)buf_putc(out, '"');
		for (size_t i = 0; i < local.n; i++) {
			char c = local.p[i];

			if (c == '"' || c == '\\')
				(void)buf_putc(out, '\\');
			/* A line end would end the field or the command. */
			if (c != '\r' && c != '\n' && c != '\0')
				(void)buf_putc(out, c);
		}
		(void)buf_putc(out, '"');
	}
	if (ad->host.n > 0) {
		(void)buf_putc(out, '@');
		put_safe(ad->host, out);
	}
	return !out->overflow;
}

/* Moves *p behind the quoted string and unquotes it into `out`, which has room
 * for all of it. */
static bool
take_quoted_local(const char **p, const char *end, char *out, size_t *n_r)
{
	const char *at = *p + 1;
	size_t n = 0;

	for (; at < end && *at != '"'; at++) {
		bool escaped = *at == '\\';

		if (escaped && ++at == end)
			return false;
		/* A quoted-pairSMTP has no UTF-8. */
		if ((unsigned char)*at < ' ' || *at == 127 ||
		    (escaped && (unsigned char)*at >= 0x80))
			return false;
		out[n++] = *at;
	}
	if (at >= end)
		return false;
	*p = at + 1;
	*n_r = n;
	return true;
}

static bool
is_label(struct pst_str s)
{
	if (s.n == 0 || s.n > LABEL_MAX || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' &&
		    (unsigned char)c < 0x80)
			return false;
	}
	return true;
}

static bool
is_domain(struct pst_str s)
{
	size_t start = 0;

	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '.')
			continue;
		if (!is_label(str_n(s.p + start, i - start)))
			return false;
		start = i + 1;
	}
	return true;
}

/* "[1.2.3.4]" or "[IPv6:...]" (RFC 5321, 4.1.3). No other tag is registered. */
static bool
is_address_literal(struct pst_str s)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[sizeof(struct in6_addr)];
	int family = AF_INET;

	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	s = str_n(s.p + 1, s.n - 2);
	if (str_has_prefix_case(s, "IPv6:")) {
		s = str_from(s, 5);
		family = AF_INET6;
	}
	if (memchr(s.p, '\0', s.n) != NULL || !str_copy(text, sizeof(text), s))
		return false;
	return inet_pton(family, text, address) == 1;
}

bool
msg_smtp_mailbox(struct arena *a, struct pst_str text, bool utf8,
    struct pst_str *local_r, struct pst_str *domain_r)
{
	const char *p = text.p, *end = p + text.n;
	char unquoted[LOCAL_MAX * 2 + 2];
	struct pst_str local, domain;

	if (text.n < 3 || text.n > LOCAL_MAX * 2 + 2 + 1 + DOMAIN_MAX)
		return false;
	if (!str_is_ascii(text) && (!utf8 || !str_is_utf8(text)))
		return false;
	if (*p == '"') {
		size_t n;

		if (text.n > sizeof(unquoted))
			end = p + sizeof(unquoted);
		if (!take_quoted_local(&p, end, unquoted, &n))
			return false;
		end = text.p + text.n;
		local = str_n(unquoted, n);
	} else {
		while (p < end && *p != '@')
			p++;
		local = str_n(text.p, (size_t)(p - text.p));
		if (!is_dot_string(local))
			return false;
	}
	if (local.n > LOCAL_MAX || p == end || *p != '@')
		return false;
	domain = str_from(text, (size_t)(p + 1 - text.p));
	if (domain.n == 0 || domain.n > DOMAIN_MAX ||
	    !(is_domain(domain) || is_address_literal(domain)))
		return false;
	*local_r = arena_copy(a, local);
	*domain_r = domain;
	return local_r->p != NULL;
}
