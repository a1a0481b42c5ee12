/*
 * imap/fetch_modifiers.c - FETCH modifiers (RFC 4466, 2.4; RFC 7162, 7;
 * RFC 9394, 3.3).
 */
#include "imap/fetch_modifiers.h"

#include "imap/modseq.h"

bool
imap_fetch_modifiers(struct imap_parser *ps, struct imap_fetch_modifiers *out)
{
	memset(out, 0, sizeof(*out));
	if (!imap_skip(ps, ' '))
		return true;
	if (!imap_expect(ps, '('))
		return false;
	do {
		if (!out->has_since && imap_skip_word(ps, "CHANGEDSINCE")) {
			out->has_since = true;
			if (!imap_space(ps) || !imap_modseq(ps, &out->since))
				return false;
		} else if (!out->vanished && imap_skip_word(ps, "VANISHED")) {
			out->vanished = true;
		} else if (!out->has_partial && imap_skip_word(ps, "PARTIAL")) {
			out->has_partial = true;
			if (!imap_space(ps) ||
			    !imap_partial_parse(ps, &out->partial))
				return false;
		} else {
			return imap_bad(ps, "Unknown FETCH modifier");
		}
	} while (imap_skip(ps, ' '));
	if (out->vanished && !out->has_since)
		return imap_bad(ps, "VANISHED needs CHANGEDSINCE");
	return imap_expect(ps, ')');
}
