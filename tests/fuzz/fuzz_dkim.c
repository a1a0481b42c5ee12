/*
 * DKIM and ARC over any message: the same result however it is cut; nothing
 * passes that nobody has signed. The keys are in the DNS whatever is asked.
 */
#include "base/str.h"
#include "trust/arc.h"
#include "trust/authors.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

#define ED25519 \
	"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void
lookup(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *a)
{
	static const char text[] = ED25519;
	char *record;

	(void)arg;
	(void)name;
	(void)deadline;
	check(type == DNS_TXT);
	*a = (struct dns_answer){ .status = DNS_FOUND, .records = 1 };
	a->arena = arena_new(0);
	a->record = arena_alloc(a->arena, sizeof(*a->record));
	record = arena_alloc(a->arena, sizeof(text));
	record[0] = (char)(sizeof(text) - 1);
	memcpy(record + 1, text, sizeof(text) - 1);
	a->record[0] = str_n(record, sizeof(text));
}

struct outcome {
	size_t n, fields, authors;
	enum dkim_result result[10];
	enum arc_result arc;
};

static void
feed(struct trust_header *h, struct dkim_bodies *b, struct arena *a,
    struct dkim_signature **sig, struct arc *arc, struct outcome *o,
    struct pst_str part)
{
	size_t used = 0, more;

	if (!h->ended) {
		used = trust_header_feed(h, part.p, part.n);
		if (h->ended) {
			struct pst_str rest = trust_header_rest(h);

			*sig = dkim_find(a, h, b, 10, &o->n, &more);
			arc_find(a, h, b, arc);
			dkim_bodies_feed(b, rest.p, rest.n);
		}
	}
	dkim_bodies_feed(b, part.p + used, part.n - used);
}

static void
run(struct pst_str text, size_t cut, struct outcome *o)
{
	struct dns_resolver dns = { lookup, NULL };
	struct arena *a = arena_new(1 << 24);
	struct trust_authors authors;
	struct dkim_signature *sig = NULL;
	struct dkim_bodies bodies;
	struct trust_header h;
	struct arc arc = { 0 };
	size_t more;

	memset(o, 0, sizeof(*o));
	trust_header_init(&h, 65536, 200);
	dkim_bodies_init(&bodies);
	feed(&h, &bodies, a, &sig, &arc, o, str_first(text, cut));
	feed(&h, &bodies, a, &sig, &arc, o, str_from(text, cut));
	if (!h.ended) {
		struct pst_str rest;

		trust_header_end(&h);
		rest = trust_header_rest(&h);
		sig = dkim_find(a, &h, &bodies, 10, &o->n, &more);
		arc_find(a, &h, &bodies, &arc);
		dkim_bodies_feed(&bodies, rest.p, rest.n);
	}
	dkim_bodies_end(&bodies);
	for (size_t i = 0; i < o->n; i++) {
		if (sig[i].result == DKIM_NEUTRAL)
			dkim_verify(&sig[i], &h, &bodies, &dns, 0, 1528637999);
		o->result[i] = sig[i].result;
	}
	arc_verify(&arc, &h, &bodies, &dns, 0, 1528637999);
	o->arc = arc.result;
	o->fields = h.fields;
	trust_authors(a, &h, &authors);
	o->authors = authors.n;
	trust_header_fini(&h);
	dkim_bodies_fini(&bodies);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, cut;
	struct pst_str text;
	size_t at;

	if (size < 2)
		return 0;
	at = ((size_t)data[0] << 8 | data[1]) % (size - 1);
	text = str_n((const char *)data + 2, size - 2);
	run(text, text.n, &whole);
	run(text, at, &cut);
	check(memcmp(&whole, &cut, sizeof(whole)) == 0);
	return 0;
}
