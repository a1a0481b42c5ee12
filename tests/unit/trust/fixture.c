#include "fixture.h"

#include "base/str.h"
#include <arpa/inet.h>
#include <stdlib.h>

static void
put_txt(struct buf *out, const char *data)
{
	struct pst_str rest = str_of(data), part;

	while (str_split(&rest, '|', &part)) {
		do {
			struct pst_str piece = str_first(part, 255);

			(void)buf_putc(out, (char)piece.n);
			(void)buf_add_str(out, piece);
			part = str_from(part, piece.n);
		} while (part.n > 0);
	}
}

static void
put_name(struct buf *out, const char *name)
{
	struct pst_str rest = str_of(name), label;

	while (strcmp(name, ".") != 0 && str_split(&rest, '.', &label)) {
		(void)buf_putc(out, (char)label.n);
		(void)buf_add_str(out, label);
	}
	(void)buf_putc(out, '\0');
}

static void
put_record(struct buf *out, const struct zone_record *r)
{
	unsigned char octets[16];
	unsigned preference = 0;
	char name[256] = "";

	switch (r->type) {
	case DNS_TXT:
		put_txt(out, r->data);
		break;
	case DNS_A:
		(void)inet_pton(AF_INET, r->data, octets);
		(void)buf_add(out, octets, 4);
		break;
	case DNS_AAAA:
		(void)inet_pton(AF_INET6, r->data, octets);
		(void)buf_add(out, octets, 16);
		break;
	case DNS_MX:
		(void)sscanf(r->data, "%u %255s", &preference, name);
		(void)buf_putc(out, (char)(preference >> 8));
		(void)buf_putc(out, (char)preference);
		put_name(out, name);
		break;
	case DNS_PTR:
		put_name(out, r->data);
		break;
	case DNS_CNAME:
	case DNS_SRV:
	case DNS_TLSA:
		break;
	}
}

static void
add_record(struct dns_answer *a, const struct zone_record *r)
{
	struct buf octets;

	if (a->arena == NULL) {
		a->arena = arena_new(0);
		a->record = arena_alloc(a->arena, 200 * sizeof(*a->record));
	}
	buf_init(&octets, 65536);
	put_record(&octets, r);
	a->record[a->records++] = arena_copy(a->arena, buf_str(&octets));
	buf_fini(&octets);
	a->status = DNS_FOUND;
}

static void
lookup(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *answer_r)
{
	struct zone *z = arg;

	(void)deadline;
	z->asked++;
	*answer_r = (struct dns_answer){ .status = DNS_NXDOMAIN };
	for (size_t i = 0; i < z->records; i++) {
		const struct zone_record *r = &z->record[i];

		if (!str_is_case(str_of(name), r->name))
			continue;
		if (answer_r->status == DNS_NXDOMAIN)
			answer_r->status = DNS_NODATA;
		if (r->type != type)
			continue;
		if (r->status != DNS_FOUND)
			answer_r->status = r->status;
		else if (r->data != NULL)
			add_record(answer_r, r);
	}
}

struct dns_resolver
zone_resolver(struct zone *z)
{
	return (struct dns_resolver){ lookup, z };
}

char *
crlf(const char *text)
{
	struct buf out;
	char *copy;

	buf_init(&out, 1 << 20);
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			(void)buf_putc(&out, '\r');
		(void)buf_putc(&out, *text);
	}
	copy = str_dup(buf_str(&out));
	buf_fini(&out);
	return copy;
}
