/*
 * sieve/check.c - whether a script that follows the grammar makes sense: known
 * commands, in an order that can be, with arguments that fit (RFC
 * 5228, 2.10.5).
 *
 * With `ihave` (RFC 5463) a script may have commands, tests, tags and
 * comparators that are not known here. What `ihave` names is taken as required
 * from there on in the text, if it is known. What is unknown or not required
 * then is no problem yet: `error` stands in its place, so that a run which
 * comes there ends with a run-time error. All else is checked as always, and so
 * are the commands around it.
 */
#include "sieve/check.h"

#include "base/str.h"

static bool check_commands(struct checker *c, struct sieve_node *first);
static bool check_tests(struct checker *c, struct sieve_node *first);

/* --- what is required --------------------------------------------------- */

/* "comparator-…" of those that need not be named, too (RFC 5228, 2.7.3). */
static bool
check_require(struct checker *c, const struct sieve_node *n)
{
	const struct sieve_value *v = &n->arg[0];
	enum sieve_ext ext;

	if (c->begun)
		return sieve_wrong(c->problem, n->line,
		    "\"require\" stands only at the beginning of a script, "
		    "before all other commands");
	for (size_t i = 0; i < v->strings; i++) {
		if (!sieve_ext_find(v->string[i], &ext))
			return sieve_wrong(c->problem, n->line,
			    "\"%.*s\" is no extension that is known here",
			    NAME_ARG(v->string[i]));
		c->s->required[ext] = true;
	}
	return true;
}

/* RFC 5463, 4: all of them or none; not what changes how scripts are read. */
static bool
check_ihave(struct checker *c, const struct sieve_node *n)
{
	const struct sieve_value *v = &n->arg[0];
	bool all = true;
	enum sieve_ext ext;

	for (size_t i = 0; i < v->strings; i++) {
		if (sieve_has_variable(c->s, v->string[i]))
			return sieve_wrong(c->problem, n->line,
			    "\"ihave\" takes names of extensions as they are, "
			    "without variables");
		if (!sieve_ext_find(v->string[i], &ext) ||
		    (!c->s->required[ext] &&
			(ext == EXT_VARIABLES || ext == EXT_ENCODED_CHARACTER)))
			all = false;
	}
	for (size_t i = 0; all && i < v->strings; i++)
		if (sieve_ext_find(v->string[i], &ext))
			c->s->required[ext] = true;
	return true;
}

static bool
needs(struct checker *c, unsigned line, const char *kind, struct pst_str what,
    enum sieve_ext ext)
{
	if (c->s->required[ext])
		return true;
	c->soft = true;
	return sieve_wrong(c->problem, line,
	    "%s\"%.*s\" needs require \"%s\" at the beginning of the script",
	    kind, NAME_ARG(what), sieve_ext_name(ext));
}

/* --- which command ------------------------------------------------------ */

static bool
unknown(struct checker *c, const struct sieve_node *n, bool is_test)
{
	bool other = sieve_command_find(n->name, !is_test) != NULL;

	if (other && is_test)
		return sieve_wrong(c->problem, n->line,
		    "\"%.*s\" is a command and no test", NAME_ARG(n->name));
	if (other)
		return sieve_wrong(c->problem, n->line,
		    "\"%.*s\" is a test and no command; tests stand behind "
		    "\"if\"",
		    NAME_ARG(n->name));
	c->soft = true;
	return sieve_wrong(c->problem, n->line, "unknown %s \"%.*s\"",
	    is_test ? "test" : "command", NAME_ARG(n->name));
}

static bool
find_command(struct checker *c, struct sieve_node *n, bool is_test)
{
	const enum sieve_ext *ext;

	n->command = sieve_command_find(n->name, is_test);
	if (n->command == NULL)
		return unknown(c, n, is_test);
	ext = n->command->ext;
	if (ext[1] != EXT_NONE && c->s->required[ext[1]])
		return true;
	return ext[0] == EXT_NONE || needs(c, n->line, "", n->name, ext[0]);
}

/* --- arguments ---------------------------------------------------------- */

static bool
fits(const struct sieve_value *v, char kind)
{
	switch (ascii_lower(kind)) {
	case 'n':
		return v->is_number;
	case 's':
		return !v->is_number && v->strings == 1;
	default:
		return !v->is_number;
	}
}

static const char *
kind_name(char kind)
{
	switch (ascii_lower(kind)) {
	case 'n':
		return "a number";
	case 's':
		return "a string";
	default:
		return "a string or a list of strings";
	}
}

