// Deutsch: what the server says when it refuses something, by what it says; a number in it is {n}.

import type { Catalogue } from "../text.ts";

export default {
	// Passwords, and what else one signs in with
	"A password has at least {n} characters.": "Ein Passwort hat mindestens {n} Zeichen.",
	"A password has at most {n} characters.": "Ein Passwort hat höchstens {n} Zeichen.",
	"This password is too long.": "Dieses Passwort ist zu lang.",
	"This password is a row or a repetition: choose another.": "Dieses Passwort ist eine Reihe oder eine Wiederholung: Wählen Sie ein anderes.",
	"This password is a repetition of a word: choose another.": "Dieses Passwort wiederholt nur ein Wort: Wählen Sie ein anderes.",
	"This password is made of your name or address: choose another.": "Dieses Passwort besteht aus Ihrem Namen oder Ihrer Adresse: Wählen Sie ein anderes.",
	"This password is one of those that are tried first: choose another, such as a few words that only you put together.":
		"Dieses Passwort wird zuallererst ausprobiert: Wählen Sie ein anderes, etwa ein paar Wörter, die nur Sie so zusammenstellen.",
	"This cannot be a password: it is empty or has characters that cannot be typed.":
		"Das kann kein Passwort sein: Es ist leer oder hat Zeichen, die sich nicht tippen lassen.",
	"A password is missing.": "Es fehlt ein Passwort.",
	"This is not your present password.": "Das ist nicht Ihr bisheriges Passwort.",
	"For this you have to show once more that it is you.": "Dafür müssen Sie noch einmal zeigen, dass Sie es sind.",
	"A code is missing.": "Es fehlt ein Code.",
	"This code is not right. Look whether the clocks of both devices are, and type the code that the app shows now.":
		"Dieser Code stimmt nicht. Sehen Sie nach, ob die Uhren beider Geräte richtig gehen, und geben Sie den Code ein, den die App jetzt anzeigt.",
	"This took too long, or too many attempts. Begin again.": "Das hat zu lange gedauert, oder es waren zu viele Versuche. Beginnen Sie noch einmal.",
	"This took too long, or too many attempts. Begin again with your password.":
		"Das hat zu lange gedauert, oder es waren zu viele Versuche. Beginnen Sie noch einmal mit Ihrem Passwort.",
	"This passkey could not be checked. Try again.": "Dieser Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal.",
	"This passkey cannot be used here.": "Dieser Passkey lässt sich hier nicht benutzen.",
	"There are {n} passkeys already: remove one first.": "Es gibt schon {n} Passkeys: Entfernen Sie zuerst einen.",
	"Passkeys need a secure connection, to a name and not to an address.":
		"Passkeys brauchen eine sichere Verbindung, und zwar zu einem Namen statt zu einer Zahlenadresse.",
	"Address, code or password are missing.": "Adresse, Code oder Passwort fehlt.",
	"This link was used, or is too old: ask for another one.": "Dieser Link wurde benutzt oder ist zu alt: Bitten Sie um einen neuen.",

	// Making an account
	"An address has letters, digits, and dots, dashes and underscores within.":
		"Eine Adresse besteht aus Buchstaben und Ziffern, dazwischen Punkte, Binde- und Unterstriche.",
	"This is not an address.": "Das ist keine Adresse.",
	"This address is taken.": "Diese Adresse ist vergeben.",
	"This address is kept for those who run the server.": "Diese Adresse ist den Betreibern des Servers vorbehalten.",
	"This name is too long.": "Dieser Name ist zu lang.",
	"This invitation is not valid: it may have been used, or be too old.": "Diese Einladung ist nicht gültig: Sie wurde vielleicht schon benutzt oder ist zu alt.",
	"This invitation has just been used up.": "Diese Einladung ist gerade verbraucht worden.",
	"Nobody can sign up here: ask who runs this server.": "Hier kann sich niemand registrieren: Fragen Sie den Betreiber dieses Servers.",
	"The proof of work is missing, wrong or too old: try again.": "Der Arbeitsnachweis fehlt, ist falsch oder zu alt: Versuchen Sie es noch einmal.",
	"This set-up is over, or its link is not the latest one.": "Diese Einrichtung ist abgeschlossen, oder der Link ist nicht der neueste.",
	"There were too many from where you are. Try again later.": "Von Ihrem Anschluss kamen zu viele Anfragen. Versuchen Sie es später noch einmal.",
	"There were too many from where you are. Try again in {n} minute.": "Von Ihrem Anschluss kamen zu viele Anfragen. Versuchen Sie es in einer Minute noch einmal.",
	"There were too many from where you are. Try again in {n} minutes.": "Von Ihrem Anschluss kamen zu viele Anfragen. Versuchen Sie es in {n} Minuten noch einmal.",
	"There were too many from where you are. Try again in {n} hour.": "Von Ihrem Anschluss kamen zu viele Anfragen. Versuchen Sie es in einer Stunde noch einmal.",
	"There were too many from where you are. Try again in {n} hours.": "Von Ihrem Anschluss kamen zu viele Anfragen. Versuchen Sie es in {n} Stunden noch einmal.",

	// Forwarding, and what is deleted
	"Mail is not forwarded here.": "Hier wird keine Mail weitergeleitet.",
	"One address is there twice.": "Eine Adresse kommt zweimal vor.",
	"At most {n} addresses are allowed.": "Höchstens {n} Adressen sind erlaubt.",
	"This is your own address.": "Das ist Ihre eigene Adresse.",
	"There is no room for them in your mailbox.": "In Ihrem Postfach ist kein Platz dafür.",

	// Whatever it was
	"There were too many attempts. Try again later.": "Es waren zu viele Versuche. Versuchen Sie es später noch einmal.",
	"That cannot be done now.": "Das geht jetzt nicht.",
	"There is no such thing.": "Das gibt es nicht.",
	"There is one already.": "Das gibt es schon.",
	"Not without encryption.": "Nicht ohne Verschlüsselung.",
} satisfies Catalogue;
