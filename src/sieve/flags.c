/*
 * sieve/flags.c - flags of IMAP in variables (RFC 5232).
 *
 * What cannot be a flag that a message keeps is passed over: it is no error.
 */
#include "base/str.h"
#include "sieve/run.h"

/* RFC 3501, 2.3.2: those that can be set; others with a backslash cannot. */
static const char *const system_flags[] = { "\\Answered", "\\Deleted",
	"\\Draft", "\\Flagged", "\\Seen" };

/* As it is written; p NULL: none. */
static struct pst_str
flag_of(struct pst_str word)
{
	size_t n = sizeof(system_flags) / sizeof(system_flags[0]);

	for (size_t i = 0; i < n; i++)
		if (str_is_case(word, system_flags[i]))
			return str_of(system_flags[i]);
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i];

		if (c <= ' ' || c == 127 || strchr("(){%*\"\\]", c) != NULL)
			return STR_NONE;
	}
	return word;
}

static void
add_flag(struct run *r, struct strings *list, struct pst_str flag)
{
	if (flag.n == 0 || !run_work(r, 1 + list->n / 8))
		return;
	for (size_t i = 0; i < list->n; i++)
		if (str_eq_case(list->v[i], flag))
			return;
	list->v[list->n++] = flag;
}

/* The words of the texts, all of them or those that are flags, each once. */
static struct strings
words(struct run *r, struct strings texts, bool only_flags)
{
	struct strings list = { 0 };
	size_t most = 0;

	for (size_t i = 0; i < texts.n; i++)
		most += texts.v[i].n / 2 + 1;
	list.v = run_alloc(r, most, sizeof(*list.v));
	for (size_t i = 0; i < texts.n; i++) {
		struct pst_str rest = texts.v[i], word;

		while (str_split(&rest, ' ', &word) && run_work(r, 1)) {
			word = str_trim(word);
			add_flag(r, &list, only_flags ? flag_of(word) : word);
		}
	}
	return list;
}

struct strings
run_flag_list(struct run *r, struct strings texts)
{
	return words(r, texts, true);
}

static bool
has_flag(struct run *r, struct strings list, struct pst_str flag)
{
	if (!run_work(r, 1 + list.n / 8))
		return false;
	for (size_t i = 0; i < list.n; i++)
		if (str_eq_case(list.v[i], flag))
			return true;
	return false;
}

/* The text of a variable, or of the internal one. */
static struct pst_str
text_of(struct run *r, struct pst_str name)
{
	struct pst_str text = name.p != NULL ? run_variable(r, name)
					     : buf_str(&r->flags);
	char *copy = run_alloc(r, text.n, 1);

	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	return str_n(copy, text.n);
}

/* What does not fit is left out. */
static void
store(struct run *r, struct pst_str name, struct strings list)
{
	struct buf b;

	buf_init(&b, r->limits->variable_size);
	for (size_t i = 0; i < list.n; i++) {
		if (b.n + list.v[i].n + 1 > b.max)
			break;
		if (b.n > 0)
			(void)buf_putc(&b, ' ');
		(void)buf_add_str(&b, list.v[i]);
	}
	if (name.p != NULL) {
		run_variable_set(r, name, buf_str(&b));
	} else {
		buf_clear(&r->flags);
		(void)buf_add_str(&r->flags, buf_str(&b));
	}
	buf_fini(&b);
}

void
run_flags(struct run *r, const struct sieve_node *n)
{
	struct pst_str name = n->args > 1 ? run_string(r, &n->arg[0])
					  : STR_NONE;
	struct strings given = run_flag_list(
	    r, run_strings(r, &n->arg[n->args - 1]));
	struct pst_str text = text_of(r, name);
	struct strings had = run_flag_list(r, (struct strings){ &text, 1 });
	struct strings list = { 0 };
	enum sieve_op op = n->command->op;

	list.v = run_alloc(r, had.n + given.n, sizeof(*list.v));
	if (op == OP_ADDFLAG || op == OP_REMOVEFLAG)
		for (size_t i = 0; i < had.n && !r->failed; i++)
			if (op == OP_ADDFLAG || !has_flag(r, given, had.v[i]))
				list.v[list.n++] = had.v[i];
	if (op != OP_REMOVEFLAG)
		for (size_t i = 0; i < given.n && !r->failed; i++)
			add_flag(r, &list, given.v[i]);
	if (!r->failed)
		store(r, name, list);
}

/* True: the test is decided. */
static bool
match_flags(struct match *m, struct pst_str name)
{
	struct pst_str text = text_of(m->r, name);
	struct strings list = run_flag_list(m->r, (struct strings){ &text, 1 });

	for (size_t i = 0; i < list.n; i++)
		if (match_value(m, list.v[i]))
			return true;
	return m->r->failed;
}

bool
run_test_hasflag(struct run *r, const struct sieve_node *n)
{
	struct strings names = { 0 };
	struct match m;

	match_begin_keys(
	    &m, r, n, words(r, run_strings(r, &n->arg[n->args - 1]), false));
	if (n->args == 1) {
		(void)match_flags(&m, STR_NONE);
		return match_end(&m);
	}
	names = run_strings(r, &n->arg[0]);
	for (size_t i = 0; i < names.n; i++)
		if (match_flags(&m, names.v[i]))
			break;
	return match_end(&m);
}
