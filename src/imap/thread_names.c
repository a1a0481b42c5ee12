/*
 * imap/thread_names.c - a table of texts: message identifiers and subjects.
 *
 * Senders choose the texts, so the hash (SipHash-1-3) has a random key.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/thread_priv.h"
#include <stdlib.h>

static uint64_t
rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void
stir(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t
hash_of(const uint64_t key[2], struct pst_str s)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575,
		key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)s.n << 56, word;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		memcpy(&word, s.p + i, 8);
		v[3] ^= word;
		stir(v);
		v[0] ^= word;
	}
	for (int shift = 0; i < s.n; i++, shift += 8)
		last |= (uint64_t)(unsigned char)s.p[i] << shift;
	v[3] ^= last;
	stir(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int k = 0; k < 3; k++)
		stir(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
imap_names_init(struct imap_names *names)
{
	memset(names, 0, sizeof(*names));
	random_bytes(names->key, sizeof(names->key));
}

void
imap_names_fini(struct imap_names *names)
{
	free(names->slot);
	memset(names, 0, sizeof(*names));
}

/* Where the text is, or would be. */
static struct imap_name *
probe(const struct imap_names *names, struct pst_str text, uint64_t hash)
{
	size_t i = (size_t)hash & (names->cap - 1);

	while (
	    names->slot[i].text.p != NULL &&
	    (names->slot[i].hash != hash || !str_eq(names->slot[i].text, text)))
		i = (i + 1) & (names->cap - 1);
	return &names->slot[i];
}

static void
grow(struct imap_names *names)
{
	struct imap_names old = *names;

	names->cap = old.cap > 0 ? old.cap * 2 : 64;
	names->slot = mem_array(names->cap, sizeof(*names->slot));
	for (size_t i = 0; i < old.cap; i++) {
		const struct imap_name *from = &old.slot[i];

		if (from->text.p != NULL)
			*probe(names, from->text, from->hash) = *from;
	}
	free(old.slot);
}

struct imap_name *
imap_names_get(struct imap_names *names, struct arena *a, struct pst_str text)
{
	uint64_t hash = hash_of(names->key, text);
	struct imap_name *name;

	if (names->n >= names->cap / 2)
		grow(names);
	name = probe(names, text, hash);
	if (name->text.p != NULL)
		return name;
	name->text = arena_copy(a, text);
	if (name->text.p == NULL)
		return NULL;
	name->hash = hash;
	names->n++;
	return name;
}
