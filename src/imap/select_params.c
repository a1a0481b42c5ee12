/*
 * imap/select_params.c - parameters of SELECT and EXAMINE (RFC 4466, 2.1; RFC
 * 7162, 7). Some clients send CONDSTORE and QRESYNC in one list.
 */
#include "imap/select_params.h"

#include "base/str.h"
#include "imap/messages.h"
#include "imap/modseq.h"

void
imap_select_params_fini(struct imap_select_params *p)
{
	uidset_fini(&p->known);
	uidset_fini(&p->match_seqs);
	uidset_fini(&p->match_uids);
}

/* A sequence-set in which "*" is not allowed. */
static bool
plain_set(struct imap_parser *ps, struct uidset *out)
{
	struct pst_str text;

	if (!imap_sequence_set(ps, &text))
		return false;
	if (str_find(text, '*') < text.n ||
	    uidset_parse(text, 1, IMAP_RANGES_MAX, out) != PST_OK)
		return imap_bad(ps, "Invalid set of known messages");
	return true;
}

/* seq-match-data, behind the '(' */
static bool
match_data(struct imap_parser *ps, struct imap_select_params *out)
{
	out->has_match = true;
	if (!plain_set(ps, &out->match_seqs) || !imap_space(ps) ||
	    !plain_set(ps, &out->match_uids) || !imap_expect(ps, ')'))
		return false;
	if (uidset_count(&out->match_seqs) != uidset_count(&out->match_uids))
		return imap_bad(ps, "Sets of different size");
	return true;
}

/* SP "(" uidvalidity SP modseq [SP known-uids] [SP seq-match-data] ")" */
static bool
qresync(struct imap_parser *ps, struct imap_select_params *out)
{
	bool more;

	out->qresync = true;
	if (!imap_space(ps) || !imap_expect(ps, '(') ||
	    !imap_number(ps, &out->uidvalidity) || !imap_space(ps) ||
	    !imap_modseq(ps, &out->modseq))
		return false;
	if (out->uidvalidity == 0)
		return imap_bad(ps, "Invalid UIDVALIDITY");
	more = imap_skip(ps, ' ');
	if (more && imap_peek(ps) != '(') {
		if (!plain_set(ps, &out->known))
			return false;
		more = imap_skip(ps, ' ');
	} else {
		uidset_add(&out->known, 1, UINT32_MAX);
	}
	if (more && (!imap_expect(ps, '(') || !match_data(ps, out)))
		return false;
	return imap_expect(ps, ')');
}

bool
imap_select_params(struct imap_parser *ps, struct imap_select_params *out)
{
	memset(out, 0, sizeof(*out));
	if (!imap_skip(ps, ' '))
		return true;
	if (!imap_expect(ps, '('))
		return false;
	do {
		if (!out->condstore && imap_skip_word(ps, "CONDSTORE"))
			out->condstore = true;
		else if (out->qresync || !imap_skip_word(ps, "QRESYNC"))
			return imap_bad(ps, "Unknown SELECT parameter");
		else if (!qresync(ps, out))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}
