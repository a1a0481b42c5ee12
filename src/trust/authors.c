/*
 * trust/authors.c - From of a message (RFC 5322, 3.6.2).
 */
#include "trust/authors.h"

#include "base/str.h"
#include "message/address.h"
#include "trust/domain.h"

enum { ADDRESSES_MAX = 100 };

static void
add(struct trust_authors *out, const char *domain)
{
	if (domain == NULL) {
		out->more = true;
		return;
	}
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->domain[i], domain) == 0)
			return;
	if (out->n == TRUST_AUTHORS_MAX)
		out->more = true;
	else
		out->domain[out->n++] = domain;
}

void
trust_authors(
    struct arena *a, const struct trust_header *h, struct trust_authors *out)
{
	const struct trust_field *f;
	size_t at = 0;

	*out = (struct trust_authors){ 0 };
	while ((f = trust_header_next(h, "From", &at)) != NULL) {
		struct msg_address *ad = msg_addresses(
		    a, f->value, ADDRESSES_MAX);

		out->fields++;
		for (; ad != NULL; ad = ad->next)
			if (ad->kind == MSG_ADDRESS)
				add(out, ad->host.p != NULL
					     ? trust_domain(a, ad->host)
					     : NULL);
	}
}
