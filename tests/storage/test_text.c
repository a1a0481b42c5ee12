/*
 * test_text.c - the full-text index, where a module has one: that it answers
 * rightly about what was put into it, and forgets it when it should.
 */
#include "conformance.h"

enum { MESSAGES = 40 };

static const char *const word[] = { "apple", "pineapple", "pear", "appl",
	"gr\xc3\xbcn", "one two", "two", "wood.land",
	"\xe6\x9d\xb1\xe4\xba\xac" };
enum { WORDS = sizeof(word) / sizeof(word[0]) };

/* Word i is in the header when its number divides the uid's, else in the body
 * of the messages that it leaves a rest of 1. */
static struct pst_text
text_of(uint32_t uid, char header[200], char body[200])
{
	struct pst_text t = { .uid = uid };
	size_t h = 0, b = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		if (uid % (i + 2) == 0)
			h += (size_t)snprintf(
			    header + h, 200 - h, " %s\xff", word[i]);
		else if (uid % (i + 2) == 1)
			b += (size_t)snprintf(
			    body + b, 200 - b, "%s\r\n", word[i]);
	}
	t.header = (struct pst_str){ header, h };
	t.body = (struct pst_str){ body, b };
	return t;
}

static bool
contains(struct pst_str text, const char *needle)
{
	return *needle == '\0' || (text.n > 0 && memmem(text.p, text.n, needle,
						     strlen(needle)) != NULL);
}

struct asked {
	const char *needle;
	bool headers, ordered, right;
	uint32_t last;
	unsigned n, decided;
};

static void
hear(void *arg, uint32_t uid, enum pst_text_answer answer)
{
	struct asked *a = arg;
	char header[200] = "", body[200] = "";
	struct pst_text t = text_of(uid, header, body);
	bool truth = contains(t.body, a->needle) ||
		     (a->headers && contains(t.header, a->needle));

	a->ordered = a->ordered && uid > a->last;
	a->last = uid;
	a->n++;
	a->decided += answer != PST_TEXT_MAYBE;
	if (answer != PST_TEXT_MAYBE && truth != (answer == PST_TEXT_YES))
		a->right = false;
}

static struct asked
ask(struct pst_box *box, uint64_t version, const char *needle, bool headers)
{
	struct asked a = { .needle = needle,
		.headers = headers,
		.ordered = true,
		.right = true };
	struct pst_str text = { needle, strlen(needle) };
	struct pst_error err = { 0 };

	CHECK_RC(PST_OK,
	    OPS->text_search(box, version, text, headers, hear, &a, &err));
	CHECK(a.ordered, "ascending, each once");
	CHECK(a.right, "\"%s\" is answered rightly", needle);
	return a;
}

static void
put_texts(struct pst_box *box, uint32_t first, uint32_t last)
{
	static char header[MESSAGES + 1][200], body[MESSAGES + 1][200];
	struct pst_text texts[MESSAGES];
	struct pst_error err = { 0 };
	size_t n = 0;

	for (uint32_t uid = last; uid >= first; uid--)
		texts[n++] = text_of(uid, header[uid], body[uid]);
	CHECK_RC(PST_OK, OPS->text_put(box, 1, texts, n, &err));
}

static void
ask_all(struct pst_box *box, unsigned want)
{
	static const char *const other[] = { "", "a", "app", "ppl", "le",
		"ineapple", "pear ", "e t", "wo tw", "nothing", ".land", "d.l",
		"\xe6\x9d\xb1", "\xbc", "." };

	for (unsigned h = 0; h < 2; h++) {
		for (unsigned i = 0; i < WORDS; i++)
			CHECK(ask(box, 1, word[i], h).n == want,
			    "all %u are told of", want);
		for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++)
			CHECK(ask(box, 1, other[i], h).n == want,
			    "all %u are told of", want);
	}
}

/* An index may belong to contents, so there are messages. */
static void
put_messages(struct pst_box *box)
{
	for (uint32_t uid = 1; uid <= MESSAGES; uid++)
		(void)put(box, "Subject: indexed\r\n\r\ntext\r\n", 0, 0, 99);
}

static void
uses(struct pst_box *box)
{
	struct pst_range all = { 1, UINT32_MAX }, some = { 10, 19 };
	struct pst_text_state state = { 0 };
	struct pst_error err = { 0 };

	put_messages(box);
	CHECK(ask(box, 1, "", true).n == 0, "nothing at first");
	put_texts(box, 1, 25);
	ask_all(box, 25);
	put_texts(box, 26, MESSAGES);
	ask_all(box, MESSAGES);
	CHECK(ask(box, 1, "", true).decided == MESSAGES, "nothing is partial");
	CHECK(ask(box, 2, "", true).n == 0, "another version");
	CHECK_RC(
	    PST_OK, OPS->text_tidy(box, 1, (struct pst_uids){ &all, 1 }, &err));
	ask_all(box, MESSAGES);
	CHECK_RC(PST_OK, OPS->text_state(box, 1, &state, &err));
	CHECK(state.messages == MESSAGES && state.bytes > 0, "its size");
	CHECK_RC(PST_OK,
	    OPS->text_tidy(box, 1, (struct pst_uids){ &some, 1 }, &err));
	CHECK(ask(box, 1, "", true).n >= 10, "what is left");
	put_texts(box, 1, 5);
	(void)ask(box, 1, "apple", true);
}

/* --- whatever octets ------------------------------------------------------ */

enum { TEXTS = 120, NEEDLES = 400, LONGEST = 600 };

struct text {
	char header[LONGEST], body[LONGEST];
	size_t h, b;
};

static struct text made[TEXTS + 1];
static uint32_t dice = 1; /* the same each time */

static unsigned
roll(unsigned below)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % below;
}

