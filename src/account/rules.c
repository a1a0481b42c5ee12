/*
 * account/rules.c - see rules.h.
 *
 * The file of common passwords has words; what people make of them to please
 * rules (capitals, digits for letters, a year and an exclamation mark) is taken
 * off before a password is looked for, so some hundred words stand for many
 * thousand passwords.
 */
#include "account/rules.h"

#include "account/private.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <gnutls/gnutls.h>

enum {
	LINE = 128,
	EXTRA = 8, /* characters around a known word that make it no better */
	WORD = 4,  /* shorter ones may be part of anything */
};

/* RFC 2142, and what people would take for the server's own. */
static const char *const reserved[] = { "abuse", "admin", "administrator",
	"autoconfig", "autodiscover", "billing", "daemon", "dmarc", "dns",
	"ftp", "help", "hostmaster", "imap", "info", "localhost", "mail",
	"mailer-daemon", "marketing", "mta-sts", "news", "no-reply", "nobody",
	"noc", "noreply", "pop", "pop3", "postmaster", "root", "sales",
	"security", "smtp", "ssladmin", "sslwebmaster", "support", "sysadmin",
	"tlsrpt", "usenet", "uucp", "webmaster", "www" };

bool
rules_is_reserved(const char *address)
{
	struct pst_str local = str_first(
	    str_of(address), str_find(str_of(address), '@'));

	local = str_first(local, str_find(local, '+'));
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (str_is_case(local, reserved[i]))
			return true;
	return false;
}

/* --- what a password is made of ---------------------------------------------
 */

static char
plain_letter(char c)
{
	static const char from[] = "0134578@$!|", to[] = "oieastbasii";
	const char *at = strchr(from, c);

	return at != NULL && *at != '\0' ? to[at - from] : ascii_lower(c);
}

static bool
is_letter(char c)
{
	return ascii_is_alpha(c) || (unsigned char)c >= 0x80;
}

/* Without digits and marks at both ends, in small letters. Those that stand for
 * letters at an end go, too: it is the same word. */
static void
take_stem(const char *password, char stem[ACCOUNT_PASSWORD + 1])
{
	size_t n = strlen(password), from = 0, k = 0;

	while (n > 0 && !is_letter(password[n - 1]))
		n--;
	while (from < n && !is_letter(password[from]))
		from++;
	for (; from < n; from++)
		stem[k++] = plain_letter(password[from]);
	stem[k] = '\0';
}

static void
take_whole(const char *password, char whole[ACCOUNT_PASSWORD + 1])
{
	size_t n = strlen(password);

	for (size_t i = 0; i < n; i++)
		whole[i] = plain_letter(password[i]);
	whole[n] = '\0';
}

/* "abcdefgh", "98765432", "aaaaaaaa" */
static bool
is_sequence(const char *s)
{
	int step = s[1] - s[0];

	if (step < -1 || step > 1)
		return false;
	for (size_t i = 1; s[i] != '\0'; i++)
		if (s[i] - s[i - 1] != step)
			return false;
	return true;
}

/* The length of what is repeated: of "abcabcab" 3. */
static size_t
period_of(const char *s)
{
	size_t n = strlen(s);

	for (size_t p = 1; p <= n / 2; p++)
		if (memcmp(s, s + p, n - p) == 0)
			return p;
	return n;
}

/* --- words that anybody would try -------------------------------------------
 */

struct forms {
	char lower[ACCOUNT_PASSWORD + 1]; /* in small letters */
	char whole[ACCOUNT_PASSWORD + 1]; /* digits are letters, too */
	char stem[ACCOUNT_PASSWORD + 1];
};

static bool
is_made_of(const struct forms *f, struct pst_str word)
{
	return str_eq(str_of(f->lower), word) ||
	       str_eq(str_of(f->whole), word) ||
	       (str_eq(str_of(f->stem), word) &&
		   strlen(f->lower) < word.n + EXTRA);
}

