/*
 * jmap/header_write.c - from JSON to header fields.
 */
#include "base/clock.h"
#include "base/str.h"
#include "jmap/header.h"
#include "message/downgrade.h"
#include "message/header.h"

enum { FOLD = 72 };

/* How long the last line is. */
static size_t
column(const struct buf *out)
{
	const char *lf = out->n > 0 ? memrchr(out->p, '\n', out->n) : NULL;

	return lf != NULL ? (size_t)(out->p + out->n - lf) - 1 : out->n;
}

static bool
has_controls(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' && *text != '\t')
			return true;
	return false;
}

/* Words of ASCII, folded between them. */
static void
put_words(struct buf *out, const char *text)
{
	struct pst_str rest = str_of(text), word;

	while (str_split(&rest, ' ', &word)) {
		bool is_first = out->p[out->n - 1] == ' ';

		if (!is_first && column(out) + 1 + word.n > FOLD)
			(void)buf_puts(out, "\r\n ");
		else if (!is_first)
			(void)buf_putc(out, ' ');
		(void)buf_add_str(out, word);
	}
}

static const char *
put_text(struct buf *out, json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL)
		return "It is no text.";
	if (has_controls(text))
		return "It has control characters.";
	if (str_is_ascii(str_of(text)) && strstr(text, "=?") == NULL)
		put_words(out, text);
	else
		msg_encode_words(out, str_of(text));
	return NULL;
}

/* RFC 5322, 3.2.3; what is none of these is quoted. */
static bool
is_atom_text(const char *text)
{
	for (; *text != '\0'; text++)
		if (!ascii_is_alpha(*text) && !ascii_is_digit(*text) &&
		    strchr(" !#$%&'*+-/=?^_`{|}~", *text) == NULL)
			return false;
	return true;
}

static void
put_phrase(struct buf *out, const char *name)
{
	if (!str_is_ascii(str_of(name)) || strstr(name, "=?") != NULL) {
		msg_encode_words(out, str_of(name));
	} else if (is_atom_text(name)) {
		(void)buf_puts(out, name);
	} else {
		(void)buf_putc(out, '"');
		for (; *name != '\0'; name++) {
			if (*name == '"' || *name == '\\')
				(void)buf_putc(out, '\\');
			(void)buf_putc(out, *name);
		}
		(void)buf_putc(out, '"');
	}
}

/* One address must be one: nothing in it may end it early. */
static bool
is_one_address(const char *email)
{
	struct arena *a = arena_new(0);
	struct msg_address *ad = msg_addresses(a, str_of(email), 2);
	bool ok = ad != NULL && ad->next == NULL && ad->kind == MSG_ADDRESS &&
		  ad->host.p != NULL && strpbrk(email, "<>") == NULL;

	arena_free(&a);
	return ok;
}

static const char *
put_address(struct buf *out, json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *email = json_string_value(json_object_get(object, "email"));

	if (email == NULL || has_controls(email) ||
	    (name != NULL && has_controls(name)))
		return "It is no address.";
	/* Of a draft it may be half written; it cannot become two. */
	if (!is_one_address(email) && strpbrk(email, "<>,;:\"()") != NULL)
		return "It is no address.";
	if (column(out) > FOLD / 2)
		(void)buf_puts(out, "\r\n ");
	if (name != NULL && name[0] != '\0') {
		put_phrase(out, name);
		(void)buf_printf(out, " <%s>", email);
	} else {
		(void)buf_puts(out, email);
	}
	return NULL;
}

static const char *
put_addresses(struct buf *out, json_t *list)
{
	const char *wrong = NULL;
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return "It is no list of addresses.";
	json_array_foreach(list, i, item)
	{
		if (i > 0)
			(void)buf_puts(out, ", ");
		wrong = put_address(out, item);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

static const char *
put_groups(struct buf *out, json_t *list)
{
	const char *wrong = NULL, *name;
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return "It is no list of groups.";
	json_array_foreach(list, i, item)
	{
		if (i > 0)
			(void)buf_puts(out, ", ");
		name = json_string_value(json_object_get(item, "name"));
		if (name != NULL) {
			if (has_controls(name))
				return "It is no group.";
			put_phrase(out, name);
			(void)buf_puts(out, ": ");
		}
		wrong = put_addresses(out, json_object_get(item, "addresses"));
		if (wrong != NULL)
			return wrong;
		if (name != NULL)
			(void)buf_putc(out, ';');
	}
	return NULL;
}

static const char *
put_list(struct buf *out, json_t *list, const char *divider)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return "It is no list.";
	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		if (text == NULL || has_controls(text) ||
		    strpbrk(text, "<> ") != NULL || !str_is_ascii(str_of(text)))
			return "It is no list of ids.";
		if (i > 0)
			(void)buf_printf(out, "%s\r\n ", divider);
		(void)buf_printf(out, "<%s>", text);
	}
	return NULL;
}

static const char *
put_date(struct buf *out, json_t *value)
{
	const char *text = json_string_value(value);
	int64_t seconds;
	int hours = 0, minutes = 0, zone;
	char sign, date[40];
	size_t n = text != NULL ? strlen(text) : 0;

	if (text == NULL || !jmap_parse_date(text, &seconds))
		return "It is no date.";
	zone = 0;
	if (n > 6 &&
	    sscanf(text + n - 6, "%c%2d:%2d", &sign, &hours, &minutes) == 3 &&
	    (sign == '+' || sign == '-'))
		zone = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
	msg_format_date(seconds, zone, date);
	(void)buf_puts(out, date);
	return NULL;
}

/* As it is, when it cannot be taken for the end of the field. */
static const char *
put_raw(struct buf *out, json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL)
		return "It is no text.";
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\r' && p[1] == '\n' &&
		    (p[2] == ' ' || p[2] == '\t')) {
			p++;
			continue;
		}
		if ((unsigned char)*p < ' ' && *p != '\t')
			return "It has control characters.";
	}
	if (out->p[out->n - 1] == ' ' && (text[0] == ' ' || text[0] == '\t'))
		out->n--;
	(void)buf_puts(out, text);
	return NULL;
}

const char *
jmap_header_write(
    struct pst_str name, enum jmap_form form, json_t *value, struct buf *out)
{
	const char *wrong = NULL;

	(void)buf_add_str(out, name);
	(void)buf_puts(out, ": ");
	switch (form) {
	case JMAP_RAW:
		wrong = put_raw(out, value);
		break;
	case JMAP_TEXT:
		wrong = put_text(out, value);
		break;
	case JMAP_ADDRESSES:
		wrong = put_addresses(out, value);
		break;
	case JMAP_GROUPED:
		wrong = put_groups(out, value);
		break;
	case JMAP_MESSAGE_IDS:
		wrong = put_list(out, value, "");
		break;
	case JMAP_DATE:
		wrong = put_date(out, value);
		break;
	case JMAP_URLS:
		wrong = put_list(out, value, ",");
		break;
	}
	(void)buf_puts(out, "\r\n");
	return out->overflow ? "It is too long." : wrong;
}
