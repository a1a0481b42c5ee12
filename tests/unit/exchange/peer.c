/*
 * peer.c - see peer.h. One thread accepts, one for each connection talks.
 */
#include "peer.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 256 };

struct peer {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved;
	struct peer_script script;
	bool stops;
	int client[CLIENTS];
	unsigned talking, connections, at_once, messages;
	struct heard *heard, **heard_last;
};

/* All that one client said. */
struct heard {
	struct heard *next;
	struct buf text;
};

struct talk {
	struct peer *p;
	int fd;
	struct heard *heard;
	struct buf in;
};

/* False: the connection is over. */
static bool
fill(struct talk *t)
{
	char block[4096];
	ssize_t got = recv(t->fd, block, sizeof(block), 0);

	if (got <= 0)
		return false;
	(void)buf_add(&t->in, block, (size_t)got);
	pthread_mutex_lock(&t->p->lock);
	(void)buf_add(&t->heard->text, block, (size_t)got);
	pthread_mutex_unlock(&t->p->lock);
	return true;
}

static bool
read_line(struct talk *t, char line[1024])
{
	for (;;) {
		size_t at = str_find(buf_str(&t->in), '\n');

		if (at < t->in.n) {
			(void)str_copy(
			    line, 1024, str_trim(str_n(t->in.p, at)));
			buf_consume(&t->in, at + 1);
			return true;
		}
		if (!fill(t))
			return false;
	}
}

static bool
dribble(struct talk *t, const char *text)
{
	for (; *text != '\0'; text++) {
		if (send(t->fd, text, 1, MSG_NOSIGNAL) != 1)
			return false;
		(void)usleep(100000);
	}
	return send(t->fd, "\r\n", 2, MSG_NOSIGNAL) == 2;
}

