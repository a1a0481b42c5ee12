/*
 * postgresql_cuts.c - connections that are lost at chosen moments: a proxy
 * between the store and the database drops what the store sends, or what the
 * database answers, or leaves it to chance. Whatever is lost, everything is
 * done once: nothing twice, nothing not at all.
 *
 *     postgresql_cuts postgresql.so socket=FILE dir=DIR conninfo=... init=open
 *
 * The store in the suite goes through the proxy, which listens in DIR and
 * passes on to FILE, the socket of the database; `conninfo` has host=DIR. Who
 * looks at what became of it has a store of its own, without the proxy.
 */
#include "conformance.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum cut {
	CUT_NONE,
	CUT_REQUEST, /* the database never hears of it */
	CUT_ANSWER,  /* it does all of it, and nobody hears */
	CUT_BOTH,    /* it hears, and finds nobody to answer */
	CUTS,
};

static const char *const cut_name[CUTS] = { "none", "request lost",
	"answer lost", "both ends lost" };

enum { MOST_CUTS_AT = 4, ANSWER_MS = 2000, QUIET_MS = 30, LARGE = 600000 };

struct pst_section {
	char **pair;
	int n;
};

/* --- the proxy -------------------------------------------------------------
 */

static atomic_int armed; /* enum cut */
static atomic_int left;	 /* of what clients send, before the cut */
static atomic_uint done; /* cuts */
static const char *server_path;
static int listener = -1;

