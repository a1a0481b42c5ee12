/*
 * delivery/local.c - see local.h.
 */
#include "delivery/local.h"

#include "base/str.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENTRY_MAX = 65536 };

/* Letters, digits and what system users' names have besides. */
static bool
is_good_name(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (!ascii_is_alpha(*p) && !ascii_is_digit(*p) &&
		    strchr("-_.+", *p) == NULL)
			return false;
	return *name != '\0' && *name != '.' && name[strlen(name) - 1] != '.' &&
	       strstr(name, "..") == NULL;
}

bool
local_user_find(const struct config *cfg, uid_t uid, struct local_user *user_r)
{
	struct passwd entry, *found = NULL;
	char *text = mem_alloc(ENTRY_MAX);
	bool good = getpwuid_r(uid, &entry, text, ENTRY_MAX, &found) == 0 &&
		    found != NULL && is_good_name(found->pw_name) &&
		    str_copy(user_r->name, sizeof(user_r->name),
			str_of(found->pw_name));

	free(text);
	if (good)
		(void)snprintf(user_r->address, sizeof(user_r->address),
		    "%s@%s", user_r->name, cfg->hostname);
	return good;
}

static bool
is_among(const struct config_strings *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (str_fits(patterns->v[i], text))
			return true;
	return false;
}

bool
local_may_send_as(
    const struct config *cfg, const char *name, const char *address)
{
	size_t n = strlen(name);

	if (strcmp(name, "root") == 0 ||
	    (strncmp(address, name, n) == 0 && address[n] == '@' &&
		str_is_case(str_of(address + n + 1), cfg->hostname)))
		return true;
	for (size_t i = 0; i < cfg->locals; i++)
		if (is_among(&cfg->local[i].users, name) &&
		    is_among(&cfg->local[i].addresses, address))
			return true;
	return false;
}

enum pst_rc
local_add(const struct services *sv, const struct config *cfg,
    struct delivery *d, struct delivery_recipient *to, struct pst_error *err)
{
	struct pst_str address = to->address;
	size_t at = address.n;
	enum pst_rc rc;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	if (at == 0 || !str_is_case(str_from(address, at), cfg->hostname))
		return delivery_add(d, to, err);
	rc = domain_is_local(sv->accounts, str_from(address, at), err);
	if (rc == PST_OK)
		rc = delivery_add(d, to, err);
	if (rc != PST_E_NOTFOUND)
		return rc;
	to->address = str_first(address, at - 1);
	rc = delivery_add(d, to, err);
	if (rc == PST_E_NOTFOUND && str_is_case(to->address, "root")) {
		to->address = STR("postmaster");
		rc = delivery_add(d, to, err);
	}
	return rc;
}
