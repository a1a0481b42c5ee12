/*
 * account/token.c - bearer tokens, see apps.h.
 */
#include "account/apps.h"

#include "account/private.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/gnutls.h>

static const char prefix[] = "pt-";

enum { PAIR_MAX = ACCOUNT_ADDRESS + APP_PASSWORD };

bool
app_token_make(const char *user, const char *password, struct buf *out)
{
	char plain[ACCOUNT_CODE + 1];
	struct buf pair;
	bool ok;

	buf_init(&pair, PAIR_MAX);
	ok = account_code_read(password, plain) &&
	     buf_add(&pair, user, strlen(user) + 1) && buf_puts(&pair, plain) &&
	     buf_puts(out, prefix) && base64url_encode(buf_str(&pair), out);
	gnutls_memset(plain, 0, sizeof(plain));
	if (pair.p != NULL)
		gnutls_memset(pair.p, 0, pair.n);
	buf_fini(&pair);
	return ok;
}

bool
app_token_read(struct pst_str token, struct app_token *out)
{
	size_t n = sizeof(prefix) - 1, nul;
	char plain[ACCOUNT_CODE + 1];
	struct buf pair;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (token.n <= n || memcmp(token.p, prefix, n) != 0)
		return false;
	buf_init(&pair, PAIR_MAX);
	ok = base64url_decode(str_from(token, n), &pair);
	nul = str_find(buf_str(&pair), '\0');
	ok = ok && nul > 0 && nul < pair.n &&
	     str_copy(out->user, sizeof(out->user),
		 str_first(buf_str(&pair), nul)) &&
	     str_copy(out->password, sizeof(out->password),
		 str_from(buf_str(&pair), nul + 1)) &&
	     account_code_read(out->password, plain);
	gnutls_memset(plain, 0, sizeof(plain));
	if (pair.p != NULL)
		gnutls_memset(pair.p, 0, pair.n);
	buf_fini(&pair);
	return ok;
}
