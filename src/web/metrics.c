/*
 * web/metrics.c - what a monitoring system reads (Prometheus' text format): how
 * much there is now, and how often each event of the log came. Nothing of it
 * names users.
 */
#include "web/web.h"

#include "base/log.h"
#include "base/str.h"

enum { TEXT_MAX = 1 << 20 };

void
web_metric(struct buf *out, const char *name, const char *type)
{
	(void)buf_printf(out, "# TYPE postern_%s %s\n", name, type);
}

void
web_value(struct buf *out, const char *name, const char *label,
    const char *label_value, uint64_t value)
{
	(void)buf_printf(out, "postern_%s", name);
	if (label != NULL) {
		(void)buf_printf(out, "{%s=\"", label);
		for (; *label_value != '\0'; label_value++) {
			if (*label_value == '"' || *label_value == '\\')
				(void)buf_putc(out, '\\');
			(void)buf_putc(out, *label_value);
		}
		(void)buf_puts(out, "\"}");
	}
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, value);
	(void)buf_putc(out, '\n');
}

static void
put_event(void *arg, const char *event, uint64_t count)
{
	web_value(arg, "events_total", "event", event, count);
}

static void
run_metrics(struct http_request *h)
{
	const struct services *sv = http_services(h);
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (sv->measure != NULL)
		sv->measure(sv->measure_arg, &out);
	web_metric(&out, "events_total", "counter");
	log_each_event(put_event, &out);
	http_add(h, "Cache-Control", "no-store");
	http_answer_buf(h, 200, "text/plain; version=0.0.4", &out);
	buf_fini(&out);
}

static void
run_health(struct http_request *h)
{
	http_add(h, "Cache-Control", "no-store");
	http_answer(h, 200, "text/plain", STR("ok\n"));
}

const struct http_route web_metrics_routes[] = {
	{ "GET", "/metrics", 0, run_metrics, NULL, NULL, NULL },
	{ "GET", "/health", 0, run_health, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
