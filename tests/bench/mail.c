/*
 * mail.c - the making of messages. One function for each kind of mail program,
 * out of the same few parts.
 */
#include "mail.h"

#include "base/codec.h"
#include "base/str.h"
#include "bench.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { BODY_LINE = 76, FIRST_DATE = 1600000000 };

static const char *const words[] = { "the", "of", "and", "to", "a", "in",
	"that", "is", "for", "it", "with", "as", "was", "on", "be", "at", "by",
	"this", "have", "from", "or", "had", "not", "but", "what", "all",
	"were", "when", "we", "there", "can", "an", "your", "which", "their",
	"meeting", "agenda", "budget", "release", "schedule", "invoice",
	"customer", "server", "network", "garden", "holiday", "ticket",
	"contract", "draft", "review", "comment", "question", "answer",
	"problem", "solution", "deadline", "report", "figures", "table",
	"chapter", "translation", "photograph", "kitchen", "bicycle", "train",
	"station", "harbour", "mountain", "weather", "tomorrow", "yesterday",
	"please", "thanks", "regards", "attached", "update", "version",
	"change", "test", "result", "build", "failure", "success", "storage",
	"message", "folder", "index", "archive", "backup", "password",
	"account", "address", "delivery", "order", "payment", "receipt",
	"concert", "theatre", "library", "lecture", "workshop", "proposal",
	"committee", "election", "minutes", "opinion", "decision", "summary" };

static const char *const givens[] = { "Alice", "Bruno", "Chiara", "David",
	"Elena", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Karin", "Liam",
	"Maria", "Nadia", "Oscar", "Paula", "Quentin", "Rosa", "Stefan",
	"Tanja", "Ulrich", "Vera", "Walter", "Xenia", "Yusuf", "Zoe" };

static const char *const families[] = { "Anders", "Bergmann", "Castillo",
	"Dubois", "Eriksen", "Fischer", "Grimaldi", "Haddad", "Ivanova",
	"Jansen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor",
	"Petrov", "Quispe", "Rossi", "Santos", "Tanaka", "Ueda", "Vogel",
	"Weber", "Yilmaz", "Zimmer" };

static const char *const hosts[] = { "example.org", "example.net",
	"mail.example.com", "lists.example.org", "office.example.net",
	"uni.example.edu" };

/* Subjects outside of ASCII as programs write them: UTF-8 and others. */
static const char *const encoded[] = {
	"=?UTF-8?B?R3LDvMOfZSBhdXMgTcO8bmNoZW4=?=",
	"=?utf-8?Q?R=C3=A9union_du_comit=C3=A9?=",
	"=?ISO-8859-1?Q?=C5rsm=F6te_i_f=F6reningen?=",
	"=?UTF-8?B?0J/QvtC90LXQtNC10LvRjNC90LjQug==?=",
	"=?utf-8?Q?Factura_n=C2=BA?=", "=?ISO-2022-JP?B?GyRCMnE1RBsoQg==?="
};

static const char *const encoded_names[] = {
	"=?UTF-8?Q?J=C3=BCrgen_M=C3=BCller?=",
	"=?iso-8859-1?Q?Andr=E9_Lef=E8vre?=", "=?UTF-8?B?0J7Qu9GM0LPQsA==?="
};

/* --- chance ---------------------------------------------------------------
 */

static uint64_t
next(struct mail_maker *m)
{
	uint64_t x = m->chance;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	m->chance = x;
	return x * 0x2545f4914f6cdd1d;
}

static size_t
below(struct mail_maker *m, size_t n)
{
	return (size_t)(next(m) >> 33) % n;
}

static bool
one_in(struct mail_maker *m, size_t n)
{
	return below(m, n) == 0;
}

#define ANY_OF(m, array) ((array)[below((m), COUNT(array))])

void
mail_maker_init(struct mail_maker *m, uint64_t seed)
{
	*m = (struct mail_maker){ .chance = seed * 2 + 1, .date = FIRST_DATE };
	for (int i = 0; i < 16; i++)
		(void)next(m);
}

/* --- parts ----------------------------------------------------------------
 */

struct letter {
	uint64_t id, parent, grandparent; /* 0: none */
	uint32_t subject;
	bool subject_word, from_word, text_word;
	size_t text; /* octets of text that it shall have */
};

