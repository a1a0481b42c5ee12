/*
 * unit/net/fixture.h - a server of one small line protocol, in this process,
 * and clients for it. Each line is a command; what is none comes back as it is:
 *
 *	big N		N octets, as fast as the client reads; then "done"
 *	again MS	asks for its turn again and again for MS; then "done"
 *	pause MS	nothing is listened to for MS; then "done"
 *	wait		nothing is listened to until it is woken; then "awake"
 *	idle S		"timer" when nothing has come for S
 *	deadline MS	"timer" after MS, whatever comes
 *	block MS	blocks its thread, as a slow disk does; then "done"
 *	user NAME	counts as a user's: "yes" or "no"
 *	small N		holds at most N octets of input
 *	handle		lends its handle to the test; "done"
 *	secret TEXT	TEXT, hidden from those who watch
 *	trickle		octets without end, with work in between
 *	cut N TEXT	TEXT, whose first N octets are sent before the others
 *	quit		"bye", and closes
 */
#ifndef TESTS_UNIT_NET_FIXTURE_H
#define TESTS_UNIT_NET_FIXTURE_H

#include "net/inspect.h"
#include "net/net.h"
#include "net/tls.h"
#include <stdatomic.h>

struct server {
	struct net *net;
	struct config *cfg;
	struct tls_context *tls;
	char dir[64];
	char path[96]; /* the Unix socket */
	int port;      /* on loopback */
	int tls_port;  /* implicit TLS; 0: none */
	/* What the protocol noted. */
	struct net_handle handle;
	_Atomic uint64_t told, seen; /* told by the test; seen by woken() */
	_Atomic unsigned open, closed, stopped, timers, woken;
};

/* `more`: lines of configuration for the section limits. The protocol's
 * context is the server. False: it does not start. */
bool server_start(struct server *s, const char *more, bool tls);
void server_stop(struct server *s);
void server_clean(struct server *s);
/* The configuration of a server that listens at `path` and on loopback. */
struct config *server_config(
    const char *path, const char *more, const char *certificates);
extern const struct net_protocol *const server_protocol;

/* Clients block; a read waits at most five seconds. */
int client_unix(const struct server *s);
int client_tcp(const struct server *s);
void client_say(int fd, const char *text);
/* One line without CRLF; false: end or time-out. */
bool client_line(int fd, char *line, size_t size);
/* True: the next line is `text`. */
bool client_hears(int fd, const char *text);
/* True: the server has closed the connection. */
bool client_ended(int fd);
/* Milliseconds since some time, and of processor time of this process. */
int64_t now_ms(void);
int64_t cpu_ms(void);
void sleep_ms(int64_t ms);
/* Waits at most five seconds for `*value` to be at least `least`. */
bool wait_for(_Atomic unsigned *value, unsigned least);

#endif
