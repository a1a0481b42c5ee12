/*
 * server.c - the order in which the server comes up, and the same backwards.
 *
 * Ports and keys are taken as root. Then privileges and most of the file
 * system are given up, before anything that is written, any module's code and
 * any second thread: Landlock binds only threads made later, and what is
 * written must belong to the user.
 */
#include "daemon/server.h"

#include "account/account.h"
#include "admin/ask.h"
#include "admin/control.h"
#include "admin/identity.h"
#include "admin/protocol.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/keeper.h"
#include "daemon/measure.h"
#include "daemon/privileges.h"
#include "daemon/process.h"
#include "daemon/reload.h"
#include "daemon/sandbox.h"
#include "delivery/services.h"
#include "delivery/srs_keys.h"
#include "delivery/story.h"
#include "exchange/outbound.h"
#include "guard/guard.h"
#include "http/http.h"
#include "imap/imap.h"
#include "jmap/jmap.h"
#include "jmap/outbox.h"
#include "jmap/push.h"
#include "mailbox/catalog.h"
#include "mailbox/database.h"
#include "mailbox/store.h"
#include "mailbox/upkeep.h"
#include "managesieve/managesieve.h"
#include "net/inspect.h"
#include "net/net.h"
#include "net/tls.h"
#include "pop3/locks.h"
#include "pop3/pop3.h"
#include "smtp/smtp.h"
#include "trust/signer.h"
#include "trust/trust.h"
#include "web/samples.h"
#include "web/web.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DAY_SECONDS = 86400,
	LOOK_MS = 600 * 1000, /* at least so often at the certificate */
};

struct daemon {
	const struct daemon_options *options;
	struct daemon_sandbox *sandbox;
	struct admin_identity id;
	struct services services;
	struct tls_context *tls;
	struct net *net;
	struct upkeep *upkeep;
	struct exchange *exchange; /* NULL: no mail goes out */
	struct exchange_notifier notifier;
	struct outbound outbound;
	struct jmap_outbox *outbox;
	struct jmap_push *push; /* NULL: nothing is pushed */
	struct daemon_measured measured;
	bool has_web;
	struct admin_control *control;
	char *control_path;
	int64_t started;
	int lock_fd, pid_fd, signal_fd, stop_fd, parent_fd;
	int keeper_fd; /* -1: this process reads the keys itself */

	pthread_mutex_t lock; /* guards cfg; taken for a whole reload */
	struct config *cfg;
};

/* --- configuration --------------------------------------------------------
 */

static void
report(void *arg, const char *text)
{
	(void)arg;
	(void)fprintf(stderr, "posternd: %s\n", text);
}

static struct config *
read_config(const struct daemon_options *o, const struct daemon_sandbox *s,
    void (*fn)(void *arg, const char *text), struct pst_error *err)
{
	struct config *cfg;

	if (s == NULL)
		return config_load(o->config_path, o->overrides,
		    o->override_count, fn, NULL, err);
	cfg = config_parse(daemon_sandbox_text(s), o->overrides,
	    o->override_count, fn, NULL, err);
	if (cfg != NULL && daemon_sandbox_check(cfg, err) != PST_OK) {
		if (fn != NULL)
			fn(NULL, err->detail);
		config_unref(&cfg);
	}
	return cfg;
}

struct config *
daemon_server_config(const struct daemon_options *o)
{
	struct daemon_sandbox *s = NULL;
	struct config *cfg = NULL;
	struct pst_error err = { 0 };

	if (o->sandbox != NULL && daemon_sandbox_new(o, &s, &err) != PST_OK)
		report(NULL, err.detail);
	else
		cfg = read_config(o, s, report, &err);
	daemon_sandbox_free(&s);
	return cfg;
}

static struct config *
present_config(void *arg)
{
	struct daemon *d = arg;
	struct config *cfg;

	pthread_mutex_lock(&d->lock);
	cfg = config_ref(d->cfg);
	pthread_mutex_unlock(&d->lock);
	return cfg;
}

static void
log_notes(const struct buf *notes)
{
	struct pst_str rest = buf_str(notes), line;

	while (str_split(&rest, '\n', &line))
		if (line.n > 0)
			log_text(PST_LOG_WARNING, 0, "reload", "%.*s",
			    STR_ARG(line));
}

