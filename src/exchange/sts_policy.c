/*
 * exchange/sts_policy.c - see sts_policy.h.
 */
#include "exchange/sts_policy.h"

#include "base/str.h"

static bool
is_alphanumeric(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* --- the record -----------------------------------------------------------
 */

static bool
take_id(struct pst_str value, char id_r[STS_ID])
{
	if (value.n == 0 || value.n >= STS_ID)
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (!is_alphanumeric(value.p[i]))
			return false;
	return str_copy(id_r, STS_ID, value);
}

bool
sts_record_parse(struct pst_str record, char id_r[STS_ID])
{
	struct pst_str rest = record, field;
	bool has_id = false;

	if (!str_split(&rest, ';', &field) ||
	    !str_is(str_trim(field), "v=STSv1"))
		return false;
	while (str_split(&rest, ';', &field)) {
		struct pst_str name;

		field = str_trim(field);
		if (field.n == 0)
			continue;
		if (str_find(field, '=') == field.n)
			return false;
		(void)str_split(&field, '=', &name);
		if (!str_is(str_trim(name), "id"))
			continue; /* an extension */
		if (has_id || !take_id(str_trim(field), id_r))
			return false;
		has_id = true;
	}
	return has_id;
}

/* --- the policy -----------------------------------------------------------
 */

static bool
is_mx_pattern(struct pst_str text)
{
	struct pst_str rest = text, label;

	if (text.n > 2 && text.p[0] == '*' && text.p[1] == '.')
		rest = str_from(text, 2);
	if (rest.n == 0 || rest.n > 253)
		return false;
	while (str_split(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63)
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alphanumeric(label.p[i]) && label.p[i] != '-' &&
			    label.p[i] != '_')
				return false;
	}
	return true;
}

static bool
take_mode(struct pst_str value, enum sts_mode *mode_r)
{
	static const char *const names[] = { "none", "testing", "enforce" };

	for (unsigned i = 0; i < 3; i++)
		if (str_is(value, names[i])) {
			*mode_r = (enum sts_mode)i;
			return true;
		}
	return false;
}

static bool
take_max_age(struct pst_str value, uint32_t *max_age_r)
{
	uint64_t number;

	if (value.n > 10 || !str_to_u64(value, &number))
		return false;
	*max_age_r = number > STS_MAX_AGE ? STS_MAX_AGE : (uint32_t)number;
	return true;
}

/* Which fields have come; of all but mx the first counts (3.2). */
struct seen {
	bool version, mode, max_age;
};

/* NULL, or what is wrong. */
static const char *
take_field(struct sts_text *t, struct seen *seen, struct pst_str name,
    struct pst_str value)
{
	if (str_is(name, "version") && !seen->version) {
		seen->version = true;
		return str_is(value, "STSv1") ? NULL
					      : "another version than STSv1";
	}
	if (str_is(name, "mode") && !seen->mode) {
		seen->mode = true;
		return take_mode(value, &t->mode) ? NULL : "an unknown mode";
	}
	if (str_is(name, "max_age") && !seen->max_age) {
		seen->max_age = true;
		return take_max_age(value, &t->max_age)
			   ? NULL
			   : "a max_age that is no number";
	}
	if (str_is(name, "mx")) {
		if (!is_mx_pattern(value))
			return "an mx that is no host name";
		if (t->n == STS_MX_MAX)
			return "too many mx fields";
		t->mx[t->n++] = value;
	}
	return NULL;
}

bool
sts_text_parse(struct pst_str text, struct sts_text *t_r, const char **why_r)
{
	struct pst_str rest = text, line;
	struct seen seen = { 0 };

	*t_r = (struct sts_text){ 0 };
	*why_r = text.n > STS_POLICY_MAX ? "too large" : NULL;
	while (*why_r == NULL && str_split(&rest, '\n', &line)) {
		struct pst_str name;

		line = str_trim(line);
		if (line.n == 0)
			continue;
		if (str_find(line, ':') == line.n)
			*why_r = "a line without a colon";
		(void)str_split(&line, ':', &name);
		if (*why_r == NULL)
			*why_r = take_field(
			    t_r, &seen, str_trim(name), str_trim(line));
	}
	if (*why_r != NULL)
		return false;
	if (!seen.version)
		*why_r = "no version";
	else if (!seen.mode)
		*why_r = "no mode";
	else if (!seen.max_age)
		*why_r = "no max_age";
	else if (t_r->n == 0 && t_r->mode != STS_NONE)
		*why_r = "no mx";
	return *why_r == NULL;
}

bool
sts_mx_matches(struct pst_str pattern, const char *host)
{
	struct pst_str name = str_of(host);

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (pattern.n < 2 || pattern.p[0] != '*' || pattern.p[1] != '.')
		return name.n > 0 && str_eq_case(pattern, name);
	/* One label, and no more, for the asterisk. */
	name = str_from(name, str_find(name, '.'));
	return name.n > 1 && name.n < strlen(host) &&
	       str_eq_case(str_from(pattern, 1), name);
}
