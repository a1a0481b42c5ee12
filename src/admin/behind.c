/*
 * behind.c - looking for mail that a change of settings would leave behind.
 */
#include "admin/behind.h"

#include "base/str.h"

struct search {
	struct mailstore *store;
	char *who;
};

static void
look_at(void *arg, const struct account_user *user)
{
	struct search *s = arg;

	if (s->who[0] == '\0' && user->storage[0] == '\0' &&
	    mail_account_exists(s->store, user))
		(void)str_copy(
		    s->who, sizeof(user->address), str_of(user->address));
}

enum pst_rc
admin_first_behind(struct accounts *a, struct mailstore *store,
    const char *address, const char *domain, char who_r[321],
    struct pst_error *err)
{
	struct search s = { .store = store, .who = who_r };
	struct account_user user;
	enum pst_rc rc;

	who_r[0] = '\0';
	if (domain != NULL)
		return account_each(a, domain, look_at, &s, err);
	rc = account_find(a, address, &user, err);
	if (rc == PST_OK && mail_account_exists(store, &user))
		(void)str_copy(
		    who_r, sizeof(user.address), str_of(user.address));
	return rc;
}