/* Where the keys are root's, through the keeper. */
static enum pst_rc
reload_certificates(
    struct daemon *d, const struct config *fresh, struct pst_error *err)
{
	struct daemon_keys keys = { 0 };
	struct config *copy;
	enum pst_rc rc;

	if (d->keeper_fd < 0)
		return tls_reload(d->tls, fresh, err);
	copy = read_config(d->options, d->sandbox, NULL, err);
	if (copy == NULL)
		return PST_E_SYNTAX;
	rc = daemon_keeper_ask(d->keeper_fd, copy, &keys, err);
	if (rc == PST_OK)
		rc = tls_reload(d->tls, copy, err);
	daemon_keys_fini(&keys);
	config_unref(&copy);
	return rc;
}

/* What is wrong with the file is told; the keys stay as they were. */
static void
reload_srs_keys(struct daemon *d)
{
	struct pst_error err = { 0 };

	if (d->services.srs != NULL &&
	    srs_keys_reload(d->services.srs, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "srs-keys", &err);
}

/*
 * On any error all stays as it was. What is only read at the start keeps its
 * old value in the parts that use it; `notes` tells.
 */
static enum pst_rc
reload(void *arg, struct buf *notes, struct pst_error *err)
{
	struct daemon *d = arg;
	struct config *fresh;
	enum pst_rc rc;

	daemon_notify_reloading();
	pthread_mutex_lock(&d->lock);
	fresh = read_config(d->options, d->sandbox, NULL, err);
	rc = fresh != NULL ? reload_certificates(d, fresh, err) : PST_E_SYNTAX;
	if (rc == PST_OK) {
		daemon_restart_notes(d->cfg, fresh, notes);
		net_reconfigure(d->net, fresh);
		accounts_reconfigure(d->services.accounts, fresh);
		if (d->exchange != NULL)
			exchange_reconfigure(d->exchange, fresh);
		mailstore_reconfigure(d->services.store, fresh);
		reload_srs_keys(d);
		story_reconfigure(fresh);
		config_unref(&d->cfg);
		d->cfg = config_ref(fresh);
		log_notes(notes);
		log_text(PST_LOG_INFO, 0, "reload", "done");
	} else {
		log_text(PST_LOG_ERROR, 0, "reload",
		    "the old configuration stays: %s", err->detail);
	}
	config_unref(&fresh);
	pthread_mutex_unlock(&d->lock);
	daemon_notify("READY=1");
	return rc;
}

static void
ask_to_stop(void *arg)
{
	struct daemon *d = arg;
	uint64_t one = 1;

	(void)!write(d->stop_fd, &one, sizeof(one));
}

/* --- steps: as the one who started us ------------------------------------
 */

static enum pst_rc
start_process(struct daemon *d, struct pst_error *err)
{
	daemon_process_prepare();
	d->started = clock_seconds();
	d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->stop_fd < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "eventfd: %s", strerror(errno));
	return daemon_signals(&d->signal_fd, err);
}

static void
stop_process(struct daemon *d)
{
	(void)close(d->stop_fd);
	(void)close(d->signal_fd);
}

/*
 * Where processes of other users come to. It is made when it is missing; one
 * that is the server's own is opened for them.
 */
static enum pst_rc
make_local_directory(
    struct daemon *d, const struct config_listener *l, struct pst_error *err)
{
	char *dir = str_dup(
	    str_n(l->path, (size_t)(strrchr(l->path, '/') - l->path)));
	uid_t own = d->id.change ? d->id.uid : getuid();
	struct stat st;
	enum pst_rc rc = PST_OK;

	if (*dir != '\0')
		rc = admin_directory_make(dir, &d->id, err);
	if (rc == PST_OK && *dir != '\0' && lstat(dir, &st) == 0 &&
	    S_ISDIR(st.st_mode) && st.st_uid == own &&
	    (st.st_mode & 0777) == 0700 && chmod(dir, 0755) < 0)
		rc = pst_fail(err, PST_E_PERM, errno, "chmod %s: %s", dir,
		    strerror(errno));
	free(dir);
	return rc;
}

