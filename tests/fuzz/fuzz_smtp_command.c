/*
 * The parser of command lines: a path that was read means the same when it is
 * read again, and nothing that passes has octets that a reply, a log or a
 * header field could not hold.
 */
#include "base/str.h"
#include "smtp/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_text(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 32 || c == 127)
			abort();
	}
}

static void
check_mail(struct arena *a, struct pst_str args)
{
	struct smtp_mail mail, again;
	char line[4096];

	if (smtp_parse_mail(a, args, &mail) != SMTP_OK)
		return;
	check_text(mail.from.text);
	check_text(mail.envid);
	if (!str_is_utf8(mail.from.text))
		abort();
	(void)snprintf(
	    line, sizeof(line), "FROM:<%.*s>", STR_ARG(mail.from.text));
	if (smtp_parse_mail(a, str_of(line), &again) != SMTP_OK ||
	    !str_eq(again.from.text, mail.from.text) ||
	    !str_eq(again.from.local, mail.from.local) ||
	    !str_eq(again.from.domain, mail.from.domain))
		abort();
}

static void
check_rcpt(struct arena *a, struct pst_str args)
{
	struct smtp_rcpt rcpt, again;
	char line[4096];

	if (smtp_parse_rcpt(a, args, &rcpt) != SMTP_OK)
		return;
	check_text(rcpt.to.text);
	check_text(rcpt.orcpt);
	check_text(rcpt.orcpt_type);
	if (rcpt.to.local.n == 0 && rcpt.to.domain.n == 0)
		abort();
	if ((rcpt.notify & SMTP_NOTIFY_NEVER) != 0 &&
	    rcpt.notify != SMTP_NOTIFY_NEVER)
		abort();
	(void)snprintf(line, sizeof(line), "TO:<%.*s>", STR_ARG(rcpt.to.text));
	if (smtp_parse_rcpt(a, str_of(line), &again) != SMTP_OK ||
	    !str_eq(again.to.domain, rcpt.to.domain))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a;
	struct pst_str verb, args;
	uint64_t size;
	bool last;

	/* The session lets no control characters and no longer lines in. */
	if (n > 2000)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if ((data[i] < 32 && data[i] != '\t') || data[i] == 127)
			return 0;
	}
	a = arena_new(0);
	smtp_parse_line(str_n((const char *)data, n), &verb, &args);
	if (verb.n + args.n > n)
		abort();
	check_mail(a, args);
	check_rcpt(a, args);
	(void)smtp_parse_bdat(args, &size, &last);
	if (smtp_is_host(args))
		check_text(args);
	arena_free(&a);
	return 0;
}
