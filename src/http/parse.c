/*
 * http/parse.c - see parse.h.
 */
#include "http/parse.h"

#include "base/str.h"

enum { CHUNK_LINE = 1024 }; /* octets of a chunk's line or a trailer field */

/* RFC 9110, 5.6.2. */
static bool
is_token_char(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_token(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char(s.p[i]))
			return false;
	return s.n > 0;
}

/* RFC 9110, 5.5: no controls but TAB. */
static bool
is_value(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') ||
		    s.p[i] == 127)
			return false;
	return true;
}

static bool
is_target(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    (unsigned char)s.p[i] >= 127)
			return false;
	return s.n > 0;
}

/* --- the head --------------------------------------------------------------
 */

static int
parse_target(struct pst_str target, struct http_head *h)
{
	size_t question;

	if (!is_target(target))
		return 400;
	/* RFC 9112, 3.2.2: the absolute form must be understood. */
	if (str_has_prefix_case(target, "http://") ||
	    str_has_prefix_case(target, "https://")) {
		target = str_from(target, str_find(target, '/') + 2);
		target = str_from(target, str_find(target, '/'));
	}
	if (target.n == 0 || target.p[0] != '/')
		return str_is(target, "*") ? 404 : 400;
	question = str_find(target, '?');
	h->path = str_first(target, question);
	h->query = str_from(target, question + 1);
	return 0;
}

static int
parse_request_line(struct pst_str line, struct http_head *h)
{
	struct pst_str rest = line, target, version;
	size_t space;

	space = str_find(rest, ' ');
	h->method = str_first(rest, space);
	rest = str_from(rest, space + 1);
	space = str_find(rest, ' ');
	target = str_first(rest, space);
	version = str_from(rest, space + 1);
	if (!is_token(h->method))
		return 400;
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 ||
	    !ascii_is_digit(version.p[5]) || version.p[6] != '.' ||
	    !ascii_is_digit(version.p[7]))
		return 400;
	if (version.p[5] != '1')
		return 505;
	h->keeps_alive = version.p[7] != '0';
	return parse_target(target, h);
}

static int
parse_field(struct pst_str line, struct http_head *h)
{
	size_t colon = str_find(line, ':');
	struct http_field *f = &h->field[h->fields];

	if (h->fields == HTTP_FIELDS)
		return 431;
	f->name = str_first(line, colon);
	f->value = str_trim(str_from(line, colon + 1));
	/* RFC 9112, 5.1 and 5.2: no space before the colon, no folds. */
	if (colon == line.n || !is_token(f->name) || !is_value(f->value))
		return 400;
	h->fields++;
	return 0;
}

struct pst_str
http_head_field(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->fields; i++)
		if (str_is_case(h->field[i].name, name))
			return h->field[i].value;
	return STR_NONE;
}

static size_t
count_fields(const struct http_head *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->fields; i++)
		n += str_is_case(h->field[i].name, name);
	return n;
}

/* "q=0", "q=0.000" */
static bool
is_refused(struct pst_str params)
{
	struct pst_str part;

	while (str_split(&params, ';', &part)) {
		part = str_trim(part);
		if (part.n >= 3 && str_has_prefix_case(part, "q=0")) {
			for (size_t i = 3; i < part.n; i++)
				if (part.p[i] != '.' && part.p[i] != '0')
					return false;
			return true;
		}
	}
	return false;
}

bool
http_head_lists(const struct http_head *h, const char *name, const char *word)
{
	for (size_t i = 0; i < h->fields; i++) {
		struct pst_str rest = h->field[i].value, item;

		if (!str_is_case(h->field[i].name, name))
			continue;
		while (str_split(&rest, ',', &item)) {
			size_t end = str_find(item, ';');

			if (str_is_case(str_trim(str_first(item, end)), word))
				return !is_refused(str_from(item, end + 1));
		}
	}
	return false;
}

/* Where the content ends (RFC 9112, 6). Whatever might be read in two ways is
 * refused. */
