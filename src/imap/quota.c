/*
 * imap/quota.c - GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208).
 *
 * Every user's mail is one quota root, named by the user's address. Users see
 * their own; administrators see and set all.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/places.h"
#include "imap/respond.h"

enum { UNIT = 1024 }; /* of STORAGE (5.1) */

static bool
is_admin(struct imap_session *s)
{
	struct account_user me;
	struct pst_error err;

	return account_find(s->sv->accounts, s->address, &me, &err) == PST_OK &&
	       me.is_admin;
}

/* The user whose root it is, if the session may see it; else `err` says why. */
static enum pst_rc
find_root(struct imap_session *s, struct pst_str name,
    struct account_user *user_r, struct pst_error *err)
{
	char address[321];
	bool good = account_normalise(name, address);

	if (!(good && strcmp(address, s->address) == 0) && !is_admin(s))
		return pst_fail(err, PST_E_DENIED, 0, "not an administrator");
	if (!good)
		return pst_fail(err, PST_E_NOTFOUND, 0, "not an address");
	return account_find(s->sv->accounts, address, user_r, err);
}

static void
put_resource(struct buf *out, const char *name, uint64_t usage, uint64_t limit)
{
	if (out->p[out->n - 1] != '(')
		(void)buf_putc(out, ' ');
	(void)buf_puts(out, name);
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, usage);
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, limit);
}

/* "* QUOTA root (...)": only what is limited (4.2.1). Opening the account makes
 * its present limits hold for all who have it open. */
static enum pst_rc
put_quota(struct imap_session *s, const struct account_user *user,
    struct pst_error *err)
{
	struct buf *out = imap_out(s);
	struct pst_usage usage, limit;
	struct mail_account *account;
	enum pst_rc rc = mail_account_open(s->sv->store, user, &account, err);

	if (rc != PST_OK)
		return rc;
	rc = mail_account_usage(account, &usage, &limit, err);
	mail_account_close(&account);
	if (rc != PST_OK)
		return rc;
	(void)buf_puts(out, "* QUOTA ");
	imap_put_astring(out, str_of(user->address));
	(void)buf_puts(out, " (");
	if (limit.bytes != 0)
		put_resource(out, "STORAGE",
		    usage.bytes / UNIT + (usage.bytes % UNIT != 0),
		    limit.bytes < UNIT ? 1 : limit.bytes / UNIT);
	if (limit.messages != 0)
		put_resource(out, "MESSAGE", usage.messages, limit.messages);
	(void)buf_puts(out, ")\r\n");
	return PST_OK;
}

static enum imap_step
refuse(struct imap_session *s, const struct pst_error *err)
{
	return imap_fail(s, err, "[NONEXISTENT] No such quota root");
}

enum imap_step
imap_getquota(struct imap_session *s, struct imap_parser *ps)
{
	struct account_user user;
	struct pst_error err;
	struct pst_str name;

	if (!imap_space(ps) || !imap_astring(ps, &name) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (find_root(s, name, &user, &err) != PST_OK ||
	    put_quota(s, &user, &err) != PST_OK)
		return refuse(s, &err);
	return imap_ok(s, "Getquota completed");
}

/* The mailbox need not exist (4.1.2). */
enum imap_step
imap_getquotaroot(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out = imap_out(s);
	struct account_user user;
	struct pst_error err;
	char *name;

	if (!imap_space(ps) || !imap_mailbox(ps, &name) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (find_root(s, str_of(s->address), &user, &err) != PST_OK)
		return refuse(s, &err);
	(void)buf_puts(out, "* QUOTAROOT ");
	imap_put_mailbox(out, name, s->utf8);
	/* What others have in all is their business; nobody learns either
	 * whether such a mailbox exists. */
	if (imap_is_shared(s, name)) {
		(void)buf_puts(out, "\r\n");
		return imap_ok(s, "Getquotaroot completed");
	}
	(void)buf_putc(out, ' ');
	imap_put_astring(out, str_of(s->address));
	(void)buf_puts(out, "\r\n");
	if (put_quota(s, &user, &err) != PST_OK)
		return refuse(s, &err);
	return imap_ok(s, "Getquotaroot completed");
}

struct limits {
	int64_t bytes, messages; /* 0: none */
	bool refused;		 /* something that cannot be limited so */
};

/* setquota-resource = resource-name SP resource-limit */
static bool
resource(struct imap_parser *ps, struct limits *l)
{
	struct pst_str name;
	uint64_t value;

	if (!imap_atom(ps, &name) || !imap_space(ps) ||
	    !imap_number64(ps, &value))
		return false;
	if (value == 0 || value > INT64_MAX)
		l->refused = true;
	else if (str_is_case(name, "MESSAGE"))
		l->messages = (int64_t)value;
	else if (str_is_case(name, "STORAGE") && value <= INT64_MAX / UNIT)
		l->bytes = (int64_t)value * UNIT;
	else
		l->refused = true;
	return true;
}

static bool
parse_limits(struct imap_parser *ps, struct limits *l)
{
	memset(l, 0, sizeof(*l));
	if (!imap_expect(ps, '('))
		return false;
	if (imap_skip(ps, ')'))
		return true;
	do {
		if (!resource(ps, l))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

/* What is not named is no longer limited (4.1.3). */
enum imap_step
imap_setquota(struct imap_session *s, struct imap_parser *ps)
{
	struct account_user user;
	struct pst_error err;
	struct pst_str name;
	struct limits l;

	if (!imap_space(ps) || !imap_astring(ps, &name) || !imap_space(ps) ||
	    !parse_limits(ps, &l) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (!is_admin(s))
		return imap_no(s, "[NOPERM] Only for administrators");
	if (l.refused)
		return imap_no(s, "[CANNOT] This limit cannot be set");
	if (find_root(s, name, &user, &err) != PST_OK)
		return refuse(s, &err);
	user.quota_bytes = l.bytes;
	user.quota_messages = l.messages;
	if (account_update(s->sv->accounts, &user,
		ACCOUNT_SET_QUOTA_BYTES | ACCOUNT_SET_QUOTA_MESSAGES,
		&err) != PST_OK)
		return refuse(s, &err);
	log_event(PST_LOG_INFO, net_id(s->c), "quota-set", "user", user.address,
	    "by", s->address, NULL);
	if (put_quota(s, &user, &err) != PST_OK)
		return refuse(s, &err);
	return imap_ok(s, "Setquota completed");
}