static bool
is_common(const struct config *cfg, const struct forms *f)
{
	char line[LINE];
	bool found = false;
	FILE *file;

	if (cfg->auth.common_passwords[0] == '\0')
		return false;
	file = fopen(cfg->auth.common_passwords, "re");
	if (file == NULL) {
		log_event(PST_LOG_WARNING, 0, "common-passwords", "file",
		    cfg->auth.common_passwords, "text", strerror(errno), NULL);
		return false;
	}
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		struct pst_str word = str_trim(str_of(line));

		found = word.n > 0 && word.p[0] != '#' && is_made_of(f, word);
	}
	(void)fclose(file);
	return found;
}

/* The words of an address or a name. */
static bool
has_own_word(const struct forms *f, struct pst_str text)
{
	size_t n = strlen(f->lower);

	while (text.n > 0) {
		size_t end = 0;
		struct pst_str word;

		while (end < text.n && is_letter(text.p[end]))
			end++;
		word = str_first(text, end);
		text = str_from(text, end + 1);
		if (word.n >= WORD && n < word.n + EXTRA &&
		    (str_find_case(str_of(f->lower), word) != SIZE_MAX ||
			str_find_case(str_of(f->whole), word) != SIZE_MAX))
			return true;
	}
	return false;
}

static enum pst_rc
refuse(struct pst_error *err, const char *why)
{
	return pst_fail(err, PST_E_SYNTAX, 0, "%s", why);
}

static enum pst_rc
check_words(const struct config *cfg, const char *address, const char *name,
    const char *prepared, struct forms *f, struct pst_error *err)
{
	size_t n = strlen(prepared), period;

	for (size_t i = 0; i <= n; i++)
		f->lower[i] = ascii_lower(prepared[i]);
	period = period_of(f->lower);
	if (is_sequence(f->lower) || period < WORD)
		return refuse(err,
		    "This password is a row or a repetition: choose another.");
	take_whole(prepared, f->whole);
	take_stem(prepared, f->stem);
	if (is_common(cfg, f))
		return refuse(err,
		    "This password is one of those that are tried first: "
		    "choose another, such as a few words that only you put "
		    "together.");
	if (has_own_word(f, str_of(address)) || has_own_word(f, str_of(name)))
		return refuse(err,
		    "This password is made of your name or address: choose "
		    "another.");
	if (period == n)
		return PST_OK;
	/* A word that is repeated is as good as the word. */
	f->lower[period] = f->whole[period] = '\0';
	(void)str_copy(f->stem, sizeof(f->stem), str_of(f->whole));
	if (is_common(cfg, f) || has_own_word(f, str_of(address)))
		return refuse(err,
		    "This password is a repetition of a word: choose another.");
	return PST_OK;
}

static size_t
count_characters(const char *utf8)
{
	size_t n = 0;

	for (; *utf8 != '\0'; utf8++)
		n += ((unsigned char)*utf8 & 0xc0) != 0x80;
	return n;
}

int64_t
rules_password_least(const struct config *cfg)
{
	return cfg->auth.password_length > 8 ? cfg->auth.password_length : 8;
}

enum pst_rc
rules_password(const struct config *cfg, const char *address, const char *name,
    struct pst_str password, struct pst_error *err)
{
	char prepared[ACCOUNT_PASSWORD + 1];
	struct forms f;
	int64_t least = rules_password_least(cfg);
	enum pst_rc rc;
	size_t n;

	if (password.n == 0 || !account_password_prepare(password, prepared))
		return password.n > ACCOUNT_PASSWORD
			   ? pst_fail(err, PST_E_LIMIT, 0,
				 "This password is too long.")
			   : refuse(err, "This cannot be a password: it is "
					 "empty or has "
					 "characters that cannot be typed.");
	n = count_characters(prepared);
	if ((int64_t)n < least)
		rc = pst_fail(err, PST_E_LIMIT, 0,
		    "A password has at least %lld characters.",
		    (long long)least);
	else if (n > RULES_PASSWORD_MOST)
		rc = pst_fail(err, PST_E_LIMIT, 0,
		    "A password has at most %d characters.",
		    RULES_PASSWORD_MOST);
	else
		rc = check_words(cfg, address, name, prepared, &f, err);
	gnutls_memset(prepared, 0, sizeof(prepared));
	gnutls_memset(&f, 0, sizeof(f));
	return rc;
}
