/*
 * request_behind.c - "mail-behind": whether somebody's mail would stay behind
 * if their storage changed. Takes "address" or "domain".
 */
#include "admin/background.h"
#include "admin/behind.h"
#include "base/str.h"
#include <stdlib.h>

struct question {
	char *address, *domain;
};

static void
question_free(void *arg)
{
	struct question *q = arg;

	free(q->address);
	free(q->domain);
	free(q);
}

static enum pst_rc
answer(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct question *q = arg;
	const struct admin_host *host = admin_work_host(w);
	char who[321];
	enum pst_rc rc = admin_first_behind(
	    host->accounts, host->store, q->address, q->domain, who, err);

	if (rc == PST_OK && who[0] != '\0')
		(void)admin_work_item(w, json_pack("{s:o}", "address",
					     admin_json_text(str_of(who))));
	return rc;
}

void
admin_run_mail_behind(struct admin_client *c, const json_t *request)
{
	const char *address = admin_member(request, "address");
	const char *domain = admin_member(request, "domain");
	struct question *q;

	if ((address == NULL) == (domain == NULL)) {
		admin_error(c, PST_E_SYNTAX,
		    "the request needs an address or a domain");
		return;
	}
	q = mem_alloc(sizeof(*q));
	if (address != NULL)
		q->address = str_dup(str_of(address));
	else
		q->domain = str_dup(str_of(domain));
	admin_work_start(c, answer, q, question_free);
}