static int
parse_framing(struct http_head *h)
{
	struct pst_str length = http_head_field(h, "Content-Length");
	struct pst_str coding = http_head_field(h, "Transfer-Encoding");

	if (count_fields(h, "Content-Length") > 1 ||
	    count_fields(h, "Transfer-Encoding") > 1 ||
	    count_fields(h, "Host") > 1)
		return 400;
	if (coding.p != NULL) {
		if (length.p != NULL || !h->keeps_alive)
			return 400;
		if (!str_is_case(coding, "chunked"))
			return 501;
		h->is_chunked = true;
	} else if (length.p != NULL) {
		if (!str_to_u64(length, &h->length))
			return 400;
		h->has_length = true;
	}
	return 0;
}

static int
parse_connection(struct http_head *h)
{
	h->is_old = !h->keeps_alive;
	/* RFC 9112, 3.2. */
	if (!h->is_old && http_head_field(h, "Host").p == NULL)
		return 400;
	if (http_head_lists(h, "Connection", "close"))
		h->keeps_alive = false;
	else if (h->is_old)
		h->keeps_alive = http_head_lists(h, "Connection", "keep-alive");
	h->expects_continue = !h->is_old &&
			      http_head_lists(h, "Expect", "100-continue");
	return 0;
}

/* A line without its CR LF. False: it is not complete. */
static bool
take_line(struct pst_str *rest, struct pst_str *line_r, bool *wrong_r)
{
	size_t lf = str_find(*rest, '\n');

	*wrong_r = false;
	if (lf == rest->n)
		return false;
	*line_r = str_first(*rest, lf);
	*rest = str_from(*rest, lf + 1);
	if (line_r->n == 0 || line_r->p[line_r->n - 1] != '\r') {
		*wrong_r = true;
		return true;
	}
	line_r->n--;
	return true;
}

static int
parse_lines(struct pst_str *rest, struct http_head *h, bool *whole_r)
{
	struct pst_str line;
	bool wrong;
	int status = 0;

	*whole_r = false;
	if (!take_line(rest, &line, &wrong))
		return 0;
	/* RFC 9112, 2.2: an empty line in front is passed over. */
	if (!wrong && line.n == 0 && !take_line(rest, &line, &wrong))
		return 0;
	if (wrong)
		return 400;
	status = parse_request_line(line, h);
	while (status == 0 && take_line(rest, &line, &wrong)) {
		if (wrong)
			return 400;
		if (line.n == 0) {
			*whole_r = true;
			return 0;
		}
		status = parse_field(line, h);
	}
	return status;
}

enum http_parsed
http_head_parse(struct pst_str in, size_t max, struct http_head *head_r,
    size_t *used_r, int *status_r)
{
	struct pst_str rest = str_first(in, max);
	bool whole;
	int status;

	memset(head_r, 0, sizeof(*head_r));
	status = parse_lines(&rest, head_r, &whole);
	if (status == 0 && !whole) {
		/* RFC 6585, 5; RFC 9110, 15.5.15: the first line alone. */
		if (in.n < max)
			return HTTP_MORE;
		status = head_r->fields > 0 || head_r->path.n > 0 ? 431 : 414;
	}
	if (status == 0)
		status = parse_framing(head_r);
	if (status == 0)
		status = parse_connection(head_r);
	*status_r = status;
	*used_r = (size_t)(rest.p - in.p);
	return status == 0 ? HTTP_WHOLE : HTTP_WRONG;
}

/* --- chunks ----------------------------------------------------------------
 */