static bool
tag_alone(struct checker *c, const struct sieve_node *n, enum sieve_tag tag,
    unsigned line)
{
	enum sieve_group group = sieve_tag_word(tag)->group;

	for (size_t i = 0; i < n->tags; i++) {
		enum sieve_tag other = n->tagged[i].tag;

		if (other == tag)
			return sieve_wrong(c->problem, line,
			    "\":%s\" is there twice", sieve_tag_name(tag));
		if (group != GROUP_NONE &&
		    sieve_tag_word(other)->group == group)
			return sieve_wrong(c->problem, line,
			    "\":%s\" and \":%s\" exclude each other",
			    sieve_tag_name(other), sieve_tag_name(tag));
	}
	return true;
}

static bool
tag_required(struct checker *c, const struct sieve_node *n, enum sieve_tag tag,
    unsigned line)
{
	enum sieve_ext ext = sieve_tag_word(tag)->ext;

	/* Two that mean something else with other commands. */
	if (tag == TAG_SECONDS && n->command->op == OP_VACATION)
		ext = EXT_VACATION_SECONDS;
	if (tag == TAG_LAST && n->command->op != OP_DUPLICATE)
		ext = EXT_INDEX;
	return ext == EXT_NONE ||
	       needs(c, line, ":", str_of(sieve_tag_name(tag)), ext);
}

/* The tag `*at_r` of what is written, and its value. */
static bool
take_tag(struct checker *c, struct sieve_node *n, size_t *at_r)
{
	const struct sieve_written *w = &n->written[*at_r];
	struct sieve_tagged *t = &n->tagged[n->tags];
	char kind;

	if (!sieve_tag_find(w->tag, n->command->tags, &t->tag)) {
		c->soft = true;
		return sieve_wrong(c->problem, w->line,
		    "\"%s\" has no tag \":%.*s\"", n->command->name,
		    NAME_ARG(w->tag));
	}
	if (!tag_required(c, n, t->tag, w->line) ||
	    !tag_alone(c, n, t->tag, w->line))
		return false;
	kind = sieve_tag_word(t->tag)->value;
	if (kind != 0) {
		if (*at_r + 1 >= n->writtens || w[1].is_tag ||
		    !fits(&w[1].value, kind))
			return sieve_wrong(c->problem, w->line,
			    "behind \":%s\" comes %s", sieve_tag_name(t->tag),
			    kind_name(kind));
		t->value = w[1].value;
		++*at_r;
		if (!sieve_check_strings(c, w->line, &t->value))
			return false;
	}
	n->tags++;
	return true;
}

static bool
wrong_number(struct checker *c, const struct sieve_node *n)
{
	const char *args = n->command->args;

	if (n->args > strlen(args))
		return sieve_wrong(c->problem, n->line,
		    strlen(args) == 0 ? "\"%s\" takes no argument"
				      : "\"%s\" has too many arguments",
		    n->command->name);
	return sieve_wrong(c->problem, n->line,
	    "an argument of \"%s\" is missing: %s", n->command->name,
	    kind_name(args[strlen(args) - 1]));
}

/* Those that may be left out are left out from the front. */
static bool
check_arguments(struct checker *c, struct sieve_node *n)
{
	static const char *const place[] = { "first", "second", "third" };
	const char *args = n->command->args;
	size_t most = strlen(args), least = 0;

	for (size_t i = 0; i < most; i++)
		least += args[i] != ascii_upper(args[i]);
	if (n->args < least || n->args > most)
		return wrong_number(c, n);
	args += most - n->args;
	for (size_t i = 0; i < n->args; i++)
		if (!fits(&n->arg[i], args[i]))
			return sieve_wrong(c->problem, n->line,
			    "the %s argument of \"%s\" has to be %s", place[i],
			    n->command->name, kind_name(args[i]));
	return true;
}

/* Parts what is written into tags with their values and the other arguments.
 * Tags come first (RFC 5228, 2.6.2). */
static bool
sort_arguments(struct checker *c, struct sieve_node *n)
{
	if (n->writtens == 0)
		return check_arguments(c, n);
	n->arg = arena_alloc(c->s->arena, n->writtens * sizeof(*n->arg));
	n->tagged = arena_alloc(c->s->arena, n->writtens * sizeof(*n->tagged));
	for (size_t i = 0; i < n->writtens; i++) {
		if (n->written[i].is_tag) {
			if (n->args > 0)
				return sieve_wrong(c->problem,
				    n->written[i].line,
				    "tags come before the other arguments; "
				    "\":%.*s\" comes behind one",
				    NAME_ARG(n->written[i].tag));
			if (!take_tag(c, n, &i))
				return false;
			continue;
		}
		n->arg[n->args] = n->written[i].value;
		if (n->command->op != OP_REQUIRE &&
		    !sieve_check_strings(
			c, n->written[i].line, &n->arg[n->args]))
			return false;
		n->args++;
	}
	return check_arguments(c, n);
}

