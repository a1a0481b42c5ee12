/*
 * web/profile.c - a configuration profile for Apple's devices: the account for
 * their mail program, without a password, which the device asks for.
 *
 * Its ids are made of the address, so that a profile that is installed again
 * takes the place of the one before.
 */
#include "web/priv.h"
#include "web/programs.h"

#include "base/str.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { PROFILE_MAX = 64 * 1024, UUID_TEXT = 37 };

/* A UUID of a name (RFC 9562, 5.5), in the namespace of URLs. */
static void
make_uuid(const char *what, const char *user, char uuid_r[UUID_TEXT])
{
	static const unsigned char urls[16] = { 0x6b, 0xa7, 0xb8, 0x11, 0x9d,
		0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30,
		0xc8 };
	unsigned char d[20] = { 0 };
	struct buf name;

	buf_init(&name, 2048);
	(void)buf_add(&name, urls, sizeof(urls));
	(void)buf_printf(&name, "mailto:%s#%s", user, what);
	(void)gnutls_hash_fast(GNUTLS_DIG_SHA1, name.p, name.n, d);
	buf_fini(&name);
	d[6] = (unsigned char)((d[6] & 0x0f) | 0x50); /* version 5 */
	d[8] = (unsigned char)((d[8] & 0x3f) | 0x80); /* variant */
	(void)snprintf(uuid_r, UUID_TEXT,
	    "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-"
	    "%02X%02X%02X%02X%02X%02X",
	    d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10],
	    d[11], d[12], d[13], d[14], d[15]);
}

/* --- entries of a property list --------------------------------------------
 */

static void
put_text(struct buf *out, const char *key, const char *value)
{
	(void)buf_printf(out, "<key>%s</key><string>", key);
	web_put_xml(out, str_of(value));
	(void)buf_puts(out, "</string>\n");
}

static void
put_number(struct buf *out, const char *key, int value)
{
	(void)buf_printf(
	    out, "<key>%s</key><integer>%d</integer>\n", key, value);
}

static void
put_truth(struct buf *out, const char *key, bool value)
{
	(void)buf_printf(
	    out, "<key>%s</key><%s/>\n", key, value ? "true" : "false");
}

static void
put_identity(struct buf *out, const char *what, const char *user,
    const char *type, const char *title)
{
	char uuid[UUID_TEXT], id[UUID_TEXT + 16];

	make_uuid(what, user, uuid);
	(void)snprintf(id, sizeof(id), "mail.%s", uuid);
	put_text(out, "PayloadType", type);
	put_text(out, "PayloadUUID", uuid);
	put_text(out, "PayloadIdentifier", id);
	put_number(out, "PayloadVersion", 1);
	put_text(out, "PayloadDisplayName", title);
}

/* `way`: "Incoming" or "Outgoing". */
static void
put_server(struct buf *out, const char *way, const struct web_server *s,
    const char *user)
{
	static const char *const keys[] = { "HostName", "Username",
		"Authentication" };
	const char *const values[] = { s->host, user, "EmailAuthPassword" };
	char key[64];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		(void)snprintf(
		    key, sizeof(key), "%sMailServer%s", way, keys[i]);
		put_text(out, key, values[i]);
	}
	(void)snprintf(key, sizeof(key), "%sMailServerPortNumber", way);
	put_number(out, key, s->port);
	/* For either way of TLS. */
	(void)snprintf(key, sizeof(key), "%sMailServerUseSSL", way);
	put_truth(out, key, true);
}

static void
put_account(struct buf *out, const struct account_user *user,
    const struct web_server *in, const struct web_server *mail_out)
{
	put_identity(out, "mail", user->address, "com.apple.mail.managed",
	    user->address);
	put_text(out, "EmailAccountType", "EmailTypeIMAP");
	put_text(out, "EmailAccountDescription", user->address);
	put_text(out, "EmailAddress", user->address);
	if (user->name[0] != '\0')
		put_text(out, "EmailAccountName", user->name);
	put_server(out, "Incoming", in, user->address);
	put_server(out, "Outgoing", mail_out, user->address);
	put_truth(out, "OutgoingPasswordSameAsIncomingPassword", true);
}

static void
put_profile(struct buf *out, const struct account_user *user,
    const struct web_server *in, const struct web_server *mail_out)
{
	(void)buf_puts(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	    "<plist version=\"1.0\">\n<dict>\n");
	put_identity(
	    out, "profile", user->address, "Configuration", user->address);
	put_text(out, "PayloadOrganization", strchr(user->address, '@') + 1);
	(void)buf_puts(out, "<key>PayloadContent</key>\n<array>\n<dict>\n");
	put_account(out, user, in, mail_out);
	(void)buf_puts(out, "</dict>\n</array>\n</dict>\n</plist>\n");
}

static void
run_profile(struct http_request *h)
{
	struct web_server in = web_server(h, WEB_IMAP);
	struct web_server mail_out = web_server(h, WEB_SMTP);
	struct buf out;

	if (in.port == 0 || mail_out.port == 0) {
		http_problem(h, 404, NULL,
		    "This server has no IMAP, or takes no mail from programs.");
		return;
	}
	buf_init(&out, PROFILE_MAX);
	put_profile(&out, http_user(h), &in, &mail_out);
	http_add(h, "Cache-Control", "no-store");
	http_add_attachment(h, STR("mail.mobileconfig"));
	http_answer(h, 200, "application/x-apple-aspen-config", buf_str(&out));
	buf_fini(&out);
}

const struct http_route web_profile_routes[] = {
	{ "GET", "/web/profile.mobileconfig", HTTP_LOGIN, run_profile, NULL,
	    NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
