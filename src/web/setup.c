/*
 * web/setup.c - the first administrator. While there is none, the log tells a
 * URL with a secret that is good once; nobody has a password by default.
 */
#include "web/priv.h"

#include "account/rules.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

enum { OCTETS = 20, TOKEN = 2 * OCTETS };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `token` */
static char token[TOKEN + 1];				 /* "": closed */

static void
path_of(const struct config *cfg, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/setup-url", cfg->state_dir);
}

/* For who does not find the line in the log. */
static void
keep_url(const struct config *cfg, const char *url)
{
	char path[PATH_MAX];
	int fd;

	path_of(cfg, path);
	(void)unlink(path);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", url) < 0)
		log_event(PST_LOG_WARNING, 0, "setup", "file", path, "text",
		    strerror(errno), NULL);
	if (fd >= 0)
		(void)close(fd);
}

static void
close_setup(const struct config *cfg)
{
	char path[PATH_MAX];

	gnutls_memset(token, 0, sizeof(token));
	path_of(cfg, path);
	(void)unlink(path);
}

void
web_setup_start(struct accounts *a, const struct config *cfg)
{
	unsigned char octets[OCTETS];
	struct account_user admin;
	struct pst_error err = { 0 };
	char url[512], web[CONFIG_URL];
	enum pst_rc rc = account_first_admin(a, &admin, &err);

	(void)pthread_mutex_lock(&lock);
	close_setup(cfg);
	if (rc == PST_E_NOTFOUND) {
		random_bytes(octets, sizeof(octets));
		hex_encode(octets, sizeof(octets), token);
		/* Behind '#' it is in no log of a proxy. */
		(void)snprintf(url, sizeof(url), "%s/setup#%s",
		    config_web_url(cfg, web), token);
		keep_url(cfg, url);
		log_event(PST_LOG_INFO, 0, "setup", "text",
		    "there is no administrator yet; make one at", "url", url,
		    NULL);
	}
	(void)pthread_mutex_unlock(&lock);
}

static void
run_show(struct http_request *h)
{
	bool open;

	(void)pthread_mutex_lock(&lock);
	open = token[0] != '\0';
	(void)pthread_mutex_unlock(&lock);
	web_answer(h, 200,
	    json_pack("{s:b, s:s}", "open", (int)open, "domain",
		http_config(h)->domain_blocks > 0
		    ? http_config(h)->domain[0].name
		    : ""));
}

/* With the lock. */
static bool
is_token(const char *given)
{
	return token[0] != '\0' && given != NULL && strlen(given) == TOKEN &&
	       gnutls_memcmp(given, token, TOKEN) == 0;
}

static enum pst_rc
add_admin(struct http_request *h, const struct account_user *user,
    const char *password, struct pst_error *err)
{
	struct accounts *a = http_services(h)->accounts;
	struct account_user other;
	enum pst_rc rc = account_first_admin(a, &other, err);
	const char *domain = strchr(user->address, '@') + 1;

	/* Another server of the same accounts was faster. */
	if (rc != PST_E_NOTFOUND)
		return rc == PST_OK ? pst_fail(err, PST_E_EXISTS, 0,
					  "there is an administrator")
				    : rc;
	rc = rules_password(
	    http_config(h), user->address, user->name, str_of(password), err);
	if (rc == PST_OK &&
	    domain_is_local(a, str_of(domain), err) == PST_E_NOTFOUND)
		rc = domain_add(a, domain, err);
	if (rc == PST_OK)
		rc = account_add(a, user, str_of(password), err);
	return rc;
}

/* With the lock, so that it is done once. */
static void
set_up(struct http_request *h, const json_t *root)
{
	struct account_user user = { .enabled = true,
		.is_admin = true,
		.quota_bytes = -1,
		.quota_messages = -1 };
	const char *name = json_string_value(json_object_get(root, "name"));
	const char *address = json_string_value(
	    json_object_get(root, "address"));
	const char *password = json_string_value(
	    json_object_get(root, "password"));
	struct pst_error err = { 0 };

	if (!is_token(json_string_value(json_object_get(root, "token")))) {
		http_problem(h, 403, NULL,
		    "This set-up is over, or its link is not the latest one.");
		return;
	}
	if (address == NULL || password == NULL ||
	    !account_normalise(str_of(address), user.address) ||
	    strchr(user.address, '@') == NULL) {
		http_problem(h, 422, NULL, "This is not an address.");
		return;
	}
	if (name != NULL)
		(void)str_copy(user.name, sizeof(user.name), str_of(name));
	if (add_admin(h, &user, password, &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	close_setup(http_config(h));
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "setup-done", "user",
	    user.address, "peer", net_peer(http_conn(h)), NULL);
	web_welcome(h, user.address);
	web_answer(h, 201, json_pack("{s:s}", "user", user.address));
}

static void
run_setup(struct http_request *h)
{
	json_t *root;

	if (!net_auth_allowed(http_conn(h))) {
		http_problem(h, 403, NULL, "Not without encryption.");
		return;
	}
	root = web_take(h);
	if (root != NULL) {
		(void)pthread_mutex_lock(&lock);
		set_up(h, root);
		(void)pthread_mutex_unlock(&lock);
	}
	json_decref(root);
}

const struct http_route web_setup_routes[] = {
	{ "GET", "/web/setup", 0, run_show, NULL, NULL, NULL },
	{ "POST", "/web/setup", HTTP_OURS, run_setup, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
