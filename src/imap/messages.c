/*
 * imap/messages.c - sequence-sets become sequence numbers (RFC 3501, 9).
 */
#include "imap/messages.h"

#include "base/str.h"

static size_t
find(const struct uidset *set, uint32_t n)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->r[mid].last < n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t
imap_member_from(const struct uidset *seqs, uint32_t seq)
{
	size_t i = find(seqs, seq);

	if (i == seqs->n)
		return 0;
	return seqs->r[i].first > seq ? seqs->r[i].first : seq;
}

uint32_t
imap_run_length(const struct uidset *seqs, uint32_t seq, uint32_t n)
{
	size_t i = find(seqs, seq);
	uint32_t left = seqs->r[i].last - seq;

	return left < n ? left + 1 : n;
}

void
imap_seqs_of(
    struct mailbox_view *view, const struct uidset *uids, struct uidset *seqs_r)
{
	uint32_t count = view_count(view);

	for (size_t i = 0; i < uids->n; i++) {
		uint32_t first = view_seq_from(view, uids->r[i].first);
		uint32_t last = uids->r[i].last == UINT32_MAX
				    ? count
				    : view_seq_from(view, uids->r[i].last + 1) -
					  1;

		if (first <= last)
			uidset_add(seqs_r, first, last);
	}
}

bool
imap_resolve_in_view(struct mailbox_view *view, const struct uidset *saved,
    struct pst_str text, bool uid, struct uidset *seqs_r)
{
	uint32_t count = view_count(view), star = count;
	struct uidset set = { 0 };
	enum pst_rc rc;

	if (str_is(text, "$")) {
		imap_seqs_of(view, saved, seqs_r);
		return true;
	}
	if (uid)
		star = count > 0 ? view_uid(view, count) : UINT32_MAX;
	else if (count == 0)
		star = UINT32_MAX;
	rc = uidset_parse(text, star, IMAP_RANGES_MAX, &set);
	if (rc == PST_OK && !uid) {
		*seqs_r = set;
		return true;
	}
	if (rc == PST_OK)
		imap_seqs_of(view, &set, seqs_r);
	uidset_fini(&set);
	return rc == PST_OK;
}

bool
imap_resolve_messages(struct imap_session *s, struct pst_str text, bool uid,
    struct uidset *seqs_r)
{
	return imap_resolve_in_view(s->view, &s->saved, text, uid, seqs_r);
}

bool
imap_messages(struct imap_session *s, struct imap_parser *ps, bool uid,
    struct uidset *seqs_r)
{
	struct pst_str text;

	if (!imap_sequence_set(ps, &text))
		return false;
	if (!imap_resolve_messages(s, text, uid, seqs_r))
		return imap_bad(ps, "Malformed set of messages");
	if (!uid && seqs_r->n > 0 &&
	    seqs_r->r[seqs_r->n - 1].last > view_count(s->view))
		return imap_bad(ps, "There are not so many messages");
	return true;
}

void
imap_uids_of(struct imap_session *s, const struct uidset *seqs,
    uint32_t *seq_io, size_t n, struct uidset *uids_r)
{
	uint32_t seq = imap_member_from(seqs, *seq_io);

	for (; seq != 0 && n > 0; n--) {
		uint32_t uid = view_uid(s->view, seq);

		uidset_add(uids_r, uid, uid);
		seq = seq == UINT32_MAX ? 0 : imap_member_from(seqs, seq + 1);
	}
	*seq_io = seq;
}