static enum pst_rc
start_directories(struct daemon *d, struct pst_error *err)
{
	enum pst_rc rc;

	rc = admin_identity_find(d->cfg, &d->id, err);
	if (rc == PST_OK && d->id.uid == 0 && d->sandbox == NULL)
		rc = pst_fail(err, PST_E_DENIED, 0,
		    "refusing to serve as root: set `user` in the "
		    "configuration");
	if (rc == PST_OK && d->sandbox != NULL)
		rc = admin_directory_make(
		    daemon_sandbox_dir(d->sandbox), &d->id, err);
	if (rc == PST_OK)
		rc = admin_directory_make(d->cfg->state_dir, &d->id, err);
	if (rc == PST_OK)
		rc = admin_directory_make(d->cfg->run_dir, &d->id, err);
	for (size_t i = 0; rc == PST_OK && i < d->cfg->listeners; i++)
		if (d->cfg->listener[i].local)
			rc = make_local_directory(d, &d->cfg->listener[i], err);
	for (size_t i = 0; rc == PST_OK && i < d->cfg->storages; i++)
		if (*d->cfg->storage[i].path != '\0')
			rc = admin_directory_make(
			    d->cfg->storage[i].path, &d->id, err);
	return rc;
}

/* Before there is anything that the keeper should not have. */
static enum pst_rc
start_keeper(struct daemon *d, struct pst_error *err)
{
	if (!d->id.change || d->sandbox != NULL || d->cfg->certificates == 0)
		return PST_OK;
	return daemon_keeper_start(d->options->config_path,
	    d->options->overrides, d->options->override_count, &d->keeper_fd,
	    err);
}

static void
stop_keeper(struct daemon *d)
{
	if (d->keeper_fd >= 0)
		(void)close(d->keeper_fd);
}

/* The lock comes before all that a second server would disturb. */
static enum pst_rc
start_lock(struct daemon *d, struct pst_error *err)
{
	enum pst_rc rc;
	pid_t holder;

	rc = daemon_privileges_borrow(&d->id, err);
	if (rc != PST_OK)
		return rc;
	rc = admin_lock(d->cfg, &d->lock_fd, &holder, err);
	if (rc == PST_OK && d->sandbox != NULL)
		rc = daemon_sandbox_prepare(d->sandbox, d->cfg, err);
	daemon_privileges_restore(&d->id);
	return rc;
}

static void
stop_lock(struct daemon *d)
{
	if (d->lock_fd >= 0)
		(void)close(d->lock_fd);
}

static enum pst_rc
start_pid_file(struct daemon *d, struct pst_error *err)
{
	if (d->options->pid_file == NULL)
		return PST_OK;
	return daemon_pid_file(d->options->pid_file, &d->pid_fd, err);
}

static void
stop_pid_file(struct daemon *d)
{
	if (d->options->pid_file != NULL)
		daemon_pid_file_remove(d->options->pid_file, &d->pid_fd);
}

static const struct net_protocol *
protocol_for(const struct config_listener *l)
{
	switch ((enum config_protocol)l->protocol) {
	case CONFIG_SMTP:
		return &smtp_protocol;
	case CONFIG_SUBMISSION:
		return &submission_protocol;
	case CONFIG_LMTP:
		return &lmtp_protocol;
	case CONFIG_IMAP:
		return &imap_protocol;
	case CONFIG_POP3:
		return &pop3_protocol;
	case CONFIG_HTTP:
	case CONFIG_METRICS:
	case CONFIG_REDIRECT:
		return &http_protocol;
	case CONFIG_MANAGESIEVE:
		return &managesieve_protocol;
	}
	return NULL;
}

static enum pst_rc
start_ports(struct daemon *d, struct pst_error *err)
{
	d->tls = tls_context_new(d->cfg, err);
	if (d->tls == NULL)
		return err->rc != PST_OK ? err->rc : PST_E_PERM;
	d->net = net_new(d->cfg, d->tls, protocol_for, &d->services);
	return net_bind(d->net, err);
}

static void
stop_ports(struct daemon *d)
{
	net_free(&d->net);
	tls_context_free(&d->tls);
}

/* --- steps: as the configured user ---------------------------------------
 */

static void
confine(struct daemon *d)
{
	const struct daemon_places places = { .pid_file = d->options->pid_file,
		.config_path = d->sandbox == NULL ? d->options->config_path
						  : NULL,
		.sandbox = d->sandbox != NULL ? daemon_sandbox_dir(d->sandbox)
					      : NULL };
	struct pst_error err = { 0 };

	if (getenv("POSTERN_NO_LANDLOCK") != NULL)
		log_text(PST_LOG_WARNING, 0, "landlock",
		    "switched off by POSTERN_NO_LANDLOCK");
	else if (daemon_landlock(d->cfg, &places, &err) == 0)
		log_text(PST_LOG_WARNING, 0, "landlock",
		    "not in force, the kernel says: %s", err.detail);
}

