/*
 * request_sending.c - "sending": what users send to other servers, and whose
 * brake is on; "sending-lift" takes it off.
 */
#include "admin/control_priv.h"
#include "base/str.h"
#include "exchange/exchange.h"
#include "exchange/sending.h"

/* What is told, of whom. */
struct telling {
	struct admin_client *client;
	struct config *cfg;
	const char *user; /* NULL: of all */
	size_t found;
};

static void
tell(void *arg, const struct sending_row *r)
{
	struct telling *t = arg;
	struct sending_limits l;
	json_t *item;

	if (t->user != NULL && strcmp(r->user, t->user) != 0)
		return;
	sending_limits(t->cfg, r->user, &l);
	t->found++;
	item = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "user",
	    admin_json_text(str_of(r->user)), "messages_hour",
	    (json_int_t)r->messages_hour, "messages_day",
	    (json_int_t)r->messages_day, "recipients_day",
	    (json_int_t)r->recipients_day, "new_recipients_day",
	    (json_int_t)r->new_recipients_day, "bounces_day",
	    (json_int_t)r->bounces_day, "since", (json_int_t)r->since, "held",
	    (json_int_t)r->held);
	json_object_set_new(item, "reason", admin_json_text(str_of(r->reason)));
	json_object_set_new(item, "braked", json_boolean(r->since != 0));
	json_object_set_new(item, "limits",
	    json_pack("{s:I, s:I, s:I, s:I, s:I}", "messages_hour",
		(json_int_t)l.messages_hour, "messages_day",
		(json_int_t)l.messages_day, "recipients_day",
		(json_int_t)l.recipients_day, "new_recipients_day",
		(json_int_t)l.new_recipients_day, "bounce_share",
		(json_int_t)l.bounce_share));
	(void)admin_item(t->client, item);
}

void
admin_run_sending(struct admin_client *c, const json_t *request)
{
	const char *address = admin_member(request, "address");
	char name[321] = "";
	struct account_user user;
	struct telling t = { .client = c };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!admin_sends(c))
		return;
	/* Users of the system send, too, and have no account. */
	if (address != NULL && account_normalise(str_of(address), name))
		t.user = name;
	else if (address != NULL && !admin_find_user(c, request, &user))
		return;
	t.cfg = c->host->config(c->host->arg);
	rc = sending_each(exchange_sending(c->host->exchange),
	    json_is_true(json_object_get(request, "braked")), tell, &t, &err);
	/* Who never sent has sent nothing. */
	if (rc == PST_OK && t.user != NULL && t.found == 0) {
		struct sending_row none = { 0 };

		if (!admin_find_user(c, request, &user)) {
			config_unref(&t.cfg);
			return;
		}
		(void)str_copy(none.user, sizeof(none.user), str_of(t.user));
		tell(&t, &none);
	}
	config_unref(&t.cfg);
	if (rc == PST_OK)
		admin_done(c);
	else
		admin_error(c, rc, "%s", err.detail);
}

void
admin_run_sending_lift(struct admin_client *c, const json_t *request)
{
	const char *address = admin_member(request, "address");
	char user[321];
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!admin_sends(c))
		return;
	/* A user may be gone while their mail is not. */
	if (address == NULL || !account_normalise(str_of(address), user)) {
		admin_error(c, PST_E_SYNTAX, "expected a user's address");
		return;
	}
	rc = sending_lift(exchange_sending(c->host->exchange), user, &err);
	if (rc == PST_OK)
		admin_done(c);
	else
		admin_error(c, rc, "%s", err.detail);
}

static void
warn(void *arg, const struct sending_row *r)
{
	struct buf text;

	buf_init(&text, 1024);
	(void)buf_printf(&text,
	    "the brake is on for %s, who sent %s; %llu messages are held "
	    "since then: posternctl sending show %s",
	    r->user, r->reason, (unsigned long long)r->held, r->user);
	json_array_append_new(arg, admin_json_text(buf_str(&text)));
	buf_fini(&text);
}

void
admin_sending_warnings(struct admin_client *c, json_t *warnings)
{
	struct pst_error err = { 0 };

	if (c->host->exchange != NULL)
		(void)sending_each(exchange_sending(c->host->exchange), true,
		    warn, warnings, &err);
}
