/*
 * trust/trust.c - beginning and end.
 */
#include "trust/trust.h"

#include <stdlib.h>

struct trust *
trust_new(const struct config *cfg, struct pst_error *err)
{
	struct trust *t = mem_alloc(sizeof(*t));

	t->dns = dns_new(cfg, err);
	if (t->dns == NULL) {
		trust_free(&t);
		return NULL;
	}
	t->jobs = jobs_new(
	    (size_t)cfg->trust.threads, (size_t)cfg->trust.queue);
	t->keys = dkim_keys_new(cfg->dkim.dir);
	return t;
}

void
trust_free(struct trust **tp)
{
	struct trust *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	jobs_free(&t->jobs);
	dns_free(&t->dns);
	dkim_keys_free(&t->keys);
	free(t);
}
