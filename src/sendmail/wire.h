/*
 * sendmail/wire.h - the conversation with the server: SMTP over its Unix
 * socket. Waits at most five minutes for each answer.
 *
 * Belongs to one thread.
 */
#ifndef SENDMAIL_WIRE_H
#define SENDMAIL_WIRE_H

#include "base/mem.h"

struct wire {
	int fd;
	bool verbose; /* all is shown on stderr */
	struct buf in;
	int code;	  /* of the last reply; 0: the connection is lost */
	char status[16];  /* "5.1.1", or "" */
	char text[512];	  /* its last line */
	char domain[256]; /* what the server calls itself */
	bool dsn, smtputf8, eightbit; /* after EHLO */
	uint64_t size;		      /* that the server takes; 0: any */
};

/* Connects and greets. False: `text` says why not; `code` as above. */
bool wire_open(struct wire *w, const char *path, bool verbose);
/* Only connects. False: errno. */
bool wire_connect(struct wire *w, const char *path);
void wire_close(struct wire *w);
/* One command, without CR LF; the first digit of the reply's code. */
int wire_ask(struct wire *w, const char *fmt, ...) PST_PRINTF(2, 3);
/* Octets as they are. False: the connection is lost. */
bool wire_send(struct wire *w, const void *p, size_t n);
/* A reply. */
int wire_answer(struct wire *w);

#endif