static enum pst_rc
open_log(struct daemon *d, struct pst_error *err)
{
	enum log_target target = (enum log_target)d->cfg->log.target;

	/* In the background there is no stderr to write to. */
	if (target == LOG_TO_STDERR && d->parent_fd >= 0)
		target = LOG_TO_SYSLOG;
	if (log_open(target, d->cfg->log.path,
		(enum log_format)d->cfg->log.format,
		(enum pst_log_level)d->cfg->log.level))
		return PST_OK;
	return pst_fail(err, PST_E_PERM, errno, "cannot open the log %s: %s",
	    d->cfg->log.path, strerror(errno));
}

static enum pst_rc
start_unprivileged(struct daemon *d, struct pst_error *err)
{
	enum pst_rc rc;

	rc = daemon_privileges_drop(&d->id, err);
	if (rc == PST_OK)
		rc = open_log(d, err);
	if (rc == PST_OK)
		confine(d);
	return rc;
}

/* As the storage itself does it: postern-postgresql(5). */
static bool
makes_tables(const struct daemon *d, const char *name)
{
	const char *init = config_storage_value(
	    config_find_storage(d->cfg, name), "init");

	return d->sandbox != NULL ||
	       (init != NULL && strcmp(init, "open") == 0);
}

/* They may be kept where the mail is. */
static struct accounts *
open_accounts(struct daemon *d, struct pst_error *err)
{
	const char *name = d->cfg->accounts.database;
	struct pst_database lent;
	enum pst_rc rc;

	if (config_accounts_in_file(d->cfg))
		return accounts_open(d->cfg, err);
	rc = mailstore_database(d->services.store, name, &lent, err);
	if (rc == PST_OK && makes_tables(d, name))
		rc = accounts_init(name, &lent, NULL, NULL, err);
	/* A database that is away is no obstacle. */
	if (rc != PST_OK && rc != PST_E_TEMP)
		return NULL;
	return accounts_open_in(d->cfg, name, &lent, err);
}

static enum pst_rc
start_trail(struct daemon *d, struct pst_error *err)
{
	return story_open(d->cfg, err);
}

static void
stop_trail(struct daemon *d)
{
	(void)d;
	trail_close();
}

static enum pst_rc
start_services(struct daemon *d, struct pst_error *err)
{
	struct dns_resolver dns;

	d->services.store = mailstore_open(d->cfg, err);
	if (d->services.store == NULL)
		return err->rc != PST_OK ? err->rc : PST_E_PERM;
	d->services.accounts = open_accounts(d, err);
	if (d->services.accounts == NULL)
		return err->rc != PST_OK ? err->rc : PST_E_PERM;
	d->services.pop3_locks = pop3_locks_new();
	d->services.trust = trust_new(d->cfg, err);
	if (d->services.trust == NULL)
		return err->rc != PST_OK ? err->rc : PST_E_PERM;
	if (d->cfg->queue.enabled) {
		enum pst_rc rc = srs_keys_open(
		    d->cfg->forward.srs_keys, &d->services.srs, err);

		if (rc != PST_OK)
			return rc;
	}
	dns = dns_resolver_of(d->services.trust->dns);
	d->services.guard = guard_new(d->cfg, &dns, err);
	if (d->services.guard == NULL)
		return err->rc != PST_OK ? err->rc : PST_E_PERM;
	if (d->sandbox != NULL)
		return daemon_sandbox_users(
		    d->sandbox, d->services.accounts, err);
	return PST_OK;
}

static void
stop_services(struct daemon *d)
{
	guard_free(&d->services.guard);
	trust_free(&d->services.trust);
	if (d->services.store != NULL)
		mailstore_close(&d->services.store);
	if (d->services.accounts != NULL)
		accounts_close(&d->services.accounts);
	pop3_locks_free(&d->services.pop3_locks);
	srs_keys_free(&d->services.srs);
}