static int
connect_server(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", server_path);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t got = send(fd, p, n, MSG_NOSIGNAL);

		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

/* What the database answers, until it is quiet, goes nowhere. */
static void
drop_answer(int server)
{
	struct pollfd p = { .fd = server, .events = POLLIN };
	int wait = ANSWER_MS;
	char piece[8192];

	while (poll(&p, 1, wait) > 0 && read(server, piece, sizeof(piece)) > 0)
		wait = QUIET_MS;
}

/* What clients send is cut here. False: the connection is over. */
static bool
pass_request(int client, int server, bool *exempt)
{
	static const char hub[] = "LISTEN";
	char piece[65536];
	ssize_t n = read(client, piece, sizeof(piece));
	int cut = atomic_load(&armed);

	if (n <= 0)
		return false;
	/* The connection that hears of others is about nothing here. */
	if (memmem(piece, (size_t)n, hub, sizeof(hub) - 1) != NULL)
		*exempt = true;
	if (cut == CUT_NONE || *exempt || atomic_fetch_sub(&left, 1) != 1)
		return write_all(server, piece, (size_t)n);
	atomic_store(&armed, CUT_NONE);
	atomic_fetch_add(&done, 1);
	if (cut == CUT_REQUEST)
		return false;
	if (write_all(server, piece, (size_t)n) && cut == CUT_ANSWER)
		drop_answer(server);
	return false;
}

static bool
pass_answer(int server, int client)
{
	char piece[65536];
	ssize_t n = read(server, piece, sizeof(piece));

	return n > 0 && write_all(client, piece, (size_t)n);
}

static void *
serve(void *arg)
{
	int client = *(int *)arg, server = connect_server();
	bool open = server >= 0, exempt = false;

	free(arg);
	while (open) {
		struct pollfd p[2] = { { .fd = client, .events = POLLIN },
			{ .fd = server, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents != 0)
			open = pass_answer(server, client);
		if (open && p[0].revents != 0)
			open = pass_request(client, server, &exempt);
	}
	(void)close(client);
	if (server >= 0)
		(void)close(server);
	return NULL;
}

static void *
accept_all(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_t thread;
		int *fd = malloc(sizeof(*fd));

		if (fd == NULL)
			abort();
		*fd = accept(listener, NULL, NULL);
		if (*fd < 0) {
			free(fd);
			return NULL;
		}
		if (pthread_create(&thread, NULL, serve, fd) != 0)
			abort();
		(void)pthread_detach(thread);
	}
}

static bool
start_proxy(const char *dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	pthread_t thread;

	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(
	    at.sun_path, sizeof(at.sun_path), "%s/.s.PGSQL.5432", dir);
	(void)unlink(at.sun_path);
	return listener >= 0 &&
	       bind(listener, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	       listen(listener, 64) == 0 &&
	       pthread_create(&thread, NULL, accept_all, NULL) == 0 &&
	       pthread_detach(thread) == 0;
}

static void
arm(enum cut cut, int after)
{
	atomic_store(&left, after);
	atomic_store(&armed, (int)cut);
}

static void
disarm(void)
{
	atomic_store(&armed, CUT_NONE);
}

/* --- what is there ---------------------------------------------------------
 */

struct scene {
	struct pst_acct *acct;	   /* through the proxy */
	struct pst_box *from, *to; /* the same */
	struct pst_acct *looking;  /* without it */
	struct pst_store *store;   /* of that one */
	uint32_t uid;		   /* of a message in `from` */
	uint64_t modseq;
	char what[80];
};

static const char text[] = "Subject: cut\r\n\r\nOnce.\r\n";
static char large[LARGE];

static size_t
count(struct scene *s, const char *name, struct rows *rows)
{
	struct pst_error err = { 0 };
	struct pst_box *box;

	*rows = (struct rows){ 0 };
	if (!CHECK_RC(PST_OK, OPS->box_open(s->looking, name, &box, &err)))
		return 0;
	load_rows(box, rows);
	OPS->box_close(box);
	return rows->n;
}

static size_t
number_of(struct scene *s, const char *name)
{
	struct rows rows;
	size_t n = count(s, name, &rows);

	rows_free(&rows);
	return n;
}

/* A message to do something with. */
static void
prepare(struct scene *s)
{
	struct rows rows;

	s->uid = put(s->from, text, 0, 0, 1);
	load_rows(s->from, &rows);
	s->modseq = rows.n > 0 ? rows.v[rows.n - 1].modseq : 0;
	rows_free(&rows);
	load_rows(s->to, &rows);
	rows_free(&rows);
}

/* --- what is done ----------------------------------------------------------
 */

static void
do_commit(struct scene *s, enum cut cut, int after)
{
	size_t before = number_of(s, "To"), now;
	struct pst_append a = { .internal_date = 1, .last = true };
	struct pst_error err = { 0 };
	struct pst_row row = { 0 };
	struct rows rows;

	a.stage = stage_of(text, strlen(text));
	arm(cut, after);
	CHECK_RC(PST_OK, OPS->commit(s->to, &a, 1, &row, &err));
	disarm();
	OPS->stage_free(a.stage);
	now = count(s, "To", &rows);
	CHECK(now == before + 1 && rows.v[now - 1].uid == row.uid &&
		  rows.v[now - 1].modseq == row.modseq,
	    "%s: committed once: %zu, uid %u", s->what, now - before, row.uid);
	rows_free(&rows);
}

/* Its content is there already, so the database cannot tell by that. */
static void
do_commit_again(struct scene *s, enum cut cut, int after)
{
	size_t before = number_of(s, "To"), now;
	struct pst_append a = { .internal_date = 1 };
	struct pst_error err = { 0 };
	struct pst_row row = { 0 };

	a.stage = stage_of(text, strlen(text));
	CHECK_RC(PST_OK, OPS->commit(s->from, &a, 1, &row, &err));
	a.last = true;
	arm(cut, after);
	CHECK_RC(PST_OK, OPS->commit(s->to, &a, 1, &row, &err));
	disarm();
	OPS->stage_free(a.stage);
	now = number_of(s, "To");
	CHECK(now == before + 1, "%s: committed once: %zu", s->what,
	    now - before);
}

static void
do_large(struct scene *s, enum cut cut, int after)
{
	size_t before = number_of(s, "To"), now;
	struct pst_append a = { .internal_date = 1, .last = true };
	struct pst_error err = { 0 };
	struct pst_row row = { 0 };

	arm(cut, after);
	a.stage = stage_of(large, LARGE);
	CHECK_RC(PST_OK, OPS->commit(s->to, &a, 1, &row, &err));
	disarm();
	OPS->stage_free(a.stage);
	now = number_of(s, "To");
	CHECK(now == before + 1, "%s: committed once: %zu", s->what,
	    now - before);
	arm(cut, after);
	CHECK(
	    body_is(s->to, row.uid, large, LARGE), "%s: it is whole", s->what);
	disarm();
}

static void
do_transfer(struct scene *s, enum cut cut, int after, bool move)
{
	size_t from = number_of(s, "INBOX"), to = number_of(s, "To"), now;
	struct pst_error err = { 0 };
	struct copies c = { 0 };
	struct pst_range r;
	struct rows rows;

	arm(cut, after);
	CHECK_RC(
	    PST_OK, (move ? OPS->move : OPS->copy)(s->from,
			one(&r, s->uid, s->uid), s->to, copies_add, &c, &err));
	disarm();
	now = count(s, "To", &rows);
	CHECK(now == to + 1 && c.rows.n == 1 &&
		  rows.v[now - 1].uid == c.rows.v[0].uid,
	    "%s: one copy: %zu, told of %zu", s->what, now - to, c.rows.n);
	rows_free(&rows);
	copies_free(&c);
	now = number_of(s, "INBOX");
	CHECK(now == from - move, "%s: the source: %zu", s->what, now);
}

static void
do_copy(struct scene *s, enum cut cut, int after)
{
	do_transfer(s, cut, after, false);
}

static void
do_move(struct scene *s, enum cut cut, int after)
{
	do_transfer(s, cut, after, true);
}

static void
do_flags(struct scene *s, enum cut cut, int after, uint64_t since)
{
	struct rows changed, rows;
	struct uids conflict;
	const struct pst_row *row;

	arm(cut, after);
	CHECK(change_flags(s->from, s->uid, PST_FLAGS_ADD, PST_FLAGGED, 0,
		  since, &changed, &conflict) == PST_OK,
	    "%s: flags", s->what);
	disarm();
	CHECK(conflict.n == 0, "%s: no conflict with ourselves", s->what);
	rows_free(&changed);
	uids_free(&conflict);
	(void)count(s, "INBOX", &rows);
	row = rows_uid(&rows, s->uid);
	CHECK(row != NULL && row->flags == PST_FLAGGED, "%s: set", s->what);
	rows_free(&rows);
}

static void
do_plain_flags(struct scene *s, enum cut cut, int after)
{
	do_flags(s, cut, after, UINT64_MAX);
}

static void
do_conditional_flags(struct scene *s, enum cut cut, int after)
{
	do_flags(s, cut, after, s->modseq);
}

static void
do_expunge(struct scene *s, enum cut cut, int after)
{
	size_t before = number_of(s, "INBOX"), now;
	struct pst_error err = { 0 };
	struct uids gone = { 0 };
	struct pst_range r;
	struct delta d;

	arm(cut, after);
	CHECK_RC(PST_OK, OPS->expunge(s->from, one(&r, s->uid, s->uid),
			     uids_add, &gone, &err));
	disarm();
	now = number_of(s, "INBOX");
	CHECK(now == before - 1, "%s: expunged: %zu", s->what, now);
	/* One of both tells. */
	CHECK(delta_get(s->from, &d) == PST_OK &&
		  uids_have(&gone, s->uid) + uids_have(&d.gone, s->uid) == 1,
	    "%s: it is told once: %zu, %zu", s->what, gone.n, d.gone.n);
	delta_free(&d);
	uids_free(&gone);
}

static void
do_create(struct scene *s, enum cut cut, int after)
{
	struct pst_error err = { 0 };
	struct pst_box *box = NULL;

	arm(cut, after);
	CHECK_RC(PST_OK, OPS->create(s->acct, "Made", "", &err));
	disarm();
	if (CHECK_RC(PST_OK, OPS->box_open(s->looking, "Made", &box, &err)))
		OPS->box_close(box);
	CHECK_RC(PST_OK, OPS->remove(s->acct, "Made", &err));
}

static void
do_remove(struct scene *s, enum cut cut, int after)
{
	struct pst_error err = { 0 };
	struct pst_box *box = NULL;

	CHECK_RC(PST_OK, OPS->create(s->acct, "Made", "", &err));
	arm(cut, after);
	CHECK_RC(PST_OK, OPS->remove(s->acct, "Made", &err));
	disarm();
	CHECK_RC(PST_E_NOTFOUND, OPS->box_open(s->looking, "Made", &box, &err));
}

static const struct {
	const char *name;
	void (*run)(struct scene *s, enum cut cut, int after);
} work[] = {
	{ "commit", do_commit },
	{ "commit of a stored content", do_commit_again },
	{ "large message", do_large },
	{ "copy", do_copy },
	{ "move", do_move },
	{ "flags", do_plain_flags },
	{ "flags unchanged since", do_conditional_flags },
	{ "expunge", do_expunge },
	{ "create", do_create },
	{ "remove", do_remove },
};

/* --- all of it -------------------------------------------------------------
 */

/* "host=DIR ..." becomes "host=(that of the server) ...". */
static struct pst_section
direct(const char *conninfo, char *out, size_t size, char **pair)
{
	const char *slash = strrchr(server_path, '/'),
		   *rest = strchr(conninfo, ' ');

	(void)snprintf(out, size, "conninfo=host=%.*s%s",
	    (int)(slash - server_path), server_path, rest ? rest : "");
	*pair = out;
	return (struct pst_section){ pair, 1 };
}

static bool
open_scene(struct scene *s, struct pst_section *section)
{
	struct pst_error err = { 0 };
	bool created;

	s->acct = acct_of("cuts@nodes.test");
	if (s->acct == NULL ||
	    !CHECK_RC(
		PST_OK, OPS->open(&suite.host, section, &s->store, &err)) ||
	    !CHECK_RC(PST_OK, OPS->acct_open(s->store, "cuts@nodes.test",
				  &s->looking, &created, &err)))
		return false;
	CHECK_RC(PST_OK, OPS->create(s->acct, "To", "", &err));
	s->from = box_of(s->acct, "INBOX");
	s->to = box_of(s->acct, "To");
	return s->from != NULL && s->to != NULL;
}

static void
cut_everywhere(struct scene *s)
{
	for (size_t w = 0; w < sizeof(work) / sizeof(work[0]); w++)
		for (int cut = CUT_REQUEST; cut < CUTS; cut++)
			for (int after = 1; after <= MOST_CUTS_AT; after++) {
				suite.part = work[w].name;
				(void)snprintf(s->what, sizeof(s->what),
				    "%s, %s at %d", work[w].name, cut_name[cut],
				    after);
				prepare(s);
				work[w].run(s, (enum cut)cut, after);
			}
}

int
main(int argc, char **argv)
{
	char conninfo[512], *pair = NULL;
	struct pst_section section;
	const char *dir = NULL;
	struct scene s = { 0 };

	for (int i = 2; i < argc; i++) {
		if (strncmp(argv[i], "socket=", 7) == 0)
			server_path = argv[i] + 7;
		if (strncmp(argv[i], "dir=", 4) == 0)
			dir = argv[i] + 4;
	}
	if (server_path == NULL || dir == NULL || !start_proxy(dir)) {
		(void)fprintf(stderr, "cuts: no proxy: %s\n", strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)(i * 7 + i / 513);
	if (!suite_begin(argc, argv))
		return 1;
	suite.part = "cuts";
	section = direct(suite.host.config(suite.section, "conninfo"), conninfo,
	    sizeof(conninfo), &pair);
	if (open_scene(&s, &section)) {
		cut_everywhere(&s);
		CHECK(atomic_load(&done) > 60, "%u connections were cut",
		    atomic_load(&done));
		OPS->box_close(s.from);
		OPS->box_close(s.to);
		OPS->acct_close(s.acct);
		OPS->acct_close(s.looking);
	}
	if (s.store != NULL)
		OPS->close(s.store);
	(void)printf("%u connections were cut\n", atomic_load(&done));
	return suite_end();
}
