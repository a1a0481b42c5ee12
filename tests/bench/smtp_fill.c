/*
 * smtp_fill.c - puts messages into a queue that no server has open, as if they
 * had been taken, but without waiting for the disk.
 */
#include "smtp.h"

#include "base/mem.h"
#include "base/str.h"
#include "exchange/queue.h"

#include <stdio.h>
#include <stdlib.h>

static enum pst_rc
fill_one(struct queue *q, const struct smtp_options *opt, int64_t number,
    struct pst_str text, struct pst_error *err)
{
	struct envelope_recipient to = { .notify = NOTIFY_DEFAULT };
	struct envelope e = { .sender = str_of(opt->from),
		.author = str_of(opt->from),
		.recipient = &to,
		.recipients = 1 };
	struct queue_writer *w = queue_write_new(q);
	char head[512], address[128];
	uint64_t id;
	enum pst_rc rc;
	int n = snprintf(head, sizeof(head),
	    "X-Number: %lld\r\nFrom: <%s>\r\nSubject: One of many\r\n\r\n",
	    (long long)number, opt->from);

	(void)snprintf(address, sizeof(address), "r%lld@d%lld.bench.test",
	    (long long)number, (long long)(number % opt->domains + 1));
	to.address = str_of(address);
	rc = queue_write(w, head, (size_t)n, err);
	if (rc == PST_OK)
		rc = queue_write(w, text.p, text.n, err);
	if (rc == PST_OK)
		rc = queue_commit(w, &e, &id, err);
	queue_write_free(&w);
	return rc;
}

int
smtp_fill(const struct smtp_options *opt)
{
	struct queue_options qo = { .journal = { .segment_size = 64 << 20 } };
	struct pst_error err = { 0 };
	struct queue *q;
	struct buf text;
	enum pst_rc rc = queue_open(opt->queue, &qo, &q, &err);

	buf_init(&text, (size_t)opt->octets + 80);
	while (text.n + 72 <= (size_t)opt->octets)
		(void)buf_printf(&text, "%070d\r\n", 0);
	for (int64_t i = 0; i < opt->messages && rc == PST_OK; i++)
		rc = fill_one(q, opt, opt->first + i, buf_str(&text), &err);
	buf_fini(&text);
	queue_close(&q);
	if (rc != PST_OK)
		(void)fprintf(stderr, "bench_smtp: %s\n", err.detail);
	return rc == PST_OK ? 0 : 1;
}