/* Notifications and reports are signed like what users hand in. */
static void *
begin_signing(void *arg, struct config *cfg, struct delivery_seal *seal_r)
{
	struct daemon *d = arg;
	struct trust *t = d->services.trust;
	struct trust_signer *signer;

	if (!cfg->dkim.sign || !dkim_keys_any(t->keys))
		return NULL;
	signer = trust_signer_new(cfg, d->services.accounts, t->keys, 0);
	*seal_r = (struct delivery_seal){
		.content = trust_signer_content,
		.fields = trust_signer_fields,
		.arg = signer,
	};
	return signer;
}

static void
end_signing(void *signer)
{
	struct trust_signer *s = signer;

	trust_signer_free(&s);
}

/* What was being handed over when the last run ended. */
static void
compare_outbox(void *arg, struct exchange *x)
{
	struct daemon *d = arg;
	struct outbound out;

	exchange_outbound(x, &out);
	jmap_outbox_compare(d->cfg, &out);
}

static enum pst_rc
start_exchange(struct daemon *d, struct pst_error *err)
{
	const struct exchange_host host = {
		.dns = dns_resolver_of(d->services.trust->dns),
		.notify = exchange_notify,
		.arg = &d->notifier,
		.opened = compare_outbox,
		.opened_arg = d,
	};
	enum pst_rc rc;

	if (!d->cfg->queue.enabled)
		return PST_OK;
	d->notifier = (struct exchange_notifier){ .services = &d->services,
		.config = present_config,
		.begin_signing = begin_signing,
		.end_signing = end_signing,
		.arg = d };
	rc = exchange_start(d->cfg, &host, &d->exchange, err);
	if (rc != PST_OK)
		return rc;
	exchange_outbound(d->exchange, &d->outbound);
	d->services.outbound = &d->outbound;
	return PST_OK;
}

static void
stop_exchange(struct daemon *d)
{
	d->services.outbound = NULL;
	exchange_stop(&d->exchange);
}

/* What is served by HTTP. */
static const struct http_route *const web_tables[] = { jmap_routes,
	web_app_routes, web_invite_routes, web_password_routes,
	web_session_routes, web_setup_routes, web_signup_routes,
	web_admin_routes, web_user_routes, web_domain_routes, web_reset_routes,
	web_sample_routes, web_confirm_routes, web_deleted_routes,
	web_export_routes, web_forward_routes, web_profile_routes,
	web_programs_routes, web_settings_routes, web_factor_routes,
	web_passkey_routes, web_recover_routes, web_security_routes,
	web_known_routes, web_challenge_routes, web_file_routes };
static const struct http_site web_site = { web_tables,
	sizeof(web_tables) / sizeof(web_tables[0]) };

static bool
serves_http(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->listeners; i++)
		if (cfg->listener[i].protocol == CONFIG_HTTP)
			return true;
	return false;
}

static const struct http_route *const metrics_tables[] = { web_metrics_routes };
static const struct http_site metrics_site = { metrics_tables, 1 };

static const struct http_route *const redirect_tables[] = {
	web_challenge_routes, web_redirect_routes
};
static const struct http_site redirect_site = { redirect_tables, 2 };

/* services.ask */
static enum pst_rc
ask_self(void *arg, json_t *request, json_t **items_r, bool *cut_r,
    struct pst_error *err)
{
	struct daemon *d = arg;

	return admin_ask(
	    d->control_path, ADMIN_ASK_SECONDS, request, items_r, cut_r, err);
}

/* Mail comes and goes without it. */
static void
start_push(struct daemon *d)
{
	const struct dns_resolver dns = dns_resolver_of(d->services.trust->dns);
	struct pst_error err = { 0 };

	if (!serves_http(d->cfg) || d->cfg->jmap.push_subscriptions == 0)
		return;
	d->push = jmap_push_start(&d->services, &dns, d->cfg, &err);
	if (d->push == NULL)
		log_failure(PST_LOG_ERROR, 0, "push", &err);
}

