/*
 * exchange/tlsrpt_send.c - reports whose window is over go to whom the domain
 * names (RFC 8460, 3 and 5).
 */
#include "exchange/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "exchange/fetch.h"

enum {
	DNS_TIME = 20, /* seconds */
	POST_TIME = 60,
	AGAIN = 900, /* until what failed is tried again */
	MAIL_MAX = 8 << 20,
	ANSWER_MAX = 4096,
};

/* Exactly one record counts. */
static bool
ask_for_record(struct exchange *x, const char *domain, struct tlsrpt_record *r)
{
	const struct dns_resolver *dns = &x->host.dns;
	struct dns_answer a;
	char name[300];
	struct buf text;
	unsigned found = 0;
	bool good = false;

	(void)snprintf(name, sizeof(name), "_smtp._tls.%s", domain);
	dns->lookup(dns->arg, name, DNS_TXT,
	    clock_monotonic() + INT64_C(1000000) * DNS_TIME, &a);
	buf_init(&text, 4096);
	for (size_t i = 0; a.status == DNS_FOUND && i < a.records; i++) {
		buf_clear(&text);
		if (!dns_txt(&a, i, &text) ||
		    !str_has_prefix_case(buf_str(&text), "v=TLSRPTv1"))
			continue;
		found++;
		good = tlsrpt_record_parse(buf_str(&text), r);
	}
	buf_fini(&text);
	dns_answer_fini(&a);
	return found == 1 && good;
}

static bool
post(struct exchange *x, const struct config *cfg, const char *url,
    struct pst_str gzip, struct pst_error *err)
{
	const struct fetch f = { .url = url,
		.ipv6 = cfg->queue.ipv6,
		.ca_file = cfg->queue.ca_file,
		.seconds = POST_TIME,
		.stop_fd = x->stop_fd,
		.body = gzip,
		.content_type = "application/tlsrpt+gzip" };
	struct buf answer;
	unsigned status;
	char type[64];
	enum fetch_result result;

	buf_init(&answer, ANSWER_MAX);
	result = fetch_run(&f, &x->host.dns, &status, type, &answer, err);
	buf_fini(&answer);
	if (result == FETCH_DONE && status / 100 != 2)
		(void)pst_fail(err, PST_E_TEMP, 0, "HTTP status %u", status);
	return result == FETCH_DONE && status / 100 == 2;
}

static bool
send_mail(struct exchange *x, const struct config *cfg,
    const struct tlsrpt_report *r, const char *to, struct pst_str gzip,
    struct pst_error *err)
{
	struct pst_str part;
	struct buf text;
	bool done;

	buf_init(&text, MAIL_MAX);
	tlsrpt_mail(cfg, r, to, gzip, &text);
	part = buf_str(&text);
	done = !text.overflow && x->host.notify(x->host.arg, str_of(to), &part,
				     1, false, err) == PST_OK;
	buf_fini(&text);
	return done;
}

/* True: it is done with. */
static bool
send_report(
    struct exchange *x, const struct config *cfg, struct tlsrpt_report *r)
{
	struct tlsrpt_record record;
	bool done = false;
	struct buf gzip;

	if (!ask_for_record(x, r->domain, &record))
		return true; /* nobody wants it */
	buf_init(&gzip, MAIL_MAX);
	if (tlsrpt_gzip(buf_str(&r->json), &gzip))
		for (size_t i = 0; i < record.n; i++) {
			const char *uri = record.uri[i];
			struct pst_error err = { 0 };
			bool went = str_has_prefix_case(str_of(uri), "https:")
					? post(
					      x, cfg, uri, buf_str(&gzip), &err)
					: send_mail(x, cfg, r, uri,
					      buf_str(&gzip), &err);

			log_event(went ? PST_LOG_INFO : PST_LOG_WARNING, 0,
			    went ? "tls-report" : "tls-report-failed", "domain",
			    r->domain, "to", uri, "why",
			    went ? NULL : err.detail, NULL);
			done |= went;
		}
	buf_fini(&gzip);
	return done;
}

static bool
is_stopping(struct exchange *x)
{
	bool stops;

	pthread_mutex_lock(&x->lock);
	stops = x->is_stopping;
	pthread_mutex_unlock(&x->lock);
	return stops;
}

void
exchange_send_reports(struct exchange *x, const struct config *cfg)
{
	int64_t now = clock_seconds(), interval = cfg->tls_reports.interval;
	struct tlsrpt_report r;

	if (!cfg->tls_reports.enabled)
		return;
	/* Not all of the world at midnight. */
	while (
	    !is_stopping(x) && tlsrpt_next(x->tlsrpt, cfg,
				   now - x->report_delay * interval / 100, &r))
		tlsrpt_end(x->tlsrpt, &r, send_report(x, cfg, &r));
	/* What could not be sent is tried again for the time of a window. */
	if (now - x->reports_tried >= AGAIN) {
		tlsrpt_again(x->tlsrpt, now - 2 * interval);
		x->reports_tried = now;
	}
}
