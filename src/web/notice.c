/*
 * web/notice.c - mail from the server to its own users.
 */
#include "web/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "delivery/delivery.h"
#include "message/header.h"

#include <inttypes.h>

enum { NOTICE_MAX = 1024 * 1024 };

struct delivery *
web_notice_begin(struct http_request *h, const char *user)
{
	struct delivery *d = delivery_new(http_services(h), http_config_ref(h));
	const struct delivery_recipient r = { .address = str_of(user) };
	struct pst_error err = { 0 };

	if (delivery_add(d, &r, &err) != PST_OK) {
		log_failure(
		    PST_LOG_WARNING, net_id(http_conn(h)), "notice", &err);
		delivery_free(&d);
	}
	return d;
}

static void
write_notice(const struct config *cfg, const char *user, const char *subject,
    const char *text, struct buf *out)
{
	char date[40];

	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out,
	    "Date: %s\r\n"
	    "From: Postmaster <postmaster@%s>\r\n"
	    "To: <%s>\r\n"
	    "Subject: %s\r\n"
	    "Message-ID: <notice.%" PRIu64 "@%s>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n%s",
	    date, strchr(user, '@') + 1, user, subject, random_u64(),
	    cfg->hostname, text);
}

void
web_notice_send(struct http_request *h, struct delivery **d, const char *user,
    const char *subject, const char *text)
{
	const struct delivery_message m = {
		.sender = STR_NONE, .id = STR("notice"), .unfiltered = true
	};
	enum pst_rc results[1] = { PST_OK }, rc;
	struct pst_error err = { 0 };
	size_t stored = 0;
	struct buf out;

	if (*d == NULL)
		return;
	buf_init(&out, NOTICE_MAX);
	write_notice(http_config(h), user, subject, text, &out);
	rc = delivery_begin(*d, &m, &err);
	if (rc == PST_OK)
		rc = delivery_write(*d, out.p, out.n, &err);
	if (rc == PST_OK)
		(void)delivery_finish(*d, results, &stored, &err);
	if (rc != PST_OK || results[0] != PST_OK)
		log_failure(
		    PST_LOG_WARNING, net_id(http_conn(h)), "notice", &err);
	delivery_free(d);
	buf_fini(&out);
}
