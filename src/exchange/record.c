/*
 * exchange/record.c - see record.h.
 */
#include "exchange/record.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/trail.h"

#include <inttypes.h>
#include <time.h>

enum {
	SAID_MAX = 16 * 1024, /* of one conversation */
	LIST_MAX = 2048,      /* of hosts or addresses */
};

static const char *
yes(bool truth)
{
	return truth ? "yes" : "no";
}

/* The hosts of the domain, by preference. */
static void
put_hosts(const struct hosts *h, struct buf *list)
{
	for (size_t i = 0; i < h->n; i++)
		(void)buf_printf(list, "%s%u %s", i > 0 ? ", " : "",
		    h->host[i].preference, h->host[i].name);
	(void)buf_putc(list, '\0');
}

static void
note_try(const struct schedule_work *work)
{
	const struct hosts *h = &work->hosts;
	char tries[16], late[24];
	int64_t due = work->job->due, now = clock_seconds();
	struct buf list;

	buf_init(&list, LIST_MAX);
	put_hosts(h, &list);
	(void)snprintf(tries, sizeof(tries), "%" PRIu32, work->job->tries + 1);
	/* It had to wait for its destination, that is limited or sleeps. */
	(void)snprintf(late, sizeof(late), "%" PRId64 " s", now - due);
	trail_event(NULL, "try", "number", tries, "domain", work->domain,
	    h->has_mx ? "mx" : "hosts", list.overflow ? "many" : list.p,
	    "secure", yes(h->secure), "waited-its-turn",
	    due > 0 && now - due > 1 ? late : NULL, NULL);
	buf_fini(&list);
}

void
record_begin(const struct schedule_work *work, struct buf *said)
{
	char id[QUEUE_ID];

	buf_init(said, SAID_MAX);
	if (!trail_is_on())
		return;
	queue_id_print(queue_message_id(work->job->message), id);
	trail_about(id);
	trail_listen(said);
	if (work->found != HOSTS_FOUND)
		trail_event(NULL, "no-hosts", "domain", work->domain, "why",
		    work->error, NULL);
	else if (work->kind == SCHEDULE_TRY)
		note_try(work);
	else
		trail_event(NULL, "not-tried", "domain", work->domain, "why",
		    work->error, NULL);
}

void
record_said(struct buf *said)
{
	trail_listen(NULL);
	if (said->n == 0)
		return;
	/* It may be full to the last octet. */
	if (!buf_putc(said, '\0'))
		said->p[said->n - 1] = '\0';
	trail_event(NULL, "conversation", "text", said->p, NULL);
	buf_clear(said);
}

void
record_end(struct buf *said)
{
	record_said(said);
	trail_about(NULL);
	buf_fini(said);
}

void
record_host(const struct host *host, const struct host_addresses *a,
    enum hosts_result dane, size_t tlsa, const char *error)
{
	char list[HOST_ADDRESSES * 64] = "", count[24] = "none";
	size_t used = 0;

	if (!trail_is_on())
		return;
	for (size_t i = 0; i < a->n; i++) {
		char text[64];

		wire_address_print(&a->address[i], text);
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", i > 0 ? ", " : "", text);
	}
	if (dane == HOSTS_FOUND)
		(void)snprintf(count, sizeof(count), "%zu", tlsa);
	trail_event(NULL, "host", "name", host->name, "addresses",
	    a->n > 0 ? list : NULL, "secure", a->n > 0 ? yes(a->secure) : NULL,
	    "tlsa", dane == HOSTS_LATER ? "no answer" : count, "why", error,
	    NULL);
}

void
record_tls(const struct link *link, const struct wire_policy *policy,
    const struct pst_error *failure)
{
	static const char *const checked[] = { [WIRE_ANY] = "not checked",
		[WIRE_PKIX] = "good by authorities",
		[WIRE_DANE] = "good by TLSA records" };
	static const char *const wanted[] = { [WIRE_ANY] = "any",
		[WIRE_PKIX] = "authorities",
		[WIRE_DANE] = "dane" };
	const char *tls = client_tls_info(link->client);

	trail_event(NULL, "tls", "remote", link->remote, "policy",
	    wanted[policy->trust], "tls", tls[0] != '\0' ? tls : "none",
	    "certificate", failure == NULL ? checked[policy->trust] : NULL,
	    "failed", failure != NULL ? failure->detail : NULL, NULL);
}

void
record_link(const struct link *link)
{
	const char *tls = client_tls_info(link->client);
	char before[16];

	if (link->messages == 0 || !trail_is_on())
		return;
	(void)snprintf(before, sizeof(before), "%u", link->messages);
	trail_event(NULL, "connection", "remote", link->remote, "tls",
	    tls[0] != '\0' ? tls : "none", "trusted",
	    yes(link->proof != LINK_UNPROVEN), "messages-before", before, NULL);
}

void
record_recipient(const char *word, const struct envelope_recipient *r,
    const char *remote, const char *tls)
{
	char to[321], answer[1024];

	if (!trail_is_on())
		return;
	(void)str_copy(to, sizeof(to), r->address);
	(void)str_copy(answer, sizeof(answer), r->answer);
	trail_event(NULL, word, "to", to, "remote", remote, "tls", tls,
	    "answer", answer, NULL);
}

void
record_next(int64_t due, uint32_t tries)
{
	char at[40], number[16];
	time_t seconds = (time_t)due;
	struct tm tm;

	if (!trail_is_on())
		return;
	(void)gmtime_r(&seconds, &tm);
	(void)strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(number, sizeof(number), "%" PRIu32, tries + 1);
	trail_event(NULL, "waits", "until", at, "for-try", number, NULL);
}

void
record_notification(const struct dsn *d)
{
	static const char *const kinds[] = { [DSN_FAILED] = "failed",
		[DSN_DELAYED] = "delayed",
		[DSN_DELIVERED] = "delivered",
		[DSN_EXPANDED] = "expanded" };
	char to[321];

	(void)str_copy(to, sizeof(to), d->envelope->sender);
	trail_event(NULL, "notification", "of", kinds[d->kind], "to", to, NULL);
}
