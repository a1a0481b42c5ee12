/*
 * account/address.c - the one form of an address that accounts are matched by:
 * the local part in lower case (ASCII) and NFC, without needless quotes (RFC
 * 5321, 4.1.2; RFC 6531, 3.3), the domain in lower case with A-labels (RFC
 * 5890). Pure.
 */
#include "account/private.h"

#include "base/str.h"
#include <idn2.h>
#include <stdlib.h>
#include <uninorm.h>

enum { LOCAL_MAX = 64, DOMAIN_MAX = 253, LABEL_MAX = 63, INPUT_MAX = 1024 };

static bool
is_atext(unsigned char c)
{
	return c >= 0x80 || ascii_is_alpha((char)c) ||
	       ascii_is_digit((char)c) ||
	       (c > ' ' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_atom(struct pst_str s)
{
	bool need = true; /* an atext next */

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '.' && !is_atext((unsigned char)s.p[i]))
			return false;
		if (s.p[i] == '.' && need)
			return false;
		need = s.p[i] == '.';
	}
	return !need;
}

/* C1 controls (U+0080 to U+009F) are no part of any name. */
static bool
has_control(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < s.n &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			return true;
	}
	return false;
}

/* Takes the quotes off: `*n_r` octets of the address are the quoted string. */
static bool
unquote(struct pst_str address, struct buf *out, size_t *n_r)
{
	for (size_t i = 1; i < address.n; i++) {
		char c = address.p[i];

		if (c == '"') {
			*n_r = i + 1;
			return true;
		}
		if (c == '\\' && ++i < address.n)
			c = address.p[i];
		if (!buf_putc(out, c))
			return false;
	}
	return false;
}

static bool
put_quoted(struct pst_str content, struct buf *out)
{
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < content.n; i++) {
		if (content.p[i] == '"' || content.p[i] == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, content.p[i]);
	}
	return buf_putc(out, '"');
}

static bool
normalise_nfc(struct pst_str s, struct buf *out)
{
	size_t n = 0;
	uint8_t *nfc;
	bool fits;

	if (s.n == 0)
		return true;
	if (str_is_ascii(s))
		return buf_add_str(out, s);
	nfc = u8_normalize(UNINORM_NFC, (const uint8_t *)s.p, s.n, NULL, &n);
	if (nfc == NULL)
		return false;
	fits = buf_add(out, nfc, n);
	free(nfc);
	return fits;
}

/* `content` is what stood between the quotes, or a dot-atom. */
static bool
clean_local(struct pst_str content, bool fold, struct buf *out)
{
	struct buf nfc;
	bool good;

	if (!str_is_utf8(content) || has_control(content))
		return false;
	buf_init(&nfc, LOCAL_MAX);
	good = normalise_nfc(content, &nfc);
	if (good && is_dot_atom(buf_str(&nfc)))
		good = buf_add_str(out, buf_str(&nfc));
	else
		good = good && put_quoted(buf_str(&nfc), out);
	buf_fini(&nfc);
	for (size_t i = 0; good && fold && i < out->n; i++)
		out->p[i] = ascii_lower(out->p[i]);
	return good;
}

/* Letters, digits and inner hyphens; labels of 1 to 63 octets. */
static bool
is_hostname(struct pst_str s)
{
	struct pst_str label;

	if (s.n == 0 || s.n > DOMAIN_MAX || s.p[s.n - 1] == '.')
		return false;
	while (str_split(&s, '.', &label)) {
		if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++) {
			if (!ascii_is_alpha(label.p[i]) &&
			    !ascii_is_digit(label.p[i]) && label.p[i] != '-')
				return false;
		}
	}
	return true;
}

bool
account_clean_domain(struct pst_str domain, char out[256])
{
	char *text, *ascii = NULL;
	bool good;

	out[0] = '\0';
	if (domain.n == 0 || domain.n > INPUT_MAX)
		return false;
	if (str_is_ascii(domain)) {
		if (!is_hostname(domain))
			return false;
		for (size_t i = 0; i < domain.n; i++)
			out[i] = ascii_lower(domain.p[i]);
		out[domain.n] = '\0';
		return true;
	}
	if (!str_is_utf8(domain))
		return false;
	text = str_dup(domain);
	/* Not IDN2_USE_STD3_ASCII_RULES: that drops what does not belong there
	 * in silence, and is_hostname() refuses it. */
	good = idn2_to_ascii_8z(text, &ascii,
		   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
	       str_is_ascii(str_of(ascii)) && is_hostname(str_of(ascii)) &&
	       str_copy(out, ACCOUNT_DOMAIN, str_of(ascii));
	idn2_free(ascii);
	free(text);
	return good;
}

bool
account_clean(struct pst_str address, bool fold, char out[321])
{
	struct buf content, local;
	char domain[ACCOUNT_DOMAIN];
	size_t n = 0;
	bool good;

	out[0] = '\0';
	if (address.n < 3 || address.n > INPUT_MAX)
		return false;
	buf_init(&content, INPUT_MAX);
	buf_init(&local, LOCAL_MAX);
	if (address.p[0] == '"') {
		good = unquote(address, &content, &n);
	} else {
		n = str_find(address, '@');
		good = is_dot_atom(str_first(address, n)) &&
		       buf_add_str(&content, str_first(address, n));
	}
	good = good && n < address.n && address.p[n] == '@' &&
	       clean_local(buf_str(&content), fold, &local) &&
	       account_clean_domain(str_from(address, n + 1), domain);
	if (good)
		(void)snprintf(out, ACCOUNT_ADDRESS, "%.*s@%s",
		    STR_ARG(buf_str(&local)), domain);
	buf_fini(&local);
	buf_fini(&content);
	return good;
}

bool
account_normalise(struct pst_str address, char out[321])
{
	return account_clean(address, true, out);
}

const char *
account_domain_of(const char *address)
{
	/* A quoted local part may contain '@', a domain never. */
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "";
}

bool
account_login_name(struct pst_str name, const char *domain, char out[321])
{
	struct buf full;
	bool good;

	if (str_find(name, '@') < name.n)
		return account_clean(name, true, out);
	buf_init(&full, INPUT_MAX);
	good = domain[0] != '\0' && buf_add_str(&full, name) &&
	       buf_putc(&full, '@') && buf_puts(&full, domain) &&
	       account_clean(buf_str(&full), true, out);
	if (!good)
		out[0] = '\0';
	buf_fini(&full);
	return good;
}