static enum pst_rc
start_web(struct daemon *d, struct pst_error *err)
{
	enum pst_rc rc = web_files_load(d->cfg, err);
	struct buf path;

	if (rc != PST_OK)
		return rc;
	buf_init(&path, 8192);
	(void)buf_printf(&path, "%s/%s", d->cfg->run_dir, ADMIN_SOCKET_NAME);
	d->control_path = str_dup(buf_str(&path));
	buf_fini(&path);
	d->services.http = &web_site;
	d->services.metrics = &metrics_site;
	d->services.redirect = &redirect_site;
	d->measured = (struct daemon_measured){ .net = d->net,
		.exchange = d->exchange,
		.started = d->started,
		.config = present_config,
		.arg = d };
	d->services.measure = daemon_measure;
	d->services.measure_arg = &d->measured;
	d->services.ask = ask_self;
	d->services.ask_arg = d;
	d->has_web = serves_http(d->cfg);
	if (d->has_web)
		web_setup_start(d->services.accounts, d->cfg);
	start_push(d);
	d->outbox = jmap_outbox_start(&d->services, d->cfg);
	if (d->outbox == NULL)
		return pst_fail(
		    err, PST_E_TEMP, errno, "no thread: %s", strerror(errno));
	return PST_OK;
}

static void
stop_web(struct daemon *d)
{
	jmap_push_stop(&d->push);
	jmap_outbox_stop(&d->outbox);
	catalog_forget_all();
	web_files_free();
	free(d->control_path);
}

static enum pst_rc
start_serving(struct daemon *d, struct pst_error *err)
{
	return net_start(d->net, err);
}

static void
stop_serving(struct daemon *d)
{
	net_stop(d->net);
}

static enum pst_rc
start_upkeep(struct daemon *d, struct pst_error *err)
{
	d->upkeep = upkeep_start(d->services.store, d->services.accounts, err);
	return d->upkeep != NULL ? PST_OK : PST_E_TEMP;
}

static void
stop_upkeep(struct daemon *d)
{
	upkeep_stop(&d->upkeep);
}

static enum pst_rc
start_control(struct daemon *d, struct pst_error *err)
{
	const struct admin_host host = { .net = d->net,
		.accounts = d->services.accounts,
		.store = d->services.store,
		.tls = d->tls,
		.upkeep = d->upkeep,
		.exchange = d->exchange,
		.started = d->started,
		.arg = d,
		.config = present_config,
		.reload = reload,
		.stop = ask_to_stop };

	return admin_control_start(d->control_path, &host, &d->control, err);
}

static void
stop_control(struct daemon *d)
{
	admin_control_stop(&d->control);
}

static enum pst_rc
start_ready(struct daemon *d, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (d->sandbox != NULL)
		rc = daemon_sandbox_ready(d->sandbox, d->cfg, d->net, err);
	if (rc != PST_OK)
		return rc;
	log_event(PST_LOG_INFO, 0, "ready", "version", PACKAGE_VERSION, NULL);
	if (d->parent_fd >= 0) {
		daemon_detached(d->parent_fd);
		d->parent_fd = -1;
	}
	daemon_notify("READY=1\nMAINPID=%ld", (long)getpid());
	return PST_OK;
}

static void
stop_ready(struct daemon *d)
{
	daemon_notify("STOPPING=1");
	if (d->sandbox != NULL)
		daemon_sandbox_over(d->sandbox);
}

/* --- the order ------------------------------------------------------------
 */

