/*
 * sieve/run.h - the state of a run, and what the files that run a script have
 * of each other. Private to src/sieve.
 *
 * What goes wrong is noted by run_fail() and ends the run; until then each
 * function has a result that can be used, so callers look at r->failed where
 * they would go on for long, and not after each step.
 */
#ifndef SIEVE_RUN_H
#define SIEVE_RUN_H

#include "sieve/tree.h"

enum {
	MATCH_VARIABLES = 33,		/* ${0} to ${32} (RFC 5229, 3.2) */
	STRING_MAX = 256 * 1024,	/* octets of one string, expanded */
	SCRATCH_MAX = 16 * 1024 * 1024, /* octets that one command works on */
	BODIES_MAX = 8 * 1024 * 1024,	/* octets of decoded bodies */
	BODY_LISTS = 256,
	MAP_COST = 16, /* octets for one that is mapped by Unicode's tables */
	ASK = 500,     /* steps for a question to the host */
};

struct variable {
	char *name; /* as first written; compared without case */
	struct buf value;
	bool is_global; /* only refers to the global one of that name */
	struct variable *next;
};

/* A script that runs, and what only it sees (RFC 6609, 3.4). */
struct scope {
	const struct sieve_script *script;
	const struct included *from; /* NULL: the first one */
	struct scope *outer;	     /* the script that includes this one */
	unsigned line;		     /* where it does that */
	struct variable *variables;
	/* Of the last :matches that was true (RFC 5229, 3.2); in the heap. */
	struct pst_str matched[MATCH_VARIABLES];
	char *matched_text;
};

/* A script that was included. */
struct included {
	char *name;
	bool is_global;
	struct sieve_script *script;
	struct included *next;
};

/* The body of a part, once it was asked for. */
struct body_text {
	const struct msg_part *part;
	bool stripped; /* without tags of HTML */
	struct buf text;
	struct body_text *next;
};

enum run_way { RUN_ON, RUN_RETURN, RUN_STOP };

struct run {
	const struct sieve_message *m;
	const struct sieve_host *host;
	const struct sieve_limits *limits;
	struct sieve_result *result;

	unsigned nested;  /* blocks in each other, of all scripts */
	enum run_way way; /* not RUN_ON: commands are passed over */
	bool failed;	  /* then it is RUN_STOP */
	unsigned line;	  /* of the command or test at work */
	uint64_t work;

	struct scope *scope; /* the innermost */
	struct variable *globals;
	unsigned variables;
	struct included *included;
	unsigned includes;

	bool keeps;	  /* the implicit keep is still to be done */
	struct buf flags; /* the internal variable of RFC 5232 */
	size_t action_cap;
	unsigned redirects;
	bool rejects, answers, delivers;

	struct body_text *bodies[BODY_LISTS];
	size_t bodies_size;

	/* What a command or a test needs while it is at work. */
	struct arena *scratch;
	size_t scratch_used;
};

/* --- run.c ---------------------------------------------------------------- */

/* Only the first counts. */
void run_fail(struct run *r, const char *fmt, ...) PST_PRINTF(2, 3);
/* Counts steps; false: there were too many, or the run has failed before. */
bool run_work(struct run *r, uint64_t steps);
/* Steps for looking at octets. */
bool run_look(struct run *r, size_t octets);
/* Never NULL, zeroed; lives until the command or test is done. */
void *run_alloc(struct run *r, size_t count, size_t size);
struct pst_str run_keep(struct run *r, const struct buf *b); /* a copy */
/* Runs commands until they end, or `way` says otherwise. */
void run_block(struct run *r, const struct sieve_node *first);

/* --- strings.c: arguments, with the values of variables --------------------
 */

struct strings {
	struct pst_str *v;
	size_t n;
};

bool run_has(const struct run *r, enum sieve_ext ext);
struct pst_str run_string(struct run *r, const struct sieve_value *v);
/* Where it may be cut: to be too long is no error. */
struct pst_str run_string_cut(struct run *r, const struct sieve_value *v);
struct strings run_strings(struct run *r, const struct sieve_value *v);
/* Of a tag; {NULL, 0} when it is not there. */
struct pst_str run_tag(
    struct run *r, const struct sieve_node *n, enum sieve_tag tag);
/* Its characters are whole: at most `max` octets. */
struct pst_str run_cut(struct pst_str utf8, size_t max);

/* --- variables.c -----------------------------------------------------------
 */

/* The value of a variable by its name as written; {NULL, 0}: it has none. */
struct pst_str run_variable(struct run *r, struct pst_str name);
/* Cuts a value that is too long (RFC 5229, 6). */
void run_variable_set(struct run *r, struct pst_str name, struct pst_str value);
void run_variables_fini(struct variable **v);
void run_scope_fini(struct scope *s);
void run_set(struct run *r, const struct sieve_node *n);
void run_global(struct run *r, const struct sieve_node *n);
bool run_test_string(struct run *r, const struct sieve_node *n);

/* --- match.c: comparators and match types ----------------------------------
 */

