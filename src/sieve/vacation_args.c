/*
 * sieve/vacation_args.c - what `vacation` says of an answer (RFC 5230, RFC
 * 6131). Whether it is sent, and how, is for who does the actions.
 */
#include "base/codec.h"
#include "base/str.h"
#include "message/address.h"
#include "sieve/run.h"

#include <gnutls/crypto.h>
#include <stdlib.h>

enum {
	DAY = 86400,
	SECONDS_MOST = 10 * 365 * DAY,
	FROM_MOST = 20, /* addresses of :from */
};

void
run_hash(const struct pst_str *s, size_t n, char hash_r[RUN_HASH])
{
	unsigned char digest[32] = { 0 };
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	for (size_t i = 0; i < n; i++) {
		if (s[i].p == NULL)
			(void)buf_puts(&b, "-;");
		else
			(void)buf_printf(&b, "%zu:", s[i].n);
		(void)buf_add_str(&b, s[i]);
	}
	(void)gnutls_hash_fast(GNUTLS_DIG_SHA256, b.p, b.n, digest);
	buf_fini(&b);
	hex_encode(digest, sizeof(digest), hash_r);
}

/* As the script has it, before variables are replaced. */
static struct pst_str
written(const struct sieve_node *n, enum sieve_tag tag)
{
	const struct sieve_value *v = sieve_tag_value(n, tag);

	return v != NULL && v->strings > 0 ? v->string[0] : STR_NONE;
}

/* RFC 5230, 4.2: the same answer is one with the same handle, or else with the
 * same arguments. */
static struct pst_str
handle_of(struct run *r, const struct sieve_node *n)
{
	struct pst_str handle = run_tag(r, n, TAG_HANDLE), reason;
	char hash[RUN_HASH];

	if (handle.p != NULL) {
		const struct pst_str named[] = { STR("handle"), handle };

		run_hash(named, 2, hash);
	} else {
		reason = n->arg[0].strings > 0 ? n->arg[0].string[0] : STR_NONE;
		const struct pst_str all[] = { STR("answer"),
			written(n, TAG_SUBJECT), written(n, TAG_FROM),
			sieve_has_tag(n, TAG_MIME) ? STR("mime") : STR_NONE,
			reason };

		run_hash(all, sizeof(all) / sizeof(all[0]), hash);
	}
	return run_own(r, str_of(hash));
}

/* RFC 5230, 4.1: at least one day; RFC 6131: zero seconds is each time. */
static int64_t
seconds_of(const struct sieve_node *n)
{
	const struct sieve_value *days = sieve_tag_value(n, TAG_DAYS);
	const struct sieve_value *seconds = sieve_tag_value(n, TAG_SECONDS);

	if (seconds != NULL)
		return seconds->number < SECONDS_MOST ? (int64_t)seconds->number
						      : SECONDS_MOST;
	if (days == NULL)
		return -1;
	if (days->number == 0)
		return DAY;
	return days->number < SECONDS_MOST / DAY ? (int64_t)days->number * DAY
						 : SECONDS_MOST;
}

/* In one line. */
static struct pst_str
one_line(struct run *r, struct pst_str s)
{
	char *p;

	if (s.p == NULL)
		return s;
	p = run_alloc(r, s.n, 1);
	for (size_t i = 0; i < s.n; i++)
		p[i] = (unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? ' '
								    : s.p[i];
	return str_trim(str_n(p, s.n));
}

/* RFC 5230, 4.3: a list of mailboxes. */
static struct pst_str
from_of(struct run *r, const struct sieve_node *n)
{
	struct pst_str from = one_line(r, run_tag(r, n, TAG_FROM));
	const struct msg_address *ad;

	if (from.p == NULL)
		return from;
	ad = msg_addresses(r->scratch, from, FROM_MOST);
	if (ad == NULL)
		run_fail(r, "\":from\" is no address");
	for (; ad != NULL; ad = ad->next)
		if (ad->kind != MSG_ADDRESS || ad->host.p == NULL ||
		    ad->mailbox.n == 0)
			run_fail(r, "\":from\" is no address");
	return from;
}

/* RFC 5230, 5: the header of an entity is ASCII. */
static bool
is_entity(struct pst_str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if ((unsigned char)text.p[i] > 127)
			return false;
		if (text.p[i] != '\n')
			continue;
		if (i == 0 || text.p[i - 1] == '\n' ||
		    (text.p[i - 1] == '\r' &&
			(i == 1 || text.p[i - 2] == '\n')))
			return true;
	}
	return true;
}

static void
set_own(struct run *r, struct sieve_action *a, const struct sieve_node *n)
{
	const struct sieve_value *v = sieve_tag_value(n, TAG_ADDRESSES);
	struct strings own;

	if (v == NULL)
		return;
	own = run_strings(r, v);
	a->own = arena_alloc(r->result->arena, own.n * sizeof(*a->own));
	for (size_t i = 0; i < own.n; i++)
		a->own[a->owns++] = run_own_text(r, own.v[i]);
}

void
run_vacation(struct run *r, const struct sieve_node *n)
{
	struct pst_str text = run_string(r, &n->arg[0]);
	struct pst_str subject = one_line(r, run_tag(r, n, TAG_SUBJECT));
	struct pst_str from = from_of(r, n);
	struct sieve_action *a;

	/* RFC 5230, 4.7. */
	if (r->answers)
		run_fail(r, "A message can be answered only once");
	else if (r->rejects)
		run_fail(r, "A message that is rejected cannot be answered");
	r->answers = true;
	if (sieve_has_tag(n, TAG_MIME) && !is_entity(text))
		run_fail(r, "The text for \":mime\" has a header that is not "
			    "ASCII");
	a = run_action(r, SIEVE_VACATION, n->line);
	if (a == NULL)
		return;
	a->text = run_own_text(r, text);
	a->subject = run_own_text(r, subject);
	a->from = run_own_text(r, from);
	a->handle = handle_of(r, n);
	a->seconds = seconds_of(n);
	a->is_mime = sieve_has_tag(n, TAG_MIME);
	set_own(r, a, n);
}
