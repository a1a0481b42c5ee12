/*
 * fuzz_mbox.c - mbox files, whatever is in them. The first octet chooses:
 * a message that goes into a file and comes out of it again, octet for octet;
 * or a whole file under the module, where what a client was shown must stay
 * what it is when flags are changed, messages removed and everything beside the
 * file is lost.
 */
#include "mbox/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES_MAX = 64 };

static char root[] = "/dev/shm/postern-fuzz-XXXXXX";
static struct pst_store *store;
static struct pst_acct *account;
static const struct pst_store_ops *ops;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* --- the server's side ------------------------------------------------------
 */

static void
no_log(enum pst_log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static const char *
config(const struct pst_section *section, const char *key)
{
	(void)section;
	return strcmp(key, "path") == 0	   ? root
	       : strcmp(key, "fsync") == 0 ? "false"
	       : strcmp(key, "locks") == 0 ? "none"
					   : NULL;
}

static int64_t
now(void)
{
	static int64_t t = INT64_C(1700000000000000);

	return t += 1000;
}

static void
fake_random(void *p, size_t n)
{
	static uint64_t x = 88172645463325252U;
	unsigned char *to = p;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		to[i] = (unsigned char)x;
	}
}

static void
no_change(void *cookie)
{
	(void)cookie;
}

static const struct pst_host host = { .size = sizeof(host),
	.log = no_log,
	.config = config,
	.now = now,
	.random = fake_random,
	.changed = no_change,
	.account_changed = no_change };

static void
begin(void)
{
	struct pst_error err;
	bool created;

	if (store != NULL)
		return;
	(void)setenv("TZ", "UTC", 1);
	must(mkdtemp(root) != NULL);
	ops = pst_module_entry()->store;
	must(ops->open(&host, NULL, &store, &err) == PST_OK);
	must(ops->acct_open(store, "u@d", &account, &created, &err) == PST_OK);
}

/* --- one message
 * -------------------------------------------------------------- */

static void
to_buf(void *arg, const char *p, size_t n)
{
	li_buf_add(arg, p, n);
}

/* Lines in small pieces, as those of a very long line come. */
static void
each_piece(const char *p, size_t n, size_t step,
    void (*fn)(void *, const struct mb_piece *), void *arg)
{
	bool is_start = true;

	for (size_t at = 0; at < n;) {
		const char *lf = memchr(p + at, '\n', n - at);
		size_t line = lf ? (size_t)(lf - p - at) : n - at;
		size_t part = !is_start && line > step ? step
			      : line > step + 64       ? step + 64
						       : line;
		struct mb_piece piece = { .p = p + at,
			.n = part,
			.is_start = is_start,
			.has_lf = part == line && lf != NULL };

		fn(arg, &piece);
		at += part + piece.has_lf;
		is_start = piece.has_lf;
	}
}

static void
write_piece(void *arg, const struct mb_piece *piece)
{
	mb_writer_piece(arg, piece);
}

static void
read_piece(void *arg, const struct mb_piece *piece)
{
	mb_reader_piece(arg, piece);
}

static void
round_trip(const char *p, size_t n, size_t step)
{
	struct li_stage in;
	struct li_buf file = { 0 }, out = { 0 };
	struct mb_block block = { .uid = 7, .ident = "M1", .tag = "00000000" };
	struct mb_places places;
	struct mb_reader r = { 0 };
	struct mb_writer w;
	struct mb_from from;
	struct mb_lines lines;
	struct mb_piece piece;
	bool is_torn;

	li_stage_init(&in, &host, -1, n, n + 1, true);
	must(li_stage_write(&in, p, n) == 0 && li_stage_end(&in, false) == 0);
	must(in.size == n);
	block.is_raw = !in.as_lf;
	block.no_eol = in.n == 0 || in.buffer[in.n - 1] != '\n';
	block.size = n;
	mb_block_print(&file, &block, (struct pst_str){ "", 0 }, &places);
	mb_writer_init(&w, &file);
	each_piece(in.buffer, in.n, step, write_piece, &w);
	mb_writer_end(&w);
	if (block.no_eol)
		li_buf_putc(&file, '\n');
	li_buf_putc(&file, '\n');
	/* No line of it begins another message. */
	mb_lines_text(&lines, file.p, file.n);
	while (mb_lines_next(&lines, &piece))
		must(!mb_from_parse(piece.p, piece.n, &from));
	mb_reader_init(&r, to_buf, &out);
	each_piece(file.p, file.n, step, read_piece, &r);
	must(mb_reader_end(&r, &is_torn) == n && !is_torn && r.is_intact);
	must(r.block.uid == 7 && r.block.size == n);
	must(out.n >= n && (n == 0 || memcmp(out.p, p, n) == 0));
	/* Cut anywhere, it is known for torn. */
	out.n = 0;
	mb_reader_init(&r, to_buf, &out);
	each_piece(file.p, file.n - 2, step, read_piece, &r);
	(void)mb_reader_end(&r, &is_torn);
	must(is_torn || n == 0 || file.p[file.n - 2] != '\n' || !block.no_eol);
	mb_reader_fini(&r);
	li_buf_free(&file);
	li_buf_free(&out);
	li_stage_fini(&in);
}

