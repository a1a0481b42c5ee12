/*
 * DMARC records, key records, domain names: what is accepted keeps what the
 * headers promise.
 */
#include "base/str.h"
#include "trust/dkim_tags.h"
#include "trust/dmarc.h"
#include "trust/domain.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str text = str_n((const char *)data, size);
	struct arena *a = arena_new(1 << 20);
	struct dmarc_record record;
	struct dkim_tags tags;
	struct dkim_key key;
	struct dkim_public public;
	const char *reason = NULL, *domain;

	if (dmarc_record_parse(text, &record))
		check(record.percent <= 100 &&
		      record.policy <= DMARC_P_REJECT &&
		      record.subdomains <= DMARC_P_REJECT);
	if (dkim_tags_parse(text, &tags))
		for (size_t i = 0; i < tags.n; i++) {
			char name[100];

			if (!str_copy(name, sizeof(name), tags.tag[i].name))
				continue;
			check(dkim_tag(&tags, name) == &tags.tag[i]);
		}
	for (int i = DKIM_RSA_SHA256; i <= DKIM_ED25519_SHA256; i++) {
		enum dkim_algorithm algorithm = (enum dkim_algorithm)i;

		if (!dkim_key_parse(a, text, algorithm, &key, &reason))
			check(reason != NULL);
		else if (!key.revoked &&
			 dkim_public_import(algorithm, key.octets, &public))
			dkim_public_fini(&public);
		if (dkim_public_import(algorithm, text, &public))
			dkim_public_fini(&public);
	}
	domain = trust_domain(a, text);
	if (domain != NULL) {
		check(dns_is_name(domain));
		check(trust_is_below(domain, trust_organisation(domain)));
	}
	arena_free(&a);
	return 0;
}
