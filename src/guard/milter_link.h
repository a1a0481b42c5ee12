/*
 * guard/milter_link.h - the conversation with one milter: what is agreed on,
 * the steps of a message, what it answers.
 *
 * Everything blocks, so it is for jobs alone; but milter_link_close().
 *
 * Threads: belongs to one at a time.
 */
#ifndef GUARD_MILTER_LINK_H
#define GUARD_MILTER_LINK_H

#include "base/config.h"
#include "guard/milter_macros.h"
#include "guard/milter_message.h"
#include "guard/milter_wire.h"

enum milter_outcome {
	MILTER_GO_ON,
	MILTER_ACCEPT,	/* it needs to see no more */
	MILTER_SKIP,	/* nor the rest of the body */
	MILTER_REFUSE,	/* with the reply */
	MILTER_DISCARD, /* say that it is taken, and drop it */
	MILTER_FAILED,	/* not a word of the protocol, or none at all */
};

struct milter_answer {
	enum milter_outcome outcome;
	bool close; /* and the connection with it (421) */
	char reply[MILTER_REPLY_MAX];
};

/* A change of the envelope, in the order in which they came. */
struct milter_request {
	char kind; /* enum milter_answer_kind */
	char *address;
	char *args;
};

/* What milters see of one connection, and do to the message at hand. */
struct milter_scene {
	struct milter_macros macros;
	uint64_t conn; /* for the log */
	/* The connection. */
	char *host;    /* its name, or "[192.0.2.1]" */
	char *address; /* or "unix" */
	int port;
	char *helo;
	/* The message. */
	struct milter_message *message; /* or NULL */
	char *mail, *rcpt; /* the command's arguments, LF between them */
	struct milter_request *request;
	size_t requests, requests_cap;
	char *quarantine; /* why; or NULL */
};

struct milter_link {
	const struct config_milter *cfg;
	struct milter_wire wire;
	uint32_t version, actions, steps;
	char *macros[MILTER_STAGES]; /* that it wants; NULL: it did not say */
	char *helo;		     /* that it was told */
	bool in_message;	     /* it has not heard the end of it */
	bool done;		     /* with this message */
	bool done_with_all;	     /* of this connection */
	struct buf out;
	struct pst_error err; /* of the last failure */
};

void milter_link_init(struct milter_link *l, const struct config_milter *cfg,
    const atomic_bool *stops, const atomic_bool *gone);
/* Says goodbye, without waiting. */
void milter_link_close(struct milter_link *l);

/* Connects if need be, and tells all up to MAIL. */
void milter_link_mail(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *answer_r);
void milter_link_rcpt(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *answer_r);
/* The content, and what it changes. */
void milter_link_content(struct milter_link *l, struct milter_scene *s,
    struct milter_answer *answer_r);

#endif
