/*
 * sendmail/sendmail.c - see sendmail.h. A message is read as it is sent, so it
 * may be of any size that the server takes. It goes to all recipients or to
 * none; the exit status says which (sysexits.h).
 */
#include "sendmail/sendmail.h"

#include "base/str.h"
#include "sendmail/compose.h"
#include "sendmail/content.h"
#include "sendmail/options.h"
#include "sendmail/wire.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define SOCKET POSTERN_RUNDIR "-sendmail/socket"

enum { BLOCK = 32768, SENDER_MAX = 1024 };

struct sending_mail {
	const struct sendmail_options *o;
	struct wire wire;
	struct content content;
	struct compose compose;
	struct buf rest;   /* of the content, read with the header */
	struct buf sender; /* of the envelope */
	char author[400];  /* USER@domain */
	char name[200];	   /* of the user, or "" */
};

static PST_PRINTF(2, 3) int fail(int code, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("postern-sendmail: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return code;
}

/* What an answer of the server means to whoever called us. */
static int
refused(const struct wire *w, const char *what, int permanent)
{
	int code = permanent;

	if (w->code == 0 || w->code / 100 == 4)
		code = EX_TEMPFAIL;
	else if (strncmp(w->status, "5.7.", 4) == 0)
		code = EX_NOPERM;
	return fail(code, "%s%s%s", what, *what != '\0' ? ": " : "", w->text);
}

/* --- who sends ---------------------------------------------------------------
 */

/* Up to the first comma of the system's entry, "&" being the login. */
static void
take_name(struct sending_mail *m, const struct passwd *user)
{
	const char *given = m->o->name != NULL ? m->o->name : getenv("NAME");
	struct pst_str name = str_of(given);

	if (name.n == 0) {
		name = str_of(user->pw_gecos);
		name = str_first(name, str_find(name, ','));
		if (str_find(name, '&') < name.n)
			name = STR_NONE;
	}
	if (!str_copy(m->name, sizeof(m->name), name))
		m->name[0] = '\0';
	for (char *p = m->name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

static int
take_sender(struct sending_mail *m)
{
	const struct passwd *user = getpwuid(getuid());
	const char *sender = m->o->sender;

	if (user == NULL)
		return fail(EX_NOUSER, "the user number %ld has no name",
		    (long)getuid());
	take_name(m, user);
	(void)snprintf(m->author, sizeof(m->author), "%s@%s", user->pw_name,
	    m->wire.domain);
	m->compose.domain = m->wire.domain;
	m->compose.name = m->name;
	if (sender == NULL)
		(void)buf_puts(&m->sender, m->author);
	else if (*sender != '\0' && strcmp(sender, "<>") != 0 &&
		 !compose_address(&m->compose, str_of(sender), &m->sender))
		return fail(EX_USAGE, "-f: %s is no address", sender);
	(void)buf_putc(&m->sender, '\0');
	m->sender.n--;
	m->compose.sender = m->sender.n > 0 ? m->sender.p : m->author;
	return EX_OK;
}

/* --- the envelope ------------------------------------------------------------
 */

static bool
needs_utf8(const struct sending_mail *m)
{
	bool ascii = str_is_ascii(buf_str(&m->sender));

	for (size_t i = 0; i < m->compose.recipients; i++)
		ascii &= str_is_ascii(m->compose.recipient[i]);
	return !ascii;
}

/* xtext (RFC 3461, 4). */
static void
put_xtext(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text > ' ' && *text <= '~' && *text != '+' && *text != '=')
			(void)buf_putc(out, *text);
		else
			(void)buf_printf(
			    out, "+%02X", (unsigned)(unsigned char)*text);
}

static int
send_envelope(struct sending_mail *m)
{
	const struct sendmail_options *o = m->o;
	struct wire *w = &m->wire;
	struct buf params;
	int first;

	buf_init(&params, 1024);
	if (w->eightbit)
		(void)buf_puts(&params, " BODY=8BITMIME");
	if (w->smtputf8 && needs_utf8(m))
		(void)buf_puts(&params, " SMTPUTF8");
	if (w->dsn && o->ret != NULL)
		(void)buf_printf(&params, " RET=%s", o->ret);
	if (w->dsn && o->envid != NULL) {
		(void)buf_puts(&params, " ENVID=");
		put_xtext(&params, o->envid);
	}
	first = wire_ask(w, "MAIL FROM:<%.*s>%.*s",
	    STR_ARG(buf_str(&m->sender)), STR_ARG(buf_str(&params)));
	buf_fini(&params);
	if (first != 2)
		return refused(w, m->sender.p, EX_UNAVAILABLE);
	for (size_t i = 0; i < m->compose.recipients; i++) {
		char to[400];

		(void)str_copy(to, sizeof(to), m->compose.recipient[i]);
		first = wire_ask(w, "RCPT TO:<%s>%s%s", to,
		    w->dsn && o->notify != NULL ? " NOTIFY=" : "",
		    w->dsn && o->notify != NULL ? o->notify : "");
		if (first != 2)
			return refused(w, to, EX_NOUSER);
	}
	return EX_OK;
}

/* --- the content -------------------------------------------------------------
 */

static bool
send_stuffed(struct sending_mail *m, struct pst_str text, bool *at_line)
{
	struct buf out;
	bool sent;

	buf_init(&out, 2 * text.n + 1);
	content_stuff(text, at_line, &out);
	sent = wire_send(&m->wire, out.p, out.n);
	buf_fini(&out);
	return sent;
}

static int
send_content(struct sending_mail *m)
{
	struct buf block;
	bool at_line = true, sent;

	if (wire_ask(&m->wire, "DATA") != 3)
		return refused(&m->wire, "", EX_UNAVAILABLE);
	buf_init(&block, BLOCK);
	sent = send_stuffed(m, buf_str(&m->compose.header), &at_line) &&
	       send_stuffed(m, STR("\r\n"), &at_line) &&
	       send_stuffed(m, buf_str(&m->rest), &at_line);
	while (sent && content_more(&m->content, &block, BLOCK)) {
		sent = send_stuffed(m, buf_str(&block), &at_line);
		buf_clear(&block);
	}
	buf_fini(&block);
	/* Half a message is none: the connection ends before its last dot. */
	if (m->content.failed)
		return fail(
		    EX_IOERR, "cannot read the message: %s", strerror(errno));
	if (sent)
		sent = wire_send(&m->wire, ".\r\n", 3);
	if (wire_answer(&m->wire) != 2)
		return refused(&m->wire, "", EX_UNAVAILABLE);
	return sent ? EX_OK : EX_TEMPFAIL;
}

/* --- the whole ---------------------------------------------------------------
 */

static int
take_recipients(struct sending_mail *m)
{
	for (int i = 0; i < m->o->recipients; i++)
		if (!compose_recipient(&m->compose, str_of(m->o->recipient[i])))
			return fail(
			    EX_USAGE, "%s is no address", m->o->recipient[i]);
	return EX_OK;
}

static int
read_header(struct sending_mail *m)
{
	struct buf header;
	bool good;

	buf_init(&header, CONTENT_HEADER_MAX);
	good = content_header(&m->content, &header, &m->rest);
	if (good)
		compose_header(&m->compose, buf_str(&header));
	buf_fini(&header);
	if (m->content.failed)
		return fail(
		    EX_IOERR, "cannot read the message: %s", strerror(errno));
	if (!good || m->compose.header.overflow)
		return fail(EX_DATAERR, "the header is too large");
	if (m->compose.too_many)
		return fail(EX_DATAERR, "too many recipients");
	if (m->compose.recipients == 0)
		return fail(EX_DATAERR, "there is nobody to send it to");
	return EX_OK;
}

static int
deliver(const struct sendmail_options *o, const char *path)
{
	struct sending_mail m = { .o = o };
	int code = EX_OK;

	if (o->recipients == 0 && !o->from_header)
		return fail(EX_USAGE, "expected recipients, or -t");
	content_init(&m.content, STDIN_FILENO, o->no_dot);
	compose_init(&m.compose);
	buf_init(&m.rest, CONTENT_HEADER_MAX);
	buf_init(&m.sender, SENDER_MAX);
	m.compose.collect = o->from_header;
	if (!wire_open(&m.wire, path, o->verbose))
		code = refused(&m.wire, "", EX_UNAVAILABLE);
	if (code == EX_OK)
		code = take_sender(&m);
	if (code == EX_OK)
		code = take_recipients(&m);
	if (code == EX_OK)
		code = read_header(&m);
	if (code == EX_OK)
		code = send_envelope(&m);
	if (code == EX_OK)
		code = send_content(&m);
	if (code == EX_OK)
		(void)wire_ask(&m.wire, "QUIT");
	wire_close(&m.wire);
	compose_fini(&m.compose);
	buf_fini(&m.rest);
	buf_fini(&m.sender);
	return code;
}

/* -bs: what comes goes to the server, and back, until the server closes. */
static int
speak_smtp(const char *path)
{
	struct wire w;
	char block[4096];
	ssize_t n;
	struct pollfd fds[2] = { { STDIN_FILENO, POLLIN, 0 },
		{ -1, POLLIN, 0 } };

	if (!wire_connect(&w, path))
		return fail(EX_TEMPFAIL,
		    "the mail server cannot be reached at %s: %s", path,
		    strerror(errno));
	fds[1].fd = w.fd;
	while (poll(fds, 2, -1) > 0 || errno == EINTR) {
		if (fds[1].revents != 0) {
			n = read(w.fd, block, sizeof(block));
			if (n <= 0 ||
			    write(STDOUT_FILENO, block, (size_t)n) != n)
				break;
		}
		if (fds[0].revents != 0) {
			n = read(STDIN_FILENO, block, sizeof(block));
			if (n > 0 && !wire_send(&w, block, (size_t)n))
				break;
			if (n <= 0 && !wire_send(&w, "QUIT\r\n", 6))
				break;
			if (n <= 0)
				fds[0].fd = -1;
		}
	}
	wire_close(&w);
	return EX_OK;
}

/* The queue is the administrator's; their command is beside this one. */
static int
show_queue(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 20);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL)
		memcpy(slash + 1, "posternctl", sizeof("posternctl"));
	(void)execl(path, "posternctl", "queue", "list", (char *)NULL);
	return fail(EX_OSFILE, "cannot run posternctl: %s", strerror(errno));
}

int
sendmail_main(int argc, char **argv)
{
	const char *path = getenv("POSTERN_SENDMAIL");
	struct sendmail_options o;

	if (path == NULL || *path == '\0')
		path = SOCKET;
	(void)signal(SIGPIPE, SIG_IGN);
	if (!sendmail_options(argc, argv, &o))
		return EX_USAGE;
	switch (o.mode) {
	case SENDMAIL_DELIVER:
		return deliver(&o, path);
	case SENDMAIL_QUEUE:
		return show_queue();
	case SENDMAIL_SMTP:
		return speak_smtp(path);
	case SENDMAIL_NOTHING:
		break;
	}
	return EX_OK;
}
