/*
 * trust/dmarc.c - policy records, alignment, and the result.
 */
#include "trust/dmarc.h"

#include "base/str.h"
#include "trust/dkim_tags.h"
#include "trust/domain.h"

enum { RECORD_MAX = 4096 };

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	switch (p) {
	case DMARC_P_NONE:
		return "none";
	case DMARC_P_QUARANTINE:
		return "quarantine";
	case DMARC_P_REJECT:
		break;
	}
	return "reject";
}

const char *
dmarc_result_name(enum dmarc_result r)
{
	switch (r) {
	case DMARC_NONE:
		return "none";
	case DMARC_PASS:
		return "pass";
	case DMARC_FAIL:
		return "fail";
	case DMARC_TEMPERROR:
		return "temperror";
	case DMARC_PERMERROR:
		break;
	}
	return "permerror";
}

/* --- the record -------------------------------------------------------------
 */

static bool
take_policy(const struct dkim_tag *tag, enum dmarc_policy *out)
{
	for (int p = DMARC_P_NONE; tag != NULL && p <= DMARC_P_REJECT; p++)
		if (str_is_case(
			tag->value, dmarc_policy_name((enum dmarc_policy)p))) {
			*out = (enum dmarc_policy)p;
			return true;
		}
	return false;
}

static bool
is_strict(const struct dkim_tags *t, const char *name)
{
	const struct dkim_tag *tag = dkim_tag(t, name);

	return tag != NULL && str_is_case(tag->value, "s");
}

bool
dmarc_record_parse(struct pst_str text, struct dmarc_record *out)
{
	const struct dkim_tag *pct, *rua;
	struct dkim_tags t;
	uint32_t percent;

	*out = (struct dmarc_record){ .percent = 100 };
	if (!dkim_tags_parse(text, &t) || !str_is(t.tag[0].name, "v") ||
	    !str_is(t.tag[0].value, "DMARC1"))
		return false;
	rua = dkim_tag(&t, "rua");
	/* RFC 7489, 6.6.3: without a policy that can be read, it counts as none
	 * if reports are asked for, else as no record. */
	if (!take_policy(dkim_tag(&t, "p"), &out->policy))
		return rua != NULL && rua->value.n > 0;
	if (!take_policy(dkim_tag(&t, "sp"), &out->subdomains))
		out->subdomains = out->policy;
	out->strict_dkim = is_strict(&t, "adkim");
	out->strict_spf = is_strict(&t, "aspf");
	pct = dkim_tag(&t, "pct");
	if (pct != NULL && str_to_u32(pct->value, &percent) && percent <= 100)
		out->percent = percent;
	return true;
}

/* --- finding it -------------------------------------------------------------
 */

enum found { FOUND_NONE, FOUND_ONE, FOUND_TEMPERROR };

/* The records of DMARC at a name; more than one is as good as none. */
static enum found
choose(const struct dns_answer *a, struct dmarc_record *out)
{
	struct dmarc_record one;
	unsigned n = 0;
	struct buf text;

	buf_init(&text, RECORD_MAX);
	for (size_t i = 0; i < a->records; i++) {
		buf_clear(&text);
		if (!dns_txt(a, i, &text) ||
		    !dmarc_record_parse(buf_str(&text), &one))
			continue;
		*out = one;
		n++;
	}
	buf_fini(&text);
	return n == 1 ? FOUND_ONE : FOUND_NONE;
}

static enum found
look_at(
    const struct dmarc_query *q, const char *domain, struct dmarc_record *out)
{
	enum found found = FOUND_NONE;
	struct dns_answer a;
	char name[300];

	(void)snprintf(name, sizeof(name), "_dmarc.%s", domain);
	q->dns->lookup(q->dns->arg, name, DNS_TXT, q->deadline, &a);
	if (a.status == DNS_FOUND)
		found = choose(&a, out);
	else if (a.status == DNS_FAILED || a.status == DNS_BOGUS)
		found = FOUND_TEMPERROR;
	dns_answer_fini(&a);
	return found;
}