static void
put_date(struct buf *b, int64_t date, const char *label)
{
	time_t t = (time_t)date;
	struct tm tm;
	char text[64];

	(void)gmtime_r(&t, &tm);
	(void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S", &tm);
	buf_printf(b, "%s%s %s\n", label, text,
	    date % 3 == 0   ? "+0000"
	    : date % 3 == 1 ? "+0200"
			    : "-0500 (EST)");
}

static void
put_person(struct mail_maker *m, struct buf *b)
{
	const char *given = ANY_OF(m, givens), *family = ANY_OF(m, families);

	if (one_in(m, 12))
		buf_printf(b, "%s", ANY_OF(m, encoded_names));
	else if (one_in(m, 4))
		buf_printf(b, "\"%s, %s\"", family, given);
	else
		buf_printf(b, "%s %s", given, family);
	buf_printf(
	    b, " <%c%s@%s>", ascii_lower(*given), family, ANY_OF(m, hosts));
}

static void
put_people(struct mail_maker *m, struct buf *b, const char *label, size_t n)
{
	buf_puts(b, label);
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i == 0 ? " " : ",\n\t");
		put_person(m, b);
	}
	buf_putc(b, '\n');
}

static void
put_from(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	if (!l->from_word) {
		put_people(m, b, "From:", 1);
		return;
	}
	buf_printf(b, "From: %s " MAIL_FROM_WORD " <w%zu@%s>\n",
	    ANY_OF(m, givens), below(m, 100), ANY_OF(m, hosts));
	m->with_from++;
}

/* The same for all of a thread: it comes from the number alone. */
static void
put_subject(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	uint32_t s = l->subject;

	buf_printf(b, "Subject: %s", l->parent != 0 ? "Re: " : "");
	if (s % 16 == 3)
		buf_puts(b, "[announce] ");
	if (l->subject_word) {
		buf_puts(b, MAIL_SUBJECT_WORD " ");
		m->with_subject++;
	}
	if (s % 9 == 4)
		buf_printf(b, "%s\n %u\n", encoded[s / 9 % COUNT(encoded)], s);
	else
		buf_printf(b, "%s %s %s %u\n", words[s % COUNT(words)],
		    words[s / 7 % COUNT(words)], words[s / 311 % COUNT(words)],
		    s);
}

static void
put_id(struct buf *b, uint64_t id)
{
	buf_printf(b, "<%" PRIx64 ".%" PRIu64 "@%s>", id * 0x9e3779b97f4a7c15,
	    id, hosts[id % COUNT(hosts)]);
}

static void
put_ids(struct buf *b, const struct letter *l)
{
	buf_puts(b, "Message-ID: ");
	put_id(b, l->id);
	buf_putc(b, '\n');
	if (l->parent == 0)
		return;
	buf_puts(b, "In-Reply-To: ");
	put_id(b, l->parent);
	buf_puts(b, "\nReferences: ");
	if (l->grandparent != 0) {
		put_id(b, l->grandparent);
		buf_puts(b, "\n ");
	}
	put_id(b, l->parent);
	buf_putc(b, '\n');
}

static void
put_received(struct mail_maker *m, struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(b,
		    "Received: from %s (%s [192.0.2.%zu])\n"
		    "\tby %s with ESMTPS id %08" PRIx64 "\n"
		    "\tfor <user@example.test>;\n",
		    ANY_OF(m, hosts), ANY_OF(m, hosts), below(m, 256),
		    ANY_OF(m, hosts), next(m) >> 32);
		put_date(b, m->date - (int64_t)i * 3, "\t");
	}
}

static void
put_base64(struct mail_maker *m, struct buf *b, size_t octets)
{
	char line[BODY_LINE / 4 * 3];

	for (size_t done = 0; done < octets; done += sizeof(line)) {
		for (size_t i = 0; i < sizeof(line); i++)
			line[i] = (char)next(m);
		base64_encode(str_n(line, sizeof(line)), b);
		buf_putc(b, '\n');
	}
}

