/*
 * web/programs.c - see programs.h; and the same for the web client, which shows
 * it to people.
 */
#include "web/programs.h"

#include "base/str.h"
#include "web/priv.h"

static const struct {
	const char *kind;
	enum config_protocol protocol;
} kinds[] = {
	[WEB_IMAP] = { "IMAP", CONFIG_IMAP },
	[WEB_POP3] = { "POP3", CONFIG_POP3 },
	[WEB_SMTP] = { "SMTP", CONFIG_SUBMISSION },
};

/* RFC 8314, 3.3: TLS from the first octet is preferred. */
struct web_server
web_server(struct http_request *h, enum web_kind kind)
{
	const struct config *cfg = http_config(h);
	struct web_server s = { .kind = kinds[kind].kind,
		.host = cfg->hostname };

	for (size_t i = 0; i < cfg->listeners && !s.tls; i++) {
		const struct config_listener *l = &cfg->listener[i];
		bool tls = l->tls == CONFIG_TLS_IMPLICIT;
		int port;

		if (l->protocol != (int)kinds[kind].protocol ||
		    l->path[0] != '\0' ||
		    (!tls && l->tls != CONFIG_TLS_STARTTLS) ||
		    (!tls && s.port != 0))
			continue;
		port = net_port_of(http_conn(h), l->name);
		if (port == 0)
			continue;
		s.port = port;
		s.tls = tls;
	}
	return s;
}

void
web_put_xml(struct buf *out, struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '<')
			(void)buf_puts(out, "&lt;");
		else if (c == '&')
			(void)buf_puts(out, "&amp;");
		else if (c == '"')
			(void)buf_puts(out, "&quot;");
		else if ((unsigned char)c >= ' ')
			(void)buf_putc(out, c);
	}
}

static void
run_programs(struct http_request *h)
{
	const struct account_user *user = http_user(h);
	json_t *servers = json_array();

	for (int kind = WEB_IMAP; kind <= WEB_SMTP; kind++) {
		struct web_server s = web_server(h, (enum web_kind)kind);

		if (s.port != 0)
			(void)json_array_append_new(servers,
			    json_pack("{s:s, s:s, s:i, s:s}", "kind", s.kind,
				"host", s.host, "port", s.port, "security",
				s.tls ? "tls" : "starttls"));
	}
	web_answer(h, 200,
	    json_pack("{s:s, s:s, s:b, s:o}", "user", user->address, "name",
		user->name, "appPasswordNeeded", (int)user->app_only, "servers",
		servers));
}

const struct http_route web_programs_routes[] = {
	{ "GET", "/web/programs", HTTP_LOGIN, run_programs, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