/* Few different letters, so that parts of it are found elsewhere; and what
 * needs care: wildcards, NULs, dividers, several octets, what is no UTF-8. */
static size_t
make_text(char *to, size_t size, bool is_foul)
{
	static const char *const piece[] = { "a", "b", "ab", "abc", "cab ", " ",
		"%", "_", "\\", "\r\n", "\xc3\xa4", "\xe6\x9d\xb1", "i",
		"\xf0\x9f\x90\xa6", "'", "\xc3\x9f", "aaa", ".", "0", "\xff" };
	static const struct pst_str foul[] = { { "", 1 }, { "\x80", 1 },
		{ "\xef\xbf\xbf", 3 }, { "\xef\xbf\xbe", 3 }, { "\xc3", 1 },
		{ "\xed\xa0\x80", 3 } };
	size_t n = 0;

	while (n + 8 < size && roll(size / 3) != 0) {
		struct pst_str one = { piece[roll(20)], 0 };

		one.n = strlen(one.p);
		if (is_foul && roll(12) == 0)
			one = foul[roll(6)];
		memcpy(to + n, one.p, one.n);
		n += one.n;
	}
	return n;
}

struct sought {
	struct pst_str needle;
	bool headers;
	unsigned n, decided, wrong;
};

static bool
has(const char *text, size_t n, struct pst_str needle)
{
	return needle.n == 0 || (n > 0 && memmem(text, n, needle.p, needle.n));
}

static void
hear_random(void *arg, uint32_t uid, enum pst_text_answer answer)
{
	struct sought *q = arg;
	const struct text *t = &made[uid <= TEXTS ? uid : 0];
	bool truth = has(t->body, t->b, q->needle) ||
		     (q->headers && has(t->header, t->h, q->needle));

	q->n++;
	q->decided += answer != PST_TEXT_MAYBE;
	q->wrong += answer != PST_TEXT_MAYBE &&
		    truth != (answer == PST_TEXT_YES);
}

/* A part of some text, without what no needle has; sometimes none of it. */
static struct pst_str
make_needle(char *to, size_t size)
{
	const struct text *t = &made[1 + roll(TEXTS)];
	size_t n = roll(2) ? 1 + roll(4) : 1 + roll((unsigned)size - 1), at = 0;

	if (roll(5) == 0 || t->b <= n)
		return (struct pst_str){ to, make_text(to, size, false) };
	at = roll((unsigned)(t->b - n));
	memcpy(to, t->body + at, n);
	return (struct pst_str){ to, n };
}

static void
whatever_octets(struct pst_acct *acct)
{
	struct pst_text texts[TEXTS];
	struct pst_error err = { 0 };
	unsigned decided = 0, told = 0;
	struct pst_box *box;

	CHECK_RC(PST_OK, OPS->create(acct, "Octets", "", &err));
	box = box_of(acct, "Octets");
	for (uint32_t uid = 1; uid <= TEXTS; uid++) {
		struct text *t = &made[uid];

		(void)put(box, "Subject: any\r\n\r\ntext\r\n", 0, 0, 99);
		t->h = make_text(t->header, LONGEST, uid % 10 == 0);
		t->b = make_text(t->body, LONGEST, uid % 10 == 5);
		texts[uid - 1] = (struct pst_text){ .uid = uid,
			.header = { t->header, t->h },
			.body = { t->body, t->b } };
	}
	CHECK_RC(PST_OK, OPS->text_put(box, 1, texts, TEXTS, &err));
	for (int i = 0; i < NEEDLES; i++) {
		char needle[32];
		struct sought q = { .headers = roll(2) };

		q.needle = make_needle(needle, sizeof(needle));
		if (memchr(q.needle.p, 0xff, q.needle.n) != NULL)
			continue; /* no needle has that */
		CHECK_RC(PST_OK, OPS->text_search(box, 1, q.needle, q.headers,
				     hear_random, &q, &err));
		CHECK(q.n == TEXTS && q.wrong == 0,
		    "needle %d: \"%.*s\" has %u answers, %u wrong ones", i,
		    (int)q.needle.n, q.needle.p, q.n, q.wrong);
		decided += q.decided;
		told += q.n;
	}
	CHECK(decided > told / 4, "%u of %u are decided", decided, told);
	OPS->box_close(box);
}

void
test_text(void)
{
	struct pst_error none;
	struct pst_acct *acct = OPS->acct_exists &&
					OPS->acct_exists(
					    suite.store, "text@example.test") &&
					OPS->acct_remove(suite.store,
					    "text@example.test", &none)
				    ? NULL
				    : acct_of("text@example.test");
	struct pst_error err = { 0 };
	struct pst_box *box;
	unsigned known;

	if (acct == NULL)
		return;
	if (OPS->text_put == NULL) {
		CHECK(OPS->text_search == NULL && OPS->text_tidy == NULL &&
			  OPS->text_state == NULL && OPS->text_drop == NULL,
		    "all or none");
		skip(1, "it has no full-text index");
		OPS->acct_close(acct);
		return;
	}
	box = box_of(acct, "INBOX");
	uses(box);
	known = ask(box, 1, "", true).n;
	OPS->box_close(box);
	box = box_of(acct, "INBOX");
	CHECK(ask(box, 1, "", true).n <= known, "after opening it again");
	CHECK_RC(PST_OK, OPS->text_drop(box, &err));
	CHECK(ask(box, 1, "", true).n == 0, "dropped");
	CHECK_RC(PST_OK, OPS->text_drop(box, &err));
	put_texts(box, 1, 5);
	CHECK(ask(box, 1, "", true).n == 5, "and made anew");
	OPS->box_close(box);
	whatever_octets(acct);
	OPS->acct_close(acct);
}
