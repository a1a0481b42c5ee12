/*
 * trust/spf_record.c - the grammar of SPF records (RFC 7208, 12).
 */
#include "base/str.h"
#include "trust/spf_priv.h"

static const struct {
	const char *name;
	enum spf_kind kind;
} mechanisms[] = {
	{ "all", SPF_ALL },
	{ "include", SPF_INCLUDE },
	{ "a", SPF_A },
	{ "mx", SPF_MX },
	{ "ptr", SPF_PTR },
	{ "ip4", SPF_IP4 },
	{ "ip6", SPF_IP6 },
	{ "exists", SPF_EXISTS },
};

/* Digits without a leading zero. */
static bool
take_bits(struct pst_str text, unsigned most, unsigned *bits_r)
{
	uint32_t bits;

	if (text.n == 0 || (text.n > 1 && text.p[0] == '0') ||
	    !str_to_u32(text, &bits) || bits > most)
		return false;
	*bits_r = bits;
	return true;
}

/* "/24", "//64" or "/24//64" and nothing else. */
static bool
take_dual(struct pst_str text, struct spf_term *t)
{
	size_t second;

	if (text.n > 1 && text.p[1] == '/')
		return take_bits(str_from(text, 2), 128, &t->bits6);
	text = str_from(text, 1);
	second = str_find(text, '/');
	if (!take_bits(str_first(text, second), 32, &t->bits4))
		return false;
	if (second == text.n)
		return true;
	text = str_from(text, second + 1);
	return text.n > 0 && text.p[0] == '/' &&
	       take_bits(str_from(text, 1), 128, &t->bits6);
}

static bool
looks_dual(struct pst_str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '/' && !ascii_is_digit(text.p[i]))
			return false;
	return true;
}

/* The slash that begins the prefix, outside of macros; text.n: none. */
static size_t
find_dual(struct pst_str text)
{
	bool inside = false;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '{' || text.p[i] == '}')
			inside = text.p[i] == '{';
		else if (!inside && text.p[i] == '/' &&
			 looks_dual(str_from(text, i)))
			return i;
	}
	return text.n;
}

/* ":spec" and prefixes of a and mx. */
static bool
take_host(struct pst_str args, struct spf_term *t)
{
	size_t slash = find_dual(args);
	struct pst_str spec = str_first(args, slash);

	if (slash < args.n && !take_dual(str_from(args, slash), t))
		return false;
	if (spec.n == 0)
		return true;
	t->spec = str_from(spec, 1);
	return spec.p[0] == ':' && spf_is_domain_spec(t->spec);
}

static bool
take_spec(struct pst_str args, bool needed, struct spf_term *t)
{
	if (args.n == 0)
		return !needed;
	t->spec = str_from(args, 1);
	return args.p[0] == ':' && spf_is_domain_spec(t->spec);
}

static bool
take_network(struct pst_str args, bool v4, struct spf_term *t)
{
	size_t slash = str_find(args, '/');
	struct network *n = &t->network;
	unsigned most = v4 ? 32 : 128, bits = most;

	if (args.n < 2 || args.p[0] != ':' ||
	    !ip_parse(str_from(str_first(args, slash), 1), &n->address) ||
	    (slash < args.n &&
		!take_bits(str_from(args, slash + 1), most, &bits)))
		return false;
	/* "ip6:::ffff:192.0.2.1" is written as IPv6, but never matches. */
	if (v4 && memchr(args.p + 1, ':', slash - 1) != NULL)
		return false;
	if (!v4 && memchr(args.p + 1, ':', slash - 1) == NULL)
		return false;
	n->address.v4 = v4;
	n->bits = 128 - most + bits;
	return true;
}

static bool
take_arguments(struct pst_str args, struct spf_term *t)
{
	switch (t->kind) {
	case SPF_ALL:
		return args.n == 0;
	case SPF_INCLUDE:
	case SPF_EXISTS:
		return take_spec(args, true, t);
	case SPF_A:
	case SPF_MX:
		return take_host(args, t);
	case SPF_PTR:
		return take_spec(args, false, t);
	case SPF_IP4:
	case SPF_IP6:
		return take_network(args, t->kind == SPF_IP4, t);
	}
	return false;
}

static bool
take_qualifier(struct pst_str *text, enum spf_result *result_r)
{
	*result_r = SPF_PASS;
	if (text->n == 0)
		return false;
	switch (text->p[0]) {
	case '+':
		break;
	case '-':
		*result_r = SPF_FAIL;
		break;
	case '~':
		*result_r = SPF_SOFTFAIL;
		break;
	case '?':
		*result_r = SPF_NEUTRAL;
		break;
	default: /* none was written */
		return true;
	}
	*text = str_from(*text, 1);
	return true;
}

static bool
take_directive(struct pst_str text, struct spf_term *t)
{
	size_t end = 0;

	*t = (struct spf_term){ .text = text, .bits4 = 32, .bits6 = 128 };
	if (!take_qualifier(&text, &t->result))
		return false;
	while (end < text.n && text.p[end] != ':' && text.p[end] != '/')
		end++;
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++)
		if (str_is_case(str_first(text, end), mechanisms[i].name)) {
			t->kind = mechanisms[i].kind;
			return take_arguments(str_from(text, end), t);
		}
	return false;
}

/* name "=", where a name begins with a letter (RFC 7208, 4.6.1). */
static bool
is_modifier(struct pst_str text, size_t *equals_r)
{
	size_t i = 0;

	if (text.n == 0 || !ascii_is_alpha(text.p[0]))
		return false;
	while (i < text.n &&
	       (ascii_is_alpha(text.p[i]) || ascii_is_digit(text.p[i]) ||
		   text.p[i] == '-' || text.p[i] == '_' || text.p[i] == '.'))
		i++;
	*equals_r = i;
	return i < text.n && text.p[i] == '=';
}

static bool
take_modifier(struct pst_str text, size_t equals, struct spf_record *out)
{
	struct pst_str name = str_first(text, equals);
	struct pst_str value = str_from(text, equals + 1);
	struct pst_str *to = str_is_case(name, "redirect") ? &out->redirect
			     : str_is_case(name, "exp")	   ? &out->exp
							   : NULL;

	if (to == NULL)
		return spf_is_macro_string(value);
	if (to->p != NULL || !spf_is_domain_spec(value))
		return false;
	*to = value;
	return true;
}

bool
spf_record_parse(struct arena *a, struct pst_str text, struct spf_record *out,
    struct pst_str *bad_r)
{
	struct pst_str rest = text, part;
	size_t equals;

	*out = (struct spf_record){ 0 };
	out->term = arena_alloc(a, SPF_TERMS_MAX * sizeof(*out->term));
	*bad_r = STR("too many terms");
	while (out->term != NULL && str_split(&rest, ' ', &part)) {
		if (part.n == 0)
			continue;
		*bad_r = part;
		if (is_modifier(part, &equals)) {
			if (!take_modifier(part, equals, out))
				return false;
			continue;
		}
		if (out->n == SPF_TERMS_MAX ||
		    !take_directive(part, &out->term[out->n]))
			return false;
		out->n++;
	}
	return out->term != NULL;
}
