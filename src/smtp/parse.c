/*
 * smtp/parse.c - the parser of command lines.
 *
 * Strict where another reading could change who gets the mail, lenient with a
 * space after "FROM:" and "TO:", which many programs send.
 */
#include "smtp/parse.h"

#include "base/str.h"
#include "message/address.h"

enum { ENVID_MAX = 100, ORCPT_MAX = 500, HOST_MAX = 255 };

void
smtp_parse_line(
    struct pst_str line, struct pst_str *verb_r, struct pst_str *args_r)
{
	size_t n = 0;

	/* RFC 5321, 4.1.1: spaces before the line end are to be tolerated. */
	while (line.n > 0 &&
	       (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
		line.n--;
	n = str_find(line, ' ');
	*verb_r = str_first(line, n);
	while (n < line.n && line.p[n] == ' ')
		n++;
	*args_r = str_from(line, n);
}

/* --- paths ------------------------------------------------------------------
 */

/* The index of the '>' that ends a path whose '<' is before `s`; a quoted
 * string may have one too. SIZE_MAX: there is none. */
static size_t
path_end(struct pst_str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '>' && !quoted)
			return i;
	}
	return SIZE_MAX;
}

/* RFC 5321, 4.1.2 A-d-l and appendix C: accepted and ignored. */
static bool
skip_route(struct pst_str *path)
{
	size_t colon;

	if (path->n == 0 || path->p[0] != '@')
		return true;
	/* An address literal in a route has colons of its own. */
	for (colon = 0; colon < path->n && path->p[colon] != ':'; colon++) {
		if (path->p[colon] == '[')
			colon += str_find(str_from(*path, colon), ']');
	}
	if (colon + 1 >= path->n)
		return false;
	for (size_t i = 1; i < colon; i++) {
		char c = path->p[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
		    (c == '\0' || strchr("@,.-_:[]", c) == NULL))
			return false;
	}
	*path = str_from(*path, colon + 1);
	return true;
}

/*
 * Takes "FROM:<...>" with `keyword` "FROM:" off `*args`. What is left are the
 * parameters.
 */
static enum smtp_error
take_path(struct arena *a, const char *keyword, struct pst_str *args,
    struct smtp_path *path_r)
{
	struct pst_str rest = *args, text;
	size_t end;

	if (!str_has_prefix_case(rest, keyword))
		return SMTP_E_SYNTAX;
	rest = str_from(rest, strlen(keyword));
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = str_from(rest, 1);
	if (rest.n == 0 || rest.p[0] != '<')
		return SMTP_E_SYNTAX;
	rest = str_from(rest, 1);
	end = path_end(rest);
	if (end == SIZE_MAX)
		return SMTP_E_SYNTAX;
	text = str_first(rest, end);
	*args = str_from(rest, end + 1);
	if (args->n > 0 && args->p[0] != ' ')
		return SMTP_E_SYNTAX;
	if (!skip_route(&text))
		return SMTP_E_ADDRESS;
	path_r->text = arena_copy(a, text);
	if (text.n > 0 && path_r->text.n != text.n)
		return SMTP_E_MEMORY;
	return SMTP_OK;
}

static enum smtp_error
split_path(struct arena *a, struct smtp_path *path)
{
	return msg_smtp_mailbox(
		   a, path->text, true, &path->local, &path->domain)
		   ? SMTP_OK
		   : SMTP_E_ADDRESS;
}

/* --- parameters -------------------------------------------------------------
 */

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
smtp_xtext_decode(struct arena *a, struct pst_str text, struct pst_str *out)
{
	char *to = arena_alloc(a, text.n + 1);
	size_t n = 0;

	if (to == NULL)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c < 33 || c > 126 || c == '=')
			return false;
		if (c == '+') {
			int high, low;

			if (text.n - i < 3)
				return false;
			high = hex_value(text.p[i + 1]);
			low = hex_value(text.p[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		to[n++] = c;
	}
	*out = str_n(to, n);
	return true;
}

/* Decoded values end in header fields and logs one day: no controls. */
static bool
is_printable(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 32 || s.p[i] > 126)
			return false;
	}
	return true;
}

static enum smtp_error
parse_size(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_mail *mail = out;

	(void)a;
	/* RFC 1870, 6: up to 20 digits. What does not fit is too large anyway.
	 */
	if (value.n == 0 || value.n > 20)
		return SMTP_E_PARAM;
	for (size_t i = 0; i < value.n; i++) {
		if (!ascii_is_digit(value.p[i]))
			return SMTP_E_PARAM;
	}
	if (!str_to_u64(value, &mail->size))
		mail->size = UINT64_MAX;
	return SMTP_OK;
}

