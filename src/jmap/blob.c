/*
 * jmap/blob.c - see blob.h. A file begins with the type of its content and LF.
 */
#include "jmap/blob.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/files.h"
#include "jmap/sieve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	KEEP = 86400, /* seconds */
	FILES_MAX = 1000,
	NAME = 64, /* octets of a file's name */
	TYPE_MAX = 127,
	RANDOM = 12,
};

#define UPLOADS "uploads" /* of state_dir */

struct jmap_upload {
	char dir[PATH_MAX];
	char temporary[PATH_MAX];
	int fd;
	uint64_t size, space; /* of all that the user keeps */
};

/* Makes room and takes it in one step. */
static pthread_mutex_t room_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- files -----------------------------------------------------------------
 */

/* A file of a user's. */
struct kept {
	char name[NAME];
	int64_t time;
	uint64_t size;
};

struct listing {
	struct kept *kept;
	size_t n, cap;
	uint64_t size; /* of all */
};

static int
compare_times(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

/* The oldest first. What is on its way in ("tmp-") counts when it is there;
 * what it left behind goes when it is old. */
static void
list(DIR *d, struct listing *l)
{
	struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		struct stat st;

		if (e->d_name[0] == '.' || strlen(e->d_name) >= NAME ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (st.st_mtime < clock_seconds() - KEEP) {
			(void)unlinkat(dirfd(d), e->d_name, 0);
			continue;
		}
		if (strchr(e->d_name, '-') != NULL && e->d_name[0] == 't')
			continue;
		mem_grow(&l->kept, &l->cap, l->n + 1, sizeof(*l->kept));
		(void)str_copy(l->kept[l->n].name, NAME, str_of(e->d_name));
		l->kept[l->n].time = (int64_t)st.st_mtime;
		l->kept[l->n].size = (uint64_t)st.st_size;
		l->size += l->kept[l->n++].size;
	}
	if (l->n > 1)
		qsort(l->kept, l->n, sizeof(*l->kept), compare_times);
}

/* RFC 8620, 6: what would be too much takes the place of the oldest. */
static void
make_room(const char *dir, uint64_t need, uint64_t space)
{
	struct listing l = { 0 };
	DIR *d = opendir(dir);
	size_t at = 0;

	if (d == NULL)
		return;
	list(d, &l);
	while (at < l.n && (l.n - at >= FILES_MAX || l.size + need > space)) {
		l.size -= l.kept[at].size;
		(void)unlinkat(dirfd(d), l.kept[at++].name, 0);
	}
	free(l.kept);
	(void)closedir(d);
}

/* Ids are what we made: letters, digits, "-" and "_". */
static bool
is_id(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if (!ascii_is_alpha(id[i]) && !ascii_is_digit(id[i]) &&
		    id[i] != '-' && id[i] != '_')
			return false;
	return n > 0 && n < JMAP_ID;
}

/* --- uploads ---------------------------------------------------------------
 */

struct jmap_upload *
jmap_upload_new(
    const struct config *cfg, const char *account, struct pst_error *err)
{
	struct jmap_upload *u = mem_alloc(sizeof(*u));

	u->fd = -1;
	/* What may be uploaded at all has room. */
	u->space = (uint64_t)(cfg->jmap.upload_space > cfg->http.upload_size
				  ? cfg->jmap.upload_space
				  : cfg->http.upload_size) +
		   TYPE_MAX + 1;
	if (jmap_dir_make(cfg, UPLOADS, account, u->dir, err) != PST_OK) {
		free(u);
		return NULL;
	}
	if (snprintf(u->temporary, PATH_MAX, "%s/tmp-XXXXXX", u->dir) <
	    PATH_MAX)
		u->fd = mkostemp(u->temporary, O_CLOEXEC);
	if (u->fd < 0) {
		(void)pst_fail(err, PST_E_TEMP, errno, "upload to %s: %s",
		    u->dir, strerror(errno));
		free(u);
		return NULL;
	}
	/* Room for the type, which comes last. */
	if (lseek(u->fd, TYPE_MAX + 1, SEEK_SET) < 0)
		jmap_upload_free(&u);
	return u;
}

void
jmap_upload_free(struct jmap_upload **up)
{
	struct jmap_upload *u = *up;

	*up = NULL;
	if (u == NULL)
		return;
	if (u->fd >= 0)
		(void)close(u->fd);
	if (u->temporary[0] != '\0')
		(void)unlink(u->temporary);
	free(u);
}

bool
jmap_upload_write(
    struct jmap_upload *u, struct pst_str piece, struct pst_error *err)
{
	if (u->size + piece.n + TYPE_MAX + 1 > u->space) {
		(void)pst_fail(err, PST_E_QUOTA, 0, "too large an upload");
		return false;
	}
	while (piece.n > 0) {
		ssize_t n = write(u->fd, piece.p, piece.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)pst_fail(err,
			    errno == ENOSPC ? PST_E_NOSPACE : PST_E_TEMP, errno,
			    "upload: %s", strerror(errno));
			return false;
		}
		u->size += (uint64_t)n;
		piece = str_from(piece, (size_t)n);
	}
	return true;
}

