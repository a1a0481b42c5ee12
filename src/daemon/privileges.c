/*
 * privileges.c - from root to the configured user, for good.
 *
 * Ports and keys are opened before; everything that is written later belongs
 * to the user, so it is opened after.
 */
#include "daemon/privileges.h"

#include "base/log.h"
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

enum pst_rc
daemon_privileges_borrow(const struct admin_identity *id, struct pst_error *err)
{
	if (!id->change)
		return PST_OK;
	if (setegid(id->gid) == 0 && seteuid(id->uid) == 0)
		return PST_OK;
	return pst_fail(err, PST_E_DENIED, errno,
	    "cannot act as the user \"%s\": %s", id->user, strerror(errno));
}

void
daemon_privileges_restore(const struct admin_identity *id)
{
	if (!id->change)
		return;
	if (seteuid(0) < 0 || setegid(0) < 0)
		pst_bug("cannot act as root again: %s", strerror(errno));
}

enum pst_rc
daemon_privileges_drop(const struct admin_identity *id, struct pst_error *err)
{
	enum pst_rc rc;

	/* Containers may hold back the right to do this; what counts is the
	 * permitted set below. */
	if (id->change) {
		capng_clear(CAPNG_SELECT_BOUNDS);
		(void)capng_apply(CAPNG_SELECT_BOUNDS);
	}
	rc = admin_identity_become(id, err);
	if (rc != PST_OK)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return pst_fail(err, PST_E_DENIED, errno,
		    "prctl PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	/* Root in a sandbox stays what it was. */
	if (geteuid() == 0)
		return PST_OK;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0 ||
	    capng_get_caps_process() != 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return pst_fail(err, PST_E_DENIED, 0,
		    "cannot give up capabilities: %s", strerror(errno));
	return PST_OK;
}
