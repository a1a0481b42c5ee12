/*
 * base/cbor.c - see cbor.h.
 */
#include "base/cbor.h"

#include "base/str.h"

enum { ONE_OCTET = 24, EIGHT_OCTETS = 27 }; /* RFC 8949, 3 */

/* The number behind the first octet. */
static bool
take_number(struct pst_str *in, unsigned info, uint64_t *n_r)
{
	size_t size;

	*n_r = info;
	if (info < ONE_OCTET)
		return true;
	if (info > EIGHT_OCTETS) /* reserved, or of indefinite length */
		return false;
	size = (size_t)1 << (info - ONE_OCTET);
	if (in->n < size)
		return false;
	*n_r = 0;
	for (size_t i = 0; i < size; i++)
		*n_r = *n_r << 8 | (unsigned char)in->p[i];
	*in = str_from(*in, size);
	return true;
}

bool
cbor_next(struct pst_str *in, struct cbor_item *item_r)
{
	unsigned char first;

	if (in->n == 0)
		return false;
	first = (unsigned char)in->p[0];
	*in = str_from(*in, 1);
	item_r->type = (enum cbor_type)(first >> 5);
	item_r->octets = STR_NONE;
	if (!take_number(in, first & 31, &item_r->number))
		return false;
	if (item_r->type == CBOR_OCTETS || item_r->type == CBOR_TEXT) {
		if (item_r->number > in->n)
			return false;
		item_r->octets = str_first(*in, (size_t)item_r->number);
		*in = str_from(*in, (size_t)item_r->number);
	}
	return true;
}

/* How many items are directly inside. Each is an octet at least, so what is
 * more than `most` cannot be there. */
static bool
count_inside(const struct cbor_item *item, uint64_t most, uint64_t *n_r)
{
	*n_r = 0;
	if (item->type == CBOR_TAG) {
		*n_r = 1;
	} else if (item->type == CBOR_ARRAY || item->type == CBOR_MAP) {
		if (item->number > most)
			return false;
		*n_r = item->type == CBOR_MAP ? 2 * item->number : item->number;
	}
	return *n_r <= most;
}

bool
cbor_skip(struct pst_str *in)
{
	struct cbor_item item;
	uint64_t left = 1, inside;

	while (left > 0) {
		if (!cbor_next(in, &item) ||
		    !count_inside(&item, in->n, &inside))
			return false;
		left += inside - 1;
		if (left > in->n)
			return false;
	}
	return true;
}

bool
cbor_integer(const struct cbor_item *item, int64_t *n_r)
{
	if (item->number > INT64_MAX ||
	    (item->type != CBOR_UNSIGNED && item->type != CBOR_NEGATIVE))
		return false;
	*n_r = (int64_t)item->number;
	if (item->type == CBOR_NEGATIVE)
		*n_r = -1 - *n_r;
	return true;
}
