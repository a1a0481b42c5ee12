/*
 * lists.c - see lists.h. The forms are those that Dovecot's documentation of
 * its Maildir format and Courier's maildir tools describe.
 */
#include "migrate/lists.h"

#include "base/codec.h"
#include "base/str.h"
#include <stdlib.h>

enum { NAME_OCTETS = 4096, UIDL_WIDTH_MAX = 70 };

static int
compare_str(struct pst_str a, struct pst_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

static struct pst_str
without_cr(struct pst_str line)
{
	return line.n > 0 && line.p[line.n - 1] == '\r'
		   ? str_first(line, line.n - 1)
		   : line;
}

/* --- names of files ------------------------------------------------------ */

struct pst_str
mig_file_base(struct pst_str file)
{
	return str_first(file, str_find(file, ':'));
}

struct pst_str
mig_file_letters(struct pst_str file)
{
	struct pst_str info = str_from(file, str_find(file, ':'));

	if (info.n < 3 || memcmp(info.p, ":2,", 3) != 0)
		return STR_NONE;
	info = str_from(info, 3);
	/* More may follow behind a comma. */
	return str_first(info, str_find(info, ','));
}

static const struct {
	char letter;
	uint32_t flag; /* 0: passed on, which is a keyword elsewhere */
} letter_flags[] = {
	{ 'D', PST_DRAFT },
	{ 'F', PST_FLAGGED },
	{ 'P', 0 },
	{ 'R', PST_ANSWERED },
	{ 'S', PST_SEEN },
	{ 'T', PST_DELETED },
};
enum { LETTER_FLAGS = sizeof(letter_flags) / sizeof(letter_flags[0]) };

uint32_t
mig_letter_flags(struct pst_str letters, bool *passed_r)
{
	uint32_t flags = 0;

	*passed_r = false;
	for (size_t i = 0; i < letters.n; i++)
		for (size_t k = 0; k < LETTER_FLAGS; k++) {
			if (letters.p[i] != letter_flags[k].letter)
				continue;
			flags |= letter_flags[k].flag;
			*passed_r |= letter_flags[k].flag == 0;
		}
	return flags;
}

bool
mig_put_letters(struct buf *out, uint32_t flags, bool passed)
{
	bool ok = true;

	for (size_t k = 0; k < LETTER_FLAGS; k++)
		if (letter_flags[k].flag == 0
			? passed
			: (flags & letter_flags[k].flag) != 0)
			ok = buf_putc(out, letter_flags[k].letter);
	return ok;
}

/* --- uids ---------------------------------------------------------------- */

/* "3 V1275660208 N25022 G3085f01b..." in any order. */
static bool
parse_header_3(struct pst_str rest, struct mig_uidlist *list)
{
	struct pst_str word;

	while (str_split(&rest, ' ', &word)) {
		if (word.n < 2)
			continue;
		switch (word.p[0]) {
		case 'V':
			(void)str_to_u32(str_from(word, 1), &list->uidvalidity);
			break;
		case 'N':
			(void)str_to_u32(str_from(word, 1), &list->uidnext);
			break;
		case 'G':
			list->guid = str_from(word, 1);
			break;
		default:
			break;
		}
	}
	return list->uidvalidity != 0;
}

static bool
parse_header(struct pst_str line, struct mig_uidlist *list)
{
	struct pst_str word;
	uint32_t version;

	if (!str_split(&line, ' ', &word) || !str_to_u32(word, &version))
		return false;
	list->version = version;
	if (version == 3)
		return parse_header_3(line, list);
	/* "1 1275660208 25022": Courier's, and Dovecot's before 1.1. */
	if (version != 1 || !str_split(&line, ' ', &word) ||
	    !str_to_u32(word, &list->uidvalidity))
		return false;
	(void)str_to_u32(line, &list->uidnext);
	return list->uidvalidity != 0;
}

/* "25006 W1394 Pid :1276528487.M364.host" */
static bool
parse_fields(struct pst_str rest, struct mig_uid *u)
{
	struct pst_str word = STR_NONE;

	while (rest.n > 0 && rest.p[0] != ':') {
		if (!str_split(&rest, ' ', &word))
			return false;
		if (word.n > 1 && word.p[0] == 'P')
			u->uidl = str_from(word, 1);
		else if (word.n > 1 && word.p[0] == 'G')
			u->guid = str_from(word, 1);
	}
	u->base = mig_file_base(str_from(rest, 1));
	return u->base.n > 0;
}

static void
add_uid(struct mig_uidlist *list, struct pst_str line)
{
	struct mig_uid u = { .uid = 0 };
	struct pst_str word;

	if (!str_split(&line, ' ', &word) || !str_to_u32(word, &u.uid) ||
	    u.uid == 0)
		return;
	if (list->version == 3) {
		if (!parse_fields(line, &u))
			return;
	} else {
		u.base = mig_file_base(line);
		if (u.base.n == 0)
			return;
	}
	if (u.uid >= list->uidnext && u.uid < UINT32_MAX)
		list->uidnext = u.uid + 1;
	mem_grow(&list->v, &list->cap, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = u;
}

static int
compare_uids(const void *a, const void *b)
{
	const struct mig_uid *x = a, *y = b;
	int c = compare_str(x->base, y->base);

	if (c != 0)
		return c;
	return x->uid > y->uid ? -1 : x->uid < y->uid;
}

bool
mig_uidlist_parse(struct pst_str text, struct mig_uidlist *list)
{
	struct pst_str line;
	size_t kept = 0;

	*list = (struct mig_uidlist){ 0 };
	if (!str_split(&text, '\n', &line) ||
	    !parse_header(without_cr(line), list)) {
		*list = (struct mig_uidlist){ 0 };
		return false;
	}
	while (str_split(&text, '\n', &line))
		add_uid(list, without_cr(line));
	if (list->n > 0)
		qsort(list->v, list->n, sizeof(*list->v), compare_uids);
	/* The last line about a file counts: it has the higher uid. */
	for (size_t i = 0; i < list->n; i++)
		if (kept == 0 ||
		    !str_eq(list->v[kept - 1].base, list->v[i].base))
			list->v[kept++] = list->v[i];
	list->n = kept;
	return true;
}

void
mig_uidlist_fini(struct mig_uidlist *list)
{
	free(list->v);
	*list = (struct mig_uidlist){ 0 };
}

const struct mig_uid *
mig_uidlist_find(const struct mig_uidlist *list, struct pst_str base)
{
	const struct mig_uid key = { .base = base };
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_str(list->v[middle].base, key.base);

		if (c == 0)
			return &list->v[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* --- keywords ------------------------------------------------------------ */

void
mig_dovecot_keywords(struct pst_str text, struct pst_str name_r[MIG_LETTERS])
{
	struct pst_str line, word;
	uint32_t number;

	for (size_t i = 0; i < MIG_LETTERS; i++)
		name_r[i] = STR_NONE;
	while (str_split(&text, '\n', &line)) {
		line = without_cr(line);
		if (str_split(&line, ' ', &word) && str_to_u32(word, &number) &&
		    number < MIG_LETTERS)
			name_r[number] = line;
	}
}

static int
compare_files(const void *a, const void *b)
{
	/* They begin with their base. */
	return compare_str(
	    *(const struct pst_str *)a, *(const struct pst_str *)b);
}

static void
add_file(struct mig_courier_keywords *k, struct pst_str line)
{
	size_t colon = line.n;

	/* The name itself may have none, but other systems use others. */
	while (colon > 0 && line.p[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return;
	mem_grow(&k->file, &k->file_cap, k->files + 1, sizeof(*k->file));
	k->file[k->files].base = mig_file_base(str_first(line, colon - 1));
	k->file[k->files++].numbers = str_from(line, colon);
}

void
mig_courier_keywords_parse(struct pst_str text, struct mig_courier_keywords *k)
{
	struct pst_str line;

	*k = (struct mig_courier_keywords){ 0 };
	while (str_split(&text, '\n', &line)) {
		line = without_cr(line);
		if (line.n == 0)
			break;
		mem_grow(
		    &k->name, &k->name_cap, k->names + 1, sizeof(*k->name));
		k->name[k->names++] = line;
	}
	while (str_split(&text, '\n', &line))
		add_file(k, without_cr(line));
	if (k->files > 0)
		qsort(k->file, k->files, sizeof(*k->file), compare_files);
}

void
mig_courier_keywords_fini(struct mig_courier_keywords *k)
{
	free(k->name);
	free(k->file);
	*k = (struct mig_courier_keywords){ 0 };
}

void
mig_courier_keywords_of(const struct mig_courier_keywords *k,
    struct pst_str base, void (*fn)(void *arg, struct pst_str name), void *arg)
{
	size_t low = 0, high = k->files;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_str(k->file[middle].base, base) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < k->files && str_eq(k->file[low].base, base); low++) {
		struct pst_str rest = k->file[low].numbers, word;
		uint32_t number;

		while (str_split(&rest, ' ', &word))
			if (str_to_u32(word, &number) && number < k->names)
				fn(arg, k->name[number]);
	}
}

/* --- ids for POP3 -------------------------------------------------------- */

static int
compare_uidls(const void *a, const void *b)
{
	return compare_str(((const struct mig_courier_uidl *)a)->base,
	    ((const struct mig_courier_uidl *)b)->base);
}

/* Takes the text behind the last space off. */
static bool
take_last(struct pst_str *rest, struct pst_str *word_r)
{
	size_t at = rest->n;

	while (at > 0 && rest->p[at - 1] != ' ')
		at--;
	if (at == 0)
		return false;
	*word_r = str_from(*rest, at);
	*rest = str_first(*rest, at - 1);
	return true;
}

/* "NAME SIZE UID:UIDVALIDITY[:UTF8]", of the first version "NAME UID". */
static void
add_uidl(struct mig_courier_uidls *u, struct pst_str line, bool is_old)
{
	struct mig_courier_uidl one = { .uid = 0 };
	struct pst_str word, part, size;

	if (!take_last(&line, &word))
		return;
	if (is_old) {
		if (!str_to_u32(word, &one.uid))
			return;
	} else if (!str_split(&word, ':', &part) ||
		   !str_to_u32(part, &one.uid) ||
		   !str_split(&word, ':', &part) ||
		   !str_to_u32(part, &one.uidvalidity) ||
		   !take_last(&line, &size)) {
		return;
	}
	one.base = mig_file_base(line);
	if (one.base.n == 0)
		return;
	mem_grow(&u->v, &u->cap, u->n + 1, sizeof(*u->v));
	u->v[u->n++] = one;
}

void
mig_courier_uidls_parse(struct pst_str text, struct mig_courier_uidls *u)
{
	struct pst_str line;
	bool is_old = true;

	*u = (struct mig_courier_uidls){ 0 };
	if (text.n > 0 && text.p[0] == '/') {
		/* "/2 UIDNEXT UIDVALIDITY" or "/3 ..." */
		(void)str_split(&text, '\n', &line);
		line = str_from(line, 1);
		if (line.n < 2 || (line.p[0] != '2' && line.p[0] != '3') ||
		    line.p[1] != ' ')
			return;
		is_old = false;
	}
	while (str_split(&text, '\n', &line))
		add_uidl(u, without_cr(line), is_old);
	if (u->n > 0)
		qsort(u->v, u->n, sizeof(*u->v), compare_uidls);
}

void
mig_courier_uidls_fini(struct mig_courier_uidls *u)
{
	free(u->v);
	*u = (struct mig_courier_uidls){ 0 };
}

/* What Courier says of a message that it gave no number: its name, with what
 * cannot be in an id escaped. */
static void
put_file_id(struct pst_str base, struct buf *out)
{
	for (size_t i = 0; i < base.n; i++) {
		unsigned char c = (unsigned char)base.p[i];

		if (c < 0x21 || c > 0x7e || c == '\'' || c == '"' || c == '+')
			(void)buf_printf(out, "+%02X", c);
		else
			(void)buf_putc(out, (char)c);
	}
}

bool
mig_courier_uidl(
    const struct mig_courier_uidls *u, struct pst_str base, struct buf *out)
{
	const struct mig_courier_uidl key = { .base = base };
	const struct mig_courier_uidl *one = u->n == 0
						 ? NULL
						 : bsearch(&key, u->v, u->n,
						       sizeof(*u->v),
						       compare_uidls);

	if (one == NULL)
		return false;
	if (one->uid == 0)
		put_file_id(base, out);
	else if (one->uidvalidity == 0)
		(void)buf_printf(out, "UID%lu", (unsigned long)one->uid);
	else
		(void)buf_printf(out, "UID%lu-%lu", (unsigned long)one->uid,
		    (unsigned long)one->uidvalidity);
	return !out->overflow;
}

struct uidl_form {
	bool zero, hex, lower, upper;
	unsigned width;
};

static void
put_number(const struct uidl_form *f, uint32_t n, struct buf *out)
{
	int width = (int)f->width;
	unsigned long value = n;

	if (f->hex)
		(void)buf_printf(out, f->zero ? "%0*lx" : "%*lx", width, value);
	else
		(void)buf_printf(out, f->zero ? "%0*lu" : "%*lu", width, value);
}

static void
change_case(const struct uidl_form *f, struct buf *out, size_t from)
{
	for (size_t i = from; i < out->n; i++) {
		if (f->lower)
			out->p[i] = ascii_lower(out->p[i]);
		else if (f->upper)
			out->p[i] = ascii_upper(out->p[i]);
	}
}

/* What stands between '%' and the letter. */
static const char *
parse_form(const char *p, struct uidl_form *f)
{
	for (;; p++) {
		if (*p == '0' && f->width == 0)
			f->zero = true;
		else if (ascii_is_digit(*p) && f->width < UIDL_WIDTH_MAX)
			f->width = f->width * 10 + (unsigned)(*p - '0');
		else if (*p == 'X')
			f->hex = true;
		else if (*p == 'L')
			f->lower = true;
		else if (*p == 'U')
			f->upper = true;
		else
			return p;
	}
}

bool
mig_uidl(const char *p, uint32_t uid, uint32_t uidvalidity, struct pst_str base,
    struct pst_str guid, struct buf *out)
{
	for (; *p != '\0'; p++) {
		struct uidl_form f = { .width = 0 };
		size_t from = out->n;

		if (*p != '%') {
			(void)buf_putc(out, *p);
			continue;
		}
		p = parse_form(p + 1, &f);
		if (f.width > UIDL_WIDTH_MAX)
			return false;
		switch (*p) {
		case 'u':
			put_number(&f, uid, out);
			break;
		case 'v':
			put_number(&f, uidvalidity, out);
			break;
		case 'f':
			(void)buf_add_str(out, base);
			break;
		case 'g':
			(void)buf_add_str(out, guid.n > 0 ? guid : base);
			break;
		case '%':
			(void)buf_putc(out, '%');
			break;
		default:
			return false;
		}
		change_case(&f, out, from);
	}
	return !out->overflow;
}

/* --- subscriptions ------------------------------------------------------- */

/* A '.' that is no separator is written as if it were no ASCII, which the
 * strict decoder does not take. */
static bool
decode_level(struct pst_str level, struct buf *out)
{
	static const char dot[] = "&AC4-";

	for (;;) {
		size_t at = 0;

		while (at + 5 <= level.n && memcmp(level.p + at, dot, 5) != 0)
			at++;
		if (at + 5 > level.n)
			return mutf7_decode(level, out);
		if (!mutf7_decode(str_first(level, at), out) ||
		    !buf_putc(out, '.'))
			return false;
		level = str_from(level, at + 5);
	}
}

static bool
put_level(struct pst_str level, struct buf *out)
{
	size_t from = out->n;
	bool ok;

	if (level.n == 0)
		return false;
	ok = decode_level(level, out);
	if (!ok) {
		out->n = from;
		ok = str_is_utf8(level) && buf_add_str(out, level);
	}
	for (size_t i = from; ok && i < out->n; i++)
		if (out->p[i] == '/')
			out->p[i] = '_';
	return ok;
}

bool
mig_folder_name(struct pst_str text, char separator, struct buf *out)
{
	struct pst_str level;
	size_t from = out->n;

	if (text.n == 0 || text.n > NAME_OCTETS)
		return false;
	while (str_split(&text, separator, &level)) {
		if (out->n > from)
			(void)buf_putc(out, '/');
		if (!put_level(level, out)) {
			out->n = from;
			return false;
		}
	}
	if (out->n >= from + 5 &&
	    str_has_prefix_case(str_from(buf_str(out), from), "INBOX") &&
	    (out->n == from + 5 || out->p[from + 5] == '/'))
		memcpy(out->p + from, "INBOX", 5);
	return !out->overflow;
}

void
mig_subscriptions(struct pst_str text, char separator,
    void (*fn)(void *arg, struct pst_str name), void *arg)
{
	struct pst_str line;
	struct buf name;

	/* Version 2: a header, and tabs between the levels. */
	if (text.n >= 4 && memcmp(text.p, "V\t2\n", 4) == 0) {
		text = str_from(text, 4);
		separator = '\t';
	}
	buf_init(&name, (size_t)NAME_OCTETS * 4);
	while (str_split(&text, '\n', &line)) {
		buf_clear(&name);
		if (mig_folder_name(without_cr(line), separator, &name))
			fn(arg, buf_str(&name));
	}
	buf_fini(&name);
}
