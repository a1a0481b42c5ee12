/*
 * maildir_disk.c - what the conformance suite cannot know: how the maildir
 * module's mail looks on the disk, and what it makes of the doings of other
 * programs, of damage and of left-overs.
 *
 *     maildir_disk MAILDIR.so path=DIR
 */
#include "conformance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *root;
static const char lf_text[] = "Subject: other\n\nbare\nline ends\n";
static const char crlf_text[] = "Subject: other\r\n\r\nbare\r\nline ends\r\n";

/* --- files ---------------------------------------------------------------- */

struct path {
	char s[600];
};

static struct path
in(const char *rest)
{
	struct path p;

	(void)snprintf(
	    p.s, sizeof(p.s), "%.200s/example.test/%.380s", root, rest);
	return p;
}

static bool
write_file(const char *rest, const char *data, size_t n)
{
	int fd = open(in(rest).s, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool ok = fd >= 0 && write(fd, data, n) == (ssize_t)n;

	if (fd >= 0)
		(void)close(fd);
	return CHECK(ok, "write %s: %s", rest, strerror(errno));
}

static bool
rename_file(const char *from, const char *to)
{
	struct path p = in(from), q = in(to);

	return CHECK(
	    rename(p.s, q.s) == 0, "rename %s: %s", from, strerror(errno));
}

/* As delivery agents do it: written to tmp, then renamed to new. */
static void
deliver(const char *folder, const char *name, const char *text)
{
	char from[200], to[200];

	(void)snprintf(from, sizeof(from), "%s/tmp/%s", folder, name);
	(void)snprintf(to, sizeof(to), "%s/new/%s", folder, name);
	if (write_file(from, text, strlen(text)))
		(void)rename_file(from, to);
}

/* The name of the file in `folder` that has `part` in its name, or "". */
static struct path
find_file(const char *folder, const char *part)
{
	struct path found = { "" };
	DIR *dir = opendir(in(folder).s);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' && strstr(d->d_name, part) != NULL)
			(void)snprintf(found.s, sizeof(found.s), "%s/%s",
			    folder, d->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

static unsigned
count_files(const char *folder)
{
	DIR *dir = opendir(in(folder).s);
	struct dirent *d;
	unsigned n = 0;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.';
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

static bool
has(const char *rest)
{
	return access(in(rest).s, F_OK) == 0;
}

/* Longer than a tick of the file system's clock. */
static void
pause_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* --- line ends -------------------------------------------------------------
 */

static const struct {
	const char *label, *unit;
	unsigned times;
	const char *last;
	bool as_lf;
} endings[] = {
	{ "a line", "a: b\r\n\r\nc\r\n", 1, "", true },
	{ "no last line end", "a: b\r\n", 3, "end", true },
	{ "nothing", "", 1, "", true },
	{ "no line end at all", "abc", 1, "", true },
	{ "only line ends", "\r\n", 50, "", true },
	{ "a bare LF", "a: b\r\n", 2, "c\nd\r\n", false },
	{ "a bare CR", "a: b\r\n", 2, "c\rd\r\n", false },
	{ "CR CR LF", "a: b\r\n", 2, "c\r\r\n", false },
	{ "LF CR", "a: b\r\n", 2, "c\n\r", false },
	{ "CR at the end", "a: b\r\n", 2, "c\r", false },
	{ "large", "0123456789 abcdefghij\r\n", 20000, "", true },
	{ "large, a bare LF at the end", "0123456789 abcdefghij\r\n", 20000,
	    "\n", false },
	{ "large, a bare CR at the end", "0123456789\r\n", 9000, "\r", false },
};

static uint32_t
add_in_pieces(struct pst_box *box, const char *text, size_t n, size_t piece)
{
	struct pst_error err = { 0 };
	struct pst_append append = { .internal_date = 1234567890,
		.last = true };
	struct pst_row row = { 0 };
	enum pst_rc rc = OPS->stage_new(suite.store, 0, &append.stage, &err);

	for (size_t at = 0; rc == PST_OK && at < n; at += piece)
		rc = OPS->stage_write(append.stage, text + at,
		    n - at < piece ? n - at : piece, &err);
	if (rc == PST_OK)
		rc = OPS->stage_sync(append.stage, &err);
	if (rc == PST_OK)
		rc = OPS->commit(box, &append, 1, &row, &err);
	CHECK(rc == PST_OK && row.size == n, "size %llu of %zu: %s",
	    (unsigned long long)row.size, n, err.detail);
	OPS->stage_free(append.stage);
	return row.uid;
}

static bool
has_crlf(const char *file)
{
	FILE *f = fopen(in(file).s, "r");
	int c, before = 0;
	bool found = false;

	while (f != NULL && (c = getc(f)) != EOF) {
		found = found || (before == '\r' && c == '\n');
		before = c;
	}
	if (f != NULL)
		(void)fclose(f);
	return found;
}

/* Whatever the line ends and the pieces: the same octets come back, and other
 * programs see LF where that loses nothing. */
static void
line_ends(void)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 1000, 65536, SIZE_MAX };
	struct pst_acct *acct = acct_of("ends@example.test");
	struct pst_box *box = box_of(acct, "INBOX");

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t unit = strlen(endings[i].unit), n = 0;
		size_t last = strlen(endings[i].last);
		char *text = malloc(unit * endings[i].times + last + 1);

		for (unsigned k = 0; k < endings[i].times; k++, n += unit)
			memcpy(text + n, endings[i].unit, unit);
		memcpy(text + n, endings[i].last, last + 1);
		n += last;
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]);
		     k++) {
			uint32_t uid = add_in_pieces(
			    box, text, n, pieces[k] < n ? pieces[k] : n + 1);
			struct path p = find_file("ends/new", ",U=");
			struct pst_error err = { 0 };
			struct uids gone = { 0 };
			struct pst_range r;

			CHECK(body_is(box, uid, text, n), "%s in pieces of %zu",
			    endings[i].label, pieces[k]);
			CHECK(strstr(endings[i].unit, "\r\n") == NULL ||
				  has_crlf(p.s) == !endings[i].as_lf,
			    "%s on the disk: %s", endings[i].label, p.s);
			CHECK_RC(PST_OK, OPS->expunge(box, one(&r, uid, uid),
					     uids_add, &gone, &err));
			uids_free(&gone);
		}
		free(text);
	}
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- the look of our own files -------------------------------------------- */

