/*
 * pop3/list.c - STAT and LIST (RFC 1939, 5), and how a listing goes on while
 * the client reads.
 */
#include "base/str.h"
#include "pop3/session.h"

enum net_next
pop3_list_begin(
    struct pop3_session *s, enum net_next (*resume)(struct pop3_session *s))
{
	s->next = 1;
	s->resume = resume;
	return NET_READ;
}

enum net_next
pop3_list_more(struct pop3_session *s,
    void (*line)(struct pop3_session *s, uint32_t number))
{
	enum { LINES = 256 }; /* between two looks at the output */
	uint32_t left = s->messages + 1 - s->next;
	uint32_t end = s->next + (left < LINES ? left : LINES);

	for (; s->next < end; s->next++)
		if (!(s->message[s->next - 1].marks & POP3_DELETED))
			line(s, s->next);
	if (s->next <= s->messages)
		return NET_READ;
	(void)buf_puts(net_output(s->conn), ".\r\n");
	s->resume = NULL;
	return NET_READ;
}

static void
put_line(struct pop3_session *s, uint32_t number)
{
	struct buf *out = net_output(s->conn);

	(void)buf_put_u64(out, number);
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, s->message[number - 1].size);
	(void)buf_add(out, "\r\n", 2);
}

static enum net_next
list_more(struct pop3_session *s)
{
	return pop3_list_more(s, put_line);
}

enum net_next
pop3_totals(struct pop3_session *s)
{
	uint64_t octets;
	uint32_t count = pop3_maildrop_count(s, &octets);

	(void)buf_printf(net_output(s->conn), "+OK %lu %s (%llu %s)\r\n",
	    (unsigned long)count, pop3_say(s, POP3_TEXT_MESSAGES),
	    (unsigned long long)octets, pop3_say(s, POP3_TEXT_OCTETS));
	return NET_READ;
}

enum net_next
pop3_run_list(struct pop3_session *s, struct pst_str args)
{
	enum net_next next = NET_READ;
	const struct pop3_message *m;

	if (str_trim(args).n == 0) {
		(void)pop3_totals(s);
		return pop3_list_begin(s, list_more);
	}
	m = pop3_maildrop_find(s, args, &next);
	if (m == NULL)
		return next;
	(void)buf_puts(net_output(s->conn), "+OK ");
	put_line(s, (uint32_t)(m - s->message) + 1);
	return NET_READ;
}

enum net_next
pop3_run_stat(struct pop3_session *s, struct pst_str args)
{
	uint64_t octets;
	uint32_t count = pop3_maildrop_count(s, &octets);

	(void)args;
	(void)buf_printf(net_output(s->conn), "+OK %lu %llu\r\n",
	    (unsigned long)count, (unsigned long long)octets);
	return NET_READ;
}
