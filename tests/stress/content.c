/*
 * content.c - dice, and messages whose octets follow from their number, so that
 * whoever fetches one can tell whether it is right.
 */
#include "stress.h"

#include <stdlib.h>

const char *const words[WORDS] = { "anchor", "beacon", "cinder", "drizzle",
	"ember", "falcon", "granite", "harbour" };

enum { HEADER_LINES = 7 };

static struct content *contents;
static size_t contents_n = 1, contents_cap;
static unsigned kept_n[64];

/* --- dice ------------------------------------------------------------------
 */

static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void
dice_init(struct dice *d, uint64_t seed, uint64_t stream)
{
	d->x = mix(mix(seed) ^ mix(stream + 1)) | 1;
}

uint32_t
roll(struct dice *d, uint32_t below)
{
	d->x ^= d->x >> 12;
	d->x ^= d->x << 25;
	d->x ^= d->x >> 27;
	return (uint32_t)((d->x * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

bool
chance(struct dice *d, unsigned percent)
{
	return roll(d, 100) < percent;
}

/* --- contents --------------------------------------------------------------
 */

uint32_t
content_new(unsigned user, bool kept)
{
	mem_grow(&contents, &contents_cap, contents_n + 1, sizeof(*contents));
	contents[contents_n] = (struct content){ .user = user, .kept = kept };
	if (kept)
		kept_n[user % 64]++;
	return (uint32_t)contents_n++;
}

struct content *
content_of(uint32_t id)
{
	return id > 0 && id < contents_n ? &contents[id] : NULL;
}

unsigned
contents_kept(unsigned user)
{
	return kept_n[user % 64];
}

const char *
content_word(uint32_t id)
{
	return words[mix(options.seed ^ id) % WORDS];
}

void
content_text(uint32_t id, struct buf *out)
{
	struct dice d;
	unsigned lines;

	dice_init(&d, options.seed, UINT64_C(1000000) + id);
	(void)buf_printf(out,
	    "X-Stress: %u\r\n"
	    "From: Writer %u <writer%u@example.test>\r\n"
	    "To: Reader <reader@example.test>\r\n"
	    "Subject: %s number %u\r\n"
	    "Date: Mon, %u Feb 2021 %02u:%02u:00 +0000\r\n"
	    "Message-ID: <%u@stress.test>\r\n\r\n",
	    (unsigned)id, (unsigned)(id % 7), (unsigned)(id % 7),
	    content_word(id), (unsigned)id, (unsigned)(1 + id % 28),
	    (unsigned)(id / 60 % 24), (unsigned)(id % 60), (unsigned)id);
	lines = 1 + roll(&d, 30);
	if (roll(&d, 50) == 0)
		lines = 1500;
	for (unsigned i = 0; i < lines; i++)
		(void)buf_printf(out, "%08x %08x line %u\r\n",
		    (unsigned)roll(&d, UINT32_MAX),
		    (unsigned)roll(&d, UINT32_MAX), i);
}

size_t
content_size(uint32_t id)
{
	struct buf text;
	size_t n;

	buf_init(&text, 1 << 20);
	content_text(id, &text);
	n = text.n;
	buf_fini(&text);
	return n;
}

size_t
content_lines(uint32_t id)
{
	struct buf text;
	size_t n = 0;

	buf_init(&text, 1 << 20);
	content_text(id, &text);
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	buf_fini(&text);
	return n - HEADER_LINES;
}

void
content_first(uint32_t id, char word_r[9])
{
	struct buf text;
	const char *body;

	buf_init(&text, 1 << 20);
	content_text(id, &text);
	body = memmem(text.p, text.n, "\r\n\r\n", 4);
	(void)str_copy(word_r, 9, str_n(body + 4, 8));
	buf_fini(&text);
}

bool
content_matches(uint32_t id, enum match match, uint32_t arg)
{
	char mine[9], its[9];

	switch (match) {
	case M_ANY:
		break;
	case M_WORD:
		return content_word(id) == words[arg];
	case M_NOT_WORD:
		return content_word(id) != words[arg];
	case M_ID:
		return id == arg;
	case M_LARGER:
		return content_size(id) > arg;
	case M_BODY:
		content_first(id, mine);
		content_first(arg, its);
		return strcmp(mine, its) == 0;
	}
	return true;
}

uint32_t
content_id(struct pst_str text)
{
	uint32_t id;
	struct pst_str line = str_first(text, str_find(text, '\n'));

	if (!str_has_prefix_case(line, "X-Stress: "))
		return 0;
	return str_to_u32(str_trim(str_from(line, 10)), &id) ? id : 0;
}
