/*
 * unit/trust/fixture.h - a DNS made of a table.
 */
#ifndef TESTS_UNIT_TRUST_FIXTURE_H
#define TESTS_UNIT_TRUST_FIXTURE_H

#include "net/dns.h"

/*
 * One record. `data` as in a zone file: a text (of TXT; "|" begins another
 * string), an address, a name, "10 name" of MX; NULL: the name exists without.
 * `status` other than DNS_FOUND is the answer for that name and type.
 */
struct zone_record {
	const char *name;
	enum dns_type type;
	const char *data;
	enum dns_status status;
};

struct zone {
	const struct zone_record *record;
	size_t records;
	unsigned asked; /* how many lookups there were */
};

struct dns_resolver zone_resolver(struct zone *z);
#define ZONE(table)                                                          \
	(struct zone)                                                        \
	{                                                                    \
		.record = (table), .records = sizeof(table) / sizeof(*table) \
	}

/* LF to CR LF, on the heap. */
char *crlf(const char *text);

#endif