/* Until the other side has enough of it. */
static bool
say_for_ever(struct talk *t, const char *text, bool ended)
{
	size_t n = strlen(text);

	while (send(t->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n)
		if (ended && send(t->fd, "\r\n", 2, MSG_NOSIGNAL) != 2)
			break;
	return false;
}

/* A reply of the script, or the good one. False: it ends here. */
static bool
say(struct talk *t, const char *scripted, const char *good)
{
	const char *text = scripted != NULL ? scripted : good;
	char line[600];
	int n;

	if (*text == '\0')
		return false;
	if (strcmp(text, "-") == 0) {
		while (fill(t))
			;
		return false;
	}
	if (*text == '~')
		return dribble(t, text + 1);
	if (*text == '*')
		return say_for_ever(t, text + 1, true);
	if (*text == '#')
		return say_for_ever(t, "250-xxxxxxxxxxxxxxxxxxxxxxxx", false);
	n = snprintf(line, sizeof(line), "%s\r\n", text);
	return send(t->fd, line, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool
say_ehlo(struct talk *t, const struct peer_script *s)
{
	struct pst_str rest = str_of(s->extensions), word;
	struct buf text;
	bool done;

	if (s->ehlo != NULL)
		return say(t, s->ehlo, NULL);
	buf_init(&text, 4096);
	(void)buf_puts(&text, "250-peer.test\r\n");
	while (str_split(&rest, ' ', &word)) {
		(void)buf_puts(&text, "250-");
		for (size_t i = 0; i < word.n; i++)
			(void)buf_putc(
			    &text, word.p[i] == '=' ? ' ' : word.p[i]);
		(void)buf_puts(&text, "\r\n");
	}
	(void)buf_puts(&text, "250 HELP\r\n");
	done = send(t->fd, text.p, text.n, MSG_NOSIGNAL) == (ssize_t)text.n;
	buf_fini(&text);
	return done;
}

static void
count_message(struct talk *t)
{
	pthread_mutex_lock(&t->p->lock);
	t->p->messages++;
	pthread_mutex_unlock(&t->p->lock);
}

static bool
take_data(struct talk *t, const struct peer_script *s, bool any)
{
	char line[1024];

	if (!any && s->data == NULL)
		return say(t, NULL, "554 5.5.1 No valid recipients");
	if (!say(t, s->data, "354 Go on"))
		return false;
	if (s->data != NULL && s->data[0] != '3')
		return true;
	do {
		if (!read_line(t, line))
			return false;
	} while (strcmp(line, ".") != 0);
	if (s->final == NULL || s->final[0] == '2')
		count_message(t);
	return !s->drops_after_data && say(t, s->final, "250 2.0.0 Taken");
}

static bool
take_chunk(struct talk *t, const struct peer_script *s, const char *line)
{
	size_t n = strtoul(line + 5, NULL, 10);
	bool last = strstr(line, "LAST") != NULL;

	while (t->in.n < n)
		if (!fill(t))
			return false;
	buf_consume(&t->in, n);
	if (!last)
		return say(t, s->chunk, "250 2.0.0 More");
	if (s->final == NULL || s->final[0] == '2')
		count_message(t);
	return !s->drops_after_data && say(t, s->final, "250 2.0.0 Taken");
}

static void
read_script(struct peer *p, struct peer_script *s)
{
	pthread_mutex_lock(&p->lock);
	*s = p->script;
	pthread_mutex_unlock(&p->lock);
}

static void
talk(struct talk *t, struct peer_script *s)
{
	char line[1024];
	bool any = false, on = say(t, s->greeting, "220 peer.test ESMTP");
	unsigned mails = 0;

	while (on && read_line(t, line)) {
		if (strncmp(line, "EHLO", 4) == 0) {
			on = say_ehlo(t, s);
		} else if (strncmp(line, "HELO", 4) == 0) {
			on = say(t, s->helo, "250 peer.test");
		} else if (strncmp(line, "MAIL", 4) == 0) {
			any = false;
			read_script(t->p, s);
			if (s->most > 0 && mails++ == s->most) {
				(void)say(t, NULL, "421 4.4.2 Idle too long");
				return;
			}
			on = say(t, s->mail, "250 2.1.0 Ok");
		} else if (strncmp(line, "RCPT", 4) == 0) {
			const char *reply = s->rcpt;

			if (s->special != NULL &&
			    strstr(line, s->special) != NULL)
				reply = s->special_reply;
			any |= reply == NULL || reply[0] == '2';
			on = say(t, reply, "250 2.1.5 Ok");
		} else if (strcmp(line, "DATA") == 0) {
			on = take_data(t, s, any);
		} else if (strncmp(line, "BDAT", 4) == 0) {
			on = take_chunk(t, s, line);
		} else if (strcmp(line, "STARTTLS") == 0) {
			on = say(t, s->starttls, "220 2.0.0 Go on");
			if (on && s->handshake != NULL)
				on = say(t, s->handshake, NULL);
		} else if (strcmp(line, "RSET") == 0) {
			on = say(t, s->rset, "250 2.0.0 Ok");
		} else if (strcmp(line, "QUIT") == 0) {
			(void)say(t, NULL, "221 Bye");
			on = false;
		} else {
			on = say(t, NULL, "250 Ok");
		}
	}
}

static void *
run_talk(void *arg)
{
	struct talk *t = arg;
	struct peer *p = t->p;
	struct peer_script script;

	read_script(p, &script);
	talk(t, &script);
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < CLIENTS; i++)
		if (p->client[i] == t->fd)
			p->client[i] = -1;
	(void)close(t->fd);
	p->talking--;
	pthread_cond_broadcast(&p->moved);
	pthread_mutex_unlock(&p->lock);
	buf_fini(&t->in);
	free(t);
	return NULL;
}

static void
begin_talk(struct peer *p, int fd)
{
	struct talk *t = mem_alloc(sizeof(*t));
	pthread_t thread;

	t->p = p;
	t->fd = fd;
	buf_init(&t->in, 64 << 20);
	t->heard = mem_alloc(sizeof(*t->heard));
	buf_init(&t->heard->text, 256 << 20);
	pthread_mutex_lock(&p->lock);
	*p->heard_last = t->heard;
	p->heard_last = &t->heard->next;
	for (int i = 0; i < CLIENTS; i++)
		if (p->client[i] < 0) {
			p->client[i] = fd;
			break;
		}
	p->connections++;
	if (++p->talking > p->at_once)
		p->at_once = p->talking;
	pthread_mutex_unlock(&p->lock);
	cr_assert_eq(pthread_create(&thread, NULL, run_talk, t), 0);
	(void)pthread_detach(thread);
}

static void *
run(void *arg)
{
	struct peer *p = arg;

	for (;;) {
		int fd = accept(p->fd, NULL, NULL);
		bool stops;

		pthread_mutex_lock(&p->lock);
		stops = p->stops;
		pthread_mutex_unlock(&p->lock);
		if (fd < 0 || stops) {
			if (fd >= 0)
				(void)close(fd);
			return NULL;
		}
		begin_talk(p, fd);
	}
}

struct peer *
peer_start(const char *host, const struct peer_script *script, int *port)
{
	struct peer *p = mem_alloc(sizeof(*p));
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)*port) };
	socklen_t n = sizeof(sa);
	int one = 1;

	p->script = *script;
	p->heard_last = &p->heard;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->moved, NULL);
	for (int i = 0; i < CLIENTS; i++)
		p->client[i] = -1;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	cr_assert_eq(inet_pton(AF_INET, host, &sa.sin_addr), 1);
	cr_assert_eq(bind(p->fd, (struct sockaddr *)&sa, n), 0);
	cr_assert_eq(listen(p->fd, 200), 0);
	cr_assert_eq(getsockname(p->fd, (struct sockaddr *)&sa, &n), 0);
	*port = ntohs(sa.sin_port);
	cr_assert_eq(pthread_create(&p->thread, NULL, run, p), 0);
	return p;
}

