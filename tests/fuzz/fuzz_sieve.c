/*
 * Scripts: compiled, and run over one message with a host that answers. A
 * second run does the same, and whatever happens there is a result to act on.
 */
#include <stdlib.h>

#include "base/str.h"
#include "sieve/sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char message[] =
    "Return-Path: <bounce@lists.example.org>\r\n"
    "Received: from a.example.org by b.example.com; Tue, 1 Dec 2026 10:00:00 "
    "+0100\r\n"
    "Received: from x by a.example.org; Tue, 1 Dec 2026 09:59:58 +0000\r\n"
    "From: \"Ann, of =?utf-8?q?K=C3=B6ln?=\" <ann+one@example.org>\r\n"
    "To: Bob <bob+lists@example.com>, team: carl@example.com, d@x;\r\n"
    "Cc: eve@example.net\r\n"
    "Date: Tue, 1 Dec 2026 10:59:57 +0100\r\n"
    "Subject: [tools] =?iso-8859-1?q?caf=E9?= 1 2\r\n 3\r\n"
    "Message-ID: <1@example.org>\r\n"
    "List-Id: Tools <tools.lists.example.org>\r\n"
    "X-Spam-Score: 7.3\r\nX-Spam-Status: Yes, score=7.3\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "preamble\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "caf=C3=A9 is open\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<p>caf&eacute; <b>is</b> "
    "open</p>\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: inner\r\nFrom: f@example.org\r\n\r\nwithin\r\n"
    "--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQ=\r\n--b--\r\n";

static void
check(bool claim)
{
	if (!claim)
		abort();
}

/* --- the world: what it says depends on the question alone --------------- */

static bool
has_mailbox(void *arg, struct pst_str name)
{
	(void)arg;
	return name.n % 2 == 1;
}

static bool
has_special_use(void *arg, struct pst_str mailbox, struct pst_str use)
{
	(void)arg;
	return (mailbox.n + use.n) % 2 == 1;
}

static bool
metadata(
    void *arg, struct pst_str mailbox, struct pst_str name, struct buf *value_r)
{
	(void)arg;
	(void)mailbox;
	return name.n % 3 != 0 && buf_puts(value_r, "value");
}

static bool
is_mine(void *arg, struct pst_str address)
{
	(void)arg;
	return str_is_case(address, "bob+lists@example.com");
}

static bool
environment(void *arg, struct pst_str name, struct buf *value_r)
{
	(void)arg;
	return name.n != 3 && buf_add_str(value_r, name);
}

static bool
duplicate(void *arg, struct pst_str id, int64_t seconds, bool last)
{
	(void)arg;
	check(seconds >= 0);
	return last != (id.n % 2 == 0);
}

/* A script may include itself, or one that is wrong. */
static enum pst_rc
include(void *arg, bool global, struct pst_str name, struct buf *text_r)
{
	const struct pst_str *script = arg;

	if (name.n == 1)
		return PST_E_NOTFOUND;
	if (global)
		return buf_puts(text_r,
			   "require [\"variables\", \"include\"]; global "
			   "\"a\"; set \"a\" \"${a}b\"; return;")
			   ? PST_OK
			   : PST_E_LIMIT;
	return buf_add_str(text_r, *script) ? PST_OK : PST_E_LIMIT;
}

static void
trace(void *arg, unsigned line, const char *text)
{
	(void)arg;
	(void)line;
	check(str_of(text).n < (1 << 20));
}

/* --- what comes of it ------------------------------------------------------
 */

static bool
is_text(struct pst_str s)
{
	return s.n == 0 || str_is_utf8(s);
}

static void
check_action(const struct sieve_action *a)
{
	check(is_text(a->mailbox) && is_text(a->special_use));
	check(is_text(a->text) && is_text(a->subject) && is_text(a->from));
	for (size_t i = 0; i < a->flags; i++) {
		check(a->flag[i].n > 0);
		check(str_find(a->flag[i], ' ') == a->flag[i].n);
	}
	switch (a->kind) {
	case SIEVE_FILEINTO:
		check(a->mailbox.n > 0 || a->special_use.n > 0);
		break;
	case SIEVE_REDIRECT:
		check(str_find(a->address, '\n') == a->address.n);
		check(str_find(a->address, '@') < a->address.n);
		break;
	case SIEVE_KEEP:
	case SIEVE_REJECT:
	case SIEVE_EREJECT:
	case SIEVE_VACATION:
		break;
	}
}

static void
check_result(const struct sieve_result *r, const struct sieve_limits *limits)
{
	size_t redirects = 0;

	check(r->actions <= limits->actions + 1);
	if (r->failed) {
		check(r->actions == 1 && r->action[0].kind == SIEVE_KEEP);
		check(r->problem.text[0] != '\0');
		check(is_text(str_of(r->problem.text)));
	}
	for (size_t i = 0; i < r->actions; i++) {
		check_action(&r->action[i]);
		redirects += r->action[i].kind == SIEVE_REDIRECT;
	}
	check(redirects <= limits->redirects);
}

static void
run(const struct sieve_script *s, struct pst_str text,
    const struct sieve_limits *limits)
{
	struct sieve_host host = { .arg = &text,
		.now = 1796119200,
		.zone = 60,
		.has_mailbox = has_mailbox,
		.has_special_use = has_special_use,
		.metadata = metadata,
		.is_mine = is_mine,
		.environment = environment,
		.duplicate = duplicate,
		.include = include,
		.trace = trace };
	struct msg *msg = msg_read(STR(message), &msg_limits_default);
	struct sieve_message m = { .msg = msg,
		.content = STR(message),
		.size = sizeof(message) - 1,
		.from = STR("bounce@lists.example.org"),
		.to = STR("bob+lists@example.com"),
		.auth = STR_NONE };
	struct sieve_result one, two;

	sieve_run(s, &m, &host, limits, &one);
	check_result(&one, limits);
	sieve_run(s, &m, &host, limits, &two);
	check(one.failed == two.failed && one.actions == two.actions);
	sieve_result_fini(&one);
	sieve_result_fini(&two);
	msg_free(&msg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sieve_limits limits = sieve_limits_default;
	struct pst_str text = str_n((const char *)data, size);
	struct sieve_problem p;
	struct sieve_script *s;

	limits.work = 20000;
	s = sieve_compile(text, &limits, &p);
	check((s == NULL) == (p.text[0] != '\0'));
	check(is_text(str_of(p.text)));
	if (s != NULL)
		run(s, text, &limits);
	sieve_script_free(&s);
	return 0;
}
