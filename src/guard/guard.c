/*
 * guard/guard.c - beginning and end.
 */
#include "guard/guard.h"

#include "base/mem.h"
#include "base/str.h"
#include <stdlib.h>

struct guard *
guard_new(const struct config *cfg, const struct dns_resolver *dns,
    struct pst_error *err)
{
	struct guard *g = mem_alloc(sizeof(*g));

	g->dns = *dns;
	g->jobs = jobs_new(
	    (size_t)cfg->guard.threads, (size_t)cfg->guard.queue);
	g->milter_jobs = jobs_new(
	    (size_t)cfg->guard.threads, (size_t)cfg->guard.queue);
	atomic_init(&g->stops, false);
	g->rates = guard_rates_new((size_t)cfg->guard.table);
	g->known = guard_known_new((size_t)cfg->guard.table);
	if (cfg->guard.greylist) {
		g->grey = guard_grey_open(cfg->state_dir, err);
		if (g->grey == NULL)
			guard_free(&g);
	}
	return g;
}

void
guard_free(struct guard **gp)
{
	struct guard *g = *gp;

	if (g == NULL)
		return;
	*gp = NULL;
	atomic_store(&g->stops, true);
	jobs_free(&g->milter_jobs);
	jobs_free(&g->jobs);
	guard_rates_free(&g->rates);
	guard_known_free(&g->known);
	guard_grey_close(&g->grey);
	free(g);
}

bool
guard_is_always_open(struct pst_str local)
{
	return str_is_case(local, "postmaster") || str_is_case(local, "abuse");
}
