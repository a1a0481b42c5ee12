/*
 * tests/unit/sieve/fixture.h - a script is run over a message, and what comes
 * of it is written as a text that a table can have:
 *
 *     fileinto "Work" [\Seen a] :create; redirect "a@b.test"; keep
 *     error 3: There is no script "x"
 */
#ifndef TESTS_UNIT_SIEVE_FIXTURE_H
#define TESTS_UNIT_SIEVE_FIXTURE_H

#include <criterion/criterion.h>

#include "base/str.h"
#include "sieve/sieve.h"

/* 2026-11-23 12:34:56 UTC, a Monday. */
#define FIXTURE_NOW INT64_C(1795437296)

static const char fixture_message[] =
    "Received: from a.test by b.test; Mon, 23 Nov 2026 13:30:00 +0100\r\n"
    "Received: from x.test by a.test; Mon, 23 Nov 2026 04:29:59 -0800\r\n"
    "From: Ann Example <ann+news@example.test>\r\n"
    "To: \"Doe, Joe\" <joe@example.test>, Team: bob@here.test,\r\n"
    "\teve@here.test;\r\n"
    "Cc: sales@shop.test\r\n"
    "Subject: [lists]  Your\r\n"
    " order =?utf-8?q?caf=C3=A9?= No 42 \r\n"
    "Date: Sun, 1 Mar 2026 23:15:07 -0200\r\n"
    "Message-ID: <m1@example.test>\r\n"
    "X-Empty:   \r\n"
    "X-Priority: 2 (high)\r\n"
    "\r\n"
    "Hello Joe,\r\nthis is a plain text.\r\n";

struct fixture {
	const char *message; /* NULL: fixture_message */
	size_t message_n;    /* 0: up to the NUL */
	const char *from, *to;
	struct sieve_limits limits;
	struct sieve_host host;
	struct buf trace;
	char duplicates[1000]; /* what was asked for */
};

static inline bool
fixture_has_mailbox(void *arg, struct pst_str name)
{
	(void)arg;
	return str_is(name, "INBOX") || str_is(name, "Work") ||
	       str_is(name, "Lists/caf\xc3\xa9");
}

static inline bool
fixture_has_use(void *arg, struct pst_str mailbox, struct pst_str use)
{
	(void)arg;
	return str_is_case(use, "\\Junk") &&
	       (mailbox.p == NULL || str_is(mailbox, "Spam"));
}

static inline bool
fixture_metadata(
    void *arg, struct pst_str mailbox, struct pst_str name, struct buf *value_r)
{
	(void)arg;
	if (!str_is(name, "/private/comment"))
		return false;
	if (mailbox.p == NULL)
		return buf_puts(value_r, "of the server");
	return str_is(mailbox, "Work") && buf_puts(value_r, "Of Work");
}

static inline bool
fixture_environment(void *arg, struct pst_str name, struct buf *value_r)
{
	(void)arg;
	if (str_is(name, "domain"))
		return buf_puts(value_r, "example.test");
	return str_is(name, "remote-host");
}

static inline bool
fixture_duplicate(void *arg, struct pst_str id, int64_t seconds, bool last)
{
	struct fixture *f = arg;
	size_t n = strlen(f->duplicates);

	(void)snprintf(f->duplicates + n, sizeof(f->duplicates) - n,
	    "%.8s %lld%s;", id.p, (long long)seconds, last ? " last" : "");
	return seconds == 77;
}

/* Scripts of the user's and of all users'. */
static const struct {
	bool is_global;
	const char *name, *text;
} fixture_scripts[] = {
	{ false, "keeps", "keep;" },
	{ false, "stops", "stop;" },
	{ false, "returns", "require \"include\"; return; discard;" },
	{ false, "sets",
	    "require [\"variables\", \"include\"];"
	    "global \"shared\"; set \"shared\" \"from sets\";"
	    "set \"own\" \"not seen\";" },
	{ false, "files",
	    "require [\"variables\", \"fileinto\"];"
	    "set \"own\" \"x\"; fileinto \"In${own}${a}\";" },
	{ false, "self", "require \"include\"; include \"self\";" },
	{ false, "once", "require \"include\"; include :once \"once\";" },
	{ false, "a", "require \"include\"; include \"b\";" },
	{ false, "b", "require \"include\";\r\ninclude \"a\";" },
	{ false, "wrong", "keep;\r\nkeep" },
	{ false, "fails", "require \"ihave\";\r\n\r\nerror \"so what\";" },
	{ true, "keeps", "discard;" },
	{ true, "many",
	    "require \"include\"; include \"keeps\";"
	    "include \"keeps\"; include \"keeps\";" },
};

static inline enum pst_rc
fixture_include(void *arg, bool global, struct pst_str name, struct buf *text_r)
{
	(void)arg;
	if (str_is(name, "later"))
		return PST_E_TEMP;
	for (size_t i = 0;
	     i < sizeof(fixture_scripts) / sizeof(fixture_scripts[0]); i++)
		if (fixture_scripts[i].is_global == global &&
		    str_is(name, fixture_scripts[i].name))
			return buf_puts(text_r, fixture_scripts[i].text)
				   ? PST_OK
				   : PST_E_LIMIT;
	return PST_E_NOTFOUND;
}

static inline void
fixture_trace(void *arg, unsigned line, const char *text)
{
	struct fixture *f = arg;

	(void)buf_printf(&f->trace, "%u %s\n", line, text);
}

