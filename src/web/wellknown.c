/*
 * web/wellknown.c - what mail programs and other servers ask for by names that
 * are agreed upon: settings for a mail program (Thunderbird's autoconfig,
 * Outlook's autodiscover, Apple's profiles), and MTA-STS (RFC 8461, 3.2).
 *
 * All of it is told to everybody: it says which ports there are, not who.
 */
#include "web/programs.h"
#include "web/web.h"

#include "base/str.h"

#include <inttypes.h>

enum { TEXT_MAX = 16 * 1024, ADDRESS_MAX = 320 };

/* The domain that a host of the form "word.domain" is for, or the first one of
 * ours. */
static struct pst_str
domain_of(struct http_request *h, const char *prefix)
{
	const struct config *cfg = http_config(h);
	struct pst_str host = http_host(h);

	host = str_first(host, str_find(host, ':'));
	if (str_has_prefix_case(host, prefix))
		return str_from(host, strlen(prefix));
	return cfg->domains.n > 0 ? str_of(cfg->domains.v[0])
				  : str_of(cfg->hostname);
}

/* --- Thunderbird and others ------------------------------------------------
 */

static void
put_server(struct http_request *h, struct buf *out, const char *kind,
    const char *type, enum web_kind what)
{
	struct web_server s = web_server(h, what);

	if (s.port == 0)
		return;
	(void)buf_printf(out,
	    "<%sServer type=\"%s\"><hostname>%s</hostname><port>%d"
	    "</port><socketType>%s</socketType>"
	    "<username>%%EMAILADDRESS%%</username>"
	    "<authentication>password-cleartext</authentication></%sServer>\n",
	    kind, type, s.host, s.port, s.tls ? "SSL" : "STARTTLS", kind);
}

static void
run_autoconfig(struct http_request *h)
{
	struct pst_str domain = domain_of(h, "autoconfig.");
	struct buf out;

	buf_init(&out, TEXT_MAX);
	(void)buf_puts(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<clientConfig version=\"1.1\">\n"
			     "<emailProvider id=\"");
	web_put_xml(&out, domain);
	(void)buf_puts(&out, "\">\n<domain>");
	web_put_xml(&out, domain);
	(void)buf_puts(&out, "</domain>\n<displayName>");
	web_put_xml(&out, domain);
	(void)buf_puts(&out, "</displayName>\n");
	put_server(h, &out, "incoming", "imap", WEB_IMAP);
	put_server(h, &out, "incoming", "pop3", WEB_POP3);
	put_server(h, &out, "outgoing", "smtp", WEB_SMTP);
	(void)buf_puts(&out, "</emailProvider>\n</clientConfig>\n");
	http_answer(h, 200, "application/xml", buf_str(&out));
	buf_fini(&out);
}

/* --- Outlook ---------------------------------------------------------------
 */

/* The address that a request names. */
static struct pst_str
wanted_address(struct pst_str body)
{
	static const char open[] = "<EMailAddress>";
	size_t at = str_find_case(body, STR("<EMailAddress>"));

	if (at == SIZE_MAX)
		return STR_NONE;
	body = str_from(body, at + sizeof(open) - 1);
	return str_first(
	    str_trim(str_first(body, str_find(body, '<'))), ADDRESS_MAX);
}

static void
put_protocol(struct http_request *h, struct buf *out, const char *type,
    enum web_kind what, struct pst_str address)
{
	struct web_server s = web_server(h, what);

	if (s.port == 0)
		return;
	(void)buf_printf(out,
	    "<Protocol><Type>%s</Type><Server>%s</Server><Port>%d"
	    "</Port><LoginName>",
	    type, s.host, s.port);
	web_put_xml(out, address);
	(void)buf_printf(out,
	    "</LoginName><SPA>off</SPA><Encryption>%s</Encryption>"
	    "<AuthRequired>on</AuthRequired></Protocol>\n",
	    s.tls ? "SSL" : "TLS");
}

static void
run_autodiscover(struct http_request *h)
{
	static const char ns[] =
	    "http://schemas.microsoft.com/exchange/autodiscover/";
	struct pst_str address = wanted_address(http_asked(h)->body);
	struct buf out;

	buf_init(&out, TEXT_MAX);
	(void)buf_printf(&out,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<Autodiscover xmlns=\"%sresponseschema/2006\">\n"
	    "<Response xmlns=\"%soutlook/responseschema/2006a\">\n"
	    "<Account><AccountType>email</AccountType>"
	    "<Action>settings</Action>\n",
	    ns, ns);
	put_protocol(h, &out, "IMAP", WEB_IMAP, address);
	put_protocol(h, &out, "POP3", WEB_POP3, address);
	put_protocol(h, &out, "SMTP", WEB_SMTP, address);
	(void)buf_puts(&out, "</Account></Response></Autodiscover>\n");
	http_answer(h, 200, "application/xml", buf_str(&out));
	buf_fini(&out);
}

/* --- MTA-STS ---------------------------------------------------------------
 */

void
web_sts_policy(const struct config *cfg, struct buf *out)
{
	static const char *const modes[] = { "none", "testing", "enforce" };

	if (cfg->web.mta_sts != CONFIG_STS_OFF)
		(void)buf_printf(out,
		    "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: %" PRId64
		    "\r\n",
		    modes[cfg->web.mta_sts - CONFIG_STS_NONE], cfg->hostname,
		    cfg->web.mta_sts_age);
}

static void
run_mta_sts(struct http_request *h)
{
	struct pst_str domain = domain_of(h, "mta-sts.");
	struct pst_error err;
	struct buf text;

	buf_init(&text, 1024);
	web_sts_policy(http_config(h), &text);
	if (text.n == 0 ||
	    domain_is_local(http_services(h)->accounts, domain, &err) != PST_OK)
		http_problem(h, 404, NULL, "There is no policy.");
	else
		http_answer(h, 200, "text/plain", buf_str(&text));
	buf_fini(&text);
}

/* --- is it there? ----------------------------------------------------------
 */

static void
run_health(struct http_request *h)
{
	http_add(h, "Cache-Control", "no-store");
	http_answer(h, 200, "text/plain", STR("ok\n"));
}

const struct http_route web_known_routes[] = {
	{ "GET", "/mail/config-v1.1.xml", 0, run_autoconfig, NULL, NULL, NULL },
	{ "GET", "/.well-known/autoconfig/mail/config-v1.1.xml", 0,
	    run_autoconfig, NULL, NULL, NULL },
	{ "POST", "/autodiscover/autodiscover.xml", 0, run_autodiscover, NULL,
	    NULL, NULL },
	{ "POST", "/Autodiscover/Autodiscover.xml", 0, run_autodiscover, NULL,
	    NULL, NULL },
	{ "GET", "/.well-known/mta-sts.txt", 0, run_mta_sts, NULL, NULL, NULL },
	{ "GET", "/health", 0, run_health, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