/* `id` is given, or made here. */
static enum pst_rc
keep_as(struct jmap_upload *u, const char *type, const char *id,
    struct pst_error *err)
{
	char head[TYPE_MAX + 2], path[PATH_MAX];
	bool ok;
	int n;

	(void)snprintf(
	    head, sizeof(head), "%-*.*s\n", TYPE_MAX, TYPE_MAX, type);
	n = snprintf(path, sizeof(path), "%s/%s", u->dir, id);
	ok = n > 0 && n < PATH_MAX &&
	     pwrite(u->fd, head, TYPE_MAX + 1, 0) == TYPE_MAX + 1 &&
	     fsync(u->fd) == 0;
	pthread_mutex_lock(&room_lock);
	if (ok) {
		make_room(u->dir, u->size + TYPE_MAX + 1, u->space);
		ok = rename(u->temporary, path) == 0;
	}
	pthread_mutex_unlock(&room_lock);
	if (!ok)
		return pst_fail(err,
		    errno == ENOSPC ? PST_E_NOSPACE : PST_E_TEMP, errno,
		    "upload: %s", strerror(errno));
	u->temporary[0] = '\0';
	return jmap_dir_sync(u->dir, err);
}

enum pst_rc
jmap_upload_keep(struct jmap_upload *u, const char *type, char id_r[JMAP_ID],
    uint64_t *size_r, struct pst_error *err)
{
	unsigned char octets[RANDOM];
	char text[2 * RANDOM + 1];

	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), text);
	(void)snprintf(id_r, JMAP_ID, "U%s", text);
	*size_r = u->size;
	return keep_as(u, type, id_r, err);
}

int
jmap_upload_open(const struct config *cfg, const char *account, const char *id,
    uint64_t *size_r, char type_r[128])
{
	char path[PATH_MAX], head[TYPE_MAX + 1];
	struct stat st;
	int fd, n;

	if (!is_id(id))
		return -1;
	n = snprintf(path, sizeof(path), "%s/" UPLOADS "/%s/%s", cfg->state_dir,
	    account, id);
	if (n < 0 || n >= PATH_MAX)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_size < TYPE_MAX + 1 ||
	    read(fd, head, sizeof(head)) != sizeof(head)) {
		(void)close(fd);
		return -1;
	}
	*size_r = (uint64_t)st.st_size - (TYPE_MAX + 1);
	(void)str_copy(type_r, 128, str_trim(str_n(head, TYPE_MAX)));
	return fd;
}

/* --- blobs -----------------------------------------------------------------
 */

bool
jmap_blob_message(struct jmap_call *c, const char *id,
    struct catalog_place *place_r, char part_r[256])
{
	const char *email = id, *dash;

	part_r[0] = '\0';
	if (id[0] == 'P' && ascii_is_digit(id[1])) {
		dash = strchr(id, '-');
		if (dash == NULL || dash - id > 255)
			return false;
		(void)str_copy(
		    part_r, 256, str_n(id + 1, (size_t)(dash - id - 1)));
		for (char *p = part_r; *p != '\0'; p++)
			if (*p == '_')
				*p = '.';
		email = dash + 1;
	}
	return catalog_find(c->q->catalog, str_of(email), place_r, 1) > 0;
}

static void
type_of(const struct msg_part *part, char type_r[128])
{
	(void)snprintf(type_r, 128, "%.*s/%.*s",
	    part->type.n < 60 ? (int)part->type.n : 60, part->type.p,
	    part->subtype.n < 60 ? (int)part->subtype.n : 60, part->subtype.p);
}

