/*
 * smtp/parse.h - command lines to structures (RFC 5321, 4.1.2; RFC 1870, 6152,
 * 3030, 6531, 4954, 3461, 8689 for the parameters of MAIL and RCPT).
 *
 * Pure. Slices point into the line or the arena.
 */
#ifndef SMTP_PARSE_H
#define SMTP_PARSE_H

#include "base/mem.h"

enum smtp_error {
	SMTP_OK,
	SMTP_E_SYNTAX,	/* not the form of the command */
	SMTP_E_ADDRESS, /* the path is no address */
	SMTP_E_PARAM,	/* a value that its parameter cannot have */
	SMTP_E_TWICE,	/* a parameter given twice */
	SMTP_E_UNKNOWN, /* a parameter of no extension we have */
	SMTP_E_MEMORY,	/* more than the arena may hold */
};

/* A path without brackets and source route. */
struct smtp_path {
	struct pst_str text;	      /* as it was written; empty: "<>" */
	struct pst_str local, domain; /* unquoted; no domain: <postmaster> */
};

enum smtp_body { SMTP_7BIT, SMTP_8BITMIME, SMTP_BINARYMIME };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

struct smtp_mail {
	struct smtp_path from;
	uint64_t size; /* 0: not told */
	enum smtp_body body;
	bool utf8;
	bool require_tls;
	bool has_auth;
	struct pst_str auth; /* AUTH=, decoded; empty: "<>" */
	enum smtp_ret ret;
	struct pst_str envid; /* decoded */
	bool has_params;
};

enum {
	SMTP_NOTIFY_NEVER = 1 << 0,
	SMTP_NOTIFY_SUCCESS = 1 << 1,
	SMTP_NOTIFY_FAILURE = 1 << 2,
	SMTP_NOTIFY_DELAY = 1 << 3,
};

struct smtp_rcpt {
	struct smtp_path to;
	unsigned notify;	   /* 0: not told */
	struct pst_str orcpt_type; /* "rfc822"; empty: none */
	struct pst_str orcpt;	   /* decoded, but for type "utf-8" */
	bool has_params;
};

/*
 * "TYPE;" (when there is a type) and `text` as xtext (RFC 3461, 4), in the
 * arena; text of type "utf-8" stays as it is. False: no room.
 */
bool smtp_xtext(struct arena *arena, struct pst_str type, struct pst_str text,
    struct pst_str *out_r);

/* Splits a line without its end into the verb and what follows the spaces. */
void smtp_parse_line(
    struct pst_str line, struct pst_str *verb_r, struct pst_str *args_r);

/* What follows "MAIL " and "RCPT ". */
enum smtp_error smtp_parse_mail(
    struct arena *a, struct pst_str args, struct smtp_mail *mail_r);
enum smtp_error smtp_parse_rcpt(
    struct arena *a, struct pst_str args, struct smtp_rcpt *rcpt_r);
/* What follows "BDAT ": a size and perhaps LAST. */
enum smtp_error smtp_parse_bdat(
    struct pst_str args, uint64_t *size_r, bool *last_r);
/* A domain or address literal as EHLO has it; lenient, but what passes is safe
 * in a header field: letters, digits and "-._:[]". */
bool smtp_is_host(struct pst_str s);

/* RFC 3461, 4. False: no xtext. */
bool smtp_xtext_decode(
    struct arena *a, struct pst_str text, struct pst_str *out);

#endif
