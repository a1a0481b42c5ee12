/*
 * smtp/local.c - sessions of this host's own processes, over a Unix socket that
 * tells whose they are. There is no AUTH: the system has done it.
 */
#include "base/log.h"
#include "base/str.h"
#include "smtp/session.h"

enum net_next
smtp_local_open(struct smtp_session *s)
{
	struct local_user *user = mem_alloc(sizeof(*user));
	uid_t uid;

	s->local = user;
	if (!net_peer_uid(s->conn, &uid) ||
	    !local_user_find(smtp_config(s), uid, user)) {
		(void)smtp_reply(s, "554 5.7.1 Not known as a user of this "
				    "system");
		return NET_CLOSE;
	}
	if (!net_set_user(s->conn, user->address)) {
		(void)smtp_reply(
		    s, "421 4.7.0 Too many connections of this user");
		return NET_CLOSE;
	}
	return smtp_greet(s);
}

enum pst_rc
smtp_local_add(struct smtp_session *s, struct delivery_recipient *to,
    struct pst_error *err)
{
	struct delivery *d = s->env->delivery;

	return s->local != NULL
		   ? local_add(s->services, smtp_config(s), d, to, err)
		   : delivery_add(d, to, err);
}
