/*
 * web/programs.h - what a mail program has to know to get at the mail here.
 * All who tell it (autoconfig, autodiscover, profiles, the web client, the
 * welcome) ask here.
 */
#ifndef WEB_PROGRAMS_H
#define WEB_PROGRAMS_H

#include "http/http.h"

struct web_server {
	const char *kind; /* "IMAP", "POP3", "SMTP" */
	const char *host;
	int port; /* 0: there is none of this kind */
	bool tls; /* from the first octet, else by STARTTLS */
};

enum web_kind { WEB_IMAP, WEB_POP3, WEB_SMTP };

/* The server of a kind that is best for programs. */
struct web_server web_server(struct http_request *h, enum web_kind kind);

/* Text that may stand in XML. */
void web_put_xml(struct buf *out, struct pst_str s);

#endif
