/*
 * guard/milter_packet.c - putting packets together and taking them apart.
 */
#include "guard/milter_packet.h"

#include "base/str.h"

enum { REPLY_LINES = 20, REPLY_LINE = 400 };

static void
write_u32(char *to, uint32_t value)
{
	to[0] = (char)(value >> 24);
	to[1] = (char)(value >> 16);
	to[2] = (char)(value >> 8);
	to[3] = (char)value;
}

static uint32_t
read_u32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 |
	       (uint32_t)u[2] << 8 | u[3];
}

/* --- what goes --------------------------------------------------------------
 */

size_t
milter_begin(struct buf *out, enum milter_command command)
{
	size_t begun = out->n;

	(void)buf_add(out, "\0\0\0", MILTER_LENGTH);
	(void)buf_putc(out, (char)command);
	return begun;
}

void
milter_put_u32(struct buf *out, uint32_t value)
{
	char octets[4];

	write_u32(octets, value);
	(void)buf_add(out, octets, sizeof(octets));
}

/* A NUL inside would end it, and begin another text. */
void
milter_put_text(struct buf *out, struct pst_str text)
{
	(void)buf_add_str(out, str_first(text, str_find(text, '\0')));
	(void)buf_putc(out, '\0');
}

void
milter_end(struct buf *out, size_t begun)
{
	if (!out->overflow)
		write_u32(
		    out->p + begun, (uint32_t)(out->n - begun - MILTER_LENGTH));
}

void
milter_put(struct buf *out, enum milter_command command)
{
	milter_end(out, milter_begin(out, command));
}

/* --- what comes -------------------------------------------------------------
 */

enum milter_taken
milter_take(struct pst_str in, struct milter_packet *packet_r, size_t *used_r)
{
	uint32_t n;

	if (in.n < MILTER_LENGTH)
		return MILTER_NEEDS_MORE;
	n = read_u32(in.p);
	if (n == 0 || n > MILTER_PACKET_MAX)
		return MILTER_BROKEN;
	if (in.n - MILTER_LENGTH < n)
		return MILTER_NEEDS_MORE;
	packet_r->kind = in.p[MILTER_LENGTH];
	packet_r->data = str_n(in.p + MILTER_LENGTH + 1, n - 1);
	*used_r = MILTER_LENGTH + (size_t)n;
	return MILTER_TAKEN;
}

static bool
take_u32(struct pst_str *data, uint32_t *value_r)
{
	if (data->n < 4)
		return false;
	*value_r = read_u32(data->p);
	*data = str_from(*data, 4);
	return true;
}

/* A text with its NUL. */
static bool
take_text(struct pst_str *data, struct pst_str *text_r)
{
	size_t n = str_find(*data, '\0');

	if (n == data->n)
		return false;
	*text_r = str_first(*data, n);
	*data = str_from(*data, n + 1);
	return true;
}

bool
milter_parse_options(struct pst_str data, struct milter_options *out)
{
	memset(out, 0, sizeof(*out));
	if (!take_u32(&data, &out->version) ||
	    !take_u32(&data, &out->actions) || !take_u32(&data, &out->steps) ||
	    out->version < 2 || out->version > MILTER_VERSION ||
	    (out->actions & ~(uint32_t)MILTER_ACTIONS) != 0 ||
	    (out->steps & ~(uint32_t)MILTER_STEPS) != 0)
		return false;
	if (out->version < 3)
		out->steps &= MILTER_OLD_STEPS;
	while (data.n > 0) {
		struct pst_str names;
		uint32_t stage;

		if (!take_u32(&data, &stage) || !take_text(&data, &names))
			return false;
		/* Stages that we know nothing of have no macros. */
		if (stage < MILTER_STAGES)
			out->macros[stage] = names;
	}
	return true;
}

