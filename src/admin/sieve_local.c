/*
 * sieve_local.c - posternctl sieve check and test: a script in a file, without
 * a server, and without changing anything.
 *
 * A test knows no mailboxes, and what was seen before: all that asks for it
 * finds nothing. Scripts that are included are files beside the script, or in
 * the configured directory of those for all.
 */
#include "admin/protocol.h"
#include "admin/sieve.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"
#include "message/header.h"
#include "sieve/scripts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static enum pst_rc
read_all(int fd, struct buf *out)
{
	for (;;) {
		char *p = buf_reserve(out, 16384);
		ssize_t n;

		if (p == NULL) {
			errno = EFBIG;
			return PST_E_LIMIT;
		}
		n = read(fd, p, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return PST_E_TEMP;
		if (n == 0)
			return PST_OK;
		buf_added(out, (size_t)n);
	}
}

static enum pst_rc
read_file(const char *path, struct buf *out)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum pst_rc rc;
	int saved;

	if (fd < 0)
		return errno == ENOENT ? PST_E_NOTFOUND : PST_E_PERM;
	rc = read_all(fd, out);
	saved = errno;
	if (!is_stdin)
		(void)close(fd);
	errno = saved;
	return rc;
}

int
ctl_sieve_read(const char *path, struct buf *out)
{
	enum pst_rc rc = read_file(path, out);

	return rc == PST_OK ? CTL_OK
			    : ctl_fail(rc, "%s: %s", path, strerror(errno));
}

static struct sieve_limits
limits_of(const struct ctl *c)
{
	return c->cfg != NULL ? sieve_limits_of(c->cfg) : sieve_limits_default;
}