/* Text of `octets`, CR included, in lines and paragraphs. */
static void
put_text(struct mail_maker *m, struct buf *b, const struct letter *l,
    size_t octets, const char *end)
{
	const size_t cr = end[0] == '\r' ? 0 : 1; /* that a line gets later */
	size_t from = b->n, line = 0, lines = 0;
	bool word = l->text_word;

	while (b->n - from + lines * cr < octets) {
		const char *w = ANY_OF(m, words);

		if (word && b->n - from > octets / 2) {
			w = MAIL_TEXT_WORD;
			word = false;
			m->with_text++;
		}
		buf_printf(b, "%s%s", line > 0 ? " " : "", w);
		line += strlen(w) + 1;
		if (line > 64) {
			buf_puts(b, end);
			lines++;
			line = 0;
			if (one_in(m, 7)) {
				buf_puts(b, end);
				lines++;
			}
		}
	}
	buf_puts(b, end);
}

static void
put_quote(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	if (l->parent == 0)
		return;
	buf_printf(b, "%s wrote:\n", ANY_OF(m, givens));
	for (size_t i = below(m, 6) + 1; i > 0; i--) {
		buf_puts(b, ">");
		for (int k = 0; k < 9; k++)
			buf_printf(b, " %s", ANY_OF(m, words));
		buf_putc(b, '\n');
	}
	buf_putc(b, '\n');
}

static void
put_html(
    struct mail_maker *m, struct buf *b, const struct letter *l, size_t octets)
{
	buf_puts(b, "<html><head><style>p { margin: 0 }</style></head>\n"
		    "<body><p>");
	put_text(m, b, l, octets, "<br>\n");
	buf_puts(b, "</p></body></html>\n");
}

static void
put_plain_part(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	buf_puts(b, "Content-Type: text/plain; charset=utf-8; format=flowed\n"
		    "Content-Transfer-Encoding: 7bit\n\n");
	put_quote(m, b, l);
	put_text(m, b, l, l->text, "\n");
}

/* The text as base64, as programs do with languages that need it. */
static void
put_base64_part(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	struct buf text;

	buf_init(&text, 1024 * 1024);
	put_text(m, &text, l, l->text * 3 / 4, "\r\n");
	buf_puts(b, "Content-Type: text/plain; charset=UTF-8\n"
		    "Content-Transfer-Encoding: base64\n\n");
	for (size_t at = 0; at < text.n; at += 57) {
		base64_encode(str_first(str_from(buf_str(&text), at), 57), b);
		buf_putc(b, '\n');
	}
	buf_fini(&text);
}

/* --- kinds of mail --------------------------------------------------------
 */

static void
make_plain(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	put_received(m, b, 2);
	put_date(b, m->date, "Date: ");
	put_from(m, b, l);
	put_people(m, b, "To:", 1);
	put_subject(m, b, l);
	put_ids(b, l);
	buf_puts(b, "User-Agent: Letterbox/2.1\nMIME-Version: 1.0\n");
	put_plain_part(m, b, l);
}

static void
make_html(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	struct letter half = *l;
	uint64_t boundary = next(m);

	half.text = l->text / 3;
	put_received(m, b, 3);
	put_ids(b, l);
	put_from(m, b, l);
	put_people(m, b, "To:", 1 + below(m, 4));
	if (one_in(m, 3))
		put_people(m, b, "Cc:", 1 + below(m, 8));
	put_subject(m, b, l);
	put_date(b, m->date, "Date: ");
	buf_printf(b,
	    "X-Mailer: Outpost Express 16.0\nThread-Index: %016" PRIx64 "\n"
	    "MIME-Version: 1.0\nContent-Type: multipart/alternative;\n"
	    "\tboundary=\"----=_Next_%016" PRIx64 "\"\n\n"
	    "This is a multi-part message in MIME format.\n\n"
	    "------=_Next_%016" PRIx64 "\n",
	    next(m), boundary, boundary);
	put_plain_part(m, b, &half);
	half.text_word = false;
	buf_printf(b,
	    "\n------=_Next_%016" PRIx64 "\nContent-Type: text/html;\n"
	    "\tcharset=\"utf-8\"\nContent-Transfer-Encoding: 8bit\n\n",
	    boundary);
	put_html(m, b, &half, l->text * 2 / 3);
	buf_printf(b, "\n------=_Next_%016" PRIx64 "--\n", boundary);
}

