/*
 * sieve/spam.c - the tests `spamtest` and `virustest` (RFC 5235): what filters
 * have written into the header.
 *
 * Known are the fields of rspamd (X-Spamd-Result), SpamAssassin (X-Spam-Status)
 * and those who write a score alone (X-Spam-Score), and for viruses those of
 * rspamd and its like (X-Virus), clamav-milter (X-Virus-Status) and amavis
 * (X-Amavis-Alert, X-Virus-Scanned). Of several fields of a name the worst
 * counts. Anybody can write such fields: they are worth something only where a
 * filter of one's own sets them and takes away others.
 */
#include "base/str.h"
#include "sieve/run.h"

enum {
	UNIT = 1000,	 /* scores are in thousandths */
	USUAL = 5 * UNIT /* the score from which on it is spam, if not said */
};

static struct pst_str
field(struct run *r, const char *name)
{
	const struct msg_part *root = r->m->msg->root;
	const struct msg_field *f = msg_field(root, name);

	return f != NULL && run_work(r, 1 + root->fields / 8)
		   ? run_field_text(r, f)
		   : STR_NONE;
}

/* "-4.25", behind white space. */
static bool
take_score(struct pst_str *s, int64_t *score_r)
{
	size_t i = 0, digits = 0;
	int64_t value = 0, unit = UNIT;
	bool minus;

	*s = str_trim(*s);
	minus = s->n > 0 && s->p[0] == '-';
	i = minus || (s->n > 0 && s->p[0] == '+');
	for (; i < s->n && ascii_is_digit(s->p[i]); i++, digits++)
		if (value < INT64_C(1000000) * UNIT)
			value = value * 10 + (s->p[i] - '0') * UNIT;
	if (i < s->n && s->p[i] == '.')
		for (i++; i < s->n && ascii_is_digit(s->p[i]); i++, digits++) {
			unit /= 10;
			value += (s->p[i] - '0') * unit;
		}
	*score_r = minus ? -value : value;
	*s = str_from(*s, i);
	return digits > 0;
}

static bool
take_word(struct pst_str text, const char *word, int64_t *score_r)
{
	size_t at = str_find_case(text, str_of(word));

	if (at == SIZE_MAX)
		return false;
	text = str_from(text, at + strlen(word));
	return take_score(&text, score_r);
}

/* "default: False [4.20 / 15.00];" */
static bool
from_rspamd(struct pst_str text, int64_t *score_r, int64_t *limit_r)
{
	text = str_from(text, str_find(text, '[') + 1);
	if (!take_score(&text, score_r))
		return false;
	text = str_trim(text);
	if (text.n > 0 && text.p[0] == '/') {
		text = str_from(text, 1);
		(void)take_score(&text, limit_r);
	}
	return true;
}

/* "Yes, score=6.1 required=5.0 tests=…" */
static bool
from_spamassassin(struct pst_str text, int64_t *score_r, int64_t *limit_r)
{
	if (!take_word(text, "score=", score_r) &&
	    !take_word(text, "hits=", score_r))
		return false;
	(void)take_word(text, "required=", limit_r);
	return true;
}

static bool
from_others(struct pst_str text, int64_t *score_r, int64_t *limit_r)
{
	(void)limit_r;
	return take_score(&text, score_r);
}

static const struct {
	const char *name;
	bool (*parse)(struct pst_str text, int64_t *score_r, int64_t *limit_r);
} filters[] = {
	{ "X-Spamd-Result", from_rspamd },
	{ "X-Spam-Status", from_spamassassin },
	{ "X-Spam-Score", from_others },
};

/* How much of what makes a message spam it has; -1: that is not said. */
static int
percent_of(struct run *r, const struct msg_field *f, size_t filter)
{
	int64_t score = 0, limit = USUAL;

	if (!filters[filter].parse(run_field_text(r, f), &score, &limit))
		return -1;
	if (limit <= 0)
		limit = USUAL;
	if (score <= 0)
		return 0;
	return score >= limit ? 100 : (int)(score * 100 / limit);
}

/* By the first filter of the table that was there. */
static int
spam_percent(struct run *r)
{
	const struct msg_part *root = r->m->msg->root;
	int worst = -1;

	for (size_t k = 0; k < sizeof(filters) / sizeof(filters[0]); k++) {
		const struct msg_field *f;
		size_t i = 0;

		while (
		    worst < 100 && run_work(r, 1 + root->fields / 8) &&
		    (f = msg_next_field(root, filters[k].name, &i)) != NULL) {
			int percent = percent_of(r, f, k);

			worst = percent > worst ? percent : worst;
		}
		if (worst >= 0)
			break;
	}
	return worst;
}

static bool
match_number(struct run *r, const struct sieve_node *n, int value, bool known)
{
	char text[16];
	struct match m;

	(void)snprintf(text, sizeof(text), "%d", value);
	match_begin(&m, r, n, &n->arg[0]);
	/* RFC 5235, 3.1: what was not tested counts as none. */
	if (n->match != MATCH_COUNT || known)
		(void)match_value(&m, str_of(text));
	return match_end(&m);
}

bool
run_test_spam(struct run *r, const struct sieve_node *n)
{
	int percent = spam_percent(r), value;

	if (sieve_has_tag(n, TAG_PERCENT))
		value = percent < 0 ? 0 : percent;
	else
		value = percent < 0 ? 0 : 1 + percent * 9 / 100;
	return match_number(r, n, value, percent >= 0);
}

/* RFC 5235, 3.3: 0 is not tested, 1 clean, 5 certainly bad. */
bool
run_test_virus(struct run *r, const struct sieve_node *n)
{
	struct pst_str status = field(r, "X-Virus-Status");
	struct pst_str virus = field(r, "X-Virus");
	struct pst_str alert = field(r, "X-Amavis-Alert");
	int value = 0;

	if (virus.n > 0 || str_has_prefix_case(alert, "INFECTED") ||
	    str_has_prefix_case(status, "Infected") ||
	    str_has_prefix_case(status, "Yes"))
		value = 5;
	else if (status.n > 0 || field(r, "X-Virus-Scanned").p != NULL)
		value = 1;
	return match_number(r, n, value, value > 0);
}
