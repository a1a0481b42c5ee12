/*
 * Values of header fields in all of JMAP's forms: whatever comes in is JSON,
 * and what is written of that is one field of ASCII, or refused. Dates are read
 * and written the same way.
 */
#include "base/str.h"
#include "jmap/header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* One field that ends with the line, and continues where it is folded. */
static void
check_field(struct pst_str text)
{
	if (text.n < 2 || memcmp(text.p + text.n - 2, "\r\n", 2) != 0)
		abort();
	for (size_t i = 0; i + 2 < text.n; i++) {
		if (text.p[i] == '\0')
			abort();
		if (text.p[i] == '\n' &&
		    (i == 0 || text.p[i - 1] != '\r' ||
			(text.p[i + 1] != ' ' && text.p[i + 1] != '\t')))
			abort();
		if (text.p[i] == '\r' && text.p[i + 1] != '\n')
			abort();
	}
}

static void
write_back(json_t *value, enum jmap_form form)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	if (jmap_header_write(STR("X-Field"), form, value, &out) == NULL)
		check_field(buf_str(&out));
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pst_str text = str_n((const char *)data, n);
	struct jmap_header h;
	int64_t seconds;
	json_t *value;
	char *name;

	for (int form = JMAP_RAW; form <= JMAP_URLS; form++) {
		value = jmap_header_form(text, (enum jmap_form)form);
		if (value == NULL)
			abort();
		write_back(value, (enum jmap_form)form);
		json_decref(value);
	}
	/* What a client may send in its place. */
	value = json_loadb((const char *)data, n, JSON_DECODE_ANY, NULL);
	for (int form = JMAP_RAW; form <= JMAP_URLS && value != NULL; form++)
		write_back(value, (enum jmap_form)form);
	json_decref(value);
	name = str_dup(text);
	if (jmap_header_parse(name, &h) && h.name.n == 0)
		abort();
	if (jmap_parse_date(name, &seconds)) {
		value = jmap_date(seconds);
		json_decref(value);
	}
	free(name);
	return 0;
}