static enum smtp_error
parse_body(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_mail *mail = out;

	(void)a;
	if (str_is_case(value, "7BIT"))
		mail->body = SMTP_7BIT;
	else if (str_is_case(value, "8BITMIME"))
		mail->body = SMTP_8BITMIME;
	else if (str_is_case(value, "BINARYMIME"))
		mail->body = SMTP_BINARYMIME;
	else
		return SMTP_E_PARAM;
	return SMTP_OK;
}

static enum smtp_error
parse_utf8(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_mail *mail = out;

	(void)a;
	if (value.p != NULL)
		return SMTP_E_PARAM;
	mail->utf8 = true;
	return SMTP_OK;
}

/* RFC 8689, 2. */
static enum smtp_error
parse_require_tls(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_mail *mail = out;

	(void)a;
	if (value.p != NULL)
		return SMTP_E_PARAM;
	mail->require_tls = true;
	return SMTP_OK;
}

/* RFC 4954, 5: the xtext of a mailbox, or "<>". */
static enum smtp_error
parse_auth(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_mail *mail = out;
	struct pst_str local, domain;

	mail->has_auth = true;
	if (str_is(value, "<>"))
		return SMTP_OK;
	if (!smtp_xtext_decode(a, value, &mail->auth) ||
	    !msg_smtp_mailbox(a, mail->auth, true, &local, &domain))
		return SMTP_E_PARAM;
	return SMTP_OK;
}

static enum smtp_error
parse_ret(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_mail *mail = out;

	(void)a;
	if (str_is_case(value, "FULL"))
		mail->ret = SMTP_RET_FULL;
	else if (str_is_case(value, "HDRS"))
		mail->ret = SMTP_RET_HDRS;
	else
		return SMTP_E_PARAM;
	return SMTP_OK;
}

static enum smtp_error
parse_envid(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_mail *mail = out;

	if (value.n == 0 || value.n > ENVID_MAX ||
	    !smtp_xtext_decode(a, value, &mail->envid) ||
	    !is_printable(mail->envid))
		return SMTP_E_PARAM;
	return SMTP_OK;
}

/* RFC 3461, 4.1: NEVER alone, or a list of the others. */
static enum smtp_error
parse_notify(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_rcpt *rcpt = out;
	struct pst_str rest = value, word;
	size_t words = 0, commas = 0;

	(void)a;
	for (size_t i = 0; i < value.n; i++)
		commas += value.p[i] == ',';
	while (str_split(&rest, ',', &word)) {
		words++;
		if (str_is_case(word, "NEVER"))
			rcpt->notify |= SMTP_NOTIFY_NEVER;
		else if (str_is_case(word, "SUCCESS"))
			rcpt->notify |= SMTP_NOTIFY_SUCCESS;
		else if (str_is_case(word, "FAILURE"))
			rcpt->notify |= SMTP_NOTIFY_FAILURE;
		else if (str_is_case(word, "DELAY"))
			rcpt->notify |= SMTP_NOTIFY_DELAY;
		else
			return SMTP_E_PARAM;
	}
	if (words != commas + 1 ||
	    ((rcpt->notify & SMTP_NOTIFY_NEVER) != 0 && words > 1))
		return SMTP_E_PARAM;
	return SMTP_OK;
}

static bool
is_address_type(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    s.p[i] != '-')
			return false;
	}
	return s.n > 0;
}

static bool
has_controls(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
			return true;
	}
	return false;
}

/* RFC 3461, 4.2; the type utf-8 is of RFC 6533, 3, and has escapes of its own,
 * which are kept. Postfix sends UTF-8 in xtext as rfc822. */
static enum smtp_error
parse_orcpt(struct arena *a, struct pst_str value, void *out)
{
	struct smtp_rcpt *rcpt = out;
	size_t semicolon = str_find(value, ';');
	struct pst_str text = str_from(value, semicolon + 1);

	rcpt->orcpt_type = arena_copy(a, str_first(value, semicolon));
	if (value.n > ORCPT_MAX || text.n == 0 ||
	    !is_address_type(rcpt->orcpt_type))
		return SMTP_E_PARAM;
	if (str_is_case(rcpt->orcpt_type, "utf-8")) {
		if (!str_is_utf8(text))
			return SMTP_E_PARAM;
		rcpt->orcpt = arena_copy(a, text);
		return rcpt->orcpt.n == text.n ? SMTP_OK : SMTP_E_MEMORY;
	}
	if (!smtp_xtext_decode(a, text, &rcpt->orcpt) ||
	    !str_is_utf8(rcpt->orcpt) || has_controls(rcpt->orcpt))
		return SMTP_E_PARAM;
	return SMTP_OK;
}

struct parameter {
	const char *name;
	enum smtp_error (*parse)(
	    struct arena *a, struct pst_str value, void *out);
};

