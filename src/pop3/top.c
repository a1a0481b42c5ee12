/*
 * pop3/top.c - TOP (RFC 1939, 7).
 */
#include "pop3/parse.h"
#include "pop3/session.h"

enum net_next
pop3_run_top(struct pop3_session *s, struct pst_str args)
{
	enum net_next next = NET_READ;
	struct pop3_message *m;
	uint32_t number;
	uint64_t lines;

	if (!pop3_parse_top(args, &number, &lines))
		return pop3_bad(s, POP3_TEXT_SYNTAX);
	m = pop3_maildrop_at(s, number, &next);
	return m != NULL ? pop3_send(s, m, true, lines) : next;
}
