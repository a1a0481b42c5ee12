/*
 * jmap/header.h - header fields in their parsed forms (RFC 8621, 4.1.2).
 */
#ifndef JMAP_HEADER_H
#define JMAP_HEADER_H

#include "jmap/call.h"
#include "message/message.h"

enum jmap_form {
	JMAP_RAW,
	JMAP_TEXT,
	JMAP_ADDRESSES,
	JMAP_GROUPED,
	JMAP_MESSAGE_IDS,
	JMAP_DATE,
	JMAP_URLS,
};

/* "header:Subject:asText:all" */
struct jmap_header {
	struct pst_str name; /* points into the property */
	enum jmap_form form;
	bool is_all;
};
/* False: not of that form, or the form is not allowed for that field. */
bool jmap_header_parse(const char *property, struct jmap_header *h_r);

/* The value, null when there is no such field. */
json_t *jmap_header_value(
    const struct msg_part *part, const struct jmap_header *h);
/* The value of a form of one field's content. */
json_t *jmap_header_form(struct pst_str value, enum jmap_form form);

/* The form of a convenience property such as "from"; NULL: it is none. */
const char *jmap_header_of(const char *property);

/* Appends a field with its name, from JSON in that form. NULL, or what is
 * wrong. */
const char *jmap_header_write(
    struct pst_str name, enum jmap_form form, json_t *value, struct buf *out);

#endif
