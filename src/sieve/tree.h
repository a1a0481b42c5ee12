/*
 * sieve/tree.h - a script in memory: what parse.c makes of the text (RFC 5228,
 * section 8), check.c judges by the tables of commands.c, and run.c goes
 * through. Private to src/sieve.
 */
#ifndef SIEVE_TREE_H
#define SIEVE_TREE_H

#include "sieve/sieve.h"

/* What must be named in `require`. */
enum sieve_ext {
	EXT_NONE,
	EXT_FILEINTO,
	EXT_ENVELOPE,
	EXT_ENCODED_CHARACTER,
	EXT_OCTET,	     /* comparator-i;octet */
	EXT_ASCII_CASEMAP,   /* comparator-i;ascii-casemap */
	EXT_ASCII_NUMERIC,   /* comparator-i;ascii-numeric */
	EXT_UNICODE_CASEMAP, /* comparator-i;unicode-casemap */
	EXT_REJECT,	     /* RFC 5429 */
	EXT_EREJECT,
	EXT_COPY,	      /* RFC 3894 */
	EXT_IMAP4FLAGS,	      /* RFC 5232 */
	EXT_BODY,	      /* RFC 5173 */
	EXT_ENVIRONMENT,      /* RFC 5183 */
	EXT_VARIABLES,	      /* RFC 5229 */
	EXT_VACATION,	      /* RFC 5230 */
	EXT_VACATION_SECONDS, /* RFC 6131 */
	EXT_RELATIONAL,	      /* RFC 5231 */
	EXT_SUBADDRESS,	      /* RFC 5233 */
	EXT_SPAMTEST,	      /* RFC 5235 */
	EXT_SPAMTESTPLUS,
	EXT_VIRUSTEST,
	EXT_DATE,	    /* RFC 5260 */
	EXT_INDEX,	    /* RFC 5260 */
	EXT_IHAVE,	    /* RFC 5463 */
	EXT_MAILBOX,	    /* RFC 5490 */
	EXT_MBOXMETADATA,   /* RFC 5490 */
	EXT_SERVERMETADATA, /* RFC 5490 */
	EXT_INCLUDE,	    /* RFC 6609 */
	EXT_DUPLICATE,	    /* RFC 7352 */
	EXT_SPECIAL_USE,    /* RFC 8579 */
	EXTS
};

enum sieve_tag {
	TAG_IS,
	TAG_CONTAINS,
	TAG_MATCHES,
	TAG_COUNT, /* value: relation, RFC 5231 */
	TAG_VALUE,
	TAG_COMPARATOR, /* value: its name */
	TAG_ALL,
	TAG_LOCALPART,
	TAG_DOMAIN,
	TAG_USER,
	TAG_DETAIL,
	TAG_OVER,
	TAG_UNDER,
	TAG_COPY,
	TAG_CREATE,
	TAG_FLAGS,	/* value: list */
	TAG_SPECIALUSE, /* value: use */
	TAG_INDEX,	/* value: number */
	TAG_LAST,
	TAG_RAW,     /* body, RFC 5173 */
	TAG_CONTENT, /* value: list */
	TAG_TEXT,
	TAG_ZONE, /* value: string */
	TAG_ORIGINALZONE,
	TAG_DAYS,    /* value: number */
	TAG_SECONDS, /* value: number */
	TAG_SUBJECT,
	TAG_FROM,
	TAG_ADDRESSES, /* value: list */
	TAG_MIME,
	TAG_HANDLE,
	TAG_LOWER, /* set, RFC 5229 */
	TAG_UPPER,
	TAG_LOWERFIRST,
	TAG_UPPERFIRST,
	TAG_QUOTEWILDCARD,
	TAG_LENGTH,
	TAG_PERSONAL, /* include, RFC 6609 */
	TAG_GLOBAL,
	TAG_ONCE,
	TAG_OPTIONAL,
	TAG_HEADER, /* duplicate, RFC 7352 */
	TAG_UNIQUEID,
	TAG_PERCENT, /* spamtest, RFC 5235 */
	TAGS
};

