/*
 * sendmail/options.c - see options.h. What only makes sense for a sendmail
 * daemon is refused; what tells how a real sendmail would deliver is ignored.
 */
#include "sendmail/options.h"

#include "base/str.h"

#include <stdio.h>
#include <unistd.h>

static bool
wrong(const char *what, const char *value)
{
	(void)fprintf(stderr, "postern-sendmail: %s \"%s\"\n", what, value);
	return false;
}

static bool
take_mode(struct sendmail_options *o, const char *value)
{
	switch (*value) {
	case 'm':
		o->mode = SENDMAIL_DELIVER;
		return true;
	case 'p':
		o->mode = SENDMAIL_QUEUE;
		return true;
	case 's':
		o->mode = SENDMAIL_SMTP;
		return true;
	case 'i':
		o->mode = SENDMAIL_NOTHING;
		return true;
	default:
		return wrong("this is no server: there is no -b", value);
	}
}

/* RFC 3461, 4.1, from "failure,delay". */
static bool
take_notify(struct sendmail_options *o, const char *value)
{
	static const char *const known[] = { "SUCCESS", "FAILURE", "DELAY" };
	struct pst_str rest = str_of(value), word;
	size_t n = 0;

	if (str_is_case(rest, "never")) {
		o->notify = "NEVER";
		return true;
	}
	o->words[0] = '\0';
	while (str_split(&rest, ',', &word)) {
		size_t k = 0;

		while (k < 3 && !str_is_case(word, known[k]))
			k++;
		if (k == 3 || strstr(o->words, known[k]) != NULL)
			return wrong("-N: expected never, or some of success, "
				     "failure and delay, not",
			    value);
		n += (size_t)snprintf(o->words + n, sizeof(o->words) - n,
		    "%s%s", n > 0 ? "," : "", known[k]);
	}
	o->notify = o->words;
	return n > 0 ||
	       wrong("-N: expected never, or some of success, failure and "
		     "delay, not",
		   value);
}

static bool
take_ret(struct sendmail_options *o, const char *value)
{
	if (str_is_case(str_of(value), "full"))
		o->ret = "FULL";
	else if (str_is_case(str_of(value), "hdrs"))
		o->ret = "HDRS";
	else
		return wrong("-R: expected full or hdrs, not", value);
	return true;
}

/* xtext is made of printable ASCII (RFC 3461, 4.4). */
static bool
take_envid(struct sendmail_options *o, const char *value)
{
	o->envid = value;
	for (const char *p = value; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return wrong(
			    "-V: expected printable ASCII, not", value);
	return strlen(value) <= 90 || wrong("-V: too long:", value);
}

static bool
take(struct sendmail_options *o, int option, const char *value)
{
	switch (option) {
	case 'b':
		return take_mode(o, value);
	case 'f':
	case 'r':
		o->sender = value;
		return true;
	case 'F':
		o->name = value;
		return true;
	case 'i':
		o->no_dot = true;
		return true;
	case 'o': /* -oi is -i; the others say how to deliver */
		o->no_dot |= strcmp(value, "i") == 0;
		return true;
	case 'N':
		return take_notify(o, value);
	case 'R':
		return take_ret(o, value);
	case 't':
		o->from_header = true;
		return true;
	case 'v':
		o->verbose = true;
		return true;
	case 'V':
		return take_envid(o, value);
	case '?':
		return false; /* getopt() has said it */
	default:
		return true;
	}
}

/* By the name that it was called by. */
static enum sendmail_mode
mode_of(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash != NULL ? slash + 1 : program;

	if (strcmp(name, "mailq") == 0)
		return SENDMAIL_QUEUE;
	return strcmp(name, "newaliases") == 0 ? SENDMAIL_NOTHING
					       : SENDMAIL_DELIVER;
}

bool
sendmail_options(int argc, char **argv, struct sendmail_options *o)
{
	int option;

	*o = (struct sendmail_options){ .mode = argc > 0 ? mode_of(argv[0])
							 : SENDMAIL_DELIVER };
	while ((option = getopt(argc, argv,
		    "A:B:b:C:c:D:d:e:F:f:Gh:iL:M:mN:nO:o:p:q:R:r:sTtUV:vX:")) !=
	       -1)
		if (!take(o, option, optarg))
			return false;
	o->recipient = argv + optind;
	o->recipients = argc - optind;
	return true;
}
