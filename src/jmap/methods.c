/*
 * jmap/methods.c - the table of methods.
 */
#include "jmap/account.h"
#include "jmap/email.h"
#include "jmap/mailbox.h"
#include "jmap/parts.h"
#include "jmap/sieve.h"

/* RFC 8620, 4. */
static json_t *
echo(struct jmap_call *c)
{
	return json_incref(c->args);
}

const struct jmap_method jmap_methods[] = {
	{ "Core/echo", JMAP_CORE, echo, true },
	{ "PushSubscription/get", JMAP_CORE, jmap_push_subscription_get, true },
	{ "PushSubscription/set", JMAP_CORE, jmap_push_subscription_set, true },
	{ "Blob/copy", JMAP_CORE, jmap_blob_copy, false },

	{ "Mailbox/get", JMAP_MAIL, jmap_mailbox_get, false },
	{ "Mailbox/changes", JMAP_MAIL, jmap_mailbox_changes, false },
	{ "Mailbox/query", JMAP_MAIL, jmap_mailbox_query, false },
	{ "Mailbox/queryChanges", JMAP_MAIL, jmap_query_changes_no, false },
	{ "Mailbox/set", JMAP_MAIL, jmap_mailbox_set, false },
	{ "Thread/get", JMAP_MAIL, jmap_thread_get, false },
	{ "Thread/changes", JMAP_MAIL, jmap_thread_changes, false },
	{ "Email/get", JMAP_MAIL, jmap_email_get, false },
	{ "Email/changes", JMAP_MAIL, jmap_email_changes, false },
	{ "Email/query", JMAP_MAIL, jmap_email_query, false },
	{ "Email/queryChanges", JMAP_MAIL, jmap_email_query_changes, false },
	{ "Email/set", JMAP_MAIL, jmap_email_set, false },
	{ "Email/copy", JMAP_MAIL, jmap_email_copy, false },
	{ "Email/import", JMAP_MAIL, jmap_email_import, false },
	{ "Email/parse", JMAP_MAIL, jmap_email_parse, false },
	{ "SearchSnippet/get", JMAP_MAIL, jmap_snippet_get, false },

	{ "Identity/get", JMAP_SUBMISSION, jmap_identity_get, false },
	{ "Identity/changes", JMAP_SUBMISSION, jmap_identity_changes, false },
	{ "Identity/set", JMAP_SUBMISSION, jmap_identity_set, false },
	{ "EmailSubmission/get", JMAP_SUBMISSION, jmap_submission_get, false },
	{ "EmailSubmission/changes", JMAP_SUBMISSION, jmap_submission_changes,
	    false },
	{ "EmailSubmission/query", JMAP_SUBMISSION, jmap_submission_query,
	    false },
	{ "EmailSubmission/queryChanges", JMAP_SUBMISSION,
	    jmap_query_changes_no, false },
	{ "EmailSubmission/set", JMAP_SUBMISSION, jmap_submission_set, false },

	{ "Quota/get", JMAP_QUOTA, jmap_quota_get, false },
	{ "VacationResponse/get", JMAP_VACATION, jmap_vacation_get, false },
	{ "VacationResponse/set", JMAP_VACATION, jmap_vacation_set, false },

	{ "SieveScript/get", JMAP_SIEVE, jmap_sieve_get, false },
	{ "SieveScript/changes", JMAP_SIEVE, jmap_sieve_changes, false },
	{ "SieveScript/query", JMAP_SIEVE, jmap_sieve_query, false },
	{ "SieveScript/queryChanges", JMAP_SIEVE, jmap_query_changes_no,
	    false },
	{ "SieveScript/set", JMAP_SIEVE, jmap_sieve_set, false },
	{ "SieveScript/validate", JMAP_SIEVE, jmap_sieve_validate, false },
	{ "SieveScript/test", JMAP_SIEVE_TEST, jmap_sieve_test, false },
	{ NULL, 0, NULL, false },
};