static void
make_attachment(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	struct letter half = *l;
	uint64_t boundary = next(m);

	half.text = l->text / 2;
	put_received(m, b, 1);
	put_from(m, b, l);
	put_people(m, b, "To:", 1 + below(m, 2));
	put_date(b, m->date, "Date: ");
	put_subject(m, b, l);
	put_ids(b, l);
	buf_printf(b,
	    "Mime-Version: 1.0 (1.0)\nContent-Type: multipart/mixed; "
	    "boundary=Mail-%" PRIx64 "\n\n--Mail-%" PRIx64 "\n",
	    boundary, boundary);
	put_plain_part(m, b, &half);
	buf_printf(b,
	    "\n--Mail-%" PRIx64 "\nContent-Disposition: attachment;\n"
	    " filename*=UTF-8''Bericht%%20%u.pdf\n"
	    "Content-Type: application/pdf; name=\"Bericht %u.pdf\"\n"
	    "Content-Transfer-Encoding: base64\n\n",
	    boundary, m->made, m->made);
	put_base64(m, b, l->text * 3 / 8);
	buf_printf(b, "\n--Mail-%" PRIx64 "--\n", boundary);
}

static void
make_list(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	put_received(m, b, 5);
	buf_puts(b, "Return-Path: <devel-bounces@lists.example.org>\n"
		    "List-Id: Development <devel.lists.example.org>\n"
		    "List-Unsubscribe: "
		    "<mailto:devel-leave@lists.example.org>\n"
		    "List-Post: <mailto:devel@lists.example.org>\n"
		    "Precedence: list\nSender: devel@lists.example.org\n"
		    "To: devel@lists.example.org\n");
	put_date(b, m->date, "Date: ");
	put_from(m, b, l);
	put_people(m, b, "Reply-To:", 1);
	put_subject(m, b, l);
	put_ids(b, l);
	buf_puts(b, "Content-Type: text/plain; charset=us-ascii\n\n");
	put_quote(m, b, l);
	put_text(m, b, l, l->text, "\n");
	buf_puts(b, "-- \nDevelopment mailing list\n");
}

static void
make_notice(struct mail_maker *m, struct buf *b, const struct letter *l)
{
	buf_puts(b, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n"
		    "\td=example.com; s=mail; h=from:to:subject:date;\n\tbh=");
	put_base64(m, b, 50);
	buf_puts(b, "\tb=");
	put_base64(m, b, 50);
	put_received(m, b, 2);
	put_from(m, b, l);
	buf_puts(b, "To: user@example.test\n");
	put_date(b, m->date, "Date: ");
	put_subject(m, b, l);
	put_ids(b, l);
	buf_puts(b, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n");
	put_base64_part(m, b, l);
}

/* --- a message ------------------------------------------------------------
 */

/* Whom it answers to, if anybody. */
static void
choose_thread(struct mail_maker *m, struct letter *l)
{
	size_t back = m->made < MAIL_RECENT ? m->made : MAIL_RECENT, at;

	l->id = m->made + 1;
	if (back > 0 && !one_in(m, 3)) {
		at = (m->made - 1 - below(m, back)) % MAIL_RECENT;
		l->parent = m->recent[at].id;
		l->grandparent = m->recent[at].parent;
		l->subject = m->recent[at].subject;
		l->subject_word = m->recent[at].word;
	} else {
		l->subject = (uint32_t)l->id;
		l->subject_word = one_in(m, 100);
	}
	at = m->made % MAIL_RECENT;
	m->recent[at].id = l->id;
	m->recent[at].parent = l->parent;
	m->recent[at].subject = l->subject;
	m->recent[at].word = l->subject_word;
}

void
mail_make(struct mail_maker *m, size_t about, struct buf *out)
{
	static void (*const make[])(struct mail_maker *, struct buf *,
	    const struct letter *) = { make_plain, make_plain, make_html,
		make_html, make_attachment, make_list, make_list, make_notice };
	struct letter l = { 0 };

	m->date += 1 + (int64_t)below(m, 1000);
	choose_thread(m, &l);
	l.from_word = one_in(m, 100);
	l.text_word = one_in(m, 100);
	l.text = about > 0 ? about : 300 + below(m, 1500) * (1 + below(m, 3));
	ANY_OF(m, make)(m, out, &l);
	m->made++;
}
