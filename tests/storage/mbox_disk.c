/*
 * mbox_disk.c - what the conformance suite cannot know: how the mbox module's
 * mail looks on the disk, and what it makes of the doings of other programs, of
 * their locks, of damage, of torn ends, and of being killed at any system call.
 *
 *     mbox_disk MBOX.so path=DIR [fsync=false] lock_wait=1
 */
#include "conformance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *root;

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
write_at(const char *rest, const char *data, size_t n, int flags)
{
	int fd = open(in(rest).s, O_WRONLY | O_CREAT | flags, 0600);
	bool ok = fd >= 0 && write(fd, data, n) == (ssize_t)n;

	if (fd >= 0)
		(void)close(fd);
	return CHECK(ok, "write %s: %s", rest, strerror(errno));
}

static bool
write_file(const char *rest, const char *data, size_t n)
{
	return write_at(rest, data, n, O_TRUNC);
}

/* As a delivery agent does it. */
static void
append_file(const char *rest, const char *text)
{
	(void)write_at(rest, text, strlen(text), O_APPEND);
}

static char *
read_file(const char *rest, size_t *n_r)
{
	int fd = open(in(rest).s, O_RDONLY);
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0)
		abort();
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL || read(fd, text, (size_t)st.st_size) != st.st_size)
		abort();
	(void)close(fd);
	text[st.st_size] = '\0';
	if (n_r != NULL)
		*n_r = (size_t)st.st_size;
	return text;
}

