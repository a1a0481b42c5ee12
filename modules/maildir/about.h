/*
 * about.h - the text file beside kept messages: which mailbox they were in and
 * what their keyword letters meant. Pure functions.
 *
 *     postern-kept 1
 *     name Work/Deep
 *     objectid F0123456789abcdef
 *     use \Archive
 *     gone 1700000000            (only of a whole mailbox)
 *     keyword 0 $Forwarded
 *     end
 *
 * Lines whose first word is not known are kept.
 */
#ifndef MAILDIR_ABOUT_H
#define MAILDIR_ABOUT_H

#include "localindex/util.h"

struct md_about {
	char *name; /* NULL: not known */
	char *use;  /* special use, or NULL */
	char objectid[40];
	int64_t gone; /* 0: the files tell when */
	char *keyword[PST_KEYWORDS_MAX];
	struct li_buf unknown; /* whole lines */
};

/* False: damaged; what was read before that is there. Either wants its free. */
bool md_about_parse(struct pst_str text, struct md_about *about_r);
void md_about_print(struct li_buf *out, const struct md_about *about);
void md_about_free(struct md_about *about);

#endif
