/*
 * imap/facts.h - what searching, sorting and threading want to know of a
 * message (RFC 3501, 6.4.4; RFC 5256, 2 and 3; RFC 5957, 3), read from its
 * header in one place, once: the storage keeps it as a run of octets.
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

/* `want`: enum imap_fact, or-ed. Texts stay until the next message is set, the
 * list of references is in `a`. False: the message is gone or cannot be read.
 */
bool imap_facts_read(struct imap_search_message *m, unsigned want,
    struct arena *a, struct imap_facts *out);

/* The day that the sender wrote, "disregarding time and timezone", since 1970.
 * False: there is none. */
bool imap_facts_sent_day(struct imap_search_message *m, int64_t *day_r);

/*
 * Values of a field, decoded and folded, one after the other: begin with {0}.
 * Only for fields that the facts have, see imap_facts_have().
 */
struct imap_facts_field {
	const char *at;
};
bool imap_facts_have(struct imap_search_message *m, struct pst_str name);
bool imap_facts_next(struct imap_search_message *m, struct pst_str name,
    struct imap_facts_field *f, struct pst_str *value_r);

/* A msg-id as it is compared: `<"a"@b>` is `<a@b>`. In the arena. */
struct pst_str imap_normal_id(struct arena *a, struct pst_str id);

#endif
