/*
 * net/deflate.c - packing and unpacking what a connection carries (RFC 4978).
 *
 * Windows for packing are small: answers are short, and there may be thousands
 * of connections. To rest, a packer is thrown away: behind a flush, a new one
 * continues the stream, without what could be referred to. An unpacker is
 * replaced by the octets that the peer can still refer to, if its stream is
 * between two blocks, as it is behind a flush.
 */
#include "net/deflate.h"

#include "base/str.h"
#include <stdlib.h>
#include <zlib.h>

enum {
	LEVEL = 4,
	PACK_BITS = 13,	  /* 8 KiB of window */
	PACK_MEMORY = 5,  /* 16 KiB of hash */
	UNPACK_BITS = 15, /* the peer may use all */
	WINDOW = 1 << UNPACK_BITS,
	PLAIN_MAX = 65536, /* packed at once */
	CAME_MAX = 16384,
};

struct deflate {
	bool packs, unpacks; /* the streams exist */
	bool ended, has_more, is_between;
	z_stream pack, unpack;
	struct buf waiting; /* packed */
	size_t sent;
	struct buf came; /* not unpacked yet */
	size_t used;
	struct buf window; /* of the unpacker, while it rests */
};

struct deflate *
deflate_new(void)
{
	struct deflate *d = mem_alloc(sizeof(*d));

	buf_init(&d->waiting, 4 * PLAIN_MAX);
	buf_init(&d->came, CAME_MAX);
	buf_init(&d->window, WINDOW);
	return d;
}

void
deflate_free(struct deflate **dp)
{
	struct deflate *d = *dp;

	if (d == NULL)
		return;
	if (d->packs)
		(void)deflateEnd(&d->pack);
	if (d->unpacks)
		(void)inflateEnd(&d->unpack);
	buf_fini(&d->waiting);
	buf_fini(&d->came);
	buf_fini(&d->window);
	free(d);
	*dp = NULL;
}

/* --- packing -----------------------------------------------------------------
 */

static bool
begin_packing(struct deflate *d)
{
	if (!d->packs) {
		memset(&d->pack, 0, sizeof(d->pack));
		d->packs = deflateInit2(&d->pack, LEVEL, Z_DEFLATED, -PACK_BITS,
			       PACK_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
	}
	return d->packs;
}

size_t
deflate_pack(struct deflate *d, struct pst_str plain, bool *good_r)
{
	z_stream *z = &d->pack;
	size_t n = plain.n < PLAIN_MAX ? plain.n : PLAIN_MAX;
	int flush = n == plain.n ? Z_SYNC_FLUSH : Z_NO_FLUSH;

	*good_r = begin_packing(d);
	if (!*good_r || n == 0)
		return 0;
	z->next_in = (Bytef *)(uintptr_t)plain.p;
	z->avail_in = (uInt)n;
	do {
		size_t room = deflateBound(z, z->avail_in) + 16;
		char *to = buf_reserve(&d->waiting, room);

		if (to == NULL) {
			*good_r = false;
			return 0;
		}
		z->next_out = (Bytef *)to;
		z->avail_out = (uInt)room;
		(void)deflate(z, flush);
		buf_added(&d->waiting, room - z->avail_out);
	} while (z->avail_out == 0);
	return n;
}

struct pst_str
deflate_waiting(const struct deflate *d)
{
	return str_from(buf_str(&d->waiting), d->sent);
}

void
deflate_sent(struct deflate *d, size_t n)
{
	d->sent += n;
	if (d->sent < d->waiting.n)
		return;
	buf_fini(&d->waiting);
	d->sent = 0;
}

/* --- unpacking ---------------------------------------------------------------
 */

char *
deflate_room(struct deflate *d, size_t *n_r)
{
	buf_consume(&d->came, d->used);
	d->used = 0;
	*n_r = CAME_MAX - d->came.n;
	return buf_reserve(&d->came, *n_r);
}

void
deflate_came(struct deflate *d, size_t n)
{
	buf_added(&d->came, n);
}

static bool
begin_unpacking(struct deflate *d)
{
	if (d->unpacks)
		return true;
	memset(&d->unpack, 0, sizeof(d->unpack));
	if (inflateInit2(&d->unpack, -UNPACK_BITS) != Z_OK)
		return false;
	d->unpacks = true;
	if (d->window.n > 0 &&
	    inflateSetDictionary(&d->unpack, (const Bytef *)d->window.p,
		(uInt)d->window.n) != Z_OK)
		return false;
	buf_fini(&d->window);
	return true;
}

/* It stops behind every block, to know where it is. False: not valid. */
static bool
unpack_blocks(struct deflate *d)
{
	z_stream *z = &d->unpack;
	int rc;

	do {
		rc = inflate(z, Z_BLOCK);
		d->is_between = (z->data_type & 128) && !(z->data_type & 63);
	} while (rc == Z_OK && z->avail_in > 0 && z->avail_out > 0);
	d->ended = rc == Z_STREAM_END || (z->data_type & 192) == 192;
	return rc == Z_OK || rc == Z_BUF_ERROR || rc == Z_STREAM_END;
}

ssize_t
deflate_unpack(struct deflate *d, char *p, size_t n)
{
	z_stream *z = &d->unpack;
	size_t room = n < CAME_MAX * 16 ? n : CAME_MAX * 16;
	struct pst_str in;
	bool good;

	if (d->ended || !deflate_pending(d))
		return 0;
	if (!begin_unpacking(d))
		return -1;
	in = str_from(buf_str(&d->came), d->used);
	z->next_in = (Bytef *)(uintptr_t)in.p;
	z->avail_in = (uInt)in.n;
	z->next_out = (Bytef *)p;
	z->avail_out = (uInt)room;
	good = unpack_blocks(d);
	d->used = d->came.n - z->avail_in;
	d->has_more = z->avail_out == 0;
	if (d->used == d->came.n) {
		buf_fini(&d->came);
		d->used = 0;
	}
	return good ? (ssize_t)(room - z->avail_out) : -1;
}

bool
deflate_ended(const struct deflate *d)
{
	return d->ended;
}

bool
deflate_pending(const struct deflate *d)
{
	return !d->ended && (d->used < d->came.n || d->has_more);
}

/* --- resting -----------------------------------------------------------------
 */

static void
rest_unpacking(struct deflate *d)
{
	uInt n = 0;
	char *to;

	if (!d->unpacks || !d->is_between || deflate_pending(d))
		return;
	if (inflateGetDictionary(&d->unpack, NULL, &n) != Z_OK || n > WINDOW)
		return;
	to = n > 0 ? buf_reserve(&d->window, n) : NULL;
	if (n > 0 && inflateGetDictionary(&d->unpack, (Bytef *)to, &n) != Z_OK)
		return;
	if (n > 0)
		buf_added(&d->window, n);
	(void)inflateEnd(&d->unpack);
	d->unpacks = false;
}

void
deflate_rest(struct deflate *d)
{
	if (d->packs && deflate_waiting(d).n == 0) {
		(void)deflateEnd(&d->pack);
		d->packs = false;
	}
	rest_unpacking(d);
}
