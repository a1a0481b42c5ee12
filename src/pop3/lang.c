/*
 * pop3/lang.c - UTF8 and LANG (RFC 6856, 2.1 and 3).
 */
#include "base/str.h"
#include "pop3/session.h"

enum net_next
pop3_run_utf8(struct pop3_session *s, struct pst_str args)
{
	(void)args;
	s->utf8 = true;
	return pop3_ok(s, POP3_TEXT_UTF8);
}

static enum net_next
list_languages(struct pop3_session *s)
{
	struct buf *out = net_output(s->conn);

	(void)pop3_ok(s, POP3_TEXT_LANGUAGES);
	for (int i = 0; i < POP3_LANGUAGES; i++)
		(void)buf_printf(out, "%s %s\r\n",
		    pop3_language_tag((enum pop3_language)i),
		    pop3_language_name((enum pop3_language)i));
	(void)buf_puts(out, ".\r\n");
	return NET_READ;
}

enum net_next
pop3_run_lang(struct pop3_session *s, struct pst_str args)
{
	struct pst_str range = str_trim(args);
	enum pop3_language language;

	if (range.n == 0)
		return list_languages(s);
	language = pop3_language_find(
	    range, (enum pop3_language)pop3_config(s)->pop3.language);
	if (language == POP3_LANGUAGES)
		return pop3_err(s, NULL, POP3_TEXT_NO_LANGUAGE);
	s->language = (unsigned char)language;
	(void)buf_printf(net_output(s->conn), "+OK %s %s\r\n",
	    pop3_language_tag(language), pop3_say(s, POP3_TEXT_LANGUAGE));
	return NET_READ;
}
