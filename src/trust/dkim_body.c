/*
 * trust/dkim_body.c - canonical bodies. White space and ends of lines are held
 * back until it is known that text follows; all else goes to the hash in runs.
 */
#include "trust/dkim_body.h"

#include "base/log.h"
#include <gnutls/crypto.h>
#include <stdlib.h>

void
dkim_bodies_init(struct dkim_bodies *b)
{
	*b = (struct dkim_bodies){ 0 };
}

void
dkim_bodies_fini(struct dkim_bodies *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->body[i].hash != NULL)
			gnutls_hash_deinit(b->body[i].hash, NULL);
	free(b->body);
	dkim_bodies_init(b);
}

size_t
dkim_bodies_add(struct dkim_bodies *b, bool relaxed, int64_t limit)
{
	gnutls_hash_hd_t hash;
	struct dkim_body *body;

	for (size_t i = 0; i < b->n; i++)
		if (b->body[i].relaxed == relaxed && b->body[i].limit == limit)
			return i;
	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		pst_bug("no SHA-256");
	mem_grow(&b->body, &b->cap, b->n + 1, sizeof(*b->body));
	body = &b->body[b->n];
	*body = (struct dkim_body){
		.relaxed = relaxed, .limit = limit, .hash = hash
	};
	return b->n++;
}

static void
put(struct dkim_body *b, const char *p, size_t n)
{
	uint64_t room = n;

	if (b->limit >= 0) {
		room = (uint64_t)b->limit > b->length
			   ? (uint64_t)b->limit - b->length
			   : 0;
		room = room < n ? room : n;
	}
	if (room > 0)
		(void)gnutls_hash(b->hash, p, (size_t)room);
	b->length += n;
}

/* Text follows: what was held back counts. */
static void
release(struct dkim_body *b)
{
	for (; b->lines > 0; b->lines--)
		put(b, "\r\n", 2);
	if (b->space)
		put(b, " ", 1);
	b->space = false;
	b->text = true;
}

static bool
is_text(const struct dkim_body *b, char c)
{
	return c != '\r' && (!b->relaxed || (c != ' ' && c != '\t'));
}

/* Octets up to the next that needs thought. */
static size_t
run_of(const struct dkim_body *b, const char *p, size_t n)
{
	size_t i = 0;

	if (!b->relaxed) {
		const char *cr = memchr(p, '\r', n);

		return cr != NULL ? (size_t)(cr - p) : n;
	}
	while (i < n && is_text(b, p[i]))
		i++;
	return i;
}

static void
end_line(struct dkim_body *b)
{
	b->cr = b->space = false;
	b->lines++;
}

static void
feed(struct dkim_body *b, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t run;

		if (b->cr && p[i] == '\n') {
			end_line(b);
			i++;
			continue;
		}
		if (b->cr) { /* it was no end of a line */
			release(b);
			put(b, "\r", 1);
			b->cr = false;
		}
		if (!is_text(b, p[i])) {
			b->cr = p[i] == '\r';
			b->space |= !b->cr;
			i++;
			continue;
		}
		run = run_of(b, p + i, n - i);
		release(b);
		put(b, p + i, run);
		i += run;
	}
}

/* RFC 6376, 3.4.3 and 3.4.4: no empty lines at the end, one end of a line; of
 * an empty body nothing, or with "simple" one end of a line. */
static void
finish(struct dkim_body *b)
{
	if (b->cr) {
		release(b);
		put(b, "\r", 1);
	}
	if (b->text || !b->relaxed)
		put(b, "\r\n", 2);
	gnutls_hash_deinit(b->hash, b->digest);
	b->hash = NULL;
}

void
dkim_bodies_feed(struct dkim_bodies *b, const char *p, size_t n)
{
	for (size_t i = 0; i < b->n; i++)
		feed(&b->body[i], p, n);
}

void
dkim_bodies_end(struct dkim_bodies *b)
{
	if (b->ended)
		return;
	b->ended = true;
	for (size_t i = 0; i < b->n; i++)
		finish(&b->body[i]);
}
