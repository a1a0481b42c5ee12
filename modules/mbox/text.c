/*
 * text.c - the full-text index of a mailbox, which is that of all modules that
 * keep mail in files.
 */
#include "mbox.h"

#include "localindex/fulltext.h"

static struct li_text_box
text_box(struct pst_box *b, uint64_t version)
{
	struct mb_folder *f = b->folder;

	/* A uidvalidity changes only before there are messages. */
	return (struct li_text_box){ .host = b->acct->store->host,
		.where = f->base.where,
		.dirfd = f->base.fd,
		.version = version,
		.uidvalidity = f->base.state.uidvalidity };
}

enum pst_rc
mb_text_put(struct pst_box *b, uint64_t version, const struct pst_text *texts,
    size_t n, struct pst_error *err)
{
	struct li_text_box tb = text_box(b, version);

	return li_text_put(&tb, texts, n, err);
}

enum pst_rc
mb_text_search(struct pst_box *b, uint64_t version, struct pst_str needle,
    bool headers, pst_text_fn fn, void *arg, struct pst_error *err)
{
	struct li_text_box tb = text_box(b, version);

	return li_text_search(&tb, needle, headers, fn, arg, err);
}

enum pst_rc
mb_text_tidy(struct pst_box *b, uint64_t version, struct pst_uids present,
    struct pst_error *err)
{
	struct li_text_box tb = text_box(b, version);

	return li_text_tidy(&tb, present, err);
}

enum pst_rc
mb_text_state(struct pst_box *b, uint64_t version,
    struct pst_text_state *state_r, struct pst_error *err)
{
	struct li_text_box tb = text_box(b, version);

	return li_text_state(&tb, state_r, err);
}

enum pst_rc
mb_text_drop(struct pst_box *b, struct pst_error *err)
{
	struct li_text_box tb = text_box(b, 0);

	return li_text_drop(&tb, err);
}
