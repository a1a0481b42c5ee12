/*
 * sieve/check.h - what the files of the checker share. Private to the compiler.
 */
#ifndef SIEVE_CHECK_H
#define SIEVE_CHECK_H

#include "sieve/lexer.h"
#include "sieve/words.h"

struct checker {
	struct sieve_script *s;
	struct sieve_problem *problem;
	bool begun; /* no `require` any more */
	/* The problem is one that RFC 5463 leaves to the run. */
	bool soft;
};

/* check_strings.c */

/* Replaces what encoded-character says (RFC 5228, 2.4.2.4), and looks at the
 * namespaces of variables, in all strings of the value. */
bool sieve_check_strings(
    struct checker *c, unsigned line, struct sieve_value *v);
/* It has a reference to a variable, whose value is not known yet. */
bool sieve_has_variable(const struct sieve_script *s, struct pst_str text);
/* The name of a variable that can be set, in `global` when `plain` without a
 * namespace (RFC 5229, 3; RFC 6609, 3.4). */
bool sieve_is_variable(
    const struct sieve_script *s, struct pst_str name, bool plain);

/* check_values.c: how the command compares, and what only it takes, once its
 * arguments are in place. */
bool sieve_check_values(struct checker *c, struct sieve_node *n);

#endif