/* RFC 7489, 6.6.3. *policy_r: what it says of `domain`. */
static enum found
find(const struct dmarc_query *q, const char *domain, struct dmarc_record *out,
    enum dmarc_policy *policy_r)
{
	const char *organisation = trust_organisation(domain);
	enum found found = look_at(q, domain, out);

	*policy_r = out->policy;
	if (found != FOUND_NONE || strcmp(organisation, domain) == 0)
		return found;
	found = look_at(q, organisation, out);
	*policy_r = out->subdomains;
	return found;
}

/* --- alignment (RFC 7489, 3.1) ----------------------------------------------
 */

static bool
is_aligned(const char *author, const char *domain, bool strict)
{
	if (strict)
		return strcmp(author, domain) == 0;
	return strcmp(trust_organisation(author), trust_organisation(domain)) ==
	       0;
}

/* *later_r: it may pass when the DNS works again. */
static bool
passes(const struct dmarc_query *q, const char *author,
    const struct dmarc_record *r, bool *later_r)
{
	*later_r = false;
	if (q->spf_domain != NULL &&
	    is_aligned(author, q->spf_domain, r->strict_spf)) {
		if (q->spf == SPF_PASS)
			return true;
		*later_r = q->spf == SPF_TEMPERROR;
	}
	for (size_t i = 0; i < q->sigs; i++) {
		const struct dkim_signature *sig = &q->sig[i];

		if (sig->domain == NULL ||
		    !is_aligned(author, sig->domain, r->strict_dkim))
			continue;
		/* A key that is only tried out proves nothing against mail,
		 * but does for it. */
		if (sig->result == DKIM_PASS)
			return true;
		*later_r |= sig->result == DKIM_TEMPERROR;
	}
	return false;
}

/* pct= (RFC 7489, 6.6.4): the others get the next weaker policy. */
static enum dmarc_policy
sample(enum dmarc_policy p, unsigned percent, unsigned roll)
{
	if (p == DMARC_P_NONE || roll < percent)
		return p;
	return p == DMARC_P_REJECT ? DMARC_P_QUARANTINE : DMARC_P_NONE;
}

static void
check_one(
    const struct dmarc_query *q, const char *author, struct dmarc_answer *out)
{
	struct dmarc_record record = { 0 };
	bool later;

	*out = (struct dmarc_answer){ .domain = author };
	switch (find(q, author, &record, &out->policy)) {
	case FOUND_NONE:
		out->policy = DMARC_P_NONE;
		return;
	case FOUND_TEMPERROR:
		out->result = DMARC_TEMPERROR;
		out->policy = DMARC_P_NONE;
		return;
	case FOUND_ONE:
		break;
	}
	if (passes(q, author, &record, &later)) {
		out->result = DMARC_PASS;
	} else if (later) {
		out->result = DMARC_TEMPERROR;
	} else {
		out->result = DMARC_FAIL;
		out->wanted = sample(out->policy, record.percent, q->roll);
	}
}

/* How bad it is: of failures, what is wanted counts. */
static unsigned
badness(const struct dmarc_answer *a)
{
	switch (a->result) {
	case DMARC_PASS:
		return 0;
	case DMARC_NONE:
		return 1;
	case DMARC_PERMERROR:
		return 2;
	case DMARC_TEMPERROR:
		return 3;
	case DMARC_FAIL:
		break;
	}
	return 4 + (unsigned)a->wanted;
}

void
dmarc_check(const struct dmarc_query *q, struct dmarc_answer *out)
{
	const struct trust_authors *authors = q->authors;

	*out = (struct dmarc_answer){ .result = DMARC_PERMERROR };
	for (size_t i = 0; i < authors->n; i++) {
		struct dmarc_answer one;

		check_one(q, authors->domain[i], &one);
		if (i == 0 || badness(&one) > badness(out))
			*out = one;
	}
	/* An author who cannot be judged: what is known is not enough. */
	if (authors->n > 0 && authors->more && out->result == DMARC_PASS)
		out->result = DMARC_PERMERROR;
}
