/*
 * base/config_print.c - a configuration as postern.conf would have it, with all
 * that was not said.
 */
#include "base/config_keys.h"

#include "base/str.h"

#include <inttypes.h>

static void
print_quoted(const char *text, FILE *out)
{
	(void)fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

static void
print_value(const struct config_key *key, const char *base, FILE *out)
{
	const void *field = base + key->offset;
	const struct config_strings *list = field;
	struct pst_str rest, part = STR_NONE;

	switch (key->kind) {
	case CONFIG_TEXT:
		print_quoted(*(char *const *)field, out);
		break;
	case CONFIG_STRINGS:
		(void)fputc('{', out);
		for (size_t i = 0; i < list->n; i++) {
			(void)fputs(i > 0 ? ", " : " ", out);
			print_quoted(list->v[i], out);
		}
		(void)fputs(" }", out);
		break;
	case CONFIG_BOOL:
		(void)fputs(*(const bool *)field ? "true" : "false", out);
		break;
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_TIME:
		(void)fprintf(out, "%" PRId64, *(const int64_t *)field);
		break;
	case CONFIG_CHOICE:
		rest = str_of(key->choices);
		for (int i = 0; i <= *(const int *)field; i++)
			(void)str_split(&rest, ' ', &part);
		(void)fprintf(out, "%.*s", STR_ARG(part));
		break;
	}
}

static void
print_section(
    const char *section, const char *base, const char *indent, FILE *out)
{
	for (size_t i = 0; i < config_keys_count; i++) {
		if (strcmp(config_keys[i].section, section) != 0)
			continue;
		(void)fprintf(out, "%s%s = ", indent, config_keys[i].name);
		print_value(&config_keys[i], base, out);
		(void)fputc('\n', out);
	}
}

void
config_print(const struct config *c, FILE *out)
{
	const char *last = "";

	print_section("", (const char *)c, "", out);
	for (size_t i = 0; i < config_keys_count; i++) {
		const char *section = config_keys[i].section;
		const struct config_blocks *blocks = config_find_blocks(
		    str_of(section));
		const char *const *items;
		size_t count;

		if (strcmp(section, last) == 0)
			continue;
		last = section;
		if (blocks == NULL) {
			(void)fprintf(out, "\n%s {\n", section);
			print_section(section, (const char *)c, "\t", out);
			(void)fputs("}\n", out);
			continue;
		}
		items = (const void *)((const char *)c + blocks->items);
		count = *(const size_t *)(const void *)((const char *)c +
							blocks->count);
		for (size_t k = 0; k < count; k++) {
			const char *item = *items + k * blocks->item_size;

			(void)fprintf(out, "\n%s ", section);
			print_quoted(*(char *const *)(const void *)item, out);
			(void)fputs(" {\n", out);
			print_section(section, item, "\t", out);
			(void)fputs("}\n", out);
		}
	}
}