/* --- tests and blocks ---------------------------------------------------- */

static bool
check_shape_of_tests(struct checker *c, const struct sieve_node *n)
{
	const char *name = n->command->name;

	switch (n->command->tests) {
	case TESTS_NONE:
		if (n->test == NULL)
			return true;
		/* Most likely "else if", or a missing semicolon. */
		if (n->command->op == OP_ELSE)
			return sieve_wrong(c->problem, n->test->line,
			    "\"else\" takes no test; \"elsif\" does");
		if (!n->command->is_test && !n->parens &&
		    sieve_command_find(n->test->name, false) != NULL)
			return sieve_wrong(c->problem, n->test->line,
			    "there is no \";\" between \"%s\" and \"%.*s\"",
			    name, NAME_ARG(n->test->name));
		return sieve_wrong(
		    c->problem, n->test->line, "\"%s\" takes no test", name);
	case TESTS_ONE:
		if (n->test != NULL && !n->parens)
			return true;
		return sieve_wrong(c->problem, n->line,
		    n->parens ? "\"%s\" takes one test, without parentheses; "
				"\"allof\" and \"anyof\" take a list"
			      : "behind \"%s\" comes a test",
		    name);
	case TESTS_LIST:
		if (n->parens)
			return true;
		return sieve_wrong(c->problem, n->line,
		    "behind \"%s\" comes a list of tests in parentheses", name);
	}
	return false;
}

static bool
check_shape(struct checker *c, const struct sieve_node *n)
{
	if (!check_shape_of_tests(c, n))
		return false;
	if (n->command->has_block && !n->braces)
		return sieve_wrong(c->problem, n->line,
		    "\"%s\" has a block, in braces", n->command->name);
	if (!n->command->has_block && n->braces)
		return sieve_wrong(c->problem, n->line,
		    "\"%s\" has no block; it ends with \";\"",
		    n->command->name);
	return true;
}

/* --- a command or test --------------------------------------------------- */

static bool
check_node(struct checker *c, struct sieve_node *n, bool is_test)
{
	if (!find_command(c, n, is_test) || !sort_arguments(c, n) ||
	    !check_shape(c, n))
		return false;
	switch (n->command->op) {
	case OP_REQUIRE:
		return check_require(c, n);
	case OP_IHAVE:
		return check_ihave(c, n);
	default:
		return sieve_check_values(c, n);
	}
}

/* What is soft with `ihave` becomes `error` with the problem as its text. */
static bool
check_or_replace(struct checker *c, struct sieve_node *n, bool is_test)
{
	struct sieve_value *v;
	char text[300];

	c->soft = false;
	if (check_node(c, n, is_test))
		return true;
	if (!c->soft || !c->s->required[EXT_IHAVE])
		return false;
	(void)snprintf(text, sizeof(text), "%s", c->problem->text);
	*c->problem = (struct sieve_problem){ 0 };
	v = arena_alloc(c->s->arena, sizeof(*v));
	v->string = arena_alloc(c->s->arena, sizeof(*v->string));
	v->string[0] = arena_copy(c->s->arena, str_of(text));
	v->strings = 1;
	n->command = is_test ? &sieve_error_test
			     : sieve_command_find(STR("error"), false);
	n->arg = v;
	n->args = 1;
	n->tags = 0;
	n->test = n->block = NULL;
	return true;
}

static bool
check_tests(struct checker *c, struct sieve_node *first)
{
	for (struct sieve_node *n = first; n != NULL; n = n->next)
		if (!check_or_replace(c, n, true) || !check_tests(c, n->test))
			return false;
	return true;
}

static bool
check_commands(struct checker *c, struct sieve_node *first)
{
	const struct sieve_node *before = NULL;

	for (struct sieve_node *n = first; n != NULL; before = n, n = n->next) {
		enum sieve_op op;

		if (!check_or_replace(c, n, false))
			return false;
		op = n->command->op;
		c->begun |= op != OP_REQUIRE;
		if ((op == OP_ELSIF || op == OP_ELSE) &&
		    (before == NULL || (before->command->op != OP_IF &&
					   before->command->op != OP_ELSIF)))
			return sieve_wrong(c->problem, n->line,
			    "\"%s\" comes only behind the block of \"if\" or "
			    "\"elsif\"",
			    n->command->name);
		if (!check_tests(c, n->test) || !check_commands(c, n->block))
			return false;
	}
	return true;
}

bool
sieve_check(struct sieve_script *s, const struct sieve_limits *limits,
    struct sieve_problem *problem_r)
{
	struct checker c = { .s = s, .problem = problem_r };

	(void)limits; /* parse.c has kept them */
	return check_commands(&c, s->first);
}
