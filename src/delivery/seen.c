/*
 * delivery/seen.c - see seen.h.
 */
#include "delivery/seen.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

#define SEEN "postern/sieve-duplicates"

enum {
	MOST = 3000,	      /* of an account */
	OF_ONE_RUN = 100,     /* of a message */
	LONGEST = 90 * 86400, /* seconds */
};

bool
seen_name(struct pst_str id, char name_r[SEEN_NAME])
{
	unsigned char hash[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, id.p, id.n, hash) < 0)
		return false;
	hex_encode(hash, (SEEN_NAME - 1) / 2, name_r);
	return true;
}

json_t *
seen_load(struct mail_account *acct)
{
	return kept_load(acct, SEEN);
}

static void
add(struct filter *f, const char *name, int64_t until)
{
	for (size_t i = 0; i < f->seens; i++) {
		if (strcmp(f->seen[i].name, name) != 0)
			continue;
		if (until > f->seen[i].until)
			f->seen[i].until = until;
		return;
	}
	if (f->seens == OF_ONE_RUN)
		return;
	mem_grow(&f->seen, &f->seens_cap, f->seens + 1, sizeof(*f->seen));
	f->seen[f->seens++] = (struct kept_until){ str_dup(str_of(name)),
		until };
}

bool
seen_before(const json_t *kept, struct filter *f, const char *name,
    int64_t seconds, bool last)
{
	int64_t now = clock_seconds();
	json_t *until = json_object_get(kept, name);
	bool is = until != NULL && json_integer_value(until) >= now;

	if (seconds > LONGEST)
		seconds = LONGEST;
	if (!is || last)
		add(f, name, now + seconds);
	return is;
}

void
seen_save(struct mail_account *acct, struct filter *f)
{
	struct pst_error err = { 0 };

	if (f->seens > 0 &&
	    kept_remember(acct, SEEN, f->seen, f->seens, MOST, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "sieve", &err);
}
