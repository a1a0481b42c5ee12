/*
 * delivery/srs.c - see srs.h.
 */
#include "delivery/srs.h"

#include "base/str.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum {
	TAG = 4, /* "SRS0" */
	DAY = 2, /* characters */
	SECONDS = 86400,
	COVERED_MAX = 1024,
};

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* '=' is what everybody writes; '+' and '-' may follow the tag, too. */
static bool
is_separator(char c)
{
	return c == '=' || c == '+' || c == '-';
}

bool
srs_is(struct pst_str local)
{
	return local.n > TAG &&
	       (str_has_prefix_case(local, "SRS0") ||
		   str_has_prefix_case(local, "SRS1")) &&
	       is_separator(local.p[TAG]);
}

/* --- the hash ---------------------------------------------------------------
 */

/* Of the kind, '0' or '1', and of all that follows the hash, without case. */
static bool
make_hash(const unsigned char key[SRS_KEY], char kind, struct pst_str covered,
    char out[SRS_HASH])
{
	unsigned char mac[32];
	char text[COVERED_MAX];

	if (covered.n + 1 > sizeof(text))
		return false;
	text[0] = kind;
	for (size_t i = 0; i < covered.n; i++)
		text[i + 1] = ascii_lower(covered.p[i]);
	if (gnutls_hmac_fast(
		GNUTLS_MAC_SHA256, key, SRS_KEY, text, covered.n + 1, mac) < 0)
		return false;
	for (size_t i = 0; i < SRS_HASH; i++)
		out[i] = base32[mac[i] & 31];
	return true;
}

/* In the same time whatever is wrong. */
static bool
is_same_hash(const char want[SRS_HASH], struct pst_str have)
{
	unsigned differs = 0;

	for (size_t i = 0; i < SRS_HASH; i++)
		differs |= (unsigned char)want[i] ^
			   (unsigned char)ascii_upper(have.p[i]);
	return differs == 0;
}

static bool
is_ours(
    const struct srs *s, char kind, struct pst_str have, struct pst_str covered)
{
	bool good = false;
	char want[SRS_HASH];

	if (have.n != SRS_HASH)
		return false;
	for (size_t i = 0; i < s->keys; i++)
		if (make_hash(s->key[i], kind, covered, want))
			good |= is_same_hash(want, have);
	return good;
}

/* --- the day ----------------------------------------------------------------
 */

static void
put_day(int64_t now, struct buf *out)
{
	unsigned day = (unsigned)(now / SECONDS % SRS_DAYS);

	(void)buf_putc(out, base32[day >> 5]);
	(void)buf_putc(out, base32[day & 31]);
}

/* Days since then; -1: not a day. */
static int64_t
days_since(struct pst_str text, int64_t now)
{
	unsigned day = 0;

	if (text.n != DAY)
		return -1;
	for (size_t i = 0; i < DAY; i++) {
		const char *at = memchr(
		    base32, ascii_upper(text.p[i]), sizeof(base32) - 1);

		if (at == NULL)
			return -1;
		day = day << 5 | (unsigned)(at - base32);
	}
	return (now / SECONDS - (int64_t)day + SRS_DAYS) % SRS_DAYS;
}

/* --- writing ----------------------------------------------------------------
 */

static bool
put(const struct srs *s, char kind, struct pst_str covered, struct buf *out)
{
	char hash[SRS_HASH];

	if (TAG + 1 + SRS_HASH + 1 + covered.n > SRS_LOCAL_MAX ||
	    !make_hash(s->key[0], kind, covered, hash))
		return false;
	(void)buf_puts(out, "SRS");
	(void)buf_putc(out, kind);
	(void)buf_putc(out, '=');
	(void)buf_add(out, hash, SRS_HASH);
	(void)buf_putc(out, '=');
	return buf_add_str(out, covered);
}

/* What is behind the hash of an SRS1: it stays as it is. Empty: none. */
static struct pst_str
behind_hash(struct pst_str local)
{
	struct pst_str rest = str_from(local, TAG + 1);
	struct pst_str later = str_from(rest, str_find(rest, '=') + 1);

	size_t at = str_find(later, '=');

	/* The first server, and what it wrote. */
	return at > 0 && at + 1 < later.n && is_separator(later.p[at + 1])
		   ? later
		   : STR_NONE;
}

bool
srs_write(const struct srs *s, struct pst_str local, struct pst_str domain,
    int64_t now, struct buf *out)
{
	struct pst_str later;
	struct buf covered;
	bool good;

	if (s->keys == 0 || local.n == 0 || domain.n == 0 ||
	    str_find(domain, '=') < domain.n)
		return false;
	if (srs_is(local) && local.p[TAG - 1] == '1') {
		later = behind_hash(local);
		if (later.n > 0)
			return put(s, '1', later, out);
	}
	buf_init(&covered, COVERED_MAX);
	if (srs_is(local) && local.p[TAG - 1] == '0') {
		(void)buf_add_str(&covered, domain);
		(void)buf_putc(&covered, '=');
		(void)buf_add_str(&covered, str_from(local, TAG));
		good = !covered.overflow && put(s, '1', buf_str(&covered), out);
	} else {
		put_day(now, &covered);
		(void)buf_putc(&covered, '=');
		(void)buf_add_str(&covered, domain);
		(void)buf_putc(&covered, '=');
		(void)buf_add_str(&covered, local);
		good = !covered.overflow && put(s, '0', buf_str(&covered), out);
	}
	buf_fini(&covered);
	return good && !out->overflow;
}

/* --- reading ----------------------------------------------------------------
 */

static enum srs_result
read_first(struct pst_str rest, int64_t age, int64_t now, struct buf *local_r,
    struct pst_str *domain_r)
{
	struct pst_str day, domain;
	int64_t days;

	if (!str_split(&rest, '=', &day) || !str_split(&rest, '=', &domain) ||
	    domain.n == 0 || rest.n == 0)
		return SRS_FORGED;
	days = days_since(day, now);
	if (days < 0)
		return SRS_FORGED;
	/* The clock of the server that wrote it may be a day ahead. */
	if (days > age && days != SRS_DAYS - 1)
		return SRS_EXPIRED;
	*domain_r = domain;
	return buf_add_str(local_r, rest) ? SRS_GOOD : SRS_FORGED;
}

static enum srs_result
read_later(struct pst_str rest, struct buf *local_r, struct pst_str *domain_r)
{
	struct pst_str domain;

	if (!str_split(&rest, '=', &domain) || domain.n == 0 || rest.n == 0 ||
	    !is_separator(rest.p[0]))
		return SRS_FORGED;
	*domain_r = domain;
	return buf_puts(local_r, "SRS0") && buf_add_str(local_r, rest)
		   ? SRS_GOOD
		   : SRS_FORGED;
}

enum srs_result
srs_read(const struct srs *s, struct pst_str text, int64_t age, int64_t now,
    struct buf *local_r, struct pst_str *domain_r)
{
	struct pst_str rest, hash;
	char kind;

	if (!srs_is(text))
		return SRS_NONE;
	kind = text.p[TAG - 1];
	rest = str_from(text, TAG + 1);
	if (!str_split(&rest, '=', &hash) || !is_ours(s, kind, hash, rest))
		return SRS_FORGED;
	return kind == '0' ? read_first(rest, age, now, local_r, domain_r)
			   : read_later(rest, local_r, domain_r);
}
