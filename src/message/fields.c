/*
 * message/fields.c - a header block split into fields (RFC 5322, 2.2), and
 * looking them up.
 *
 * A line without a colon, or with white space inside of what would be the name
 * (the "From " line of an mbox), becomes a field with an empty name: it stays
 * part of the header, as RFC 7103, 5.2 has it, and nothing ever finds it.
 */
#include "base/str.h"
#include "message/internal.h"

const char *
msg_skip_comment(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '\\' && end - p > 1)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return NULL;
}

const char *
msg_skip_cfws(const char *p, const char *end)
{
	while (p < end) {
		if (msg_is_wsp(*p)) {
			p++;
		} else if (*p == '(') {
			p = msg_skip_comment(p, end);
			if (p == NULL)
				return end;
		} else {
			break;
		}
	}
	return p;
}

/* Behind the line that starts at `p`, line end included. */
static const char *
after_line(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl != NULL ? nl + 1 : end;
}

/* Behind the field that starts at `p`: its line and those that continue it. */
static const char *
after_field(const char *p, const char *end)
{
	do
		p = after_line(p, end);
	while (p < end && (*p == ' ' || *p == '\t'));
	return p;
}

static bool
is_empty_line(const char *p, const char *end)
{
	return *p == '\n' || (*p == '\r' && end - p > 1 && p[1] == '\n');
}

static size_t
count_fields(const char *p, const char *end, size_t max)
{
	size_t n = 0;

	for (; p < end && n < max && !is_empty_line(p, end); n++)
		p = after_field(p, end);
	return n;
}

/* The end of a name that a colon follows, *colon_r; NULL when there is none. */
static const char *
find_name(const char *p, const char *end, const char **colon_r)
{
	const char *name_end;

	while (p < end && *p != ':' && (unsigned char)*p > ' ' && *p != 127)
		p++;
	name_end = p;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p != ':')
		return NULL;
	*colon_r = p;
	return name_end;
}

static void
set_field(struct msg_field *f, const char *p, const char *end)
{
	const char *name_end, *value = NULL, *value_end = end;

	f->whole = str_n(p, (size_t)(end - p));
	if (value_end > p && value_end[-1] == '\n')
		value_end--;
	if (value_end > p && value_end < end && value_end[-1] == '\r')
		value_end--;
	name_end = find_name(p, value_end, &value);
	if (name_end == NULL || name_end == p) {
		name_end = p;
		value = p;
	} else {
		value++;
	}
	f->name = str_n(p, (size_t)(name_end - p));
	f->value = str_n(value, (size_t)(value_end - value));
}

void
msg_fields_parse(struct arena *a, struct msg_part *part, size_t max, bool cut)
{
	const char *start = part->header.p;
	const char *p = start, *end = start + part->header.n;
	size_t n = 0;

	if (part->header.n == 0)
		return;
	n = count_fields(p, end, max);
	if (n > 0)
		part->field = arena_alloc(a, n * sizeof(*part->field));
	for (size_t i = 0; i < n; i++) {
		const char *next = after_field(p, end);

		part->field[i].offset = part->header_start +
					(uint64_t)(p - start);
		set_field(&part->field[i], p, next);
		p = next;
	}
	/* The blank line proves that nothing is missing behind the fields. */
	if (cut && n > 0 && p == end) {
		n--;
		part->header.n = (size_t)(part->field[n].whole.p - start);
	}
	part->fields = n;
}

const struct msg_field *
msg_next_field(const struct msg_part *part, const char *name, size_t *i)
{
	struct pst_str want = str_of(name);

	while (*i < part->fields) {
		const struct msg_field *f = &part->field[(*i)++];

		if (f->name.n > 0 && str_eq_case(f->name, want))
			return f;
	}
	return NULL;
}

const struct msg_field *
msg_field(const struct msg_part *part, const char *name)
{
	size_t i = 0;

	return msg_next_field(part, name, &i);
}
