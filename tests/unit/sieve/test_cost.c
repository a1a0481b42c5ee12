/*
 * What a script may cost beyond the steps of its own: the stack of the thread
 * that runs it, and what it asks of the world.
 */
#include <criterion/criterion.h>

#include "base/str.h"
#include "sieve/sieve.h"

#include <pthread.h>
#include <stdlib.h>

enum { DEEP = 95, STACK = 512 * 1024 };

struct world {
	unsigned scripts, asked;
};

/* Script number `n` includes the next one at the bottom of many blocks. */
static void
put_deep(struct buf *out, unsigned n)
{
	(void)buf_puts(out, "require \"include\"; ");
	for (int i = 0; i < DEEP; i++)
		(void)buf_puts(out, "if true { ");
	(void)buf_printf(out, "include \"s%u\"; ", n + 1);
	for (int i = 0; i < DEEP; i++)
		(void)buf_puts(out, "} ");
}

static enum pst_rc
include(void *arg, bool global, struct pst_str name, struct buf *text_r)
{
	const struct world *w = arg;
	uint32_t n = 0;

	(void)global;
	(void)str_to_u32(str_from(name, 1), &n);
	if (n < w->scripts)
		put_deep(text_r, n);
	else
		(void)buf_puts(text_r, "discard;");
	return PST_OK;
}

static bool
metadata(
    void *arg, struct pst_str mailbox, struct pst_str name, struct buf *value_r)
{
	struct world *w = arg;

	(void)mailbox;
	(void)name;
	w->asked++;
	return buf_puts(value_r, "x");
}

static void
run(struct pst_str text, struct world *w, struct sieve_result *result_r)
{
	struct sieve_limits limits = sieve_limits_default;
	const struct sieve_host host = {
		.arg = w, .include = include, .metadata = metadata
	};
	struct pst_str content = STR("Subject: x\r\n\r\nx\r\n");
	struct msg *msg = msg_read(content, &msg_limits_default);
	const struct sieve_message m = {
		.msg = msg, .content = content, .size = content.n
	};
	struct sieve_problem problem;
	struct sieve_script *s;

	/* The most that the configuration takes. */
	limits.script_size = 1 << 20;
	limits.depth = 100;
	limits.includes = 100;
	limits.work = 2000000;
	s = sieve_compile(text, &limits, &problem);
	cr_assert_not_null(s, "line %u: %s", problem.line, problem.text);
	sieve_run(s, &m, &host, &limits, result_r);
	sieve_script_free(&s);
	msg_free(&msg);
}

static void *
run_deep(void *arg)
{
	struct world *w = arg;
	struct sieve_result result;
	struct buf text;

	buf_init(&text, 1 << 16);
	put_deep(&text, 0);
	run(buf_str(&text), w, &result);
	w->asked = result.failed;
	cr_expect_eq(result.actions, w->scripts > 3 ? 1u : 0u);
	sieve_result_fini(&result);
	buf_fini(&text);
	return NULL;
}

/* Half of the stack that a worker has. */
static bool
fails_when_deep(unsigned scripts)
{
	struct world w = { .scripts = scripts };
	pthread_attr_t attr;
	pthread_t thread;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK);
	cr_assert_eq(pthread_create(&thread, &attr, run_deep, &w), 0);
	(void)pthread_join(thread, NULL);
	(void)pthread_attr_destroy(&attr);
	return w.asked != 0;
}

Test(sieve_cost, scripts_in_each_other_leave_the_stack_alone)
{
	cr_expect_not(fails_when_deep(3));
	cr_expect(fails_when_deep(99));
}

/* Each question may be one to a database. */
Test(sieve_cost, questions_are_dear)
{
	struct world w = { 0 };
	struct sieve_result result;
	struct buf text;

	buf_init(&text, 1 << 20);
	(void)buf_puts(&text,
	    "require \"mboxmetadata\"; if metadataexists \"INBOX\" [\"/private/"
	    "a\"");
	for (int i = 0; i < 20000; i++)
		(void)buf_puts(&text, ",\"/private/a\"");
	(void)buf_puts(&text, "] { discard; }");
	run(buf_str(&text), &w, &result);
	cr_expect(result.failed);
	cr_expect_leq(w.asked, 5000u, "%u questions", w.asked);
	sieve_result_fini(&result);
	buf_fini(&text);
}
