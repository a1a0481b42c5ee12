/*
 * request_status.c - "status": what an administrator wants to know at a glance
 * and what a monitoring script should warn of.
 */
#include "admin/control_priv.h"
#include "base/clock.h"
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { EXPIRY_WARNING = TLS_EXPIRES_SOON * 86400 }; /* seconds */

static const char *
protocol_name(int protocol)
{
	switch ((enum config_protocol)protocol) {
	case CONFIG_SMTP:
		return "smtp";
	case CONFIG_SUBMISSION:
		return "submission";
	case CONFIG_LMTP:
		return "lmtp";
	case CONFIG_IMAP:
		return "imap";
	case CONFIG_POP3:
		return "pop3";
	case CONFIG_HTTP:
		return "http";
	case CONFIG_METRICS:
		return "metrics";
	case CONFIG_REDIRECT:
		return "redirect";
	case CONFIG_MANAGESIEVE:
		return "managesieve";
	}
	return "";
}

/* How many connections each listener has. */
struct tally {
	const struct config *cfg;
	int64_t *count;
};

static void
tally_one(void *arg, const struct net_info *i)
{
	struct tally *t = arg;

	for (size_t k = 0; k < t->cfg->listeners; k++)
		if (i->listener != NULL &&
		    strcmp(i->listener, t->cfg->listener[k].name) == 0)
			t->count[k]++;
}

static json_t *
listeners(struct admin_client *c, const struct config *cfg)
{
	struct tally t = { cfg,
		mem_array(cfg->listeners + 1, sizeof(*t.count)) };
	json_t *list = json_array();

	net_each(c->host->net, tally_one, &t);
	for (size_t i = 0; i < cfg->listeners; i++) {
		const struct config_listener *l = &cfg->listener[i];
		json_t *one = json_pack("{s:o, s:s, s:I}", "name",
		    admin_json_text(str_of(l->name)), "protocol",
		    protocol_name(l->protocol), "connections",
		    (json_int_t)t.count[i]);

		if (*l->path != '\0')
			json_object_set_new(
			    one, "path", admin_json_text(str_of(l->path)));
		else
			json_object_set_new(one, "port",
			    json_integer(net_port(c->host->net, i)));
		json_array_append_new(list, one);
	}
	free(t.count);
	return list;
}

/* Storage that lives in files: can it be written, and is there room? */
static json_t *
storage(const struct config_storage *s)
{
	struct statvfs fs;
	json_t *one = json_pack("{s:o, s:o}", "name",
	    admin_json_text(str_of(s->name)), "module",
	    admin_json_text(str_of(s->module)));

	if (*s->path == '\0')
		return one;
	json_object_set_new(one, "path", admin_json_text(str_of(s->path)));
	if (access(s->path, R_OK | W_OK) < 0 || statvfs(s->path, &fs) < 0) {
		json_object_set_new(
		    one, "problem", admin_json_text(str_of(strerror(errno))));
		return one;
	}
	json_object_set_new(one, "free_bytes",
	    json_integer((json_int_t)fs.f_bavail * (json_int_t)fs.f_frsize));
	if (fs.f_files > 0)
		json_object_set_new(
		    one, "free_files", json_integer((json_int_t)fs.f_favail));
	return one;
}

static json_t *
certificate(struct admin_client *c, json_t *warnings)
{
	int64_t expires = tls_expires(c->host->tls), now = clock_seconds();
	char text[120];

	if (!tls_has_certificate(c->host->tls))
		return json_null();
	if (expires <= now)
		(void)snprintf(
		    text, sizeof(text), "the certificate has expired");
	else
		(void)snprintf(text, sizeof(text),
		    "the certificate expires in %lld days",
		    (long long)((expires - now) / 86400));
	if (expires - now < EXPIRY_WARNING)
		json_array_append_new(warnings, json_string(text));
	return json_pack("{s:I}", "expires", (json_int_t)expires);
}

static void
storage_warnings(json_t *list, json_t *warnings)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const char *problem = admin_member(one, "problem");
		char text[400];

		if (problem == NULL)
			continue;
		(void)snprintf(text, sizeof(text), "storage %s: %s: %s",
		    admin_member(one, "name"), admin_member(one, "path"),
		    problem);
		json_array_append_new(warnings, json_string(text));
	}
}

void
admin_run_status(struct admin_client *c, const json_t *request)
{
	struct config *cfg = c->host->config(c->host->arg);
	json_t *warnings = json_array(), *stores = json_array(), *item;
	struct net_counters n = { 0 };

	(void)request;
	net_count(c->host->net, &n);
	for (size_t i = 0; i < cfg->storages; i++)
		json_array_append_new(stores, storage(&cfg->storage[i]));
	storage_warnings(stores, warnings);
	item = json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "version", PACKAGE_VERSION, "pid", (json_int_t)getpid(), "hostname",
	    admin_json_text(str_of(cfg->hostname)), "started",
	    (json_int_t)c->host->started, "connections",
	    (json_int_t)n.connections, "accepted", (json_int_t)n.accepted,
	    "refused", (json_int_t)n.refused, "workers", (json_int_t)n.workers,
	    "workers_busy", (json_int_t)n.workers_busy, "blocked",
	    (json_int_t)auth_blocked(c->host->accounts));
	json_object_set_new(item, "listeners", listeners(c, cfg));
	json_object_set_new(item, "storages", stores);
	json_object_set_new(item, "certificate", certificate(c, warnings));
	admin_sending_warnings(c, warnings);
	json_object_set_new(item, "warnings", warnings);
	config_unref(&cfg);
	(void)admin_item(c, item);
	admin_done(c);
}