void
peer_set(struct peer *p, const struct peer_script *script)
{
	pthread_mutex_lock(&p->lock);
	p->script = *script;
	pthread_mutex_unlock(&p->lock);
}

void
peer_stop(struct peer **pp)
{
	struct peer *p = *pp;

	*pp = NULL;
	pthread_mutex_lock(&p->lock);
	p->stops = true;
	for (int i = 0; i < CLIENTS; i++)
		if (p->client[i] >= 0)
			(void)shutdown(p->client[i], SHUT_RDWR);
	pthread_mutex_unlock(&p->lock);
	(void)shutdown(p->fd, SHUT_RDWR);
	(void)pthread_join(p->thread, NULL);
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < CLIENTS; i++)
		if (p->client[i] >= 0)
			(void)shutdown(p->client[i], SHUT_RDWR);
	while (p->talking > 0)
		pthread_cond_wait(&p->moved, &p->lock);
	pthread_mutex_unlock(&p->lock);
	(void)close(p->fd);
	while (p->heard != NULL) {
		struct heard *h = p->heard;

		p->heard = h->next;
		buf_fini(&h->text);
		free(h);
	}
	free(p);
}

static unsigned
get(struct peer *p, const unsigned *value)
{
	unsigned got;

	pthread_mutex_lock(&p->lock);
	got = *value;
	pthread_mutex_unlock(&p->lock);
	return got;
}

unsigned
peer_messages(struct peer *p)
{
	return get(p, &p->messages);
}

unsigned
peer_connections(struct peer *p)
{
	return get(p, &p->connections);
}

unsigned
peer_at_once(struct peer *p)
{
	return get(p, &p->at_once);
}

char *
peer_heard(struct peer *p)
{
	struct buf all;
	char *text;

	buf_init(&all, 256 << 20);
	pthread_mutex_lock(&p->lock);
	for (struct heard *h = p->heard; h != NULL; h = h->next)
		(void)buf_add(&all, h->text.p, h->text.n);
	pthread_mutex_unlock(&p->lock);
	text = str_dup(buf_str(&all));
	buf_fini(&all);
	return text;
}
