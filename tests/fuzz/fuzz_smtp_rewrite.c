/*
 * The header rewriter against one that is simple and sees all at once: the
 * content comes out as it went in but for the fields that are meant. Bits of
 * the first octet: message of a user, and the cuts.
 */
#include "base/str.h"
#include "delivery/rewrite.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum pst_rc
add(void *arg, const void *p, size_t n)
{
	return buf_add(arg, p, n) ? PST_OK : PST_E_LIMIT;
}

/* The length of the field name at the start of `line`, 0: it is no field. */
static size_t
name_of(struct pst_str line)
{
	size_t n = 0, colon;

	while (
	    n < line.n && line.p[n] > 32 && line.p[n] < 127 && line.p[n] != ':')
		n++;
	colon = n;
	while (
	    colon < line.n && (line.p[colon] == ' ' || line.p[colon] == '\t'))
		colon++;
	if (colon > 79)
		return 0;
	return colon < line.n && line.p[colon] == ':' ? n : 0;
}

static bool
is_separator(struct pst_str line)
{
	return line.n >= 5 &&
	       (memcmp(line.p, "From ", 5) == 0 ||
		   (line.n >= 6 && memcmp(line.p, ">From ", 6) == 0));
}

struct seen {
	bool date, from, id, field, dropped;
};

static void
put_missing(struct buf *out, const struct seen *seen)
{
	(void)buf_puts(out, seen->date ? "" : "Date: d\r\n");
	(void)buf_puts(out, seen->from ? "" : "From: f\r\n");
	(void)buf_puts(out, seen->id ? "" : "Message-ID: i\r\n");
}

static bool
is_dropped(struct pst_str name, bool author)
{
	return str_is_case(name, "Return-Path") ||
	       (author && (str_is_case(name, "Bcc") ||
			      str_is_case(name, "Resent-Bcc")));
}

static void
simple(struct pst_str in, bool author, struct buf *out)
{
	struct seen seen = { 0 };
	bool ended = true;

	if (!author)
		seen.date = seen.from = seen.id = true;
	while (in.n > 0) {
		size_t lf = str_find(in, '\n');
		struct pst_str line = str_first(in, lf + 1);
		struct pst_str name = str_first(line, name_of(line));

		if (str_is(line, "\n") || str_is(line, "\r\n"))
			break;
		if ((line.p[0] == ' ' || line.p[0] == '\t') && seen.field) {
			;
		} else if (name.n > 0) {
			seen.field = true;
			seen.dropped = is_dropped(name, author);
			seen.date |= str_is_case(name, "Date");
			seen.from |= str_is_case(name, "From");
			seen.id |= str_is_case(name, "Message-ID");
		} else if (!seen.field && is_separator(line)) {
			seen.dropped = true;
		} else {
			put_missing(out, &seen);
			(void)buf_puts(out, "\r\n");
			(void)buf_add_str(out, in);
			return;
		}
		if (!seen.dropped)
			(void)buf_add_str(out, line);
		ended = lf < in.n || seen.dropped;
		in = str_from(in, lf + 1);
	}
	if (!ended && !(seen.date && seen.from && seen.id))
		(void)buf_puts(out, "\r\n");
	put_missing(out, &seen);
	(void)buf_add_str(out, in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rewrite_options opt = { .header_max = 1 << 20 };
	struct pst_str in;
	struct rewrite w;
	struct buf want, got;
	bool author;
	uint32_t seed;

	if (n < 1)
		return 0;
	in = str_n((const char *)data + 1, n - 1);
	author = (data[0] & 1) != 0;
	seed = data[0] * 2654435761u;
	buf_init(&want, 4 << 20);
	buf_init(&got, 4 << 20);
	(void)buf_reserve(&want, 64);
	(void)buf_reserve(&got, 64);
	simple(in, author, &want);
	if (author) {
		opt.drop_bcc = opt.keep_authors = true;
		opt.date = STR("Date: d\r\n");
		opt.from = STR("From: f\r\n");
		opt.message_id = STR("Message-ID: i\r\n");
	}
	rewrite_init(&w, &opt);
	while (in.n > 0) {
		size_t piece = in.n;

		seed = seed * 1664525u + 1013904223u;
		if (data[0] > 1 && piece > 1 + (seed >> 16) % 16)
			piece = 1 + (seed >> 16) % 16;
		if (rewrite_feed(&w, in.p, piece, add, &got) != PST_OK)
			abort();
		in = str_from(in, piece);
	}
	if (rewrite_end(&w, add, &got) != PST_OK)
		abort();
	if (!str_eq(buf_str(&want), buf_str(&got)))
		abort();
	rewrite_fini(&w);
	buf_fini(&want);
	buf_fini(&got);
	return 0;
}