enum chunk_state {
	CHUNK_SIZE,	 /* hexadecimal digits */
	CHUNK_EXTENSION, /* up to CR */
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,	    /* at the start of a line */
	CHUNK_TRAILER_LINE, /* within one */
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
};

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One octet of what is no data. False: wrong. */
static bool
chunk_octet(struct http_chunks *c, char octet, bool *end_r)
{
	int value;

	switch ((enum chunk_state)c->state) {
	case CHUNK_SIZE:
		value = hex_value(octet);
		if (value >= 0) {
			c->left = c->left << 4 | (unsigned)value;
			return ++c->digits <= 15;
		}
		c->state = octet == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
		return c->digits > 0 &&
		       (octet == '\r' || octet == ';' || octet == ' ');
	case CHUNK_EXTENSION:
		if (octet == '\r')
			c->state = CHUNK_SIZE_LF;
		return octet != '\n' && ++c->line < CHUNK_LINE;
	case CHUNK_SIZE_LF:
		c->state = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
		return octet == '\n';
	case CHUNK_DATA:
		break;
	case CHUNK_DATA_CR:
		c->state = CHUNK_DATA_LF;
		return octet == '\r';
	case CHUNK_DATA_LF:
		*c = (struct http_chunks){ 0 };
		return octet == '\n';
	case CHUNK_TRAILER:
		c->state = octet == '\r' ? CHUNK_END_LF : CHUNK_TRAILER_LINE;
		return octet != '\n' && ++c->line < CHUNK_LINE;
	case CHUNK_TRAILER_LINE:
		if (octet == '\r')
			c->state = CHUNK_TRAILER_LF;
		return octet != '\n' && ++c->line < CHUNK_LINE;
	case CHUNK_TRAILER_LF:
		c->state = CHUNK_TRAILER;
		return octet == '\n';
	case CHUNK_END_LF:
		*end_r = true;
		return octet == '\n';
	}
	return false;
}

enum http_parsed
http_chunks_next(struct http_chunks *c, struct pst_str in, size_t *used_r,
    struct pst_str *data_r)
{
	bool end = false;

	*data_r = STR_NONE;
	for (*used_r = 0; *used_r < in.n;) {
		if (c->state == CHUNK_DATA) {
			*data_r = str_from(in, *used_r);
			if (data_r->n > c->left)
				data_r->n = (size_t)c->left;
			c->left -= data_r->n;
			*used_r += data_r->n;
			if (c->left == 0)
				c->state = CHUNK_DATA_CR;
			return HTTP_MORE;
		}
		if (!chunk_octet(c, in.p[(*used_r)++], &end))
			return HTTP_WRONG;
		if (end)
			return HTTP_WHOLE;
	}
	return HTTP_MORE;
}

/* --- targets ---------------------------------------------------------------
 */

static bool
decode(struct pst_str s, bool plus, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high, low;

			if (s.n - i < 3)
				return false;
			high = hex_value(s.p[i + 1]);
			low = hex_value(s.p[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0' || !buf_putc(out, c))
			return false;
	}
	return true;
}

bool
http_path_decode(struct pst_str path, struct buf *out)
{
	struct pst_str segment;

	for (bool is_first = true; str_split(&path, '/', &segment);
	     is_first = false) {
		size_t from;

		if (!is_first && !buf_putc(out, '/'))
			return false;
		from = out->n;
		if (!decode(segment, false, out))
			return false;
		segment = str_from(buf_str(out), from);
		/* As one segment; within one they mean nothing. */
		if (str_is(segment, ".") || str_is(segment, ".."))
			return false;
	}
	if (!buf_putc(out, '\0'))
		return false;
	out->n--;
	return true;
}

bool
http_query_get(struct pst_str query, const char *name, struct buf *out)
{
	struct pst_str part;

	while (str_split(&query, '&', &part)) {
		size_t equals = str_find(part, '=');

		if (str_is(str_first(part, equals), name))
			return decode(str_from(part, equals + 1), true, out);
	}
	return false;
}

struct pst_str
http_cookie(const struct http_head *h, const char *name)
{
	struct pst_str rest = http_head_field(h, "Cookie"), part;

	while (str_split(&rest, ';', &part)) {
		size_t equals;

		part = str_trim(part);
		equals = str_find(part, '=');
		if (equals < part.n && str_is(str_first(part, equals), name))
			return str_from(part, equals + 1);
	}
	return STR_NONE;
}

bool
http_percent_encode(struct pst_str s, struct buf *out)
{
	bool ok = true;

	for (size_t i = 0; i < s.n && ok; i++) {
		char c = s.p[i];

		if (ascii_is_alpha(c) || ascii_is_digit(c) ||
		    (c != '\0' && strchr("-._~", c) != NULL))
			ok = buf_putc(out, c);
		else
			ok = buf_printf(out, "%%%02X", (unsigned char)c);
	}
	return ok;
}
