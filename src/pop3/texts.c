/*
 * pop3/texts.c - the texts. English is ASCII: it is what is said before LANG
 * (RFC 1939, 3). No text begins with "[" or has "<" in it (RFC 2449, 3).
 */
#include "pop3/texts.h"

#include "base/str.h"

static const struct {
	const char *tag, *name;
} languages[POP3_LANGUAGES] = {
	[POP3_ENGLISH] = { "en", "English" },
	[POP3_GERMAN] = { "de", "Deutsch" },
};

#define TEXT(id, english, german) \
	[POP3_TEXT_##             \
	    id] = { [POP3_ENGLISH] = (english), [POP3_GERMAN] = (german) }

static const char *const texts[POP3_TEXTS][POP3_LANGUAGES] = {
	TEXT(READY, "Postern POP3 is ready", "Postern POP3 ist bereit"),
	TEXT(BYE, "Bye", "Auf Wiedersehen"),
	TEXT(
	    STOPPING, "The server is shutting down", "Der Server wird beendet"),
	TEXT(UNKNOWN, "Unknown command", "Unbekannter Befehl"),
	TEXT(WEB, "This is not a web server", "Das ist kein Webserver"),
	TEXT(NOT_YET, "Log in first", "Bitte erst anmelden"),
	TEXT(TOO_LATE, "You are logged in already",
	    "Sie sind bereits angemeldet"),
	TEXT(ARGUMENT_MISSING, "An argument is missing", "Ein Argument fehlt"),
	TEXT(NO_ARGUMENT, "No argument is allowed here",
	    "Hier ist kein Argument erlaubt"),
	TEXT(SYNTAX, "Syntax error in the arguments",
	    "Syntaxfehler in den Argumenten"),
	TEXT(LINE_TOO_LONG, "Line too long", "Die Zeile ist zu lang"),
	TEXT(NO_TEXT, "A command is text in UTF-8",
	    "Ein Befehl ist Text in UTF-8"),
	TEXT(TOO_MANY_ERRORS, "Too many errors", "Zu viele Fehler"),
	TEXT(CAPABILITIES, "Capabilities follow", "Es folgen die Fähigkeiten"),
	TEXT(MECHANISMS, "Mechanisms follow", "Es folgen die Mechanismen"),
	TEXT(NOT_WITHOUT_TLS, "Not without TLS", "Nicht ohne TLS"),
	TEXT(SEND_PASSWORD, "Send the password", "Bitte das Passwort senden"),
	TEXT(USER_FIRST, "Say USER first", "Erst kommt USER"),
	TEXT(WRONG, "Wrong user name or password",
	    "Name oder Passwort ist falsch"),
	TEXT(BLOCKED, "Too many failures, try later",
	    "Zu viele Fehlversuche, bitte später"),
	TEXT(CANNOT_CHECK, "Cannot check that now, try later",
	    "Das ist gerade nicht zu prüfen, bitte später"),
	TEXT(CONNECTIONS, "Too many connections of this user",
	    "Zu viele Verbindungen dieses Benutzers"),
	TEXT(IN_USE, "The maildrop is open in another session",
	    "Das Postfach ist in einer anderen Sitzung offen"),
	TEXT(EARLY, "You logged in a short time ago, try later",
	    "Die letzte Anmeldung ist zu kurz her, bitte später"),
	TEXT(NO_MAILDROP, "The maildrop cannot be opened",
	    "Das Postfach kann nicht geöffnet werden"),
	TEXT(MECHANISM_UNKNOWN, "Unknown mechanism", "Unbekannter Mechanismus"),
	TEXT(NO_BASE64, "This is not base64", "Das ist kein Base64"),
	TEXT(CANCELLED, "Cancelled", "Abgebrochen"),
	TEXT(TLS_BEGIN, "Begin TLS now", "Jetzt mit TLS beginnen"),
	TEXT(TLS_ACTIVE, "TLS is active already", "TLS ist schon aktiv"),
	TEXT(TLS_MISSING, "TLS is not available", "TLS ist nicht verfügbar"),
	TEXT(TLS_DATA, "Data follows STLS", "Auf STLS folgen Daten"),
	TEXT(TLS_LATE, "STLS comes before UTF8", "STLS kommt vor UTF8"),
	TEXT(MESSAGES, "messages", "Nachrichten"),
	TEXT(OCTETS, "octets", "Oktette"),
	TEXT(TOP, "The beginning of the message follows",
	    "Es folgt der Anfang der Nachricht"),
	TEXT(UIDS, "Unique ids follow", "Es folgen die Kennungen"),
	TEXT(NO_MESSAGE, "There is no such message",
	    "Diese Nachricht gibt es nicht"),
	TEXT(IS_DELETED, "The message is marked as deleted",
	    "Die Nachricht ist als gelöscht markiert"),
	TEXT(GONE, "The message was removed by another session",
	    "Die Nachricht wurde in einer anderen Sitzung entfernt"),
	TEXT(CANNOT_READ, "The message cannot be read now",
	    "Die Nachricht ist gerade nicht lesbar"),
	TEXT(MARKED, "Marked as deleted", "Als gelöscht markiert"),
	TEXT(NOT_REMOVED, "Some messages were not removed",
	    "Einige Nachrichten wurden nicht entfernt"),
	TEXT(UTF8, "UTF-8 from now on", "Ab jetzt in UTF-8"),
	TEXT(NEEDS_UTF8, "The header is in UTF-8, which takes the UTF8 command",
	    "Der Kopf ist in UTF-8, dafür ist der Befehl UTF8 nötig"),
	TEXT(LANGUAGES, "Languages follow", "Es folgen die Sprachen"),
	TEXT(LANGUAGE, "English it is", "Ab jetzt auf Deutsch"),
	TEXT(NO_LANGUAGE, "This language is not spoken here",
	    "Diese Sprache wird hier nicht gesprochen"),
};

const char *
pop3_text(enum pop3_language language, enum pop3_text text)
{
	return texts[text][language];
}

const char *
pop3_language_tag(enum pop3_language language)
{
	return languages[language].tag;
}

const char *
pop3_language_name(enum pop3_language language)
{
	return languages[language].name;
}

enum pop3_language
pop3_language_find(struct pst_str range, enum pop3_language preferred)
{
	if (str_is(range, "*"))
		return preferred;
	while (range.n > 0) {
		for (int i = 0; i < POP3_LANGUAGES; i++)
			if (str_is_case(range, languages[i].tag))
				return (enum pop3_language)i;
		/* Without its last subtag. */
		while (range.n > 0 && range.p[range.n - 1] != '-')
			range.n--;
		range.n -= range.n > 0;
	}
	return POP3_LANGUAGES;
}
