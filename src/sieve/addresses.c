/*
 * sieve/addresses.c - the tests `address` and `envelope`, and their parts of
 * addresses (RFC 5228, 2.7.4, 5.1 and 5.4; RFC 5233); addresses to send to.
 */
#include "base/str.h"
#include "message/address.h"
#include "sieve/run.h"

enum { ADDRESSES_MAX = 16384 }; /* of one field */

/* Fields that have addresses; the test looks at no others. */
static const char *const address_fields[] = { "apparently-to", "author", "bcc",
	"cc", "delivered-to", "disposition-notification-to", "envelope-from",
	"envelope-to", "errors-to", "from", "mail-followup-to", "mail-reply-to",
	"reply-to", "resent-bcc", "resent-cc", "resent-from", "resent-reply-to",
	"resent-sender", "resent-to", "return-path", "return-receipt-to",
	"sender", "to", "x-delivered-to", "x-envelope-from", "x-envelope-to",
	"x-forwarded-for", "x-forwarded-to", "x-original-to" };

static bool
has_addresses(struct pst_str name)
{
	size_t n = sizeof(address_fields) / sizeof(address_fields[0]);

	for (size_t i = 0; i < n; i++)
		if (str_is_case(name, address_fields[i]))
			return true;
	return false;
}

/* Where the detail is set off; false: there is none. */
static bool
split_detail(struct run *r, struct pst_str local, struct pst_str *user_r,
    struct pst_str *detail_r)
{
	const char *separator = r->host->separator;
	size_t n, at;

	if (separator == NULL)
		separator = "+";
	n = strlen(separator);
	at = n > 0 ? str_find_case(local, str_n(separator, n)) : SIZE_MAX;
	*user_r = local;
	*detail_r = STR_NONE;
	/* As where mail is received: an address does not begin with it. */
	if (at == SIZE_MAX || at == 0)
		return false;
	*user_r = str_first(local, at);
	*detail_r = str_from(local, at + n);
	return true;
}

static struct pst_str
joined(struct run *r, struct pst_str local, struct pst_str domain)
{
	struct pst_str s;
	struct buf b;

	if (domain.p == NULL)
		return local;
	buf_init(&b, local.n + domain.n + 1);
	(void)buf_add_str(&b, local);
	(void)buf_putc(&b, '@');
	(void)buf_add_str(&b, domain);
	s = run_keep(r, &b);
	buf_fini(&b);
	return s;
}

/*
 * The part that the test is about. False: there is none; what is no address has
 * only :all (RFC 5228, 2.7.4), and what has no detail has no :detail (RFC 5233,
 * 4).
 */
static bool
part_of(struct run *r, enum sieve_tag part, struct pst_str local,
    struct pst_str domain, struct pst_str *part_r)
{
	struct pst_str user, detail;
	bool is_valid = local.n > 0 && domain.p != NULL, has_detail;

	switch (part) {
	case TAG_LOCALPART:
		*part_r = local;
		return is_valid;
	case TAG_DOMAIN:
		*part_r = domain;
		return is_valid;
	case TAG_USER:
	case TAG_DETAIL:
		has_detail = split_detail(r, local, &user, &detail);
		*part_r = part == TAG_USER ? user : detail;
		return is_valid && (part == TAG_USER || has_detail);
	default:
		*part_r = joined(r, local, domain);
		return true;
	}
}

/* True: the test is decided. */
static bool
match_address(struct match *m, struct pst_str local, struct pst_str domain)
{
	struct pst_str part;

	if (m->n->match == MATCH_COUNT)
		return match_value(m, local);
	return part_of(m->r, m->n->part, local, domain, &part) &&
	       match_value(m, part);
}

static bool
match_field(struct match *m, const struct msg_field *f)
{
	struct msg_address *ad;

	if (!run_look(m->r, f->value.n))
		return true;
	ad = msg_addresses(m->r->scratch, f->value, ADDRESSES_MAX);
	for (; ad != NULL; ad = ad->next)
		if (ad->kind == MSG_ADDRESS &&
		    match_address(m, ad->mailbox, ad->host))
			return true;
	return false;
}

bool
run_test_address(struct run *r, const struct sieve_node *n)
{
	struct strings names = run_strings(r, &n->arg[0]);
	struct fields f;
	struct match m;
	size_t kept = 0;

	for (size_t i = 0; i < names.n; i++)
		if (has_addresses(names.v[i]))
			names.v[kept++] = names.v[i];
	names.n = kept;
	f = run_fields(r, n, names);
	match_begin(&m, r, n, &n->arg[1]);
	for (size_t i = 0; i < f.n; i++)
		if (match_field(&m, f.v[i]))
			break;
	return match_end(&m);
}

/* --- envelope --------------------------------------------------------------
 */

/* "@a,@b:local@domain" has a source route, which MUST be dropped. */
static struct pst_str
without_route(struct pst_str path)
{
	size_t colon = str_find(path, ':');

	return path.n > 0 && path.p[0] == '@' && colon < path.n
		   ? str_from(path, colon + 1)
		   : path;
}

/* False: the envelope has no such part. */
static bool
path_of(struct run *r, struct pst_str part, struct pst_str *path_r)
{
	if (str_is_case(part, "from"))
		*path_r = r->m->from;
	else if (str_is_case(part, "to"))
		*path_r = r->m->to;
	else if (str_is_case(part, "auth"))
		*path_r = r->m->auth;
	else
		run_fail(r, "An envelope has no part \"%.*s\"",
		    STR_ARG(str_first(part, 100)));
	/* There is no sender only where it is known to be null. */
	return !r->failed && path_r->p != NULL &&
	       (path_r->n > 0 || str_is_case(part, "from"));
}

static bool
match_path(struct match *m, struct pst_str path)
{
	struct run *r = m->r;
	struct pst_str local, domain;

	path = without_route(path);
	/* The null reverse-path is "" in any part, and counts as none. */
	if (path.n == 0)
		return m->n->match != MATCH_COUNT && match_value(m, path);
	if (!msg_smtp_mailbox(r->scratch, path, true, &local, &domain)) {
		/* "postmaster" has no domain. */
		local = path;
		domain = STR_NONE;
	}
	return match_address(m, local, domain);
}

bool
run_test_envelope(struct run *r, const struct sieve_node *n)
{
	struct strings parts = run_strings(r, &n->arg[0]);
	struct match m;

	match_begin(&m, r, n, &n->arg[1]);
	for (size_t i = 0; i < parts.n && run_work(r, 1); i++) {
		struct pst_str path = STR_NONE;

		if (path_of(r, parts.v[i], &path) && match_path(&m, path))
			break;
	}
	return match_end(&m);
}

/* --- to send to ------------------------------------------------------------
 */

struct pst_str
run_address(struct run *r, struct pst_str text)
{
	struct msg_address *ad = msg_addresses(r->scratch, text, 2);
	struct pst_str address = STR_NONE, local, domain;
	struct buf b;

	buf_init(&b, 1024);
	if (ad != NULL && ad->kind == MSG_ADDRESS && ad->next == NULL &&
	    ad->route.p == NULL && ad->host.p != NULL &&
	    msg_address_print(ad, &b) &&
	    msg_smtp_mailbox(r->scratch, buf_str(&b), true, &local, &domain))
		address = run_keep(r, &b);
	else
		run_fail(
		    r, "\"%.*s\" is no address", STR_ARG(str_first(text, 100)));
	buf_fini(&b);
	return address;
}
