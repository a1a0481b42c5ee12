/*
 * jmap/credential.c - a connection that goes on ends with what its user proved
 * who they are with.
 */
#include "base/str.h"
#include "jmap/parts.h"

bool
jmap_credential_take(
    const struct http_request *h, struct jmap_credential *who_r)
{
	return str_copy(who_r->user, sizeof(who_r->user),
		   str_of(http_user(h)->address)) &&
	       http_credential(h, who_r->word);
}

bool
jmap_credential_holds(const struct jmap_credential *who,
    const struct services *sv, bool counts, struct account_user *user_r)
{
	return http_credential_holds(
		   sv, who->user, who->word, counts, user_r) != AUTH_FAILED;
}

bool
jmap_request_credential(
    const struct jmap_request *q, char word_r[HTTP_CREDENTIAL])
{
	if (q->who == NULL)
		return http_credential(q->http, word_r);
	memcpy(word_r, q->who->word, HTTP_CREDENTIAL);
	return true;
}
