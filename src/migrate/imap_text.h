/*
 * migrate/imap_text.h - what another IMAP server says (RFC 3501, RFC 9051), as
 * far as a reader of mailboxes needs it.
 *
 * A response is given as one text: its line, with the literals in it as they
 * come ("{5}", line end, octets). Nothing of a server is believed: what is
 * malformed is no response, and lists nest only so deep.
 *
 * Pure.
 */
#ifndef MIGRATE_IMAP_TEXT_H
#define MIGRATE_IMAP_TEXT_H

#include "base/mem.h"

enum {
	IMAP_DEPTH_MAX = 20,
	IMAP_WORDS_MAX = 64,	  /* flags of a message that are kept */
	IMAP_VALUE_MAX = 1 << 17, /* octets of one string */
};

/* --- where it is --------------------------------------------------------- */

struct imap_url {
	bool is_tls; /* imaps: from the beginning */
	char user[256], host[256], port[8];
};
/* "imap[s]://user@host[:port][/]", the user percent-encoded. SYNTAX. */
enum pst_rc import_source_parse(
    const char *text, struct imap_url *url_r, struct pst_error *err);

/* --- responses ----------------------------------------------------------- */

/* A response is read from its front. */
struct imap_text {
	struct pst_str rest;
};
/* The next thing that is neither list nor space: an atom, with what is in
 * brackets ("BODY[]"), or the content of a string, copied to `value`; *nil_r:
 * NIL. False: there is none. */
bool imap_take_value(struct imap_text *t, struct buf *value, bool *nil_r);
/* Takes one thing, whatever it is. */
bool imap_text_skip(struct imap_text *t);
/* "(" or ")" is next: takes it. */
bool imap_take_open(struct imap_text *t);
bool imap_take_close(struct imap_text *t);

/* The line so far ends with a literal's size ("{12}", "{12+}", "~{12}"). */
bool imap_literal_size(struct pst_str line, uint64_t *size_r);
/* A FETCH response whose literal is a message. */
bool imap_is_message_literal(struct pst_str line);

enum imap_kind {
	IMAP_OTHER,
	IMAP_TAGGED,	   /* `tag`, `status`, `code`, `words` */
	IMAP_CONTINUATION, /* "+" */
	IMAP_STATUS,	   /* "* OK", "* NO", "* BAD", "* BYE", "* PREAUTH" */
	IMAP_NUMBER,	   /* "* 12 EXISTS": `number`, `name`, rest of text */
	IMAP_DATA,	   /* "* LIST ...": `name`, rest of text */
};

struct imap_response {
	enum imap_kind kind;
	struct pst_str tag, status, name;
	struct pst_str code;  /* "[...]" without the brackets; empty: none */
	struct pst_str words; /* for people */
	uint64_t number;
	struct imap_text text; /* what follows */
};
void imap_response_parse(struct pst_str line, struct imap_response *r_r);

/* "UIDVALIDITY 12": the number; false: it is another code. */
bool imap_code_number(struct pst_str code, const char *name, uint64_t *n_r);

/* One message of FETCH. */
struct imap_fetched {
	bool has_uid, has_flags, has_date;
	uint32_t uid, flags;
	int64_t date, saved; /* saved 0: not told */
	uint64_t size, modseq;
	/* Keywords with a space before each, at most IMAP_WORDS_MAX. */
	struct buf words;
	/* BODY[] where it came as a string and not as a literal. */
	bool has_body;
	struct buf body;
};
void imap_fetched_init(struct imap_fetched *f);
void imap_fetched_fini(struct imap_fetched *f);
/* `text` is what follows "FETCH". False: malformed. */
bool imap_fetched_parse(struct imap_text *text, struct imap_fetched *f);

/* "17-Jul-1996 02:44:25 -0700" */
bool imap_parse_date(struct pst_str text, int64_t *date_r);

/* One LIST or LSUB response; `text` is what follows that word. */
struct imap_listed {
	bool can_select; /* neither \Noselect nor \NonExistent */
	bool subscribed;
	char special_use[16]; /* one that is known, or "" */
	char separator;	      /* 0: none */
	struct buf name;      /* as it is on the wire */
};
void imap_listed_init(struct imap_listed *l);
void imap_listed_fini(struct imap_listed *l);
bool imap_listed_parse(struct imap_text *text, struct imap_listed *l);

/* NAMESPACE (RFC 2342): the first personal one, and the prefixes of others. */
enum { IMAP_FOREIGN_MAX = 16, IMAP_PREFIX_MAX = 128 };
struct imap_namespaces {
	char personal[IMAP_PREFIX_MAX];
	char foreign[IMAP_FOREIGN_MAX][IMAP_PREFIX_MAX];
	size_t foreigns;
};
bool imap_namespaces_parse(struct imap_text *text, struct imap_namespaces *n_r);

/* A string as a command takes it; false: it cannot be quoted. */
bool imap_put_quoted(struct buf *out, struct pst_str s);

#endif
