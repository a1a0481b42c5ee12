/*
 * exchange/replies.c - see replies.h. A line is a rule: patterns, an arrow, and
 * what is done.
 */
#include "exchange/replies.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct rule {
	unsigned line;
	char code[4];			  /* "4?1"; "": any from 400 on */
	char *status, *host;		  /* patterns; NULL: any */
	char *text[REPLIES_PATTERNS + 1]; /* all of them occur; NULL ends */
	struct replies_advice advice;
	char *note;
};

struct replies {
	atomic_uint refs;
	struct rule *rule;
	size_t n, cap;
};

/* conf/replies.conf, line by line. */
static const char *const builtin[] = {
#include "exchange/replies_builtin.h"
};

/* --- words ----------------------------------------------------------------
 */

enum word_kind { WORD_END, WORD_PLAIN, WORD_QUOTED, WORD_ARROW, WORD_COMMA };

struct parser {
	struct replies *r;
	const char *name;
	unsigned line;
	struct pst_str rest; /* of the line */
	enum word_kind kind;
	char word[REPLIES_WORD];
	struct pst_error *err;
};

static enum pst_rc PST_PRINTF(2, 3) fail(struct parser *p, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return pst_fail(
	    p->err, PST_E_SYNTAX, 0, "%s:%u: %s", p->name, p->line, text);
}

/* `n` octets, and `more` that belong to it as well. */
static enum pst_rc
take(struct parser *p, enum word_kind kind, size_t from, size_t n, size_t more)
{
	if (n >= sizeof(p->word))
		return fail(
		    p, "a word of more than %d octets", REPLIES_WORD - 1);
	memcpy(p->word, p->rest.p + from, n);
	p->word[n] = '\0';
	p->kind = kind;
	p->rest = str_from(p->rest, from + n + more);
	return PST_OK;
}

static enum pst_rc
next_word(struct parser *p)
{
	size_t n = 0;

	p->rest = str_trim(p->rest);
	if (p->rest.n == 0 || p->rest.p[0] == '#') {
		p->kind = WORD_END;
		return PST_OK;
	}
	if (p->rest.p[0] == ',')
		return take(p, WORD_COMMA, 0, 1, 0);
	if (p->rest.p[0] == '"') {
		n = str_find(str_from(p->rest, 1), '"');
		if (n + 1 >= p->rest.n)
			return fail(p, "a quotation mark is missing");
		if (n == 0)
			return fail(p, "an empty text");
		return take(p, WORD_QUOTED, 1, n, 1);
	}
	while (n < p->rest.n && strchr(" \t,\"#", p->rest.p[n]) == NULL)
		n++;
	if (n == 0)
		return fail(p, "an octet that stands for nothing");
	return take(p,
	    str_is(str_first(p->rest, n), "->") ? WORD_ARROW : WORD_PLAIN, 0, n,
	    0);
}

/* --- patterns -------------------------------------------------------------
 */

static bool
is_code(const char *word)
{
	return strlen(word) == 3 && (word[0] == '4' || word[0] == '5') &&
	       (ascii_is_digit(word[1]) || word[1] == '?') &&
	       (ascii_is_digit(word[2]) || word[2] == '?');
}

/* "4.7.*" */
static bool
is_status(const char *word)
{
	return strchr(word, '.') != NULL &&
	       word[strspn(word, "0123456789.*?")] == '\0';
}

static enum pst_rc
add_text(struct parser *p, struct rule *rule)
{
	size_t n = 0, length = strlen(p->word);

	while (rule->text[n] != NULL)
		n++;
	if (n == REPLIES_PATTERNS)
		return fail(p, "more than %d texts", REPLIES_PATTERNS);
	rule->text[n] = mem_alloc(length + 3);
	rule->text[n][0] = '*';
	memcpy(rule->text[n] + 1, p->word, length);
	rule->text[n][length + 1] = '*';
	return PST_OK;
}

static enum pst_rc
take_pattern(struct parser *p, struct rule *rule)
{
	enum pst_rc rc;

	if (p->kind == WORD_QUOTED)
		return add_text(p, rule);
	if (p->kind == WORD_PLAIN && is_code(p->word) &&
	    rule->code[0] == '\0') {
		memcpy(rule->code, p->word, sizeof(rule->code));
		return PST_OK;
	}
	if (p->kind == WORD_PLAIN && is_status(p->word) &&
	    rule->status == NULL) {
		rule->status = str_dup(str_of(p->word));
		return PST_OK;
	}
	if (p->kind == WORD_PLAIN && strcmp(p->word, "host") == 0 &&
	    rule->host == NULL) {
		rc = next_word(p);
		if (rc != PST_OK)
			return rc;
		if (p->kind != WORD_PLAIN)
			return fail(p, "host: expected a pattern of a name");
		rule->host = str_dup(str_of(p->word));
		return PST_OK;
	}
	if (p->kind == WORD_END)
		return fail(p, "there is no ->");
	return fail(p,
	    "%s: expected a code such as 4?1, a status such as 4.7.*, host and "
	    "a pattern, or a text in quotation marks",
	    p->word);
}