static const struct parameter mail_parameters[] = {
	{ "AUTH", parse_auth },
	{ "BODY", parse_body },
	{ "ENVID", parse_envid },
	{ "RET", parse_ret },
	{ "SIZE", parse_size },
	{ "REQUIRETLS", parse_require_tls },
	{ "SMTPUTF8", parse_utf8 },
};

static const struct parameter rcpt_parameters[] = {
	{ "NOTIFY", parse_notify },
	{ "ORCPT", parse_orcpt },
};

/* RFC 5321, 4.1.2: esmtp-value. RFC 6531, 3.3 adds UTF-8. */
static bool
is_value(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 33 || c == 127 || c == '=')
			return false;
	}
	return s.n > 0;
}

static enum smtp_error
take_parameters(struct arena *a, struct pst_str args,
    const struct parameter *table, size_t n, void *out)
{
	unsigned seen = 0;
	struct pst_str word;

	while (str_split(&args, ' ', &word)) {
		size_t equals = str_find(word, '='), i = 0;
		struct pst_str value = STR_NONE;
		enum smtp_error error;

		if (word.n == 0)
			continue;
		if (equals < word.n) {
			value = str_from(word, equals + 1);
			if (!is_value(value))
				return SMTP_E_PARAM;
		}
		while (i < n &&
		       !str_is_case(str_first(word, equals), table[i].name))
			i++;
		if (i == n)
			return SMTP_E_UNKNOWN;
		if ((seen & (1u << i)) != 0)
			return SMTP_E_TWICE;
		seen |= 1u << i;
		error = table[i].parse(a, value, out);
		if (error != SMTP_OK)
			return error;
	}
	return SMTP_OK;
}

/* --- commands ---------------------------------------------------------------
 */

enum smtp_error
smtp_parse_mail(struct arena *a, struct pst_str args, struct smtp_mail *mail_r)
{
	enum smtp_error error;

	memset(mail_r, 0, sizeof(*mail_r));
	error = take_path(a, "FROM:", &args, &mail_r->from);
	if (error == SMTP_OK && mail_r->from.text.n > 0)
		error = split_path(a, &mail_r->from);
	if (error != SMTP_OK)
		return error;
	mail_r->has_params = str_trim(args).n > 0;
	return take_parameters(a, args, mail_parameters,
	    sizeof(mail_parameters) / sizeof(mail_parameters[0]), mail_r);
}

enum smtp_error
smtp_parse_rcpt(struct arena *a, struct pst_str args, struct smtp_rcpt *rcpt_r)
{
	enum smtp_error error;

	memset(rcpt_r, 0, sizeof(*rcpt_r));
	error = take_path(a, "TO:", &args, &rcpt_r->to);
	if (error != SMTP_OK)
		return error;
	/* RFC 5321, 4.1.1.3: the one name that needs no domain. */
	if (str_is_case(rcpt_r->to.text, "postmaster"))
		rcpt_r->to.local = rcpt_r->to.text;
	else
		error = split_path(a, &rcpt_r->to);
	if (error != SMTP_OK)
		return error;
	rcpt_r->has_params = str_trim(args).n > 0;
	return take_parameters(a, args, rcpt_parameters,
	    sizeof(rcpt_parameters) / sizeof(rcpt_parameters[0]), rcpt_r);
}

enum smtp_error
smtp_parse_bdat(struct pst_str args, uint64_t *size_r, bool *last_r)
{
	size_t space = str_find(args, ' ');
	struct pst_str rest = str_trim(str_from(args, space));

	*last_r = rest.n > 0;
	if (!str_to_u64(str_first(args, space), size_r))
		return SMTP_E_SYNTAX;
	if (rest.n > 0 && !str_is_case(rest, "LAST"))
		return SMTP_E_SYNTAX;
	return SMTP_OK;
}

bool
smtp_is_host(struct pst_str s)
{
	if (s.n == 0 || s.n > HOST_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    (s.p[i] == '\0' || strchr("-._:[]", s.p[i]) == NULL))
			return false;
	}
	return true;
}

bool
smtp_xtext(struct arena *arena, struct pst_str type, struct pst_str text,
    struct pst_str *out_r)
{
	size_t most = type.n + 1 + 3 * text.n, n = 0;
	char *out = arena_alloc(arena, most + 1);

	if (out == NULL)
		return false;
	if (type.n > 0) {
		memcpy(out, type.p, type.n);
		n = type.n;
		out[n++] = ';';
	}
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (str_is_case(type, "utf-8") ||
		    (c > 0x20 && c < 0x7f && c != '+' && c != '='))
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(
			    out + n, most + 1 - n, "+%02X", (unsigned)c);
	}
	*out_r = str_n(out, n);
	return true;
}