static inline void
fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .from = "ann@example.test",
		.to = "joe+news@example.test",
		.limits = sieve_limits_default };
	buf_init(&f->trace, 1 << 20);
	f->host = (struct sieve_host){
		.arg = f,
		.now = FIXTURE_NOW,
		.zone = 60,
		.has_mailbox = fixture_has_mailbox,
		.has_special_use = fixture_has_use,
		.metadata = fixture_metadata,
		.environment = fixture_environment,
		.duplicate = fixture_duplicate,
		.include = fixture_include,
	};
}

static inline void
fixture_put_action(struct buf *out, const struct sieve_action *a)
{
	static const char *const names[] = { [SIEVE_KEEP] = "keep",
		[SIEVE_FILEINTO] = "fileinto",
		[SIEVE_REDIRECT] = "redirect",
		[SIEVE_REJECT] = "reject",
		[SIEVE_EREJECT] = "ereject",
		[SIEVE_VACATION] = "vacation" };
	const struct pst_str texts[] = { a->special_use, a->mailbox, a->address,
		a->text };

	(void)buf_printf(out, "%s%s", out->n > 0 ? "; " : "", names[a->kind]);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].p != NULL)
			(void)buf_printf(out, " \"%.*s\"", STR_ARG(texts[i]));
	for (size_t i = 0; i < a->flags; i++)
		(void)buf_printf(out, "%s%.*s%s", i == 0 ? " [" : " ",
		    STR_ARG(a->flag[i]), i + 1 == a->flags ? "]" : "");
	if (a->create)
		(void)buf_puts(out, " :create");
	if (a->subject.p != NULL)
		(void)buf_printf(
		    out, " :subject \"%.*s\"", STR_ARG(a->subject));
	if (a->from.p != NULL)
		(void)buf_printf(out, " :from \"%.*s\"", STR_ARG(a->from));
	if (a->seconds >= 0)
		(void)buf_printf(out, " :seconds %lld", (long long)a->seconds);
	if (a->is_mime)
		(void)buf_puts(out, " :mime");
	for (size_t i = 0; i < a->owns; i++)
		(void)buf_printf(out, " own \"%.*s\"", STR_ARG(a->own[i]));
}

static inline void
fixture_put_result(struct buf *out, const struct sieve_result *r)
{
	if (r->failed) {
		cr_expect_eq(r->actions, 1);
		cr_expect_eq(r->action[0].kind, SIEVE_KEEP);
		cr_expect_eq(r->action[0].flags, 0);
		cr_expect(str_is_utf8(str_of(r->problem.text)));
		(void)buf_printf(
		    out, "error %u: %s", r->problem.line, r->problem.text);
		return;
	}
	for (size_t i = 0; i < r->actions; i++)
		fixture_put_action(out, &r->action[i]);
}

/* What comes of the script; to be freed by buf_fini(). */
static inline struct buf
fixture_run(struct fixture *f, const char *script)
{
	struct sieve_problem problem;
	struct sieve_script *s;
	struct sieve_message m = { 0 };
	struct sieve_result result;
	struct buf out;
	struct msg *msg;

	buf_init(&out, 1 << 20);
	s = sieve_compile(str_of(script), &f->limits, &problem);
	if (s == NULL) {
		(void)buf_printf(
		    &out, "no script, %u: %s", problem.line, problem.text);
		return out;
	}
	m.content = str_of(f->message != NULL ? f->message : fixture_message);
	if (f->message_n > 0)
		m.content.n = f->message_n;
	m.size = m.content.n;
	m.msg = msg = msg_read(m.content, &msg_limits_default);
	m.from = str_of(f->from);
	m.to = str_of(f->to);
	sieve_run(s, &m, &f->host, &f->limits, &result);
	fixture_put_result(&out, &result);
	sieve_result_fini(&result);
	msg_free(&msg);
	sieve_script_free(&s);
	return out;
}

/* A script with a test: "true", "false" or what was wrong. */
static inline struct buf
fixture_test(struct fixture *f, const char *require, const char *test)
{
	struct buf script, out;

	buf_init(&script, 1 << 20);
	(void)buf_printf(&script, "%s%s%s if %s { discard; }",
	    *require != '\0' ? "require [" : "", require,
	    *require != '\0' ? "];" : "", test);
	(void)buf_putc(&script, '\0');
	out = fixture_run(f, script.p);
	buf_fini(&script);
	if (out.n == 0)
		(void)buf_puts(&out, "true");
	else if (str_is(buf_str(&out), "keep")) {
		buf_clear(&out);
		(void)buf_puts(&out, "false");
	}
	return out;
}

struct fixture_case {
	const char *label, *script, *want;
};

static inline void
fixture_check(struct fixture *f, const struct fixture_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf got = fixture_run(f, c[i].script);

		cr_expect(str_is(buf_str(&got), c[i].want),
		    "%s:\n got %.*s\nwant %s", c[i].label,
		    STR_ARG(buf_str(&got)), c[i].want);
		buf_fini(&got);
	}
}

struct fixture_truth {
	const char *test;
	bool want;
};

static inline void
fixture_check_tests(struct fixture *f, const char *require,
    const struct fixture_truth *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf got = fixture_test(f, require, c[i].test);

		cr_expect(str_is(buf_str(&got), c[i].want ? "true" : "false"),
		    "%s: %.*s", c[i].test, STR_ARG(buf_str(&got)));
		buf_fini(&got);
	}
}

#define FIXTURE_N(table) (sizeof(table) / sizeof((table)[0]))

#endif
