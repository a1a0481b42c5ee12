/*
 * admin/behind.h - whose mail would stay behind if users were given another
 * storage by a mere change of a setting. Moving it is for posternctl convert.
 *
 * Threads: from any thread.
 */
#ifndef ADMIN_BEHIND_H
#define ADMIN_BEHIND_H

#include "account/account.h"
#include "mailbox/store.h"

/*
 * The first who has mail in the storage that their settings lead to: the user
 * `address`, or those of `domain` who have no storage of their own. One of both
 * is NULL. who_r "": nobody.
 */
enum pst_rc admin_first_behind(struct accounts *a, struct mailstore *store,
    const char *address, const char *domain, char who_r[321],
    struct pst_error *err);

#endif