static bool
read_all(int fd, uint64_t size, struct buf *out)
{
	char *p = size <= out->max ? buf_reserve(out, (size_t)size + 1) : NULL;
	size_t got = 0;

	while (p != NULL && got < size) {
		ssize_t n = read(fd, p + got, (size_t)size - got);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	if (p != NULL)
		buf_added(out, got);
	return p != NULL;
}

static bool
uploaded_blob(
    struct jmap_call *c, const char *id, struct buf *out, char type_r[128])
{
	uint64_t size;
	int fd = jmap_upload_open(c->q->cfg, c->q->account, id, &size, type_r);
	bool ok;

	if (fd < 0)
		return false;
	ok = read_all(fd, size, out);
	(void)close(fd);
	return ok;
}

static bool
message_blob(struct jmap_call *c, const struct catalog_place *place,
    const char *part_id, struct buf *out, char type_r[128])
{
	const struct msg_part *part;
	struct jmap_message m;
	struct pst_error err;
	bool ok = false, problem;
	char *p;

	if (!jmap_message_open(c, place, &m))
		return false;
	if (part_id[0] == '\0') {
		(void)str_copy(type_r, 128, STR("message/rfc822"));
		p = m.body.length <= out->max
			? buf_reserve(out, (size_t)m.body.length + 1)
			: NULL;
		ok = p != NULL && mail_body_read(&m.body, 0, p,
				      (size_t)m.body.length, &err) == PST_OK;
		if (ok)
			buf_added(out, (size_t)m.body.length);
	} else {
		part = jmap_find_part(m.msg, str_of(part_id));
		if (part != NULL && !part->is_multipart) {
			type_of(part, type_r);
			ok = jmap_part_content(&m, part, false, out, &problem);
		}
	}
	jmap_message_fini(&m);
	return ok;
}

static bool
script_blob(
    struct jmap_call *c, const char *id, struct buf *out, char type_r[128])
{
	if (!jmap_sieve_blob(c, id, out))
		return false;
	(void)str_copy(type_r, 128, STR(JMAP_SIEVE_TYPE));
	return true;
}

/* What stands for a part whose message went away. */
static void
rescued_id(const char *id, char rescued_r[JMAP_ID])
{
	jmap_make_id("R", str_of(id), rescued_r);
}

/* A part of a message that is a part itself: "P1-P2-..." */
static bool
inner_blob(
    struct jmap_call *c, const char *id, struct buf *out, char type_r[128])
{
	const char *dash = strchr(id, '-');
	const struct msg_part *part;
	struct jmap_message m;
	struct buf octets;
	char number[256];
	bool ok, problem;

	if (id[0] != 'P' || dash == NULL || dash[1] != 'P' || dash - id > 255 ||
	    strlen(id) >= JMAP_BLOB)
		return false;
	(void)str_copy(
	    number, sizeof(number), str_n(id + 1, (size_t)(dash - id - 1)));
	for (char *p = number; *p != '\0'; p++)
		if (*p == '_')
			*p = '.';
	buf_init(&octets, out->max);
	if (!jmap_blob(c, dash + 1, &octets, type_r)) {
		buf_fini(&octets);
		return false;
	}
	jmap_message_of(c, &octets, dash + 1, &m);
	part = jmap_find_part(m.msg, str_of(number));
	ok = part != NULL && !part->is_multipart &&
	     jmap_part_content(&m, part, false, out, &problem);
	if (ok)
		type_of(part, type_r);
	jmap_message_fini(&m);
	return ok;
}

bool
jmap_blob(
    struct jmap_call *c, const char *id, struct buf *out, char type_r[128])
{
	struct catalog_place place;
	char part[256], rescued[JMAP_ID];

	type_r[0] = '\0';
	if (id[0] == 'U' && uploaded_blob(c, id, out, type_r))
		return true;
	if (script_blob(c, id, out, type_r))
		return true;
	if (jmap_blob_message(c, id, &place, part))
		return message_blob(c, &place, part, out, type_r);
	if (inner_blob(c, id, out, type_r))
		return true;
	rescued_id(id, rescued);
	return uploaded_blob(c, rescued, out, type_r);
}

static void
rescue_part(struct jmap_call *c, const struct jmap_message *m,
    const struct msg_part *part)
{
	char blob[JMAP_BLOB], id[JMAP_ID], type[128];
	struct jmap_upload *u;
	struct pst_error err;
	struct buf octets;
	bool problem;

	jmap_part_blob(m->blob, part, blob);
	rescued_id(blob, id);
	type_of(part, type);
	buf_init(&octets, (size_t)c->q->cfg->smtp.message_size);
	u = jmap_upload_new(c->q->cfg, c->q->account, &err);
	if (u != NULL && jmap_part_content(m, part, false, &octets, &problem) &&
	    jmap_upload_write(u, buf_str(&octets), &err))
		(void)keep_as(u, type, id, &err);
	jmap_upload_free(&u);
	buf_fini(&octets);
}

void
jmap_blob_rescue(struct jmap_call *c, const struct catalog_place *place)
{
	struct jmap_bodies b;
	struct jmap_message m;

	if (!jmap_message_open(c, place, &m))
		return;
	jmap_bodies(m.msg, &b);
	for (size_t i = 0; i < b.attachments; i++)
		rescue_part(c, &m, b.attachment[i]);
	jmap_bodies_fini(&b);
	jmap_message_fini(&m);
}
