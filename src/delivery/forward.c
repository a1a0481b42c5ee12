/*
 * delivery/forward.c - see forward.h.
 */
#include "delivery/forward.h"

#include "base/clock.h"
#include "base/str.h"
#include "delivery/srs_keys.h"
#include "message/address.h"

enum { PATH_MAX_OCTETS = 512, DAY_SECONDS = 86400 };

static struct pst_str
domain_of(struct pst_str address)
{
	size_t i = address.n;

	while (i > 0 && address.p[i - 1] != '@')
		i--;
	return i > 0 ? str_from(address, i) : STR_NONE;
}

static enum pst_rc
is_our_domain(const struct services *sv, const struct config *cfg,
    struct pst_str domain, struct pst_error *err)
{
	if (str_is_case(domain, cfg->forward.srs_domain))
		return PST_OK;
	return domain_is_local(sv->accounts, domain, err);
}

/* Quoted where it must be. */
static bool
print(struct pst_str local, struct pst_str domain, struct buf *out)
{
	const struct msg_address ad = {
		.kind = MSG_ADDRESS, .mailbox = local, .host = domain
	};

	return msg_address_print(&ad, out);
}

/* A path that can go out again: what the other side made of it is not. */
static bool
print_checked(struct pst_str local, struct pst_str domain, struct buf *out)
{
	struct arena *a = arena_new(8192);
	struct pst_str unused, none;
	size_t before = out->n;
	bool good;

	good = print(local, domain, out) &&
	       msg_smtp_mailbox(
		   a, str_from(buf_str(out), before), true, &unused, &none);
	arena_free(&a);
	return good;
}

static enum pst_rc
read_original(const struct services *sv, const struct config *cfg,
    struct pst_str local, struct buf *out, struct pst_error *err)
{
	struct pst_str domain = STR_NONE;
	enum srs_result result;
	struct buf original;
	struct srs srs;
	bool good = false;

	srs_keys_get(sv->srs, &srs);
	buf_init(&original, PATH_MAX_OCTETS);
	result = srs_read(&srs, local, cfg->forward.srs_age / DAY_SECONDS,
	    clock_seconds(), &original, &domain);
	if (result == SRS_GOOD)
		good = print_checked(buf_str(&original), domain, out);
	buf_fini(&original);
	explicit_bzero(&srs, sizeof(srs));
	if (good)
		return PST_OK;
	return pst_fail(err, PST_E_DENIED, 0,
	    result == SRS_EXPIRED ? "a return address that has expired"
				  : "a return address that is not from here");
}

enum pst_rc
forward_original(const struct services *sv, const struct config *cfg,
    struct pst_str address, struct buf *original_r, struct pst_error *err)
{
	struct pst_str local, domain;
	struct arena *a;
	enum pst_rc rc = PST_E_NOTFOUND;

	/* Most addresses cannot be one, in quotes or without. */
	if (sv->srs == NULL || (!str_has_prefix_case(address, "SRS") &&
				   !str_has_prefix_case(address, "\"SRS")))
		return rc;
	a = arena_new(8192);
	if (msg_smtp_mailbox(a, address, true, &local, &domain) &&
	    srs_is(local)) {
		rc = is_our_domain(sv, cfg, domain, err);
		if (rc == PST_OK)
			rc = read_original(sv, cfg, local, original_r, err);
	}
	arena_free(&a);
	return rc;
}

/* `out` stays empty when it cannot be. */
static void
rewrite(const struct services *sv, const struct config *cfg,
    struct pst_str forwarder, struct pst_str sender, struct buf *out)
{
	struct pst_str local, domain, ours = str_of(cfg->forward.srs_domain);
	struct arena *a = arena_new(8192);
	struct buf text;
	struct srs srs;

	if (ours.n == 0)
		ours = domain_of(forwarder);
	srs_keys_get(sv->srs, &srs);
	buf_init(&text, PATH_MAX_OCTETS);
	if (msg_smtp_mailbox(a, sender, true, &local, &domain) &&
	    srs_write(&srs, local, domain, clock_seconds(), &text) &&
	    !print(buf_str(&text), ours, out))
		buf_clear(out);
	buf_fini(&text);
	explicit_bzero(&srs, sizeof(srs));
	arena_free(&a);
}

enum pst_rc
forward_sender(const struct services *sv, const struct config *cfg,
    struct pst_str forwarder, struct pst_str sender, struct buf *out,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	buf_clear(out);
	if (sender.n > 0 && sv->srs != NULL)
		rc = is_our_domain(sv, cfg, domain_of(sender), err);
	if (rc == PST_E_NOTFOUND) {
		rewrite(sv, cfg, forwarder, sender, out);
		rc = PST_OK;
	}
	if (rc == PST_OK && out->n == 0)
		(void)buf_add_str(out, sender);
	return rc;
}

void
forward_mark(struct pst_str forwarder, struct buf *out)
{
	(void)buf_printf(out, "Delivered-To: %.*s\r\n", STR_ARG(forwarder));
}

bool
forward_came_back(struct pst_str forwarder, struct pst_str seen)
{
	struct pst_str value;

	while (str_split(&seen, '\0', &value)) {
		value = str_trim(value);
		if (value.n > 1 && value.p[0] == '<' &&
		    value.p[value.n - 1] == '>')
			value = str_n(value.p + 1, value.n - 2);
		if (str_eq_case(value, forwarder))
			return true;
	}
	return false;
}
