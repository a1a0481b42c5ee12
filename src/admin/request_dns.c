/*
 * request_dns.c - "dns-show" and "dns-check" with the member "domain": the
 * records that its mail needs, and whether the DNS has them. Items are those of
 * dns_plan_json() and dns_finding_json(), and {"note": text}.
 */
#include "admin/background.h"
#include "admin/dns_check.h"
#include "base/str.h"
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct task {
	char domain[256];
	bool check;
};

struct telling {
	struct admin_work *work;
	const struct dns_plan *plan;
};

static bool
tell(void *arg, size_t i, const struct dns_finding *f)
{
	struct telling *t = arg;
	const struct dns_wanted *w = &t->plan->want[i];
	json_t *item = dns_finding_json(w, f);

	(void)json_object_set_new(
	    item, "elsewhere", json_boolean(w->is_elsewhere));
	return admin_work_item(t->work, item) &&
	       !admin_work_is_cancelled(t->work);
}

static void
tell_notes(struct admin_work *w, const struct dns_plan *p)
{
	struct pst_str rest = str_of(p->note), line;

	while (str_split(&rest, '\n', &line))
		if (line.n > 0)
			(void)admin_work_item(w,
			    json_pack("{s:o}", "note", admin_json_text(line)));
}

static void
show(struct admin_work *w, const struct dns_plan *p)
{
	json_t *rows = dns_plan_json(p), *row;
	size_t i;

	json_array_foreach(rows, i, row)(void)
	    admin_work_item(w, json_incref(row));
	json_decref(rows);
}

/* What waits for others. */
struct waiting {
	struct dns *dns;
	int stop_fd;
};

/* Neither the server's end nor other requests wait for name servers. */
static void
break_off(void *arg)
{
	const struct waiting *waiting = arg;
	uint64_t one = 1;

	(void)!write(waiting->stop_fd, &one, sizeof(one));
	dns_stop(waiting->dns);
}

static enum pst_rc
check(struct admin_work *w, const struct config *cfg, const struct dns_plan *p,
    struct pst_error *err)
{
	struct telling t = { w, p };
	struct dns_asking q = {
		.plan = p, .cfg = cfg, .time = cfg->dns.time * 1000000
	};
	/* Not the server's own: what it knows may be older than the zone. */
	struct waiting waiting = { .dns = dns_new(cfg, err) };

	if (waiting.dns == NULL)
		return PST_E_TEMP;
	/* -1, if there is none, is never readable. */
	waiting.stop_fd = q.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q.dns = dns_resolver_of(waiting.dns);
	admin_work_when_cancelled(w, break_off, &waiting);
	dns_check_each(&q, tell, &t);
	admin_work_when_cancelled(w, NULL, NULL);
	dns_free(&waiting.dns);
	if (waiting.stop_fd >= 0)
		(void)close(waiting.stop_fd);
	return PST_OK;
}

static enum pst_rc
run(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct admin_host *host = admin_work_host(w);
	const struct task *t = arg;
	struct config *cfg = host->config(host->arg);
	struct dns_plan p;
	enum pst_rc rc;

	dns_plan_init(&p, cfg, host->tls);
	rc = dns_plan_make(&p, cfg, t->domain, err);
	if (rc == PST_OK)
		rc = domain_is_local(host->accounts, str_of(p.domain), err);
	if (rc == PST_E_NOTFOUND)
		rc = pst_fail(err, rc, 0, "%.200s is no domain of this server",
		    t->domain);
	if (rc == PST_OK) {
		tell_notes(w, &p);
		if (t->check)
			rc = check(w, cfg, &p, err);
		else
			show(w, &p);
	}
	dns_plan_fini(&p);
	config_unref(&cfg);
	return rc;
}

static void
start(struct admin_client *c, const json_t *request, bool check)
{
	const char *domain = admin_member(request, "domain");
	struct task *t = mem_alloc(sizeof(*t));

	t->check = check;
	if (domain != NULL &&
	    str_copy(t->domain, sizeof(t->domain), str_of(domain))) {
		admin_work_start(c, run, t, free);
		return;
	}
	free(t);
	admin_error(c, PST_E_SYNTAX, "the request needs a domain");
}

void
admin_run_dns_show(struct admin_client *c, const json_t *request)
{
	start(c, request, false);
}

void
admin_run_dns_check(struct admin_client *c, const json_t *request)
{
	start(c, request, true);
}
