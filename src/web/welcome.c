/*
 * web/welcome.c - the first message of a new mailbox.
 */
#include "web/priv.h"
#include "web/programs.h"

#include "base/str.h"

enum { TEXT_MAX = 8192 };

static void
put_server(struct http_request *h, struct buf *out, enum web_kind kind,
    const char *title)
{
	struct web_server s = web_server(h, kind);

	if (s.port != 0)
		(void)buf_printf(out, "  %-18s%s, port %d, %s\r\n", title,
		    s.host, s.port, s.tls ? "SSL/TLS" : "STARTTLS");
}

/* The account is there in any case. */
void
web_welcome(struct http_request *h, const char *user)
{
	const struct config *cfg = http_config(h);
	struct delivery *d = web_notice_begin(h, user);
	struct buf text;
	char web[CONFIG_URL];

	buf_init(&text, TEXT_MAX);
	(void)buf_printf(&text,
	    "Your address is %s.\r\n\r\n"
	    "In this browser: open %s/ and sign in with it and your "
	    "password.\r\n\r\n"
	    "In a mail program on your computer or phone:\r\n"
	    "  %-18s%s\r\n",
	    user, config_web_url(cfg, web), "User name:", user);
	put_server(h, &text, WEB_IMAP, "Incoming (IMAP):");
	put_server(h, &text, WEB_SMTP, "Outgoing (SMTP):");
	(void)buf_puts(&text,
	    "\r\nThe same, to be copied, is in the settings of the web client "
	    "under\r\nMail programs. It is best to give each program a "
	    "password of its own:\r\nmake one under Security.\r\n\r\n"
	    "Questions go to postmaster, who runs this server.\r\n");
	(void)buf_putc(&text, '\0');
	web_notice_send(h, &d, user, "Welcome", text.p);
	buf_fini(&text);
}
