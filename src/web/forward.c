/*
 * web/forward.c - whom a user forwards mail to. Who wants to read somebody's
 * mail for long sets a forwarding, so the password is asked for again, and the
 * user is told by mail, the way that mail went before.
 */
#include "web/priv.h"

#include "base/log.h"
#include "base/str.h"
#include "delivery/delivery.h"

#include <stdlib.h>

enum { TEXT_MAX = 512 * 1024, LOG_MAX = 500 };

static bool
is_possible(const struct config *cfg)
{
	return cfg->web.forwarding && cfg->forward.enabled &&
	       cfg->queue.enabled;
}

/* --- what there is ---------------------------------------------------------
 */

static void
take_target(void *arg, const char *target)
{
	(void)json_array_append_new(arg, json_string(target));
}

static void
run_get(struct http_request *h)
{
	const struct account_user *user = http_user(h);
	const struct config *cfg = http_config(h);
	json_t *targets = json_array();
	struct pst_error err = { 0 };

	if (forward_of(http_services(h)->accounts, user->address, take_target,
		targets, &err) != PST_OK) {
		json_decref(targets);
		web_refused(h, &err);
		return;
	}
	web_answer(h, 200,
	    json_pack("{s:o, s:b, s:b, s:I}", "targets", targets, "keep",
		(int)(user->forwarding != ACCOUNT_FORWARD_ONLY), "possible",
		(int)is_possible(cfg), "most",
		(json_int_t)cfg->forward.targets));
}

/* --- changing it -----------------------------------------------------------
 */

struct wanted {
	const char **target;
	size_t n;
	bool keep;
};

static void
tell_user(struct http_request *h, struct delivery **d, const struct wanted *w)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (w->n == 0) {
		(void)buf_puts(
		    &text, "Your mail is not forwarded any more.\r\n");
	} else {
		(void)buf_puts(
		    &text, "From now on your mail is forwarded to:\r\n\r\n");
		for (size_t i = 0; i < w->n; i++)
			(void)buf_printf(&text, "  %s\r\n", w->target[i]);
		(void)buf_puts(
		    &text, w->keep ? "\r\nA copy stays in your mailbox.\r\n"
				   : "\r\nNo copy stays in your mailbox.\r\n");
	}
	(void)buf_printf(&text,
	    "\r\nThis was set in the web client, from the address %s.\r\n\r\n"
	    "If it was not you, somebody else knows your password: change it "
	    "at once in the\r\nsettings of the web client, under Security, and "
	    "take the forwarding away.\r\n",
	    net_peer(http_conn(h)));
	if (buf_putc(&text, '\0'))
		web_notice_send(h, d, http_user(h)->address,
		    "Your forwarding was changed", text.p);
	buf_fini(&text);
}

static void
note(struct http_request *h, const struct wanted *w)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < w->n; i++)
		(void)buf_printf(&text, "%s%s", i > 0 ? " " : "", w->target[i]);
	(void)buf_putc(&text, '\0');
	if (text.n > LOG_MAX)
		text.p[LOG_MAX] = '\0';
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "forwarding-changed",
	    "user", http_user(h)->address, "targets",
	    text.n > 1 ? text.p : "none", "copy", w->keep ? "yes" : "no",
	    "peer", net_peer(http_conn(h)), NULL);
	buf_fini(&text);
}

static void
set(struct http_request *h, const struct wanted *w)
{
	const char *user = http_user(h)->address;
	/* Its way is found before it changes. */
	struct delivery *d = web_notice_begin(h, user);
	struct pst_error err = { 0 };
	enum pst_rc rc = forward_replace(
	    http_services(h)->accounts, user, w->target, w->n, w->keep, &err);

	if (rc == PST_OK) {
		note(h, w);
		tell_user(h, &d, w);
		http_answer(h, 204, NULL, STR_NONE);
	} else if (rc == PST_E_EXISTS) {
		http_problem(h, 422, NULL, "One address is there twice.");
	} else {
		web_refused(h, &err);
	}
	if (d != NULL)
		delivery_free(&d);
}

/* False: that was answered. `w->target` is to be freed in any case. */
static bool
read_wanted(struct http_request *h, const json_t *root, struct wanted *w)
{
	const json_t *targets = json_object_get(root, "targets"), *one;
	const json_t *keep = json_object_get(root, "keep");
	int64_t most = http_config(h)->forward.targets;
	char problem[64];
	size_t i;

	*w = (struct wanted){ .keep = json_is_true(keep) };
	if (!json_is_array(targets) || !json_is_boolean(keep)) {
		http_problem(h, 400, NULL, "Something is missing.");
		return false;
	}
	if ((int64_t)json_array_size(targets) > most) {
		(void)snprintf(problem, sizeof(problem),
		    "At most %lld addresses are allowed.", (long long)most);
		http_problem(h, 422, NULL, problem);
		return false;
	}
	w->target = mem_array(json_array_size(targets) + 1, sizeof(char *));
	json_array_foreach(targets, i, one)
	{
		const char *text = json_string_value(one);

		if (text == NULL ||
		    strcasecmp(text, http_user(h)->address) == 0) {
			http_problem(h, 422, NULL,
			    text == NULL ? "This is not an address."
					 : "This is your own address.");
			return false;
		}
		w->target[w->n++] = text;
	}
	return true;
}

static void
run_put(struct http_request *h)
{
	json_t *root;
	struct wanted w = { NULL, 0, false };

	if (!is_possible(http_config(h))) {
		http_problem(h, 403, NULL, "Mail is not forwarded here.");
		return;
	}
	root = web_take(h);
	if (root != NULL && read_wanted(h, root, &w) &&
	    web_is_confirmed(h, root))
		set(h, &w);
	free(w.target);
	json_decref(root);
}

const struct http_route web_forward_routes[] = {
	{ "GET", "/web/forwarding", HTTP_LOGIN, run_get, NULL, NULL, NULL },
	{ "PUT", "/web/forwarding", HTTP_LOGIN, run_put, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
