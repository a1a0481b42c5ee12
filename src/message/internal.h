/*
 * message/internal.h - what the files of this folder share and nobody else
 * needs: lexical helpers, the steps of the reader, charset conversion.
 */
#ifndef MESSAGE_INTERNAL_H
#define MESSAGE_INTERNAL_H

#include <iconv.h>

#include "message/message.h"

/* White space of header fields, line ends included. */
static inline bool
msg_is_wsp(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind a comment (RFC 5322, 3.2.2) that starts at `p`; NULL when it is never
 * closed. */
const char *msg_skip_comment(const char *p, const char *end);
/* Behind white space, line ends and comments; one that is never closed goes to
 * the end. */
const char *msg_skip_cfws(const char *p, const char *end);
/* Behind an encoded word (RFC 2047) that starts at `p`, or NULL. */
const char *msg_skip_word(const char *p, const char *end);

/*
 * Splits part->header into at most `max` fields. `cut`: the end of the block is
 * missing, so the last field that was kept is not whole and is left out.
 */
void msg_fields_parse(
    struct arena *a, struct msg_part *part, size_t max, bool cut);

/* Fills what the part says about itself from its Content-... fields. */
void msg_mime_parse(struct arena *a, struct msg_part *part);
/* Makes it what RFC 2045, 5.2 has for a Content-Type that says nothing. */
void msg_mime_plain(struct arena *a, struct msg_part *part);

/* Parameters from `p` on, which is at or before the first semicolon. */
struct msg_param *msg_params_parse(
    struct arena *a, const char *p, const char *end);
/* As msg_param(), but without RFC 2047 or charsets: for boundaries. */
bool msg_param_octets(
    const struct msg_param *params, const char *name, struct buf *out);

/* How many octets the UTF-8 sequence at `p` has; 0 when it is not valid. When
 * it is only cut off, *cut_r is set (which may be NULL). */
size_t msg_utf8_length(const char *p, const char *end, bool *cut_r);
bool msg_utf8_put(struct buf *out, uint32_t c);
/* The character of an octet in windows-1252. */
uint32_t msg_windows_1252(unsigned char octet);

/* Conversion to UTF-8 of text that comes in pieces. */
enum msg_conv_kind {
	CONV_ASCII,   /* unknown charset: only ASCII is certain */
	CONV_UTF8,    /* checked */
	CONV_LENIENT, /* UTF-8 where it is, else windows-1252 */
	CONV_LATIN1,  /* ISO 8859-1 as windows-1252 */
	CONV_ICONV,
	CONV_HZ,   /* RFC 1843, by way of EUC-CN */
	CONV_UTF7, /* RFC 2152 */
};

struct msg_conv {
	enum msg_conv_kind kind;
	iconv_t cd;
	size_t unit;   /* octets to pass over after an error */
	bool shifted;  /* HZ: in pairs; UTF-7: in base64 */
	bool fresh;    /* UTF-7: right behind the "+" */
	uint32_t bits; /* UTF-7: what has been read of a unit */
	unsigned n_bits;
	uint16_t high;	  /* UTF-7: a surrogate whose other half is to come */
	char pending[16]; /* of a character that is cut off */
	size_t n;
};

/* False: unknown, CONV_ASCII then. */
bool msg_conv_init(struct msg_conv *c, struct pst_str charset);
void msg_conv_init_kind(struct msg_conv *c, enum msg_conv_kind kind);
bool msg_conv_feed(
    struct msg_conv *c, struct pst_str in, bool last, struct buf *out);
void msg_conv_fini(struct msg_conv *c);

/* HTML to text. Start with a zeroed state. */
enum msg_html_state {
	HTML_TEXT,
	HTML_ENTITY,
	HTML_OPEN, /* behind "<" */
	HTML_NAME,
	HTML_TAG,
	HTML_QUOTED,
	HTML_DECLARATION, /* behind "<!" */
	HTML_COMMENT,
	HTML_RAW, /* inside of script or style */
};

struct msg_html {
	enum msg_html_state state;
	char name[32];
	size_t n;
	char quote;
	unsigned dashes;
	const char *raw; /* the element whose content is passed over */
	bool space;	 /* white space stands before what comes next */
	bool some;	 /* something has been written */
};

bool msg_html_feed(
    struct msg_html *h, struct pst_str in, bool last, struct buf *out);
/* The character that an HTML entity names, or 0. */
uint32_t msg_html_entity(const char *name, size_t n);

#endif
