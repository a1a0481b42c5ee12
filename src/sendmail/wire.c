/*
 * sendmail/wire.c - see wire.h.
 */
#include "sendmail/wire.h"

#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 4096, REPLY_LINES = 100, WAIT_MS = 300 * 1000 };

static int
lose(struct wire *w, const char *why)
{
	w->code = 0;
	w->status[0] = '\0';
	(void)snprintf(w->text, sizeof(w->text), "%s", why);
	return 0;
}

bool
wire_connect(struct wire *w, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	*w = (struct wire){ .fd = -1 };
	buf_init(&w->in, LINE_MAX_OCTETS);
	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return w->fd >= 0 &&
	       connect(w->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

void
wire_close(struct wire *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	buf_fini(&w->in);
}

bool
wire_send(struct wire *w, const void *p, size_t n)
{
	const char *from = p;

	while (n > 0) {
		struct pollfd fd = { w->fd, POLLOUT, 0 };
		ssize_t some;

		if (poll(&fd, 1, WAIT_MS) == 0)
			return false;
		some = send(w->fd, from, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (some < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (some > 0) {
			from += some;
			n -= (size_t)some;
		}
	}
	return true;
}

/* One line without its end, to be consumed. False: lost, or too long. */
static bool
read_line(struct wire *w, struct pst_str *line_r)
{
	for (;;) {
		struct pst_str all = buf_str(&w->in);
		size_t end = str_find(all, '\n');
		struct pollfd fd = { w->fd, POLLIN, 0 };
		char block[512];
		ssize_t n;

		if (end < all.n) {
			*line_r = str_first(all, end + 1);
			return true;
		}
		if (poll(&fd, 1, WAIT_MS) == 0)
			return false;
		n = recv(w->fd, block, sizeof(block), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || !buf_add(&w->in, block, (size_t)n))
			return false;
	}
}

static void
note_extension(struct wire *w, struct pst_str text)
{
	struct pst_str word;

	if (!str_split(&text, ' ', &word))
		return;
	if (str_is_case(word, "DSN"))
		w->dsn = true;
	else if (str_is_case(word, "SMTPUTF8"))
		w->smtputf8 = true;
	else if (str_is_case(word, "8BITMIME"))
		w->eightbit = true;
	else if (str_is_case(word, "SIZE"))
		(void)str_to_u64(str_trim(text), &w->size);
}

/* "5.1.1" before the text. */
static void
take_status(struct wire *w, struct pst_str text)
{
	struct pst_str word = STR_NONE;

	w->status[0] = '\0';
	if (str_split(&text, ' ', &word) && word.n >= 5 && word.n < 16 &&
	    ascii_is_digit(word.p[0]) && word.p[1] == '.')
		(void)str_copy(w->status, sizeof(w->status), word);
}

int
wire_answer(struct wire *w)
{
	for (int i = 0; i < REPLY_LINES; i++) {
		struct pst_str line, text;
		uint32_t code;
		bool last;

		if (!read_line(w, &line))
			return lose(w, "the connection to the server is lost");
		text = str_trim(line);
		if (w->verbose)
			(void)fprintf(stderr, "<< %.*s\n", STR_ARG(text));
		if (text.n < 3 || !str_to_u32(str_first(text, 3), &code))
			return lose(w, "the server says what is no SMTP");
		last = text.n == 3 || text.p[3] == ' ';
		text = str_from(text, 4);
		if (i > 0)
			note_extension(w, text);
		if (last) {
			w->code = (int)code;
			take_status(w, text);
			(void)str_copy(w->text, sizeof(w->text), text);
		}
		buf_consume(&w->in, line.n);
		if (last)
			return w->code / 100;
	}
	return lose(w, "the server says what is no SMTP");
}

int
wire_ask(struct wire *w, const char *fmt, ...)
{
	struct buf line;
	va_list ap;
	bool sent;

	buf_init(&line, LINE_MAX_OCTETS);
	va_start(ap, fmt);
	(void)buf_vprintf(&line, fmt, ap);
	va_end(ap);
	if (w->verbose)
		(void)fprintf(stderr, ">> %.*s\n", STR_ARG(buf_str(&line)));
	sent = buf_puts(&line, "\r\n") && wire_send(w, line.p, line.n);
	buf_fini(&line);
	/* The server may have said why it closes. */
	return sent || w->fd >= 0 ? wire_answer(w) : 0;
}

bool
wire_open(struct wire *w, const char *path, bool verbose)
{
	struct pst_str text, word;

	if (!wire_connect(w, path)) {
		char why[512];

		(void)snprintf(why, sizeof(why),
		    "the mail server cannot be reached at %s: %s", path,
		    strerror(errno));
		(void)lose(w, why);
		return false;
	}
	w->verbose = verbose;
	if (wire_answer(w) != 2)
		return false;
	text = str_of(w->text);
	if (!str_split(&text, ' ', &word) ||
	    !str_copy(w->domain, sizeof(w->domain), word))
		return false;
	return wire_ask(w, "EHLO localhost") == 2;
}
