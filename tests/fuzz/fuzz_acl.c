/*
 * Access control lists and the texts of a private \Seen: what is accepted
 * prints as a text that reads as the same, grants nothing that no entry grants,
 * and mod-sequences ascend.
 */
#include <stdlib.h>

#include "base/str.h"
#include "mailbox/acl.h"
#include "mailbox/seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static void
try_acl(struct pst_str text)
{
	struct acl acl, again;
	unsigned all = 0;
	struct buf out;

	if (!acl_parse(text, &acl))
		return;
	check(acl.n <= ACL_ENTRIES_MAX);
	buf_init(&out, 1 << 22);
	acl_print(&acl, &out);
	check(!out.overflow &&
	      acl_parse(out.n > 0 ? buf_str(&out) : STR(""), &again));
	check(again.n == acl.n);
	for (size_t i = 0; i < acl.n; i++) {
		const char *who = acl.entry[i].identifier;

		check(acl_find(&again, who) == acl.entry[i].rights);
		check((acl.entry[i].rights & ~(unsigned)ACL_ALL) == 0);
		if (*who != '-')
			all |= acl.entry[i].rights;
	}
	check((acl_rights_of(&acl, "bob@example.org") & ~all) == 0);
	(void)acl_forget(&again, "bob@example.org");
	check(acl_find(&again, "-bob@example.org") == 0);
	acl_fini(&acl);
	acl_fini(&again);
	buf_fini(&out);
}

static void
try_seen(struct pst_str text)
{
	struct seen_set s, again;
	uint64_t last = 0;
	struct buf out;

	if (!seen_parse(text, &s))
		return;
	buf_init(&out, SEEN_TEXT_MAX * 4);
	check(seen_print(&s, &out) && seen_parse(buf_str(&out), &again));
	check(
	    again.n == s.n && again.base == s.base && again.uids.n == s.uids.n);
	for (uint64_t m = 1; m < 200; m++) {
		uint64_t told = seen_modseq(&s, m);

		check(told > last && told <= seen_highest(&s, m));
		check(seen_mailbox_modseq(&s, told) == m);
		check(seen_row_modseq(&s, (uint32_t)m, m) >= told);
		last = told;
	}
	seen_fini(&s);
	seen_fini(&again);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str text = str_n((const char *)data, size);
	char identifier[ACL_IDENTIFIER_MAX], again[ACL_IDENTIFIER_MAX];
	enum acl_change change;
	unsigned rights;

	if (acl_clean_identifier(text, identifier)) {
		check(acl_clean_identifier(str_of(identifier), again));
		check(strcmp(identifier, again) == 0);
	}
	(void)acl_parse_change(text, &change, &rights);
	try_acl(text);
	try_seen(text);
	return 0;
}
