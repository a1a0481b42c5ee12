/*
 * pop3/texts.h - what is said to people, in the languages of LANG (RFC 6856,
 * 3).
 */
#ifndef POP3_TEXTS_H
#define POP3_TEXTS_H

#include <postern/types.h>

/* In the order of the choices of pop3.language. */
enum pop3_language {
	POP3_ENGLISH,
	POP3_GERMAN,
	POP3_LANGUAGES,
};

enum pop3_text {
	POP3_TEXT_READY,
	POP3_TEXT_BYE,
	POP3_TEXT_STOPPING,
	POP3_TEXT_UNKNOWN,
	POP3_TEXT_WEB,
	POP3_TEXT_NOT_YET,
	POP3_TEXT_TOO_LATE,
	POP3_TEXT_ARGUMENT_MISSING,
	POP3_TEXT_NO_ARGUMENT,
	POP3_TEXT_SYNTAX,
	POP3_TEXT_LINE_TOO_LONG,
	POP3_TEXT_NO_TEXT,
	POP3_TEXT_TOO_MANY_ERRORS,
	POP3_TEXT_CAPABILITIES,
	POP3_TEXT_MECHANISMS,
	POP3_TEXT_NOT_WITHOUT_TLS,
	POP3_TEXT_SEND_PASSWORD,
	POP3_TEXT_USER_FIRST,
	POP3_TEXT_WRONG,
	POP3_TEXT_BLOCKED,
	POP3_TEXT_CANNOT_CHECK,
	POP3_TEXT_CONNECTIONS,
	POP3_TEXT_IN_USE,
	POP3_TEXT_EARLY,
	POP3_TEXT_NO_MAILDROP,
	POP3_TEXT_MECHANISM_UNKNOWN,
	POP3_TEXT_NO_BASE64,
	POP3_TEXT_CANCELLED,
	POP3_TEXT_TLS_BEGIN,
	POP3_TEXT_TLS_ACTIVE,
	POP3_TEXT_TLS_MISSING,
	POP3_TEXT_TLS_DATA,
	POP3_TEXT_TLS_LATE,
	POP3_TEXT_MESSAGES,
	POP3_TEXT_OCTETS,
	POP3_TEXT_TOP,
	POP3_TEXT_UIDS,
	POP3_TEXT_NO_MESSAGE,
	POP3_TEXT_IS_DELETED,
	POP3_TEXT_GONE,
	POP3_TEXT_CANNOT_READ,
	POP3_TEXT_MARKED,
	POP3_TEXT_NOT_REMOVED,
	POP3_TEXT_UTF8,
	POP3_TEXT_NEEDS_UTF8,
	POP3_TEXT_LANGUAGES,
	POP3_TEXT_LANGUAGE,
	POP3_TEXT_NO_LANGUAGE,
	POP3_TEXTS,
};

const char *pop3_text(enum pop3_language language, enum pop3_text text);
const char *pop3_language_tag(enum pop3_language language);
const char *pop3_language_name(enum pop3_language language);
/*
 * The language that a range asks for (RFC 4647, 3.4: "de-AT" finds "de"). "*"
 * is `preferred`. POP3_LANGUAGES: none.
 */
enum pop3_language pop3_language_find(
    struct pst_str range, enum pop3_language preferred);

#endif