bool
milter_parse_change(
    const struct milter_packet *packet, struct milter_change *out)
{
	struct pst_str data = packet->data;

	*out = (struct milter_change){ .kind = packet->kind };
	switch (packet->kind) {
	case MILTER_REPLACE_BODY:
		out->text = data;
		return true;
	case MILTER_INSERT_HEADER:
	case MILTER_CHANGE_HEADER:
		return take_u32(&data, &out->index) &&
		       take_text(&data, &out->name) &&
		       take_text(&data, &out->text) && data.n == 0;
	case MILTER_ADD_HEADER:
		return take_text(&data, &out->name) &&
		       take_text(&data, &out->text) && data.n == 0;
	case MILTER_CHANGE_FROM:
	case MILTER_ADD_RCPT_ARGS:
		return take_text(&data, &out->name) &&
		       (data.n == 0 || take_text(&data, &out->text)) &&
		       data.n == 0;
	case MILTER_ADD_RCPT:
	case MILTER_DELETE_RCPT:
	case MILTER_QUARANTINE:
		return take_text(&data, &out->name) && data.n == 0;
	default:
		return false;
	}
}

enum milter_action
milter_change_needs(const struct milter_change *c)
{
	switch (c->kind) {
	case MILTER_REPLACE_BODY:
		return MILTER_MAY_CHANGE_BODY;
	case MILTER_CHANGE_HEADER:
		return MILTER_MAY_CHANGE_HEADERS;
	case MILTER_CHANGE_FROM:
		return MILTER_MAY_CHANGE_FROM;
	case MILTER_ADD_RCPT_ARGS:
		return MILTER_MAY_ADD_RCPT_ARGS;
	case MILTER_ADD_RCPT:
		return MILTER_MAY_ADD_RCPT;
	case MILTER_DELETE_RCPT:
		return MILTER_MAY_DELETE_RCPT;
	case MILTER_QUARANTINE:
		return MILTER_MAY_QUARANTINE;
	default:
		return MILTER_MAY_ADD_HEADERS;
	}
}

/* --- replies ----------------------------------------------------------------
 */

/* RFC 2034, 4: of the class of the reply's code. Its octets, or 0. */
static size_t
enhanced_code(struct pst_str text, char class)
{
	size_t at = 1, digits;

	if (text.n < 5 || text.p[0] != class)
		return 0;
	for (int part = 0; part < 2; part++) {
		if (at >= text.n || text.p[at++] != '.')
			return 0;
		for (digits = 0; at < text.n && ascii_is_digit(text.p[at]);
		     digits++)
			at++;
		if (digits == 0 || digits > 3)
			return 0;
	}
	return at == text.n || text.p[at] == ' ' ? at : 0;
}

/* Without what has no place in a reply; libmilter doubles each "%". */
static void
put_reply_text(struct buf *out, struct pst_str text)
{
	for (size_t i = 0; i < text.n && i < REPLY_LINE; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '%' && i + 1 < text.n && text.p[i + 1] == '%')
			i++;
		(void)buf_putc(out, c >= ' ' && c < 0x7f ? (char)c : '?');
	}
}

static bool
put_reply_line(
    struct buf *out, struct pst_str line, const char code[3], bool last)
{
	struct pst_str text;

	if (line.n < 3 || memcmp(line.p, code, 3) != 0 ||
	    (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return false;
	text = str_trim(str_from(line, 4));
	(void)buf_printf(out, "%.3s%c", code, last ? ' ' : '-');
	if (enhanced_code(text, code[0]) == 0)
		(void)buf_printf(out, "%c.7.1 ", code[0]);
	put_reply_text(out, text);
	return last || buf_puts(out, "\r\n");
}

bool
milter_parse_reply(struct pst_str data, struct buf *out)
{
	struct pst_str rest, line;
	size_t lines = 0;

	if (!take_text(&data, &rest) || data.n > 0)
		return false;
	while (rest.n > 0 &&
	       (rest.p[rest.n - 1] == '\n' || rest.p[rest.n - 1] == '\r'))
		rest.n--;
	if (rest.n < 3 || (rest.p[0] != '4' && rest.p[0] != '5') ||
	    !ascii_is_digit(rest.p[1]) || !ascii_is_digit(rest.p[2]))
		return false;
	data = rest;
	while (rest.n > 0) {
		size_t lf = str_find(rest, '\n');

		line = str_first(rest, lf);
		rest = str_from(rest, lf + 1);
		if (++lines > REPLY_LINES ||
		    !put_reply_line(out, line, data.p, rest.n == 0))
			return false;
	}
	return !out->overflow;
}
