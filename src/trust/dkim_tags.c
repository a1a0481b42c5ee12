/*
 * trust/dkim_tags.c - reading tag lists.
 */
#include "trust/dkim_tags.h"

#include "base/str.h"

static bool
is_name(struct pst_str name)
{
	if (name.n == 0 || !ascii_is_alpha(name.p[0]))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (!ascii_is_alpha(name.p[i]) && !ascii_is_digit(name.p[i]) &&
		    name.p[i] != '_')
			return false;
	return true;
}

static bool
is_known(const struct dkim_tags *t, struct pst_str name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->tag[i].name, name))
			return true;
	return false;
}

bool
dkim_tags_parse(struct pst_str text, struct dkim_tags *out)
{
	struct pst_str part;

	out->n = 0;
	while (str_split(&text, ';', &part)) {
		size_t equals = str_find(part, '=');
		struct dkim_tag *tag = &out->tag[out->n];
		struct pst_str name = str_trim(str_first(part, equals));

		/* A semicolon at the end is allowed. */
		if (str_trim(part).n == 0 && str_trim(text).n == 0 &&
		    out->n > 0)
			return true;
		if (equals == part.n || !is_name(name) || is_known(out, name) ||
		    out->n == DKIM_TAGS_MAX)
			return false;
		tag->name = name;
		tag->raw = str_from(part, equals + 1);
		tag->value = str_trim(tag->raw);
		out->n++;
	}
	return out->n > 0;
}

const struct dkim_tag *
dkim_tag(const struct dkim_tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_is(t->tag[i].name, name))
			return &t->tag[i];
	return NULL;
}

struct pst_str
dkim_tag_packed(struct arena *a, const struct dkim_tags *t, const char *name)
{
	const struct dkim_tag *tag = dkim_tag(t, name);
	size_t n = 0;
	char *to;

	if (tag == NULL)
		return STR_NONE;
	to = arena_alloc(a, tag->value.n + 1);
	if (to == NULL)
		return STR_NONE;
	for (size_t i = 0; i < tag->value.n; i++) {
		char c = tag->value.p[i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			to[n++] = c;
	}
	return str_n(to, n);
}

bool
dkim_next_item(struct pst_str *rest, struct pst_str *item_r)
{
	if (!str_split(rest, ':', item_r))
		return false;
	*item_r = str_trim(*item_r);
	return true;
}

bool
dkim_list_has(struct pst_str list, const char *item)
{
	struct pst_str one;

	while (dkim_next_item(&list, &one))
		if (str_is_case(one, item))
			return true;
	return false;
}
