/*
 * imap/facts.h - what sorting and threading want to know of a message (RFC
 * 5256, 2 and 3; RFC 5957, 3), read from its header in one place.
 */
#ifndef IMAP_FACTS_H
#define IMAP_FACTS_H

#include "imap/search.h"

enum imap_fact {
	IMAP_FACT_SENT = 1 << 0,
	IMAP_FACT_SUBJECT = 1 << 1,
	IMAP_FACT_CC = 1 << 2,
	IMAP_FACT_FROM = 1 << 3,
	IMAP_FACT_TO = 1 << 4,
	IMAP_FACT_DISPLAY_FROM = 1 << 5,
	IMAP_FACT_DISPLAY_TO = 1 << 6,
	IMAP_FACT_IDS = 1 << 7,
};

enum {
	IMAP_FACT_TEXT_MAX = 1024, /* octets of a text that are compared */
	IMAP_FACT_REFERENCES_MAX = 1000,
};

/* Texts are ready to be compared as octets (RFC 5051); what was not asked for
 * or is not there is empty. */
struct imap_facts {
	int64_t sent; /* seconds since 1970; RFC 5256, 2.2 */
	struct pst_str subject;
	bool is_reply; /* or a forward: see the base subject */
	struct pst_str cc, from, to;
	struct pst_str display_from, display_to;
	struct pst_str message_id; /* without quoting */
	struct pst_str *reference; /* the oldest first */
	size_t references;
};

/* `want`: enum imap_fact, or-ed. Texts live in `a`. False: the message is gone
 * or cannot be read. */
bool imap_facts_read(struct imap_search_message *m, unsigned want,
    struct arena *a, struct imap_facts *out);

/* A msg-id as it is compared: `<"a"@b>` is `<a@b>`. In the arena. */
struct pst_str imap_normal_id(struct arena *a, struct pst_str id);

#endif
