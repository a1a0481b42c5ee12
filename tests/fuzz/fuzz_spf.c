/*
 * SPF: records and macros of any kind, and a check whose whole DNS is the
 * input: it ends, keeps to its limits, and what it says can be shown.
 */
#include "base/str.h"
#include "trust/domain.h"
#include "trust/spf_priv.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pst_str input;
static unsigned asked;

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static const char *
validated(void *arg)
{
	return arg;
}

/* Each question gets the next line of the input: its first octet is the kind of
 * the answer, the rest a record. */
static void
lookup(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *a)
{
	struct pst_str line;
	struct buf octets;

	(void)arg;
	(void)name;
	(void)deadline;
	asked++;
	*a = (struct dns_answer){ .status = DNS_NXDOMAIN };
	if (!str_split(&input, '\n', &line) || line.n == 0)
		return;
	if (line.p[0] == '!') {
		a->status = DNS_FAILED;
		return;
	}
	a->status = DNS_FOUND;
	a->arena = arena_new(0);
	a->record = arena_alloc(a->arena, 20 * sizeof(*a->record));
	a->records = line.p[0] == '*' ? 20 : 1;
	buf_init(&octets, 1 << 20);
	if (type == DNS_TXT)
		for (; line.n > 0; line = str_from(line, 255)) {
			struct pst_str one = str_first(line, 255);

			(void)buf_putc(&octets, (char)one.n);
			(void)buf_add_str(&octets, one);
		}
	else
		(void)buf_add_str(&octets, line);
	for (size_t i = 0; i < a->records; i++)
		a->record[i] = arena_copy(a->arena, buf_str(&octets));
	buf_fini(&octets);
}

static void
try_macro(struct pst_str text)
{
	static char name[] = "mx.example.org";
	struct spf_query q = { .local = "l",
		.domain = "d.example",
		.helo = "h",
		.receiver = "r" };
	struct spf_names names = { &q, "d.example", validated, name };
	struct buf out;

	buf_init(&out, 100000);
	if (spf_is_macro_string(text))
		check(spf_expand(&names, text, false, &out) || out.overflow ||
		      text.n > 1000);
	check(!spf_is_domain_spec(text) || spf_is_macro_string(text));
	(void)spf_expand(&names, text, true, &out);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str text = str_n((const char *)data, size), bad;
	struct dns_resolver dns = { lookup, NULL };
	struct arena *a = arena_new(1 << 20);
	struct spf_query q = { .local = "ann",
		.domain = "example.org",
		.helo = "helo.example",
		.receiver = "us.example",
		.dns = &dns };
	struct spf_record record;
	struct spf_answer answer;

	if (spf_record_parse(a, text, &record, &bad))
		check(record.n <= SPF_TERMS_MAX);
	try_macro(text);
	(void)ip_parse(
	    size > 0 && (data[0] & 1) ? STR("2001:db8::1") : STR("192.0.2.1"),
	    &q.ip);
	input = text;
	asked = 0;
	spf_check(&q, &answer);
	/* Each of ten terms: itself, ten hosts, and twice a macro's. */
	check(asked <= 11 * 34);
	for (const char *p = answer.explanation; *p != '\0'; p++)
		check(*p >= ' ' && *p <= '~');
	arena_free(&a);
	return 0;
}
