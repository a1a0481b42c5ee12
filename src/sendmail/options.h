/*
 * sendmail/options.h - the command line, as programs that know sendmail's give
 * it.
 */
#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include "base/mem.h"

enum sendmail_mode {
	SENDMAIL_DELIVER,
	SENDMAIL_QUEUE,	  /* -bp, mailq */
	SENDMAIL_SMTP,	  /* -bs */
	SENDMAIL_NOTHING, /* newaliases: there is nothing to do */
};

/* Texts are those of the command line. */
struct sendmail_options {
	enum sendmail_mode mode;
	bool from_header; /* -t */
	bool no_dot;	  /* -i: a line with one dot is no end */
	bool verbose;
	const char *sender; /* -f; NULL: not given, "": none to answer to */
	const char *name;   /* -F */
	const char *envid;  /* -V */
	const char *ret;    /* "FULL", "HDRS" or NULL */
	const char *notify; /* as RFC 3461 has it, or NULL; points to `words` */
	char words[40];
	char *const *recipient;
	int recipients;
};

/* False: said on stderr what is wrong with it. */
bool sendmail_options(int argc, char **argv, struct sendmail_options *o);

#endif
