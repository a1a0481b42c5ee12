/*
 * admin/client.h - posternctl's end of the control socket.
 *
 * Threads: a connection belongs to one thread.
 */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

#include "admin/protocol.h"

struct admin_connection {
	int fd;
	struct buf in;
	struct buf out;	  /* only of a request that goes on: admin_say() */
	bool is_deaf;	  /* the server takes no more; it may have said why */
	int64_t deadline; /* clock_monotonic, of waiting for it; 0: none */
};

/* PST_E_NOTFOUND: no server listens at `path`. */
enum pst_rc admin_connect(
    const char *path, struct admin_connection *conn_r, struct pst_error *err);
void admin_disconnect(struct admin_connection *conn);
/* Sends one request; takes the reference. */
enum pst_rc admin_send(
    struct admin_connection *conn, json_t *request, struct pst_error *err);
/*
 * Waits for the next line. OK with *line_r; on {"done"} OK with NULL; on
 * {"error"} its code, with the text in err->detail.
 */
enum pst_rc admin_receive(
    struct admin_connection *conn, json_t **line_r, struct pst_error *err);
/*
 * For requests in which the client goes on talking: a line, and a piece of
 * content. Both are sent when enough has gathered; while the server does not
 * take them, what it says is read into `in`. A server that wants no more is no
 * error here: admin_receive() then tells what it said.
 */
enum pst_rc admin_say(
    struct admin_connection *conn, json_t *line, struct pst_error *err);
enum pst_rc admin_say_piece(struct admin_connection *conn, const void *p,
    size_t n, struct pst_error *err);
/* Sends what has gathered; admin_receive() does so, too. */
enum pst_rc admin_flush(struct admin_connection *conn, struct pst_error *err);
/* As admin_receive(), but of what has come already; *line_r NULL and *over_r
 * false: nothing. */
enum pst_rc admin_poll(struct admin_connection *conn, json_t **line_r,
    bool *over_r, struct pst_error *err);
/* Exactly `n` octets of the piece that the last line announced. */
enum pst_rc admin_receive_piece(
    struct admin_connection *conn, void *p, size_t n, struct pst_error *err);
/* Waits until the server closes. */
void admin_wait_closed(struct admin_connection *conn);

#endif
