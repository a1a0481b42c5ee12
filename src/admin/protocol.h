/*
 * admin/protocol.h - what posternctl and posternd say to each other on the
 * control socket.
 *
 * A connection carries one request: a JSON object in one line, at most
 * ADMIN_REQUEST_MAX octets, whose member "request" names it. The server
 * answers with JSON objects, one a line:
 *
 *	{"item": ...}			any number of results
 *	{"line": "..."}			of a trace, for as long as it lasts
 *	{"done": true}			the end; or
 *	{"error": "text", "code": "not-found"}
 *
 * The codes are those of rc_name(). The server then closes the connection.
 *
 * Some requests (import, export) carry content of messages. It goes in pieces
 * of at most ADMIN_PIECE_MAX octets, each behind a line that announces it, in
 * either direction:
 *
 *	{"data": 4096}			then so many octets, as they are
 *
 * In such a request the client may go on sending lines after the request. Both
 * sides stop reading while they have enough to do, so that a slow one slows the
 * other down; who sends must therefore read meanwhile.
 *
 * Threads: plain functions on the caller's data.
 */
#ifndef ADMIN_PROTOCOL_H
#define ADMIN_PROTOCOL_H

#include "base/mem.h"
#include <jansson.h>
#include <sys/un.h>

#define ADMIN_SOCKET_NAME "control"
#define ADMIN_REQUEST_MAX 8192
#define ADMIN_LINE_MAX 65536
#define ADMIN_PIECE_MAX 65536

/*
 * Makes a JSON string of any octets: what is not UTF-8 is written as \xNN.
 * Never fails.
 */
json_t *admin_json_text(struct pst_str s);

/* Adds `value`, whose reference it takes, as one line. False: no room. */
bool admin_put_line(struct buf *out, json_t *value);
/* Adds a piece of at most ADMIN_PIECE_MAX octets with its line. False: no room.
 */
bool admin_put_piece(struct buf *out, const void *p, size_t n);

/*
 * Takes the first complete line off `in`. NULL with *bad_r false: there is
 * none yet. NULL with *bad_r: it is no JSON object.
 */
json_t *admin_take_line(struct buf *in, bool *bad_r);
/* The octets of the piece that a line announces; 0: it is another line, or the
 * number cannot be. */
size_t admin_piece_size(const json_t *line);

/* The member `key` as a text; NULL when it is missing or none. */
const char *admin_member(const json_t *object, const char *key);

/* rc of rc_name()'s word; PST_E_TEMP for a word that is unknown here. */
enum pst_rc admin_rc_of(const char *name);

/*
 * The address of the socket `path`, also when the path is longer than a
 * sockaddr_un can hold: then through *dir_fd_r, which the caller closes after
 * use (-1: not needed). False: errno.
 */
bool admin_socket_address(
    const char *path, struct sockaddr_un *sun_r, int *dir_fd_r);

#endif
