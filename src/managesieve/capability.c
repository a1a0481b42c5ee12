/*
 * managesieve/capability.c - CAPABILITY (RFC 5804, 1.7 and 2.4): what is
 * announced is what holds now, with this connection's TLS and user. It is the
 * greeting, too.
 */
#include "base/str.h"
#include "managesieve/session.h"
#include "sieve/sieve.h"

static void
put_extensions(struct buf *out)
{
	const char *const *name = sieve_extensions();

	(void)buf_puts(out, "\"SIEVE\" \"");
	for (size_t i = 0; name[i] != NULL; i++)
		(void)buf_printf(out, "%s%s", i > 0 ? " " : "", name[i]);
	(void)buf_puts(out, "\"\r\n");
}

/* Nothing, where a list would be empty and STARTTLS would not help. */
static void
put_mechanisms(const struct managesieve_session *s, struct buf *out, bool tls)
{
	struct buf list;

	buf_init(&list, 256);
	managesieve_mechanisms(s, &list);
	if (list.n > 0 || tls)
		(void)buf_printf(
		    out, "\"SASL\" \"%.*s\"\r\n", STR_ARG(buf_str(&list)));
	buf_fini(&list);
}

static void
put_owner(const struct managesieve_session *s, struct buf *out)
{
	if (s->state != MANAGESIEVE_KNOWN)
		return;
	(void)buf_puts(out, "\"OWNER\" ");
	managesieve_put_string(out, str_of(s->address));
	(void)buf_puts(out, "\r\n");
}

static void
put_all(const struct managesieve_session *s, struct buf *out)
{
	bool tls = s->state == MANAGESIEVE_UNKNOWN && net_tls_offered(s->conn);

	(void)buf_puts(out,
	    "\"IMPLEMENTATION\" \"Postern " PACKAGE_VERSION "\"\r\n"
	    "\"VERSION\" \"1.0\"\r\n");
	put_mechanisms(s, out, tls);
	put_extensions(out);
	if (tls)
		(void)buf_puts(out, "\"STARTTLS\"\r\n");
	(void)buf_printf(out, "\"MAXREDIRECTS\" \"%lld\"\r\n",
	    (long long)managesieve_config(s)->sieve.redirects);
	put_owner(s, out);
	(void)buf_puts(out, "\"UNAUTHENTICATE\"\r\n");
}

enum net_next
managesieve_greet(struct managesieve_session *s)
{
	put_all(s, net_output(s->conn));
	return managesieve_ok(s, "Postern ManageSieve is ready");
}

enum net_next
managesieve_capability(struct managesieve_session *s)
{
	put_all(s, net_output(s->conn));
	return managesieve_ok(s, NULL);
}