static void
own_names(void)
{
	struct pst_acct *acct = acct_of("own@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct rows changed;
	struct uids conflict;
	struct path p;
	unsigned k;
	uint32_t uid = put(box, crlf_text, 0, 0, 1234567890);

	p = find_file("own/new", ",U=1");
	CHECK(strncmp(p.s, "own/new/1234567890.", 19) == 0, "%s", p.s);
	CHECK(strstr(p.s, ",S=31,W=35,") != NULL, "its sizes: %s", p.s);
	CHECK(strchr(p.s, ':') == NULL, "no flags, no info: %s", p.s);
	CHECK_RC(PST_OK, OPS->keyword(box, "$Work", true, &k, &err));
	CHECK(change_flags(box, uid, PST_FLAGS_ADD, PST_SEEN | PST_FLAGGED,
		  UINT64_C(1) << k, UINT64_MAX, &changed, &conflict) == PST_OK,
	    "flags");
	rows_free(&changed);
	p = find_file("own/cur", ",U=1:2,");
	CHECK(strstr(p.s, ",U=1:2,FSa") != NULL, "letters are sorted: %s", p.s);
	CHECK(count_files("own/new") == 0, "new is empty");
	CHECK(put(box, crlf_text, PST_DRAFT, 0, 1) == 2, "put");
	CHECK(strstr(find_file("own/cur", "U=2").s, ":2,D") != NULL,
	    "with flags into cur");
	CHECK(put(box, crlf_text, 0, 0, -5) == 3, "put");
	CHECK(strstr(find_file("own/new", "U=3").s, ",T=-5,") != NULL,
	    "a date that no leading number can tell");
	/* Another program's letters stay. */
	p = find_file("own/cur", "U=1:2,");
	rename_file(p.s, "own/cur/1.x.h,S=35,U=1:2,FPSZa");
	OPS->box_close(box);
	box = box_of(acct, "INBOX");
	CHECK(change_flags(box, 1, PST_FLAGS_SET, PST_ANSWERED, 0, UINT64_MAX,
		  &changed, &conflict) == PST_OK &&
		  changed.n == 1,
	    "set");
	rows_free(&changed);
	p = find_file("own/cur", "U=1:2,");
	CHECK(strstr(p.s, ":2,PRZ") != NULL, "P and Z are kept: %s", p.s);
	CHECK_RC(PST_OK, OPS->create(acct, "a.b/~x/\xc3\xa9&", "", &err));
	CHECK(has("own/.a&AC4-b.&AH4-x.&AOk-&-/cur"), "mUTF-7 folder");
	CHECK(
	    has("own/.a&AC4-b.&AH4-x.&AOk-&-/maildirfolder"), "maildirfolder");
	CHECK_RC(PST_OK, OPS->create(acct, "INBOX/x", "", &err));
	CHECK(has("own/.INBOX.x/cur"), "INBOX/x");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- deliveries by others ------------------------------------------------- */

static void
foreign_mail(void)
{
	struct pst_acct *acct = acct_of("foreign@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct rows rows;
	struct delta d;
	struct path p;
	uint32_t uid = put(box, crlf_text, 0, 0, 1700000000);

	load_rows(box, &rows);
	rows_free(&rows);
	deliver("foreign", "1600000000.1_2.procmail", lf_text);
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 1 &&
		  d.changed.n == 0 && d.gone.n == 0,
	    "a delivery is seen");
	if (d.appended.n == 1) {
		CHECK(d.appended.v[0].uid > uid, "with the next uid");
		CHECK(d.appended.v[0].size == strlen(crlf_text),
		    "its size with CRLF: %llu",
		    (unsigned long long)d.appended.v[0].size);
		CHECK(d.appended.v[0].internal_date > 1700000000,
		    "its date is the file's");
		CHECK(body_is(box, d.appended.v[0].uid, crlf_text,
			  strlen(crlf_text)),
		    "its content with CRLF");
	}
	delta_free(&d);
	p = find_file("foreign/new", "procmail");
	CHECK(strstr(p.s, ",S=31,") && strstr(p.s, ",W=35,") &&
		  strstr(p.s, ",U=2") && strstr(p.s, ",T="),
	    "by its name: %s", p.s);
	/* A reader marks it as seen. */
	{
		char to[700];

		(void)snprintf(to, sizeof(to), "foreign/cur/%s:2,S", p.s + 12);
		rename_file(p.s, to);
	}
	CHECK(delta_get(box, &d) == PST_OK && d.changed.n == 1 &&
		  d.gone.n == 0 && d.appended.n == 0 &&
		  d.changed.v[0].flags == PST_SEEN,
	    "new to cur with flags is a change");
	delta_free(&d);
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d), "once");
	delta_free(&d);
	/* Both lose: one is renamed, one removed, behind our back. */
	p = find_file("foreign/cur", "procmail");
	{
		char to[700];

		(void)snprintf(to, sizeof(to), "%.*sF", (int)strlen(p.s), p.s);
		rename_file(p.s, to);
	}
	CHECK(body_is(box, 2, crlf_text, strlen(crlf_text)),
	    "a renamed file is found");
	p = find_file("foreign/new", "U=1");
	CHECK(unlink(in(p.s).s) == 0, "unlink");
	{
		struct pst_box_state before, after;
		struct pst_error err;
		struct rows changed;
		struct uids conflict;

		CHECK_RC(PST_OK, OPS->state(box, &before, &err));
		CHECK(change_flags(box, 1, PST_FLAGS_ADD, PST_SEEN, 0,
			  UINT64_MAX, &changed, &conflict) == PST_OK &&
			  changed.n == 0,
		    "flags of what is gone");
		CHECK_RC(PST_OK, OPS->state(box, &after, &err));
		CHECK(after.highestmodseq > before.highestmodseq,
		    "what is found to be gone has a modseq of its own");
		CHECK(change_flags(box, 2, PST_FLAGS_ADD, PST_ANSWERED, 0,
			  UINT64_MAX, &changed, &conflict) == PST_OK &&
			  changed.n == 1 &&
			  changed.v[0].flags ==
			      (PST_SEEN | PST_FLAGGED | PST_ANSWERED),
		    "flags of what was renamed: both changes count");
		rows_free(&changed);
	}
	CHECK(delta_get(box, &d) == PST_OK && d.gone.n == 1 &&
		  d.gone.v[0] == 1 && d.changed.n == 0,
	    "what is gone is told once");
	delta_free(&d);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* Line ends of every kind come out as CRLF, however many W= says there are. */
static void
line_ends_and_hints(void)
{
	static const struct {
		const char *file, *out;
	} texts[] = {
		{ lf_text, crlf_text },
		{ "a: b\r\n\nc\n\n\n", "a: b\r\n\r\nc\r\n\r\n\r\n" },
		{ "\n\n\n", "\r\n\r\n\r\n" },
		{ "a: b\n\nno end", "a: b\r\n\r\nno end" },
		{ "\r\n\n\r\r\n\r", "\r\n\r\n\r\r\n\r" },
	};
	enum { TEXTS = sizeof(texts) / sizeof(texts[0]), LIES = 6 };
	struct pst_acct *acct = acct_of("hints@example.test");
	struct pst_box *box;
	struct rows rows;

	for (size_t i = 0; i < TEXTS; i++)
		for (size_t lie = 0; lie < LIES; lie++) {
			size_t n = strlen(texts[i].file);
			char name[100];

			(void)snprintf(name, sizeof(name),
			    "hints/cur/10000000%zu%zu.a.h,S=%zu,W=%zu:2,", i,
			    lie, n,
			    lie == 0 ? strlen(texts[i].out) : n + lie * lie);
			write_file(name, texts[i].file, n);
		}
	box = box_of(acct, "INBOX");
	load_rows(box, &rows);
	CHECK(rows.n == TEXTS * LIES, "all are there: %zu", rows.n);
	for (size_t i = 0; i < rows.n; i++) {
		struct path p;
		char uid[20];
		size_t text;

		(void)snprintf(
		    uid, sizeof(uid), ",U=%u:", (unsigned)rows.v[i].uid);
		p = find_file("hints/cur", uid);
		text = (size_t)(strstr(p.s, "10000000")[8] - '0') % TEXTS;
		CHECK(body_is(box, rows.v[i].uid, texts[text].out,
			  strlen(texts[text].out)),
		    "the content of %s", p.s);
	}
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* Names as others make them, good and bad, all at once. */
static void
odd_files(void)
{
	struct pst_acct *acct = acct_of("odd@example.test");
	struct pst_box *box;
	struct pst_error err = { 0 };
	struct rows rows;
	struct pst_box_state st;
	char longest[260];

	write_file("odd/cur/1000000000.a.h,S=31,W=35:2,RS", lf_text, 31);
	write_file("odd/cur/1000000001.b.h", crlf_text, 35);
	write_file("odd/cur/weird name,x=1,S=zz:1,foo", lf_text, 31);
	write_file("odd/cur/1000000002.dup,S=35,U=1:2,S", crlf_text, 35);
	write_file("odd/cur/1000000003.dup,S=35,U=1:2,F", crlf_text, 35);
	write_file(
	    "odd/cur/1000000004.far,S=35,U=4000000000:2,", crlf_text, 35);
	write_file("odd/cur/1000000005.bad,S=35,U=0:2,", crlf_text, 35);
	write_file("odd/cur/1000000006.liar,S=99,W=99:2,", lf_text, 31);
	memset(longest, 'n', 255);
	memcpy(longest, "odd/cur/", 8);
	longest[8 + 240] = '\0';
	memcpy(longest + 8 + 240, ":2,ST", 6);
	write_file(longest, crlf_text, 35);
	write_file("odd/cur/.hidden", "x", 1);
	CHECK(mkdir(in("odd/cur/folder").s, 0700) == 0, "mkdir");
	CHECK(symlink("/etc/passwd", in("odd/new/link").s) == 0, "symlink");
	CHECK(symlink("/etc/passwd", in("odd/new/link,S=9,U=3").s) == 0,
	    "symlink");
	CHECK(mkfifo(in("odd/new/fifo").s, 0600) == 0, "mkfifo");
	box = box_of(acct, "INBOX");
	load_rows(box, &rows);
	CHECK(rows.n == 9 && rows_ascend(&rows), "nine messages: %zu", rows.n);
	for (size_t i = 0; i < rows.n; i++) {
		CHECK(rows.v[i].uid != 4000000000u, "no uid from nowhere");
		CHECK(
		    body_is(box, rows.v[i].uid, crlf_text, strlen(crlf_text)) &&
			rows.v[i].size == strlen(crlf_text),
		    "message %zu: %llu octets", i,
		    (unsigned long long)rows.v[i].size);
	}
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	CHECK(st.uidnext > rows.v[8].uid, "UIDNEXT");
	OPS->box_close(box);
	{
		struct rows again;

		box = box_of(acct, "INBOX");
		load_rows(box, &again);
		CHECK(again.n == rows.n, "the same again");
		for (size_t i = 0; i < rows.n && i < again.n; i++)
			CHECK(again.v[i].uid == rows.v[i].uid &&
				  again.v[i].flags == rows.v[i].flags &&
				  again.v[i].internal_date ==
				      rows.v[i].internal_date,
			    "message %zu stays", i);
		rows_free(&again);
	}
	/* Another file with a uid that is in use. */
	write_file("odd/cur/twin,S=35,U=2:2,", crlf_text, 35);
	{
		struct delta d;

		CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 1 &&
			  d.appended.v[0].uid >= st.uidnext && d.gone.n == 0,
		    "a twin gets another uid");
		delta_free(&d);
	}
	OPS->box_close(box);
	rows_free(&rows);
	OPS->acct_close(acct);
}

static void
torn_file(void)
{
	struct pst_acct *acct = acct_of("torn@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	uint32_t uid = put(box, crlf_text, 0, 0, 1);
	struct pst_error err = { 0 };
	struct pst_body body;
	struct rows rows;

	CHECK(
	    truncate(in(find_file("torn/new", "U=").s).s, 10) == 0, "truncate");
	load_rows(box, &rows);
	rows_free(&rows);
	if (CHECK_RC(PST_OK, OPS->body(box, uid, &body, &err))) {
		CHECK(body.length == 10, "its real length");
		body.release(&body);
	}
	load_rows(box, &rows);
	CHECK(rows.n == 1 && rows.v[0].size == 10, "and size from now on");
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

static void
big_lf_file(void)
{
	enum { LINES = 120000 };
	struct pst_acct *acct = acct_of("big@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	char *lf = malloc(LINES * 20), *crlf = malloc(LINES * 20);
	size_t a = 0, b = 0;
	struct rows rows;

	if (lf == NULL || crlf == NULL)
		abort();
	for (int i = 0; i < LINES; i++) {
		int n = snprintf(
		    lf + a, 20, "line %d%s\n", i, i % 1000 ? "" : "\r");

		memcpy(crlf + b, lf + a, (size_t)n);
		a += (size_t)n;
		b += (size_t)n;
		if (i % 1000) {
			crlf[b - 1] = '\r';
			crlf[b++] = '\n';
		}
	}
	lf[a] = '\0';
	deliver("big", "1.big", lf);
	load_rows(box, &rows);
	CHECK(rows.n == 1 && rows.v[0].size == b, "its size");
	CHECK(rows.n == 1 && body_is(box, rows.v[0].uid, crlf, b),
	    "a large file is converted too");
	rows_free(&rows);
	free(lf);
	free(crlf);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- state files ---------------------------------------------------------- */

/* Opens INBOX of "state" and tells its state and messages. */
static struct pst_box_state
look(struct rows *rows)
{
	struct pst_acct *acct = acct_of("state@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_box_state st = { 0 };
	struct pst_error err = { 0 };

	load_rows(box, rows);
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	for (size_t i = 0; i < rows->n; i++)
		CHECK(
		    body_is(box, rows->v[i].uid, crlf_text, strlen(crlf_text)),
		    "content %zu", i);
	OPS->box_close(box);
	OPS->acct_close(acct);
	return st;
}

static void
damaged_state(void)
{
	static const char *const damage[] = { "", "garbage\n",
		"postern-mailbox 1\nuidvalidity 5\nuidnext 2\nmodseq 3\n"
		"objectid Fx\n",
		"postern-mailbox 1\nuidvalidity 0\nuidnext 2\nmodseq 3\n"
		"objectid Fx\nend\n",
		"postern-mailbox 1\nuidvalidity 5\nuidnext 99999999999\n"
		"modseq 3\nobjectid Fx\nend\n" };
	struct pst_acct *acct = acct_of("state@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct pst_box_state old, st;
	struct rows rows;

	for (int i = 0; i < 5; i++)
		(void)put(box, crlf_text, PST_SEEN, 0, 1000 + i);
	OPS->box_close(box);
	OPS->acct_close(acct);
	old = look(&rows);
	rows_free(&rows);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		write_file("state/postern.state", damage[i], strlen(damage[i]));
		st = look(&rows);
		CHECK(st.uidvalidity > old.uidvalidity,
		    "damage %zu: another UIDVALIDITY", i);
		CHECK(rows.n == 5 && rows_ascend(&rows),
		    "damage %zu: no message is lost", i);
		for (size_t k = 0; k < rows.n; k++)
			CHECK(rows.v[k].flags == PST_SEEN &&
				  rows.v[k].internal_date == 1000 + (int64_t)k,
			    "flags, dates and order stay");
		rows_free(&rows);
		old = st;
	}
	CHECK(unlink(in("state/postern.state").s) == 0, "unlink");
	st = look(&rows);
	CHECK(st.uidvalidity > old.uidvalidity && rows.n == 5,
	    "without a state it is begun anew");
	rows_free(&rows);
	old = st;
	st = look(&rows);
	CHECK(st.uidvalidity == old.uidvalidity && st.uidnext == old.uidnext,
	    "and stays");
	rows_free(&rows);
	write_file("state/postern.state", "postern-mailbox 2\nnew\n", 22);
	acct = acct_of("state@example.test");
	CHECK_RC(PST_E_TEMP, OPS->box_open(acct, "INBOX", &box, &err));
	OPS->acct_close(acct);
	write_file("state/postern.account", "postern-account 7\nnew\n", 22);
	{
		bool created;

		CHECK_RC(PST_E_TEMP,
		    OPS->acct_open(suite.store, "state@example.test", &acct,
			&created, &err));
	}
}

static void
copy_tree(const char *from, const char *to)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		(void)execlp("cp", "cp", "-a", from, to, (char *)NULL);
		_exit(127);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
	    "cp -a %s %s", from, to);
}

/* A copy of the disk in the middle of work is what a crash leaves. */
static void
after_a_crash(void)
{
	struct pst_acct *acct = acct_of("crash@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct pst_box_state st, then;
	struct uids gone = { 0 };
	struct rows rows;
	struct pst_range r;
	struct path p, q;
	uint32_t uid = 0;

	for (int i = 0; i < 40; i++)
		uid = put(box, crlf_text, 0, 0, 1);
	CHECK_RC(
	    PST_OK, OPS->expunge(box, one(&r, 30, uid), uids_add, &gone, &err));
	uids_free(&gone);
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	p = in("crash");
	q = in("crashed");
	copy_tree(p.s, q.s);
	OPS->box_close(box);
	OPS->acct_close(acct);
	acct = acct_of("crashed@example.test");
	box = box_of(acct, "INBOX");
	CHECK_RC(PST_OK, OPS->state(box, &then, &err));
	CHECK(then.uidvalidity == st.uidvalidity, "UIDVALIDITY");
	CHECK(then.uidnext >= st.uidnext, "UIDNEXT");
	CHECK(then.highestmodseq >= st.highestmodseq, "HIGHESTMODSEQ");
	load_rows(box, &rows);
	CHECK(rows.n == 29, "what was there");
	CHECK(put(box, crlf_text, 0, 0, 1) > uid, "no uid twice");
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

static void
left_overs(void)
{
	static const char intent[] = "postern-rename 1\n.a .b\n.a.x .b.x\n"
				     ".. ../evil\n.gone .nowhere\nend\n";
	struct pst_acct *acct = acct_of("left@example.test");
	struct pst_error err = { 0 };
	struct listing l;

	CHECK_RC(PST_OK, OPS->create(acct, "a", "", &err));
	CHECK_RC(PST_OK, OPS->create(acct, "a/x", "", &err));
	OPS->acct_close(acct);
	rename_file("left/.a", "left/.b");
	write_file("left/postern.rename", intent, sizeof(intent) - 1);
	CHECK(mkdir(in("left/postern.trash-1").s, 0700) == 0, "mkdir");
	CHECK(mkdir(in("left/postern.trash-1/cur").s, 0700) == 0, "mkdir");
	write_file("left/postern.trash-1/cur/1:2,", "x", 1);
	write_file("left/tmp/young", "x", 1);
	write_file("left/tmp/old", "x", 1);
	{
		const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };

		CHECK(utimensat(AT_FDCWD, in("left/tmp/old").s, old, 0) == 0,
		    "utimensat");
	}
	acct = acct_of("left@example.test");
	listing_get(acct, &l);
	CHECK(listing_find(&l, "a") == NULL && listing_find(&l, "b") != NULL &&
		  listing_find(&l, "b/x") != NULL,
	    "a rename is finished");
	CHECK(!has("left/postern.rename"), "its plan is gone");
	CHECK(!has("left/postern.trash-1"), "trash is swept");
	listing_free(&l);
	OPS->box_close(box_of(acct, "INBOX"));
	{
		struct pst_box *box = box_of(acct, "INBOX");
		struct rows rows;

		load_rows(box, &rows);
		rows_free(&rows);
		OPS->box_close(box);
	}
	CHECK(has("left/tmp/young") && !has("left/tmp/old"),
	    "old files in tmp are removed");
	OPS->acct_close(acct);
}

/* --- folders of others ---------------------------------------------------- */

static void
foreign_folders(void)
{
	static const struct {
		const char *dir, *name; /* NULL: whatever it is called */
	} folder[] = {
		{ ".Work", "Work" },
		{ ".Work.2024", "Work/2024" },
		{ ".b&APw-cher", "b\xc3\xbc"
				 "cher" },
		{ ".raw\xff", NULL },
		{ ".b\xc3\xbc"
		  "cher",
		    NULL },
		{ ".&broken", NULL },
		{ ".&AGE-", NULL }, /* 'a' need not be encoded */
		{ ".two..dots", NULL },
		{ "....", NULL },
		{ ".inbox", NULL },
		{ ".INBOX", NULL },
		{ ".Inbox.sub", NULL },
		{ ".&,,0-x", NULL },
		{ ".with&AC8-slash", NULL },
	};
	enum { FOLDERS = sizeof(folder) / sizeof(folder[0]) };
	struct pst_acct *acct = acct_of("folders@example.test");
	struct pst_error err = { 0 };
	struct listing l;
	unsigned found = 0;

	for (size_t i = 0; i < FOLDERS; i++) {
		char path[200];

		for (int k = 0; k < 4; k++) {
			static const char *const sub[] = { "", "/new", "/cur",
				"/tmp" };

			(void)snprintf(path, sizeof(path), "folders/%s%s",
			    folder[i].dir, sub[k]);
			CHECK(mkdir(in(path).s, 0700) == 0, "mkdir %s", path);
		}
		(void)snprintf(path, sizeof(path), "folders/%s", folder[i].dir);
		deliver(path, "1.x", folder[i].dir);
	}
	listing_get(acct, &l);
	for (size_t i = 0; i < FOLDERS; i++)
		if (folder[i].name != NULL)
			CHECK(listing_find(&l, folder[i].name) != NULL &&
				  listing_find(&l, folder[i].name)->exists,
			    "%s is listed", folder[i].name);
	for (size_t i = 0; i < l.n; i++) {
		struct rows rows;
		struct pst_box *box;

		if (!l.v[i].exists || strcmp(l.v[i].name, "INBOX") == 0)
			continue;
		box = box_of(acct, l.v[i].name);
		if (box == NULL)
			continue;
		load_rows(box, &rows);
		for (size_t k = 0; k < FOLDERS && rows.n == 1; k++)
			found += body_is(box, rows.v[0].uid, folder[k].dir,
			    strlen(folder[k].dir));
		rows_free(&rows);
		OPS->box_close(box);
	}
	CHECK(found == FOLDERS, "each is shown and opens: %u", found);
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].exists && strcmp(l.v[i].name, "INBOX") != 0)
			CHECK(OPS->remove(acct, l.v[i].name, &err) == PST_OK,
			    "%s is removed", l.v[i].name);
	CHECK(!has("folders/.raw\xff") && !has("folders/....") &&
		  has("folders/cur"),
	    "by its own folder");
	listing_free(&l);
	OPS->acct_close(acct);
}

/* --- modseqs over a close ------------------------------------------------- */

static uint64_t
highest(struct rows *rows)
{
	struct pst_acct *acct = acct_of("modseq@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_box_state st = { 0 };
	struct pst_error err = { 0 };

	load_rows(box, rows);
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	for (size_t i = 0; i < rows->n; i++)
		CHECK(rows->v[i].modseq <= st.highestmodseq, "modseq");
	pause_ms(20);
	OPS->box_close(box);
	OPS->acct_close(acct);
	return st.highestmodseq;
}

static void
modseqs(void)
{
	struct pst_acct *acct = acct_of("modseq@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	uint64_t first, second, third;
	struct rows rows;
	struct path p;
	char to[700];

	(void)put(box, crlf_text, PST_SEEN, 0, 1);
	(void)put(box, crlf_text, 0, 0, 1);
	OPS->box_close(box);
	OPS->acct_close(acct);
	first = highest(&rows);
	rows_free(&rows);
	second = highest(&rows);
	CHECK(second == first, "nobody was here: nothing changed");
	rows_free(&rows);
	deliver("modseq", "1.other", crlf_text);
	third = highest(&rows);
	CHECK(third > second, "a delivery while it was closed");
	CHECK(rows.n == 3 && rows.v[0].modseq <= second &&
		  rows.v[1].modseq <= second && rows.v[2].modseq > second,
	    "is the only change");
	rows_free(&rows);
	/* So is one of our own into a mailbox that nobody looks at. */
	acct = acct_of("modseq@example.test");
	box = box_of(acct, "INBOX");
	CHECK(put(box, crlf_text, 0, 0, 1) == 4, "put");
	OPS->box_close(box);
	OPS->acct_close(acct);
	first = third;
	third = highest(&rows);
	CHECK(rows.n == 4 && rows.v[1].modseq <= first &&
		  rows.v[2].modseq <= first && rows.v[3].modseq > first,
	    "a delivery of our own");
	rows_free(&rows);
	/* A reader may set flags in new without moving the message. */
	p = find_file("modseq/new", "U=2");
	(void)snprintf(to, sizeof(to), "%s:2,F", p.s);
	rename_file(p.s, to);
	first = third;
	third = highest(&rows);
	CHECK(rows.n == 4 && rows.v[1].modseq > first &&
		  rows.v[1].flags == PST_FLAGGED && rows.v[0].modseq <= first &&
		  rows.v[2].modseq <= first,
	    "flags in new");
	rows_free(&rows);
	p = find_file("modseq/cur", "U=1");
	(void)snprintf(to, sizeof(to), "%sT", p.s);
	rename_file(p.s, to);
	second = highest(&rows);
	CHECK(second > third && rows.n == 4 && rows.v[0].modseq > third,
	    "flags that changed while it was closed");
	rows_free(&rows);
	p = find_file("modseq/new", "U=2");
	CHECK(unlink(in(p.s).s) == 0, "unlink");
	CHECK(
	    highest(&rows) > second && rows.n == 3, "so does what was removed");
	rows_free(&rows);
}

/* --- letters that mean nothing -------------------------------------------- */

/* The name of a file with many letters, as long as a name can be. */
static void
name_with_letters(char out[256], size_t n)
{
	size_t at = (size_t)snprintf(out, 256, "cur/3.%060d:2,F", 0);

	for (int c = 1; c < 256 && at < n; c++)
		if (c > 127 || c < ' ')
			out[at++] = (char)c;
	out[at] = '\0';
}

/*
 * A name has so many of them that there is no room for more in it: what is
 * made of it has the flags.
 */
static void
many_letters(void)
{
	struct pst_acct *acct = acct_of("letters@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	char name[256], path[300];
	struct timespec time[2];
	struct pst_error err = { 0 };
	struct copies copies = { 0 };
	struct pst_range r;
	struct rows rows;
	struct path p;

	/* The fields that come into the name leave just no octet. */
	name_with_letters(name, 227);
	(void)snprintf(path, sizeof(path), "letters/%s", name);
	(void)write_file(path, crlf_text, strlen(crlf_text));
	(void)clock_gettime(CLOCK_REALTIME, &time[0]);
	time[0].tv_sec--;
	time[1] = time[0];
	CHECK(utimensat(AT_FDCWD, in(path).s, time, 0) == 0, "utimensat");
	load_rows(box, &rows);
	CHECK(rows.n == 1 && rows.v[0].flags == PST_FLAGGED, "flags");
	p = find_file("letters/cur", "U=1");
	CHECK(strstr(p.s, "\x01") != NULL, "letters stay: %s", p.s);
	pause_ms(2100); /* so that a copy has a date more in its name */
	CHECK_RC(PST_OK,
	    OPS->copy(box, one(&r, 1, 1), box, copies_add, &copies, &err));
	CHECK(copies.rows.n == 1 && copies.rows.v[0].flags == PST_FLAGGED,
	    "a copy has the flags");
	CHECK(body_is(box, 2, crlf_text, strlen(crlf_text)), "and the text");
	p = find_file("letters/cur", "U=2");
	CHECK(strlen(p.s) > 60 && strlen(p.s) < 200,
	    "and no letters cut short: %zu", strlen(p.s));
	copies_free(&copies);
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* Another program uses a letter whose name we do not know; a keyword that is
 * new must not get just that one. */
static void
unnamed_letters(void)
{
	struct pst_acct *acct = acct_of("unnamed@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	unsigned number = 0;
	struct rows rows;

	(void)put(box, crlf_text, 0, 0, 1);
	OPS->box_close(box);
	(void)write_file(
	    "unnamed/cur/5.other:2,Sabc", crlf_text, strlen(crlf_text));
	box = box_of(acct, "INBOX");
	CHECK_RC(PST_OK, OPS->keyword(box, "$New", true, &number, &err));
	load_rows(box, &rows);
	CHECK(rows.n == 2, "two messages");
	for (size_t i = 0; i < rows.n; i++)
		CHECK((rows.v[i].keywords >> number & 1) == 0,
		    "uid %u has no $New", rows.v[i].uid);
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- kept messages -------------------------------------------------------- */

static void
count_kept(void *arg, const struct pst_kept *kept)
{
	(void)kept;
	++*(size_t *)arg;
}

static void
first_kept(void *arg, const struct pst_kept *kept)
{
	char *id = arg;

	if (id[0] == '\0')
		(void)snprintf(id, 40, "%s", kept->id);
}

static size_t
kept_now(struct pst_acct *acct)
{
	struct pst_error err = { 0 };
	size_t n = 0;

	CHECK_RC(PST_OK, OPS->kept_each(acct, count_kept, &n, &err));
	return n;
}

static void
ignore_uid(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void
ignore_restored(void *arg, size_t n, const struct pst_row *row)
{
	(void)n;
	*(uint32_t *)arg = row->uid;
}

/* Removed mailboxes cost no descriptors, however many there are. */
static void
many_kept(void)
{
	enum { MAILBOXES = 40, FILES = 60 };
	struct pst_acct *acct = acct_of("manykept@example.test");
	const struct pst_kept_limit all = { .before = INT64_MAX,
		.most = MAILBOXES };
	struct pst_kept_sum sum;
	struct rlimit before, few;
	struct pst_error err = { 0 };
	struct pst_box *box;
	char id[40] = "";
	const char *ids[] = { id };
	uint32_t uid = 0;

	for (int i = 0; i < MAILBOXES; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "box%d", i);
		CHECK_RC(PST_OK, OPS->create(acct, name, "", &err));
		box = box_of(acct, name);
		(void)put(box, crlf_text, 0, 0, 1);
		OPS->box_close(box);
		CHECK_RC(PST_OK, OPS->remove_keep(acct, name, &err));
	}
	box = box_of(acct, "INBOX");
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0, "getrlimit");
	few = before;
	few.rlim_cur = FILES;
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit");
	CHECK(kept_now(acct) == MAILBOXES, "all are told");
	CHECK_RC(PST_OK, OPS->kept_each(acct, first_kept, id, &err));
	CHECK_RC(PST_OK,
	    OPS->kept_restore(acct, ids, 1, box, ignore_restored, &uid, &err));
	CHECK(uid > 0 && body_is(box, uid, crlf_text, strlen(crlf_text)),
	    "one is back");
	CHECK_RC(PST_OK, OPS->kept_purge(acct, &all, &sum, &err));
	CHECK(sum.purged.messages == MAILBOXES - 1 && sum.left.messages == 0,
	    "the others are purged");
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0, "setrlimit");
	CHECK(count_files("manykept/postern.kept") == 0, "nothing stays");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* Somebody removes what is kept while a mailbox is open: what is expunged
 * later is kept again. */
static void
kept_removed(void)
{
	struct pst_acct *acct = acct_of("keptgone@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct pst_range r;
	struct rows rows;
	char command[700];

	(void)put(box, crlf_text, 0, 0, 1);
	(void)put(box, crlf_text, 0, 0, 1);
	load_rows(box, &rows);
	rows_free(&rows);
	CHECK_RC(PST_OK,
	    OPS->expunge_keep(box, one(&r, 1, 1), ignore_uid, NULL, &err));
	CHECK(kept_now(acct) == 1, "the first is kept");
	(void)snprintf(command, sizeof(command), "rm -r '%s'",
	    in("keptgone/postern.kept").s);
	CHECK(system(command) == 0, "rm");
	CHECK(kept_now(acct) == 0, "it was removed");
	CHECK_RC(PST_OK,
	    OPS->expunge_keep(box, one(&r, 2, 2), ignore_uid, NULL, &err));
	CHECK(kept_now(acct) == 1, "the second is kept");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- other programs and whole mailboxes ----------------------------------- */

/* `old` is open by a name that its folder had: nothing gets a uid that a box of
 * its new name gives. */
static void
two_boxes(struct pst_acct *acct, struct pst_box *old)
{
	enum { MESSAGES = 40 };
	struct pst_box *new = box_of(acct, "c");
	struct pst_stage *stage = stage_of(crlf_text, strlen(crlf_text));
	struct pst_append append = { .stage = stage };
	struct pst_error err = { 0 };
	uint32_t last = 0, uid;
	struct pst_row row;
	enum pst_rc rc = PST_OK;
	struct rows rows;

	for (int i = 0; i < MESSAGES; i++) {
		uid = put(new, crlf_text, 0, 0, 1);
		CHECK(uid > last, "ascending: %u", uid);
		last = uid;
	}
	for (int i = 0; i < MESSAGES && rc == PST_OK; i++)
		rc = OPS->commit(old, &append, 1, &row, &err);
	CHECK(rc == PST_E_NOTFOUND, "no new uids: %d", rc);
	OPS->stage_free(stage);
	OPS->box_close(new);
	new = box_of(acct, "c");
	load_rows(new, &rows);
	CHECK(rows_ascend(&rows) && rows.n >= MESSAGES, "all are there");
	for (size_t i = 0; i < rows.n; i++)
		CHECK(rows.v[i].uid <= last, "nothing was numbered anew");
	rows_free(&rows);
	OPS->box_close(new);
}

static void
lost_folders(void)
{
	struct pst_acct *acct = acct_of("lost@example.test");
	struct pst_error err = { 0 };
	struct pst_box *box, *inbox = box_of(acct, "INBOX");
	char command[700];

	CHECK(OPS->box_is_there(inbox), "INBOX is there");
	CHECK_RC(PST_OK, OPS->create(acct, "a", "", &err));
	CHECK_RC(PST_OK, OPS->create(acct, "b", "", &err));
	box = box_of(acct, "a");
	CHECK(OPS->box_is_there(box), "it is there");
	CHECK(put(box, crlf_text, 0, 0, 1) == 1, "a message");
	rename_file("lost/.a", "lost/.c");
	CHECK(!OPS->box_is_there(box), "it was renamed");
	rename_file("lost/.b", "lost/.a");
	CHECK(!OPS->box_is_there(box), "another has its name");
	two_boxes(acct, box);
	OPS->box_close(box);
	box = box_of(acct, "a");
	CHECK(OPS->box_is_there(box), "which is there");
	(void)snprintf(command, sizeof(command), "rm -r '%s'", in("lost/.a").s);
	CHECK(system(command) == 0, "rm");
	CHECK(!OPS->box_is_there(box), "it was removed");
	OPS->box_close(box);
	CHECK(OPS->box_is_there(inbox), "INBOX is still there");
	OPS->box_close(inbox);
	OPS->acct_close(acct);
}

/* --- watching ------------------------------------------------------------- */

static atomic_uint calls;

static void
count_call(void *cookie)
{
	atomic_fetch_add((atomic_uint *)cookie, 1);
}

static bool
called(void)
{
	for (int i = 0; i < 200 && atomic_load(&calls) == 0; i++)
		pause_ms(5);
	return atomic_exchange(&calls, 0) > 0;
}

static void
watching(void)
{
	struct pst_acct *acct = acct_of("watch@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct rows rows, changed;
	struct uids conflict, gone = { 0 };
	struct pst_range r;
	struct delta d;
	struct path p;
	uint32_t uid;

	suite.host.changed = count_call;
	load_rows(box, &rows);
	rows_free(&rows);
	pause_ms(20);
	CHECK_RC(PST_OK, OPS->watch(box, &calls, &err));
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d), "quiet");
	delta_free(&d);
	pause_ms(20);
	atomic_store(&calls, 0);
	for (int i = 0; i < 50; i++) {
		uid = put(box, crlf_text, (uint32_t)i % 2, 0, 1);
		CHECK(change_flags(box, uid, PST_FLAGS_ADD, PST_FLAGGED, 0,
			  UINT64_MAX, &changed, &conflict) == PST_OK,
		    "flags");
		rows_free(&changed);
		if (i % 3 == 0)
			CHECK_RC(PST_OK, OPS->expunge(box, one(&r, uid, uid),
					     uids_add, &gone, &err));
	}
	uids_free(&gone);
	pause_ms(50);
	CHECK(atomic_load(&calls) == 0, "our own doings are not told: %u",
	    atomic_load(&calls));
	deliver("watch", "1.other", lf_text);
	CHECK(called(), "a delivery is told");
	pause_ms(20);
	CHECK(atomic_load(&calls) == 0, "once until it is looked at");
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 1 &&
		  d.changed.n == 0 && d.gone.n == 0,
	    "and found");
	delta_free(&d);
	pause_ms(20);
	CHECK(atomic_load(&calls) == 0, "taking it in is our own doing");
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d), "once");
	delta_free(&d);
	p = find_file("watch/new", "other");
	CHECK(unlink(in(p.s).s) == 0, "unlink");
	CHECK(called(), "a removal is told");
	CHECK(delta_get(box, &d) == PST_OK && d.gone.n == 1, "and found");
	delta_free(&d);
	OPS->unwatch(box);
	deliver("watch", "2.other", lf_text);
	pause_ms(50);
	CHECK(atomic_load(&calls) == 0, "nothing after unwatch()");
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 1,
	    "it is found all the same");
	delta_free(&d);
	CHECK_RC(PST_OK, OPS->watch(box, &calls, &err));
	OPS->box_close(box); /* while it is watched */
	OPS->acct_close(acct);
}

/* --- the store ------------------------------------------------------------ */

static void
one_server_only(void)
{
	struct pst_error err = { 0 };
	struct pst_store *other = NULL;

	CHECK(OPS->open(&suite.host, suite.section, &other, &err) != PST_OK,
	    "a second open is refused");
	CHECK(strstr(err.detail, "in use") != NULL, "in words: %s", err.detail);
}

static void
stages_leave_nothing(void)
{
	char path[500];
	DIR *dir;
	struct dirent *d;
	unsigned n = 0;

	(void)snprintf(path, sizeof(path), "%s/postern.tmp", root);
	dir = opendir(path);
	while (dir != NULL && (d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.';
	if (dir != NULL)
		(void)closedir(dir);
	CHECK(n == 0, "%u files are left in postern.tmp", n);
}

static void
removed_account(void)
{
	struct pst_acct *acct = acct_of("again@example.test");
	struct pst_box_state old, new;
	struct pst_error err = { 0 };
	struct pst_box *box;

	for (int i = 0; i < 5; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "m%d", i);
		CHECK_RC(PST_OK, OPS->create(acct, name, "", &err));
	}
	box = box_of(acct, "m4");
	CHECK_RC(PST_OK, OPS->state(box, &old, &err));
	OPS->box_close(box);
	CHECK_RC(PST_E_CONFLICT,
	    OPS->acct_remove(suite.store, "again@example.test", &err));
	OPS->acct_close(acct);
	CHECK_RC(
	    PST_OK, OPS->acct_remove(suite.store, "again@example.test", &err));
	CHECK(!has("again"), "its folder is gone");
	if (!reopen())
		return;
	acct = acct_of("again@example.test");
	box = box_of(acct, "INBOX");
	CHECK_RC(PST_OK, OPS->state(box, &new, &err));
	CHECK(new.uidvalidity > old.uidvalidity,
	    "UIDVALIDITY grows over the removal of an account");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- what a conversion placed ----------------------------------------------
 */

/* All but the modseqs stands in the names of the files. */
static void
placed_without_index(void)
{
	static const char ident[] = "0123456789abcdefghijklmnopqrstuvwxyz_-A";
	const struct pst_box_state origin = { 77, 5000, 900, "Other-1" };
	struct pst_acct *acct = acct_of("placed@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_placed p = {
		.row = { .uid = 4000,
		    .flags = PST_SEEN | PST_DRAFT,
		    .modseq = 800,
		    .internal_date = 1600000000,
		    .save_date = 1650000000 },
	};
	struct pst_box_state st = { 0 };
	struct pst_error err = { 0 };
	struct copies c = { 0 };
	struct pst_range r;
	char id[40] = "";
	struct rows rows;

	memcpy(p.ident, ident, sizeof(ident));
	p.stage = stage_of(crlf_text, strlen(crlf_text));
	CHECK_RC(PST_OK, OPS->adopt(box, &origin, &err));
	CHECK_RC(PST_OK, OPS->place(box, &p, 1, &err));
	OPS->stage_free(p.stage);
	CHECK_RC(PST_OK,
	    OPS->copy(box, one(&r, 4000, 4000), box, copies_add, &c, &err));
	copies_free(&c);
	OPS->box_close(box);
	OPS->acct_close(acct);
	CHECK(find_file("placed/cur", ",E=0123").s[0] != '\0',
	    "its id is in the name");
	(void)unlink(in("placed/postern.index").s);
	(void)unlink(in("placed/postern.cache").s);
	if (!reopen())
		return;
	acct = acct_of("placed@example.test");
	box = box_of(acct, "INBOX");
	CHECK_RC(PST_OK, OPS->state(box, &st, &err));
	CHECK(st.uidvalidity == 77 && strcmp(st.objectid, "Other-1") == 0 &&
		  st.uidnext == 5001 && st.highestmodseq > 900,
	    "the state: %u %u %llu", st.uidvalidity, st.uidnext,
	    (unsigned long long)st.highestmodseq);
	load_rows(box, &rows);
	CHECK(rows.n == 2 && rows.v[0].uid == 4000 &&
		  rows.v[0].flags == (PST_SEEN | PST_DRAFT) &&
		  rows.v[0].internal_date == 1600000000 &&
		  rows.v[0].save_date == 1650000000 && rows.v[0].modseq > 900,
	    "the message");
	rows_free(&rows);
	for (uint32_t uid = 4000; uid <= 5000; uid += 1000)
		CHECK(OPS->ident(box, uid, id, &err) == PST_OK &&
			  strcmp(id, ident) == 0,
		    "the id of %u, a copy or not: %s", uid, id);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "line ends", line_ends },
	{ "own names", own_names },
	{ "foreign mail", foreign_mail },
	{ "line ends and what names say of them", line_ends_and_hints },
	{ "odd files", odd_files },
	{ "torn file", torn_file },
	{ "big file", big_lf_file },
	{ "damaged state", damaged_state },
	{ "after a crash", after_a_crash },
	{ "left-overs", left_overs },
	{ "foreign folders", foreign_folders },
	{ "modseqs", modseqs },
	{ "many letters", many_letters },
	{ "unnamed letters", unnamed_letters },
	{ "many kept mailboxes", many_kept },
	{ "kept messages that were removed", kept_removed },
	{ "lost folders", lost_folders },
	{ "placed", placed_without_index },
	{ "watching", watching },
	{ "one server", one_server_only },
	{ "removed account", removed_account },
	{ "stages", stages_leave_nothing },
};

int
main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strncmp(argv[i], "path=", 5) == 0)
			root = argv[i] + 5;
	if (root == NULL || !suite_begin(argc, argv))
		return 2;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		suite.part = tests[i].name;
		if (suite.store != NULL)
			tests[i].run();
	}
	return suite_end();
}
