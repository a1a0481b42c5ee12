/*
 * name.c - file names of messages. Parsing accepts whatever other programs
 * wrote: a piece that is not exactly one of our fields belongs to the stem and
 * is kept, a letter that means nothing to us stays where it is.
 */
#include "name.h"
#include "localindex/util.h"

/* Keyword n is letter n. The upper-case ones leave out D F P R S T. */
static const char keyword_letters[PST_KEYWORDS_MAX + 1] =
    "abcdefghijklmnopqrstuvwxyz0123456789ABCEGHIJKLMNOQUVWXYZ!#$%()+=";

static uint32_t
flag_of(char c)
{
	switch (c) {
	case 'D':
		return PST_DRAFT;
	case 'F':
		return PST_FLAGGED;
	case 'R':
		return PST_ANSWERED;
	case 'S':
		return PST_SEEN;
	case 'T':
		return PST_DELETED;
	default:
		return 0;
	}
}

static int
keyword_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c == '\0')
		return -1;
	const char *at = strchr(keyword_letters, c);

	return at ? (int)(at - keyword_letters) : -1;
}

static bool
parse_signed(const char *p, size_t n, int64_t *value_r)
{
	bool minus = n > 0 && p[0] == '-';
	uint64_t v;

	if (!li_number(p + minus, n - minus, &v) || v > INT64_MAX)
		return false;
	*value_r = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/* One piece between commas. False: it is no field of ours. */
static bool
parse_field(const char *p, size_t n, struct md_name *m)
{
	uint64_t v;
	int64_t t;

	if (n < 3 || p[1] != '=')
		return false;
	switch (p[0]) {
	case 'S':
		if (!li_number(p + 2, n - 2, &v))
			return false;
		if (!m->has_size)
			m->size = v;
		return m->has_size = true;
	case 'W':
		if (!li_number(p + 2, n - 2, &v))
			return false;
		if (!m->has_wire)
			m->wire = v;
		return m->has_wire = true;
	case 'U':
		if (!li_number(p + 2, n - 2, &v) || v == 0 || v > UINT32_MAX)
			return false;
		if (!m->has_uid)
			m->uid = (uint32_t)v;
		return m->has_uid = true;
	case 'T':
		if (!parse_signed(p + 2, n - 2, &t))
			return false;
		m->date = t;
		return m->has_time = m->has_date = true;
	case 'D':
		if (!parse_signed(p + 2, n - 2, &t))
			return false;
		m->save_date = t;
		return true;
	default:
		return false;
	}
}

static int64_t
leading_number(const char *s, size_t n)
{
	size_t digits = 0;
	uint64_t v;

	while (digits < n && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	if (!li_number(s, digits, &v) || v > INT64_MAX)
		return -1;
	return (int64_t)v;
}

static size_t
key_length(const char *s, size_t n)
{
	const char *end = s + n, *at = s;

	while ((at = memchr(at, ':', (size_t)(end - at))) != NULL) {
		if (end - at >= 3 && at[1] == '2' && at[2] == ',')
			return (size_t)(at - s);
		at++;
	}
	return n;
}

/* The end of the piece that begins at `from`: a comma or the key's end. */
static size_t
piece_end(const char *s, size_t from, size_t key_n)
{
	const char *comma = memchr(s + from, ',', key_n - from);

	return comma ? (size_t)(comma - s) : key_n;
}

void
md_name_parse(const char *s, size_t n, struct md_name *m)
{
	size_t at;

	*m = (struct md_name){ .s = s, .n = n, .save_date = INT64_MIN };
	m->key_n = key_length(s, n);
	m->date = leading_number(s, m->key_n);
	m->has_date = m->date >= 0;
	if (!m->has_date)
		m->date = 0;
	for (at = piece_end(s, 0, m->key_n); at < m->key_n;) {
		size_t end = piece_end(s, at + 1, m->key_n);

		(void)parse_field(s + at + 1, end - at - 1, m);
		at = end;
	}
	if (m->save_date == INT64_MIN)
		m->save_date = m->date;
	for (at = m->key_n + 3; at < n; at++) {
		int k = keyword_of(s[at]);

		if (k >= 0)
			m->keywords |= UINT64_C(1) << k;
		else
			m->flags |= flag_of(s[at]);
	}
}

size_t
md_name_stem(const char *s, size_t n, char *out, size_t cap)
{
	size_t key_n = key_length(s, n);
	size_t end = piece_end(s, 0, key_n), at = end, len;
	struct md_name scratch = { 0 };

	len = end < cap ? end : cap;
	memcpy(out, s, len);
	while (at < key_n) {
		end = piece_end(s, at + 1, key_n);
		if (!parse_field(s + at + 1, end - at - 1, &scratch)) {
			size_t more = end - at;

			if (more > cap - len)
				more = cap - len;
			memcpy(out + len, s + at, more);
			len += more;
		}
		at = end;
	}
	return len;
}

bool
md_name_ident(const char *s, size_t n, char id_r[40])
{
	size_t key_n = key_length(s, n), at = piece_end(s, 0, key_n), end;

	for (; at < key_n; at = end) {
		struct pst_str id;

		end = piece_end(s, at + 1, key_n);
		if (end - at < 4 || s[at + 1] != 'E' || s[at + 2] != '=')
			continue;
		id = (struct pst_str){ s + at + 3, end - at - 3 };
		if (!li_is_ident(id))
			continue;
		memcpy(id_r, id.p, id.n);
		id_r[id.n] = '\0';
		return true;
	}
	return false;
}

size_t
md_name_make(char out[MD_NAME_MAX + 1], const struct md_name_parts *p)
{
	char tail[160], *t = tail;
	char *const end = tail + sizeof(tail);
	int64_t lead;
	size_t len, tail_n;

	len = md_name_stem(p->source, p->source_n, out, MD_NAME_MAX);
	lead = leading_number(out, len);
	t += snprintf(
	    t, (size_t)(end - t), ",S=%llu", (unsigned long long)p->size);
	if (p->wire != p->size)
		t += snprintf(t, (size_t)(end - t), ",W=%llu",
		    (unsigned long long)p->wire);
	if (p->date != (lead < 0 ? 0 : lead))
		t += snprintf(
		    t, (size_t)(end - t), ",T=%lld", (long long)p->date);
	if (p->save_date != p->date)
		t += snprintf(
		    t, (size_t)(end - t), ",D=%lld", (long long)p->save_date);
	t += snprintf(t, (size_t)(end - t), ",U=%lu", (unsigned long)p->uid);
	tail_n = (size_t)(t - tail);
	if (len + tail_n > MD_KEY_MAX)
		return 0;
	memcpy(out + len, tail, tail_n + 1);
	/* A stem that ends in ":2" would make letters of our fields. */
	return key_length(out, len + tail_n) == len + tail_n ? len + tail_n : 0;
}

bool
md_name_letters(char name[MD_NAME_MAX + 1], size_t key_n, uint32_t flags,
    uint64_t keywords, const struct md_name *old)
{
	bool set[256] = { false };
	size_t len = key_n;

	set['D'] = flags & PST_DRAFT;
	set['F'] = flags & PST_FLAGGED;
	set['R'] = flags & PST_ANSWERED;
	set['S'] = flags & PST_SEEN;
	set['T'] = flags & PST_DELETED;
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (keywords >> k & 1)
			set[(unsigned char)keyword_letters[k]] = true;
	for (size_t at = old ? old->key_n + 3 : 0; old && at < old->n; at++) {
		char c = old->s[at];

		if (flag_of(c) == 0 && keyword_of(c) < 0)
			set[(unsigned char)c] = true;
	}
	if (len + 3 > MD_NAME_MAX)
		return false;
	memcpy(name + len, ":2,", 3);
	len += 3;
	for (unsigned c = 1; c < 256; c++) {
		if (!set[c])
			continue;
		if (len == MD_NAME_MAX) {
			name[key_n] = '\0';
			return false;
		}
		name[len++] = (char)c;
	}
	name[len] = '\0';
	return true;
}

void
md_name_letters_fit(char name[MD_NAME_MAX + 1], size_t key_n, uint32_t flags,
    uint64_t keywords, const struct md_name *old)
{
	if (!md_name_letters(name, key_n, flags, keywords, old))
		(void)md_name_letters(name, key_n, flags, keywords, NULL);
}

bool
md_name_same(const struct md_name *a, const struct md_name *b)
{
	return a->key_n == b->key_n && memcmp(a->s, b->s, a->key_n) == 0;
}

uint64_t
md_name_octets(const struct md_name *m)
{
	return m->has_wire ? m->wire : m->size;
}