enum sieve_op {
	/* control and action commands */
	OP_REQUIRE,
	OP_IF,
	OP_ELSIF,
	OP_ELSE,
	OP_STOP,
	OP_KEEP,
	OP_DISCARD,
	OP_FILEINTO,
	OP_REDIRECT,
	OP_REJECT,
	OP_EREJECT,
	OP_VACATION,
	OP_SET,
	OP_SETFLAG,
	OP_ADDFLAG,
	OP_REMOVEFLAG,
	OP_INCLUDE,
	OP_RETURN,
	OP_GLOBAL,
	/* RFC 5463. As a test, too: there check.c puts it in place of what is
	 * unknown, so that a run ends when it comes there (see check.c). */
	OP_ERROR,
	/* tests */
	OP_ADDRESS,
	OP_ALLOF,
	OP_ANYOF,
	OP_ENVELOPE,
	OP_EXISTS,
	OP_FALSE,
	OP_HEADER,
	OP_NOT,
	OP_SIZE,
	OP_TRUE,
	OP_STRING,
	OP_HASFLAG,
	OP_BODY,
	OP_ENVIRONMENT,
	OP_DATE,
	OP_CURRENTDATE,
	OP_IHAVE,
	OP_MAILBOXEXISTS,
	OP_METADATA,
	OP_METADATAEXISTS,
	OP_SERVERMETADATA,
	OP_SERVERMETADATAEXISTS,
	OP_SPAMTEST,
	OP_VIRUSTEST,
	OP_DUPLICATE,
	OP_SPECIALUSE_EXISTS,
	OPS
};

/* A string, as written once escapes and encoded characters are replaced; it
 * may still have ${variables}. */
struct sieve_value {
	bool is_number;
	uint64_t number;
	struct pst_str *string; /* a string is a list of one */
	size_t strings;
};

struct sieve_tagged {
	enum sieve_tag tag;
	struct sieve_value value; /* of those that have one */
};

enum sieve_match {
	MATCH_IS,
	MATCH_CONTAINS,
	MATCH_MATCHES,
	MATCH_COUNT,
	MATCH_VALUE
};
enum sieve_relation { REL_GT, REL_GE, REL_LT, REL_LE, REL_EQ, REL_NE };
enum sieve_comparator {
	COMP_ASCII_CASEMAP,
	COMP_OCTET,
	COMP_ASCII_NUMERIC,
	COMP_UNICODE_CASEMAP
};

/* An argument as parse.c saw it: a tag, or a value. */
struct sieve_written {
	bool is_tag;
	unsigned line;
	struct pst_str tag; /* without the colon */
	struct sieve_value value;
};

/*
 * A command or a test. parse.c fills in what is written; check.c finds the
 * command, and sorts the arguments.
 */
struct sieve_node {
	struct pst_str name; /* as written */
	struct sieve_written *written;
	size_t writtens;
	bool parens; /* its tests are a list in parentheses */
	bool braces; /* it has a block, which may be empty */

	const struct sieve_command *command;
	unsigned line;
	struct sieve_value *arg; /* without tags, as many as check.c let pass */
	size_t args;
	struct sieve_tagged *tagged;
	size_t tags;
	struct sieve_node *test;  /* the first of its tests */
	struct sieve_node *block; /* the first command of its block */
	struct sieve_node *next;  /* in the same block, or list of tests */
	/* How it compares, for commands that do; filled in by check.c. */
	enum sieve_match match;
	enum sieve_relation relation;
	enum sieve_comparator comparator;
	enum sieve_tag part; /* TAG_ALL, TAG_LOCALPART, … */
};

/* How a command is written. */
struct sieve_command {
	const char *name; /* in lower case */
	enum sieve_op op;
	bool is_test;
	/* One of these is to be required; EXT_NONE first: none is. */
	enum sieve_ext ext[2];
	/* Its arguments: 's' a string, 'l' a list of strings (or a string), 'n'
	 * a number; one in capitals may be left out from the front, as
	 * hasflag's list of variables. */
	const char *args;
	/* The tags that it may have, as bits 1 << enum sieve_tag. */
	uint64_t tags;
	enum { TESTS_NONE, TESTS_ONE, TESTS_LIST } tests;
	bool has_block;
};

struct sieve_script {
	struct arena *arena;
	struct sieve_node *first;
	bool required[EXTS];
	bool needs_body;
};

/* commands.c; NULL: there is none of that name. Without case. */
const struct sieve_command *sieve_command_find(struct pst_str name, bool test);
/* The tag of that name (without the colon) among `allowed`. */
bool sieve_tag_find(
    struct pst_str name, uint64_t allowed, enum sieve_tag *tag_r);
const char *sieve_tag_name(enum sieve_tag tag);
bool sieve_ext_find(struct pst_str name, enum sieve_ext *ext_r);

/* The value of a tag of the node, or NULL. */
const struct sieve_value *sieve_tag_value(
    const struct sieve_node *n, enum sieve_tag tag);
bool sieve_has_tag(const struct sieve_node *n, enum sieve_tag tag);

/* parse.c: grammar alone, whatever the commands are called. False: see the
 * problem. */
bool sieve_parse(struct sieve_script *s, struct pst_str text,
    const struct sieve_limits *limits, struct sieve_problem *problem_r);
/* check.c: all that can be wrong before a message is there (RFC 5228, 2.10.5):
 * what is required, arguments, tags and their values, the order of commands;
 * fills in how nodes compare. */
bool sieve_check(struct sieve_script *s, const struct sieve_limits *limits,
    struct sieve_problem *problem_r);

#endif
