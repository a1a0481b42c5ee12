/*
 * imap/search.h - what SEARCH can look for, as a table (RFC 3501, 6.4.4), the
 * tree that a search program becomes, and matching it.
 *
 * Threads: belongs to one session.
 */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/cached.h"
#include "imap/parse.h"
#include "imap/thread_ids.h"
#include "mailbox/mailbox.h"
#include "message/text.h"

enum { IMAP_SEARCH_DEPTH = 50, IMAP_SEARCH_KEYS = 2000 };

/* What must be read of a message to decide. */
enum imap_search_cost {
	IMAP_SEARCH_ROW,
	IMAP_SEARCH_HEADER,
	IMAP_SEARCH_BODY,
};

struct imap_search_key;
struct imap_search_parser;

/* The message that is looked at, and what was read of it so far. */
struct imap_search_message {
	struct mailbox_view *view;
	const struct msg_limits *limits;
	int64_t now; /* for OLDER and YOUNGER */
	uint32_t seq;
	struct pst_row row;
	bool has_body, is_gone;
	/* Inside of FUZZY; the words that are counted; the sum of the scores
	 * of those keys that matched. */
	bool is_fuzzy;
	struct imap_fuzzy *fuzzy;
	uint32_t score_sum, scores;
	struct pst_body body;
	struct msg *header, *whole; /* by imap_search_header(), _whole() */
	struct buf small;	    /* a short message, in memory */
	struct buf text, folded;    /* for matching */
	struct arena *scratch;
	/* The messages that are looked at next, and where in there this one
	 * is; see imap_search_message_ahead(). */
	const struct pst_row *rows;
	size_t rows_n, row_at;
	bool backwards;
	struct imap_cached cached;
	struct imap_thread_ids *threads;
	struct pst_str facts;  /* see imap/facts.h; p NULL: not known yet */
	struct buf made;       /* those that were worked out now */
	struct msg_text words; /* for matching TEXT and BODY */
	struct imap_text_known *known; /* see search_text.c */
	size_t asked, asked_ranges;    /* of it */
};

/* A row of the table. */
struct imap_search_word {
	const char *name;
	enum imap_search_cost cost;
	/* Reads what follows the name. */
	bool (*parse)(struct imap_search_parser *sp, struct imap_search_key *k);
	bool (*match)(
	    struct imap_search_message *m, const struct imap_search_key *k);
	uint32_t flag;	   /* for the flag keys */
	const char *field; /* for the keys that mean a header field */
};

struct imap_search_key {
	const struct imap_search_word *word;
	enum imap_search_cost cost;
	struct imap_search_key *child, *next; /* a group and its members */
	struct imap_search_key *other;	      /* the next of all keys */
	struct pst_str text;  /* folded; of a set, a keyword: as written */
	struct pst_str field; /* of HEADER */
	int64_t number;	      /* days since 1970, or octets */
	struct uidset seqs;   /* filled in by imap_search_resolve() */
	bool has_uids;	      /* `seqs` holds uids instead */
	uint64_t keywords;    /* as `seqs` */
};

struct imap_search_program {
	struct imap_search_key *root;
	struct imap_search_key *all; /* linked by `other` */
	bool has_fuzzy;
	bool bad_charset;
	bool has_modseq;  /* RFC 7162, 3.1.6: the answer tells the highest */
	bool has_numbers; /* message numbers among the keys */
	/* RFC 5466: a filter is named that is not there, or is no search; a
	 * charset is named that filters are not in. */
	struct pst_str no_filter;
	bool bad_filter, bad_filter_charset;
};

/* What differs between commands. */
struct imap_search_grammar {
	bool has_charset; /* SORT, THREAD: it stands first, without a word */
	/* Optional: the text of a filter, in the arena. False: none. */
	bool (*filter)(void *arg, struct pst_str name, struct arena *arena,
	    struct pst_str *text_r);
	void *arg;
};

/* ["CHARSET" SP astring SP] 1*(SP search-key), behind the first space. False
 * with bad_charset or one of those about filters: that is the reason. */
bool imap_search_parse(struct imap_parser *ps, struct imap_search_program *out);
bool imap_search_parse_as(struct imap_parser *ps,
    const struct imap_search_grammar *g, struct imap_search_program *out);