/* --- what is done ---------------------------------------------------------
 */

/* "10m"; the word before tells what for. */
static enum pst_rc
take_number(
    struct parser *p, const char *what, uint64_t most, bool time, uint64_t *n_r)
{
	static const char units[] = "smhd";
	static const unsigned factor[] = { 1, 60, 3600, 86400 };
	struct pst_str word;
	const char *unit;
	uint64_t times = 1;
	enum pst_rc rc = next_word(p);

	if (rc != PST_OK)
		return rc;
	word = str_of(p->word);
	unit = word.n > 0 ? strchr(units, word.p[word.n - 1]) : NULL;
	if (p->kind == WORD_PLAIN && time && unit != NULL) {
		times = factor[unit - units];
		word.n--;
	}
	if (p->kind != WORD_PLAIN || !str_to_u64(word, n_r) || *n_r == 0 ||
	    *n_r > most / times)
		return fail(p, "%s: expected %s up to %llu", what,
		    time ? "a time, such as 30s, 10m or 2h," : "a number",
		    (unsigned long long)most);
	*n_r *= times;
	return PST_OK;
}

static enum pst_rc
take_action(struct parser *p, struct rule *rule)
{
	struct replies_advice *a = &rule->advice;
	enum pst_rc rc = PST_OK;
	uint64_t n = 0;

	if (p->kind != WORD_PLAIN)
		return fail(p, "expected what is to be done");
	if (strcmp(p->word, "slower") == 0) {
		a->slower = true;
	} else if (strcmp(p->word, "temporary") == 0) {
		a->state = REPLIES_TEMPORARY;
	} else if (strcmp(p->word, "permanent") == 0) {
		a->state = REPLIES_PERMANENT;
	} else if (strcmp(p->word, "sleep") == 0) {
		rc = take_number(p, "sleep", REPLIES_SLEEP, true, &n);
		a->sleep = (int64_t)n;
	} else if (strcmp(p->word, "rate") == 0) {
		rc = take_number(p, "rate", 1000000, false, &n);
		a->rate = (unsigned)n;
	} else if (strcmp(p->word, "note") == 0 && rule->note == NULL) {
		rc = next_word(p);
		if (rc == PST_OK && p->kind != WORD_QUOTED)
			rc = fail(
			    p, "note: expected a text in quotation marks");
		if (rc == PST_OK)
			rule->note = str_dup(str_of(p->word));
		a->note = rule->note;
	} else if (strcmp(p->word, "nothing") != 0) {
		return fail(p,
		    "%s: expected slower, sleep TIME, rate NUMBER, temporary, "
		    "permanent, note \"TEXT\" or nothing",
		    p->word);
	}
	return rc;
}

static enum pst_rc
take_rule(struct parser *p, struct rule *rule)
{
	enum pst_rc rc = PST_OK;

	while (rc == PST_OK && p->kind != WORD_ARROW) {
		rc = take_pattern(p, rule);
		if (rc == PST_OK)
			rc = next_word(p);
	}
	if (rc == PST_OK && rule->code[0] == '\0' && rule->status == NULL &&
	    rule->host == NULL && rule->text[0] == NULL)
		return fail(p, "a rule without a pattern");
	do {
		if (rc == PST_OK)
			rc = next_word(p);
		if (rc == PST_OK)
			rc = take_action(p, rule);
		if (rc == PST_OK)
			rc = next_word(p);
	} while (rc == PST_OK && p->kind == WORD_COMMA);
	if (rc == PST_OK && p->kind != WORD_END)
		return fail(p, "%s: expected a comma", p->word);
	return rc;
}

static enum pst_rc
take_line(struct parser *p, struct pst_str line)
{
	struct replies *r = p->r;
	enum pst_rc rc;

	if (str_find(line, '\0') < line.n)
		return fail(p, "this is no text");
	p->rest = line;
	rc = next_word(p);
	if (rc != PST_OK || p->kind == WORD_END)
		return rc;
	if (r->n == REPLIES_RULES)
		return fail(p, "more than %d rules", REPLIES_RULES);
	mem_grow(&r->rule, &r->cap, r->n + 1, sizeof(*r->rule));
	r->rule[r->n] = (struct rule){ .line = p->line,
		.advice = { .line = p->line } };
	return take_rule(p, &r->rule[r->n++]);
}

