/*
 * imap/commands.h - the handlers of all commands: see imap_commands in
 * imap/session.h. A handler reads its arguments and answers, or begins to.
 */
#ifndef IMAP_COMMANDS_H
#define IMAP_COMMANDS_H

#include "imap/session.h"

typedef enum imap_step imap_handler(
    struct imap_session *s, struct imap_parser *ps);

imap_handler imap_append, imap_authenticate, imap_cancelupdate, imap_capability,
    imap_check, imap_close, imap_compress, imap_copy, imap_create, imap_delete,
    imap_deleteacl, imap_enable, imap_esearch, imap_examine, imap_expunge,
    imap_fetch, imap_getacl, imap_getmetadata, imap_getquota, imap_getquotaroot,
    imap_id, imap_idle, imap_list, imap_listrights, imap_login, imap_logout,
    imap_lsub, imap_move, imap_myrights, imap_namespace, imap_noop, imap_notify,
    imap_rename, imap_replace, imap_search, imap_select, imap_setacl,
    imap_setmetadata, imap_setquota, imap_sort, imap_starttls, imap_status,
    imap_store, imap_subscribe, imap_thread, imap_uid_expunge, imap_uidbatches,
    imap_unauthenticate, imap_unselect, imap_unsubscribe;

/* A FETCH that nobody asked for now: of messages by their uids, of `items`, a
 * list with a line end. The command at hand has no state; `then` goes on when
 * all is written. */
enum imap_step imap_fetch_new(struct imap_session *s, const struct uidset *uids,
    const char *items, enum imap_step (*then)(struct imap_session *s));

bool imap_append_streams(struct imap_parser *ps);
bool imap_replace_streams(struct imap_parser *ps);

#endif
