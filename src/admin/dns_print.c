/*
 * dns_print.c - a plan as lines for a zone file (RFC 1035, 5.1), and as JSON.
 */
#include "admin/dns_plan.h"
#include "base/str.h"

enum { TXT_STRING = 255, COLUMN = 40 };

const char *
dns_kind_name(enum dns_kind kind)
{
	static const char *const names[] = { "address", "MX", "SPF", "DKIM",
		"DMARC", "TLSA", "MTA-STS", "TLSRPT", "SRV", "autoconfig",
		"PTR" };

	return names[kind];
}

const char *
dns_type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_CNAME:
		return "CNAME";
	case DNS_PTR:
		return "PTR";
	case DNS_MX:
		return "MX";
	case DNS_TXT:
		return "TXT";
	case DNS_AAAA:
		return "AAAA";
	case DNS_SRV:
		return "SRV";
	case DNS_TLSA:
		return "TLSA";
	}
	return "";
}

/* What stands before a group. */
static const char *
about(enum dns_kind kind)
{
	switch (kind) {
	case DNS_KIND_ADDRESS:
		return "The host.";
	case DNS_KIND_MX:
		return "Mail for the domain comes to the host.";
	case DNS_KIND_SPF:
		return "Nobody but the host sends mail of the domain.";
	case DNS_KIND_DKIM:
		return "The keys that its mail is signed with.";
	case DNS_KIND_DMARC:
		return "What others do with mail that fails both; start with "
		       "p=none if in doubt.";
	case DNS_KIND_TLSA:
		return "The host's certificate (DANE); only in a signed zone.";
	case DNS_KIND_STS:
		return "TLS for mail to the domain, where DANE is not known.";
	case DNS_KIND_TLSRPT:
		return "Where others report failures of TLS.";
	case DNS_KIND_SRV:
		return "For mail programs: the servers (\".\": there is none).";
	case DNS_KIND_AUTO:
		return "For mail programs that ask a web server.";
	case DNS_KIND_PTR:
		return "In the reverse zone, which your provider keeps:";
	}
	return "";
}

static void
print_text(FILE *out, struct pst_str text)
{
	if (text.n <= TXT_STRING) {
		(void)fprintf(out, "\"%.*s\"", STR_ARG(text));
		return;
	}
	(void)fputc('(', out);
	while (text.n > 0) {
		struct pst_str one = str_first(text, TXT_STRING);

		(void)fprintf(out, " \"%.*s\"", STR_ARG(one));
		text = str_from(text, one.n);
	}
	(void)fputs(" )", out);
}

static void
print_record(const struct dns_wanted *w, FILE *out)
{
	(void)fprintf(out, "%s%s.%*s IN %-5s ", w->is_elsewhere ? "; " : "",
	    w->name,
	    strlen(w->name) < COLUMN ? (int)(COLUMN - strlen(w->name)) : 0, "",
	    dns_type_name(w->type));
	if (w->type == DNS_TXT)
		print_text(out, w->data);
	else
		(void)fprintf(out, "%.*s", STR_ARG(w->data));
	(void)fputc('\n', out);
}

static void
print_policy(const struct dns_plan *p, FILE *out)
{
	struct pst_str rest = p->sts_policy, line;

	(void)fprintf(out,
	    "; https://mta-sts.%s/.well-known/mta-sts.txt has to say this, "
	    "with "
	    "CR LF. When\n"
	    "; all is well make it \"mode: enforce\", with another id:\n",
	    p->domain);
	while (str_split(&rest, '\n', &line))
		if (line.n > 0)
			(void)fprintf(
			    out, ";\t%.*s\n", STR_ARG(str_trim(line)));
}

void
dns_plan_print(const struct dns_plan *p, FILE *out)
{
	struct pst_str rest = str_of(p->note), line;

	(void)fprintf(out, "; Mail of %s, on %s.\n", p->domain, p->host);
	while (str_split(&rest, '\n', &line))
		(void)fprintf(out, "; NOTE: %.*s\n", STR_ARG(line));
	if (p->addresses == 0)
		(void)fputs("; NOTE: the host's addresses are not known here: "
			    "--address\n",
		    out);
	for (size_t i = 0; i < p->n; i++) {
		const struct dns_wanted *w = &p->want[i];

		if (i == 0 || p->want[i - 1].kind != w->kind) {
			(void)fprintf(out, "\n; %s\n", about(w->kind));
			if (w->kind == DNS_KIND_STS)
				print_policy(p, out);
			if (w->is_elsewhere && w->kind != DNS_KIND_PTR)
				(void)fputs(
				    "; In the zone that has the name:\n", out);
		}
		if (w->data.n > 0)
			print_record(w, out);
	}
}

json_t *
dns_plan_json(const struct dns_plan *p)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct dns_wanted *w = &p->want[i];
		json_t *row;

		if (w->data.n == 0)
			continue;
		row = json_pack("{s:s, s:s, s:s, s:s%, s:b, s:b}", "record",
		    dns_kind_name(w->kind), "name", w->name, "type",
		    dns_type_name(w->type), "data", w->data.p, w->data.n,
		    "needed", (int)w->is_needed, "elsewhere",
		    (int)w->is_elsewhere);
		if (w->kind == DNS_KIND_STS && w->type == DNS_TXT)
			json_object_set_new(row, "policy",
			    json_stringn(p->sts_policy.p, p->sts_policy.n));
		json_array_append_new(rows, row);
	}
	return rows;
}
