/*
 * What a client sends during AUTHENTICATE and AUTH, as whole exchanges, and the
 * normal form of addresses.
 *
 * Input: one octet that chooses, then messages separated by 0xff. "%N" in a
 * message stands for the nonce of the server's last challenge, so that second
 * messages of SCRAM get past its check.
 */
#include "account/auth.h"
#include "account/private.h"
#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct accounts *accounts;
static char dir[] = "/tmp/postern-fuzz-sasl-XXXXXX";

static void
clean_up(void)
{
	static const char *const names[] = { "accounts.db", "accounts.db-wal",
		"accounts.db-shm" };
	char path[128];

	accounts_close(&accounts);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static void
set_up(void)
{
	char text[512];
	struct pst_error err = { .detail = "" };
	struct account_user user = { .address = "user@example.test",
		.enabled = true };
	struct config *cfg;

	if (mkdtemp(dir) == NULL)
		pst_bug("mkdtemp");
	(void)snprintf(text, sizeof(text),
	    "hostname = \"mail.example.test\"\ndomains = {\"example.test\"}\n"
	    "state_dir = \"%s\"\nlistener imap {\n protocol = imap\n}\n"
	    "auth {\n hash_cost = 1\n failures = 1000000\n}\n",
	    dir);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	if (cfg == NULL)
		pst_bug("%s", err.detail);
	accounts = accounts_open(cfg, &err);
	config_unref(&cfg);
	if (accounts == NULL ||
	    account_add(accounts, &user, STR("password"), &err) != PST_OK)
		pst_bug("%s", err.detail);
	(void)atexit(clean_up);
}

/* What is normal stays as it is, and fits. */
static void
fuzz_address(struct pst_str text)
{
	char once[321], twice[321];

	if (!account_normalise(text, once)) {
		if (once[0] != '\0')
			pst_bug("an address although refused");
		return;
	}
	if (strlen(once) > 318 || !str_is_utf8(str_of(once)))
		pst_bug("no address: %s", once);
	if (!account_normalise(str_of(once), twice) || strcmp(once, twice) != 0)
		pst_bug("not normal: %s", once);
	if (!str_is_ascii(str_of(account_domain_of(once))))
		pst_bug("domain: %s", once);
}

static void
fill_in(struct pst_str message, const struct buf *challenge, struct buf *out)
{
	struct pst_str nonce = str_first(str_from(buf_str(challenge), 2),
	    str_find(str_from(buf_str(challenge), 2), ','));

	buf_clear(out);
	for (size_t i = 0; i < message.n; i++) {
		if (message.p[i] == '%' && i + 1 < message.n &&
		    message.p[i + 1] == 'N' && nonce.n > 0) {
			(void)buf_add_str(out, nonce);
			i++;
		} else {
			(void)buf_putc(out, message.p[i]);
		}
	}
}

static void
fuzz_exchange(unsigned choice, struct pst_str text)
{
	static const char *const names[] = { "SCRAM-SHA-256-PLUS",
		"SCRAM-SHA-256", "PLAIN", "LOGIN" };
	struct sasl_peer peer = { .service = "imap",
		.hostname = "mail.example.test",
		.peer = "192.0.2.1",
		.tls = (choice & 4) != 0 || (choice & 3) == 0 };
	struct sasl *s = sasl_new(accounts, str_of(names[choice & 3]), &peer);
	struct buf in, out;
	struct pst_str part;
	struct account_user who;
	int64_t delay;
	enum sasl_next next = SASL_MORE;
	unsigned steps = 0;

	buf_init(&in, 65536);
	buf_init(&out, 65536);
	if ((choice & 8) != 0)
		next = sasl_step(s, STR_NONE, false, &out);
	while (next == SASL_MORE && steps++ < 8 &&
	       str_split(&text, (char)0xff, &part)) {
		fill_in(part, &out, &in);
		next = sasl_step(s, buf_str(&in), true, &out);
	}
	if (steps > 4 && next == SASL_MORE)
		pst_bug("an exchange without end");
	if (next == SASL_DONE && out.n > 0)
		pst_bug("an answer after the end");
	if (sasl_result(s, &who, &delay) == AUTH_TEMP)
		pst_bug("the database failed");
	if ((sasl_result(s, &who, &delay) == AUTH_OK) !=
	    (strcmp(who.address, "user@example.test") == 0))
		pst_bug("logged in as \"%s\"", who.address);
	sasl_free(&s);
	buf_fini(&out);
	buf_fini(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str rest;

	if (accounts == NULL)
		set_up();
	if (size < 1 || size > 8192)
		return 0;
	rest = str_n((const char *)data + 1, size - 1);
	if ((data[0] & 16) != 0)
		fuzz_address(rest);
	else
		fuzz_exchange(data[0], rest);
	return 0;
}
