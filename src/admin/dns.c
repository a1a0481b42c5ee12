/*
 * dns.c - posternctl dns: what to publish of a domain, and whether it is there.
 * Works on the configuration, the certificates and the keys, whether a server
 * runs or not; asks the DNS itself, with the resolver of the configuration.
 */
#include "admin/ctl.h"
#include "admin/dns_check.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "record", "RECORD", TABLE_TEXT },
	{ "state", "STATE", TABLE_TEXT },
	{ "type", "TYPE", TABLE_TEXT },
	{ "name", "NAME", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* CTL_OK, or what was said is wrong. The caller ends the plan. */
static int
make_plan(struct ctl *c, const char *domain, struct dns_plan *p)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	/* Certificates may be for root's eyes only; nothing else is. */
	dns_plan_init(p, c->cfg, NULL);
	rc = ctl_become(c, &err);
	if (rc != PST_OK)
		return ctl_fail(PST_E_PERM, "%s", err.detail);
	if (c->address != NULL && !dns_plan_addresses(p, c->address))
		return ctl_usage("--address: expected IP addresses with commas "
				 "between them, not \"%s\"",
		    c->address);
	rc = dns_plan_make(p, c->cfg, domain, &err);
	if (rc == PST_OK)
		rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = domain_is_local(c->accounts, str_of(p->domain), &err);
	if (rc == PST_E_NOTFOUND)
		return ctl_fail(rc,
		    "%s is no domain of this server: see posternctl domain add",
		    domain);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
show(struct ctl *c, char **args, int n)
{
	struct dns_plan p;
	int code = make_plan(c, args[0], &p);

	(void)n;
	if (code == CTL_OK && c->json) {
		json_t *rows = dns_plan_json(&p);

		table_print(c->out, columns, rows, true);
		json_decref(rows);
	} else if (code == CTL_OK) {
		dns_plan_print(&p, c->out);
	}
	dns_plan_fini(&p);
	return code;
}

/* --- checking ----------------------------------------------------------------
 */

static void
print_text(FILE *out, const char *title, struct pst_str text)
{
	struct buf b;

	buf_init(&b, 65536);
	table_clean(&b, text);
	(void)fprintf(out, "           %s %.*s\n", title, STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void
print_finding(
    struct ctl *c, const struct dns_wanted *w, const struct dns_finding *f)
{
	bool fine = f->state == DNS_FINE;

	(void)fprintf(c->out, "%-8s   %-10s %s %s%s\n",
	    dns_state_name(f->state), dns_kind_name(w->kind), w->name,
	    dns_type_name(w->type),
	    f->state == DNS_MISSING && !w->is_needed ? " (can be left out)"
						     : "");
	if (f->why[0] != '\0')
		print_text(c->out, "     ", str_of(f->why));
	if (!fine && f->found.n > 0)
		print_text(c->out, "found:", buf_str(&f->found));
	if (!fine && w->data.n > 0)
		print_text(c->out, "want: ", w->data);
}

struct telling {
	struct ctl *c;
	const struct dns_plan *plan;
	json_t *rows;
	unsigned bad; /* that are not as they should be */
};

static bool
tell(void *arg, size_t i, const struct dns_finding *f)
{
	struct telling *t = arg;
	const struct dns_wanted *w = &t->plan->want[i];

	if (f->state != DNS_FINE && (f->state != DNS_MISSING || w->is_needed))
		t->bad++;
	if (t->c->json)
		json_array_append_new(t->rows, dns_finding_json(w, f));
	else
		print_finding(t->c, w, f);
	(void)fflush(t->c->out);
	return true;
}

static int
check(struct ctl *c, char **args, int n)
{
	struct dns_asking q = { .stop_fd = -1 };
	struct dns_plan p;
	struct pst_error err = { 0 };
	json_t *rows = json_array();
	struct dns *dns = NULL;
	struct telling t = { c, &p, rows, 0 };
	int code = make_plan(c, args[0], &p);

	(void)n;
	if (code == CTL_OK) {
		dns = dns_new(c->cfg, &err);
		if (dns == NULL)
			code = ctl_fail(PST_E_TEMP, "%s", err.detail);
	}
	if (code == CTL_OK) {
		q.plan = &p;
		q.cfg = c->cfg;
		q.dns = dns_resolver_of(dns);
		q.time = c->cfg->dns.time * 1000000;
		dns_check_each(&q, tell, &t);
		if (c->json)
			table_print(c->out, columns, rows, true);
		else if (t.bad == 0)
			(void)fputs("\nall is well\n", c->out);
		else
			(void)fprintf(c->out,
			    "\n%u to be mended: see "
			    "posternctl dns show %s\n",
			    t.bad, p.domain);
		if (t.bad > 0)
			code = CTL_FAILED;
	}
	json_decref(rows);
	dns_free(&dns);
	dns_plan_fini(&p);
	return code;
}

const struct ctl_command ctl_dns_commands[] = {
	{ "dns", "show", "DOMAIN [--address ADDRESSES]", 1, 1,
	    CTL_OPT_ADDRESS | CTL_AS_CALLER, show },
	{ "dns", "check", "DOMAIN [--address ADDRESSES]", 1, 1,
	    CTL_OPT_ADDRESS | CTL_AS_CALLER, check },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