void imap_search_fini(struct imap_search_program *p);
/* 1*(search-key) and nothing else, such as can be kept as a filter. It may name
 * filters that are not there. */
bool imap_search_is_whole(struct arena *arena, struct pst_str text,
    const struct imap_search_grammar *g);

/*
 * Sets and keywords in terms of a view; may be called again for another one.
 * `saved`: what "$" stands for, uids. False: a set is not valid.
 */
bool imap_search_resolve(struct mailbox_view *view, const struct uidset *saved,
    struct imap_search_program *p);

/* The same for keywords alone: there may be new ones. */
void imap_search_set_keywords(
    struct mailbox_view *view, struct imap_search_program *p);

void imap_search_message_init(struct imap_search_message *m,
    struct mailbox_view *view, const struct msg_limits *limits);
void imap_search_message_fini(struct imap_search_message *m);
/* The next message: forgets what was read of the last one. One with uid 0 ends
 * a search: what was worked out is put while the view is open. */
void imap_search_message_set(
    struct imap_search_message *m, uint32_t seq, const struct pst_row *row);
/* Messages that will be set, in this order or from the end; they stay until
 * others are told. Without it one is looked at at a time. */
void imap_search_message_ahead(struct imap_search_message *m,
    const struct pst_row *rows, size_t n, bool backwards);
/* Another view; the last search has ended. */
void imap_search_message_view(
    struct imap_search_message *m, struct mailbox_view *view);

/* 1 to 100: how well it matched (RFC 6203, 4). */
unsigned imap_search_score(const struct imap_search_message *m);

static inline bool
imap_search_matches(
    struct imap_search_message *m, const struct imap_search_key *k)
{
	return k->word->match(m, k);
}

/* --- between the files of the search ---------------------------------------
 */

/* NULL: the message is gone, or cannot be read. */
const struct msg_part *imap_search_header(struct imap_search_message *m);
const struct msg_part *imap_search_whole(struct imap_search_message *m);
/* `p` gets octets of the message. */
bool imap_search_read(
    struct imap_search_message *m, uint64_t offset, void *p, size_t n);
/* What the storage has kept of the facts. */
bool imap_search_cached(struct imap_search_message *m, struct pst_str *facts_r);
int64_t imap_search_day(int64_t seconds); /* since 1970 */
/* m->folded becomes the value, decoded and folded. */
void imap_search_fold(struct imap_search_message *m, struct pst_str value);
/* A field's value, decoded, contains the folded text. */
bool imap_search_in_value(
    struct imap_search_message *m, struct pst_str value, struct pst_str needle);

/* Forgets what the full-text index has answered; before m->view changes. */
void imap_text_forget(struct imap_search_message *m);

/*
 * The words of a search text, and how well each was found so far (RFC 6203).
 * imap_fuzzy_feed() is given folded text in whole words; imap_fuzzy_score() is
 * 0 when a word was not found in any way.
 */
enum { IMAP_FUZZY_WORDS = 16 };
struct imap_fuzzy {
	struct pst_str word[IMAP_FUZZY_WORDS];
	uint8_t best[IMAP_FUZZY_WORDS];
	size_t n;
};
void imap_fuzzy_init(struct imap_fuzzy *f, struct pst_str folded);
void imap_fuzzy_feed(struct imap_fuzzy *f, struct pst_str folded);
unsigned imap_fuzzy_score(const struct imap_fuzzy *f);
/* `exact` matches as the key does outside of FUZZY. */
bool imap_fuzzy_matches(struct imap_search_message *m,
    const struct imap_search_key *k,
    bool (*exact)(
	struct imap_search_message *m, const struct imap_search_key *k));

bool imap_match_fuzzy(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_older(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_younger(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_and(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_or(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_not(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_all(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_set(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_uid_after(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_uid_before(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_flag(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_no_flag(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_keyword(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_no_keyword(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_new(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_recent(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_old(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_larger(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_smaller(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_before(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_on(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_since(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_sent_before(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_sent_on(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_sent_since(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_field(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_body(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_modseq(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_saved_before(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_saved_on(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_saved_since(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_save_date(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_emailid(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_threadid(
    struct imap_search_message *m, const struct imap_search_key *k);
bool imap_match_text(
    struct imap_search_message *m, const struct imap_search_key *k);

#endif