static bool
run_program(char *const argv[])
{
	pid_t pid;
	int status;

	return posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0 &&
	       waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

static void
remove_all(const char *rest)
{
	struct path p = in(rest);
	char rm[] = "rm", flags[] = "-rf";
	char *const argv[] = { rm, flags, p.s, NULL };

	CHECK(run_program(argv), "rm %s", rest);
}

static void
copy_all(const char *from, const char *to)
{
	struct path p = in(from), q = in(to);
	char cp[] = "cp", flags[] = "-a";
	char *const argv[] = { cp, flags, p.s, q.s, NULL };

	remove_all(to);
	CHECK(run_program(argv), "cp %s", from);
}

/* How many torn ends were put into a folder. */
static unsigned
count_torn(const char *folder)
{
	DIR *dir = opendir(in(folder).s);
	struct dirent *d;
	unsigned n = 0;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		n += strncmp(d->d_name, "torn-", 5) == 0;
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

static void
pause_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
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

/* --- what other programs write ----------------------------------------------
 */

#define FROM "From joe@example.org Fri Jul  8 12:08:34 2011\n"

static const struct {
	const char *label, *file;
	const char *content[3];
} formats[] = {
	{ "an empty file", "", { NULL } },
	{ "one message", FROM "Subject: a\n\nb\n\n",
	    { "Subject: a\r\n\r\nb\r\n" } },
	{ "no empty line at the end", FROM "Subject: a\n\nb\n",
	    { "Subject: a\r\n\r\nb\r\n" } },
	{ "no line end at the end", FROM "Subject: a\n\nb",
	    { "Subject: a\r\n\r\nb" } },
	{ "a CR at the end", FROM "A: a\n\nb\r", { "A: a\r\n\r\nb\r" } },
	{ "no empty line between", FROM "A: a\n\nb\n" FROM "C: c\n\nd\n\n",
	    { "A: a\r\n\r\nb\r\n", "C: c\r\n\r\nd\r\n" } },
	{ "only a header", FROM "A: a\n\n" FROM "C: c\n\n\n",
	    { "A: a\r\n\r\n", "C: c\r\n\r\n" } },
	{ "CRLF", "From joe Fri Jul  8 12:08:34 2011\r\nA: a\r\n\r\nb\r\n\r\n",
	    { "A: a\r\n\r\nb\r\n" } },
	{ "text that begins like a message",
	    FROM "A: a\n\nb\n\nFrom here on it is text\n\n",
	    { "A: a\r\n\r\nb\r\n\r\nFrom here on it is text\r\n" } },
	{ "quoting", FROM "A: a\n\n>From b\n>>From c\n> From d\n>Fro\n\n",
	    { "A: a\r\n\r\nFrom b\r\n>From c\r\n> From d\r\n>Fro\r\n" } },
	{ "a length that is wrong",
	    FROM "A: a\nContent-Length: 99999\nLines: 7\n\nb\n\n" FROM
		 "Lines: 1\n\n\n",
	    { "A: a\r\n\r\nb\r\n", "Lines: 1\r\n\r\n" } },
	{ "dates of many kinds",
	    "From \"joe user\"@example.org Fri Jul 8 12:08 2011\nA: a\n\n\n"
	    "From joe Fri Jul  8 12:08:34 CEST 2011\nB: b\n\n\n"
	    "From Fri Jul  8 12:08:34 2011 +0200 remote from x\nC: c\n\n\n",
	    { "A: a\r\n\r\n", "B: b\r\n\r\n", "C: c\r\n\r\n" } },
	{ "what another server keeps",
	    "From MAILER-DAEMON Fri Jul  8 12:08:34 2011\n"
	    "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
	    "X-IMAP: 1310126914 0000000007\nStatus: RO\n\nnotes\n\n" FROM
	    "A: a\nStatus: RO\nX-UID: 5\n\nb\n\n",
	    { "A: a\r\n\r\nb\r\n" } },
	{ "fields that go on",
	    FROM "Status: R\n O\nA: a\n b\nX-Keywords: k\n\tl\n\nc\n\n",
	    { "A: a\r\n b\r\n\r\nc\r\n" } },
};

static void
other_formats(void)
{
	enum { N = sizeof(formats) / sizeof(formats[0]) };
	struct pst_acct *acct = acct_of("formats@example.test");

	for (size_t i = 0; i < N; i++) {
		struct pst_box *box;
		struct rows rows;
		size_t want = 0;

		CHECK(write_file("formats/INBOX", formats[i].file,
			  strlen(formats[i].file)),
		    "%s", formats[i].label);
		remove_all("formats/.postern-INBOX");
		/* First as it is, then after it was written again. */
		for (int turn = 0; turn < 3; turn++) {
			struct rows changed;
			struct uids conflict;

			box = box_of(acct, "INBOX");
			load_rows(box, &rows);
			while (want < 3 && formats[i].content[want] != NULL)
				want++;
			CHECK(rows.n == want, "%s: %zu messages in turn %d",
			    formats[i].label, rows.n, turn);
			for (size_t k = 0; k < want && k < rows.n; k++) {
				const char *text = formats[i].content[k];

				CHECK(rows.v[k].size == strlen(text) &&
					  body_is(box, rows.v[k].uid, text,
					      strlen(text)),
				    "%s: message %zu in turn %d",
				    formats[i].label, k, turn);
			}
			if (turn == 1 && rows.n > 0) {
				CHECK(change_flags(box, rows.v[0].uid,
					  PST_FLAGS_ADD, PST_FLAGGED, 0,
					  UINT64_MAX, &changed,
					  &conflict) == PST_OK,
				    "flags");
				rows_free(&changed);
				uids_free(&conflict);
			}
			rows_free(&rows);
			OPS->box_close(box);
		}
	}
	OPS->acct_close(acct);
}

/* A header line of 300 KiB, octets of every kind, and no more memory for it. */
static void
odd_content(void)
{
	enum { HUGE_N = 300000 };
	struct pst_acct *acct = acct_of("odd@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	size_t n = 0;
	char *text = malloc(4 * HUGE_N);
	struct rows rows;

	n = (size_t)snprintf(text, 100, FROM "X: ");
	memset(text + n, 'x', HUGE_N);
	n += HUGE_N;
	memcpy(text + n, "\n\n", 2);
	n += 2;
	for (int i = 0; i < 256; i++)
		if (i != '\r' && i != '\n')
			text[n++] = (char)i;
	memset(text + n, '>', HUGE_N);
	n += HUGE_N;
	memcpy(text + n, "\n", 1);
	memset(text + n + 1, '>', HUGE_N);
	n += 1 + HUGE_N;
	memcpy(text + n, "From x\n\n", 8);
	n += 8;
	(void)write_file("odd/INBOX", text, n);
	load_rows(box, &rows);
	CHECK(rows.n == 1, "one message");
	if (rows.n == 1) {
		struct pst_error err;
		struct pst_body body;
		char *got;

		/* Line ends got a CR each but for the last one; one '>' went.
		 */
		CHECK(rows.v[0].size == n - strlen(FROM) + 4 - 1 - 1,
		    "size %llu of %zu", (unsigned long long)rows.v[0].size, n);
		CHECK_RC(PST_OK, OPS->body(box, rows.v[0].uid, &body, &err));
		got = body_text(&body);
		CHECK(got != NULL && body.length == rows.v[0].size &&
			  memcmp(got, text + strlen(FROM), HUGE_N) == 0 &&
			  memcmp(got + body.length - 12, ">>>>From x\r\n",
			      12) == 0,
		    "its content");
		free(got);
		body.release(&body);
	}
	rows_free(&rows);
	free(text);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- our own messages
 * --------------------------------------------------------- */

static const char *const contents[] = {
	"From x\r\n\r\nFrom y\r\n>From z\r\n>>From Fri Jul  8 12:08:34 "
	"2011\r\n",
	"From joe Fri Jul  8 12:08:34 2011\r\nSubject: a\r\n\r\n",
	"Subject: a\r\nStatus: RO\r\nX-UID: 7\r\nX-Status: F\r\n\r\nb\r\n",
	"X-Kept-Status: RO\r\nX-Kept-: a\r\n\r\nX-Kept-Status: b\r\n",
	"Content-Length: 5\r\nLines: 1\r\n\r\nb\r\n",
	" begins with a space\r\n\r\nb\r\n",
	"\tbegins with a tab",
	"\r\nno header\r\n\r\n\r\n",
	"X-IMAPbase: 1 2\r\nX-Postern: 1 00000000 l M0 1 1 5\r\n\r\nb\r\n",
	"status: lower case\r\n continues\r\nX-KEYWORDS: a b\r\n\r\nb\r\n",
	"a\nb\nFrom c\n>From d\n",
	"Status: RO\n\nbare\n",
	"a\rb\r\nc\r\r\n\n",
	"",
	"\r\n",
	"\n",
	"\r",
	"From ",
	">>>>>",
	"Subject: a\r\n\r\nno end",
	"From postern-filler Thu Jan  1 00:00:00 1970\r\nX-Postern-Filler: "
	"a\r\n",
};
enum { CONTENTS = sizeof(contents) / sizeof(contents[0]) };

static void
contents_are(struct pst_box *box, const char *when)
{
	struct rows rows;

	load_rows(box, &rows);
	CHECK(rows.n == CONTENTS, "%s: %zu messages", when, rows.n);
	for (size_t i = 0; i < CONTENTS && i < rows.n; i++)
		CHECK(rows.v[i].uid == i + 1 &&
			  rows.v[i].size == strlen(contents[i]) &&
			  body_is(box, (uint32_t)i + 1, contents[i],
			      strlen(contents[i])),
		    "%s: content %zu, size %llu", when, i,
		    (unsigned long long)rows.v[i].size);
	rows_free(&rows);
}

static void
own_contents(void)
{
	struct pst_acct *acct = acct_of("own@example.test");
	struct pst_box *box = box_of(acct, "INBOX"), *other;
	struct pst_error err = { 0 };
	struct copies c = { 0 };
	struct pst_range r;
	char *text;

	for (size_t i = 0; i < CONTENTS; i++)
		CHECK(put(box, contents[i], 0, 0, 1234567890) == i + 1, "put");
	contents_are(box, "as they came");
	OPS->box_close(box);
	remove_all("own/.postern-INBOX");
	box = box_of(acct, "INBOX");
	contents_are(box, "without an index");
	CHECK_RC(PST_OK, OPS->create(acct, "Other", "", &err));
	other = box_of(acct, "Other");
	CHECK_RC(PST_OK, OPS->copy(box, one(&r, 1, UINT32_MAX), other,
			     copies_add, &c, &err));
	copies_free(&c);
	contents_are(other, "copies");
	OPS->box_close(other);
	/* A program that knows nothing of our fields moves the flags. */
	text = read_file("own/INBOX", NULL);
	CHECK(strncmp(text, "From MAILER-DAEMON ", 19) == 0, "From line");
	CHECK(strstr(text, "\nX-IMAPbase: ") != NULL &&
		  strstr(text, "\nX-UID: 2         \nStatus:   \n") != NULL,
	    "our fields");
	CHECK(strstr(text, "\nX-Kept-Status: RO\nX-Kept-X-UID: 7\n") != NULL,
	    "fields of its own are put by");
	free(text);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- what survives
 * -------------------------------------------------------------- */

struct memory {
	struct pst_box_state state;
	struct rows rows;
	char ident[8][40];
	char keyword[32];
};

static void
remember(struct pst_box *box, struct memory *m)
{
	struct pst_error err = { 0 };

	*m = (struct memory){ 0 };
	CHECK_RC(PST_OK, OPS->state(box, &m->state, &err));
	load_rows(box, &m->rows);
	for (size_t i = 0; i < m->rows.n && i < 8; i++)
		CHECK_RC(PST_OK,
		    OPS->ident(box, m->rows.v[i].uid, m->ident[i], &err));
}

static void
is_remembered(struct pst_box *box, const struct memory *m, const char *when)
{
	struct memory now;

	remember(box, &now);
	CHECK(now.state.uidvalidity == m->state.uidvalidity, "%s: UIDVALIDITY",
	    when);
	CHECK(now.state.uidnext >= m->state.uidnext, "%s: UIDNEXT %u", when,
	    now.state.uidnext);
	CHECK(strcmp(now.state.objectid, m->state.objectid) == 0,
	    "%s: object id", when);
	CHECK(now.state.highestmodseq >= m->state.highestmodseq,
	    "%s: HIGHESTMODSEQ", when);
	CHECK(now.rows.n == m->rows.n, "%s: %zu messages", when, now.rows.n);
	for (size_t i = 0; i < m->rows.n && i < now.rows.n; i++) {
		const struct pst_row *a = &m->rows.v[i], *b = &now.rows.v[i];

		CHECK(a->uid == b->uid && a->flags == b->flags &&
			  a->internal_date == b->internal_date &&
			  a->save_date == b->save_date && a->size == b->size &&
			  (a->keywords != 0) == (b->keywords != 0),
		    "%s: message %u", when, a->uid);
		CHECK(b->modseq >= a->modseq, "%s: modseq", when);
		if (i < 8)
			CHECK(strcmp(now.ident[i], m->ident[i]) == 0,
			    "%s: ident of %u", when, a->uid);
	}
	rows_free(&now.rows);
}

/* All that is beside the file is lost, or damaged at any place. */
static void
without_index(void)
{
	static const char *const files[] = { "postern.places", "postern.index",
		"postern.cache" };
	struct pst_acct *acct = acct_of("survive@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct uids gone = { 0 };
	struct memory m;
	struct pst_range r;
	unsigned k = 0;
	char *text;
	size_t n;

	CHECK_RC(PST_OK, OPS->keyword(box, "$Work", true, &k, &err));
	for (uint32_t i = 0; i < 8; i++)
		CHECK(put(box, "Subject: a\r\n\r\nb\r\n", i % 32,
			  i % 2 ? UINT64_C(1) << k : 0,
			  1000000000 + (int64_t)i) == i + 1,
		    "put");
	CHECK_RC(
	    PST_OK, OPS->expunge(box, one(&r, 8, 8), uids_add, &gone, &err));
	CHECK_RC(
	    PST_OK, OPS->expunge(box, one(&r, 1, 2), uids_add, &gone, &err));
	uids_free(&gone);
	remember(box, &m);
	OPS->box_close(box);
	remove_all("survive/.postern-INBOX");
	box = box_of(acct, "INBOX");
	is_remembered(box, &m, "all deleted");
	OPS->box_close(box);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[200];

		(void)snprintf(
		    path, sizeof(path), "survive/.postern-INBOX/%s", files[i]);
		if (access(in(path).s, F_OK) < 0)
			continue;
		text = read_file(path, &n);
		for (size_t at = 0; at < n; at += n / 20 + 1) {
			text[at] = (char)(text[at] ^ 0x11);
			(void)write_file(path, text, n);
			text[at] = (char)(text[at] ^ 0x11);
			box = box_of(acct, "INBOX");
			is_remembered(box, &m, files[i]);
			OPS->box_close(box);
			free(text);
			text = read_file(path, &n);
		}
		free(text);
	}
	text = read_file("survive/.postern-INBOX/postern.state", &n);
	for (size_t cut = 0; cut < n - 4; cut += 9) {
		(void)write_file(
		    "survive/.postern-INBOX/postern.state", text, cut);
		box = box_of(acct, "INBOX");
		is_remembered(box, &m, "a state that was cut");
		OPS->box_close(box);
	}
	free(text);
	rows_free(&m.rows);
	OPS->acct_close(acct);
}

/* --- torn ends
 * -------------------------------------------------------------------- */

static void
torn_ends(void)
{
	static const char first[] = "Subject: first\r\n\r\none\r\n";
	static const char last[] =
	    "Subject: last\r\nStatus: mine\r\n\r\ntwo\r\n";
	struct pst_acct *acct = acct_of("torn@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	size_t n, whole;
	struct stat st;
	char *text;

	CHECK(put(box, first, 0, 0, 1) == 1, "put");
	OPS->box_close(box);
	copy_all("torn/.postern-INBOX", "torn/.saved");
	(void)stat(in("torn/INBOX").s, &st);
	n = (size_t)st.st_size;
	box = box_of(acct, "INBOX");
	CHECK(put(box, last, 0, 0, 1) == 2, "put");
	OPS->box_close(box);
	text = read_file("torn/INBOX", &whole);
	for (size_t cut = n; cut <= whole; cut++) {
		bool is_whole = cut + 1 >= whole; /* but for the empty line */
		struct rows rows;
		uint32_t uid;

		(void)write_file("torn/INBOX", text, cut);
		if (cut % 2)
			copy_all("torn/.saved", "torn/.postern-INBOX");
		else
			remove_all("torn/.postern-INBOX");
		box = box_of(acct, "INBOX");
		load_rows(box, &rows);
		CHECK(rows.n == 1U + is_whole &&
			  body_is(box, 1, first, strlen(first)) &&
			  (!is_whole || body_is(box, 2, last, strlen(last))),
		    "cut after %zu of %zu: %zu messages", cut - n, whole - n,
		    rows.n);
		CHECK(
		    count_torn("torn/.postern-INBOX") == (cut > n && !is_whole),
		    "cut after %zu: what was torn is put by", cut - n);
		rows_free(&rows);
		uid = put(box, last, 0, 0, 1);
		CHECK(uid > 1 && body_is(box, uid, last, strlen(last)) &&
			  body_is(box, 1, first, strlen(first)),
		    "cut after %zu: the next one", cut - n);
		OPS->box_close(box);
	}
	/* What never came to the disk. */
	memset(text + n + 10, '\0', whole - n - 10);
	(void)write_file("torn/INBOX", text, whole);
	box = box_of(acct, "INBOX");
	CHECK(body_is(box, 1, first, strlen(first)), "NULs at the end");
	CHECK(put(box, last, 0, 0, 1) > 1, "and the next one");
	OPS->box_close(box);
	free(text);
	OPS->acct_close(acct);
}

/* --- other programs at work
 * --------------------------------------------------------- */

static const char delivered[] = FROM "Subject: new\n\nhello\n\n";
static const char delivered_text[] = "Subject: new\r\n\r\nhello\r\n";

static void
deliveries(void)
{
	struct pst_acct *acct = acct_of("others@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct rows rows, changed;
	struct uids conflict;
	struct delta d;
	char *text;

	load_rows(box, &rows);
	rows_free(&rows);
	append_file("others/INBOX", delivered);
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 1 &&
		  d.appended.v[0].uid == 1 && d.gone.n == 0,
	    "a delivery into an empty mailbox");
	delta_free(&d);
	CHECK(put(box, "a\r\n\r\n", 0, 0, 1) == 2, "one of our own");
	append_file("others/INBOX", delivered);
	append_file("others/INBOX", delivered);
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 2 &&
		  d.appended.v[0].uid == 3 && d.appended.v[1].uid == 4,
	    "two after it");
	delta_free(&d);
	CHECK(body_is(box, 4, delivered_text, strlen(delivered_text)),
	    "its content");
	/* Ours comes after theirs, which refresh() tells before. */
	append_file("others/INBOX", delivered);
	CHECK(put(box, "b\r\n\r\n", 0, 0, 1) == 6, "theirs comes first");
	if (OPS->box_is_behind != NULL)
		CHECK(OPS->box_is_behind(box), "and that is said");
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 2 &&
		  d.appended.v[0].uid == 5 && d.appended.v[1].uid == 6,
	    "both are told");
	delta_free(&d);
	OPS->box_close(box);
	/* The uids were on the disk before. */
	remove_all("others/.postern-INBOX/postern.places");
	box = box_of(acct, "INBOX");
	load_rows(box, &rows);
	CHECK(rows.n == 6 && rows.v[2].uid == 3 && rows.v[5].uid == 6,
	    "the same uids without an index");
	rows_free(&rows);
	CHECK(change_flags(box, 3, PST_FLAGS_ADD, PST_SEEN | PST_FLAGGED, 0,
		  UINT64_MAX, &changed, &conflict) == PST_OK &&
		  changed.n == 1,
	    "flags of one of theirs");
	rows_free(&changed);
	uids_free(&conflict);
	text = read_file("others/INBOX", NULL);
	CHECK(strstr(text, "X-UID: 3         \nStatus: R") != NULL,
	    "are in the file");
	free(text);
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d), "quiet");
	delta_free(&d);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* Replaces the first `from` in the file by `to`. */
static void
edit(const char *rest, const char *from, const char *to)
{
	size_t n;
	char *text = read_file(rest, &n), *at = strstr(text, from), *made;
	size_t head;

	if (!CHECK(at != NULL, "\"%s\" is in %s", from, rest)) {
		free(text);
		return;
	}
	head = (size_t)(at - text);
	made = malloc(n + strlen(to) + 1);
	memcpy(made, text, head);
	memcpy(made + head, to, strlen(to));
	memcpy(made + head + strlen(to), at + strlen(from),
	    n - head - strlen(from));
	(void)write_file(rest, made, n - strlen(from) + strlen(to));
	free(made);
	free(text);
}

static void
changes_by_others(void)
{
	struct pst_acct *acct = acct_of("changes@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct uids gone = { 0 };
	struct rows rows;
	struct delta d;
	char *text, *second, *third;
	struct pst_range r;
	uint64_t modseq;
	size_t n;

	for (int i = 0; i < 4; i++)
		CHECK(put(box, "Subject: a\r\n\r\nb\r\n", 0, 0, i) != 0, "put");
	load_rows(box, &rows);
	modseq = rows.v[1].modseq;
	rows_free(&rows);
	/* As mutt marks a message read: Status at the end of the header, and
	 * a length. */
	edit("changes/INBOX", "X-UID: 2         \nStatus:   \nX-Status:     \n",
	    "X-UID: 2         \n");
	text = read_file("changes/INBOX", NULL);
	second = strstr(text, "X-UID: 2 ");
	second = second ? strstr(second, "Subject: a\n") : NULL;
	CHECK(second != NULL, "the second message");
	if (second != NULL) {
		size_t at = (size_t)(second - text) + strlen("Subject: a\n");
		char *made = malloc(strlen(text) + 100);

		(void)sprintf(made,
		    "%.*sStatus: RO\nX-Status: A\nContent-Length: 2\nLines: "
		    "1\n%s",
		    (int)at, text, text + at);
		(void)write_file("changes/INBOX", made, strlen(made));
		free(made);
	}
	free(text);
	CHECK(delta_get(box, &d) == PST_OK && d.changed.n == 1 &&
		  d.changed.v[0].uid == 2 &&
		  d.changed.v[0].flags == (PST_SEEN | PST_ANSWERED) &&
		  d.changed.v[0].modseq > modseq && d.gone.n == 0 &&
		  d.appended.n == 0,
	    "flags of another program");
	delta_free(&d);
	CHECK(body_is(box, 2, "Subject: a\r\n\r\nb\r\n", 17),
	    "what it added is hidden");
	CHECK(body_is(box, 4, "Subject: a\r\n\r\nb\r\n", 17), "those after it");
	/* A copy within the mailbox, fields and all, is another message. */
	text = read_file("changes/INBOX", &n);
	second = strstr(text, "X-UID: 3 ");
	while (second > text && strncmp(second, "From ", 5) != 0)
		second--;
	third = strstr(second + 1, "\nFrom ");
	*++third = '\0';
	append_file("changes/INBOX", second);
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 1 &&
		  d.appended.v[0].uid == 5 && d.gone.n == 0,
	    "a copy has a uid of its own");
	delta_free(&d);
	/* The original goes; the copy does not become it. */
	(void)write_file("changes/INBOX", text, (size_t)(second - text));
	free(text);
	CHECK(delta_get(box, &d) == PST_OK && d.gone.n == 3 &&
		  uids_have(&d.gone, 3) && uids_have(&d.gone, 5),
	    "what another program removed is gone");
	delta_free(&d);
	/* What was expunged and is brought back is new. */
	text = read_file("changes/INBOX", NULL);
	CHECK_RC(
	    PST_OK, OPS->expunge(box, one(&r, 1, 2), uids_add, &gone, &err));
	uids_free(&gone);
	append_file("changes/INBOX", text);
	free(text);
	CHECK(delta_get(box, &d) == PST_OK && d.appended.n == 2 &&
		  d.appended.v[0].uid == 6 && d.appended.v[1].uid == 7,
	    "no uid is given twice: %zu", d.appended.n);
	delta_free(&d);
	OPS->box_close(box);
	remove_all("changes/.postern-INBOX/postern.places");
	box = box_of(acct, "INBOX");
	load_rows(box, &rows);
	CHECK(rows.n == 2 && rows.v[0].uid == 6 && rows.v[1].uid == 7,
	    "nor without an index");
	rows_free(&rows);
	/* The whole file is replaced by another one, in another order. */
	text = read_file("changes/INBOX", NULL);
	third = strstr(text + 1, "\nFrom ") + 1;
	(void)write_file("changes/moved", third, strlen(third));
	*third = '\0';
	append_file("changes/moved", text);
	free(text);
	{
		struct path from = in("changes/moved"),
			    to = in("changes/INBOX");

		CHECK(rename(from.s, to.s) == 0, "rename");
	}
	CHECK(delta_get(box, &d) == PST_OK && delta_is_empty(&d),
	    "the same messages in another order");
	delta_free(&d);
	CHECK(put(box, "c\r\n\r\n", 0, 0, 1) == 8, "the new file is used");
	text = read_file("changes/INBOX", NULL);
	CHECK(strstr(text, "X-UID: 8 ") != NULL, "it is in there");
	free(text);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* What another program took the uid from keeps it, also without an index. */
static void
stripped(void)
{
	struct pst_acct *acct = acct_of("stripped@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct rows rows;

	for (uint32_t i = 1; i <= 3; i++)
		CHECK(put(box, "Subject: a\r\n\r\nb\r\n", 0, 0, i) == i, "put");
	load_rows(box, &rows);
	rows_free(&rows);
	edit("stripped/INBOX", "X-UID: 2         \n", "");
	for (int turn = 0; turn < 3; turn++) {
		load_rows(box, &rows);
		CHECK(rows.n == 3 && rows.v[1].uid == 2 &&
			  rows.v[1].internal_date == 2 && rows.v[2].uid == 3,
		    "the same uids in turn %d", turn);
		rows_free(&rows);
		OPS->box_close(box);
		remove_all("stripped/.postern-INBOX/postern.places");
		box = box_of(acct, "INBOX");
	}
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* A line of another program's in the place of the empty one at the end, as long
 * as that counts and without an end: it is part of the message, which is
 * another one now. */
static void
lengthened(void)
{
	static const char text[] = "Subject: a\r\n\r\nb\r\ncc";
	const struct pst_flag_change flag = { .op = PST_FLAGS_ADD,
		.flags = PST_FLAGGED,
		.unchanged_since = UINT64_MAX };
	struct pst_acct *acct = acct_of("lengthened@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_error err = { 0 };
	struct pst_range r;
	struct rows rows;

	CHECK(put(box, "Subject: a\r\n\r\nb\r\n", 0, 0, 1) == 1, "put");
	OPS->box_close(box);
	edit("lengthened/INBOX", "b\n\n", "b\ncc");
	box = box_of(acct, "INBOX");
	load_rows(box, &rows);
	CHECK(rows.n == 1 && rows.v[0].uid == 2 &&
		  rows.v[0].size == sizeof(text) - 1,
	    "it is new, and as long as it is");
	rows_free(&rows);
	CHECK(body_is(box, 2, text, sizeof(text) - 1), "all of it is read");
	CHECK_RC(PST_OK,
	    OPS->flags(box, one(&r, 2, 2), &flag, no_row, no_uid, NULL, &err));
	CHECK(body_is(box, 2, text, sizeof(text) - 1), "also after a change");
	OPS->box_close(box);
	remove_all("lengthened/.postern-INBOX");
	box = box_of(acct, "INBOX");
	load_rows(box, &rows);
	CHECK(rows.n == 1 && rows.v[0].uid == 2 &&
		  (rows.v[0].flags & PST_FLAGGED),
	    "its fields are right");
	rows_free(&rows);
	CHECK(body_is(box, 2, text, sizeof(text) - 1), "and its content");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* A mailbox of another server comes with uids. */
static void
adoption(void)
{
	static const char text[] = FROM
	    "X-IMAPbase: 1310126914 0000000042 $Work\nX-UID: 7\n"
	    "Status: RO\nX-Keywords: $Work       \nA: a\n\nb\n\n" FROM
	    "X-UID: 9\nStatus: O\nX-Status: F\nC: c\n\nd\n\n" FROM
	    "E: e\n\nf\n\n";
	struct pst_acct *acct = acct_of("adopt@example.test");
	struct pst_error err = { 0 };
	struct pst_box_state st;
	struct pst_box *box;
	struct rows rows;
	unsigned k;

	(void)write_file("adopt/Old", text, strlen(text));
	for (int turn = 0; turn < 2; turn++) {
		box = box_of(acct, "Old");
		CHECK_RC(PST_OK, OPS->state(box, &st, &err));
		CHECK(st.uidvalidity == 1310126914 && st.uidnext == 44,
		    "UIDVALIDITY %u, UIDNEXT %u", st.uidvalidity, st.uidnext);
		load_rows(box, &rows);
		CHECK(rows.n == 3 && rows.v[0].uid == 7 && rows.v[1].uid == 9 &&
			  rows.v[2].uid == 43,
		    "uids");
		CHECK_RC(PST_OK, OPS->keyword(box, "$work", false, &k, &err));
		CHECK(rows.n == 3 && rows.v[0].flags == PST_SEEN &&
			  rows.v[0].keywords == UINT64_C(1) << k &&
			  rows.v[1].flags == PST_FLAGGED,
		    "flags");
		rows_free(&rows);
		OPS->box_close(box);
		remove_all("adopt/.postern-Old/postern.places");
	}
	OPS->acct_close(acct);
}

/* --- locks
 * ------------------------------------------------------------------------ */

/* Another process that holds the file for a while. */
static pid_t
hold_fcntl(const char *rest, long ms)
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(in(rest).s, O_RDWR);

		if (fd < 0 || fcntl(fd, F_SETLK, &l) < 0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		pause_ms(ms);
		_exit(0);
	}
	CHECK(read(ready[0], &c, 1) == 1, "the file is locked");
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

static void
locks(void)
{
	static const char text[] = "a: b\r\n\r\n";
	struct pst_acct *acct = acct_of("locks@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct pst_stage *stage = stage_of(text, strlen(text));
	struct pst_append a = { .stage = stage, .internal_date = 1 };
	struct pst_error err = { 0 };
	struct pst_row row;
	struct timespec old[2] = { { .tv_sec = 1000000000 },
		{ .tv_sec = 1000000000 } };
	struct rows rows;
	pid_t pid;

	CHECK(put(box, text, 0, 0, 1) == 1, "put");
	load_rows(box, &rows);
	rows_free(&rows);
	CHECK(access(in("locks/INBOX.lock").s, F_OK) < 0, "no lock is left");
	pid = hold_fcntl("locks/INBOX", 300);
	CHECK_RC(PST_OK, OPS->commit(box, &a, 1, &row, &err));
	CHECK(waitpid(pid, NULL, 0) == pid, "the other one is done");
	pid = hold_fcntl("locks/INBOX", 3000);
	CHECK_RC(PST_E_TEMP, OPS->commit(box, &a, 1, &row, &err));
	CHECK(body_is(box, 1, text, strlen(text)), "reading needs no lock");
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	append_file("locks/INBOX.lock", "1\n"); /* of a process that lives */
	CHECK_RC(PST_E_TEMP, OPS->commit(box, &a, 1, &row, &err));
	(void)utimensat(AT_FDCWD, in("locks/INBOX.lock").s, old, 0);
	CHECK_RC(PST_E_TEMP, OPS->commit(box, &a, 1, &row, &err));
	(void)write_file("locks/INBOX.lock", "999999999\n", 10);
	CHECK_RC(PST_E_TEMP, OPS->commit(box, &a, 1, &row, &err));
	(void)utimensat(AT_FDCWD, in("locks/INBOX.lock").s, old, 0);
	CHECK_RC(PST_OK, OPS->commit(box, &a, 1, &row, &err));
	CHECK(access(in("locks/INBOX.lock").s, F_OK) < 0, "no lock is left");
	OPS->stage_free(stage);
	load_rows(box, &rows);
	CHECK(rows.n == 3, "%zu messages", rows.n);
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* --- killed at any system call
 * ------------------------------------------------------ */

static const char kill_text[] = "Subject: kill\r\n\r\nstays whole\r\n";

/* More than are looked at to see whether only the end of the file is new. */
enum { KILL_MESSAGES = 20, KILL_LAST = KILL_MESSAGES + 1 };

/* What the child is at. */
enum deed { EXPUNGE, FLAGS_OF_OTHERS, COMMIT, MOVE_BACK, FLAGS_COMMIT, DEEDS };

static const char *const deed_name[DEEDS] = { "expunge", "flags", "commit",
	"move and back", "flags and commit" };

/* What the child was told before it was killed. */
static struct told {
	uint32_t away, back; /* the uids that message 2 got */
	bool flagged;	     /* message 2 was */
} * told;

static void
note_copy(void *arg, uint32_t source, const struct pst_row *row)
{
	(void)source;
	*(uint32_t *)arg = row->uid;
}

/* To another mailbox and from there to this one again. */
static void
move_and_back(struct pst_acct *acct, struct pst_box *box)
{
	struct pst_error err;
	struct pst_box *other;
	struct pst_range r;
	uint32_t uid = 0;

	if (OPS->create(acct, "Other", "", &err) != PST_OK ||
	    OPS->box_open(acct, "Other", &other, &err) != PST_OK ||
	    OPS->move(box, one(&r, 2, 2), other, note_copy, &uid, &err) !=
		PST_OK)
		_exit(2);
	told->away = uid;
	if (OPS->move(other, one(&r, uid, uid), box, note_copy, &uid, &err) !=
	    PST_OK)
		_exit(2);
	told->back = uid;
}

static void
do_deed(enum deed deed)
{
	const struct pst_flag_change seen = { .op = PST_FLAGS_ADD,
		.flags = PST_SEEN,
		.unchanged_since = UINT64_MAX };
	struct pst_range r[2] = { { 2, 2 }, { 4, 4 } };
	struct pst_acct *acct;
	struct pst_error err;
	struct pst_box *box;
	bool created;

	if (OPS->open(&suite.host, suite.section, &suite.store, &err) !=
		PST_OK ||
	    OPS->acct_open(suite.store, "kill@example.test", &acct, &created,
		&err) != PST_OK ||
	    OPS->box_open(acct, "INBOX", &box, &err) != PST_OK)
		_exit(2);
	if (deed == EXPUNGE)
		(void)OPS->expunge(
		    box, (struct pst_uids){ r, 2 }, no_uid, NULL, &err);
	else if (deed == FLAGS_OF_OTHERS)
		(void)OPS->flags(box, one(r, KILL_LAST, KILL_LAST), &seen,
		    no_row, no_uid, NULL, &err);
	else if (deed == MOVE_BACK)
		move_and_back(acct, box);
	else if (deed == FLAGS_COMMIT)
		told->flagged = OPS->flags(box, one(r, 2, 2), &seen, no_row,
				    no_uid, NULL, &err) == PST_OK;
	if (deed == COMMIT || deed == FLAGS_COMMIT)
		(void)put(box, kill_text, 0, 0, 1);
	_exit(0);
}

/* As it is after a box was closed: the index holds for the file. */
static void
write_index(void)
{
	struct pst_acct *acct = acct_of("kill@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	struct rows rows;

	load_rows(box, &rows);
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
}

/* True: it was killed at its n-th system call; false: it came to its end. */
static bool
kill_at(enum deed deed, unsigned n, bool *traced_r)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(3);
		(void)raise(SIGSTOP);
		do_deed(deed);
	}
	*traced_r = waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
	for (unsigned i = 0; *traced_r && i < n; i++) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0 ||
		    waitpid(pid, &status, 0) != pid || WIFEXITED(status) ||
		    WIFSIGNALED(status))
			return false;
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return *traced_r;
}

/* Message 2 has the last uid that was told, and none that it had before. */
static void
audit_moved(struct pst_acct *acct, const struct rows *rows, unsigned n)
{
	struct rows others = { 0 };
	struct pst_box *other;
	struct pst_error err;
	size_t copies = 0;

	if (OPS->box_open(acct, "Other", &other, &err) == PST_OK) {
		load_rows(other, &others);
		OPS->box_close(other);
	}
	for (size_t i = 0; i < rows->n; i++)
		copies += rows->v[i].uid == 2 || rows->v[i].uid > KILL_LAST;
	CHECK(copies + others.n > 0, "move killed at %u: it is lost", n);
	CHECK(told->away == 0 || rows_uid(rows, 2) == NULL,
	    "move killed at %u: its old uid is back", n);
	if (told->back != 0)
		CHECK(rows_uid(rows, told->back) != NULL && copies == 1 &&
			  others.n == 0,
		    "move killed at %u: uid %u that was told", n, told->back);
	else if (told->away != 0)
		CHECK(copies > 0 || rows_uid(&others, told->away) != NULL,
		    "move killed at %u: uid %u that was told", n, told->away);
	rows_free(&others);
}

/* `is_after`: another program has added a message since. */
static void
audit_kill(enum deed deed, unsigned n, bool is_done, bool is_after)
{
	struct pst_acct *acct = acct_of("kill@example.test");
	struct pst_box *box = acct ? box_of(acct, "INBOX") : NULL;
	struct rows rows;

	if (box == NULL)
		return;
	load_rows(box, &rows);
	for (uint32_t uid = 1; uid <= KILL_LAST; uid++) {
		bool removed = (deed == EXPUNGE && (uid == 2 || uid == 4)) ||
			       (deed == MOVE_BACK && uid == 2);
		bool there = rows_uid(&rows, uid) != NULL;
		const char *text = uid == KILL_LAST ? delivered_text
						    : kill_text;

		CHECK(removed ? !(there && is_done) : there,
		    "%s killed at %u: message %u is %sthere", deed_name[deed],
		    n, uid, there ? "" : "not ");
		CHECK(!there || body_is(box, uid, text, strlen(text)),
		    "%s killed at %u: content of %u", deed_name[deed], n, uid);
	}
	if (deed == MOVE_BACK)
		audit_moved(acct, &rows, n);
	else
		CHECK((rows_uid(&rows, 2) != NULL) ==
			  (rows_uid(&rows, 4) != NULL),
		    "%s killed at %u: all or none", deed_name[deed], n);
	if (told->flagged)
		CHECK(rows_uid(&rows, 2)->flags == PST_SEEN,
		    "%s killed at %u: flags that were told", deed_name[deed],
		    n);
	CHECK(rows.n <= KILL_LAST +
			    (size_t)(deed == COMMIT || deed == FLAGS_COMMIT ||
				     deed == MOVE_BACK) +
			    is_after,
	    "%s killed at %u: %zu", deed_name[deed], n, rows.n);
	if (is_after)
		CHECK(rows.n > 0 && rows.v[rows.n - 1].uid > KILL_LAST &&
			  body_is(box, rows.v[rows.n - 1].uid, delivered_text,
			      strlen(delivered_text)),
		    "%s killed at %u: what came after", deed_name[deed], n);
	rows_free(&rows);
	CHECK(put(box, kill_text, 0, 0, 1) > KILL_LAST, "the next one");
	OPS->box_close(box);
	OPS->acct_close(acct);
}

static void
killed(void)
{
	struct pst_acct *acct = acct_of("kill@example.test");
	struct pst_box *box = box_of(acct, "INBOX");
	bool traced = true;
	struct rows rows;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		abort();
	for (int i = 0; i < KILL_MESSAGES; i++)
		CHECK(put(box, kill_text, 0, 0, 1) != 0, "put");
	append_file("kill/INBOX", delivered);
	load_rows(box, &rows);
	CHECK(rows.n == KILL_LAST, "messages to begin with");
	rows_free(&rows);
	OPS->box_close(box);
	OPS->acct_close(acct);
	copy_all("kill", "kill.saved");
	for (enum deed deed = 0; deed < DEEDS && traced; deed++) {
		/* Twice a call: when it begins and when it ends. Of what takes
		 * many, some are enough. */
		for (unsigned n = 1;; n += deed == MOVE_BACK	  ? 7
					   : deed == FLAGS_COMMIT ? 3
								  : 1) {
			bool was_killed,
			    is_after = (deed == EXPUNGE ||
					   deed == FLAGS_OF_OTHERS) &&
				       n % 3 == 0;

			*told = (struct told){ 0 };
			copy_all("kill.saved", "kill");
			if (deed == MOVE_BACK || deed == FLAGS_COMMIT)
				write_index();
			OPS->close(suite.store);
			suite.store = NULL;
			was_killed = kill_at(deed, n, &traced);
			if (is_after)
				append_file("kill/INBOX", delivered);
			{
				struct pst_error err = { 0 };

				if (!CHECK_RC(PST_OK,
					OPS->open(&suite.host, suite.section,
					    &suite.store, &err)))
					return;
			}
			if (!traced) {
				skip(1, "no ptrace(2) here");
				break;
			}
			audit_kill(deed, n, !was_killed, is_after);
			if (!was_killed)
				break;
		}
	}
	(void)munmap(told, sizeof(*told));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{ "formats", other_formats },
		{ "odd", odd_content },
		{ "own", own_contents },
		{ "index", without_index },
		{ "torn", torn_ends },
		{ "deliveries", deliveries },
		{ "changes", changes_by_others },
		{ "stripped", stripped },
		{ "lengthened", lengthened },
		{ "adoption", adoption },
		{ "locks", locks },
		{ "killed", killed },
	};

	if (!suite_begin(argc, argv))
		return 2;
	root = suite.host.config(suite.section, "path");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		suite.part = parts[i].name;
		parts[i].run();
	}
	return suite_end();
}