/* `stop` is called for every step whose start was called, backwards. */
static const struct {
	enum pst_rc (*start)(struct daemon *d, struct pst_error *err);
	void (*stop)(struct daemon *d);
	bool stop_failed; /* also when its own start failed */
} steps[] = {
	{ start_process, stop_process, false },
	{ start_directories, NULL, false },
	{ start_keeper, stop_keeper, false },
	{ start_lock, stop_lock, true },
	{ start_pid_file, stop_pid_file, false },
	{ start_ports, stop_ports, true },
	{ start_unprivileged, NULL, false },
	{ start_trail, stop_trail, false },
	{ start_services, stop_services, true },
	{ start_exchange, stop_exchange, false },
	{ start_web, stop_web, false },
	{ start_serving, stop_serving, false },
	{ start_upkeep, stop_upkeep, false },
	{ start_control, stop_control, false },
	{ start_ready, stop_ready, false },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void
run_signal(struct daemon *d, uint32_t number, bool *stop)
{
	struct pst_error err = { 0 };
	struct buf notes;

	switch (number) {
	case SIGTERM:
	case SIGINT:
		*stop = true;
		break;
	case SIGHUP:
		buf_init(&notes, 65536);
		(void)reload(d, &notes, &err);
		buf_fini(&notes);
		/* And the log, as SIGUSR1. */
		/* FALLTHROUGH */
	case SIGUSR1:
		if (!log_reopen())
			log_text(PST_LOG_ERROR, 0, "log",
			    "cannot open %s again: %s", d->cfg->log.path,
			    strerror(errno));
		break;
	default:
		break;
	}
}

/* Once a day while the certificate that runs out first has few days left. */
static void
watch_certificate(struct daemon *d, int64_t *warned)
{
	int64_t left = tls_expires(d->tls) - clock_seconds();
	char days[24];

	if (!tls_has_certificate(d->tls) ||
	    left >= TLS_EXPIRES_SOON * DAY_SECONDS) {
		*warned = 0;
		return;
	}
	if (*warned != 0 && clock_seconds() - *warned < DAY_SECONDS)
		return;
	*warned = clock_seconds();
	(void)snprintf(days, sizeof(days), "%lld",
	    (long long)(left > 0 ? left / DAY_SECONDS : 0));
	log_event(PST_LOG_WARNING, 0, "certificate-expires", "days", days,
	    "text",
	    left > 0 ? "it is not renewed: postern-tls(7)"
		     : "it has run out: postern-tls(7)",
	    NULL);
}

/* Milliseconds until the next is due; only where somebody can look at them. */
static int
take_sample(struct daemon *d, int64_t *next)
{
	int64_t now = clock_monotonic();

	if (!d->has_web)
		return LOOK_MS;
	if (now >= *next) {
		daemon_sample(&d->measured);
		*next = now + SAMPLES_STEP * INT64_C(1000000);
	}
	return (int)((*next - now) / 1000) + 1;
}

/* `interval` -1: none. */
static int
soonest(int interval, int other)
{
	int least = other < LOOK_MS ? other : LOOK_MS;

	return interval >= 0 && interval < least ? interval : least;
}

static void
serve(struct daemon *d)
{
	struct pollfd fds[2] = { { d->signal_fd, POLLIN, 0 },
		{ d->stop_fd, POLLIN, 0 } };
	int interval = daemon_watchdog();
	struct signalfd_siginfo info;
	struct net_counters counters;
	int64_t warned = 0, next_sample = 0;
	bool stop = false;

	while (!stop) {
		watch_certificate(d, &warned);
		(void)poll(
		    fds, 2, soonest(interval, take_sample(d, &next_sample)));
		while (!stop && read(d->signal_fd, &info, sizeof(info)) ==
				    (ssize_t)sizeof(info))
			run_signal(d, info.ssi_signo, &stop);
		if (fds[1].revents != 0)
			stop = true;
		if (interval >= 0) {
			/* Waits for ever when the pool is stuck; then systemd
			 * hears nothing more and acts. */
			net_count(d->net, &counters);
			daemon_notify("WATCHDOG=1");
		}
	}
	log_event(PST_LOG_INFO, 0, "stop", NULL);
}

static enum pst_rc
run_steps(struct daemon *d, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	size_t n = 0;

	while (n < STEPS && (rc = steps[n].start(d, err)) == PST_OK)
		n++;
	if (rc == PST_OK)
		serve(d);
	else if (steps[n].stop_failed)
		steps[n].stop(d);
	while (n-- > 0)
		if (steps[n].stop != NULL)
			steps[n].stop(d);
	return rc;
}

int
daemon_server_run(const struct daemon_options *o)
{
	struct daemon d = { .options = o,
		.lock_fd = -1,
		.pid_fd = -1,
		.parent_fd = -1,
		.keeper_fd = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER };
	struct pst_error err = { 0 };
	enum pst_rc rc = PST_OK;

	if (o->sandbox != NULL)
		rc = daemon_sandbox_new(o, &d.sandbox, &err);
	if (rc == PST_OK) {
		d.cfg = read_config(o, d.sandbox, report, &err);
		if (d.cfg == NULL) {
			daemon_sandbox_free(&d.sandbox);
			return 1; /* said already */
		}
		if (!o->foreground)
			rc = daemon_detach(&d.parent_fd, &err);
	}
	if (rc == PST_OK)
		rc = run_steps(&d, &err);
	if (rc != PST_OK)
		(void)fprintf(stderr, "posternd: %s\n", err.detail);
	daemon_sandbox_free(&d.sandbox);
	config_unref(&d.cfg);
	return rc == PST_OK ? 0 : 1;
}