/* --- a whole file
 * --------------------------------------------------------------- */

struct seen {
	struct pst_row row;
	struct li_buf content;
};

struct list {
	struct seen v[MESSAGES_MAX];
	size_t n;
};

static void
add_row(void *arg, const struct pst_row *row)
{
	struct list *l = arg;

	if (l->n < MESSAGES_MAX)
		l->v[l->n++] = (struct seen){ .row = *row };
}

static void
free_list(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		li_buf_free(&l->v[i].content);
	l->n = 0;
}

/* What a client is shown. */
static void
look(struct pst_box *box, struct list *l)
{
	struct pst_error err;

	l->n = 0;
	must(ops->load(box, add_row, l, &err) == PST_OK);
	for (size_t i = 0; i < l->n; i++) {
		struct pst_body body;

		must(i == 0 || l->v[i - 1].row.uid < l->v[i].row.uid);
		must(ops->body(box, l->v[i].row.uid, &body, &err) == PST_OK);
		must(body.length == l->v[i].row.size && body.mem != NULL);
		li_buf_add(&l->v[i].content, body.mem, (size_t)body.length);
		body.release(&body);
	}
}

static void
must_be_same(const struct list *a, const struct list *b, size_t without)
{
	size_t k = 0;

	must(a->n == MESSAGES_MAX || b->n + (without < a->n) == a->n);
	for (size_t i = 0; i < a->n && k < b->n; i++) {
		const struct seen *x = &a->v[i], *y = &b->v[k];

		if (i == without)
			continue;
		must(x->row.uid == y->row.uid && x->row.size == y->row.size);
		must(x->row.internal_date == y->row.internal_date);
		must(memcmp(x->content.p, y->content.p, x->content.n) == 0);
		k++;
	}
}

static struct pst_box *
open_box(void)
{
	struct pst_box *box = NULL;
	struct pst_error err;

	must(ops->box_open(account, "INBOX", &box, &err) == PST_OK);
	return box;
}

static void
forget_all(void)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/d/u/.postern-INBOX", root);
	must(li_remove_tree(AT_FDCWD, path) == 0);
}

static void
no_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void
no_row(void *arg, const struct pst_row *row)
{
	(void)arg;
	(void)row;
}

static void
whole_file(const uint8_t *data, size_t size)
{
	static struct list first, second;
	const struct pst_flag_change flag = { .op = PST_FLAGS_ADD,
		.flags = PST_FLAGGED,
		.unchanged_since = UINT64_MAX };
	struct pst_error err;
	struct pst_range r;
	struct pst_box *box;
	char path[100];
	int fd;

	forget_all();
	(void)snprintf(path, sizeof(path), "%s/d/u/INBOX", root);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)close(fd);
	box = open_box();
	look(box, &first);
	if (first.n > 0) {
		r = (struct pst_range){ first.v[0].row.uid, UINT32_MAX };
		must(ops->flags(box, (struct pst_uids){ &r, 1 }, &flag, no_row,
			 no_uid, NULL, &err) == PST_OK);
		look(box, &second);
		must_be_same(&first, &second, SIZE_MAX);
		for (size_t i = 0; i < second.n; i++)
			must(second.v[i].row.flags & PST_FLAGGED);
		free_list(&second);
		/* All is in the file now. */
		ops->box_close(box);
		forget_all();
		box = open_box();
		look(box, &second);
		must_be_same(&first, &second, SIZE_MAX);
		free_list(&second);
		r.first = r.last = first.v[first.n / 2].row.uid;
		must(ops->expunge(box, (struct pst_uids){ &r, 1 }, no_uid, NULL,
			 &err) == PST_OK);
		look(box, &second);
		must_be_same(&first, &second, first.n / 2);
		free_list(&second);
	}
	ops->box_close(box);
	free_list(&first);
}

/* --- names and dates
 * -------------------------------------------------------------- */

static void
names(const char *p, size_t n)
{
	char *text = li_memdup(p, n);
	struct li_buf level = { 0 }, path = { 0 };
	struct mb_from from, again;

	if (strlen(text) == n && strchr(text, '/') == NULL &&
	    mb_path_level(text, false, &level)) {
		must(mb_path(level.p, &path, NULL) == PST_OK);
		must(strcmp(path.p, text) == 0);
	}
	path.n = level.n = 0;
	if (mb_path(text, &path, NULL) == PST_OK) {
		must(path.n <= MB_PATH_MAX);
		must(path.p[0] != '.' && strstr(path.p, "/.") == NULL);
	}
	if (mb_from_parse(text, n, &from)) {
		int64_t date = mb_from_date(&from);

		path.n = 0;
		mb_from_print(&path, (struct pst_str){ text, n }, date);
		must(mb_from_parse(path.p, path.n - 1, &again));
		if (date > INT64_C(-30610224000) &&
		    date < INT64_C(253402300800))
			must(mb_from_date(&again) == date);
	}
	li_buf_free(&path);
	li_buf_free(&level);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	begin();
	text = li_memdup((const char *)data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		round_trip(text, size - 1, 1 + data[0] / 3);
		break;
	case 1:
		whole_file(data + 1, size - 1);
		break;
	default:
		names(text, size - 1);
		break;
	}
	free(text);
	return 0;
}
