/*
 * trust/check_results.c - the Authentication-Results field (RFC 8601, 2.2;
 * RFC 8617, 8; RFC 7489, 11). What strangers wrote is quoted where it must be.
 */
#include "base/str.h"
#include "trust/check_priv.h"

enum { B_SHOWN = 8 }; /* of a signature (RFC 6008) */

/* A token of RFC 2045, without what programs stumble over. */
static bool
is_plain(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    (s.p[i] == '\0' || strchr("-._+", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

static void
put_quoted(struct buf *out, struct pst_str s)
{
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(
		    out, s.p[i] < ' ' || s.p[i] > '~' ? '?' : s.p[i]);
	}
	(void)buf_putc(out, '"');
}

static void
put_value(struct buf *out, struct pst_str s)
{
	if (is_plain(s))
		(void)buf_add_str(out, s);
	else
		put_quoted(out, s);
}

static void
put_property(struct buf *out, const char *name, struct pst_str value)
{
	(void)buf_printf(out, "\r\n\t %s=", name);
	put_value(out, value);
}

static void
put_method(
    struct buf *out, const char *method, const char *result, const char *reason)
{
	(void)buf_printf(out, ";\r\n\t%s=%s", method, result);
	if (reason == NULL || *reason == '\0')
		return;
	(void)buf_puts(out, " reason=");
	put_quoted(out, str_of(reason));
}

/* The address as it is where it needs no quotes, else its domain. */
static void
put_sender(const struct trust_check *c, struct buf *out)
{
	size_t at = strlen(c->from);
	struct pst_str local;

	while (at > 0 && c->from[at - 1] != '@')
		at--;
	local = str_n(c->from, at > 0 ? at - 1 : 0);
	(void)buf_puts(out, "\r\n\t smtp.mailfrom=");
	if (is_plain(local) && is_plain(str_of(c->domain)))
		(void)buf_printf(out, "%.*s@", STR_ARG(local));
	put_value(out, str_of(c->domain));
}

static void
put_spf(const struct trust_check *c, struct buf *out)
{
	bool error = c->spf.result == SPF_TEMPERROR ||
		     c->spf.result == SPF_PERMERROR;

	if (c->cfg->trust.spf == CONFIG_SPF_OFF || c->domain == NULL)
		return;
	put_method(out, "spf", spf_result_name(c->spf.result),
	    error ? c->spf.reason : NULL);
	if (c->by_helo)
		put_property(out, "smtp.helo", str_of(c->domain));
	else
		put_sender(c, out);
}

static void
put_signature(const struct dkim_signature *sig, struct buf *out)
{
	put_method(out, "dkim", dkim_result_name(sig->result), sig->reason);
	if (sig->testing)
		(void)buf_puts(out, " (test mode)");
	if (sig->domain != NULL)
		put_property(out, "header.d", str_of(sig->domain));
	if (sig->selector != NULL)
		put_property(out, "header.s", str_of(sig->selector));
	if (sig->b_text.p == NULL)
		return;
	put_property(
	    out, "header.a", str_of(dkim_algorithm_name(sig->algorithm)));
	(void)buf_puts(out, "\r\n\t header.b=");
	put_quoted(out, str_first(sig->b_text, B_SHOWN));
}

static void
put_dkim(const struct trust_check *c, struct buf *out)
{
	for (size_t i = 0; i < c->sigs; i++)
		put_signature(&c->sig[i], out);
	if (c->sigs == 0)
		put_method(out, "dkim", "none",
		    c->header.too_large ? "the header is too large" : NULL);
	else if (c->more_sigs > 0)
		(void)buf_printf(
		    out, " (%zu more were not verified)", c->more_sigs);
}

static void
put_arc(const struct trust_check *c, struct buf *out)
{
	if (c->arc.set == NULL)
		return;
	put_method(out, "arc", arc_result_name(c->arc.result), c->arc.reason);
	if (c->arc.result == ARC_PASS)
		(void)buf_printf(out, " (i=%zu)", c->arc.sets);
	put_property(out, "smtp.remote-ip", str_of(c->peer));
}

static void
put_dmarc(const struct trust_check *c, struct buf *out)
{
	static const char *const done[] = { "none", "quarantine", "reject",
		"none" };

	if (c->cfg->trust.dmarc == CONFIG_DMARC_OFF)
		return;
	put_method(out, "dmarc", dmarc_result_name(c->dmarc.result), NULL);
	if (c->dmarc.result == DMARC_PASS || c->dmarc.result == DMARC_FAIL)
		(void)buf_printf(out, " (p=%s dis=%s%s)",
		    dmarc_policy_name(c->dmarc.policy), done[c->action],
		    c->overridden ? ", trusted ARC" : "");
	if (c->dmarc.domain != NULL)
		put_property(out, "header.from", str_of(c->dmarc.domain));
}

void
check_put_results(const struct trust_check *c, struct buf *out)
{
	(void)buf_printf(out, "Authentication-Results: %s", c->cfg->hostname);
	put_spf(c, out);
	put_dkim(c, out);
	put_arc(c, out);
	put_dmarc(c, out);
	(void)buf_puts(out, "\r\n");
	if (out->overflow) /* a peer's names are bounded, so it never does */
		buf_clear(out);
}
