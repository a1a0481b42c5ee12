/*
 * base/cbor.h - reading CBOR (RFC 8949), as far as passkeys need it: items
 * whose length is told before them, as CTAP2's canonical form has all of them.
 *
 * Items are slices of what is read. Nothing is allocated, and nesting costs
 * nothing: what is inside of an array or a map simply comes next.
 */
#ifndef BASE_CBOR_H
#define BASE_CBOR_H

#include <postern/types.h>

enum cbor_type { /* the major types, RFC 8949, 3.1 */
	CBOR_UNSIGNED,
	CBOR_NEGATIVE, /* -1 - number */
	CBOR_OCTETS,
	CBOR_TEXT, /* not checked to be UTF-8 */
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_SIMPLE, /* simple values and floating point */
};

struct cbor_item {
	enum cbor_type type;
	uint64_t number; /* the value; or how many octets, items or pairs */
	struct pst_str octets; /* of octets and texts */
};

/* Takes the next item off `*in`: of an array, a map and a tag only its head.
 * False: it is malformed, cut off, or of indefinite length. */
bool cbor_next(struct pst_str *in, struct cbor_item *item_r);
/* Takes an item with all that is in it. */
bool cbor_skip(struct pst_str *in);
/* A number of either sign. False: it is none, or too large. */
bool cbor_integer(const struct cbor_item *item, int64_t *n_r);

#endif