/* One test with its keys made ready. */
struct match {
	struct run *r;
	const struct sieve_node *n;
	struct strings keys;	  /* as they are compared */
	struct pattern *patterns; /* of :matches, instead */
	bool sets_variables;
	bool is_true;
	uint64_t count; /* of values, for :count */
};

void match_begin(struct match *m, struct run *r, const struct sieve_node *n,
    const struct sieve_value *keys);
void match_begin_keys(struct match *m, struct run *r,
    const struct sieve_node *n, struct strings keys);
/* Looks at one more value. True: the test is decided, and is true. */
bool match_value(struct match *m, struct pst_str value);
bool match_end(struct match *m);

/* pattern.c: what stands between the stars of a key with wildcards. */
struct segment {
	struct pst_str text; /* as it compares */
	const bool *any;     /* at the octet of a "?"; NULL: there is none */
};
struct pattern {
	struct segment *segment;
	size_t segments; /* one more than stars */
};
void pattern_init(struct pattern *p, struct run *r,
    enum sieve_comparator comparator, struct pst_str key);
/*
 * Whether the whole value fits. The first MATCH_VARIABLES - 1 wildcards are set
 * to what they stand for, as little as possible each, and their number; or
 * wild_r is NULL.
 */
bool pattern_fits(struct run *r, const struct pattern *p,
    enum sieve_comparator comparator, struct pst_str value,
    struct pst_str *wild_r, size_t *wilds_r);
/* As it compares octet by octet, with comparators that do so. */
struct pst_str match_fold(
    struct run *r, enum sieve_comparator comparator, struct pst_str s);

/* --- tests, each in the file of its name -----------------------------------
 */

/* headers.c. Fields of a name in the script's or the message's order. */
struct fields {
	const struct msg_field **v;
	size_t n;
};
struct fields run_fields(
    struct run *r, const struct sieve_node *n, struct strings names);
/* Unfolded, decoded, trimmed. */
struct pst_str run_field_text(struct run *r, const struct msg_field *f);
bool run_test_header(struct run *r, const struct sieve_node *n);
bool run_test_exists(struct run *r, const struct sieve_node *n);

/* addresses.c */
bool run_test_address(struct run *r, const struct sieve_node *n);
bool run_test_envelope(struct run *r, const struct sieve_node *n);
/* An address for sending to (RFC 5228, 2.4.2.3), or the run fails. */
struct pst_str run_address(struct run *r, struct pst_str text);

/* body.c */
bool run_test_body(struct run *r, const struct sieve_node *n);

/* date.c */
bool run_test_date(struct run *r, const struct sieve_node *n);
bool run_test_currentdate(struct run *r, const struct sieve_node *n);

/* flags.c */
void run_flags(struct run *r, const struct sieve_node *n);
bool run_test_hasflag(struct run *r, const struct sieve_node *n);
/* What a text or texts name, each once. */
struct strings run_flag_list(struct run *r, struct strings texts);

/* spam.c */
bool run_test_spam(struct run *r, const struct sieve_node *n);
bool run_test_virus(struct run *r, const struct sieve_node *n);

/* asks.c */
bool run_test_mailboxexists(struct run *r, const struct sieve_node *n);
bool run_test_specialuse(struct run *r, const struct sieve_node *n);
bool run_test_metadata(struct run *r, const struct sieve_node *n);
bool run_test_metadataexists(struct run *r, const struct sieve_node *n);
bool run_test_environment(struct run *r, const struct sieve_node *n);
bool run_test_duplicate(struct run *r, const struct sieve_node *n);
bool run_test_ihave(struct run *r, const struct sieve_node *n);

/* --- commands --------------------------------------------------------------
 */

/* actions.c */
void run_keep_action(struct run *r, const struct sieve_node *n);
void run_discard(struct run *r);
void run_fileinto(struct run *r, const struct sieve_node *n);
void run_redirect(struct run *r, const struct sieve_node *n);
void run_reject(struct run *r, const struct sieve_node *n);
/* A new action of the node, or NULL when the run fails. */
struct sieve_action *run_action(
    struct run *r, enum sieve_action_kind kind, unsigned line);
/* A copy that lives as long as the result; the second one is UTF-8 without NUL,
 * whatever variables have brought. */
struct pst_str run_own(struct run *r, struct pst_str s);
struct pst_str run_own_text(struct run *r, struct pst_str s);
/* The implicit keep. */
void run_actions_end(struct run *r);

/* vacation_args.c */
void run_vacation(struct run *r, const struct sieve_node *n);
/* 64 hexadecimal digits for counted strings; absent ones are other than empty
 * ones. */
enum { RUN_HASH = 65 };
void run_hash(const struct pst_str *s, size_t n, char hash_r[RUN_HASH]);

/* include.c */
void run_include(struct run *r, const struct sieve_node *n);
void run_includes_fini(struct run *r);

/* trace.c. Nothing is done when nobody wants to see it. */
struct trace {
	bool on;
	struct buf text;
};
void run_trace_begin(
    struct trace *t, struct run *r, const struct sieve_node *n);
/* Tells it, with what a test has found. */
void run_trace_end(
    struct trace *t, struct run *r, const struct sieve_node *n, bool result);

#endif
