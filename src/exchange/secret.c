/*
 * exchange/secret.c - see secret.h.
 */
#include "exchange/secret.h"

#include "base/log.h"
#include "base/str.h"
#include "exchange/login.h"

#include <pthread.h>
#include <stdlib.h>

struct secret {
	char *relay;
	char *password; /* NULL: `err` tells why */
	struct pst_error err;
};

struct secrets {
	pthread_mutex_t lock; /* guards all below */
	struct secret *one;
	size_t n;
};

static void
forget_all(struct secret *one, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(one[i].relay);
		login_forget(&one[i].password);
	}
	free(one);
}

static struct secret *
read_all(const struct config *cfg, size_t *n_r)
{
	struct secret *one = mem_array(cfg->relays + 1, sizeof(*one));
	size_t n = 0;

	for (size_t i = 0; i < cfg->relays; i++) {
		const struct config_relay *r = &cfg->relay[i];

		if (*r->username == '\0')
			continue;
		one[n].relay = str_dup(str_of(r->name));
		if (login_read_password(r->password_file, &one[n].password,
			&one[n].err) != PST_OK)
			log_event(PST_LOG_ERROR, 0, "relay-password", "relay",
			    r->name, "why", one[n].err.detail, NULL);
		n++;
	}
	*n_r = n;
	return one;
}

struct secrets *
secrets_new(const struct config *cfg)
{
	struct secrets *s = mem_alloc(sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->one = read_all(cfg, &s->n);
	return s;
}

void
secrets_free(struct secrets **sp)
{
	struct secrets *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	forget_all(s->one, s->n);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
secrets_configure(struct secrets *s, const struct config *cfg)
{
	size_t n, old_n;
	struct secret *one = read_all(cfg, &n), *old;

	pthread_mutex_lock(&s->lock);
	old = s->one;
	old_n = s->n;
	s->one = one;
	s->n = n;
	pthread_mutex_unlock(&s->lock);
	forget_all(old, old_n);
}

enum pst_rc
secrets_get(struct secrets *s, const char *relay, char **password_r,
    struct pst_error *err)
{
	enum pst_rc rc = pst_fail(
	    err, PST_E_TEMP, 0, "the password is not known");

	*password_r = NULL;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->one[i].relay, relay) != 0)
			continue;
		rc = PST_OK;
		if (s->one[i].password != NULL)
			*password_r = str_dup(str_of(s->one[i].password));
		else
			rc = pst_fail(
			    err, PST_E_TEMP, 0, "%s", s->one[i].err.detail);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}
