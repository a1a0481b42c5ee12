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
/* Waits until the server closes. */
void admin_wait_closed(struct admin_connection *conn);

#endif
