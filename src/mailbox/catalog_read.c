/*
 * mailbox/catalog_read.c - the id and the thread of messages: from the cache
 * beside them, else from their headers, which is cached then.
 */
#include "mailbox/catalog_priv.h"

#include "base/str.h"
#include "message/header.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	BATCH = 512,
	VALUE = CATALOG_ID + 2 * 8, /* octets of what is cached */
	REFERENCES_MAX = 1000,
};

/* What is cached of a message. Hashes, 0: there is none. */
struct known {
	char id[CATALOG_ID];
	uint64_t own;  /* its Message-ID */
	uint64_t root; /* the oldest reference, or what it answers */
};

uint64_t
catalog_hash(struct pst_str s)
{
	unsigned char digest[32];
	uint64_t hash;

	if (gnutls_hash_fast(
		GNUTLS_DIG_SHA256, s.p != NULL ? s.p : "", s.n, digest) != 0)
		return 1;
	memcpy(&hash, digest, sizeof(hash));
	return hash != 0 ? hash : 1;
}

static uint64_t
hash_id(struct arena *a, const struct msg_part *part, const char *field)
{
	const struct msg_field *f = msg_field(part, field);
	struct pst_str rest, id;

	if (f == NULL)
		return 0;
	rest = f->value;
	return msg_next_id(a, &rest, &id) ? catalog_hash(id) : 0;
}

static void
know_header(const struct msg *m, struct known *k)
{
	struct arena *a = arena_new((size_t)1 << 20);

	k->own = hash_id(a, m->root, "Message-ID");
	k->root = hash_id(a, m->root, "References");
	if (k->root == 0)
		k->root = hash_id(a, m->root, "In-Reply-To");
	arena_free(&a);
}

static bool
read_message(struct mailbox_view *view, uint32_t uid, struct known *k)
{
	struct pst_error err;
	struct pst_body body;
	struct msg *m;
	enum pst_rc rc;

	memset(k, 0, sizeof(*k));
	if (view_ident(view, uid, k->id, &err) != PST_OK)
		return false;
	if (view_body(view, uid, &body, &err) != PST_OK)
		return false;
	rc = mail_body_parse(&body, &msg_limits_default, true, &m, &err);
	body.release(&body);
	if (rc != PST_OK)
		return false;
	know_header(m, k);
	msg_free(&m);
	return true;
}

/* --- the cache -------------------------------------------------------------
 */

struct batch {
	struct mailbox_view *view;
	const uint32_t *uid;
	struct known known[BATCH];
	bool has[BATCH];
	size_t n;
};

static void
take_cached(void *arg, const struct pst_cached *cached)
{
	struct batch *b = arg;
	size_t low = 0, high = b->n;

	if (cached->value.n != VALUE)
		return;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (b->uid[middle] < cached->uid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == b->n || b->uid[low] != cached->uid)
		return;
	memcpy(b->known[low].id, cached->value.p, CATALOG_ID);
	b->known[low].id[CATALOG_ID - 1] = '\0';
	memcpy(&b->known[low].own, cached->value.p + CATALOG_ID, 8);
	memcpy(&b->known[low].root, cached->value.p + CATALOG_ID + 8, 8);
	b->has[low] = true;
}

static void
work_out(struct batch *b)
{
	struct pst_cached *fresh = mem_array(b->n, sizeof(*fresh));
	char *text = mem_array(b->n, VALUE);
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		char *value = text + n * VALUE;

		if (b->has[i] ||
		    !read_message(b->view, b->uid[i], &b->known[i]))
			continue;
		memcpy(value, b->known[i].id, CATALOG_ID);
		memcpy(value + CATALOG_ID, &b->known[i].own, 8);
		memcpy(value + CATALOG_ID + 8, &b->known[i].root, 8);
		fresh[n++] = (struct pst_cached){ b->uid[i],
			str_n(value, VALUE) };
	}
	view_cache_put(b->view, MAIL_CACHE_CATALOG, fresh, n);
	free(text);
	free(fresh);
}

static uint64_t
thread_of(const struct known *k)
{
	if (k->root != 0)
		return k->root;
	return k->own != 0 ? k->own : catalog_hash(str_of(k->id));
}

void
catalog_tell(struct mailbox_view *view, const uint32_t *uids, size_t n,
    catalog_told_fn fn, void *arg)
{
	struct batch *b = mem_alloc(sizeof(*b));

	b->view = view;
	for (size_t at = 0; at < n; at += b->n) {
		b->uid = uids + at;
		b->n = n - at < BATCH ? n - at : BATCH;
		memset(b->known, 0, b->n * sizeof(b->known[0]));
		memset(b->has, 0, b->n * sizeof(b->has[0]));
		view_cache_get(
		    view, MAIL_CACHE_CATALOG, b->uid, b->n, take_cached, b);
		work_out(b);
		for (size_t i = 0; i < b->n; i++)
			if (b->known[i].id[0] != '\0')
				fn(arg, at + i, b->known[i].id,
				    thread_of(&b->known[i]));
	}
	free(b);
}

static void
put_entry(void *arg, size_t i, const char *id, uint64_t thread)
{
	struct catalog_entry *e = (struct catalog_entry *)arg + i;

	memcpy(e->id, id, CATALOG_ID);
	e->thread = thread;
}

void
catalog_read_entries(struct catalog_box *box, size_t from)
{
	size_t n = box->n - from;
	uint32_t *uids = mem_array(n, sizeof(*uids));

	for (size_t i = 0; i < n; i++)
		uids[i] = view_uid(box->view, (uint32_t)(from + i + 1));
	catalog_tell(box->view, uids, n, put_entry, box->entry + from);
	free(uids);
}

/* --- as a text -------------------------------------------------------------
 */

void
catalog_thread_id(uint64_t thread, char id_r[CATALOG_THREAD_ID])
{
	(void)snprintf(id_r, CATALOG_THREAD_ID, "T%016" PRIx64, thread);
}

bool
catalog_parse_thread_id(struct pst_str id, uint64_t *thread_r)
{
	uint64_t n = 0;

	if (id.n != CATALOG_THREAD_ID - 1 || id.p[0] != 'T')
		return false;
	for (size_t i = 1; i < id.n; i++) {
		if (ascii_is_digit(id.p[i]))
			n = n << 4 | (unsigned)(id.p[i] - '0');
		else if (id.p[i] >= 'a' && id.p[i] <= 'f')
			n = n << 4 | (unsigned)(id.p[i] - 'a' + 10);
		else
			return false;
	}
	*thread_r = n;
	return true;
}
