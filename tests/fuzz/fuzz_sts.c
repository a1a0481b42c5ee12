/*
 * MTA-STS: records and policies; the records of TLS reports; what is accepted
 * keeps what the headers promise.
 */
#include "base/str.h"
#include "exchange/sts_policy.h"
#include "exchange/tlsrpt.h"
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
	struct tlsrpt_record record;
	struct sts_text t;
	const char *why;
	char id[STS_ID];

	if (sts_record_parse(text, id))
		check(strlen(id) > 0 && strlen(id) < STS_ID);
	if (tlsrpt_record_parse(text, &record)) {
		check(record.n > 0 && record.n <= TLSRPT_RUA_MAX);
		for (size_t i = 0; i < record.n; i++)
			for (const char *p = record.uri[i]; *p != '\0'; p++)
				check(*p > ' ' && *p < 0x7f);
	}
	if (!sts_text_parse(text, &t, &why)) {
		check(why != NULL);
		return 0;
	}
	check(why == NULL && t.n <= STS_MX_MAX && t.max_age <= STS_MAX_AGE);
	check(t.mode == STS_NONE || t.n > 0);
	for (size_t i = 0; i < t.n; i++) {
		char host[256];

		check(str_copy(host, sizeof(host), t.mx[i]));
		/* A name is for itself; nothing below an asterisk is two. */
		if (*host != '*')
			check(sts_mx_matches(t.mx[i], host));
		else
			check(!sts_mx_matches(t.mx[i], host + 2));
	}
	return 0;
}
