/*
 * imap.c - commands, and the counting of what comes back.
 */
#include "imap.h"

#include "bench.h"
#include <string.h>

enum { WAIT_MS = 600 * 1000, LAST_MAX = 1024 * 1024 };

bool
imap_number(struct pst_str text, const char *key, uint64_t *value_r)
{
	const char *at = memmem(text.p, text.n, key, strlen(key)), *end;
	uint64_t v = 0;

	if (at == NULL)
		return false;
	end = text.p + text.n;
	at += strlen(key);
	if (at == end || !ascii_is_digit(*at))
		return false;
	for (; at < end && ascii_is_digit(*at); at++)
		v = v * 10 + (uint64_t)(*at - '0');
	*value_r = v;
	return true;
}

bool
imap_string(struct pst_str text, const char *key, struct pst_str *s_r)
{
	const char *at = memmem(text.p, text.n, key, strlen(key)), *end;
	uint64_t n = 0;

	if (at == NULL)
		return false;
	at += strlen(key);
	end = text.p + text.n;
	if (at < end && *at == '"') {
		const char *quote = memchr(at + 1, '"', (size_t)(end - at - 1));

		*s_r = str_n(
		    at + 1, quote != NULL ? (size_t)(quote - at - 1) : 0);
		return quote != NULL;
	}
	if (!imap_number(str_n(at, (size_t)(end - at)), "{", &n) ||
	    (at = memchr(at, '\n', (size_t)(end - at))) == NULL ||
	    n > (size_t)(end - at - 1))
		return false;
	*s_r = str_n(at + 1, n);
	return true;
}

/* --- untagged -------------------------------------------------------------
 */

static void
count_numbers(struct imap *im, struct pst_str text)
{
	bool inside = false;

	for (size_t i = 0; i < text.n; i++) {
		bool digit = ascii_is_digit(text.p[i]);

		im->numbers += digit && !inside;
		inside = digit;
	}
	im->digest = bench_digest(im->digest, str_trim(text));
}

/* Ranges count as often as they have members. */
static void
count_vanished(struct imap *im, struct pst_str text)
{
	struct pst_str range, first;
	uint32_t low, high;

	if (str_has_prefix_case(text, "(EARLIER) "))
		text = str_from(text, 10);
	text = str_trim(text);
	while (str_split(&text, ',', &range)) {
		(void)str_split(&range, ':', &first);
		if (!str_to_u32(first, &low))
			bench_fail("VANISHED cannot be read");
		high = low;
		if (range.n > 0 && !str_to_u32(range, &high))
			bench_fail("VANISHED cannot be read");
		im->gone += (uint64_t)(high - low) + 1;
	}
}

static void
count_code(struct imap *im, struct pst_str text)
{
	(void)imap_number(text, "[UIDVALIDITY ", &im->uidvalidity);
	(void)imap_number(text, "[HIGHESTMODSEQ ", &im->modseq);
}

static void
count_numbered(struct imap *im, struct pst_str text)
{
	uint64_t n = 0;
	size_t i = 0;

	while (i < text.n && ascii_is_digit(text.p[i]))
		n = n * 10 + (uint64_t)(text.p[i++] - '0');
	text = str_from(text, i + 1);
	if (str_has_prefix_case(text, "FETCH "))
		im->fetches++;
	else if (str_has_prefix_case(text, "EXISTS"))
		im->exists = n;
	else if (str_has_prefix_case(text, "EXPUNGE"))
		im->gone++;
}

static void
untagged(struct imap *im, struct pst_str text)
{
	struct pst_str rest = str_from(text, 2);

	if (rest.n > 0 && ascii_is_digit(rest.p[0]))
		count_numbered(im, rest);
	else if (str_has_prefix_case(rest, "OK "))
		count_code(im, rest);
	else if (str_has_prefix_case(rest, "SEARCH"))
		count_numbers(im, str_from(rest, 6));
	else if (str_has_prefix_case(rest, "SORT"))
		count_numbers(im, str_from(rest, 4));
	else if (str_has_prefix_case(rest, "THREAD"))
		count_numbers(im, str_from(rest, 6));
	else if (str_has_prefix_case(rest, "VANISHED "))
		count_vanished(im, str_from(rest, 9));
	if (im->on_untagged != NULL)
		im->on_untagged(im, text);
}

/* --- tagged ---------------------------------------------------------------
 */

static void
finish(struct imap *im, char status, struct pst_str text)
{
	buf_clear(&im->last);
	if (!buf_add_str(&im->last, str_trim(text)))
		bench_fail("a tagged answer is too long");
	im->status = status;
	im->done = true;
	if (im->on_done != NULL)
		im->on_done(im);
}

static void
on_response(struct client *c, struct pst_str text)
{
	struct imap *im = c->ctx;
	struct pst_str rest = text, tag;

	im->octets += text.n;
	if (str_has_prefix_case(text, "* ")) {
		if (im->tag == 0 && str_has_prefix_case(text, "* OK"))
			finish(im, 'O', text);
		else
			untagged(im, text);
		return;
	}
	if (str_has_prefix_case(text, "+")) {
		if (im->on_continue != NULL)
			im->on_continue(im);
		return;
	}
	(void)str_split(&rest, ' ', &tag);
	if (tag.n < 2 || rest.n < 2)
		bench_fail("no answer of IMAP: %.80s", text.p);
	finish(im, rest.p[0], rest);
}

void
imap_connect(struct imap *im, unsigned user)
{
	im->user = user;
	im->tag = 0;
	im->done = false;
	im->c.on_response = on_response;
	im->c.literals = true;
	im->c.ctx = im;
	if (im->last.max == 0)
		buf_init(&im->last, LAST_MAX);
	client_open(&im->c, bench.imap, bench.tls);
}

void
imap_start(struct imap *im, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	im->done = false;
	im->fetches = im->gone = im->numbers = im->octets = 0;
	im->digest = im->sum = 0;
	buf_init(&b, LAST_MAX);
	buf_printf(&b, "a%u ", ++im->tag);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (!buf_puts(&b, "\r\n"))
		bench_fail("a command is too long");
	client_send(&im->c, buf_str(&b));
	buf_fini(&b);
}

void
imap_start_login(struct imap *im)
{
	struct buf b;

	buf_init(&b, 1024);
	bench_numbered(bench.user, im->user, &b);
	imap_start(im, "LOGIN %s %s", b.p, bench.password);
	buf_fini(&b);
}

void
imap_wait(struct imap *im)
{
	if (!client_wait(&im->done, WAIT_MS))
		bench_fail("no answer within %d s", WAIT_MS / 1000);
	if (im->status != 'O')
		bench_fail("refused: %.*s",
		    STR_ARG(str_first(buf_str(&im->last), 200)));
}

void
imap_do(struct imap *im, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, LAST_MAX);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (!buf_putc(&b, '\0'))
		bench_fail("a command is too long");
	imap_start(im, "%s", b.p);
	imap_wait(im);
	buf_fini(&b);
}

void
imap_open(struct imap *im, unsigned user)
{
	imap_connect(im, user);
	imap_wait(im);
	imap_start_login(im);
	imap_wait(im);
}

static void
closed(struct client *c)
{
	(void)c;
}

void
imap_close(struct imap *im)
{
	im->c.on_closed = closed;
	imap_do(im, "LOGOUT");
	client_fini(&im->c);
	buf_fini(&im->last);
}