/* --- the whole ------------------------------------------------------------
 */

enum pst_rc
replies_parse(struct pst_str text, const char *name, struct replies **r_r,
    struct pst_error *err)
{
	struct replies *r = mem_alloc(sizeof(*r));
	struct parser p = { .r = r, .name = name, .err = err };
	struct pst_str line;
	enum pst_rc rc = PST_OK;

	r->refs = 1;
	while (rc == PST_OK && str_split(&text, '\n', &line)) {
		p.line++;
		rc = take_line(&p, line);
	}
	if (rc != PST_OK)
		replies_unref(&r);
	*r_r = r;
	return rc;
}

static enum pst_rc
read_file(const char *path, struct buf *text, struct pst_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;

	if (fd < 0)
		return pst_fail(err, PST_E_NOTFOUND, errno, "%s: %s", path,
		    strerror(errno));
	while (got > 0) {
		char block[4096];

		got = read(fd, block, sizeof(block));
		if (got > 0 && !buf_add(text, block, (size_t)got)) {
			(void)close(fd);
			return pst_fail(err, PST_E_LIMIT, 0,
			    "%s: more than %d octets", path, REPLIES_OCTETS);
		}
	}
	(void)close(fd);
	return got == 0 ? PST_OK
			: pst_fail(err, PST_E_TEMP, errno, "%s: %s", path,
			      strerror(errno));
}

enum pst_rc
replies_load(const char *path, struct replies **r_r, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	struct buf text;

	*r_r = NULL;
	buf_init(&text, REPLIES_OCTETS);
	for (size_t i = 0;
	     *path == '\0' && i < sizeof(builtin) / sizeof(builtin[0]); i++)
		(void)buf_puts(&text, builtin[i]);
	if (*path != '\0')
		rc = read_file(path, &text, err);
	if (rc == PST_OK)
		rc = replies_parse(buf_str(&text),
		    *path != '\0' ? path : "replies.conf", r_r, err);
	buf_fini(&text);
	return rc;
}

struct replies *
replies_ref(struct replies *r)
{
	atomic_fetch_add(&r->refs, 1);
	return r;
}

void
replies_unref(struct replies **rp)
{
	struct replies *r = *rp;

	*rp = NULL;
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	for (size_t i = 0; i < r->n; i++) {
		struct rule *rule = &r->rule[i];

		free(rule->status);
		free(rule->host);
		free(rule->note);
		for (size_t k = 0; rule->text[k] != NULL; k++)
			free(rule->text[k]);
	}
	free(r->rule);
	free(r);
}

/* --- looking --------------------------------------------------------------
 */

/* What a reply looks like to the rules. */
struct look {
	char code[8], status[24], host[256];
	char text[REPLIES_LOOK + 1];
};

static void
prepare(struct look *l, const struct reply *reply, const char *host)
{
	struct pst_str text = buf_str(&reply->text);
	size_t n = 0;

	(void)snprintf(l->code, sizeof(l->code), "%u", reply->code);
	(void)snprintf(l->status, sizeof(l->status), "%u.%u.%u",
	    reply->status[0], reply->status[1], reply->status[2]);
	if (reply->status[0] == 0)
		l->status[0] = '\0';
	(void)str_copy(l->host, sizeof(l->host),
	    str_first(str_of(host), strcspn(host, " ")));
	for (; n < text.n && n < REPLIES_LOOK; n++)
		l->text[n] = text.p[n] == '\n' || text.p[n] == '\0' ? ' '
								    : text.p[n];
	l->text[n] = '\0';
}

static bool
fits(const struct rule *rule, const struct look *l)
{
	if ((rule->code[0] != '\0' && !str_fits(rule->code, l->code)) ||
	    (rule->status != NULL && !str_fits(rule->status, l->status)) ||
	    (rule->host != NULL && !str_fits(rule->host, l->host)))
		return false;
	for (size_t i = 0; rule->text[i] != NULL; i++)
		if (!str_fits(rule->text[i], l->text))
			return false;
	return true;
}

struct replies_advice
replies_look(
    const struct replies *r, const struct reply *reply, const char *host)
{
	struct look l;

	if (reply->code < 400)
		return (struct replies_advice){ 0 };
	prepare(&l, reply, host);
	for (size_t i = 0; i < r->n; i++)
		if (fits(&r->rule[i], &l))
			return r->rule[i].advice;
	return (struct replies_advice){ 0 };
}
