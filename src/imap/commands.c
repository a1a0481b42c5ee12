/*
 * imap/commands.c - the table of commands (RFC 3501, 6, and extensions).
 *
 * A new command is a row here and a handler in a file named after it.
 */
#include "imap/commands.h"

#include "base/str.h"

/* Sorted by name: imap_command_find() bisects, and a test checks the order. */
const struct imap_command imap_commands[] = {
	/* name, valid in, traits, run, streams */
	{ "APPEND", IMAP_USER, IMAP_EXPUNGES, imap_append,
	    imap_append_streams },
	{ "AUTHENTICATE", IMAP_FRESH, IMAP_QUIET | IMAP_SECRET,
	    imap_authenticate, NULL },
	{ "CANCELUPDATE", IMAP_SELECTED, IMAP_EXPUNGES, imap_cancelupdate,
	    NULL },
	{ "CAPABILITY", IMAP_ANY, IMAP_EXPUNGES, imap_capability, NULL },
	{ "CHECK", IMAP_SELECTED, IMAP_EXPUNGES, imap_check, NULL },
	{ "CLOSE", IMAP_SELECTED, IMAP_QUIET, imap_close, NULL },
	{ "COMPRESS", IMAP_USER, IMAP_QUIET, imap_compress, NULL },
	{ "COPY", IMAP_SELECTED, IMAP_EXPUNGES, imap_copy, NULL },
	{ "CREATE", IMAP_USER, IMAP_EXPUNGES, imap_create, NULL },
	{ "DELETE", IMAP_USER, IMAP_EXPUNGES, imap_delete, NULL },
	{ "DELETEACL", IMAP_USER, IMAP_EXPUNGES, imap_deleteacl, NULL },
	{ "ENABLE", IMAP_USER, IMAP_EXPUNGES, imap_enable, NULL },
	{ "ESEARCH", IMAP_USER, IMAP_EXPUNGES | IMAP_UID, imap_esearch, NULL },
	{ "EXAMINE", IMAP_USER, IMAP_QUIET, imap_examine, NULL },
	{ "EXPUNGE", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_WRITES, imap_expunge,
	    NULL },
	{ "FETCH", IMAP_SELECTED, 0, imap_fetch, NULL },
	{ "GETACL", IMAP_USER, IMAP_EXPUNGES, imap_getacl, NULL },
	{ "GETMETADATA", IMAP_USER, IMAP_EXPUNGES, imap_getmetadata, NULL },
	{ "GETQUOTA", IMAP_USER, IMAP_EXPUNGES, imap_getquota, NULL },
	{ "GETQUOTAROOT", IMAP_USER, IMAP_EXPUNGES, imap_getquotaroot, NULL },
	{ "ID", IMAP_ANY, IMAP_EXPUNGES, imap_id, NULL },
	{ "IDLE", IMAP_USER, IMAP_EXPUNGES, imap_idle, NULL },
	{ "LIST", IMAP_USER, IMAP_EXPUNGES, imap_list, NULL },
	{ "LISTRIGHTS", IMAP_USER, IMAP_EXPUNGES, imap_listrights, NULL },
	{ "LOGIN", IMAP_FRESH, IMAP_QUIET | IMAP_SECRET, imap_login, NULL },
	{ "LOGOUT", IMAP_ANY, IMAP_QUIET, imap_logout, NULL },
	{ "LSUB", IMAP_USER, IMAP_EXPUNGES, imap_lsub, NULL },
	{ "MOVE", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_WRITES, imap_move, NULL },
	{ "MYRIGHTS", IMAP_USER, IMAP_EXPUNGES, imap_myrights, NULL },
	{ "NAMESPACE", IMAP_USER, IMAP_EXPUNGES, imap_namespace, NULL },
	{ "NOOP", IMAP_ANY, IMAP_EXPUNGES, imap_noop, NULL },
	{ "NOTIFY", IMAP_USER, IMAP_EXPUNGES | IMAP_UID, imap_notify, NULL },
	{ "RENAME", IMAP_USER, IMAP_EXPUNGES, imap_rename, NULL },
	{ "REPLACE", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_WRITES, imap_replace,
	    imap_replace_streams },
	{ "SEARCH", IMAP_SELECTED, 0, imap_search, NULL },
	{ "SELECT", IMAP_USER, IMAP_QUIET, imap_select, NULL },
	{ "SETACL", IMAP_USER, IMAP_EXPUNGES, imap_setacl, NULL },
	{ "SETMETADATA", IMAP_USER, IMAP_EXPUNGES | IMAP_BINARY,
	    imap_setmetadata, NULL },
	{ "SETQUOTA", IMAP_USER, IMAP_EXPUNGES, imap_setquota, NULL },
	{ "SORT", IMAP_SELECTED, 0, imap_sort, NULL },
	{ "STARTTLS", IMAP_FRESH, IMAP_QUIET, imap_starttls, NULL },
	{ "STATUS", IMAP_USER, IMAP_EXPUNGES, imap_status, NULL },
	{ "STORE", IMAP_SELECTED, IMAP_WRITES, imap_store, NULL },
	{ "SUBSCRIBE", IMAP_USER, IMAP_EXPUNGES, imap_subscribe, NULL },
	{ "THREAD", IMAP_SELECTED, 0, imap_thread, NULL },
	{ "UID COPY", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_UID, imap_copy,
	    NULL },
	{ "UID EXPUNGE", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_WRITES | IMAP_UID,
	    imap_uid_expunge, NULL },
	{ "UID FETCH", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_UID, imap_fetch,
	    NULL },
	{ "UID MOVE", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_WRITES | IMAP_UID,
	    imap_move, NULL },
	{ "UID REPLACE", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_WRITES | IMAP_UID,
	    imap_replace, imap_replace_streams },
	{ "UID SEARCH", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_UID, imap_search,
	    NULL },
	{ "UID SORT", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_UID, imap_sort,
	    NULL },
	{ "UID STORE", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_WRITES | IMAP_UID,
	    imap_store, NULL },
	{ "UID THREAD", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_UID, imap_thread,
	    NULL },
	{ "UIDBATCHES", IMAP_SELECTED, IMAP_EXPUNGES | IMAP_UID,
	    imap_uidbatches, NULL },
	{ "UNAUTHENTICATE", IMAP_USER, IMAP_QUIET, imap_unauthenticate, NULL },
	{ "UNSELECT", IMAP_SELECTED, IMAP_QUIET, imap_unselect, NULL },
	{ "UNSUBSCRIBE", IMAP_USER, IMAP_EXPUNGES, imap_unsubscribe, NULL },
};
const size_t imap_command_count = sizeof(imap_commands) /
				  sizeof(imap_commands[0]);

const struct imap_command *
imap_command_find(struct pst_str name)
{
	size_t low = 0, high = imap_command_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = str_cmp_case(name, str_of(imap_commands[mid].name));

		if (order == 0)
			return &imap_commands[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
