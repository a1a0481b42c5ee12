/*
 * web/tell.c - a short message to a user about each change of what they log in
 * with, so that who did not make it hears of it.
 */
#include "web/priv.h"

#include "base/clock.h"
#include "message/header.h"

enum { TEXT_MAX = 4096 };

void
web_tell(struct http_request *h, const char *user, const char *what)
{
	struct delivery *d = web_notice_begin(h, user);
	struct buf text;
	char date[40];

	msg_format_date(clock_seconds(), 0, date);
	buf_init(&text, TEXT_MAX);
	(void)buf_printf(&text,
	    "%s\r\n\r\n"
	    "Account:  %s\r\n"
	    "When:     %s\r\n"
	    "From:     %s (address of the network)\r\n\r\n"
	    "If that was you, there is nothing to do. If it was not: change "
	    "your password in\r\nthe settings of the web client, under "
	    "Security, see there what you sign in with,\r\nand write to "
	    "postmaster.\r\n",
	    what, user, date, net_peer(http_conn(h)));
	(void)buf_putc(&text, '\0');
	web_notice_send(
	    h, &d, user, "The security of your account was changed", text.p);
	buf_fini(&text);
}