/* "FILE:3: what is wrong", as editors know it. */
static void
print_problem(FILE *out, const char *path, const struct sieve_problem *p)
{
	struct buf b;

	buf_init(&b, 8192);
	table_clean(&b, str_of(p->text));
	if (p->line > 0)
		(void)fprintf(
		    out, "%s:%u: %.*s\n", path, p->line, STR_ARG(buf_str(&b)));
	else
		(void)fprintf(out, "%s: %.*s\n", path, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static struct sieve_script *
compile_file(struct ctl *c, const char *path, int *code_r,
    struct sieve_problem *problem_r)
{
	struct sieve_limits limits = limits_of(c);
	struct sieve_script *s = NULL;
	struct buf text;

	*problem_r = (struct sieve_problem){ 0 };
	buf_init(&text, CTL_SCRIPT_MAX);
	*code_r = ctl_sieve_read(path, &text);
	if (*code_r == CTL_OK) {
		s = sieve_compile(buf_str(&text), &limits, problem_r);
		if (s == NULL)
			*code_r = CTL_FAILED;
	}
	buf_fini(&text);
	return s;
}

int
ctl_sieve_check(struct ctl *c, char **args, int n)
{
	int code = CTL_OK;
	json_t *rows = json_array();

	for (int i = 0; i < n; i++) {
		struct sieve_problem p;
		int one;
		struct sieve_script *s = compile_file(c, args[i], &one, &p);

		sieve_script_free(&s);
		if (one != CTL_OK && code == CTL_OK)
			code = one;
		if (p.text[0] == '\0')
			continue;
		if (!c->json)
			print_problem(c->out, args[i], &p);
		json_array_append_new(
		    rows, json_pack("{s:o, s:I, s:o}", "file",
			      admin_json_text(str_of(args[i])), "line",
			      (json_int_t)p.line, "text",
			      admin_json_text(str_of(p.text))));
	}
	if (c->json)
		table_print(c->out, NULL, rows, true);
	json_decref(rows);
	return code;
}

/* --- test ------------------------------------------------------------------
 */

struct trial {
	struct ctl *ctl;
	const char *script; /* its path */
	json_t *steps;
};

static void
trace(void *arg, unsigned line, const char *text)
{
	struct trial *t = arg;
	struct buf b;

	if (t->ctl->json) {
		json_array_append_new(
		    t->steps, json_pack("{s:I, s:o}", "line", (json_int_t)line,
				  "text", admin_json_text(str_of(text))));
		return;
	}
	buf_init(&b, 65536);
	table_clean(&b, str_of(text));
	(void)fprintf(
	    t->ctl->out, "line %u: %.*s\n", line, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static bool
is_mine(void *arg, struct pst_str address)
{
	const struct trial *t = arg;

	return t->ctl->to != NULL && str_is_case(address, t->ctl->to);
}

static enum pst_rc
include(void *arg, bool global, struct pst_str name, struct buf *text_r)
{
	const struct trial *t = arg;
	const char *slash = strrchr(t->script, '/');
	struct buf path;
	enum pst_rc rc = PST_E_NOTFOUND;

	if (name.n == 0 || name.p[0] == '.' || str_find(name, '/') < name.n ||
	    memchr(name.p, '\0', name.n) != NULL)
		return rc;
	buf_init(&path, 8192);
	if (!global && slash != NULL)
		(void)buf_add(
		    &path, t->script, (size_t)(slash - t->script + 1));
	if (global && t->ctl->cfg != NULL && *t->ctl->cfg->sieve.global != '\0')
		(void)buf_printf(&path, "%s/", t->ctl->cfg->sieve.global);
	else if (global)
		goto out;
	(void)buf_add_str(&path, name);
	(void)buf_puts(&path, ".sieve");
	if (buf_putc(&path, '\0'))
		rc = read_file(path.p, text_r);
out:
	buf_fini(&path);
	return rc;
}

static int
minutes_from_utc(int64_t now)
{
	time_t at = (time_t)now;
	struct tm tm;

	return localtime_r(&at, &tm) != NULL ? (int)(tm.tm_gmtoff / 60) : 0;
}

/* --- what comes of it ------------------------------------------------------
 */

static const char *
kind_name(enum sieve_action_kind kind)
{
	static const char *const names[] = { [SIEVE_KEEP] = "keep",
		[SIEVE_FILEINTO] = "fileinto",
		[SIEVE_REDIRECT] = "redirect",
		[SIEVE_REJECT] = "reject",
		[SIEVE_EREJECT] = "ereject",
		[SIEVE_VACATION] = "vacation" };

	return names[kind];
}

static void
set_text(json_t *o, const char *key, struct pst_str value)
{
	if (value.p != NULL)
		json_object_set_new(o, key, admin_json_text(value));
}

static json_t *
action_json(const struct sieve_action *a)
{
	json_t *o = json_pack("{s:s, s:I}", "action", kind_name(a->kind),
	    "line", (json_int_t)a->line);

	set_text(o, "mailbox", a->mailbox);
	set_text(o, "special_use", a->special_use);
	set_text(o, "address", a->address);
	set_text(o, "subject", a->subject);
	set_text(o, "from", a->from);
	set_text(o, "text", a->text);
	if (a->create)
		json_object_set_new(o, "create", json_true());
	if (a->flags > 0) {
		json_t *flags = json_array();

		for (size_t i = 0; i < a->flags; i++)
			json_array_append_new(
			    flags, admin_json_text(a->flag[i]));
		json_object_set_new(o, "flags", flags);
	}
	return o;
}

static void
print_text(FILE *out, const char *before, struct pst_str value)
{
	struct buf b;

	if (value.p == NULL)
		return;
	buf_init(&b, 1 << 20);
	table_clean(&b, value);
	(void)fprintf(out, "%s%.*s", before, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void
print_action(FILE *out, const struct sieve_action *a)
{
	(void)fputs(kind_name(a->kind), out);
	print_text(out, " ", a->special_use);
	print_text(out, " ", a->mailbox);
	print_text(out, " ", a->address);
	if (a->create)
		(void)fputs(", which is created if need be", out);
	for (size_t i = 0; i < a->flags; i++)
		print_text(out, i == 0 ? ", with the flags " : " ", a->flag[i]);
	print_text(out, ", with the subject ", a->subject);
	print_text(out, ": ", a->text);
	(void)fputc('\n', out);
}

static int
print_result(struct trial *t, const struct sieve_result *r)
{
	struct ctl *c = t->ctl;
	json_t *actions = json_array(), *all;

	for (size_t i = 0; i < r->actions; i++)
		json_array_append_new(actions, action_json(&r->action[i]));
	all = json_pack("{s:O, s:o}", "steps", t->steps, "actions", actions);
	if (r->failed)
		json_object_set_new(all, "problem",
		    json_pack("{s:I, s:o}", "line", (json_int_t)r->problem.line,
			"text", admin_json_text(str_of(r->problem.text))));
	if (c->json) {
		(void)json_dumpf(all, c->out, JSON_INDENT(2));
		(void)fputc('\n', c->out);
	} else {
		if (r->failed)
			print_problem(c->out, t->script, &r->problem);
		for (size_t i = 0; i < r->actions; i++)
			print_action(c->out, &r->action[i]);
		if (r->actions == 0)
			(void)fputs("discard\n", c->out);
	}
	json_decref(all);
	return r->failed ? CTL_FAILED : CTL_OK;
}

/* With the line ends that messages have on their way. */
static void
put_crlf(struct buf *out, struct pst_str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
			(void)buf_putc(out, '\r');
		(void)buf_putc(out, text.p[i]);
	}
}

static struct pst_str
maybe(const char *text)
{
	return text != NULL ? str_of(text) : STR_NONE;
}

static int
run_over(struct trial *t, const struct sieve_script *s, struct pst_str text)
{
	struct sieve_limits limits = limits_of(t->ctl);
	struct sieve_host host = { .arg = t,
		.now = clock_seconds(),
		.is_mine = is_mine,
		.include = include,
		.trace = trace };
	struct sieve_message m = { .content = text,
		.size = text.n,
		.from = maybe(t->ctl->from),
		.to = maybe(t->ctl->to) };
	struct msg *msg = msg_read(text, &msg_limits_default);
	struct sieve_result r;
	int code;

	host.zone = minutes_from_utc(host.now);
	m.msg = msg;
	sieve_run(s, &m, &host, &limits, &r);
	code = print_result(t, &r);
	sieve_result_fini(&r);
	msg_free(&msg);
	return code;
}

int
ctl_sieve_test(struct ctl *c, char **args, int n)
{
	struct trial t = { .ctl = c, .script = args[0] };
	struct sieve_problem p;
	struct buf raw, text;
	int code;
	struct sieve_script *s = compile_file(c, args[0], &code, &p);

	(void)n;
	if (s == NULL) {
		if (p.text[0] != '\0')
			print_problem(stderr, args[0], &p);
		return code;
	}
	buf_init(&raw, CTL_MESSAGE_MAX);
	buf_init(&text, 2 * CTL_MESSAGE_MAX);
	code = ctl_sieve_read(args[1], &raw);
	if (code == CTL_OK) {
		put_crlf(&text, buf_str(&raw));
		t.steps = json_array();
		code = run_over(&t, s, buf_str(&text));
		json_decref(t.steps);
	}
	buf_fini(&raw);
	buf_fini(&text);
	sieve_script_free(&s);
	return code;
}
