/*
 * exchange/client.h - the sending side of SMTP (RFC 5321), over a wire.
 *
 * A client belongs to one thread at a time, which blocks; each step has the
 * time limit of RFC 5321, 4.5.3.2.
 */
#ifndef EXCHANGE_CLIENT_H
#define EXCHANGE_CLIENT_H

#include "exchange/envelope.h"
#include "exchange/reply.h"
#include "exchange/wire.h"

struct client;

/* What EHLO told. */
enum client_extension {
	CLIENT_PIPELINING = 1 << 0,
	CLIENT_SIZE = 1 << 1,
	CLIENT_8BITMIME = 1 << 2,
	CLIENT_SMTPUTF8 = 1 << 3,
	CLIENT_CHUNKING = 1 << 4,
	CLIENT_DSN = 1 << 5,
	CLIENT_STARTTLS = 1 << 6,
	CLIENT_REQUIRETLS = 1 << 7,
	CLIENT_BINARYMIME = 1 << 8,
};

/* Seconds. */
struct client_times {
	int64_t greeting, ehlo, mail, rcpt, data, block, final, quit;
};
extern const struct client_times client_times_default;

/* How something ended. */
enum client_result {
	CLIENT_OK,
	CLIENT_REFUSED,	  /* by a reply, which says whether for ever */
	CLIENT_LOST,	  /* the connection, or what it said was no SMTP */
	CLIENT_UNTRUSTED, /* TLS is not what the policy wants */
	CLIENT_LACKS,	  /* an extension that the message needs */
};

/* The wire becomes the client's. `helo`: our name. */
struct client *client_new(
    struct wire **w, const char *helo, const struct client_times *times);
/* Without a word when the connection is lost. */
void client_free(struct client **c);

/*
 * The greeting and EHLO, or HELO for a server that knows no other. The last
 * reply, for any function here, is client_reply(); its text is empty when the
 * connection was lost, then `err` tells why.
 */
enum client_result client_greet(struct client *c, struct pst_error *err);
enum client_result client_start_tls(
    struct client *c, const struct wire_policy *policy, struct pst_error *err);
unsigned client_extensions(const struct client *c);
uint64_t client_size_limit(const struct client *c); /* 0: none was told */
/* RFC 9422: messages of a session and recipients of a message. 0: none told. */
unsigned client_mail_limit(const struct client *c);
unsigned client_rcpt_limit(const struct client *c);
const struct reply *client_reply(const struct client *c);
/* SASL mechanisms that were offered (RFC 4954, 3), parted by spaces. */
const char *client_mechanisms(const struct client *c);
bool client_is_tls(const struct client *c);
const char *client_tls_info(const struct client *c);
enum wire_flaw client_flaw(const struct client *c);
void client_local(const struct client *c, char text[64]);

/* For channel binding (RFC 9266). False: no TLS, or none that can. */
bool client_exporter(const struct client *c, unsigned char out[32]);
/* Another command, without CRLF, and the reply to it. The line may have a
 * secret: nobody else shall see it. */
enum client_result client_say(struct client *c, struct pst_str line,
    int64_t seconds, struct pst_error *err);

/* Where the content comes from: up to `n` octets, *got_r 0 at the end. */
typedef enum pst_rc (*client_content_fn)(
    void *arg, void *p, size_t n, size_t *got_r, struct pst_error *err);

/* What became of one recipient. */
typedef void (*client_recipient_fn)(
    void *arg, size_t recipient, const struct reply *reply);

struct client_message {
	const struct envelope *envelope;
	/* Which of its recipients, that wait. */
	const size_t *recipient;
	size_t recipients;
	client_content_fn content;
	void *content_arg;
	/* Called for each recipient that was refused, and, when the message
	 * was taken or refused as a whole, for all others. */
	client_recipient_fn refused, settled;
	void *arg;
};

/*
 * One transaction. OK: `settled` tells what the server said in the end, for
 * all whom it was told of. REFUSED: MAIL was; the reply is for all. LOST: those
 * of whom nothing was told have it or not, as far as *in_doubt_r says. After OK
 * and REFUSED the next one can begin. LACKS: nothing was said.
 */
enum client_result client_send(struct client *c, const struct client_message *m,
    bool *in_doubt_r, struct pst_error *err);

/* The connection is there for another message. */
bool client_is_usable(struct client *c);
void client_quit(struct client *c);
/* As that, but the answer is not waited for. */
void client_leave(struct client *c);

#endif
