/*
 * admin/background.h - requests of the control socket that take long.
 *
 * Threads: admin_work_start() from the control thread; the function then runs
 * in a thread of its own, and calls the others from there. When the client goes
 * away or the server stops, the work is cancelled and waited for: it has to
 * look at admin_work_is_cancelled() often.
 */
#ifndef ADMIN_BACKGROUND_H
#define ADMIN_BACKGROUND_H

#include "admin/control_priv.h"

struct admin_work;

/* What it returns is the client's answer: done, or an error with its detail. */
typedef enum pst_rc (*admin_work_fn)(
    struct admin_work *w, void *arg, struct pst_error *err);

/* `free_arg` (may be NULL) is called with `arg` once, in the end. */
void admin_work_start(struct admin_client *c, admin_work_fn run, void *arg,
    void (*free_arg)(void *arg));
/* One item of the answer; takes the reference. Waits for a client that reads
 * slowly. False: cancelled. */
bool admin_work_item(struct admin_work *w, json_t *item);
/*
 * The same with a client that goes on talking. Its lines and pieces
 * (protocol.h) are taken by the three functions below, which wait; PST_E_TEMP
 * when the client is gone before it has said all, or the work is cancelled.
 */
void admin_work_start_talk(struct admin_client *c, admin_work_fn run, void *arg,
    void (*free_arg)(void *arg));
/* The next line, at most ADMIN_LINE_MAX octets. The caller gives it up. */
enum pst_rc admin_work_line(
    struct admin_work *w, json_t **line_r, struct pst_error *err);
/* Exactly `n` octets of the piece that the last line announced. */
enum pst_rc admin_work_piece(
    struct admin_work *w, void *p, size_t n, struct pst_error *err);
/* A piece of content to the client, of at most ADMIN_PIECE_MAX octets. False:
 * cancelled. */
bool admin_work_put(struct admin_work *w, const void *p, size_t n);
/* Takes a struct admin_work, as a plain pointer for the engine's call backs. */
bool admin_work_is_cancelled(void *work);
/* `fn` is called once the work is cancelled, perhaps at once, by the control
 * thread, to break off what waits. NULL: no more; then it is not running. It
 * must not call anything of these. */
void admin_work_when_cancelled(
    struct admin_work *w, void (*fn)(void *arg), void *arg);
const struct admin_host *admin_work_host(const struct admin_work *w);

#endif
